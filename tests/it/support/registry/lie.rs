//! [`Lie`]: a false answer to a request.

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::Value;

use super::router::answers::{Answer, error_saying};
use super::router::{self, World};
use super::store::Store;

/// A false answer to some requests. The answer is made as usual, and then changed.
#[derive(Debug, Clone)]
pub(crate) struct Lie {
    /// The method of the requests.
    pub(crate) method: String,
    /// Their whole path, or its begin and `*`.
    pub(crate) path: String,
    /// Their whole query. `None` for any.
    pub(crate) query: Option<String>,
    /// How many such requests get a true answer first.
    pub(crate) skip: usize,
    /// How many get the false one then.
    pub(crate) times: usize,
    /// The changes, in order.
    pub(crate) changes: Vec<Change>,
    /// How many requests got the false answer so far.
    pub(crate) told: usize,
}

/// A change of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// An error with this status and code instead.
    Error(u16, &'static str),
    /// This body. `Content-Length` follows it.
    Body(Bytes),
    /// The list of tags without this one.
    WithoutTag(String),
    /// Only the first half of the body. `Content-Length` follows it.
    Half,
    /// This status.
    Status(u16),
    /// This value of a header.
    Header(&'static str, Bytes),
    /// The header is left out.
    NoHeader(&'static str),
    /// The answer before the last change that made a difference. The same answer if there was none.
    Stale,
    /// The request has no effect, but is answered as if it had one.
    NotStored,
    /// Before the request, this manifest is deleted from this repository.
    Deleted(String, String),
}

impl Lie {
    /// A false answer to every request with this method and path.
    pub(crate) fn new(method: &str, path: &str, changes: impl Into<Vec<Change>>) -> Self {
        let (method, path, changes) = (method.to_owned(), path.to_owned(), changes.into());
        Self { method, path, query: None, skip: 0, times: usize::MAX, changes, told: 0 }
    }

    /// The false answer is given once, after `skip` true ones.
    pub(crate) fn once(self, skip: usize) -> Self {
        Self { skip, times: 1, ..self }
    }

    /// Returns the changes for this request, and counts it.
    pub(super) fn next(&mut self, method: &str, path: &str, query: &str) -> Option<Vec<Change>> {
        let is_path = match self.path.strip_suffix('*') {
            Some(begin) => path.starts_with(begin),
            None => self.path == path,
        };
        let is_it = self.method == method && is_path && self.query.as_ref().is_none_or(|own| own == query);
        if !is_it {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times = self.times.checked_sub(1)?;
        self.told += 1;
        Some(self.changes.clone())
    }
}

/// Carries out a request, and changes the answer. `past` has the earlier states of the store, the last one at the end.
pub(super) fn answer(world: &mut World<'_>, past: &[Store], parts: &Parts, body: &Bytes, changes: &[Change]) -> Answer {
    for change in changes {
        if let Change::Deleted(repository, reference) = change {
            world.store.remove(repository, reference);
        }
    }
    let before = changes.contains(&Change::NotStored).then(|| world.store.clone());
    let mut answer = router::answer(world, parts, body);
    if let Some(before) = before {
        *world.store = before;
    }
    for change in changes {
        answer = match change {
            Change::Stale => stale(world, past, parts, body, answer),
            change => changed(answer, change),
        };
    }
    // The length in the headers of an answer to HEAD may be that of any body.
    if parts.method == Method::HEAD { answer.map(|_| Bytes::new()) } else { answer }
}

fn changed(mut answer: Answer, change: &Change) -> Answer {
    let body = match change {
        Change::Error(status, code) => return error_saying(status_of(*status), code, "not true"),
        Change::Body(body) => body.clone(),
        Change::WithoutTag(tag) => without(answer.body(), tag),
        Change::Half => answer.body().slice(..answer.body().len() / 2),
        Change::Status(status) => {
            *answer.status_mut() = status_of(*status);
            return answer;
        }
        Change::Header(name, value) => {
            let value = HeaderValue::from_bytes(value).expect("header values of a test are valid");
            answer.headers_mut().insert(HeaderName::from_static(name), value);
            return answer;
        }
        Change::NoHeader(name) => {
            answer.headers_mut().remove(*name);
            return answer;
        }
        Change::Stale | Change::NotStored | Change::Deleted(..) => return answer,
    };
    answer.headers_mut().remove(CONTENT_LENGTH);
    answer.map(|_| body)
}

fn without(body: &[u8], tag: &str) -> Bytes {
    let mut list: Value = serde_json::from_slice(body).expect("a list of tags is JSON");
    list["tags"].as_array_mut().expect("tags").retain(|other| other != tag);
    list.to_string().into()
}

/// Returns the last earlier answer to a read that differs from `answer`.
fn stale(world: &mut World<'_>, past: &[Store], parts: &Parts, body: &Bytes, answer: Answer) -> Answer {
    let is_same = |other: &Answer| {
        (other.status(), other.headers(), other.body()) == (answer.status(), answer.headers(), answer.body())
    };
    for store in past.iter().rev() {
        let current = std::mem::replace(world.store, store.clone());
        let earlier = router::answer(world, parts, body);
        *world.store = current;
        if !is_same(&earlier) {
            return earlier;
        }
    }
    answer
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status of a test")
}
