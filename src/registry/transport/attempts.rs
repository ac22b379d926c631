//! [`Attempts`]: how often a request is made, and how long it waits in between.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::registry::error::{ErrorKind, Failure, NoAnswer};
use crate::registry::gate::{LONGEST_PAUSE, Patience, Turn, jitter};

use super::answer::{Answer, Verdict};
use super::wire::TransferError;
use super::{OnStop, Peer};

/// Attempts for faults of the request's own.
const FAULTS: u32 = 8;
/// How often a host may say "later".
const REFUSALS: u32 = 60;
/// Time on the wire and in back-off; pauses and queues are not counted.
const BUDGET: Duration = Duration::from_secs(90);
/// A small request, its answer read whole.
pub(crate) const WHOLE: Duration = Duration::from_mins(1);

/// What is left of one request's attempts.
pub(crate) struct Attempts {
    limit: u32,
    faults: u32,
    refusals: u32,
    spent: Duration,
    was_sent: bool,
    after_fault: Delays,
    after_refusal: Delays,
    /// The last fault: whether the host did what was asked then, nobody knows.
    pub(crate) last_fault: Option<Failure>,
}

/// Whether a request may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// As often as any.
    AsUsual,
    /// It asks for the reason of a failure; without an answer that failure is told as it is.
    Never,
}

/// Delays with full jitter: up to once, twice, four times, … the first, each below the longest.
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

    /// How often the request was sent, where this attempt came to an end.
    pub(crate) fn so_far(&self) -> u32 {
        self.faults + self.refusals + 1
    }

    /// A request that was sent before goes before those that were not.
    pub(crate) fn turn(&self) -> Turn {
        if self.was_sent || self.faults + self.refusals > 0 { Turn::Repeated } else { Turn::New }
    }

    /// The request is sent once more, signed anew. That is no attempt, but it need not wait behind those that are new:
    /// its token might end meanwhile.
    pub(crate) fn signed_anew(&mut self) {
        self.was_sent = true;
    }

    /// Sends a small request by `attempt` until there is an answer that stands.
    pub(crate) async fn make<F>(
        &mut self,
        to: Peer<'_>,
        on_stop: OnStop,
        attempt: impl Fn() -> F,
    ) -> Result<Answer, Failure>
    where
        F: Future<Output = Result<Answer, TransferError>>,
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
                        Verdict::Refusal(wait) => {
                            to.gate.refused(answer.status.as_u16(), wait);
                            drop(permit);
                            self.refusal(answer.failure(), wait, to).await?;
                            continue;
                        }
                        Verdict::Stands => return Ok(answer),
                        Verdict::Fault => answer.failure(),
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

    /// An attempt failed after `took` on the wire: waits until the next may be made.
    ///
    /// # Errors
    /// The failure, where there is none; that the run was stopped, or that the host died.
    pub(crate) async fn fault(&mut self, failure: Failure, took: Duration, to: Peer<'_>) -> Result<(), Failure> {
        self.faults += 1;
        self.spent += took;
        self.last_fault = Some(self.told(failure.clone()));
        let delay = self.after_fault.next();
        if self.faults >= self.limit || self.spent + delay >= BUDGET {
            let patience = if self.limit == FAULTS { Patience::Over } else { Patience::Left };
            return Err(to.gate.failed(self.told(failure), to.class, patience));
        }
        self.spent += delay;
        self.wait(delay, failure, to).await
    }

    /// The host said "later", and perhaps when, which its gate has heard: waits until then.
    ///
    /// # Errors
    /// The failure, where that is too late or was said too often.
    pub(crate) async fn refusal(
        &mut self,
        failure: Failure,
        wait: Option<Duration>,
        to: Peer<'_>,
    ) -> Result<(), Failure> {
        self.refusals += 1;
        if wait.is_some_and(|wait| wait > LONGEST_PAUSE) {
            return Err(to.gate.die(self.told(failure)));
        }
        if self.refusals > REFUSALS || self.limit == 1 {
            return Err(to.gate.failed(self.told(failure), to.class, Patience::Left));
        }
        // A pause is waited out at the gate, with all others.
        let delay = if wait.is_some() { Duration::ZERO } else { self.after_refusal.next() };
        self.wait(delay, failure, to).await
    }

    async fn wait(&self, delay: Duration, failure: Failure, to: Peer<'_>) -> Result<(), Failure> {
        to.gate.failed(self.told(failure), to.class, Patience::Left);
        to.gate.unless_ended(to.counters.waiting(sleep(delay))).await?;
        to.counters.repeated();
        Ok(())
    }

    /// `failure` with how much was tried.
    fn told(&self, mut failure: Failure) -> Failure {
        failure.attempts = self.faults + self.refusals;
        if let ErrorKind::Unreachable(NoAnswer { why, .. }) = &mut failure.kind
            && failure.attempts > 1
        {
            // Whole seconds: less is noise, and no two runs would say the same.
            *why = format!("{why}, {} attempts in {}s", failure.attempts, self.spent.as_secs());
        }
        failure
    }
}

/// What is said of a request that took [`WHOLE`].
pub(crate) fn too_late() -> Failure {
    Failure::of(ErrorKind::Unreachable(format!("not answered within {}s", WHOLE.as_secs()).into()))
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
