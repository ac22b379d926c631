use super::*;
use crate::registry::TlsError;

fn tls(at: Option<&str>, fault: TlsFault) -> ErrorKind {
    ErrorKind::Tls(Box::new(TlsError { at: at.map(str::to_owned), fault }))
}

#[test]
fn a_certificate_that_is_not_trusted_names_who_signed_it() {
    let fault = TlsFault::Untrusted { issuer: Some("Corp Root CA".into()), is_self_signed: false, trusted: Vec::new() };
    assert_snapshot!(show(&error(tls(None, fault.clone()))), @r#"
    mlist::registry::tls
    the TLS certificate of gcr.io is not trusted
    > the issuer "Corp Root CA" is not in the system trust store
    help: set ca = "corp-root.pem" in [registry."gcr.io"], or add the CA certificate as /etc/containers/certs.d/gcr.io/ca.crt
    retry
    "#);
    let TlsFault::Untrusted { issuer, is_self_signed, .. } = fault.clone() else { unreachable!("it was made above") };
    let wrong = TlsFault::Untrusted { issuer, is_self_signed, trusted: vec!["a.pem".into(), "/etc/b/*.crt".into()] };
    assert_snapshot!(show(&error(tls(None, wrong))), @r#"
    mlist::registry::tls
    the TLS certificate of gcr.io is not trusted
    > the issuer "Corp Root CA" is not in the system trust store, a.pem or /etc/b/*.crt
    help: add the CA certificate in PEM format to a.pem or /etc/b/*.crt
    retry
    "#);
    assert_snapshot!(show(&error(tls(Some("blobs.corp:9000"), fault))), @r#"
    mlist::registry::tls
    the TLS certificate of blobs.corp:9000 is not trusted
    > the issuer "Corp Root CA" is not in the system trust store
    > gcr.io directs requests to blobs.corp:9000
    help: set ca = "corp-root.pem" in [registry."blobs.corp:9000"], or add the CA certificate as /etc/containers/certs.d/blobs.corp:9000/ca.crt
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
        TlsFault::Other(
            "the server supports no TLS version or cipher that mlist supports (peer is incompatible)".into(),
        ),
        TlsFault::File { why: "corp-root.pem not found".into(), key: Some("ca") },
        TlsFault::File { why: "/etc/b/ci.cert has no key: add /etc/b/ci.key".into(), key: None },
    ];
    let told = told.map(|fault| show(&error(tls(None, fault))));
    assert_snapshot!(told.join("\n\n"), @r#"
    mlist::registry::tls
    the TLS certificate of gcr.io is not trusted
    > the certificate is self-signed and is not in the system trust store
    help: set ca = "corp-root.pem" in [registry."gcr.io"], or add the CA certificate as /etc/containers/certs.d/gcr.io/ca.crt
    retry

    mlist::registry::tls
    the TLS certificate of gcr.io is not trusted
    > the issuer has no name and is not in the system trust store
    help: set ca = "corp-root.pem" in [registry."gcr.io"], or add the CA certificate as /etc/containers/certs.d/gcr.io/ca.crt
    retry

    mlist::registry::tls
    the TLS certificate of gcr.io has expired
    help: ask the registry's operator to renew the certificate, or check the clock of this machine
    retry

    mlist::registry::tls
    the TLS certificate of gcr.io is not valid yet
    help: check the clock of this machine, or ask the registry's operator for a valid certificate
    retry

    mlist::registry::tls
    the TLS certificate of gcr.io is not valid for this host name
    > the certificate is valid for a.example, *.b.example
    help: use one of these host names in manifests.toml, or ask the registry's operator for a certificate for gcr.io
    retry

    mlist::registry::tls
    the TLS certificate of gcr.io is not valid for this host name
    > the certificate contains no host name
    help: ask the registry's operator for a certificate for gcr.io
    retry

    mlist::registry::tls
    gcr.io does not use TLS
    > the response is not TLS
    help: to connect over plain HTTP, set http = true in [registry."gcr.io"]
    retry

    mlist::registry::tls
    gcr.io requires a client certificate
    > the server requested a client certificate, and none was sent
    help: set client-cert = "client.pem" and client-key = "client-key.pem" in [registry."gcr.io"]
    retry

    mlist::registry::tls
    gcr.io rejected the client certificate
    > the server closed the connection: certificate revoked
    help: set client-cert and client-key in [registry."gcr.io"] to a certificate that gcr.io accepts
    retry

    mlist::registry::tls
    the TLS connection to gcr.io failed
    > the server supports no TLS version or cipher that mlist supports (peer is incompatible)
    help: check for a proxy or load balancer between this machine and gcr.io that supports only old TLS versions
    retry

    mlist::registry::certificate
    corp-root.pem not found
    > `ca` in [registry."gcr.io"] names this file
    help: check the path in `ca`, and that the file is readable and valid

    mlist::registry::certificate
    /etc/b/ci.cert has no key: add /etc/b/ci.key
    > used for connections to gcr.io
    help: check the name, content and permissions of the file
    "#);
}
