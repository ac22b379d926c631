//! [`Verified`]: the bytes of a blob while they are sent, verified before the last piece is released; [`Progress`]:
//! whether bytes move.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, sleep, sleep_until};

use crate::oci::{Descriptor, DigestVerifier};
use crate::registry::error::ErrorKind;
use crate::registry::lock::lock;
use crate::registry::transport::wire::IDLE;
use crate::registry::{Notice, Observer};

/// The maximum time for a target to answer after it received all bytes. Some registries first copy them to their final
/// storage.
const COMMIT: Duration = Duration::from_mins(1);

/// The minimum number of bytes that must move within [`IDLE`]. Otherwise a peer that sends a byte from time to time
/// could occupy a permit for days.
const PACE: u64 = 4 << 10;

/// The progress of one blob, over all attempts to send it.
pub(crate) struct Progress {
    blob: Descriptor,
    observer: Observer,
    state: Mutex<StreamState>,
}

struct StreamState {
    /// Bytes released in this attempt.
    sent: u64,
    /// Bytes reported to the observer. A second attempt sends the first bytes again, which is not progress.
    told: u64,
    /// When bytes moved last, at least [`PACE`] of them.
    moved: Instant,
    /// Bytes that moved since then.
    since: u64,
    waits_for: End,
    fault: Option<ErrorKind>,
}

/// One end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Source,
    Target,
}

impl Progress {
    pub(crate) fn new(blob: &Descriptor, observer: Observer) -> Arc<Self> {
        let state =
            StreamState { sent: 0, told: 0, moved: Instant::now(), since: 0, waits_for: End::Target, fault: None };
        Arc::new(Self { blob: blob.clone(), observer, state: Mutex::new(state) })
    }

    /// Starts an attempt. From now on, bytes must move. The time spent waiting before it, mainly for a permit, is not
    /// the fault of either end.
    pub(crate) fn restart(&self) {
        let mut state = lock(&self.state);
        (state.sent, state.moved, state.since) = (0, Instant::now(), 0);
        (state.waits_for, state.fault) = (End::Target, None);
    }

    /// Takes the error of the source, if that ended the attempt.
    pub(crate) fn fault(&self) -> Option<ErrorKind> {
        lock(&self.state).fault.take()
    }

    /// Waits until nothing has moved for too long. Returns the end that caused it, and the error.
    pub(crate) async fn stalled(&self) -> (End, ErrorKind) {
        loop {
            let (deadline, limit, end, since) = {
                let state = lock(&self.state);
                let limit = if state.sent == self.blob.size { COMMIT } else { IDLE };
                (state.moved + limit, limit, state.waits_for, state.since)
            };
            if Instant::now() >= deadline {
                if since > 0 {
                    let why = format!("{since} bytes in {}s are too few to wait for", limit.as_secs());
                    return (end, ErrorKind::Unreachable(why.into()));
                }
                let what = match end {
                    End::Source => "the answer stood still",
                    End::Target if limit == COMMIT => "no answer to a whole blob",
                    End::Target => "it took no bytes",
                };
                return (end, ErrorKind::Unreachable(format!("{what} for {}s", limit.as_secs()).into()));
            }
            sleep_until(deadline).await;
        }
    }

    /// Waits until the source has sent nothing for too long. A target that is a disk has no time limit: it may take
    /// long to sync a large file.
    pub(crate) async fn source_stalled(&self) -> ErrorKind {
        loop {
            match self.stalled().await {
                (End::Source, kind) => return kind,
                (End::Target, _) => sleep(IDLE).await,
            }
        }
    }

    fn received(&self, bytes: u64) {
        let mut state = lock(&self.state);
        state.step(bytes);
        state.waits_for = End::Target;
    }

    fn waits_for(&self, end: End) {
        lock(&self.state).waits_for = end;
    }

