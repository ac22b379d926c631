//! Permits, pauses, queues and dead hosts, one rule at a time.

use std::num::NonZeroU32;

use futures_util::future::join_all;
use tokio::time::{advance, sleep, timeout};

use super::*;
use crate::registry::tests::server::jobs;
use crate::registry::transport::response::classify;

mod simulation;

const SOON: Duration = Duration::from_millis(10);

fn gate(host: &str, run: &Arc<RunState>) -> Gate {
    Gate::new(host, Arc::clone(run))
}

fn run(at_once: usize) -> Arc<RunState> {
    Arc::new(RunState::new(jobs(at_once), Arc::new(|_| {})))
}

fn unreachable(why: &str) -> Failure {
    Failure::of(ErrorKind::Unreachable(why.into()))
}

fn answer(status: u16) -> ResponseClass {
    classify(reqwest::StatusCode::from_u16(status).unwrap(), &reqwest::header::HeaderMap::new())
}

/// Sends a request that takes no time.
async fn ask(gate: &Gate, counters: &Counters) {
    drop(gate.enter(RequestClass::Read, Turn::New, counters).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn permits_are_kept_and_given_back() {
    let (run, counters) = (run(2), Counters::default());
    let (a, b) = (gate("a", &run), gate("b", &run));
    let first = a.enter(RequestClass::Read, Turn::New, &counters).await.unwrap();
    let _second = b.enter(RequestClass::Put, Turn::New, &counters).await.unwrap();
    assert!(timeout(SOON, b.enter(RequestClass::Read, Turn::New, &counters)).await.is_err(), "the run has two");
    let tokens = join_all((0..2).map(|_| a.enter(RequestClass::Token, Turn::New, &counters))).await;
    assert!(timeout(SOON, a.enter(RequestClass::Token, Turn::New, &counters)).await.is_err(), "tokens have their own");
    drop((first, tokens));
    assert!(timeout(SOON, b.enter(RequestClass::Read, Turn::New, &counters)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_stream_waits_for_time_and_not_for_permits_to_ask_again() {
    let (run, counters) = (run(2), Counters::default());
    let (a, b) = (gate("a", &run), gate("b", &run));
    a.keep_to(Limits { concurrency: NonZeroUsize::new(1), rate: None });
    let _stream = Gate::enter_both(&a, &b, Turn::New, &counters).await.unwrap();
    let _other = b.enter(RequestClass::Read, Turn::New, &counters).await.unwrap();
    assert!(timeout(SOON, a.enter(RequestClass::Download, Turn::Repeated, &counters)).await.is_err(), "all are in use");
    timeout(SOON, a.enter_again(&counters)).await.expect("it has its permit").unwrap();
    a.refused(429, Some(Duration::from_secs(30)));
    assert!(timeout(Duration::from_secs(29), a.enter_again(&counters)).await.is_err(), "the pause is kept");
    timeout(Duration::from_secs(2), a.enter_again(&counters)).await.expect("the pause is over").unwrap();
    let limited = gate("c", &run);
    limited.keep_to(Limits {
        concurrency: None,
        rate: Some(RateLimit { requests: NonZeroU32::new(1).unwrap(), per: Duration::from_secs(1) }),
    });
    let began = Instant::now();
    for _ in 0..5 {
        limited.enter_again(&counters).await.unwrap();
    }
    assert!(began.elapsed() >= Duration::from_secs(3), "the rate is kept");
    run.stop.cancel();
    assert_eq!(a.enter_again(&counters).await.unwrap_err().kind, ErrorKind::Stopped);
}

#[tokio::test(start_paused = true)]
async fn no_more_go_to_a_host_than_was_said_of_it() {
    let (run, counters) = (run(8), Counters::default());
    let (a, b) = (gate("a", &run), gate("b", &run));
    a.keep_to(Limits { concurrency: NonZeroUsize::new(2), rate: None });
    let held = join_all((0..2).map(|_| a.enter(RequestClass::Read, Turn::New, &counters))).await;
    for class in
        [RequestClass::Read, RequestClass::Put, RequestClass::Post, RequestClass::Upload, RequestClass::Download]
    {
        assert!(timeout(SOON, a.enter(class, Turn::New, &counters)).await.is_err(), "{class:?}");
    }
    assert!(timeout(SOON, Gate::enter_both(&b, &a, Turn::New, &counters)).await.is_err());
    let others = join_all((0..6).map(|_| b.enter(RequestClass::Read, Turn::New, &counters)));
    assert!(timeout(SOON, others).await.is_ok(), "nobody holds what it can't use");
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_to_the_letter_by_all_that_is_sent() {
    let (run, counters) = (run(64), Counters::default());
    let a = gate("a", &run);
    let rate = RateLimit { requests: NonZeroU32::new(10).unwrap(), per: Duration::from_secs(1) };
    a.keep_to(Limits { concurrency: None, rate: Some(rate) });
    let began = Instant::now();
    let times = Mutex::new(Vec::new());
    let went = |requests: usize, permit: Result<Permit, Failure>| {
        drop(permit.unwrap());
        lock(&times).extend((0..requests).map(|_| began.elapsed()));
    };
    let reads = join_all((0..20).map(|_| async { went(1, a.enter(RequestClass::Read, Turn::New, &counters).await) }));
    let tokens = join_all((0..10).map(|_| async { went(1, a.enter(RequestClass::Token, Turn::New, &counters).await) }));
    let streams = join_all((0..5).map(|_| async { went(2, Gate::enter_both(&a, &a, Turn::New, &counters).await) }));
    tokio::join!(reads, tokens, streams);
    let times = lock(&times).clone();
    assert_eq!(times.len(), 40);
    for (first, time) in times.iter().enumerate() {
        let within = times[first..].iter().filter(|later| **later < *time + Duration::from_secs(1)).count();
        assert!(within <= 11, "{within} from {time:?}: a stream is two at once");
    }
    assert!(times[39] < Duration::from_secs(5), "{:?}", times[39]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_only_grows_and_is_waited_out() {
    let (run, counters) = (run(1), Counters::default());
    let a = gate("a", &run);
    a.refused(429, Some(Duration::from_secs(30)));
    a.refused(429, Some(Duration::from_secs(5)));
    let began = Instant::now();
    ask(&a, &counters).await;
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!(counters.stats().waited.as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn only_what_a_person_wonders_about_is_told() {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&notices);
    let run = Arc::new(RunState::new(jobs(8), Arc::new(move |notice| lock(&heard).push(notice))));
    let (a, counters) = (gate("a", &run), Counters::default());
    for _ in 0..12 {
        a.refused(429, None);
        advance(Duration::from_secs(10)).await;
        ask(&a, &counters).await;
    }
    let told = std::mem::take(&mut *lock(&notices));
    let paused =
        |notice: &Notice| matches!(notice, Notice::Paused { as_asked: false, wait, .. } if wait.as_secs() >= 2);
    assert!(told.iter().any(paused), "{told:?}");
    assert!(told.iter().all(|notice| paused(notice) || matches!(notice, Notice::Resumed { .. })), "{told:?}");
    a.refused(503, Some(Duration::from_secs(1)));
    a.refused(503, Some(Duration::from_secs(1)));
    ask(&a, &counters).await;
    let told = lock(&notices);
    assert!(
        matches!(&told[..], [Notice::Paused { status: 503, as_asked: true, .. }, Notice::Resumed { .. }]),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_paused_holds_nothing_of_others() {
    let (run, counters) = (run(1), Counters::default());
    let (a, b) = (gate("a", &run), gate("b", &run));
    let held = b.enter(RequestClass::Read, Turn::New, &counters).await.unwrap();
    let began = Instant::now();
    let waits = async { drop(a.enter(RequestClass::Read, Turn::New, &counters).await.unwrap()) };
    let streams = (0..9).map(|_| async { drop(Gate::enter_both(&a, &b, Turn::New, &counters).await.unwrap()) });
    let others = async {
        sleep(SOON).await;
        a.refused(429, Some(Duration::from_secs(30)));
        drop(held);
        for class in [RequestClass::Read, RequestClass::Token, RequestClass::Upload, RequestClass::Download] {
            assert!(timeout(SOON, b.enter(class, Turn::New, &counters)).await.is_ok(), "{class:?}");
        }
        assert!(began.elapsed() < Duration::from_secs(1));
    };
    tokio::join!(waits, join_all(streams), others);
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_slow_host_does_not_sit_on_all_permits() {
    let (run, counters) = (run(8), Counters::default());
    let (slow, quick) = (gate("slow", &run), gate("quick", &run));
    let (began, counters) = (Instant::now(), &counters);
    let ask = |gate, takes| async move {
        let _permit = Gate::enter(gate, RequestClass::Read, Turn::New, counters).await.unwrap();
        sleep(takes).await;
    };
    let of_slow = join_all((0..80).map(|_| ask(&slow, Duration::from_secs(1))));
    let of_quick = async {
        join_all((0..80).map(|_| ask(&quick, SOON))).await;
        began.elapsed()
    };
    let (_, quick) = tokio::join!(of_slow, of_quick);
    // 80 requests of 10 ms with four permits, as soon as the slow host has returned some permits.
    assert!(quick < Duration::from_millis(1400), "{quick:?}");
    assert!(began.elapsed() < Duration::from_millis(11_500), "and none lies idle: {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_was_here_before_goes_first() {
    let (run, counters) = (run(1), Counters::default());
    let a = gate("a", &run);
    let first = a.enter(RequestClass::Read, Turn::New, &counters).await.unwrap();
    let order = Mutex::new(Vec::new());
    let visit = |name: &'static str, turn| {
        let (a, counters, order) = (&a, &counters, &order);
        async move {
            let _permit = a.enter(RequestClass::Read, turn, counters).await.unwrap();
            lock(order).push(name);
        }
    };
    let visits = join_all([
        visit("new", Turn::New),
        visit("newer", Turn::New),
        visit("repeated", Turn::Repeated),
        visit("repeated too", Turn::Repeated),
    ]);
    let opened = async {
        sleep(SOON).await;
        drop(first);
    };
    tokio::join!(visits, opened);
    assert_eq!(*lock(&order), ["repeated", "repeated too", "new", "newer"]);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_line_loses_no_permit() {
    use futures_util::FutureExt as _;
    let (run, counters) = (run(2), Counters::default());
    let a = gate("a", &run);
    let enter = |turn| a.enter(RequestClass::Read, turn, &counters);
    let held = (enter(Turn::New).await.unwrap(), enter(Turn::Repeated).await.unwrap());
    assert!(timeout(SOON, enter(Turn::Repeated)).await.is_err());
    // This request is given a permit, and stops waiting before it can use the permit.
    let mut called = Box::pin(enter(Turn::New));
    assert!((&mut called).now_or_never().is_none());
    drop(held.0);
    drop(called);
    drop(held.1);
    let permits = [enter(Turn::New).now_or_never(), enter(Turn::New).now_or_never()];
    assert!(permits.iter().all(Option::is_some), "both are free again");
    assert!(enter(Turn::Repeated).now_or_never().is_none(), "and no more than both");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_serves_nothing_for_two_minutes_is_dead() {
    let (run, counters) = (run(1), Counters::default());
    let a = gate("a", &run);
    ask(&a, &counters).await;
    advance(Duration::from_secs(119)).await;
    a.failed(unreachable("first"), RequestClass::Read, Patience::Left);
    assert!(a.enter(RequestClass::Read, Turn::New, &counters).await.is_ok());
    advance(Duration::from_secs(2)).await;
    a.failed(unreachable("second"), RequestClass::Read, Patience::Left);
    let told = a.failed(unreachable("third"), RequestClass::Read, Patience::Over);
    assert_eq!(told.kind.to_string(), "second", "all are told what ended it");
    let refused = a.enter(RequestClass::Read, Turn::New, &counters).await.err().unwrap();
    assert_eq!(refused.kind.to_string(), "second");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_falls_silent_is_dead_too_and_one_that_nobody_asks_is_not() {
    let (run, counters) = (run(1), Counters::default());
    let a = gate("a", &run);
    ask(&a, &counters).await;
    a.answered(RequestClass::Read, answer(200));
    advance(Duration::from_mins(10)).await;
    ask(&a, &counters).await;
    a.failed(unreachable("once"), RequestClass::Read, Patience::Over);
    advance(Duration::from_mins(10)).await;
    ask(&a, &counters).await;
    a.failed(unreachable("after a rest"), RequestClass::Read, Patience::Over);
    advance(Duration::from_secs(100)).await;
    drop(a.enter(RequestClass::Upload, Turn::New, &counters).await.unwrap());
    ask(&a, &counters).await;
    a.answered(RequestClass::Read, answer(404));
    ask(&a, &counters).await;
    for _ in 0..2 {
        advance(Duration::from_mins(1)).await;
        ask(&a, &counters).await;
    }
    assert_eq!(
        a.failed(unreachable("two minutes"), RequestClass::Read, Patience::Left).kind.to_string(),
        "two minutes"
    );
    assert!(a.enter(RequestClass::Read, Turn::New, &counters).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_host_that_answers_no_write_is_asked_for_no_more() {
    let (run, counters) = (run(8), Counters::default());
    let a = gate("a", &run);
    let give_up = |class, why| a.failed(unreachable(why), class, Patience::Over).kind.to_string();
    a.answered(RequestClass::Read, answer(200));
    for _ in 0..3 {
        give_up(RequestClass::Put, "reset");
    }
    a.answered(RequestClass::Put, answer(403));
    for why in ["1", "2", "3", "4", "5"] {
        assert!(a.enter(RequestClass::Put, Turn::New, &counters).await.is_ok() || why == "5", "{why}");
        // The answers to reads and uploads say nothing about writing manifests.
        a.answered(RequestClass::Read, answer(200));
        a.answered(RequestClass::Upload, answer(201));
        assert_eq!(give_up(RequestClass::Put, why), if why == "5" { "4" } else { why });
        give_up(RequestClass::Read, "a read that fails is no sign");
    }
    let refused = a.enter(RequestClass::Put, Turn::New, &counters).await.err().unwrap();
    assert_eq!(refused.kind.to_string(), "4");
    for class in
        [RequestClass::Read, RequestClass::Token, RequestClass::Post, RequestClass::Upload, RequestClass::Download]
    {
        assert!(a.enter(class, Turn::New, &counters).await.is_ok(), "{class:?}");
    }
    a.answered(RequestClass::Put, answer(201));
    assert!(
        a.enter(RequestClass::Put, Turn::New, &counters).await.is_ok(),
        "one that was on its way was answered after all"
    );
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
            sleep(SOON).await;
        }
    });
    let began = Instant::now();
    join_all(streams).await;
    assert!(began.elapsed() >= SOON * 10, "four at a time");
    assert!(began.elapsed() < SOON * 15, "and no fewer: {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn streams_tokens_and_requests_of_one_host_never_wait_in_a_circle() {
    for jobs in [1, 2, 3] {
        let (run, counters) = (run(jobs), Counters::default());
        let a = gate("a", &run);
        a.keep_to(Limits { concurrency: NonZeroUsize::new(1), rate: None });
        let visit = |n: usize| {
            let (a, counters) = (&a, &counters);
            async move {
                // Like the transport: the token first, for every kind of request.
                drop(a.enter(RequestClass::Token, Turn::New, counters).await.unwrap());
                let _permit = match n % 4 {
                    0 => Gate::enter_both(a, a, Turn::New, counters).await.unwrap(),
                    1 => a.enter(RequestClass::Upload, Turn::Repeated, counters).await.unwrap(),
                    2 => a.enter(RequestClass::Put, Turn::New, counters).await.unwrap(),
                    _ => a.enter(RequestClass::Read, Turn::Repeated, counters).await.unwrap(),
                };
                sleep(SOON).await;
            }
        };
        let all = join_all((0..40).map(visit));
        assert!(timeout(SOON * 50, all).await.is_ok(), "{jobs}");
    }
}
