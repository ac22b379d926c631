//! [`Wire`]: sends one request and follows its redirects. Each request is counted, timed and reported to the observer.
//! If there is no answer, `transfer_error` describes why.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use reqwest::{Body, Method, Response, Url};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::registry::Notice;
use crate::registry::counters::{Counters, RequestPurpose};
use crate::registry::error::{ErrorKind, Failure, TlsError, TlsFault};
use crate::registry::gate::RunState;
use crate::registry::lock::lock;
use crate::registry::sanitize::one_line;
use crate::registry::tls::{Clients, proxy};

use super::destination::{self, DestinationKind};

use transfer_error::{explained, fault, was_not_looked_at};

pub(crate) use transfer_error::{TransferError, network};

mod transfer_error;

/// The maximum time until the head of an answer arrives, including the time to connect.
const HEAD: Duration = Duration::from_secs(15);
/// The maximum time without a byte of the body.
pub(crate) const IDLE: Duration = Duration::from_secs(15);
/// The maximum number of redirects of one request.
const HOPS: usize = 5;
/// How often a request is sent again if the server did not process it. If many requests are in flight and a server
/// processes only a few on each connection, the last requests have to wait for many connections.
const UNSEEN: usize = 60;

/// A body of at most this many bytes is read at once. Almost all manifests and configs are smaller.
const SMALL: usize = 256 << 10;
/// The size of all larger bodies that are read or used at the same time, in KiB.
pub(super) const ROOM: u32 = 32 << 10;

/// Sends single requests.
pub(crate) struct Wire {
    pub(super) clients: Clients,
    run: Arc<RunState>,
    /// The origins that have answered, and the IP address of the last answer. `None` if the answer came through a
    /// proxy.
    peers: Mutex<HashMap<String, Option<IpAddr>>>,
}

/// A request that is about to be sent.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Body>,
    pub(crate) url_source: UrlSource,
    /// The `Authorization` header. It is sent only to the host of `url`, never to another host after a redirect.
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) follow: Follow,
    pub(crate) purpose: RequestPurpose,
    pub(crate) head_within: Duration,
}

/// Where the URL of a request comes from. A registry can put what it was sent into a URL, in any encoding, so the path
/// of a URL from a registry is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UrlSource {
    /// It was built here.
    Built,
    /// It is from an answer: a redirect, the address of an upload or of a token server, or a link to the next page.
    Received,
}

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// All redirects, to any host. Used for reads, because blobs are often stored on another host.
    Anywhere,
    /// Redirects within the same host.
    SameHost,
    /// None. The body could otherwise be sent to another host.
    Nowhere,
}

impl Outgoing {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        let follow = if method == Method::GET || method == Method::HEAD { Follow::Anywhere } else { Follow::Nowhere };
        let (headers, body, authorization) = Default::default();
        let (url_source, purpose) = (UrlSource::Built, RequestPurpose::Content);
        Self { method, url, headers, body, url_source, authorization, follow, purpose, head_within: HEAD }
    }
}

impl Wire {
    pub(crate) fn new(clients: Clients, run: Arc<RunState>) -> Self {
        Self { clients, run, peers: Mutex::default() }
    }

    /// Checks whether the registry at `from` may direct requests to `to`.
    ///
    /// # Errors
    /// Returns the error of [`destination::check`] if it may not.
    pub(crate) fn may_lead(&self, lead: DestinationKind, from: &Url, to: &Url) -> Result<(), Failure> {
        destination::check(lead, from, self.peer(from), to)
    }

    /// Sends the request and waits for the head of the answer. Follows the redirects that `out.follow` allows.
    pub(crate) async fn exchange(&self, mut out: Outgoing, counters: &Counters) -> Result<Response, TransferError> {
        let home = out.url.clone();
        let is_home = |url: &Url| url.origin() == home.origin();
        let mut body = out.body.take();
        for _ in 0..=HOPS {
            let sent = self.hop(&out, body.take(), counters).await;
            let mut response = if is_home(&out.url) && out.purpose == RequestPurpose::Content {
                sent?
            } else {
                sent.map_err(|error| elsewhere(error, &out))?
            };
            if !is_home(&out.url) {
                // The challenge of another host is not the registry's challenge. Responding to it would send the
                // registry's credentials to wherever that host says.
                response.headers_mut().remove(WWW_AUTHENTICATE);
            }
            let Some(next) = redirected(&response, &out)? else { return Ok(response) };
            // Whether the registry is in a private network depends on its own IP address, not on those of its storage
            // hosts.
            let checked = destination::check(DestinationKind::Redirect, &out.url, self.peer(&home), &next);
            checked.map_err(TransferError::Final)?;
            if !is_home(&next) {
                if out.follow == Follow::SameHost {
                    return Ok(response);
                }
                // A redirect back to the first host does not restore the credentials, because another host has seen the
                // request in between.
                out.authorization = None;
            }
            (out.url, out.url_source) = (next, UrlSource::Received);
        }
        Err(TransferError::Final(Failure::of(ErrorKind::NotARegistry(format!("redirected more than {HOPS} times")))))
    }

