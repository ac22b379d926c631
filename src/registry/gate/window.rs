//! [`Window`]: how many requests are sent to one host at once.
//!
//! The maximum is used until many requests fail with a 503 without `Retry-After`: servers that accept only so many
//! requests at once answer this way. Then the number is halved. It grows by one each time that all of these requests
//! were served.

use tokio::time::Instant;

use super::QUIET;
use super::tally::Tally;

/// The minimum number of requests at once.
const FEWEST: f64 = 1.0;

/// How many requests may be in flight.
pub(super) struct Window {
    most: usize,
    width: f64,
    failures: Tally,
    /// Whether any request was served since the window was last reduced.
    serves: bool,
    quiet_until: Option<Instant>,
}

impl Window {
    pub(super) fn new(most: usize) -> Self {
        let (failures, serves, quiet_until) = Default::default();
        Self { most, width: width(most), failures, serves, quiet_until }
    }

    /// Limits the maximum.
    pub(super) fn keep_to(&mut self, most: usize) {
        self.most = self.most.min(most);
        self.width = self.width.min(width(self.most));
    }

    /// Returns the maximum, which applies even if no request fails.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn has_room(&self, in_flight: usize) -> bool {
        in_flight < self.most && width(in_flight + 1) <= self.width
    }

    pub(super) fn served(&mut self) {
        self.failures.good();
        self.serves = true;
        self.width = (self.width + 1.0 / self.width).min(width(self.most));
    }

    /// Records a failed request. Fewer requests at once can only help if the host serves other requests meanwhile.
    pub(super) fn faltered(&mut self, now: Instant) {
        self.failures.bad();
        let is_quiet = self.quiet_until.is_some_and(|until| now < until);
        if self.serves && !is_quiet && self.failures.is_overload() {
            self.width = (self.width / 2.0).max(FEWEST);
            self.serves = false;
            self.failures.clear();
            self.quiet_until = Some(now + QUIET);
        }
    }
}

fn width(places: usize) -> f64 {
    f64::from(u32::try_from(places).unwrap_or(u32::MAX))
}
