use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::exec::tests::fake::Fault;
use crate::exec::tests::world::World;
use crate::plan::Action;
use crate::registry::ErrorKind;

/// Declares a list of one member in a repository of its own, which does not exist yet.
fn declare(world: &mut World, target: &str, source: &str, wait: u64) {
    world.declare(target, &["1"], &[("linux/amd64", source)]);
    let mut list = Arc::unwrap_or_clone(world.publications.pop().unwrap());
    list.rules.wait = Duration::from_secs(wait);
    world.publications.push(Arc::new(list));
}

fn world(wait: u64) -> World {
    let mut world = World::new();
    declare(&mut world, "r.example/app", "r.example/late:1", wait);
    world
}

/// Makes the image exist from its `nth` query on.
fn comes(world: &Arc<World>, source: &'static str, nth: usize) {
    let (asked, late) = (AtomicUsize::new(0), Arc::downgrade(world));
    world.fake.before(&format!("HEAD {source}"), move || {
        if asked.fetch_add(1, Ordering::Relaxed) + 1 == nth {
            late.upgrade().unwrap().fake.image(source, "linux/amd64", "");
        }
    });
}

/// Returns how often the image was queried.
fn asked(world: &World, source: &str) -> usize {
    world.fake.take_log().iter().filter(|line| **line == format!("HEAD {source}")).count()
}

/// Returns the members and the seconds left of each event.
fn told(world: &World) -> Vec<(usize, u64)> {
    let waiting = |event| match event {
        Event::Waiting { members, left } => Some((members, left.as_secs())),
        _ => None,
    };
    world.take_events().into_iter().filter_map(waiting).collect()
}

#[tokio::test(start_paused = true)]
async fn an_absent_member_is_asked_for_again_until_it_is_there() {
    let world = Arc::new(world(60));
    comes(&world, "r.example/late:1", 4);
    let began = Instant::now();
    assert_eq!(world.plan().await.lists[0].action, Action::Create);
    assert_eq!(began.elapsed().as_secs(), 1 + 2 + 4);
    assert_eq!(told(&world), [(1, 59), (1, 57), (1, 53), (0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_for_the_last_time_when_its_time_is_over_and_then_believed() {
    let world = world(30);
    let began = Instant::now();
    assert_eq!(world.plan().await.lists[0].action, Action::Blocked);
    assert_eq!(began.elapsed().as_secs(), 30);
    // At 0, 1, 3, 7, 15, 25 and 30 seconds.
    assert_eq!(asked(&world, "r.example/late:1"), 7);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_is_told_at_once() {
    let world = world(0);
    let began = Instant::now();
    assert_eq!(world.plan().await.lists[0].action, Action::Blocked);
    assert!(began.elapsed().is_zero());
    assert_eq!((asked(&world, "r.example/late:1"), told(&world)), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn one_clock_runs_for_all() {
    let mut world = world(20);
    // It is queried only when the wait for the first member is over. Then its own wait is over too.
    declare(&mut world, "r.example/other", "r.example/never:1", 20);
    declare(&mut world, "r.example/patient", "r.example/slow:1", 50);
    let began = Instant::now();
    let plan = world.plan().await;
    assert!(plan.lists.iter().all(|list| list.action == Action::Blocked));
    assert_eq!(began.elapsed().as_secs(), 50);
}

#[test]
fn a_member_that_is_first_found_absent_late_has_what_is_left() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = world(20);
        declare(&mut world, "r.example/other", "r.example/never:1", 5);
        let mut waits = Waits::of(&world.publications);
        let source = |list: usize| &world.publications[list].members[0].source;
        assert_eq!(waits.pause(source(0)), Some(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_millis(4500)).await;
        assert_eq!(waits.pause(source(1)), Some(Duration::from_millis(500)));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(waits.pause(source(1)), None);
        assert_eq!(waits.pause(source(0)), Some(Duration::from_secs(2)));
    });
}

#[tokio::test(start_paused = true)]
async fn the_others_go_on_meanwhile() {
    let mut waiting = world(60);
    waiting.fake.image("r.example/there:1", "linux/amd64", "");
    declare(&mut waiting, "r.example/b", "r.example/there:1", 0);
    declare(&mut waiting, "r.example/c", "r.example/gone:1", 0);
    waiting.plan().await;
    let events = waiting.take_events();
    let decided = events.iter().position(|event| matches!(event, Event::Reading { done: 2, total: 3 })).unwrap();
    let first = events.iter().position(|event| matches!(event, Event::Waiting { .. })).unwrap();
    assert!(decided < first);
}

#[tokio::test(start_paused = true)]
async fn a_member_of_two_lists_is_waited_for_as_long_as_the_more_patient_says() {
    let mut impatient = world(0);
    declare(&mut impatient, "r.example/other", "r.example/late:1", 30);
    let world = Arc::new(impatient);
    comes(&world, "r.example/late:1", 2);
    assert!(world.plan().await.lists.iter().all(|list| list.action == Action::Create));
}

#[tokio::test(start_paused = true)]
async fn what_is_yet_to_be_published_is_not_waited_for() {
    let mut world = world(60);
    world.fake.image("r.example/base:1-amd64", "linux/amd64", "");
    world.declare("r.example/late", &["1"], &[("linux/amd64", "r.example/base:1-amd64")]);
    let began = Instant::now();
    let plan = world.plan().await;
    assert_eq!(plan.lists.iter().map(|list| list.action).collect::<Vec<_>>(), [Action::Blocked, Action::Create]);
    assert!(began.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_no_absence() {
    for kind in [ErrorKind::Unauthorized, ErrorKind::Server, ErrorKind::RateLimited { retry_after: None }] {
        let world = world(60);
        world.fake.fault("HEAD r.example/late:1", 9, Fault::Fail(kind));
        let began = Instant::now();
        assert_eq!(world.plan().await.lists[0].action, Action::Failed);
        assert!(began.elapsed().is_zero());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_while_it_is_waited_for_ends_the_wait() {
    let world = Arc::new(world(60));
    let asked = AtomicUsize::new(0);
    let failing = Arc::downgrade(&world);
    world.fake.before("HEAD r.example/late:1", move || {
        if asked.fetch_add(1, Ordering::Relaxed) == 1 {
            failing.upgrade().unwrap().fake.fault("HEAD r.example/late:1", 1, Fault::Fail(ErrorKind::Server));
        }
    });
    assert_eq!(world.plan().await.lists[0].action, Action::Failed);
    assert_eq!(told(&world).last(), Some(&(0, 0)));
}

#[tokio::test(start_paused = true)]
async fn more_absent_members_than_a_host_is_asked_for_at_once_keep_nobody_waiting() {
    let mut world = World::new();
    for member in 0..600 {
        declare(&mut world, &format!("r.example/app{member}"), &format!("r.example/late{member}:1"), 5);
    }
    world.fake.image("r.example/there:1", "linux/amd64", "");
    declare(&mut world, "r.example/b", "r.example/there:1", 0);
    let began = Instant::now();
    let plan = world.plan().await;
    assert_eq!((plan.lists[600].action, began.elapsed().as_secs()), (Action::Create, 5));
    assert_eq!(told(&world).first().map(|(members, _)| *members), Some(600));
}
