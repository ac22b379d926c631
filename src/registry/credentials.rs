//! [`Credentials`]: the credentials for registries, from `docker login`, `podman login` or manifests.toml.
//!
//! | file | holds |
//! |---|---|
//! | [`place`] | a file or environment variable that may contain credentials |
//! | [`file`](mod@file) | the content of such a file |
//! | [`keys`] | the host and namespace that an entry of the file is for |
//! | [`helper`] | credential helpers: external programs |
//! | [`source`] | where credentials came from, for output |
//! | [`fault`] | why a place cannot be used |
//!
//! The places are searched one by one, and the first that has credentials is used. Their order: the variables that
//! `[registry]` names, `DOCKER_AUTH_CONFIG`, the file that `REGISTRY_AUTH_FILE` names, Docker's config file, Podman's
//! files, and the old `~/.dockercfg`. If `[registry]` names variables for a host, no other place is searched for that
//! host. Within a file, a helper for the host (`credHelpers`) takes precedence over the helper for all hosts
//! (`credsStore`), and both take precedence over an entry in the file itself (`auths`). This is the order of Docker. If
//! a place cannot be used and no earlier place has credentials, the search fails: the credentials in later places may
//! be for another account.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::sync::{Arc, Mutex};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;

use crate::oci::Host;

use super::error::{ErrorKind, Failure};
use super::lock::lock;
use super::options::NamedLogin;
use super::sanitize::one_line;
use super::{CredentialSources, HostOptions};

use fault::CredentialFault;
use helper::{Helper, Unhelpful};
use place::CredentialPlace;
use source::{Account, AskedAs, CredentialOrigin, CredentialSource};

pub(super) mod fault;
pub(super) mod file;
mod helper;
mod keys;
mod place;
pub(super) mod source;

/// Credentials, and where they came from.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    pub(crate) login: Login,
    pub(crate) source: Arc<CredentialSource>,
}

/// What to log in with.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    /// A user name and password.
    Basic { user: String, password: SecretString },
    /// A token that only the token server accepts (`identitytoken`, OAuth2 refresh token).
    Identity(SecretString),
    /// A token that the registry accepts (`registrytoken`). It is sent unchanged, and no token server is used.
    Bearer(SecretString),
}

/// The answer of a helper for a host. Each helper runs once per host.
type HelperAnswer = Arc<OnceCell<Result<Option<Login>, Unhelpful>>>;

/// All places that credentials can come from.
pub(crate) struct Credentials {
    named: BTreeMap<Host, NamedLogin>,
    places: Vec<CredentialPlace>,
    /// The search path for helpers.
    search: OsString,
    /// The answers of helpers, by helper name and host.
    answers: Mutex<HashMap<(String, Host), HelperAnswer>>,
}

impl Credentials {
    /// Creates the list of places. Nothing is read yet.
    pub(crate) fn new(sources: CredentialSources, hosts: &BTreeMap<Host, HostOptions>) -> Self {
        let login = |(host, options): (&Host, &HostOptions)| Some((host.clone(), options.login.clone()?));
        let (named, places) = (hosts.iter().filter_map(login).collect(), CredentialPlace::all(&sources));
        Self { named, places, search: sources.search, answers: Mutex::default() }
    }

    /// Whether there could be credentials for `host`. This runs no helper.
    pub(crate) fn may_know(&self, host: &Host) -> bool {
        let may_know = |place: &CredentialPlace| match place.read() {
            Ok(file) => file.is_some_and(|file| file.may_know(host)),
            Err(_) => true,
        };
        self.named.contains_key(host) || self.places.iter().any(may_know)
    }

