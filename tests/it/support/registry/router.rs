//! The endpoints of the distribution-spec: computes the response from a request and the state, without waiting or
//! network. [`manifests`] has manifests and tags, [`answers`] has the parts of all responses. Blobs and uploads are in
//! this file.

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, HeaderName, LOCATION, RANGE, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::auth::{self, Tokens};
use super::knobs::{Blobs, ChallengeForm, Knobs, Mount, Uploads};
use super::lag::Arrivals;
use super::store::{Refused, Store};

use answers::{Answer, DIGEST, content, empty, error, error_saying, errors, json_answer, with};
use manifests::{Push, no_repository};

pub(super) mod answers;
mod manifests;

/// The signature in the URLs of the storage. The storage refuses a client that drops it.
const SIGNATURE: &str = "X-Signature=storage-secret";

/// The state that a request works on.
pub(super) struct World<'a> {
    pub(super) store: &'a mut Store,
    pub(super) tokens: &'a mut Tokens,
    pub(super) arrivals: &'a mut Arrivals,
    pub(super) knobs: &'a Knobs,
    /// The address of the registry.
    pub(super) host: &'a str,
    /// The address of the storage.
    pub(super) storage: &'a str,
    /// Which of the two received the request.
    pub(super) door: Door,
    /// Whether another PUT of the same manifest was in progress when the request arrived.
    pub(super) is_twin: bool,
}

/// The port that received a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// The registry.
    Registry,
    /// Its storage: another port, which requires signed URLs and no credentials.
    Storage,
}

