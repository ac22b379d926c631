//! [`Stop`]: the request to stop early, visible to everything that runs.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use super::report::Signal;

/// A stop request, shared by the signal handler and everything that must react to it.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    token: CancellationToken,
    signal: Arc<OnceLock<Signal>>,
}

impl Stop {
    /// Requests that everything stops. The first signal is kept.
    pub fn request(&self, signal: Signal) {
        let _ = self.signal.set(signal);
        self.token.cancel();
    }

    /// Returns the signal that requested the stop, if there was one.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        self.signal.get().copied()
    }

    /// Resolves once a stop is requested.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }
}
