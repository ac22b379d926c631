//! [`Http`]: the endpoints of the distribution-spec, nothing else.
//!
//! | file | holds |
//! |---|---|
//! | [`manifests`] | HEAD, GET and PUT of manifests, GET of configs |
//! | [`kind`] | what a manifest's bytes say they are |
//! | [`written`] | what the answer to a PUT of a manifest says |
//! | [`tagging`] | several tags with one PUT, where that is known |
//! | [`tags`] | the tags of a repository, page by page; `link` reads where the next page is |
//! | [`referrers`] | what speaks of a manifest |
//! | [`blobs`] | HEAD, mount and upload of blobs |
//! | [`stream`] | a blob on its way from one place to another |

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderValue};

use crate::oci::Repository;

use super::Access;
use super::auth::{AuthClient, Right, Scopes};
use super::error::Failure;
use super::transport::answer::Answer;
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
mod written;

/// Registries over HTTP.
pub(crate) struct Http {
    pub(crate) client: AuthClient,
    pub(crate) access: Arc<Access>,
    pub(crate) tagging: Tagging,
}

/// The types a list can be or be made of; one line, because old proxies read only the first.
const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

impl Http {
    /// The rights the run may ask for in `repository`: Quay makes a repository when asked for a right to push to one
    /// that does not exist.
    fn scopes(&self, repository: &Repository) -> Scopes {
        Scopes::one(repository, if self.access.may_write(repository) { Right::PullPush } else { Right::Pull })
    }

    fn endpoint(&self, repository: &Repository) -> Result<Arc<Endpoint>, Failure> {
        self.client.transport.endpoint(repository.host())
    }

    /// Sends `request` with the rights that the run may ask for in `repository`.
    async fn send(&self, endpoint: &Endpoint, request: &Request, repository: &Repository) -> Result<Answer, Failure> {
        self.client.send(endpoint, request, &self.scopes(repository)).await
    }
}

/// A request for `path` of `repository`: `blobs/uploads/`.
fn request_for(method: Method, endpoint: &Endpoint, repository: &Repository, path: &str) -> Result<Request, Failure> {
    let mut request = Request::new(method, endpoint.url(&format!("{}/{path}", repository.path()))?);
    // Sizes are of the very bytes, and so are digests.
    request.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(request)
}

/// A request for the manifest that `locator`, a tag or digest, names in `repository`.
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
