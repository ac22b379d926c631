//! Certificates and HTTP/2: which certificates mlist trusts, which client certificates it sends, and what it reports if
//! TLS fails.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mlist::oci::{Host, Place, Reference};
use mlist::registry::options::{ClientCertificate, ConnectionSecurity};
use mlist::registry::{
    Access, CredentialSources, ErrorKind, HostOptions, Registries, RegistriesOptions, Registry as _, RegistryError,
    Rights, TlsError, TlsFault,
};

use crate::support::any_registry::AnyRegistry;
use crate::support::certificates::{Authority, Pair, Valid, self_signed};
use crate::support::context::{Context, Output};
use crate::support::docker_registry::skipped;
use crate::support::images::{Dialect, Image};
use crate::support::nginx::{Front, Nginx, Seen};
use crate::support::registry::{Knobs, Registry};
use crate::support::tls_server::{Proxy, TlsServer};

/// Starts a registry with one image, `a/b:v1`.
pub(crate) fn registry() -> Registry {
    let registry = Registry::start(Knobs::default());
    let any = AnyRegistry::InProcess(registry);
    any.push("a/b", "v1", &image());
    match any {
        AnyRegistry::InProcess(registry) => registry,
        _ => unreachable!("it was ours a moment ago"),
    }
}

fn image() -> Image {
    Image::new(Dialect::Oci, "linux/arm64", "app")
}

fn nginx(front: &Front<'_>) -> Option<Nginx> {
    let nginx = Nginx::start(front);
    if nginx.is_none() {
        skipped("nginx is not installed");
    }
    nginx
}

/// Files in a folder that is deleted at the end of the test.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    fn client(&self, pair: &Pair) -> ClientCertificate {
        let (certificate, key) = (self.put("client.pem", &pair.certificate), self.put("client-key.pem", &pair.key));
        ClientCertificate { certificate, key }
    }
}

fn registries(hosts: &[(&str, HostOptions)], certificates: Vec<PathBuf>) -> Registries {
    let hosts: BTreeMap<_, _> =
        hosts.iter().map(|(host, options)| (Host::parse(host).expect("a host"), options.clone())).collect();
    let options = RegistriesOptions {
        access: Access::new(Rights::ReadOnly, Vec::new()),
        jobs: NonZeroUsize::MIN.saturating_add(63),
        credentials: CredentialSources::default(),
        hosts,
        certificates,
        observer: Arc::new(|_| {}),
    };
    Registries::new(options).expect("nothing is opened yet")
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(work)
}

/// Requests `a/b:v1` of `host`.
fn ask(registries: &Registries, host: &str) -> Result<(), Box<RegistryError>> {
    let reference = Reference::parse(&format!("{host}/a/b:v1")).expect("a reference");
    run(registries.head(&reference)).map(|head| assert!(head.is_some(), "it was pushed"))
}

/// Returns the TLS error of `host` with these options.
fn fault(host: &str, options: HostOptions) -> TlsFault {
    let error = ask(&registries(&[(host, options)], Vec::new()), host).expect_err("it is not trusted");
    match error.kind {
        ErrorKind::Tls(error) if error.at.is_none() => error.fault,
        other => panic!("{other:?}"),
    }
}

fn with_ca(ca: &Path) -> HostOptions {
    HostOptions { ca: Some(ca.to_owned()), ..HostOptions::default() }
}

fn with(security: ConnectionSecurity) -> HostOptions {
    HostOptions { security, ..HostOptions::default() }
}

fn tls(at: Option<String>, fault: TlsFault) -> ErrorKind {
    ErrorKind::Tls(Box::new(TlsError { at, fault }))
}

fn untrusted(issuer: &str) -> TlsFault {
    TlsFault::Untrusted { issuer: Some(issuer.to_owned()), is_self_signed: false, trusted: Vec::new() }
}

