//! [`RequestAuth`]: the authentication of one request.
//!
//! The first request carries nothing and is challenged once. After that, [`super::ladder`] chooses what the request
//! carries, and this module carries out the step: it fetches tokens, renews a token that may have expired, and records
//! refusals. The number of steps and of renewals is limited, so the process ends.

use std::collections::HashMap;
use std::sync::Arc;

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode, Url};
use secrecy::ExposeSecret;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::registry::authorization::{Authorization, Signed};
use crate::registry::credentials::source::AskedAs;
use crate::registry::credentials::{Credential, Login};
use crate::registry::error::{ErrorKind, Failure};
use crate::registry::gate::RequestClass;
use crate::registry::transport::attempts::{Attempts, Repeat};
use crate::registry::transport::{Endpoint, Peer, Request};

use super::cached_token::{CachedToken, SharedTokens, TokenGroup};
use super::challenge;
use super::identity::Identity;
use super::ladder::{AuthStep, CredentialsTried, Known, SharedTried, Tried, may_go_without};
use super::memory::{Sharing, Without};
use super::scheme::{AuthScheme, Bearer, ChallengeOutcome};
use super::state::AuthState;
use super::token::{self, Token};
use super::{AuthClient, Held, Scopes, Signature, basic, sensitive};

/// The authentication of one request, until its final answer.
pub(crate) struct RequestAuth<'a> {
    client: &'a AuthClient,
    endpoint: &'a Endpoint,
    state: Arc<AuthState>,
    began: Instant,
    /// Held by the first request to a host until its answer shows how the registry authenticates requests. The other
    /// requests wait for it.
    first: Option<OwnedMutexGuard<bool>>,
    was_challenged: bool,
    /// How often its token was renewed.
    renewals: u32,
    tried: Tried,
}

/// The maximum number of times that the token of a request is renewed because it expired while the request waited.
const RENEWALS: u32 = 8;

/// A token, and the cache entry it belongs to.
type GrantedToken = (Token, Held);

impl<'a> RequestAuth<'a> {
    pub(crate) async fn begin(client: &'a AuthClient, endpoint: &'a Endpoint) -> Result<Self, Failure> {
        let state = client.state(&endpoint.host);
        let mut first = None;
        if matches!(state.scheme(), AuthScheme::Unknown) && first_goes_alone(client, endpoint) {
            let mut went = endpoint.gate.unless_ended(Arc::clone(&state.first).lock_owned()).await?;
            if !std::mem::replace(&mut *went, true) {
                first = Some(went);
            }
        }
        let (was_challenged, renewals, tried) = Default::default();
        Ok(Self { client, endpoint, state, began: Instant::now(), first, was_challenged, renewals, tried })
    }

    /// Returns how a request to `url` that needs `need` is signed now. A request to another host carries nothing.
    pub(crate) async fn sign(&self, url: &Url, need: &Scopes) -> Result<Signature, Failure> {
        if !self.endpoint.owns(url) {
            return Ok(Signature::default());
        }
        self.endpoint.gate.unless_ended(self.signature(need)).await?
    }

    /// Goes through the steps of the ladder until one yields a signature.
    async fn signature(&self, need: &Scopes) -> Result<Signature, Failure> {
        let scheme = self.scheme().await?;
        // No credential helper is run for a registry that does not require authentication.
        let credential = if scheme.requires_credentials() { self.credential(need).await? } else { None };
        let identity = self.state.identities.of(credential);
        let login = identity.credential.as_ref().map(|credential| &credential.login);
        let known = Known { scheme: &scheme, login, need, memory: &self.state.memory };
        let (mut tried, mut refusal) = (self.tried, None);
        loop {
            let step = known.next_step(tried);
            let bearer = match (step, &scheme) {
                (AuthStep::GiveUp, _) => return Err(self.given_up(refusal, need)),
                (AuthStep::Login, _) => return self.by_login(&identity, need),
                (_, AuthScheme::Bearer(bearer)) => bearer,
                _ => return Ok(Signature { step, ..Signature::none(need) }),
            };
            let Some(cached) = self.cached_token(step, &identity, need).await else {
                tried.shared = SharedTried::Missing;
                continue;
            };
            let failure = match self.token(bearer, cached).await {
                Ok(granted) => {
                    if step == AuthStep::OwnToken && tried.shared == SharedTried::Refused {
                        // The token server refused the shared token and grants the own token. Assume the same for all
                        // other groups.
                        self.state.memory.narrow(Sharing::Pairs);
                    }
                    return Ok(self.carrying(granted, need, step));
                }
                Err(failure) => failure,
            };
            self.remember(step, tried, &failure, need);
            let Some(next) = tried.after(step, &failure) else { return Err(failure) };
            tried = next;
            if step != AuthStep::WithoutCredentials {
                // Report the token server's refusal of the credentials, not its refusal of an anonymous request.
                refusal = Some(failure);
            }
        }
    }

