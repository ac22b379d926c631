//! `mlist ls`: the tables on terminals of several widths and in pipes, the documents, the requests, and each failure.

use serde_json::json;

use crate::json_documents::{assert_alterations_are_rejected, assert_valid};
use crate::support::any_registry::{AnyRegistry, Kind, on_each_registry};
use crate::support::context::{Context, Output, PATIENCE};
use crate::support::images::{Attestation, DOCKER_LIST, Dialect, Image, OCI_INDEX, foreign_list, index, write_layout};
use crate::support::registry::{Account, Auth, Fault, Knobs, Registry, Then};
use crate::support::terminal::Terminal;

on_each_registry!(each_repository_has_its_tags, lists_that_are_published_are_as_declared);

/// Three lists in two repositories: images in repositories of their own, images in the repository of their list, and
/// Windows.
fn manifest(registry: &str) -> String {
    format!(
        r#"
[vars]
registry = "{registry}"
version = "v1.2.0"

[defaults]
platforms = ["linux/amd64", "linux/arm/v7", "linux/arm64"]
target = "{{registry}}/{{name}}"
tags = ["{{version}}", "v1.2", {{ tag = "latest", when = "newest" }}]

[list.api]
source = "{{registry}}/{{name}}-{{arch}}:{{version}}"

[list.web]
source = "{{registry}}/{{name}}:{{version}}-{{arch}}"
tags = ["{{version}}"]

[list.pause]
target = "{{registry}}/web"
source = "{{registry}}/pause:{{os}}-{{arch}}"
tags = ["pause-1"]
platforms = [
  "linux/amd64",
  {{ platform = "windows/amd64", os-version = "10.0.17763.6532", source = "{{registry}}/pause:ltsc2019" }},
  {{ platform = "windows/amd64", os-version = "10.0.20348.*", source = "{{registry}}/pause:ltsc2022" }},
]
"#
    )
}

/// The name of a registry in transcripts. It is as long as an address of this machine.
const NAME: &str = "registry.io:443";

/// Returns `text` with the duration in the verdict replaced, and the address of a registry by a name.
fn steady(text: &str, registry: &str) -> String {
    assert_eq!(registry.len(), NAME.len(), "the port has five digits: {registry}");
    let line = |line: &str| {
        let is_verdict = ["Done in ", "Incomplete after ", "Interrupted after "].iter().any(|it| line.starts_with(it));
        let word = |(at, word): (usize, &str)| match (at, word.strip_suffix(':')) {
            (2, Some(_)) if is_verdict => "0.1s:".to_owned(),
            _ => word.to_owned(),
        };
        line.split(' ').enumerate().map(word).collect::<Vec<_>>().join(" ") + "\n"
    };
    // The time of attempts is a word such as `7s)`, and the directory of a user's settings is a temporary one.
    let text = text.replace(registry, NAME);
    let word = |word: &str| match word.trim_end() {
        took if took.ends_with("s)") && took.starts_with(|c: char| c.is_ascii_digit()) => word.replace(took, "7s)"),
        path if path.ends_with("/docker/config.json") => word.replace(path, "/home/ci/.docker/config.json"),
        _ => word.to_owned(),
    };
    let text: String = text.split_inclusive([' ', '\n']).map(word).collect();
    // On a busy machine, a run that waits for a registry says how far it is.
    let is_progress = |line: &&str| ["Listing tags: ", "Reading: "].iter().any(|word| line.starts_with(word));
    text.lines().filter(|line| !is_progress(line)).map(line).collect()
}

/// Returns both streams and the exit status of a command.
fn transcript(output: &Output, registry: &str) -> String {
    let text = format!("{}--- stderr\n{}--- exit status {}\n", output.stdout, output.stderr, output.status);
    steady(&text, registry)
}

