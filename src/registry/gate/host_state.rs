//! [`HostState`]: how many requests one host is sent, and when the next may go.

use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;
use super::window::Window;
use super::{Limits, Queue};

/// Blobs in flight at once, from or to one host.
const BODIES: usize = 4;
/// Token requests in flight at once to one server.
const TOKENS: usize = 4;
/// A request that is to show whether a host serves again has so long; then another is asked to.
const PROBE: Duration = Duration::from_secs(5);
/// Shorter pauses are not told of, unless the host asked for them: nobody wonders about those.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// The requests of one host: how many are in flight, and when the next may go.
pub(super) struct HostState {
    name: String,
    window: Window,
    /// Tokens not counted.
    in_flight: usize,
    bodies: usize,
    tokens: usize,
    pause: Option<Pause>,
    pace: Pace,
    /// When the request was sent that is to show whether the host serves again.
    probe: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Pause {
    since: Instant,
    until: Instant,
    is_told: bool,
}

/// Whether a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Now,
    At(Instant),
    /// Not before another has come back.
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

    /// Keeps to what was said of the host.
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

    /// When a request of this queue may go, from `now` on.
    pub(super) fn opening(&self, queue: Queue, now: Instant) -> Opening {
        let is_full = match queue {
            Queue::Token => self.tokens >= TOKENS.min(self.window.most()),
            Queue::Body => self.bodies >= BODIES || !self.window.has_room(self.in_flight),
            Queue::Request => !self.window.has_room(self.in_flight),
        };
        if is_full {
            return Opening::Full;
        }
        let paused = self.pause.map(|pause| pause.until);
        let probed = self.probe.filter(|_| self.pace.is_probed()).map(|sent| sent + PROBE);
        match [paused, probed].into_iter().flatten().fold(self.pace.next(now), Instant::max) {
            at if at > now => Opening::At(at),
            _ => Opening::Now,
        }
    }

    /// A request goes through, and sends so many to the host. How long the pause was that ended before it, if there was
    /// one that was told of.
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

    /// A request came back.
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

    /// It served a request; whether it had served none for a while.
    pub(super) fn served(&mut self, now: Instant) -> bool {
        let was_probed = self.pace.is_probed();
        self.pace.served(now);
        self.window.served();
        was_probed
    }

    /// It failed at a request with a bare 503.
    pub(super) fn faltered(&mut self, now: Instant) {
        self.pace.answered();
        self.window.faltered(now);
    }

    /// It refused a request, and perhaps asked to be left alone for `asked`; the pause, where it is news.
    pub(super) fn refused(&mut self, asked: Option<Duration>, now: Instant) -> Option<ReportedPause> {
        let wait = self.pace.refused(asked, now)?;
        let until = now + wait;
        self.pace.paused_until(until);
        let pause = self.pause.get_or_insert(Pause { since: now, until, is_told: false });
        // All that were in flight are refused at about the same time: that is one pause, and told once.
        let is_longer = until > pause.until + Duration::from_secs(1);
        pause.until = pause.until.max(until);
        let is_news = (is_longer || !pause.is_told) && (asked.is_some() || wait >= WORTH_TELLING);
        pause.is_told |= is_news;
        is_news.then_some(ReportedPause { wait, as_asked: asked.is_some() })
    }

    /// Until when it is not asked.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.pause.map(|pause| pause.until)
    }
}
