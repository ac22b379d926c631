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
    > issued by "Corp Root CA", not trusted by the system or certs.d
    help: trust its certificate authority: set ca = "corp-root.pem" in [registry."gcr.io"], or add certs.d/gcr.io/ca.crt
    retry
    "#);
    let TlsFault::Untrusted { issuer, is_self_signed, .. } = fault.clone() else { unreachable!("it was made above") };
    let wrong = TlsFault::Untrusted { issuer, is_self_signed, trusted: vec!["a.pem".into(), "/etc/b".into()] };
    assert_snapshot!(show(&error(tls(None, wrong))), @r#"
    mlist::registry::tls
    the TLS certificate of gcr.io is not trusted
    > issued by "Corp Root CA", not trusted by the system or by a.pem or /etc/b
    help: add the certificate of its authority there (PEM; in certs.d, a file *.crt)
    retry
    "#);
    assert_snapshot!(show(&error(tls(Some("blobs.corp:9000"), fault))), @r#"
    mlist::registry::tls
    the TLS certificate of blobs.corp:9000 is not trusted
    > issued by "Corp Root CA", not trusted by the system or certs.d
    > required for gcr.io
    help: trust its certificate authority: set ca = "corp-root.pem" in [registry."blobs.corp:9000"], or add certs.d/blobs.corp:9000/ca.crt
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
        TlsFault::File("corp-root.pem not found".into()),
    ];
    let told = told.map(|fault| show(&error(tls(None, fault))));
    assert_snapshot!(told.join("\n\n"), @r#"
    mlist::registry::tls
    the TLS certificate of gcr.io is not trusted
    > the certificate is self-signed, not trusted by the system or certs.d
    help: trust its certificate authority: set ca = "corp-root.pem" in [registry."gcr.io"], or add certs.d/gcr.io/ca.crt
    retry

    mlist::registry::tls
    the TLS certificate of gcr.io is not trusted
    > issued by an authority without a name, not trusted by the system or certs.d
    help: trust its certificate authority: set ca = "corp-root.pem" in [registry."gcr.io"], or add certs.d/gcr.io/ca.crt
    retry

    mlist::registry::tls
    the TLS certificate of gcr.io has expired
    help: ask the registry's operator to renew it, or check the clock of this machine
    retry

    mlist::registry::tls
    the TLS certificate of gcr.io is not valid yet
    help: check the clock of this machine, or ask the registry's operator for a valid certificate
    retry

    mlist::registry::tls
    the TLS certificate of gcr.io is issued for another host name
    > issued for a.example, *.b.example
    help: use such a name in manifests.toml, or ask the registry's operator for a certificate for gcr.io
    retry

    mlist::registry::tls
    the TLS certificate of gcr.io is issued for another host name
    > the certificate has no host name
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
    > peer is incompatible
    help: check for a proxy or load balancer in between that supports only old TLS versions
    retry

    mlist::registry::certificate
    corp-root.pem not found
    > required for gcr.io
    help: fix the file, or set another ca, client-cert or client-key in [registry."gcr.io"] or certs.d
    "#);
}