/// Runs a command on a terminal of this width. Returns the screen, which ends with `end`, and the exit status.
fn screen(context: &Context, arguments: &str, columns: u16, end: &str) -> String {
    let mut terminal = Terminal::start(context, arguments, 60, columns);
    let status = terminal.wait();
    let begin = std::time::Instant::now();
    loop {
        let screen = terminal.screen();
        if screen.trim_end().ends_with(end) {
            return format!("{}\n--- exit status {status}\n", screen.trim_end());
        }
        assert!(begin.elapsed() < PATIENCE, "it does not end with {end}:\n{screen}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Returns the transcripts of a command on terminals of 40, 80 and 200 columns, on one without Unicode, and in a pipe.
fn transcripts(context: &mut Context, arguments: &str, end: &str, registry: &str) -> String {
    let mut text = String::new();
    for columns in [40, 80, 200] {
        text.extend([format!("=== {columns} columns\n"), screen(context, arguments, columns, end)]);
    }
    context.set("LC_ALL", "C");
    context.set("NO_COLOR", "1");
    text.extend(["=== 40 columns, LC_ALL=C\n".to_owned(), screen(context, arguments, 40, end)]);
    let output = context.mlist(arguments);
    context.set("LC_ALL", "C.UTF-8");
    assert!(output.to_string().lines().all(|line| !line.ends_with(' ')), "{output}");
    steady(&text, registry) + "=== pipe\n" + &transcript(&output, registry)
}

#[test]
fn offline_shows_what_the_file_expands_to() {
    let mut context = Context::with(&manifest(&format!("{NAME}/acme")));
    insta::assert_snapshot!("ls-offline", transcripts(&mut context, "ls --offline", "tags", NAME));
    insta::assert_snapshot!("ls-offline-verbose", screen_of(&context, "ls --offline -v api", "tags"));
    assert_eq!(context.mlist("list --offline").exits(0).stdout.lines().count(), 11);
}

/// Returns the steady screen of a command on a terminal of 80 columns.
fn screen_of(context: &Context, arguments: &str, end: &str) -> String {
    steady(&screen(context, arguments, 80, end), NAME)
}

#[test]
fn rows_in_a_pipe_are_split_at_spaces() {
    let context = Context::with(&manifest(&format!("{NAME}/acme")));
    let output = context.mlist("ls --offline").exits(0);
    let rows: Vec<Vec<&str>> = output.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let (verdict, rows) = rows.split_last().expect("rows");
    assert_eq!(verdict[0], "Done");
    assert!(rows.iter().all(|row| row.len() == 5), "{output}");
    assert_eq!(rows[8][1..], [&format!("{NAME}/acme/pause:ltsc2019"), "windows,10.0.17763.6532", "amd64", "-"]);
}

#[test]
fn offline_json_has_the_records_of_a_plan_without_digests_and_states() {
    let context = Context::with(&manifest(&format!("{NAME}/acme")));
    let document = context.mlist("ls --offline --format json pause").exits(0).json();
    assert_eq!((&document["kind"], &document["file"]), (&json!("lists"), &json!("manifests.toml")));
    assert_valid(std::slice::from_ref(&document));
    let list = &document["lists"][0];
    assert_eq!((&list["id"], &list["state"], &list["digest"]), (&json!("pause"), &json!(null), &json!(null)));
    let member = json!({
        "platform": "windows/amd64", "os_version": "10.0.17763.6532", "source": format!("{NAME}/acme/pause:ltsc2019"),
        "digest": null, "from": null, "media_type": null, "size": null, "change": "unknown", "tags": [], "state": null,
    });
    assert_eq!(list["members"][1], member);
    assert_eq!(document["requests"], json!({ "head": 0, "get": 0, "put": 0, "post": 0, "token": 0 }));
}

#[test]
fn offline_names_what_depends_on_a_registry_and_what_is_left_out() {
    let context = Context::with(
        r#"
[defaults]
platforms = ["linux/amd64"]
source = "registry.io:443/in:{version}"
target = "registry.io:443/out"
[list.all]
matrix.version = { tags-of = "registry.io:443/in", match = "v1.*" }
tags = ["{version}"]
[list.next]
vars.version = "v2.0.0-rc.1"
tags = [{ tag = "{version}", when = "stable" }]
"#,
    );
    insta::assert_snapshot!("ls-offline-unexpanded", transcript(&context.mlist("ls --offline").exits(0), NAME));
    assert_eq!(context.mlist("ls --offline --format json").json()["unexpanded"], json!(["all"]));
}

fn inner(registry: &AnyRegistry) -> &Registry {
    match registry {
        AnyRegistry::InProcess(registry) => registry,
        _ => unreachable!("these cases turn knobs"),
    }
}

fn image(platform: &str, content: &str) -> Image {
    Image::new(Dialect::Docker, platform, content)
}

const ARCHES: [(&str, &str); 3] = [("linux/amd64", "amd64"), ("linux/arm/v7", "arm"), ("linux/arm64", "arm64")];

/// Pushes a list and its images, which get tags of their own.
fn push_version(registry: &AnyRegistry, repository: &str, version: &str) {
    let images = ARCHES.map(|(platform, _)| image(platform, version));
    for ((_, arch), image) in ARCHES.iter().zip(&images) {
        registry.push(repository, &format!("{version}-{arch}"), image);
    }
    let list = foreign_list(DOCKER_LIST, &images.iter().collect::<Vec<_>>());
    registry.push_list(repository, version, DOCKER_LIST, &list);
}

/// `acme/web` has lists, tags of their members, a single image, an image with an attestation, and a signature.
fn push_web(registry: &AnyRegistry) {
    for version in ["v1.2.0", "v1.10.0", "v1.9.0"] {
        push_version(registry, "acme/web", version);
    }
    registry.push("acme/web", "v1.9.0-riscv64", &image("linux/riscv64", "v1.9.0"));
    registry.push("acme/web", "nightly", &image("linux/amd64", "nightly"));
    registry.push_built("acme/web", "edge", &Image::new(Dialect::Oci, "linux/arm64", "edge"));
    let attestation = Attestation::by_subject(&image("linux/amd64", "nightly"));
    registry.push_attestation("acme/web", &attestation);
    registry.push_list("acme/web", "sbom", crate::support::images::OCI_MANIFEST, attestation.manifest());
    let windows = image("windows/amd64 10.0.17763.6532", "win");
    registry.push("acme/web", "sha256-0f.sig", &windows);
    registry.push_list("acme/web", "pause-1", OCI_INDEX, &index(&[windows.entry()]));
}

/// A registry of this process with `acme/web`, but without `acme/api`, and a project of both.
fn in_process() -> (AnyRegistry, Context) {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    push_web(&registry);
    let context = Context::with(&manifest(&format!("{}/acme", registry.host())));
    (registry, context)
}

#[test]
fn tags_are_shown_with_what_they_name() {
    let (registry, mut context) = in_process();
    let host = registry.host();
    insta::assert_snapshot!("ls-tags", transcripts(&mut context, "ls --tags", "found", &host));
    let document = context.mlist("ls --tags --format json").exits(0).json();
    assert_alterations_are_rejected(&document, "/targets/1/tags/0/type");
    let all = context.mlist("ls --tags -v web --no-trunc --limit 9").exits(0);
    insta::assert_snapshot!("ls-tags-verbose", transcript(&all, &host));
}

fn each_repository_has_its_tags(kind: Kind) {
    let registry = kind.start().expect("it was installed a moment ago");
    push_version(&registry, "acme/web", "v1.2.0");
    registry.push("acme/web", "nightly", &image("linux/amd64", "nightly"));
    let context = registry.project(&manifest(&format!("{}/acme", registry.host())));
    let document = context.mlist("ls --tags --format json").exits(0).json();
    let web = &document["targets"][1];
    assert_eq!((&web["state"], &web["omitted"], &web["member_tags_omitted"]), (&json!("found"), &json!(0), &json!(3)));
    let tags: Vec<_> = web["tags"].as_array().expect("tags").iter().map(|tag| &tag["tag"]).collect();
    assert_eq!(tags, ["v1.2.0", "nightly"]);
    assert_eq!(web["tags"][0]["platforms"], json!(["linux/amd64", "linux/arm/v7", "linux/arm64"]));
    let nightly = json!({
        "tag": "nightly", "state": "found", "type": "image", "digest": image("linux/amd64", "nightly").digest(),
        "media_type": image("linux/amd64", "nightly").media_type(), "platforms": ["linux/amd64"],
    });
    assert_eq!(web["tags"][1], nightly);
    let api = &document["targets"][0];
    let state = if kind.knows_repositories() { "absent" } else { "found" };
    assert_eq!((&api["state"], &api["tags"]), (&json!(state), &json!([])));
}

#[test]
fn each_repository_is_listed_once_and_nothing_is_read_twice() {
    let (registry, context) = in_process();
    let (output, log) = registry.watch(|| context.mlist("ls --tags"));
    output.exits(0);
    let requests =
        |method: &str, part: &str| log.iter().filter(|it| it.method == method && it.path.contains(part)).count();
    assert_eq!(requests("GET", "/tags/list"), 2, "{log}");
    // v1.2.0, v1.9.0, v1.10.0, nightly, edge, sbom and pause-1.
    assert_eq!(requests("HEAD", "/manifests/"), 7, "{log}");
    assert_eq!((requests("GET", "/manifests/"), requests("GET", "/blobs/")), (7, 1), "{log}");
    assert_eq!(log.len(), 17, "{log}");
    // Both tags name the same image.
    registry.push("acme/web", "weekly", &image("linux/amd64", "nightly"));
    let (output, log) = registry.watch(|| context.mlist("ls --tags web"));
    output.exits(0);
    let gets = log.iter().filter(|it| it.method == "GET" && !it.path.contains("/tags/list")).count();
    assert_eq!(gets, 8, "{log}");
    let (output, log) = registry.watch(|| context.mlist("ls --tags --limit 1 web"));
    output.exits(0);
    assert_eq!(log.len(), 3, "a page of tags, HEAD, and GET of the list: {log}");
}

#[test]
fn layouts_have_tags_too() {
    let context = Context::with(&manifest("oci:acme").replace("{registry}/web", "oci:acme/web"));
    let (one, two) = (image("linux/amd64", "one"), image("windows/amd64 10.0.17763.1", "two"));
    write_layout(&context.path("acme/web"), &[("v1.2.0", &one), ("v1.2.0-amd64", &one), ("two", &two)]);
    insta::assert_snapshot!("ls-tags-layout", transcript(&context.mlist("ls --tags").exits(0), NAME));
    std::fs::write(context.path("acme/web/index.json"), "{").expect("a file");
    insta::assert_snapshot!("ls-tags-corrupt-layout", transcript(&context.mlist("ls --tags").exits(1), NAME));
}

#[test]
fn what_gives_no_answer_is_told_and_the_others_are_shown() {
    let (registry, mut context) = in_process();
    let host = registry.host();
    let (path, then) = ("acme/api/tags/list", Then::Status(403));
    inner(&registry).knobs().fault(Fault { method: "GET", path, times: usize::MAX, then });
    insta::assert_snapshot!("ls-tags-403", transcripts(&mut context, "ls --tags --limit 1", "failed", &host));
    inner(&registry).knobs().faults.clear();
    // A tag whose manifest cannot be read, and one that was deleted after the tags were listed.
    let path = "acme/web/manifests/v1.9.0";
    inner(&registry).knobs().fault(Fault { method: "HEAD", path, times: usize::MAX, then: Then::Status(404) });
    let path = "acme/web/manifests/sha256:";
    inner(&registry).knobs().fault(Fault { method: "GET", path, times: usize::MAX, then: Then::Status(403) });
    insta::assert_snapshot!("ls-tags-partly", transcript(&context.mlist("ls --tags web").exits(1), &host));
}

#[test]
fn a_registry_that_is_down_is_one_problem() {
    let (mut registry, context) = in_process();
    let host = registry.host();
    registry.stop();
    let (screen, output) = (screen(&context, "ls --tags", 80, "failed"), context.mlist("ls --tags").exits(1));
    let text = steady(&screen, &host) + "=== pipe\n" + &transcript(&output, &host);
    insta::assert_snapshot!("ls-tags-unreachable", text);
    let document = context.mlist("ls --tags --format json").exits(1).json();
    assert_eq!(document["problems"].as_array().map(Vec::len), Some(1), "{document}");
    assert_eq!(document["targets"][1]["state"], "unknown");
    let lists = context.mlist("ls --format json").exits(1).json();
    assert_valid(&[document, lists]);
}

#[test]
fn a_login_is_used() {
    let account = Account::new("ci-bot", "s3cret-of-the-bot");
    let knobs = Knobs { auth: Auth::Bearer(account.clone()), ..Knobs::default() };
    let registry = AnyRegistry::InProcess(Registry::start(knobs));
    push_version(&registry, "acme/web", "v1.2.0");
    let context = Context::with(&manifest(&format!("{}/acme", registry.host())));
    let output = context.mlist("ls --tags web").exits(1);
    insta::assert_snapshot!("ls-tags-401", transcript(&output, &registry.host()));
    context.log_in(&registry.host(), &account);
    context.mlist("ls --tags web").exits(0);
    let output = context.mlist("ls --tags web --untrusted").exits(1);
    assert!(output.stderr.contains("mlist::registry::unauthorized"), "{output}");
}

#[test]
fn mistakes_are_told_before_any_request() {
    let (registry, context) = in_process();
    for subject in ["ls", "ls --offline", "ls --tags"] {
        let (output, log) = registry.watch(|| context.mlist(&format!("{subject} wbe")));
        assert!(output.exits(2).stderr.contains("did you mean `web`"), "{subject}");
        assert_eq!(log.len(), 0, "{log}");
    }
    context.manifest("list.a.tags = 1\n");
    for subject in ["ls", "ls --offline", "ls --tags"] {
        let output = context.mlist(subject).exits(2);
        assert!(output.stderr.starts_with("mlist::config::") && output.verdict().ends_with("problems"), "{output}");
    }
}

#[test]
fn an_interrupted_run_says_so() {
    for (signal, status, command) in [("INT", 130, "ls"), ("INT", 130, "ls --tags"), ("TERM", 143, "ls --tags")] {
        let (registry, context) = in_process();
        let then = Then::Slow(std::time::Duration::from_mins(5));
        for (method, path) in [("GET", "/tags/list"), ("HEAD", "/manifests/")] {
            inner(&registry).knobs().fault(Fault { method, path, times: usize::MAX, then });
        }
        let before = registry.log().len();
        let running = context.start(command);
        let begin = std::time::Instant::now();
        while registry.log().len() == before && begin.elapsed() < std::time::Duration::from_secs(2) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        running.signal(signal);
        let output = running.wait().exits(status);
        assert!(output.verdict().starts_with("Interrupted after ") && output.stdout.lines().count() == 1, "{output}");
    }
}

#[test]
fn texts_from_registries_inject_nothing() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let evil = "linux\n::error::x\u{1b}[31m\u{202e}/<b>amd64</b>";
    let evil = Image::new(Dialect::Oci, evil, "evil");
    registry.push("acme/web", "evil", &evil);
    registry.push_list("acme/web", "list", OCI_INDEX, &index(&[evil.entry()]));
    let context = Context::with(&manifest(&format!("{}/acme", registry.host())));
    let output = context.mlist("ls --tags web").exits(0);
    assert_eq!(output.stdout.lines().count(), 4, "{output}");
    assert!(output.stdout.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{output}");
    let document = context.mlist("ls --tags web --format json").exits(0).json();
    assert_eq!(document["targets"][0]["tags"][0]["platforms"][0], "linux\n::error::x\u{1b}[31m\u{202e}/<b>amd64</b>");
}

/// Pushes the images of `api`, each in a repository of its own, and the images of `web`.
fn push_sources(registry: &AnyRegistry) {
    for (platform, arch) in ARCHES {
        registry.push(&format!("acme/api-{arch}"), "v1.2.0", &image(platform, "api"));
        registry.push("acme/web", &format!("v1.2.0-{arch}"), &image(platform, "web"));
    }
}

/// A registry of this process in which `api` and `web` are published.
fn published() -> (AnyRegistry, Context) {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    push_sources(&registry);
    let context = Context::with(&manifest(&format!("{}/acme", registry.host())));
    context.mlist("sync api web").exits(0);
    (registry, context)
}

fn delete(registry: &AnyRegistry, repository: &str, tag: &str) {
    let digest = registry.wire().digest(repository, tag).expect("it was pushed");
    registry.wire().send("DELETE", &format!("/v2/{repository}/manifests/{digest}"), &[], b"");
}

/// Changes something of each kind: an image is pushed again, another is deleted, a platform is added, one is removed, and
/// a tag of the list names another list.
fn changed() -> (AnyRegistry, Context) {
    let (registry, context) = published();
    registry.push("acme/api-arm64", "v1.2.0", &image("linux/arm64", "api again"));
    registry.push("acme/api-riscv64", "v1.2.0", &image("linux/riscv64", "api"));
    delete(&registry, "acme/api-arm", "v1.2.0");
    push_version(&registry, "acme/web", "v1.2.1");
    let web = registry.wire().manifest("acme/web", "v1.2.1").expect("a list").body;
    registry.push_list("acme/web", "v1.2", DOCKER_LIST, &web);
    let platforms = r#"["linux/arm/v7", "linux/arm64", "linux/riscv64", "linux/s390x"]"#;
    let list = format!("[list.api]\nplatforms = {platforms}");
    let text = manifest(&format!("{}/acme", registry.host())).replace("[list.api]", &list);
    context.manifest(&text.replace(r#"tags = ["{version}"]"#, r#"tags = ["{version}", "v1.2", "v1"]"#));
    (registry, context)
}

fn lists_that_are_published_are_as_declared(kind: Kind) {
    let registry = kind.start().expect("it was installed a moment ago");
    push_sources(&registry);
    let context = registry.project(&manifest(&format!("{}/acme", registry.host())));
    let output = context.mlist("ls api web").exits(0);
    let states: Vec<&str> =
        output.stdout.lines().skip(1).take(6).filter_map(|row| row.split_whitespace().last()).collect();
    assert_eq!((states, output.verdict().ends_with(": 2 lists not found")), (vec!["new"; 6], true), "{output}");
    context.mlist("sync api web").exits(0);
    let output = context.mlist("ls api web").exits(0);
    assert!(output.verdict().ends_with(": 2 lists as declared"), "{output}");
    assert!(output.stdout.lines().skip(1).take(6).all(|row| row.ends_with("  -")), "{output}");
    let document = context.mlist("ls api web --format json").exits(0).json();
    for list in document["lists"].as_array().expect("lists") {
        assert_eq!((&list["state"], &list["action"]), (&json!("as_declared"), &json!("unchanged")), "{list}");
        assert!(list["members"].as_array().expect("members").iter().all(|it| it["state"] == "as_declared"), "{list}");
    }
}

#[test]
fn the_table_says_what_differs_is_new_not_found_or_undeclared() {
    let (registry, mut context) = changed();
    let host = registry.host();
    insta::assert_snapshot!("ls", transcripts(&mut context, "ls api web", "differ", &host));
    let document = context.mlist("ls api web --format json").exits(0).json();
    assert_alterations_are_rejected(&document, "/lists/0/members/0/state");
    let list = &document["lists"][0];
    let states = |list: &serde_json::Value| {
        let members = list["members"].as_array().expect("members").iter();
        members.map(|it| format!("{} {}", it["platform"], it["state"]).replace('"', "")).collect::<Vec<_>>()
    };
    let expected = ["linux/arm/v7 absent", "linux/arm64 differs", "linux/riscv64 new", "linux/s390x absent"];
    assert_eq!(states(list), [&expected[..], &["linux/amd64 undeclared"]].concat());
    assert_eq!((&document["kind"], &list["state"]), (&json!("lists"), &json!("differs")));
    assert_eq!(document["lists"][1]["tags"][1]["change"], "moved");
}

#[test]
fn a_list_whose_content_alone_differs_has_a_row_of_its_own() {
    let (registry, context) = published();
    let text = manifest(&format!("{}/acme", registry.host()));
    context.manifest(&text.replace("[list.api]", "[list.api]\nannotations.a = \"b\""));
    let output = context.mlist("ls api").exits(0);
    assert_eq!(
        output.stdout.lines().nth(4).map(|row| row.split_whitespace().skip(2).collect::<String>()).as_deref(),
        Some("-----differs")
    );
    assert!(output.verdict().ends_with(": 1 list differs"), "{output}");
}

#[test]
fn it_costs_what_a_plan_costs() {
    let (registry, context) = published();
    for change in [false, true] {
        if change {
            registry.push("acme/api-arm64", "v1.2.0", &image("linux/arm64", "api again"));
        }
        let paths = |command: &str| {
            let (output, log) = registry.watch(|| context.mlist(command));
            output.exits(0);
            let mut paths: Vec<String> = log.iter().map(|it| format!("{} {}", it.method, it.path)).collect();
            paths.sort();
            paths
        };
        let (plan, ls) = (paths("plan api web"), paths("ls api web"));
        if change {
            // A plan also asks whether the image that it would copy is in the target.
            assert!(ls.len() <= plan.len() && ls.iter().all(|it| plan.contains(it)), "{ls:#?} {plan:#?}");
        } else {
            assert_eq!((&ls, ls.len()), (&plan, 6 + 4), "one HEAD for each member and tag");
            assert!(ls.iter().all(|it| it.starts_with("HEAD ")), "{ls:#?}");
        }
    }
}

#[test]
fn nothing_is_waited_for() {
    let (registry, context) = published();
    delete(&registry, "acme/api-arm", "v1.2.0");
    let text = manifest(&format!("{}/acme", registry.host()));
    context.manifest(&text.replace("[list.api]", "[list.api]\nwait = \"10m\""));
    let (output, log) = registry.watch(|| context.mlist("ls api"));
    output.exits(0);
    assert_eq!(log.filter(|it| it.path.contains("acme/api-arm/")).count("HEAD"), 1, "{log}");
}

#[test]
fn what_has_no_usable_answer_is_unknown() {
    let (registry, mut context) = published();
    let host = registry.host();
    let (path, then) = ("acme/api-arm64/manifests", Then::Status(403));
    for method in ["HEAD", "GET"] {
        inner(&registry).knobs().fault(Fault { method, path, times: usize::MAX, then });
    }
    insta::assert_snapshot!("ls-403", transcripts(&mut context, "ls api web", "unknown", &host));
    let document = context.mlist("ls api web --format json").exits(1).json();
    let states: Vec<_> = document["lists"].as_array().expect("lists").iter().map(|list| &list["state"]).collect();
    assert_eq!(states, ["unknown", "as_declared"]);
}

#[test]
fn a_source_that_is_no_image_is_explained_and_no_failure() {
    let (registry, context) = published();
    let windows = image("windows/amd64 10.0.17763.1", "win");
    registry.push("acme/api-arm64", "windows", &windows);
    registry.push_list("acme/api-arm64", "v1.2.0", OCI_INDEX, &index(&[windows.entry()]));
    let output = context.mlist("ls api web").exits(0);
    insta::assert_snapshot!("ls-blocked", transcript(&output, &registry.host()));
}

#[test]
fn lists_of_a_registry_that_is_down_are_unknown() {
    let (mut registry, context) = published();
    let host = registry.host();
    registry.stop();
    let text = steady(&screen(&context, "ls api web", 80, "unknown"), &host);
    insta::assert_snapshot!("ls-unreachable", text);
}

#[test]
fn an_undeclared_platform_injects_nothing() {
    let (registry, context) = published();
    let evil = "linux\n::error::x\u{1b}[31m\u{202e}/<b>amd64</b>";
    let evil = Image::new(Dialect::Docker, evil, "evil");
    registry.push("acme/api", "evil", &evil);
    let images = ARCHES.map(|(platform, _)| image(platform, "api"));
    for (image, number) in images.iter().zip(0..) {
        registry.push("acme/api", &format!("part-{number}"), image);
    }
    let all: Vec<&Image> = images.iter().chain([&evil]).collect();
    for tag in ["v1.2.0", "v1.2", "latest"] {
        registry.push_list("acme/api", tag, DOCKER_LIST, &foreign_list(DOCKER_LIST, &all));
    }
    let output = context.mlist("ls api").exits(0);
    let rows: Vec<&str> = output.stdout.lines().filter(|line| line.ends_with("undeclared")).collect();
    assert_eq!(rows.len(), 1, "{output}");
    assert!(output.stdout.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{output}");
    assert!(output.stdout.lines().all(|line| !line.starts_with("::")), "{output}");
}
