//! [`RegistriesOptions`]: how registries are accessed.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::oci::{Host, LayoutDir, Repository};

use super::Observer;

/// How registries are accessed.
#[derive(Clone)]
pub struct RegistriesOptions {
    /// The repositories of the run, and its rights.
    pub access: Access,
    /// The maximum number of requests in flight, for all hosts together and for each host.
    pub jobs: NonZeroUsize,
    /// Where credentials are searched.
    pub credentials: CredentialSources,
    /// The options of hosts. Most hosts have none.
    pub hosts: BTreeMap<Host, HostOptions>,
    /// Folders that contain a folder of certificates for each host (`/etc/docker/certs.d`), in order of precedence.
    pub certificates: Vec<PathBuf>,
    /// Receives notices of what happens during the run.
    pub observer: Observer,
}

/// The repositories of the run, and its rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    rights: Rights,
    groups: Vec<RepositoryGroup>,
    /// The targets of the groups, as a set because every request checks whether its repository is a target.
    targets: HashSet<Repository>,
    /// The layouts where lists are published.
    layouts: HashSet<LayoutDir>,
}

/// The rights that the run may request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// `pull` only. Some registries create a repository when a token with the right to push is requested.
    ReadOnly,
    /// `pull,push` for the targets of groups, `pull` for all other repositories.
    Write,
}

/// The repositories of one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryGroup {
    /// The repository where it is published. `None` for a layout.
    pub target: Option<Repository>,
    /// The repositories of its members, in order, without the target and without layouts.
    pub sources: Vec<Repository>,
}

/// Where credentials are searched, in this order. The first place that has some is used. [`HostOptions::login`] takes
/// precedence over all of them.
#[derive(Debug, Clone, Default)]
pub struct CredentialSources {
    /// The value of `DOCKER_AUTH_CONFIG`, if it is set.
    pub inline: Option<SecretString>,
    /// The file that `REGISTRY_AUTH_FILE` names, if it is set. If so, Podman's other files are not read.
    pub auth_file: Option<PathBuf>,
    /// Docker's `config.json`.
    pub docker: Option<PathBuf>,
    /// Podman's `auth.json` files, in order of precedence.
    pub podman: Vec<PathBuf>,
    /// Docker's old `.dockercfg`.
    pub old: Option<PathBuf>,
    /// The search path for credential helpers: the value of `PATH`.
    pub search: OsString,
    /// The user's home folder, displayed as `~`.
    pub home: Option<PathBuf>,
}

/// The options of a host, from `[registry."HOST"]`.
#[derive(Debug, Clone, Default)]
pub struct HostOptions {
    /// The required security of connections.
    pub security: ConnectionSecurity,
    /// A file of certificates (PEM) that are trusted in addition to the system's.
    pub ca: Option<PathBuf>,
    /// The client certificate.
    pub client: Option<ClientCertificate>,
    /// The credentials, in environment variables that the options name.
    pub login: Option<NamedLogin>,
    /// The maximum number of requests in flight.
    pub concurrency: Option<NonZeroUsize>,
    /// The maximum rate of requests.
    pub rate: Option<RateLimit>,
}

/// The required security of connections to a host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConnectionSecurity {
    /// TLS with a verified certificate. On this machine plain HTTP, unless certificates are specified for the host.
    #[default]
    Usual,
    /// TLS with a verified certificate, also on this machine (`http = false`).
    Tls,
    /// Plain HTTP (`http = true`).
    Plain,
    /// TLS with any certificate (`insecure = true`).
    Unverified,
}

/// A client certificate and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The file of the certificate, followed by its chain.
    pub certificate: PathBuf,
    /// The file of the key.
    pub key: PathBuf,
}

/// The variables that `username-env` and `password-env` name, with their values at the start of the run.
#[derive(Debug, Clone)]
pub struct NamedLogin {
    /// The variable that contains the user name.
    pub user_env: String,
    /// Its value, if it is set.
    pub user: Option<String>,
    /// The variable that contains the password.
    pub password_env: String,
    /// Its value, if it is set.
    pub password: Option<SecretString>,
}

/// A number of requests per time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The number of requests.
    pub requests: NonZeroU32,
    /// The time: a second, a minute or an hour.
    pub per: Duration,
}

impl Access {
    /// Requests `rights` for the repositories of `groups`. One token serves each group.
    #[must_use]
    pub fn new(rights: Rights, groups: Vec<RepositoryGroup>) -> Self {
        let targets = groups.iter().filter_map(|group| group.target.clone()).collect();
        Self { rights, groups, targets, layouts: HashSet::new() }
    }

    /// Sets the layouts where lists are published. Damaged content there is written again. In other layouts it is an
    /// error.
    #[must_use]
    pub fn with_layouts(self, layouts: HashSet<LayoutDir>) -> Self {
        Self { layouts, ..self }
    }

    /// Returns the layouts where lists are published.
    pub(super) fn layouts(&self) -> &HashSet<LayoutDir> {
        &self.layouts
    }

    /// Returns the rights that the run may request.
    pub(super) fn rights(&self) -> Rights {
        self.rights
    }

    /// Returns the groups of repositories that share a token.
    pub(super) fn groups(&self) -> &[RepositoryGroup] {
        &self.groups
    }

    /// Whether the run may write to `repository`.
    pub(super) fn may_write(&self, repository: &Repository) -> bool {
        self.rights == Rights::Write && self.is_target(repository)
    }

    /// Whether lists are published in `repository`, by this run or a later one.
    pub(super) fn is_target(&self, repository: &Repository) -> bool {
        self.targets.contains(repository)
    }
}