    fn sent(&self, bytes: u64) {
        let news = {
            let mut state = lock(&self.state);
            state.step(bytes);
            state.sent += bytes;
            if state.sent == self.blob.size {
                (state.moved, state.since) = (Instant::now(), 0);
            }
            let news = state.sent.saturating_sub(state.told);
            state.told += news;
            news
        };
        if news > 0 {
            (self.observer)(Notice::Streaming { digest: self.blob.digest.clone(), bytes: news });
        }
    }

    fn failed(&self, kind: ErrorKind) -> io::Error {
        let error = io::Error::other(kind.to_string());
        lock(&self.state).fault = Some(kind);
        error
    }
}

impl StreamState {
    /// Records that bytes moved.
    fn step(&mut self, bytes: u64) {
        self.since += bytes;
        if self.since >= PACE {
            (self.moved, self.since) = (Instant::now(), 0);
        }
    }
}

/// The bytes of a blob as they arrive. The last piece is held back until size and digest are verified, so wrong bytes
/// can never be committed.
pub(crate) struct Verified<S> {
    inner: S,
    verifier: Option<DigestVerifier>,
    held: Option<Bytes>,
    received: u64,
    progress: Arc<Progress>,
}

impl<S> Verified<S> {
    pub(crate) fn new(inner: S, progress: Arc<Progress>) -> Self {
        let verifier = Some(progress.blob.digest.verifier());
        Self { inner, verifier, held: None, received: 0, progress }
    }