#[test]
fn an_authority_of_ones_own_is_trusted_for_the_host_that_it_is_named_for() {
    let (registry, authority, files) = (registry(), Authority::new("Corp Root CA"), Files::new());
    let front = Front::of(&registry.host(), &authority);
    let (Some(named), Some(other)) = (nginx(&front), nginx(&front)) else { return };
    let ca = files.put("corp.pem", &authority.pem());
    let registries =
        registries(&[(&named.host(), with_ca(&ca)), (&other.host(), with(ConnectionSecurity::Tls))], Vec::new());
    ask(&registries, &named.host()).expect("its authority is named");
    let error = ask(&registries, &other.host()).expect_err("it is named for another port");
    assert_eq!(error.kind, tls(None, untrusted("Corp Root CA")));
    assert_eq!(error.kind.to_string(), r#"the issuer "Corp Root CA" is not in the system trust store"#);
    let seen = named.seen();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.protocol == "HTTP/2.0"), "{seen:?}");
    assert_eq!(other.seen(), []);
}

#[test]
fn a_certificate_that_is_not_good_is_told_by_what_is_wrong_with_it() {
    let (registry, authority, files) = (registry(), Authority::new("Corp Root CA"), Files::new());
    let ca = files.put("corp.pem", &authority.pem());
    for (names, valid, wrong) in [
        (&["127.0.0.1"][..], Valid::Once, TlsFault::Expired),
        (&["127.0.0.1"], Valid::Later, TlsFault::NotYetValid),
        (
            &["a.example", "*.b.example", "10.0.0.1"],
            Valid::Now,
            TlsFault::OtherName(vec!["a.example".into(), "*.b.example".into(), "10.0.0.1".into()]),
        ),
    ] {
        let server = TlsServer::start(&registry.host(), &authority.server(names, valid), &[], None);
        assert_eq!(fault(&server.host(), with_ca(&ca)), wrong);
        let any = registries(&[(&server.host(), with(ConnectionSecurity::Unverified))], Vec::new());
        ask(&any, &server.host()).expect("insecure = true takes any certificate");
    }
}

#[test]
fn a_certificate_that_vouches_for_itself_is_trusted_where_it_is_the_one_that_is_named() {
    let (registry, files) = (registry(), Files::new());
    let (own, other) = (self_signed("127.0.0.1"), self_signed("other.example"));
    let server = TlsServer::start(&registry.host(), &own, &["h2", "http/1.1"], None);
    let unknown = |trusted| TlsFault::Untrusted { issuer: Some("127.0.0.1".into()), is_self_signed: true, trusted };
    assert_eq!(fault(&server.host(), with(ConnectionSecurity::Tls)), unknown(Vec::new()));
    let wrong = files.put("other.pem", &other.certificate);
    assert_eq!(fault(&server.host(), with_ca(&wrong)), unknown(vec![wrong.display().to_string()]));
    let named = registries(&[(&server.host(), with_ca(&files.put("own.pem", &own.certificate)))], Vec::new());
    ask(&named, &server.host()).expect("it is the very one that is named");

    // It is trusted only for its own name.
    let server = TlsServer::start(&registry.host(), &other, &[], None);
    let named = with_ca(&files.put("other.pem", &other.certificate));
    assert_eq!(fault(&server.host(), named), TlsFault::OtherName(vec!["other.example".into()]));
}

#[test]
fn what_does_not_speak_tls_is_not_spoken_to_in_plain_http() {
    let registry = registry();
    for security in [ConnectionSecurity::Tls, ConnectionSecurity::Unverified] {
        let wrong = fault(&registry.host(), with(security));
        assert_eq!(wrong, TlsFault::NotTls);
    }
    let asked = registry.log().iter().filter(|exchange| exchange.method == "HEAD").count();
    assert_eq!(asked, 0, "nothing was asked in the clear");
}

