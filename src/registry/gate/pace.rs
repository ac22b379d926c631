//! [`Pace`]: how fast requests may be sent to one host, learned from its refusals.
//!
//! Requests are sent as fast as the permits allow, until the host refuses many requests in a row, or many of the last
//! ones. A number of permits cannot match a limit of requests per time. So from then on requests are spaced, at a rate
//! somewhat lower than the rate that the host served before. At first this rate doubles quickly. When a second refusal
//! has shown where the limit is, the rate stays below it for a while and then grows slowly. If a host serves nothing at
//! all, the rate is not lowered further; instead, single requests are sent from time to time.
//!
//! Some hosts refuse requests at random, however low the rate is. This is detected if single refusals follow soon after
//! each slow-down. Then the lower rate is dropped, and from then on only many refusals count.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::registry::options::RateLimit;

use super::tally::Tally;
use super::{QUIET, jitter};

/// The time over which served requests are counted to measure the rate of a host.
const SECOND: Duration = Duration::from_secs(1);
/// While no limit is known, the rate doubles in this many seconds.
const DOUBLING: f64 = 0.5;
/// How many seconds a rate just below the limit is kept. Doubled after each refusal that confirms the limit, up to the
/// longest hold.
const HOLD: f64 = 4.0;
const LONGEST_HOLD: f64 = 60.0;
/// The factor by which the rate then grows per second.
const GROWTH: f64 = 1.02;
/// If the rate exceeds the last known limit by this factor, the limit no longer exists.
const BEYOND: f64 = 1.3;
/// The lowest rate, in requests per second. It is low enough for every host. At a rate of `UNLIMITED`, requests are no
/// longer spaced.
const SLOWEST: f64 = 1.0;
const UNLIMITED: f64 = 10_000.0;
/// After this many slow-downs without effect, the refusals do not depend on the rate.
const LOWERED_IN_VAIN: u32 = 6;
/// From this fraction of the ceiling on, the host is expected to refuse.
const NEAR: f64 = 0.95;
/// A single refusal among more answers than this is ignored.
const SELDOM: f64 = 60.0;
/// This many refusals in a row are not random.
const NO_CHANCE: u32 = 3;

/// How fast requests may be sent to one host.
pub(super) struct Pace {
    /// When the host served requests, within the last second.
    served: VecDeque<Instant>,
    /// Start of the undisturbed time that `served` covers.
    since: Option<Instant>,
    refusals: Tally,
    /// Whether any request was served since the last slow-down.
    is_fruitful: bool,
    /// The number of pauses in a row after which the host still served nothing.
    fruitless: u32,
    quiet_until: Option<Instant>,
    learnt: Option<LearntRate>,
    /// Whether the host also refuses at random, so that only many refusals count.
    only_many: bool,
    given: Option<GivenRate>,
}

/// A rate learned from refusals.
struct LearntRate {
    /// Requests per second when the rate was last set.
    rate: f64,
    /// How long the rate was used since then, in seconds.
    age: f64,
    /// The rate at which the host is expected to refuse, estimated from earlier refusals.
    ceiling: Option<f64>,
    /// How often the host refused near this rate.
    seen: u32,
    /// The number of requests that may be sent at once.
    ready: f64,
    as_of: Instant,
    /// The longest run of refusals since the rate was last set.
    longest: u32,
    /// Answers since the last refusal.
    answers: u32,
    /// The rate in use when it was last lowered.
    refused_at: f64,
    /// How often in a row the rate was lowered although it was already below the last refused rate; `before` is the
    /// rate before the first of these.
    in_vain: u32,
    before: f64,
}

/// A rate from the options. It is kept exactly, without bursts.
struct GivenRate {
    space: Duration,
    next: Option<Instant>,
}

impl Pace {
    pub(super) fn new() -> Self {
        let (served, since, refusals, quiet_until, learnt, given) = Default::default();
        let (is_fruitful, fruitless, only_many) = Default::default();
        Self { served, since, refusals, is_fruitful, fruitless, quiet_until, learnt, only_many, given }
    }

    /// Limits requests to `rate`, even if the host allows more.
    pub(super) fn keep_to(&mut self, rate: RateLimit) {
        let next = self.given.as_ref().and_then(|given| given.next);
        self.given = Some(GivenRate { space: rate.per / rate.requests.get(), next });
    }

