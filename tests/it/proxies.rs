//! Proxies: which hosts are reached through one, with which password, and what mlist reports if the proxy refuses.

use crate::support::certificates::{Authority, Valid};
use crate::support::context::{Context, Output};
use crate::support::registry::{Fault, Then};
use crate::support::tls_server::{Proxy, TlsServer};
use crate::tls::{MANIFEST, codes, project, registry};

/// The `Proxy-Authorization` of `ci:geheim`.
const GEHEIM: &str = "Basic Y2k6Z2VoZWlt";

fn assert_secret(output: &Output) {
    let said = [&*output.stdout, &*output.stderr].concat();
    assert!(["geheim", "gehe1m", "Y2k6"].iter().all(|secret| !said.contains(secret)), "{output}");
}

#[test]
fn plain_http_that_is_asked_for_goes_through_its_own_proxy() {
    let registry = registry();
    let proxy = Proxy::start(&[("registry.test:80", registry.host())], Some(GEHEIM));
    let other = Proxy::start(&[], None);
    let settings = r#"
        [registry."registry.test"]
        http = true
    "#;
    let mut context = Context::with(&(MANIFEST.replace("HOST", "registry.test") + settings));
    context.set("HTTP_PROXY", format!("http://ci:geheim@{}", proxy.address()));
    context.set("HTTPS_PROXY", format!("http://{}", other.address()));
    context.mlist("sync").exits(0);
    assert_eq!(other.asked(), [""; 0]);
    for method in ["HEAD", "GET"] {
        registry.knobs().fault(Fault { method, path: "/", times: 1000, then: Then::Status(418) });
    }
    let output = context.mlist("plan -vv").exits(1);
    assert_secret(&output);
    let help = format!("help: check the proxy {} (HTTP_PROXY)", proxy.address());
    assert!(output.stderr.contains(&help), "{output}");
}

#[test]
fn a_proxy_is_gone_through_with_its_password() {
    let (registry, authority) = (registry(), Authority::new("Corp Root CA"));
    let shows = authority.server(&["registry.test", "0.0.0.0"], Valid::Now);
    let server = TlsServer::start(&registry.host(), &shows, &["h2", "http/1.1"], None);
    let port = server.host().rsplit(':').next().expect("a port").to_owned();
    let by_address = format!("0.0.0.0:{port}");
    let names = [("registry.test:443", server.host()), (&*by_address, server.host())];
    let proxy = Proxy::start(&names, Some(GEHEIM));
    let open = |user: &str| format!("http://{user}{}", proxy.address());

    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let mut context = project("registry.test", Some(&authority));
        context.set(variable, open("ci:geheim@"));
        let before = proxy.asked().len();
        let output = context.mlist("plan -vv").exits(0);
        assert_secret(&output);
        assert!(proxy.asked().len() > before, "{variable}");
        assert!(proxy.asked().iter().all(|line| line == "CONNECT registry.test:443 HTTP/1.1"), "{:?}", proxy.asked());
    }

    // No proxy is used for the hosts in NO_PROXY and for this machine.
    let asked = proxy.asked().len();
    let mut context = project(&by_address, Some(&authority));
    context.set("HTTPS_PROXY", open("ci:geheim@"));
    context.mlist("plan").exits(0);
    assert_eq!(proxy.asked().len(), asked + 1, "an address is asked through the proxy");
    context.set("NO_PROXY", "registry.test, 0.0.0.0");
    context.mlist("plan").exits(0);
    let mut context = project(&registry.host(), None);
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        context.set(variable, open("ci:geheim@"));
    }
    context.mlist("plan").exits(0);
    assert_eq!(proxy.asked().len(), asked + 1);
}

#[test]
fn a_proxy_that_does_not_let_through_is_told_without_its_password() {
    let proxy = Proxy::start(&[], Some(GEHEIM));
    let open = |user: &str| format!("http://{user}{}", proxy.address());
    for (host, user, why) in [
        ("registry.test", "ci:gehe1m@", "the proxy requires a user name and password (407)"),
        ("other.test", "ci:geheim@", "the proxy refused to connect to the registry (8 attempts in "),
    ] {
        let mut context = project(host, None);
        context.set("HTTPS_PROXY", open(user));
        let output = context.mlist("plan -vv").exits(1);
        assert_secret(&output);
        assert_eq!(codes(&output), ["mlist::registry::unreachable"], "{output}");
        assert!(output.stderr.contains(why), "{output}");
        let help = format!("help: check the proxy {} (HTTPS_PROXY)", proxy.address());
        assert!(output.stderr.contains(&help), "{output}");
    }
}
