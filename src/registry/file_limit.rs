//! [`shares`]: how many files and connections may be open at once.

/// The maximum number that a share is limited to. More would not be faster.
const MOST: usize = 64;

/// The limit of open files of this process (`ulimit -n`), divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    /// The maximum number of copies from or to layouts, and also of other operations on layouts. Each has at most two
    /// files open, so layouts use at most a quarter of the limit.
    pub(super) layouts: usize,
    /// The maximum number of connections with a request in flight: a quarter of the limit. The rest is for idle
    /// connections, token servers, credential helpers and the runtime.
    pub(super) connections: usize,
}

/// Returns the shares for the limit of this process.
pub(super) fn shares() -> Shares {
    #[cfg(unix)]
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let limit = None;
    Shares::of(limit)
}

impl Shares {
    /// `limit`: `None` if there is no limit, or if it is not known.
    fn of(limit: Option<u64>) -> Self {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Self { layouts: (limit / 16).clamp(1, MOST), connections: (limit / 4).max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_follow_from_the_limit() {
        for (limit, layouts, connections) in
            [(Some(2), 1, 1), (Some(64), 4, 16), (Some(256), 16, 64), (Some(1024), 64, 256), (None, 64, usize::MAX / 4)]
        {
            assert_eq!(Shares::of(limit), Shares { layouts, connections }, "{limit:?}");
        }
    }
}
