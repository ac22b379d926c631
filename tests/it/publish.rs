//! A release from the first sync to the last: six binaries for five architectures, one list for each binary.

use crate::support::any_registry::{AnyRegistry, Kind, on_every_registry};
use crate::support::context::{Context, Output};
use crate::support::readers;
use crate::support::registry::Log;
use crate::support::release::{BINARIES, Release, VERSION};

on_every_registry!(
    the_first_sync_publishes_lists_that_others_read,
    the_second_sync_asks_for_heads_and_nothing_else,
    a_member_pushed_anew_changes_its_list_alone,
    an_absent_member_blocks_its_list_alone,
    a_registry_that_is_down_is_one_problem,
    plan_says_what_sync_then_does,
    a_dry_run_writes_nothing,
    a_selector_leaves_the_others_alone,
);

/// Starts a registry with all thirty images, and creates a project that publishes there.
fn release(kind: Kind) -> (AnyRegistry, Context) {
    let registry = kind.start().expect("it was installed a moment ago");
    Release::push(&registry);
    let context = project(&registry);
    (registry, context)
}

fn project(registry: &AnyRegistry) -> Context {
    registry.project(&Release::manifest(&registry.host()))
}

/// Returns the digest that each of the six tags refers to.
fn digests(registry: &AnyRegistry) -> Vec<Option<String>> {
    BINARIES.map(|binary| registry.wire().digest(&format!("k8s/{binary}"), VERSION)).to_vec()
}

fn assert_all_stand(registry: &AnyRegistry) {
    for binary in BINARIES {
        assert_eq!(registry.list(&format!("k8s/{binary}"), VERSION), Some(Release::list(binary)), "{binary}");
    }
}

/// Counts requests by method: HEAD, GET, POST, PUT.
fn counts(log: &Log) -> [usize; 4] {
    ["HEAD", "GET", "POST", "PUT"].map(|method| log.count(method))
}

/// Returns the output of a command and its requests, without those for tokens and the one that only got the 401
/// challenge.
fn watch(context: &Context, registry: &AnyRegistry, command: &str) -> (Output, Log) {
    let (output, log) = registry.watch(|| context.mlist(command));
    let challenges = log.filter(|exchange| exchange.status == 401).len();
    assert!(challenges <= 1, "a host is asked once without credentials: {log}");
    (output, log.served())
}

fn sync(context: &Context, registry: &AnyRegistry) -> (Output, Log) {
    watch(context, registry, "sync")
}

fn the_first_sync_publishes_lists_that_others_read(kind: Kind) {
    let (registry, context) = release(kind);
    let (output, _) = sync(&context, &registry);
    let output = output.exits(0);
    assert_eq!(output.stderr, "Plan: 6 to create\n", "{output}");
    let targets = output.stdout.lines().filter_map(|line| line.strip_prefix("created ")?.split_whitespace().next());
    let expected = BINARIES.map(|binary| format!("{}/k8s/{binary}:{VERSION}", registry.host()));
    assert_eq!(targets.collect::<Vec<_>>(), expected, "in the order of the file: {output}");
    assert!(output.verdict().starts_with("Done in "), "{output}");
    assert!(output.verdict().ends_with("s: 6 lists created"), "{output}");
    assert_all_stand(&registry);
    for binary in BINARIES {
        let reference = format!("{}/k8s/{binary}:{VERSION}", registry.plain_host());
        for read in [
            readers::skopeo(&format!("docker://{reference}"), &context.docker_config()),
            readers::docker(&reference, &context.docker_config()),
        ] {
            assert_eq!(read.unwrap_or_else(|| Release::list(binary)), Release::list(binary), "{binary}");
        }
    }
}

fn the_second_sync_asks_for_heads_and_nothing_else(kind: Kind) {
    let (registry, context) = release(kind);
    context.mlist("sync").exits(0);
    let before = digests(&registry);
    let (output, log) = sync(&context, &registry);
    let output = output.exits(0);
    assert_eq!((log.len(), log.count("HEAD")), (36, 36), "{log}");
    assert!(log.iter().all(|exchange| exchange.manifest().is_some() && exchange.status == 200), "{log}");
    assert_eq!((output.stdout.lines().count(), output.stderr.as_str()), (1, ""), "{output}");
    assert!(output.verdict().starts_with("Nothing to publish: 6 lists unchanged ("), "{output}");
    assert_eq!(digests(&registry), before);
}

