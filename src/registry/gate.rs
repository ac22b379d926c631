//! [`Gate`]: when a request may be sent to a host.
//!
//! | file | holds |
//! |---|---|
//! | [`scheduler`] | which request is sent next, over all hosts of a run |
//! | [`host_state`] | the limits and pauses of one host |
//! | [`pace`] | how fast requests may be sent to a host, learned from its refusals |
//! | [`window`] | how many requests are sent to a host at once |
//! | [`tally`] | whether too many of a host's last answers were bad |
//! | [`health`] | whether a host answers at all |
//!
//! A waiting request holds nothing that another request waits for. It gets its token before it joins the queue, because
//! the token server may be the very host whose permits are all in use. Token requests need no permit of the run, and a
//! stream needs only one permit for both ends. So there cannot be a deadlock.
//!
//! A host is dead for this run if it never answers, serves nothing for two minutes, or asks to wait longer than
//! [`LONGEST_RETRY_PAUSE`]: all requests that wait for it fail at once, with the same error.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::counters::Counters;
use super::error::{ErrorKind, Failure, NoAnswer};
use super::lock::lock;
use super::options::{HostOptions, RateLimit};
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

/// Refusals and failures within this time after a slow-down belong to requests that were sent before it.
const QUIET: Duration = Duration::from_millis(250);
/// The longest pause that mlist waits for.
pub(crate) const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(90);

/// The state that all gates of a run share.
pub(crate) struct RunState {
    /// The maximum number of requests in flight, over all hosts and to each host.
    jobs: NonZeroUsize,
    scheduler: Mutex<Scheduler>,
    /// Receives notices of pauses and requests.
    pub(crate) observer: Observer,
    /// Set by the first Ctrl-C.
    pub(crate) stop: CancellationToken,
}

impl RunState {
    pub(crate) fn new(jobs: NonZeroUsize, observer: Observer) -> Self {
        Self { jobs, scheduler: Mutex::new(Scheduler::new(jobs.get())), observer, stop: CancellationToken::new() }
    }

    /// Joins the queue and waits for a permit.
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
            // The other end of the channel is in the scheduler, which lives as long as this run.
            return permit.map_err(|_: oneshot::error::RecvError| Failure::stopped());
        }
    }

    /// Gives a permit to each request that may be sent, and sets a timer for the next one.
    fn call(self: &Arc<Self>) {
        let Called { alarm, resumed } = lock(&self.scheduler).call(self, Instant::now());
        for (host, after) in resumed {
            (self.observer)(Notice::Resumed { host, after });
        }
        // Without a runtime, no request is waiting: the last permits are dropped together with the runtime.
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
    run: Arc<RunState>,
    health: Mutex<Health>,
    death: CancellationToken,
}

/// The limits of a host from the options.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// The maximum number of requests in flight. Token requests are counted separately.
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// The maximum number of requests per time. Token requests count if the host itself is the token server.
    pub(crate) rate: Option<RateLimit>,
}

impl From<&HostOptions> for Limits {
    fn from(options: &HostOptions) -> Self {
        Self { concurrency: options.concurrency, rate: options.rate }
    }
}

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RequestClass {
    /// A read of anything except the bytes of a blob.
    Read,
    /// A POST: mounts a blob or starts an upload.
    Post,
    /// Writes a manifest.
    Put,
    /// Requests a token.
    Token,
    /// Reads the bytes of a blob.
    Download,
    /// Writes the bytes of a blob.
    Upload,
}

impl RequestClass {
    /// Returns the kind of a small request.
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
    /// Whether its requests need a permit of the run. Token requests do not, because other requests wait for them.
    fn needs_permit(self) -> bool {
        self != Self::Token
    }
}

/// What an answer says about the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseClass {
    /// The host processed the request. The answer is final.
    Served,
    /// The host failed to process the request. Another attempt may succeed.
    Failed,
    /// Like `Failed`, and the host may be overloaded: 503 without `Retry-After`.
    Overloaded,
    /// The host asks to retry later: 429, or 503 with `Retry-After`.
    Refused,
    /// 429 because a quota is used up. The answer is final, because it can take hours until there is more.
    QuotaUsedUp,
}

/// The priority of a request in its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The request was sent before. It comes first.
    Repeated,
    /// The request was never sent.
    New,
}

/// Whether all attempts of a failed request were used up by faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// No: it may be sent again, or it was not repeated for another reason.
    Left,
    /// Yes.
    Over,
}

/// The right to have one request in flight. It is returned when this is dropped.
pub(crate) struct Permit {
    run: Option<Arc<RunState>>,
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
    pub(crate) fn new(host: &str, run: Arc<RunState>) -> Self {
        let id = lock(&run.scheduler).add(HostState::new(host, run.jobs.get()));
        let (health, death) = Default::default();
        Self { host: host.to_owned(), id, run, health, death }
    }

