//! [`Storm`] and [`Limit`]: what befalls requests whichever they are, by chance and by number.

use std::collections::HashMap;
use std::time::Instant;

use super::fault::Then;

/// A share of all answers that goes wrong, at random.
#[derive(Debug, Clone)]
pub(crate) struct Storm {
    random: Random,
    share: f64,
    stalls: f64,
    in_a_row: HashMap<String, u32>,
    /// How many requests came.
    pub(crate) requests: usize,
    /// How many of them went wrong.
    pub(crate) struck: usize,
}

/// One request never fails more often in a row: mlist gives up after eight, and no test may fail by chance.
const MOST_IN_A_ROW: u32 = 6;

impl Storm {
    /// Of all answers `share` goes wrong; of those, `stalls` never come. Requests race for the dice: one seed gives
    /// the same weather, not the same run.
    pub(crate) fn new(seed: u64, share: f64, stalls: f64) -> Self {
        Self { random: Random(seed), share, stalls, in_a_row: HashMap::new(), requests: 0, struck: 0 }
    }

    pub(super) fn next(&mut self, method: &str, path: &str) -> Option<Then> {
        self.requests += 1;
        let key = format!("{method} {path}");
        let strikes = self.random.share() < self.share;
        let failed = self.in_a_row.entry(key).or_default();
        if !strikes || *failed >= MOST_IN_A_ROW {
            *failed = 0;
            return None;
        }
        *failed += 1;
        self.struck += 1;
        if self.random.share() < self.stalls {
            return Some(Then::Stalled);
        }
        let any = [Then::Status(429), Then::Status(503), Then::RequestLost, Then::AnswerLost];
        // What has no body can't be cut; of a token nobody could tell that it was flipped.
        let with_body = [Then::Cut, Then::Flipped, Then::HeadOnly];
        let kinds = if method == "GET" && path != "/token" { any.len() + with_body.len() } else { any.len() };
        let kind = self.random.below(kinds);
        Some(any.iter().chain(&with_body).copied().nth(kind).unwrap_or(Then::RequestLost))
    }
}

/// How many requests are taken in a second; others are answered 429 and not carried out.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    per_second: f64,
    burst: f64,
    says: Says,
    level: f64,
    at: Instant,
}

/// What a 429 of a [`Limit`] says of when to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// Nothing: ECR.
    Nothing,
    /// In a second: GitLab.
    InASecond,
}

impl Limit {
    /// A bucket of `burst` requests that fills with `per_second`; it begins full.
    pub(crate) fn new(per_second: u32, burst: u32, says: Says) -> Self {
        let (per_second, burst) = (per_second.into(), burst.into());
        Self { per_second, burst, says, level: burst, at: Instant::now() }
    }

    /// What befalls a request that comes now.
    pub(super) fn next(&mut self) -> Option<Then> {
        let now = Instant::now();
        let since = now.duration_since(self.at).as_secs_f64();
        (self.level, self.at) = ((self.level + since * self.per_second).min(self.burst), now);
        if self.level >= 1.0 {
            self.level -= 1.0;
            return None;
        }
        Some(match self.says {
            Says::Nothing => Then::Status(429),
            Says::InASecond => Then::RetryAfter(1),
        })
    }
}

/// splitmix64: enough for dice, and the same on every machine.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    fn share(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).expect("half of the bits");
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// From 0 up to `limit`.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % limit
    }
}