#[test]
fn a_client_certificate_is_shown_where_it_is_wanted() {
    let (registry, authority, files) = (registry(), Authority::new("Corp Root CA"), Files::new());
    let (clients, strangers) = (Authority::new("Clients"), Authority::new("Strangers"));
    let ca = files.put("corp.pem", &authority.pem());
    let Some(nginx) = nginx(&Front { lets_in: Some(&clients), ..Front::of(&registry.host(), &authority) }) else {
        return;
    };
    // nginx completes the handshake and responds with 400.
    assert_eq!(fault(&nginx.host(), with_ca(&ca)), TlsFault::WantsCertificate);
    for protocols in [&["h2", "http/1.1"][..], &["http/1.1"]] {
        let own = authority.server(&["127.0.0.1"], Valid::Now);
        let strict = TlsServer::start(&registry.host(), &own, protocols, Some(&clients));
        assert_eq!(fault(&strict.host(), with_ca(&ca)), TlsFault::WantsCertificate, "{protocols:?}");
        let client = Some(files.client(&strangers.client("mallory")));
        let refused = fault(&strict.host(), HostOptions { client, ..with_ca(&ca) });
        assert!(matches!(refused, TlsFault::RefusesCertificate(_)), "{refused:?}");
        let client = Some(files.client(&clients.client("ci")));
        let shown = registries(&[(&strict.host(), HostOptions { client, ..with_ca(&ca) })], Vec::new());
        ask(&shown, &strict.host()).expect("ci is let in");
    }

    // With the folder of the host in certs.d: its authority, and two client certificates, of which nginx trusts the
    // second.
    nginx.trust("ca.crt", &authority.pem());
    for (name, pair) in [("a", strangers.client("mallory")), ("b", clients.client("ci"))] {
        nginx.trust(&format!("{name}.cert"), &pair.certificate);
        nginx.trust(&format!("{name}.key"), &pair.key);
    }
    ask(&registries(&[], vec![nginx.own_certs_d()]), &nginx.host()).expect("ci is let in");
    let last = nginx.seen().pop().expect("it was asked");
    assert_eq!((last.status, &*last.client, &*last.protocol), (200, "CN=ci", "HTTP/2.0"));
}

#[test]
fn a_client_certificate_is_shown_to_nobody_else() {
    let (storage, authority, files) = (registry(), Authority::new("Corp Root CA"), Files::new());
    let clients = Authority::new("Clients");
    // A storage that requests a client certificate without requiring it, and a registry that redirects to it.
    let curious = Front {
        lets_in: Some(&clients),
        more: "ssl_verify_client optional_no_ca;",
        ..Front::of(&storage.host(), &authority)
    };
    let Some(storage) = nginx(&curious) else { return };
    let away = format!("location /v2/a/b/manifests/ {{ return 307 https://{}$request_uri; }}", storage.host());
    let front = Front { lets_in: Some(&clients), more: &away, ..Front::of(&storage.host(), &authority) };
    let Some(home) = nginx(&front) else { return };
    let ca = files.put("corp.pem", &authority.pem());
    let client = Some(files.client(&clients.client("ci")));
    let hosts = [(&*home.host(), HostOptions { client, ..with_ca(&ca) }), (&*storage.host(), with_ca(&ca))];
    ask(&registries(&hosts, Vec::new()), &home.host()).expect("it is where the registry leads");
    let clients = |seen: Vec<Seen>| seen.into_iter().map(|seen| seen.client).collect::<Vec<_>>();
    assert_eq!((clients(home.seen()), clients(storage.seen())), (vec!["CN=ci".to_owned()], vec!["-".to_owned()]));

    // If the storage is not trusted, the error names the storage and not the registry.
    let error = ask(&registries(&hosts[..1], Vec::new()), &home.host()).expect_err("its authority is not named");
    assert_eq!(error.kind, tls(Some(storage.host()), untrusted("Corp Root CA")));
}

#[test]
fn a_server_that_closes_refuses_and_limits_loses_nothing() {
    let (registry, authority, files) = (registry(), Authority::new("Corp Root CA"), Files::new());
    let ca = files.put("corp.pem", &authority.pem());
    for (http2, more) in [
        (true, "keepalive_requests 5;"),
        (true, "http2_max_concurrent_streams 4;"),
        (true, "http2_max_concurrent_streams 2; keepalive_requests 7; keepalive_timeout 1;"),
        (false, "keepalive_requests 5; keepalive_timeout 1;"),
    ] {
        let Some(nginx) = nginx(&Front { http2, more, ..Front::of(&registry.host(), &authority) }) else { return };
        let registries = registries(&[(&nginx.host(), with_ca(&ca))], Vec::new());
        let reference = Reference::parse(&format!("{}/a/b:v1", nginx.host())).expect("a reference");
        let place = Place::parse(&format!("{}/a/b", nginx.host())).expect("a repository");
        let all = run(async {
            let mut all = Vec::new();
            for _ in 0..2 {
                let heads = (0..150).map(|_| registries.head(&reference));
                all.extend(futures_util::future::join_all(heads).await.into_iter().map(|head| head.map(|_| ())));
                let digest = image().digest();
                let digest = mlist::oci::Digest::parse(&digest).expect("a digest");
                let gets = (0..50).map(|_| registries.manifest(&place, &digest));
                all.extend(futures_util::future::join_all(gets).await.into_iter().map(|got| got.map(|_| ())));
                if more.contains("keepalive_timeout") {
                    // Longer than nginx keeps an idle connection.
                    tokio::time::sleep(Duration::from_millis(1050)).await;
                }
            }
            all
        });
        let lost: Vec<_> = all.iter().filter_map(|one| one.as_ref().err().map(ToString::to_string)).collect();
        assert_eq!((all.len(), lost), (400, Vec::new()), "{more}");
        let (seen, stats) = (nginx.seen(), registries.stats().remove(&nginx.host()).expect("it was asked"));
        let protocol = if http2 { "HTTP/2.0" } else { "HTTP/1.1" };
        assert!(seen.iter().all(|seen| seen.protocol == protocol), "{more}");
        assert!(seen.iter().filter(|seen| seen.status == 200).count() >= 400, "{more}: {stats:?}");
    }
}

