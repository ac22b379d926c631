//! [`Attempts`]: how often a request is made, and how long it waits in between.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::sleep;

use crate::registry::error::{ErrorKind, Failure};
use crate::registry::gate::{Gate, LONGEST_PAUSE, Patience, Turn};

use super::stats::Counters;

/// Attempts for faults of the request's own.
const FAULTS: u32 = 8;
/// How often a host may say "later".
const REFUSALS: u32 = 60;
/// Time on the wire and in back-off; pauses and queues are not counted.
const BUDGET: Duration = Duration::from_secs(90);

/// What is left of one request's attempts.
pub(crate) struct Attempts {
    limit: u32,
    faults: u32,
    refusals: u32,
    spent: Duration,
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

/// Endless delays with full jitter: up to 1, 2, 4, … times the first, each below the longest.
struct Delays(Box<dyn Iterator<Item = Duration> + Send + Sync>);

impl Delays {
    fn new(first: Duration, longest: Duration) -> Self {
        let plain = ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(first)
            .with_max_delay(longest)
            .without_max_times();
        // backon adds its jitter to the delay; what it added is a delay with full jitter.
        let jittered =
            plain.with_jitter().build().zip(plain.build()).map(|(jittered, plain)| jittered.saturating_sub(plain));
        Self(Box::new(jittered))
    }

    fn next(&mut self) -> Duration {
        self.0.next().unwrap_or_default()
    }
}

impl Attempts {
    pub(crate) fn new(repeat: Repeat) -> Self {
        Self {
            limit: if repeat == Repeat::Never { 1 } else { FAULTS },
            faults: 0,
            refusals: 0,
            spent: Duration::ZERO,
            after_fault: Delays::new(Duration::from_millis(200), Duration::from_secs(10)),
            after_refusal: Delays::new(Duration::from_millis(100), Duration::from_secs(5)),
            last_fault: None,
        }
    }

    /// How often the request was sent, where this attempt came to an end.
    pub(crate) fn so_far(&self) -> u32 {
        self.faults + self.refusals + 1
    }

    /// A request that was sent before goes before those that were not.
    pub(crate) fn turn(&self) -> Turn {
        if self.faults + self.refusals > 0 { Turn::Repeated } else { Turn::New }
    }

    /// An attempt failed after `took` on the wire: waits until the next may be made.
    ///
    /// # Errors
    /// The failure, where there is none; that the run was stopped, or that the host died.
    pub(crate) async fn fault(
        &mut self,
        failure: Failure,
        took: Duration,
        (gate, counters): (&Gate, &Counters),
    ) -> Result<(), Failure> {
        self.faults += 1;
        self.spent += took;
        self.last_fault = Some(self.told(failure.clone()));
        let delay = self.after_fault.next();
        if self.faults >= self.limit || self.spent + delay >= BUDGET {
            let patience = if self.limit == FAULTS { Patience::Over } else { Patience::Left };
            return Err(gate.die_if_silent(self.told(failure), patience));
        }
        self.spent += delay;
        self.wait(delay, failure, gate, counters).await
    }

    /// The host said "later", and perhaps when: waits until then.
    ///
    /// # Errors
    /// The failure, where that is too late or was said too often.
    pub(crate) async fn refusal(
        &mut self,
        failure: Failure,
        wait: Option<Duration>,
        (gate, counters): (&Gate, &Counters),
    ) -> Result<(), Failure> {
        self.refusals += 1;
        if wait.is_some_and(|wait| wait > LONGEST_PAUSE) {
            return Err(gate.die(self.told(failure)));
        }
        if self.refusals > REFUSALS || self.limit == 1 {
            return Err(gate.die_if_silent(self.told(failure), Patience::Left));
        }
        if let Some(wait) = wait {
            gate.pause(failure.status.unwrap_or(429), wait);
        }
        // A pause is waited out at the gate, with all others.
        let delay = if wait.is_some() { Duration::ZERO } else { self.after_refusal.next() };
        self.wait(delay, failure, gate, counters).await
    }

    async fn wait(&self, delay: Duration, failure: Failure, gate: &Gate, counters: &Counters) -> Result<(), Failure> {
        gate.die_if_silent(self.told(failure), Patience::Left);
        gate.unless_ended(counters.waiting(sleep(delay))).await?;
        counters.repeated();
        Ok(())
    }

    /// `failure` with how much was tried.
    fn told(&self, mut failure: Failure) -> Failure {
        failure.attempts = self.faults + self.refusals;
        if let ErrorKind::Unreachable(why) = &mut failure.kind
            && failure.attempts > 1
        {
            // Whole seconds: less is noise, and no two runs would say the same.
            *why = format!("{why}, {} attempts in {}s", failure.attempts, self.spent.as_secs());
        }
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_have_full_jitter_and_a_longest() {
        let mut delays = Delays::new(Duration::from_millis(200), Duration::from_secs(10));
        for attempt in 0..40_i32 {
            let most = (0.2 * 2_f64.powi(attempt)).min(10.0);
            let delay = delays.next().as_secs_f64();
            assert!(delay <= most + 0.001, "{delay} after {attempt}");
        }
        let mean = |n: u32| {
            (0..n).map(|_| Delays::new(Duration::from_secs(1), Duration::from_secs(1)).next()).sum::<Duration>() / n
        };
        let mean = mean(400).as_secs_f64();
        assert!((0.4..0.6).contains(&mean), "{mean}");
    }
}
