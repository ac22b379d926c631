use std::time::Duration;

use insta::assert_snapshot;

use super::*;
use crate::oci::Digest;
use crate::registry::{AccessFacts, AskedAs, ConnectionStep, HostHistory, NoAnswer, Operation};

mod access;
mod layouts;
mod tls;

const TARGET: &str = "gcr.io/google_containers/kubectl:v1.3.0";

fn error(kind: ErrorKind) -> RegistryError {
    RegistryError {
        operation: Operation::PushManifest,
        target: TARGET.into(),
        host: Some("gcr.io".into()),
        kind,
        status: None,
        code: None,
        message: None,
        attempts: 1,
        credentials: AskedAs::Unknown,
        access: AccessFacts::default(),
        proxy: None,
        history: HostHistory::Unknown,
    }
}

fn answered(kind: ErrorKind, status: u16, message: &str) -> RegistryError {
    RegistryError { status: Some(status), message: Some(message.into()), ..error(kind) }
}

/// Formats everything that is shown of a problem.
fn show(error: &RegistryError) -> String {
    let problem = problem(error);
    let mut lines = vec![problem.code.to_owned(), problem.message];
    lines.extend(problem.causes.iter().map(|cause| format!("> {cause}")));
    lines.extend(problem.help.map(|help| format!("help: {help}")));
    lines.extend(problem.reference.map(|reference| format!("about: {reference}")));
    lines.extend(problem.retry.then(|| "retry".to_owned()));
    lines.join("\n")
}