    fn ended(&mut self) -> Result<Option<Bytes>, ErrorKind> {
        let (size, received) = (self.progress.blob.size, self.received);
        if received < size {
            let why = format!("the connection broke after {received} of {size} bytes");
            return Err(ErrorKind::Unreachable(why.into()));
        }
        let expected = self.progress.blob.digest.clone();
        match self.verifier.take().map(DigestVerifier::finish) {
            Some(Err(actual)) => Err(ErrorKind::WrongDigest { expected, actual }),
            _ => Ok(self.held.take()),
        }
    }
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E: ToString> Stream for Verified<S> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let failed = |kind| Poll::Ready(Some(Err(this.progress.failed(kind))));
        while this.verifier.is_some() {
            let chunk = match Pin::new(&mut this.inner).poll_next(context) {
                Poll::Pending => {
                    this.progress.waits_for(End::Source);
                    return Poll::Pending;
                }
                Poll::Ready(None) => {
                    let ended = this.ended();
                    this.verifier = None;
                    return match ended {
                        Ok(last) => {
                            this.progress.sent(last.as_ref().map_or(0, Bytes::len) as u64);
                            Poll::Ready(last.map(Ok))
                        }
                        Err(kind) => Poll::Ready(Some(Err(this.progress.failed(kind)))),
                    };
                }
                Poll::Ready(Some(Err(error))) => {
                    this.verifier = None;
                    return failed(ErrorKind::Unreachable(error.to_string().into()));
                }
                Poll::Ready(Some(Ok(chunk))) => chunk,
            };
            this.progress.received(chunk.len() as u64);
            this.received += chunk.len() as u64;
            if this.received > this.progress.blob.size {
                this.verifier = None;
                let size = this.progress.blob.size;
                return failed(ErrorKind::NotARegistry(format!("sent more than the {size} bytes that the blob has")));
            }
            if let Some(verifier) = &mut this.verifier {
                verifier.update(&chunk);
            }
            if !chunk.is_empty()
                && let Some(before) = this.held.replace(chunk)
            {
                this.progress.sent(before.len() as u64);
                return Poll::Ready(Some(Ok(before)));
            }
        }
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};

    use super::*;
    use crate::oci::{Digest, MediaType};

    fn progress(bytes: &[u8]) -> (Arc<Progress>, Arc<Mutex<u64>>) {
        let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
        let told = Arc::new(Mutex::new(0));
        let count = Arc::clone(&told);
        let observer: Observer = Arc::new(move |notice| {
            if let Notice::Streaming { bytes, .. } = notice {
                *count.lock().unwrap() += bytes;
            }
        });
        (Progress::new(&Descriptor { media_type: MediaType::Other(String::new()), digest, size }, observer), told)
    }

    /// Returns the bytes released from `chunks`, and the error of the source.
    async fn run(progress: &Arc<Progress>, chunks: &[&'static str]) -> (String, Option<ErrorKind>) {
        progress.restart();
        let chunks = chunks.iter().map(|chunk| match *chunk {
            "cut" => Err(io::Error::other("reset")),
            chunk => Ok(Bytes::from_static(chunk.as_bytes())),
        });
        let let_go: Vec<_> = Verified::new(stream::iter(chunks), Arc::clone(progress)).collect().await;
        let text = let_go.into_iter().flatten().flat_map(|chunk| chunk.to_vec()).collect();
        (String::from_utf8(text).unwrap(), progress.fault())
    }

    #[tokio::test]
    async fn the_last_piece_of_wrong_bytes_is_never_let_go() {
        let (progress, told) = progress(b"abcdef");
        let (sent, fault) = run(&progress, &["abc", "", "xyz"]).await;
        assert_eq!(sent, "abc");
        assert!(matches!(fault, Some(ErrorKind::WrongDigest { .. })), "{fault:?}");
        let (sent, fault) = run(&progress, &["ab", "cd"]).await;
        assert_eq!((&*sent, fault.unwrap().to_string()), ("ab", "the connection broke after 4 of 6 bytes".into()));
        let (sent, fault) = run(&progress, &["ab", "cdefg"]).await;
        let too_much = "sent more than the 6 bytes that the blob has";
        assert_eq!((&*sent, fault.unwrap().to_string()), ("", too_much.into()));
        let (_, fault) = run(&progress, &["ab", "cut"]).await;
        assert_eq!(fault.unwrap().to_string(), "reset", "in the words of the source, and no others");
        assert_eq!(run(&progress, &["ab", "cdef"]).await, ("abcdef".into(), None));
        assert_eq!(*told.lock().unwrap(), 6, "what is sent again is no progress");
    }

    #[tokio::test]
    async fn an_empty_blob_has_a_digest_too() {
        let (progress, _) = progress(b"");
        assert_eq!(run(&progress, &[]).await, (String::new(), None));
        assert!(matches!(run(&progress, &["x"]).await.1, Some(ErrorKind::NotARegistry(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn who_stands_still_is_named() {
        let (progress, _) = progress(b"abc");
        let (end, kind) = progress.stalled().await;
        assert_eq!((end, kind.to_string()), (End::Target, "it took no bytes for 15s".into()));
        progress.restart();
        let mut stuck = Verified::new(stream::pending::<io::Result<Bytes>>(), Arc::clone(&progress));
        tokio::select! {
            _ = stuck.next() => unreachable!("it never yields"),
            (end, kind) = progress.stalled() => {
                assert_eq!((end, kind.to_string()), (End::Source, "the answer stood still for 15s".into()));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_a_byte_now_and_then_is_not_waited_for() {
        let drip = |bytes: &'static [u8]| {
            Box::pin(stream::unfold((), move |()| async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Some((Ok::<_, io::Error>(Bytes::from_static(bytes)), ()))
            }))
        };
        let (slow, _) = progress(&vec![0; 100_000]);
        let mut bytes = Verified::new(drip(b"x"), Arc::clone(&slow));
        tokio::select! {
            () = async { while bytes.next().await.is_some() {} } => unreachable!("it would take a day"),
            (end, kind) = slow.stalled() => {
                assert_eq!(end, End::Source);
                assert!(kind.to_string().ends_with(" bytes in 15s are too few to wait for"), "{kind}");
            }
        }
        // Slower than any current connection, but it ends.
        let (steady, _) = progress(&vec![0; 100_000]);
        let mut bytes = Verified::new(drip(&[0; 500]), Arc::clone(&steady));
        tokio::select! {
            () = async { while bytes.next().await.is_some() {} } => {}
            (end, kind) = steady.stalled() => panic!("{end:?} {kind}"),
        }
        assert!(steady.fault().is_some_and(|kind| kind.to_string().contains("sent more than")));
    }
}
