//! [`RegistryError`]: which operation failed, on what, and why.
//!
//! [`tls`]: why a TLS connection failed.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

mod tls;

pub use tls::{TlsError, TlsFault};

use crate::oci::{Digest, Host, Locator, Place, Reference, Repository};

use super::{AskedAs, CredentialFault};

/// An operation on a registry or layout that failed.
///
/// "Not found" is not an error: reads return `None` for it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("failed to {operation} {target}: {kind}")]
pub struct RegistryError {
    /// The operation.
    pub operation: Operation,
    /// What the operation was done to.
    pub target: ErrorTarget,
    /// The registry. `None` for a layout.
    pub host: Option<String>,
    /// The cause.
    pub kind: ErrorKind,
    /// The last HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The registry's error code (`DENIED`). Registries may use any code.
    pub code: Option<String>,
    /// The registry's error message: one line without control characters, at most 200 characters.
    pub message: Option<String>,
    /// The number of attempts. 0 if the run was stopped before the host can have acted on the request.
    pub attempts: u32,
    /// The credentials that were used: where they came from, never their content.
    pub credentials: AskedAs,
    /// Further facts about authentication.
    pub access: AccessFacts,
    /// The proxy between mlist and the host, if there is one.
    pub proxy: Option<Proxy>,
    /// What the host's earlier answers in this run show.
    pub history: HostHistory,
}

/// What a host's answers in this run show about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HostHistory {
    /// Nothing.
    #[default]
    Unknown,
    /// It has answered as a registry.
    Registry,
}

/// What a failed operation was done to. Displayed, it follows the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorTarget {
    /// All registries: there is no client for any.
    Registries,
    /// A token for the registry of this host, which its token server issues.
    Token(String),
    /// A repository or layout as a whole.
    Place(Place),
    /// A manifest or blob.
    Content(Reference),
}

impl ErrorTarget {
    /// The repository or layout. `None` if the operation was not about one.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Registries | Self::Token(_) => None,
            Self::Place(place) => Some(place),
            Self::Content(reference) => Some(&reference.place),
        }
    }

    /// The registry. `None` for a layout.
    #[must_use]
    pub fn host(&self) -> Option<&Host> {
        self.place()?.host()
    }
}

impl fmt::Display for ErrorTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registries => f.write_str("registries"),
            Self::Token(host) => write!(f, "a token for {host}"),
            Self::Place(place) => place.fmt(f),
            Self::Content(reference) => reference.fmt(f),
        }
    }
}

impl From<&Repository> for ErrorTarget {
    fn from(repository: &Repository) -> Self {
        Self::Place(Place::Repository(repository.clone()))
    }
}

impl From<Reference> for ErrorTarget {
    fn from(reference: Reference) -> Self {
        Self::Content(reference)
    }
}

#[cfg(test)]
impl From<&str> for ErrorTarget {
    fn from(text: &str) -> Self {
        Reference::parse(text).map_or_else(|_| Self::Place(Place::parse(text).unwrap()), Self::Content)
    }
}

impl From<(&Repository, &Locator)> for ErrorTarget {
    fn from((repository, locator): (&Repository, &Locator)) -> Self {
        Self::Content(Reference { place: Place::Repository(repository.clone()), locator: locator.clone() })
    }
}

impl From<(&Repository, &Digest)> for ErrorTarget {
    fn from((repository, digest): (&Repository, &Digest)) -> Self {
        (repository, &Locator::Digest(digest.clone())).into()
    }
}

/// An operation on a registry or layout. Displayed, it is followed by its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Connecting to registries at all.
    Connect,
    /// Reading a manifest, a config or a blob of a layout, or asking for its descriptor.
    Read,
    /// Reading a manifest of a registry, or asking for its descriptor.
    ReadManifest,
    /// Reading a config or another blob of a registry.
    ReadBlob,
    /// Listing the tags of a repository.
    ReadTags,
    /// Listing the referrers of a manifest.
    ReadReferrers,
    /// Writing a manifest to a repository.
    PushManifest,
    /// Writing a blob to a repository.
    UploadBlob,
    /// Writing to a layout.
    Write,
    /// Getting a token from a token server.
    GetToken,
}

