use std::sync::Arc;

use super::*;
use crate::exec::AfterFailure;
use crate::exec::report::{Signal, TagDone};
use crate::exec::tests::fake::Fault;
use crate::exec::tests::world::{OPTIONS, World, codes, words};
use crate::plan::CheckDepth;
use crate::registry::ErrorKind;
use crate::registry::jobs;

const THREE: [&str; 3] = ["r.example/a", "r.example/b", "r.example/c"];

fn unreachable() -> Fault {
    Fault::Fail(ErrorKind::Unreachable("no connection within 10s".into()))
}

/// Returns the lists in the order of the events that `which` selects.
fn order(events: &[Event], which: fn(&Event) -> Option<usize>) -> Vec<usize> {
    events.iter().filter_map(which).collect()
}

fn ended(event: &Event) -> Option<usize> {
    if let Event::Ended { list, .. } = event { Some(*list) } else { None }
}

fn began(event: &Event) -> Option<usize> {
    if let Event::Began { list } = event { Some(*list) } else { None }
}

#[tokio::test]
async fn a_failing_list_stops_no_other() {
    let world = World::with_lists(&THREE);
    let plan = world.plan().await;
    world.fake.fault("PUT r.example/a", 99, unreachable());
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(words(&reports), ["failed", "created", "created"]);
}

#[tokio::test]
async fn where_failures_stop_the_run_nothing_new_is_begun() {
    let world = World::with_lists(&THREE);
    let plan = world.plan().await;
    world.fake.fault("PUT r.example/a", 99, unreachable());
    let options = ExecutorOptions { jobs: jobs(1), after_failure: AfterFailure::BeginNothing };
    let reports = world.execute(plan, options).await;
    assert_eq!(reports[1].outcome, Outcome::Cancelled { begun: false });
    assert_eq!(words(&reports), ["failed", "cancelled", "cancelled"]);
    assert_eq!((world.named("r.example/b:1"), world.named("r.example/c:1")), (None, None));
    assert_eq!(order(&world.take_events(), ended), [0, 1, 2]);
}

#[tokio::test]
async fn a_list_without_an_answer_stops_such_a_run_before_it_begins() {
    let world = World::with_lists(&THREE);
    world.fake.fault("HEAD r.example/c", 99, unreachable());
    let options = ExecutorOptions { jobs: jobs(1), after_failure: AfterFailure::BeginNothing };
    let reports = world.execute(world.plan().await, options).await;
    assert_eq!(words(&reports), ["cancelled", "cancelled", "failed"]);
}

#[tokio::test]
async fn what_needs_no_work_is_reported_as_it_is() {
    let mut world = World::with_lists(&THREE);
    assert_eq!(words(&world.sync().await), ["created"; 3]);
    world.declare("r.example/a", &["2"], &[("linux/amd64", "r.example/absent:1")]);
    world.fake.fault("HEAD r.example/b:1", 9, unreachable());
    world.take_events();
    let reports = world.sync().await;
    assert_eq!(words(&reports), ["unchanged", "failed", "unchanged", "blocked"]);
    assert_eq!((reports[0].tags[0], reports[1].tags[0]), (TagDone::Yes, TagDone::No));
    assert_eq!(
        (codes(&reports[1]), codes(&reports[3])),
        (vec!["mlist::registry::unreachable"], vec!["mlist::plan::member_absent"])
    );
    assert_eq!(world.fake.take_log(), Vec::<String>::new());
    assert_eq!(order(&world.take_events(), ended), [0, 1, 2, 3]);
}

#[tokio::test]
async fn one_job_works_in_the_order_of_the_file() {
    let world = World::with_lists(&["z.example/a", "r.example/b", "a.example/c"]);
    let plan = world.plan().await;
    world.take_events();
    world.execute(plan, ExecutorOptions { jobs: jobs(1), ..OPTIONS }).await;
    let events = world.take_events();
    let listed: Vec<(bool, usize)> = events
        .iter()
        .filter_map(|event| began(event).map(|list| (true, list)).or(ended(event).map(|list| (false, list))))
        .collect();
    assert_eq!(listed, [(true, 0), (false, 0), (true, 1), (false, 1), (true, 2), (false, 2)]);
}