    async fn hop(&self, out: &Outgoing, body: Option<Body>, counters: &Counters) -> Result<Response, TransferError> {
        let client = self.clients.for_url(&out.url).map_err(TransferError::Final)?;
        let mut url = out.url.clone();
        // A user name in the URL of a redirect would be sent in addition to our own credentials. Neither call fails for
        // an HTTP URL.
        let _ = (url.set_username(""), url.set_password(None));
        let mut request = client.request(out.method.clone(), url).headers(out.headers.clone());
        if let Some(body) = body {
            request = request.body(body);
        }
        if let Some(authorization) = &out.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let mut unseen = 0;
        loop {
            // A body that is a stream cannot be cloned.
            let again = request.try_clone();
            counters.sent(&out.method, out.purpose);
            let began = Instant::now();
            let result = timeout(out.head_within, Box::pin(request.send())).await;
            let status = result.as_ref().ok().and_then(|sent| Some(sent.as_ref().ok()?.status().as_u16()));
            (self.run.observer)(Notice::Request {
                method: name_of(&out.method),
                url: shown(&out.url, out.url_source),
                status,
                took: began.elapsed(),
            });
            match (result, again) {
                (Ok(Ok(response)), _) => {
                    counters.heard(response.headers());
                    self.met(&out.url, &response);
                    return Ok(response);
                }
                (Ok(Err(error)), Some(again)) if unseen < UNSEEN && was_not_looked_at(&error) => {
                    (unseen, request) = (unseen + 1, again);
                    counters.repeated();
                }
                (Ok(Err(error)), _) => return Err(explained(&error, || self.suspicion(&out.url))),
                (Err(_), _) => return Err(fault(format!("timed out after {}s", out.head_within.as_secs()))),
            }
        }
    }

    /// Returns the likely reason why a host breaks its connections, for example that it requires a client certificate.
    /// `None` for a host that has answered before: a request to it is sent again, as after any other fault.
    fn suspicion(&self, url: &Url) -> Option<TlsFault> {
        let has_answered = lock(&self.peers).contains_key(&url.origin().ascii_serialization());
        if has_answered { None } else { self.clients.suspicion(url) }
    }

    /// Records the IP address that an answer came from. Through a proxy, that would be the address of the proxy, so it
    /// is not used.
    fn met(&self, url: &Url, response: &Response) {
        let peer = response.remote_addr().map(|peer| peer.ip()).filter(|_| proxy::between(url).is_none());
        lock(&self.peers).insert(url.origin().ascii_serialization(), peer);
    }

    fn peer(&self, url: &Url) -> Option<IpAddr> {
        lock(&self.peers).get(&url.origin().ascii_serialization()).copied().flatten()
    }
}

/// Adds the host's name to an error of a host that is not the registry itself.
fn elsewhere(error: TransferError, out: &Outgoing) -> TransferError {
    let host = authority(&out.url);
    let named = |failure: Failure| {
        let kind = match failure.kind {
            ErrorKind::Tls(error) => ErrorKind::Tls(Box::new(TlsError { at: Some(host), ..*error })),
            ErrorKind::Unreachable(no_answer) if out.purpose == RequestPurpose::Content => {
                // The registry itself has answered.
                ErrorKind::Unreachable(format!("redirected to {host}: {}", no_answer.why).into())
            }
            kind => kind,
        };
        Failure { kind, ..failure }
    };
    match error {
        TransferError::Fault(failure) => TransferError::Fault(named(failure)),
        TransferError::Final(failure) => TransferError::Final(named(failure)),
    }
}

