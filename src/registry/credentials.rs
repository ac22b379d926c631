//! [`Credentials`]: who mlist is to a registry, as `docker login` left it.
//!
//! As Docker does, a helper for the host (`credHelpers`) goes before the helper for all (`credsStore`), and that before
//! what stands in the file (`auths`). Each host is looked up once, when it first asks.
//! `file` reads Docker's file, `helper` asks the programs.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use secrecy::SecretString;
use tokio::sync::OnceCell;

use crate::oci::Host;

use super::CredentialSources;
use super::error::{ErrorKind, Failure};
use super::lock::lock;

use file::ConfigFile;
use helper::Helper;

mod file;
mod helper;

/// Something to log in with, and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    pub(crate) login: Login,
    /// `~/.docker/config.json (user ci-bot)`, `docker-credential-gcr (credHelpers)`.
    pub(crate) source: String,
}

/// What to log in with.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    /// A user's name and password.
    Basic { user: String, password: SecretString },
    /// A token that only the token server takes (`identitytoken`, OAuth2 refresh token).
    Identity(SecretString),
}

/// A host's credentials, or that there are none; asked for once.
type Found = Arc<OnceCell<Result<Option<Credential>, Failure>>>;

/// All that Docker's config file and its helpers know.
pub(crate) struct Credentials {
    path: Option<PathBuf>,
    /// Where helpers are looked for.
    search: OsString,
    file: OnceLock<Result<ConfigFile, String>>,
    found: Mutex<HashMap<Host, Found>>,
}

impl Credentials {
    pub(crate) fn new(sources: CredentialSources) -> Self {
        let CredentialSources { files, search, inline: _ } = sources;
        let path = files.into_iter().next();
        Self { path, search, file: OnceLock::new(), found: Mutex::default() }
    }

    /// Whether there could be credentials for `host`; no helper is run to know it.
    pub(crate) fn may_know(&self, host: &Host) -> bool {
        self.file().is_err() || self.file().is_ok_and(|file| file.may_know(host))
    }

    /// The credentials for the repository `path` of `host`, if there are any.
    ///
    /// # Errors
    /// A config file or helper that can't be used.
    pub(crate) async fn find(&self, host: &Host, _path: &str) -> Result<Option<Credential>, Failure> {
        let found = Arc::clone(lock(&self.found).entry(host.clone()).or_default());
        found.get_or_init(|| Box::pin(self.look_up(host))).await.clone()
    }

    async fn look_up(&self, host: &Host) -> Result<Option<Credential>, Failure> {
        let file = self.file().map_err(|why| Failure::of(ErrorKind::Credentials(why.clone())))?;
        if let Some(Helper { name, key, .. }) = file.helper(host) {
            let unusable = |why| {
                let named = format!("{} names it for {host}", self.shown());
                Failure::of(ErrorKind::Credentials(format!("docker-credential-{name} {why}; {named}")))
            };
            let given = helper::get(&name, helper::server(host), &self.search).await.map_err(unusable)?;
            if let Some(login) = given {
                return Ok(Some(Credential { login, source: format!("docker-credential-{name} ({key})") }));
            }
        }
        let login = file.login(host).map_err(|why| {
            Failure::of(ErrorKind::Credentials(format!("{} has an entry for {host} that {why}", self.shown())))
        })?;
        Ok(login.map(|login| {
            let source = match &login {
                Login::Basic { user, .. } => format!("{} (user {user})", self.shown()),
                Login::Identity(_) => format!("{} (identity token)", self.shown()),
            };
            Credential { login, source }
        }))
    }

    /// The config file; one that is not there is empty.
    fn file(&self) -> Result<&ConfigFile, &String> {
        let read = || {
            let Some(path) = &self.path else { return Ok(ConfigFile::default()) };
            let text = match std::fs::read(path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(ConfigFile::default()),
                Err(error) => return Err(format!("{} cannot be read: {}", self.shown(), error.kind())),
            };
            ConfigFile::parse(&text).map_err(|why| format!("{} is malformed: {why}", self.shown()))
        };
        self.file.get_or_init(read).as_ref()
    }

    /// The path of the config file as a person would write it.
    fn shown(&self) -> String {
        let path = self.path.clone().unwrap_or_default();
        let below_home = std::env::home_dir().and_then(|home| path.strip_prefix(home).ok().map(Path::to_path_buf));
        below_home.map_or_else(|| path.display().to_string(), |below| format!("~/{}", below.display()))
    }
}

#[cfg(test)]
mod tests;
