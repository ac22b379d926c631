//! [`Gate`]: who may send to a host now.
//!
//! A request takes a permit of its host's window, then one of the run's; a host that is paused holds none of the run's,
//! so one slow registry does not stop the others. Tokens and the bodies of blobs have windows of their own: a request
//! that holds a permit never waits for either, and so nothing can wait in a circle. Each is a `window`, which lets repeated
//! requests through before new ones.
//!
//! A host that never answers dies: all that wait for it fail at once, and all with the same words.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::error::{ErrorKind, Failure};
use super::lock::lock;
use super::transport::stats::Counters;
use super::{Notice, Observer};

use window::{Place, Window};

pub(crate) use window::Turn;

mod window;

/// Blobs in flight at once, from or to one host.
const BODIES: usize = 4;
/// Token requests in flight at once to one server.
const TOKENS: usize = 4;
/// Longer pauses are not waited out.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(90);
/// A host that has served nothing for so long while it was asked is not coming back.
const SILENCE: Duration = Duration::from_mins(2);

/// What all gates of a run share.
pub(crate) struct Run {
    /// Requests in flight at once, over all hosts and to each.
    pub(crate) jobs: usize,
    /// `jobs` permits.
    permits: Arc<Window>,
    /// Hears of pauses and requests.
    pub(crate) observer: Observer,
    /// Set by the first Ctrl-C.
    pub(crate) stop: CancellationToken,
}

impl Run {
    pub(crate) fn new(jobs: usize, observer: Observer) -> Self {
        let jobs = jobs.max(1);
        Self { jobs, permits: Window::new(jobs), observer, stop: CancellationToken::new() }
    }
}

/// The gate of one host.
pub(crate) struct Gate {
    host: String,
    run: Arc<Run>,
    window: Arc<Window>,
    bodies: Arc<Window>,
    tokens: Arc<Window>,
    state: Mutex<State>,
    death: CancellationToken,
}

#[derive(Default)]
struct State {
    pause: Option<Pause>,
    silence: Option<Silence>,
    has_served: bool,
    dead: Option<Failure>,
}

#[derive(Clone, Copy)]
struct Pause {
    since: Instant,
    until: Instant,
}

/// The time in which a host is asked and serves nothing.
#[derive(Clone, Copy)]
struct Silence {
    since: Instant,
    last_asked: Instant,
}

/// Which of a host's windows a request counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Manifests, and all about blobs but their bytes.
    Request,
    /// Tokens.
    Token,
    /// The bytes of a blob.
    Body,
}

/// The right to have one request in flight; ends when it is dropped.
pub(crate) struct Permit {
    _hosts: Vec<Place>,
    _run: Option<Place>,
}

impl Gate {
    pub(crate) fn new(host: &str, run: Arc<Run>) -> Self {
        let (window, bodies, tokens) = (Window::new(run.jobs), Window::new(BODIES), Window::new(TOKENS));
        let (state, death) = Default::default();
        Self { host: host.to_owned(), run, window, bodies, tokens, state, death }
    }

    /// Waits until a request may be sent.
    pub(crate) async fn enter(&self, lane: Lane, turn: Turn, counters: &Counters) -> Result<Permit, Failure> {
        let permit = self.unless_ended(pass(&[self], lane, turn, counters)).await?;
        // The bytes of a blob may be long on their way without a word.
        if lane != Lane::Body {
            self.asked();
        }
        Ok(permit)
    }