#[test]
fn what_a_server_did_not_look_at_is_sent_again_at_no_cost() {
    let (authority, files) = (Authority::new("Corp Root CA"), Files::new());
    let server = TlsServer::refusing(20, &authority.server(&["127.0.0.1"], Valid::Now));
    let ca = files.put("corp.pem", &authority.pem());
    let registries = registries(&[(&server.host(), with_ca(&ca))], Vec::new());
    let reference = Reference::parse(&format!("{}/a/b:v1", server.host())).expect("a reference");
    assert_eq!(run(registries.head(&reference)).expect("it is absent"), None);
    let stats = registries.stats().remove(&server.host()).expect("it was asked");
    assert_eq!((stats.head, stats.retries, stats.waited), (21, 20, Duration::ZERO));
}

pub(crate) const MANIFEST: &str = r#"
    [defaults]
    platforms = ["linux/arm64"]
    tags = ["latest"]
    [list]
    one = { source = "HOST/a/b:v1", target = "HOST/c/one" }
    two = { source = "HOST/a/b:v1", target = "HOST/c/two" }
    three = { source = "HOST/a/b:v1", target = "HOST/c/three" }
"#;

/// Creates a project that publishes three lists at `host` and trusts `authority` there.
pub(crate) fn project(host: &str, authority: Option<&Authority>) -> Context {
    let context = Context::with(&MANIFEST.replace("HOST", host));
    if let Some(authority) = authority {
        in_certs_d(&context, host, "ca.crt", &authority.pem());
    }
    context
}

fn in_certs_d(context: &Context, host: &str, name: &str, pem: &str) {
    let folder = context.path("../home/.docker/certs.d").join(host);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(name), pem).expect("a file");
}

/// Returns the codes of the problems in the output.
pub(crate) fn codes(output: &Output) -> Vec<&str> {
    output.stderr.lines().filter(|line| line.starts_with("mlist::")).collect()
}

