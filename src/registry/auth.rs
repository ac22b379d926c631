//! [`Auth`]: how one registry wants to be told who asks.
//!
//! Scheme and realm are learnt from answers to requests that carried no Authorization, and from no other: Harbor answers
//! a stale token with a challenge of another scheme. Scopes are ours, never the challenge's.
//! `challenge` reads what is asked for, `token` gets it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OnceCell, OwnedMutexGuard};
use tokio::time::Instant;

use crate::oci::Repository;

use super::credentials::Login;
use super::error::{ErrorKind, Failure};
use super::lock::lock;
use super::transport::answer::Signed;
use super::transport::{Endpoint, Transport};

use challenge::Challenge;
use token::Token;

mod challenge;
mod token;

/// The rights a request needs, in the order in which they are asked for: some servers heed only the first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Scopes(Vec<String>);

/// What may be done in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    Pull,
    PullPush,
}

impl Scopes {
    /// `right` in one repository.
    pub(crate) fn one(repository: &Repository, right: Right) -> Self {
        Self::default().and(repository, right)
    }

    /// These, and `right` in one more repository.
    pub(crate) fn and(mut self, repository: &Repository, right: Right) -> Self {
        let actions = if right == Right::Pull { "pull" } else { "pull,push" };
        self.0.push(format!("repository:{}:{actions}", repository.path()));
        self
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// What is known of a registry's wishes, and the tokens it granted.
#[derive(Default)]
pub(crate) struct Auth {
    standing: Mutex<Standing>,
    /// Whether a first request went alone; whatever came of it, the others need not.
    first: Arc<tokio::sync::Mutex<bool>>,
    tokens: Mutex<HashMap<Scopes, Arc<Slot>>>,
}

#[derive(Clone, Default)]
enum Standing {
    /// No answer yet.
    #[default]
    Unknown,
    /// It answers without asking; it may still ask for a write.
    Open,
    Basic,
    Bearer(Arc<Bearer>),
}

struct Bearer {
    realm: Url,
    service: Option<String>,
}

/// One token, asked for once however many wait for it; a refusal stands as a token does.
struct Slot {
    generation: u64,
    token: OnceCell<Result<Token, Failure>>,
}

/// How a request is signed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signature {
    /// The Authorization header; none for an anonymous request.
    pub(crate) header: Option<HeaderValue>,
    pub(crate) signed: Signed,
    token: Option<Held>,
}

/// Which token a request carried.
#[derive(Debug, Clone)]
struct Held {
    scopes: Scopes,
    generation: u64,
    fetched: Instant,
}

/// One request's way through authentication: asked without, challenged once, its token renewed once.
pub(crate) struct Asking<'a> {
    transport: &'a Transport,
    endpoint: &'a Endpoint,
    began: Instant,
    /// Held by the first request to a host until its answer shows how to ask; the others wait for that.
    first: Option<OwnedMutexGuard<bool>>,
    was_challenged: bool,
    was_renewed: bool,
}

impl<'a> Asking<'a> {
    pub(crate) async fn begin(transport: &'a Transport, endpoint: &'a Endpoint) -> Result<Self, Failure> {
        let auth = &endpoint.auth;
        let mut first = None;
        if auth.is_unknown() && endpoint.first_goes_alone(&transport.credentials) {
            let mut went = endpoint.gate.unless_ended(Arc::clone(&auth.first).lock_owned()).await?;
            if !std::mem::replace(&mut *went, true) {
                first = Some(went);
            }
        }
        let (was_challenged, was_renewed) = (false, false);
        Ok(Self { transport, endpoint, began: Instant::now(), first, was_challenged, was_renewed })
    }

    /// How a request to `url` is signed now; one to another host carries nothing.
    pub(crate) async fn sign(&self, url: &Url, scopes: &Scopes) -> Result<Signature, Failure> {
        if !self.endpoint.owns(url) {
            return Ok(Signature::default());
        }
        self.endpoint.gate.unless_ended(self.signature(scopes)).await?
    }

