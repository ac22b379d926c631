//! [`Copier`]: copies a blob from one place to another, between registries and layouts.
//!
//! | file | holds |
//! |---|---|
//! | [`transfer`] | sends a blob to a registry, step by step |
//! | [`reader`] | reads a blob from its source, also after cuts |
//! | [`verified`] | verifies the bytes before the last piece is released |
//! | [`source`] | one request for the bytes of a blob, or one file |
//! | `pieces` | passes pieces from the reader to the writer |
//!
//! Within a registry, the blob is mounted. Otherwise, or if the registry does not mount it, its bytes are sent from one
//! place to the other. They are not stored on disk in between. Only small blobs are held in memory as a whole.
//!
//! A copy from or to a layout first gets the permit of the registry at its other end, if there is one, and then one for
//! its files. With the second permit it waits only for bytes, so there cannot be a deadlock.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use reqwest::Url;

use crate::oci::{Descriptor, LayoutDir, Place, Repository};

use super::error::{ErrorKind, Failure, Operation};
use super::gate::{Permit, RequestClass};
use super::http::Http;
use super::http::blobs::Mount;
use super::http::stream::{End, Progress};
use super::layout::{CopyPermit, Layouts};
use super::transport::attempts::Attempts;
use super::transport::{Endpoint, Peer};
use super::{Copied, RegistryError, Result, Way};

use pieces::pieces;
use reader::{ReadError, SourceReader};
use source::BlobSource;
use transfer::{Transfer, feed};

mod pieces;
mod reader;
mod source;
mod transfer;
mod verified;

/// After this many more bytes, the attempts to transfer them start again.
const PROGRESS: u64 = 1 << 20;

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
        let mut reader = SourceReader::new(self, self.source(from).await?, Arc::clone(&progress));
        self.unless_stopped(async {
            while let Err(error) = self.try_to_layout(dir, &mut reader, &progress).await {
                reader.recover(error).await?;
            }
            Ok(Copied::Streamed { bytes: self.blob.size })
        })
        .await
    }

    async fn try_to_layout(
        &self,
        dir: &LayoutDir,
        reader: &mut SourceReader<'_>,
        progress: &Progress,
    ) -> std::result::Result<(), ReadError> {
        let _permits = self.enter_layout(reader).await?;
        progress.restart(0);
        let is_registry = reader.endpoint().is_some();
        let (sender, bytes) = pieces(self.blob.size);
        let bytes = bytes
            .map_err(|error| self.failed(End::Source, Failure::of(ErrorKind::Unreachable(error.to_string().into()))));
        let reading = feed(reader, sender, progress);
        let write = self.layouts.write_blob(dir, self.blob, bytes);
        tokio::pin!(reading, write);
        tokio::select! {
            biased;
            result = &mut reading => result?,
            written = &mut write => return Ok(written?),
            kind = progress.source_stalled(), if is_registry => {
                return Err(ReadError::StartAgain(RetryDecision::Fault(End::Source, Failure::of(kind))));
            }
        }
        Ok(write.await?)
    }

    /// Gets the permits for a copy into a layout, and opens the source if it is in a registry.
    async fn enter_layout(&self, reader: &mut SourceReader<'_>) -> Result<(Option<Permit>, CopyPermit)> {
        let Some(endpoint) = reader.endpoint() else { return Ok((None, self.layouts.begin_copy().await)) };
        loop {
            reader.sign().await?;
            let permit = endpoint.gate.enter(RequestClass::Download, reader.turn(), &endpoint.counters).await;
            let permit = permit.map_err(|failure| self.failed(End::Source, failure))?;
            let files = self.layouts.begin_copy().await;
            match reader.open_in_stream().await {
                Ok(()) => return Ok((Some(permit), files)),
                Err(decision) => {
                    drop((permit, files));
                    reader.reopen_after(decision).await?;
                }
            }
        }
    }

    async fn upload(&self, to: &Repository, from: Option<&Endpoint>, session: Option<Url>) -> Result<()> {
        let failed = |failure| self.failed(End::Target, failure);
        let endpoint = self.http.client.transport.endpoint(to.host()).map_err(failed)?;
        self.unless_stopped(async {
            // Open the upload before a `RequestAuth` of this transfer begins. A `RequestAuth` may be the first request
            // to a host. All other requests to that host wait for it, so it must not itself wait for another request.
            let session = match session {
                Some(session) => session,
                None => self.http.begin_upload(to).await.map_err(failed)?,
            };
            let progress = self.progress();
            let reader = SourceReader::new(self, self.source(from).await?, Arc::clone(&progress));
            Box::pin(Transfer::new(self, to, &endpoint, reader, progress).run(session)).await
        })
        .await
    }

    /// Waits until another attempt may be made. `endpoint` is the end that failed. `None` for a layout.
    ///
    /// # Errors
    /// Fails if no other attempt is made.
    async fn prepare_retry(
        &self,
        decision: RetryDecision,
        attempts: &mut Attempts,
        endpoint: Option<&Endpoint>,
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
        let Some(endpoint) = endpoint else { return Err(self.failed(end, failure)) };
        let class = if end == End::Source { RequestClass::Download } else { RequestClass::Upload };
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

    async fn unless_stopped<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.http.client.transport.run.stop.cancelled() => Err(self.failed(End::Target, Failure::stopped())),
            done = work => done,
        }
    }

    fn progress(&self) -> Arc<Progress> {
        Progress::new(self.blob, self.to, Arc::clone(&self.http.client.transport.run.observer))
    }

    /// Converts a failure to an error that names the end where it happened.
    fn failed(&self, end: End, failure: Failure) -> Box<RegistryError> {
        let (operation, place) =
            if end == End::Source { (Operation::ReadBlob, self.from) } else { (Operation::UploadBlob, self.to) };
        failure.at(operation, place.with_digest(&self.blob.digest))
    }
}

#[cfg(test)]
mod tests;
