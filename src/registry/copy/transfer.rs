//! [`Transfer`]: sends one blob to a registry, step by step.
//!
//! | step | request | if it fails |
//! |---|---|---|
//! | open | POST | it is repeated |
//! | read | GET of a small blob | it is repeated for the bytes that are missing |
//! | send | PUT, and GET of a large blob | check, state, or open |
//! | check | HEAD: the blob may be stored although the PUT failed | the blob is not stored |
//! | state | GET of the upload: how many bytes the registry has | open: the upload is over |
//!
//! Each step has its own attempts. While a large blob is sent, the source is opened again where it was cut, and the PUT
//! goes on. A small blob is read before its PUT, and kept until it is stored.
//!
//! Some registries keep the bytes of an interrupted PUT and do not tell its state: the URL of an upload of distribution
//! 2.8 contains the number of bytes before the PUT, so a GET of it answers 404. There, a new upload is opened.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Method, Url};
use tokio::sync::{SemaphorePermit, mpsc};

use crate::oci::Repository;
use crate::registry::auth::{RequestAuth, Signature};
use crate::registry::authorization::Authorization;
use crate::registry::error::{ErrorKind, Failure};
use crate::registry::gate::{Gate, Permit, RequestClass, Turn};
use crate::registry::http::blobs::{UploadSession, commit};
use crate::registry::http::stream::{End, Progress};
use crate::registry::layout::CopyPermit;
use crate::registry::transport::attempts::{Attempts, Repeat};
use crate::registry::transport::response::{HttpResponse, RetryVerdict, classify};
use crate::registry::transport::wire::{Outgoing, TransferError, UrlSource};
use crate::registry::transport::{Endpoint, read};
use crate::registry::{Result, Way};

use super::pieces::pieces;
use super::reader::{ReadError, SourceReader};
use super::{Attempt, Copier, PROGRESS, RetryDecision};

/// The largest blob that is read before it is sent, and kept until it is stored.
const SMALL: u64 = 1 << 20;

/// The length of the pieces that a kept blob is sent in. Each is recorded as progress.
const PIECE: usize = 64 << 10;

/// The transfer of one blob.
pub(super) struct Transfer<'a> {
    copier: &'a Copier<'a>,
    to: &'a Repository,
    endpoint: &'a Endpoint,
    auth: Option<RequestAuth<'a>>,
    body: TransferBody<'a>,
    progress: Arc<Progress>,
    /// The attempts to send the body.
    attempts: Attempts,
    /// The largest number of bytes that the registry has stated for any upload.
    farthest: u64,
    /// Whether an upload can be continued, as far as is known.
    can_resume: bool,
}

/// Where the bytes are.
enum TransferBody<'a> {
    /// At the source. They are kept in memory after they are read, if the blob is small and there is room.
    Unread(Box<SourceReader<'a>>, Option<SemaphorePermit<'a>>),
    /// In memory.
    Kept(Bytes, #[expect(dead_code, reason = "held until the bytes are dropped")] SemaphorePermit<'a>),
}

/// The next step.
enum TransferStep {
    Open,
    Send(UploadSession),
    Check(UploadSession),
    State(UploadSession),
}

/// The permit for the registries at both ends, and then the one for the files of a layout.
type SendPermit = (Permit, Option<CopyPermit>);

/// Why a body was not stored.
enum SendError {
    Decision(RetryDecision),
    Source(ReadError),
}

impl From<RetryDecision> for SendError {
    fn from(decision: RetryDecision) -> Self {
        Self::Decision(decision)
    }
}

impl<'a> Transfer<'a> {
    pub(super) fn new(
        copier: &'a Copier<'a>,
        to: &'a Repository,
        endpoint: &'a Endpoint,
        reader: SourceReader<'a>,
        progress: Arc<Progress>,
    ) -> Self {
        let size = u32::try_from(copier.blob.size).ok().filter(|size| u64::from(*size) <= SMALL);
        let room = size.and_then(|size| copier.http.kept_bytes.try_acquire_many(size).ok());
        let body = TransferBody::Unread(Box::new(reader), room);
        let attempts = Attempts::new(Repeat::AsUsual);
        Self { copier, to, endpoint, auth: None, body, progress, attempts, farthest: 0, can_resume: true }
    }

