//! [`Knobs`]: how the registry behaves, and misbehaves.
//!
//! Some of it is manners, an enum each whose default is what the distribution-spec has: what a HEAD says, where an
//! upload goes, what becomes of a tag that stands. The rest are single answers that go wrong ([`Fault`]), a share of
//! all answers ([`Storm`]), and a limit.

use std::time::Duration;

use super::auth::Auth;
use super::fault::{Fault, Then};
use super::storm::{Limit, Storm};

/// How a registry behaves. May be turned while it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Knobs {
    /// Every answer waits so long.
    pub(crate) delay: Duration,
    /// Who may do what.
    pub(crate) auth: Auth,
    /// How it asks who is there.
    pub(crate) challenge: ChallengeForm,
    /// All tokens given so far are refused once so many more requests were answered.
    pub(crate) revoke_tokens_after: Option<usize>,
    /// What a HEAD of a manifest says.
    pub(crate) head: Head,
    /// What becomes of a list that the request does not accept.
    pub(crate) accept: Accept,
    /// What a read of an absent tag is answered.
    pub(crate) absent: Absent,
    /// How long what was just pushed is not seen.
    pub(crate) lag: Lag,
    /// What a mount is answered.
    pub(crate) mount: Mount,
    /// Where an upload goes.
    pub(crate) uploads: Uploads,
    /// Where a blob is read.
    pub(crate) blobs: Blobs,
    /// Whether a push makes the repository it names.
    pub(crate) repositories: Repositories,
    /// Whose rules guard tags that stand.
    pub(crate) immutable: Option<Immutable>,
    /// What becomes of `?tag=` behind a manifest's digest.
    pub(crate) tag_parameter: TagParameter,
    /// What comes of two PUTs of one manifest at once.
    pub(crate) twins: Twins,
    /// The most bytes a manifest may have; none for 4 MiB, as most registries have it.
    pub(crate) largest_manifest: Option<usize>,
    /// How tags are listed.
    pub(crate) tags: TagPages,
    /// Whether it knows what speaks of a manifest.
    pub(crate) referrers: Referrers,
    /// How long connections last.
    pub(crate) connections: Connections,
    /// How many requests it takes in a second.
    pub(crate) limit: Option<Limit>,
    /// Answers that go wrong; the first that fits a request is used.
    pub(crate) faults: Vec<Fault>,
    /// A share of all other answers that goes wrong.
    pub(crate) storm: Option<Storm>,
}

impl Knobs {
    /// Lets an answer go wrong.
    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// What goes wrong with this request, counted down.
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

/// How a registry asks who is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum ChallengeForm {
    /// One challenge in one header.
    #[default]
    Plain,
    /// Not at all, but for `/v2/`: the old gcr.io.
    BaseOnly,
    /// Several schemes in one line, the real one last: front ends that know Kerberos.
    Crowded,
    /// With this realm, wherever it leads: a registry in the wrong hands.
    Realm(String),
}

/// What a HEAD of a manifest says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Head {
    /// Type, digest and length.
    #[default]
    Whole,
    /// This status, though a GET is answered: 405 of old proxies, 403 of some Artifactory.
    Refused(u16),
    /// No digest: registry.redhat.io, Nexus on PostgreSQL.
    NoDigest,
    /// A length that is not the manifest's: Harbor behind a proxy that compresses.
    WrongLength,
    /// A type that says nothing: old Red Hat registries.
    WrongType,
}

/// What becomes of a list whose type the request does not accept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Accept {
    /// 404: distribution for OCI indexes.
    #[default]
    Strict,
    /// Its amd64 child comes instead: distribution for Docker's lists, Quay.
    Downgrade,
}

/// What a read of an absent tag is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Absent {
    /// 404.
    #[default]
    NotFound,
    /// 403: virtual repositories of Artifactory.
    Forbidden,
}

/// How long what was just pushed is not seen: Docker Hub, GHCR, Nexus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    /// A tag names what it did before.
    pub(crate) tags: Duration,
    /// A manifest is absent by its digest, for reads and for lists that name it.
    pub(crate) children: Duration,
}

/// What a mount of a blob that stands in the other repository is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mount {
    /// 201: it stands here too.
    #[default]
    Granted,
    /// 202: a session to upload it. ECR unless it was told otherwise.
    Session,
    /// This status: ECR Public, old Quay.
    Refused(u16),
    /// 201, and it does not stand here: a cache in between that has seen it elsewhere.
    Pretended,
}

/// Where an upload goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Uploads {
    /// A path.
    #[default]
    Relative,
    /// A whole address of this host.
    Absolute,
    /// A signed address of the storage ([`Registry::storage`](super::Registry::storage)): GAR, Quay.
    Storage,
    /// This address: a registry in the wrong hands.
    At(String),
}

/// Where a blob is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Blobs {
    /// Here.
    #[default]
    Here,
    /// 307 to a signed address of the storage: Docker Hub, ECR, GHCR and most others.
    Storage,
}

/// Whether a push makes the repository it names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Repositories {
    /// It does.
    #[default]
    MadeByPush,
    /// 404 `NAME_UNKNOWN`: ECR, GAR.
    MadeBefore,
}

/// Whose rules guard tags that stand; all refuse the equal digest too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Immutable {
    /// 400 `TAG_INVALID`.
    Ecr,
    /// 409 `TAG_IMMUTABLE`.
    Quay,
    /// 412 `PRECONDITION`.
    Harbor,
    /// 403: who may not delete may not overwrite.
    Artifactory,
}

/// What becomes of `?tag=` behind a manifest's digest (distribution-spec end-7b).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum TagParameter {
    /// It is not looked at: all of distribution-spec 1.1.
    #[default]
    Ignored,
    /// So many tags are written and named in `OCI-Tag`, the rest is not: zot takes 46.
    Honoured(usize),
    /// 414: it is too long.
    TooLong,
}

/// What comes of two PUTs of one manifest at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Twins {
    /// Both are taken.
    #[default]
    Taken,
    /// The one that came while the other was there is answered 400 `MANIFEST_INVALID`: Quay.
    Race,
}

/// How tags are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TagPages {
    /// The most on one page, whatever the client asks for: Quay, distribution.
    pub(crate) most: Option<usize>,
    /// Where the next page is.
    pub(crate) link: NextPage,
}

/// Where the next page of tags is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum NextPage {
    /// At a path.
    #[default]
    Relative,
    /// At a whole address.
    Absolute,
    /// Where this one was: a broken proxy.
    Looping,
    /// Nowhere, and there are no tags but `null`: registries written in Go.
    Null,
}

/// Whether a registry knows what speaks of a manifest by its `subject`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Referrers {
    /// It lists them.
    #[default]
    Listed,
    /// 404: GHCR, Debian's distribution, and all from before distribution-spec 1.1.
    Unknown,
}

/// How long connections last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Connections {
    /// As long as the client keeps them.
    #[default]
    Kept,
    /// They are closed without a word soon after so many answers: any load balancer whose patience is shorter.
    ClosedAfter(usize),
}
