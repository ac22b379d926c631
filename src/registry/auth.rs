//! [`AuthClient`]: sends requests to registries with the authentication that each registry requires. It chooses what a
//! request carries, sends it through the transport, checks the answer, and sends the request again if it needs other
//! authentication.
//!
//! The scheme and the realm are taken only from answers to requests without an `Authorization` header, because Harbor
//! answers a stale token with a challenge of another scheme. The scopes are chosen by mlist and never taken from the
//! challenge.
//!
//! The repositories of a list share one token. This does not work for a repository if the token server uses only the
//! first scope, grants only some scopes or refuses them all. That repository then gets a token of its own. If the
//! credentials are refused for a request that only reads, the request is sent once more without them.
//!
//! | file | holds |
//! |---|---|
//! | [`request_auth`] | the authentication of one request |
//! | [`ladder`] | which credentials a request carries next |
//! | [`state`] | what is known about one registry, and its tokens |
//! | [`scheme`] | how a registry authenticates requests, and where its token server is |
//! | [`challenge`] | parses `WWW-Authenticate` |
//! | [`scopes`] | rights in repositories, as scopes of a token |
//! | [`identity`] | the credentials for a registry, and how often a login is tried |
//! | [`cached_token`] | a token that is renewed, and which repositories share a token |
//! | [`token`] | requests a token |
//! | [`memory`] | what earlier refusals have shown |

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::oci::Host;

use super::Access;
use super::authorization::Authorization;
use super::credentials::Credentials;
use super::error::{ErrorKind, Failure};
use super::gate::RequestClass;
use super::lock::lock;
use super::transport::attempts::Attempts;
use super::transport::response::HttpResponse;
use super::transport::{Endpoint, OnStop, Peer, Request, Transport};

use cached_token::CachedToken;
use ladder::AuthStep;
use state::AuthState;

pub(crate) use request_auth::RequestAuth;
pub(crate) use scopes::{Right, Scopes};

mod cached_token;
pub(super) mod challenge;
mod identity;
mod ladder;
mod memory;
mod request_auth;
mod scheme;
mod scopes;
mod state;
mod token;

/// Sends requests to registries with the authentication that each registry requires.
pub(crate) struct AuthClient {
    pub(crate) transport: Transport,
    credentials: Credentials,
    /// The repositories that the run uses, and its rights in them.
    access: Arc<Access>,
    states: Mutex<HashMap<Host, Arc<AuthState>>>,
}

/// How a request is signed: the authentication it carries.
#[derive(Clone, Default)]
pub(crate) struct Signature {
    pub(crate) authorization: Authorization,
    /// The rights that the request needs.
    need: Scopes,
    token: Option<Held>,
    /// The step that chose its credentials.
    step: AuthStep,
}

/// The token that a request carried.
#[derive(Clone)]
struct Held {
    cached: Arc<CachedToken>,
    generation: u64,
    fetched: Instant,
    /// From this time on, the token may have expired.
    renew: Instant,
}

impl AuthClient {
    pub(crate) fn new(transport: Transport, credentials: Credentials, access: Arc<Access>) -> Self {
        Self { transport, credentials, access, states: Mutex::default() }
    }

    /// Sends `request`, which needs the rights `need`, until there is a final answer. The caller decides what the
    /// answer means.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        need: &Scopes,
    ) -> Result<HttpResponse, Failure> {
        let mut attempts = Attempts::new(request.repeat);
        let mut sent = self.send_signed(endpoint, request, need, &mut attempts).await;
        match &mut sent {
            Ok(answer) if matches!(answer.status.as_u16(), 401 | 403) => {
                self.credentials.tell_where(&endpoint.host, &mut answer.signed.credentials);
            }
            Err(failure) if matches!(failure.kind, ErrorKind::Unauthorized | ErrorKind::Denied) => {
                self.credentials.tell_where(&endpoint.host, &mut failure.credentials);
            }
            _ => {}
        }
        match (sent, attempts.last_fault) {
            // The registry may have carried out the request, so the caller gets that failure and not the stop.
            (Err(stopped), Some(fault)) if stopped.kind == ErrorKind::Stopped && request.on_stop == OnStop::Await => {
                Err(fault)
            }
            (sent, _) => sent,
        }
    }

    async fn send_signed(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        need: &Scopes,
        attempts: &mut Attempts,
    ) -> Result<HttpResponse, Failure> {
        let mut auth = RequestAuth::begin(self, endpoint).await?;
        loop {
            // Get the token before the permit: the token server may be the same host, and all its permits may be taken.
            let signature = auth.sign(&request.url, need).await?;
            let class = RequestClass::of(&request.method);
            let to = Peer { gate: &endpoint.gate, counters: &endpoint.counters, class };
            let answer = self.transport.deliver(request, &signature.authorization, to, attempts).await?;
            endpoint.learn_from(&answer);
            if !auth.answered(answer.status, &answer.headers, &signature).await? {
                return Ok(answer);
            }
            attempts.signed_anew();
        }
    }

    /// Returns what is known about the registry `host`.
    fn state(&self, host: &Host) -> Arc<AuthState> {
        let mut states = lock(&self.states);
        let state = states.entry(host.clone());
        Arc::clone(state.or_insert_with(|| Arc::new(AuthState::new(&self.access, host))))
    }
}

impl Signature {
    /// Returns the signature of a request that needs `need` and carries nothing.
    fn none(need: &Scopes) -> Self {
        Self { need: need.clone(), ..Self::default() }
    }
}

/// Returns the header value `Basic …` (RFC 7617).
fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, Failure> {
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose_secret()))))
}

/// Returns a header value that is hidden in debug output.
fn sensitive(text: &str) -> Result<HeaderValue, Failure> {
    let unfit =
        || Failure::of(ErrorKind::NotARegistry("the token server returned a token with invalid characters".into()));
    let mut value = HeaderValue::from_str(text).map_err(|_| unfit())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
