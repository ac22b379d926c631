//! [`BlobSource`]: the place a blob is copied from.
//!
//! After a cut, a registry is asked for the rest (`Range: bytes=N-`, RFC 9110, section 14). A registry that does not
//! support this sends all bytes again.

use std::io;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE};
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
    Repository(Box<RemoteBlob<'a>>),
}

/// A blob in a registry.
pub(super) struct RemoteBlob<'a> {
    http: &'a Http,
    repository: &'a Repository,
    endpoint: &'a Endpoint,
    auth: RequestAuth<'a>,
    /// The strong entity tag of the blob, if the registry has one.
    etag: Option<HeaderValue>,
    /// Whether the registry has never answered a request for a range wrongly.
    has_ranges: bool,
}

/// The bytes of a blob from a position.
pub(super) struct OpenSource {
    pub(super) bytes: Bytestream,
    /// The position of the first byte. It may be smaller than the requested one.
    pub(super) begins_at: u64,
}

impl<'a> BlobSource<'a> {
    pub(super) async fn repository(
        http: &'a Http,
        repository: &'a Repository,
        endpoint: &'a Endpoint,
    ) -> Result<Self, Failure> {
        let auth = RequestAuth::begin(&http.client, endpoint).await?;
        let remote = RemoteBlob { http, repository, endpoint, auth, etag: None, has_ranges: true };
        Ok(Self::Repository(Box::new(remote)))
    }

    /// Returns the endpoint of the registry. `None` for a layout.
    pub(super) fn endpoint(&self) -> Option<&'a Endpoint> {
        match self {
            Self::Layout { .. } => None,
            Self::Repository(remote) => Some(remote.endpoint),
        }
    }

    /// Returns how the request for the bytes is signed. This must be called before a permit is taken.
    pub(super) async fn sign(&self) -> Result<Signature, Failure> {
        match self {
            Self::Layout { .. } => Ok(Signature::default()),
            Self::Repository(remote) => {
                remote.auth.sign(&remote.endpoint.base, &remote.http.rights(remote.repository)).await
            }
        }
    }

    /// Opens `blob` for reading from `position`, or from an earlier position if the source supports no other.
    pub(super) async fn open(
        &mut self,
        blob: &Descriptor,
        position: u64,
        signature: &Signature,
    ) -> Result<OpenSource, RetryDecision> {
        match self {
            Self::Layout { layouts, dir } => {
                let reader = layouts.open_blob(dir, blob).await.map_err(RetryDecision::Layout)?;
                let reader =
                    reader.ok_or_else(|| RetryDecision::Final(End::Source, Failure::of(ErrorKind::NotFound)))?;
                Ok(OpenSource { bytes: reader.boxed(), begins_at: 0 })
            }
            Self::Repository(remote) => remote.download(blob, position, signature).await,
        }
    }

    /// Returns the decision after bytes that do not match the blob, or that broke off.
    pub(super) fn fault(&self, kind: ErrorKind) -> RetryDecision {
        match (self, kind) {
            (Self::Repository(_), kind) => RetryDecision::Fault(End::Source, Failure::of(kind)),
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

impl RemoteBlob<'_> {
    fn get(&self, blob: &Descriptor, position: u64, signature: &Signature) -> Result<Outgoing, Failure> {
        let url = self.endpoint.url(&format!("{}/blobs/{}", self.repository.path(), blob.digest))?;
        let mut out = Outgoing::new(Method::GET, url);
        out.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if position > 0 && self.has_ranges {
            let range = HeaderValue::try_from(format!("bytes={position}-"));
            out.headers.insert(
                RANGE,
                range
                    .map_err(|_| Failure::of(ErrorKind::Unreachable("the position in the blob is not valid".into())))?,
            );
            out.headers.extend(self.etag.clone().map(|etag| (IF_RANGE, etag)));
        }
        out.authorization.clone_from(&signature.authorization.header);
        Ok(out)
    }

    async fn download(
        &mut self,
        blob: &Descriptor,
        position: u64,
        signature: &Signature,
    ) -> Result<OpenSource, RetryDecision> {
        let endpoint = self.endpoint;
        let is_final = |failure| RetryDecision::Final(End::Source, failure);
        let failed = |error| match error {
            TransferError::Fault(failure) => RetryDecision::Fault(End::Source, failure),
            TransferError::Final(failure) => is_final(endpoint.gate.last_words(failure)),
        };
        let out = self.get(blob, position, signature).map_err(is_final)?;
        let asks_for_range = out.headers.contains_key(RANGE);
        // Redirects and requests that the host did not process lead to several requests. Each may be within its time
        // limit while all together take too long.
        let exchange = timeout(WHOLE, self.http.client.transport.wire.exchange(out, &endpoint.counters)).await;
        let response = exchange.unwrap_or_else(|_| Err(TransferError::Fault(too_late()))).map_err(failed)?;
        let (status, headers) = (response.status(), response.headers());
        endpoint.gate.answered(RequestClass::Download, classify(status, headers));
        if self.auth.answered(status, headers, signature).await.map_err(is_final)? {
            return Err(RetryDecision::Again);
        }
        let begins_at = match status.as_u16() {
            200 => Some(0),
            206 if asks_for_range => range_start(headers, blob.size).filter(|start| *start <= position),
            _ => None,
        };
        if let Some(begins_at) = begins_at {
            refuse_encoding(headers).map_err(is_final)?;
            self.etag = headers.get(ETAG).filter(|etag| etag.as_bytes().starts_with(b"\"")).cloned();
            let words = |error: reqwest::Error| match network(&error) {
                TransferError::Fault(failure) | TransferError::Final(failure) => {
                    io::Error::other(failure.kind.to_string())
                }
            };
            return Ok(OpenSource { bytes: response.bytes_stream().map_err(words).boxed(), begins_at });
        }
        let answer = read(response, None, &signature.authorization).await.map_err(failed)?;
        Err(match answer.verdict() {
            RetryVerdict::Refusal(wait) => {
                endpoint.gate.refused(status.as_u16(), wait);
                RetryDecision::Refusal(End::Source, Box::new(answer.failure()), wait)
            }
            RetryVerdict::Fault => RetryDecision::Fault(End::Source, answer.failure()),
            // The range may be what the registry does not accept. The next request is for all bytes.
            RetryVerdict::Final if asks_for_range && !matches!(status.as_u16(), 401 | 403 | 404 | 429) => {
                self.has_ranges = false;
                RetryDecision::Fault(End::Source, answer.failure())
            }
            RetryVerdict::Final => RetryDecision::Final(End::Source, answer.failure()),
        })
    }
}

/// Returns the first position of a partial answer about `size` bytes. If the answer ends early, the rest is requested.
fn range_start(headers: &HeaderMap, size: u64) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (range, total) = range.split_once('/')?;
    let is_of_blob = total == "*" || total.parse() == Ok(size);
    range.split_once('-')?.0.parse().ok().filter(|_| is_of_blob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_answer_states_where_it_begins() {
        for (range, start) in [
            ("bytes 3-9/10", Some(3)),
            ("bytes 0-9/*", Some(0)),
            ("bytes 3-8/10", Some(3)),
            ("bytes 3-9/11", None),
            ("bytes */10", None),
            ("3-9/10", None),
            ("bytes -3-9/10", None),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_RANGE, range.parse().unwrap())]);
            assert_eq!(range_start(&headers, 10), start, "{range}");
        }
    }
}