impl Operation {
    /// Whether it changes nothing.
    #[must_use]
    pub fn only_reads(self) -> bool {
        match self {
            Self::Read | Self::ReadManifest | Self::ReadBlob | Self::ReadTags | Self::ReadReferrers => true,
            Self::Connect | Self::PushManifest | Self::UploadBlob | Self::Write | Self::GetToken => false,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect to",
            Self::Read => "read",
            Self::ReadManifest => "read manifest",
            Self::ReadBlob => "read blob",
            Self::ReadTags => "list the tags of",
            Self::ReadReferrers => "list the referrers of",
            Self::PushManifest => "push manifest",
            Self::UploadBlob => "upload blob",
            Self::Write => "write",
            Self::GetToken => "get",
        })
    }
}

/// Facts that were found during authentication.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessFacts {
    /// The token server that the error came from, if it is another host than the registry: `auth.docker.io`.
    pub token_server: Option<String>,
    /// Whether the same request was also refused without credentials.
    pub is_refused_without: bool,
}

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// The environment variable that defines it. `None` if it is a system setting.
    pub variable: Option<&'static str>,
    /// Its host and port, without user name and password.
    pub address: String,
}

/// The cause of a failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// 401: there are no credentials, or the registry did not accept them.
    #[error("unauthorized")]
    Unauthorized,
    /// 403, or 401 although the token is new.
    #[error("denied")]
    Denied,
    /// 404 for something that must exist: the repository, on a push.
    #[error("not found")]
    NotFound,
    /// 429 for longer than mlist waits.
    #[error("rate limited")]
    RateLimited {
        /// How long the registry asked to wait, if it did.
        retry_after: Option<Duration>,
    },
    /// 429 because a quota of pulls is used up (Docker Hub). mlist does not wait for it. Requests that are not pulls
    /// continue.
    #[error("pull limit reached")]
    PullQuota {
        /// How long the registry asked to wait, if it did.
        retry_after: Option<Duration>,
    },
    /// No connection, or no answer. The text says which.
    #[error("{}", .0.why)]
    Unreachable(NoAnswer),
    /// An invalid certificate, or a failed handshake.
    #[error("{}", .0.fault)]
    Tls(Box<TlsError>),
    /// The bytes do not match their digest.
    #[error("expected {expected}, received {actual}")]
    WrongDigest {
        /// The requested digest.
        expected: Digest,
        /// The digest of the bytes received.
        actual: Digest,
    },
    /// The content has more bytes than allowed.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The maximum number of bytes.
        limit: u64,
    },
    /// The repository has more tags than mlist reads.
    #[error("more than {limit} tags")]
    TooManyTags {
        /// The maximum number of tags.
        limit: usize,
    },
    /// 413: more bytes than the registry, or a server in front of it, accepts.
    #[error("larger than the registry accepts")]
    Oversized,
    /// An answer that a registry would not give: HTML, a missing digest, an unexpected status.
    #[error("{0}")]
    NotARegistry(String),
    /// The registry refused the request (400, 409, 412, 415, 422): an invalid manifest, a policy, …
    #[error("refused")]
    Refused,
    /// The registry refused the request because it was sent over plain HTTP.
    #[error("requires TLS")]
    NeedsTls,
    /// The registry does not support the operation, such as a pull-through cache that does not accept pushes.
    #[error("not supported")]
    Unsupported,
    /// The registry refuses to move the tag. It may also refuse to write the tag again unchanged.
    #[error("the tag is immutable")]
    Immutable,
    /// The registry failed (5xx) on every attempt.
    #[error("the registry failed")]
    Server,
    /// Children or blobs that the registry does not find in the repository: `MANIFEST_BLOB_UNKNOWN` and similar codes.
    #[error("the registry cannot find {}", list(.0))]
    ContentUnknown(Vec<Digest>),
    /// A credential helper, file or variable that cannot be used.
    #[error("{0}")]
    Credentials(Box<CredentialFault>),
    /// A problem with the files of a layout.
    #[error("{0}")]
    Layout(LayoutFault),
    /// The run is being stopped.
    #[error("stopped")]
    Stopped,
}

/// Why there was no connection, or no complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer {
    /// What failed.
    pub step: ConnectionStep,
    /// The reason: `connection refused`.
    pub why: String,
}

