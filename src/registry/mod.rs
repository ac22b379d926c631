//! Access to registries over HTTP and OCI layouts on disk, behind one trait.
//!
//! | file | holds |
//! |---|---|
//! | [`http`] | the endpoints of the distribution-spec |
//! | [`copy`] | copies blobs from one place to another |
//! | [`transport`] | sends one request: client, time limits, attempts, size limits |
//! | [`gate`] | when requests to a host may be sent: permits, pauses, rate, and hosts that are given up |
//! | [`auth`] | authentication: challenges, tokens, which credentials are tried |
//! | `authorization` | the authentication that a request carries |
//! | `counters` | counts the requests to one registry |
//! | [`credentials`] | the files of Docker and Podman, credential helpers |
//! | [`tls`] | HTTP clients with TLS: trusted certificates, client certificates |
//! | [`layout`] | OCI image layouts |
//! | `referrers` | referrers in registries without the referrers endpoint |
//! | [`registries`] | HTTP and layouts as one [`Registry`] |
//! | [`options`] | how registries are accessed, and with which rights |
//! | [`error`] | which operation failed, on what, and why |
//! | `file_limit` | how many files and connections may be open at once |
//! | `name_lookup` | finds the addresses of hosts |
//! | `sanitize`, `lock` | makes text from a registry safe to display; locks a mutex |
//! | `fuzz` | fuzz targets for foreign input, used by `src/fuzz.rs` |
//!
//! Nothing here knows about manifests.toml, plans or lists. Content is verified by its digest before it is returned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::oci::{Descriptor, Digest, Entry, LayoutContents, Locator, Payload, Place, Reference, Tag};

mod auth;
mod authorization;
mod copy;
mod counters;
mod credentials;
pub mod error;
mod file_limit;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gate;
mod http;
pub mod layout;
mod lock;
mod name_lookup;
pub mod options;
mod referrers;
pub mod registries;
mod sanitize;
#[cfg(test)]
mod tests;
mod tls;
mod transport;

pub use credentials::fault::CredentialFault;
pub use credentials::source::{Account, AskedAs, CredentialOrigin, CredentialSource};
pub use error::{
    AccessFacts, ConnectionStep, ErrorKind, ErrorTarget, HostHistory, LayoutFault, NoAnswer, Operation, Proxy,
    RegistryError, TlsError, TlsFault,
};
pub use options::{Access, CredentialSources, HostOptions, RegistriesOptions, RepositoryGroup, Rights};
pub use registries::Registries;
#[cfg(test)]
pub(crate) use tests::server::jobs;

/// The result type of this layer.
pub type Result<T> = std::result::Result<T, Box<RegistryError>>;

/// Registries and layouts. All methods may be called concurrently, any number of times: implementations limit the load
/// themselves. `None` means not found (404) and nothing else. An error means that the state is unknown or that the
/// request was refused.
pub trait Registry: Send + Sync {
    /// Returns the media type, digest and size of the manifest that `reference` names.
    ///
    /// If the answer to a HEAD is not usable (no digest, no length, an unknown media type, 403, 405), the manifest is
    /// read instead, and its bytes are discarded. A tag of a target that is answered with 403 counts as not found if
    /// the tags of the repository can be listed and do not include it: Artifactory answers like this for virtual
    /// repositories.
    fn head(&self, reference: &Reference) -> impl Future<Output = Result<Option<Descriptor>>> + Send;

    /// Returns the manifest with `digest`, verified.
    fn manifest(&self, place: &Place, digest: &Digest) -> impl Future<Output = Result<Option<Payload>>> + Send;

    /// Returns the config blob with `digest`, verified. The maximum size is 8 MiB.
    fn config(&self, place: &Place, digest: &Digest) -> impl Future<Output = Result<Option<Payload>>> + Send;

    /// Whether `place` has `blob`. A registry can only say that it exists. In a layout, a blob with another size or with
    /// wrong bytes counts as not found.
    fn has_blob(&self, place: &Place, blob: &Descriptor) -> impl Future<Output = Result<bool>> + Send;

    /// Returns all tags of `place`; more than 100,000 are an error. `None` if the repository does not exist. Names that
    /// are not valid tags by the distribution-spec are left out.
    fn tags(&self, place: &Place) -> impl Future<Output = Result<Option<BTreeSet<Tag>>>> + Send;

