//! [`Transport`]: sends requests to registries. Applies rate limits, retries and size limits. The credentials of a
//! request are passed in: see [`super::auth`].
//!
//! | file | holds |
//! |---|---|
//! | [`wire`] | sends one request and follows its redirects |
//! | [`attempts`] | how often a request is sent, and the delays in between |
//! | [`response`] | the answer to a request, and the failure that it describes |
//! | [`destination`] | where a registry may direct requests to |
//! | [`retry_after`] | how long a host asks to wait |

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, Url};
use tokio::sync::Semaphore;

use crate::oci::{Digest, Host, MediaType};

use super::authorization::Authorization;
use super::counters::{Counters, RequestPurpose};
use super::error::{ErrorKind, Failure, HostHistory, NoAnswer, Proxy};
use super::gate::{Gate, Limits, RequestClass, RunState};
use super::lock::lock;
use super::tls::Clients;
use super::{HostOptions, Stats, tls};

use attempts::{Attempts, Repeat};
use response::{HttpResponse, classify};
use wire::{Follow, Outgoing, ROOM, TransferError, UrlSource, Wire};

pub(crate) mod attempts;
pub(crate) mod destination;
pub(crate) mod response;
pub(super) mod retry_after;
pub(crate) mod wire;

/// The maximum number of bytes that are read from the body of an error.
const ERROR_BODY: usize = 64 << 10;

/// Sends the requests of a run to all of its registries.
pub(crate) struct Transport {
    pub(crate) run: Arc<RunState>,
    pub(crate) wire: Wire,
    /// The room for large bodies, in KiB. Otherwise 64 of them could be in memory at once.
    room: Arc<Semaphore>,
    /// The options of hosts.
    hosts: BTreeMap<Host, HostOptions>,
    endpoints: Mutex<HashMap<Host, Arc<Endpoint>>>,
    /// The gates, by origin. If a token server is the registry itself, both share a gate and are paused together.
    gates: Mutex<HashMap<String, Arc<Gate>>>,
}

/// One registry.
pub(crate) struct Endpoint {
    pub(crate) host: Host,
    /// `https://ghcr.io/`
    pub(crate) base: Url,
    pub(crate) gate: Arc<Gate>,
    pub(crate) counters: Counters,
    /// Whether an answer was that of a registry.
    has_answered_as_registry: AtomicBool,
}

/// A request that has a small answer and can be sent again.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) url_source: UrlSource,
    pub(crate) headers: HeaderMap,
    /// `None` for a request without a body. With an empty body, `Content-Length: 0` is sent.
    pub(crate) body: Option<Bytes>,
    /// The maximum number of bytes in the body of a successful answer. `None` if the body is not used.
    pub(crate) limit: Option<u64>,
    /// The digest that a successful answer must have. An answer with another digest is a fault, like an answer that is
    /// cut off.
    pub(crate) expected: Expected,
    pub(crate) repeat: Repeat,
    pub(crate) on_stop: OnStop,
    pub(crate) follow: Follow,
    pub(crate) purpose: RequestPurpose,
}

/// The digest that the body of an answer must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Not known, or not checked.
    Unknown,
    /// This digest.
    Digest(Digest),
    /// The digest in the `Docker-Content-Digest` header of the answer, if there is one.
    Named,
}

/// What happens to a request in flight when the run is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnStop {
    /// The request is dropped. This has no visible effect.
    Cut,
    /// The request is awaited, because it must be known whether a tag was moved.
    Await,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        let Outgoing { url_source, follow, purpose, headers, .. } = Outgoing::new(method.clone(), url.clone());
        Self {
            method,
            url,
            url_source,
            headers,
            body: None,
            limit: None,
            expected: Expected::Unknown,
            repeat: Repeat::AsUsual,
            on_stop: OnStop::Cut,
            follow,
            purpose,
        }
    }

    /// Changes the URL to one from an answer.
    pub(crate) fn continue_at(&mut self, url: Url) {
        (self.url, self.url_source) = (url, UrlSource::Received);
    }
}