    /// Sends the blob into the upload at `session`, or if that fails, into another.
    pub(super) async fn run(mut self, session: Url) -> Result<()> {
        let new = |url| TransferStep::Send(UploadSession { url, stored: 0 });
        let mut step = new(session);
        loop {
            step = match step {
                TransferStep::Open => new(self.open().await?),
                TransferStep::Send(session) => {
                    self.keep().await?;
                    match self.send(&session).await {
                        Ok(()) => return Ok(()),
                        Err(error) => self.after(error, session).await?,
                    }
                }
                TransferStep::Check(session) => {
                    // If the registry does not tell, the blob is sent again.
                    let is_stored = self.copier.http.has_blob(self.to, &self.copier.blob.digest).await;
                    if is_stored.unwrap_or(false) {
                        return Ok(());
                    }
                    TransferStep::State(session)
                }
                TransferStep::State(session) => self.state(session).await,
            };
        }
    }

    /// Opens an upload for the whole blob.
    async fn open(&mut self) -> Result<Url> {
        if let TransferBody::Unread(reader, _) = &mut self.body {
            reader.restart();
        }
        let opened = self.copier.http.begin_upload(self.to).await;
        opened.map_err(|failure| self.copier.failed(End::Target, failure))
    }

    /// Reads the blob if there is room to keep it.
    async fn keep(&mut self) -> Result<()> {
        if let TransferBody::Unread(reader, room) = &mut self.body
            && room.is_some()
        {
            let _files = reader.begin_copy().await;
            let bytes = reader.read_whole().await?;
            if let Some(room) = room.take() {
                self.body = TransferBody::Kept(bytes, room);
            }
        }
        Ok(())
    }

    /// Asks how many bytes of the upload the registry has. If it does not tell, a new upload is opened.
    async fn state(&mut self, session: UploadSession) -> TransferStep {
        let TransferBody::Unread(reader, _) = &mut self.body else { return TransferStep::Open };
        if !self.can_resume {
            return TransferStep::Open;
        }
        match self.copier.http.upload_status(self.to, &session).await {
            // More bytes than were sent are not bytes of this blob.
            Ok(Some(session)) if session.stored <= reader.released() => {
                if session.stored >= self.farthest + PROGRESS {
                    self.farthest = session.stored;
                    self.attempts.progressed();
                }
                reader.rewind(session.stored);
                TransferStep::Send(session)
            }
            _ => TransferStep::Open,
        }
    }

    /// Returns the step after a body was not stored, and waits until it may be done.
    async fn after(&mut self, error: SendError, session: UploadSession) -> Result<TransferStep> {
        let decision = match error {
            SendError::Source(error) => {
                if let TransferBody::Unread(reader, _) = &mut self.body {
                    reader.recover(error).await?;
                }
                return Ok(TransferStep::Open);
            }
            SendError::Decision(RetryDecision::Fault(End::Source, failure)) => {
                if let TransferBody::Unread(reader, _) = &mut self.body {
                    reader.stalled(failure.kind).await?;
                }
                return Ok(TransferStep::State(session));
            }
            SendError::Decision(decision) => decision,
        };
        let is_continued = session.stored > 0;
        let next = match &decision {
            // The registry did not process the request, so the upload is as before.
            RetryDecision::Refusal(..) if matches!(self.body, TransferBody::Kept(..)) => TransferStep::Send(session),
            RetryDecision::Fault(_, failure) if is_upload_over(failure) => {
                self.can_resume &= !is_continued;
                TransferStep::Open
            }
            RetryDecision::Fault(..) if self.progress.is_all_sent() && self.copier.way != Way::Send => {
                TransferStep::Check(session)
            }
            RetryDecision::Refusal(..) | RetryDecision::Fault(..) => TransferStep::State(session),
            _ => TransferStep::Open,
        };
        if let TransferBody::Unread(reader, _) = &mut self.body {
            reader.close();
        }
        self.copier.prepare_retry(decision, &mut self.attempts, Some(self.endpoint)).await?;
        Ok(next)
    }

