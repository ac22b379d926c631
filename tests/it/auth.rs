//! Authentication with credentials from Docker's config file or from a helper, and the tokens that are requested with
//! them.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::any_registry::{AnyRegistry, Kind, on_each_registry};
use crate::support::context::Context;
use crate::support::registry::auth::{Grants, Says, TokenRules};
use crate::support::registry::{Account, Auth, Authorization, Exchange, Knobs, Log, Mount, Registry};
use crate::support::release::{BINARIES, Release, VERSION};

on_each_registry!(
    a_user_and_password_of_the_config_file_are_used,
    a_user_and_password_of_a_helper_are_used,
    without_credentials_nothing_is_written,
    a_wrong_password_is_told_and_not_shown,
);

const PASSWORD: &str = "s3cret-of-the-bot";

fn account() -> Account {
    Account::new("ci-bot", PASSWORD)
}

/// Starts a registry that requires login, with all thirty images, and creates a project that is not logged in.
fn guarded(kind: Kind) -> (AnyRegistry, Context) {
    let registry = kind.start_for(account()).expect("it was installed a moment ago");
    Release::push(&registry);
    let context = Context::with(&Release::manifest(&registry.host()));
    (registry, context)
}

fn assert_all_stand(registry: &AnyRegistry) {
    for binary in BINARIES {
        assert_eq!(registry.list(&format!("k8s/{binary}"), VERSION), Some(Release::list(binary)), "{binary}");
    }
}

fn a_user_and_password_of_the_config_file_are_used(kind: Kind) {
    let (registry, context) = guarded(kind);
    context.log_in(&registry.host(), &account());
    context.mlist("sync").exits(0);
    assert_all_stand(&registry);
    let output = context.mlist("sync").exits(0);
    assert!(output.verdict().starts_with("Nothing to publish: 6 lists unchanged ("), "{output}");
}

fn a_user_and_password_of_a_helper_are_used(kind: Kind) {
    let (registry, context) = guarded(kind);
    context.log_in_by_helper(&registry.host(), &account());
    context.mlist("sync").exits(0);
    assert_all_stand(&registry);
    let asked = std::fs::read_to_string(context.path("helper-asked")).expect("the helper was asked");
    assert_eq!(asked, format!("get {}\n", registry.host()), "once, for this host");
}

fn without_credentials_nothing_is_written(kind: Kind) {
    let (registry, context) = guarded(kind);
    let (output, log) = registry.watch(|| context.mlist("sync"));
    let output = output.exits(1);
    assert_eq!(log.filter(|exchange| exchange.is_write() && exchange.status < 400).len(), 0, "{log}");
    assert_eq!(output.stderr.matches("× unauthorized: ").count(), 1, "told once: {output}");
}

fn a_wrong_password_is_told_and_not_shown(kind: Kind) {
    let (registry, context) = guarded(kind);
    context.log_in(&registry.host(), &Account::new("ci-bot", "guessed-in-vain"));
    let output = context.mlist("sync -vv").exits(1);
    assert!(output.stderr.contains("ci-bot"), "whose credentials: {output}");
    assert!(!output.stderr.contains("guessed-in-vain"), "{output}");
    assert!(!output.stderr.contains(&Account::new("ci-bot", "guessed-in-vain").encoded()), "{output}");
    assert_eq!(output.stderr.matches("× unauthorized: ").count(), 1, "told once, for sources and targets: {output}");
    let output = context.mlist("sync --format json").exits(1);
    let used = output.json()["registries"][registry.host()]["credentials"].clone();
    assert!(used.as_str().is_some_and(|used| used.ends_with("(user ci-bot)")), "{used}: {output}");
}

/// Starts a registry with tokens and all thirty images, and creates a project that is logged in.
fn with_tokens(mount: Mount) -> (AnyRegistry, Context) {
    with_knobs(Knobs { auth: Auth::Bearer(account()), mount, ..Knobs::default() })
}

/// Like [`with_tokens`], with these rules.
fn with_rules(rules: TokenRules) -> (AnyRegistry, Context) {
    with_knobs(Knobs { auth: Auth::Tokens(account(), rules), ..Knobs::default() })
}

fn with_knobs(knobs: Knobs) -> (AnyRegistry, Context) {
    let registry = AnyRegistry::InProcess(Registry::start(knobs));
    Release::push(&registry);
    let context = Context::with(&Release::manifest(&registry.host()));
    context.log_in(&registry.host(), &account());
    (registry, context)
}

