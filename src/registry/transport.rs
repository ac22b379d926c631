//! [`Transport`]: requests to registries, held back, repeated and capped as they must be. What a request carries to say
//! who sends it is given: see [`super::auth`].
//!
//! | file | holds |
//! |---|---|
//! | [`wire`] | one request on its way |
//! | [`attempts`] | how often it is made, and when again |
//! | [`answer`] | what came back |
//! | [`destination`] | where a registry may send us |
//! | [`retry_after`] | how long a host asks to wait |

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, Url};

use crate::oci::{Digest, Host, MediaType};

use super::authorization::Authorization;
use super::counters::{Counters, Purpose};
use super::error::{ErrorKind, Failure, Proxy};
use super::gate::{Gate, Limits, RequestClass, Run};
use super::lock::lock;
use super::tls::Clients;
use super::{HostOptions, Stats, tls};

use answer::{Answer, classify};
use attempts::{Attempts, Repeat};
use wire::{Follow, Outgoing, TransferError, Wire};

pub(crate) mod answer;
pub(crate) mod attempts;
pub(crate) mod destination;
pub(super) mod retry_after;
pub(crate) mod wire;

/// What an error may say.
const ERROR_BODY: usize = 64 << 10;

/// All registries of a run.
pub(crate) struct Transport {
    pub(crate) run: Arc<Run>,
    pub(crate) wire: Wire,
    /// What was said of hosts.
    hosts: BTreeMap<Host, HostOptions>,
    endpoints: Mutex<HashMap<Host, Arc<Endpoint>>>,
    /// By origin: a token server may be the registry itself, and then it is paused with it.
    gates: Mutex<HashMap<String, Arc<Gate>>>,
}

/// One registry.
pub(crate) struct Endpoint {
    pub(crate) host: Host,
    /// `https://ghcr.io/`
    pub(crate) base: Url,
    pub(crate) gate: Arc<Gate>,
    pub(crate) counters: Counters,
}

/// A request whose answer is small, and which can be sent again.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// `None` for a request that has no body; `Content-Length: 0` is sent with an empty one.
    pub(crate) body: Option<Bytes>,
    /// How many bytes a good answer may have; none where nobody reads what it says.
    pub(crate) limit: Option<u64>,
    /// Which digest a good answer must have: one that has another is a fault, as a cut one is.
    pub(crate) expected: Expected,
    pub(crate) repeat: Repeat,
    pub(crate) on_stop: OnStop,
    pub(crate) follow: Follow,
    pub(crate) purpose: Purpose,
}

/// The digest that the body of an answer must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Not known, or of no interest.
    Unknown,
    /// This one.
    Digest(Digest),
    /// The one in its `Docker-Content-Digest` header, if it has that.
    Named,
}

/// What becomes of a request in flight when the run is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnStop {
    /// It is dropped: nobody sees a difference.
    Cut,
    /// It is awaited: whether a tag moved has to be known.
    Await,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        let Outgoing { follow, purpose, headers, .. } = Outgoing::new(method.clone(), url.clone());
        Self {
            method,
            url,
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
}

impl Transport {
    pub(crate) fn new(
        run: Arc<Run>,
        hosts: BTreeMap<Host, HostOptions>,
        certificates: Vec<PathBuf>,
    ) -> Result<Self, Failure> {
        let (endpoints, gates) = Default::default();
        let wire = Wire::new(Clients::new(&hosts, certificates)?, Arc::clone(&run));
        Ok(Self { run, wire, hosts, endpoints, gates })
    }

    /// The registry `host`: HTTPS, but on this machine, or where that is asked for, plain HTTP.
    pub(crate) fn endpoint(&self, host: &Host) -> Result<Arc<Endpoint>, Failure> {
        if let Some(endpoint) = lock(&self.endpoints).get(host) {
            return Ok(Arc::clone(endpoint));
        }
        let base = self.base(host)?;
        let gate = self.gate(&base, host.as_str());
        if let Some(options) = self.hosts.get(host) {
            gate.keep_to(Limits::from(options));
        }
        let endpoint = Endpoint { host: host.clone(), base, gate, counters: Counters::default() };
        Ok(Arc::clone(lock(&self.endpoints).entry(host.clone()).or_insert_with(|| Arc::new(endpoint))))
    }

    /// `https://ghcr.io/`
    fn base(&self, host: &Host) -> Result<Url, Failure> {
        let options = self.hosts.get(host).cloned().unwrap_or_default();
        let scheme = if self.wire.clients.speaks_tls(host, &options) { "https" } else { "http" };
        let address = tls::address(host);
        Url::parse(&format!("{scheme}://{address}/"))
            .map_err(|_| Failure::of(ErrorKind::Unreachable(format!("{address} is no address").into())))
    }