    /// Returns when the next request may be sent, `now` at the earliest.
    pub(super) fn next(&self, now: Instant) -> Instant {
        let given = self.given.as_ref().and_then(|given| given.next);
        let learnt = self.learnt.as_ref().map(|learnt| learnt.next(now));
        [given, learnt].into_iter().flatten().fold(now, Instant::max)
    }

    /// Records that this many requests are sent now.
    pub(super) fn sent(&mut self, requests: u32, now: Instant) {
        if let Some(given) = &mut self.given {
            given.next = Some(now + given.space * requests);
        }
        if let Some(learnt) = &mut self.learnt {
            learnt.sent(requests, now);
            if learnt.rate_now() >= UNLIMITED {
                self.learnt = None;
            }
        }
    }

    /// Whether requests are sent one at a time, because the host serves nothing.
    pub(super) fn is_probed(&self) -> bool {
        self.fruitless > 0
    }

    /// Records that the host served a request.
    pub(super) fn served(&mut self, now: Instant) {
        while self.served.front().is_some_and(|at| now - *at >= SECOND) {
            self.served.pop_front();
        }
        self.served.push_back(now);
        self.answered();
        (self.fruitless, self.is_fruitful) = (0, true);
    }

    /// Records an answer that is not a refusal.
    pub(super) fn answered(&mut self) {
        self.refusals.good();
        if let Some(learnt) = &mut self.learnt {
            learnt.answers += 1;
        }
    }

    /// Records that the host refused a request. `asked` is how long it asked to wait, if it did. Returns how long to
    /// pause, if at all.
    pub(super) fn refused(&mut self, asked: Option<Duration>, now: Instant) -> Option<Duration> {
        self.refusals.bad();
        let run = self.refusals.run();
        let is_heeded = self.learnt.as_mut().is_some_and(|learnt| learnt.heeds(asked, run));
        let is_quiet = self.quiet_until.is_some_and(|until| now < until);
        let is_enough = if self.learnt.is_none() || self.only_many { self.refusals.is_overload() } else { is_heeded };
        if is_quiet || !is_enough {
            return asked;
        }
        if self.is_fruitful {
            self.slow_down(now);
        } else {
            self.fruitless += 1;
        }
        let pause = asked.unwrap_or_else(|| own_pause(self.fruitless));
        self.quiet_until = Some(now + pause.max(QUIET));
        Some(pause)
    }

    /// Records that no requests are sent until `until`. This time is not counted when the served rate is measured.
    pub(super) fn paused_until(&mut self, until: Instant) {
        self.since = self.since.max(Some(until));
        if let Some(learnt) = &mut self.learnt {
            learnt.as_of = learnt.as_of.max(until);
        }
    }

    /// Sets the rate below the one at which requests were refused.
    fn slow_down(&mut self, now: Instant) {
        let served = self.served_per_second(now);
        self.is_fruitful = false;
        self.refusals.clear();
        self.served.clear();
        self.since = Some(now);
        let Some(learnt) = &mut self.learnt else {
            self.learnt = Some(LearntRate::new(served * 0.9, now));
            return;
        };
        learnt.lower(served);
        if learnt.in_vain == LOWERED_IN_VAIN {
            self.refusals.was_chance();
            self.only_many = true;
            learnt.release();
        }
    }

    fn served_per_second(&self, now: Instant) -> f64 {
        let served = self.served.iter().filter(|at| now - **at < SECOND).count();
        let time = self.since.map_or(SECOND, |since| now.saturating_duration_since(since));
        f64::from(u32::try_from(served).unwrap_or(u32::MAX)) / time.clamp(QUIET, SECOND).as_secs_f64()
    }
}

impl LearntRate {
    fn new(rate: f64, now: Instant) -> Self {
        let (ceiling, age, seen, longest, answers, in_vain) = Default::default();
        let rate = rate.max(SLOWEST);
        let ready = 1.0;
        Self { rate, age, ceiling, seen, ready, as_of: now, longest, answers, refused_at: rate, in_vain, before: rate }
    }

    /// Returns how long the rate does not grow, in seconds.
    fn hold(&self) -> f64 {
        (HOLD * f64::from(self.seen).exp2()).min(LONGEST_HOLD)
    }