    /// Returns the manifests of `place` whose subject is `digest` and that have this artifact type, or all without one
    /// (distribution-spec "Listing Referrers"), without platforms. `None` if there are none or the registry does not know
    /// them. Too many are an error.
    fn referrers(
        &self,
        place: &Place,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> impl Future<Output = Result<Option<Vec<Entry>>>> + Send;

    /// Returns what the directory of a layout holds, to explain why something is not found. `None` for a repository.
    fn layout(&self, place: &Place) -> impl Future<Output = Result<Option<LayoutContents>>> + Send;

    /// Copies `blob` from `from` to `to`, as `way` says. The bytes are verified while they are copied: wrong bytes are
    /// never committed.
    fn copy_blob(
        &self,
        blob: &Descriptor,
        from: &Place,
        to: &Place,
        way: Way,
    ) -> impl Future<Output = Result<Copied>> + Send;

    /// Returns the same as [`Self::head`], but reads the manifest. Some registries answer 404 only to HEAD.
    fn read(&self, reference: &Reference) -> impl Future<Output = Result<Option<Descriptor>>> + Send {
        self.head(reference)
    }

    /// Writes a manifest under a tag or its digest. The bytes are sent unchanged.
    fn put_manifest(
        &self,
        place: &Place,
        locator: &Locator,
        payload: &Payload,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Writes a manifest under a tag. In a layout, the tag is compared and written in one step: it is written only if
    /// it names what the caller expects, or the manifest already. Registries have no conditional write, so there the
    /// tag is always written. The bytes are sent unchanged.
    fn put_tag(
        &self,
        place: &Place,
        tag: ExpectedTag<'_>,
        payload: &Payload,
    ) -> impl Future<Output = Result<TagWrite>> + Send;

    /// Writes a manifest by its digest and, with the same request, under `tags` (distribution-spec end-7b, `?tag=`).
    /// Returns the tags that the registry confirms; the others must be written one by one.
    ///
    /// Few registries support this. If a registry was found not to support it in this run, nothing is sent.
    fn put_tags(&self, place: &Place, payload: &Payload, tags: &[Tag])
    -> impl Future<Output = Result<Vec<Tag>>> + Send;
}

/// A tag that is to be written, and what it names according to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedTag<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// The digest that the tag names. `None` if it does not exist.
    pub names: Option<&'a Digest>,
}

/// The result of [`Registry::put_tag`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagWrite {
    /// The tag names the manifest.
    Written,
    /// Nothing was written: another writer has changed the tag.
    Moved {
        /// The digest that the tag names now. `None` if it does not exist.
        found: Option<Digest>,
    },
}

impl ExpectedTag<'_> {
    /// Whether the tag may be made to name `new` if it names `found` now.
    #[must_use]
    pub fn allows(&self, found: Option<&Digest>, new: &Digest) -> bool {
        found == self.names || found == Some(new)
    }
}

/// How to copy a blob to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Between repositories of one registry, mount the blob, and send it if that is refused. Otherwise send it, unless
    /// the target already has it.
    MountOrSend,
    /// Send the blob, even if it was mounted or reported to exist, because the registry does not see it.
    Send,
    /// Mount the blob, or skip it: the bytes of a foreign layer need not be in any registry.
    Mount,
}

/// How a blob was copied to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// It already existed there, or the registry mounted it from the other repository (201).
    Mounted,
    /// Its bytes were sent.
    Streamed {
        /// The number of bytes.
        bytes: u64,
    },
    /// It was not copied: with [`Way::Mount`], if the registry could not mount it.
    Skipped,
}

/// The requests to a host, and their results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostStats {
    /// HEAD requests sent, including repeated ones.
    pub head: u64,
    /// GET requests sent, except for tokens.
    pub get: u64,
    /// PUT and PATCH requests sent.
    pub put: u64,
    /// POST requests sent, except for tokens.
    pub post: u64,
    /// Token requests sent for this registry.
    pub token: u64,
    /// How many of all these requests were repeats.
    pub retries: u64,
    /// How long requests waited for a pause to end or for their next attempt. Requests that wait at the same time count
    /// once.
    pub waited: Duration,
    /// Where the credentials came from: `~/.docker/config.json (user ci-bot)`. If there are several sources, each is
    /// listed once.
    pub credentials: Option<String>,
    /// Pulls left of a quota, if the host states this (`ratelimit-remaining`).
    pub pulls_left: Option<u64>,
}

impl HostStats {
    /// Adds the figures of two parts of one run, of which `later` is the later part.
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

/// An event between requests that the user may want to know about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// No requests are sent to a host for a while.
    Paused {
        /// The host.
        host: String,
        /// The status of its answer: 429 or 503.
        status: u16,
        /// The length of the pause.
        wait: Duration,
        /// Whether the host asked for this pause. Otherwise mlist pauses because the host refuses too many requests.
        as_asked: bool,
    },
    /// The pause of a host is over: requests are sent to it again.
    Resumed {
        /// The host.
        host: String,
        /// How long it was paused.
        after: Duration,
    },
    /// Bytes of a blob were transferred.
    Streaming {
        /// The blob.
        digest: Digest,
        /// The place it is sent to.
        target: Place,
        /// The number of bytes since the last notice.
        bytes: u64,
    },
    /// A request and its answer (for `-vv`). URLs are without query and userinfo.
    Request {
        /// The HTTP method: `GET`.
        method: &'static str,
        /// The URL, without its query.
        url: String,
        /// The HTTP status. `None` if there was no answer.
        status: Option<u16>,
        /// The time from sending the request to receiving the head of the answer.
        took: Duration,
    },
}

/// Receives notices. It is called from any thread and must not block.
pub type Observer = Arc<dyn Fn(Notice) + Send + Sync>;
