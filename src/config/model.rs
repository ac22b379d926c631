//! What manifests.toml means, worked out: publications with nothing left to expand.
//!
//! Each part keeps the [`Span`] it came from, so that what a registry says of it later points into the file.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::naming::{Globs, Partial, Pattern, Version};
use crate::oci::{Host, Place, Platform, Reference, Tag};

pub use super::policy::{Attestations, Format, Mismatch, Missing, Undeclared};
use super::problem::Span;

/// A list in one repository with all its tags: the unit that is planned, counted, reported and selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// `ENTRY`, with a matrix `ENTRY/VALUE/…`. Ids may repeat (one per target), (id, place) does not.
    pub id: String,
    /// The key in the file, without axes.
    pub entry: String,
    /// What `{name}` stands for.
    pub name: String,
    /// Where the list is published.
    pub target: Place,
    /// Where the target is written.
    pub target_span: Span,
    /// By which tags, in the order of the file; never empty, no tag twice.
    pub tags: Vec<TargetTag>,
    /// The images, in the order of the file. Empty where no row's `when` holds: then the list is blocked.
    pub members: Vec<Member>,
    /// What holds for all of it.
    pub rules: Rules,
    /// Of the list itself; they need OCI.
    pub annotations: BTreeMap<String, String>,
    /// Of the list itself; it needs OCI.
    pub artifact_type: Option<String>,
    /// The templates of [`Member::tags`] with the platform left open, by which tags of members are found that others
    /// declare: those of [`Publication::own_tag`] in which `{platform}` stands whole.
    pub member_tags: Vec<Partial>,
}

/// A list that is not published for now, as none of its tags applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// As [`Publication::id`].
    pub id: String,
    /// As [`Publication::target`].
    pub target: Place,
    /// Why, in words: `1.4.0-rc.1 is not stable`.
    pub why: String,
    /// Where its tags are written.
    pub span: Span,
}

/// The policies of a [`Publication`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// `wait`: how long an absent member is asked for again, from the first absent one of the run on.
    pub wait: Duration,
    /// `undeclared`
    pub undeclared: Undeclared,
    /// `mismatch`
    pub mismatch: Mismatch,
    /// `format`
    pub format: Format,
    /// `attestations`
    pub attestations: Attestations,
    /// `immutable`: tags that are never moved once they exist.
    pub immutable: Option<Placed<Globs>>,
}

/// A tag of a [`Publication`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetTag {
    /// The tag.
    pub tag: Tag,
    /// Where its template is written.
    pub span: Span,
    /// Given where only the newest version has it (`when = "newest"`): then it is never moved back.
    pub newest: Option<Newest>,
}

/// By what a tag is guarded that only the newest version has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The version that claims it: stable.
    pub version: Version,
    /// The tag's template with the version left open.
    pub claim: Partial,
    /// The template of the tags that versions are published by, with the version left open.
    pub published_as: Partial,
    /// Greater versions of other lists of the file that claim the tag too. Of many the greatest is given alone.
    pub rivals: Vec<Version>,
}

/// A tag of one member, in the list's own repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberTag {
    /// The tag.
    pub tag: Tag,
    /// Where its template is written.
    pub span: Span,
}

/// One image of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// As declared; parts that are open are filled by the planner.
    pub platform: Platform,
    /// Where the platform is written.
    pub platform_span: Span,
    /// How the architecture is spelled in names (`{arch}`).
    pub arch: Option<String>,
    /// Where the image is.
    pub source: Reference,
    /// Where the source's template is written.
    pub source_span: Span,
    /// `missing`
    pub missing: Missing,
    /// Where its OS version comes from, if it is not written in [`Member::platform`].
    pub os_version: OsVersion,
    /// Of its descriptor in the list; they need OCI.
    pub annotations: BTreeMap<String, String>,
    /// By which tags it is published by itself, in the list's repository.
    pub tags: Vec<MemberTag>,
}

/// Where the OS version of a member comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OsVersion {
    /// It is declared in full, or open.
    #[default]
    AsDeclared,
    /// The config's, which must fit.
    Fits(Placed<Pattern>),
    /// That of another image.
    Of(OsVersionOf),
}

/// `os-version = { from = …, build = … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsVersionOf {
    /// The image, or a list with one entry for the member's platform.
    pub from: Reference,
    /// Where it is written.
    pub span: Span,
    /// With what the entry's version begins.
    pub build: Option<String>,
}

/// What `[registry."HOST"]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Of which registry, in canonical form.
    pub host: Host,
    /// Where the host is written.
    pub span: Span,
    /// `http`, `insecure`
    pub security: Security,
    /// `ca`: a file of certificates that are trusted too.
    pub ca: Option<Placed<PathBuf>>,
    /// `client-cert`, `client-key`
    pub client: Option<ClientFiles>,
    /// `username-env`, `password-env`
    pub login: Option<LoginNames>,
    /// `concurrency`: requests in flight at once, at most.
    pub concurrency: Option<NonZeroUsize>,
    /// `rate`: requests in a time, at most.
    pub rate: Option<Rate>,
}

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// How safe the way to a registry has to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Security {
    /// Nothing is said: TLS, but on this machine.
    #[default]
    Usual,
    /// `http = false`: TLS, on this machine too.
    Tls,
    /// `http = true`: no TLS.
    Plain,
    /// `insecure = true`: TLS, with whatever certificate.
    Unverified,
}

/// What is shown to a registry that asks who is there. As [`RegistrySettings::ca`], paths are as seen from where the
/// program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFiles {
    /// The certificate.
    pub certificate: Placed<PathBuf>,
    /// Its key.
    pub key: Placed<PathBuf>,
}

/// What to log in with, by names of variables of the environment. No variable of the file has their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginNames {
    /// That of the user's name.
    pub user: Placed<String>,
    /// That of the password.
    pub password: Placed<String>,
}

/// So many requests in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub requests: NonZeroU32,
    /// In how long.
    pub per: Per,
}

/// The time that a [`Rate`] is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// `N/s`
    Second,
    /// `N/min`
    Minute,
    /// `N/h`
    Hour,
}

impl RegistrySettings {
    /// These with paths taken as relative to `base`.
    #[must_use]
    pub fn under(self, base: &Path) -> Self {
        let join = |path: Placed<PathBuf>| Placed { value: base.join(path.value), ..path };
        let client =
            self.client.map(|files| ClientFiles { certificate: join(files.certificate), key: join(files.key) });
        Self { ca: self.ca.map(join), client, ..self }
    }
}

impl Publication {
    /// The list by its own tag: what people call it.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.target.tagged(&self.own_tag().tag)
    }

    /// The first tag that stays with this list whatever is published later; others may be aliases.
    ///
    /// # Panics
    /// A publication without tags, which [`Loader`](super::Loader) never gives.
    #[must_use]
    pub fn own_tag(&self) -> &TargetTag {
        self.tags.iter().find(|tag| tag.newest.is_none()).unwrap_or(&self.tags[0])
    }
}

impl Member {
    /// What is read for it: its image, and what its OS version is taken from.
    pub fn reads(&self) -> impl Iterator<Item = &Reference> {
        let other = match &self.os_version {
            OsVersion::Of(of) => Some(&of.from),
            OsVersion::AsDeclared | OsVersion::Fits(_) => None,
        };
        [&self.source].into_iter().chain(other)
    }
}

impl TargetTag {
    /// A tag that the list always has.
    #[must_use]
    pub fn always(tag: Tag, span: Span) -> Self {
        Self { tag, span, newest: None }
    }
}