fn a_member_pushed_anew_changes_its_list_alone(kind: Kind) {
    let (registry, context) = release(kind);
    context.mlist("sync").exits(0);
    let before = digests(&registry);
    let rebuilt = Release::image("kubectl rebuilt", "linux/arm64");
    registry.push("k8s/kubectl-arm64", VERSION, &rebuilt);
    let (output, log) = sync(&context, &registry);
    let output = output.exits(0);
    let after = digests(&registry);
    assert_eq!(before[..5], after[..5]);
    assert_ne!(before[5], after[5]);
    let mut expected = Release::list("kubectl");
    expected[2].1 = rebuilt.digest();
    assert_eq!(registry.list("k8s/kubectl", VERSION), Some(expected));
    // The child by its digest, then the list by its tag.
    let puts = log.manifest_puts();
    let puts: Vec<_> = puts.iter().map(|put| (put.repository().unwrap(), put.manifest().unwrap())).collect();
    assert_eq!(puts, [("k8s/kubectl", rebuilt.digest().as_str()), ("k8s/kubectl", VERSION)], "{log}");
    // Table 1.4, one changed member with members in their own repositories. The five other lists cost six HEADs each.
    let [get, post, put] = kind.copies(2);
    assert_eq!(counts(&log), [30 + 11, 3 + get, post, 2 + put], "{log}");
    assert_eq!(output.stderr.lines().next(), Some("Plan: 1 to update, 5 unchanged"), "{output}");
    assert_eq!((output.lines("updated"), output.lines("created")), (1, 0), "{output}");
    assert!(output.stdout.contains("  ~ linux/arm64 "), "{output}");
    assert!(output.verdict().ends_with("s: 1 list updated, 5 unchanged"), "{output}");
}

fn an_absent_member_blocks_its_list_alone(kind: Kind) {
    let registry = kind.start().expect("it was installed a moment ago");
    Release::push_without(&registry, "k8s/kube-scheduler-s390x");
    registry.push("k8s/kube-scheduler-s390x", "other", &Release::image("kube-scheduler", "linux/s390x"));
    let context = project(&registry);
    let (output, log) = sync(&context, &registry);
    let output = output.exits(4);
    let source = format!("tag {VERSION} not found in {}/k8s/kube-scheduler-s390x", registry.host());
    assert_eq!(output.stderr.matches(&source).count(), 1, "{output}");
    assert_eq!(output.stderr.matches("mlist::plan::member_absent").count(), 1, "{output}");
    assert!(output.stderr.contains("linux/s390x of "), "the member is underlined where it is declared: {output}");
    assert_eq!((output.lines("created"), output.lines("blocked")), (5, 1), "{output}");
    assert!(output.verdict().starts_with("Incomplete after "), "{output}");
    assert!(output.verdict().ends_with("s: 5 lists created, 1 blocked"), "{output}");
    for binary in BINARIES {
        let expected = (binary != "kube-scheduler").then(|| Release::list(binary));
        assert_eq!(registry.list(&format!("k8s/{binary}"), VERSION), expected, "{binary}");
    }
    let written = log.writes().filter(|write| write.repository() == Some("k8s/kube-scheduler"));
    assert_eq!(written.len(), 0, "{written}");
}

fn a_registry_that_is_down_is_one_problem(kind: Kind) {
    let (mut registry, context) = release(kind);
    registry.stop();
    let output = context.mlist("sync").exits(1);
    assert_eq!(output.stderr.matches("mlist::registry::unreachable").count(), 1, "{output}");
    assert_eq!(output.stderr.matches("cannot connect to").count(), 1, "{output}");
    for binary in BINARIES {
        assert!(output.stdout.contains(binary), "{binary} is not named: {output}");
    }
    assert!(output.verdict().starts_with("Incomplete after "), "{output}");
    assert!(output.verdict().ends_with("s: 6 failed") || output.verdict().ends_with("s: 6 lists failed"), "{output}");
    registry.restart();
    context.mlist("sync").exits(0);
    assert_all_stand(&registry);
}

