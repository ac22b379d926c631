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
        /// The files whose certificates are trusted for this host in addition to the system's: `corp-root.pem`,
        /// `/etc/docker/certs.d/a.example/*.crt`.
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
    /// A file of certificates or keys that cannot be used.
    #[error("{why}")]
    File {
        /// Which file, and why.
        why: String,
        /// The key in manifests.toml that names the file: `ca`. `None` for a file in `certs.d`.
        key: Option<&'static str>,
    },
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
    let issuer = match issuer {
        _ if is_self_signed => "the certificate is self-signed and".to_owned(),
        Some(issuer) => format!("the issuer \"{issuer}\""),
        None => "the issuer has no name and".to_owned(),
    };
    let places = match trusted {
        [] => String::new(),
        [place] => format!(" or in {place}"),
        places => format!(", {}", places.join(" or ")),
    };
    format!("{issuer} is not in the system trust store{places}")
}

fn for_names(names: &[String]) -> String {
    match names {
        [] => "the certificate contains no host name".to_owned(),
        names => format!("the certificate is valid for {}", some(names.iter().map(String::as_str))),
    }
}
