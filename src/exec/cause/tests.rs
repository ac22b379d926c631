use std::time::Duration;

use insta::assert_snapshot;

use super::*;
use crate::oci::Digest;

const TARGET: &str = "gcr.io/google_containers/kubectl:v1.3.0";

fn error(kind: ErrorKind) -> RegistryError {
    RegistryError {
        doing: "push",
        target: TARGET.into(),
        host: Some("gcr.io".into()),
        kind,
        status: None,
        code: None,
        message: None,
        attempts: 1,
        credentials: None,
    }
}

fn answered(kind: ErrorKind, status: u16, message: &str) -> RegistryError {
    RegistryError { status: Some(status), message: Some(message.into()), ..error(kind) }
}

/// All that is shown of a problem.
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
fn unauthorized_says_where_credentials_were_looked_for() {
    assert_snapshot!(show(&answered(ErrorKind::Unauthorized, 401, "authentication required")), @r#"
    mlist::registry::unauthorized
    unauthorized: gcr.io asks for credentials to push google_containers/kubectl:v1.3.0
    > looked in Docker's config.json: nothing for gcr.io
    help: docker login gcr.io
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
    let credentials = Some("~/.docker/config.json (user ci-bot)".to_owned());
    assert_snapshot!(show(&RegistryError { credentials, ..answered(ErrorKind::Unauthorized, 401, "wrong password") }), @r#"
    mlist::registry::unauthorized
    unauthorized: gcr.io asks for credentials to push google_containers/kubectl:v1.3.0
    > 401 "wrong password"
    > it does not accept those of ~/.docker/config.json (user ci-bot)
    help: docker login gcr.io
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
}

#[test]
fn denied_names_the_credentials_and_quotes_the_registry() {
    let credentials = Some("docker-credential-gcr (user ci-bot)".to_owned());
    let denied = answered(ErrorKind::Denied, 403, "Permission uploadArtifacts denied on resource");
    assert_snapshot!(show(&RegistryError { credentials, ..denied }), @r#"
    mlist::registry::denied
    denied: no right to push google_containers/kubectl:v1.3.0 on gcr.io
    > 403 "Permission uploadArtifacts denied on resource"
    > with the credentials of docker-credential-gcr (user ci-bot)
    help: give them the right to push there, or log in as someone who has it: docker login gcr.io
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
    let code = Some("DENIED".to_owned());
    assert_snapshot!(show(&RegistryError { code, status: Some(403), doing: "read", ..error(ErrorKind::Denied) }), @r#"
    mlist::registry::denied
    denied: no right to read google_containers/kubectl:v1.3.0 on gcr.io
    > 403 DENIED
    > no credentials were sent: nothing for gcr.io in Docker's config.json
    help: docker login gcr.io
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
}

#[test]
fn not_found() {
    assert_snapshot!(show(&answered(ErrorKind::NotFound, 404, "repository name not known")), @r#"
    mlist::registry::not_found
    cannot push gcr.io/google_containers/kubectl:v1.3.0: not found
    > 404 "repository name not known"
    help: create the repository on gcr.io, or correct its name in manifests.toml
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
    there is no repository gcr.io/google_containers/kubectl
    > 404 "The repository with name 'kubectl' does not exist in the registry"
    help: create it on gcr.io, which makes none by itself, or correct its name in manifests.toml
    about: gcr.io/google_containers/kubectl
    "#);
    let blob = missing(&format!("gcr.io/google_containers/kubectl@{}", Digest::of(b"layer")));
    assert_eq!(problem(&blob), problem(&missing(TARGET)));
}

#[test]
fn a_blob_that_is_not_at_its_source_is_no_missing_repository() {
    let blob = answered(ErrorKind::NotFound, 404, "blob unknown");
    assert_snapshot!(show(&RegistryError { doing: "read", ..blob }), @r#"
    mlist::registry::not_found
    cannot read gcr.io/google_containers/kubectl:v1.3.0: not found
    > 404 "blob unknown"
    help: push the image again: what its manifest names is not there
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
}

#[test]
fn a_quota_of_pulls_is_told_as_such() {
    let kind = ErrorKind::PullQuota { retry_after: Some(Duration::from_mins(10)) };
    assert_snapshot!(show(&answered(kind, 429, "You have reached your unauthenticated pull rate limit.")), @r#"
    mlist::registry::rate_limited
    gcr.io gives out no more images for now: 0 pulls left
    > 429 "You have reached your unauthenticated pull rate limit."
    > it asks to wait 600s
    help: sync again later, or log in as someone who may pull more: docker login gcr.io
    retry
    "#);
}

#[test]
fn immutable() {
    let words = "The image tag 'v1.3.0' already exists and cannot be overwritten because the repository is immutable.";
    let code = Some("TAG_INVALID".to_owned());
    assert_snapshot!(show(&RegistryError { code, ..answered(ErrorKind::Immutable, 400, words) }), @r#"
    mlist::registry::immutable
    gcr.io/google_containers/kubectl:v1.3.0 is immutable: gcr.io refuses to write it
    > 400 "The image tag 'v1.3.0' already exists and cannot be overwritten because the repository is immutable."
    help: publish under another tag, or have the rule lifted that protects this one on gcr.io
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
}

#[test]
fn what_a_rule_keeps_back_is_told_with_the_rule() {
    let words = "current image with 3 vulnerabilities cannot be pulled due to configured policy";
    assert_snapshot!(show(&RegistryError { doing: "read", ..answered(ErrorKind::Refused, 412, words) }), @r#"
    mlist::registry::refused
    gcr.io refuses to read gcr.io/google_containers/kubectl:v1.3.0
    > 412 "current image with 3 vulnerabilities cannot be pulled due to configured policy"
    help: it is there, and a rule of its repository keeps it back: have it scanned, signed or let through
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
}

#[test]
fn too_large_for_the_registry() {
    assert_snapshot!(show(&answered(ErrorKind::Oversized, 413, "413 Request Entity Too Large")), @r#"
    mlist::registry::too_large
    gcr.io/google_containers/kubectl:v1.3.0 is larger than gcr.io takes
    > 413 "413 Request Entity Too Large"
    help: raise the limit of gcr.io, or of the proxy before it
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
    let tags = RegistryError { target: "gcr.io/a".into(), ..error(ErrorKind::TooManyTags { limit: 100_000 }) };
    assert!(show(&tags).contains("gcr.io/a has more than 100000 tags, the most that are read"));
}

#[test]
fn rate_limited() {
    let kind = ErrorKind::RateLimited { retry_after: Some(Duration::from_mins(10)) };
    assert_snapshot!(show(&answered(kind, 429, "slow down")), @r#"
    mlist::registry::rate_limited
    gcr.io takes no more for now
    > 429 "slow down"
    > it asks to wait 600s
    help: sync again later: what is published is not sent again
    retry
    "#);
    assert_snapshot!(show(&error(ErrorKind::RateLimited { retry_after: None })), @r#"
    mlist::registry::rate_limited
    gcr.io takes no more for now
    help: sync again later: what is published is not sent again
    retry
    "#);
}

#[test]
fn a_dead_host_is_one_problem_for_all_its_lists() {
    let dead = || error(ErrorKind::Unreachable("no connection within 10s".into()));
    assert_snapshot!(show(&dead()), @r#"
    mlist::registry::unreachable
    gcr.io cannot be reached
    > no connection within 10s
    help: sync again when it answers: what is published is not sent again
    retry
    "#);
    let other = RegistryError { target: "gcr.io/other:1".into(), doing: "read", ..dead() };
    assert_eq!(problem(&other), problem(&dead()));
}

#[test]
fn tls() {
    let why = r#"issued by "Corp Root CA", which is not known here"#;
    assert_snapshot!(show(&error(ErrorKind::Tls(why.into()))), @r#"
    mlist::registry::tls
    gcr.io cannot be reached over TLS
    > issued by "Corp Root CA", which is not known here
    help: where its certificate is of an authority of your own: SSL_CERT_FILE names the file with it
    retry
    "#);
}

#[test]
fn wrong_digest() {
    let kind = ErrorKind::WrongDigest { expected: Digest::of(b"a"), actual: Digest::of(b"b") };
    assert_snapshot!(show(&RegistryError { attempts: 3, ..error(kind) }), @r#"
    mlist::registry::wrong_digest
    gcr.io sent bytes that are not what was asked for
    > gcr.io/google_containers/kubectl:v1.3.0
    > got sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d, 3 times; nothing of it was used
    help: look at what stands between: a proxy, a cache
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
}

#[test]
fn too_large() {
    assert_snapshot!(show(&error(ErrorKind::TooLarge { limit: 4 << 20 })), @r#"
    mlist::registry::too_large
    gcr.io/google_containers/kubectl:v1.3.0 is larger than 4 MiB, the most that is read
    help: look at what is there: no image has such a manifest or config
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
    assert!(show(&error(ErrorKind::TooLarge { limit: 1000 })).contains("1000 bytes"));
}

#[test]
fn not_a_registry() {
    assert_snapshot!(show(&answered(ErrorKind::NotARegistry("200 with text/html".into()), 200, "Log in")), @r#"
    mlist::registry::not_a_registry
    gcr.io does not answer as a registry
    > 200 with text/html
    > 200 "Log in"
    help: look at the name of the host, and at what stands between: a proxy, a login page
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
}

#[test]
fn refused() {
    assert_snapshot!(show(&answered(ErrorKind::Refused, 409, "tag v1.3.0 is immutable")), @r#"
    mlist::registry::refused
    gcr.io refuses to push gcr.io/google_containers/kubectl:v1.3.0
    > 409 "tag v1.3.0 is immutable"
    help: sync sends the same again: change the list, or the rules of the repository
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
}

#[test]
fn server() {
    assert_snapshot!(show(&RegistryError { attempts: 8, ..answered(ErrorKind::Server, 500, "oops") }), @r#"
    mlist::registry::server
    gcr.io failed to push gcr.io/google_containers/kubectl:v1.3.0
    > 500 "oops", 8 times
    help: sync again when it works: what is published is not sent again
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
}

#[test]
fn content_unknown() {
    assert_snapshot!(show(&error(ErrorKind::ContentUnknown(vec![Digest::of(b"a")]))), @r#"
    mlist::registry::content_unknown
    gcr.io does not see all that gcr.io/google_containers/kubectl:v1.3.0 is made of
    > not seen: sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
    help: sync again: what was pushed may need a while to be seen
    about: gcr.io/google_containers/kubectl:v1.3.0
    retry
    "#);
}

#[test]
fn credentials() {
    let why = "docker-credential-ecr-login is not on the PATH";
    assert_snapshot!(show(&error(ErrorKind::Credentials(why.into()))), @r#"
    mlist::registry::credentials
    docker-credential-ecr-login is not on the PATH
    > needed for gcr.io
    help: mend it, or log in anew: docker login gcr.io
    "#);
}

#[test]
fn a_layout_has_no_host() {
    let kind = ErrorKind::Layout("out/kubectl/index.json: permission denied".into());
    let layout = RegistryError { host: None, target: "oci:out/kubectl:v1".into(), ..error(kind) };
    assert_snapshot!(show(&layout), @r#"
    mlist::registry::layout
    cannot write to oci:out/kubectl
    > out/kubectl/index.json: permission denied
    help: mend the folder, or write the layout anew
    about: oci:out/kubectl
    "#);
    assert_eq!(problem(&layout).http, None);
    let blob = RegistryError { target: format!("oci:out/kubectl@{}", Digest::of(b"layer")), ..layout.clone() };
    assert_eq!(problem(&blob), problem(&layout), "one folder is one problem");
    assert_snapshot!(show(&RegistryError { doing: "read", ..layout }), @r#"
    mlist::registry::layout
    cannot read oci:out/kubectl:v1
    > out/kubectl/index.json: permission denied
    help: mend the folder, or write the layout anew
    about: oci:out/kubectl:v1
    "#);
}

#[test]
fn a_status_that_is_told_already_is_not_told_twice() {
    let kind = ErrorKind::NotARegistry("answered 204, which no registry does here".into());
    let error = RegistryError { message: None, code: None, ..answered(kind, 204, "") };
    assert_eq!(problem(&error).causes, ["answered 204, which no registry does here"]);
}

#[test]
fn stopped() {
    assert_snapshot!(show(&error(ErrorKind::Stopped)), @r#"
    mlist::exec::stopped
    stopped before gcr.io had answered
    help: run it again: it goes on from here
    retry
    "#);
}

#[test]
fn the_answer_is_kept_for_those_who_decide_whether_to_run_again() {
    let facts = problem(&RegistryError { attempts: 8, ..answered(ErrorKind::Server, 502, "") }).http.unwrap();
    assert_eq!((facts.host.as_str(), facts.status, facts.attempts), ("gcr.io", Some(502), 8));
}

#[test]
fn a_registry_here_that_wants_tls_is_no_matter_of_rules() {
    let words = "Client sent an HTTP request to an HTTPS server.";
    let of = |host: &str| {
        let error = answered(ErrorKind::Refused, 400, words);
        problem(&RegistryError { host: Some(host.into()), ..error }).help.unwrap()
    };
    assert!(of("localhost:5000").contains("without TLS"));
    assert!(of("gcr.io").contains("rules of the repository"));
}
