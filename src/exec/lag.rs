//! [`lag`]: pauses for registries in which a push is not visible at once.

use std::time::Duration;

/// Returns the pauses until a push should be visible: 300 ms, then doubling, 4.5 s in total.
pub(super) fn lag() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(Duration::from_millis(300)), |pause| Some(*pause * 2)).take(4)
}
