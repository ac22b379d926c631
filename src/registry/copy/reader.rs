//! [`SourceReader`]: reads the bytes of a blob from its source, with as many requests as it takes.
//!
//! After a cut, the next request asks for the rest. The attempts are those of the source alone. They start again when
//! enough bytes were read that no earlier request had read.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use crate::registry::auth::Signature;
use crate::registry::error::ErrorKind;
use crate::registry::gate::{Permit, RequestClass, Turn};
use crate::registry::http::stream::{End, Progress};
use crate::registry::layout::CopyPermit;
use crate::registry::transport::Endpoint;
use crate::registry::transport::attempts::{Attempts, Repeat};
use crate::registry::{RegistryError, Result};

use super::source::{BlobSource, Bytestream, OpenSource};
use super::verified::Verified;
use super::{Attempt, Copier, PROGRESS, RetryDecision};

/// Reads one blob.
pub(super) struct SourceReader<'a> {
    copier: &'a Copier<'a>,
    source: BlobSource<'a>,
    progress: Arc<Progress>,
    verified: Verified,
    attempts: Attempts,
    /// The number of bytes that had been read when the attempts started again.
    farthest: u64,
    permit: SourcePermit,
    /// How the next request is signed, if that is decided.
    signature: Option<Signature>,
    bytes: Option<Bytestream>,
}

/// The permit for the requests to the source.
enum SourcePermit {
    /// Each request has its own permit. It is returned before the reader waits.
    Own(Option<Permit>),
    /// The permit of a stream, held by the caller, which counts one request to the source.
    OfStream { is_used: bool },
}

/// Why no more bytes can be read.
pub(super) enum ReadError {
    /// All bytes have to be read again, if the attempts allow it.
    StartAgain(RetryDecision),
    /// No other attempt is made.
    Final(Box<RegistryError>),
}

impl From<Box<RegistryError>> for ReadError {
    fn from(error: Box<RegistryError>) -> Self {
        Self::Final(error)
    }
}

impl<'a> SourceReader<'a> {
    pub(super) fn new(copier: &'a Copier<'a>, source: BlobSource<'a>, progress: Arc<Progress>) -> Self {
        Self {
            copier,
            source,
            progress,
            verified: Verified::new(copier.blob),
            attempts: Attempts::new(Repeat::AsUsual),
            farthest: 0,
            permit: SourcePermit::Own(None),
            signature: None,
            bytes: None,
        }
    }

