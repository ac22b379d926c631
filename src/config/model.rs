//! What manifests.toml means, worked out: publications with nothing left to expand.
//!
//! Each part keeps the [`Span`] it came from, so that what a registry says of it later points into the file.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

use crate::oci::{Host, Place, Platform, Reference, Tag};

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
    /// The images, in the order of the file; never empty.
    pub members: Vec<Member>,
}

/// A tag of a [`Publication`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetTag {
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
    /// The list by its first tag: what people call it.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.target.tagged(&self.tags[0].tag)
    }
}
