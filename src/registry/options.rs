//! [`Options`]: how the world is reached.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::oci::{Host, Repository};

use super::Observer;

/// How the world is reached.
#[derive(Clone)]
pub struct Options {
    /// What will be asked, and with which rights.
    pub access: Access,
    /// Requests in flight at once, over all hosts and to each.
    pub jobs: NonZeroUsize,
    /// Where credentials are looked for.
    pub credentials: CredentialSources,
    /// What was said of a host; of most nothing is.
    pub hosts: BTreeMap<Host, HostOptions>,
    /// Folders that hold a folder of certificates for each host (`/etc/docker/certs.d`), the first goes first.
    pub certificates: Vec<PathBuf>,
    /// Hears what happens between requests.
    pub observer: Observer,
}

/// What will be asked, and with which rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    rights: Rights,
    groups: Vec<Group>,
    /// Those of the groups. Whether a repository is one is asked with each request.
    targets: HashSet<Repository>,
}

/// Which rights the run may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// `pull` only: some registries create a repository when a token to push is asked for.
    ReadOnly,
    /// `pull,push` on the targets of groups, `pull` on all others.
    Write,
}

/// The repositories of one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Where it is published; none for a layout.
    pub target: Option<Repository>,
    /// Where its members are, in order, the target left out; layouts are not named.
    pub sources: Vec<Repository>,
}

/// Where credentials are looked for: in this order, the first place that has some is used. Before all of them goes what
/// [`HostOptions::login`] names.
#[derive(Debug, Clone, Default)]
pub struct CredentialSources {
    /// The value of `DOCKER_AUTH_CONFIG`, if it is set.
    pub inline: Option<SecretString>,
    /// The file that `REGISTRY_AUTH_FILE` names, if it is set: Podman's other files are not read then.
    pub auth_file: Option<PathBuf>,
    /// Docker's `config.json`.
    pub docker: Option<PathBuf>,
    /// Podman's `auth.json` files, the first goes first.
    pub podman: Vec<PathBuf>,
    /// Docker's `.dockercfg` of old.
    pub old: Option<PathBuf>,
    /// Where credential helpers are looked for: what the environment calls `PATH`.
    pub search: OsString,
    /// The user's folder, shown as `~`.
    pub home: Option<PathBuf>,
}

/// What `[registry."HOST"]` says of a host.
#[derive(Debug, Clone, Default)]
pub struct HostOptions {
    /// How safe the way there has to be.
    pub security: Security,
    /// A file of certificates (PEM) that are trusted beside the system's.
    pub ca: Option<PathBuf>,
    /// What we show of ourselves.
    pub client: Option<ClientCertificate>,
    /// What to log in with, by names of environment variables.
    pub login: Option<NamedLogin>,
    /// Requests in flight at once, at most.
    pub concurrency: Option<NonZeroUsize>,
    /// Requests in a time, at most.
    pub rate: Option<Rate>,
}

/// How safe the way to a host has to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Security {
    /// TLS, its certificate checked; on this machine plain HTTP, unless certificates are named for the host.
    #[default]
    Usual,
    /// TLS, its certificate checked, on this machine too (`http = false`).
    Tls,
    /// Plain HTTP (`http = true`).
    Plain,
    /// TLS with whatever certificate (`insecure = true`).
    Unverified,
}

/// A certificate and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, and those that lead to its authority.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// `username-env` and `password-env`: the names, and what stood there when the run began.
#[derive(Debug, Clone)]
pub struct NamedLogin {
    /// The variable of the user's name.
    pub user_env: String,
    /// Its value, if it is set.
    pub user: Option<String>,
    /// The variable of the password.
    pub password_env: String,
    /// Its value, if it is set.
    pub password: Option<SecretString>,
}

/// So many requests in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub requests: NonZeroU32,
    /// In how long: a second, a minute, an hour.
    pub per: Duration,
}

impl Access {
    /// `rights` to the repositories of `groups`: one token serves each group.
    #[must_use]
    pub fn new(rights: Rights, groups: Vec<Group>) -> Self {
        let targets = groups.iter().filter_map(|group| group.target.clone()).collect();
        Self { rights, groups, targets }
    }

    /// Which rights may be asked for.
    pub(super) fn rights(&self) -> Rights {
        self.rights
    }

    /// Which repositories are asked for together.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Whether `repository` will be written to.
    pub(super) fn may_write(&self, repository: &Repository) -> bool {
        self.rights == Rights::Write && self.is_target(repository)
    }

    /// Whether lists are published in `repository`, now or by a later run.
    pub(super) fn is_target(&self, repository: &Repository) -> bool {
        self.targets.contains(repository)
    }
}
