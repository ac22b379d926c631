//! The endpoints of the distribution-spec: one request and the state in, one answer out. No waiting, no network.

use bytes::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LINK, LOCATION, RANGE, WWW_AUTHENTICATE};
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::auth::{self, Auth, Tokens};
use super::knobs::{Knobs, Mount};
use super::store::{Refused, Store, is_list};

/// What an answer is made of.
pub(super) type Answer = Response<Bytes>;

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const LARGEST_MANIFEST: usize = 4 * 1024 * 1024;

/// What a request works on.
pub(super) struct World<'a> {
    pub(super) store: &'a mut Store,
    pub(super) tokens: &'a mut Tokens,
    pub(super) knobs: &'a Knobs,
    pub(super) host: &'a str,
}

/// Where a path leads.
enum Endpoint<'a> {
    Base,
    Token,
    Tags(&'a str),
    Manifest(&'a str, &'a str),
    Blob(&'a str, &'a str),
    Uploads(&'a str),
    Upload(&'a str, &'a str),
}

/// Carries a request out.
pub(super) fn answer(world: &mut World<'_>, parts: &Parts, body: Bytes) -> Answer {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let Some(endpoint) = endpoint(parts.uri.path()) else {
        return error(StatusCode::NOT_FOUND, "NAME_INVALID", &Value::Null);
    };
    if let Endpoint::Token = endpoint {
        return token(world, parts, &query, &body);
    }
    let scopes = scopes(&parts.method, &endpoint, &query);
    let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Err(challenge) = auth::check(&world.knobs.auth, world.tokens, authorization, &scopes, world.host) {
        return with(error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", &Value::Null), WWW_AUTHENTICATE, &challenge.0);
    }
    let method = parts.method.as_str();
    match (method, endpoint) {
        ("GET" | "HEAD", Endpoint::Base) => json_answer(StatusCode::OK, &json!({})),
        ("GET", Endpoint::Tags(repository)) => tags(world.store, repository, &query),
        ("GET" | "HEAD", Endpoint::Manifest(repository, reference)) => {
            get_manifest(world.store, parts, repository, reference)
        }
        ("PUT", Endpoint::Manifest(repository, reference)) => {
            put_manifest(world.store, parts, repository, reference, body)
        }
        ("DELETE", Endpoint::Manifest(repository, reference)) => {
            let found = world.store.remove(repository, reference);
            if found { empty(StatusCode::ACCEPTED) } else { unknown_manifest(reference) }
        }
        ("GET" | "HEAD", Endpoint::Blob(repository, digest)) => match world.store.blob(repository, digest) {
            Some(bytes) => content(method, "application/octet-stream", digest, bytes.clone()),
            None => error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", &json!(digest)),
        },
        ("POST", Endpoint::Uploads(repository)) => begin_upload(world, repository, &query, &body),
        ("PATCH", Endpoint::Upload(repository, id)) => match world.store.append(repository, id, &body) {
            Some(length) => session(StatusCode::ACCEPTED, repository, id, length),
            None => no_upload(id),
        },
        ("PUT", Endpoint::Upload(repository, id)) => put_upload(world.store, repository, id, &query, &body),
        ("GET", Endpoint::Upload(repository, id)) => match world.store.uploaded(repository, id) {
            Some(length) => session(StatusCode::NO_CONTENT, repository, id, length),
            None => no_upload(id),
        },
        ("DELETE", Endpoint::Upload(repository, id)) => {
            let found = world.store.cancel_upload(repository, id);
            if found { empty(StatusCode::NO_CONTENT) } else { no_upload(id) }
        }
        _ => error(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", &Value::Null),
    }
}

fn endpoint(path: &str) -> Option<Endpoint<'_>> {
    match path {
        "/v2/" | "/v2" => return Some(Endpoint::Base),
        "/token" => return Some(Endpoint::Token),
        _ => {}
    }
    let path = path.strip_prefix("/v2/")?;
    if let Some(repository) = path.strip_suffix("/tags/list") {
        return Some(Endpoint::Tags(repository));
    }
    if let Some(repository) = path.strip_suffix("/blobs/uploads/") {
        return Some(Endpoint::Uploads(repository));
    }
    let (rest, last) = path.rsplit_once('/')?;
    if let Some(repository) = rest.strip_suffix("/manifests") {
        return Some(Endpoint::Manifest(repository, last));
    }
    if let Some(repository) = rest.strip_suffix("/blobs/uploads") {
        return Some(Endpoint::Upload(repository, last));
    }
    rest.strip_suffix("/blobs").map(|repository| Endpoint::Blob(repository, last))
}

/// What a request needs the right to; a mount needs it to both repositories.
fn scopes(method: &Method, endpoint: &Endpoint<'_>, query: &Query) -> Vec<String> {
    let repository = match endpoint {
        Endpoint::Base | Endpoint::Token => return Vec::new(),
        Endpoint::Tags(name)
        | Endpoint::Uploads(name)
        | Endpoint::Manifest(name, _)
        | Endpoint::Blob(name, _)
        | Endpoint::Upload(name, _) => name,
    };
    let actions = if matches!(*method, Method::GET | Method::HEAD) { "pull" } else { "pull,push" };
    let from = query.get("mount").and(query.get("from")).map(|from| format!("repository:{from}:pull"));
    std::iter::once(format!("repository:{repository}:{actions}")).chain(from).collect()
}

fn token(world: &mut World<'_>, parts: &Parts, query: &Query, body: &[u8]) -> Answer {
    let Auth::Bearer(account) = &world.knobs.auth else {
        return error(StatusCode::NOT_FOUND, "UNSUPPORTED", &Value::Null);
    };
    let form = Query::parse(&String::from_utf8_lossy(body));
    let known = match parts.method {
        Method::POST => {
            form.get("username") == Some(account.user.as_str())
                && form.get("password") == Some(account.password.as_str())
        }
        _ => parts.headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes() == account.basic().as_bytes()),
    };
    if !known {
        return error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", &Value::Null);
    }
    let scopes = query.all("scope").chain(form.all("scope")).flat_map(str::split_whitespace);
    let token = world.tokens.give(scopes);
    json_answer(StatusCode::OK, &json!({ "token": token, "access_token": token, "expires_in": 300 }))
}