    /// Returns the token that a request carries at `step`. `None` if `step` uses the shared token and the repository is
    /// in no group.
    async fn cached_token(&self, step: AuthStep, identity: &Arc<Identity>, need: &Scopes) -> Option<Arc<CachedToken>> {
        match step {
            AuthStep::SharedToken => self.shared().await.choose(identity, need),
            AuthStep::OwnToken => Some(self.state.own(identity, need)),
            _ => Some(self.state.own(&self.state.identities.of(None), need)),
        }
    }

    /// Records for later requests that the token server failed at `step`.
    fn remember(&self, step: AuthStep, tried: Tried, failure: &Failure, need: &Scopes) {
        let memory = &self.state.memory;
        match step {
            AuthStep::OwnToken
                if need.len() > 1 && tried.shared != SharedTried::Refused && token::refuses_several(failure) =>
            {
                memory.set_denied(need);
            }
            AuthStep::Anonymous | AuthStep::WithoutCredentials if token::is_refusal(failure) => {
                memory.set_without(need.path(), Without::Refused);
            }
            _ => {}
        }
    }

    /// Returns the failure of a request that has nothing left to try. It is the token server's refusal of the
    /// credentials, if the token server was asked.
    fn given_up(&self, refusal: Option<Failure>, need: &Scopes) -> Failure {
        let is_refused_without = self.is_refused_without(need);
        let refusal = refusal.unwrap_or_else(|| Failure::of(ErrorKind::Denied));
        refusal.with_access(|access| access.is_refused_without = is_refused_without)
    }

