//! [`Attempts`]: how often a request is sent, and the delays in between.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::registry::error::{ConnectionStep, ErrorKind, Failure, NoAnswer};
use crate::registry::gate::{LONGEST_RETRY_PAUSE, Patience, Turn, jitter};

use super::response::{HttpResponse, RetryVerdict};
use super::wire::TransferError;
use super::{OnStop, Peer};

/// The number of faults after which a request is given up.
const FAULTS: u32 = 8;
/// The same if the host has not answered yet and its name does not exist. The second attempt is for resolvers that are
/// not ready when a machine starts.
const UNKNOWN_NAMES: u32 = 2;
/// How often a host may refuse one request and ask to retry later.
const REFUSALS: u32 = 60;
/// The maximum time that one request spends on failed attempts and on the delays after them. Pauses and time in queues
/// are not counted.
const BUDGET: Duration = Duration::from_secs(90);
/// The maximum time for one attempt of a small request, including the body of its answer.
pub(crate) const WHOLE: Duration = Duration::from_mins(1);

/// The attempts of one request so far.
pub(crate) struct Attempts {
    limit: u32,
    faults: u32,
    refusals: u32,
    spent: Duration,
    was_sent: bool,
    after_fault: Delays,
    after_refusal: Delays,
    /// The last fault. It is unknown whether the host processed that request.
    pub(crate) last_fault: Option<Failure>,
}

/// Whether a request may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// As often as other requests.
    AsUsual,
    /// Never. The request only looks for the reason of an earlier failure. If it gets no answer, that failure is
    /// reported as it is.
    Never,
}

/// Random delays ("full jitter"). The maximum doubles with each delay until it reaches `longest`.
struct Delays {
    next: Duration,
    longest: Duration,
}

impl Delays {
    const AFTER_FAULT: Self = Self { next: Duration::from_millis(200), longest: Duration::from_secs(10) };
    const AFTER_REFUSAL: Self = Self { next: Duration::from_millis(100), longest: Duration::from_secs(5) };

    fn next(&mut self) -> Duration {
        let delay = jitter(self.next);
        self.next = (self.next * 2).min(self.longest);
        delay
    }
}

impl Attempts {
    pub(crate) fn new(repeat: Repeat) -> Self {
        Self {
            limit: if repeat == Repeat::Never { 1 } else { FAULTS },
            faults: 0,
            refusals: 0,
            spent: Duration::ZERO,
            was_sent: false,
            after_fault: Delays::AFTER_FAULT,
            after_refusal: Delays::AFTER_REFUSAL,
            last_fault: None,
        }
    }

    /// Returns how often the request was sent, including the current attempt.
    pub(crate) fn so_far(&self) -> u32 {
        self.faults + self.refusals + 1
    }

    /// Returns the request's priority in the queue. A request that was sent before goes before new requests.
    pub(crate) fn turn(&self) -> Turn {
        if self.was_sent || self.faults + self.refusals > 0 { Turn::Repeated } else { Turn::New }
    }

    /// Records that the request is sent again with other credentials or a new token. This does not count as an attempt.
    /// The request does not wait behind new requests, because its token might expire in the meantime.
    pub(crate) fn signed_anew(&mut self) {
        self.was_sent = true;
    }

    /// Forgets all failures so far. A long transfer may fail any number of times as long as it gets further.
    pub(crate) fn progressed(&mut self) {
        *self = Self { was_sent: true, ..Self::new(Repeat::AsUsual) };
    }

    /// Sends a small request by calling `attempt` until there is a final answer.
    pub(crate) async fn make<F>(
        &mut self,
        to: Peer<'_>,
        on_stop: OnStop,
        attempt: impl Fn() -> F,
    ) -> Result<HttpResponse, Failure>
    where
        F: Future<Output = Result<HttpResponse, TransferError>>,
    {
        loop {
            let permit = to.gate.enter(to.class, self.turn(), to.counters).await?;
            let began = Instant::now();
            let attempt = timeout(WHOLE, attempt());
            let outcome = match on_stop {
                OnStop::Await => attempt.await,
                OnStop::Cut => to.gate.unless_ended(attempt).await?,
            };
            let failure = match outcome {
                Ok(Ok(mut answer)) => {
                    answer.attempts = self.so_far();
                    match answer.verdict() {
                        RetryVerdict::Refusal(wait) => {
                            to.gate.refused(answer.status.as_u16(), wait);
                            drop(permit);
                            self.refusal(answer.failure(), wait, to).await?;
                            continue;
                        }
                        RetryVerdict::Final => return Ok(answer),
                        RetryVerdict::Fault => answer.failure(),
                    }
                }
                Ok(Err(TransferError::Fault(failure))) => failure,
                Ok(Err(TransferError::Final(failure))) => return Err(to.gate.last_words(failure)),
                Err(_) => too_late(),
            };
            drop(permit);
            self.fault(failure, began.elapsed(), to).await?;
        }
    }