    /// Waits until a blob may be sent from the one host to the other: both ends are one permit.
    pub(crate) async fn enter_both(from: &Self, to: &Self, turn: Turn, counters: &Counters) -> Result<Permit, Failure> {
        // Always in one order, or two streams that go in opposite directions could wait for each other.
        let pair = if from.host <= to.host { [from, to] } else { [to, from] };
        let gates = if from.host == to.host { &pair[..1] } else { &pair[..] };
        from.unless_ended(to.unless_ended(pass(gates, Lane::Body, turn, counters))).await?
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
    pub(crate) fn answered(&self, response: &reqwest::Response) {
        let is_refusal = match response.status().as_u16() {
            429 => true,
            503 => response.headers().contains_key("retry-after"),
            _ => false,
        };
        if !is_refusal {
            self.served();
        }
    }

    fn served(&self) {
        let mut state = lock(&self.state);
        (state.has_served, state.silence) = (true, None);
    }

    /// The host asked to be left alone for `wait`.
    pub(crate) fn pause(&self, status: u16, wait: Duration) {
        let now = Instant::now();
        let until = now + wait;
        // All that were in flight are refused at about the same time: that is one pause, and told once.
        let is_news = {
            let mut state = lock(&self.state);
            let is_new = state.pause.is_none();
            let pause = state.pause.get_or_insert(Pause { since: now, until });
            let is_longer = until > pause.until + Duration::from_secs(1);
            pause.until = pause.until.max(until);
            is_new || is_longer
        };
        if is_news {
            (self.run.observer)(Notice::Paused { host: self.host.clone(), status, wait });
        }
    }

    /// Ends the host for this run, if it can't be reached or no more; the failure that is to be told, which is the first
    /// that ended it.
    pub(crate) fn die_if_silent(&self, failure: Failure, patience: Patience) -> Failure {
        let mut state = lock(&self.state);
        if let Some(dead) = &state.dead {
            return dead.clone();
        }
        let is_silent = state.silence.is_some_and(|silence| silence.since.elapsed() >= SILENCE);
        let was_never_there = !state.has_served && patience == Patience::Over;
        if !(is_silent || was_never_there) {
            return failure;
        }
        state.dead = Some(failure.clone());
        drop(state);
        self.death.cancel();
        failure
    }

    /// Ends the host for this run, whatever it has served.
    pub(crate) fn die(&self, failure: Failure) -> Failure {
        let failure = lock(&self.state).dead.get_or_insert(failure).clone();
        self.death.cancel();
        failure
    }

    /// What is told of a failure that no other attempt would mend: of a host whose certificate is wrong, once for all.
    pub(crate) fn last_words(&self, failure: Failure) -> Failure {
        if matches!(failure.kind, ErrorKind::Tls(_)) { self.die(failure) } else { failure }
    }

    fn cause_of_death(&self) -> Failure {
        lock(&self.state).dead.clone().unwrap_or_else(|| Failure::of(ErrorKind::Unreachable("no connection".into())))
    }

    fn window(&self, lane: Lane) -> &Arc<Window> {
        match lane {
            Lane::Request => &self.window,
            Lane::Token => &self.tokens,
            Lane::Body => &self.bodies,
        }
    }

    fn paused_until(&self) -> Option<Instant> {
        lock(&self.state).pause.map(|pause| pause.until)
    }

    /// Waits until the host is not paused.
    async fn resumed(&self, counters: &Counters) {
        while let Some(until) = self.paused_until() {
            if until > Instant::now() {
                counters.waiting(sleep_until(until)).await;
                continue;
            }
            let ended = lock(&self.state).pause.take_if(|pause| pause.until <= Instant::now());
            if let Some(pause) = ended {
                (self.run.observer)(Notice::Resumed { host: self.host.clone(), after: pause.since.elapsed() });
            }
        }
    }

    /// A request goes out. One that is not answered begins the silence; a host that nobody asks is not silent.
    fn asked(&self) {
        let now = Instant::now();
        let mut state = lock(&self.state);
        let before = state.silence.filter(|silence| now - silence.last_asked < SILENCE);
        state.silence = Some(Silence { since: before.map_or(now, |silence| silence.since), last_asked: now });
    }
}

/// Whether the one who asks will ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Yes.
    Left,
    /// All attempts are used up.
    Over,
}

