//! `mlist verify`: what differs, what is damaged, and what that costs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::json_documents::{assert_alterations_are_rejected, assert_valid};
use crate::support::any_registry::{AnyRegistry, Kind, on_each_registry};
use crate::support::context::{Context, Output};
use crate::support::images::{Dialect, Image, foreign_list, index, write_layout};
use crate::support::registry::lie::{Change, Lie};
use crate::support::registry::{Account, Fault, Knobs, Registry, Then};
use crate::support::release::{BINARIES, Release, VERSION};
use crate::support::terminal::Terminal;

const ARCHES: [&str; 2] = ["amd64", "arm64"];
const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The situations, each of which happens to the list of this name.
const SITUATIONS: [&str; 9] = [
    "fine",
    "child-gone",
    "blob-gone",
    "size-wrong",
    "type-wrong",
    "tag-moved",
    "tag-gone",
    "source-moved",
    "source-gone",
];

fn image(name: &str, arch: &str) -> Image {
    Image::new(Dialect::Docker, &format!("linux/{arch}"), name)
}

/// Returns manifests.toml with a list of two images for each name, each image in its own repository.
fn manifest(host: &str, names: &[&str]) -> String {
    let mut text = format!(
        "[defaults]\nplatforms = [\"linux/amd64\", \"linux/arm64\"]\nsource = \"{host}/src/{{name}}-{{arch}}:v1\"\n\
         target = \"{host}/app/{{name}}\"\ntags = [\"v1\"]\n"
    );
    for name in names {
        write!(text, "\n[list.{name}]\n").expect("text");
    }
    text
}

/// Starts a registry and publishes a list for each name.
fn published(kind: Kind, names: &[&str]) -> (AnyRegistry, Context) {
    let registry = kind.start().expect("it was installed a moment ago");
    for name in names {
        for arch in ARCHES {
            registry.push(&format!("src/{name}-{arch}"), "v1", &image(name, arch));
        }
    }
    let context = registry.project(&manifest(&registry.host(), names));
    context.mlist("sync").exits(0);
    context.mlist("verify").exits(0);
    (registry, context)
}

fn in_process(names: &[&str]) -> (AnyRegistry, Context) {
    published(Kind::InProcess, names)
}

fn inner(registry: &AnyRegistry) -> &Registry {
    match registry {
        AnyRegistry::InProcess(registry) => registry,
        _ => unreachable!("these cases turn knobs"),
    }
}

/// Deletes a manifest by its digest, or a blob. `None` if the registry cannot.
fn delete(registry: &AnyRegistry, what: &str) -> Option<()> {
    let answer = registry.wire().send("DELETE", &format!("/v2/{what}"), &[], b"");
    (answer.status == 202).then_some(())
}

fn delete_child(registry: &AnyRegistry, name: &str, arch: &str) -> Option<()> {
    delete(registry, &format!("app/{name}/manifests/{}", image(name, arch).digest()))
}

/// Publishes a list whose entry for arm64 has another value of this field.
fn describe(registry: &AnyRegistry, name: &str, field: &str, value: Value) {
    let mut entries = ARCHES.map(|arch| image(name, arch).entry());
    entries[1][field] = value;
    let mut list: Value = serde_json::from_slice(&index(&entries)).expect("JSON");
    list["mediaType"] = LIST.into();
    registry.push_list(&format!("app/{name}"), "v1", LIST, list.to_string().as_bytes());
}