impl Transport {
    pub(crate) fn new(
        run: Arc<RunState>,
        hosts: BTreeMap<Host, HostOptions>,
        certificates: Vec<PathBuf>,
    ) -> Result<Self, Failure> {
        let (endpoints, gates) = Default::default();
        let wire = Wire::new(Clients::new(&hosts, certificates)?, Arc::clone(&run));
        let room = Arc::new(Semaphore::new(ROOM as usize));
        Ok(Self { run, wire, room, hosts, endpoints, gates })
    }

    /// Returns the registry `host`. HTTPS is used, except on this machine or if the options ask for plain HTTP.
    pub(crate) fn endpoint(&self, host: &Host) -> Result<Arc<Endpoint>, Failure> {
        if let Some(endpoint) = lock(&self.endpoints).get(host) {
            return Ok(Arc::clone(endpoint));
        }
        let base = self.base(host)?;
        let gate = self.gate(&base, host.as_str());
        if let Some(options) = self.hosts.get(host) {
            gate.keep_to(Limits::from(options));
        }
        let (counters, has_answered_as_registry) = Default::default();
        let endpoint = Endpoint { host: host.clone(), base, gate, counters, has_answered_as_registry };
        Ok(Arc::clone(lock(&self.endpoints).entry(host.clone()).or_insert_with(|| Arc::new(endpoint))))
    }

    /// `https://ghcr.io/`
    fn base(&self, host: &Host) -> Result<Url, Failure> {
        let options = self.hosts.get(host).cloned().unwrap_or_default();
        let scheme = if self.wire.clients.speaks_tls(host, &options) { "https" } else { "http" };
        let address = tls::address(host);
        Url::parse(&format!("{scheme}://{address}/")).map_err(|_| {
            Failure::of(ErrorKind::Unreachable(NoAnswer::not_connected(format!("{address} is not a valid address"))))
        })
    }

    /// Returns the proxy between mlist and `host`, if there is one, and what the host's answers so far show.
    pub(crate) fn surroundings(&self, host: &Host) -> (Option<Proxy>, HostHistory) {
        let endpoint = self.endpoint(host);
        endpoint.map(|endpoint| (tls::proxy::between(&endpoint.base), endpoint.history())).unwrap_or_default()
    }

    /// Returns the gate of the server at `url`. `name` is the server's name in notices.
    pub(crate) fn gate(&self, url: &Url, name: &str) -> Arc<Gate> {
        let mut gates = lock(&self.gates);
        let gate = gates.entry(url.origin().ascii_serialization());
        Arc::clone(gate.or_insert_with(|| Arc::new(Gate::new(name, Arc::clone(&self.run)))))
    }

    /// Returns the statistics of each registry so far.
    pub(crate) fn stats(&self) -> Stats {
        lock(&self.endpoints).iter().map(|(host, it)| (host.to_string(), it.counters.stats())).collect()
    }

    /// Sends `request` until there is a final answer. The caller decides what the answer means.
    pub(crate) async fn deliver(
        &self,
        request: &Request,
        authorization: &Authorization,
        to: Peer<'_>,
        attempts: &mut Attempts,
    ) -> Result<HttpResponse, Failure> {
        attempts.make(to, request.on_stop, || self.attempt(request, authorization, to)).await
    }

    async fn attempt(
        &self,
        request: &Request,
        authorization: &Authorization,
        to: Peer<'_>,
    ) -> Result<HttpResponse, TransferError> {
        let mut out = Outgoing::new(request.method.clone(), request.url.clone());
        out.headers.clone_from(&request.headers);
        out.body = request.body.clone().map(Into::into);
        out.authorization.clone_from(&authorization.header);
        (out.url_source, out.follow, out.purpose) = (request.url_source, request.follow, request.purpose);
        let response = self.wire.exchange(out, to.counters).await?;
        to.gate.answered(to.class, classify(response.status(), response.headers()));
        let limit = request.limit.map(|limit| BodyLimit { limit, room: &self.room });
        let answer = read(response, limit, authorization).await?;
        match request.expected.digest(&answer) {
            Some(expected) if answer.status == 200 => match verify(&expected, &answer) {
                Ok(()) => Ok(answer),
                Err(failure) => Err(TransferError::Fault(failure)),
            },
            _ => Ok(answer),
        }
    }
}

