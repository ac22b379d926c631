//! Simulates hosts of every kind in virtual time. The requests use the real gate and the real attempts.

use std::num::NonZeroU32;

use futures_util::{StreamExt as _, stream};
use tokio::time::sleep;

use super::super::*;
use crate::registry::authorization::Authorization;
use crate::registry::tests::server::jobs;
use crate::registry::transport::attempts::{Attempts, Repeat};
use crate::registry::transport::response::{HttpResponse, classify};
use crate::registry::transport::wire::TransferError;
use crate::registry::transport::{OnStop, Peer, read};

/// A simulated host.
struct Server {
    latency: Duration,
    limit: Limit,
    refusal: Refusal,
    /// The fraction of answers that fail in any way (`faults`), or that never arrive (`stalls`).
    faults: f64,
    stalls: f64,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
enum Limit {
    None,
    /// The maximum number of requests per second, and at once.
    Bucket {
        rate: f64,
        burst: f64,
    },
    /// The maximum number of requests in each minute of the clock.
    PerMinute(u32),
    InFlight(usize),
    /// No request is served before this time has passed.
    ClosedFor(Duration),
}

/// The answer to a request that exceeds the limit.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    Bare429,
    After(u64),
    /// Like GHCR: in the body, in milliseconds.
    InBody(&'static str),
    Bare503,
}

impl Refusal {
    fn said(self) -> (Said, Option<reqwest::Response>) {
        match self {
            Self::Bare429 => (Said::Refused, Some(respond(429, None, ""))),
            Self::After(seconds) => (Said::Refused, Some(respond(429, Some(seconds), ""))),
            Self::InBody(text) => (Said::Refused, Some(respond(429, None, text))),
            Self::Bare503 => (Said::Failed, Some(respond(503, None, ""))),
        }
    }
}

fn respond(status: u16, retry_after: Option<u64>, body: &'static str) -> reqwest::Response {
    let mut response = hyper::Response::builder().status(status);
    if let Some(seconds) = retry_after {
        response = response.header("retry-after", seconds);
    }
    response.body(body).unwrap().into()
}

struct State {
    random: u64,
    began: Instant,
    tokens: f64,
    as_of: Instant,
    minute: (u64, u32),
    in_flight: usize,
    most_in_flight: usize,
    /// Requests that were accepted and not answered yet.
    served_now: usize,
    /// When each request was answered, and how.
    answers: Vec<(Duration, Said)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Served,
    Refused,
    Failed,
}

impl State {
    /// Returns a random number from 0 to 1.
    fn chance(&mut self) -> f64 {
        f64::from(self.random()) / f64::from(u32::MAX)
    }

    fn below(&mut self, most: u32) -> u32 {
        self.random() % most
    }

    /// Returns the upper half of the next number of splitmix64.
    fn random(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((z ^ (z >> 31)) >> 32).unwrap()
    }

    fn allows(&mut self, limit: Limit) -> bool {
        let now = Instant::now();
        match limit {
            Limit::None => true,
            Limit::Bucket { rate, burst } => {
                self.tokens = (self.tokens + (now - self.as_of).as_secs_f64() * rate).min(burst);
                self.as_of = now;
                let is_there = self.tokens >= 1.0;
                self.tokens -= if is_there { 1.0 } else { 0.0 };
                is_there
            }
            Limit::PerMinute(most) => {
                let minute = (now - self.began).as_secs() / 60;
                self.minute = if self.minute.0 == minute { (minute, self.minute.1 + 1) } else { (minute, 1) };
                self.minute.1 <= most
            }
            Limit::InFlight(most) => self.served_now < most,
            Limit::ClosedFor(time) => now - self.began >= time,
        }
    }
}

impl Server {
    fn new(latency: u64, limit: Limit, refusal: Refusal, seed: u64) -> Self {
        let now = Instant::now();
        let tokens = if let Limit::Bucket { burst, .. } = limit { burst } else { 0.0 };
        let (minute, in_flight, most_in_flight, served_now, answers) = Default::default();
        let state = State {
            random: seed,
            began: now,
            tokens,
            as_of: now,
            minute,
            in_flight,
            most_in_flight,
            served_now,
            answers,
        };
        let (faults, stalls) = Default::default();
        Self { latency: Duration::from_millis(latency), limit, refusal, faults, stalls, state: Mutex::new(state) }
    }

