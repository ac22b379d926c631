//! [`Stop`]: the wish to end early, seen by all that runs.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use super::report::Signal;

/// Shared by whoever hears the signal and all that must heed it.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    token: CancellationToken,
    signal: Arc<OnceLock<Signal>>,
}

impl Stop {
    /// Asks all to stop; the first signal stays.
    pub fn request(&self, signal: Signal) {
        let _ = self.signal.set(signal);
        self.token.cancel();
    }

    /// What asked for it, if anything did.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        self.signal.get().copied()
    }

    /// Resolves once it was asked for.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }
}
