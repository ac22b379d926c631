//! [`Pace`]: how fast one host may be asked, learnt from what it refuses.
//!
//! A host is asked as fast as the permits allow until it refuses many requests in a row, or many of the last ones. No
//! number of permits fits a limit of requests in a time, so from then on requests are spaced: somewhat slower than it
//! served before. The first space is doubled away quickly; once a second refusal has shown where the limit is, the rate
//! stays below it for a while and then feels its way up. A host that serves nothing at all is not slowed any more but
//! asked from time to time, by one request.
//!
//! Some hosts refuse by chance, however slowly they are asked. Refusals that come alone and soon after each slowing
//! show that: then the rate is let go, and from then on only many refusals count.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::registry::options::Rate;

use super::tally::Tally;
use super::{QUIET, jitter};

/// What was served for so long says how fast a host is.
const SECOND: Duration = Duration::from_secs(1);
/// Without a limit in sight the rate doubles in so many seconds.
const DOUBLING: f64 = 0.5;
/// For how many seconds a rate is kept that is just below the limit: twice as many after each refusal.
const HOLD: f64 = 4.0;
const LONGEST_HOLD: f64 = 60.0;
/// What the rate then grows by in a second.
const GROWTH: f64 = 1.02;
/// So far above what was the limit, there is none.
const BEYOND: f64 = 1.3;
/// No host needs to be asked slower, and at the other end no spaces are left to be kept. Requests a second.
const SLOWEST: f64 = 1.0;
const UNLIMITED: f64 = 10_000.0;
/// So many slowings in vain show that refusals do not follow the rate.
const IN_VAIN: u32 = 6;
/// From so much of the rate on at which it was refused before, a host is expected to refuse.
const NEAR: f64 = 0.95;
/// One refusal in so many answers is nothing.
const SELDOM: f64 = 60.0;
/// So many refusals in a row are no chance.
const NO_CHANCE: u32 = 3;

/// How fast one host may be asked.
pub(super) struct Pace {
    /// When it served, within the last second.
    served: VecDeque<Instant>,
    /// Since when `served` tells of an undisturbed time.
    since: Option<Instant>,
    refusals: Tally,
    /// Whether anything was served since it was last slowed.
    is_fruitful: bool,
    /// Pauses in a row after which it still served nothing.
    fruitless: u32,
    quiet_until: Option<Instant>,
    learnt: Option<Learnt>,
    /// Whether it refuses by chance, too.
    only_many: bool,
    given: Option<Given>,
}

/// A rate that was learnt.
struct Learnt {
    /// Requests a second, when it was last set.
    rate: f64,
    /// For how long it was used since, in seconds.
    age: f64,
    /// The rate at which requests were refused, if that is known.
    ceiling: Option<f64>,
    /// How often that was seen.
    seen: u32,
    /// Requests that may go at once.
    ready: f64,
    as_of: Instant,
    /// The longest run of refusals since it was last set.
    longest: u32,
    /// Answers since the last refusal.
    answers: u32,
    /// The rate at which it was last lowered.
    refused_at: f64,
    /// How often in a row it was lowered at a lower rate than the time before, and the rate before that.
    in_vain: u32,
    before: f64,
}

/// A rate that was asked for: it is kept to the letter, without bursts.
struct Given {
    space: Duration,
    next: Option<Instant>,
}

impl Pace {
    pub(super) fn new() -> Self {
        let (served, since, refusals, quiet_until, learnt, given) = Default::default();
        let (is_fruitful, fruitless, only_many) = Default::default();
        Self { served, since, refusals, is_fruitful, fruitless, quiet_until, learnt, only_many, given }
    }

    /// Keeps to `rate`, whatever the host allows.
    pub(super) fn keep_to(&mut self, rate: Rate) {
        let next = self.given.as_ref().and_then(|given| given.next);
        self.given = Some(Given { space: rate.per / rate.requests.get(), next });
    }

    /// When the next request may go, from `now` on.
    pub(super) fn next(&self, now: Instant) -> Instant {
        let given = self.given.as_ref().and_then(|given| given.next);
        let learnt = self.learnt.as_ref().map(|learnt| learnt.next(now));
        [given, learnt].into_iter().flatten().fold(now, Instant::max)
    }

    /// So many requests go now.
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

    /// Whether it is asked by one request at a time, as it serves nothing.
    pub(super) fn is_probed(&self) -> bool {
        self.fruitless > 0
    }

