//! [`Asking`]: one request's way through authentication.
//!
//! It is asked without anything, challenged once, and signed with the token of its group. That is renewed if it may have
//! ended; where it is of no use, one of its own is taken; and where that is of none either, it goes
//! without credentials, if it only reads. Only refusals lead from one to the next, each at most once: so it ends.

use std::collections::HashMap;
use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode, Url};
use secrecy::ExposeSecret;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::registry::authorization::{Authorization, Signed};
use crate::registry::credentials::source::{AskedAs, Source};
use crate::registry::credentials::{Credential, Login};
use crate::registry::error::{ErrorKind, Failure};
use crate::registry::gate::RequestClass;
use crate::registry::transport::attempts::{Attempts, Repeat};
use crate::registry::transport::{Endpoint, Peer, Request};

use super::cached_token::{CachedToken, Group, SharedTokens};
use super::challenge::Challenge;
use super::identity::Identity;
use super::memory::{Sharing, Without};
use super::scheme::{AuthScheme, Bearer, ChallengeOutcome};
use super::state::AuthState;
use super::token::{self, Token};
use super::{AuthClient, Held, Scopes, Signature, basic, sensitive};

/// One request, from its first signature to the answer that stands.
pub(crate) struct Asking<'a> {
    client: &'a AuthClient,
    endpoint: &'a Endpoint,
    state: Arc<AuthState>,
    began: Instant,
    /// Held by the first request to a host until its answer shows how to ask; the others wait for that.
    first: Option<OwnedMutexGuard<bool>>,
    was_challenged: bool,
    /// How often its token was renewed.
    renewals: u32,
    trial: Trial,
}

/// Whether it goes without our credentials, to see if it is they that are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    NotYet,
    Now,
    Over,
}

/// So often is the token of a request renewed that ends while the request waits.
const RENEWALS: u32 = 8;

/// A token, and what it is a token of.
type Granted = (Token, Held);

impl<'a> Asking<'a> {
    pub(crate) async fn begin(client: &'a AuthClient, endpoint: &'a Endpoint) -> Result<Self, Failure> {
        let state = client.state(&endpoint.host);
        let mut first = None;
        if matches!(state.scheme(), AuthScheme::Unknown) && first_goes_alone(client, endpoint) {
            let mut went = endpoint.gate.unless_ended(Arc::clone(&state.first).lock_owned()).await?;
            if !std::mem::replace(&mut *went, true) {
                first = Some(went);
            }
        }
        let (was_challenged, renewals, trial) = (false, 0, Trial::NotYet);
        Ok(Self { client, endpoint, state, began: Instant::now(), first, was_challenged, renewals, trial })
    }

    /// How a request to `url` that needs `need` is signed now; one to another host carries nothing.
    pub(crate) async fn sign(&self, url: &Url, need: &Scopes) -> Result<Signature, Failure> {
        if !self.endpoint.owns(url) {
            return Ok(Signature::default());
        }
        self.endpoint.gate.unless_ended(self.signature(need)).await?
    }

    async fn signature(&self, need: &Scopes) -> Result<Signature, Failure> {
        match self.scheme().await? {
            AuthScheme::Unknown | AuthScheme::Open | AuthScheme::Mute => Ok(Signature::none(need)),
            AuthScheme::Basic => self.by_password(need).await,
            AuthScheme::Bearer(bearer) => self.by_token(&bearer, need).await,
        }
    }

    /// What the registry wants; its base is asked where another answer did not say.
    async fn scheme(&self) -> Result<AuthScheme, Failure> {
        let state = &self.state;
        let scheme = state.scheme();
        if !matches!(scheme, AuthScheme::Mute) {
            return Ok(scheme);
        }
        // Boxed, as it is large and rare: every request would carry room for it.
        let said = state.base.get_or_try_init(|| Box::pin(self.ask_base())).await?;
        state.learn(|| said.clone().unwrap_or(AuthScheme::Open), |scheme| matches!(scheme, AuthScheme::Mute));
        match said {
            None if self.was_challenged => Err(ChallengeOutcome::NoChallenge.failure(401)),
            _ => Ok(state.scheme()),
        }
    }