    fn with_faults(self, faults: f64, stalls: f64) -> Self {
        Self { faults, stalls, ..self }
    }

    async fn ask(&self, to: Peer<'_>) -> Result<HttpResponse, TransferError> {
        {
            let mut state = lock(&self.state);
            state.in_flight += 1;
            state.most_in_flight = state.most_in_flight.max(state.in_flight);
        }
        sleep(self.latency / 10).await;
        let (said, response) = self.answer();
        let was_let_in = said == Said::Served && response.is_some();
        if response.is_none() && said == Said::Served {
            sleep(Duration::from_secs(15)).await;
        }
        sleep(self.latency * 9 / 10).await;
        {
            let mut state = lock(&self.state);
            state.in_flight -= 1;
            state.served_now -= usize::from(was_let_in);
            let at = state.began.elapsed();
            state.answers.push((at, if response.is_none() { Said::Failed } else { said }));
        }
        let broken = || TransferError::Fault(Failure::of(ErrorKind::Unreachable("broken".into())));
        let response = response.ok_or_else(broken)?;
        to.gate.answered(to.class, classify(response.status(), response.headers()));
        let answer = read(response, None, &Authorization::default()).await?;
        // A 206 represents an answer whose head is good, but whose body is cut off or has another digest.
        if answer.status == 206 { Err(broken()) } else { Ok(answer) }
    }

