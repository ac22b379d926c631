//! `plan --repair` and `sync --repair`: images and blobs that a published list names and its repository has lost.

use crate::support::any_registry::{AnyRegistry, Kind, on_registry, on_strict_registries};
use crate::support::context::{Context, Output};
use crate::support::images::{Dialect, Image};
use crate::support::readers;
use crate::support::registry::knobs::{Immutable, References};
use crate::support::registry::lie::{Change, Lie};
use crate::support::registry::{Fault, Knobs, Log, Mount, Registry, Then};

mod policies;

on_strict_registries!(a_deleted_image_is_published_again_and_no_tag_is_written, a_deleted_layer_is_published_again);
on_registry!(ferro Ferro a_deleted_image_is_published_again_and_no_tag_is_written);

const ARCHES: [&str; 2] = ["amd64", "arm64"];

fn image(arch: &str, content: &str) -> Image {
    Image::new(Dialect::Docker, &format!("linux/{arch}"), content)
}

/// A list with two members in repositories of their own, as the report of R33 has it, with these further keys.
fn manifest(host: &str, more: &str) -> String {
    format!(
        "[list.app]\nsource = \"{host}/acme/app-{{arch}}:1\"\ntarget = \"{host}/acme/app\"\ntags = [\"1\"]\n\
         platforms = [\"linux/amd64\", \"linux/arm64\"]\n{more}"
    )
}

/// Starts a registry with a published list. Returns its images for amd64 and arm64.
fn published(registry: &AnyRegistry) -> (Context, [Image; 2]) {
    let images = ARCHES.map(|arch| image(arch, "app"));
    for (arch, image) in ARCHES.iter().zip(&images) {
        registry.push(&format!("acme/app-{arch}"), "1", image);
    }
    let context = registry.project(&manifest(&registry.host(), ""));
    context.mlist("sync").exits(0);
    (context, images)
}

fn in_process() -> (AnyRegistry, Context, [Image; 2]) {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let (context, images) = published(&registry);
    (registry, context, images)
}

fn inner(registry: &AnyRegistry) -> &Registry {
    match registry {
        AnyRegistry::InProcess(registry) => registry,
        _ => unreachable!("these cases turn knobs"),
    }
}

/// Deletes a manifest by its digest, as a retention job does.
fn delete(registry: &AnyRegistry, repository: &str, digest: &str) {
    let answer = registry.wire().send("DELETE", &format!("/v2/{repository}/manifests/{digest}"), &[], b"");
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
}

fn delete_blob(registry: &AnyRegistry, repository: &str, digest: &str) {
    if let AnyRegistry::InProcess(registry) = registry {
        assert!(registry.store().remove_blob(repository, digest), "{repository} has no {digest}");
        return;
    }
    let answer = registry.wire().send("DELETE", &format!("/v2/{repository}/blobs/{digest}"), &[], b"");
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
}

fn watch(context: &Context, registry: &AnyRegistry, command: &str) -> (Output, Log) {
    let (output, log) = registry.watch(|| context.mlist(command));
    (output, log.served())
}

/// Counts requests by method: HEAD, GET, POST, PUT.
fn counts(log: &Log) -> [usize; 4] {
    ["HEAD", "GET", "POST", "PUT"].map(|method| log.count(method))
}

/// Both streams and the status, with a fixed name for the registry, and without times and the progress of a slow run.
fn transcript(output: &Output, registry: &AnyRegistry) -> String {
    let text = output.to_string().replace(&registry.host(), "reg.test");
    let is_progress = |line: &str| ["Reading: ", "Publishing: ", "Waiting "].iter().any(|word| line.starts_with(word));
    let text: String = text.split_inclusive('\n').filter(|line| !is_progress(line)).collect();
    let mut shown = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let number = word.trim_end().trim_matches(['(', ')', ':']);
        let is_time = number.strip_suffix('s').is_some_and(|digits| digits.parse::<f64>().is_ok());
        shown += &if is_time { word.replace(number, "TIME") } else { word.to_owned() };
    }
    shown
}

