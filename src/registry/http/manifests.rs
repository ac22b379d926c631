//! Manifests (distribution-spec "Pulling manifests", "Pushing Manifests") and the configs they name.

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};

use crate::oci::{Descriptor, Digest, Locator, MediaType, Payload, Repository};
use crate::registry::Result;
use crate::registry::error::{ErrorKind, Failure};
use crate::registry::transport::answer::{Answer, codes, digests_in};
use crate::registry::transport::attempts::Repeat;
use crate::registry::transport::{Endpoint, OnStop, Request};

use super::{Http, kind};

/// The most a manifest may have; registries take no more either.
pub(super) const MANIFEST: u64 = 4 << 20;
/// The most a config may have.
const CONFIG: u64 = 8 << 20;

impl Http {
    /// Type, digest and size of what `locator` names; where a HEAD can't be believed, the manifest is read.
    pub(crate) async fn head(&self, repository: &Repository, locator: &Locator) -> Result<Option<Descriptor>> {
        let head = self.try_head(repository, locator).await;
        head.map_err(|failure| failure.at("read", named(repository, locator), Some(repository.host())))
    }

    /// The manifest of `digest`, verified.
    pub(crate) async fn manifest(&self, repository: &Repository, digest: &Digest) -> Result<Option<Payload>> {
        let got = self.try_manifest(repository, digest).await;
        got.map_err(|failure| failure.at("read", format!("{repository}@{digest}"), Some(repository.host())))
    }

    /// The config blob of `digest`, verified.
    pub(crate) async fn config(&self, repository: &Repository, digest: &Digest) -> Result<Option<Payload>> {
        let got = self.try_config(repository, digest).await;
        got.map_err(|failure| failure.at("read", format!("{repository}@{digest}"), Some(repository.host())))
    }

    /// Writes a manifest; the bytes go as they are.
    pub(crate) async fn put_manifest(
        &self,
        repository: &Repository,
        locator: &Locator,
        payload: &Payload,
    ) -> Result<()> {
        let put = self.try_put(repository, locator, payload).await;
        put.map_err(|failure| failure.at("push", named(repository, locator), Some(repository.host())))
    }

    async fn try_head(&self, repository: &Repository, locator: &Locator) -> Outcome<Option<Descriptor>> {
        let endpoint = self.endpoint(repository)?;
        let request = self.manifest_request(Method::HEAD, &endpoint, repository, &locator.to_string())?;
        let sent = self.transport.send(&endpoint, &request).await;
        let get = Request { method: Method::GET, ..request };
        match sent {
            Ok(answer) => match answer.status.as_u16() {
                404 => Ok(None),
                200 if let Some(descriptor) = believable(&answer, locator) => Ok(Some(descriptor)),
                // A quota that is used up would be asked once more by a read.
                429 => Err(answer.failure()),
                // No HEAD has a body, so none says why it was refused.
                _ => self.head_by_get(&endpoint, get, locator).await,
            },
            Err(failure) if failure.kind == ErrorKind::Server => {
                let why = self.head_by_get(&endpoint, Request { repeat: Repeat::Never, ..get }, locator).await;
                why.map_err(|why| match why.kind {
                    ErrorKind::Server => Failure { attempts: failure.attempts + 1, ..why },
                    _ => failure,
                })
            }
            Err(failure) => Err(failure),
        }
    }

    async fn head_by_get(
        &self,
        endpoint: &Endpoint,
        mut get: Request,
        locator: &Locator,
    ) -> Outcome<Option<Descriptor>> {
        if let Locator::Digest(digest) = locator {
            get.digest = Some(digest.clone());
        }
        let answer = self.transport.send(endpoint, &get).await?;
        let Some(media_type) = manifest_type(&answer)? else { return Ok(None) };
        let named = match locator {
            Locator::Digest(digest) => Some(digest.clone()),
            // Of a digest that is not sha256 only the registry knows that it is meant.
            Locator::Tag(_) => answer.digest().filter(|digest| digest.matches(&answer.body)),
        };
        let digest = named.unwrap_or_else(|| Digest::of(&answer.body));
        Ok(Some(Descriptor { media_type, digest, size: answer.body.len() as u64 }))
    }

    async fn try_manifest(&self, repository: &Repository, digest: &Digest) -> Outcome<Option<Payload>> {
        let endpoint = self.endpoint(repository)?;
        let mut request = self.manifest_request(Method::GET, &endpoint, repository, digest.as_str())?;
        request.digest = Some(digest.clone());
        let answer = self.transport.send(&endpoint, &request).await?;
        manifest_type(&answer)?.map(|media_type| payload(&answer, media_type, digest)).transpose()
    }

