//! [`SingleFlight`]: work that several callers need and that is done once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// Results by key, each computed once. Failures are results too: they are not retried for later callers.
///
/// The first caller does the work. If it is dropped before the end, the next waiting caller starts the work again.
pub(super) struct SingleFlight<K, V>(Mutex<HashMap<K, Arc<OnceCell<V>>>>);

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> SingleFlight<K, V> {
    /// Returns the result of `work` for `key`, computed here or by an earlier caller. `work` is not started if it is
    /// not needed.
    pub(super) async fn once(&self, key: K, work: impl Future<Output = V>) -> V {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key).or_default())
        };
        cell.get_or_init(|| work).await.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn the_next_takes_over_where_the_first_was_dropped() {
        let flights: SingleFlight<u8, u8> = SingleFlight::default();
        let dropped = flights.once(1, std::future::pending());
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), dropped).await.is_err());
        assert_eq!(flights.once(1, async { 7 }).await, 7);
    }

    #[tokio::test]
    async fn many_ask_and_one_works() {
        let (flights, begun) = (SingleFlight::default(), AtomicUsize::new(0));
        let ask = || {
            flights.once("blob", async {
                begun.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                3
            })
        };
        assert_eq!(tokio::join!(ask(), ask(), ask()), (3, 3, 3));
        assert_eq!(begun.into_inner(), 1);
    }
}
