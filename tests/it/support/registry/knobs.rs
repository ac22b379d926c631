//! [`Knobs`]: the configurable behavior of the registry, and its errors.
//!
//! For behavior that differs between registries there is an enum, whose default is that of the distribution-spec: the
//! headers of a HEAD response, the location of an upload, writes to existing tags. The rest are single errors
//! ([`Fault`]), errors in a share of all responses ([`Storm`]), and a rate limit.

use std::time::Duration;

use super::auth::Auth;
use super::fault::{Fault, Then};
use super::lie::Lie;
use super::storm::{Limit, Storm};

/// How a registry behaves. It can be changed while the registry runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Knobs {
    /// The delay of every response.
    pub(crate) delay: Duration,
    /// How clients authenticate.
    pub(crate) auth: Auth,
    /// The form of the challenge.
    pub(crate) challenge: ChallengeForm,
    /// All tokens issued so far are revoked after this many more requests.
    pub(crate) revoke_tokens_after: Option<usize>,
    /// The response to HEAD for a manifest.
    pub(crate) head: Head,
    /// The response to a request that does not accept the type of a list.
    pub(crate) accept: Accept,
    /// The response to a read of a tag that does not exist.
    pub(crate) absent: Absent,
    /// How long a pushed manifest or tag is not visible.
    pub(crate) lag: Lag,
    /// The response to a mount.
    pub(crate) mount: Mount,
    /// The location of uploads.
    pub(crate) uploads: Uploads,
    /// The location of blobs.
    pub(crate) blobs: Blobs,
    /// Whether a push creates the repository.
    pub(crate) repositories: Repositories,
    /// The product whose rules for immutable tags apply.
    pub(crate) immutable: Option<Immutable>,
    /// The handling of `?tag=` in a PUT of a manifest by digest.
    pub(crate) tag_parameter: TagParameter,
    /// The response to two concurrent PUTs of the same manifest.
    pub(crate) twins: Twins,
    /// The maximum size of a manifest in bytes. `None` for 4 MiB, the limit of most registries.
    pub(crate) largest_manifest: Option<usize>,
    /// How tags are listed.
    pub(crate) tags: TagPages,
    /// Whether the referrers API exists.
    pub(crate) referrers: Referrers,
    /// How long connections stay open.
    pub(crate) connections: Connections,
    /// The rate limit.
    pub(crate) limit: Option<Limit>,
    /// The injected errors. The first one that matches a request is used.
    pub(crate) faults: Vec<Fault>,
    /// False answers to single requests. The first one that matches a request is used.
    pub(crate) lies: Vec<Lie>,
    /// Whether each state of the store is kept before a write, for answers that are stale.
    pub(crate) keeps_past: bool,
    /// Whether a manifest is refused if a blob or child that it names is not in its repository.
    pub(crate) references: References,
    /// Errors in a share of all other responses.
    pub(crate) storm: Option<Storm>,
}

impl Knobs {
    /// Injects an error.
    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Returns the error for this request, if any, and counts it.
    pub(super) fn next_fault(&mut self, method: &str, path: &str, query: &str) -> Option<Then> {
        match self.faults.iter_mut().find(|fault| fault.fits(method, path)) {
            Some(fault) => {
                fault.times -= 1;
                Some(fault.then)
            }
            None => self.storm.as_mut()?.next(method, path, query),
        }
    }
}

/// The form of the challenge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum ChallengeForm {
    /// One challenge in one header.
    #[default]
    Plain,
    /// No challenge, except for `/v2/`: the old gcr.io.
    BaseOnly,
    /// Several schemes in one header, with the usable one last: front ends with Kerberos.
    Crowded,
    /// A challenge with this realm, at any address: a malicious registry.
    Realm(String),
}

/// The response to HEAD for a manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Head {
    /// With media type, digest and length.
    #[default]
    Whole,
    /// This status, although GET works: 405 from old proxies, 403 from some Artifactory.
    Refused(u16),
    /// Without digest: registry.redhat.io, Nexus on PostgreSQL.
    NoDigest,
    /// With a wrong length: Harbor behind a proxy that compresses.
    WrongLength,
    /// With a generic media type: old Red Hat registries.
    WrongType,
}

