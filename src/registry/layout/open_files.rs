//! [`OpenFiles`]: limits how many files of layouts are open at once, and waits while the system has no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::registry::file_limit;

use super::{Disk, ErrorKind, LayoutFault};

/// How long an operation waits for other files to be closed.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an operation waits after another one has waited in vain.
const PATIENCE_AFTER_FAILURE: Duration = Duration::from_secs(1);
/// The first pause before an operation is repeated. It doubles up to [`LONGEST_RETRY_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The files of layouts that may be open at once, in all layouts together.
///
/// Copies and operations have separate permits. A copy needs operations (to open its files), but an operation never
/// waits for anything else, so there cannot be a deadlock.
#[derive(Debug)]
pub(super) struct OpenFiles {
    copies: Arc<Semaphore>,
    operations: Arc<Semaphore>,
    /// Whether an operation has waited in vain. If the limit is too low for the run, not each operation waits as long.
    has_failed: AtomicBool,
    /// Cancelled when the run is being stopped. Waiting ends then.
    stop: CancellationToken,
}

/// The permit to copy one blob from or to a layout.
#[derive(Debug)]
pub(crate) struct CopyPermit {
    _permit: Option<OwnedSemaphorePermit>,
}

impl OpenFiles {
    pub(super) fn new(stop: CancellationToken) -> Self {
        let share = file_limit::shares().layouts;
        let [copies, operations] = [share; 2].map(|permits| Arc::new(Semaphore::new(permits)));
        Self { copies, operations, has_failed: AtomicBool::new(false), stop }
    }

    /// Waits until another blob may be copied.
    pub(super) async fn begin_copy(&self) -> CopyPermit {
        CopyPermit { _permit: acquire(&self.copies).await }
    }

    /// Runs `work`, which waits for the disk, on a thread where it does not block other tasks. If the system has no
    /// more files to open, waits and runs it again.
    ///
    /// # Errors
    /// Returns [`LayoutFault::TooManyOpenFiles`] if this lasts for too long.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl Fn() -> Disk<T> + Send + Sync + 'static) -> Disk<T> {
        let (work, began, mut pause) = (Arc::new(work), Instant::now(), FIRST_PAUSE);
        loop {
            let work = Arc::clone(&work);
            let result = self.run_once(move || work()).await;
            let has_none_left = matches!(result, Err(ErrorKind::Layout(LayoutFault::TooManyOpenFiles)));
            if !has_none_left {
                return result;
            }
            let has_failed = self.has_failed.load(Ordering::Relaxed);
            if began.elapsed() >= if has_failed { PATIENCE_AFTER_FAILURE } else { PATIENCE } {
                self.has_failed.store(true, Ordering::Relaxed);
                return result;
            }
            self.pause(pause).await?;
            pause = (pause * 2).min(LONGEST_RETRY_PAUSE);
        }
    }

    /// Runs `work`, which opens no file, or cannot be repeated.
    pub(super) async fn run_once<T: Send + 'static>(&self, work: impl FnOnce() -> Disk<T> + Send + 'static) -> Disk<T> {
        let permit = acquire(&self.operations).await;
        let work = move || {
            // The permit is held until the files are closed, even if nothing waits for the result any more.
            let _permit = permit;
            work()
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
            // The runtime is shutting down.
            Err(_) => Err(ErrorKind::Stopped),
        }
    }

    /// Waits for `time`.
    ///
    /// # Errors
    /// Fails if the run is being stopped.
    pub(super) async fn pause(&self, time: Duration) -> Disk<()> {
        tokio::select! {
            () = self.stop.cancelled() => Err(ErrorKind::Stopped),
            () = sleep(time) => Ok(()),
        }
    }
}

/// Returns a permit of `semaphore`, which is never closed.
async fn acquire(semaphore: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(semaphore).acquire_owned().await.ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn none_left() -> ErrorKind {
        ErrorKind::Layout(LayoutFault::TooManyOpenFiles)
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_is_repeated_until_files_are_closed() {
        let (open_files, tries) = (OpenFiles::new(CancellationToken::new()), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&tries);
        let work = move || if count.fetch_add(1, Ordering::Relaxed) < 5 { Err(none_left()) } else { Ok("done") };
        assert_eq!(open_files.run(work).await, Ok("done"));
        assert_eq!(tries.load(Ordering::Relaxed), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_ends_after_a_while_or_when_the_run_is_stopped() {
        let (began, stop) = (Instant::now(), CancellationToken::new());
        let open_files = OpenFiles::new(stop.clone());
        assert_eq!(open_files.run(|| Err::<(), _>(none_left())).await, Err(none_left()));
        assert_eq!(open_files.run(|| Err::<(), _>(none_left())).await, Err(none_left()), "at once");
        assert!((PATIENCE..PATIENCE * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
        stop.cancel();
        assert_eq!(open_files.run(|| Err::<(), _>(none_left())).await, Err(ErrorKind::Stopped));
    }
}
