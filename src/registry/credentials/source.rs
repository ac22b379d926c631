//! [`Source`] and [`AskedAs`]: where credentials came from, never what they are.

use std::fmt;
use std::sync::Arc;

/// Where credentials came from: `~/.docker/config.json (user ci-bot)`, `docker-credential-gcr (credHelpers)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What kind of place it is.
    pub origin: Origin,
    /// The place as a person would name it.
    pub place: String,
    /// Who is logged in there.
    pub account: Account,
}

/// Who is logged in, as far as it may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// A user, by name: one line.
    User(String),
    /// Whoever has the token that the token server takes.
    IdentityToken,
    /// Whoever has the token that the registry takes.
    RegistryToken,
}

/// What kind of place credentials come from: what is wrong there is put right in a way of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Environment variables that `[registry."HOST"]` names.
    Named,
    /// `DOCKER_AUTH_CONFIG`.
    Inline,
    /// A file that `docker login` writes.
    Docker,
    /// A file that `podman login` writes.
    Podman,
    /// A credential helper.
    Helper,
}

/// As whom a registry was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AskedAs {
    /// It was not asked, or it does not matter.
    #[default]
    Unknown,
    /// As nobody: there are no credentials for it.
    Nobody {
        /// The places that were looked in, as a person would name them.
        looked_in: Vec<String>,
    },
    /// With credentials.
    With(Arc<Source>),
}

impl AskedAs {
    /// Where the credentials came from, if some were sent.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::With(source) => Some(source),
            Self::Unknown | Self::Nobody { .. } => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.origin, &self.account) {
            // The place says enough.
            (Origin::Named | Origin::Helper, _) => f.write_str(&self.place),
            (_, Account::User(user)) => write!(f, "{} (user {user})", self.place),
            (_, Account::IdentityToken) => write!(f, "{} (identity token)", self.place),
            (_, Account::RegistryToken) => write!(f, "{} (registry token)", self.place),
        }
    }
}
