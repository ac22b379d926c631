//! [`Health`]: whether a host answers at all.
//!
//! A host that has never answered, or has served nothing for two minutes while requests were sent, is dead for this run.
//! Answers that only refuse (429) do not count as served.
//! A host may serve reads and answer no write. After some writes of one kind were given up, no more writes of that kind
//! are sent: each would use all its attempts for the same result.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::registry::error::{ErrorKind, Failure};

use super::{Patience, RequestClass};

/// If a host serves nothing for this long while requests are sent, it is considered dead.
const SILENCE: Duration = Duration::from_mins(2);
/// The number of writes of one kind that were given up without an answer, with no answered one in between, after which
/// no more are sent. If one request in five fails, all eight attempts fail for 1 of 400,000 writes, so four such writes
/// in a row are not random.
const WRITES_IN_VAIN: u32 = 4;

#[derive(Default)]
pub(super) struct Health {
    silence: Option<Silence>,
    has_served: bool,
    dead: Option<Failure>,
    in_vain: BTreeMap<RequestClass, InVain>,
}

/// The time in which requests are sent and the host serves nothing.
#[derive(Clone, Copy)]
struct Silence {
    since: Instant,
    last_asked: Instant,
}

/// Writes of one kind that were given up since the last one that was answered.
#[derive(Default)]
struct InVain {
    writes: u32,
    /// The failure that is returned for all later ones.
    cause: Option<Failure>,
}

impl Health {
    /// Records that a request is sent. If it is not answered, the silence starts with it. Time without requests is not
    /// silence.
    pub(super) fn asked(&mut self, now: Instant) {
        let before = self.silence.filter(|silence| now - silence.last_asked < SILENCE);
        self.silence = Some(Silence { since: before.map_or(now, |silence| silence.since), last_asked: now });
    }

    /// Records that a request was answered.
    pub(super) fn served(&mut self, class: RequestClass) {
        (self.has_served, self.silence) = (true, None);
        self.in_vain.remove(&class);
    }

    /// Whether the host has served a request.
    pub(super) fn has_served(&self) -> bool {
        self.has_served
    }

    /// Returns why no more requests of this kind are sent. `None` if they are sent.
    pub(super) fn refuses(&self, class: RequestClass) -> Option<&Failure> {
        self.in_vain.get(&class)?.cause.as_ref()
    }

    /// Returns the failure that ended the host, if it is dead.
    pub(super) fn cause_of_death(&self) -> Option<&Failure> {
        self.dead.as_ref()
    }

    /// Marks the host as dead for this run, unless it is already. Returns the failure that ended it.
    pub(super) fn die(&mut self, failure: Failure) -> Failure {
        self.dead.get_or_insert(failure).clone()
    }

    /// Records a failed request. Returns the failure to report, and whether the host died of it now.
    pub(super) fn failed(&mut self, failure: Failure, class: RequestClass, patience: Patience) -> (Failure, bool) {
        if let Some(dead) = &self.dead {
            return (dead.clone(), false);
        }
        let is_silent = self.silence.is_some_and(|silence| silence.since.elapsed() >= SILENCE);
        let was_never_there = !self.has_served && patience == Patience::Over;
        if is_silent || was_never_there {
            return (self.die(failure), true);
        }
        if patience == Patience::Over && class.writes() && matches!(failure.kind, ErrorKind::Unreachable(_)) {
            let in_vain = self.in_vain.entry(class).or_default();
            in_vain.writes += 1;
            if in_vain.writes >= WRITES_IN_VAIN {
                return (in_vain.cause.get_or_insert(failure).clone(), false);
            }
        }
        (failure, false)
    }
}
