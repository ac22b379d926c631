//! Responses that are lost, truncated, late, corrupt, compressed or too large, or that are not from a registry.

use std::time::Duration;

use crate::support::images::{Dialect, Image};
use crate::support::registry::{Fault, Then};

use super::{ALWAYS, Run, World, fault};

/// Checks that the list is published despite these faults.
fn get_over(faults: &[Fault]) -> Run {
    World::faulty(faults).assert_gets_over()
}

/// Checks that the list is not published if this fault always occurs.
fn give_up(method: &'static str, path: &'static str, then: Then) -> (World, Run) {
    let world = World::faulty(&[fault(method, path, ALWAYS, then)]);
    let run = world.sync();
    world.assert_nothing_published();
    (world, run)
}

#[test]
fn a_connection_that_is_closed_instead_of_an_answer_is_got_over() {
    for then in [Then::RequestLost, Then::AnswerLost] {
        get_over(&[
            fault("HEAD", "/manifests/", 2, then),
            fault("GET", "/manifests/", 2, then),
            fault("GET", "/blobs/", 2, then),
            fault("POST", "/blobs/", 2, then),
            fault("PUT", "/manifests/sha256:", 2, then),
            fault("PUT", "/manifests/v1", 2, then),
        ]);
    }
}

#[test]
fn an_answer_of_nothing_but_its_head_is_asked_for_again() {
    let run = get_over(&[fault("GET", "/manifests/", 1, Then::HeadOnly), fault("GET", "/blobs/", 1, Then::HeadOnly)]);
    assert_eq!((run.count("GET", "/manifests/"), run.count("GET", "/blobs/")), (2 + 1, 2 + 1), "{}", run.log);
}

#[test]
fn an_answer_that_is_cut_is_asked_for_again() {
    let run = get_over(&[fault("GET", "/manifests/", 2, Then::Cut), fault("GET", "/blobs/", 2, Then::Cut)]);
    assert_eq!((run.count("GET", "/manifests/"), run.count("GET", "/blobs/")), (2 + 2, 2 + 2), "{}", run.log);
}

#[test]
fn flipped_bytes_are_asked_for_again() {
    let run = get_over(&[fault("GET", "/manifests/", 2, Then::Flipped), fault("GET", "/blobs/", 2, Then::Flipped)]);
    assert_eq!((run.count("GET", "/manifests/"), run.count("GET", "/blobs/")), (2 + 2, 2 + 2), "{}", run.log);
}

#[test]
fn bytes_that_are_always_flipped_are_never_used() {
    let (_, run) = give_up("GET", "/acme/app-arm64/manifests/", Then::Flipped);
    let run = run.ends(1);
    let problem = run.problem("mlist::registry::wrong_digest");
    assert!(problem["reference"].as_str().expect("a reference").contains("acme/app-arm64@sha256:"), "{problem}");
    assert_eq!(run.log.writes().len(), 0, "{}", run.log);
}

#[test]
fn a_head_that_comes_late_is_waited_for() {
    let late = Then::Slow(Duration::from_secs(3));
    let run = get_over(&[fault("HEAD", "/manifests/", 1, late), fault("PUT", "/manifests/v1", 1, late)]);
    assert_eq!((run.count("HEAD", "/manifests/"), run.list_puts()), (3 + 1, 1), "nothing is repeated: {}", run.log);
}

#[test]
fn an_answer_that_never_comes_is_given_up_and_asked_for_again() {
    // The list is written, but its response never arrives. The retry finds the list or writes it again.
    let run = get_over(&[fault("PUT", "/manifests/v1", 1, Then::Stalled)]);
    assert!(run.list_puts() <= 2, "{}", run.log);
}

#[test]
fn a_body_that_stands_still_is_given_up_and_asked_for_again() {
    let run = get_over(&[fault("GET", "/blobs/", 1, Then::BodyStalled)]);
    assert_eq!(run.count("GET", "/blobs/"), 2 + 1, "{}", run.log);
}

#[test]
fn a_proxys_page_that_says_502_is_got_over() {
    get_over(&[
        fault("GET", "/manifests/", 2, Then::Page(502)),
        fault("POST", "/blobs/", 2, Then::Page(502)),
        fault("PUT", "/manifests/v1", 2, Then::Page(502)),
    ]);
}