/// The step of a request at which a host did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionStep {
    /// The lookup of the host's address: no host has this name.
    HostName,
    /// The connection.
    Connect,
    /// The answer.
    Answer,
}

impl NoAnswer {
    /// Creates the reason why there is no connection.
    pub(crate) fn not_connected(why: impl Into<String>) -> Self {
        Self { step: ConnectionStep::Connect, why: why.into() }
    }
}

impl<T: Into<String>> From<T> for NoAnswer {
    fn from(why: T) -> Self {
        Self { step: ConnectionStep::Answer, why: why.into() }
    }
}

/// Why the files of a layout cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutFault {
    /// A file or folder cannot be read or written, or is malformed. The text says which one and why.
    #[error("{0}")]
    File(String),
    /// The bytes of a blob do not match its digest.
    #[error("blob {0} is corrupt (its bytes do not match the digest)")]
    Corrupt(Digest),
    /// A blob has another size than its descriptor says.
    #[error("blob {digest} is corrupt ({actual} bytes instead of {expected})")]
    WrongSize {
        /// The digest of the blob.
        digest: Digest,
        /// The size in its descriptor.
        expected: u64,
        /// The size of its file.
        actual: u64,
    },
    /// The manifest that a tag names is missing.
    #[error("manifest {0} is missing")]
    NoManifest(Digest),
    /// A layer of an image is missing.
    #[error("layer {0} is missing")]
    NoLayer(Digest),
    /// The path of the layout leads to an archive instead of a directory.
    #[error("{} is a {kind}, not a directory", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// The kind of the archive: `tar archive`.
        kind: &'static str,
    },
    /// This process, or the whole machine, had no free file descriptor for longer than mlist waits.
    #[error("too many open files")]
    TooManyOpenFiles,
    /// The disk is full.
    #[error("no space left on device")]
    NoSpace,
    /// The user's quota of the disk is used up.
    #[error("disk quota exceeded")]
    QuotaExceeded,
    /// Another process has locked the layout for longer than mlist waits.
    #[error("locked by another process for more than {}s", .0.as_secs())]
    Locked(Duration),
}

impl<T: Into<String>> From<T> for LayoutFault {
    fn from(why: T) -> Self {
        Self::File(why.into())
    }
}

/// Why a request failed, without the operation that sent it. Several operations may share one failure (a dead host, a
/// refused token).
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<Box<str>>,
    pub(crate) message: Option<Box<str>>,
    pub(crate) attempts: u32,
    pub(crate) credentials: AskedAs,
    /// `None` if there are no facts. Boxed to keep results small.
    pub(crate) access: Option<Box<AccessFacts>>,
}

impl Failure {
    /// Creates a failure without an answer.
    pub(crate) fn of(kind: ErrorKind) -> Self {
        let (status, code, message, credentials, access) = Default::default();
        Self { kind, status, code, message, attempts: 1, credentials, access }
    }

    /// Creates the failure for a run that is being stopped. Nothing was sent that the registry can have acted on, so it
    /// counts as no attempt.
    pub(crate) fn stopped() -> Self {
        Self { attempts: 0, ..Self::of(ErrorKind::Stopped) }
    }

    /// Adds facts about authentication to this failure.
    pub(crate) fn with_access(mut self, note: impl FnOnce(&mut AccessFacts)) -> Self {
        note(self.access.get_or_insert_default());
        self
    }

    /// Creates the error for this failure of `operation` on `target`.
    pub(crate) fn at(self, operation: Operation, target: impl Into<ErrorTarget>) -> Box<RegistryError> {
        let Self { kind, status, code, message, attempts, credentials, access } = self;
        let target = target.into();
        let host = target.host().map(ToString::to_string);
        let (code, message) = (code.map(Into::into), message.map(Into::into));
        let access = access.map(|access| *access).unwrap_or_default();
        let (proxy, history) = Default::default();
        Box::new(RegistryError {
            operation,
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
            history,
        })
    }
}

fn list(digests: &[Digest]) -> String {
    match digests {
        [] => "some of its members or blobs".to_owned(),
        digests => some(digests.iter().map(Digest::as_str)),
    }
}

/// The maximum number of names from a registry that a message lists. There may be thousands.
pub(crate) const NAMED: usize = 10;

/// Joins names: `a, b and 3 more`.
fn some<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let first = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}
