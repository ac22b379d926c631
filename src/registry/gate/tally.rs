//! [`Tally`]: the last answers of a host, and whether too many of them were bad.

/// This many bad answers in a row show that a host is overloaded.
const IN_A_ROW: u32 = 4;
/// This many bad answers among the last [`LAST`] show it too.
const AMONG_LAST: u32 = 8;
const LAST: u32 = 40;
/// How often both thresholds are doubled at most.
const DOUBLINGS: u32 = 2;

/// The last answers of a host.
#[derive(Default)]
pub(super) struct Tally {
    /// One bit per answer, the newest in the lowest bit. 1 means bad.
    answers: u64,
    /// The number of bad answers in a row.
    run: u32,
    doublings: u32,
}

impl Tally {
    pub(super) fn good(&mut self) {
        (self.answers, self.run) = (self.answers << 1, 0);
    }

    pub(super) fn bad(&mut self) {
        (self.answers, self.run) = ((self.answers << 1) | 1, self.run + 1);
    }

    /// Returns the number of bad answers in a row.
    pub(super) fn run(&self) -> u32 {
        self.run
    }

    /// Whether there are too many bad answers to be random.
    pub(super) fn is_overload(&self) -> bool {
        let among_last = (self.answers & ((1 << LAST) - 1)).count_ones();
        self.run >= IN_A_ROW << self.doublings || among_last >= AMONG_LAST << self.doublings
    }

    /// Clears the answers after a reaction to them, so that they are not counted twice.
    pub(super) fn clear(&mut self) {
        (self.answers, self.run) = (0, 0);
    }

    /// Records that the bad answers were random after all. From now on, both thresholds are doubled.
    pub(super) fn was_chance(&mut self) {
        self.doublings = (self.doublings + 1).min(DOUBLINGS);
    }
}