    async fn ask_base(&self) -> Result<Option<AuthScheme>, Failure> {
        let endpoint = self.endpoint;
        let request = Request::new(Method::GET, endpoint.url("")?);
        let to = Peer { gate: &endpoint.gate, counters: &endpoint.counters, class: RequestClass::Read };
        let mut attempts = Attempts::new(Repeat::AsUsual);
        let answer = self.client.transport.deliver(&request, &Authorization::default(), to, &mut attempts).await?;
        match ChallengeOutcome::from_headers(&answer.headers, &endpoint.base) {
            ChallengeOutcome::Scheme(scheme) if answer.status == StatusCode::UNAUTHORIZED => Ok(Some(scheme)),
            _ => Ok(None),
        }
    }

    async fn credential(&self, need: &Scopes) -> Result<Option<Credential>, Failure> {
        self.client.credentials.find(&self.endpoint.host, need.path()).await
    }

    async fn by_password(&self, need: &Scopes) -> Result<Signature, Failure> {
        let none = Signature::none(need);
        let Some(Credential { login: Login::Basic { user, password }, source }) = self.credential(need).await? else {
            return Ok(none);
        };
        match self.goes_without(need) {
            Some(is_trial) => Ok(Signature { is_trial, ..none }),
            None => Ok(self.by_credentials(basic(&user, &password)?, source, need)),
        }
    }

    async fn by_token(&self, bearer: &Bearer, need: &Scopes) -> Result<Signature, Failure> {
        let identity = self.state.identities.of(self.credential(need).await?);
        let Some(credential) = &identity.credential else {
            let granted = self.granted(bearer, &identity, need).await?;
            return Ok(self.carrying(granted, need, false));
        };
        if let Some(is_trial) = self.goes_without(need) {
            match self.granted_to_nobody(bearer, need).await {
                Ok(granted) => return Ok(self.carrying(granted, need, is_trial)),
                // Back to the credentials: it is their refusal that has to be told.
                Err(refusal) if is_trial && is_refusal(&refusal) => {}
                Err(failure) => return Err(failure),
            }
        }
        if let Login::Bearer(token) = &credential.login {
            let header = sensitive(&format!("Bearer {}", token.expose_secret()))?;
            return Ok(self.by_credentials(header, Arc::clone(&credential.source), need));
        }
        match self.granted(bearer, &identity, need).await {
            Ok(granted) => Ok(self.carrying(granted, need, false)),
            Err(refusal) if is_refusal(&refusal) => {
                if self.may_go_without(need)
                    && let Ok(granted) = self.granted_to_nobody(bearer, need).await
                {
                    return Ok(self.carrying(granted, need, true));
                }
                let is_refused_without = self.is_refused_without(need);
                Err(refusal.with_access(|access| access.is_refused_without = is_refused_without))
            }
            Err(failure) => Err(failure),
        }
    }

    /// A token for `need`: that of its group, else one of its own.
    async fn granted(&self, bearer: &Bearer, identity: &Arc<Identity>, need: &Scopes) -> Result<Granted, Failure> {
        let memory = &self.state.memory;
        let (sharing, is_mount) = (memory.sharing(), need.len() > 1);
        if is_mount && (sharing == Sharing::Alone || memory.is_denied(need)) {
            return Err(Failure::of(ErrorKind::Denied));
        }
        let own = self.state.own(identity, need);
        if sharing == Sharing::Groups
            && !memory.goes_alone(need)
            && let Some(shared) = self.shared().await.choose(identity, need)
        {
            match self.token(bearer, shared).await {
                Err(failure) if refuses_several(&failure) => {
                    let granted = self.token(bearer, own).await?;
                    // What is refused together is granted alone: and so it would be with all others.
                    memory.narrow(Sharing::Pairs);
                    return Ok(granted);
                }
                shared => return shared,
            }
        }
        let granted = self.token(bearer, own).await;
        if is_mount && granted.as_ref().is_err_and(refuses_several) {
            memory.set_denied(need);
        }
        granted
    }

    /// A token to read as nobody; that there is none is remembered.
    async fn granted_to_nobody(&self, bearer: &Bearer, need: &Scopes) -> Result<Granted, Failure> {
        let state = &self.state;
        let granted = self.token(bearer, state.own(&state.identities.of(None), need)).await;
        if granted.as_ref().is_err_and(is_refusal) {
            state.memory.set_without(need.path(), Without::Refused);
        }
        granted
    }

