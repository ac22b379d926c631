//! [`HttpResponse`]: the answer to a request, and the failure that an error answer describes.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use crate::oci::Digest;
use crate::registry::authorization::Signed;
use crate::registry::counters::pulls_left;
use crate::registry::error::{ErrorKind, Failure, TlsFault};
use crate::registry::gate::ResponseClass;
use crate::registry::sanitize::one_line;

use super::retry_after::retry_after;

/// An answer with its body.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body as received. At most 64 KiB for an error.
    pub(crate) body: Bytes,
    /// How the request was authenticated.
    pub(crate) signed: Signed,
    /// How often the request was sent, including the attempt that got this answer.
    pub(crate) attempts: u32,
    /// The room that a large body takes, until the answer is dropped.
    #[allow(dead_code, reason = "it is only held")]
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

/// Returns the kind of an answer, based on its status and headers.
pub(crate) fn classify(status: StatusCode, headers: &HeaderMap) -> ResponseClass {
    match status.as_u16() {
        429 if pulls_left(headers) == Some(0) => ResponseClass::QuotaUsedUp,
        429 => ResponseClass::Refused,
        503 if headers.contains_key("retry-after") => ResponseClass::Refused,
        503 => ResponseClass::Overloaded,
        408 | 425 | 500 | 502 | 504 => ResponseClass::Failed,
        _ => ResponseClass::Served,
    }
}

/// Whether the request should be sent again after this answer.
pub(crate) enum RetryVerdict {
    /// No. The answer is final.
    Final,
    /// Yes. The host asks to retry later, and may say how long to wait.
    Refusal(Option<Duration>),
    /// Yes. The host failed to process the request, and another attempt may succeed.
    Fault,
}

impl HttpResponse {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the digest in the `Docker-Content-Digest` header, if there is one.
    pub(crate) fn digest(&self) -> Option<Digest> {
        Digest::parse(self.header("docker-content-digest")?).ok()
    }

    pub(crate) fn verdict(&self) -> RetryVerdict {
        match classify(self.status, &self.headers) {
            ResponseClass::Refused => RetryVerdict::Refusal(self.asks_to_wait()),
            ResponseClass::Failed | ResponseClass::Overloaded => RetryVerdict::Fault,
            // A quota is not a rate limit: it counts only manifests that are read.
            ResponseClass::Served | ResponseClass::QuotaUsedUp => RetryVerdict::Final,
        }
    }

    /// Returns how long the host asks to wait, if it does.
    fn asks_to_wait(&self) -> Option<Duration> {
        retry_after(&self.headers, &String::from_utf8_lossy(&self.body), SystemTime::now())
    }

    /// Whether only a registry would answer like this. The version header and the digest are those of registries, and so
    /// is a list of error codes.
    pub(crate) fn is_of_registry(&self) -> bool {
        let has_codes = || self.status.is_client_error() && !codes(&self.body).is_empty();
        self.headers.contains_key("docker-distribution-api-version") || self.digest().is_some() || has_codes()
    }

    /// Whether this is an HTML page for people (a login, a message from a proxy). A registry never answers with one, but
    /// some name that type for an empty body: it is the default of their framework.
    pub(crate) fn is_page(&self) -> bool {
        self.is_html() && !self.body.trim_ascii_start().is_empty()
    }

    /// Whether this is HTML, perhaps without a body.
    pub(crate) fn is_html(&self) -> bool {
        let is_html = |text: &str| text.trim_start().to_ascii_lowercase().starts_with("text/html");
        let body = self.body.trim_ascii_start();
        let begins = |with: &[u8]| body.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
        self.header("content-type").is_some_and(is_html) || begins(b"<html") || begins(b"<!doctype html")
    }

    /// Returns the failure that this answer describes.
    pub(crate) fn failure(&self) -> Failure {
        let error = ErrorBody::parse(&self.body);
        let by_status = || self.kind_by_status(&error);
        let kind = error.code.as_deref().and_then(|code| self.kind_by_code(code)).unwrap_or_else(by_status);
        let failure = Failure {
            kind,
            status: Some(self.status.as_u16()),
            code: error.code.map(Into::into),
            message: error.message.map(Into::into),
            attempts: self.attempts,
            credentials: self.signed.credentials.clone(),
            access: None,
        };
        if self.signed.is_refused_without {
            return failure.with_access(|access| access.is_refused_without = true);
        }
        failure
    }

