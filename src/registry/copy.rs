//! [`Copier`]: copies a blob from one place to another, between registries and layouts.
//!
//! Within a registry, the blob is mounted. Otherwise, or if the registry does not mount it, its bytes are streamed from
//! one place to the other. They are not stored on disk in between, and never held in memory as a whole. An interrupted
//! stream starts again with a new upload, because a partial upload cannot be committed. `source` provides the bytes.
//!
//! A copy from or to a layout first gets the permit of the registry at its other end, if there is one, and then one for
//! its files. With the second permit it waits only for bytes, so there cannot be a deadlock.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Method, Url};

use crate::oci::{Descriptor, LayoutDir, Place, Repository};

use super::auth::RequestAuth;
use super::authorization::Authorization;
use super::error::{ErrorKind, Failure, Operation};
use super::gate::{Gate, RequestClass, Turn};
use super::http::Http;
use super::http::blobs::{Mount, commit};
use super::http::stream::{End, Progress, Verified};
use super::layout::Layouts;
use super::transport::attempts::{Attempts, Repeat};
use super::transport::response::{HttpResponse, RetryVerdict, classify};
use super::transport::wire::{Outgoing, TransferError, UrlSource};
use super::transport::{Endpoint, Peer, read};
use super::{Copied, RegistryError, Result, Way};

use source::{BlobSource, Bytestream};

mod source;

/// One blob between two places.
pub(crate) struct Copier<'a> {
    pub(crate) http: &'a Http,
    pub(crate) layouts: &'a Layouts,
    pub(crate) blob: &'a Descriptor,
    pub(crate) from: &'a Place,
    pub(crate) to: &'a Place,
    pub(crate) way: Way,
}

/// What a failed attempt means for the next one.
enum RetryDecision {
    /// The request must be sent again with a new signature.
    Again,
    /// That end refuses for now, and possibly says when to try again.
    Refusal(End, Box<Failure>, Option<Duration>),
    /// That end failed, or the network on the way to it.
    Fault(End, Failure),
    /// Another attempt would not help.
    Final(End, Failure),
    /// Another attempt would not help: the error of a layout.
    Layout(Box<RegistryError>),
}

type Attempt<T> = std::result::Result<T, RetryDecision>;

/// The registry that one upload writes to.
struct UploadTarget<'a> {
    endpoint: &'a Endpoint,
    auth: RequestAuth<'a>,
    repository: &'a Repository,
    /// Whether the upload is new or repeats an earlier attempt.
    turn: Turn,
}