/// Brings all situations about.
fn change(registry: &AnyRegistry) {
    delete_child(registry, "child-gone", "arm64").expect("a registry that deletes");
    let (layer, _) = &image("blob-gone", "arm64").blobs()[1];
    let path = format!("/v2/app/blob-gone/blobs/{layer}");
    let lie = Lie::new("HEAD", &path, [Change::Error(404, "BLOB_UNKNOWN")]);
    inner(registry).knobs().lies.push(lie);
    describe(registry, "size-wrong", "size", (image("size-wrong", "arm64").manifest().len() + 1).into());
    describe(registry, "type-wrong", "mediaType", "application/vnd.oci.image.manifest.v1+json".into());
    registry.push_list("app/tag-moved", "v1", LIST, &foreign_list(LIST, &[&image("tag-moved", "amd64")]));
    inner(registry).store().remove("app/tag-gone", "v1");
    registry.push("src/source-moved-amd64", "v1", &image("source-moved again", "amd64"));
    inner(registry).store().remove("src/source-gone-arm64", "v1");
}

/// Returns text of mlist as it would be for a fixed address and duration.
fn fixed(text: &str, registry: &AnyRegistry) -> String {
    let text = text.replace(&registry.host(), "127.0.0.1:50000");
    let line = |line: &str| match line.split_once("s: ") {
        Some((begin, end))
            if ["Done in ", "Differs after ", "Incomplete after "].iter().any(|word| begin.starts_with(word)) =>
        {
            let (words, _) = begin.rsplit_once(' ').expect("a duration");
            format!("{words} 0.1s: {end}")
        }
        _ => line.to_owned(),
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

/// Returns both streams and the status.
fn transcript(output: &Output, registry: &AnyRegistry) -> String {
    let (stdout, stderr) = (fixed(&output.stdout, registry), fixed(&output.stderr, registry));
    format!("stdout:\n{stdout}\nstderr:\n{stderr}\nstatus: {}\n", output.status)
}

/// Returns what a terminal with this many columns shows, and the status.
fn screen(context: &Context, registry: &AnyRegistry, arguments: &str, cols: u16) -> String {
    let mut terminal = Terminal::start(context, arguments, 200, cols);
    let status = terminal.wait();
    let screen = terminal.wait_for(if status == 3 { "Differs after" } else { "Done in" });
    format!("{}\nstatus: {status}\n", fixed(screen.trim_end(), registry))
}

#[test]
fn every_situation_has_its_line() {
    let (registry, mut context) = in_process(&SITUATIONS);
    change(&registry);
    insta::assert_snapshot!("piped", transcript(&context.mlist("verify --blobs"), &registry));
    insta::assert_snapshot!("verbose", transcript(&context.mlist("verify --blobs -v"), &registry));
    insta::assert_snapshot!("full_digests", transcript(&context.mlist("verify --no-trunc source-* tag-*"), &registry));
    for cols in [40, 80, 200] {
        let shown = screen(&context, &registry, "verify --blobs", cols);
        assert!(shown.lines().all(|line| line.chars().count() <= cols.into()), "{shown}");
        insta::assert_snapshot!(format!("columns_{cols}"), shown);
    }
    context.set("NO_COLOR", "1");
    context.set("LC_ALL", "C");
    insta::assert_snapshot!("without_unicode", screen(&context, &registry, "verify --blobs", 80));
}

#[test]
fn a_list_that_does_not_match_its_images_is_written_again() {
    let (registry, context) = in_process(&["size-wrong", "type-wrong"]);
    describe(&registry, "size-wrong", "size", 1.into());
    describe(&registry, "type-wrong", "mediaType", "application/vnd.oci.image.manifest.v1+json".into());
    let output = context.mlist("verify").exits(3);
    assert!(output.stderr.contains("help: write the list again: mlist sync size-wrong type-wrong\n"), "{output}");
    context.mlist("sync size-wrong type-wrong").exits(0);
    context.mlist("verify --blobs").exits(0);
}

#[test]
fn what_is_as_declared_says_little() {
    let (registry, context) = in_process(&SITUATIONS);
    let output = context.mlist("verify").exits(0);
    assert_eq!(fixed(&output.stdout, &registry), "Done in 0.1s: 9 lists as declared\n");
    assert_eq!(output.stderr, "");
    let output = context.mlist("verify -q").exits(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    for name in SITUATIONS {
        for arch in ARCHES.into_iter().skip(usize::from(name == "fine")) {
            inner(&registry).store().remove(&format!("src/{name}-{arch}"), "v1");
        }
    }
    insta::assert_snapshot!("sources_gone", transcript(&context.mlist("verify"), &registry));
    insta::assert_snapshot!("source_gone_alone", transcript(&context.mlist("verify fine"), &registry));
    let output = context.mlist("verify -q").exits(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    delete_child(&registry, "fine", "amd64").expect("a registry that deletes");
    let output = context.mlist("verify -q fine").exits(3);
    assert!(output.verdict().starts_with("Differs after "), "{output}");
}

#[test]
fn the_document_has_each_state_and_each_fault() {
    let (registry, context) = in_process(&SITUATIONS);
    change(&registry);
    let document = context.mlist("verify --blobs --format json").exits(3).json();
    assert_eq!((&document["kind"], &document["exit_status"]), (&json!("verification"), &json!(3)));
    let summary = json!({ "as_declared": 2, "differs": 2, "damaged": 4, "absent": 1, "blocked": 0, "failed": 0 });
    assert_eq!(document["summary"], summary);
    let lists = document["lists"].as_array().expect("lists");
    let states: Vec<_> =
        lists.iter().map(|list| (list["id"].as_str().unwrap(), list["state"].as_str().unwrap())).collect();
    let expected =
        ["as_declared", "damaged", "damaged", "damaged", "damaged", "differs", "absent", "differs", "as_declared"];
    assert_eq!(states, SITUATIONS.into_iter().zip(expected).collect::<Vec<_>>());
    let arm64 = |name: &str| image(name, "arm64");
    let damage = |name: &str, fault: &str, blob: Value, listed: (&str, usize), found: (Value, Value)| {
        json!([{
            "platform": "linux/arm64", "os_version": null, "attestation": false, "digest": arm64(name).digest(),
            "fault": fault, "blob": blob, "media_type": listed.0, "size": listed.1,
            "found_media_type": found.0, "found_size": found.1,
        }])
    };
    let size = |name: &str| arm64(name).manifest().len();
    let docker = arm64("fine").media_type();
    assert_eq!(
        lists[1]["damage"],
        damage("child-gone", "missing", Value::Null, (docker, size("child-gone")), (Value::Null, Value::Null))
    );
    let layer = arm64("blob-gone").blobs()[1].0.clone();
    assert_eq!(
        lists[2]["damage"],
        damage("blob-gone", "layer_missing", layer.into(), (docker, size("blob-gone")), (Value::Null, Value::Null))
    );
    let wrong = size("size-wrong");
    assert_eq!(
        lists[3]["damage"],
        damage("size-wrong", "size", Value::Null, (docker, wrong + 1), (Value::Null, wrong.into()))
    );
    let oci = "application/vnd.oci.image.manifest.v1+json";
    assert_eq!(
        lists[4]["damage"],
        damage("type-wrong", "type", Value::Null, (oci, size("type-wrong")), (docker.into(), Value::Null))
    );
    assert!([0, 5, 6, 7, 8].into_iter().all(|at| lists[at]["damage"] == json!([])));
    assert_eq!(lists[1]["problems"][0]["code"], "mlist::plan::list_damaged");
    assert_eq!(document["problems"], json!([]));
    assert_alterations_are_rejected(&document, "/lists/1/damage/0/fault");
    assert_alterations_are_rejected(&document, "/lists/1/state");
    // What blocks or fails a list, and what is shared by lists.
    inner(&registry).store().remove("app/source-gone", "v1");
    for method in ["HEAD", "GET"] {
        let path = "/app/fine/manifests/v1";
        inner(&registry).knobs().fault(Fault { method, path, times: usize::MAX, then: Then::Status(403) });
    }
    let failing = context.mlist("verify --format json").exits(1).json();
    let summary = json!({ "as_declared": 1, "differs": 2, "damaged": 3, "absent": 1, "blocked": 1, "failed": 1 });
    assert_eq!(failing["summary"], summary);
    let mut registry = registry;
    registry.stop();
    assert_valid(&[document, failing, context.mlist("verify --format json").exits(1).json()]);
}

on_each_registry!(
    a_deleted_child_is_found_and_repaired,
    a_deleted_blob_is_found_with_blobs,
    a_list_of_another_tool_is_as_declared,
);

fn a_deleted_child_is_found_and_repaired(kind: Kind) {
    let (registry, context) = published(kind, &["app", "other"]);
    if delete_child(&registry, "app", "arm64").is_none() {
        return;
    }
    let output = context.mlist("verify").exits(3);
    assert_eq!(output.lines("damaged"), 1, "{output}");
    assert!(output.stdout.contains("! linux/arm64"), "{output}");
    assert!(output.stdout.contains(" is in the list but not in the repository\n"), "{output}");
    assert!(output.verdict().ends_with("s: 1 list as declared, 1 damaged"), "{output}");
    assert!(output.stderr.contains("mlist::plan::list_damaged"), "{output}");
    let command = output.stderr.split("mlist sync").nth(1).expect("a command").split(';').next().expect("its end");
    let command = ["sync"].into_iter().chain(command.split_whitespace()).collect::<Vec<_>>().join(" ");
    assert_eq!(command, "sync --repair app");
    context.mlist(&command).exits(0);
    context.mlist("verify").exits(0);
}

fn a_deleted_blob_is_found_with_blobs(kind: Kind) {
    let (registry, context) = published(kind, &["app"]);
    let (config, _) = &image("app", "amd64").blobs()[0];
    if delete(&registry, &format!("app/app/blobs/{config}")).is_none() {
        return;
    }
    context.mlist("verify").exits(0);
    let output = context.mlist("verify --blobs").exits(3);
    assert!(output.stdout.contains("! linux/amd64      config "), "{output}");
    assert!(output.stderr.contains(": mlist sync --repair --blobs app\n"), "{output}");
    // Some registries delete a blob from all repositories at once.
    registry.push("src/app-amd64", "v1", &image("app", "amd64"));
    context.mlist("sync --repair --blobs app").exits(0);
    context.mlist("verify --blobs").exits(0);
}

fn a_list_of_another_tool_is_as_declared(kind: Kind) {
    let (registry, context) = published(kind, &["app"]);
    let images = ARCHES.map(|arch| image("app", arch));
    let riscv = Image::new(Dialect::Docker, "linux/riscv64", "app");
    registry.push("app/app", "riscv64", &riscv);
    registry.push_list("app/app", "v1", LIST, &foreign_list(LIST, &[&riscv, &images[0], &images[1]]));
    let output = context.mlist("verify").exits(3);
    assert!(output.stdout.contains("- linux/riscv64"), "{output}");
    let text = manifest(&registry.host(), &["app"]);
    context.manifest(&text.replace("tags =", "undeclared = \"keep\"\nmember-tags = []\ntags ="));
    context.mlist("verify").exits(0);
    // Other jobs find the members of this file by their tags.
    context.manifest(&text.replace("tags =", "undeclared = \"keep\"\ntags ="));
    let output = context.mlist("verify").exits(3);
    assert!(output.stdout.contains("! tag v1-linux-amd64  not found\n"), "{output}");
    context.mlist("sync").exits(0);
    context.mlist("verify").exits(0);
}

/// Counts the requests of `mlist ARGUMENTS` by method: HEAD, GET, and all.
fn cost(registry: &AnyRegistry, context: &Context, arguments: &str, status: i32) -> [usize; 3] {
    let (output, log) = registry.watch(|| context.mlist(arguments));
    output.exits(status);
    [log.count("HEAD"), log.count("GET"), log.len()]
}

#[test]
fn each_child_costs_one_head() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    Release::push(&registry);
    let context = registry.project(&Release::manifest(&registry.host()));
    context.mlist("sync").exits(0);
    // Five members and a tag, then five children.
    assert_eq!(cost(&registry, &context, "verify kubectl", 0), [6 + 5, 0, 11]);
    // And a GET of each manifest, and a HEAD of its config and its layer.
    assert_eq!(cost(&registry, &context, "verify kubectl --blobs", 0), [6 + 5 + 10, 5, 26]);
    assert_eq!(cost(&registry, &context, "verify", 0), [6 * 11, 0, 66]);
    // A second tag costs one HEAD.
    let two = Release::manifest(&registry.host()).replace("tags   = [", "tags   = [\"stable\", ");
    context.manifest(&two);
    context.mlist("sync").exits(0);
    assert_eq!(cost(&registry, &context, "verify kubectl", 0), [7 + 5, 0, 12]);
    // A child that is gone costs one GET, which confirms it.
    let child = Release::image("kubectl", "linux/arm64").digest();
    inner(&registry).store().remove("k8s/kubectl", &child);
    assert_eq!(cost(&registry, &context, "verify kubectl", 3), [7 + 5, 1, 13]);
    for binary in BINARIES {
        assert!(registry.list(&format!("k8s/{binary}"), VERSION).is_some());
    }
}

#[test]
fn members_in_the_repository_of_the_list_cost_a_head_by_digest_each() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    for arch in ARCHES {
        registry.push("app/app", &format!("v1-{arch}"), &image("app", arch));
    }
    let text = manifest(&registry.host(), &["app"]).replace("src/{name}-{arch}:v1", "app/{name}:v1-{arch}");
    let context = registry.project(&text);
    context.mlist("sync").exits(0);
    assert_eq!(cost(&registry, &context, "verify", 0), [3 + 2, 0, 5]);
}

#[test]
fn what_fails_is_said_once_and_nothing_is_claimed() {
    let names = ["app", "other"];
    let (registry, context) = in_process(&names);
    let fault = |method, path, then| Fault { method, path, times: usize::MAX, then };
    for (then, code) in
        [(Then::Status(403), "mlist::registry::denied"), (Then::Page(200), "mlist::registry::not_a_registry")]
    {
        for path in ["/app/app/manifests/", "/src/app-arm64/manifests/"] {
            inner(&registry).knobs().faults.clear();
            for method in ["HEAD", "GET"] {
                inner(&registry).knobs().fault(fault(method, path, then));
            }
            let output = context.mlist("verify").exits(1);
            assert_eq!(output.stderr.matches(code).count(), 1, "{then:?} {path}: {output}");
            assert_eq!((output.lines("failed"), output.lines("damaged")), (1, 0), "{output}");
            assert!(output.verdict().starts_with("Incomplete after "), "{output}");
            assert!(output.verdict().ends_with("s: 1 list as declared, 1 failed"), "{output}");
        }
    }
    inner(&registry).knobs().faults.clear();
    inner(&registry).knobs().fault(fault("HEAD", "/manifests/sha256:", Then::RetryAfter(600)));
    let output = context.mlist("verify").exits(1);
    assert!(output.stderr.contains("mlist::registry::rate_limited"), "{output}");
    inner(&registry).knobs().faults.clear();
    let output = context.mlist("verify nothing-like-it").exits(2);
    assert!(output.stderr.contains("matches no list"), "{output}");
    context.manifest("list.a = 1\n");
    context.mlist("verify").exits(2);
}

#[test]
fn transient_faults_and_contradictions_are_repeated() {
    let (registry, context) = in_process(&["app"]);
    inner(&registry).knobs().fault(Fault {
        method: "HEAD",
        path: "/manifests/sha256:",
        times: 2,
        then: Then::Status(500),
    });
    context.mlist("verify").exits(0);
    // The tag exists, but the list that it names does not.
    let digest = registry.wire().digest("app/app", "v1").expect("a list");
    describe(&registry, "app", "annotations", json!({ "written": "by another tool" }));
    let other = registry.wire().digest("app/app", "v1").expect("a list");
    assert_ne!(digest, other);
    let path = format!("/v2/app/app/manifests/{other}");
    inner(&registry).knobs().lies.push(Lie::new("GET", &path, [Change::Error(404, "MANIFEST_UNKNOWN")]));
    let output = context.mlist("verify").exits(1);
    assert!(output.stderr.contains("mlist::plan::contradictory_answers"), "{output}");
    // HEAD says that a child has another size than the list, and GET does not find it: once this is an accident.
    inner(&registry).knobs().lies.clear();
    context.mlist("sync").exits(0);
    let child = format!("/v2/app/app/manifests/{}", image("app", "arm64").digest());
    let size = Change::Header("content-length", "7".into());
    let lies = |once: bool| {
        let lies = [
            Lie::new("HEAD", &child, [size.clone()]),
            Lie::new("GET", &child, [Change::Error(404, "MANIFEST_UNKNOWN")]),
        ];
        inner(&registry).knobs().lies = lies.into_iter().map(|lie| if once { lie.once(0) } else { lie }).collect();
    };
    lies(true);
    context.mlist("verify").exits(0);
    lies(false);
    let output = context.mlist("verify").exits(3);
    assert!(output.stdout.contains(" is in the list but not in the repository\n"), "{output}");
    // HEAD alone is wrong.
    inner(&registry).knobs().lies = vec![Lie::new("HEAD", &child, [Change::Error(404, "MANIFEST_UNKNOWN")])];
    context.mlist("verify").exits(0);
}

#[test]
fn a_registry_that_requires_a_login_fails_the_list() {
    let account = Account::new("ci-bot", "s3cret-of-the-bot");
    let registry = Kind::InProcess.start_for(account.clone()).expect("it is part of this process");
    for arch in ARCHES {
        registry.push(&format!("src/app-{arch}"), "v1", &image("app", arch));
    }
    let context = Context::with(&manifest(&registry.host(), &["app"]));
    let output = context.mlist("verify").exits(1);
    assert_eq!(output.stderr.matches("mlist::registry::unauthorized").count(), 1, "{output}");
    context.log_in(&registry.host(), &account);
    context.mlist("verify").exits(3);
    context.mlist("sync").exits(0);
    context.mlist("verify").exits(0);
}

#[test]
fn a_registry_that_is_down_is_one_problem() {
    let (mut registry, context) = in_process(&["app", "other"]);
    registry.stop();
    let output = context.mlist("verify").exits(1);
    assert_eq!(output.stderr.matches("mlist::registry::unreachable").count(), 1, "{output}");
    assert!(output.stdout.starts_with("failed     2 lists"), "{output}");
    assert!(output.verdict().ends_with("s: 2 lists failed"), "{output}");
    registry.restart();
    context.mlist("verify").exits(0);
}

#[test]
fn only_the_registry_of_the_sources_is_down() {
    let sources = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    for arch in ARCHES {
        sources.push(&format!("src/app-{arch}"), "v1", &image("app", arch));
    }
    let text = manifest(&registry.host(), &["app"]);
    let text = text.replace(&format!("{}/src", registry.host()), &format!("{}/src", sources.host()));
    let context = Context::with(&text);
    context.mlist("sync").exits(0);
    context.mlist("verify").exits(0);
    let mut sources = sources;
    sources.stop();
    let output = context.mlist("verify").exits(1);
    assert!(output.stderr.contains("mlist::registry::unreachable"), "{output}");
    sources.restart();
    let mut registry = registry;
    registry.stop();
    context.mlist("verify").exits(1);
}

#[test]
fn a_file_of_a_stranger_is_verified_without_credentials() {
    let (registry, context) = in_process(&["app"]);
    context.mlist("verify --untrusted").exits(0);
    delete_child(&registry, "app", "arm64").expect("a registry that deletes");
    context.mlist("verify --untrusted").exits(3);
}

#[test]
fn verify_writes_nothing_and_can_be_interrupted() {
    let (registry, context) = in_process(&SITUATIONS);
    change(&registry);
    let (_, log) = registry.watch(|| context.mlist("verify --blobs"));
    assert_eq!(log.writes().len(), 0, "{log}");
    inner(&registry).knobs().fault(Fault {
        method: "HEAD",
        path: "/app/fine/manifests/sha256:",
        times: 1,
        then: Then::Stalled,
    });
    let running = context.start("verify");
    while !registry.log().iter().any(|exchange| exchange.path.contains("/app/fine/manifests/sha256:")) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    running.signal("INT");
    let output = running.wait().exits(130);
    assert!(output.verdict().starts_with("Interrupted after "), "{output}");
}

/// Publishes a layout to a layout.
fn layouts() -> Context {
    let context = Context::with(
        "[list.app]\nplatforms = [\"linux/amd64\", \"linux/arm64\"]\nsource = \"oci:in:{arch}\"\ntarget = \"oci:out\"\n\
         tags = [\"v1\"]\n",
    );
    let images = ARCHES.map(|arch| Image::new(Dialect::Oci, &format!("linux/{arch}"), "app"));
    write_layout(&context.path("in"), &[("amd64", &images[0]), ("arm64", &images[1])]);
    context.mlist("sync").exits(0);
    context.mlist("verify --blobs").exits(0);
    context
}

#[test]
fn layouts_are_verified_down_to_their_bytes() {
    let image = Image::new(Dialect::Oci, "linux/arm64", "app");
    let path =
        |context: &Context, digest: &str| context.path("out/blobs/sha256").join(digest.trim_start_matches("sha256:"));
    let [(config, _), (layer, bytes)] = image.blobs();
    let spaces = vec![b' '; bytes.len()];
    for (digest, bytes, says, command) in [
        (&image.digest(), None, "is in the list but not in the layout", "verify"),
        (&image.digest(), Some("{}".as_bytes()), "is in the list but not in the layout", "verify"),
        (&config, None, "config ", "verify"),
        (&layer, None, "layer ", "verify"),
        (&layer, Some(&spaces[..]), "layer ", "verify --blobs"),
    ] {
        let context = layouts();
        let blob = path(&context, digest);
        match bytes {
            None => std::fs::remove_file(&blob).expect("a file"),
            Some(bytes) => std::fs::write(&blob, bytes).expect("a file"),
        }
        let output = context.mlist(command).exits(3);
        assert!(output.stdout.contains(says), "{digest} {output}");
        let is_blob = *digest != image.digest();
        context.mlist(if is_blob { "sync --repair --blobs app" } else { "sync --repair app" }).exits(0);
        context.mlist("verify --blobs").exits(0);
    }
    let context = layouts();
    let marker = std::fs::read(context.path("out/oci-layout")).expect("a file");
    std::fs::remove_file(context.path("out/oci-layout")).expect("a file");
    let output = context.mlist("verify").exits(4);
    assert!(output.stderr.contains("out/oci-layout is missing"), "{output}");
    std::fs::write(context.path("out/oci-layout"), marker).expect("a file");
    let list = std::fs::read_to_string(context.path("out/index.json")).expect("index.json");
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let digest = list["manifests"][0]["digest"].as_str().expect("a digest").to_owned();
    std::fs::remove_file(path(&context, &digest)).expect("a file");
    let output = context.mlist("verify").exits(3);
    assert!(output.stdout.starts_with("not found  oci:out:v1\n"), "{output}");
    std::fs::remove_dir_all(context.path("out")).expect("a folder");
    context.mlist("verify").exits(3);
}