/// The endpoint that a path refers to.
enum Endpoint<'a> {
    Base,
    Token,
    Tags(&'a str),
    Referrers(&'a str, &'a str),
    Manifest(&'a str, &'a str),
    Blob(&'a str, &'a str),
    Uploads(&'a str),
    Upload(&'a str, &'a str),
}

/// Carries out a request.
pub(super) fn answer(world: &mut World<'_>, parts: &Parts, body: &Bytes) -> Answer {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let Some(endpoint) = endpoint(parts.uri.path()) else {
        return error(StatusCode::NOT_FOUND, "NAME_INVALID", &Value::Null);
    };
    if let Endpoint::Token = endpoint {
        return token(world, parts, &query, body);
    }
    match world.door {
        Door::Storage => {
            if parts.headers.contains_key(AUTHORIZATION) || !parts.uri.query().unwrap_or_default().contains(SIGNATURE) {
                return error_saying(StatusCode::BAD_REQUEST, "InvalidArgument", "Only one auth mechanism allowed");
            }
        }
        Door::Registry => {
            let scopes = scopes(&parts.method, &endpoint, &query);
            let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
            if let Err(challenge) = auth::check(&world.knobs.auth, world.tokens, authorization, &scopes, world.host) {
                let answer = error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", &Value::Null);
                return challenged(answer, world.knobs, matches!(endpoint, Endpoint::Base), &challenge.0);
            }
        }
    }
    let method = parts.method.as_str();
    match (method, endpoint) {
        ("GET" | "HEAD", Endpoint::Base) => json_answer(StatusCode::OK, &json!({})),
        ("GET", Endpoint::Tags(repository)) => manifests::tags(world, repository, &query),
        ("GET", Endpoint::Referrers(repository, digest)) => manifests::referrers(world, repository, digest),
        ("GET" | "HEAD", Endpoint::Manifest(repository, reference)) => {
            manifests::get(world, parts, repository, reference)
        }
        ("PUT", Endpoint::Manifest(repository, reference)) => {
            let media_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            manifests::put(world, &Push { repository, media_type, body }, reference, &query)
        }
        ("DELETE", Endpoint::Manifest(repository, reference)) => {
            let found = world.store.remove(repository, reference);
            if found { empty(StatusCode::ACCEPTED) } else { answers::unknown_manifest(reference) }
        }
        ("GET" | "HEAD", Endpoint::Blob(repository, digest)) => blob(world, parts, repository, digest),
        ("POST", Endpoint::Uploads(repository)) => begin_upload(world, repository, &query, body),
        ("PATCH", Endpoint::Upload(repository, id)) => match world.store.append(repository, id, body) {
            Some(length) => session(world, StatusCode::ACCEPTED, (repository, id), length),
            None => no_upload(id),
        },
        ("PUT", Endpoint::Upload(repository, id)) => {
            let begins = first_byte(parts, &CONTENT_RANGE);
            match (world.store.uploaded(repository, id), begins) {
                (Some(length), Some(begins)) if length != begins => {
                    let answer = error(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID", &json!(id));
                    with(answer, RANGE, &format!("0-{}", length.saturating_sub(1)))
                }
                _ => put_upload(world.store, repository, id, &query, body),
            }
        }
        ("GET", Endpoint::Upload(repository, id)) => match world.store.uploaded(repository, id) {
            Some(length) => session(world, StatusCode::NO_CONTENT, (repository, id), length),
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
    if let Some(repository) = rest.strip_suffix("/referrers") {
        return Some(Endpoint::Referrers(repository, last));
    }
    if let Some(repository) = rest.strip_suffix("/manifests") {
        return Some(Endpoint::Manifest(repository, last));
    }
    if let Some(repository) = rest.strip_suffix("/blobs/uploads") {
        return Some(Endpoint::Upload(repository, last));
    }
    rest.strip_suffix("/blobs").map(|repository| Endpoint::Blob(repository, last))
}

/// Returns the scopes that a request requires. A mount requires them for both repositories.
fn scopes(method: &Method, endpoint: &Endpoint<'_>, query: &Query) -> Vec<String> {
    let repository = match endpoint {
        Endpoint::Base | Endpoint::Token => return Vec::new(),
        Endpoint::Tags(name)
        | Endpoint::Uploads(name)
        | Endpoint::Referrers(name, _)
        | Endpoint::Manifest(name, _)
        | Endpoint::Blob(name, _)
        | Endpoint::Upload(name, _) => name,
    };
    let actions = if matches!(*method, Method::GET | Method::HEAD) { "pull" } else { "pull,push" };
    let from = query.get("mount").and(query.get("from")).map(|from| format!("repository:{from}:pull"));
    std::iter::once(format!("repository:{repository}:{actions}")).chain(from).collect()
}

fn token(world: &mut World<'_>, parts: &Parts, query: &Query, body: &[u8]) -> Answer {
    let form = Query::parse(&String::from_utf8_lossy(body));
    let application = auth::Application {
        authorization: parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()),
        form: form.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        scopes: query.all("scope").chain(form.all("scope")).flat_map(str::split_whitespace).collect(),
    };
    match world.tokens.give(&world.knobs.auth, &application) {
        Ok(token) => json_answer(StatusCode::OK, &token),
        Err(status) => error(StatusCode::from_u16(status).expect("a status of a test"), "UNAUTHORIZED", &Value::Null),
    }
}

fn challenged(answer: Answer, knobs: &Knobs, is_base: bool, challenge: &str) -> Answer {
    let challenge = match &knobs.challenge {
        ChallengeForm::Plain => challenge.to_owned(),
        ChallengeForm::BaseOnly if is_base => challenge.to_owned(),
        ChallengeForm::BaseOnly => return answer,
        ChallengeForm::Crowded => {
            format!(r#"Negotiate, Digest realm="of \"all\", and more", qop="auth,auth-int", nonce="00", {challenge}"#)
        }
        ChallengeForm::Realm(realm) => format!(r#"Bearer realm="{realm}",service="rig""#),
    };
    with(answer, WWW_AUTHENTICATE, &challenge)
}

/// Returns the first position of a range: `bytes=3-` or `3-9`.
fn first_byte(parts: &Parts, name: &HeaderName) -> Option<usize> {
    let range = parts.headers.get(name)?.to_str().ok()?;
    range.trim_start_matches("bytes=").split('-').next()?.parse().ok()
}

fn blob(world: &World<'_>, parts: &Parts, repository: &str, digest: &str) -> Answer {
    let method = parts.method.as_str();
    let Some(bytes) = world.store.blob(repository, digest) else {
        return error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", &json!(digest));
    };
    if (world.knobs.blobs, world.door, method) == (Blobs::Storage, Door::Registry, "GET") {
        let address = format!("http://{}/v2/{repository}/blobs/{digest}?{SIGNATURE}", world.storage);
        return with(empty(StatusCode::TEMPORARY_REDIRECT), LOCATION, &address);
    }
    let begins = first_byte(parts, &RANGE);
    let whole = |bytes: &Bytes| content(method, "application/octet-stream", digest, bytes.clone());
    match begins {
        Some(begins) if method == "GET" && begins < bytes.len() => {
            let range = format!("bytes {begins}-{}/{}", bytes.len() - 1, bytes.len());
            let mut answer = with(whole(&bytes.slice(begins..)), CONTENT_RANGE, &range);
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
            answer
        }
        _ => whole(bytes),
    }
}

fn begin_upload(world: &mut World<'_>, repository: &str, query: &Query, body: &[u8]) -> Answer {
    if let Some(refused) = no_repository(world, repository) {
        return refused;
    }
    if let (Some(digest), Some(from)) = (query.get("mount"), query.get("from")) {
        match world.knobs.mount {
            Mount::Granted if world.store.mount(repository, digest, from) => return created_blob(repository, digest),
            Mount::Pretended => return created_blob(repository, digest),
            Mount::Refused(status) => {
                let status = StatusCode::from_u16(status).expect("a status of a test");
                return error(status, "UNSUPPORTED", &json!("mount"));
            }
            Mount::Granted | Mount::Session => {}
        }
    }
    let id = world.store.begin_upload(repository);
    match query.get("digest") {
        Some(_) => put_upload(world.store, repository, &id, query, body),
        None => session(world, StatusCode::ACCEPTED, (repository, &id), 0),
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

fn session(world: &World<'_>, status: StatusCode, (repository, id): (&str, &str), length: usize) -> Answer {
    let path = format!("/v2/{repository}/blobs/uploads/{id}?_state={length}");
    let address = match &world.knobs.uploads {
        Uploads::Relative => path,
        Uploads::Absolute => format!("http://{}{path}", world.host),
        Uploads::Storage => format!("http://{}{path}&{SIGNATURE}", world.storage),
        Uploads::At(address) => address.clone(),
    };
    let answer = with(empty(status), LOCATION, &address);
    with(answer, RANGE, &format!("0-{}", length.saturating_sub(1)))
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
    errors(StatusCode::BAD_REQUEST, code, &details)
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

/// Decodes `%3A` and `+`.
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