fn tags(store: &Store, repository: &str, query: &Query) -> Answer {
    let Some(tags) = store.tags(repository) else {
        return error(StatusCode::NOT_FOUND, "NAME_UNKNOWN", &json!(repository));
    };
    let page = query.get("n").and_then(|n| n.parse().ok()).unwrap_or(100);
    let rest: Vec<&str> = tags.filter(|tag| query.get("last").is_none_or(|last| *tag > last)).collect();
    let names = &rest[..rest.len().min(page)];
    let answer = json_answer(StatusCode::OK, &json!({ "name": repository, "tags": names }));
    match names.last() {
        Some(last) if names.len() < rest.len() => {
            with(answer, LINK, &format!("</v2/{repository}/tags/list?n={page}&last={last}>; rel=\"next\""))
        }
        _ => answer,
    }
}

fn get_manifest(store: &Store, parts: &Parts, repository: &str, reference: &str) -> Answer {
    let accepted = parts.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut accepted =
        accepted.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or("").trim());
    match store.manifest(repository, reference) {
        Some(manifest) if accepted.any(|kind| kind == manifest.media_type) => {
            content(parts.method.as_str(), &manifest.media_type, &manifest.digest, manifest.bytes.clone())
        }
        Some(manifest) => {
            let what = if is_list(&manifest.media_type) { "list" } else { "image" };
            error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", &json!(format!("this {what} is of a type not accepted")))
        }
        None => unknown_manifest(reference),
    }
}

