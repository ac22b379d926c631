//! Responses that ask the client to retry later, in all forms.

use std::time::Instant;

use crate::support::registry::Then;
use crate::support::registry::storm::{Limit, Says};

use super::{ALWAYS, World, fault};

/// Checks that the list is published although the first read, mount and write each get this fault. Returns the time
/// that it took, in seconds.
fn wait_out(then: Then) -> f64 {
    let faults = [
        fault("HEAD", "/manifests/", 1, then),
        fault("POST", "/blobs/", 1, then),
        fault("PUT", "/manifests/v1", 1, then),
    ];
    let world = World::faulty(&faults);
    let began = Instant::now();
    world.assert_gets_over();
    began.elapsed().as_secs_f64()
}

#[test]
fn seconds_are_waited_out() {
    let took = wait_out(Then::RetryAfter(1));
    assert!(took >= 3.0, "three times a second: {took}");
}

#[test]
fn a_date_is_waited_for() {
    // A date has whole seconds: two seconds from now may be little more than one.
    let took = wait_out(Then::RetryAt(2));
    assert!(took >= 3.0, "three times more than a second: {took}");
}

#[test]
fn a_time_in_the_body_is_waited_out() {
    wait_out(Then::RetryInWords("toomanyrequests: retry-after: 12.5ms, allowed: 2000/minute"));
}

#[test]
fn a_bare_429_is_got_over() {
    wait_out(Then::Status(429));
}

#[test]
fn the_words_of_docker_hub_are_got_over() {
    wait_out(Then::Words(429, "Too Many Requests (HAP429).\n"));
}

#[test]
fn a_bare_503_is_got_over_six_times() {
    let world = World::faulty(&[
        fault("HEAD", "/acme/app-amd64/manifests/", 6, Then::Status(503)),
        fault("GET", "/acme/app-arm64/manifests/", 6, Then::Status(503)),
    ]);
    world.assert_gets_over();
}

#[test]
fn an_hour_is_not_waited_out_but_told() {
    let world = World::faulty(&[fault("HEAD", "/manifests/", ALWAYS, Then::RetryAfter(3600))]);
    let began = Instant::now();
    let run = world.sync().ends(1);
    assert!(began.elapsed().as_secs() < 30, "at once: {:?}", began.elapsed());
    let problem = run.problem("mlist::registry::rate_limited");
    let help = problem["help"].as_str().expect("a help");
    assert!(help.starts_with("try again in 1h 00m; "), "{problem}");
    assert_eq!((&problem["retry"], &problem["http"]["status"]), (&true.into(), &429.into()));
}

#[test]
fn a_limit_is_kept_to() {
    for says in [Says::Nothing, Says::InASecond] {
        let world = World::new(|knobs| knobs.limit = Some(Limit::new(10, 2, says)));
        let run = world.sync().ends(0);
        let refused = run.log.filter(|exchange| exchange.status == 429);
        assert!(refused.len() > 0, "it was kept to for nothing: {}", run.log);
        world.inner().knobs().limit = None;
        world.assert_published();
        world.assert_unchanged();
    }
}
