//! OCI image layouts as sources and targets: damaged blobs, killed runs, and limits of open files.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::any_registry::AnyRegistry;
use crate::support::context::Context;
use crate::support::images::{Dialect, Image, write_layout};
use crate::support::readers;
use crate::support::registry::{Knobs, Registry, store::digest_of};

const PLATFORMS: [&str; 5] = ["amd64", "arm64", "s390x", "ppc64le", "riscv64"];

/// A file that publishes `count` lists with these architectures.
fn manifest(count: usize, arches: &[&str], source: &str) -> String {
    let platforms: Vec<String> = arches.iter().map(|arch| format!("\"linux/{arch}\"")).collect();
    let list = |number| {
        format!(
            "[list.app{number}]\nplatforms = [{}]\nsource = \"{source}\"\ntarget = \"oci:out/{{name}}\"\ntags = [\"v1\"]\n",
            platforms.join(", ")
        )
    };
    (0..count).map(list).collect()
}

fn images(list: usize, arches: &[&str]) -> Vec<Image> {
    let image = |arch: &&str| Image::new(Dialect::Oci, &format!("linux/{arch}"), &format!("app{list}"));
    arches.iter().map(image).collect()
}

/// A list of two images, `oci:in/app0` to `oci:out/app0`.
fn one_list() -> (Context, Vec<Image>) {
    let (arches, images) = (&PLATFORMS[..2], images(0, &PLATFORMS[..2]));
    let context = Context::with(&manifest(1, arches, "oci:in/{name}:{arch}"));
    write_in(&context, 0, &images);
    (context, images)
}

fn write_in(context: &Context, list: usize, images: &[Image]) {
    let tagged: Vec<(&str, &Image)> = PLATFORMS.into_iter().zip(images).collect();
    write_layout(&context.path(&format!("in/app{list}")), &tagged);
}

fn blob(context: &Context, layout: &str, digest: &str) -> PathBuf {
    context.path(layout).join("blobs/sha256").join(digest.trim_start_matches("sha256:"))
}

/// Checks that the target has the images with all their bytes.
fn assert_whole(context: &Context, images: &[Image]) {
    for image in images {
        assert_eq!(fs::read(blob(context, "out/app0", &image.digest())).expect("a manifest"), image.manifest());
        for (digest, bytes) in image.blobs() {
            assert_eq!(fs::read(blob(context, "out/app0", &digest)).expect("a blob"), bytes);
        }
    }
    // skopeo verifies each digest when it copies.
    readers::skopeo(&format!("oci:{}:v1", context.path("out/app0").display()), &context.docker_config());
}

#[test]
fn a_blob_with_other_bytes_of_the_same_size_is_written_again() {
    let (context, images) = one_list();
    fs::create_dir_all(context.path("out/app0/blobs/sha256")).expect("a folder");
    for (digest, bytes) in images[0].blobs() {
        fs::write(blob(&context, "out/app0", &digest), vec![b' '; bytes.len()]).expect("a file");
    }
    assert_eq!(context.mlist("sync").exits(0).lines("created"), 1);
    assert_whole(&context, &images);
}

#[test]
fn a_damaged_image_of_a_published_list_is_written_again() {
    let (context, images) = one_list();
    context.mlist("sync").exits(0);
    let [config, layer] = images[0].blobs().map(|(digest, _)| blob(&context, "out/app0", &digest));
    let child = blob(&context, "out/app0", &images[0].digest());
    let spaces = |path: &PathBuf| {
        let length = fs::read(path).expect("a blob").len();
        fs::write(path, vec![b' '; length]).expect("a file");
    };
    let damages: [&dyn Fn(); 6] = [
        &|| spaces(&child),
        &|| fs::write(&child, "{}").expect("a file"),
        &|| fs::remove_file(&child).expect("a file"),
        &|| spaces(&config),
        &|| fs::write(&layer, "cut").expect("a file"),
        &|| fs::remove_file(&layer).expect("a file"),
    ];
    for damage in damages {
        damage();
        let plan = context.mlist("plan --format json").json();
        assert_eq!((&plan["lists"][0]["action"], &plan["lists"][0]["reason"]), (&"update".into(), &"damaged".into()));
        let index = fs::read(context.path("out/app0/index.json")).expect("index.json");
        let report = context.mlist("sync --format json").exits(0).json();
        let list = &report["lists"][0];
        assert_eq!((&list["outcome"], &list["reason"]), (&"published".into(), &"damaged".into()), "{list}");
        assert_eq!(list["tags"][0]["change"], "same", "{list}");
        assert_eq!(fs::read(context.path("out/app0/index.json")).expect("index.json"), index, "no tag was written");
        assert_whole(&context, &images);
        let again = context.mlist("sync").exits(0);
        assert!(again.verdict().starts_with("Nothing to publish: 1 list unchanged"), "{again}");
    }
}

