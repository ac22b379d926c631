//! The result of a run in which something fails: outcomes, exit statuses, reports, and that no failure stops other
//! lists.

use serde_json::{Value, json};

use crate::support::any_registry::AnyRegistry;
use crate::support::context::{Context, PATIENCE};
use crate::support::docker_registry::{DockerRegistry, skipped};
use crate::support::images::{Dialect, Image};
use crate::support::registry::{Fault, Knobs, Registry, Then};
use crate::support::release::{BINARIES, Release, VERSION};
use crate::support::tls_server::Proxy;

/// Starts the registry of this process with all thirty images, and creates a project that publishes there.
fn release() -> (AnyRegistry, Context) {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    Release::push(&registry);
    let context = Context::with(&Release::manifest(&registry.host()));
    (registry, context)
}

fn inner(registry: &AnyRegistry) -> &Registry {
    match registry {
        AnyRegistry::InProcess(registry) => registry,
        _ => unreachable!("these cases turn knobs"),
    }
}

/// Returns which of the six lists exist.
fn standing(registry: &AnyRegistry) -> Vec<&'static str> {
    let stands = |binary: &&str| registry.list(&format!("k8s/{binary}"), VERSION) == Some(Release::list(binary));
    BINARIES.into_iter().filter(stands).collect()
}

const ALWAYS: usize = usize::MAX;

fn fault(method: &'static str, path: &'static str, times: usize, then: Then) -> Fault {
    Fault { method, path, times, then }
}

#[test]
fn one_list_that_fails_stops_no_other() {
    let (registry, context) = release();
    inner(&registry).knobs().fault(fault("PUT", "/k8s/kube-proxy/manifests/", ALWAYS, Then::Status(403)));
    let output = context.mlist("sync").exits(1);
    assert_eq!(standing(&registry).len(), 5);
    assert_eq!((output.lines("created"), output.lines("failed")), (5, 1), "{output}");
    assert!(output.verdict().ends_with("s: 5 lists created, 1 failed"), "{output}");
    assert!(output.stderr.contains("403"), "{output}");
}

#[test]
fn the_report_names_every_list_and_its_problem() {
    let (registry, context) = release();
    inner(&registry).knobs().fault(fault("PUT", "/k8s/kube-proxy/manifests/", ALWAYS, Then::Status(403)));
    let report = context.mlist("sync --format json").exits(1).json();
    assert_eq!((&report["version"], &report["kind"], &report["exit_status"]), (&json!(1), &json!("report"), &json!(1)));
    let summary = json!({ "published": 5, "unchanged": 0, "failed": 1, "blocked": 0, "cancelled": 0 });
    assert_eq!(report["summary"], summary);
    let lists = report["lists"].as_array().expect("lists");
    assert_eq!(lists.len(), 6);
    for (list, binary) in lists.iter().zip(BINARIES) {
        let failed = binary == "kube-proxy";
        assert_eq!(list["outcome"], if failed { "failed" } else { "published" }, "{binary}");
        assert_eq!(list["tags"][0]["done"], !failed, "{binary}");
        assert_eq!(list["problems"] == json!([]), !failed, "{binary}");
    }
    let host = &report["registries"][registry.host()];
    assert_eq!((&host["put"], &host["credentials"]), (&report["requests"]["put"], &Value::Null));
}

#[test]
fn transient_faults_are_got_over() {
    for then in [Then::Status(503), Then::Status(500), Then::RequestLost, Then::AnswerLost] {
        let (registry, context) = release();
        for (method, path) in [("HEAD", "/manifests/"), ("GET", "/blobs/"), ("POST", "/blobs/"), ("PUT", "/manifests/")]
        {
            inner(&registry).knobs().fault(fault(method, path, 2, then));
        }
        context.mlist("sync").exits(0);
        assert_eq!(standing(&registry), BINARIES, "{then:?}");
        assert_eq!(inner(&registry).store().refusals(), []);
    }
}

#[test]
fn a_registry_that_asks_to_wait_is_waited_for() {
    let (registry, context) = release();
    inner(&registry).knobs().fault(fault("HEAD", "/manifests/", 3, Then::RetryAfter(1)));
    let output = context.mlist("sync").exits(0);
    assert_eq!(standing(&registry), BINARIES);
    assert!(output.stderr.contains("rate limited by "), "{output}");
}

