//! [`RegistryError`]: what was being done to what, and why it did not work.

use std::time::Duration;

use crate::oci::{Digest, Host};

use super::{AskedAs, CredentialFault};

/// A registry or layout that did not do what it was asked.
///
/// "Not there" is no error: reads answer `None` for it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {doing} {target}: {kind}")]
pub struct RegistryError {
    /// `read`, `push`, `mount`, …: fits behind "cannot".
    pub doing: &'static str,
    /// The reference, blob or folder.
    pub target: String,
    /// The registry; none for a layout.
    pub host: Option<String>,
    /// Why.
    pub kind: ErrorKind,
    /// The last HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The registry's own code (`DENIED`), an open set.
    pub code: Option<String>,
    /// The registry's own words: one line, stripped of control characters, 200 characters at most.
    pub message: Option<String>,
    /// How often it was tried; none where it was stopped before the host can have done anything.
    pub attempts: u32,
    /// As whom it was asked: where the credentials came from, never what they are.
    pub credentials: AskedAs,
    /// What else there is to know of the way to a right.
    pub access: AccessFacts,
    /// What stands between us and the host, if anything does.
    pub proxy: Option<Proxy>,
}

/// What was found on the way to a right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessFacts {
    /// The token server that this comes from, where that is another host than the registry: `auth.docker.io`.
    pub token_server: Option<String>,
    /// Whether it was refused without credentials too.
    pub is_refused_without: bool,
}

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// The variable that names it; none where the system does.
    pub variable: Option<&'static str>,
    /// Its host and port, without user and password.
    pub address: String,
}

/// Why, by cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// 401: no credentials, or not accepted.
    #[error("unauthorized")]
    Unauthorized,
    /// 403, or 401 with a fresh token.
    #[error("denied")]
    Denied,
    /// 404 where something had to be: a repository that does not exist on a push.
    #[error("not found")]
    NotFound,
    /// 429 beyond what is waited out.
    #[error("rate limited")]
    RateLimited {
        /// What the registry asked for, where it did.
        retry_after: Option<Duration>,
    },
    /// 429 for a quota of pulls that is used up (Docker Hub): it is not waited for, and what is no pull goes on.
    #[error("no pulls left")]
    PullQuota {
        /// What the registry asked for, where it did.
        retry_after: Option<Duration>,
    },
    /// No connection, or no answer: the text says which.
    #[error("{0}")]
    Unreachable(String),
    /// The certificate, or the handshake.
    #[error("{}", .0.fault)]
    Tls(Box<TlsError>),
    /// Bytes that do not have their digest.
    #[error("got {actual} instead of {expected}")]
    WrongDigest {
        /// What was asked for.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// More bytes than such a thing may have.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// How many there may be.
        limit: u64,
    },
    /// A repository with more tags than are read.
    #[error("more than {limit} tags")]
    TooManyTags {
        /// How many there may be.
        limit: usize,
    },
    /// 413: more bytes than the registry, or what stands before it, takes.
    #[error("larger than the registry takes")]
    Oversized,
    /// An answer that no registry gives: HTML, no digest, a status out of place.
    #[error("{0}")]
    NotARegistry(String),
    /// The registry refuses what was asked for (400, 409, 412, 415, 422): invalid manifest, a policy, …
    #[error("refused")]
    Refused,
    /// The registry refuses to move the tag, and may refuse to write it again as it is.
    #[error("the tag is immutable")]
    Immutable,
    /// The registry's own fault (5xx), as often as it was tried.
    #[error("the registry failed")]
    Server,
    /// Children or blobs that the registry does not see in the repository: MANIFEST_BLOB_UNKNOWN and its like.
    #[error("the registry does not see {}", list(.0))]
    ContentUnknown(Vec<Digest>),
    /// A credential helper, a file or a variable that can't be used.
    #[error("{0}")]
    Credentials(Box<CredentialFault>),
    /// A file of a layout: the text says which and why.
    #[error("{0}")]
    Layout(String),
    /// The run is being stopped.
    #[error("stopped")]
    Stopped,
}

/// A TLS connection that does not stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsError {
    /// Whose, where it is not the registry's own: a token server's, a storage's.
    pub at: Option<String>,
    /// What is wrong.
    pub fault: TlsFault,
}

