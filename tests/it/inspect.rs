//! `mlist inspect` with real registries and layouts: transcripts, exit statuses and the number of requests.

use std::time::Instant;

use serde_json::{Value, json};

use crate::json_documents::{assert_alterations_are_rejected, assert_valid};
use crate::support::any_registry::{AnyRegistry, Kind, on_each_registry};
use crate::support::context::{Context, Output, PATIENCE};
use crate::support::images::{
    Artifact, Attestation, DOCKER_LIST, Dialect, Image, OCI_INDEX, OCI_MANIFEST, foreign_list, index, write_layout,
};
use crate::support::registry::knobs::References;
use crate::support::registry::{Account, Auth, Fault, Knobs, Log, Registry, Then};
use crate::support::terminal::Terminal;

on_each_registry!(a_release_is_the_same_tree_in_each_registry);

fn in_process() -> AnyRegistry {
    AnyRegistry::InProcess(Registry::start(Knobs::default()))
}

fn inner(registry: &AnyRegistry) -> &Registry {
    match registry {
        AnyRegistry::InProcess(registry) => registry,
        _ => unreachable!("these cases turn knobs"),
    }
}

/// Returns the transcript of a command. Each host has the same length, so that columns do not depend on its port.
fn transcript(context: &Context, output: &Output, host: &str) -> String {
    let docker = context.docker_config().display().to_string();
    output.to_string().replace(host, "127.0.0.1:50000").replace(&docker, "~/.docker")
}

fn image(platform: &str) -> Image {
    Image::new(Dialect::Oci, platform, "app").with_layer_of(48_210)
}

/// The manifests of a release as buildx and cosign publish it: an index of two images, one with an attestation, a
/// signature by tag, and two artifacts, of which one refers to the index and the other one to the first.
struct Release {
    list: Vec<u8>,
    sbom: Artifact,
    signature: Artifact,
}

impl Release {
    fn push(registry: &AnyRegistry) -> Self {
        let (amd64, windows) = (image("linux/amd64"), image("windows/amd64 10.0.17763.6532"));
        let attestation = Attestation::of(&amd64);
        registry.push("acme/app", &amd64.digest(), &amd64);
        registry.push("acme/app", &windows.digest(), &windows);
        registry.push_attestation("acme/app", &attestation);
        let list = index(&[amd64.entry(), windows.entry(), attestation.entry()]);
        registry.push_list("acme/app", "v1", OCI_INDEX, &list);
        let subject = Artifact::subject(OCI_INDEX, &list);
        let sbom = Artifact::new("application/spdx+json", "an sbom", Some(&subject));
        push_artifact(registry, &sbom.digest(), &sbom);
        let of_sbom = Artifact::subject(OCI_MANIFEST, sbom.manifest());
        let signature = Artifact::new("application/vnd.example.signature", "a signature", Some(&of_sbom));
        push_artifact(registry, &signature.digest(), &signature);
        let cosign = Artifact::new("application/vnd.dev.cosign.simplesigning.v1+json", "a signature by tag", None);
        push_artifact(registry, &format!("{}.sig", tag_of(&subject)), &cosign);
        Self { list, sbom, signature }
    }

    /// Pushes the indexes of referrers that clients maintain in registries without the referrers API.
    fn push_fallback(&self, registry: &AnyRegistry) {
        for (subject, referrer, kind) in [
            (Artifact::subject(OCI_INDEX, &self.list), &self.sbom, "application/spdx+json"),
            (
                Artifact::subject(OCI_MANIFEST, self.sbom.manifest()),
                &self.signature,
                "application/vnd.example.signature",
            ),
        ] {
            let mut entry = Artifact::subject(OCI_MANIFEST, referrer.manifest());
            entry["artifactType"] = kind.into();
            registry.push_list("acme/app", &tag_of(&subject), OCI_INDEX, &index(&[entry]));
        }
    }
}

/// Returns the tag that is derived from a digest.
fn tag_of(descriptor: &Value) -> String {
    descriptor["digest"].as_str().expect("a digest").replace(':', "-")
}

fn push_artifact(registry: &AnyRegistry, reference: &str, artifact: &Artifact) {
    for (digest, bytes) in artifact.blobs() {
        registry.wire().put_blob("acme/app", &digest, bytes);
    }
    registry.push_list("acme/app", reference, OCI_MANIFEST, artifact.manifest());
}

/// Returns the numbers of HEAD and GET requests, and checks that there are no others.
fn heads_and_gets(log: &Log) -> [usize; 2] {
    let counts = [log.count("HEAD"), log.count("GET")];
    assert_eq!(counts.iter().sum::<usize>(), log.len(), "{log}");
    counts
}