#[tokio::test]
async fn a_host_that_hangs_holds_up_no_other() {
    let world =
        World::with_lists(&["slow.example/a", "slow.example/b", "slow.example/c", "r.example/d", "r.example/e"]);
    let plan = world.plan().await;
    world.fake.fault("PUT slow.example", 99, Fault::Hang);
    let run = world.execute(plan, ExecutorOptions { jobs: jobs(2), ..OPTIONS });
    assert!(tokio::time::timeout(Duration::from_millis(200), run).await.is_err());
    let events = world.take_events();
    let mut others = order(&events, ended);
    others.sort_unstable();
    assert_eq!(others, [3, 4]);
    let at_slow = order(&events, began).into_iter().filter(|list| *list < 3).count();
    assert_eq!(at_slow, 2, "no more lists than jobs are at work on a host");
}

#[tokio::test]
async fn a_stop_ends_what_waits_and_begins_nothing() {
    let world = World::with_lists(&THREE);
    let plan = world.plan().await;
    world.fake.fault("BLOB", 1, Fault::Hang);
    let stopping = async {
        world.fake.died().await;
        world.stop.request(Signal::Interrupt);
    };
    let (reports, ()) = tokio::join!(world.execute(plan, ExecutorOptions { jobs: jobs(1), ..OPTIONS }), stopping);
    assert_eq!(reports[0].outcome, Outcome::Cancelled { begun: true });
    assert_eq!(reports[1].outcome, Outcome::Cancelled { begun: false });
    assert!(reports.iter().all(|report| report.tags == [TagDone::No] && report.problems.is_empty()));
    let events = world.take_events();
    let stops: Vec<usize> = events
        .iter()
        .filter_map(|event| if let Event::Stopping { lists } = event { Some(*lists) } else { None })
        .collect();
    assert_eq!((stops, order(&events, ended)), (vec![1], vec![0, 1, 2]));
}

#[tokio::test]
async fn what_the_stop_cuts_off_is_cancelled_not_failed() {
    let world = World::with_lists(&THREE[..1]);
    let plan = world.plan().await;
    world.fake.fault("BLOB", 99, Fault::Fail(ErrorKind::Stopped));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(reports[0].outcome, Outcome::Cancelled { begun: true });
    assert!(reports[0].problems.is_empty());
}

/// Creates lists with members in their own repositories, in another registry and in the target, with two tags, and with
/// a layer that all of them share.
fn mixed() -> World {
    let mut world = World::with_lists(&["r.example/a", "r.example/b"]);
    world.fake.image("other.example/c-amd64:1", "linux/amd64", "");
    world.fake.image("r.example/c:1-s390x", "linux/s390x", "");
    world.declare(
        "r.example/c",
        &["1", "latest"],
        &[("linux/amd64", "other.example/c-amd64:1"), ("linux/s390x", "r.example/c:1-s390x")],
    );
    world
}

#[tokio::test]
async fn a_run_that_is_killed_anywhere_is_finished_by_the_next() {
    for at_once in [1, 8] {
        let mut killed = 0;
        for calls in 0.. {
            let world = mixed();
            world.fake.die_after(calls);
            let run =
                async { world.execute(world.plan().await, ExecutorOptions { jobs: jobs(at_once), ..OPTIONS }).await };
            let finished = tokio::select! {
                reports = run => Some(reports),
                () = world.fake.died() => None,
            };
            world.fake.revive();
            let reports = world.sync().await;
            assert!(
                reports.iter().all(|report| matches!(report.word(), "created" | "updated" | "unchanged")),
                "{calls}"
            );
            assert!(
                ["a:1", "b:1", "c:1", "c:latest"].iter().all(|tag| world.named(&format!("r.example/{tag}")).is_some())
            );
            assert_eq!(words(&world.sync().await), ["unchanged"; 3], "after {calls} calls");
            assert_eq!(world.fake.refusals(), 0, "after {calls} calls");
            killed = calls;
            if finished.is_some() {
                break;
            }
        }
        assert!(killed > 40, "a run makes more than {killed} calls");
    }
}

#[test]
fn a_run_can_be_spawned() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let world = World::new();
    let plan = Arc::new(Plan::default());
    drop(is_send(execute(plan, &world.fake, OPTIONS, &world.stop, &world.relay)));
    drop(is_send(crate::exec::plan_lists(&world.publications, CheckDepth::List, &world.fake, world.relay.listener())));
}