/// What keeps a TLS connection from standing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// Nobody who is known here vouches for the certificate.
    #[error("{}", untrusted(.issuer.as_deref(), *.is_self_signed, .trusted))]
    Untrusted {
        /// Who signed it, or the last of those that came with it: foreign text, fit to be shown.
        issuer: Option<String>,
        /// Whether it vouches for itself.
        is_self_signed: bool,
        /// The file and folder whose certificates are trusted for this host beside the system's, where there are any.
        trusted: Vec<String>,
    },
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not come.
    #[error("it is not valid yet")]
    NotYetValid,
    /// It is for other names: foreign text, fit to be shown.
    #[error("{}", for_names(.0))]
    OtherName(Vec<String>),
    /// What answers speaks something else.
    #[error("what it answers is not TLS")]
    NotTls,
    /// It wants a certificate of ours, and was shown none.
    #[error("it asks who we are, and no certificate was shown")]
    WantsCertificate,
    /// It does not accept the certificate that it was shown, in words of TLS.
    #[error("it ended the connection: {0}")]
    RefusesCertificate(String),
    /// A file of certificates or keys that can't be used: the text says which and why.
    #[error("{0}")]
    File(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Why a request did not work, before it is known who asked for what: many may share one (a dead host, a refused
/// token).
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<Box<str>>,
    pub(crate) message: Option<Box<str>>,
    pub(crate) attempts: u32,
    pub(crate) credentials: AskedAs,
    /// None where there is nothing to know: a result should not carry room for it.
    pub(crate) access: Option<Box<AccessFacts>>,
}

impl Failure {
    /// A failure without an answer.
    pub(crate) fn of(kind: ErrorKind) -> Self {
        let (status, code, message, credentials, access) = Default::default();
        Self { kind, status, code, message, attempts: 1, credentials, access }
    }

    /// The run is being stopped, and nothing was sent that might have been heeded: no attempt.
    pub(crate) fn stopped() -> Self {
        Self { attempts: 0, ..Self::of(ErrorKind::Stopped) }
    }

    /// This failure, and what was found on the way to it.
    pub(crate) fn with_access(mut self, note: impl FnOnce(&mut AccessFacts)) -> Self {
        note(self.access.get_or_insert_default());
        self
    }

    /// This failure of `doing` something to `target` at `host`.
    pub(crate) fn at(self, doing: &'static str, target: impl Into<String>, host: Option<&Host>) -> Box<RegistryError> {
        let Self { kind, status, code, message, attempts, credentials, access } = self;
        let (target, host) = (target.into(), host.map(ToString::to_string));
        let (code, message) = (code.map(Into::into), message.map(Into::into));
        let access = access.map(|access| *access).unwrap_or_default();
        let proxy = None;
        Box::new(RegistryError {
            doing,
            target,
            host,
            kind,
            status,
            code,
            message,
            attempts,
            credentials,
            access,
            proxy,
        })
    }
}

impl ErrorKind {
    /// A fault of the connection to the host that was asked.
    pub(crate) fn tls(fault: TlsFault) -> Self {
        Self::Tls(Box::new(TlsError { at: None, fault }))
    }
}

fn untrusted(issuer: Option<&str>, is_self_signed: bool, trusted: &[String]) -> String {
    let by = match issuer {
        _ if is_self_signed => "signed by itself".to_owned(),
        Some(issuer) => format!("issued by \"{issuer}\""),
        None => "issued by nobody who has a name".to_owned(),
    };
    match trusted {
        [] => format!("{by}, unknown to the system and to certs.d"),
        places => format!("{by}, unknown to the system and to {}", places.join(" and to ")),
    }
}

fn for_names(names: &[String]) -> String {
    match names {
        [] => "it is for no name at all".to_owned(),
        names => format!("it is for {}", some(names.iter().map(String::as_str))),
    }
}

fn list(digests: &[Digest]) -> String {
    match digests {
        [] => "what it needs".to_owned(),
        digests => some(digests.iter().map(Digest::as_str)),
    }
}

/// How many of a registry's names are told; it may have thousands.
pub(crate) const NAMED: usize = 10;

/// `a, b and 3 more`
fn some<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let first = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}