    /// Returns the current rate, in requests per second.
    fn rate_now(&self) -> f64 {
        let Some(ceiling) = self.ceiling else { return self.rate * (self.age / DOUBLING).exp2() };
        let hold = self.hold();
        let grown = self.rate * GROWTH.powf((self.age - hold).max(0.0));
        let beyond = ceiling * BEYOND;
        if grown <= beyond {
            return grown;
        }
        let since = self.age - hold - (beyond / self.rate).ln() / GROWTH.ln();
        beyond * (since / DOUBLING).exp2()
    }

    /// Returns the maximum number of requests that may be sent at once after a time without requests.
    fn burst(&self) -> f64 {
        (self.rate_now() / 20.0).max(1.0)
    }

    fn ready(&self, now: Instant) -> f64 {
        let idle = now.saturating_duration_since(self.as_of).as_secs_f64();
        (self.ready + idle * self.rate_now()).min(self.burst())
    }

    fn next(&self, now: Instant) -> Instant {
        let missing = 1.0 - self.ready(now);
        // The clock counts in nanoseconds, so the last small fraction of a request might never become ready.
        if missing < 1e-6 {
            return now;
        }
        now.max(self.as_of) + Duration::from_secs_f64(missing / self.rate_now())
    }

    fn sent(&mut self, requests: u32, now: Instant) {
        self.ready = self.ready(now) - f64::from(requests);
        // Time without requests says nothing about the rate, so at most one second of it counts.
        self.age += now.saturating_duration_since(self.as_of).min(SECOND).as_secs_f64();
        self.as_of = self.as_of.max(now);
    }

    /// Restores the rate from before the slow-downs, because they had no effect.
    fn release(&mut self) {
        (self.rate, self.age, self.ceiling, self.in_vain) = (self.before, 0.0, None, 0);
    }

    /// Whether the rate is clearly lower than the last refused rate.
    fn is_below_limit(&self) -> bool {
        self.ceiling.is_some() && self.rate_now() < self.refused_at * NEAR
    }

    /// Records a refusal at this rate: the `run`th in a row, with the wait that the host asked for, if it did. Returns
    /// whether to lower the rate. A rare refusal costs less than a lower rate.
    fn heeds(&mut self, asked: Option<Duration>, run: u32) -> bool {
        self.longest = self.longest.max(run);
        let answers = f64::from(std::mem::take(&mut self.answers));
        let lost = self.rate_now() * asked.unwrap_or_default().as_secs_f64();
        !self.is_below_limit() || run >= NO_CHANCE || answers < SELDOM.max(lost * 2.0)
    }

    /// Lowers the rate after a refusal. `served` is the number of requests that were served per second.
    fn lower(&mut self, served: f64) {
        let now = self.rate_now();
        // While the rate doubles, the requests that were served a moment ago were sent at a lower rate.
        let least = if self.ceiling.is_none() { 0.8 } else { 0.6 };
        let limit = now.min(served.max(now * least));
        let factor = if self.is_below_limit() {
            // Either the limit is lower than assumed, or there is no limit and the refusal was random. A single refusal
            // can mean either.
            let is_lone = self.longest < NO_CHANCE;
            let before = if self.in_vain == 0 { self.refused_at } else { self.before };
            (self.in_vain, self.before) = (if is_lone { self.in_vain + 1 } else { 0 }, before);
            0.8
        } else {
            let is_near = self.ceiling.is_some_and(|before| now <= before * BEYOND);
            (self.in_vain, self.seen) = (self.in_vain.saturating_sub(1), if is_near { self.seen + 1 } else { 0 });
            0.9
        };
        self.refused_at = now;
        self.rate = (limit * factor).max(SLOWEST);
        (self.ceiling, self.age, self.longest) = (Some(self.rate / 0.9), 0.0, 0);
        self.ready = self.ready.min(1.0);
    }
}

/// Returns the pause for a host that does not say how long to wait: about 0.2, 0.4, … 6 seconds.
fn own_pause(fruitless: u32) -> Duration {
    let longest = Duration::from_millis(250 << fruitless.min(5));
    longest / 2 + jitter(longest / 2)
}