/// Returns repository and actions of all requested scopes.
fn scopes(log: &Log) -> BTreeSet<(String, String)> {
    let tokens = log.tokens();
    let queries = tokens.iter().flat_map(|token| token.query.split('&'));
    let scopes = queries.filter_map(|pair| pair.strip_prefix("scope=")).flat_map(str::split_whitespace);
    let parts = |scope: &str| {
        let (name, actions) = scope.strip_prefix("repository:")?.rsplit_once(':')?;
        Some((name.to_owned(), actions.to_owned()))
    };
    scopes.map(|scope| parts(scope).expect("repository:NAME:ACTIONS")).collect()
}

#[test]
fn plan_asks_for_pull_and_nothing_more() {
    let (registry, context) = with_tokens(Mount::Granted);
    for command in ["plan", "sync -n"] {
        let (output, log) = registry.watch(|| context.mlist(command));
        output.exits(0);
        let scopes = scopes(&log);
        assert!(scopes.iter().all(|(_, actions)| actions == "pull"), "{command}: {scopes:?}");
        let names: BTreeSet<&str> = scopes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), 36, "every repository, and no other: {names:?}");
    }
}

#[test]
fn sync_asks_to_push_to_the_targets_alone() {
    for mount in [Mount::Granted, Mount::Session] {
        let (registry, context) = with_tokens(mount);
        let (output, log) = registry.watch(|| context.mlist("sync"));
        output.exits(0);
        assert_all_stand(&registry);
        let pushed: BTreeSet<String> =
            scopes(&log).into_iter().filter(|(_, actions)| actions.contains("push")).map(|(name, _)| name).collect();
        assert_eq!(pushed, BINARIES.map(|binary| format!("k8s/{binary}")).into());
        // No mount was refused because the token lacked the right to the source: one token has both rights.
        let refused = log.filter(|exchange| exchange.status == 401 && exchange.authorization == Authorization::Bearer);
        assert_eq!(refused.filter(|exchange| exchange.query.contains("mount=")).len(), 0, "{refused}");
        let output = context.mlist("sync").exits(0);
        assert!(output.verdict().starts_with("Nothing to publish: 6 lists unchanged ("), "{output}");
    }
}

#[test]
fn credentials_are_sent_to_the_token_endpoint_only() {
    let (registry, context) = with_tokens(Mount::Granted);
    let (output, log) = registry.watch(|| context.mlist("sync"));
    output.exits(0);
    let basic = log.filter(|exchange| exchange.authorization == Authorization::Basic);
    assert!(basic.iter().all(Exchange::is_token), "{basic}");
    assert!(basic.len() > 0);
}

#[test]
fn tokens_that_end_in_the_middle_are_asked_for_again() {
    for after in [10, 60, 150] {
        let (registry, context) = with_tokens(Mount::Granted);
        let AnyRegistry::InProcess(inner) = &registry else { unreachable!("it was made above") };
        inner.knobs().revoke_tokens_after = Some(after);
        context.mlist("sync").exits(0);
        assert_all_stand(&registry);
        assert_eq!(inner.knobs().revoke_tokens_after, None, "the run had fewer than {after} requests");
    }
}

#[test]
fn a_list_takes_one_token_however_many_repositories_it_has() {
    let (registry, context) = with_tokens(Mount::Granted);
    for command in ["plan", "sync", "sync"] {
        let (output, log) = registry.watch(|| context.mlist(command));
        output.exits(0);
        assert_eq!(log.tokens().len(), 6, "{command}: {}", log.tokens());
        let refused = log.filter(|exchange| exchange.status == 401);
        assert_eq!(refused.len(), 1, "{command}: only the first found out how to ask: {refused}");
    }
    assert_all_stand(&registry);
}

#[test]
fn tokens_that_are_worth_less_than_was_asked_for_are_got_over() {
    for grants in [Grants::First, Grants::OneAtATime(400), Grants::OneAtATime(401), Grants::OneAtATime(403)] {
        let (registry, context) = with_rules(TokenRules { grants, ..TokenRules::default() });
        let (output, log) = registry.watch(|| context.mlist("sync"));
        output.exits(0);
        assert_all_stand(&registry);
        // One token for each of the 36 repositories, one for each of the 6 lists that started before the behavior was
        // known, and up to 30 for mounts.
        assert!(log.tokens().len() <= 36 + 6 + 30, "{grants:?}: {} tokens", log.tokens().len());
        let output = context.mlist("sync").exits(0);
        assert!(output.verdict().starts_with("Nothing to publish: 6 lists unchanged ("), "{grants:?}: {output}");
    }
}

