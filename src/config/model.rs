//! The result of loading manifests.toml: publications with nothing left to expand.
//!
//! Each part keeps the [`Span`] that it comes from, so that a problem found later in a registry can point into the
//! file.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::naming::{Globs, MemberTemplate, Partial, Pattern, Version};
use crate::oci::{Host, Place, Platform, Reference, Tag};

pub use super::policy::{Attestations, Format, Mismatch, Missing, Undeclared};
use super::problem::Span;

/// A list in one repository with all its tags: the unit that is planned, counted, reported and selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// `ENTRY`, or `ENTRY/VALUE/…` with a matrix. If a list has several targets, its publications have the same id. The
    /// pair of id and target is unique.
    pub id: String,
    /// The key of the list in the file, without axis values.
    pub entry: String,
    /// The value of `{name}`.
    pub name: String,
    /// The repository or layout that the list is published to.
    pub target: Place,
    /// The span of the target's template.
    pub target_span: Span,
    /// The tags of the list, in file order. Never empty, without duplicates.
    pub tags: Vec<TargetTag>,
    /// The floating tags that the list does not get, because its version is a pre-release. Never one of `tags`.
    pub held_back: Vec<HeldBackTag>,
    /// The declared tags whose conditions are not met, for output.
    pub unmet: Vec<UnmetTag>,
    /// The members, in file order. Empty if no row's `when` holds. Then the list is blocked.
    pub members: Vec<Member>,
    /// The policies of the list.
    pub rules: Rules,
    /// The annotations of the list itself. They require an OCI image index.
    pub annotations: BTreeMap<String, String>,
    /// The artifact type of the list itself. It requires an OCI image index.
    pub artifact_type: Option<String>,
    /// The templates of [`Member::tags`] for [`Publication::own_tag`], with the names of a member left open. They are
    /// used to find the tags of members that other writers declare, so they are empty unless the list keeps these.
    pub member_tags: Vec<MemberTemplate>,
}

/// A list that is not published, because none of its tags applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// See [`Publication::id`].
    pub id: String,
    /// See [`Publication::target`].
    pub target: Place,
    /// The reason, as text: `condition not met: stable (1.4.0-rc.1 is a pre-release)`.
    pub why: String,
    /// The span of the tags.
    pub span: Span,
}

/// The policies of a [`Publication`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// `wait`: how long absent members are queried again. The time starts at the first absent member of the run.
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
    /// The span of the tag's template.
    pub span: Span,
    /// Set for a floating tag (`when = "newest"`), which only the newest version has and which is never moved back.
    pub newest: Option<Newest>,
}

/// A tag that stays where it is although the list declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBackTag {
    /// The tag.
    pub tag: Tag,
    /// The reason, as text: `1.4.0-rc.1 is a pre-release`.
    pub why: String,
}

/// A declared tag whose conditions are not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmetTag {
    /// The template as written: it is not expanded, because that may need values that do not exist.
    pub template: String,
    /// The reason, as text: `condition not met: stable (1.4.0-rc.1 is a pre-release)`.
    pub why: String,
}

/// The data that decides whether a floating tag may be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The version that claims the tag. It is stable.
    pub version: Version,
    /// The tag's template with the version left open.
    pub claim: Partial,
    /// The template of the tags under which versions are published, with the version left open.
    pub published_as: Partial,
    /// The greatest version above this one that another list of the file has for the same tag. Empty if there is none.
    pub rivals: Vec<Version>,
}

/// A tag of one member, in the repository of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberTag {
    /// The tag.
    pub tag: Tag,
    /// The span of the tag's template.
    pub span: Span,
}

/// A declared image of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The platform as declared. The planner fills in the open parts.
    pub platform: Platform,
    /// The span of the platform.
    pub platform_span: Span,
    /// The spelling of the architecture in names: the value of `{arch}`. `None` if the arch-style has no spelling for
    /// it.
    pub arch: Option<String>,
    /// The reference of the image.
    pub source: Reference,
    /// The span of the source's template.
    pub source_span: Span,
    /// `missing`
    pub missing: Missing,
    /// Where the OS version comes from, if [`Member::platform`] does not have it.
    pub os_version: OsVersion,
    /// The annotations of the member's descriptor in the list. They require an OCI image index.
    pub annotations: BTreeMap<String, String>,
    /// The tags that the member gets by itself, in the repository of the list.
    pub tags: Vec<MemberTag>,
}

/// Where the OS version of a member comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OsVersion {
    /// [`Member::platform`] has the whole version, or leaves it open.
    #[default]
    AsDeclared,
    /// From the image's config. The version must match this pattern.
    Fits(Placed<Pattern>),
    /// From another image.
    Of(OsVersionOf),
}

