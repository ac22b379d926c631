//! [`Health`]: whether a host answers at all.
//!
//! One that never did, or did not for two minutes while it was asked, is dead for this run. One that serves reads and
//! answers no write is asked for no more writes of that kind, once some were given up: each would take all its attempts
//! to find out the same.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::registry::error::{ErrorKind, Failure};

use super::{Lane, Patience};

/// A host that has served nothing for so long while it was asked is not coming back.
const SILENCE: Duration = Duration::from_mins(2);
/// Writes of a kind that were given up without an answer, and none answered in between. At one fault in five, eight
/// attempts fail in 1 of 400,000 writes: four such in a row are no chance.
const IN_VAIN: u32 = 4;

#[derive(Default)]
pub(super) struct Health {
    silence: Option<Silence>,
    has_served: bool,
    dead: Option<Failure>,
    in_vain: BTreeMap<Lane, InVain>,
}

/// The time in which a host is asked and serves nothing.
#[derive(Clone, Copy)]
struct Silence {
    since: Instant,
    last_asked: Instant,
}

/// Writes of one kind that were given up since the last that was answered.
#[derive(Default)]
struct InVain {
    writes: u32,
    /// What is told of all later ones.
    cause: Option<Failure>,
}

impl Health {
    /// A request goes out. One that is not answered begins the silence; a host that nobody asks is not silent.
    pub(super) fn asked(&mut self, now: Instant) {
        let before = self.silence.filter(|silence| now - silence.last_asked < SILENCE);
        self.silence = Some(Silence { since: before.map_or(now, |silence| silence.since), last_asked: now });
    }

    /// A request was answered.
    pub(super) fn served(&mut self, lane: Lane) {
        (self.has_served, self.silence) = (true, None);
        self.in_vain.remove(&lane);
    }

    /// Why no more requests of this kind are sent, if none are.
    pub(super) fn refuses(&self, lane: Lane) -> Option<&Failure> {
        self.in_vain.get(&lane)?.cause.as_ref()
    }

    /// What ended the host, if it is dead.
    pub(super) fn cause_of_death(&self) -> Option<&Failure> {
        self.dead.as_ref()
    }

    /// Ends the host for this run, unless it is dead; what it died of.
    pub(super) fn die(&mut self, failure: Failure) -> Failure {
        self.dead.get_or_insert(failure).clone()
    }

    /// A request failed: what is to be told of it, and whether the host died of it now.
    pub(super) fn failed(&mut self, failure: Failure, lane: Lane, patience: Patience) -> (Failure, bool) {
        if let Some(dead) = &self.dead {
            return (dead.clone(), false);
        }
        let is_silent = self.silence.is_some_and(|silence| silence.since.elapsed() >= SILENCE);
        let was_never_there = !self.has_served && patience == Patience::Over;
        if is_silent || was_never_there {
            return (self.die(failure), true);
        }
        if patience == Patience::Over && lane.writes() && matches!(failure.kind, ErrorKind::Unreachable(_)) {
            let in_vain = self.in_vain.entry(lane).or_default();
            in_vain.writes += 1;
            if in_vain.writes >= IN_VAIN {
                return (in_vain.cause.get_or_insert(failure).clone(), false);
            }
        }
        (failure, false)
    }
}