    /// Returns the authentication scheme of the registry. Queries its base (`/v2/`) if another answer did not state the
    /// scheme.
    async fn scheme(&self) -> Result<AuthScheme, Failure> {
        let state = &self.state;
        let scheme = state.scheme();
        if !matches!(scheme, AuthScheme::Mute) {
            return Ok(scheme);
        }
        // Boxed, because it is large and rarely needed. Otherwise every request would reserve memory for it.
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

    async fn shared(&self) -> &SharedTokens {
        let (state, host) = (&self.state, &self.endpoint.host);
        let make = async || {
            let mut known: HashMap<&str, Arc<Identity>> = HashMap::new();
            for path in state.groups.iter().flat_map(TokenGroup::paths) {
                // If the credentials cannot be read, this is reported when the repository itself is requested.
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

    async fn token(&self, bearer: &Bearer, cached: Arc<CachedToken>) -> Result<GrantedToken, Failure> {
        let began = Instant::now();
        loop {
            let slot = cached.slot();
            let fetch = || {
                let fetched = token::fetch(&self.client.transport, self.endpoint, bearer, &cached);
                Box::pin(cached.identity.ask(cached.scopes.len(), fetched))
            };
            let token = slot.token.get_or_init(fetch).await.clone()?;
            // A token that was fetched just now is used even if it expires soon: another would expire just as soon.
            if Instant::now() < token.renew || token.fetched >= began {
                let held = Held { generation: slot.generation, fetched: token.fetched, renew: token.renew, cached };
                return Ok((token, held));
            }
            cached.renew(slot.generation);
        }
    }

    fn carrying(&self, (token, held): GrantedToken, need: &Scopes, step: AuthStep) -> Signature {
        let is_refused_without = token.credentials.source().is_some() && self.is_refused_without(need);
        let signed = Signed { credentials: token.credentials, by_token: true, is_refused_without };
        let authorization = Authorization { header: Some(token.header), signed, exchanged: None };
        Signature { authorization, need: need.clone(), token: Some(held), step }
    }

    /// Signs with the user's password or registry token, sent unchanged.
    fn by_login(&self, identity: &Identity, need: &Scopes) -> Result<Signature, Failure> {
        let (header, source) = match &identity.credential {
            Some(Credential { login: Login::Basic { user, password }, source }) => (basic(user, password)?, source),
            Some(Credential { login: Login::Bearer(token), source }) => {
                (sensitive(&format!("Bearer {}", token.expose_secret()))?, source)
            }
            // An identity token is sent only to the token server.
            Some(Credential { login: Login::Identity(_), .. }) | None => return Ok(Signature::none(need)),
        };
        self.endpoint.counters.credentials(source);
        let is_refused_without = self.is_refused_without(need);
        let signed = Signed { credentials: AskedAs::With(Arc::clone(source)), by_token: false, is_refused_without };
        let authorization = Authorization { header: Some(header), signed, exchanged: None };
        Ok(Signature { authorization, step: AuthStep::Login, ..Signature::none(need) })
    }

    /// Processes an answer. Returns whether the request is to be sent again with a new signature. That does not count
    /// as an attempt.
    pub(crate) async fn answered(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        signature: &Signature,
    ) -> Result<bool, Failure> {
        let state = Arc::clone(&self.state);
        if signature.step == AuthStep::WithoutCredentials {
            return Ok(self.went_without(status, signature));
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
                // The shared token does not work for this repository, but its own token does. Assume the same for all
                // other repositories.
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

    /// Handles a 401 to a request that carried a token. Returns whether the request is sent again, with another token
    /// or without credentials.
    fn token_refused(&mut self, held: &Held, headers: &HeaderMap, signature: &Signature) -> bool {
        let (memory, need) = (&self.state.memory, &signature.need);
        if !challenge::bearer_error_is(headers, "insufficient_scope")
            && self.may_have_ended(held, headers, memory.is_denied(need))
        {
            self.renewals += 1;
            held.cached.renew(held.generation);
            return true;
        }
        // Requesting the same rights again would have the same result, so only a shared token is replaced, by one for
        // `need`.
        if held.cached.scopes != *need {
            memory.set_alone(need);
            self.renewals = 0;
            return true;
        }
        memory.set_denied(need);
        self.tries_without(signature)
    }

    /// Whether a refused token may have been valid when it was issued, so that a new one may work.
    fn may_have_ended(&self, held: &Held, headers: &HeaderMap, is_denied: bool) -> bool {
        // The token expired because the request waited too long: for its turn, during a pause or for another attempt.
        if Instant::now() >= held.renew {
            return self.renewals < RENEWALS;
        }
        // A token fetched since the request began was not refused for its age, so another would be refused too, unless
        // the registry says that the token is invalid.
        let is_new = held.fetched >= self.began && !challenge::bearer_error_is(headers, "invalid_token");
        self.renewals == 0 && !is_new && !is_denied
    }

    /// Processes the answer to a request without credentials. Returns whether it is sent again with them. Only a
    /// success counts, because a registry may answer "not found" to a client that may not read the repository.
    fn went_without(&mut self, status: StatusCode, signature: &Signature) -> bool {
        self.tried.without = true;
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

    /// Whether the request is sent again without credentials, now that the registry has refused those it carried.
    fn tries_without(&mut self, signature: &Signature) -> bool {
        let had_credentials = signature.authorization.signed.credentials.source().is_some();
        let goes_without = had_credentials && may_go_without(&signature.need, &self.state.memory, self.tried);
        if goes_without {
            self.tried.credentials = CredentialsTried::RefusedByRegistry;
        }
        goes_without
    }

    fn is_refused_without(&self, need: &Scopes) -> bool {
        need.only_read().is_some_and(|path| self.state.memory.without(path) == Some(Without::Refused))
    }
}

/// Whether the first request must be sent alone. Over TLS, it shows which HTTP protocol the host uses. With
/// credentials, it shows how they must be sent. In other cases, waiting for it would only cost a round trip.
fn first_goes_alone(client: &AuthClient, endpoint: &Endpoint) -> bool {
    !endpoint.is_plain_and_local() || client.credentials.may_know(&endpoint.host)
}
