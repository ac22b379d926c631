//! Lists that are not written in manifests.toml itself: in included files, in the lines of a file, in the tags of a
//! repository.

use std::fs;

use serde_json::Value;

use crate::support::any_registry::{AnyRegistry, Kind, on_every_registry};
use crate::support::context::{Context, Output, PATIENCE};
use crate::support::images::{Dialect, Image};
use crate::support::registry::fault::{Fault, Then};

on_every_registry!(
    a_monorepo_is_published_from_one_file,
    each_version_of_another_repository_becomes_a_list,
    a_registry_that_is_down_is_told_where_its_tags_are_wanted,
);

/// Pushes `k8s/app-ARCH` in these versions, and creates a project for them.
fn versions(kind: Kind, versions: &[&str]) -> (AnyRegistry, Context) {
    let registry = kind.start().expect("it was installed a moment ago");
    for version in versions {
        for arch in ["amd64", "arm64"] {
            let image = Image::new(Dialect::Oci, &format!("linux/{arch}"), version);
            registry.push(&format!("k8s/app-{arch}"), version, &image);
        }
    }
    let context = registry.project(&format!(
        r#"
[vars]
registry = "{}/k8s"

[defaults]
platforms = ["linux/amd64", "linux/arm64"]
source = "{{registry}}/app-{{arch}}:{{tag-of}}"
target = "{{registry}}/app"

[list.app]
matrix.version = {{ tags-of = "{{registry}}/app-amd64", pattern = "v{{version}}", match = "1.*", newest = 2 }}
vars.tag-of = "v{{version}}"
tags = ["{{version}}"]
"#,
        registry.host()
    ));
    (registry, context)
}

