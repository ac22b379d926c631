//! Tokens of a token server with Debian's registry, which checks their signatures, and of zuul-registry: which scopes are
//! requested, and how often.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::any_registry::{AnyRegistry, Kind};
use crate::support::context::Context;
use crate::support::docker_registry::{DockerRegistry, Guard, skipped};
use crate::support::registry::Account;
use crate::support::release::{BINARIES, PLATFORMS, Release, VERSION};
use crate::support::token_server::{REFRESH, TokenServer};

/// Starts a registry that trusts a token server, with all thirty images, and creates a project that is not logged in.
fn guarded() -> Option<(AnyRegistry, Arc<TokenServer>, Context)> {
    let server = Arc::new(TokenServer::start(account()));
    let Some(registry) = DockerRegistry::guarded(Guard::Tokens(Arc::clone(&server))) else {
        skipped("docker-registry or htpasswd is not installed");
        return None;
    };
    let registry = AnyRegistry::Debian(registry);
    Release::push(&registry);
    let context = Context::with(&Release::manifest(&registry.host()));
    Some((registry, server, context))
}

fn account() -> Account {
    Account::new("ci-bot", "s3cret-of-the-bot")
}

/// Returns the scopes of one list: its target, then the repositories of its members.
fn scopes(binary: &str, right: &str) -> Vec<String> {
    let sources = PLATFORMS.iter().map(|(_, arch)| format!("repository:k8s/{binary}-{arch}:pull"));
    [format!("repository:k8s/{binary}:{right}")].into_iter().chain(sources).collect()
}

fn all_scopes(right: &str) -> BTreeSet<Vec<String>> {
    BINARIES.iter().map(|binary| scopes(binary, right)).collect()
}

#[test]
fn one_token_serves_a_list_and_a_plan_asks_for_no_right_to_push() {
    let Some((registry, server, context)) = guarded() else { return };
    context.log_in(&registry.host(), &account());
    context.mlist("plan").exits(0);
    let asked = server.asked();
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert_eq!(asked.iter().map(|asked| asked.scopes.clone()).collect::<BTreeSet<_>>(), all_scopes("pull"));
    context.mlist("sync").exits(0);
    let asked = server.asked().split_off(asked.len());
    assert_eq!(asked.len(), 6, "for reads, mounts and writes: {asked:?}");
    assert_eq!(asked.iter().map(|asked| asked.scopes.clone()).collect::<BTreeSet<_>>(), all_scopes("pull,push"));
    assert!(asked.iter().all(|asked| asked.method == "GET" && asked.status == 200), "{asked:?}");
}

#[test]
fn an_identity_token_is_exchanged_by_post_and_goes_to_the_token_server_alone() {
    let Some((registry, server, context)) = guarded() else { return };
    let config = serde_json::json!({ "auths": { registry.host(): { "identitytoken": REFRESH } } });
    std::fs::write(context.docker_config().join("config.json"), config.to_string()).expect("config.json");
    let output = context.mlist("sync -vv").exits(0);
    assert!(!output.stderr.contains(REFRESH), "{output}");
    assert!(output.stderr.contains("identity token"), "whose credentials: {output}");
    let asked = server.asked();
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert!(asked.iter().all(|asked| asked.method == "POST" && asked.status == 200), "{asked:?}");
    assert_eq!(registry.list("k8s/kubectl", VERSION), Some(Release::list("kubectl")));
}

#[test]
fn without_credentials_nothing_is_published_and_the_way_in_is_named() {
    let Some((registry, server, context)) = guarded() else { return };
    let output = context.mlist("sync --format json").exits(1);
    assert!(server.asked().iter().all(|asked| asked.status == 401));
    let report = output.json();
    for list in report["lists"].as_array().expect("lists") {
        let problem = &list["problems"][0];
        assert_eq!(problem["code"], "mlist::registry::unauthorized", "{output}");
        assert!(problem["help"].as_str().is_some_and(|help| help.contains("docker login")), "{output}");
        assert_eq!(problem["retry"], true);
    }
    assert_eq!(registry.list("k8s/kubectl", VERSION), None);
}

#[test]
fn a_token_that_everyone_gets_is_enough_for_plan_and_not_for_sync() {
    Kind::Zuul.run(|kind| {
        let registry = kind.start().expect("it was installed a moment ago");
        Release::push(&registry);
        let context = Context::with(&Release::manifest(&registry.host()));
        let (output, log) = registry.watch(|| context.mlist("plan"));
        assert_eq!(output.exits(0).stdout.lines().filter(|line| line.starts_with("create ")).count(), 6);
        assert_eq!(log.tokens().len(), 6, "{log}");
        let (output, log) = registry.watch(|| context.mlist("sync"));
        let output = output.exits(1);
        assert_eq!(output.stderr.matches("mlist::registry::unauthorized").count(), 1, "{output}");
        assert_eq!(log.writes().filter(|exchange| exchange.status < 400).len(), 0, "{log}");
        registry.admit(&context);
        context.mlist("sync").exits(0);
        assert_eq!(registry.list("k8s/kubectl", VERSION), Some(Release::list("kubectl")));
    });
}
