//! [`Answer`]s: errors, manifests or blobs, and plain statuses.

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

/// A response with its whole body.
pub(in super::super) type Answer = Response<Bytes>;

/// The header `Docker-Content-Digest`.
pub(super) const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Returns content that has a digest. For HEAD only its length.
pub(super) fn content(method: &str, media_type: &str, digest: &str, bytes: Bytes) -> Answer {
    let length = bytes.len().to_string();
    let mut answer = Response::new(if method == "HEAD" { Bytes::new() } else { bytes });
    answer = with(answer, CONTENT_TYPE, media_type);
    answer = with(answer, CONTENT_LENGTH, &length);
    with(answer, DIGEST, digest)
}

pub(super) fn unknown_manifest(reference: &str) -> Answer {
    error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", &json!(reference))
}

pub(super) fn unknown_repository(repository: &str) -> Answer {
    error(StatusCode::NOT_FOUND, "NAME_UNKNOWN", &json!(repository))
}

/// Returns one error in the form of the distribution-spec.
pub(super) fn error(status: StatusCode, code: &str, detail: &Value) -> Answer {
    errors(status, code, std::slice::from_ref(detail))
}

/// Returns one error for each detail.
pub(super) fn errors(status: StatusCode, code: &str, details: &[Value]) -> Answer {
    let message = code.to_lowercase().replace('_', " ");
    let error = |detail| json!({ "code": code, "message": message, "detail": detail });
    json_answer(status, &json!({ "errors": details.iter().map(error).collect::<Vec<_>>() }))
}

/// Returns one error with its own message.
pub(in super::super) fn error_saying(status: StatusCode, code: &str, message: &str) -> Answer {
    json_answer(status, &json!({ "errors": [{ "code": code, "message": message }] }))
}

pub(super) fn json_answer(status: StatusCode, body: &Value) -> Answer {
    text(status, "application/json", &body.to_string())
}

/// Returns a response with a text.
pub(in super::super) fn text(status: StatusCode, media_type: &str, body: &str) -> Answer {
    with(empty(status).map(|_| Bytes::copy_from_slice(body.as_bytes())), CONTENT_TYPE, media_type)
}

/// Returns a response with a status and no body.
pub(in super::super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

/// Adds a header to a response.
pub(in super::super) fn with(mut answer: Answer, name: HeaderName, value: &str) -> Answer {
    answer.headers_mut().insert(name, HeaderValue::from_str(value).expect("header values of a test are plain text"));
    answer
}
