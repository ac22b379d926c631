//! [`Fault`]: an answer that goes wrong, and how.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;

use super::reply::{Reply, gzip};
use super::router::answers::{Answer, empty, error_saying, text, with};

/// An answer that goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// To requests with this method.
    pub(crate) method: &'static str,
    /// And this in their path.
    pub(crate) path: &'static str,
    /// So often.
    pub(crate) times: usize,
    /// How.
    pub(crate) then: Then,
}

impl Fault {
    pub(super) fn fits(&self, method: &str, path: &str) -> bool {
        self.times > 0 && self.method == method && path.contains(self.path)
    }
}

/// How an answer goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The request takes effect, the connection is closed instead of an answer.
    AnswerLost,
    /// The connection is closed and nothing done.
    RequestLost,
    /// This status with an empty body, and nothing done. A bare 429 is ECR's.
    Status(u16),
    /// 429 with `Retry-After` in seconds, and nothing done: Docker Hub.
    RetryAfter(u64),
    /// The same with a date, so many seconds from now: front ends of Google.
    RetryAt(u64),
    /// 429 that says in its body alone when to come again: GHCR.
    RetryInWords(&'static str),
    /// The request takes effect, and this status says that it did not: 500 of distribution, 504 of what stands before.
    StatusAfter(u16),
    /// The request takes effect, what it wrote is taken away again with what it named before, and 500 is answered: zot.
    Undone,
    /// This status, code and message as the distribution-spec has them, and nothing done.
    Error(u16, &'static str, &'static str),
    /// This status and an HTML page, and nothing done: nginx before Quay, login pages.
    Page(u16),
    /// This status and plain text, and nothing done: Docker Hub's HAP429.
    Words(u16, &'static str),
    /// This status, and all that the request said, its password too: servers that are being debugged.
    Echo(u16),
    /// The head of the answer comes, and its body never: the connection is closed.
    HeadOnly,
    /// Half of the body comes, then the connection is closed.
    Cut,
    /// Half of the body comes, then nothing: the connection stays.
    BodyStalled,
    /// One bit of the body is another.
    Flipped,
    /// One bit of the request's body is another before it takes effect.
    RequestFlipped,
    /// The body is compressed though nobody asked for that: proxies.
    Gzipped,
    /// The head of the answer comes so late.
    Slow(Duration),
    /// The request takes effect and is never answered: the connection stays.
    Stalled,
}

/// What becomes of a request.
pub(super) enum Fate {
    /// It is answered so, after so long.
    Answered(Reply, Duration),
    /// The connection is closed.
    Closed,
}

const PAGE: &str =
    "<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body>\n</html>\n";
const NEVER: Duration = Duration::from_hours(1);

/// Who asks, in every spelling, and with what.
fn echo(parts: &Parts, body: &[u8]) -> String {
    let authorization = parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let authorization = String::from_utf8_lossy(authorization);
    let encoded = authorization.strip_prefix("Basic ").unwrap_or_default();
    let decoded = STANDARD.decode(encoded).expect("base64");
    let parts = [authorization.as_bytes(), &decoded, body].map(String::from_utf8_lossy);
    format!("you are {}", parts.join(" or "))
}

impl Then {
    /// What is answered where the request is not carried out.
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

    /// What becomes of the request that was to be answered so.
    pub(super) fn befall(self, answer: Answer) -> Fate {
        let reply = match self {
            Self::AnswerLost | Self::RequestLost => return Fate::Closed,
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

/// The same with another bit in its middle.
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