#[test]
fn what_is_not_granted_stops_its_own_list_and_no_other() {
    let grants = Grants::Except("k8s/kubectl-arm64");
    let (registry, context) = with_rules(TokenRules { grants, ..TokenRules::default() });
    let output = context.mlist("sync").exits(1);
    assert!(output.stderr.contains("× permission denied: user ci-bot cannot read k8s/kubectl-arm64:"), "{output}");
    for binary in BINARIES {
        let list = (binary != "kubectl").then(|| Release::list(binary));
        assert_eq!(registry.list(&format!("k8s/{binary}"), VERSION), list, "{binary}");
    }
}

#[test]
fn tokens_that_end_while_the_run_goes_on_are_renewed() {
    for says in [Says::Everything, Says::Token, Says::AccessToken] {
        let rules = TokenRules { lifetime: Some(Duration::from_secs(1)), says, ..TokenRules::default() };
        let (registry, context) = with_rules(rules);
        let AnyRegistry::InProcess(inner) = &registry else { unreachable!("it was made above") };
        inner.knobs().delay = Duration::from_millis(30);
        let (output, log) = registry.watch(|| context.mlist("sync --jobs 2"));
        output.exits(0);
        assert_all_stand(&registry);
        assert!(log.tokens().len() > 6, "{says:?}: the run was over before a token ended");
    }
}

#[test]
fn credentials_that_are_refused_are_left_out_where_all_may_read() {
    let (registry, context) = with_rules(TokenRules { open: Some("k8s/"), ..TokenRules::default() });
    context.mlist("sync").exits(0);
    context.log_in(&registry.host(), &Account::new("ci-bot", "changed-since"));
    let (output, log) = registry.watch(|| context.mlist("plan"));
    let output = output.exits(0);
    assert!(output.stdout.contains("Plan: 6 unchanged"), "{output}");
    let tried = log.tokens().filter(|exchange| exchange.authorization == Authorization::Basic);
    assert!(tried.len() <= 4, "a password that is refused is not tried for ever: {tried}");
    let (output, log) = registry.watch(|| context.mlist("sync"));
    let output = output.exits(1);
    assert!(output.stderr.contains("× unauthorized: "), "{output}");
    assert_eq!(log.writes().filter(|exchange| exchange.status < 400).len(), 0, "{log}");
}

#[test]
fn what_nobody_may_write_is_not_read_to_be_sent() {
    let (registry, context) = with_rules(TokenRules { open: Some("k8s/"), ..TokenRules::default() });
    std::fs::write(context.docker_config().join("config.json"), "{}").expect("config.json");
    let (_, log) = registry.watch(|| context.mlist("plan").exits(0));
    let planned = log.filter(|exchange| exchange.path.contains("/blobs/")).len();
    let (output, log) = registry.watch(|| context.mlist("sync"));
    let output = output.exits(1);
    let told = format!("× unauthorized: {} requires credentials to push k8s/", registry.host());
    assert_eq!(output.stderr.matches(&told).count(), 1, "told once: {output}");
    assert_eq!(log.writes().filter(|exchange| exchange.status < 400).len(), 0, "{log}");
    let read = log.filter(|exchange| exchange.method == "GET" && exchange.path.contains("/blobs/"));
    assert_eq!(read.len(), planned, "no blob is fetched that cannot be written: {read}");
}

#[test]
fn a_token_to_be_exchanged_is_exchanged() {
    let (registry, context) = with_tokens(Mount::Granted);
    let auths = serde_json::json!({ "auths": { registry.host(): { "identitytoken": account().identity() } } });
    std::fs::write(context.docker_config().join("config.json"), auths.to_string()).expect("config.json");
    let (output, log) = registry.watch(|| context.mlist("sync -vv"));
    let output = output.exits(0);
    assert_all_stand(&registry);
    assert!(log.tokens().iter().all(|exchange| exchange.method == "POST" && exchange.query.is_empty()), "{log}");
    assert_eq!(log.tokens().len(), 6);
    assert!(!output.stderr.contains(&account().identity()), "{output}");
}
