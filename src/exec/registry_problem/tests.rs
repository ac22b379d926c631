use std::time::Duration;

use insta::assert_snapshot;

use super::*;
use crate::oci::Digest;
use crate::registry::{AccessFacts, AskedAs, NoAnswer, Operation, TlsError};

mod access;
mod layouts;

const TARGET: &str = "gcr.io/google_containers/kubectl:v1.3.0";

fn error(kind: ErrorKind) -> RegistryError {
    RegistryError {
        operation: Operation::Push,
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
    assert_snapshot!(show(&RegistryError { operation: Operation::Read, ..blob }), @r#"
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
    > it asks to wait 10m
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
    assert_snapshot!(show(&RegistryError { operation: Operation::Read, ..answered(ErrorKind::Refused, 412, words) }), @r#"
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
    > "413 Request Entity Too Large"
    help: raise the limit of gcr.io, or of the proxy before it
    about: gcr.io/google_containers/kubectl:v1.3.0
    "#);
    let tags = RegistryError { target: "gcr.io/a".into(), ..error(ErrorKind::TooManyTags { limit: 100_000 }) };
    assert!(show(&tags).contains("gcr.io/a has more than 100000 tags, the most that are read"));
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
        let causes = problem(&answered(kind, 429, "")).causes;
        assert!(causes.contains(&format!("it asks to wait {words}")), "{millis}: {causes:?}");
    }
}

#[test]
fn rate_limited() {
    let kind = ErrorKind::RateLimited { retry_after: Some(Duration::from_mins(10)) };
    assert_snapshot!(show(&answered(kind, 429, "slow down")), @r#"
    mlist::registry::rate_limited
    gcr.io takes no more for now
    > 429 "slow down"
    > it asks to wait 10m
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
    let nameless = NoAnswer { why: "no connection: no such host, 8 attempts in 9s".into(), is_unknown_host: true };
    let nameless = problem(&error(ErrorKind::Unreachable(nameless)));
    let help = "look at the name of the host in manifests.toml, and at the network of this machine";
    assert_eq!(nameless.help.as_deref(), Some(help));
    let other = RegistryError { target: "gcr.io/other:1".into(), operation: Operation::Read, ..dead() };
    assert_eq!(problem(&other), problem(&dead()));
}

fn tls(at: Option<&str>, fault: TlsFault) -> ErrorKind {
    ErrorKind::Tls(Box::new(TlsError { at: at.map(str::to_owned), fault }))
}

#[test]
fn a_certificate_that_is_not_trusted_names_who_signed_it() {
    let fault = TlsFault::Untrusted { issuer: Some("Corp Root CA".into()), is_self_signed: false, trusted: Vec::new() };
    assert_snapshot!(show(&error(tls(None, fault.clone()))), @r#"
    mlist::registry::tls
    gcr.io shows a certificate that is not trusted here
    > issued by "Corp Root CA", unknown to the system and to certs.d
    help: [registry."gcr.io"] ca = "corp-root.pem", or certs.d/gcr.io/ca.crt
    retry
    "#);
    let TlsFault::Untrusted { issuer, is_self_signed, .. } = fault.clone() else { unreachable!("it was made above") };
    let wrong = TlsFault::Untrusted { issuer, is_self_signed, trusted: vec!["a.pem".into(), "/etc/b".into()] };
    assert_snapshot!(show(&error(tls(None, wrong))), @r#"
    mlist::registry::tls
    gcr.io shows a certificate that is not trusted here
    > issued by "Corp Root CA", unknown to the system and to a.pem and to /etc/b
    help: put its authority's certificate there (PEM); a file of certs.d ends in .crt
    retry
    "#);
    assert_snapshot!(show(&error(tls(Some("blobs.corp:9000"), fault))), @r#"
    mlist::registry::tls
    blobs.corp:9000 shows a certificate that is not trusted here
    > issued by "Corp Root CA", unknown to the system and to certs.d
    > needed for gcr.io
    help: [registry."blobs.corp:9000"] ca = "corp-root.pem", or certs.d/blobs.corp:9000/ca.crt
    retry
    "#);
}

#[test]
fn what_is_wrong_with_tls_is_told_by_cause() {
    let told = [
        TlsFault::Untrusted { issuer: None, is_self_signed: true, trusted: Vec::new() },
        TlsFault::Untrusted { issuer: None, is_self_signed: false, trusted: Vec::new() },
        TlsFault::Expired,
        TlsFault::NotYetValid,
        TlsFault::OtherName(vec!["a.example".into(), "*.b.example".into()]),
        TlsFault::OtherName(Vec::new()),
        TlsFault::NotTls,
        TlsFault::WantsCertificate,
        TlsFault::RefusesCertificate("certificate revoked".into()),
        TlsFault::Other("peer is incompatible".into()),
        TlsFault::File("corp-root.pem is not there".into()),
    ];
    let told = told.map(|fault| show(&error(tls(None, fault))));
    assert_snapshot!(told.join("\n\n"), @r#"
    mlist::registry::tls
    gcr.io shows a certificate that is not trusted here
    > signed by itself, unknown to the system and to certs.d
    help: [registry."gcr.io"] ca = "corp-root.pem", or certs.d/gcr.io/ca.crt
    retry

    mlist::registry::tls
    gcr.io shows a certificate that is not trusted here
    > issued by nobody who has a name, unknown to the system and to certs.d
    help: [registry."gcr.io"] ca = "corp-root.pem", or certs.d/gcr.io/ca.crt
    retry

    mlist::registry::tls
    gcr.io shows a certificate that is not valid now
    > it has expired
    help: have it renewed there; or set the clock of this machine
    retry

    mlist::registry::tls
    gcr.io shows a certificate that is not valid now
    > it is not valid yet
    help: have it renewed there; or set the clock of this machine
    retry

    mlist::registry::tls
    gcr.io shows a certificate of another name
    > it is for a.example, *.b.example
    help: call it by such a name in manifests.toml, or give it a certificate of this one
    retry

    mlist::registry::tls
    gcr.io shows a certificate of another name
    > it is for no name at all
    help: call it by such a name in manifests.toml, or give it a certificate of this one
    retry

    mlist::registry::tls
    gcr.io does not speak TLS
    > what it answers is not TLS
    help: to reach it by plain HTTP: [registry."gcr.io"] http = true
    retry

    mlist::registry::tls
    gcr.io lets in only who shows a certificate
    > it asks who we are, and no certificate was shown
    help: [registry."gcr.io"] client-cert = "client.pem", client-key = "client-key.pem"
    retry

    mlist::registry::tls
    gcr.io does not accept the certificate that it is shown
    > it ended the connection: certificate revoked
    help: name one that it knows: [registry."gcr.io"] client-cert, client-key; or in certs.d
    retry

    mlist::registry::tls
    gcr.io cannot be reached over TLS
    > peer is incompatible
    help: look at what stands between: a proxy, a balancer of old protocols
    retry

    mlist::registry::certificate
    corp-root.pem is not there
    > needed for gcr.io
    help: mend the file, or name another: [registry] ca, client-cert, client-key; or certs.d
    "#);
}

#[test]
fn a_proxy_is_what_to_look_at_first() {
    let proxy = Some(Proxy { variable: Some("HTTPS_PROXY"), address: "proxy.corp:3128".into() });
    let kind = ErrorKind::Unreachable("no connection within 10s, 8 attempts in 90s".into());
    assert_snapshot!(show(&RegistryError { proxy: proxy.clone(), ..error(kind) }), @r#"
    mlist::registry::unreachable
    gcr.io cannot be reached
    > no connection within 10s, 8 attempts in 90s
    help: look at what stands between: HTTPS_PROXY is proxy.corp:3128
    retry
    "#);
    let kind = ErrorKind::NotARegistry("answered 407, which no registry does here".into());
    let help = |proxy| problem(&RegistryError { proxy, ..error(kind.clone()) }).help.unwrap();
    assert_eq!(help(proxy), "look at what stands between: HTTPS_PROXY is proxy.corp:3128");
    let system = Proxy { variable: None, address: "10.0.0.1".into() };
    assert_eq!(help(Some(system)), "look at what stands between: the proxy 10.0.0.1");
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
fn a_registry_that_wants_tls_is_no_matter_of_rules() {
    let words = "Client sent an HTTP request to an HTTPS server.";
    let of = |host: &str| {
        let error = answered(ErrorKind::NeedsTls, 400, words);
        problem(&RegistryError { host: Some(host.into()), ..error }).help.unwrap()
    };
    assert_eq!(of("localhost:5000"), r#"it speaks TLS: [registry."localhost:5000"] http = false"#);
}

#[test]
fn of_much_that_is_not_seen_some_is_named() {
    let digests: Vec<Digest> = (0..900_u32).map(|n| Digest::of(&n.to_be_bytes())).collect();
    let many = error(ErrorKind::ContentUnknown(digests));
    let causes = problem(&many).causes;
    assert_eq!((causes.len(), causes[10].as_str()), (11, "not seen: 890 more"));
    let said = many.to_string();
    assert!(said.ends_with(" and 890 more") && said.len() < 1000, "{said}");
}
