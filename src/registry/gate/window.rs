//! [`Window`]: how many requests one host is sent at once.
//!
//! As many as may be, until it fails at many of them with a bare 503: that is how servers answer that take only so many
//! at once. Then half as many, and one more each time that all of them were answered.

use tokio::time::Instant;

use super::QUIET;
use super::tally::Tally;

/// Fewer are never sent.
const FEWEST: f64 = 1.0;

/// How many requests may be in flight.
pub(super) struct Window {
    most: usize,
    width: f64,
    failures: Tally,
    /// Whether anything was served since it was last made smaller.
    serves: bool,
    quiet_until: Option<Instant>,
}

impl Window {
    pub(super) fn new(most: usize) -> Self {
        let (failures, serves, quiet_until) = Default::default();
        Self { most, width: width(most), failures, serves, quiet_until }
    }

    /// Lets through no more than so many.
    pub(super) fn keep_to(&mut self, most: usize) {
        self.most = self.most.min(most);
        self.width = self.width.min(width(self.most));
    }

    /// How many there may be, however well it goes.
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

    /// It failed at a request: only where it serves others meanwhile can fewer at once be of any help.
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