    async fn try_config(&self, repository: &Repository, digest: &Digest) -> Outcome<Option<Payload>> {
        let endpoint = self.endpoint(repository)?;
        let mut request = self.request(Method::GET, &endpoint, repository, &format!("blobs/{digest}"))?;
        request.headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        (request.limit, request.digest) = (Some(CONFIG), Some(digest.clone()));
        let answer = self.transport.send(&endpoint, &request).await?;
        match answer.status.as_u16() {
            // A blob's own type is in the manifest that names it; what it is served as says nothing.
            200 => payload(&answer, MediaType::OciConfig, digest).map(Some),
            404 => Ok(None),
            _ => Err(answer.failure()),
        }
    }

    async fn try_put(&self, repository: &Repository, locator: &Locator, payload: &Payload) -> Outcome<()> {
        let endpoint = self.endpoint(repository)?;
        let mut request = self.manifest_request(Method::PUT, &endpoint, repository, &locator.to_string())?;
        let unfit = |_| Failure::of(ErrorKind::NotARegistry(format!("no header can say {}", payload.media_type())));
        let content_type = HeaderValue::from_str(payload.media_type().as_str()).map_err(unfit)?;
        request.headers.insert(CONTENT_TYPE, content_type);
        request.headers.remove(ACCEPT);
        (request.limit, request.body) = (None, Some(payload.bytes().clone()));
        request.on_stop = OnStop::Await;
        let answer = self.transport.send(&endpoint, &request).await?;
        written(&answer, payload.digest())
    }
}

type Outcome<T> = std::result::Result<T, Failure>;

/// What a HEAD says, if it says all and nothing that can't be.
fn believable(answer: &Answer, locator: &Locator) -> Option<Descriptor> {
    let digest = answer.digest()?;
    let size: u64 = answer.header("content-length")?.parse().ok().filter(|size| *size > 0)?;
    let media_type = Some(MediaType::parse(answer.header("content-type")?)).filter(kind::is_known)?;
    let is_what_was_asked = !matches!(locator, Locator::Digest(asked) if *asked != digest);
    is_what_was_asked.then_some(Descriptor { media_type, digest, size })
}

/// The type of the manifest that was answered; none where there is none.
fn manifest_type(answer: &Answer) -> Outcome<Option<MediaType>> {
    match answer.status.as_u16() {
        200 => {
            let media_type = kind::media_type(answer.header("content-type"), &answer.body);
            media_type.map(Some).map_err(|why| silent(answer.out_of_place(why)))
        }
        404 => Ok(None),
        _ => Err(answer.failure()),
    }
}

fn payload(answer: &Answer, media_type: MediaType, digest: &Digest) -> Outcome<Payload> {
    Payload::verified(media_type, answer.body.clone(), digest).map_err(|actual| {
        silent(Failure { kind: ErrorKind::WrongDigest { expected: digest.clone(), actual }, ..answer.failure() })
    })
}

/// Whether a PUT wrote what was sent.
fn written(answer: &Answer, digest: &Digest) -> Outcome<()> {
    match (answer.status.as_u16(), answer.digest()) {
        (200..=202, Some(actual)) if actual != *digest => {
            let expected = digest.clone();
            Err(silent(Failure { kind: ErrorKind::WrongDigest { expected, actual }, ..answer.failure() }))
        }
        (201, _) | (200 | 202, Some(_)) => Ok(()),
        (200 | 202, None) => Err(silent(answer.out_of_place("took a manifest without saying which"))),
        _ => Err(content_unknown(answer, digest).unwrap_or_else(|| answer.failure())),
    }
}

/// The refusal of a manifest whose children or blobs the registry does not see in the repository.
fn content_unknown(answer: &Answer, own: &Digest) -> Option<Failure> {
    // ECR has its own words, and the test registry of go-containerregistry answers 404 for children.
    const CODES: [&str; 3] = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"];
    let text = String::from_utf8_lossy(&answer.body);
    let by_code = codes(&answer.body).iter().any(|code| CODES.contains(&code.as_str()));
    let by_words = text.contains("required for pushing image") && text.contains("do not exist");
    let digests = digests_in(&text).into_iter().filter(|digest| digest != own).collect();
    let is_refusal = matches!(answer.status.as_u16(), 400 | 404 | 409 | 412 | 422);
    (is_refusal && (by_code || by_words))
        .then(|| Failure { kind: ErrorKind::ContentUnknown(digests), ..answer.failure() })
}

/// A failure of an answer whose body is no error's: what it says is not to be shown as one.
fn silent(failure: Failure) -> Failure {
    Failure { code: None, message: None, ..failure }
}

fn named(repository: &Repository, locator: &Locator) -> String {
    match locator {
        Locator::Tag(tag) => format!("{repository}:{tag}"),
        Locator::Digest(digest) => format!("{repository}@{digest}"),
    }
}