    async fn shared(&self) -> &SharedTokens {
        let (state, host) = (&self.state, &self.endpoint.host);
        let make = async || {
            let mut known: HashMap<&str, Arc<Identity>> = HashMap::new();
            for path in state.groups.iter().flat_map(Group::paths) {
                // Where it can't be known who we are, that is told when the repository itself is asked for.
                if !known.contains_key(path)
                    && let Ok(credential) = self.client.credentials.find(host, path).await
                {
                    known.insert(path, state.identities.of(credential));
                }
            }
            SharedTokens::new(&state.groups, |path| known.get(path).cloned())
        };
        state.shared.get_or_init(|| Box::pin(make())).await
    }

    async fn token(&self, bearer: &Bearer, cached: Arc<CachedToken>) -> Result<Granted, Failure> {
        let began = Instant::now();
        loop {
            let slot = cached.slot();
            let fetch = || {
                let fetched = token::fetch(&self.client.transport, self.endpoint, bearer, &cached);
                Box::pin(cached.identity.ask(cached.scopes.len(), fetched))
            };
            let token = slot.token.get_or_init(fetch).await.clone()?;
            // One that was asked for just now is used however soon it ends: another would end as soon.
            if Instant::now() < token.renew || token.fetched >= began {
                let held = Held { generation: slot.generation, fetched: token.fetched, renew: token.renew, cached };
                return Ok((token, held));
            }
            cached.renew(slot.generation);
        }
    }

    fn carrying(&self, (token, held): Granted, need: &Scopes, is_trial: bool) -> Signature {
        let is_refused_without = token.credentials.source().is_some() && self.is_refused_without(need);
        let signed = Signed { credentials: token.credentials, by_token: true, is_refused_without };
        let authorization = Authorization { header: Some(token.header), signed, exchanged: None };
        Signature { authorization, need: need.clone(), token: Some(held), is_trial }
    }

    /// Signed with credentials themselves.
    fn by_credentials(&self, header: HeaderValue, source: Arc<Source>, need: &Scopes) -> Signature {
        self.endpoint.counters.credentials(&source);
        let is_refused_without = self.is_refused_without(need);
        let signed = Signed { credentials: AskedAs::With(source), by_token: false, is_refused_without };
        let authorization = Authorization { header: Some(header), signed, exchanged: None };
        Signature { authorization, ..Signature::none(need) }
    }

    /// Takes an answer in; whether the request is to be sent once more, signed anew. That is no attempt.
    pub(crate) async fn answered(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        signature: &Signature,
    ) -> Result<bool, Failure> {
        let state = Arc::clone(&self.state);
        if signature.is_trial {
            return Ok(self.tried(status, signature));
        }
        if status != StatusCode::UNAUTHORIZED {
            state.learn(|| AuthScheme::Open, |scheme| matches!(scheme, AuthScheme::Unknown));
            self.first = None;
            if status == StatusCode::FORBIDDEN {
                return Ok(self.tries_without(signature));
            }
            if let Some(held) = &signature.token
                && held.cached.scopes == signature.need
                && state.memory.goes_alone(&signature.need)
            {
                // The token of its group was of no use to it and its own is: so it would be with all others.
                state.memory.narrow(Sharing::Pairs);
            }
            return Ok(false);
        }
        if let Some(held) = &signature.token {
            return Ok(self.token_refused(held, headers, signature));
        }
        if signature.authorization.header.is_some() {
            return Ok(self.tries_without(signature));
        }
        if self.was_challenged {
            return Ok(false);
        }
        self.was_challenged = true;
        let outcome = ChallengeOutcome::from_headers(headers, &self.endpoint.base);
        let scheme = match &outcome {
            ChallengeOutcome::Scheme(scheme) => scheme.clone(),
            ChallengeOutcome::NoChallenge if !headers.contains_key(WWW_AUTHENTICATE) && !state.base.initialized() => {
                AuthScheme::Mute
            }
            ChallengeOutcome::NoChallenge | ChallengeOutcome::Unsupported(_) => AuthScheme::Open,
        };
        state.learn(|| scheme, |scheme| matches!(scheme, AuthScheme::Unknown | AuthScheme::Open));
        self.first = None;
        match state.scheme() {
            AuthScheme::Unknown | AuthScheme::Open => Err(outcome.failure(status.as_u16())),
            AuthScheme::Bearer(_) | AuthScheme::Mute => Ok(true),
            AuthScheme::Basic => {
                let credential = self.endpoint.gate.unless_ended(self.credential(&signature.need)).await??;
                Ok(credential.is_some_and(|credential| matches!(credential.login, Login::Basic { .. })))
            }
        }
    }

