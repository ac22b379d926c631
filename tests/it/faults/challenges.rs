//! The challenges of registries that require login.

use crate::support::registry::knobs::{ChallengeForm, Mount};
use crate::support::registry::{Auth, Authorization, Then};

use super::{ALWAYS, World, fault};

#[test]
fn a_challenge_among_others_is_found() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let world = World::guarded(auth, |knobs| knobs.challenge = ChallengeForm::Crowded);
        world.assert_gets_over();
    }
}

#[test]
fn a_realm_in_the_wrong_hands_gets_no_credentials() {
    // Another scheme, no authority, a link-local address: none of them belongs to the registry or is safe.
    for realm in ["ftp://127.0.0.1/token", "http://[fe80::1]:9/token", "javascript:token"] {
        let world = World::guarded(Auth::Bearer, |knobs| knobs.challenge = ChallengeForm::Realm(realm.to_owned()));
        let run = world.sync();
        assert_ne!(run.output.status, 0, "{realm}: {}", run.output);
        world.assert_nothing_published();
        let signed = run.log.filter(|exchange| exchange.authorization != Authorization::None);
        assert_eq!(signed.len(), 0, "{realm}: {signed}");
    }
}

#[test]
fn a_challenge_that_only_the_base_has_is_looked_for_there() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let world = World::guarded(auth, |knobs| knobs.challenge = ChallengeForm::BaseOnly);
        let run = world.assert_gets_over();
        let probes = run.log.filter(|exchange| exchange.path == "/v2/");
        assert_eq!(probes.len(), 1, "{}", run.log);
    }
}

#[test]
fn who_asks_for_credentials_and_never_says_how_is_one_problem() {
    let world = World::guarded(Auth::Basic, |knobs| {
        knobs.faults.extend(["HEAD", "GET"].map(|method| fault(method, "/v2/", ALWAYS, Then::Status(401))));
    });
    let run = world.sync().ends(1);
    let problem = run.problem("mlist::registry::not_a_registry");
    assert_eq!(
        problem["causes"],
        serde_json::json!(["requires authentication without a usable WWW-Authenticate header"])
    );
    assert_eq!(run.output.stderr.matches("  × ").count(), 1, "{}", run.output);
    let signed = run.log.filter(|exchange| exchange.authorization != Authorization::None);
    assert_eq!(signed.len(), 0, "nobody asked for a password: {signed}");
}

#[test]
fn a_token_server_that_fails_or_asks_to_wait_is_got_over() {
    for then in [Then::RequestLost, Then::Status(503), Then::Status(429), Then::RetryAfter(1), Then::Cut] {
        let world = World::guarded(Auth::Bearer, |knobs| knobs.fault(fault("GET", "/token", 1, then)));
        world.assert_gets_over();
    }
}

#[test]
fn a_login_page_instead_of_a_token_is_told_as_such() {
    let world = World::guarded(Auth::Bearer, |knobs| knobs.fault(fault("GET", "/token", ALWAYS, Then::Page(200))));
    let run = world.sync().ends(1);
    run.problem("mlist::registry::not_a_registry");
    world.assert_nothing_published();
}

#[test]
fn one_request_at_once_is_enough_for_tokens_and_for_both_ends_of_a_stream() {
    // The token server and both ends of each blob copy are the same host. A request that kept its only slot while
    // waiting for another request would never finish.
    let world = World::guarded(Auth::Bearer, |knobs| knobs.mount = Mount::Session);
    let manifest = std::fs::read_to_string(world.context.path("manifests.toml")).expect("manifests.toml");
    world.context.manifest(&format!(
        r#"{manifest}
            [registry."{}"]
            concurrency = 1
        "#,
        world.registry.host()
    ));
    world.assert_gets_over();
}