#[test]
fn a_release_is_shown_as_a_tree() {
    let registry = in_process();
    Release::push(&registry);
    let (context, host) = (Context::new(), registry.host());
    let arguments = format!("inspect {host}/acme/app:v1");
    let (output, log) = registry.watch(|| context.mlist(&arguments).exits(0));
    insta::assert_snapshot!(transcript(&context, &output, &host));
    // HEAD: the tag, and three tags of cosign. GET: the index, the three manifests that it names, the artifact that
    // refers to it and the signature of that one; the referrers of the index, of windows/amd64 and of the artifact.
    assert_eq!(heads_and_gets(&log), [4, 9], "{log}");
    let output = context.mlist(&format!("{arguments} --no-trunc -v")).exits(0);
    insta::assert_snapshot!("a_release_in_full", transcript(&context, &output, &host));
}

#[test]
fn each_kind_of_manifest_is_shown_with_few_requests() {
    let registry = in_process();
    let (amd64, arm) = (image("linux/amd64"), Image::new(Dialect::Docker, "linux/arm/v7", "app"));
    registry.push("acme/app", "image", &amd64);
    registry.push("acme/app", "arm", &arm);
    registry.push_list("acme/app", "list", DOCKER_LIST, &foreign_list(DOCKER_LIST, &[&amd64, &arm]));
    registry.push_built("acme/app", "built", &image("linux/arm64"));
    let chart = Artifact::new("application/vnd.cncf.helm.chart.v1", "a chart", None);
    push_artifact(&registry, "chart", &chart);
    let subject = Artifact::subject(OCI_MANIFEST, chart.manifest());
    for number in 1..=2 {
        let signature = Artifact::new("application/vnd.example.signature", &format!("number {number}"), Some(&subject));
        push_artifact(&registry, &signature.digest(), &signature);
    }
    let (context, host) = (Context::new(), registry.host());
    let mut transcripts = String::new();
    // An image: its manifest, config and referrers. A list: itself, two images, and the referrers of all three.
    // An image by buildx: the index and what it names; only the referrers of the index are queried. An artifact:
    // itself, its referrers, and two signatures with their referrers.
    for (tag, requests) in [("image", [4, 3]), ("list", [4, 6]), ("built", [4, 4]), ("chart", [4, 6])] {
        let (output, log) = registry.watch(|| context.mlist(&format!("inspect {host}/acme/app:{tag}")).exits(0));
        assert_eq!(heads_and_gets(&log), requests, "{tag}: {log}");
        transcripts += &(transcript(&context, &output, &host) + "\n");
    }
    insta::assert_snapshot!(transcripts);
}

#[test]
fn a_reference_by_digest_is_the_same_tree() {
    let registry = in_process();
    let release = Release::push(&registry);
    let (context, host) = (Context::new(), registry.host());
    let digest = Artifact::subject(OCI_INDEX, &release.list)["digest"].clone();
    let by_tag = context.mlist(&format!("inspect {host}/acme/app:v1 --format json")).exits(0).json();
    let digest = digest.as_str().expect("a digest");
    let mut by_digest = context.mlist(&format!("inspect {host}/acme/app@{digest} --format json")).exits(0).json();
    by_digest["tree"]["reference"] = by_tag["tree"]["reference"].clone();
    assert_eq!(by_digest, by_tag);
}

/// Returns the roles, platforms and digests of a tree, one line each.
fn outline(node: &Value, depth: usize) -> String {
    let word = |name: &str| node[name].as_str().unwrap_or("-").to_owned();
    let line = ["role", "kind", "state", "platform", "artifact_type", "digest"].map(word).join(" ");
    let below = ["children", "referrers"].into_iter().flat_map(|list| node[list].as_array().expect("a list"));
    format!("{}{line}\n", "  ".repeat(depth)) + &below.map(|node| outline(node, depth + 1)).collect::<String>()
}

fn a_release_is_the_same_tree_in_each_registry(kind: Kind) {
    let registry = kind.start().expect("it was installed a moment ago");
    Release::push(&registry).push_fallback(&registry);
    let context = Context::new();
    registry.admit(&context);
    let output = context.mlist(&format!("inspect {}/acme/app:v1 --format json", registry.host())).exits(0);
    insta::assert_snapshot!("outline_of_a_release", outline(&output.json()["tree"], 0));
    assert_valid(&[output.json()]);
}

