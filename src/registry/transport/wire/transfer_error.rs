//! [`TransferError`]: why an attempt failed, as text for the user, and whether another attempt may succeed.

use std::error::Error;
use std::io;

use rustls::{AlertDescription as Alert, CertificateError as Unbelieved};

use crate::registry::error::{ConnectionStep, ErrorKind, Failure, NoAnswer, TlsFault};
use crate::registry::name_lookup::HostNameError;
use crate::registry::sanitize::one_line;
use crate::registry::tls::{CONNECT, Untrusted};

/// Why an attempt to send a request failed.
pub(crate) enum TransferError {
    /// Another attempt may succeed.
    Fault(Failure),
    /// No other attempt will succeed.
    Final(Failure),
}

/// The HTTP client's error text if a proxy answered 407.
const WANTS_PASSWORD: &str = "tunnel error: proxy authorization required";

/// Converts an error of the HTTP client.
pub(crate) fn network(error: &reqwest::Error) -> TransferError {
    explained(error, || None)
}

/// Like [`network`]. If a connection breaks without a reason, the result of `suspicion` is used as the reason, if there
/// is one.
pub(super) fn explained(error: &reqwest::Error, suspicion: impl FnOnce() -> Option<TlsFault>) -> TransferError {
    if let Some(fault) = tls(error).and_then(|tls| tls_fault(tls, error.is_connect())) {
        return TransferError::Final(Failure::of(ErrorKind::tls(fault)));
    }
    if error.is_builder() {
        // The URL is valid but cannot be requested: the `http` crate supports at most 65,534 bytes.
        let why = "redirected to an address that is too long for a request".to_owned();
        return TransferError::Final(Failure::of(ErrorKind::NotARegistry(why)));
    }
    if let Some(error) = causes(error).find_map(|cause| cause.downcast_ref::<HostNameError>()) {
        let step = match error {
            HostNameError::NotFound(_) => ConnectionStep::HostName,
            HostNameError::Failed(..) => ConnectionStep::Connect,
        };
        return fault(NoAnswer { step, why: one_line(&error.to_string()) });
    }
    let why = match in_words(innermost(error)) {
        _ if error.is_timeout() => {
            return fault(NoAnswer::not_connected(format!("timed out after {}s", CONNECT.as_secs())));
        }
        root if root == WANTS_PASSWORD => {
            let why = NoAnswer::not_connected("the proxy requires a user name and password (407)");
            return TransferError::Final(Failure::of(ErrorKind::Unreachable(why)));
        }
        root if error.is_connect() => return fault(NoAnswer::not_connected(of_proxies(root))),
        root => match lost_alert(&root) {
            Some(fault) => return TransferError::Final(Failure::of(ErrorKind::tls(fault))),
            None => match suspicion() {
                Some(fault) => return TransferError::Fault(Failure::of(ErrorKind::tls(fault))),
                None => format!("the connection was lost: {root}"),
            },
        },
    };
    fault(why)
}

pub(super) fn fault(no_answer: impl Into<NoAnswer>) -> TransferError {
    TransferError::Fault(Failure::of(ErrorKind::Unreachable(no_answer.into())))
}

/// Whether the server says that it did not process the request (RFC 9113, 8.7). A server closes a connection after a
/// number of answers, or refuses requests if there are too many at once. Sending such a request again does not count as
/// an attempt.
pub(super) fn was_not_looked_at(error: &reqwest::Error) -> bool {
    causes(error).filter_map(|cause| cause.downcast_ref::<h2::Error>()).any(|error| {
        let reason = error.reason();
        error.is_remote()
            && ((error.is_go_away() && reason == Some(h2::Reason::NO_ERROR))
                || (error.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM)))
    })
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    causes(error).last().unwrap_or(error)
}

/// Returns a short description of a cause.
fn in_words(cause: &(dyn Error + 'static)) -> String {
    match cause.downcast_ref::<io::Error>() {
        // The kind has its own text ("connection refused"), without the system's error number.
        Some(error) if error.raw_os_error().is_some() && error.kind() != io::ErrorKind::Other => {
            error.kind().to_string()
        }
        _ => one_line(&cause.to_string()),
    }
}

/// Replaces the HTTP client's texts for a proxy that does not connect, and for a handshake that ends early.
fn of_proxies(words: String) -> String {
    match words.as_str() {
        "tunnel error: unsuccessful" => "the proxy refused to connect to the registry".to_owned(),
        "tunnel error: unexpected end of file" => "the proxy closed the connection".to_owned(),
        "tls handshake eof" => "the server closed the connection during the TLS handshake".to_owned(),
        _ => words,
    }
}

fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    // An `io::Error` does not return the error that it wraps as its source, and TLS errors are wrapped twice.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map_or_else(|| error.source().and_then(tls), |wrapped| tls(wrapped))
}