/// Reads a complete body.
///
/// # Errors
/// Returns a fault if the body is cut off or no byte arrives for [`IDLE`]. Returns a final error if the body has more
/// than `limit` bytes.
///
/// A body of more than [`SMALL`] bytes takes its limit from `room` and holds it until the returned permit is dropped. A
/// request never waits for room while it holds some, so there is no deadlock.
pub(crate) async fn read_whole(
    response: &mut Response,
    limit: u64,
    room: &Arc<Semaphore>,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), TransferError> {
    let too_large = || TransferError::Final(Failure::of(ErrorKind::TooLarge { limit }));
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let (mut body, mut permit) = (BytesMut::new(), None);
    while let Some(chunk) = next_chunk(response).await? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(too_large());
        }
        if permit.is_none() && body.len() + chunk.len() > SMALL {
            let kibibytes = u32::try_from(limit >> 10).unwrap_or(ROOM).min(ROOM);
            // The semaphore is never closed.
            permit = Arc::clone(room).acquire_many_owned(kibibytes).await.ok();
        }
        body.extend_from_slice(&chunk);
    }
    // A growing buffer has up to twice its size, and manifests are kept.
    let mut bytes = Vec::from(body);
    bytes.shrink_to_fit();
    Ok((bytes.into(), permit))
}

/// Reads the beginning of a body: at most `limit` bytes, and only what arrives within [`IDLE`]. If the body of an error
/// is incomplete, this is not worth another attempt, because the status is usually enough.
pub(crate) async fn read_some(response: &mut Response, limit: usize) -> Bytes {
    let mut body = BytesMut::new();
    let deadline = Instant::now() + IDLE;
    while body.len() < limit {
        let Ok(Ok(Some(chunk))) = timeout_at(deadline, response.chunk()).await else { break };
        body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]);
    }
    body.freeze()
}

async fn next_chunk(response: &mut Response) -> Result<Option<Bytes>, TransferError> {
    match timeout(IDLE, response.chunk()).await {
        Ok(chunk) => chunk.map_err(|error| network(&error)),
        Err(_) => Err(fault(format!("no data received for {}s", IDLE.as_secs()))),
    }
}

/// Returns an error if the body has a `Content-Encoding`, because the encoded bytes do not match the digest.
pub(crate) fn refuse_encoding(headers: &HeaderMap) -> Result<(), Failure> {
    match headers.get(CONTENT_ENCODING).map(|value| String::from_utf8_lossy(value.as_bytes())) {
        Some(encoding) if !encoding.eq_ignore_ascii_case("identity") => {
            let encoding = one_line(&encoding);
            Err(Failure::of(ErrorKind::NotARegistry(format!("returned content with Content-Encoding: {encoding}"))))
        }
        _ => Ok(()),
    }
}

/// Returns the host of `url`, and its port if it is not the default port. The host is shortened, because a name that
/// does not exist can have any length.
pub(crate) fn authority(url: &Url) -> String {
    let host = one_line(url.host_str().unwrap_or_default());
    url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}

/// Returns `url` without the parts that may be secret: query, fragment, user name and password. The path is shown only
/// if
/// `source` is this program.
fn shown(url: &Url, source: UrlSource) -> String {
    match source {
        UrlSource::Built => format!("{}{}", origin(url), one_line(url.path())),
        UrlSource::Received => format!("{}/…", origin(url)),
    }
}

/// Returns the scheme, host and port of `url`.
pub(crate) fn origin(url: &Url) -> String {
    let origin = url.origin();
    // URLs such as `file:` have no host.
    if origin.is_tuple() { one_line(&origin.ascii_serialization()) } else { format!("{}:", url.scheme()) }
}

/// Returns the target of a redirect, if the answer is a redirect that `out.follow` may allow.
fn redirected(response: &Response, out: &Outgoing) -> Result<Option<Url>, TransferError> {
    if out.follow == Follow::Nowhere || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let refused = |why: String| TransferError::Final(Failure::of(ErrorKind::NotARegistry(why)));
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| out.url.join(location).ok());
    Ok(Some(next.ok_or_else(|| refused("redirected without a valid Location header".into()))?))
}

fn name_of(method: &Method) -> &'static str {
    match method.as_str() {
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        _ => "GET",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_an_address_is_not_shown() {
        let url = Url::parse("https://user:pass@a.example:444/v2/?sig=secret#x").unwrap();
        assert_eq!(shown(&url, UrlSource::Built), "https://a.example:444/v2/");
        assert_eq!(shown(&url, UrlSource::Received), "https://a.example:444/…");
        assert_eq!(origin(&Url::parse("file:///etc/passwd").unwrap()), "file:");
    }

    #[test]
    fn an_address_of_any_length_is_shown_in_part() {
        let url = Url::parse(&format!("https://{}:444/{}", "a.".repeat(50_000), "b/".repeat(50_000))).unwrap();
        let shown = shown(&url, UrlSource::Built);
        assert!(shown.len() < 500, "{}", shown.len());
        assert!(authority(&url).len() < 250 && authority(&url).ends_with("…:444"), "{}", authority(&url));
    }
}
