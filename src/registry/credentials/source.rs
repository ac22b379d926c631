//! [`CredentialSource`] and [`AskedAs`]: where credentials came from. They never contain the credentials.

use std::fmt;
use std::sync::Arc;

/// Where credentials came from: `~/.docker/config.json (user ci-bot)`, `docker-credential-gcr (credHelpers)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialSource {
    /// The kind of the place.
    pub origin: CredentialOrigin,
    /// The name of the place, as users write it.
    pub place: String,
    /// The account of the credentials.
    pub account: Account,
}

/// The account of credentials, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// A user, by name. The name is one line.
    User(String),
    /// The owner of an identity token, which only the token server accepts.
    IdentityToken,
    /// The owner of a registry token, which the registry accepts.
    RegistryToken,
}

/// The kind of place that credentials come from. Each kind is fixed in a different way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialOrigin {
    /// Environment variables that `[registry."HOST"]` names.
    Named,
    /// The variable `DOCKER_AUTH_CONFIG`.
    Inline,
    /// A file that `docker login` writes.
    Docker,
    /// A file that `podman login` writes.
    Podman,
    /// A credential helper.
    Helper,
}

/// The credentials that were sent to a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AskedAs {
    /// No request was sent, or it does not matter.
    #[default]
    Unknown,
    /// Without credentials, because there are none for the registry.
    Anonymous {
        /// The places that were searched, as users write them.
        looked_in: Vec<String>,
    },
    /// With credentials.
    With(Arc<CredentialSource>),
}

impl AskedAs {
    /// Returns where the credentials came from, if any were sent.
    #[must_use]
    pub fn source(&self) -> Option<&CredentialSource> {
        match self {
            Self::With(source) => Some(source),
            Self::Unknown | Self::Anonymous { .. } => None,
        }
    }
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.origin, &self.account) {
            // The place is sufficient.
            (CredentialOrigin::Named | CredentialOrigin::Helper, _) => f.write_str(&self.place),
            (_, Account::User(user)) => write!(f, "{} (user {user})", self.place),
            (_, Account::IdentityToken) => write!(f, "{} (identity token)", self.place),
            (_, Account::RegistryToken) => write!(f, "{} (registry token)", self.place),
        }
    }
}