/// The response to a request that does not accept the type of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Accept {
    /// 404: distribution, for OCI indexes.
    #[default]
    Strict,
    /// The amd64 child instead: distribution, for Docker's lists; Quay.
    Downgrade,
}

/// The response to a read of a tag that does not exist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Absent {
    /// 404.
    #[default]
    NotFound,
    /// 403: virtual repositories of Artifactory.
    Forbidden,
}

/// How long a pushed manifest or tag is not visible: Docker Hub, GHCR, Nexus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    /// How long a tag still refers to its previous digest.
    pub(crate) tags: Duration,
    /// How long a manifest is not found by its digest, by reads and by lists that name it.
    pub(crate) children: Duration,
}

/// The response to a mount of a blob that exists in the other repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mount {
    /// 201: the blob is now in this repository as well.
    #[default]
    Granted,
    /// 202: a session to upload the blob. ECR, unless mounts are enabled.
    Session,
    /// This status: ECR Public, old Quay.
    Refused(u16),
    /// 201, but the blob is not in this repository: a cache that has seen it in another one.
    Pretended,
}

/// The location of uploads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Uploads {
    /// A path.
    #[default]
    Relative,
    /// A full URL of this host.
    Absolute,
    /// A signed URL of the storage ([`Registry::storage`](super::Registry::storage)): GAR, Quay.
    Storage,
    /// This URL: a malicious registry.
    At(String),
}

/// The location of blobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Blobs {
    /// The registry itself.
    #[default]
    Here,
    /// 307 to a signed URL of the storage: Docker Hub, ECR, GHCR and most others.
    Storage,
}

/// Whether a push creates the repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Repositories {
    /// It does.
    #[default]
    MadeByPush,
    /// It does not, the response is 404 `NAME_UNKNOWN`: ECR, GAR.
    MadeBefore,
}

/// The product whose rules for immutable tags apply. All refuse a write even if the digest is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Immutable {
    /// 400 `TAG_INVALID`.
    Ecr,
    /// 409 `TAG_IMMUTABLE`.
    Quay,
    /// 412 `PRECONDITION`.
    Harbor,
    /// 403: a user without the permission to delete cannot overwrite.
    Artifactory,
}

/// The handling of `?tag=` in a PUT of a manifest by digest (distribution-spec end-7b).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum TagParameter {
    /// It is ignored: everything up to distribution-spec 1.1.
    #[default]
    Ignored,
    /// This many tags are written and listed in `OCI-Tag`, the others are not written: zot accepts 46.
    Honoured(usize),
    /// 414: the URL is too long.
    TooLong,
}

/// The response to two concurrent PUTs of the same manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Twins {
    /// Both succeed.
    #[default]
    Taken,
    /// The one that arrives while the other is in progress gets 400 `MANIFEST_INVALID`: Quay.
    Race,
}

/// How tags are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TagPages {
    /// The maximum number of tags per page, whatever the client requests: Quay, distribution.
    pub(crate) most: Option<usize>,
    /// The link to the next page.
    pub(crate) link: NextPage,
}

/// The link to the next page of tags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum NextPage {
    /// A path.
    #[default]
    Relative,
    /// A full URL.
    Absolute,
    /// The same page again: a broken proxy.
    Looping,
    /// No link, and `null` instead of tags: registries written in Go.
    Null,
}

/// Whether a manifest is refused if a blob or child that it names is not in its repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum References {
    /// It is.
    #[default]
    Checked,
    /// It is not: registries that only store bytes.
    Unchecked,
}

/// Whether a registry finds manifests by their `subject`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Referrers {
    /// It lists them.
    #[default]
    Listed,
    /// 404: GHCR, Debian's distribution, and all registries before distribution-spec 1.1.
    Unknown,
}

/// How long connections stay open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Connections {
    /// Until the client closes them.
    #[default]
    Kept,
    /// They are closed without notice soon after this many responses: a load balancer with a shorter timeout than the
    /// client.
    ClosedAfter(usize),
}