fn put_manifest(store: &mut Store, parts: &Parts, repository: &str, reference: &str, body: Bytes) -> Answer {
    if body.len() > LARGEST_MANIFEST {
        return error(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", &json!(body.len()));
    }
    let media_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match store.put_manifest(repository, reference, media_type, body) {
        Ok(digest) => {
            let answer = with(empty(StatusCode::CREATED), DIGEST, &digest);
            with(answer, LOCATION, &format!("/v2/{repository}/manifests/{digest}"))
        }
        Err(refused) => refusal(&refused),
    }
}

fn begin_upload(world: &mut World<'_>, repository: &str, query: &Query, body: &[u8]) -> Answer {
    if let (Some(digest), Some(from), Mount::Granted) = (query.get("mount"), query.get("from"), world.knobs.mount)
        && world.store.mount(repository, digest, from)
    {
        return created_blob(repository, digest);
    }
    let id = world.store.begin_upload(repository);
    match query.get("digest") {
        Some(_) => put_upload(world.store, repository, &id, query, body),
        None => session(StatusCode::ACCEPTED, repository, &id, 0),
    }
}

fn put_upload(store: &mut Store, repository: &str, id: &str, query: &Query, body: &[u8]) -> Answer {
    let Some(digest) = query.get("digest") else {
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID", &Value::Null);
    };
    if store.append(repository, id, body).is_none() {
        return no_upload(id);
    }
    match store.finish_upload(repository, id, digest) {
        Ok(()) => created_blob(repository, digest),
        Err(refused) => refusal(&refused),
    }
}

fn created_blob(repository: &str, digest: &str) -> Answer {
    let answer = with(empty(StatusCode::CREATED), DIGEST, digest);
    with(answer, LOCATION, &format!("/v2/{repository}/blobs/{digest}"))
}

fn session(status: StatusCode, repository: &str, id: &str, length: usize) -> Answer {
    let answer = with(empty(status), LOCATION, &format!("/v2/{repository}/blobs/uploads/{id}?_state={length}"));
    with(answer, RANGE, &format!("0-{}", length.saturating_sub(1)))
}

fn content(method: &str, media_type: &str, digest: &str, bytes: Bytes) -> Answer {
    let length = bytes.len().to_string();
    let mut answer = Response::new(if method == "HEAD" { Bytes::new() } else { bytes });
    answer = with(answer, CONTENT_TYPE, media_type);
    answer = with(answer, CONTENT_LENGTH, &length);
    with(answer, DIGEST, digest)
}

fn unknown_manifest(reference: &str) -> Answer {
    error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", &json!(reference))
}

fn no_upload(id: &str) -> Answer {
    error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", &json!(id))
}

fn refusal(refused: &Refused) -> Answer {
    let (code, details) = match refused {
        Refused::WrongDigest => ("DIGEST_INVALID", vec![Value::Null]),
        Refused::Malformed(why) => ("MANIFEST_INVALID", vec![json!(why)]),
        Refused::Unknown(missing) => ("MANIFEST_BLOB_UNKNOWN", missing.iter().map(|digest| json!(digest)).collect()),
        Refused::NoUpload => return no_upload("-"),
    };
    let errors: Vec<Value> = details.into_iter().map(|detail| one_error(code, &detail)).collect();
    json_answer(StatusCode::BAD_REQUEST, &json!({ "errors": errors }))
}

fn error(status: StatusCode, code: &str, detail: &Value) -> Answer {
    json_answer(status, &json!({ "errors": [one_error(code, detail)] }))
}

fn one_error(code: &str, detail: &Value) -> Value {
    json!({ "code": code, "message": code.to_lowercase().replace('_', " "), "detail": detail })
}

fn json_answer(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Bytes::from(body.to_string()));
    *answer.status_mut() = status;
    with(answer, CONTENT_TYPE, "application/json")
}

/// An answer of nothing but a status.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

/// An answer with one header more.
pub(super) fn with(mut answer: Answer, name: HeaderName, value: &str) -> Answer {
    answer.headers_mut().insert(name, HeaderValue::from_str(value).expect("header values of a test are plain text"));
    answer
}

/// The parameters of a query or form.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decode(k), decode(v))).collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Undoes `%3A` and `+`.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
