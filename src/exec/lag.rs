//! [`lag`]: registries that do not see at once what was pushed.

use std::time::Duration;

/// How long a registry is given to see what was just pushed: 300 ms, then doubling, 4.5 s in all.
pub(super) fn lag() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(Duration::from_millis(300)), |pause| Some(*pause * 2)).take(4)
}
