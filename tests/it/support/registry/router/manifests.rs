//! The endpoints for manifests and tags, with the behavior that [`Knobs`](super::super::knobs::Knobs) set.

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LINK, LOCATION};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::knobs::{
    Absent, Accept, Head, Immutable, NextPage, References, Referrers, Repositories, TagParameter,
};
use super::super::lag::Seen;
use super::super::store::{Manifest, Refused, digest_of, is_list};
use super::answers::{
    Answer, DIGEST, content, empty, error, error_saying, errors, json_answer, text, unknown_manifest,
    unknown_repository, with,
};
use super::{Query, World, refusal};

const LARGEST_MANIFEST: usize = 4 * 1024 * 1024;
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");

pub(super) fn get(world: &World<'_>, parts: &Parts, repository: &str, reference: &str) -> Answer {
    let is_head = parts.method == Method::HEAD;
    if let (true, Head::Refused(status)) = (is_head, world.knobs.head) {
        return empty(StatusCode::from_u16(status).expect("a status of a test"));
    }
    let reference = match world.arrivals.seen(world.knobs.lag, repository, reference) {
        Seen::AsItIs => Some(reference.to_owned()),
        Seen::AsItWas(before) => before,
    };
    let manifest = reference.as_deref().and_then(|reference| world.store.manifest(repository, reference));
    let Some(manifest) = manifest else {
        return match world.knobs.absent {
            Absent::NotFound => unknown_manifest(reference.as_deref().unwrap_or_default()),
            Absent::Forbidden => error(StatusCode::FORBIDDEN, "DENIED", &Value::Null),
        };
    };
    let accepted = parts.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut accepted =
        accepted.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or("").trim());
    if accepted.any(|kind| kind == manifest.media_type) {
        return shown(world, &parts.method, manifest);
    }
    let child = amd64_child(manifest).and_then(|digest| world.store.manifest(repository, &digest));
    if let (Accept::Downgrade, Some(child)) = (world.knobs.accept, child) {
        return shown(world, &parts.method, child);
    }
    let what = if is_list(&manifest.media_type) { "list" } else { "image" };
    error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", &json!(format!("this {what} is of a type not accepted")))
}

fn shown(world: &World<'_>, method: &Method, manifest: &Manifest) -> Answer {
    let answer = content(method.as_str(), &manifest.media_type, &manifest.digest, manifest.bytes.clone());
    if *method != Method::HEAD {
        return answer;
    }
    match world.knobs.head {
        Head::Whole | Head::Refused(_) => answer,
        Head::NoDigest => {
            let mut answer = answer;
            answer.headers_mut().remove(DIGEST);
            answer
        }
        Head::WrongLength => with(answer, CONTENT_LENGTH, &(manifest.bytes.len() + 7).to_string()),
        Head::WrongType => with(answer, CONTENT_TYPE, "text/plain"),
    }
}

fn amd64_child(manifest: &Manifest) -> Option<String> {
    let list: Value = serde_json::from_slice(&manifest.bytes).ok()?;
    let entry = list["manifests"].as_array()?.iter().find(|entry| entry["platform"]["architecture"] == "amd64")?;
    entry["digest"].as_str().map(str::to_owned)
}

/// A manifest that a client pushes.
pub(super) struct Push<'a> {
    pub(super) repository: &'a str,
    pub(super) media_type: &'a str,
    pub(super) body: &'a Bytes,
}

