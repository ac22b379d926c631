//! [`Http`]: the endpoints of the distribution-spec.
//!
//! | file | holds |
//! |---|---|
//! | [`manifests`] | HEAD, GET and PUT of manifests, GET of configs |
//! | [`kind`] | the media type of a manifest, from its bytes |
//! | [`write_result`] | whether a manifest was written, according to the answer to its PUT |
//! | [`tagging`] | several tags with one PUT, where the registry supports it |
//! | [`tags`] | the tags of a repository, page by page; `link` finds the next page |
//! | [`referrers`] | the referrers of a manifest |
//! | [`blobs`] | HEAD, mount and upload of blobs, the state of an upload |
//! | [`stream`] | whether the bytes of a blob move while they are copied |

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderValue};
use tokio::sync::Semaphore;

use crate::oci::Repository;

use super::Access;
use super::auth::{AuthClient, Right, Scopes};
use super::error::Failure;
use super::transport::response::HttpResponse;
use super::transport::{Endpoint, Request};

use tagging::Tagging;

pub(crate) mod blobs;
mod kind;
pub(super) mod link;
mod manifests;
mod referrers;
pub(crate) mod stream;
pub(crate) mod tagging;
mod tags;
mod write_result;

/// Registries over HTTP.
pub(crate) struct Http {
    pub(crate) client: AuthClient,
    pub(crate) access: Arc<Access>,
    pub(crate) tagging: Tagging,
    /// How many more bytes of small blobs may be kept in memory.
    pub(crate) kept_bytes: Semaphore,
}

/// The maximum number of bytes of small blobs in memory. A blob for which there is no room is streamed.
pub(crate) const KEPT_BYTES: usize = 32 << 20;

/// The media types of lists and of the manifests they are made of. They are sent in one header line, because old
/// proxies read only the first.
const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

impl Http {
    /// Returns the rights that the run may request in `repository`. Quay creates a repository that does not exist when
    /// the right to push to it is requested.
    fn scopes(&self, repository: &Repository) -> Scopes {
        Scopes::one(repository, if self.access.may_write(repository) { Right::PullPush } else { Right::Pull })
    }

    fn endpoint(&self, repository: &Repository) -> Result<Arc<Endpoint>, Failure> {
        self.client.transport.endpoint(repository.host())
    }

    /// Sends `request` with the rights that the run may request in `repository`.
    async fn send(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        repository: &Repository,
    ) -> Result<HttpResponse, Failure> {
        self.client.send(endpoint, request, &self.scopes(repository)).await
    }
}

/// Creates a request for `path` of `repository`, such as `blobs/uploads/`.
fn request_for(method: Method, endpoint: &Endpoint, repository: &Repository, path: &str) -> Result<Request, Failure> {
    let mut request = Request::new(method, endpoint.url(&format!("{}/{path}", repository.path()))?);
    // Sizes and digests are those of the unencoded bytes.
    request.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(request)
}

/// Creates a request for the manifest that `locator`, a tag or digest, names in `repository`.
fn manifest_request(
    method: Method,
    endpoint: &Endpoint,
    repository: &Repository,
    locator: &str,
) -> Result<Request, Failure> {
    let mut request = request_for(method, endpoint, repository, &format!("manifests/{locator}"))?;
    request.headers.insert(ACCEPT, HeaderValue::from_static(MANIFEST_TYPES));
    request.limit = Some(manifests::MANIFEST);
    Ok(request)
}

#[cfg(test)]
mod tests;
