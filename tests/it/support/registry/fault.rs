//! [`Fault`]: an injected error in a response.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;

use super::reply::{Reply, gzip};
use super::router::answers::{Answer, empty, error_saying, text, with};

/// An injected error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// The method of the affected requests.
    pub(crate) method: &'static str,
    /// Text that their path contains.
    pub(crate) path: &'static str,
    /// How often it occurs.
    pub(crate) times: usize,
    /// The kind of error.
    pub(crate) then: Then,
}

impl Fault {
    pub(super) fn fits(&self, method: &str, path: &str) -> bool {
        self.times > 0 && self.method == method && path.contains(self.path)
    }
}

/// The kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The request takes effect, but the connection is closed before the response.
    AnswerLost,
    /// The request has no effect, and the connection is closed.
    RequestLost,
    /// The request has no effect. The response has this status and an empty body. ECR sends such a 429.
    Status(u16),
    /// The request has no effect. The response is 429 with `Retry-After` in seconds: Docker Hub.
    RetryAfter(u64),
    /// The same, with a date this many seconds from now: Google's front ends.
    RetryAt(u64),
    /// The request has no effect. The response is 429, and only its body says when to retry: GHCR.
    RetryInWords(&'static str),
    /// The request takes effect, but this status says that it did not: 500 from distribution, 504 from a proxy.
    StatusAfter(u16),
    /// The request takes effect, then what it wrote is deleted, together with what was there before, and the response
    /// is 500: zot.
    Undone,
    /// The request has no effect. The response has this status, and this code and message in the form of the
    /// distribution-spec.
    Error(u16, &'static str, &'static str),
    /// The request has no effect. The response has this status and an HTML page: nginx in front of Quay, login pages.
    Page(u16),
    /// The request has no effect. The response has this status and plain text: Docker Hub's HAP429.
    Words(u16, &'static str),
    /// The response has this status and contains the whole request including its password: servers in debug mode.
    Echo(u16),
    /// The response has headers but no body: the connection is closed.
    HeadOnly,
    /// The connection is closed after half of the body.
    Cut,
    /// Nothing follows after half of the body. The connection stays open.
    BodyStalled,
    /// One bit of the response body is flipped.
    Flipped,
    /// One bit of the request body is flipped before the request takes effect.
    RequestFlipped,
    /// Half of the request body arrives, and the connection is closed. An upload keeps what arrived, and its state can
    /// be requested. Distribution 2.8 keeps it too, but answers 404 to that request.
    RequestCut,
    /// The body is compressed although the client did not ask for it: proxies.
    Gzipped,
    /// The response starts after this delay.
    Slow(Duration),
    /// The request takes effect but gets no response. The connection stays open.
    Stalled,
}

/// What happens to a request.
pub(super) enum Fate {
    /// It gets this response after this delay.
    Answered(Reply, Duration),
    /// The connection is closed.
    Closed,
}

const PAGE: &str =
    "<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body>\n</html>\n";
const NEVER: Duration = Duration::from_hours(1);

/// Returns the credentials of the request in all encodings, and its body.
fn echo(parts: &Parts, body: &[u8]) -> String {
    let authorization = parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let authorization = String::from_utf8_lossy(authorization);
    let encoded = authorization.strip_prefix("Basic ").unwrap_or_default();
    let decoded = STANDARD.decode(encoded).expect("base64");
    let parts = [authorization.as_bytes(), &decoded, body].map(String::from_utf8_lossy);
    format!("you are {}", parts.join(" or "))
}

impl Then {
    /// Returns the response if the request is not carried out.
    pub(super) fn instead(self, parts: &Parts, body: &[u8]) -> Option<Answer> {
        let later = || empty(StatusCode::TOO_MANY_REQUESTS);
        match self {
            Self::RequestLost => Some(empty(StatusCode::BAD_GATEWAY)),
            Self::Status(status) => Some(empty(code(status))),
            Self::RetryAfter(seconds) => Some(with(later(), RETRY_AFTER, &seconds.to_string())),
            Self::RetryAt(seconds) => {
                let date = SystemTime::now() + Duration::from_secs(seconds);
                Some(with(later(), RETRY_AFTER, &httpdate::fmt_http_date(date)))
            }
            Self::RetryInWords(words) => Some(text(StatusCode::TOO_MANY_REQUESTS, "text/plain", words)),
            Self::Error(status, name, message) => Some(error_saying(code(status), name, message)),
            Self::Page(status) => Some(text(code(status), "text/html", PAGE)),
            Self::Words(status, words) => Some(text(code(status), "text/plain", words)),
            Self::Echo(status) => Some(text(code(status), "text/plain", &echo(parts, body))),
            _ => None,
        }
    }

    /// Applies the error to `answer`, the response that the request would have got.
    pub(super) fn befall(self, answer: Answer) -> Fate {
        let reply = match self {
            Self::AnswerLost | Self::RequestLost | Self::RequestCut => return Fate::Closed,
            Self::Slow(delay) => return Fate::Answered(Reply::whole(answer), delay),
            Self::Stalled => return Fate::Answered(Reply::whole(answer), NEVER),
            Self::StatusAfter(status) => Reply::whole(empty(code(status))),
            Self::Undone => Reply::whole(empty(StatusCode::INTERNAL_SERVER_ERROR)),
            Self::HeadOnly => Reply::cut(answer, 0),
            Self::Cut => {
                let half = answer.body().len() / 2;
                Reply::cut(answer, half)
            }
            Self::BodyStalled => {
                let half = answer.body().len() / 2;
                Reply::stalled(answer, half)
            }
            Self::Flipped => Reply::whole(answer.map(|body| flipped(&body))),
            Self::Gzipped => {
                let (parts, body) = answer.into_parts();
                let body = gzip(&body);
                let length = body.len().to_string();
                let answer = Answer::from_parts(parts, body);
                Reply::whole(with(with(answer, CONTENT_ENCODING, "gzip"), CONTENT_LENGTH, &length))
            }
            _ => Reply::whole(answer),
        };
        Fate::Answered(reply, Duration::ZERO)
    }
}

/// Flips a bit in the middle of `bytes`.
pub(super) fn flipped(bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    bytes.into()
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status of a test")
}
