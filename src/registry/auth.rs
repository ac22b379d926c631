//! [`Auth`]: how one registry wants to be told who asks.
//!
//! Scheme and realm are learnt from answers to requests that carried no Authorization, and from no other: Harbor answers
//! a stale token with a challenge of another scheme. Scopes are ours, never the challenge's.
//!
//! The repositories of a list share one token. Where that is of no use to one of them, because a server heeds only the
//! first scope, grants a part or refuses the whole, that one is asked for alone; and where our credentials are refused
//! for something that is only read, it is asked for once more without them.
//!
//! | file | holds |
//! |---|---|
//! | [`asking`] | one request's way through all this |
//! | [`standing`] | how a registry is to be asked, and where its tokens are |
//! | [`challenge`] | what `WWW-Authenticate` says |
//! | [`scopes`] | rights, as a token names them |
//! | [`identity`] | who we are, and how often a login is tried |
//! | [`pass`] | a token that is renewed, and which repositories share one |
//! | [`token`] | asking for it |
//! | [`memory`] | what refusals taught |

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::oci::Host;

use super::Access;
use super::error::{ErrorKind, Failure};
use super::lock::lock;
use super::transport::answer::Signed;

use identity::{Identities, Identity};
use memory::Memory;
use pass::{Group, Pass, Passes};
use standing::Standing;

pub(crate) use asking::Asking;
pub(crate) use scopes::{Right, Scopes};

mod asking;
pub(super) mod challenge;
mod identity;
mod memory;
mod pass;
mod scopes;
mod standing;
mod token;

/// What is known of a registry's wishes, and the tokens it granted.
pub(crate) struct Auth {
    groups: Vec<Group>,
    standing: Mutex<Standing>,
    /// Whether a first request went alone; whatever came of it, the others need not.
    first: Arc<tokio::sync::Mutex<bool>>,
    /// What its base asks for; asked once, where another answer did not say.
    base: OnceCell<Option<Standing>>,
    identities: Identities,
    /// Of groups; made when the first is needed, as that takes the credentials of all repositories.
    shared: OnceCell<Passes>,
    /// Of needs that share none, by the number of the identity.
    own: Mutex<HashMap<(usize, Scopes), Arc<Pass>>>,
    memory: Memory,
}

/// How a request is signed.
#[derive(Clone, Default)]
pub(crate) struct Signature {
    /// The Authorization header; none for an anonymous request.
    pub(crate) header: Option<HeaderValue>,
    pub(crate) signed: Signed,
    /// What the request needs.
    need: Scopes,
    token: Option<Held>,
    /// Whether our credentials are left out, to see if it is they that are refused.
    is_trial: bool,
    /// What the request shows of who asks besides its header.
    exchanged: Option<SecretString>,
}

/// Which token a request carried.
#[derive(Clone)]
struct Held {
    pass: Arc<Pass>,
    generation: u64,
    fetched: Instant,
    /// From then on it may have ended.
    renew: Instant,
}

impl Auth {
    /// Nothing is known of `host` yet but what will be asked of it.
    pub(crate) fn new(access: &Access, host: &Host) -> Self {
        let (standing, first, base, identities, shared, own, memory) = Default::default();
        Self { groups: Group::all(access, host), standing, first, base, identities, shared, own, memory }
    }

    fn is_unknown(&self) -> bool {
        matches!(*lock(&self.standing), Standing::Unknown)
    }

    /// Notes what an answer shows, if `only_if` what is known so far allows it.
    fn learn(&self, new: impl FnOnce() -> Standing, only_if: impl Fn(&Standing) -> bool) {
        let mut standing = lock(&self.standing);
        if only_if(&standing) {
            *standing = new();
        }
    }

    /// The pass for `need` and nothing else.
    fn own(&self, identity: &Arc<Identity>, need: &Scopes) -> Arc<Pass> {
        let mut own = lock(&self.own);
        let pass = own.entry((identity.number, need.clone()));
        Arc::clone(pass.or_insert_with(|| Pass::new(identity, need.clone())))
    }
}

impl Signature {
    /// None, of a request that needs this.
    fn none(need: &Scopes) -> Self {
        Self { need: need.clone(), ..Self::default() }
    }

    /// Whether `text` repeats what the request shows of who asks. Servers that are being debugged answer so.
    pub(crate) fn is_repeated_in(&self, text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text);
        let header = self.header.as_ref().and_then(|header| header.to_str().ok());
        let shown = header.and_then(|header| Some(header.split_once(' ')?.1)).unwrap_or_default();
        // A token is no base64 of a password, and where it looks like one nothing is lost.
        let decoded = STANDARD.decode(shown).ok().and_then(|login| String::from_utf8(login).ok());
        let password = decoded.as_ref().and_then(|login| Some(login.split_once(':')?.1)).unwrap_or_default();
        let exchanged = self.exchanged.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        [shown, password, exchanged].into_iter().any(|secret| stands_in(secret, &text))
    }
}

/// Whether `text` has `secret` as a word of its own: one who chose "pass" is still to read of a wrong password.
fn stands_in(secret: &str, text: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let found = text.match_indices(secret).filter(|_| !secret.is_empty());
    let mut found = found.map(|(at, secret)| (&text[..at], &text[at + secret.len()..]));
    found.any(|(before, behind)| ends(before.chars().next_back()) && ends(behind.chars().next()))
}

/// `Basic …` (RFC 7617).
fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, Failure> {
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose_secret()))))
}

/// A header that is shown nowhere.
fn sensitive(text: &str) -> Result<HeaderValue, Failure> {
    let unfit =
        || Failure::of(ErrorKind::NotARegistry("its token server sent a token that no header can carry".into()));
    let mut value = HeaderValue::from_str(text).map_err(|_| unfit())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