    /// Records an attempt that failed after `took`, and waits until the next attempt.
    ///
    /// # Errors
    /// Returns the failure if no attempts are left. Also fails if the run is stopped or the host is dead.
    pub(crate) async fn fault(&mut self, failure: Failure, took: Duration, to: Peer<'_>) -> Result<(), Failure> {
        self.faults += 1;
        self.spent += took;
        self.last_fault = Some(self.told(failure.clone()));
        let delay = self.after_fault.next();
        let is_unknown = is_unknown_name(&failure) && !to.gate.has_served();
        let limit = if is_unknown { self.limit.min(UNKNOWN_NAMES) } else { self.limit };
        if self.faults >= limit || self.spent + delay >= BUDGET {
            let patience = if self.limit == FAULTS { Patience::Over } else { Patience::Left };
            return Err(to.gate.failed(self.told(failure), to.class, patience));
        }
        self.spent += delay;
        self.wait(delay, failure, to).await
    }

    /// Records that the host asked to retry later, and waits until the next attempt. `wait` is how long the host asked
    /// to wait, if it did. The caller has already reported it to the gate.
    ///
    /// # Errors
    /// Returns the failure if the host asked for too long a wait, or has refused too often. Also fails if the run is
    /// stopped or the host is dead.
    pub(crate) async fn refusal(
        &mut self,
        failure: Failure,
        wait: Option<Duration>,
        to: Peer<'_>,
    ) -> Result<(), Failure> {
        self.refusals += 1;
        if wait.is_some_and(|wait| wait > LONGEST_RETRY_PAUSE) {
            return Err(to.gate.die(self.told(failure)));
        }
        if self.refusals > REFUSALS || self.limit == 1 {
            return Err(to.gate.failed(self.told(failure), to.class, Patience::Left));
        }
        // The gate waits for the end of a pause, for all requests together.
        let delay = if wait.is_some() { Duration::ZERO } else { self.after_refusal.next() };
        self.wait(delay, failure, to).await
    }

    async fn wait(&self, delay: Duration, failure: Failure, to: Peer<'_>) -> Result<(), Failure> {
        to.gate.failed(self.told(failure), to.class, Patience::Left);
        to.gate.unless_ended(to.counters.waiting(sleep(delay))).await?;
        to.counters.repeated();
        Ok(())
    }

    /// Returns `failure` with the number of attempts.
    fn told(&self, mut failure: Failure) -> Failure {
        failure.attempts = self.faults + self.refusals;
        let is_worth_telling = failure.attempts > 1 && !is_unknown_name(&failure);
        if let ErrorKind::Unreachable(NoAnswer { why, .. }) = &mut failure.kind
            && is_worth_telling
        {
            // Whole seconds. Fractions are not useful, and would make the message different in each run.
            *why = format!("{why} ({} attempts in {}s)", failure.attempts, self.spent.as_secs());
        }
        failure
    }
}

fn is_unknown_name(failure: &Failure) -> bool {
    matches!(failure.kind, ErrorKind::Unreachable(NoAnswer { step: ConnectionStep::HostName, .. }))
}

/// Returns the failure of a request that took longer than [`WHOLE`].
pub(crate) fn too_late() -> Failure {
    Failure::of(ErrorKind::Unreachable(format!("timed out after {}s", WHOLE.as_secs()).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_have_full_jitter_and_a_longest() {
        let mut delays = Delays::AFTER_FAULT;
        for attempt in 0..40_i32 {
            let most = (0.2 * 2_f64.powi(attempt)).min(10.0);
            let delay = delays.next().as_secs_f64();
            assert!(delay <= most + 0.001, "{delay} after {attempt}");
        }
        let mean = (0..400).map(|_| delays.next().as_secs_f64()).sum::<f64>() / 400.0;
        assert!((4.0..6.0).contains(&mean), "{mean}");
    }
}
