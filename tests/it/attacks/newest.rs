//! The list of tags has a hole: `newest` moves no tag back.

use crate::support::images::{Dialect, Image, OCI_INDEX, index};
use crate::support::registry::lie::{Change, Lie};
use crate::support::seed;

use super::{CONTRADICTORY, World, assert_tells};

const TAGS: &str = "/v2/dst/app/tags/list";
const ODD: &str = "mlist::registry::not_a_registry";

/// A target with `v1.10.0` and `latest` on it, and a file that publishes `v1.9.1`. Returns the digest of `latest`.
fn newer_is_published() -> (World, String) {
    let world = World::new(
        r#"
            vars.version = "1.9.1"
            tags = ["v{version}", { tag = "latest", when = "newest" }]
            platforms = ["linux/amd64"]
        "#,
    );
    let newer = Image::new(Dialect::Oci, "linux/amd64", "newer");
    seed::image(&mut world.store(), "dst/app", &newer.digest(), &newer);
    for tag in ["v1.10.0", "latest"] {
        seed::manifest(&mut world.store(), "dst/app", tag, OCI_INDEX, &index(&[newer.entry()]));
    }
    let digest = world.tag("latest").expect("it was pushed");
    (world, digest)
}

/// Checks that a list of tags with these changes moves nothing, and that the problem has this code.
#[track_caller]
fn assert_stays(changes: &[Change], code: &str) {
    let (world, latest) = newer_is_published();
    world.lie(Lie::new("GET", TAGS, changes));
    let output = world.sync().exits(1);
    assert_tells(&output, code, &format!("{}/dst/app", world.registry.host()));
    assert_eq!(world.tag("latest"), Some(latest), "{output}");
    assert_eq!(world.registry.log().writes().len(), 0, "{output}");
}

fn body(text: &'static str) -> Change {
    Change::Body(text.into())
}

/// The control for the other tests.
#[test]
fn latest_stays_at_a_newer_version() {
    let (world, latest) = newer_is_published();
    let output = world.sync().exits(0);
    assert!(output.stdout.contains("1.10.0 is newer than 1.9.1"), "{output}");
    assert_eq!(world.tag("latest"), Some(latest));
    assert!(world.tag("v1.9.1").is_some());
}

/// B2.
#[test]
fn a_tag_list_that_is_null_moves_nothing() {
    assert_stays(&[body(r#"{"name":"dst/app","tags":null}"#)], CONTRADICTORY);
}

/// B2.
#[test]
fn a_tag_list_without_tags_moves_nothing() {
    assert_stays(&[body("{}")], CONTRADICTORY);
}

/// B2.
#[test]
fn a_tag_list_that_is_not_found_moves_nothing() {
    assert_stays(&[Change::Error(404, "NAME_UNKNOWN")], CONTRADICTORY);
}

/// B3.
#[test]
fn a_link_without_angle_brackets_moves_nothing() {
    let page = body(r#"{"name":"dst/app","tags":["latest"]}"#);
    let link = Change::Header("link", r#"/v2/dst/app/tags/list?last=latest; rel="next""#.into());
    assert_stays(&[page, link], ODD);
}

/// B3.
#[test]
fn a_link_that_is_not_ascii_moves_nothing() {
    let page = body(r#"{"name":"dst/app","tags":["latest"]}"#);
    let link = Change::Header("link", (&b"</v2/dst/app/tags/list?last=\xe9>; rel=\"next\""[..]).into());
    assert_stays(&[page, link], ODD);
}

/// B9.
#[test]
fn a_second_page_that_is_not_found_moves_nothing() {
    let (world, latest) = newer_is_published();
    world.registry.knobs().tags.most = Some(1);
    let second =
        Lie { query: Some("n=1&last=latest".into()), ..Lie::new("GET", TAGS, [Change::Error(404, "NAME_UNKNOWN")]) };
    world.lie(second);
    let output = world.sync().exits(1);
    assert_tells(&output, ODD, &format!("{}/dst/app", world.registry.host()));
    assert_eq!(world.tag("latest"), Some(latest), "{output}");
}