    /// Sends the bytes that the registry does not have, with one attempt.
    async fn send(&mut self, session: &UploadSession) -> std::result::Result<(), SendError> {
        let size = self.copier.blob.size;
        let url = commit(session.url.clone(), &self.copier.blob.digest);
        let left = size - session.stored;
        let (signature, permit) = self.admit(&url, left).await?;
        self.progress.restart(session.stored);
        let (sender, bytes) = pieces(left);
        let mut out = Outgoing::new(Method::PUT, url.clone());
        out.url_source = UrlSource::Received;
        out.headers.insert(CONTENT_LENGTH, HeaderValue::from(left));
        out.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        if session.stored > 0
            && left > 0
            && let Ok(range) = HeaderValue::try_from(format!("{}-{}", session.stored, size - 1))
        {
            out.headers.insert(CONTENT_RANGE, range);
        }
        out.authorization.clone_from(&signature.authorization.header);
        // The time depends on the size of the blob. There is no time limit, but a transfer that stalls is detected.
        out.head_within = Duration::MAX;
        // The HTTP client does not read the stream of an empty body.
        out.body = Some(if left > 0 { Body::wrap_stream(bytes) } else { Body::from(Bytes::new()) });
        let answer = {
            let (put, progress) = (put(self.copier, out, self.endpoint, &signature.authorization), &self.progress);
            let body = &mut self.body;
            let reading = async {
                match body {
                    TransferBody::Unread(reader, _) if left > 0 => feed(reader, sender, progress).await,
                    // The last bytes were verified before they were sent.
                    TransferBody::Unread(..) => Ok(()),
                    TransferBody::Kept(bytes, _) => {
                        feed_kept(bytes.clone(), sender, progress).await;
                        Ok(())
                    }
                }
            };
            tokio::pin!(put, reading);
            let mut is_read = false;
            loop {
                tokio::select! {
                    biased;
                    result = &mut reading, if !is_read => {
                        result.map_err(SendError::Source)?;
                        is_read = true;
                    }
                    answer = &mut put => break answer?,
                    (end, kind) = progress.stalled() => {
                        return Err(RetryDecision::Fault(end, Failure::of(kind)).into());
                    }
                }
            }
        };
        drop(permit);
        // An answer from another host that the registry uses for storage says nothing about how the registry
        // authenticates requests.
        if self.endpoint.owns(&url)
            && let Some(auth) = &mut self.auth
            && auth.answered(answer.status, &answer.headers, &signature).await.map_err(at_target)?
        {
            return Err(RetryDecision::Again.into());
        }
        Ok(self.taken(&answer, session)?)
    }

    /// Gets the permit to send `left` bytes, and opens their source if they are not in memory.
    async fn admit(&mut self, url: &Url, left: u64) -> std::result::Result<(Signature, SendPermit), SendError> {
        if self.auth.is_none() {
            let auth = RequestAuth::begin(&self.copier.http.client, self.endpoint).await;
            self.auth = Some(auth.map_err(at_target)?);
        }
        let (gate, counters) = (&self.endpoint.gate, &self.endpoint.counters);
        loop {
            // Get both tokens before the permit: the token server may be the same host, and all its permits may be
            // taken.
            let mut reader = match &mut self.body {
                TransferBody::Unread(reader, _) if left > 0 => Some(reader),
                _ => None,
            };
            if let Some(reader) = &mut reader {
                reader.sign().await.map_err(|error| SendError::Source(error.into()))?;
            }
            let signature = match &self.auth {
                Some(auth) => auth.sign(url, &self.copier.http.rights(self.to)).await.map_err(at_target)?,
                None => Signature::default(),
            };
            let Some(reader) = reader else {
                let permit = gate.enter(RequestClass::Upload, self.attempts.turn(), counters).await;
                return Ok((signature, (permit.map_err(at_target)?, None)));
            };
            let turn = if self.attempts.turn() == Turn::Repeated { Turn::Repeated } else { reader.turn() };
            let permit = match reader.endpoint() {
                Some(from) => Gate::enter_both(&from.gate, gate, turn, counters).await,
                None => gate.enter(RequestClass::Upload, turn, counters).await,
            };
            let permit = (permit.map_err(at_target)?, reader.begin_copy().await);
            match reader.open_in_stream().await {
                Ok(()) => return Ok((signature, permit)),
                Err(decision) => {
                    drop(permit);
                    reader.reopen_after(decision).await.map_err(|error| SendError::Source(error.into()))?;
                }
            }
        }
    }

