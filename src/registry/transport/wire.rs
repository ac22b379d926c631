//! [`Wire`]: one request on its way, redirects included; counted, timed, told to whoever listens.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use reqwest::{Body, Method, Response, Url};
use tokio::time::{Instant, timeout, timeout_at};

use crate::registry::Notice;
use crate::registry::error::{ErrorKind, Failure};
use crate::registry::gate::Run;
use crate::registry::sanitize::one_line;
use crate::registry::tls::{CONNECT, Clients};

use super::stats::{Counters, Purpose};

/// Until the head of an answer is there, connecting included.
const HEAD: Duration = Duration::from_secs(15);
/// Without a byte of a body.
pub(crate) const IDLE: Duration = Duration::from_secs(15);
/// Redirects of one request.
const HOPS: usize = 5;

/// Sends requests, one at a time each.
pub(crate) struct Wire {
    clients: Clients,
    run: Arc<Run>,
}

/// A request that is about to be sent.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Body>,
    /// Goes to the host of `url` alone, never to one that it redirects to.
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) follow: Follow,
    pub(crate) purpose: Purpose,
    pub(crate) head_within: Duration,
}

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// Those of reads, to any host: blobs often lie in another.
    Anywhere,
    /// Those that stay with the host.
    SameHost,
    /// None: what is sent would be sent to a stranger.
    Nowhere,
}

/// Why an attempt came to nothing.
pub(crate) enum Trouble {
    /// Another may do better.
    Fault(Failure),
    /// No other will.
    Final(Failure),
}

impl Outgoing {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        let follow = if method == Method::GET || method == Method::HEAD { Follow::Anywhere } else { Follow::Nowhere };
        let (headers, body, authorization) = Default::default();
        Self { method, url, headers, body, authorization, follow, purpose: Purpose::Content, head_within: HEAD }
    }
}

impl Wire {
    pub(crate) fn new(run: Arc<Run>) -> Result<Self, Failure> {
        Ok(Self { clients: Clients::new()?, run })
    }

    /// Sends it and waits for the head of the answer, following redirects where they may be followed.
    pub(crate) async fn exchange(&self, mut out: Outgoing, counters: &Counters) -> Result<Response, Trouble> {
        let home = out.url.origin();
        let mut body = out.body.take();
        for _ in 0..=HOPS {
            let mut response = self.hop(&out, body.take(), counters).await?;
            if out.url.origin() != home {
                // How a stranger wants to be told who asks is not how the registry does: who heeded it would send the
                // registry's credentials where it says.
                response.headers_mut().remove(WWW_AUTHENTICATE);
            }
            let Some(next) = redirected(&response, &out)? else { return Ok(response) };
            if next.origin() != home {
                if out.follow == Follow::SameHost {
                    return Ok(response);
                }
                // Not to be had back by a redirect to the first host: what stands between has seen the request.
                out.authorization = None;
            }
            out.url = next;
        }
        Err(Trouble::Final(Failure::of(ErrorKind::NotARegistry(format!("redirected more than {HOPS} times")))))
    }

    async fn hop(&self, out: &Outgoing, body: Option<Body>, counters: &Counters) -> Result<Response, Trouble> {
        let client = self.clients.for_url(&out.url).map_err(Trouble::Final)?;
        let mut request = client.request(out.method.clone(), out.url.clone()).headers(out.headers.clone());
        if let Some(body) = body {
            request = request.body(body);
        }
        if let Some(authorization) = &out.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        counters.sent(&out.method, out.purpose);
        let began = Instant::now();
        let result = timeout(out.head_within, Box::pin(request.send())).await;
        let status = result.as_ref().ok().and_then(|sent| Some(sent.as_ref().ok()?.status().as_u16()));
        (self.run.observer)(Notice::Request {
            method: name_of(&out.method),
            url: shown(&out.url),
            status,
            took: began.elapsed(),
        });
        match result {
            Ok(Ok(response)) => {
                counters.heard(response.headers());
                Ok(response)
            }
            Ok(Err(error)) => Err(network(&error)),
            Err(_) => Err(fault(format!("no answer within {}s", out.head_within.as_secs()))),
        }
    }
}

/// Reads a body whole.
///
/// # Errors
/// A body that is cut or stands still (a fault), and one that has more than `limit` bytes.
pub(crate) async fn read_whole(response: &mut Response, limit: u64) -> Result<Bytes, Trouble> {
    let too_large = || Trouble::Final(Failure::of(ErrorKind::TooLarge { limit }));
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = next_chunk(response).await? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Reads the beginning of a body, as much as can be had in some seconds: what an error says is worth no attempt of its
/// own, and its status has said the most.
pub(crate) async fn read_some(response: &mut Response, limit: usize) -> Bytes {
    let mut body = BytesMut::new();
    let deadline = Instant::now() + IDLE;
    while body.len() < limit {
        let Ok(Ok(Some(chunk))) = timeout_at(deadline, response.chunk()).await else { break };
        body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]);
    }
    body.freeze()
}

