//! [`TlsError`]: why a TLS connection failed.

use super::{ErrorKind, some};

/// A failed TLS connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsError {
    /// The host of the connection, if it is not the registry: a token server or a storage.
    pub at: Option<String>,
    /// The cause.
    pub fault: TlsFault,
}

/// Why a TLS connection failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// The issuer of the certificate is unknown.
    #[error("{}", untrusted(.issuer.as_deref(), *.is_self_signed, .trusted))]
    Untrusted {
        /// The issuer of the certificate, or of the last certificate that the server sent with it. Text from the
        /// server, safe to display.
        issuer: Option<String>,
        /// Whether the certificate is self-signed.
        is_self_signed: bool,
        /// The file and folder whose certificates are trusted for this host in addition to the system's, if there are
        /// any.
        trusted: Vec<String>,
    },
    /// The certificate has expired.
    #[error("the certificate has expired")]
    Expired,
    /// The certificate is not valid yet.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The certificate is for these other host names. Text from the server, safe to display.
    #[error("{}", for_names(.0))]
    OtherName(Vec<String>),
    /// The server does not use TLS.
    #[error("the response is not TLS")]
    NotTls,
    /// The server requires a client certificate, and none was sent.
    #[error("the server requested a client certificate, and none was sent")]
    WantsCertificate,
    /// The server did not accept the client certificate. The text is the reason, for example a TLS alert.
    #[error("the server closed the connection: {0}")]
    RefusesCertificate(String),
    /// A file of certificates or keys that cannot be used. The text says which file and why.
    #[error("{0}")]
    File(String),
    /// Any other cause.
    #[error("{0}")]
    Other(String),
}

impl ErrorKind {
    /// Creates the cause for the TLS connection to the host of the request itself.
    pub(crate) fn tls(fault: TlsFault) -> Self {
        Self::Tls(Box::new(TlsError { at: None, fault }))
    }
}

fn untrusted(issuer: Option<&str>, is_self_signed: bool, trusted: &[String]) -> String {
    let by = match issuer {
        _ if is_self_signed => "the certificate is self-signed".to_owned(),
        Some(issuer) => format!("issued by \"{issuer}\""),
        None => "issued by an authority without a name".to_owned(),
    };
    match trusted {
        [] => format!("{by}, not trusted by the system or certs.d"),
        places => format!("{by}, not trusted by the system or by {}", places.join(" or ")),
    }
}

fn for_names(names: &[String]) -> String {
    match names {
        [] => "the certificate has no host name".to_owned(),
        names => format!("issued for {}", some(names.iter().map(String::as_str))),
    }
}
