//! The world outside: registries over HTTP and OCI layouts on disk, behind one trait.
//!
//! | file | holds |
//! |---|---|
//! | [`http`] | the endpoints of the distribution-spec, nothing else |
//! | [`copy`] | blobs from one place to another |
//! | [`transport`] | one request: client, time limits, attempts, caps |
//! | [`gate`] | who may send to a host now: permits, pauses, its pace, the end of a dead host |
//! | [`auth`] | who sends a request: challenges, tokens, which credentials are tried |
//! | `authorization` | what a request carries to say who sends it |
//! | `counters` | what one host was asked, counted as it is sent |
//! | [`credentials`] | Docker's and Podman's files, credential helpers |
//! | [`tls`] | certificates: whose are believed, which are shown |
//! | [`layout`] | OCI image layouts |
//! | `referrers` | what speaks of a manifest, where only a tag says it |
//! | [`registries`] | HTTP and layouts as one [`Registry`] |
//! | [`options`] | how the world is reached, with which rights |
//! | [`error`] | why something did not work |
//! | `sanitize`, `lock` | what a registry says, fit to be shown; a mutex |
//! | `fuzz` | what is read from outside, for `src/fuzz.rs` |
//!
//! Nothing here knows of manifests.toml, plans or lists. What is read is verified by its digest before it is returned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::oci::{Descriptor, Digest, Entry, Locator, Payload, Place, Reference, Tag};

mod auth;
mod authorization;
mod copy;
mod counters;
mod credentials;
pub mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gate;
mod http;
pub mod layout;
mod lock;
pub mod options;
mod referrers;
pub mod registries;
mod sanitize;
#[cfg(test)]
mod testing;
mod tls;
mod transport;

pub use credentials::fault::CredentialFault;
pub use credentials::source::{Account, AskedAs, Origin, Source};
pub use error::{AccessFacts, ErrorKind, NoAnswer, Operation, Proxy, RegistryError, TlsError, TlsFault};
pub use options::{Access, CredentialSources, Group, HostOptions, Options, Rights};
pub use registries::Registries;
#[cfg(test)]
pub(crate) use testing::jobs;

/// A result of this layer.
pub type Result<T> = std::result::Result<T, Box<RegistryError>>;

/// Registries and layouts. All methods may be called at once, as often as there is work: implementations hold back
/// what they must. `None` is "absent" (404) and nothing else; an error is "could not know" or "refused".
pub trait Registry: Send + Sync {
    /// Type, digest and size of what `reference` names.
    ///
    /// Where a HEAD can't be believed (no digest, no length, no known type, 403, 405) the manifest is read instead;
    /// those bytes are not returned. A tag of a target that is answered 403 is absent if the repository's list of tags
    /// can be read and has no such tag: so Artifactory says it of virtual repositories.
    fn head(&self, reference: &Reference) -> impl Future<Output = Result<Option<Descriptor>>> + Send;

    /// The manifest of `digest`, verified.
    fn manifest(&self, place: &Place, digest: &Digest) -> impl Future<Output = Result<Option<Payload>>> + Send;

    /// A config blob of `digest`, verified, 8 MiB at most.
    fn config(&self, place: &Place, digest: &Digest) -> impl Future<Output = Result<Option<Payload>>> + Send;

    /// All tags of `place`, 100,000 at most; none where there is no such repository. What is no tag by the
    /// distribution-spec is left out.
    fn tags(&self, place: &Place) -> impl Future<Output = Result<Option<BTreeSet<Tag>>>> + Send;

    /// The manifests of `place` whose subject is `digest`, without platforms (distribution-spec "Listing Referrers");
    /// none where there are none, or the registry knows nothing of the kind.
    fn referrers(&self, place: &Place, digest: &Digest) -> impl Future<Output = Result<Option<Vec<Entry>>>> + Send;