    /// 401 in spite of a token: another, or the end.
    fn token_refused(&mut self, held: &Held, headers: &HeaderMap, signature: &Signature) -> bool {
        let (memory, need) = (&self.state.memory, &signature.need);
        if !error_is(headers, "insufficient_scope") && self.may_have_ended(held, headers, memory.is_denied(need)) {
            self.renewals += 1;
            held.cached.renew(held.generation);
            return true;
        }
        // The same rights asked for once more would be granted as they were.
        if held.cached.scopes != *need {
            memory.set_alone(need);
            self.renewals = 0;
            return true;
        }
        memory.set_denied(need);
        self.tries_without(signature)
    }

    /// Whether a token that was refused was good when it was given, so that another may do.
    fn may_have_ended(&self, held: &Held, headers: &HeaderMap, is_denied: bool) -> bool {
        // It was good until the request had waited too long: for its turn, in a pause, for another attempt.
        if Instant::now() >= held.renew {
            return self.renewals < RENEWALS;
        }
        // One that is newer than the request was refused as it is, unless the registry says that it knows it not.
        let is_new = held.fetched >= self.began && !error_is(headers, "invalid_token");
        self.renewals == 0 && !is_new && !is_denied
    }

    /// What a request without our credentials showed. Whatever it is but a success, what they are answered with stands:
    /// to somebody who may not look, a registry may say that there is nothing.
    fn tried(&mut self, status: StatusCode, signature: &Signature) -> bool {
        self.trial = Trial::Over;
        let (memory, path) = (&self.state.memory, signature.need.path());
        if status.is_success() || status.is_redirection() {
            memory.set_without(path, Without::Works);
            return false;
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            memory.set_without(path, Without::Refused);
        }
        true
    }

    /// Whether the request is sent once more without credentials, now that those it carried were refused.
    fn tries_without(&mut self, signature: &Signature) -> bool {
        let is_tried =
            signature.authorization.signed.credentials.source().is_some() && self.may_go_without(&signature.need);
        if is_tried {
            self.trial = Trial::Now;
        }
        is_tried
    }

    /// Whether there may be something in it, and it was not tried yet.
    fn may_go_without(&self, need: &Scopes) -> bool {
        let is_new = |path| self.state.memory.without(path).is_none();
        self.trial == Trial::NotYet && need.only_read().is_some_and(is_new)
    }

    /// Whether credentials are left out, though there are some; if so, whether that is a trial.
    fn goes_without(&self, need: &Scopes) -> Option<bool> {
        match self.state.memory.without(need.only_read()?) {
            Some(Without::Works) => Some(false),
            Some(Without::Refused) => None,
            None => (self.trial == Trial::Now).then_some(true),
        }
    }

    fn is_refused_without(&self, need: &Scopes) -> bool {
        need.only_read().is_some_and(|path| self.state.memory.without(path) == Some(Without::Refused))
    }
}

/// Whether the first request has to go alone: over TLS it shows which protocol is spoken, and with credentials it shows
/// how they are wanted. Elsewhere that would cost a round trip for nothing.
fn first_goes_alone(client: &AuthClient, endpoint: &Endpoint) -> bool {
    !endpoint.is_plain_and_local() || client.credentials.may_know(&endpoint.host)
}

/// Whether a token server refused the one who asks, or the right.
fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.kind, ErrorKind::Unauthorized | ErrorKind::Denied)
}

/// Whether a token server may have refused because several rights were asked for at once: as malformed, as too long, or
/// because one of them can't be had; and some fail at it.
fn refuses_several(failure: &Failure) -> bool {
    matches!(failure.status, Some(400 | 401 | 403 | 413 | 414 | 431 | 500..=599))
}

/// Whether the registry says that this is why it refuses the token (RFC 6750 3.1): `insufficient_scope` where it lives
/// and lacks the right, `invalid_token` where it has ended or was never good.
fn error_is(headers: &HeaderMap, why: &str) -> bool {
    let says_so = |challenge: &Challenge| {
        challenge.scheme == "bearer" && challenge.parameters.get("error").is_some_and(|error| error == why)
    };
    Challenge::all(headers).iter().any(says_so)
}