    /// Also applies the limits from the options.
    pub(crate) fn keep_to(&self, limits: Limits) {
        lock(&self.run.scheduler).host(self.id).keep_to(limits);
    }

    /// Waits until a request may be sent.
    pub(crate) async fn enter(&self, class: RequestClass, turn: Turn, counters: &Counters) -> Result<Permit, Failure> {
        self.unless_in_vain(class)?;
        let route = Route::One(self.id, class.queue());
        let permit = self.unless_ended(self.run.admit(route, turn, counters)).await??;
        // A blob can take long to transfer without an answer from the host.
        if class.queue() != Queue::Body {
            lock(&self.health).asked(Instant::now());
        }
        Ok(permit)
    }

    /// Waits until a blob may be transferred from one host to another. One permit covers both ends.
    pub(crate) async fn enter_both(from: &Self, to: &Self, turn: Turn, counters: &Counters) -> Result<Permit, Failure> {
        to.unless_in_vain(RequestClass::Upload)?;
        let route = Route::Stream { from: from.id, to: to.id };
        from.unless_ended(to.unless_ended(to.run.admit(route, turn, counters))).await??
    }

    /// Waits until another request of a stream may be sent to this host. The stream still has its permit, so it waits
    /// only for the end of a pause and for the rate, never for another request to finish.
    pub(crate) async fn enter_again(&self, counters: &Counters) -> Result<(), Failure> {
        loop {
            let at = lock(&self.run.scheduler).host(self.id).enter_again(Instant::now());
            let Some(at) = at else { return self.unless_ended(async {}).await };
            self.unless_ended(counters.waiting(sleep_until(at))).await?;
        }
    }

    /// Runs `work`, but stops if the run is stopped or the host is dead.
    pub(crate) async fn unless_ended<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.run.stop.cancelled() => Err(Failure::stopped()),
            () = self.death.cancelled() => Err(self.cause_of_death()),
            done = work => Ok(done),
        }
    }

    /// Records an answer. Refusals are ignored, because they do not show that the host serves any requests.
    pub(crate) fn answered(&self, class: RequestClass, answer: ResponseClass) {
        if matches!(answer, ResponseClass::Refused | ResponseClass::QuotaUsedUp) {
            return;
        }
        lock(&self.health).served(class);
        let is_open_again = {
            let (mut scheduler, now) = (lock(&self.run.scheduler), Instant::now());
            let host = scheduler.host(self.id);
            if answer == ResponseClass::Overloaded {
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

    /// Records that the host refused a request with this status. `asked` is how long it asked to wait, if it did.
    pub(crate) fn refused(&self, status: u16, asked: Option<Duration>) {
        // The request that asked gives the host up. There is no pause to wait for.
        if asked.is_some_and(|asked| asked > LONGEST_RETRY_PAUSE) {
            return;
        }
        let pause = lock(&self.run.scheduler).host(self.id).refused(asked, Instant::now());
        if let Some(ReportedPause { wait, as_asked }) = pause {
            (self.run.observer)(Notice::Paused { host: self.host.clone(), status, wait, as_asked });
        }
    }

    /// Records a failed request. If the host cannot be reached or no longer answers, it is dead for this run. Returns
    /// the failure to report: `failure`, or the first one that ended the host or all requests of this kind.
    pub(crate) fn failed(&self, failure: Failure, class: RequestClass, patience: Patience) -> Failure {
        let (told, is_dead) = lock(&self.health).failed(failure, class, patience);
        if is_dead {
            self.death.cancel();
        }
        told
    }

    /// Whether the host has served a request in this run.
    pub(crate) fn has_served(&self) -> bool {
        lock(&self.health).has_served()
    }

    /// Marks the host as dead for this run, even if it has served requests. Returns the failure to report.
    pub(crate) fn die(&self, failure: Failure) -> Failure {
        let failure = lock(&self.health).die(failure);
        self.death.cancel();
        failure
    }

    /// Returns the failure to report if no other attempt can succeed. A TLS failure of the host itself ends the host,
    /// so that all its requests fail with this one failure.
    pub(crate) fn last_words(&self, failure: Failure) -> Failure {
        if matches!(&failure.kind, ErrorKind::Tls(error) if error.at.is_none()) { self.die(failure) } else { failure }
    }

    fn unless_in_vain(&self, class: RequestClass) -> Result<(), Failure> {
        lock(&self.health).refuses(class).map_or(Ok(()), |cause| Err(cause.clone()))
    }

    fn cause_of_death(&self) -> Failure {
        let unknown = || Failure::of(ErrorKind::Unreachable(NoAnswer::not_connected("connection failed")));
        lock(&self.health).cause_of_death().cloned().unwrap_or_else(unknown)
    }
}

/// Returns a random time up to `longest`, so that requests that failed together are not sent again together.
pub(crate) fn jitter(longest: Duration) -> Duration {
    longest.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests;