/// `os-version = { from = …, build = … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsVersionOf {
    /// The other image, or a list with one entry for the member's platform.
    pub from: Reference,
    /// The span of the template of `from`.
    pub span: Span,
    /// The prefix that the entry's version must have.
    pub build: Option<String>,
}

/// The first place in the file that gives a host to a source or target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOrigin {
    /// The span of the host in a template, of the value of the variable that has it, or of a template without a host.
    pub span: Span,
    /// Whether the host is written there.
    pub naming: HostNaming,
}

/// Whether a reference says its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostNaming {
    /// It does.
    Written,
    /// It does not, so the host is Docker Hub.
    Implied,
}

/// The settings in `[registry."HOST"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySettings {
    /// The host of the registry, in canonical form.
    pub host: Host,
    /// The span of the host.
    pub span: Span,
    /// `http`, `insecure`
    pub security: Security,
    /// `ca`: a file with additional trusted certificates (PEM).
    pub ca: Option<Placed<PathBuf>>,
    /// `client-cert`, `client-key`
    pub client: Option<ClientFiles>,
    /// `username-env`, `password-env`
    pub login: Option<LoginNames>,
    /// `concurrency`: the maximum number of requests in flight.
    pub concurrency: Option<NonZeroUsize>,
    /// `rate`: the maximum number of requests in a period.
    pub rate: Option<Rate>,
}

/// A value with its span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// The span of the value.
    pub span: Span,
}

/// Whether a registry is accessed over TLS, and whether its certificate is verified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Security {
    /// Not configured: TLS, except for registries on this machine.
    #[default]
    Usual,
    /// `http = false`: TLS, also for a registry on this machine.
    Tls,
    /// `http = true`: plain HTTP, without TLS.
    Plain,
    /// `insecure = true`: TLS, without verifying the certificate.
    Unverified,
}

/// The client certificate for a registry that requires one. Paths are relative to the working directory, as in
/// [`RegistrySettings::ca`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFiles {
    /// The file with the certificate (PEM).
    pub certificate: Placed<PathBuf>,
    /// The file with the key of the certificate (PEM).
    pub key: Placed<PathBuf>,
}

/// The names of the environment variables that have the credentials of a registry. Variables of the file cannot use
/// their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginNames {
    /// The environment variable with the user name.
    pub user: Placed<String>,
    /// The environment variable with the password or token.
    pub password: Placed<String>,
}

/// A maximum number of requests in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The number of requests.
    pub requests: NonZeroU32,
    /// The length of the period.
    pub per: Per,
}

/// The period of a [`Rate`].
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
    /// Returns these settings with all paths resolved against `base`.
    #[must_use]
    pub fn under(self, base: &Path) -> Self {
        let join = |path: Placed<PathBuf>| Placed { value: base.join(path.value), ..path };
        let client =
            self.client.map(|files| ClientFiles { certificate: join(files.certificate), key: join(files.key) });
        Self { ca: self.ca.map(join), client, ..self }
    }
}

impl Publication {
    /// The reference of the list with its own tag, which messages show.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.target.tagged(&self.own_tag().tag)
    }

    /// The first tag that is not a floating tag, so that it stays with this list when newer versions are published. If
    /// all tags are floating tags, the first one. The other tags may be aliases.
    ///
    /// # Panics
    /// Panics if the publication has no tags. [`Loader`](super::Loader) never returns such a publication.
    #[must_use]
    pub fn own_tag(&self) -> &TargetTag {
        self.tags.iter().find(|tag| tag.newest.is_none()).unwrap_or(&self.tags[0])
    }

    /// Whether published entries may stay in the list although no source of this file names them.
    #[must_use]
    pub fn keeps_published(&self) -> bool {
        self.rules.undeclared == Undeclared::Keep || self.members.iter().any(|member| member.missing == Missing::Keep)
    }
}

impl Member {
    /// Returns the references that are read for this member: its source, and the image that its OS version comes from.
    pub fn reads(&self) -> impl Iterator<Item = &Reference> {
        let other = match &self.os_version {
            OsVersion::Of(of) => Some(&of.from),
            OsVersion::AsDeclared | OsVersion::Fits(_) => None,
        };
        [&self.source].into_iter().chain(other)
    }
}

impl TargetTag {
    /// Creates a tag that the list always has.
    #[must_use]
    pub fn always(tag: Tag, span: Span) -> Self {
        Self { tag, span, newest: None }
    }
}
