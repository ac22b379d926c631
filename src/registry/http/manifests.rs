//! Manifests (distribution-spec "Pulling manifests", "Pushing Manifests") and the configs they name.

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};

use crate::oci::{Descriptor, Digest, Locator, MediaType, Payload, Repository, Tag};
use crate::registry::Result;
use crate::registry::error::{ErrorKind, Failure, Operation};
use crate::registry::transport::attempts::Repeat;
use crate::registry::transport::response::HttpResponse;
use crate::registry::transport::{Endpoint, Expected, OnStop, Request};

use super::write_result::{WriteResult, write_result};
use super::{Http, kind, manifest_request, request_for};

/// The maximum size of a manifest, in bytes. Registries do not accept more either.
pub(super) const MANIFEST: u64 = 4 << 20;
/// The maximum size of a config, in bytes.
const CONFIG: u64 = 8 << 20;

impl Http {
    /// Returns the type, digest and size of what `locator` names. If the answer to HEAD is not reliable, the manifest
    /// is read.
    pub(crate) async fn head(&self, repository: &Repository, locator: &Locator) -> Result<Option<Descriptor>> {
        let head = self.try_head(repository, locator).await;
        head.map_err(|failure| failure.at(Operation::ReadManifest, (repository, locator)))
    }

    /// Returns the same as [`Self::head`], but always reads the manifest.
    pub(crate) async fn read(&self, repository: &Repository, locator: &Locator) -> Result<Option<Descriptor>> {
        let read = async {
            let endpoint = self.endpoint(repository)?;
            let request = manifest_request(Method::GET, &endpoint, repository, &locator.to_string())?;
            self.head_by_get(&endpoint, request, repository, locator).await
        };
        read.await.map_err(|failure| failure.at(Operation::ReadManifest, (repository, locator)))
    }

    /// Returns the manifest of `digest`, verified.
    pub(crate) async fn manifest(&self, repository: &Repository, digest: &Digest) -> Result<Option<Payload>> {
        let got = self.try_manifest(repository, digest).await;
        got.map_err(|failure| failure.at(Operation::ReadManifest, (repository, digest)))
    }

    /// Returns the config blob of `digest`, verified.
    pub(crate) async fn config(&self, repository: &Repository, digest: &Digest) -> Result<Option<Payload>> {
        let got = self.try_config(repository, digest).await;
        got.map_err(|failure| failure.at(Operation::ReadBlob, (repository, digest)))
    }

    /// Writes a manifest. Its bytes are sent unchanged.
    pub(crate) async fn put_manifest(
        &self,
        repository: &Repository,
        locator: &Locator,
        payload: &Payload,
    ) -> Result<()> {
        let put = self.try_put(repository, locator, payload).await;
        put.map_err(|failure| failure.at(Operation::PushManifest, (repository, locator)))
    }

    async fn try_head(&self, repository: &Repository, locator: &Locator) -> HttpResult<Option<Descriptor>> {
        let endpoint = self.endpoint(repository)?;
        let request = manifest_request(Method::HEAD, &endpoint, repository, &locator.to_string())?;
        let sent = self.send(&endpoint, &request, repository).await;
        let get = Request { method: Method::GET, ..request };
        let head = match sent {
            Ok(answer) => match answer.status.as_u16() {
                404 => Ok(None),
                200 if let Some(descriptor) = believable(&answer, locator) => Ok(Some(descriptor)),
                // If a quota is used up, a GET would only be one more request against it.
                429 => Err(answer.failure()),
                // The answer to HEAD has no body, so it never says why the request was refused. A GET does.
                _ => self.head_by_get(&endpoint, get, repository, locator).await,
            },
            Err(failure) if failure.kind == ErrorKind::Server => {
                let once = Request { repeat: Repeat::Never, ..get.clone() };
                match self.head_by_get(&endpoint, once, repository, locator).await {
                    Err(why) => match why.kind {
                        ErrorKind::Server => Err(Failure { attempts: failure.attempts + 1, ..why }),
                        // The registry fails only for HEAD requests, so GET is used, with all its attempts.
                        ErrorKind::WrongDigest { .. } => self.head_by_get(&endpoint, get, repository, locator).await,
                        _ => Err(failure),
                    },
                    head => head,
                }
            }
            Err(failure) => Err(failure),
        };
        match (head, locator) {
            (Err(failure), Locator::Tag(tag)) if failure.status == Some(403) && self.access.is_target(repository) => {
                self.unless_unlisted(repository, tag, failure).await
            }
            (head, _) => head,
        }
    }

    /// Returns `None` if the tags of the repository can be read and `tag` is not one of them, otherwise `failure`.
    /// Artifactory answers 403 for a tag that a virtual repository does not have.
    async fn unless_unlisted(
        &self,
        repository: &Repository,
        tag: &Tag,
        failure: Failure,
    ) -> HttpResult<Option<Descriptor>> {
        match self.try_tags(repository).await {
            Ok(Some(tags)) if !tags.contains(tag) => Ok(None),
            Err(stopped) if stopped.kind == ErrorKind::Stopped => Err(stopped),
            _ => Err(failure),
        }
    }

