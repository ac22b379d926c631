//! [`RegistryError`]: what was being done to what, and why it did not work.

use std::time::Duration;

use crate::oci::{Digest, Host};

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
    /// Where the credentials came from, never what they are.
    pub credentials: Option<String>,
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
    #[error("{0}")]
    Tls(String),
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
    /// A credential helper or config file that can't be used: the text says which and why.
    #[error("{0}")]
    Credentials(String),
    /// A file of a layout: the text says which and why.
    #[error("{0}")]
    Layout(String),
    /// The run is being stopped.
    #[error("stopped")]
    Stopped,
}

/// Why a request did not work, before it is known who asked for what: many may share one (a dead host, a refused
/// token).
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) credentials: Option<String>,
}

impl Failure {
    /// A failure without an answer.
    pub(crate) fn of(kind: ErrorKind) -> Self {
        let (status, code, message, credentials) = Default::default();
        Self { kind, status, code, message, attempts: 1, credentials }
    }

    /// The run is being stopped, and nothing was sent that might have been heeded: no attempt.
    pub(crate) fn stopped() -> Self {
        Self { attempts: 0, ..Self::of(ErrorKind::Stopped) }
    }

    /// This failure of `doing` something to `target` at `host`.
    pub(crate) fn at(self, doing: &'static str, target: impl Into<String>, host: Option<&Host>) -> Box<RegistryError> {
        let Self { kind, status, code, message, attempts, credentials } = self;
        let (target, host) = (target.into(), host.map(ToString::to_string));
        Box::new(RegistryError { doing, target, host, kind, status, code, message, attempts, credentials })
    }
}

fn list(digests: &[Digest]) -> String {
    match digests {
        [] => "what it needs".to_owned(),
        digests => digests.iter().map(Digest::as_str).collect::<Vec<_>>().join(", "),
    }
}