    /// Returns the kind of the answer, and the answer. There is no answer if the request stalls or the connection
    /// breaks.
    fn answer(&self) -> (Said, Option<reqwest::Response>) {
        let mut state = lock(&self.state);
        if state.chance() < self.stalls {
            return (Said::Served, None);
        }
        if state.chance() < self.faults {
            return match state.below(6) {
                _ if self.faults >= 1.0 => (Said::Failed, None),
                0 => self.refusal.said(),
                1 => (Said::Failed, Some(respond(503, None, ""))),
                2 => (Said::Failed, Some(respond(500, None, ""))),
                3 | 4 => (Said::Failed, Some(respond(206, None, ""))),
                _ => (Said::Failed, None),
            };
        }
        if state.allows(self.limit) {
            state.served_now += 1;
            return (Said::Served, Some(respond(200, None, "")));
        }
        self.refusal.said()
    }
}

/// The result of a run.
#[derive(Debug)]
struct Outcome {
    /// The number of requests that failed in all attempts.
    lost: usize,
    took: Duration,
    /// The fraction of refusals among the answers after the first three seconds.
    refused: f64,
    most_in_flight: usize,
}

impl Outcome {
    fn assert_all_within(&self, seconds: f64, what: &str) {
        assert_eq!(self.lost, 0, "{what}: {self:?}");
        assert!(self.took.as_secs_f64() <= seconds, "{what}: {self:?}");
    }
}

fn run() -> Arc<RunState> {
    Arc::new(RunState::new(jobs(JOBS), Arc::new(|_| {})))
}

const JOBS: usize = 64;

/// Sends this number of requests, with as many open at once as in a survey.
async fn send(server: &Server, to: Peer<'_>, requests: usize) -> Outcome {
    let began = Instant::now();
    let one = |()| async { Attempts::new(Repeat::AsUsual).make(to, OnStop::Cut, || server.ask(to)).await.is_ok() };
    let done: Vec<bool> =
        stream::iter(std::iter::repeat_n((), requests)).map(one).buffer_unordered(512).collect().await;
    let state = lock(&server.state);
    let late = state.answers.iter().filter(|(at, _)| *at >= Duration::from_secs(3));
    let refused = late.clone().filter(|(_, said)| *said == Said::Refused).count();
    Outcome {
        lost: done.iter().filter(|is_done| !**is_done).count(),
        took: began.elapsed(),
        refused: number(refused) / number(late.count().max(1)),
        most_in_flight: state.most_in_flight,
    }
}

async fn send_alone(server: &Server, requests: usize, seed: u64) -> Outcome {
    fastrand::seed(seed);
    let (gate, counters) = (Gate::new("host", run()), Counters::default());
    send(server, Peer { gate: &gate, counters: &counters, class: RequestClass::Read }, requests).await
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

async fn fifty_a_second(refusal: Refusal) {
    for (burst, latency, seed) in
        [2.0, 10.0, 50.0].into_iter().flat_map(|burst| [(burst, 2, 1), (burst, 50, 2), (burst, 100, 3)])
    {
        let what = format!("{refusal:?}, {burst} at once, {latency} ms");
        let server = Server::new(latency, Limit::Bucket { rate: 50.0, burst }, refusal, seed);
        let outcome = send_alone(&server, 2000, seed).await;
        // 2,000 requests at 50 per second take 40 s. With a burst of two, each refusal that asks to wait for a second
        // costs more requests than the bucket can hold.
        let goodput = if burst < 3.0 { 0.7 } else { 0.8 };
        outcome.assert_all_within(40.0 / goodput, &what);
        assert!(outcome.refused < 0.05, "{what}: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_found_where_refusals_say_nothing() {
    fifty_a_second(Refusal::Bare429).await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_found_where_refusals_ask_to_wait() {
    fifty_a_second(Refusal::After(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_found_where_bodies_ask_to_wait() {
    fifty_a_second(Refusal::InBody("toomanyrequests: retry-after: 12.5ms, allowed: 3000/minute")).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_each_minute_is_used_up_and_waited_out() {
    // 2,000 requests at once, another 2,000 when the next minute begins, and the rest a minute later.
    for refusal in [Refusal::Bare429, Refusal::After(60), Refusal::After(5)] {
        let server = Server::new(50, Limit::PerMinute(2000), refusal, 1);
        send_alone(&server, 5000, 1).await.assert_all_within(130.0, &format!("{refusal:?}"));
    }
    let server = Server::new(50, Limit::Bucket { rate: 2000.0 / 60.0, burst: 10.0 }, Refusal::Bare429, 1);
    send_alone(&server, 2000, 1).await.assert_all_within(60.0 / 0.85, "2000/min");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_closed_is_asked_by_one_request_until_it_opens() {
    for refusal in [Refusal::Bare429, Refusal::After(60)] {
        let server = Server::new(50, Limit::ClosedFor(Duration::from_mins(1)), refusal, 1);
        let outcome = send_alone(&server, 1200, 1).await;
        outcome.assert_all_within(70.0, &format!("{refusal:?}"));
        let refused = lock(&server.state).answers.iter().filter(|(_, said)| *said == Said::Refused).count();
        assert!(refused < JOBS + 20, "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_takes_few_at_once_is_sent_few_at_once() {
    for seed in 1..4 {
        // 1,200 requests of 50 ms, 8 at a time, take 7.5 s.
        for (refusal, seconds) in [(Refusal::Bare503, 9.0), (Refusal::Bare429, 15.0), (Refusal::After(1), 16.0)] {
            let server = Server::new(50, Limit::InFlight(8), refusal, seed);
            send_alone(&server, 1200, seed).await.assert_all_within(seconds, &format!("{refusal:?}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn faults_by_chance_lose_nothing_and_slow_nobody_down() {
    for seed in 1..4 {
        // Without faults this takes 4.2 s. With all repeated requests it takes 6.6 s, and some requests wait for their
        // eighth attempt.
        let server = Server::new(50, Limit::None, Refusal::Bare429, seed).with_faults(0.2, 0.0);
        send_alone(&server, 5400, seed).await.assert_all_within(20.0, "20 %");
        let server = Server::new(50, Limit::None, Refusal::Bare429, seed).with_faults(0.2, 0.02);
        send_alone(&server, 5400, seed).await.assert_all_within(80.0, "and 2 % stall");
    }
    let server = Server::new(50, Limit::None, Refusal::After(1), 1).with_faults(0.2, 0.0);
    send_alone(&server, 5400, 1).await.assert_all_within(150.0, "and each refusal asks for a second");
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_found_among_faults_by_chance() {
    for seed in 1..4 {
        let limit = Limit::Bucket { rate: 50.0, burst: 50.0 };
        let server = Server::new(50, limit, Refusal::Bare429, seed).with_faults(0.2, 0.0);
        let outcome = send_alone(&server, 2000, seed).await;
        outcome.assert_all_within(70.0, "20 % and 50/s");
        assert!(outcome.refused < 0.2, "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_healthy_host_is_asked_as_fast_as_it_can_be() {
    for latency in [2, 50, 100] {
        let server = Server::new(latency, Limit::None, Refusal::Bare429, 1);
        let outcome = send_alone(&server, 1200, 1).await;
        // 19 rounds of 64 requests. The test clock has a resolution of one millisecond.
        let floor = server.latency * 19;
        assert!(outcome.took <= floor + Duration::from_millis(19), "{latency} ms: {outcome:?}");
        assert_eq!((outcome.lost, outcome.most_in_flight), (0, JOBS));
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_refuses_costs_another_nothing() {
    fastrand::seed(1);
    let (run, counters) = (run(), Counters::default());
    let (quick, slow) = (Gate::new("quick", Arc::clone(&run)), Gate::new("slow", run));
    let peer = |gate| Peer { gate, counters: &counters, class: RequestClass::Read };
    for refusal in [Refusal::Bare429, Refusal::After(1)] {
        let healthy = Server::new(50, Limit::None, refusal, 1);
        let limited = Server::new(50, Limit::Bucket { rate: 50.0, burst: 10.0 }, refusal, 1);
        let (healthy, limited) = tokio::join!(send(&healthy, peer(&quick), 5000), send(&limited, peer(&slow), 1000));
        // Alone, the healthy host takes 4 s. At first the other host has half of the permits, and later about three.
        healthy.assert_all_within(4.8, &format!("{refusal:?}"));
        limited.assert_all_within(25.0, &format!("{refusal:?}"));
    }
}

#[tokio::test(start_paused = true)]
async fn limits_that_were_given_are_never_passed() {
    let (gate, counters) = (Gate::new("host", run()), Counters::default());
    let rate = RateLimit { requests: NonZeroU32::new(40).unwrap(), per: Duration::from_secs(1) };
    gate.keep_to(Limits { concurrency: NonZeroUsize::new(3), rate: Some(rate) });
    let server = Server::new(50, Limit::Bucket { rate: 40.0, burst: 1.5 }, Refusal::Bare429, 1);
    let outcome = send(&server, Peer { gate: &gate, counters: &counters, class: RequestClass::Put }, 1000).await;
    outcome.assert_all_within(26.0, "40/s");
    assert!(outcome.most_in_flight <= 3);
    assert!(lock(&server.state).answers.iter().all(|(_, said)| *said == Said::Served));
}

#[tokio::test(start_paused = true)]
async fn writes_that_are_never_answered_are_given_up_once() {
    let (gate, counters) = (Gate::new("host", run()), Counters::default());
    let peer = |class| Peer { gate: &gate, counters: &counters, class };
    let healthy = Server::new(50, Limit::None, Refusal::Bare429, 1);
    send(&healthy, peer(RequestClass::Read), 10).await.assert_all_within(1.0, "reads");
    let broken = Server::new(50, Limit::None, Refusal::Bare429, 1).with_faults(1.0, 0.0);
    let mut took = Vec::new();
    for _ in 0..4 {
        let outcome = send(&broken, peer(RequestClass::Put), JOBS).await;
        assert_eq!(outcome.lost, JOBS);
        took.push(outcome.took.as_secs_f64());
    }
    assert!(took[0] > 8.0 && took[1..].iter().sum::<f64>() < 0.1, "{took:?}");
    send(&healthy, peer(RequestClass::Read), 10).await.assert_all_within(1.0, "reads go on");
}

#[tokio::test(start_paused = true)]
async fn writes_are_not_given_up_for_faults_by_chance() {
    for seed in 1..4 {
        fastrand::seed(seed);
        let (gate, counters) = (Gate::new("host", run()), Counters::default());
        // Half of the attempts fail, so one write in 256 fails in all its attempts. No other write is given up for
        // that.
        let server = Server::new(50, Limit::None, Refusal::Bare429, seed).with_faults(0.5, 0.0);
        let outcome = send(&server, Peer { gate: &gate, counters: &counters, class: RequestClass::Put }, 5400).await;
        assert!((1..60).contains(&outcome.lost), "{outcome:?}");
        assert!(gate.unless_in_vain(RequestClass::Put).is_ok());
    }
}
