//! Tests of the fields of the documents.

use serde_json::{Value, json};
use std::sync::Arc;

use super::*;
use crate::exec::report::{ExitStatus, Report, TagDone};
use crate::plan::Plan;
use crate::ui::tests::samples;

fn with_context<T>(test: impl FnOnce(&Context) -> T) -> T {
    let left_out = vec![samples::left_out("gcr.io/x/app")];
    test(&Context { left_out, ..Context::of(samples::sources()) })
}

fn read(text: &str) -> Value {
    assert!(text.ends_with("}\n"));
    serde_json::from_str(text).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn planned() -> Value {
    let plan = samples::plan();
    let requests = samples::report(Plan::default()).requests;
    read(&with_context(|context| {
        super::plan::plan(context, &plan, &requests, ExitStatus::of_plan(&plan.summary(), true).code())
    }))
}

fn reported() -> Value {
    let report = samples::report(samples::plan());
    read(&with_context(|context| super::report::report(context, &report, report.exit_status().code())))
}

#[test]
fn a_problem_has_every_field_and_points_into_the_file() {
    let problem = &planned()["lists"][3]["problems"][0];
    let reference = "gcr.io/google_containers/kube-scheduler-s390x:v1.3.0";
    assert_eq!(
        *problem,
        json!({
            "code": "mlist::plan::member_absent",
            "severity": "error",
            "message": "tag v1.3.0 not found in gcr.io/google_containers/kube-scheduler-s390x",
            "causes": [],
            "help": r#"push it first, or set missing = "skip" to publish without it"#,
            "retry": false,
            "reference": reference,
            "at": {"file": "manifests.toml", "line": 6, "column": 11, "end_line": 6, "end_column": 45},
            "lists": ["kube-scheduler"],
            "http": {"host": "gcr.io", "status": 404, "code": "MANIFEST_UNKNOWN", "attempts": 1},
        })
    );
}

#[test]
fn a_problem_of_a_registry_stands_beside_the_lists_and_names_them() {
    for document in [planned(), reported()] {
        assert_eq!(document["lists"][5]["problems"], json!([]));
        assert_eq!(document["lists"][5]["reason"], "unreachable");
        assert_eq!(
            document["problems"],
            json!([{
                "code": "mlist::registry::unreachable",
                "severity": "error",
                "message": "cannot connect to quay.io",
                "causes": ["timed out after 10s (8 attempts in 90s)"],
                "help": "check the host name and port, and whether the registry is running",
                "retry": true,
                "reference": null,
                "at": null,
                "lists": ["api"],
                "http": {"host": "quay.io", "status": null, "code": null, "attempts": 8},
            }])
        );
    }
}

#[test]
fn a_plan_has_its_fields_and_no_others() {
    let document = planned();
    assert_eq!(
        keys(&document),
        [
            "exit_status",
            "file",
            "kind",
            "left_out",
            "lists",
            "mlist",
            "problems",
            "problems_omitted",
            "requests",
            "summary",
            "version"
        ]
    );
    assert_eq!(document["version"], 1);
    assert_eq!(document["kind"], "plan");
    assert_eq!(document["mlist"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document["file"], "manifests.toml");
    assert_eq!(document["exit_status"], 1);
    assert_eq!(document["summary"], json!({"create": 2, "update": 1, "unchanged": 1, "blocked": 1, "failed": 1}));
    assert_eq!(document["requests"], json!({"head": 21, "get": 2, "put": 2, "post": 0, "token": 1}));
    for list in document["lists"].as_array().unwrap() {
        assert_eq!(
            keys(list),
            ["action", "digest", "id", "media_type", "members", "problems", "reason", "ref", "size", "tags", "target"]
        );
        for tag in list["tags"].as_array().unwrap() {
            assert_eq!(keys(tag), ["change", "from", "reason", "tag", "to"]);
        }
        for member in list["members"].as_array().unwrap() {
            assert_eq!(
                keys(member),
                ["change", "digest", "from", "media_type", "os_version", "platform", "size", "source", "tags"]
            );
        }
    }
}

#[test]
fn lists_stand_as_in_the_file_with_whole_digests() {
    let document = planned();
    let lists = document["lists"].as_array().unwrap();
    let column = |key: &str| lists.iter().map(|list| list[key].clone()).collect::<Vec<_>>();
    assert_eq!(column("id"), ["kubectl", "hyperkube", "api", "kube-scheduler", "kube-proxy", "api"]);
    assert_eq!(column("action"), ["update", "create", "create", "blocked", "unchanged", "failed"]);
    assert_eq!(
        column("reason"),
        [json!("members"), json!("new"), json!("new"), json!("member_absent"), json!(null), json!("unreachable")]
    );
    let digest = samples::digest("5d90b3e7c812").to_string();
    assert_eq!(lists[0]["digest"], digest);
    assert_eq!(lists[0]["ref"], format!("gcr.io/google_containers/kubectl@{digest}"));
    assert_eq!(
        (&lists[0]["media_type"], &lists[0]["size"]),
        (&json!("application/vnd.oci.image.index.v1+json"), &json!(2841))
    );
    assert_eq!((&lists[3]["digest"], &lists[3]["ref"], &lists[3]["size"]), (&json!(null), &json!(null), &json!(null)));
    let from = samples::digest("72c4e8f1a90d").to_string();
    assert_eq!(
        lists[0]["tags"],
        json!([{"tag": "v1.3.0", "from": from, "to": digest, "change": "moved", "reason": null}])
    );
    assert_eq!(lists[3]["tags"][0]["change"], "blocked");
    assert_eq!(lists[5]["tags"][0]["change"], "unknown");
}

#[test]
fn all_members_are_listed_with_what_becomes_of_them() {
    let document = planned();
    let changes = |list: usize| {
        let members = document["lists"][list]["members"].as_array().unwrap();
        members.iter().map(|member| member["change"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(changes(0), ["same", "same", "changed", "added", "same", "removed"]);
    assert_eq!(changes(3), ["added", "added", "added", "added", "absent"]);
    assert_eq!(changes(5), ["unknown"; 5]);
    let removed = &document["lists"][0]["members"][5];
    assert_eq!(
        *removed,
        json!({
            "platform": "linux/riscv64", "os_version": null, "source": null, "digest": null,
            "from": samples::digest("60303ae22b99").to_string(), "media_type": null, "size": null, "change": "removed",
            "tags": [],
        })
    );
}

#[test]
fn the_version_of_windows_has_a_field_of_its_own() {
    let mut list = samples::created(samples::publication("pause"), "5d90");
    list.members[0].platform = crate::oci::Platform::parse("windows/amd64").unwrap();
    list.members[0].platform.os_version = Some("10.0.17763.6189".into());
    let plan = samples::plan_of(vec![list]);
    let document = read(&with_context(|context| super::plan::plan(context, &plan, &Stats::new(), 0)));
    let member = &document["lists"][0]["members"][0];
    assert_eq!((&member["platform"], &member["os_version"]), (&json!("windows/amd64"), &json!("10.0.17763.6189")));
}

#[test]
fn a_report_has_its_fields_and_no_others() {
    let document = reported();
    assert_eq!(
        keys(&document),
        [
            "duration_ms",
            "exit_status",
            "file",
            "kind",
            "left_out",
            "lists",
            "mlist",
            "problems",
            "problems_omitted",
            "registries",
            "requests",
            "started_at",
            "summary",
            "version"
        ]
    );
    assert_eq!((&document["kind"], &document["exit_status"]), (&json!("report"), &json!(1)));
    assert_eq!((&document["started_at"], &document["duration_ms"]), (&json!("2026-11-23T10:00:00Z"), &json!(91_412)));
    assert_eq!(document["summary"], json!({"published": 3, "unchanged": 1, "failed": 1, "blocked": 1, "cancelled": 0}));
    assert_eq!(
        document["registries"]["quay.io"],
        json!({
            "head": 8, "get": 0, "put": 0, "post": 0, "token": 0, "retries": 7, "waited_ms": 88_210,
            "credentials": "~/.docker/config.json (user ci-bot)", "pulls_left": null,
        })
    );
    for list in document["lists"].as_array().unwrap() {
        assert_eq!(
            keys(list),
            [
                "action",
                "digest",
                "duration_ms",
                "id",
                "media_type",
                "members",
                "outcome",
                "problems",
                "reason",
                "ref",
                "size",
                "tags",
                "target"
            ]
        );
        assert_eq!(keys(&list["tags"][0]), ["change", "done", "from", "reason", "tag", "to"]);
    }
    assert_eq!(
        (&document["lists"][0]["outcome"], &document["lists"][0]["duration_ms"]),
        (&json!("published"), &json!(640))
    );
}

#[test]
fn a_tag_nobody_knows_of_is_neither_done_nor_not() {
    let mut report = samples::report(samples::plan_of(vec![samples::updated()]));
    let done = |report: &Report| {
        let document = read(&with_context(|context| super::report::report(context, report, 0)));
        document["lists"][0]["tags"][0]["done"].clone()
    };
    assert_eq!(done(&report), json!(true));
    Arc::make_mut(&mut report.lists[0]).tags = vec![TagDone::Unknown];
    assert_eq!(done(&report), json!(null));
    Arc::make_mut(&mut report.lists[0]).tags = vec![TagDone::No];
    assert_eq!(done(&report), json!(false));
}

#[test]
fn problems_of_the_file_are_a_document_too() {
    let document = read(&with_context(|context| super::problems(context, &[samples::absent()], 2)));
    assert_eq!(
        keys(&document),
        ["exit_status", "file", "kind", "left_out", "mlist", "problems", "problems_omitted", "version"]
    );
    assert_eq!((&document["kind"], &document["exit_status"]), (&json!("problems"), &json!(2)));
    assert_eq!(document["problems"][0]["lists"], json!([]));
    assert_eq!(read(&super::problems(&Context::default(), &[], 2))["file"], json!(null));
}

#[test]
fn the_first_hundred_problems_of_a_file_are_shown_and_the_others_counted() {
    for (count, shown, omitted) in [(0, 0, 0), (100, 100, 0), (101, 100, 1), (5000, 100, 4900)] {
        let problem = |at: usize| Problem::error("mlist::config::type", format!("{at}"));
        let problems: Vec<Problem> = (0..count).map(problem).collect();
        let document = read(&with_context(|context| super::problems(context, &problems, 2)));
        assert_eq!(document["problems"].as_array().unwrap().len(), shown, "{count}");
        assert_eq!(document["problems_omitted"], omitted, "{count}");
    }
    // Problems of lists, and the warnings beside them, are never omitted.
    assert_eq!((&planned()["problems_omitted"], &reported()["problems_omitted"]), (&json!(0), &json!(0)));
}

#[test]
fn a_list_to_which_no_tag_applies_stands_beside_the_others() {
    let left_out = json!([{"id": "app", "target": "gcr.io/x/app", "reason": "condition not met: stable (1.4.0-rc.1 is a pre-release)"}]);
    let checked = read(&with_context(|context| super::problems(context, &[], 0)));
    for document in [planned(), reported(), checked] {
        assert_eq!(document["left_out"], left_out);
    }
}

#[test]
fn a_tag_that_stays_says_why() {
    let plan = samples::plan_of(vec![samples::pause()]);
    let document = read(&with_context(|context| super::plan::plan(context, &plan, &Stats::new(), 0)));
    let there = samples::digest("77b1c5f2a0e9").to_string();
    assert_eq!(
        document["lists"][0]["tags"][1],
        json!({
            "tag": "latest", "from": there, "to": there, "change": "stays", "reason": "3.10 is newer than 3.9.1",
        })
    );
    assert_eq!(document["lists"][0]["tags"][0]["reason"], json!(null));
}

#[test]
fn an_immutable_tag_says_what_it_would_name() {
    let plan = samples::plan_of(vec![samples::immutable()]);
    let document = read(&with_context(|context| super::plan::plan(context, &plan, &Stats::new(), 4)));
    let (from, to) = (samples::digest("b96e27a3c5d0").to_string(), samples::digest("e05b92d4f118").to_string());
    assert_eq!(document["lists"][0]["reason"], "immutable");
    assert_eq!(
        document["lists"][0]["tags"],
        json!([{"tag": "v1.30.0", "from": from, "to": to, "change": "blocked", "reason": null}])
    );
}

#[test]
fn a_member_that_stays_though_no_source_has_it_is_kept() {
    let plan = samples::plan_of(vec![samples::lacking()]);
    let document = read(&with_context(|context| super::plan::plan(context, &plan, &Stats::new(), 0)));
    let members = document["lists"][0]["members"].as_array().unwrap();
    let changes: Vec<&str> = members.iter().map(|member| member["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["absent", "absent", "changed", "added", "kept", "removed", "kept", "kept"]);
    assert_eq!((&members[0]["digest"], &members[1]["from"]), (&json!(null), &json!(null)));
    assert_eq!(members[6]["digest"], members[6]["from"]);
}

#[test]
fn each_member_has_its_own_tags() {
    let lists = || vec![samples::with_member_tags(samples::updated())];
    let plan = read(&with_context(|context| super::plan::plan(context, &samples::plan_of(lists()), &Stats::new(), 0)));
    let report = samples::report(samples::plan_of(lists()));
    let report = read(&with_context(|context| super::report::report(context, &report, 0)));
    let (from, to) = (samples::digest("0a4f6c1d92e7").to_string(), samples::digest("9be3017c55fa").to_string());
    let tag = json!({"tag": "v1.3.0-linux-arm64", "from": from, "to": to, "change": "moved", "reason": null});
    assert_eq!(plan["lists"][0]["members"][2]["tags"], json!([tag]));
    let mut done = tag;
    done["done"] = json!(true);
    assert_eq!(report["lists"][0]["members"][2]["tags"], json!([done]));
    assert_eq!(report["lists"][0]["members"][5]["tags"], json!([]));
}

#[test]
fn a_list_with_several_targets_is_named_once_by_a_problem_of_all() {
    let plan = samples::plan_of(["quay.io/acme/api", "quay.io/mirror/api"].map(samples::failed));
    let document = read(&with_context(|context| super::plan::plan(context, &plan, &Stats::new(), 1)));
    assert_eq!(document["problems"][0]["lists"], json!(["api"]));
    let targets = document["lists"].as_array().unwrap().iter().map(|list| list["target"].clone());
    assert_eq!(targets.collect::<Vec<_>>(), ["quay.io/acme/api", "quay.io/mirror/api"]);
}