/// Checks that the list is complete for every client, and that `verify` says so.
fn assert_whole(context: &Context, registry: &AnyRegistry) {
    readers::skopeo_copies_all(&format!("{}/acme/app:1", registry.plain_host()), &context.docker_config());
    for command in ["verify", "verify --blobs", "sync --repair --blobs --dry-run"] {
        context.mlist(command).exits(0);
    }
    let again = context.mlist("sync --repair --blobs").exits(0);
    assert!(again.verdict().starts_with("Nothing to publish: 1 list unchanged"), "{again}");
}

fn a_deleted_image_is_published_again_and_no_tag_is_written(kind: Kind) {
    let registry = kind.start().expect("it was installed a moment ago");
    let (context, images) = published(&registry);
    let list = registry.wire().digest("acme/app", "1");
    let arm64 = images[1].digest();
    delete(&registry, "acme/app", &arm64);

    let (output, log) = watch(&context, &registry, "sync");
    assert!(output.exits(0).verdict().starts_with("Nothing to publish: 1 list unchanged"), "{log}");
    assert_eq!(counts(&log), [3, 0, 0, 0], "two members and a tag: {log}");
    let verification = context.mlist("verify --format json").exits(3).json();
    assert_eq!(verification["lists"][0]["state"], "damaged", "{verification}");

    // A HEAD of each child, and a GET of the one that is not found.
    let (plan, log) = watch(&context, &registry, "plan --repair --exit-code");
    assert_eq!(counts(&log), [5, 1, 0, 0], "{log}");
    assert_eq!(plan.clone().exits(3).lines("update"), 1, "{plan}");
    let source = format!("copied again from {}/acme/app-arm64:1", registry.host());
    assert!(plan.stdout.contains("! linux/arm64") && plan.stdout.contains(&source), "{plan}");
    assert_eq!(context.mlist("sync --repair -n").exits(0).stdout, plan.stdout);

    let (report, log) = watch(&context, &registry, "sync --repair --format json");
    let report = report.exits(0).json();
    let done = &report["lists"][0];
    let words = ["action", "outcome", "reason"].map(|key| done[key].as_str().expect("a word"));
    assert_eq!(words, ["update", "published", "damaged"], "{done}");
    assert_eq!((&done["tags"][0]["change"], &done["problems"]), (&"same".into(), &serde_json::json!([])), "{done}");
    let puts = log.manifest_puts();
    let puts: Vec<_> = puts.iter().map(|put| (put.repository().unwrap(), put.manifest().unwrap())).collect();
    assert_eq!(puts, [("acme/app", arm64.as_str())], "no manifest is written by a tag: {log}");
    // Its manifest is read from the source, and from the target before and after the copy.
    let [get, post, put] = kind.copies(2);
    assert_eq!(counts(&log), [5, 3 + get, post, 1 + put], "{log}");
    assert_eq!(registry.wire().digest("acme/app", "1"), list);
    assert_whole(&context, &registry);
    let (_, log) = watch(&context, &registry, "sync --repair");
    assert_eq!(counts(&log), [5, 0, 0, 0], "{log}");
}

fn a_deleted_layer_is_published_again(kind: Kind) {
    let registry = kind.start().expect("it was installed a moment ago");
    let (context, images) = published(&registry);
    for (digest, _) in images[1].blobs() {
        delete_blob(&registry, "acme/app", &digest);
        for command in ["sync", "sync --repair"] {
            let output = context.mlist(command).exits(0);
            assert!(output.verdict().starts_with("Nothing to publish"), "a manifest is not read: {output}");
        }
        let (report, log) = watch(&context, &registry, "sync --repair --blobs --format json");
        let report = report.exits(0).json();
        assert_eq!(report["lists"][0]["reason"], "damaged", "{report}");
        let tagged = log.manifest_puts().filter(|put| put.manifest() == Some("1"));
        assert_eq!(tagged.len(), 0, "{log}");
        // HEADs: members, tag, children, their four blobs, and the two blobs of the image that was copied.
        // GETs: both children, then the manifest from the source and after the copy.
        assert_eq!(counts(&log), [11, 4, 2, 1], "{log}");
        assert_whole(&context, &registry);
    }
}

