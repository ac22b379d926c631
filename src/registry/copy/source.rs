//! [`BlobSource`]: the place a blob is copied from.

use std::io;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use reqwest::header::{ACCEPT_ENCODING, HeaderValue};
use tokio::time::timeout;

use crate::oci::{Descriptor, LayoutDir, Repository};
use crate::registry::auth::{RequestAuth, Signature};
use crate::registry::error::{ErrorKind, Failure, LayoutFault};
use crate::registry::gate::RequestClass;
use crate::registry::http::Http;
use crate::registry::http::stream::End;
use crate::registry::layout::Layouts;
use crate::registry::transport::attempts::{WHOLE, too_late};
use crate::registry::transport::response::{RetryVerdict, classify};
use crate::registry::transport::wire::{Outgoing, TransferError, network, refuse_encoding};
use crate::registry::transport::{Endpoint, read};

use super::RetryDecision;

/// The bytes of a blob, not yet verified.
pub(super) type Bytestream = BoxStream<'static, io::Result<Bytes>>;

/// The place a blob is copied from.
pub(super) enum BlobSource<'a> {
    Layout { layouts: &'a Layouts, dir: &'a LayoutDir },
    Repository { http: &'a Http, repository: &'a Repository, endpoint: &'a Endpoint, auth: Box<RequestAuth<'a>> },
}

impl<'a> BlobSource<'a> {
    pub(super) async fn repository(
        http: &'a Http,
        repository: &'a Repository,
        endpoint: &'a Endpoint,
    ) -> Result<Self, Failure> {
        let auth = Box::new(RequestAuth::begin(&http.client, endpoint).await?);
        Ok(Self::Repository { http, repository, endpoint, auth })
    }

    /// Returns the endpoint of the registry. `None` for a layout.
    pub(super) fn endpoint(&self) -> Option<&'a Endpoint> {
        match self {
            Self::Layout { .. } => None,
            Self::Repository { endpoint, .. } => Some(endpoint),
        }
    }

    /// Returns how the request for the bytes is signed. This must be called before a permit is taken.
    pub(super) async fn sign(&self) -> Result<Signature, Failure> {
        match self {
            Self::Layout { .. } => Ok(Signature::default()),
            Self::Repository { http, repository, endpoint, auth } => {
                auth.sign(&endpoint.base, &http.rights(repository)).await
            }
        }
    }

    /// Opens `blob` for reading.
    pub(super) async fn open(&mut self, blob: &Descriptor, signature: &Signature) -> Result<Bytestream, RetryDecision> {
        match self {
            Self::Layout { layouts, dir } => {
                let reader = layouts.open_blob(dir, blob).await.map_err(RetryDecision::Layout)?;
                let reader =
                    reader.ok_or_else(|| RetryDecision::Final(End::Source, Failure::of(ErrorKind::NotFound)))?;
                Ok(reader.boxed())
            }
            Self::Repository { http, repository, endpoint, auth } => {
                let out =
                    get(endpoint, repository, blob, signature).map_err(|it| RetryDecision::Final(End::Source, it))?;
                download(http, endpoint, auth, out, signature).await
            }
        }
    }

    /// Returns the decision after bytes that do not match the blob, or that broke off.
    pub(super) fn fault(&self, kind: ErrorKind) -> RetryDecision {
        match (self, kind) {
            (Self::Repository { .. }, kind) => RetryDecision::Fault(End::Source, Failure::of(kind)),
            // A file on disk is what it is.
            (Self::Layout { .. }, kind) => {
                let kind = match kind {
                    ErrorKind::WrongDigest { expected, .. } => ErrorKind::Layout(LayoutFault::Corrupt(expected)),
                    ErrorKind::Unreachable(no_answer) => ErrorKind::Layout(no_answer.why.into()),
                    kind => kind,
                };
                RetryDecision::Final(End::Source, Failure::of(kind))
            }
        }
    }
}

fn get(
    endpoint: &Endpoint,
    repository: &Repository,
    blob: &Descriptor,
    signature: &Signature,
) -> Result<Outgoing, Failure> {
    let url = endpoint.url(&format!("{}/blobs/{}", repository.path(), blob.digest))?;
    let mut out = Outgoing::new(Method::GET, url);
    out.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    out.authorization.clone_from(&signature.authorization.header);
    Ok(out)
}

async fn download(
    http: &Http,
    endpoint: &Endpoint,
    auth: &mut RequestAuth<'_>,
    out: Outgoing,
    signature: &Signature,
) -> Result<Bytestream, RetryDecision> {
    let failed = |error| match error {
        TransferError::Fault(failure) => RetryDecision::Fault(End::Source, failure),
        TransferError::Final(failure) => RetryDecision::Final(End::Source, endpoint.gate.last_words(failure)),
    };
    // Redirects and requests that the host did not process lead to several requests. Each may be within its time limit
    // while all together take too long.
    let exchange = timeout(WHOLE, http.client.transport.wire.exchange(out, &endpoint.counters)).await;
    let response = exchange.unwrap_or_else(|_| Err(TransferError::Fault(too_late()))).map_err(failed)?;
    let (status, headers) = (response.status(), response.headers());
    endpoint.gate.answered(RequestClass::Download, classify(status, headers));
    let again = auth.answered(status, headers, signature).await;
    if again.map_err(|failure| RetryDecision::Final(End::Source, failure))? {
        return Err(RetryDecision::Again);
    }
    if status == 200 {
        refuse_encoding(headers).map_err(|failure| RetryDecision::Final(End::Source, failure))?;
        let words = |error: reqwest::Error| match network(&error) {
            TransferError::Fault(failure) | TransferError::Final(failure) => io::Error::other(failure.kind.to_string()),
        };
        return Ok(response.bytes_stream().map_err(words).boxed());
    }
    let answer = read(response, None, &signature.authorization).await.map_err(failed)?;
    Err(match answer.verdict() {
        RetryVerdict::Refusal(wait) => {
            endpoint.gate.refused(status.as_u16(), wait);
            RetryDecision::Refusal(End::Source, Box::new(answer.failure()), wait)
        }
        RetryVerdict::Fault => RetryDecision::Fault(End::Source, answer.failure()),
        RetryVerdict::Final => RetryDecision::Final(End::Source, answer.failure()),
    })
}