    /// Returns the cause that an error code names (distribution-spec "Error Codes"). `None` if the status decides: it
    /// has a meaning of its own here, or the code is not known.
    fn kind_by_code(&self, code: &str) -> Option<ErrorKind> {
        match (self.status.as_u16(), code) {
            (404 | 405 | 501, "UNSUPPORTED") => Some(ErrorKind::Unsupported),
            // Authentication, rate limits and repeated attempts depend on these statuses.
            (401 | 403 | 404 | 408 | 413 | 425 | 429 | 500 | 502..=599, _) => None,
            (_, "UNAUTHORIZED") => Some(ErrorKind::Unauthorized),
            (_, "DENIED") => Some(ErrorKind::Denied),
            (_, "NAME_UNKNOWN") => Some(ErrorKind::NotFound),
            (_, "TOOMANYREQUESTS") => Some(ErrorKind::RateLimited { retry_after: self.asks_to_wait() }),
            // With a usual status, the text of the answer may say more: that TLS or a client certificate is required.
            (
                402 | 405..,
                "MANIFEST_INVALID"
                | "MANIFEST_UNVERIFIED"
                | "NAME_INVALID"
                | "TAG_INVALID"
                | "DIGEST_INVALID"
                | "SIZE_INVALID"
                | "BLOB_UPLOAD_INVALID",
            ) => Some(ErrorKind::Refused),
            _ => None,
        }
    }

    fn kind_by_status(&self, error: &ErrorBody) -> ErrorKind {
        match self.status.as_u16() {
            401 if self.signed.by_token && self.signed.credentials.source().is_some() => ErrorKind::Denied,
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Denied,
            404 => ErrorKind::NotFound,
            429 if classify(self.status, &self.headers) == ResponseClass::QuotaUsedUp => {
                ErrorKind::PullQuota { retry_after: self.asks_to_wait() }
            }
            429 => ErrorKind::RateLimited { retry_after: self.asks_to_wait() },
            413 => ErrorKind::Oversized,
            400 if let Some(fault) = error.certificate() => ErrorKind::tls(fault),
            400 | 409 | 412 | 415 | 416 | 422 if error.wants_tls() => ErrorKind::NeedsTls,
            400 | 409 | 412 | 415 | 416 | 422 => ErrorKind::Refused,
            501 => ErrorKind::NotARegistry(self.unexpected()),
            408 | 425 | 500..=599 => ErrorKind::Server,
            _ => ErrorKind::NotARegistry(self.unexpected()),
        }
    }

    fn unexpected(&self) -> String {
        match self.status.canonical_reason() {
            Some(words) => format!("unexpected status {} ({words})", self.status.as_u16()),
            None => format!("unexpected status {}", self.status.as_u16()),
        }
    }

    /// Like [`HttpResponse::failure`], for an answer whose status is not an error but which is not valid here. `why` is
    /// the reason.
    pub(crate) fn out_of_place(&self, why: impl Into<String>) -> Failure {
        Failure { kind: ErrorKind::NotARegistry(why.into()), ..self.failure() }
    }
}

/// What the body of an error says, in any format: that of the distribution-spec, other JSON, HTML or plain text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    /// The error code, such as `DENIED`, if there is one.
    pub(crate) code: Option<String>,
    /// The error message as one line that is safe to display.
    pub(crate) message: Option<String>,
}

impl ErrorBody {
    /// Returns the fault if this is nginx's message about a client certificate. nginx sends it after a successful
    /// handshake.
    fn certificate(&self) -> Option<TlsFault> {
        match self.message.as_deref()? {
            "400 No required SSL certificate was sent" => Some(TlsFault::WantsCertificate),
            "400 The SSL certificate error" => Some(TlsFault::RefusesCertificate("certificate unknown".into())),
            _ => None,
        }
    }

    /// Whether the server requires TLS. Servers say this only in the text of a refusal.
    fn wants_tls(&self) -> bool {
        self.message.as_deref().is_some_and(|message| message.contains("HTTPS"))
    }

    pub(crate) fn parse(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            let text = if text.trim_start().starts_with('<') { html_title(&text) } else { &text };
            return Self { code: None, message: shown(text) };
        };
        let first = json.get("errors").and_then(|errors| errors.get(0)).unwrap_or(&json);
        let text_of =
            |keys: &[&str]| keys.iter().find_map(|key| first.get(key).and_then(Value::as_str)).and_then(shown);
        // Token servers and proxies use formats of their own, all of them with one of these keys.
        let message = text_of(&["message", "error_description", "details", "detail", "error", "title"]);
        let message = message.or_else(|| first.as_str().and_then(shown));
        // Nexus and Artifactory say only in the detail what the error is about.
        let detail =
            first.get("detail").and_then(|detail| detail.as_str().or_else(|| detail.get("description")?.as_str()));
        let message = match (message, detail.and_then(shown)) {
            (Some(message), Some(detail)) if !message.contains(&detail) => shown(&format!("{message}: {detail}")),
            (message, detail) => message.or(detail),
        };
        Self { code: text_of(&["code"]), message }
    }
}

