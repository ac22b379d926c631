//! The published list cannot be read, or HEAD says that it is something else.

use serde_json::{Value, json};

use crate::support::images::{Dialect, Image, OCI_INDEX, OCI_MANIFEST, index};
use crate::support::registry::lie::{Change, Lie};
use crate::support::seed;

use super::{ABSENT, CONTRADICTORY, World, assert_tells};

const KEEP: &str = r#"
    tags = ["1"]
    platforms = ["linux/amd64"]
    undeclared = "keep"
"#;
const REPLACE: &str = r#"
    tags = ["1"]
    platforms = ["linux/amd64"]
"#;
const HEAD_TAG: &str = "/v2/dst/app/manifests/1";
const UNREADABLE: &str = "mlist::plan::unreadable_manifest";

/// An older amd64 image and an s390x image of another writer, which are in the published list.
fn published_images(world: &World) -> [Image; 2] {
    ["linux/amd64", "linux/s390x"].map(|platform| {
        let image = Image::new(Dialect::Oci, platform, "published");
        seed::image(&mut world.store(), "dst/app", &image.digest(), &image);
        image
    })
}

/// Publishes a list of [`published_images`] as `1`. Returns the world, the digest of the list and that of s390x.
fn published(keys: &str) -> (World, String, String) {
    let world = World::new(keys);
    let images = published_images(&world);
    let list = index(&images.each_ref().map(Image::entry));
    seed::manifest(&mut world.store(), "dst/app", "1", OCI_INDEX, &list);
    let digest = world.tag("1").expect("it was pushed");
    (world, digest, images[1].digest())
}

fn by_digest(digest: &str) -> String {
    format!("/v2/dst/app/manifests/{digest}")
}

/// A1.
#[test]
fn a_list_that_is_not_found_by_its_digest_fails_under_keep() {
    let (world, digest, _) = published(KEEP);
    world.lie(Lie::new("GET", &by_digest(&digest), [ABSENT]));
    let output = world.sync().exits(1);
    assert_tells(&output, CONTRADICTORY, &format!("{}/dst/app:1", world.registry.host()));
    assert_eq!(world.tag("1"), Some(digest));
    assert_eq!(world.registry.log().writes().len(), 0);
}

/// A1.
#[test]
fn a_list_that_is_not_found_once_is_requested_again() {
    let (world, digest, s390x) = published(KEEP);
    world.lie(Lie::new("GET", &by_digest(&digest), [ABSENT]).once(0));
    world.sync().exits(0);
    assert_eq!(world.digests("1"), [world.amd64.digest(), s390x]);
}

