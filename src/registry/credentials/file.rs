//! [`ConfigFile`]: the parts of Docker's `config.json` and Podman's `auth.json` that say who logs in where.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};

use crate::oci::Host;

use super::Login;
use super::helper::Helper;
use super::keys::{ByHost, Paths};

/// What `docker login` or `podman login` wrote.
#[derive(Default)]
pub(in crate::registry) struct ConfigFile {
    auths: ByHost<Entry>,
    helpers: ByHost<String>,
    /// The helper of all hosts that have none of their own.
    store: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    #[serde(deserialize_with = "null_as_default")]
    auths: BTreeMap<String, Option<Entry>>,
    #[serde(deserialize_with = "null_as_default")]
    creds_store: String,
    #[serde(deserialize_with = "null_as_default")]
    cred_helpers: BTreeMap<String, Option<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
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
    /// Reads `config.json` or `auth.json`. An empty text says nothing, as for Docker.
    pub(in crate::registry) fn parse(text: &[u8]) -> Result<Self, String> {
        let Written { auths, creds_store, cred_helpers } = json(text)?;
        let helpers = cred_helpers.into_iter().map(|(key, name)| (key, name.unwrap_or_default())).collect();
        let helpers = ByHost::new(helpers, Paths::Namespaces);
        Ok(Self { auths: ByHost::new(filled(auths), Paths::Namespaces), helpers, store: creds_store })
    }

    /// Reads `~/.dockercfg`, the file before there was a `config.json`: hosts at the top level, and nothing else.
    pub(in crate::registry) fn parse_old(text: &[u8]) -> Result<Self, String> {
        Ok(Self { auths: ByHost::new(filled(json(text)?), Paths::OfApis), ..Self::default() })
    }

    /// Whether it may lead to credentials for some repository of `host`.
    pub(in crate::registry) fn may_know(&self, host: &Host) -> bool {
        let mut helpers = self.helpers.anywhere_in(host).chain([&self.store]);
        helpers.any(|name| !name.is_empty()) || self.auths.anywhere_in(host).next().is_some()
    }

    /// Whether it holds credentials for all of `host`.
    pub(super) fn has_entry(&self, host: &Host) -> bool {
        self.auths.of(host, "").next().is_some()
    }

    /// The helper that is to be asked for the repository `path` of `host`. An empty name says that none is.
    pub(super) fn helper(&self, host: &Host, path: &str) -> Option<Helper> {
        let own = self.helpers.of(host, path).next().map(|name| (name, "credHelpers"));
        let (name, key) = own.unwrap_or((&self.store, "credsStore"));
        Some(Helper { name: name.clone(), key }).filter(|helper| !helper.name.is_empty())
    }

    /// What the file itself holds for the repository `path` of `host`.
    pub(in crate::registry) fn login(&self, host: &Host, path: &str) -> Result<Option<Login>, &'static str> {
        self.auths.of(host, path).next().map(Entry::login).transpose()
    }
}

impl Entry {
    /// An entry without credentials says that a helper has them.
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
            decode(self.auth.expose_secret()).ok_or("is not base64 of user:password")
        } else {
            Ok(Login::Basic { user: self.username.clone(), password: self.password.clone() })
        }
    }
}

/// Without entries that hold nothing.
fn filled(auths: BTreeMap<String, Option<Entry>>) -> BTreeMap<String, Entry> {
    let filled = auths.into_iter().filter_map(|(key, entry)| Some((key, entry?)));
    filled.filter(|(_, entry)| !entry.is_empty()).collect()
}

fn json<T: Default + for<'de> Deserialize<'de>>(text: &[u8]) -> Result<T, String> {
    if text.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    // The error has a line and column and quotes no value: this text holds secrets.
    serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            format!("a value of another type than Docker writes, line {} column {}", error.line(), error.column())
        }
        _ => format!("no JSON, line {} column {}", error.line(), error.column()),
    })
}

/// `null` as what is not there, as Docker reads it.
fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(json: D) -> Result<T, D::Error> {
    Option::deserialize(json).map(Option::unwrap_or_default)
}

fn decode(auth: &str) -> Option<Login> {
    let text = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    // Old versions of Docker padded the text with zeros.
    let password = SecretString::from(password.trim_end_matches('\0'));
    Some(Login::Basic { user: user.to_owned(), password }).filter(|_| !user.is_empty())
}