/// Returns all error codes in the body of an error.
pub(crate) fn codes(body: &[u8]) -> Vec<String> {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let errors = json.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    errors.iter().filter_map(|error| error.get("code")?.as_str().map(str::to_owned)).collect()
}

/// The length of the longest digest: `sha512:` and 128 digits.
const LONGEST_DIGEST: usize = 135;

/// Returns all digests in `text`, in order and without duplicates.
pub(crate) fn digests_in(text: &str) -> Vec<Digest> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("sha") {
        let is_of_digest = |c: &u8| c.is_ascii_alphanumeric() || *c == b':';
        // No digest is longer. Without this limit, a text that only repeats `sha` would be read to its end again and
        // again.
        let length = text.as_bytes()[at..].iter().take(LONGEST_DIGEST + 1).take_while(|c| is_of_digest(c)).count();
        if let Ok(digest) = Digest::parse(&text[at..at + length])
            && !found.contains(&digest)
        {
            found.push(digest);
        }
    }
    found
}

fn shown(text: &str) -> Option<String> {
    Some(one_line(text)).filter(|line| !line.is_empty())
}

/// Returns the title of a page. It contains the message; the rest is markup.
fn html_title(page: &str) -> &str {
    let lower = page.to_ascii_lowercase();
    let Some(start) = lower.find("<title>").map(|at| at + "<title>".len()) else { return "" };
    let end = lower[start..].find("</title>").map_or(lower.len(), |length| start + length);
    page.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_every_form_are_read() {
        let table: [(&str, Option<&str>, Option<&str>); 9] = [
            (
                r#"{"errors":[{"code":"DENIED","message":"no\u001b[1m way","detail":{}}]}"#,
                Some("DENIED"),
                Some("no[1m way"),
            ),
            (r#"{"errors":[{"code":"UNKNOWN"}]}"#, Some("UNKNOWN"), None),
            (r#"{"errors":[]}"#, None, None),
            (r#"{"details":"incorrect username or password"}"#, None, Some("incorrect username or password")),
            (r#"{"error":"invalid_grant","error_description":"expired"}"#, None, Some("expired")),
            (r#""plain""#, None, Some("plain")),
            ("Too Many Requests (HAP429).\n", None, Some("Too Many Requests (HAP429).")),
            ("<html><head><TITLE>502 Bad\n Gateway</TITLE></head>", None, Some("502 Bad Gateway")),
            ("", None, None),
        ];
        for (body, code, message) in table {
            let error = ErrorBody::parse(body.as_bytes());
            assert_eq!((error.code.as_deref(), error.message.as_deref()), (code, message), "{body}");
        }
    }

    #[test]
    fn digests_are_found_in_any_text() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let text = format!(r#"Images with digests '[{a}, {b}]' required; "{a}" sha256:00 sha"#);
        assert_eq!(digests_in(&text), [a, b]);
        // This must be fast. If the text were read to its end from each `sha`, it would take minutes.
        assert_eq!(digests_in(&"sha".repeat(21_000)), []);
    }

    #[test]
    fn only_some_answers_are_worth_another_attempt() {
        let verdict = |status: u16, headers: &[(&'static str, &str)]| {
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            let (body, signed) = Default::default();
            let status = StatusCode::from_u16(status).unwrap();
            match (HttpResponse { status, headers, body, signed, attempts: 1, room: None }).verdict() {
                RetryVerdict::Final => "final".to_owned(),
                RetryVerdict::Fault => "fault".to_owned(),
                RetryVerdict::Refusal(wait) => format!("{wait:?}"),
            }
        };
        for status in [200, 201, 304, 400, 401, 403, 404, 405, 412, 501, 505] {
            assert_eq!(verdict(status, &[]), "final", "{status}");
        }
        for status in [408, 425, 500, 502, 503, 504] {
            assert_eq!(verdict(status, &[]), "fault", "{status}");
        }
        assert_eq!(verdict(429, &[]), "None");
        assert_eq!(verdict(429, &[("retry-after", "7")]), "Some(7s)");
        assert_eq!(verdict(503, &[("retry-after", "7")]), "Some(7s)");
        assert_eq!(verdict(429, &[("ratelimit-remaining", "0;w=21600"), ("retry-after", "7")]), "final");
    }
}
