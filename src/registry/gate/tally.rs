//! [`Tally`]: the last answers of a host, and whether too many of them were no good.

/// So many in a row show that a host is overloaded.
const IN_A_ROW: u32 = 4;
/// So many among the last [`LAST`] answers show it, too.
const AMONG_LAST: u32 = 8;
const LAST: u32 = 40;
/// How often both numbers are doubled at most.
const DOUBLINGS: u32 = 2;

/// The last answers of a host.
#[derive(Default)]
pub(super) struct Tally {
    /// A bit each, the newest the lowest: whether it was no good.
    answers: u64,
    /// How many in a row were no good.
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

    /// How many in a row were no good.
    pub(super) fn run(&self) -> u32 {
        self.run
    }

    /// Whether too many were no good to be chance.
    pub(super) fn is_overload(&self) -> bool {
        let among_last = (self.answers & ((1 << LAST) - 1)).count_ones();
        self.run >= IN_A_ROW << self.doublings || among_last >= AMONG_LAST << self.doublings
    }

    /// What was heeded is not counted twice.
    pub(super) fn clear(&mut self) {
        (self.answers, self.run) = (0, 0);
    }

    /// It was chance after all: from now on it takes twice as many.
    pub(super) fn was_chance(&mut self) {
        self.doublings = (self.doublings + 1).min(DOUBLINGS);
    }
}
