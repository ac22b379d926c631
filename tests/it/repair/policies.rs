//! What has no source, or another one: members in the repository of the list, attestations, undeclared members, and
//! members whose source is gone.

use std::fs;

use super::*;
use crate::support::images::{Attestation, DOCKER_LIST, foreign_list, write_layout};
use crate::support::registry::store::digest_of;

fn say(context: &Context, registry: &AnyRegistry, command: &str) -> String {
    transcript(&context.mlist(command), registry)
}

#[test]
fn an_own_image_that_lost_a_layer_blocks_its_list() {
    let registry = Kind::InProcess.start().unwrap();
    let images = ARCHES.map(|arch| image(arch, "app"));
    for (arch, image) in ARCHES.iter().zip(&images) {
        registry.push("acme/app", &format!("1-{arch}"), image);
    }
    let file = manifest(&registry.host(), "").replace("acme/app-{arch}:1", "acme/app:1-{arch}");
    let context = registry.project(&file);
    context.mlist("sync").exits(0);
    delete_blob(&registry, "acme/app", &images[1].blobs()[1].0);
    assert!(context.mlist("sync --repair").exits(0).verdict().starts_with("Nothing to publish"));
    insta::assert_snapshot!(say(&context, &registry, "sync --repair --blobs"), @r#"
    $ mlist sync --repair --blobs; echo $?
    blocked    reg.test/acme/app:1
    Incomplete after TIME: 1 list blocked
    Plan: 1 blocked

    mlist::plan::member_damaged

      × reg.test/acme/app:1-arm64 exists, but one of its layers is missing
      ╰─▶ sha256:c74f4fb2905cab29353358bb65e7be45651f202195e40952503a7d617cad1fd5 not found in reg.test/acme/app
       ╭─[manifests.toml:2:11]
     1 │ [list.app]
     2 │ source = "reg.test/acme/app:1-{arch}"
       ·           ────────────────┬────────────────
       ·                           ╰── linux/arm64 of list `app`
     3 │ target = "reg.test/acme/app"
       ╰────
      help: push the image again

    4
    "#);
    // The help works.
    registry.push("acme/app", "1-arm64", &images[1]);
    assert_whole(&context, &registry);
    delete(&registry, "acme/app", &images[1].digest());
    insta::assert_snapshot!(say(&context, &registry, "sync --repair"), @r#"
    $ mlist sync --repair; echo $?
    blocked    reg.test/acme/app:1
    Incomplete after TIME: 1 list blocked
    Plan: 1 blocked

    mlist::plan::member_absent

      × tag 1-arm64 not found in reg.test/acme/app
       ╭─[manifests.toml:2:11]
     1 │ [list.app]
     2 │ source = "reg.test/acme/app:1-{arch}"
       ·           ────────────────┬────────────────
       ·                           ╰── linux/arm64 of list `app`
     3 │ target = "reg.test/acme/app"
       ╰────
      help: push it first, or set missing = "skip" to publish without it

    4
    "#);
}

#[test]
fn an_attestation_is_published_again_with_its_image() {
    let registry = Kind::InProcess.start().unwrap();
    let images = ARCHES.map(|arch| Image::new(Dialect::Oci, &format!("linux/{arch}"), "app"));
    let attestations: Vec<Attestation> = ARCHES
        .iter()
        .zip(&images)
        .map(|(arch, image)| registry.push_built(&format!("acme/app-{arch}"), "1", image))
        .collect();
    let context = registry.project(&manifest(&registry.host(), ""));
    context.mlist("sync").exits(0);
    delete(&registry, "acme/app", &attestations[0].digest());
    delete_blob(&registry, "acme/app", &attestations[1].blobs()[1].0);
    insta::assert_snapshot!(say(&context, &registry, "plan --repair --blobs"), @r"
    $ mlist plan --repair --blobs; echo $?
    update     reg.test/acme/app
      = 1 tag            not moved
      ! linux/amd64      attestation missing in the repository, copied again from reg.test/acme/app-amd64:1
      ! linux/arm64      layer f516e3e3c5e6 missing in the repository, copied again from reg.test/acme/app-arm64:1
      = 2 members
    Plan: 1 to update
    0
    ");
    context.mlist("sync --repair --blobs").exits(0);
    assert_whole(&context, &registry);
}

#[test]
fn only_the_list_of_this_version_is_repaired_and_a_tag_of_a_newer_one_stays() {
    let registry = Kind::InProcess.start().unwrap();
    let versions = ["3.10", "3.9.1"];
    for version in versions {
        for arch in ARCHES {
            registry.push(&format!("acme/app-{arch}"), version, &image(arch, version));
        }
    }
    let file = manifest(&registry.host(), "").replace("app-{arch}:1", "app-{arch}:{version}");
    let tags = "[\"{version}\", { tag = \"latest\", when = \"newest\" }]";
    let context = Context::with(&format!("[vars]\nversion = \"0\"\n\n{}", file.replace("[\"1\"]", tags)));
    for version in versions {
        context.mlist(&format!("sync --set version={version}")).exits(0);
        delete(&registry, "acme/app", &image("arm64", version).digest());
    }
    let before = registry.wire().digest("acme/app", "latest");
    insta::assert_snapshot!(say(&context, &registry, "plan --repair --set version=3.9.1"), @r"
    $ mlist plan --repair --set version=3.9.1; echo $?
    update     reg.test/acme/app
      = tag latest       stays at af233abf3bf7: 3.10 is newer than 3.9.1
      = 1 tag            not moved
      ! linux/arm64      missing in the repository, copied again from reg.test/acme/app-arm64:3.9.1
      = 2 members
    Plan: 1 to update
    0
    ");
    let (output, log) = watch(&context, &registry, "sync --repair --set version=3.9.1");
    output.exits(0);
    let puts = log.manifest_puts();
    let puts: Vec<_> = puts.iter().filter_map(|put| put.manifest().map(str::to_owned)).collect();
    assert_eq!(puts, [image("arm64", "3.9.1").digest()], "{log}");
    assert_eq!(registry.wire().digest("acme/app", "latest"), before);
    context.mlist("verify --set version=3.9.1").exits(0);
    context.mlist("verify --set version=3.10").exits(3);
}

/// A list with an image for s390x that the file does not declare, and that the repository has lost. Also pushed to
/// `acme/app-s390x:1`.
fn undeclared() -> (AnyRegistry, Context) {
    let registry = Kind::InProcess.start().unwrap();
    let images = ["amd64", "arm64", "s390x"].map(|arch| image(arch, "app"));
    for (arch, image) in ["amd64", "arm64", "s390x"].iter().zip(&images) {
        registry.push(&format!("acme/app-{arch}"), "1", image);
        registry.push("acme/app", &image.digest(), image);
    }
    let [amd64, arm64, s390x] = &images;
    registry.push_list("acme/app", "1", DOCKER_LIST, &foreign_list(DOCKER_LIST, &[amd64, arm64, s390x]));
    delete(&registry, "acme/app", &s390x.digest());
    let context = registry.project(&manifest(&registry.host(), "undeclared = \"keep\"\nmember-tags = []\n"));
    (registry, context)
}

#[test]
fn an_undeclared_image_that_is_lost_blocks_its_list() {
    let (registry, context) = undeclared();
    assert!(context.mlist("sync").exits(0).verdict().starts_with("Nothing to publish"));
    let said = say(&context, &registry, "sync --repair");
    insta::assert_snapshot!(said.split_once("mlist::plan::kept_gone\n\n").expect("a problem").1, @r#"
      × reg.test/acme/app@sha256:0cc1107f397d507bc124361e727c93bdd85ae2f733118ed3d85e6d166f759878 not found, but reg.test/acme/app:1 keeps it
      ╰─▶ published for linux/s390x, but not declared in this file
       ╭─[manifests.toml:3:11]
     2 │ source = "reg.test/acme/app-{arch}:1"
     3 │ target = "reg.test/acme/app"
       ·           ────────────┬───────────
       ·                       ╰── target of list `app`
     4 │ tags = ["1"]
       ╰────
      help: publish it again from the file that declares it, declare linux/s390x here with a source, or set undeclared = "remove" to remove it from the list

    4
    "#);
    // Each part of the help works.
    let declared = manifest(&registry.host(), "undeclared = \"keep\"\nmember-tags = []\n");
    context.manifest(&declared.replace("\"linux/arm64\"", "\"linux/arm64\", \"linux/s390x\""));
    context.mlist("sync --repair").exits(0);
    assert_whole(&context, &registry);

    let (registry, context) = undeclared();
    context.manifest(&manifest(&registry.host(), "undeclared = \"remove\"\n"));
    context.mlist("sync --repair").exits(0);
    assert_whole(&context, &registry);

    let (registry, context) = undeclared();
    let theirs = manifest(&registry.host(), "undeclared = \"keep\"\nmember-tags = []\n");
    let theirs = registry.project(&theirs.replace("\"linux/amd64\", \"linux/arm64\"", "\"linux/s390x\""));
    theirs.mlist("sync --repair").exits(0);
    assert_whole(&context, &registry);
}

#[test]
fn a_list_of_several_writers_is_repaired_by_each_for_its_own_members() {
    for member_tags in ["member-tags = []\n", ""] {
        let (registry, context, images) = in_process();
        context.manifest(&manifest(&registry.host(), &format!("undeclared = \"keep\"\n{member_tags}")));
        context.mlist("sync").exits(0);
        delete(&registry, "acme/app", &images[1].digest());
        let output = context.mlist("sync --repair").exits(0);
        assert!(output.stdout.contains("! linux/arm64"), "{output}");
        assert_whole(&context, &registry);
    }
}

#[test]
fn a_lost_image_whose_source_is_gone_too_blocks_its_list() {
    let (registry, context, images) = in_process();
    delete(&registry, "acme/app", &images[1].digest());
    delete(&registry, "acme/app-arm64", &images[1].digest());
    let with = |policy: &str| context.manifest(&manifest(&registry.host(), policy));
    insta::assert_snapshot!(say(&context, &registry, "sync --repair"), @r#"
    $ mlist sync --repair; echo $?
    blocked    reg.test/acme/app:1
    Incomplete after TIME: 1 list blocked
    Plan: 1 blocked

    mlist::plan::member_absent

      × tag 1 not found in reg.test/acme/app-arm64
       ╭─[manifests.toml:2:11]
     1 │ [list.app]
     2 │ source = "reg.test/acme/app-{arch}:1"
       ·           ────────────────┬────────────────
       ·                           ╰── linux/arm64 of list `app`
     3 │ target = "reg.test/acme/app"
       ╰────
      help: push it first, or set missing = "skip" to publish without it

    4
    "#);
    with("missing = \"keep\"\n");
    assert!(context.mlist("sync").exits(0).verdict().starts_with("Nothing to publish"));
    insta::assert_snapshot!(say(&context, &registry, "sync --repair"), @r#"
    $ mlist sync --repair; echo $?
    blocked    reg.test/acme/app:1
    Incomplete after TIME: 1 list blocked
    Plan: 1 blocked

    mlist::plan::kept_gone

      × reg.test/acme/app@sha256:bca475e2ec7570c28a9812537c2c71a15347dc3d309b0f4011a59d23e5479e7d not found, but reg.test/acme/app:1 keeps it
      ╰─▶ published for linux/arm64, but its source reg.test/acme/app-arm64:1 was not found either
       ╭─[manifests.toml:2:11]
     1 │ [list.app]
     2 │ source = "reg.test/acme/app-{arch}:1"
       ·           ────────────────┬────────────────
       ·                           ╰── linux/arm64 of list `app`
     3 │ target = "reg.test/acme/app"
       ╰────
      help: push the image to its source again, or set missing = "skip" to publish without it

    4
    "#);
    // Each part of the help works.
    with("missing = \"skip\"\n");
    context.mlist("sync --repair").exits(0);
    assert_whole(&context, &registry);
    with("missing = \"keep\"\n");
    registry.push("acme/app-arm64", "1", &images[1]);
    context.mlist("sync --repair").exits(0);
    assert_whole(&context, &registry);
}

#[test]
fn a_layout_is_repaired() {
    let images = ARCHES.map(|arch| Image::new(Dialect::Oci, &format!("linux/{arch}"), "app"));
    let file = "[list.app]\nplatforms = [\"linux/amd64\", \"linux/arm64\"]\nsource = \"oci:in:{arch}\"\n\
                target = \"oci:out\"\ntags = [\"1\"]\n";
    let context = Context::with(file);
    write_layout(&context.path("in"), &[("amd64", &images[0]), ("arm64", &images[1])]);
    context.mlist("sync").exits(0);
    let blob = |digest: &str| context.path("out/blobs/sha256").join(digest.trim_start_matches("sha256:"));
    let layer = &images[1].blobs()[1];
    // A layer with other bytes of the same length is found only if blobs are checked.
    fs::write(blob(&layer.0), vec![b' '; layer.1.len()]).expect("a blob");
    assert!(context.mlist("sync --repair").exits(0).verdict().starts_with("Nothing to publish"));
    let output = context.mlist("sync --repair --blobs").exits(0);
    insta::assert_snapshot!(output.stdout.lines().filter(|line| line.contains('!')).collect::<String>(), @"  ! linux/arm64      layer c74f4fb2905c missing or corrupt in the layout, copied again");
    assert_eq!(digest_of(&fs::read(blob(&layer.0)).expect("a blob")), layer.0);
    fs::remove_file(blob(&images[0].digest())).expect("a manifest");
    context.mlist("verify").exits(3);
    context.mlist("sync --repair").exits(0);
    context.mlist("verify --blobs").exits(0);
}