    /// Returns the endpoint of the source. `None` for a layout.
    pub(super) fn endpoint(&self) -> Option<&'a Endpoint> {
        self.source.endpoint()
    }

    /// Waits until the files of a layout may be opened. `None` if the source is in a registry.
    pub(super) async fn begin_copy(&mut self) -> Option<CopyPermit> {
        match &self.source {
            BlobSource::Layout { layouts, .. } => Some(layouts.begin_copy().await),
            BlobSource::Repository { .. } => None,
        }
    }

    /// Returns the priority of the next request.
    pub(super) fn turn(&self) -> Turn {
        self.attempts.turn()
    }

    /// Returns how many bytes the target may have.
    pub(super) fn released(&self) -> u64 {
        self.verified.released()
    }

    /// Decides how the next request is signed. Must be called before the permit of a stream is taken.
    pub(super) async fn sign(&mut self) -> Result<()> {
        let signature = self.source.sign().await;
        self.signature = Some(signature.map_err(|failure| self.copier.failed(End::Source, failure))?);
        Ok(())
    }

    /// Opens the source with one attempt. The caller holds the permit of a stream.
    pub(super) async fn open_in_stream(&mut self) -> Attempt<()> {
        self.permit = SourcePermit::OfStream { is_used: false };
        self.open().await
    }

    /// Reads the whole blob.
    pub(super) async fn read_whole(&mut self) -> Result<Bytes> {
        loop {
            let mut body = BytesMut::new();
            let error = loop {
                match self.next().await {
                    Ok(Some(piece)) => body.extend_from_slice(&piece),
                    Ok(None) => return Ok(body.freeze()),
                    Err(error) => break error,
                }
            };
            self.recover(error).await?;
        }
    }

    /// Returns the next piece. `None` after the last one. All pieces together are the verified blob.
    pub(super) async fn next(&mut self) -> std::result::Result<Option<Bytes>, ReadError> {
        while !self.verified.is_finished() {
            if self.bytes.is_none()
                && let Err(decision) = self.open().await
            {
                self.end_request();
                self.prepare_retry(decision).await?;
                continue;
            }
            let chunk = self.chunk().await;
            if let Some(Ok(chunk)) = &chunk {
                self.progress.received(chunk.len() as u64);
                match self.verified.accept(chunk) {
                    Ok(None) => self.reached(),
                    Ok(piece) => {
                        self.reached();
                        return Ok(piece);
                    }
                    Err(kind) => return Err(self.wrong(kind)),
                }
                continue;
            }
            self.end_request();
            // If a blob has no bytes, only the end of the answer shows that it is complete.
            if self.verified.is_complete() && (chunk.is_none() || self.copier.blob.size > 0) {
                return self.verified.finish().map_err(|kind| self.wrong(kind));
            }
            let kind = match chunk {
                Some(Err(kind)) => kind,
                _ => self.cut(),
            };
            self.prepare_retry(self.source.fault(kind)).await?;
        }
        Ok(None)
    }

    /// Waits until all bytes may be read again.
    pub(super) async fn recover(&mut self, error: ReadError) -> Result<()> {
        match error {
            ReadError::Final(error) => Err(error),
            ReadError::StartAgain(decision) => {
                self.restart();
                self.prepare_retry(decision).await
            }
        }
    }

    /// Waits until the bytes may be read further, after a failed attempt.
    pub(super) async fn reopen_after(&mut self, decision: RetryDecision) -> Result<()> {
        self.close();
        self.prepare_retry(decision).await
    }

    /// Waits until the bytes may be read further, after nothing has moved for too long.
    pub(super) async fn stalled(&mut self, kind: ErrorKind) -> Result<()> {
        self.reopen_after(self.source.fault(kind)).await
    }

    /// Ends the current request, and the stream it is part of.
    pub(super) fn close(&mut self) {
        self.bytes = None;
        self.permit = SourcePermit::Own(None);
    }

    fn end_request(&mut self) {
        self.bytes = None;
        if let SourcePermit::Own(permit) = &mut self.permit {
            *permit = None;
        }
    }

    /// Reads again what comes after the first `stored` bytes.
    pub(super) fn rewind(&mut self, stored: u64) {
        self.close();
        self.verified.rewind(stored);
    }

    /// Reads all bytes again.
    pub(super) fn restart(&mut self) {
        self.close();
        self.verified.restart();
    }

    async fn open(&mut self) -> Attempt<()> {
        let failed = |failure| RetryDecision::Final(End::Source, failure);
        // Get the token before the permit: the token server may be the same host, and all its permits may be taken.
        let signature = match self.signature.take() {
            Some(signature) => signature,
            None => self.source.sign().await.map_err(failed)?,
        };
        if let Some(Endpoint { gate, counters, .. }) = self.endpoint() {
            match &mut self.permit {
                SourcePermit::Own(permit) => {
                    let turn = self.attempts.turn();
                    *permit = Some(gate.enter(RequestClass::Download, turn, counters).await.map_err(failed)?);
                }
                SourcePermit::OfStream { is_used: true } => gate.enter_again(counters).await.map_err(failed)?,
                SourcePermit::OfStream { is_used } => *is_used = true,
            }
        }
        let position = self.verified.position();
        let OpenSource { bytes, begins_at } = self.source.open(self.copier.blob, position, &signature).await?;
        self.verified.begins_at(begins_at);
        self.bytes = Some(bytes);
        if let SourcePermit::Own(_) = self.permit {
            self.progress.restart(self.verified.released());
        }
        Ok(())
    }

    /// Returns the next bytes of the source, or why there are none.
    async fn chunk(&mut self) -> Option<std::result::Result<Bytes, ErrorKind>> {
        let bytes = self.bytes.as_mut()?;
        self.progress.waits_for(End::Source);
        let chunk = async {
            let chunk = bytes.next().await?;
            Some(chunk.map_err(|error| ErrorKind::Unreachable(error.to_string().into())))
        };
        match self.permit {
            SourcePermit::Own(_) => tokio::select! {
                chunk = chunk => chunk,
                (_, kind) = self.progress.stalled() => Some(Err(kind)),
            },
            // The caller watches both ends.
            SourcePermit::OfStream { .. } => chunk.await,
        }
    }

    fn reached(&mut self) {
        if self.verified.position() >= self.farthest + PROGRESS {
            self.farthest = self.verified.position();
            self.attempts.progressed();
        }
    }

    fn wrong(&self, kind: ErrorKind) -> ReadError {
        ReadError::StartAgain(self.source.fault(kind))
    }

    fn cut(&self) -> ErrorKind {
        let (received, size) = (self.verified.position(), self.copier.blob.size);
        ErrorKind::Unreachable(format!("the connection was lost after {received} of {size} bytes").into())
    }

    async fn prepare_retry(&mut self, decision: RetryDecision) -> Result<()> {
        let endpoint = self.source.endpoint();
        self.copier.prepare_retry(decision, &mut self.attempts, endpoint).await
    }
}
