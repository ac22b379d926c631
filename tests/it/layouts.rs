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