    /// What stands between us and `host`, if anything does.
    pub(crate) fn proxy(&self, host: &Host) -> Option<Proxy> {
        tls::proxy::between(&self.endpoint(host).ok()?.base)
    }

    /// The gate of whoever answers at `url`; `name` is what a person calls it.
    pub(crate) fn gate(&self, url: &Url, name: &str) -> Arc<Gate> {
        let mut gates = lock(&self.gates);
        let gate = gates.entry(url.origin().ascii_serialization());
        Arc::clone(gate.or_insert_with(|| Arc::new(Gate::new(name, Arc::clone(&self.run)))))
    }

    /// What was asked so far.
    pub(crate) fn stats(&self) -> Stats {
        lock(&self.endpoints).iter().map(|(host, it)| (host.to_string(), it.counters.stats())).collect()
    }

    /// Sends `request` until there is an answer that stands; what it says is for the caller to judge.
    pub(crate) async fn deliver(
        &self,
        request: &Request,
        authorization: &Authorization,
        to: Peer<'_>,
        attempts: &mut Attempts,
    ) -> Result<Answer, Failure> {
        attempts.make(to, request.on_stop, || self.attempt(request, authorization, to)).await
    }

    async fn attempt(
        &self,
        request: &Request,
        authorization: &Authorization,
        to: Peer<'_>,
    ) -> Result<Answer, TransferError> {
        let mut out = Outgoing::new(request.method.clone(), request.url.clone());
        out.headers.clone_from(&request.headers);
        out.body = request.body.clone().map(Into::into);
        out.authorization.clone_from(&authorization.header);
        (out.follow, out.purpose) = (request.follow, request.purpose);
        let response = self.wire.exchange(out, to.counters).await?;
        to.gate.answered(to.class, classify(response.status(), response.headers()));
        let answer = read(response, request.limit, authorization).await?;
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
    fn digest(&self, answer: &Answer) -> Option<Digest> {
        // The digest of a signed manifest of schema 1 is that of a part of its body.
        let is_signed = || answer.header("content-type").map(MediaType::parse).is_some_and(|it| it.is_schema1());
        match self {
            Self::Unknown => None,
            Self::Digest(digest) => Some(digest.clone()),
            Self::Named => answer.digest().filter(|_| !is_signed()),
        }
    }
}

/// Whom a request goes to, and as what.
#[derive(Clone, Copy)]
pub(crate) struct Peer<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) counters: &'a Counters,
    pub(crate) class: RequestClass,
}

/// Reads an answer: a good one with content whole, of any other what can be had.
pub(crate) async fn read(
    mut response: Response,
    limit: Option<u64>,
    authorization: &Authorization,
) -> Result<Answer, TransferError> {
    let body = match limit {
        Some(limit) if response.status().is_success() => {
            wire::refuse_encoding(response.headers()).map_err(TransferError::Final)?;
            wire::read_whole(&mut response, limit).await?
        }
        // What was encoded is not to be read, and its status says the most.
        _ if wire::refuse_encoding(response.headers()).is_err() => Bytes::new(),
        _ => {
            let said = wire::read_some(&mut response, ERROR_BODY).await;
            // What it says is shown, and whoever reads the log of a run is not to learn who may write.
            if authorization.is_repeated_in(&said) { Bytes::new() } else { said }
        }
    };
    Ok(Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body,
        signed: authorization.signed.clone(),
        attempts: 1,
    })
}

fn verify(expected: &Digest, answer: &Answer) -> Result<(), Failure> {
    let mut verifier = expected.verifier();
    verifier.update(&answer.body);
    verifier.finish().map_err(|actual| {
        let kind = ErrorKind::WrongDigest { expected: expected.clone(), actual };
        Failure { kind, code: None, message: None, ..answer.failure() }
    })
}

impl Endpoint {
    /// Whether it is reached on this machine by plain HTTP.
    pub(crate) fn is_plain_and_local(&self) -> bool {
        self.base.scheme() == "http" && tls::is_loopback(&self.base)
    }

    /// The address of `path` below `/v2/`.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Failure> {
        let url = self.base.join(&format!("v2/{path}"));
        url.map_err(|_| Failure::of(ErrorKind::NotARegistry(format!("{path} is no path"))))
    }

    /// Whether `url` is the registry's own, and may be sent its credentials.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }
}

#[cfg(test)]
mod tests;