#[test]
fn a_page_instead_of_a_manifest_is_no_registrys() {
    let world = World::faulty(&[
        fault("HEAD", "/acme/app-arm64/manifests/", ALWAYS, Then::Page(200)),
        fault("GET", "/acme/app-arm64/manifests/", ALWAYS, Then::Page(200)),
    ]);
    let run = world.sync().ends(1);
    let problem = run.problem("mlist::registry::not_a_registry");
    assert_eq!(
        problem["causes"],
        serde_json::json!(["the response is an HTML page, not a manifest", r#"200 "502 Bad Gateway""#])
    );
    assert_eq!(run.log.writes().len(), 0, "{}", run.log);
}

#[test]
fn a_page_instead_of_the_bytes_of_a_digest_is_never_used() {
    let (_, run) = give_up("GET", "/acme/app-arm64/manifests/", Then::Page(200));
    let run = run.ends(1);
    // Both its digest and its media type are wrong, so either code is correct.
    let code = run.report["lists"][0]["problems"][0]["code"].as_str().expect("a code");
    assert!(["mlist::registry::wrong_digest", "mlist::registry::not_a_registry"].contains(&code), "{}", run.output);
    assert_eq!(run.log.writes().len(), 0, "{}", run.log);
}

#[test]
fn plain_text_is_told_as_it_is() {
    let world = World::faulty(&[
        fault("HEAD", "/acme/app/manifests/", ALWAYS, Then::Status(403)),
        fault("GET", "/acme/app/manifests/", ALWAYS, Then::Words(403, "Blocked by policy 17 of the front door.\n")),
    ]);
    let run = world.sync().ends(1);
    let problem = run.problem("mlist::registry::denied");
    assert!(problem["causes"].to_string().contains("Blocked by policy 17 of the front door."), "{problem}");
}

#[test]
fn a_page_is_told_by_its_title() {
    let (_, run) = give_up("PUT", "/acme/app/manifests/v1", Then::Page(403));
    let run = run.ends(1);
    let problem = run.problem("mlist::registry::denied");
    assert!(problem["causes"].to_string().contains("502 Bad Gateway"), "{problem}");
    assert!(!run.output.stderr.contains("<h1>"), "{}", run.output);
}

#[test]
fn what_a_registry_says_begins_no_line_and_moves_no_cursor() {
    let words = "no\u{1b}[31m way\n::error::owned\r##[error]owned\u{202e} \u{200b}here";
    let (_, run) = give_up("PUT", "/acme/app/manifests/v1", Then::Error(403, "DENIED", words));
    let run = run.ends(1);
    run.problem("mlist::registry::denied");
    assert!(run.output.stderr.contains("way"), "it is told: {}", run.output);
    let foreign = ['\u{1b}', '\r', '\u{202e}', '\u{200b}'];
    assert!(!run.output.stderr.contains(foreign), "{:?}", run.output.stderr);
    let obeyed = |line: &str| ["::", "##["].iter().any(|word| line.trim_start().starts_with(word));
    assert!(!run.output.stderr.lines().any(obeyed), "{}", run.output);
}

#[test]
fn a_manifest_that_was_packed_on_its_way_is_not_used() {
    let (_, run) = give_up("GET", "/acme/app-arm64/manifests/", Then::Gzipped);
    let run = run.ends(1);
    let problem = run.problem("mlist::registry::not_a_registry");
    assert!(problem["causes"].to_string().contains("Content-Encoding: gzip"), "{problem}");
    assert_eq!(run.count("GET", "/acme/app-arm64/manifests/"), 1, "{}", run.log);
    assert_eq!(run.log.writes().len(), 0, "{}", run.log);
}

#[test]
fn nobody_is_asked_to_pack_anything() {
    let run = World::new(|_| {}).assert_gets_over();
    for exchange in run.log.iter() {
        let accepted = exchange.said.headers.iter().find(|(name, _)| name == "accept-encoding");
        assert!(accepted.is_none_or(|(_, value)| value == "identity"), "{exchange}: {accepted:?}");
    }
}

#[test]
fn a_manifest_of_more_than_four_mebibytes_is_not_read() {
    let world = World::new(|knobs| knobs.largest_manifest = Some(8 << 20));
    let image = Image::new(Dialect::Oci, "linux/arm64", "padded");
    let mut bytes = image.manifest().to_vec();
    bytes.resize(5 << 20, b' ');
    image.blobs().iter().for_each(|(digest, bytes)| world.registry.wire().put_blob("acme/app-arm64", digest, bytes));
    let put = world.registry.wire().put_manifest("acme/app-arm64", "v1", image.media_type(), &bytes);
    assert_eq!(put.status, 201);
    let run = world.sync();
    world.assert_nothing_published();
    assert!([1, 4].contains(&run.output.status), "{}", run.output);
    run.problem("mlist::registry::too_large");
    assert_eq!(run.count("GET", "/acme/app-arm64/manifests/"), 1, "{}", run.log);
    assert_eq!(run.log.writes().len(), 0, "{}", run.log);
}

#[test]
fn a_plan_gets_over_what_a_run_does_and_writes_nothing() {
    let each = [Then::RequestLost, Then::Cut, Then::Flipped, Then::Status(503), Then::Status(429), Then::Page(502)];
    let reads = ["/manifests/", "/blobs/"].iter();
    let faults: Vec<Fault> = reads.flat_map(|path| each.map(|then| fault("GET", path, 1, then))).collect();
    let world = World::faulty(&faults);
    let (output, log) = world.registry.watch(|| world.context.mlist("plan --exit-code --format json"));
    let plan = output.exits(3).json();
    assert_eq!((&plan["summary"]["create"], log.writes().len()), (&1.into(), 0), "{log}");
    world.assert_all_struck();
}
