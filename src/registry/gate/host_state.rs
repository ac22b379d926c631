//! [`HostState`]: how many requests are sent to one host, and when the next one may be sent.

use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;
use super::window::Window;
use super::{Limits, Queue};

/// The maximum number of blobs in flight from or to one host.
const BODIES: usize = 4;
/// The maximum number of token requests in flight to one server.
const TOKENS: usize = 4;
/// The maximum time to wait for a request that tests whether a host serves requests again. After this time another one
/// may be sent.
const PROBE: Duration = Duration::from_secs(5);
/// Shorter pauses are not reported, unless the host asked for them. Users do not notice them.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// The requests of one host: how many are in flight, and when the next one may be sent.
pub(super) struct HostState {
    name: String,
    window: Window,
    /// Without token requests.
    in_flight: usize,
    bodies: usize,
    tokens: usize,
    pause: Option<Pause>,
    pace: Pace,
    /// When the request was sent that tests whether the host serves requests again.
    probe: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Pause {
    since: Instant,
    until: Instant,
    is_told: bool,
}

/// When a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Now,
    At(Instant),
    /// Not before another request has finished.
    Full,
}

/// A pause that is reported to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReportedPause {
    pub(super) wait: Duration,
    pub(super) as_asked: bool,
}

impl HostState {
    pub(super) fn new(name: &str, most: usize) -> Self {
        let (in_flight, bodies, tokens, pause, probe) = Default::default();
        let (window, pace) = (Window::new(most), Pace::new());
        Self { name: name.to_owned(), window, in_flight, bodies, tokens, pause, pace, probe }
    }

    /// Applies the limits from the options.
    pub(super) fn keep_to(&mut self, limits: Limits) {
        if let Some(concurrency) = limits.concurrency {
            self.window.keep_to(concurrency.get());
        }
        if let Some(rate) = limits.rate {
            self.pace.keep_to(rate);
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns when a request of this queue may be sent, `now` at the earliest.
    pub(super) fn opening(&self, queue: Queue, now: Instant) -> Opening {
        let is_full = match queue {
            Queue::Token => self.tokens >= TOKENS.min(self.window.most()),
            Queue::Body => self.bodies >= BODIES || !self.window.has_room(self.in_flight),
            Queue::Request => !self.window.has_room(self.in_flight),
        };
        if is_full { Opening::Full } else { self.open_from(now) }
    }

    /// Returns when a request may be sent that needs no permit of its own.
    fn open_from(&self, now: Instant) -> Opening {
        let paused = self.pause.map(|pause| pause.until);
        let probed = self.probe.filter(|_| self.pace.is_probed()).map(|sent| sent + PROBE);
        match [paused, probed].into_iter().flatten().fold(self.pace.next(now), Instant::max) {
            at if at > now => Opening::At(at),
            _ => Opening::Now,
        }
    }

    /// Records that a request is sent, which the host counts as `requests` requests. If this ends a pause that was
    /// reported, returns how long the pause was.
    pub(super) fn enter(&mut self, queue: Queue, requests: u32, now: Instant) -> Option<Duration> {
        match queue {
            Queue::Token => self.tokens += 1,
            Queue::Request => self.in_flight += 1,
            Queue::Body => {
                self.in_flight += 1;
                self.bodies += 1;
            }
        }
        self.pace.sent(requests, now);
        self.probe = self.pace.is_probed().then_some(now);
        self.pause.take().filter(|pause| pause.is_told).map(|pause| now - pause.since)
    }

    /// Records that another request of a stream is sent, which still has its permit. If it may not be sent yet, returns
    /// when it may.
    pub(super) fn enter_again(&mut self, now: Instant) -> Option<Instant> {
        if let Opening::At(at) = self.open_from(now) {
            return Some(at);
        }
        self.pace.sent(1, now);
        self.probe = self.pace.is_probed().then_some(now);
        None
    }

    /// Records that a request has finished.
    pub(super) fn leave(&mut self, queue: Queue) {
        match queue {
            Queue::Token => self.tokens -= 1,
            Queue::Request => self.in_flight -= 1,
            Queue::Body => {
                self.in_flight -= 1;
                self.bodies -= 1;
            }
        }
        self.probe = None;
    }

    /// Records that the host served a request. Returns whether it had served none for a while before.
    pub(super) fn served(&mut self, now: Instant) -> bool {
        let was_probed = self.pace.is_probed();
        self.pace.served(now);
        self.window.served();
        was_probed
    }

    /// Records that a request failed with a 503 without `Retry-After`.
    pub(super) fn faltered(&mut self, now: Instant) {
        self.pace.answered();
        self.window.faltered(now);
    }

    /// Records that the host refused a request. `asked` is how long it asked to wait, if it did. Returns the pause if
    /// it must be reported.
    pub(super) fn refused(&mut self, asked: Option<Duration>, now: Instant) -> Option<ReportedPause> {
        let wait = self.pace.refused(asked, now)?;
        let until = now + wait;
        self.pace.paused_until(until);
        let pause = self.pause.get_or_insert(Pause { since: now, until, is_told: false });
        // All requests in flight are refused at about the same time. This is one pause, and it is reported once.
        let is_longer = until > pause.until + Duration::from_secs(1);
        pause.until = pause.until.max(until);
        let is_news = (is_longer || !pause.is_told) && (asked.is_some() || wait >= WORTH_TELLING);
        pause.is_told |= is_news;
        is_news.then_some(ReportedPause { wait, as_asked: asked.is_some() })
    }

    /// Returns the end of the pause, if there is one.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.pause.map(|pause| pause.until)
    }
}