    async fn head_by_get(
        &self,
        endpoint: &Endpoint,
        mut get: Request,
        repository: &Repository,
        locator: &Locator,
    ) -> HttpResult<Option<Descriptor>> {
        get.expected = match locator {
            Locator::Digest(digest) => Expected::Digest(digest.clone()),
            Locator::Tag(_) => Expected::Named,
        };
        let answer = self.send(endpoint, &get, repository).await?;
        let Some(media_type) = manifest_type(&answer)? else { return Ok(None) };
        let named = match locator {
            Locator::Digest(digest) => Some(digest.clone()),
            // Only the registry knows whether the tag's digest uses another algorithm than sha256.
            Locator::Tag(_) => answer.digest().filter(|digest| digest.matches(&answer.body)),
        };
        let digest = named.unwrap_or_else(|| Digest::of(&answer.body));
        Ok(Some(Descriptor { media_type, digest, size: answer.body.len() as u64 }))
    }

    async fn try_manifest(&self, repository: &Repository, digest: &Digest) -> HttpResult<Option<Payload>> {
        let endpoint = self.endpoint(repository)?;
        let mut request = manifest_request(Method::GET, &endpoint, repository, digest.as_str())?;
        request.expected = Expected::Digest(digest.clone());
        let answer = self.send(&endpoint, &request, repository).await?;
        manifest_type(&answer)?.map(|media_type| payload(&answer, media_type, digest)).transpose()
    }

    async fn try_config(&self, repository: &Repository, digest: &Digest) -> HttpResult<Option<Payload>> {
        let endpoint = self.endpoint(repository)?;
        let mut request = request_for(Method::GET, &endpoint, repository, &format!("blobs/{digest}"))?;
        request.headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        (request.limit, request.expected) = (Some(CONFIG), Expected::Digest(digest.clone()));
        let answer = self.send(&endpoint, &request, repository).await?;
        match answer.status.as_u16() {
            // The manifest that names a blob contains its type. The `Content-Type` of a blob is meaningless.
            200 => payload(&answer, MediaType::OciConfig, digest).map(Some),
            404 => Ok(None),
            _ => Err(answer.failure()),
        }
    }

    async fn try_put(&self, repository: &Repository, locator: &Locator, payload: &Payload) -> HttpResult<()> {
        let endpoint = self.endpoint(repository)?;
        let request = put_request(&endpoint, repository, &locator.to_string(), payload)?;
        let answer = self.send(&endpoint, &request, repository).await?;
        match write_result(&answer, payload, repository) {
            WriteResult::Yes => Ok(()),
            WriteResult::No(failure) => Err(failure),
            WriteResult::Unsaid(failure) => match self.try_head(repository, locator).await {
                Ok(Some(descriptor)) if descriptor.digest == *payload.digest() => Ok(()),
                // The PUT was sent, so it is not known whether the manifest was written.
                Err(stopped) if stopped.kind == ErrorKind::Stopped => {
                    Err(Failure { attempts: failure.attempts.max(1), ..stopped })
                }
                _ => Err(failure),
            },
        }
    }
}

/// The result of a request, or why it failed.
pub(super) type HttpResult<T> = std::result::Result<T, Failure>;

/// Creates a PUT of `payload` to `manifests/TARGET`.
pub(super) fn put_request(
    endpoint: &Endpoint,
    repository: &Repository,
    target: &str,
    payload: &Payload,
) -> HttpResult<Request> {
    let mut request = manifest_request(Method::PUT, endpoint, repository, target)?;
    let unfit =
        |_| Failure::of(ErrorKind::NotARegistry(format!("{} is not a valid Content-Type", payload.media_type())));
    let content_type = HeaderValue::from_str(payload.media_type().as_str()).map_err(unfit)?;
    request.headers.insert(CONTENT_TYPE, content_type);
    request.headers.remove(ACCEPT);
    (request.limit, request.body) = (None, Some(payload.bytes().clone()));
    request.on_stop = OnStop::Await;
    Ok(request)
}

/// Returns the descriptor in the answer to HEAD, if it is complete and plausible.
fn believable(answer: &HttpResponse, locator: &Locator) -> Option<Descriptor> {
    let digest = answer.digest()?;
    let size: u64 = answer.header("content-length")?.parse().ok().filter(|size| *size > 0)?;
    let media_type = Some(MediaType::parse(answer.header("content-type")?)).filter(kind::is_known)?;
    let is_what_was_asked = !matches!(locator, Locator::Digest(asked) if *asked != digest);
    is_what_was_asked.then_some(Descriptor { media_type, digest, size })
}

/// Returns the type of the manifest in an answer. `None` if the manifest does not exist.
pub(super) fn manifest_type(answer: &HttpResponse) -> HttpResult<Option<MediaType>> {
    match answer.status.as_u16() {
        200 => {
            let media_type = kind::media_type(answer.header("content-type"), &answer.body);
            media_type.map(Some).map_err(|why| {
                // The title of an HTML page shows which server sent it, so it is kept as the message.
                if answer.is_page() {
                    answer.out_of_place("the response is an HTML page, not a manifest")
                } else {
                    silent(answer.out_of_place(why))
                }
            })
        }
        404 => Ok(None),
        _ => Err(answer.failure()),
    }
}

fn payload(answer: &HttpResponse, media_type: MediaType, digest: &Digest) -> HttpResult<Payload> {
    Payload::verified(media_type, answer.body.clone(), digest).map_err(|actual| {
        silent(Failure { kind: ErrorKind::WrongDigest { expected: digest.clone(), actual }, ..answer.failure() })
    })
}

/// Removes the code and message from a failure. Use this if the body of the answer is not an error message.
pub(super) fn silent(failure: Failure) -> Failure {
    Failure { code: None, message: None, ..failure }
}
