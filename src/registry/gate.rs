//! [`Gate`]: who may send to a host now.
//!
//! | file | holds |
//! |---|---|
//! | [`scheduler`] | whose turn it is, over all hosts of a run |
//! | [`host_state`] | what one host lets through: its limits, its pauses |
//! | [`pace`] | how fast it may be asked, learnt from what it refuses |
//! | [`window`] | how many requests it is sent at once |
//! | [`tally`] | whether too many of its last answers were no good |
//! | [`health`] | whether it answers at all |
//!
//! A request that waits holds nothing that another waits for. It takes its token before it lines up, as the token's
//! server may be the very host whose permits are all taken; tokens need no permit of the run, and both ends of a stream
//! are one permit: so nothing can wait in a circle.
//!
//! A host that never answers dies: all that wait for it fail at once, and all with the same words.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::counters::Counters;
use super::error::{ErrorKind, Failure};
use super::lock::lock;
use super::options::{HostOptions, Rate};
use super::{Notice, Observer};

use health::Health;
use host_state::{HostState, ReportedPause};
use scheduler::{Called, HostId, Route, Scheduler};

mod health;
mod host_state;
mod pace;
mod scheduler;
mod tally;
mod window;

/// Refusals and failures that come sooner after a host was slowed are of what was sent before.
const QUIET: Duration = Duration::from_millis(250);
/// Longer pauses are not waited out.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(90);

/// What all gates of a run share.
pub(crate) struct Run {
    /// Requests in flight at once, over all hosts and to each.
    jobs: NonZeroUsize,
    scheduler: Mutex<Scheduler>,
    /// Hears of pauses and requests.
    pub(crate) observer: Observer,
    /// Set by the first Ctrl-C.
    pub(crate) stop: CancellationToken,
}

impl Run {
    pub(crate) fn new(jobs: NonZeroUsize, observer: Observer) -> Self {
        Self { jobs, scheduler: Mutex::new(Scheduler::new(jobs.get())), observer, stop: CancellationToken::new() }
    }

    /// Lines up and waits to be called.
    async fn admit(self: &Arc<Self>, route: Route, turn: Turn, counters: &Counters) -> Result<Permit, Failure> {
        let mut called = lock(&self.scheduler).join(route, turn);
        self.call();
        loop {
            let paused = lock(&self.scheduler).paused_until(route).filter(|until| *until > Instant::now());
            let permit = match paused {
                None => (&mut called).await,
                Some(until) => tokio::select! {
                    biased;
                    permit = &mut called => permit,
                    () = counters.waiting(sleep_until(until)) => continue,
                },
            };
            // The scheduler, and with it the other end, lives as long as this run.
            return permit.map_err(|_: oneshot::error::RecvError| Failure::stopped());
        }
    }

    /// Calls all that may go, and sets an alarm for the next that may.
    fn call(self: &Arc<Self>) {
        let Called { alarm, resumed } = lock(&self.scheduler).call(self, Instant::now());
        for (host, after) in resumed {
            (self.observer)(Notice::Resumed { host, after });
        }
        // Without a runtime nobody waits any more: the last permits are dropped with it.
        if let Some(at) = alarm
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let run = Arc::downgrade(self);
            runtime.spawn(async move {
                sleep_until(at).await;
                if let Some(run) = run.upgrade() {
                    run.call();
                }
            });
        }
    }
}

/// The gate of one host.
pub(crate) struct Gate {
    host: String,
    id: HostId,
    run: Arc<Run>,
    health: Mutex<Health>,
    death: CancellationToken,
}

/// What was said of a host.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// Requests in flight at once, at most; tokens are counted for themselves.
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// Requests in a time, at most; tokens are counted where the host itself gives them.
    pub(crate) rate: Option<Rate>,
}

impl From<&HostOptions> for Limits {
    fn from(options: &HostOptions) -> Self {
        Self { concurrency: options.concurrency, rate: options.rate }
    }
}

/// The kind of a request, as its host counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RequestClass {
    /// A read of anything but the bytes of a blob.
    Read,
    /// A POST: a mount, or the beginning of an upload.
    Post,
    /// A manifest that is written.
    Put,
    /// A token.
    Token,
    /// The bytes of a blob, read.
    Download,
    /// The bytes of a blob, written.
    Upload,
}

impl RequestClass {
    /// That of a small request.
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            Method::POST => Self::Post,
            _ => Self::Put,
        }
    }

    fn writes(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Upload)
    }

    fn queue(self) -> Queue {
        match self {
            Self::Read | Self::Post | Self::Put => Queue::Request,
            Self::Token => Queue::Token,
            Self::Download | Self::Upload => Queue::Body,
        }
    }
}

/// The queue in which a request waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Queue {
    Request,
    Token,
    Body,
}

impl Queue {
    /// Whether it takes a permit of the run: all do that never wait for one of these.
    fn needs_permit(self) -> bool {
        self != Self::Token
    }
}