async fn next_chunk(response: &mut Response) -> Result<Option<Bytes>, Trouble> {
    match timeout(IDLE, response.chunk()).await {
        Ok(chunk) => chunk.map_err(|error| network(&error)),
        Err(_) => Err(fault(format!("the answer stood still for {}s", IDLE.as_secs()))),
    }
}

/// Bytes that were encoded on the way are not those that have the digest.
pub(crate) fn refuse_encoding(headers: &HeaderMap) -> Result<(), Failure> {
    match headers.get(CONTENT_ENCODING).map(|value| String::from_utf8_lossy(value.as_bytes())) {
        Some(encoding) if !encoding.eq_ignore_ascii_case("identity") => {
            let encoding = one_line(&encoding);
            Err(Failure::of(ErrorKind::NotARegistry(format!("sent it with Content-Encoding: {encoding}"))))
        }
        _ => Ok(()),
    }
}

/// `url` without what may be secret in it: query, fragment, user.
pub(crate) fn shown(url: &Url) -> String {
    let path = one_line(url.path());
    let origin = url.origin();
    if origin.is_tuple() {
        return format!("{}{path}", origin.ascii_serialization());
    }
    // `file:`, say: nothing that has a host.
    format!("{}:{path}", url.scheme())
}

/// What network trouble looks like in words.
pub(crate) fn network(error: &reqwest::Error) -> Trouble {
    if error.is_connect()
        && let Some(tls) = tls_error(error)
    {
        return Trouble::Final(Failure::of(ErrorKind::Tls(in_words(tls))));
    }
    let why = match root(error) {
        _ if error.is_timeout() => format!("no connection within {}s", CONNECT.as_secs()),
        _ if error.is_dns() => "no connection: no such host".to_owned(),
        root if error.is_connect() => format!("no connection: {root}"),
        root => format!("the connection broke: {root}"),
    };
    fault(why)
}

fn fault(why: String) -> Trouble {
    Trouble::Fault(Failure::of(ErrorKind::Unreachable(why)))
}

/// The innermost cause, in few words.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match cause.downcast_ref::<io::Error>() {
        // The kind has words of its own ("connection refused"), without the number of the system's error.
        Some(error) if error.raw_os_error().is_some() && error.kind() != io::ErrorKind::Other => {
            error.kind().to_string()
        }
        _ => one_line(&cause.to_string()),
    }
}

fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    // An io::Error does not name what it wraps as its source, and TLS errors are wrapped twice.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map_or_else(|| error.source().and_then(tls_error), |wrapped| tls_error(wrapped))
}

fn in_words(error: &rustls::Error) -> String {
    use rustls::{CertificateError as C, Error as E};
    match error {
        E::InvalidCertificate(C::UnknownIssuer) => "its certificate is not trusted here: unknown issuer".into(),
        E::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => "its certificate has expired".into(),
        E::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            "its certificate is for another name".into()
        }
        E::InvalidMessage(_) => "it does not speak TLS".into(),
        other => format!("no TLS connection: {}", one_line(&other.to_string())),
    }
}

/// Where to go on, if the answer says so and it may be heeded.
fn redirected(response: &Response, out: &Outgoing) -> Result<Option<Url>, Trouble> {
    if out.follow == Follow::Nowhere || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let refused = |why: String| Trouble::Final(Failure::of(ErrorKind::NotARegistry(why)));
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| out.url.join(location).ok());
    let next = next.ok_or_else(|| refused("redirected without saying where to".into()))?;
    if is_downgrade(&out.url, &next) {
        return Err(refused(format!("redirected from {} to {}", out.url.scheme(), shown(&next))));
    }
    Ok(Some(next))
}

/// Whether what was safe on its way from `from` would not be on its way to `to`.
pub(crate) fn is_downgrade(from: &Url, to: &Url) -> bool {
    to.scheme() != "https" && (from.scheme() == "https" || to.scheme() != "http")
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
    fn a_tls_error_is_found_however_it_is_wrapped() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::other(tls));
        let words = tls_error(&wrapped).map(in_words);
        assert_eq!(words.as_deref(), Some("its certificate is not trusted here: unknown issuer"));
        assert!(tls_error(&io::Error::other(io::Error::from(io::ErrorKind::ConnectionReset))).is_none());
    }

    #[test]
    fn what_is_secret_in_an_address_is_not_shown() {
        let url = Url::parse("https://user:pass@a.example:444/v2/?sig=secret#x").unwrap();
        assert_eq!(shown(&url), "https://a.example:444/v2/");
        assert_eq!(shown(&Url::parse("file:///etc/passwd").unwrap()), "file:/etc/passwd");
    }
}
