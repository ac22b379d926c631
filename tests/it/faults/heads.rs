//! HEADs that are refused or incomplete, and lists that are returned as another manifest.

use crate::support::registry::Then;
use crate::support::registry::knobs::{Absent, Accept, Head};

use super::{ALWAYS, World, fault};

#[test]
fn a_head_that_is_refused_is_asked_again_by_get() {
    for status in [405, 403] {
        let world = World::new(|knobs| knobs.head = Head::Refused(status));
        let run = world.assert_gets_over();
        let refused = run.log.filter(|exchange| exchange.method == "HEAD" && exchange.status == status);
        assert!(refused.len() >= 3, "{}", run.log);
    }
}

#[test]
fn a_head_without_a_digest_is_asked_again_by_get() {
    World::new(|knobs| knobs.head = Head::NoDigest).assert_gets_over();
}

#[test]
fn a_get_in_place_of_a_head_is_repeated_if_it_does_not_have_the_digest_it_names() {
    for then in [Then::Flipped, Then::Cut, Then::HeadOnly] {
        let world = World::new(|knobs| knobs.head = Head::Refused(405));
        world.inner().knobs().fault(fault("GET", "/acme/app-arm64/manifests/v1", 2, then));
        world.assert_gets_over();
    }
}

#[test]
fn a_get_in_place_of_a_head_that_failed_is_repeated_if_it_does_not_have_the_digest_it_names() {
    let path = "/acme/app-arm64/manifests/v1";
    let faults = [fault("HEAD", path, 8, Then::Status(503)), fault("GET", path, 1, Then::Flipped)];
    World::faulty(&faults).assert_gets_over();
}

#[test]
fn a_get_in_place_of_a_head_that_never_has_the_digest_it_names_is_no_answer() {
    let world = World::new(|knobs| knobs.head = Head::Refused(405));
    world.inner().knobs().fault(fault("GET", "/acme/app-arm64/manifests/v1", ALWAYS, Then::Flipped));
    let run = world.sync().ends(1);
    assert_eq!(run.problem("mlist::registry::wrong_digest")["retry"], true);
    world.assert_nothing_published();
}

#[test]
fn a_head_of_no_known_type_is_asked_again_by_get() {
    World::new(|knobs| knobs.head = Head::WrongType).assert_gets_over();
}

#[test]
fn a_length_that_a_head_gets_wrong_is_published_nowhere() {
    let world = World::new(|knobs| knobs.head = Head::WrongLength);
    world.assert_gets_over();
    let store = world.inner().store();
    let list = store.manifest("acme/app", "v1").expect("the tag stands");
    let list: serde_json::Value = serde_json::from_slice(&list.bytes).expect("JSON");
    for (entry, image) in list["manifests"].as_array().expect("entries").iter().zip(&world.images) {
        assert_eq!(entry["size"], image.manifest().len(), "{entry}");
    }
}

#[test]
fn heads_that_begin_to_lie_are_no_reason_to_write() {
    for head in [Head::WrongLength, Head::NoDigest, Head::WrongType, Head::Refused(405)] {
        let world = World::new(|_| {});
        world.sync().ends(0);
        world.inner().knobs().head = head;
        world.assert_unchanged();
    }
}

#[test]
fn a_list_never_comes_as_its_amd64_child() {
    let world = World::new(|knobs| knobs.accept = Accept::Downgrade);
    world.assert_gets_over();
    // Check that the knob works: a client that does not accept lists gets the child.
    let accept = [("Accept", world.images[0].media_type())];
    let answer = world.registry.wire().send("HEAD", "/v2/acme/app/manifests/v1", &accept, b"");
    assert_eq!(answer.header("Docker-Content-Digest"), Some(world.images[0].digest().as_str()));
}

#[test]
fn a_source_that_is_forbidden_is_not_taken_for_absent() {
    let world = World::new(|_| {});
    world.sync().ends(0);
    world.inner().store().remove("acme/app-arm64", "v1");
    world.inner().knobs().absent = Absent::Forbidden;
    let run = world.sync().ends(1);
    run.problem("mlist::registry::denied");
    assert_eq!(run.log.writes().len(), 0, "{}", run.log);
}