fn each_version_of_another_repository_becomes_a_list(kind: Kind) {
    let (registry, context) = versions(kind, &["v1.2.0", "v1.10.0", "v1.9.3", "v2.0.0", "latest"]);
    let (output, log) = registry.watch(|| context.mlist("check"));
    let verdict = "manifests.toml: 0 lists, 0 members, 0 tags, no problems; not expanded, because their lists \
                   depend on the tags of a registry: app";
    assert_eq!(output.exits(0).verdict(), verdict);
    assert_eq!(log.len(), 0, "check asks nobody: {log}");
    let (output, log) = registry.watch(|| context.mlist("sync --format json"));
    let report = output.exits(0).json();
    let ids: Vec<_> = report["lists"].as_array().unwrap().iter().map(|list| list["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["app/1.10.0", "app/1.9.3"], "the newest first");
    let listed = log.filter(|exchange| exchange.path.contains("/tags/list") && exchange.status == 200);
    assert_eq!(listed.len(), 1, "{log}");
    let asked = log.filter(|exchange| !exchange.is_token());
    let counted = ["head", "get", "put", "post"].map(|kind| report["requests"][kind].as_u64().unwrap());
    assert_eq!(counted.iter().sum::<u64>(), asked.len() as u64, "listing counts too: {log}");
    assert_eq!(registry.tags("k8s/app"), ["1.10.0", "1.9.3"]);
    assert!(context.mlist("sync").exits(0).verdict().starts_with("Nothing to publish: 2 lists unchanged ("));
    // The next release requires no change to the file.
    for arch in ["amd64", "arm64"] {
        let image = Image::new(Dialect::Oci, &format!("linux/{arch}"), "v1.11.0-rc.1");
        registry.push(&format!("k8s/app-{arch}"), "v1.11.0-rc.1", &image);
    }
    context.mlist("sync app/1.11.0-rc.1").exits(0);
    assert_eq!(registry.tags("k8s/app"), ["1.10.0", "1.11.0-rc.1", "1.9.3"]);
}

fn a_registry_that_is_down_is_told_where_its_tags_are_wanted(kind: Kind) {
    let (mut registry, context) = versions(kind, &["v1.2.0"]);
    registry.stop();
    for command in ["plan", "sync"] {
        let output = context.mlist(&format!("{command} --format human --format json=said.json")).exits(1);
        assert_eq!(output.stderr.matches("mlist::registry::unreachable").count(), 1, "{output}");
        assert!(output.stderr.contains("tags-of = "), "{output}");
        assert!(output.stderr.contains("used by list `app`"), "{output}");
        let said: Value = serde_json::from_str(&fs::read_to_string(context.path("said.json")).unwrap()).unwrap();
        assert_eq!((said["kind"].as_str(), said["exit_status"].as_u64()), (Some("problems"), Some(1)));
        assert_eq!(said["problems"][0]["retry"], true);
    }
    context.mlist("check").exits(0);
    registry.restart();
    context.mlist("sync").exits(0);
}

fn in_process(tags: &[&str]) -> (AnyRegistry, Context) {
    versions(Kind::InProcess, tags)
}

fn inner(registry: &AnyRegistry) -> &crate::support::registry::Registry {
    match registry {
        AnyRegistry::InProcess(registry) => registry,
        _ => unreachable!("it was started in this process"),
    }
}

#[test]
fn a_repository_that_is_not_there_leaves_an_axis_without_values() {
    let (_registry, context) = in_process(&[]);
    let output = context.mlist("plan").exits(2);
    assert!(output.stderr.contains("mlist::config::empty_axis"), "{output}");
    assert!(output.stderr.contains(" not found"), "{output}");
}

#[test]
fn credentials_without_the_right_to_list_are_the_registrys_problem() {
    let (registry, context) = in_process(&["v1.2.0"]);
    let then = Then::Error(403, "DENIED", "requested access to the resource is denied");
    inner(&registry).knobs().fault(Fault { method: "GET", path: "/tags/list", times: 100, then });
    let output = context.mlist("plan").exits(1);
    assert_eq!(output.stderr.matches("mlist::registry::denied").count(), 1, "{output}");
    assert!(output.stderr.contains("tags-of = "), "{output}");
}

#[test]
fn what_is_wrong_with_the_file_is_told_before_anybody_is_asked() {
    let (registry, context) = in_process(&["v1.2.0"]);
    let text = fs::read_to_string(context.path("manifests.toml")).unwrap();
    context.manifest(&text.replace(r#"tags = ["{version}"]"#, r#"tags = ["{versoin}"]"#));
    let (output, log) = registry.watch(|| context.mlist("sync"));
    assert!(output.exits(2).stderr.contains("did you mean `version`?"));
    assert_eq!(log.len(), 0, "{log}");
}

#[test]
fn a_signal_ends_the_listing_of_tags_with_a_report() {
    let (registry, context) = in_process(&["v1.2.0"]);
    inner(&registry).knobs().fault(Fault { method: "GET", path: "/tags/list", times: 100, then: Then::Stalled });
    let running = context.start("sync --format human --format json=report.json");
    let begin = std::time::Instant::now();
    while inner(&registry).log().filter(|exchange| exchange.path.contains("/tags/list")).len() == 0 {
        assert!(begin.elapsed() < PATIENCE, "tags are never listed");
        std::thread::yield_now();
    }
    running.signal("INT");
    let output: Output = running.wait().exits(130);
    assert!(output.verdict().starts_with("Interrupted after "), "{output}");
    let report: Value = serde_json::from_str(&fs::read_to_string(context.path("report.json")).unwrap()).unwrap();
    assert_eq!(report["exit_status"], 130);
}

fn a_monorepo_is_published_from_one_file(kind: Kind) {
    let registry = kind.start().expect("it was installed a moment ago");
    for service in ["api", "web", "cron"] {
        registry.push(&format!("mono/{service}"), "v2-amd64", &Image::new(Dialect::Oci, "linux/amd64", service));
    }
    let context = registry.project(&format!(
        r#"include = ["services/**/manifests.toml", "!services/old/**"]
[vars]
registry = "{}/mono"
[defaults]
platforms = ["linux/amd64"]
source = "{{registry}}/{{name}}:{{version}}-{{arch}}"
target = "{{registry}}/{{name}}"
tags = ["{{version}}"]
"#,
        registry.host()
    ));
    let service = |path: &str, text: &str| {
        let path = context.path(&format!("services/{path}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    service(
        "api/manifests.toml",
        r#"
            [vars]
            version = { file = "VERSION" }
            [list.api]
        "#,
    );
    service("api/VERSION", "v2\n");
    service(
        "web/manifests.toml",
        r#"
            [list.front]
            matrix.name = { lines = "names.txt" }
            vars.version = "v2"
        "#,
    );
    service("web/names.txt", "# all of them\nweb\ncron\n");
    service("old/manifests.toml", "[list.old]\nthis is no TOML\n");
    let output = context.mlist("check").exits(0);
    assert_eq!(output.verdict(), "manifests.toml: 3 lists, 3 members, 3 tags, no problems");
    context.mlist("sync").exits(0);
    for name in ["api", "web", "cron"] {
        assert_eq!(registry.list(&format!("mono/{name}"), "v2").map(|list| list.len()), Some(1), "{name}");
    }
    // A problem that a registry reports points to the line of the file that it is about.
    service("api/VERSION", "v3\n");
    let output = context.mlist("plan --format json").exits(4).json();
    let problem = &output["lists"][0]["problems"][0];
    assert_eq!(problem["code"], "mlist::plan::member_absent");
    assert_eq!(problem["at"]["file"], "manifests.toml", "where the template of the source stands");
    service(
        "api/manifests.toml",
        r#"[vars]
            version = "v3"
            [list.api]
            source = "{registry}/{name}:{version}-x"
        "#,
    );
    let output = context.mlist("plan api --format json").exits(4).json();
    let at = &output["lists"][0]["problems"][0]["at"];
    assert_eq!((at["file"].as_str(), at["line"].as_u64()), (Some("services/api/manifests.toml"), Some(4)));
}