    /// Returns the credentials for the repository `path` of `host`, if there are any. If `path` is empty, only
    /// credentials for the whole host are considered, not those for a namespace.
    ///
    /// # Errors
    /// Fails if a place cannot be used and no earlier place has credentials.
    pub(crate) async fn find(&self, host: &Host, path: &str) -> Result<Option<Credential>, Failure> {
        let failed = |fault| Failure::of(ErrorKind::Credentials(Box::new(fault)));
        if let Some(named) = self.named.get(host) {
            return named.credential(host).map(Some).map_err(failed);
        }
        for place in &self.places {
            let found = Box::pin(self.look_in(place, host, path)).await.map_err(failed)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Adds the searched places to `asked_as`, for a request that was sent without credentials. Does nothing if there
    /// are credentials for `host`.
    pub(crate) fn tell_where(&self, host: &Host, asked_as: &mut AskedAs) {
        let has_entry =
            |place: &CredentialPlace| place.read().is_ok_and(|file| file.is_some_and(|file| file.has_entry(host)));
        if *asked_as == AskedAs::Unknown && !self.named.contains_key(host) && !self.places.iter().any(has_entry) {
            let looked_in = self.places.iter().filter_map(|place| place.looked_in(host)).collect();
            *asked_as = AskedAs::Anonymous { looked_in };
        }
    }

    async fn look_in(
        &self,
        place: &CredentialPlace,
        host: &Host,
        path: &str,
    ) -> Result<Option<Credential>, CredentialFault> {
        let Some(file) = place.read().map_err(Clone::clone)? else { return Ok(None) };
        if let Some(helper) = file.helper(host, path) {
            let answer = self.ask(&helper, host).await.map_err(|unhelpful| unusable(&helper, place, unhelpful))?;
            if let Some(login) = answer {
                let place = format!("{} ({})", helper::program(&helper.name), helper.key);
                let source = CredentialSource { origin: CredentialOrigin::Helper, place, account: login.account() };
                return Ok(Some(Credential { login, source: source.into() }));
            }
        }
        let login = file.login(host, path);
        let login = login.map_err(|why| place.fault(format!("has an invalid entry for {host}: {why}")))?;
        Ok(login.map(|login| {
            let source = CredentialSource { origin: place.origin, place: place.name.clone(), account: login.account() };
            Credential { login, source: source.into() }
        }))
    }

    /// Returns the answer of `helper`. Helpers know only hosts, not namespaces: a key with a namespace only selects the
    /// helper.
    async fn ask(&self, helper: &Helper, host: &Host) -> Result<Option<Login>, Unhelpful> {
        let answer = Arc::clone(lock(&self.answers).entry((helper.name.clone(), host.clone())).or_default());
        answer.get_or_init(|| helper::get(&helper.name, host, &self.search)).await.clone()
    }
}

impl Login {
    /// Returns the account, safe to display.
    fn account(&self) -> Account {
        match self {
            Self::Basic { user, .. } => Account::User(one_line(user)),
            Self::Identity(_) => Account::IdentityToken,
            Self::Bearer(_) => Account::RegistryToken,
        }
    }
}

impl NamedLogin {
    fn credential(&self, host: &Host) -> Result<Credential, CredentialFault> {
        let Self { user_env, user, password_env, password } = self;
        let unset = |variable: &str, key, is_empty| {
            let variable = variable.to_owned();
            CredentialFault::Unset { variable, key, is_empty }
        };
        let filled = user.clone().filter(|user| !user.is_empty());
        let user = filled.ok_or_else(|| unset(user_env, "username-env", user.is_some()))?;
        let filled = password.clone().filter(|password| !password.expose_secret().is_empty());
        let password = filled.ok_or_else(|| unset(password_env, "password-env", password.is_some()))?;
        let place = format!("{user_env}, {password_env} ([registry.\"{host}\"])");
        let login = Login::Basic { user, password };
        let source = CredentialSource { origin: CredentialOrigin::Named, place, account: login.account() };
        Ok(Credential { login, source: source.into() })
    }
}

fn unusable(helper: &Helper, place: &CredentialPlace, unhelpful: Unhelpful) -> CredentialFault {
    let (helper, named_by) = (helper::program(&helper.name), place.name.clone());
    match unhelpful {
        Unhelpful::Absent => CredentialFault::HelperAbsent { helper, named_by },
        Unhelpful::Because(why) => CredentialFault::Helper { helper, why, named_by },
    }
}

#[cfg(test)]
mod tests;