pub(super) fn put(world: &mut World<'_>, push: &Push<'_>, reference: &str, query: &Query) -> Answer {
    let tags: Vec<&str> = query.all("tag").collect();
    match world.knobs.tag_parameter {
        TagParameter::TooLong if !tags.is_empty() => empty(StatusCode::URI_TOO_LONG),
        TagParameter::Honoured(_) if !tags.is_empty() && !reference.contains(':') => {
            error(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", &json!("tag behind a tag"))
        }
        TagParameter::Honoured(most) => {
            let tags = &tags[..tags.len().min(most)];
            let written = write(world, push, reference);
            let refused = tags.iter().map(|tag| write(world, push, tag)).find(|answer| !answer.status().is_success());
            match refused {
                Some(refused) => refused,
                None if tags.is_empty() => written,
                None => with(written, OCI_TAG, &tags.join(", ")),
            }
        }
        TagParameter::Ignored | TagParameter::TooLong => write(world, push, reference),
    }
}

/// Writes a manifest under one tag or digest.
fn write(world: &mut World<'_>, push: &Push<'_>, reference: &str) -> Answer {
    if let Some(forbidden) = forbidden(world, push, reference) {
        return forbidden;
    }
    let Push { repository, media_type, body } = push;
    let before = world.store.manifest(repository, reference).map(|manifest| manifest.digest.clone());
    let bytes = Bytes::clone(body);
    let put = match world.knobs.references {
        References::Checked => world.store.put_manifest(repository, reference, media_type, bytes),
        References::Unchecked if reference.contains(':') && reference != digest_of(body) => Err(Refused::WrongDigest),
        References::Unchecked => Ok(world.store.put_unchecked(repository, reference, media_type, bytes)),
    };
    match put {
        Ok(digest) => {
            if !world.knobs.lag.is_none() && before.as_ref() != Some(&digest) {
                world.arrivals.note(repository, reference, before);
            }
            let answer = with(empty(StatusCode::CREATED), DIGEST, &digest);
            with(answer, LOCATION, &format!("/v2/{repository}/manifests/{digest}"))
        }
        Err(refused) => refusal(&refused),
    }
}

/// Returns the error for a write that is forbidden whatever its content.
fn forbidden(world: &World<'_>, push: &Push<'_>, reference: &str) -> Option<Answer> {
    let Push { repository, media_type, body } = push;
    if body.len() > world.knobs.largest_manifest.unwrap_or(LARGEST_MANIFEST) {
        return Some(error(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", &json!(body.len())));
    }
    if world.is_twin {
        return Some(error_saying(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", "manifest invalid"));
    }
    if let Some(rules) = world.knobs.immutable
        && !reference.contains(':')
        && world.store.manifest(repository, reference).is_some()
    {
        return Some(rules.refusal(repository, reference));
    }
    let unseen =
        if is_list(media_type) { world.arrivals.unseen(world.knobs.lag, repository, body) } else { Vec::new() };
    if !unseen.is_empty() {
        let details: Vec<Value> = unseen.iter().map(|digest| json!(digest)).collect();
        return Some(errors(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN", &details));
    }
    no_repository(world, repository)
}

/// Returns the error for a push to a repository that does not exist and is not created by a push.
pub(super) fn no_repository(world: &World<'_>, repository: &str) -> Option<Answer> {
    let stands = world.knobs.repositories == Repositories::MadeByPush || world.store.tags(repository).is_some();
    (!stands).then(|| unknown_repository(repository))
}

impl Immutable {
    fn refusal(self, repository: &str, tag: &str) -> Answer {
        match self {
            Self::Ecr => error_saying(
                StatusCode::BAD_REQUEST,
                "TAG_INVALID",
                &format!(
                    "The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten \
                     because the repository is immutable."
                ),
            ),
            Self::Quay => {
                error_saying(StatusCode::CONFLICT, "TAG_IMMUTABLE", "tag is immutable and cannot be overwritten")
            }
            Self::Harbor => error_saying(
                StatusCode::PRECONDITION_FAILED,
                "PRECONDITION",
                &format!("Failed to process request due to '{repository}:{tag}' configured as immutable."),
            ),
            Self::Artifactory => error_saying(
                StatusCode::FORBIDDEN,
                "DENIED",
                &format!(
                    "Not enough permissions to delete/overwrite artifact '{repository}/{tag}/list.manifest.json' \
                     (user: 'ci-bot' needs DELETE permission)."
                ),
            ),
        }
    }
}

/// Returns an index of the manifests whose `subject` is this digest. It is empty if there are none.
pub(super) fn referrers(world: &World<'_>, repository: &str, digest: &str) -> Answer {
    if world.knobs.referrers == Referrers::Unknown {
        return text(StatusCode::NOT_FOUND, "text/plain", "404 page not found");
    }
    let entries = world.store.referrers(repository, digest);
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
    text(StatusCode::OK, OCI_INDEX, &index.to_string())
}

pub(super) fn tags(world: &World<'_>, repository: &str, query: &Query) -> Answer {
    let Some(tags) = world.store.tags(repository) else { return unknown_repository(repository) };
    let pages = world.knobs.tags;
    if pages.link == NextPage::Null {
        return json_answer(StatusCode::OK, &json!({ "name": repository, "tags": null }));
    }
    let asked = query.get("n").and_then(|n| n.parse().ok()).unwrap_or(100);
    let page = pages.most.map_or(asked, |most| asked.min(most));
    let last = query.get("last");
    let rest: Vec<&str> = tags.filter(|tag| last.is_none_or(|last| *tag > last)).collect();
    let names = &rest[..rest.len().min(page)];
    let answer = json_answer(StatusCode::OK, &json!({ "name": repository, "tags": names }));
    let Some(end) = names.last().filter(|_| names.len() < rest.len()) else { return answer };
    let (host, to) = match pages.link {
        NextPage::Absolute => (format!("http://{}", world.host), end),
        // The start of this page.
        NextPage::Looping => (String::new(), &last.unwrap_or_default()),
        NextPage::Relative | NextPage::Null => (String::new(), end),
    };
    with(answer, LINK, &format!(r#"<{host}/v2/{repository}/tags/list?n={page}&last={to}>; rel="next""#))
}