fn plan_says_what_sync_then_does(kind: Kind) {
    let (registry, context) = release(kind);
    let (plan, log) = watch(&context, &registry, "plan --exit-code --format json");
    let plan = plan.exits(3).json();
    assert_eq!(log.writes().len(), 0, "{log}");
    // Table 1.4, five members in their own repositories: the reads before the first write.
    assert_eq!(counts(&log), [6 * 6, 6 * 10, 0, 0], "{log}");
    assert_eq!((&plan["version"], &plan["kind"], &plan["exit_status"]), (&1.into(), &"plan".into(), &3.into()));
    let summary = serde_json::json!({ "create": 6, "update": 0, "unchanged": 0, "blocked": 0, "failed": 0 });
    assert_eq!(plan["summary"], summary);
    // One request without credentials gets the challenge. Each list needs one token.
    let (heads, tokens) = match kind {
        Kind::InProcess | Kind::Debian | Kind::Tls | Kind::Ferro => (36, 0),
        Kind::Passwords => (37, 0),
        Kind::Tokens | Kind::Zuul => (37, 6),
    };
    let requests = serde_json::json!({ "head": heads, "get": 60, "put": 0, "post": 0, "token": tokens });
    assert_eq!(plan["requests"], requests);
    context.mlist("sync").exits(0);
    let lists = plan["lists"].as_array().expect("lists");
    let ids: Vec<&str> = lists.iter().filter_map(|list| list["id"].as_str()).collect();
    let kube = ["kube/kube-apiserver", "kube/kube-controller-manager", "kube/kube-proxy", "kube/kube-scheduler"];
    assert_eq!(ids, [&["hyperkube"], &kube[..], &["kubectl"]].concat());
    for (list, binary) in lists.iter().zip(BINARIES) {
        let target = format!("{}/k8s/{binary}", registry.host());
        let digest = registry.wire().digest(&format!("k8s/{binary}"), VERSION).expect("it was published");
        assert_eq!(list["target"], target);
        assert_eq!((&list["action"], &list["reason"]), (&"create".into(), &"new".into()));
        assert_eq!((&list["digest"], &list["ref"]), (&digest.clone().into(), &format!("{target}@{digest}").into()));
        let tag = &list["tags"][0];
        assert_eq!((&tag["tag"], &tag["change"]), (&VERSION.into(), &"created".into()));
        assert_eq!((&tag["from"], &tag["to"]), (&serde_json::Value::Null, &digest.into()));
        let members = list["members"].as_array().expect("members");
        let said: Vec<_> = members.iter().map(|member| (text(&member["platform"]), text(&member["digest"]))).collect();
        assert_eq!(said, Release::list(binary));
    }
    context.mlist("plan --exit-code").exits(0);
}

fn a_dry_run_writes_nothing(kind: Kind) {
    let (registry, context) = release(kind);
    let (output, log) = watch(&context, &registry, "sync -n");
    let output = output.exits(0);
    assert_eq!(log.writes().len(), 0, "{log}");
    assert!(output.stdout.starts_with("create "), "it answers as plan does: {output}");
    assert_eq!(digests(&registry), vec![None; 6]);
}

fn a_selector_leaves_the_others_alone(kind: Kind) {
    let (registry, context) = release(kind);
    let (output, log) = watch(&context, &registry, "sync kube-proxy kubectl");
    output.exits(0);
    let stand: Vec<bool> = digests(&registry).iter().map(Option::is_some).collect();
    assert_eq!(stand, [false, false, false, true, false, true]);
    let foreign =
        |repository: &str| !repository.starts_with("k8s/kube-proxy") && !repository.starts_with("k8s/kubectl");
    assert_eq!(log.filter(|exchange| exchange.repository().is_none_or(foreign)).len(), 0, "{log}");
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().expect("a text").to_owned()
}