/// What an answer says of the host that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerClass {
    /// The host has looked at the request: the answer stands.
    Served,
    /// The host failed at this request; another attempt may do.
    Failed,
    /// As `Failed`, and the host may have too much to do: 503 without `Retry-After`.
    Overloaded,
    /// The host wants to be asked later: 429, or 503 with `Retry-After`.
    Refused,
    /// 429 of a quota that is used up: the answer stands, as to wait for more is to wait for hours.
    QuotaUsedUp,
}

/// Who is let through first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Sent before, and to be sent again.
    Repeated,
    /// Never sent.
    New,
}

/// Whether the one who asks will ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Yes.
    Left,
    /// All attempts are used up.
    Over,
}

/// The right to have one request in flight; ends when it is dropped.
pub(crate) struct Permit {
    run: Option<Arc<Run>>,
    route: Route,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            lock(&run.scheduler).leave(self.route);
            run.call();
        }
    }
}

impl Gate {
    pub(crate) fn new(host: &str, run: Arc<Run>) -> Self {
        let id = lock(&run.scheduler).add(HostState::new(host, run.jobs.get()));
        let (health, death) = Default::default();
        Self { host: host.to_owned(), id, run, health, death }
    }

    /// Keeps to what was said of the host, too.
    pub(crate) fn keep_to(&self, limits: Limits) {
        lock(&self.run.scheduler).host(self.id).keep_to(limits);
    }

    /// Waits until a request may be sent.
    pub(crate) async fn enter(&self, class: RequestClass, turn: Turn, counters: &Counters) -> Result<Permit, Failure> {
        self.unless_in_vain(class)?;
        let route = Route::One(self.id, class.queue());
        let permit = self.unless_ended(self.run.admit(route, turn, counters)).await??;
        // The bytes of a blob may be long on their way without a word.
        if class.queue() != Queue::Body {
            lock(&self.health).asked(Instant::now());
        }
        Ok(permit)
    }

    /// Waits until a blob may be sent from the one host to the other: both ends are one permit.
    pub(crate) async fn enter_both(from: &Self, to: &Self, turn: Turn, counters: &Counters) -> Result<Permit, Failure> {
        to.unless_in_vain(RequestClass::Upload)?;
        let route = Route::Stream { from: from.id, to: to.id };
        from.unless_ended(to.unless_ended(to.run.admit(route, turn, counters))).await??
    }

    /// Does `work`, but no longer than until the run is stopped or the host is dead.
    pub(crate) async fn unless_ended<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.run.stop.cancelled() => Err(Failure::stopped()),
            () = self.death.cancelled() => Err(self.cause_of_death()),
            done = work => Ok(done),
        }
    }

    /// An answer came; a refusal does not show that the host serves anybody.
    pub(crate) fn answered(&self, class: RequestClass, answer: AnswerClass) {
        if matches!(answer, AnswerClass::Refused | AnswerClass::QuotaUsedUp) {
            return;
        }
        lock(&self.health).served(class);
        let is_open_again = {
            let (mut scheduler, now) = (lock(&self.run.scheduler), Instant::now());
            let host = scheduler.host(self.id);
            if answer == AnswerClass::Overloaded {
                host.faltered(now);
                false
            } else {
                host.served(now)
            }
        };
        if is_open_again {
            self.run.call();
        }
    }

    /// The host refused a request with this status, and perhaps asked to be left alone for `asked`.
    pub(crate) fn refused(&self, status: u16, asked: Option<Duration>) {
        if asked.is_some_and(|asked| asked > LONGEST_PAUSE) {
            return;
        }
        let pause = lock(&self.run.scheduler).host(self.id).refused(asked, Instant::now());
        if let Some(ReportedPause { wait, as_asked }) = pause {
            (self.run.observer)(Notice::Paused { host: self.host.clone(), status, wait, as_asked });
        }
    }

    /// A request failed: ends the host for this run, if it can't be reached or no more. The failure that is to be told,
    /// which is the first that ended the host, or all requests of this kind.
    pub(crate) fn failed(&self, failure: Failure, class: RequestClass, patience: Patience) -> Failure {
        let (told, is_dead) = lock(&self.health).failed(failure, class, patience);
        if is_dead {
            self.death.cancel();
        }
        told
    }

    /// Ends the host for this run, whatever it has served.
    pub(crate) fn die(&self, failure: Failure) -> Failure {
        let failure = lock(&self.health).die(failure);
        self.death.cancel();
        failure
    }

    /// What is told of a failure that no other attempt would mend: of a host whose certificate is wrong, once for all.
    pub(crate) fn last_words(&self, failure: Failure) -> Failure {
        if matches!(&failure.kind, ErrorKind::Tls(error) if error.at.is_none()) { self.die(failure) } else { failure }
    }

    fn unless_in_vain(&self, class: RequestClass) -> Result<(), Failure> {
        lock(&self.health).refuses(class).map_or(Ok(()), |cause| Err(cause.clone()))
    }

    fn cause_of_death(&self) -> Failure {
        let unknown = || Failure::of(ErrorKind::Unreachable("no connection".into()));
        lock(&self.health).cause_of_death().cloned().unwrap_or_else(unknown)
    }
}

/// A time up to `longest`, by chance: who failed together does not come back together.
pub(crate) fn jitter(longest: Duration) -> Duration {
    longest.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