impl Copier<'_> {
    /// Copies the blob, unless the target already has it.
    pub(crate) async fn copy(&self) -> Result<Copied> {
        if self.from == self.to {
            return Ok(Copied::Mounted);
        }
        let endpoint = match self.from {
            Place::Layout(_) => None,
            Place::Repository(repository) => {
                let endpoint = self.http.client.transport.endpoint(repository.host());
                Some(endpoint.map_err(|failure| self.failed(End::Source, failure))?)
            }
        };
        match self.to {
            Place::Layout(dir) => self.to_layout(dir, endpoint.as_deref()).await,
            Place::Repository(to) => self.to_repository(to, endpoint.as_deref()).await,
        }
    }

    async fn to_repository(&self, to: &Repository, from: Option<&Endpoint>) -> Result<Copied> {
        let failed = |failure| self.failed(End::Target, failure);
        let digest = &self.blob.digest;
        let session = match (self.way, self.from) {
            (Way::Send, _) => None,
            (way, Place::Repository(from)) if from.host() == to.host() => {
                match self.http.mount(from, to, digest).await.map_err(failed)? {
                    Mount::Done => return Ok(Copied::Mounted),
                    // An upload that the registry opened instead expires by itself: few tokens have the right to cancel
                    // it.
                    _ if way == Way::Mount => return Ok(Copied::Skipped),
                    Mount::Session(session) => Some(session),
                    Mount::Refused => None,
                }
            }
            (Way::Mount, _) => return Ok(Copied::Skipped),
            _ if self.http.has_blob(to, digest).await.map_err(failed)? => return Ok(Copied::Mounted),
            _ => None,
        };
        self.upload(to, from, session).await?;
        Ok(Copied::Streamed { bytes: self.blob.size })
    }

    async fn to_layout(&self, dir: &LayoutDir, from: Option<&Endpoint>) -> Result<Copied> {
        if self.way != Way::Send {
            // A folder that cannot be read cannot be written either. Report this as a failure to write, so that it is
            // reported once.
            let exists = self.layouts.has_blob(dir, self.blob).await;
            if exists.map_err(|error| RegistryError { operation: Operation::Write, ..*error })? {
                return Ok(Copied::Mounted);
            }
        }
        if self.way == Way::Mount {
            return Ok(Copied::Skipped);
        }
        let progress = self.progress();
        let mut attempts = Attempts::new(Repeat::AsUsual);
        let mut source = self.source(from).await?;
        loop {
            let attempt = self.try_to_layout(dir, &mut source, &progress, attempts.turn());
            let attempt = self.unless_stopped(attempt).await;
            match attempt {
                Ok(()) => return Ok(Copied::Streamed { bytes: self.blob.size }),
                Err(decision) => self.prepare_retry(decision, &mut attempts, [from, None]).await?,
            }
        }
    }

    async fn try_to_layout(
        &self,
        dir: &LayoutDir,
        source: &mut BlobSource<'_>,
        progress: &Arc<Progress>,
        turn: Turn,
    ) -> Attempt<()> {
        let signature = source.sign().await.map_err(|failure| RetryDecision::Final(End::Source, failure))?;
        let _permit = match source.endpoint() {
            None => None,
            Some(endpoint) => {
                let entered = endpoint.gate.enter(RequestClass::Download, turn, &endpoint.counters).await;
                Some(entered.map_err(|failure| RetryDecision::Final(End::Source, failure))?)
            }
        };
        let _files = self.layouts.begin_copy().await;
        let bytes = source.open(self.blob, &signature).await?;
        progress.restart();
        let stream = Verified::new(bytes, Arc::clone(progress));
        let stream = stream
            .map_err(|error| self.failed(End::Source, Failure::of(ErrorKind::Unreachable(error.to_string().into()))));
        tokio::select! {
            written = self.layouts.write_blob(dir, self.blob, stream) => match (written, progress.fault()) {
                (Ok(()), _) => Ok(()),
                (Err(_), Some(kind)) => Err(source.fault(kind)),
                (Err(error), None) => Err(RetryDecision::Layout(error)),
            },
            kind = progress.source_stalled(), if source.endpoint().is_some() => Err(source.fault(kind)),
        }
    }

    async fn upload(&self, to: &Repository, from: Option<&Endpoint>, session: Option<Url>) -> Result<()> {
        let failed = |failure| self.failed(End::Target, failure);
        let endpoint = self.http.client.transport.endpoint(to.host()).map_err(failed)?;
        // Open the upload before either `RequestAuth` below begins. A `RequestAuth` may be the first request to a host.
        // All other requests to that host wait for it, so it must not itself wait for another request.
        let mut session = Some(match session {
            Some(session) => session,
            None => self.http.begin_upload(to).await.map_err(failed)?,
        });
        let mut source = self.source(from).await?;
        let auth = RequestAuth::begin(&self.http.client, &endpoint).await.map_err(failed)?;
        let mut target = UploadTarget { endpoint: &endpoint, auth, repository: to, turn: Turn::New };
        let progress = self.progress();
        let mut attempts = Attempts::new(Repeat::AsUsual);
        loop {
            let session = match session.take() {
                Some(session) => session,
                None => self.http.begin_upload(to).await.map_err(failed)?,
            };
            target.turn = attempts.turn();
            let attempt = self.try_upload(session, &mut source, &mut target, &progress);
            match self.unless_stopped(attempt).await {
                Ok(()) => return Ok(()),
                Err(decision) => {
                    self.prepare_retry(decision, &mut attempts, [from, Some(&endpoint)]).await?;
                }
            }
        }
    }

    async fn try_upload(
        &self,
        session: Url,
        source: &mut BlobSource<'_>,
        target: &mut UploadTarget<'_>,
        progress: &Arc<Progress>,
    ) -> Attempt<()> {
        let at_target = |failure| RetryDecision::Final(End::Target, failure);
        let url = commit(session, &self.blob.digest);
        // Get both tokens before the permit: the token server may be the same host, and all its permits may be taken.
        let read_as = source.sign().await.map_err(|failure| RetryDecision::Final(End::Source, failure))?;
        let write_as = target.auth.sign(&url, &self.http.rights(target.repository)).await.map_err(at_target)?;
        let (to, counters) = (&*target.endpoint.gate, &target.endpoint.counters);
        let entered = match source.endpoint() {
            Some(from) => Gate::enter_both(&from.gate, to, target.turn, counters).await,
            None => to.enter(RequestClass::Upload, target.turn, counters).await,
        };
        let _permit = entered.map_err(at_target)?;
        let _files = match source {
            BlobSource::Layout { layouts, .. } => Some(layouts.begin_copy().await),
            BlobSource::Repository { .. } => None,
        };
        let bytes = source.open(self.blob, &read_as).await?;
        progress.restart();
        let stream = Verified::new(bytes, Arc::clone(progress));

        let is_own = target.endpoint.owns(&url);
        let mut out = Outgoing::new(Method::PUT, url);
        out.url_source = UrlSource::Received;
        out.headers.insert(CONTENT_LENGTH, HeaderValue::from(self.blob.size));
        out.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        out.authorization.clone_from(&write_as.authorization.header);
        // The time depends on the size of the blob. There is no time limit, but a transfer that stalls is detected.
        out.head_within = Duration::MAX;
        out.body = Some(if self.blob.size > 0 {
            Body::wrap_stream(stream)
        } else {
            tokio::select! {
                body = drained(stream) => body,
                (_, kind) = progress.stalled() => return Err(source.fault(kind)),
            }
        });
        if let Some(kind) = progress.fault() {
            return Err(source.fault(kind));
        }
        let answer = tokio::select! {
            answer = self.put(out, target.endpoint, &write_as.authorization) => match (answer, progress.fault()) {
                (_, Some(kind)) => return Err(source.fault(kind)),
                (answer, None) => answer?,
            },
            (End::Source, kind) = progress.stalled() => return Err(source.fault(kind)),
            (end, kind) = progress.stalled() => return Err(RetryDecision::Fault(end, Failure::of(kind))),
        };
        // An answer from another host that the registry uses for storage says nothing about how the registry
        // authenticates requests.
        let again =
            is_own && target.auth.answered(answer.status, &answer.headers, &write_as).await.map_err(at_target)?;
        if again { Err(RetryDecision::Again) } else { self.taken(&answer, to) }
    }

    async fn put(&self, out: Outgoing, target: &Endpoint, authorization: &Authorization) -> Attempt<HttpResponse> {
        let exchange = async {
            let response = self.http.client.transport.wire.exchange(out, &target.counters).await?;
            target.gate.answered(RequestClass::Upload, classify(response.status(), response.headers()));
            read(response, None, authorization).await
        };
        exchange.await.map_err(|error| match error {
            TransferError::Fault(failure) => RetryDecision::Fault(End::Target, failure),
            TransferError::Final(failure) => RetryDecision::Final(End::Target, target.gate.last_words(failure)),
        })
    }

    /// Checks from the answer to an upload whether the blob was stored.
    fn taken(&self, answer: &HttpResponse, target: &Gate) -> Attempt<()> {
        let failure = answer.failure();
        let came_to_harm = failure.code.as_deref() == Some("DIGEST_INVALID");
        match (answer.verdict(), answer.status.as_u16()) {
            (RetryVerdict::Refusal(wait), _) => {
                target.refused(answer.status.as_u16(), wait);
                Err(RetryDecision::Refusal(End::Target, Box::new(failure), wait))
            }
            // The upload no longer exists or is out of step, or the registry received other bytes than were sent.
            // Another upload may succeed.
            (RetryVerdict::Fault, _) | (_, 404 | 416) => Err(RetryDecision::Fault(End::Target, failure)),
            (_, 400) if came_to_harm => Err(RetryDecision::Fault(End::Target, failure)),
            (_, 200 | 201) if answer.is_page() => {
                let failure = answer.out_of_place("answered the bytes of a blob with a page");
                Err(RetryDecision::Final(End::Target, Failure { code: None, message: None, ..failure }))
            }
            (_, 200 | 201 | 204) => match answer.digest() {
                Some(actual) if actual != self.blob.digest && actual.algorithm() == self.blob.digest.algorithm() => {
                    let kind = ErrorKind::WrongDigest { expected: self.blob.digest.clone(), actual };
                    Err(RetryDecision::Fault(End::Target, Failure { kind, code: None, message: None, ..failure }))
                }
                _ => Ok(()),
            },
            _ => Err(RetryDecision::Final(End::Target, failure)),
        }
    }

    /// Waits until another attempt may be made. Returns an error if no other attempt is made.
    async fn prepare_retry(
        &self,
        decision: RetryDecision,
        attempts: &mut Attempts,
        [from, to]: [Option<&Endpoint>; 2],
    ) -> Result<()> {
        let (end, failure, wait) = match decision {
            RetryDecision::Again => {
                attempts.signed_anew();
                return Ok(());
            }
            RetryDecision::Layout(error) => return Err(error),
            RetryDecision::Final(end, failure) => return Err(self.failed(end, failure)),
            RetryDecision::Refusal(end, failure, wait) => (end, *failure, Some(wait)),
            RetryDecision::Fault(end, failure) => (end, failure, None),
        };
        let (endpoint, class) =
            if end == End::Source { (from, RequestClass::Download) } else { (to, RequestClass::Upload) };
        let Some(endpoint) = endpoint else { return Err(self.failed(end, failure)) };
        let peer = Peer { gate: &endpoint.gate, counters: &endpoint.counters, class };
        let goes_on = match wait {
            Some(wait) => attempts.refusal(failure, wait, peer).await,
            // A stream may take any time as long as bytes move. Only its back-off counts towards the limit.
            None => attempts.fault(failure, Duration::ZERO, peer).await,
        };
        goes_on.map_err(|failure| self.failed(end, failure))
    }

    async fn source<'a>(&'a self, endpoint: Option<&'a Endpoint>) -> Result<BlobSource<'a>> {
        match (self.from, endpoint) {
            (Place::Repository(repository), Some(endpoint)) => {
                let source = BlobSource::repository(self.http, repository, endpoint).await;
                source.map_err(|failure| self.failed(End::Source, failure))
            }
            (Place::Layout(dir), _) => Ok(BlobSource::Layout { layouts: self.layouts, dir }),
            (Place::Repository(_), None) => unreachable!("`copy` looks its endpoint up"),
        }
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = Attempt<T>>) -> Attempt<T> {
        tokio::select! {
            biased;
            () = self.http.client.transport.run.stop.cancelled() => Err(RetryDecision::Final(End::Target, Failure::stopped())),
            done = work => done,
        }
    }

    fn progress(&self) -> Arc<Progress> {
        Progress::new(self.blob, Arc::clone(&self.http.client.transport.run.observer))
    }

    /// Converts a failure to an error that names the end where it happened.
    fn failed(&self, end: End, failure: Failure) -> Box<RegistryError> {
        let (operation, place) =
            if end == End::Source { (Operation::Read, self.from) } else { (Operation::Push, self.to) };
        failure.at(operation, place.with_digest(&self.blob.digest))
    }
}

/// Returns the body of an empty blob. Reads the stream to verify it, because the HTTP client does not read the stream
/// of an empty body.
async fn drained(mut stream: Verified<Bytestream>) -> Body {
    while stream.next().await.is_some() {}
    Body::from(Bytes::new())
}

#[cfg(test)]
mod tests;
