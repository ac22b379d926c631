//! [`ConfigFile`]: the parts of Docker's `config.json` that say who logs in where.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use crate::oci::Host;

use super::Login;
use super::helper::Helper;

/// What `docker login` wrote.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigFile {
    #[serde(default, deserialize_with = "null_as_none")]
    auths: BTreeMap<String, Option<Entry>>,
    #[serde(default)]
    creds_store: Option<String>,
    #[serde(default, deserialize_with = "null_as_none")]
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

impl ConfigFile {
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        // The error has a line and column and quotes no value: this file holds secrets.
        serde_json::from_slice(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => {
                format!("a value of another type than Docker writes, line {} column {}", error.line(), error.column())
            }
            _ => format!("no JSON, line {} column {}", error.line(), error.column()),
        })
    }

    pub(super) fn may_know(&self, host: &Host) -> bool {
        self.helper(host).is_some() || entry(&self.auths, host).is_some()
    }

    /// The helper that is to be asked for `host`.
    pub(super) fn helper(&self, host: &Host) -> Option<Helper> {
        let own = entry(&self.cred_helpers, host).map(|name| (name, "credHelpers"));
        let (name, key) = own.or(self.creds_store.as_ref().map(|name| (name, "credsStore")))?;
        Some(Helper { name: name.clone(), key }).filter(|helper| !helper.name.is_empty())
    }

    /// What the file itself holds for `host`; an empty entry says that a helper has it.
    pub(super) fn login(&self, host: &Host) -> Result<Option<Login>, &'static str> {
        let Some(Some(entry)) = entry(&self.auths, host) else { return Ok(None) };
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&entry.identitytoken) {
            return Ok(Some(Login::Identity(token.into())));
        }
        if let Some(auth) = given(&entry.auth) {
            return decode(&auth).map(Some).ok_or("is not base64 of user:password");
        }
        let (user, password) = (given(&entry.username), given(&entry.password));
        Ok(user.zip(password).map(|(user, password)| Login::Basic { user, password: password.into() }))
    }
}

/// `null` as what is not there, as Docker reads it.
fn null_as_none<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(json: D) -> Result<T, D::Error> {
    Option::deserialize(json).map(Option::unwrap_or_default)
}

/// The entry of `host`: written as it is, else with a scheme or path around it (`https://index.docker.io/v1/`).
fn entry<'a, T>(entries: &'a BTreeMap<String, T>, host: &Host) -> Option<&'a T> {
    let is_of_host = |key: &str| {
        let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
        let bare = bare.split('/').next().unwrap_or_default();
        Host::parse(bare).is_ok_and(|key| key == *host)
    };
    let exact = entries.get(host.as_str());
    exact.or_else(|| entries.iter().find(|(key, _)| is_of_host(key)).map(|(_, entry)| entry))
}

fn decode(auth: &str) -> Option<Login> {
    let text = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    // Old versions of Docker padded the text with zeros.
    let password = SecretString::from(password.trim_end_matches('\0'));
    Some(Login::Basic { user: user.to_owned(), password }).filter(|_| !user.is_empty())
}