#[test]
fn a_child_that_was_deleted_is_shown_and_fails_nothing() {
    let registry = in_process();
    Release::push(&registry);
    let windows = image("windows/amd64 10.0.17763.6532").digest();
    registry.wire().send("DELETE", &format!("/v2/acme/app/manifests/{windows}"), &[], b"");
    let (mut context, host) = (Context::new(), registry.host());
    let arguments = format!("inspect {host}/acme/app:v1");
    let output = context.mlist(&arguments).exits(0);
    let line = format!("windows/amd64 10.0.17763.6532            {}  not found\n", &windows[7..19]);
    assert!(output.stdout.contains(&line), "{output}");
    let json = context.mlist(&format!("{arguments} --format json")).exits(0).json();
    assert_eq!(json["tree"]["children"][1]["state"], "not_found");
    assert_valid(&[json]);
    context.set("CLICOLOR_FORCE", "1");
    assert!(context.mlist(&arguments).stdout.contains("\u{1b}[31mnot found\u{1b}[0m\n"));
    context.set("NO_COLOR", "1");
    assert!(!context.mlist(&arguments).stdout.contains('\u{1b}'));
}

#[test]
fn manifests_that_cannot_be_read_say_why() {
    let registry =
        AnyRegistry::InProcess(Registry::start(Knobs { references: References::Unchecked, ..Knobs::default() }));
    let schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let mut entries = vec![image("linux/amd64").entry()];
    for (media_type, bytes) in [
        (schema1, r#"{"schemaVersion":1,"fsLayers":[]}"#),
        ("application/vnd.example.unknown", r#"{"schemaVersion":2}"#),
        (OCI_MANIFEST, r#"{"schemaVersion":2,"config":{"digest":"sha256:0"}}"#),
    ] {
        let entry = Artifact::subject(media_type, bytes.as_bytes());
        let digest = entry["digest"].as_str().expect("a digest").to_owned();
        registry.wire().put_manifest("acme/app", &digest, media_type, bytes.as_bytes());
        entries.push(entry);
    }
    registry.push("acme/app", "amd64", &image("linux/amd64"));
    registry.push_list("acme/app", "v1", OCI_INDEX, &index(&entries));
    let (context, host) = (Context::new(), registry.host());
    let output = context.mlist(&format!("inspect {host}/acme/app:v1")).exits(0);
    insta::assert_snapshot!(transcript(&context, &output, &host));
    assert_valid(&[context.mlist(&format!("inspect {host}/acme/app:v1 --format json")).exits(0).json()]);
}

#[test]
fn each_failure_says_what_happened_and_what_to_do() {
    let mut registry = Registry::start(Knobs::default());
    let any = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    Release::push(&any);
    let (context, host) = (Context::new(), any.host());
    let mut transcripts = String::new();
    let mut add = |output: Output, host: &str| {
        assert_eq!(output.stdout.lines().last(), Some("1 problem"), "{output}");
        transcripts += &(transcript(&context, &output, host) + "\n");
    };
    add(context.mlist(&format!("inspect {host}/acme/app:v2")).exits(4), &host);
    let digest = format!("sha256:{}", "0".repeat(64));
    add(context.mlist(&format!("inspect {host}/acme/app@{digest}")).exits(4), &host);
    add(context.mlist(&format!("inspect {host}/acme/ap:v1")).exits(4), &host);
    let then = Then::Error(403, "DENIED", "requested access to the resource is denied");
    for method in ["HEAD", "GET"] {
        inner(&any).knobs().fault(Fault { method, path: "/manifests/v1", times: 1, then });
    }
    add(context.mlist(&format!("inspect {host}/acme/app:v1")).exits(1), &host);
    let auth = Auth::Bearer(Account::new("ci-bot", "s3cret-of-the-bot"));
    let guarded = Registry::start(Knobs { auth, ..Knobs::default() });
    add(context.mlist(&format!("inspect {}/acme/app:v1", guarded.host())).exits(1), &guarded.host());
    let closed = registry.host();
    registry.stop();
    std::fs::create_dir(context.path("empty")).expect("a folder");
    let output = context.mlist("inspect oci:missing:v1").exits(4);
    add(output, &host);
    add(context.mlist("inspect oci:empty:v1").exits(4), &host);
    insta::assert_snapshot!(transcripts);
    // The time that was spent differs.
    let output = context.mlist(&format!("inspect {closed}/acme/app:v1")).exits(1);
    assert!(output.stderr.contains(&format!("cannot connect to {closed}")), "{output}");
    for reference in [format!("{host}/acme/app:v2"), format!("{host}/acme/ap:v1"), "oci:missing:v1".to_owned()] {
        let json = context.mlist(&format!("inspect {reference} --format json")).exits(4).json();
        assert_eq!((&json["tree"], &json["exit_status"]), (&Value::Null, &json!(4)));
        assert_valid(&[json]);
    }
}

#[test]
fn a_failure_below_the_root_shows_the_rest() {
    let registry = in_process();
    Release::push(&registry);
    let windows = image("windows/amd64 10.0.17763.6532").digest();
    let path = Box::leak(format!("/manifests/{windows}").into_boxed_str());
    let then = Then::Error(403, "DENIED", "no");
    inner(&registry).knobs().fault(Fault { method: "GET", path, times: usize::MAX, then });
    let (context, host) = (Context::new(), registry.host());
    let output = context.mlist(&format!("inspect {host}/acme/app:v1")).exits(1);
    insta::assert_snapshot!(transcript(&context, &output, &host));
    let json = context.mlist(&format!("inspect {host}/acme/app:v1 --format json")).exits(1).json();
    assert_eq!(json["tree"]["children"][1]["state"], "failed");
    assert_alterations_are_rejected(&json, "/tree/children/1/state");
    assert_alterations_are_rejected(&json, "/problems/0/severity");
}

#[test]
fn a_rate_limit_is_waited_out() {
    let registry = in_process();
    Release::push(&registry);
    let fault = Fault { method: "GET", path: "/manifests/", times: 2, then: Then::RetryAfter(1) };
    inner(&registry).knobs().fault(fault);
    let output = Context::new().mlist(&format!("inspect {}/acme/app:v1", registry.host())).exits(0);
    assert!(output.stdout.contains("provenance"), "{output}");
    assert!(output.stderr.contains("rate limited by "), "{output}");
}

#[test]
fn ctrl_c_ends_it_with_its_own_status() {
    let registry = in_process();
    Release::push(&registry);
    let stalled = Fault { method: "GET", path: "/manifests/", times: usize::MAX, then: Then::Stalled };
    inner(&registry).knobs().fault(stalled);
    let (context, before) = (Context::new(), registry.log().len());
    let running = context.start(&format!("inspect {}/acme/app:v1", registry.host()));
    let begin = Instant::now();
    while registry.log().len() < before + 4 {
        assert!(begin.elapsed() < PATIENCE, "no request comes");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    running.signal("INT");
    let output = running.wait().exits(130);
    assert!(output.stdout.starts_with("Interrupted after ") && output.stderr.is_empty(), "{output}");
}

#[test]
fn the_settings_of_a_manifests_toml_are_used() {
    let account = Account::new("ci-bot", "s3cret-of-the-bot");
    let registry =
        AnyRegistry::InProcess(Registry::start(Knobs { auth: Auth::Bearer(account.clone()), ..Knobs::default() }));
    Release::push(&registry);
    let (mut context, host) = (Context::new(), registry.host());
    let arguments = format!("inspect {host}/acme/app:v1");
    context.mlist(&arguments).exits(1);
    let settings = format!("[registry.\"{host}\"]\nusername-env = \"U\"\npassword-env = \"P\"\n");
    let list =
        "list.a = { source = \"oci:in:v1\", target = \"oci:out\", tags = [\"v1\"], platforms = [\"linux/amd64\"] }\n";
    context.manifest(&format!("{list}{settings}"));
    context.set("U", account.user.as_str());
    context.set("P", account.password.as_str());
    let (output, log) = registry.watch(|| context.mlist(&arguments));
    assert!(output.exits(0).stderr.is_empty());
    let scopes: Vec<String> = log.tokens().iter().map(|exchange| exchange.query.clone()).collect();
    assert!(!scopes.is_empty() && scopes.iter().all(|query| !query.contains("push")), "{scopes:?}");
    // A file with errors is not used, unless it was given.
    context.manifest(&format!("{list}{settings}x = 1\n"));
    let output = context.mlist(&arguments).exits(1);
    let message = "ignoring manifests.toml, which is not valid; run `mlist check` to see why\n";
    assert!(output.stderr.starts_with(message), "{output}");
    let output = context.mlist(&format!("{arguments} -f manifests.toml")).exits(2);
    assert!(output.stderr.starts_with("mlist::config::unknown_key\n"), "{output}");
    std::fs::remove_file(context.path("manifests.toml")).expect("the file");
    context.mlist(&format!("{arguments} -f manifests.toml")).exits(2);
}

#[test]
fn layouts_are_read_like_registries() {
    let context = Context::new();
    let images = [image("linux/amd64"), image("linux/arm64")];
    write_layout(&context.path("in"), &[("v1", &images[0]), ("v2", &images[1])]);
    let output = context.mlist("inspect oci:in:v1").exits(0);
    insta::assert_snapshot!(transcript(&context, &output, "-"));
    assert_valid(&[context.mlist("inspect oci:in:v1 --format json").exits(0).json()]);
    let manifest = context.path("in/blobs/sha256").join(&images[0].digest()[7..]);
    std::fs::write(manifest, "{}").expect("a blob");
    let output = context.mlist("inspect oci:in:v1").exits(4);
    insta::assert_snapshot!("a_corrupt_manifest_in_a_layout", transcript(&context, &output, "-"));
    assert_valid(&[context.mlist("inspect oci:in:v1 --format json").exits(4).json()]);
}

#[test]
fn an_index_of_thousands_costs_a_limited_number_of_requests() {
    let registry =
        AnyRegistry::InProcess(Registry::start(Knobs { references: References::Unchecked, ..Knobs::default() }));
    let entry = |number: usize| Artifact::subject(OCI_MANIFEST, number.to_string().as_bytes());
    let list = index(&(0..3000).map(entry).collect::<Vec<_>>());
    registry.push_list("acme/app", "v1", OCI_INDEX, &list);
    let (context, host) = (Context::new(), registry.host());
    let (output, log) = registry.watch(|| context.mlist(&format!("inspect {host}/acme/app:v1")).exits(0));
    // For each manifest that is read: itself and its attestations.
    assert_eq!(heads_and_gets(&log), [4, 2 + 2 * 500]);
    assert_eq!(output.lines("├─") + output.lines("└─"), 3000);
    let note = "not read: 2,500 manifests (mlist inspect reads at most 500 manifests and 3 levels of indexes)\n";
    assert!(output.stderr.ends_with(note), "{output}");
}

#[test]
fn each_width_of_a_terminal_has_whole_references() {
    let registry = in_process();
    Release::push(&registry);
    let (mut context, host) = (Context::new(), registry.host());
    let screen = |context: &Context, columns| {
        let mut terminal = Terminal::start(context, &format!("inspect {host}/acme/app:v1"), 40, columns);
        assert_eq!(terminal.wait(), 0);
        terminal.wait_for("13 B");
        format!("{columns} columns\n{}", terminal.screen().trim_end().replace(&host, "127.0.0.1:50000"))
    };
    let mut screens: Vec<String> = [40, 80, 200].map(|columns| screen(&context, columns)).into();
    context.set("LC_ALL", "C");
    screens.push(screen(&context, 80));
    insta::assert_snapshot!(screens.join("\n\n"));
}

#[test]
fn hostile_text_can_neither_begin_a_line_nor_steer_the_terminal() {
    const HOSTILE: &str = "\u{1b}[2Jx\n::error::x\r\u{202e}y";
    let registry =
        AnyRegistry::InProcess(Registry::start(Knobs { references: References::Unchecked, ..Knobs::default() }));
    let artifact = |content: &str| {
        let mut manifest: Value =
            serde_json::from_slice(Artifact::new(HOSTILE, content, None).manifest()).expect("JSON");
        manifest["annotations"] = json!({ HOSTILE: HOSTILE, "::error::y": "z" });
        manifest["layers"][0]["annotations"] = json!({ "in-toto.io/predicate-type": HOSTILE });
        manifest.to_string().into_bytes()
    };
    let mut entries = Vec::new();
    for content in ["a", "b"] {
        let bytes = artifact(content);
        let mut entry = Artifact::subject(OCI_MANIFEST, &bytes);
        registry.push_list("acme/app", entry["digest"].as_str().expect("a digest"), OCI_MANIFEST, &bytes);
        entry["annotations"] = json!({ "vnd.docker.reference.digest": HOSTILE, HOSTILE: HOSTILE });
        entry["platform"] = if content == "a" {
            json!({ "os": "unknown", "architecture": "unknown" })
        } else {
            json!({ "os": HOSTILE, "architecture": HOSTILE, "variant": HOSTILE, "os.version": HOSTILE })
        };
        entries.push(entry);
    }
    let mut unknown = Artifact::subject(HOSTILE, b"c");
    unknown["artifactType"] = HOSTILE.into();
    entries.push(unknown);
    registry.push_list("acme/app", "v1", OCI_INDEX, &index(&entries));
    let context = Context::new();
    let output = context.mlist(&format!("inspect {}/acme/app:v1 -v", registry.host())).exits(0);
    let is_harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!output.stdout.contains(is_harmful) && output.stdout.contains("::error::x"), "{output}");
    assert!(output.stdout.lines().all(|line| !line.trim_start().starts_with("::")), "{output}");
    assert_eq!(output.stdout.matches('\n').count(), 2 + 3 + 2 * 3, "{output}");
}