    /// Puts `blob` of `from` into `to`, by `way`. The bytes are verified on their way: what is wrong is never committed.
    fn copy_blob(
        &self,
        blob: &Descriptor,
        from: &Place,
        to: &Place,
        way: Way,
    ) -> impl Future<Output = Result<Copied>> + Send;

    /// Writes a manifest under a tag or its digest; the bytes go as they are.
    fn put_manifest(
        &self,
        place: &Place,
        locator: &Locator,
        payload: &Payload,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Writes a manifest by its digest and, with the same request, under `tags` (distribution-spec end-7b, `?tag=`).
    /// Returns those that the registry says it wrote; the others are to be put one by one.
    ///
    /// Few registries know this. One that was found in this run not to is not asked again: then nothing is sent.
    fn put_tags(&self, place: &Place, payload: &Payload, tags: &[Tag])
    -> impl Future<Output = Result<Vec<Tag>>> + Send;
}

/// How a blob is brought to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Mounted where both places are repositories of one registry, else sent, unless it stands there already.
    MountOrSend,
    /// Sent, whatever was mounted or said to stand there: the registry does not see it.
    Send,
    /// Mounted, or left where it is: the bytes of a foreign layer need not be in any registry.
    Mount,
}

/// How a blob came to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// It stood there, or the registry took it from the other repository (201).
    Mounted,
    /// It was sent, byte by byte.
    Streamed {
        /// How many bytes.
        bytes: u64,
    },
    /// It was not: [`Way::Mount`], and the registry could not.
    Skipped,
}

/// What a host was asked, and how that went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostStats {
    /// HEAD requests sent, repeated ones included.
    pub head: u64,
    /// GET requests sent, tokens not included.
    pub get: u64,
    /// PUT and PATCH requests sent.
    pub put: u64,
    /// POST requests sent, tokens not included.
    pub post: u64,
    /// Requests for a token, sent for this registry.
    pub token: u64,
    /// How many of all these were repeats.
    pub retries: u64,
    /// How long any request waited for a pause or for its next attempt; those that wait at the same time count once.
    pub waited: Duration,
    /// Where the credentials came from: `~/.docker/config.json (user ci-bot)`; of several, each once.
    pub credentials: Option<String>,
    /// Pulls left of a quota, where the host says so (`ratelimit-remaining`).
    pub pulls_left: Option<u64>,
}

impl HostStats {
    /// Of two parts of one run, of which `later` is the later one.
    #[must_use]
    pub fn sum(earlier: Self, later: Self) -> Self {
        Self {
            head: earlier.head + later.head,
            get: earlier.get + later.get,
            put: earlier.put + later.put,
            post: earlier.post + later.post,
            token: earlier.token + later.token,
            retries: earlier.retries + later.retries,
            waited: earlier.waited + later.waited,
            credentials: later.credentials.or(earlier.credentials),
            pulls_left: later.pulls_left.or(earlier.pulls_left),
        }
    }
}

/// [`HostStats`] by host.
pub type Stats = BTreeMap<String, HostStats>;

/// Something that happens between requests and that a person may wonder about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A host is not asked for a while.
    Paused {
        /// The host.
        host: String,
        /// Its answer: 429 or 503.
        status: u16,
        /// For how long.
        wait: Duration,
        /// Whether it asked for that; else it was refusing too much, and is given a rest.
        as_asked: bool,
    },
    /// A paused host answers again.
    Resumed {
        /// The host.
        host: String,
        /// How long it was paused.
        after: Duration,
    },
    /// Bytes of a blob on their way.
    Streaming {
        /// The blob.
        digest: Digest,
        /// How many bytes went since the last notice.
        bytes: u64,
    },
    /// A request and its answer (for `-vv`); URLs without query and userinfo.
    Request {
        /// `GET`.
        method: &'static str,
        /// Without query.
        url: String,
        /// The status, or none where there was no answer.
        status: Option<u16>,
        /// From sending to the head of the answer.
        took: Duration,
    },
}

/// Takes notices; called from anywhere, must not block.
pub type Observer = Arc<dyn Fn(Notice) + Send + Sync>;
