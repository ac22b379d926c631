//! [`Progress`]: whether the bytes of a blob move while they are copied.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::oci::{Descriptor, Place};
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
    target: Place,
    observer: Observer,
    state: Mutex<StreamState>,
}

struct StreamState {
    /// Bytes that the target has or that were sent to it in this attempt.
    sent: u64,
    /// Bytes reported to the observer. A second attempt sends the first bytes again, which is not progress.
    told: u64,
    /// When bytes moved last, at least [`PACE`] of them.
    moved: Instant,
    /// Bytes that moved since then.
    since: u64,
    waits_for: End,
}

/// One end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Source,
    Target,
}

impl Progress {
    pub(crate) fn new(blob: &Descriptor, target: &Place, observer: Observer) -> Arc<Self> {
        let state = StreamState { sent: 0, told: 0, moved: Instant::now(), since: 0, waits_for: End::Target };
        Arc::new(Self { blob: blob.clone(), target: target.clone(), observer, state: Mutex::new(state) })
    }

    /// Starts an attempt to send the bytes that the target does not have. It has the first `stored` bytes. From now on,
    /// bytes must move. The time spent waiting before it, mainly for a permit, is not the fault of either end.
    pub(crate) fn restart(&self, stored: u64) {
        let mut state = lock(&self.state);
        (state.sent, state.moved, state.since) = (stored, Instant::now(), 0);
        state.waits_for = End::Target;
    }

    /// Whether all bytes were sent.
    pub(crate) fn is_all_sent(&self) -> bool {
        lock(&self.state).sent == self.blob.size
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
                    let why = format!("too slow: {since} bytes in {}s", limit.as_secs());
                    return (end, ErrorKind::Unreachable(why.into()));
                }
                let what = match end {
                    End::Source => "no data received",
                    End::Target if limit == COMMIT => "no response to the uploaded blob",
                    End::Target => "no data accepted",
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

    /// Records that bytes arrived from the source.
    pub(crate) fn received(&self, bytes: u64) {
        let mut state = lock(&self.state);
        state.step(bytes);
        state.waits_for = End::Target;
    }

    /// Records which end has to act next.
    pub(crate) fn waits_for(&self, end: End) {
        lock(&self.state).waits_for = end;
    }

    /// Records that bytes were sent to the target.
    pub(crate) fn sent(&self, bytes: u64) {
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
            let (digest, target) = (self.blob.digest.clone(), self.target.clone());
            (self.observer)(Notice::Streaming { digest, target, bytes: news });
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Digest, MediaType};

    fn progress(size: u64) -> (Arc<Progress>, Arc<Mutex<u64>>) {
        let told = Arc::new(Mutex::new(0));
        let count = Arc::clone(&told);
        let observer: Observer = Arc::new(move |notice| {
            if let Notice::Streaming { bytes, .. } = notice {
                *count.lock().unwrap() += bytes;
            }
        });
        let digest = Digest::of(b"x");
        let blob = Descriptor { media_type: MediaType::Other(String::new()), digest, size };
        (Progress::new(&blob, &Place::parse("r.example/app").unwrap(), observer), told)
    }

    #[test]
    fn bytes_that_are_sent_again_are_no_progress() {
        let (progress, told) = progress(6);
        for (stored, bytes) in [(0, 4), (0, 3), (2, 1), (3, 3)] {
            progress.restart(stored);
            progress.sent(bytes);
        }
        assert_eq!((*told.lock().unwrap(), progress.is_all_sent()), (6, true));
    }

    #[tokio::test(start_paused = true)]
    async fn who_stands_still_is_named() {
        let (progress, _) = progress(3);
        let (end, kind) = progress.stalled().await;
        assert_eq!((end, kind.to_string()), (End::Target, "no data accepted for 15s".into()));
        progress.restart(0);
        progress.waits_for(End::Source);
        let (end, kind) = progress.stalled().await;
        assert_eq!((end, kind.to_string()), (End::Source, "no data received for 15s".into()));
        progress.restart(3);
        let (end, kind) = progress.stalled().await;
        assert_eq!((end, kind.to_string()), (End::Target, "no response to the uploaded blob for 60s".into()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_a_byte_now_and_then_is_not_waited_for() {
        let drip = async |progress: &Progress, bytes| {
            loop {
                progress.waits_for(End::Source);
                tokio::time::sleep(Duration::from_secs(1)).await;
                progress.received(bytes);
                progress.waits_for(End::Source);
            }
        };
        let (slow, _) = progress(100_000);
        tokio::select! {
            () = drip(&slow, 1) => {}
            (end, kind) = slow.stalled() => {
                assert_eq!(end, End::Source);
                assert!(kind.to_string().starts_with("too slow: "), "{kind}");
            }
        }
        // Slower than any current connection, but it ends.
        let (steady, _) = progress(100_000);
        tokio::select! {
            () = drip(&steady, 500) => {}
            () = tokio::time::sleep(Duration::from_mins(3)) => {}
            (end, kind) = steady.stalled() => panic!("{end:?} {kind}"),
        }
    }
}