    /// It served a request.
    pub(super) fn served(&mut self, now: Instant) {
        while self.served.front().is_some_and(|at| now - *at >= SECOND) {
            self.served.pop_front();
        }
        self.served.push_back(now);
        self.answered();
        (self.fruitless, self.is_fruitful) = (0, true);
    }

    /// It did not refuse a request.
    pub(super) fn answered(&mut self) {
        self.refusals.good();
        if let Some(learnt) = &mut self.learnt {
            learnt.answers += 1;
        }
    }

    /// It refused a request, and perhaps asked to wait. How long it is not asked now, if at all.
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

    /// It is not asked until then: this is no time in which it could have served.
    pub(super) fn paused_until(&mut self, until: Instant) {
        self.since = self.since.max(Some(until));
        if let Some(learnt) = &mut self.learnt {
            learnt.as_of = learnt.as_of.max(until);
        }
    }

    /// Sets the rate below that at which it was refused.
    fn slow_down(&mut self, now: Instant) {
        let served = self.served_per_second(now);
        self.is_fruitful = false;
        self.refusals.clear();
        self.served.clear();
        self.since = Some(now);
        let Some(learnt) = &mut self.learnt else {
            self.learnt = Some(Learnt::new(served * 0.9, now));
            return;
        };
        learnt.lower(served);
        if learnt.in_vain == IN_VAIN {
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

impl Learnt {
    fn new(rate: f64, now: Instant) -> Self {
        let (ceiling, age, seen, longest, answers, in_vain) = Default::default();
        let rate = rate.max(SLOWEST);
        let ready = 1.0;
        Self { rate, age, ceiling, seen, ready, as_of: now, longest, answers, refused_at: rate, in_vain, before: rate }
    }

    /// For how long it does not grow.
    fn hold(&self) -> f64 {
        (HOLD * f64::from(self.seen).exp2()).min(LONGEST_HOLD)
    }

    /// Requests a second.
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

    /// Requests that may go at once, when many are due.
    fn burst(&self) -> f64 {
        (self.rate_now() / 20.0).max(1.0)
    }

    fn ready(&self, now: Instant) -> f64 {
        let idle = now.saturating_duration_since(self.as_of).as_secs_f64();
        (self.ready + idle * self.rate_now()).min(self.burst())
    }

    fn next(&self, now: Instant) -> Instant {
        let missing = 1.0 - self.ready(now);
        // A clock that is read in nanoseconds never gets to the last billionth.
        if missing < 1e-6 {
            return now;
        }
        now.max(self.as_of) + Duration::from_secs_f64(missing / self.rate_now())
    }

    fn sent(&mut self, requests: u32, now: Instant) {
        self.ready = self.ready(now) - f64::from(requests);
        // While nobody asks, nothing is learnt of the rate.
        self.age += now.saturating_duration_since(self.as_of).min(SECOND).as_secs_f64();
        self.as_of = self.as_of.max(now);
    }

    /// Slower was no better.
    fn release(&mut self) {
        (self.rate, self.age, self.ceiling, self.in_vain) = (self.before, 0.0, None, 0);
    }

    /// Whether it goes slower than when it was last refused.
    fn is_below_limit(&self) -> bool {
        self.ceiling.is_some() && self.rate_now() < self.refused_at * NEAR
    }

    /// It was refused, perhaps with a wait, which was the `run`th time in a row: whether that is worth being slower. A
    /// refusal now and then costs less.
    fn heeds(&mut self, asked: Option<Duration>, run: u32) -> bool {
        self.longest = self.longest.max(run);
        let answers = f64::from(std::mem::take(&mut self.answers));
        let lost = self.rate_now() * asked.unwrap_or_default().as_secs_f64();
        !self.is_below_limit() || run >= NO_CHANCE || answers < SELDOM.max(lost * 2.0)
    }

    /// It was refused at this rate, having served so many a second.
    fn lower(&mut self, served: f64) {
        let now = self.rate_now();
        // While the rate doubles, what was served a moment ago was asked for at a lower rate.
        let least = if self.ceiling.is_none() { 0.8 } else { 0.6 };
        let limit = now.min(served.max(now * least));
        let factor = if self.is_below_limit() {
            // The limit is lower than it seemed, or there is none and this was chance: what comes alone may be either.
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

/// How long a host is left alone that does not say how long it wants to be: about 0.2, 0.4, … 6 seconds.
fn own_pause(fruitless: u32) -> Duration {
    let longest = Duration::from_millis(250 << fruitless.min(5));
    longest / 2 + jitter(longest / 2)
}
