//! [`CredentialFault`]: why a place of credentials can't be used.

use super::source::Origin;

/// A place of credentials that can't be used, and why. No text of it holds what stands in the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialFault {
    /// A file, or `DOCKER_AUTH_CONFIG`.
    #[error("{place} {why}")]
    Place {
        /// What kind of place it is.
        origin: Origin,
        /// `~/.docker/config.json`
        place: String,
        /// Fits behind the place: `is malformed: …`.
        why: String,
    },
    /// A credential helper that is not installed.
    #[error("{helper} is not on the PATH; {named_by} names it")]
    HelperAbsent {
        /// `docker-credential-gcr`
        helper: String,
        /// The place that names it.
        named_by: String,
    },
    /// A credential helper that did not do its work.
    #[error("{helper} {why}; {named_by} names it")]
    Helper {
        /// `docker-credential-gcr`
        helper: String,
        /// Fits behind the helper: `failed: …`.
        why: String,
        /// The place that names it.
        named_by: String,
    },
    /// An environment variable that `[registry."HOST"]` names.
    #[error("{variable} is {}; {key} names it", if *.is_empty { "empty" } else { "not set" })]
    Unset {
        /// Its name.
        variable: String,
        /// The key that names it: `password-env`.
        key: &'static str,
        /// It is set, and to nothing: so CI systems hide a secret from who may not have it.
        is_empty: bool,
    },
}