#[test]
fn a_damaged_image_without_a_source_blocks_its_list() {
    let (context, images) = one_list();
    context.mlist("sync").exits(0);
    context.manifest(&manifest(1, &PLATFORMS[..2], "oci:in/{name}:{arch}").replace("tags", "missing = \"keep\"\ntags"));
    fs::remove_dir_all(context.path("in")).expect("the sources");
    let output = context.mlist("sync").exits(0);
    assert!(output.verdict().starts_with("Nothing to publish"), "{output}");
    fs::write(blob(&context, "out/app0", &images[0].digest()), "{}").expect("a file");
    let output = context.mlist("sync").exits(4);
    assert!(output.stderr.contains("mlist::plan::kept_gone"), "{output}");
}

#[test]
fn a_corrupt_source_is_named_and_not_published() {
    let (context, images) = one_list();
    let (digest, bytes) = &images[1].blobs()[1];
    fs::write(blob(&context, "in/app0", digest), vec![b' '; bytes.len()]).expect("a file");
    let output = context.mlist("sync").exits(4);
    let message = format!("blob {digest} in oci:in/app0 is corrupt (its bytes do not match the digest)");
    assert!(output.stderr.contains(&message), "{output}");
    assert!(!blob(&context, "out/app0", digest).exists());
    let index = fs::read_to_string(context.path("out/app0/index.json")).expect("index.json");
    assert!(index.contains(r#""manifests":[]"#), "no tag was written: {index}");
}

/// A list of `oci:in/app0-ARCH:v1`, one layout for each of two images, under `missing = "skip"`.
fn one_layout_each() -> (Context, Vec<Image>) {
    let images = images(0, &PLATFORMS[..2]);
    let list = manifest(1, &PLATFORMS[..2], "oci:in/{name}-{arch}:v1").replace("tags", "missing = \"skip\"\ntags");
    let context = Context::with(&list);
    for (arch, image) in PLATFORMS.iter().zip(&images) {
        write_layout(&context.path(&format!("in/app0-{arch}")), &[("v1", image)]);
    }
    (context, images)
}

#[test]
fn what_is_missing_in_a_source_blocks_and_never_counts_as_absent() {
    let (context, images) = one_layout_each();
    let [config, layer] = images[1].blobs().map(|(digest, _)| digest);
    for (digest, says) in [
        (images[1].digest(), "oci:in/app0-arm64:v1 exists, but its manifest is missing"),
        (config, "oci:in/app0-arm64:v1 exists, but its config is missing"),
        (layer, " exists, but one of its layers is missing"),
    ] {
        let path = blob(&context, "in/app0-arm64", &digest);
        let bytes = fs::read(&path).expect("a blob");
        for damage in [None, Some(&bytes[1..])] {
            match damage {
                None => fs::remove_file(&path).expect("a file"),
                Some(cut) => fs::write(&path, cut).expect("a file"),
            }
            let plan = context.mlist("plan --format json").exits(4).json();
            let list = &plan["lists"][0];
            assert_eq!(
                (&list["action"], &list["problems"][0]["code"]),
                (&"blocked".into(), &"mlist::plan::member_damaged".into())
            );
            let output = context.mlist("plan").exits(4);
            assert!(output.stderr.contains(if damage.is_some() { "is corrupt" } else { says }), "{output}");
        }
        fs::write(&path, bytes).expect("a file");
    }
    context.mlist("sync").exits(0);
}

#[test]
fn a_layout_that_is_not_there_is_left_out_and_an_archive_is_an_error() {
    let (context, _) = one_layout_each();
    let folder = context.path("in/app0-arm64");
    fs::rename(&folder, context.path("in/moved")).expect("a folder");
    assert!(context.mlist("plan").exits(0).stdout.contains("left out"));
    fs::write(&folder, b"\x1f\x8b\x08").expect("a file");
    let output = context.mlist("plan").exits(4);
    assert!(output.stderr.contains("in/app0-arm64 is a gzip archive, not an OCI image layout directory"), "{output}");
}

#[test]
fn a_layout_with_other_tags_names_them() {
    let (context, images) = one_layout_each();
    context.manifest(&manifest(1, &PLATFORMS[..2], "oci:in/{name}-{arch}:v1"));
    let says = |tags: &[&str], expected: &str| {
        let tagged: Vec<(&str, &Image)> = tags.iter().map(|tag| (*tag, &images[1])).collect();
        fs::remove_dir_all(context.path("in/app0-arm64")).expect("a folder");
        write_layout(&context.path("in/app0-arm64"), &tagged);
        let output = context.mlist("plan").exits(4);
        let line = output.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(line.contains(expected), "{output}");
    };
    says(&["v2", "v3"], "tag v1 not found in oci:in/app0-arm64 ╰─▶ tags in oci:in/app0-arm64: v2, v3");
    says(&["ghcr.io/acme/app:v1"], "the tags in oci:in/app0-arm64 are full references: ghcr.io/acme/app:v1");
    says(&[], "oci:in/app0-arm64 has no tags");
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next_one_that_writes() {
    let (context, images) = one_list();
    context.mlist("sync").exits(0);
    let left = context.path("out/app0/blobs/sha256/.mlist-Ab12Cd");
    fs::write(&left, "the first bytes of a layer").expect("a file");
    fs::remove_file(blob(&context, "out/app0", &images[0].digest())).expect("a file");
    context.mlist("sync").exits(0);
    assert!(!left.exists());
    assert_whole(&context, &images);
}

#[test]
fn forty_lists_are_copied_between_layouts_with_few_open_files() {
    let context = Context::with(&manifest(40, &PLATFORMS, "oci:in/{name}:{arch}"));
    for list in 0..40 {
        let images: Vec<Image> = images(list, &PLATFORMS).into_iter().map(|image| image.with_layers(12)).collect();
        write_in(&context, list, &images);
    }
    let output = context.mlist_with_open_files(256, "sync").exits(0);
    assert_eq!(output.lines("created"), 40, "{output}");
    for list in 0..40 {
        let blobs = fs::read_dir(context.path(&format!("out/app{list}/blobs/sha256"))).expect("blobs");
        let mut count = 0;
        for entry in blobs.map(|entry| entry.expect("a blob")) {
            let digest = digest_of(&fs::read(entry.path()).expect("a blob"));
            assert!(digest.ends_with(entry.file_name().to_str().expect("hex digits")), "{}", entry.path().display());
            count += 1;
        }
        assert_eq!(count, 5 * (12 + 2) + 1, "layers, configs, manifests and the list");
    }
}

#[test]
fn three_hundred_lists_are_copied_from_a_registry_with_very_few_open_files() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let arches = &PLATFORMS[..2];
    for list in 0..300 {
        for (arch, image) in arches.iter().zip(&images(list, arches)) {
            registry.push(&format!("acme/app{list}"), arch, image);
        }
    }
    let context = Context::with(&manifest(300, arches, &format!("{}/acme/{{name}}:{{arch}}", registry.host())));
    let report = context.mlist_with_open_files(64, "sync --format json").exits(0).json();
    assert_eq!(report["summary"]["published"], Value::from(300), "{}", report["summary"]);
}