    async fn signature(&self, scopes: &Scopes) -> Result<Signature, Failure> {
        let (transport, endpoint) = (self.transport, self.endpoint);
        let standing = lock(&endpoint.auth.standing).clone();
        match standing {
            Standing::Unknown | Standing::Open => Ok(Signature::default()),
            Standing::Basic => {
                let Some(credential) = transport.credentials.find(&endpoint.host, "").await? else {
                    return Ok(Signature::default());
                };
                let Login::Basic { user, password } = &credential.login else { return Ok(Signature::default()) };
                endpoint.counters.credentials(&credential.source);
                let signed = Signed { credentials: Some(credential.source.clone()), by_token: false };
                Ok(Signature { header: Some(basic(user, password)?), signed, token: None })
            }
            Standing::Bearer(bearer) => {
                let (generation, token) = self.token(&bearer, scopes).await?;
                let held = Held { scopes: scopes.clone(), generation, fetched: token.fetched };
                let signed = Signed { credentials: token.credentials, by_token: true };
                Ok(Signature { header: Some(token.header), signed, token: Some(held) })
            }
        }
    }

    async fn token(&self, bearer: &Bearer, scopes: &Scopes) -> Result<(u64, Token), Failure> {
        let began = Instant::now();
        loop {
            let slot = self.endpoint.auth.slot(scopes);
            // Boxed, as it is large and rare: every request would carry room for it.
            let fetch = || Box::pin(token::fetch(self.transport, self.endpoint, bearer, scopes));
            let token = slot.token.get_or_init(fetch).await.clone()?;
            // One that was asked for just now is used however soon it ends: another would end as soon.
            if Instant::now() < token.renew || token.fetched >= began {
                return Ok((slot.generation, token));
            }
            self.endpoint.auth.renew(scopes, slot.generation);
        }
    }

    /// Takes an answer in; whether the request is to be sent once more, signed anew. That is no attempt.
    pub(crate) async fn answered(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        signature: &Signature,
    ) -> Result<bool, Failure> {
        let auth = &self.endpoint.auth;
        if status != StatusCode::UNAUTHORIZED {
            auth.learn(|| Standing::Open, |standing| matches!(standing, Standing::Unknown));
            self.first = None;
            return Ok(false);
        }
        if let Some(held) = &signature.token {
            // A token that is newer than the request was refused as it is: another would be no better.
            if self.was_renewed || held.fetched >= self.began {
                return Ok(false);
            }
            self.was_renewed = true;
            auth.renew(&held.scopes, held.generation);
            return Ok(true);
        }
        if signature.header.is_some() || self.was_challenged {
            return Ok(false);
        }
        self.was_challenged = true;
        let standing = self.standing_of(headers);
        auth.learn(|| standing, |standing| matches!(standing, Standing::Unknown | Standing::Open));
        self.first = None;
        let standing = lock(&auth.standing).clone();
        match standing {
            Standing::Unknown | Standing::Open => {
                let kind = ErrorKind::NotARegistry("asks for credentials and does not say how to send them".into());
                Err(Failure { status: Some(status.as_u16()), ..Failure::of(kind) })
            }
            Standing::Bearer(_) => Ok(true),
            Standing::Basic => {
                let found = self.transport.credentials.find(&self.endpoint.host, "");
                let credential = self.endpoint.gate.unless_ended(found).await??;
                Ok(credential.is_some_and(|credential| matches!(credential.login, Login::Basic { .. })))
            }
        }
    }

    /// What the challenges of an answer ask for: a token, rather than the password with every request.
    fn standing_of(&self, headers: &HeaderMap) -> Standing {
        let challenges = Challenge::all(headers);
        let bearer = challenges.iter().filter(|challenge| challenge.scheme == "bearer").find_map(|challenge| {
            let realm = self.endpoint.base.join(challenge.parameters.get("realm")?).ok()?;
            let is_web = matches!(realm.scheme(), "http" | "https");
            let service = challenge.parameters.get("service").cloned();
            is_web.then(|| Standing::Bearer(Arc::new(Bearer { realm, service })))
        });
        let basic = || challenges.iter().any(|challenge| challenge.scheme == "basic").then_some(Standing::Basic);
        bearer.or_else(basic).unwrap_or(Standing::Open)
    }
}

impl Auth {
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

    fn slot(&self, scopes: &Scopes) -> Arc<Slot> {
        let mut tokens = lock(&self.tokens);
        let new = || Arc::new(Slot { generation: 0, token: OnceCell::new() });
        Arc::clone(tokens.entry(scopes.clone()).or_insert_with(new))
    }

    /// Drops the token of `generation`, unless another has taken its place meanwhile.
    fn renew(&self, scopes: &Scopes, generation: u64) {
        if let Some(slot) = lock(&self.tokens).get_mut(scopes)
            && slot.generation == generation
        {
            *slot = Arc::new(Slot { generation: generation + 1, token: OnceCell::new() });
        }
    }
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