#[test]
fn a_tag_whose_answer_is_lost_is_looked_at_and_not_told_as_failed() {
    let (registry, context) = release();
    inner(&registry).knobs().fault(fault("PUT", "/k8s/kubectl/manifests/v1.3.0", ALWAYS, Then::AnswerLost));
    context.mlist("sync").exits(0);
    assert_eq!(standing(&registry), BINARIES);
}

#[test]
fn after_a_failure_fail_fast_begins_nothing() {
    let (registry, context) = release();
    inner(&registry).knobs().fault(fault("PUT", "/k8s/hyperkube/manifests/", ALWAYS, Then::Status(403)));
    let report = context.mlist("sync --fail-fast -j 1 --format json").exits(1).json();
    assert_eq!(report["lists"][0]["outcome"], "failed");
    let cancelled = report["summary"]["cancelled"].as_u64().expect("a number");
    assert!(cancelled > 0, "{report}");
    assert_eq!(standing(&registry).len() as u64 + cancelled + 1, 6);
}

#[test]
fn json_goes_to_a_file_beside_the_results() {
    let (_registry, context) = release();
    let output = context.mlist("sync --format human --format json=report.json").exits(0);
    assert_eq!((output.stdout.lines().count(), output.lines("created")), (7, 6), "{output}");
    let report = std::fs::read_to_string(context.path("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["summary"]["published"], 6);
}

#[test]
fn quiet_says_nothing_unless_something_is_wrong() {
    let (registry, context) = release();
    let output = context.mlist("sync -q").exits(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    let digest = registry.wire().digest("k8s/kubectl-arm64", VERSION).expect("it was pushed");
    registry.wire().send("DELETE", &format!("/v2/k8s/kubectl-arm64/manifests/{digest}"), &[], b"");
    let output = context.mlist("sync -q").exits(4);
    assert!(output.stderr.contains(&format!("tag {VERSION} not found in ")), "{output}");
}

#[test]
fn why_git_has_no_value_is_said_with_what_to_do() {
    let list = "platforms = [\"linux/amd64\"]\nsource = \"ghcr.io/acme/app:{v}\"\ntags = [\"{v}\"]\n";
    let list = format!("[vars]\nv = {{ git = \"tag\" }}\n[list.app]\ntarget = \"ghcr.io/acme/app\"\n{list}");
    let context = Context::with(&list);
    let git = |arguments: &str| {
        let mut git = std::process::Command::new("git");
        git.arg("-C").arg(context.path(".")).args(["-c", "user.name=n", "-c", "user.email=n@example.org"]);
        assert!(git.args(arguments.split(' ')).output().expect("git").status.success(), "{arguments}");
    };
    let says = |why: &str, help: &str| {
        let output = context.mlist("check").exits(2);
        let text = output.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(&format!("`v` has no value: {why}")), "{output}");
        assert!(text.contains(help), "{output}");
    };
    says("this directory is not in a git repository", "run mlist in a git checkout");
    git("init --quiet");
    says("the git repository has no commit yet", "create a commit");
    git("commit --quiet --allow-empty --message=one");
    says("the git repository has no tags", "git tag v1.0.0");
    git("tag nightly");
    says("no tag on HEAD is a version: found nightly", "git tag v1.0.0");
    git("commit --quiet --allow-empty --message=two");
    says("no tag points to HEAD; tags on other commits: nightly", "git = \"describe\"");
    git("tag v1.2.3");
    context.mlist("check").exits(0);
}

#[test]
fn a_selector_that_fits_nothing_is_a_usage_error() {
    let (registry, context) = release();
    let (output, log) = registry.watch(|| context.mlist("sync kube-prxy"));
    let output = output.exits(2);
    assert!(output.stderr.contains("kube-proxy"), "the nearest is named: {output}");
    assert_eq!(log.len(), 0, "{log}");
}

#[test]
fn a_file_with_mistakes_reaches_no_registry() {
    let (registry, context) = release();
    context.manifest(&Release::manifest(&registry.host()).replace("platforms =", "platfroms ="));
    let (output, log) = registry.watch(|| context.mlist("sync"));
    let output = output.exits(2);
    assert!(output.stderr.contains("mlist::config::unknown_key"), "{output}");
    assert_eq!(log.len(), 0, "{log}");
}

#[test]
fn a_file_that_is_not_there_has_its_name_in_the_verdict_and_the_document() {
    let (_registry, context) = release();
    let output = context.mlist("plan -f elsewhere.toml --format json").exits(2);
    assert_eq!((output.verdict(), &output.json()["file"]), ("elsewhere.toml: 1 problem", &json!("elsewhere.toml")));
}

#[test]
fn signals_end_a_run_with_their_own_status_and_a_report() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let (registry, context) = release();
        // Freeze before the first list is published, with one request in flight: all six lists are cancelled.
        inner(&registry).freeze_after(4);
        let running = context.start("sync -j 1 --format human --format json=report.json");
        assert!(inner(&registry).wait_frozen(PATIENCE));
        running.signal(signal);
        let output = running.wait().exits(status);
        inner(&registry).thaw_and_forget();
        assert!(output.verdict().starts_with("Interrupted after "), "{output}");
        let report = std::fs::read_to_string(context.path("report.json")).expect("a report, whatever the outcome");
        let report: Value = serde_json::from_str(&report).expect("JSON");
        assert_eq!(report["exit_status"], status);
        assert_eq!(report["summary"]["cancelled"], 6);
        assert_eq!(standing(&registry), [] as [&str; 0]);
        context.mlist("sync").exits(0);
        assert_eq!(standing(&registry), BINARIES);
    }
}

