//! [`Storm`] and [`Limit`]: errors for any request, in a share of all responses or by a rate limit.

use std::collections::HashMap;
use std::fmt;
use std::time::Instant;

use sha2::{Digest as _, Sha256};

use super::fault::Then;

/// Errors in a share of all responses.
///
/// Whether a response fails depends only on the seed, on the request and on how often it was sent before. A busy
/// machine, where concurrent requests arrive in another order, therefore gets the same errors as an idle one.
#[derive(Debug, Clone)]
pub(crate) struct Storm {
    seed: u64,
    share: f64,
    stalls: f64,
    tried: HashMap<String, Tried>,
    /// The number of requests so far.
    pub(crate) requests: usize,
    /// The responses that failed, in order.
    pub(crate) struck: Vec<Struck>,
}

/// How often a request was sent.
#[derive(Debug, Clone, Copy, Default)]
struct Tried {
    attempts: u32,
    failed_in_a_row: u32,
}

/// A response that failed.
#[derive(Debug, Clone)]
pub(crate) struct Struck {
    request: String,
    attempt: u32,
    then: Then,
}

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, attempt {}: {:?}", self.request, self.attempt, self.then)
    }
}

/// How often a request may fail in a row. mlist gives up after eight attempts, and no test may fail by chance.
const MOST_IN_A_ROW: u32 = 6;

impl Storm {
    /// Creates a storm in which a `share` of all responses fails. Of those, the share `stalls` never arrives.
    pub(crate) fn new(seed: u64, share: f64, stalls: f64) -> Self {
        Self { seed, share, stalls, tried: HashMap::new(), requests: 0, struck: Vec::new() }
    }

    pub(super) fn next(&mut self, method: &str, path: &str, query: &str) -> Option<Then> {
        self.requests += 1;
        let request = request(method, path, query);
        let tried = self.tried.entry(request.clone()).or_default();
        tried.attempts += 1;
        let attempt = tried.attempts;
        let mut random = Random::of(&format!("{} {request} {attempt}", self.seed));
        if random.share() >= self.share || tried.failed_in_a_row >= MOST_IN_A_ROW {
            tried.failed_in_a_row = 0;
            return None;
        }
        tried.failed_in_a_row += 1;
        let then = if random.share() < self.stalls { Then::Stalled } else { random.fault(method, path) };
        self.struck.push(Struck { request, attempt, then });
        Some(then)
    }
}

impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of {} answers went wrong, by seed {}:", self.struck.len(), self.requests, self.seed)?;
        self.struck.iter().try_for_each(|struck| writeln!(f, "{struck}"))
    }
}

/// Returns the request without what differs from run to run: upload ids and URLs of this host.
fn request(method: &str, path: &str, query: &str) -> String {
    const UPLOADS: &str = "/uploads/";
    let path = path.find(UPLOADS).map_or(path, |at| &path[..at + UPLOADS.len()]);
    let is_lasting = |pair: &&str| ["mount=", "digest=", "scope=", "tag="].iter().any(|name| pair.starts_with(name));
    let query: Vec<&str> = query.split('&').filter(is_lasting).collect();
    format!("{method} {path}{}{}", if query.is_empty() { "" } else { "?" }, query.join("&"))
}

/// A rate limit in requests per second. Requests above it get 429 and have no effect.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    per_second: f64,
    burst: f64,
    says: Says,
    level: f64,
    at: Instant,
}

/// What the 429 of a [`Limit`] says about when to retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// Nothing: ECR.
    Nothing,
    /// In one second: GitLab.
    InASecond,
}

impl Limit {
    /// Creates a bucket of `burst` requests that is refilled with `per_second`. It is full at first.
    pub(crate) fn new(per_second: u32, burst: u32, says: Says) -> Self {
        let (per_second, burst) = (per_second.into(), burst.into());
        Self { per_second, burst, says, level: burst, at: Instant::now() }
    }

    /// Returns the error for a request that arrives now, if any.
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

/// splitmix64: random enough for tests, and the same on every machine.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    /// Uses a text as the seed. The same text gives the same numbers.
    fn of(text: &str) -> Self {
        Self(Sha256::digest(text).iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte)))
    }

    /// Returns an error that is possible for the request.
    fn fault(&mut self, method: &str, path: &str) -> Then {
        let any = [Then::Status(429), Then::Status(503), Then::RequestLost, Then::AnswerLost];
        // A response without a body cannot be cut, and a changed token looks like any other token.
        let with_body = [Then::Cut, Then::Flipped, Then::HeadOnly];
        // An upload may be interrupted too. Whether it is, takes no number of its own, so that the other errors stay.
        if method == "PUT" && path.contains("/uploads/") && self.clone().below(any.len() + 1) == any.len() {
            return Then::RequestCut;
        }
        let kinds = if method == "GET" && path != "/token" { any.len() + with_body.len() } else { any.len() };
        let kind = self.below(kinds);
        any.iter().chain(&with_body).copied().nth(kind).unwrap_or(Then::RequestLost)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but not including, 1.
    fn share(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).expect("half of the bits");
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// A number from 0 up to, but not including, `limit`.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % limit
    }
}