/// Takes the permits of `gates`, then waits out their pauses, then takes one of the run's.
async fn pass(gates: &[&Gate], lane: Lane, turn: Turn, counters: &Counters) -> Permit {
    let mut hosts = Vec::with_capacity(gates.len());
    for gate in gates {
        hosts.push(gate.window(lane).enter(turn).await);
    }
    loop {
        for gate in gates {
            gate.resumed(counters).await;
        }
        if lane == Lane::Token {
            return Permit { _hosts: hosts, _run: None };
        }
        let Some(run) = gates.first().map(|gate| Arc::clone(&gate.run.permits)) else {
            return Permit { _hosts: hosts, _run: None };
        };
        let permit = run.enter(turn).await;
        if gates.iter().all(|gate| gate.paused_until().is_none()) {
            return Permit { _hosts: hosts, _run: Some(permit) };
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    fn gate(host: &str, run: &Arc<Run>) -> Gate {
        Gate::new(host, Arc::clone(run))
    }

    fn run(jobs: usize) -> Arc<Run> {
        Arc::new(Run::new(jobs, Arc::new(|_| {})))
    }

    fn unreachable(why: &str) -> Failure {
        Failure::of(ErrorKind::Unreachable(why.into()))
    }

    const SOON: Duration = Duration::from_millis(10);

    #[tokio::test(start_paused = true)]
    async fn windows_are_kept_and_given_back() {
        let (run, counters) = (run(2), Counters::default());
        let (a, b) = (gate("a", &run), gate("b", &run));
        let first = a.enter(Lane::Request, Turn::New, &counters).await.unwrap();
        let _second = b.enter(Lane::Request, Turn::New, &counters).await.unwrap();
        assert!(timeout(SOON, b.enter(Lane::Request, Turn::New, &counters)).await.is_err(), "the run has two");
        let tokens = futures_util::future::join_all((0..4).map(|_| a.enter(Lane::Token, Turn::New, &counters))).await;
        assert!(
            timeout(SOON, a.enter(Lane::Token, Turn::New, &counters)).await.is_err(),
            "tokens have four of their own"
        );
        drop((first, tokens));
        assert!(timeout(SOON, b.enter(Lane::Request, Turn::New, &counters)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_only_grows_and_is_waited_out() {
        let (run, counters) = (run(1), Counters::default());
        let a = gate("a", &run);
        a.pause(429, Duration::from_secs(30));
        a.pause(429, Duration::from_secs(5));
        let began = Instant::now();
        a.enter(Lane::Request, Turn::New, &counters).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 30);
        assert_eq!(counters.stats().waited.as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_is_paused_while_it_waits_gives_its_turn_away() {
        let (run, counters) = (run(1), Counters::default());
        let (a, b) = (gate("a", &run), gate("b", &run));
        let held = b.enter(Lane::Request, Turn::New, &counters).await.unwrap();
        let waits = a.enter(Lane::Request, Turn::New, &counters);
        let others = async {
            tokio::time::sleep(SOON).await;
            a.pause(429, Duration::from_secs(30));
            drop(held);
            tokio::time::sleep(SOON).await;
            assert!(timeout(SOON, b.enter(Lane::Request, Turn::New, &counters)).await.is_ok());
        };
        let (permit, ()) = tokio::join!(waits, others);
        permit.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_serves_nothing_for_two_minutes_is_dead() {
        let (run, counters) = (run(1), Counters::default());
        let a = gate("a", &run);
        drop(a.enter(Lane::Request, Turn::New, &counters).await.unwrap());
        advance(Duration::from_secs(119)).await;
        a.die_if_silent(unreachable("first"), Patience::Left);
        assert!(a.enter(Lane::Request, Turn::New, &counters).await.is_ok());
        advance(Duration::from_secs(2)).await;
        a.die_if_silent(unreachable("second"), Patience::Left);
        let told = a.die_if_silent(unreachable("third"), Patience::Over);
        assert_eq!(told.kind.to_string(), "second", "all are told what ended it");
        let refused = a.enter(Lane::Request, Turn::New, &counters).await.err().unwrap();
        assert_eq!(refused.kind.to_string(), "second");
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_falls_silent_is_dead_too_and_one_that_nobody_asks_is_not() {
        let (run, counters) = (run(1), Counters::default());
        let a = gate("a", &run);
        let ask = async || drop(a.enter(Lane::Request, Turn::New, &counters).await.unwrap());
        ask().await;
        a.served();
        advance(Duration::from_mins(10)).await;
        ask().await;
        a.die_if_silent(unreachable("once"), Patience::Over);
        advance(Duration::from_mins(10)).await;
        ask().await;
        a.die_if_silent(unreachable("after a rest"), Patience::Over);
        advance(Duration::from_secs(100)).await;
        drop(a.enter(Lane::Body, Turn::New, &counters).await.unwrap());
        ask().await;
        a.served();
        ask().await;
        for _ in 0..2 {
            advance(Duration::from_mins(1)).await;
            ask().await;
        }
        assert_eq!(a.die_if_silent(unreachable("two minutes"), Patience::Left).kind.to_string(), "two minutes");
        assert!(a.enter(Lane::Request, Turn::New, &counters).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn streams_in_opposite_directions_do_not_lock_each_other_out() {
        let (run, counters) = (run(64), Counters::default());
        let (a, b) = (gate("a", &run), gate("b", &run));
        let streams = (0..40).map(|n| {
            let (from, to) = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
            let counters = &counters;
            async move {
                let _permit = Gate::enter_both(from, to, Turn::New, counters).await.unwrap();
                tokio::time::sleep(SOON).await;
            }
        });
        let began = Instant::now();
        futures_util::future::join_all(streams).await;
        assert!(began.elapsed() >= SOON * 10, "four at a time");
        assert!(began.elapsed() < SOON * 15, "and no fewer: {:?}", began.elapsed());
    }
}
