//! [`ConfigFile`]: the credentials in Docker's `config.json` and Podman's `auth.json`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};

use crate::oci::Host;

use super::Login;
use super::helper::Helper;
use super::keys::{ByHost, PathMeaning};

/// The content of a file that `docker login` or `podman login` wrote.
#[derive(Default)]
pub(in crate::registry) struct ConfigFile {
    auths: ByHost<AuthEntry>,
    helpers: ByHost<String>,
    /// The helper for all hosts that have no helper of their own (`credsStore`).
    store: String,
}

/// The JSON of a [`ConfigFile`].
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ConfigJson {
    #[serde(deserialize_with = "null_as_default")]
    auths: BTreeMap<String, Option<AuthEntry>>,
    #[serde(deserialize_with = "null_as_default")]
    creds_store: String,
    #[serde(deserialize_with = "null_as_default")]
    cred_helpers: BTreeMap<String, Option<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthEntry {
    #[serde(deserialize_with = "null_as_default")]
    auth: SecretString,
    #[serde(deserialize_with = "null_as_default")]
    username: String,
    #[serde(deserialize_with = "null_as_default")]
    password: SecretString,
    #[serde(deserialize_with = "null_as_default")]
    identitytoken: SecretString,
    #[serde(deserialize_with = "null_as_default")]
    registrytoken: SecretString,
}

impl ConfigFile {
    /// Parses `config.json` or `auth.json`. Empty text is valid and has no entries, as in Docker.
    ///
    /// # Errors
    /// Returns why the text is malformed. The reason quotes nothing of the text.
    pub(in crate::registry) fn parse(text: &[u8]) -> Result<Self, String> {
        let ConfigJson { auths, creds_store, cred_helpers } = json(text)?;
        let helpers = cred_helpers.into_iter().map(|(key, name)| (key, name.unwrap_or_default())).collect();
        let helpers = ByHost::new(helpers, PathMeaning::Namespaces);
        Ok(Self { auths: ByHost::new(filled(auths), PathMeaning::Namespaces), helpers, store: creds_store })
    }

    /// Parses `~/.dockercfg`, the format that Docker used before `config.json`: an object whose keys are hosts.
    ///
    /// # Errors
    /// Returns why the text is malformed. The reason quotes nothing of the text.
    pub(in crate::registry) fn parse_old(text: &[u8]) -> Result<Self, String> {
        Ok(Self { auths: ByHost::new(filled(json(text)?), PathMeaning::OfApis), ..Self::default() })
    }

    /// Whether the file may have credentials, or a helper, for some repository of `host`.
    pub(in crate::registry) fn may_know(&self, host: &Host) -> bool {
        let mut helpers = self.helpers.anywhere_in(host).chain([&self.store]);
        helpers.any(|name| !name.is_empty()) || self.auths.anywhere_in(host).next().is_some()
    }

    /// Whether the file contains credentials for all repositories of `host`.
    pub(super) fn has_entry(&self, host: &Host) -> bool {
        self.auths.of(host, "").next().is_some()
    }

    /// Returns the helper to run for the repository `path` of `host`. An empty name in `credHelpers` means that the
    /// host has no helper.
    pub(super) fn helper(&self, host: &Host, path: &str) -> Option<Helper> {
        let own = self.helpers.of(host, path).next().map(|name| (name, "credHelpers"));
        let (name, key) = own.unwrap_or((&self.store, "credsStore"));
        Some(Helper { name: name.clone(), key }).filter(|helper| !helper.name.is_empty())
    }

    /// Returns the credentials that the file itself contains for the repository `path` of `host`.
    ///
    /// # Errors
    /// Returns why the entry is malformed, written to follow "has an invalid entry:".
    pub(in crate::registry) fn login(&self, host: &Host, path: &str) -> Result<Option<Login>, &'static str> {
        self.auths.of(host, path).next().map(AuthEntry::login).transpose()
    }
}

impl AuthEntry {
    /// Whether the entry has no credentials. Docker writes such entries if a helper stores the credentials.
    fn is_empty(&self) -> bool {
        let none = |secret: &SecretString| secret.expose_secret().is_empty();
        let no_token = none(&self.identitytoken) && none(&self.registrytoken);
        none(&self.auth) && no_token && (self.username.is_empty() || none(&self.password))
    }

    fn login(&self) -> Result<Login, &'static str> {
        let given = |secret: &SecretString| !secret.expose_secret().is_empty();
        if given(&self.registrytoken) {
            Ok(Login::Bearer(self.registrytoken.clone()))
        } else if given(&self.identitytoken) {
            Ok(Login::Identity(self.identitytoken.clone()))
        } else if given(&self.auth) {
            decode(self.auth.expose_secret()).ok_or("`auth` is not base64 of user:password")
        } else {
            Ok(Login::Basic { user: self.username.clone(), password: self.password.clone() })
        }
    }
}

/// Removes the entries that have no credentials.
fn filled(auths: BTreeMap<String, Option<AuthEntry>>) -> BTreeMap<String, AuthEntry> {
    let filled = auths.into_iter().filter_map(|(key, entry)| Some((key, entry?)));
    filled.filter(|(_, entry)| !entry.is_empty()).collect()
}

fn json<T: Default + for<'de> Deserialize<'de>>(text: &[u8]) -> Result<T, String> {
    if text.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    // serde's error message could quote a secret of this text, so only its line and column are used.
    serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            format!("unexpected type of a value, line {} column {}", error.line(), error.column())
        }
        _ => format!("invalid JSON, line {} column {}", error.line(), error.column()),
    })
}

/// Reads `null` like a missing field, as Docker does.
fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(json: D) -> Result<T, D::Error> {
    Option::deserialize(json).map(Option::unwrap_or_default)
}

fn decode(auth: &str) -> Option<Login> {
    let text = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    // Old versions of Docker padded the text with NUL bytes.
    let password = SecretString::from(password.trim_end_matches('\0'));
    Some(Login::Basic { user: user.to_owned(), password }).filter(|_| !user.is_empty())
}