    /// Checks from the answer to an upload whether the blob was stored.
    fn taken(&self, answer: &HttpResponse, session: &UploadSession) -> Attempt<()> {
        let failure = answer.failure();
        let came_to_harm = failure.code.as_deref() == Some("DIGEST_INVALID");
        match (answer.verdict(), answer.status.as_u16()) {
            (RetryVerdict::Refusal(wait), _) => {
                self.endpoint.gate.refused(answer.status.as_u16(), wait);
                Err(RetryDecision::Refusal(End::Target, Box::new(failure), wait))
            }
            // The upload no longer exists or is out of step, or the registry received other bytes than were sent.
            // Another upload may succeed.
            (RetryVerdict::Fault, _) | (_, 404 | 416) => Err(RetryDecision::Fault(End::Target, failure)),
            (_, 400) if came_to_harm => Err(RetryDecision::Fault(End::Target, failure)),
            // The registry may not support the rest of a blob as the last chunk of its upload.
            (_, 400 | 405 | 409 | 411 | 415 | 422 | 501) if session.stored > 0 => {
                Err(RetryDecision::Fault(End::Target, failure))
            }
            // Only the status and the headers count. With the right digest, the body may be anything.
            (_, 200 | 201) if answer.is_page() && answer.digest().as_ref() != Some(&self.copier.blob.digest) => {
                let failure = answer.out_of_place("the response to the upload is an HTML page");
                Err(RetryDecision::Final(End::Target, Failure { code: None, message: None, ..failure }))
            }
            (_, 200 | 201 | 204) => {
                let blob = &self.copier.blob.digest;
                match answer.digest() {
                    Some(actual) if actual != *blob && actual.algorithm() == blob.algorithm() => {
                        let kind = ErrorKind::WrongDigest { expected: blob.clone(), actual };
                        Err(RetryDecision::Fault(End::Target, Failure { kind, code: None, message: None, ..failure }))
                    }
                    _ => Ok(()),
                }
            }
            _ => Err(RetryDecision::Final(End::Target, failure)),
        }
    }
}

fn at_target(failure: Failure) -> RetryDecision {
    RetryDecision::Final(End::Target, failure)
}

/// Whether the answer shows that the blob was not stored and that the upload cannot be continued.
fn is_upload_over(failure: &Failure) -> bool {
    matches!(failure.status, Some(200..=299 | 400..=407 | 409..=499 | 501))
}

/// Passes the pieces that `reader` reads to `receiver`.
pub(super) async fn feed(
    reader: &mut SourceReader<'_>,
    receiver: mpsc::Sender<Bytes>,
    progress: &Progress,
) -> std::result::Result<(), ReadError> {
    while let Some(piece) = reader.next().await? {
        pass(piece, &receiver, progress).await;
    }
    Ok(())
}

/// Passes the bytes of a blob in memory to `receiver`.
async fn feed_kept(mut bytes: Bytes, receiver: mpsc::Sender<Bytes>, progress: &Progress) {
    while !bytes.is_empty() {
        pass(bytes.split_to(PIECE.min(bytes.len())), &receiver, progress).await;
    }
}

async fn pass(piece: Bytes, receiver: &mpsc::Sender<Bytes>, progress: &Progress) {
    let length = piece.len() as u64;
    progress.waits_for(End::Target);
    if receiver.send(piece).await.is_err() {
        // The receiver has ended. Its result says why.
        std::future::pending::<()>().await;
    }
    progress.sent(length);
}

/// Sends the PUT of a body.
async fn put(
    copier: &Copier<'_>,
    out: Outgoing,
    target: &Endpoint,
    authorization: &Authorization,
) -> Attempt<HttpResponse> {
    let exchange = async {
        let response = copier.http.client.transport.wire.exchange(out, &target.counters).await?;
        target.gate.answered(RequestClass::Upload, classify(response.status(), response.headers()));
        read(response, None, authorization).await
    };
    exchange.await.map_err(|error| match error {
        TransferError::Fault(failure) => RetryDecision::Fault(End::Target, failure),
        TransferError::Final(failure) => RetryDecision::Final(End::Target, target.gate.last_words(failure)),
    })
}
