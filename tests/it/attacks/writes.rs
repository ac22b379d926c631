//! What changes, or was not true, just before the list is written.

use crate::support::images::{Dialect, Image, OCI_INDEX, index};
use crate::support::registry::knobs::References;
use crate::support::registry::lie::{Change, Lie};
use crate::support::seed;

use super::{ABSENT, World, assert_tells};

/// C1.
#[test]
fn an_immutable_tag_that_only_head_does_not_find_is_not_moved() {
    let world = World::new(
        r#"
            tags = ["v1.10.0"]
            immutable = ["v*"]
            platforms = ["linux/amd64"]
        "#,
    );
    let released = Image::new(Dialect::Oci, "linux/amd64", "released");
    seed::image(&mut world.store(), "dst/app", &released.digest(), &released);
    seed::manifest(&mut world.store(), "dst/app", "v1.10.0", OCI_INDEX, &index(&[released.entry()]));
    let before = world.tag("v1.10.0");
    world.lie(Lie::new("HEAD", "/v2/dst/app/manifests/v1.10.0", [ABSENT]));
    let output = world.sync().exits(1);
    assert_tells(&output, "mlist::exec::moved_meanwhile", &format!("{}/dst/app:v1.10.0", world.registry.host()));
    assert_eq!(world.tag("v1.10.0"), before);
}

/// K6.
#[test]
fn a_list_whose_member_was_deleted_in_its_own_repository_is_not_written() {
    let world = World::new("");
    world.registry.knobs().references = References::Unchecked;
    let host = world.registry.host();
    world.context.manifest(&format!(
        r#"
            [list.app]
            source = "{host}/dst/app:{{arch}}"
            target = "{host}/dst/app"
            tags = ["1"]
            platforms = ["linux/amd64", "linux/arm64"]
        "#
    ));
    seed::image(&mut world.store(), "dst/app", "amd64", &world.amd64);
    seed::image(&mut world.store(), "dst/app", "arm64", &world.arm64);
    let digest = world.arm64.digest();
    // The first time it is looked at by its digest is just before the list is written.
    let deleted = Change::Deleted("dst/app".to_owned(), digest.clone());
    world.lie(Lie::new("HEAD", &format!("/v2/dst/app/manifests/{digest}"), [deleted]).once(0));
    let output = world.sync().exits(1);
    assert_tells(&output, "mlist::exec::member_gone", &format!("{host}/dst/app@{digest}"));
    assert_eq!(world.tag("1"), None);
}
