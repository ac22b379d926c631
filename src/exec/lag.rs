//! [`lag`]: pauses for registries in which a push is not visible at once. [`sleep`] makes one.

use std::time::Duration;

/// Returns the pauses until a push should be visible: 300 ms, then doubling, 4.5 s in total.
pub(super) fn lag() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(Duration::from_millis(300)), |pause| Some(*pause * 2)).take(4)
}

/// Waits for `pause`. The tests that run requests in every order have no runtime, and so no time.
pub(super) async fn sleep(pause: Duration) {
    if !cfg!(test) || tokio::runtime::Handle::try_current().is_ok() {
        tokio::time::sleep(pause).await;
    }
}
