//! [`CredentialFault`]: why a place of credentials cannot be used.

use super::source::CredentialOrigin;

/// A place of credentials that cannot be used, and why. The texts never contain any content of the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialFault {
    /// A file, or `DOCKER_AUTH_CONFIG`.
    #[error("{place} {why}")]
    Place {
        /// The kind of the place.
        origin: CredentialOrigin,
        /// The name of the place: `~/.docker/config.json`.
        place: String,
        /// The reason, written to follow the name of the place: `is malformed: …`.
        why: String,
    },
    /// A credential helper that is not installed.
    #[error("{helper} not found in PATH; required by {named_by}")]
    HelperAbsent {
        /// The program: `docker-credential-gcr`.
        helper: String,
        /// The place that names the helper.
        named_by: String,
    },
    /// A credential helper that failed.
    #[error("{helper} {why}; required by {named_by}")]
    Helper {
        /// The program: `docker-credential-gcr`.
        helper: String,
        /// The reason, written to follow the name of the helper: `failed: …`.
        why: String,
        /// The place that names the helper.
        named_by: String,
    },
    /// An environment variable that `[registry."HOST"]` names.
    #[error("{variable} is {}; required by {key}", if *.is_empty { "empty" } else { "not set" })]
    Unset {
        /// The name of the variable.
        variable: String,
        /// The key in manifests.toml that names the variable: `password-env`.
        key: &'static str,
        /// Whether the variable is set, but empty. CI systems set a secret to an empty value for jobs that may not read
        /// it.
        is_empty: bool,
    },
}