#[test]
fn what_manifests_toml_names_is_trusted_and_shown() {
    let (registry, authority, clients) = (registry(), Authority::new("Corp Root CA"), Authority::new("Clients"));
    let Some(nginx) = nginx(&Front { lets_in: Some(&clients), ..Front::of(&registry.host(), &authority) }) else {
        return;
    };
    let (context, ci) = (Context::new(), clients.client("ci"));
    for (name, pem) in [("corp.pem", &authority.pem()), ("ci.pem", &ci.certificate), ("ci-key.pem", &ci.key)] {
        std::fs::write(context.path(name), pem).expect("a file");
    }
    let write = |settings: &str| {
        let (lists, host) = (MANIFEST.replace("HOST", &nginx.host()), nginx.host());
        context.manifest(&format!(
            r#"{lists}
                [registry."{host}"]
                {settings}
            "#
        ));
    };
    let shows = r#"
        client-cert = "ci.pem"
        client-key = "ci-key.pem"
    "#;
    write(&format!(r#"ca = "corp.pem"{shows}"#));
    context.mlist("sync").exits(0);
    write(&format!("insecure = true{shows}"));
    context.mlist("plan --exit-code").exits(0);
    assert!(nginx.seen().iter().all(|seen| seen.client == "CN=ci" && seen.protocol == "HTTP/2.0"));

    write(r#"ca = "corp.pem""#);
    let output = context.mlist("plan").exits(1);
    assert_eq!(codes(&output), ["mlist::registry::tls"], "{output}");
    assert!(output.stderr.contains("requires a client certificate"), "{output}");
    write("http = false");
    let output = context.mlist("plan").exits(1);
    assert!(output.stderr.contains(" is not trusted"), "{output}");
    // nginx itself reports that it got plain HTTP on a TLS port.
    write("http = true");
    let output = context.mlist("plan").exits(1);
    assert!(
        output.stderr.contains(&format!(r#"help: to use TLS, set http = false in [registry."{}"]"#, nginx.host())),
        "{output}"
    );
}

#[test]
fn a_machine_without_a_store_of_certificates_reaches_what_it_is_told_to_trust() {
    let (registry, authority) = (registry(), Authority::new("Corp Root CA"));
    let server = TlsServer::start(&registry.host(), &authority.server(&["127.0.0.1"], Valid::Now), &["h2"], None);
    for (host, authority) in [(registry.host(), None), (server.host(), Some(&authority))] {
        let mut context = project(&host, authority);
        context.set("SSL_CERT_FILE", "/nonexistent");
        context.set("SSL_CERT_DIR", "/nonexistent");
        context.mlist("sync").exits(0);
        context.mlist("plan --exit-code").exits(0);
    }
}

#[test]
fn the_store_of_certificates_may_be_named_by_the_environment() {
    let (registry, authority, files) = (registry(), Authority::new("Corp Root CA"), Files::new());
    let proxy_names = [("registry.test:443", String::new())];
    let server = TlsServer::start(&registry.host(), &authority.server(&["registry.test"], Valid::Now), &["h2"], None);
    let proxy = Proxy::start(&[(proxy_names[0].0, server.host())], None);
    let mut context = project("registry.test", None);
    context.set("HTTPS_PROXY", format!("http://{}", proxy.address()));
    context.set("SSL_CERT_FILE", files.put("corp.pem", &authority.pem()));
    context.mlist("sync").exits(0);
}

#[test]
fn trouble_with_certificates_is_told_once_for_a_host() {
    let (registry, authority) = (registry(), Authority::new("Corp Root CA"));
    let server = TlsServer::start(&registry.host(), &authority.server(&["127.0.0.1"], Valid::Now), &[], None);
    let host = server.host();

    let told = |context: &Context, texts: &[&str]| {
        let output = context.mlist("plan").exits(1);
        assert_eq!(codes(&output), ["mlist::registry::tls"], "{output}");
        let message = format!("the TLS certificate of {host} is not trusted");
        for text in [&[&*message], texts].concat() {
            assert!(output.stderr.contains(text), "{text}: {output}");
        }
    };
    let keep_out = format!(
        r#"
            [registry."{host}"]
            http = false
        "#
    );
    let nowhere = Context::with(&(MANIFEST.replace("HOST", &host) + &keep_out));
    let help = format!(
        r#"help: set ca = "corp-root.pem" in [registry."{host}"], or add the CA certificate as /etc/containers/certs.d/{host}/ca.crt"#
    );
    told(&nowhere, &[r#"the issuer "Corp Root CA" is not in the system trust store"#, &help]);
    // If a certificate was installed that does not help, the error says where certificates were searched for.
    let context = project(&host, Some(&Authority::new("Other CA")));
    let folder = format!("/home/.docker/certs.d/{host}");
    told(
        &context,
        &["is not in the system trust store or in /", &folder, "help: add the CA certificate in PEM format to /"],
    );

    let context = project(&host, Some(&authority));
    in_certs_d(&context, &host, "ci.cert", &authority.client("ci").certificate);
    let output = context.mlist("plan").exits(1);
    assert_eq!(codes(&output), ["mlist::registry::certificate"], "{output}");
    assert!(output.stderr.contains("ci.cert has no key: add "), "{output}");
    in_certs_d(&context, &host, "ci.key", &authority.client("another").key);
    let output = context.mlist("plan --format json").exits(1);
    let problems = output.json()["problems"].clone();
    assert_eq!((problems.as_array().map(Vec::len), &problems[0]["retry"]), (Some(1), &false.into()), "{output}");
    assert!(output.stderr.contains("ci.key is not the key of "), "{output}");
}