#[test]
fn not_found() {
    assert_snapshot!(show(&answered(ErrorKind::NotFound, 404, "repository name not known")), @r#"
    mlist::registry::not_found
    failed to push manifest gcr.io/google_containers/kubectl:v1.3.0: repository not found
    > 404 "repository name not known"
    help: create the repository on gcr.io, or check its name and your permission to push (some registries respond with 404 instead of 403)
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
}

#[test]
fn a_repository_that_is_missing_is_told_once_for_all_that_was_to_go_there() {
    let words = "The repository with name 'kubectl' does not exist in the registry";
    let missing = |target: &str| {
        let code = Some("NAME_UNKNOWN".to_owned());
        RegistryError { code, target: target.into(), ..answered(ErrorKind::NotFound, 404, words) }
    };
    assert_snapshot!(show(&missing(TARGET)), @r#"
    mlist::registry::not_found
    repository gcr.io/google_containers/kubectl not found
    > 404 NAME_UNKNOWN "The repository with name 'kubectl' does not exist in the registry"
    help: create the repository on gcr.io, or correct its name in manifests.toml
    about: gcr.io/google_containers/kubectl
    "#);
    let blob = missing(&format!("gcr.io/google_containers/kubectl@{}", Digest::of(b"layer")));
    assert_eq!(problem(&blob), problem(&missing(TARGET)));
}

#[test]
fn a_blob_that_is_not_at_its_source_is_no_missing_repository() {
    let target = format!("gcr.io/google_containers/kubectl@{}", Digest::of(b"layer")).as_str().into();
    let blob = RegistryError { target, ..answered(ErrorKind::NotFound, 404, "blob unknown") };
    assert_snapshot!(show(&RegistryError { operation: Operation::ReadBlob, ..blob }), @r#"
    mlist::registry::not_found
    blob sha256:dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85 not found in gcr.io/google_containers/kubectl
    > 404 "blob unknown"
    help: push the image again
    about: gcr.io/google_containers/kubectl@sha256:dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85
    "#);
}

#[test]
fn a_quota_of_pulls_is_told_as_such() {
    let kind = ErrorKind::PullQuota { retry_after: Some(Duration::from_mins(10)) };
    let credentials = access::docker();
    let help = problem(&RegistryError { credentials, ..error(kind.clone()) }).help.unwrap();
    let of_others = "try again in 10m, or log in with an account that has a higher limit: docker login gcr.io";
    assert_eq!(help, of_others);
    assert_snapshot!(show(&answered(kind, 429, "You have reached your unauthenticated pull rate limit.")), @r#"
    mlist::registry::rate_limited
    rate limited by gcr.io: no pulls left
    > 429 "You have reached your unauthenticated pull rate limit."
    help: try again in 10m, or log in: docker login gcr.io
    retry
    "#);
}

#[test]
fn immutable() {
    let words = "The image tag 'v1.3.0' already exists and cannot be overwritten because the repository is immutable.";
    let code = Some("TAG_INVALID".to_owned());
    assert_snapshot!(show(&RegistryError { code, ..answered(ErrorKind::Immutable, 400, words) }), @r#"
    mlist::registry::immutable
    gcr.io/google_containers/kubectl:v1.3.0 is immutable: gcr.io does not allow it to be overwritten
    > 400 TAG_INVALID "The image tag 'v1.3.0' already exists and cannot be overwritten because the repository is immutable."
    help: publish another tag, or change the rule on gcr.io that makes this tag immutable
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
}

#[test]
fn what_a_rule_keeps_back_is_told_with_the_rule() {
    let words = "current image with 3 vulnerabilities cannot be pulled due to configured policy";
    assert_snapshot!(show(&RegistryError { operation: Operation::ReadManifest, ..answered(ErrorKind::Refused, 412, words) }), @r#"
    mlist::registry::refused
    failed to read manifest gcr.io/google_containers/kubectl:v1.3.0: refused by gcr.io
    > 412 "current image with 3 vulnerabilities cannot be pulled due to configured policy"
    help: push an image that meets the policy of the repository, or change the policy
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
}

#[test]
fn too_large_for_the_registry() {
    assert_snapshot!(show(&answered(ErrorKind::Oversized, 413, "413 Request Entity Too Large")), @r#"
    mlist::registry::too_large
    failed to push manifest gcr.io/google_containers/kubectl:v1.3.0: larger than gcr.io accepts
    > 413 "Request Entity Too Large"
    help: increase the size limit of gcr.io, or of the proxy in front of it
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
    let tags = RegistryError { target: "gcr.io/a".into(), ..error(ErrorKind::TooManyTags { limit: 100_000 }) };
    assert!(show(&tags).contains("gcr.io/a has more than 100000 tags, the maximum that mlist reads"));
}

#[test]
fn a_wait_is_told_in_units_that_fit_it_and_never_as_shorter_than_it_is() {
    for (millis, words) in [
        (12, "1s"),
        (60_000, "60s"),
        (120_000, "120s"),
        (120_001, "3m"),
        (3_600_000, "1h 00m"),
        (21_600_001, "6h 01m"),
        (172_800_000, "2 days"),
        (259_200_000, "3 days"),
        (u64::MAX, "213503982335 days"),
    ] {
        let kind = ErrorKind::RateLimited { retry_after: Some(Duration::from_millis(millis)) };
        let help = problem(&answered(kind, 429, "")).help.unwrap();
        assert!(help.starts_with(&format!("try again in {words};")), "{millis}: {help}");
    }
}

#[test]
fn rate_limited() {
    let kind = ErrorKind::RateLimited { retry_after: Some(Duration::from_mins(10)) };
    assert_snapshot!(show(&answered(kind, 429, "slow down")), @r#"
    mlist::registry::rate_limited
    rate limited by gcr.io
    > 429 "slow down"
    help: try again in 10m; to send fewer requests, set rate = "5/s" in [registry."gcr.io"]
    retry
    "#);
    assert_snapshot!(show(&error(ErrorKind::RateLimited { retry_after: None })), @r#"
    mlist::registry::rate_limited
    rate limited by gcr.io
    help: try again later; to send fewer requests, set rate = "5/s" in [registry."gcr.io"]
    retry
    "#);
}

#[test]
fn a_dead_host_is_one_problem_for_all_its_lists() {
    let unreachable = |step, why: &str| error(ErrorKind::Unreachable(NoAnswer { step, why: why.into() }));
    let dead = || unreachable(ConnectionStep::Connect, "timed out after 10s (8 attempts in 90s)");
    assert_snapshot!(show(&dead()), @r"
    mlist::registry::unreachable
    cannot connect to gcr.io
    > timed out after 10s (8 attempts in 90s)
    help: check the host name and port, and whether the registry is running
    retry
    ");
    let nameless = unreachable(ConnectionStep::HostName, "host name not found (DNS): gcr.io");
    assert_snapshot!(show(&nameless), @r"
    mlist::registry::unreachable
    cannot connect to gcr.io
    > host name not found (DNS): gcr.io
    help: check the spelling of the host name, and the DNS settings of this machine
    ");
    let silent = unreachable(ConnectionStep::Answer, "timed out after 15s");
    assert_snapshot!(show(&silent), @r"
    mlist::registry::unreachable
    no complete response from gcr.io
    > timed out after 15s
    help: try again later
    retry
    ");
    let other = RegistryError { target: "gcr.io/other:1".into(), operation: Operation::ReadManifest, ..dead() };
    assert_eq!(problem(&other), problem(&dead()));
}

#[test]
fn a_proxy_is_what_to_look_at_first() {
    let proxy = Some(Proxy { variable: Some("HTTPS_PROXY"), address: "proxy.corp:3128".into() });
    let kind = ErrorKind::Unreachable(NoAnswer::not_connected("timed out after 10s (8 attempts in 90s)"));
    assert_snapshot!(show(&RegistryError { proxy: proxy.clone(), ..error(kind) }), @r"
    mlist::registry::unreachable
    cannot connect to gcr.io
    > timed out after 10s (8 attempts in 90s)
    help: check the proxy proxy.corp:3128 (HTTPS_PROXY)
    retry
    ");
    let kind = ErrorKind::NotARegistry("unexpected status 407 (Proxy Authentication Required)".into());
    let help = |proxy| problem(&RegistryError { proxy, ..error(kind.clone()) }).help.unwrap();
    assert_eq!(help(proxy), "check the proxy proxy.corp:3128 (HTTPS_PROXY)");
    let system = Proxy { variable: None, address: "10.0.0.1".into() };
    assert_eq!(help(Some(system)), "check the proxy 10.0.0.1 (system settings)");
}

#[test]
fn wrong_digest() {
    let kind = ErrorKind::WrongDigest { expected: Digest::of(b"a"), actual: Digest::of(b"b") };
    assert_snapshot!(show(&RegistryError { attempts: 3, ..error(kind) }), @r"
    mlist::registry::wrong_digest
    gcr.io reported a wrong digest for gcr.io/google_containers/kubectl:v1.3.0
    > expected sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
    > reported sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d (3 attempts)
    help: check for a proxy or cache between this machine and gcr.io
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    ");
}

#[test]
fn too_large() {
    let large = |operation| RegistryError { operation, ..error(ErrorKind::TooLarge { limit: 4 << 20 }) };
    assert_snapshot!(show(&large(Operation::ReadManifest)), @r"
    mlist::registry::too_large
    the manifest of gcr.io/google_containers/kubectl:v1.3.0 is larger than 4 MiB, the maximum that mlist reads
    help: check that this is a container image
    about: gcr.io/google_containers/kubectl:v1.3.0
    ");
    for (operation, words) in [
        (Operation::ReadBlob, "the config gcr.io/"),
        (Operation::ReadTags, "the tag listing of gcr.io/"),
        (Operation::ReadReferrers, "the referrer listing of gcr.io/"),
        (Operation::Read, "the manifest or config of gcr.io/"),
    ] {
        let message = problem(&large(operation)).message;
        assert!(message.starts_with(words), "{message}");
    }
    assert!(show(&error(ErrorKind::TooLarge { limit: 1000 })).contains("1000 bytes"));
}

#[test]
fn not_a_registry() {
    assert_snapshot!(show(&answered(ErrorKind::NotARegistry("returned an HTML page instead of a manifest".into()), 200, "Log in")), @r#"
    mlist::registry::not_a_registry
    failed to push manifest gcr.io/google_containers/kubectl:v1.3.0: gcr.io did not respond like a container registry
    > returned an HTML page instead of a manifest
    > 200 "Log in"
    help: check the host name, and check for a proxy or login page between this machine and gcr.io
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
}

#[test]
fn an_unexpected_status_of_a_registry_names_the_request() {
    let kind = ErrorKind::NotARegistry("unexpected status 418 (I'm a teapot)".into());
    let error = RegistryError { status: Some(418), history: HostHistory::Registry, ..error(kind) };
    assert_snapshot!(show(&error), @r"
    mlist::registry::not_a_registry
    failed to push manifest gcr.io/google_containers/kubectl:v1.3.0: unexpected response
    > unexpected status 418 (I'm a teapot)
    help: check for a proxy or login page between this machine and gcr.io; otherwise report this to the registry's operator
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    ");
}

#[test]
fn a_read_only_registry_is_one_problem_for_all_that_was_to_be_pushed() {
    let words = "The operation is unsupported.";
    let unsupported = |operation, target: &str| {
        let code = Some("UNSUPPORTED".to_owned());
        let error = answered(ErrorKind::Unsupported, 405, words);
        RegistryError { code, operation, target: target.into(), ..error }
    };
    assert_snapshot!(show(&unsupported(Operation::PushManifest, TARGET)), @r#"
    mlist::registry::refused
    gcr.io does not accept pushes (405 UNSUPPORTED): it is a pull-through cache or read-only mirror
    > "The operation is unsupported."
    help: set `target` to the registry that the cache or mirror copies from
    about: gcr.io/google_containers/kubectl
    "#);
    let blob = format!("gcr.io/google_containers/kubectl@{}", Digest::of(b"layer"));
    let blob = unsupported(Operation::UploadBlob, &blob);
    assert_eq!(problem(&blob), problem(&unsupported(Operation::PushManifest, TARGET)));
    assert_snapshot!(show(&unsupported(Operation::ReadTags, "gcr.io/google_containers/kubectl")), @r#"
    mlist::registry::refused
    failed to list the tags of gcr.io/google_containers/kubectl: not supported by gcr.io
    > 405 UNSUPPORTED "The operation is unsupported."
    help: use a registry that supports this request, or ask the operator of gcr.io
    about: gcr.io/google_containers/kubectl
    "#);
    let bare = RegistryError { status: Some(405), ..error(ErrorKind::Unsupported) };
    let message = "gcr.io does not accept pushes (405): it is a pull-through cache or read-only mirror";
    assert_eq!(problem(&bare).message, message);
}

#[test]
fn the_help_fits_the_part_of_the_run() {
    let limited = error(ErrorKind::RateLimited { retry_after: None });
    assert!(problem(&limited).help.unwrap().starts_with("try again later;"));
    let help = publishing_problem(&limited).help.unwrap();
    assert!(help.starts_with("run mlist sync again later (lists already published are skipped);"), "{help}");
}

#[test]
fn refused() {
    assert_snapshot!(show(&answered(ErrorKind::Refused, 409, "tag v1.3.0 is immutable")), @r#"
    mlist::registry::refused
    failed to push manifest gcr.io/google_containers/kubectl:v1.3.0: refused by gcr.io
    > 409 "tag v1.3.0 is immutable"
    help: change the list so that the registry accepts it, or change the policy of the repository
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
}

#[test]
fn server() {
    assert_snapshot!(show(&RegistryError { attempts: 8, ..answered(ErrorKind::Server, 500, "oops") }), @r#"
    mlist::registry::server
    failed to push manifest gcr.io/google_containers/kubectl:v1.3.0: server error
    > 500 "oops" (8 attempts)
    help: try again later
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
}

#[test]
fn content_unknown() {
    assert_snapshot!(show(&error(ErrorKind::ContentUnknown(vec![Digest::of(b"a")]))), @r"
    mlist::registry::content_unknown
    failed to push manifest gcr.io/google_containers/kubectl:v1.3.0: gcr.io does not have all members and blobs of the manifest
    > not found: sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
    help: run mlist sync again later (some registries find new content only after a delay); if it fails again, report this to the operator of gcr.io
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    ");
}

#[test]
fn a_status_that_is_told_already_is_not_told_twice() {
    let kind = ErrorKind::NotARegistry("unexpected status 204 (No Content)".into());
    let error = RegistryError { message: None, code: None, ..answered(kind, 204, "") };
    assert_eq!(problem(&error).causes, ["unexpected status 204 (No Content)"]);
}

#[test]
fn stopped() {
    assert_snapshot!(show(&error(ErrorKind::Stopped)), @r"
    mlist::exec::stopped
    interrupted before gcr.io responded
    help: run the command again
    retry
    ");
}

#[test]
fn the_answer_is_kept_for_those_who_decide_whether_to_run_again() {
    let facts = problem(&RegistryError { attempts: 8, ..answered(ErrorKind::Server, 502, "") }).http.unwrap();
    assert_eq!((facts.host.as_str(), facts.status, facts.attempts), ("gcr.io", Some(502), 8));
}

#[test]
fn a_registry_that_wants_tls_is_no_matter_of_rules() {
    let words = "Client sent an HTTP request to an HTTPS server.";
    let of = |host: &str| {
        let error = answered(ErrorKind::NeedsTls, 400, words);
        problem(&RegistryError { host: Some(host.into()), ..error }).help.unwrap()
    };
    assert_eq!(of("localhost:5000"), r#"to use TLS, set http = false in [registry."localhost:5000"]"#);
}

#[test]
fn of_much_that_is_not_seen_some_is_named() {
    let digests: Vec<Digest> = (0..900_u32).map(|n| Digest::of(&n.to_be_bytes())).collect();
    let many = error(ErrorKind::ContentUnknown(digests));
    let causes = problem(&many).causes;
    assert_eq!((causes.len(), causes[10].as_str()), (11, "not found: 890 more"));
    let said = many.to_string();
    assert!(said.ends_with(" and 890 more") && said.len() < 1000, "{said}");
}