#[test]
fn a_folder_that_takes_nothing_is_one_problem_for_all_its_lists() {
    let (registry, context) = release();
    let target = r#"target = "{registry}/{name}"
tags   = ["{version}"]"#;
    let manifest = Release::manifest(&registry.host());
    assert!(manifest.contains(target), "{manifest}");
    let layout = r#"target = "oci:out"
tags   = ["{name}-{version}"]"#;
    context.manifest(&manifest.replace(target, layout));
    std::fs::create_dir(context.path("out")).expect("a folder");
    std::fs::write(context.path("out/blobs"), "in the way").expect("a file");
    let output = context.mlist("sync --format human --format json=report.json").exits(4);
    assert_eq!(output.stderr.matches("mlist::registry::layout").count(), 1, "{output}");
    assert!(output.stderr.contains("cannot write to oci:"), "{output}");
    let report = std::fs::read_to_string(context.path("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["summary"]["blocked"], 6);
    for list in report["lists"].as_array().expect("lists") {
        assert_eq!(list["problems"].as_array().map(Vec::len), Some(1), "{list}");
    }
}

#[test]
fn a_refusal_says_what_it_is_and_that_no_rerun_helps() {
    for (status, code, exit) in [
        (400, "mlist::registry::refused", 4),
        (404, "mlist::registry::not_found", 4),
        (409, "mlist::registry::refused", 4),
        (412, "mlist::registry::refused", 4),
        (413, "mlist::registry::too_large", 4),
        (403, "mlist::registry::denied", 1),
        (418, "mlist::registry::not_a_registry", 1),
    ] {
        let (registry, context) = release();
        inner(&registry).knobs().fault(fault("PUT", "/k8s/kubectl/manifests/v1.3.0", ALWAYS, Then::Status(status)));
        let report = context.mlist("sync kubectl --format json").exits(exit).json();
        let problem = &report["lists"][0]["problems"][0];
        assert_eq!((&problem["code"], &problem["retry"]), (&json!(code), &json!(exit == 1)), "{status}");
        assert_eq!(problem["reference"], format!("{}/k8s/kubectl:v1.3.0", registry.host()));
        assert_eq!((&problem["http"]["status"], &problem["http"]["host"]), (&json!(status), &json!(registry.host())));
        let log = registry.log();
        let puts = log.filter(|exchange| exchange.method == "PUT" && exchange.path.contains("/kubectl/manifests/v1"));
        assert_eq!(puts.len(), 1, "a refusal is not repeated: {log}");
    }
}

/// Creates a project with two lists of one image each.
fn two_lists(source: &str, target: &str) -> Context {
    Context::with(&format!(
        r#"
[vars]
registry = "{source}"

[defaults]
platforms = ["linux/amd64"]
source = "{{registry}}/{{name}}:1-amd64"
target = "{target}/{{name}}"
tags = ["1"]

[list.api]
[list.web]
"#
    ))
}

#[test]
fn a_pull_through_cache_accepts_no_pushes_and_no_rerun_helps() {
    let Some(upstream) = DockerRegistry::start(None) else { return skipped("docker-registry is not installed") };
    let mirror = DockerRegistry::mirror(&upstream.host()).expect("it is installed");
    let upstream = AnyRegistry::Debian(upstream);
    for name in ["api", "web"] {
        upstream.push(&format!("acme/{name}"), "1-amd64", &Image::new(Dialect::Oci, "linux/amd64", name));
    }
    let source = format!("{}/acme", upstream.host());
    for target in [format!("{}/acme", mirror.host()), format!("{}/new", mirror.host())] {
        let context = two_lists(&source, &target);
        let output = context.mlist("sync --format human --format json=report.json").exits(4);
        let host = mirror.host();
        let message = format!(
            "× {host} does not accept pushes (405 UNSUPPORTED): it is a pull-through cache or read-only mirror\n"
        );
        assert_eq!(output.stderr.matches(&message).count(), 1, "{output}");
        assert_eq!(output.stderr.matches("mlist::registry::refused").count(), 1, "{output}");
        let report = std::fs::read_to_string(context.path("report.json")).expect("a report");
        let report: Value = serde_json::from_str(&report).expect("JSON");
        assert_eq!(report["summary"]["blocked"], 2, "{report}");
        let problem = &report["lists"][0]["problems"][0];
        assert_eq!((&problem["code"], &problem["retry"]), (&json!("mlist::registry::refused"), &json!(false)));
        assert_eq!((&problem["http"]["status"], &problem["http"]["code"]), (&json!(405), &json!("UNSUPPORTED")));
    }
}

#[test]
fn an_unknown_host_is_given_up_quickly_and_shown_where_the_file_names_it() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let context = two_lists("no-such-host.invalid/acme", &registry.host());
    let begin = std::time::Instant::now();
    let output = context.mlist("plan --format human --format json=plan.json").exits(1);
    assert!(begin.elapsed().as_secs() < 30, "{:?}", begin.elapsed());
    assert!(output.stderr.contains("× cannot connect to no-such-host.invalid\n"), "{output}");
    assert!(output.stderr.contains("host name not found (DNS): no-such-host.invalid\n"), "{output}");
    assert!(output.stderr.contains("required by 2 lists\n"), "{output}");
    assert!(!output.stderr.contains("sync"), "{output}");
    assert!(
        output.stdout.contains("failed     2 lists: cannot connect to no-such-host.invalid\n           api, web\n"),
        "{output}"
    );
    let plan = std::fs::read_to_string(context.path("plan.json")).expect("a plan");
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    let problem = &plan["problems"][0];
    assert_eq!((&problem["http"]["attempts"], &problem["retry"]), (&json!(2), &json!(false)), "{problem}");
    assert_eq!((&problem["at"]["line"], &problem["lists"]), (&json!(3), &json!(["api", "web"])), "{problem}");
}

#[test]
fn a_reference_without_a_host_is_explained_by_docker_hub() {
    // The proxy keeps the request in this machine.
    let proxy = Proxy::start(&[], Some("Basic Y2k6Z2VoZWlt"));
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let mut context = two_lists("acme", &registry.host());
    let text = std::fs::read_to_string(context.path("manifests.toml")).expect("it was written");
    context.manifest(&text.replace("{registry}/{name}:1-amd64", "acme/{name}:1.0-{arch}"));
    context.set("HTTPS_PROXY", format!("http://{}", proxy.address()));
    let output = context.mlist("plan").exits(1);
    assert!(output.stderr.contains("× cannot connect to docker.io\n"), "{output}");
    assert!(output.stderr.contains("acme/{name}:1.0-{arch}"), "{output}");
    let label = "a reference without a host name is on Docker Hub (docker.io)\n";
    assert_eq!(output.stderr.matches(label).count(), 1, "{output}");
    assert!(output.stderr.contains("help: if the image is on another registry, write its host name; "), "{output}");
}

#[test]
fn a_target_that_is_down_is_shown_where_the_file_names_it() {
    let (mut registry, context) = release();
    registry.stop();
    let output = context.mlist("sync --format human --format json=report.json").exits(1);
    assert_eq!(output.stderr.matches("required by 6 lists\n").count(), 1, "{output}");
    let report = std::fs::read_to_string(context.path("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["problems"].as_array().map(Vec::len), Some(1), "{report}");
    assert_eq!(report["problems"][0]["at"]["file"], "manifests.toml");
}
