//! Mounts, uploads, and redirects of blobs.

use crate::support::images::{Dialect, Image};
use crate::support::registry::knobs::{Blobs, Uploads};
use crate::support::registry::{Auth, Log, Mount, Then};

use super::{World, fault};

/// Counts the completed uploads. Each sends a blob.
fn uploads(log: &Log) -> usize {
    log.filter(|exchange| exchange.method == "PUT" && exchange.is_blob()).len()
}

#[test]
fn a_mount_that_becomes_a_session_is_streamed() {
    for auth in [|_| Auth::None, Auth::Basic, Auth::Bearer] {
        let world = World::guarded(auth, |knobs| knobs.mount = Mount::Session);
        let run = world.assert_gets_over();
        assert_eq!((run.count("POST", "/blobs/uploads/"), uploads(&run.log)), (4, 4), "{}", run.log);
    }
}

#[test]
fn a_mount_that_is_refused_is_streamed() {
    for status in [400, 403, 404, 405, 415] {
        let world = World::new(|knobs| knobs.mount = Mount::Refused(status));
        let run = world.assert_gets_over();
        assert_eq!((run.count("POST", "/blobs/uploads/"), uploads(&run.log)), (4 + 4, 4), "{}", run.log);
    }
}

#[test]
fn a_mount_that_is_denied_to_a_good_token_is_streamed() {
    let world = World::guarded(Auth::Bearer, |knobs| knobs.mount = Mount::Refused(401));
    let run = world.assert_gets_over();
    assert_eq!(uploads(&run.log), 4, "{}", run.log);
}

#[test]
fn an_upload_goes_where_the_registry_says() {
    for uploads_go in [Uploads::Relative, Uploads::Absolute] {
        let world = World::guarded(Auth::Bearer, |knobs| {
            (knobs.mount, knobs.uploads) = (Mount::Session, uploads_go);
        });
        let run = world.assert_gets_over();
        assert_eq!(uploads(&run.log), 4, "{}", run.log);
    }
}

#[test]
fn an_upload_to_another_host_takes_no_credentials_there() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let world = World::guarded(auth, |knobs| {
            (knobs.mount, knobs.uploads) = (Mount::Session, Uploads::Storage);
        });
        let run = world.assert_gets_over();
        assert_eq!((uploads(&run.log), uploads(&world.inner().storage_log())), (0, 4), "{}", run.log);
        let signed = world.inner().storage_log().filter(|exchange| exchange.says("Basic ") || exchange.says("Bearer "));
        assert_eq!(signed.len(), 0, "{signed}");
    }
}

#[test]
fn a_blob_in_another_host_is_read_without_credentials() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let world = World::guarded(auth, |knobs| (knobs.mount, knobs.blobs) = (Mount::Session, Blobs::Storage));
        world.assert_gets_over();
        let read = world.inner().storage_log();
        // Two configs for the plan, then all four blobs, because none is mounted.
        assert!(read.len() >= 4, "{read}");
        for name in ["authorization", "cookie", "referer"] {
            let sent = read.filter(|exchange| exchange.said.headers.iter().any(|(header, _)| header == name));
            assert_eq!(sent.len(), 0, "{name}: {sent}");
        }
    }
}

#[test]
fn a_blob_that_is_cut_or_flipped_on_its_way_is_sent_anew() {
    for then in [Then::Cut, Then::Flipped, Then::HeadOnly, Then::Status(503)] {
        let world = World::faulty(&[fault("GET", "/blobs/", 4, then)]);
        world.inner().knobs().mount = Mount::Session;
        world.assert_gets_over();
    }
}

#[test]
fn an_upload_that_comes_to_harm_is_begun_anew() {
    for then in [Then::RequestFlipped, Then::RequestLost, Then::Status(500), Then::Status(404)] {
        let world = World::faulty(&[fault("PUT", "/blobs/uploads/", 3, then)]);
        world.inner().knobs().mount = Mount::Session;
        world.assert_gets_over();
    }
}

#[test]
fn an_upload_that_is_taken_though_the_answer_says_no_is_got_over() {
    for then in [Then::StatusAfter(500), Then::AnswerLost] {
        let world = World::faulty(&[fault("PUT", "/blobs/uploads/", 2, then)]);
        world.inner().knobs().mount = Mount::Session;
        world.assert_gets_over();
    }
}

#[test]
fn a_mount_that_is_granted_without_effect_is_sent() {
    let world = World::new(|knobs| knobs.mount = Mount::Pretended);
    let run = world.assert_gets_over();
    assert_eq!(uploads(&run.log), 4, "{}", run.log);
}

#[test]
fn an_upload_at_a_link_local_address_goes_nowhere() {
    let world = World::guarded(Auth::Basic, |knobs| {
        knobs.mount = Mount::Session;
        knobs.uploads = Uploads::At("http://[fe80::1]:9/upload".to_owned());
    });
    let run = world.sync();
    assert_ne!(run.output.status, 0, "{}", run.output);
    world.assert_nothing_published();
    run.problem("mlist::registry::not_a_registry");
    let sent = run.output.stderr.lines().filter(|line| line.starts_with("PUT http://[fe80::1]"));
    assert_eq!(sent.count(), 0, "{}", run.output);
}

#[test]
fn layers_that_only_their_vendor_hands_out_are_left_there() {
    for mount in [Mount::Granted, Mount::Session, Mount::Refused(404)] {
        for dialect in [Dialect::Docker, Dialect::Oci] {
            let mut world = World::new(|_| {});
            world.images[1] = Image::new(dialect, "linux/arm64", "app").on_a_foreign_base();
            world.registry.push("acme/app-arm64", "v1", &world.images[1]);
            world.inner().knobs().mount = mount;
            let run = world.assert_gets_over();
            let read =
                run.log.filter(|exchange| exchange.method == "GET" && exchange.is_blob() && exchange.status == 404);
            assert_eq!(read.len(), 0, "what no registry holds was asked for: {read}");
        }
    }
}