impl Expected {
    fn digest(&self, answer: &HttpResponse) -> Option<Digest> {
        // The digest of a signed schema 1 manifest covers only a part of its body.
        let is_signed = || answer.header("content-type").map(MediaType::parse).is_some_and(|it| it.is_schema1());
        match self {
            Self::Unknown => None,
            Self::Digest(digest) => Some(digest.clone()),
            Self::Named => answer.digest().filter(|_| !is_signed()),
        }
    }
}

/// The host that a request is sent to, and the kind of the request.
#[derive(Clone, Copy)]
pub(crate) struct Peer<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) counters: &'a Counters,
    pub(crate) class: RequestClass,
}

/// The maximum number of bytes of a body, and the room for large bodies.
#[derive(Clone, Copy)]
pub(crate) struct BodyLimit<'a> {
    limit: u64,
    room: &'a Arc<Semaphore>,
}

/// Reads an answer. If `limit` is set, the body of a successful answer is read completely. Otherwise only the beginning
/// of the body is read.
pub(crate) async fn read(
    mut response: Response,
    limit: Option<BodyLimit<'_>>,
    authorization: &Authorization,
) -> Result<HttpResponse, TransferError> {
    let (body, room) = match limit {
        Some(BodyLimit { limit, room }) if response.status().is_success() => {
            wire::refuse_encoding(response.headers()).map_err(TransferError::Final)?;
            wire::read_whole(&mut response, limit, room).await?
        }
        // An encoded body cannot be shown as text. The status is usually enough.
        _ if wire::refuse_encoding(response.headers()).is_err() => (Bytes::new(), None),
        _ => {
            let said = wire::read_some(&mut response, ERROR_BODY).await;
            // The body is shown to the user, and the log of a run must not contain credentials.
            (if authorization.is_repeated_in(&said) { Bytes::new() } else { said }, None)
        }
    };
    Ok(HttpResponse {
        status: response.status(),
        headers: response.headers().clone(),
        body,
        signed: authorization.signed.clone(),
        attempts: 1,
        room,
    })
}

fn verify(expected: &Digest, answer: &HttpResponse) -> Result<(), Failure> {
    let mut verifier = expected.verifier();
    verifier.update(&answer.body);
    verifier.finish().map_err(|actual| {
        let kind = ErrorKind::WrongDigest { expected: expected.clone(), actual };
        Failure { kind, code: None, message: None, ..answer.failure() }
    })
}

impl Endpoint {
    /// Whether the registry is on this machine and is used over plain HTTP.
    pub(crate) fn is_plain_and_local(&self) -> bool {
        self.base.scheme() == "http" && tls::is_loopback(&self.base)
    }

    /// Returns the URL of `path` below `/v2/`.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Failure> {
        let url = self.base.join(&format!("v2/{path}"));
        url.map_err(|_| Failure::of(ErrorKind::NotARegistry(format!("{path} is not a valid path"))))
    }

    /// Records what an answer shows about the host.
    pub(crate) fn learn_from(&self, answer: &HttpResponse) {
        if answer.is_of_registry() {
            self.has_answered_as_registry.store(true, Ordering::Relaxed);
        }
    }

    /// Returns what the answers so far show about the host.
    pub(crate) fn history(&self) -> HostHistory {
        if self.has_answered_as_registry.load(Ordering::Relaxed) { HostHistory::Registry } else { HostHistory::Unknown }
    }

    /// Whether `url` belongs to this registry, so that its credentials may be sent there.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }
}

#[cfg(test)]
mod tests;
