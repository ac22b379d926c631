//! Tests of the lies: each changes the answers that it says and no others.

use crate::support::images::{Dialect, Image};
use crate::support::registry::knobs::References;
use crate::support::registry::lie::{Change, Lie};
use crate::support::registry::{Knobs, Registry};
use crate::support::seed;
use crate::support::wire::{Answer, EVERY_TYPE, Wire};

const MANIFEST: &str = "/v2/a/b/manifests/v1";
const DIGEST: &str = "docker-content-digest";

/// A registry that remembers its past, with an image at `a/b:v1`.
fn seeded() -> (Registry, Wire, Image) {
    let registry = Registry::start(Knobs { keeps_past: true, ..Knobs::default() });
    let image = Image::new(Dialect::Docker, "linux/amd64", "app");
    seed::image(&mut registry.store(), "a/b", "v1", &image);
    let wire = Wire::new(registry.host(), None);
    (registry, wire, image)
}

fn send(wire: &Wire, method: &str) -> Answer {
    wire.send(method, MANIFEST, &[("Accept", EVERY_TYPE)], b"")
}

#[test]
fn one_answer_is_changed() {
    let (registry, wire, image) = seeded();
    registry.knobs().lies.push(Lie::new("GET", MANIFEST, [Change::Half, Change::NoHeader(DIGEST)]).once(1));
    let whole = image.manifest();
    assert_eq!(send(&wire, "GET").body, whole);
    assert_eq!(send(&wire, "HEAD").status, 200);
    let false_one = send(&wire, "GET");
    assert_eq!((&*false_one.body, false_one.header(DIGEST)), (&whole[..whole.len() / 2], None));
    assert_eq!(send(&wire, "GET").body, whole);
    assert_eq!(registry.knobs().lies[0].told, 1);
}

#[test]
fn a_status_and_headers_are_changed() {
    let (registry, wire, _) = seeded();
    let changes = [Change::Status(202), Change::Header(DIGEST, "sha256:0".into()), Change::Body("other".into())];
    registry.knobs().lies.push(Lie::new("GET", MANIFEST, changes));
    let answer = send(&wire, "GET");
    assert_eq!((answer.status, answer.header(DIGEST), &*answer.body), (202, Some("sha256:0"), &b"other"[..]));
    registry.knobs().lies = vec![Lie::new("GET", MANIFEST, [Change::Error(404, "MANIFEST_UNKNOWN")])];
    assert_eq!(send(&wire, "GET").status, 404);
}

#[test]
fn one_tag_is_left_out() {
    let (registry, wire, image) = seeded();
    seed::manifest(&mut registry.store(), "a/b", "v2", image.media_type(), image.manifest());
    registry.knobs().lies.push(Lie::new("GET", "/v2/a/b/tags/list", [Change::WithoutTag("v1".to_owned())]));
    assert_eq!(wire.send("GET", "/v2/a/b/tags/list", &[], b"").json()["tags"], serde_json::json!(["v2"]));
}

#[test]
fn a_stale_answer_is_the_one_before_the_last_difference() {
    let (registry, wire, image) = seeded();
    let newer = Image::new(Dialect::Docker, "linux/amd64", "newer");
    seed::image(&mut registry.store(), "a/b", "newer", &newer);
    let put = |tag: &str| wire.put_manifest("a/b", tag, newer.media_type(), newer.manifest());
    assert_eq!(put("v1").status, 201);
    assert_eq!(put("v2").status, 201);
    assert_eq!(registry.past().len(), 2);
    registry.knobs().lies.push(Lie::new("GET", MANIFEST, [Change::Stale]).once(0));
    assert_eq!(send(&wire, "GET").body, image.manifest());
    assert_eq!(send(&wire, "GET").body, newer.manifest());
}

#[test]
fn a_write_that_is_not_stored_is_answered_like_any_other() {
    let (registry, wire, image) = seeded();
    registry.knobs().lies.push(Lie::new("PUT", "/v2/a/b/manifests/v2", [Change::NotStored]));
    assert_eq!(wire.put_manifest("a/b", "v2", image.media_type(), image.manifest()).status, 201);
    assert!(registry.store().manifest("a/b", "v2").is_none());
    let deleted = Change::Deleted("a/b".to_owned(), image.digest());
    registry.knobs().lies.push(Lie::new("GET", MANIFEST, [deleted]));
    assert_eq!(send(&wire, "GET").status, 404);
}

#[test]
fn references_are_checked_unless_the_knob_says_otherwise() {
    let (registry, wire, image) = seeded();
    let put = || wire.put_manifest("c/d", "v1", image.media_type(), image.manifest()).status;
    assert_eq!(put(), 400);
    registry.knobs().references = References::Unchecked;
    assert_eq!(put(), 201);
    let wrong = format!("sha256:{}", "0".repeat(64));
    assert_eq!(wire.put_manifest("c/d", &wrong, image.media_type(), image.manifest()).status, 400);
}