/// Changes the published list in one place. Returns its bytes, which mlist cannot parse.
fn unreadable(entries: &[Value], form: &str) -> Vec<u8> {
    let text = String::from_utf8(index(entries)).expect("JSON");
    let (size, digest) = (entries[0]["size"].to_string(), entries[0]["digest"].as_str().expect("a digest"));
    let replace = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}: {text}");
        text.replacen(from, to, 1)
    };
    let with_field = |field: &str| replace(r#"{"digest""#, &format!(r#"{{{field},"digest""#));
    let changed = match form {
        "a negative size" => replace(&format!(r#""size":{size}"#), &format!(r#""size":-{size}"#)),
        "a size with an exponent" => replace(&format!(r#""size":{size}"#), r#""size":4.18e2"#),
        "no size" => replace(&format!(r#","size":{size}"#), ""),
        "a digest by SHA-384" => replace(digest, &format!("sha384:{}", "0".repeat(96))),
        "annotations twice" => with_field(r#""annotations":{"a":"b"},"annotations":{"a":"b"}"#),
        "a variant that is a number" => replace(r#""os":"linux""#, r#""os":"linux","variant":3"#),
        "an annotation that is a number" => with_field(r#""annotations":{"build":7}"#),
        "a byte order mark" => format!("\u{feff}{text}"),
        _ => unreachable!("{form}"),
    };
    assert_ne!(changed, text);
    changed.into_bytes()
}

const FORMS: [&str; 8] = [
    "a negative size",
    "a size with an exponent",
    "no size",
    "a digest by SHA-384",
    "annotations twice",
    "a variant that is a number",
    "an annotation that is a number",
    "a byte order mark",
];

fn published_unreadably(keys: &str, form: &str) -> (World, String) {
    let world = World::new(keys);
    let list = unreadable(&published_images(&world).each_ref().map(Image::entry), form);
    let digest = world.store().put_unchecked("dst/app", "1", OCI_INDEX, list.into());
    (world, digest)
}

/// A2.
#[test]
fn a_list_that_cannot_be_parsed_blocks_under_keep() {
    for form in FORMS {
        let (world, digest) = published_unreadably(KEEP, form);
        let output = world.sync();
        assert_eq!(output.status, 4, "{form}: {output}");
        assert_tells(&output, UNREADABLE, &format!("{}/dst/app:1", world.registry.host()));
        assert_eq!(world.tag("1"), Some(digest), "{form}");
        assert_eq!(world.registry.log().writes().len(), 0, "{form}");
    }
}

/// A2.
#[test]
fn a_list_that_cannot_be_parsed_is_replaced_with_a_warning_without_keep() {
    for form in FORMS {
        let (world, _) = published_unreadably(REPLACE, form);
        let output = world.sync();
        assert_eq!(output.status, 0, "{form}: {output}");
        assert_tells(&output, "mlist::plan::unreadable_list", &format!("{}/dst/app:1", world.registry.host()));
        assert_eq!(world.digests("1"), [world.amd64.digest()], "{form}");
    }
}

const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// A3.
#[test]
fn a_list_that_head_calls_an_image_is_read() {
    for media_type in [OCI_MANIFEST, SCHEMA1] {
        let (world, _, s390x) = published(KEEP);
        world.lie(Lie::new("HEAD", HEAD_TAG, [Change::Header("content-type", media_type.into())]));
        let output = world.sync();
        assert_eq!(output.status, 0, "{media_type}: {output}");
        assert_eq!(world.digests("1"), [world.amd64.digest(), s390x], "{media_type}");
    }
}

#[test]
fn a_tag_that_is_a_list_by_head_but_names_an_image_fails_under_keep() {
    let (world, digest, s390x) = published(KEEP);
    world.lie(Lie::new("HEAD", HEAD_TAG, [Change::Header("docker-content-digest", s390x.clone().into())]));
    let output = world.sync().exits(1);
    assert_tells(&output, CONTRADICTORY, &format!("{}/dst/app:1", world.registry.host()));
    assert_eq!(world.tag("1"), Some(digest));
    assert_eq!(world.registry.log().writes().len(), 0);
    world.registry.knobs().lies.clear();
    world.lie(Lie::new("HEAD", HEAD_TAG, [Change::Header("docker-content-digest", s390x.clone().into())]).once(0));
    world.sync().exits(0);
    assert_eq!(world.digests("1"), [world.amd64.digest(), s390x]);
}

/// Only a GET of the tag shows that each HEAD names another list of the repository.
#[test]
fn a_tag_that_is_another_list_by_head_is_not_moved_under_keep() {
    let (world, digest, _) = published(KEEP);
    let [amd64, _] = published_images(&world);
    let other = index(&[amd64.entry()]);
    seed::manifest(&mut world.store(), "dst/app", "other", OCI_INDEX, &other);
    let other = world.tag("other").expect("it was pushed");
    world.lie(Lie::new("HEAD", HEAD_TAG, [Change::Header("docker-content-digest", other.into())]));
    let output = world.sync().exits(1);
    assert_tells(&output, "mlist::exec::contended", &format!("{}/dst/app:1", world.registry.host()));
    assert_eq!(world.tag("1"), Some(digest));
}

#[test]
fn a_tag_of_another_writers_member_that_is_listed_but_not_found_fails_the_list() {
    let world = World::new(KEEP);
    let theirs = Image::new(Dialect::Oci, "linux/s390x", "another writer");
    seed::image(&mut world.store(), "dst/app", "1-linux-s390x", &theirs);
    world.lie(Lie::new("HEAD", "/v2/dst/app/manifests/1-linux-s390x", [ABSENT]));
    let output = world.sync().exits(1);
    assert_tells(&output, CONTRADICTORY, &format!("{}/dst/app:1-linux-s390x", world.registry.host()));
    assert_eq!(world.tag("1"), None);
    world.registry.knobs().lies.clear();
    world.sync().exits(0);
    assert_eq!(world.digests("1"), [world.amd64.digest(), theirs.digest()]);
}

/// Publishes a list of both images as another tool writes it: with another order of keys. Returns its digest.
fn published_by_another_tool() -> (World, String) {
    let world = World::new(
        r#"
            tags = ["1"]
            platforms = ["linux/amd64", "linux/arm64"]
        "#,
    );
    for image in [&world.amd64, &world.arm64] {
        seed::image(&mut world.store(), "dst/app", &image.digest(), image);
    }
    let entries = [world.amd64.entry(), world.arm64.entry()];
    let list = json!({ "manifests": entries, "mediaType": OCI_INDEX, "schemaVersion": 2 });
    let list = serde_json::to_vec_pretty(&list).expect("JSON");
    seed::manifest(&mut world.store(), "dst/app", "1", OCI_INDEX, &list);
    let digest = world.tag("1").expect("it was pushed");
    (world, digest)
}

/// K13.
#[test]
fn an_equal_list_that_is_not_found_by_its_digest_is_not_replaced() {
    let (world, digest) = published_by_another_tool();
    world.lie(Lie::new("GET", &by_digest(&digest), [ABSENT]));
    let output = world.sync().exits(1);
    assert_tells(&output, CONTRADICTORY, &format!("{}/dst/app:1", world.registry.host()));
    assert_eq!(world.tag("1"), Some(digest));
}

/// K13.
#[test]
fn an_equal_list_that_head_calls_an_image_is_left_alone() {
    for media_type in [OCI_MANIFEST, SCHEMA1] {
        let (world, digest) = published_by_another_tool();
        world.lie(Lie::new("HEAD", HEAD_TAG, [Change::Header("content-type", media_type.into())]));
        let output = world.sync();
        assert_eq!(output.status, 0, "{media_type}: {output}");
        assert_eq!(world.tag("1"), Some(digest), "{media_type}");
        assert_eq!(world.registry.log().writes().len(), 0, "{media_type}");
    }
}