/// Returns what is wrong with TLS, if another attempt would fail too. `None` if only the connection broke.
fn tls_fault(error: &rustls::Error, is_handshake: bool) -> Option<TlsFault> {
    use rustls::Error as E;
    if let E::AlertReceived(alert) = error
        && let Some(fault) = of_our_certificate(*alert)
    {
        return Some(fault);
    }
    let fault = match error {
        _ if !is_handshake => return None,
        E::InvalidCertificate(unbelieved) => of_their_certificate(unbelieved),
        E::InvalidMessage(_) => TlsFault::NotTls,
        E::PeerIncompatible(_) | E::AlertReceived(Alert::HandshakeFailure | Alert::ProtocolVersion) => {
            TlsFault::Other(format!(
                "the server supports no TLS version or cipher that mlist supports ({})",
                one_line(&error.to_string())
            ))
        }
        other => TlsFault::Other(one_line(&other.to_string())),
    };
    Some(fault)
}

fn of_their_certificate(error: &Unbelieved) -> TlsFault {
    match error {
        Unbelieved::Expired | Unbelieved::ExpiredContext { .. } => TlsFault::Expired,
        Unbelieved::NotValidYet | Unbelieved::NotValidYetContext { .. } => TlsFault::NotYetValid,
        Unbelieved::NotValidForName => TlsFault::OtherName(Vec::new()),
        Unbelieved::NotValidForNameContext { presented, .. } => {
            TlsFault::OtherName(presented.iter().map(|name| one_line(bare(name))).collect())
        }
        Unbelieved::UnknownIssuer => TlsFault::Untrusted { issuer: None, is_self_signed: false, trusted: Vec::new() },
        Unbelieved::Other(other) => match other.0.downcast_ref::<Untrusted>() {
            Some(Untrusted { issuer, is_self_signed, trusted }) => {
                let (issuer, trusted) = (issuer.clone(), trusted.clone());
                TlsFault::Untrusted { issuer, is_self_signed: *is_self_signed, trusted }
            }
            None => TlsFault::Other(format!("the certificate cannot be used: {}", one_line(&other.to_string()))),
        },
        other => TlsFault::Other(format!("the certificate cannot be used: {}", one_line(&other.to_string()))),
    }
}

/// Removes the notation that rustls puts around a name: `DnsName("a.example")`.
fn bare(name: &str) -> &str {
    name.split_once('(').map_or(name, |(_, name)| name).trim_end_matches(')').trim_matches('"')
}

/// Returns the fault for an alert about our client certificate. With TLS 1.3, servers send these alerts only after the
/// handshake (RFC 8446, 6.2).
fn of_our_certificate(alert: Alert) -> Option<TlsFault> {
    let words = match alert {
        Alert::CertificateRequired | Alert::NoCertificate => return Some(TlsFault::WantsCertificate),
        Alert::BadCertificate => "bad certificate",
        Alert::UnsupportedCertificate => "unsupported certificate",
        Alert::CertificateRevoked => "certificate revoked",
        Alert::CertificateExpired => "certificate expired",
        Alert::CertificateUnknown => "certificate unknown",
        Alert::UnknownCA => "unknown certificate authority",
        Alert::AccessDenied => "access denied",
        _ => return None,
    };
    Some(TlsFault::RefusesCertificate(words.to_owned()))
}

/// Finds an alert in the text of an error. For HTTP/2, the text is all that remains of a TLS error.
fn lost_alert(words: &str) -> Option<TlsFault> {
    let (_, name) = words.split_once("received fatal alert: ")?;
    let all = [
        Alert::CertificateRequired,
        Alert::BadCertificate,
        Alert::UnsupportedCertificate,
        Alert::CertificateRevoked,
        Alert::CertificateExpired,
        Alert::CertificateUnknown,
        Alert::UnknownCA,
        Alert::AccessDenied,
    ];
    all.into_iter().find(|alert| name == format!("{alert:?}")).and_then(of_our_certificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tls_error_is_found_however_it_is_wrapped() {
        let error = rustls::Error::InvalidCertificate(Unbelieved::Expired);
        let wrapped = io::Error::other(io::Error::other(error));
        assert_eq!(tls(&wrapped).and_then(|error| tls_fault(error, true)), Some(TlsFault::Expired));
        assert!(tls(&io::Error::other(io::Error::from(io::ErrorKind::ConnectionReset))).is_none());
    }

    #[test]
    fn a_server_without_a_common_tls_version_is_described_in_plain_words() {
        use rustls::{Error, PeerIncompatible};
        let incompatible = Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13);
        for error in [incompatible, Error::AlertReceived(Alert::ProtocolVersion)] {
            let why = tls_fault(&error, true).unwrap().to_string();
            assert!(why.starts_with("the server supports no TLS version or cipher that mlist supports ("), "{why}");
        }
    }

    #[test]
    fn a_broken_record_is_no_reason_to_give_a_host_up() {
        assert_eq!(tls_fault(&rustls::Error::DecryptError, false), None);
        let alert = rustls::Error::AlertReceived(Alert::CertificateRequired);
        assert_eq!(tls_fault(&alert, false), Some(TlsFault::WantsCertificate));
        let told_as_text = format!("{alert}");
        assert_eq!(lost_alert(&told_as_text), Some(TlsFault::WantsCertificate));
        assert_eq!(lost_alert("received fatal alert: InternalError"), None);
    }

    #[test]
    fn a_name_is_shown_without_what_rustls_puts_around_it() {
        assert_eq!(bare(r#"DnsName("*.a.example")"#), "*.a.example");
        assert_eq!(bare("IpAddress(10.0.0.1)"), "10.0.0.1");
        assert_eq!(bare("a.example"), "a.example");
    }
}
