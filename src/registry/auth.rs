//! [`AuthClient`]: requests to registries, signed as each registry requires. It decides what a request carries, sends it
//! by the transport, looks at the answer, and sends it again where it has to be signed anew.
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
//! | [`ladder`] | which credentials it carries next |
//! | [`state`] | what is known of one registry, and its tokens |
//! | [`scheme`] | how a registry authenticates requests, and where its tokens are |
//! | [`challenge`] | what `WWW-Authenticate` says |
//! | [`scopes`] | rights, as a token names them |
//! | [`identity`] | who we are, and how often a login is tried |
//! | [`cached_token`] | a token that is renewed, and which repositories share one |
//! | [`token`] | asking for it |
//! | [`memory`] | what refusals taught |

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
use super::transport::answer::Answer;
use super::transport::attempts::Attempts;
use super::transport::{Endpoint, OnStop, Peer, Request, Transport};

use cached_token::CachedToken;
use ladder::Step;
use state::AuthState;

pub(crate) use asking::Asking;
pub(crate) use scopes::{Right, Scopes};

mod asking;
mod cached_token;
pub(super) mod challenge;
mod identity;
mod ladder;
mod memory;
mod scheme;
mod scopes;
mod state;
mod token;

/// Sends requests to registries, signed as each registry requires.
pub(crate) struct AuthClient {
    pub(crate) transport: Transport,
    credentials: Credentials,
    /// What will be asked.
    access: Arc<Access>,
    states: Mutex<HashMap<Host, Arc<AuthState>>>,
}

/// How a request is signed.
#[derive(Clone, Default)]
pub(crate) struct Signature {
    pub(crate) authorization: Authorization,
    /// What the request needs.
    need: Scopes,
    token: Option<Held>,
    /// Which credentials it carries.
    step: Step,
}

/// Which token a request carried.
#[derive(Clone)]
struct Held {
    cached: Arc<CachedToken>,
    generation: u64,
    fetched: Instant,
    /// From then on it may have ended.
    renew: Instant,
}

impl AuthClient {
    pub(crate) fn new(transport: Transport, credentials: Credentials, access: Arc<Access>) -> Self {
        Self { transport, credentials, access, states: Mutex::default() }
    }

    /// Sends `request`, which needs the rights `need`, until there is an answer that stands; what it says is for the
    /// caller to judge.
    pub(crate) async fn send(&self, endpoint: &Endpoint, request: &Request, need: &Scopes) -> Result<Answer, Failure> {
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
            // It may have been done: the caller must be told of that and not of the stop.
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
    ) -> Result<Answer, Failure> {
        let mut asking = Asking::begin(self, endpoint).await?;
        loop {
            // The token before the permit: its server may be the very host whose permits are all taken.
            let signature = asking.sign(&request.url, need).await?;
            let class = RequestClass::of(&request.method);
            let to = Peer { gate: &endpoint.gate, counters: &endpoint.counters, class };
            let answer = self.transport.deliver(request, &signature.authorization, to, attempts).await?;
            if !asking.answered(answer.status, &answer.headers, &signature).await? {
                return Ok(answer);
            }
            attempts.signed_anew();
        }
    }

    /// What is known of the registry `host`.
    fn state(&self, host: &Host) -> Arc<AuthState> {
        let mut states = lock(&self.states);
        let state = states.entry(host.clone());
        Arc::clone(state.or_insert_with(|| Arc::new(AuthState::new(&self.access, host))))
    }
}

impl Signature {
    /// None, of a request that needs this.
    fn none(need: &Scopes) -> Self {
        Self { need: need.clone(), ..Self::default() }
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