#[test]
fn what_plan_and_sync_say() {
    let (registry, context, images) = in_process();
    let layer = &images[0].blobs()[1].0;
    delete(&registry, "acme/app", &images[1].digest());
    delete_blob(&registry, "acme/app", layer);
    let say = |command: &str| transcript(&context.mlist(command), &registry);
    insta::assert_snapshot!(say("sync"), @r"
    $ mlist sync; echo $?
    Nothing to publish: 1 list unchanged (TIME)
    0
    ");
    insta::assert_snapshot!(say("plan --repair"), @r"
    $ mlist plan --repair; echo $?
    update     reg.test/acme/app
      = 1 tag            not moved
      ! linux/arm64      missing in the repository, copied again from reg.test/acme/app-arm64:1
      = 2 members
    Plan: 1 to update
    0
    ");
    insta::assert_snapshot!(say("plan --repair --blobs"), @r"
    $ mlist plan --repair --blobs; echo $?
    update     reg.test/acme/app
      = 1 tag            not moved
      ! linux/amd64      layer a5bdb5917388 missing in the repository, copied again from reg.test/acme/app-amd64:1
      ! linux/arm64      missing in the repository, copied again from reg.test/acme/app-arm64:1
      = 2 members
    Plan: 1 to update
    0
    ");
    insta::assert_snapshot!(say("plan --repair --blobs -v"), @r"
    $ mlist plan --repair --blobs -v; echo $?
    update     reg.test/acme/app
      = tag 1            e6c3b8558abc
      ! linux/amd64      layer a5bdb5917388 missing in the repository, copied again from reg.test/acme/app-amd64:1
      ! linux/arm64      missing in the repository, copied again from reg.test/acme/app-arm64:1
      = linux/amd64      748cf6426a4f  reg.test/acme/app-amd64:1
      = linux/arm64      bca475e2ec75  reg.test/acme/app-arm64:1
    Plan: 1 to update
    reg.test: 7 HEAD, 2 GET; no credentials
    0
    ");
    insta::assert_snapshot!(say("sync --repair --blobs"), @r"
    $ mlist sync --repair --blobs; echo $?
    updated    reg.test/acme/app:1  e6c3b8558abc
      = 1 tag            not moved
      ! linux/amd64      layer a5bdb5917388 missing in the repository, copied again
      ! linux/arm64      missing in the repository, copied again
    Done in TIME: 1 list updated
    Plan: 1 to update
    0
    ");
    insta::assert_snapshot!(say("sync --repair --blobs"), @r"
    $ mlist sync --repair --blobs; echo $?
    Nothing to publish: 1 list unchanged (TIME)
    0
    ");
    assert_whole(&context, &registry);
}

#[test]
fn a_registry_with_immutable_tags_accepts_a_repair() {
    for product in [Immutable::Ecr, Immutable::Quay, Immutable::Harbor, Immutable::Artifactory] {
        let (registry, context, images) = in_process();
        inner(&registry).knobs().immutable = Some(product);
        delete(&registry, "acme/app", &images[0].digest());
        insta::allow_duplicates! {
            insta::assert_snapshot!(transcript(&context.mlist("sync --repair"), &registry), @r"
            $ mlist sync --repair; echo $?
            updated    reg.test/acme/app:1  e6c3b8558abc
              = 1 tag            not moved
              ! linux/amd64      missing in the repository, copied again
            Done in TIME: 1 list updated
            Plan: 1 to update
            0
            ");
        }
        assert_whole(&context, &registry);
    }
}

#[test]
fn a_manifest_that_the_registry_refuses_because_it_exists_is_no_failure() {
    for (status, code) in [(409, "TAG_IMMUTABLE"), (400, "TAG_INVALID"), (412, "PRECONDITION"), (403, "DENIED")] {
        let (registry, context, images) = in_process();
        delete_blob(&registry, "acme/app", &images[0].blobs()[0].0);
        let path = "/v2/acme/app/manifests/sha256:";
        let then = Then::Error(status, code, "the manifest exists");
        inner(&registry).knobs().fault(Fault { method: "PUT", path, times: usize::MAX, then });
        context.mlist("sync --repair --blobs").exits(0);
        assert_whole(&context, &registry);
    }
}

#[test]
fn a_mount_that_is_only_claimed_is_found_and_the_blob_is_sent() {
    for references in [References::Checked, References::Unchecked] {
        let (registry, context, images) = in_process();
        (inner(&registry).knobs().mount, inner(&registry).knobs().references) = (Mount::Pretended, references);
        delete(&registry, "acme/app", &images[0].digest());
        for (digest, _) in images[0].blobs() {
            delete_blob(&registry, "acme/app", &digest);
        }
        context.mlist("sync --repair --blobs").exits(0);
        assert_whole(&context, &registry);
    }
}

#[test]
fn a_registry_that_does_not_keep_what_it_accepts_fails_the_list() {
    let (registry, context, images) = in_process();
    let layer = &images[0].blobs()[1].0;
    delete_blob(&registry, "acme/app", layer);
    let lie = Lie::new("HEAD", &format!("/v2/acme/app/blobs/{layer}"), [Change::Error(404, "BLOB_UNKNOWN")]);
    inner(&registry).knobs().lies.push(lie);
    insta::assert_snapshot!(transcript(&context.mlist("sync --repair --blobs"), &registry), @r"
    $ mlist sync --repair --blobs; echo $?
    failed     reg.test/acme/app:1
    Incomplete after TIME: 1 list failed
    Plan: 1 to update

    mlist::plan::contradictory_answers

      × reg.test gave contradictory responses about reg.test/acme/app@sha256:a5bdb5917388dfba507a7d9d7771743f873381688bd402c89dfda2c692247986
      ╰─▶ the registry accepted the blob, but then responded 404 for it
      help: try again later; if it happens again, check for a proxy or cache between this machine and reg.test

    1
    ");
}

#[test]
fn a_manifest_whose_bytes_are_lost_is_found_with_blobs() {
    let (registry, context, images) = in_process();
    let path = format!("/v2/acme/app/manifests/{}", images[1].digest());
    let lost = |times| Lie { times, ..Lie::new("GET", &path, [Change::Error(404, "MANIFEST_UNKNOWN")]) };
    inner(&registry).knobs().lies = vec![lost(1)];
    let output = context.mlist("sync --repair").exits(0);
    assert!(output.verdict().starts_with("Nothing to publish"), "HEAD finds it: {output}");
    let output = context.mlist("sync --repair --blobs").exits(0);
    assert!(output.stdout.contains("! linux/arm64"), "{output}");
    inner(&registry).knobs().lies = vec![lost(usize::MAX)];
    insta::assert_snapshot!(transcript(&context.mlist("sync --repair --blobs"), &registry), @r"
    $ mlist sync --repair --blobs; echo $?
    failed     reg.test/acme/app:1
    Incomplete after TIME: 1 list failed
    Plan: 1 to update

    mlist::plan::contradictory_answers

      × reg.test gave contradictory responses about reg.test/acme/app@sha256:bca475e2ec7570c28a9812537c2c71a15347dc3d309b0f4011a59d23e5479e7d
      ╰─▶ the registry accepted the manifest, but then responded 404 for it
      help: try again later; if it happens again, check for a proxy or cache between this machine and reg.test

    1
    ");
    inner(&registry).knobs().lies.clear();
    assert_whole(&context, &registry);
}

#[test]
fn a_manifest_that_only_head_does_not_find_is_not_missing() {
    let (registry, context, images) = in_process();
    let path = format!("/v2/acme/app/manifests/{}", images[1].digest());
    inner(&registry).knobs().lies.push(Lie::new("HEAD", &path, [Change::Error(404, "MANIFEST_UNKNOWN")]));
    assert_whole(&context, &registry);
    // Another repository is new, so its sources are read. That the bytes are known then proves nothing here.
    inner(&registry).knobs().lies.clear();
    delete(&registry, "acme/app", &images[1].digest());
    let host = registry.host();
    context.manifest(
        &manifest(&host, "")
            .replace(&format!("\"{host}/acme/app\""), &format!("[\"{host}/acme/new\", \"{host}/acme/app\"]")),
    );
    let report = context.mlist("sync --repair --format json").exits(0).json();
    let reasons: Vec<_> = report["lists"].as_array().unwrap().iter().map(|list| list["reason"].clone()).collect();
    assert_eq!(reasons, ["new", "damaged"], "{report}");
}

#[test]
fn two_lists_with_the_same_image_are_repaired_by_one_copy() {
    let (registry, context, images) = in_process();
    let file = manifest(&registry.host(), "");
    context.manifest(&format!("{file}{}", file.replace("list.app", "list.twin").replace("[\"1\"]", "[\"2\"]")));
    context.mlist("sync").exits(0);
    delete(&registry, "acme/app", &images[1].digest());
    let (output, log) = watch(&context, &registry, "sync --repair");
    assert_eq!(output.exits(0).lines("updated"), 2, "{log}");
    assert_eq!(log.manifest_puts().len(), 1, "{log}");
}

#[test]
fn a_list_is_repaired_from_another_registry() {
    let (source, target) = (Kind::InProcess.start().unwrap(), Kind::InProcess.start().unwrap());
    let images = ARCHES.map(|arch| image(arch, "app"));
    for (arch, image) in ARCHES.iter().zip(&images) {
        source.push(&format!("acme/app-{arch}"), "1", image);
    }
    let file = manifest(&source.host(), "");
    let at_target = |path: &str| format!("\"{}/acme/app{path}\"", target.host());
    let file = file.replace(&format!("\"{}/acme/app\"", source.host()), &at_target(""));
    let context = Context::with(&file);
    context.mlist("sync").exits(0);
    delete(&target, "acme/app", &images[1].digest());
    for image in &images {
        delete_blob(&target, "acme/app", &image.blobs()[1].0);
    }
    let (_, log) = watch(&context, &target, "sync --repair --blobs");
    assert_eq!(log.filter(|exchange| exchange.manifest() == Some("1") && exchange.is_write()).len(), 0, "{log}");
    assert_whole(&context, &target);
}

#[test]
fn bytes_that_the_disk_of_debians_registry_lost_come_back_from_another_registry() {
    Kind::Debian.run(|kind| {
        let (source, target) = (Kind::InProcess.start().unwrap(), kind.start().unwrap());
        let images = ARCHES.map(|arch| image(arch, "app"));
        for (arch, image) in ARCHES.iter().zip(&images) {
            source.push(&format!("acme/app-{arch}"), "1", image);
        }
        let file = manifest(&source.host(), "");
        let (from, to) = (format!("\"{}/acme/app\"", source.host()), format!("\"{}/acme/app\"", target.host()));
        let context = Context::with(&file.replace(&from, &to));
        context.mlist("sync").exits(0);
        let AnyRegistry::Debian(debian) = &target else { unreachable!("it was started above") };
        let [config, layer] = images[0].blobs().map(|(digest, _)| digest);
        for lost in [config, layer, images[1].digest()] {
            debian.lose(&lost);
            let report = context.mlist("sync --repair --blobs --format json").exits(0).json();
            assert_eq!(report["lists"][0]["reason"], "damaged", "{report}");
            assert_whole(&context, &target);
        }
    });
}

#[test]
fn bytes_that_the_source_has_lost_too_are_not_repaired() {
    Kind::Debian.run(|kind| {
        let registry = kind.start().unwrap();
        let (context, images) = published(&registry);
        let AnyRegistry::Debian(debian) = &registry else { unreachable!("it was started above") };
        debian.lose(&images[0].blobs()[1].0);
        insta::assert_snapshot!(transcript(&context.mlist("sync --repair --blobs"), &registry), @r#"
        $ mlist sync --repair --blobs; echo $?
        blocked    reg.test/acme/app:1
        Incomplete after TIME: 1 list blocked
        Plan: 1 to update

        mlist::registry::not_found

          × blob sha256:a5bdb5917388dfba507a7d9d7771743f873381688bd402c89dfda2c692247986 not found in reg.test/acme/app-amd64
          ╰─▶ 404 BLOB_UNKNOWN "blob unknown to registry: sha256:a5bdb5917388dfba507a7d9d7771743f873381688bd402c89dfda2c692247986"
          help: push the image again

        4
        "#);
    });
}

#[test]
fn a_registry_that_is_down_fails_the_plan_of_a_repair() {
    let (mut registry, context, _) = in_process();
    registry.stop();
    insta::assert_snapshot!(transcript(&context.mlist("plan --repair"), &registry), @r#"
    $ mlist plan --repair; echo $?
    failed     reg.test/acme/app
      ! cannot connect to reg.test
    Plan: 1 failed

    mlist::registry::unreachable

      × cannot connect to reg.test
      ╰─▶ connection refused (8 attempts in TIME)
       ╭─[manifests.toml:3:11]
     2 │ source = "reg.test/acme/app-{arch}:1"
     3 │ target = "reg.test/acme/app"
       ·           ───────┬───────
       ·                  ╰── required by list `app`
     4 │ tags = ["1"]
       ╰────
      help: check the host name and port, and whether the registry is running

    1
    "#);
}

#[test]
fn a_failed_repair_says_that_no_tag_was_moved_and_fail_fast_starts_no_other_list() {
    let (registry, context, images) = in_process();
    let file = manifest(&registry.host(), "");
    let other = file.replace("list.app", "list.other").replace("acme/app\"", "acme/other\"");
    context.manifest(&format!("{file}{other}"));
    context.mlist("sync").exits(0);
    for repository in ["acme/app", "acme/other"] {
        delete(&registry, repository, &images[1].digest());
    }
    let path = format!("/v2/acme/app-arm64/manifests/{}", images[1].digest());
    inner(&registry).knobs().lies.push(Lie::new("GET", &path, [Change::Error(404, "MANIFEST_UNKNOWN")]));
    let output = context.mlist("sync --repair --fail-fast -j 1");
    insta::assert_snapshot!(transcript(&output, &registry), @r"
    $ mlist sync --repair --fail-fast -j 1; echo $?
    failed     reg.test/acme/app:1
    cancelled  1 list not started
    Incomplete after TIME: 1 list failed, 1 cancelled
    Plan: 2 to update

    mlist::exec::member_gone

      × reg.test/acme/app-arm64@sha256:bca475e2ec7570c28a9812537c2c71a15347dc3d309b0f4011a59d23e5479e7d was deleted after the plan
      help: run mlist sync again to plan with the current content

    1
    ");
    inner(&registry).knobs().lies.clear();
    assert_eq!(context.mlist("sync --repair").exits(0).lines("updated"), 2);
}

#[test]
fn a_repair_that_is_interrupted_is_continued_by_the_next_run() {
    let (registry, context, images) = in_process();
    for image in &images {
        delete(&registry, "acme/app", &image.digest());
    }
    inner(&registry).freeze_after(2);
    let running = context.start("sync --repair -j 1");
    assert!(inner(&registry).wait_frozen(crate::support::context::PATIENCE));
    running.signal("INT");
    let output = running.wait();
    inner(&registry).thaw_and_forget();
    insta::assert_snapshot!(transcript(&output, &registry), @r"
    $ mlist sync --repair -j 1; echo $?
    cancelled  reg.test/acme/app:1  no tag was moved
    Interrupted after TIME: 1 list cancelled. Run mlist sync --repair to continue.
    Plan: 1 to update
    Stopping: 1 list finishes the step it is in. Ctrl-C again stops at once.
    130
    ");
    context.mlist("sync --repair").exits(0);
    assert_whole(&context, &registry);
}
