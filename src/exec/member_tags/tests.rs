use std::sync::Arc;

use crate::config::model::MemberTag;
use crate::exec::report::{Outcome, TagDone};
use crate::exec::tests::fake::Fault;
use crate::exec::tests::world::{OPTIONS, World, codes, words};
use crate::oci::{Reference, Tag};
use crate::registry::ErrorKind;

/// Creates a list of two members, one of them in a repository of its own. Each has a member tag in the list's
/// repository.
fn world(host: &str) -> World {
    let mut world = World::new();
    let (app, own) = (format!("{host}/app"), format!("{host}/app-s390x:1"));
    let built = format!("{app}:build-amd64");
    world.fake.image(&built, "linux/amd64", "");
    world.fake.image(&own, "linux/s390x", "");
    world.declare(&app, &["1"], &[("linux/amd64", &built), ("linux/s390x", &own)]);
    let mut list = Arc::unwrap_or_clone(world.publications.pop().unwrap());
    for (member, tag) in list.members.iter_mut().zip(["1-amd64", "1-s390x"]) {
        member.tags.push(MemberTag { tag: Tag::parse(tag).unwrap(), span: member.source_span.clone() });
    }
    world.publications.push(Arc::new(list));
    world
}

fn position(log: &[String], line: &str) -> usize {
    log.iter().position(|found| found == line).unwrap_or_else(|| panic!("no {line} in {log:#?}"))
}

#[tokio::test]
async fn they_stand_before_the_list_does_and_after_the_children() {
    let world = world("r.example");
    let reports = world.sync().await;
    assert_eq!((words(&reports), &reports[0].member_tags), (vec!["created"], &vec![TagDone::Yes; 2]));
    let log = world.fake.take_log();
    let child = log.iter().position(|line| line.starts_with("PUT r.example/app@")).unwrap();
    let (amd64, s390x) = (position(&log, "PUT r.example/app:1-amd64"), position(&log, "PUT r.example/app:1-s390x"));
    assert!(child < amd64.min(s390x) && amd64.max(s390x) < position(&log, "PUT r.example/app:1"), "{log:#?}");
    assert_eq!(world.named("r.example/app:1-amd64"), world.named("r.example/app:build-amd64"));
    assert_eq!(world.named("r.example/app:1-s390x"), world.named("r.example/app-s390x:1"));
    assert_eq!(words(&world.sync().await), ["unchanged"]);
}

#[tokio::test]
async fn where_only_they_differ_the_list_is_not_written() {
    let world = world("r.example");
    world.sync().await;
    let other = world.named("r.example/app:1").unwrap();
    world.fake.tag(&Reference::parse("r.example/app:1-s390x").unwrap(), &other);
    let reports = world.sync().await;
    assert_eq!((words(&reports), &reports[0].member_tags), (vec!["updated"], &vec![TagDone::Yes; 2]));
    let puts: Vec<String> = world.fake.take_log().into_iter().filter(|line| line.starts_with("PUT")).collect();
    assert_eq!(puts, ["PUT r.example/app:1-s390x"]);
}

#[tokio::test]
async fn one_that_is_refused_fails_the_list_before_it_is_written() {
    let world = world("r.example");
    let plan = world.plan().await;
    world.fake.fault("PUT r.example/app:1-amd64", 9, Fault::Fail(ErrorKind::Denied));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!((words(&reports), codes(&reports[0])), (vec!["failed"], vec!["mlist::registry::denied"]));
    assert_eq!((&reports[0].tags, &reports[0].member_tags), (&vec![TagDone::No], &vec![TagDone::No, TagDone::Yes]));
    assert_eq!(world.named("r.example/app:1"), None);
}

#[tokio::test]
async fn they_are_judged_by_what_they_name() {
    let world = world("r.example");
    let plan = world.plan().await;
    world.fake.fault("PUT r.example/app:1-amd64", 1, Fault::DoneAndFail(ErrorKind::Immutable));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!((words(&reports), &reports[0].member_tags), (vec!["created"], &vec![TagDone::Yes; 2]));
}

#[tokio::test]
async fn one_that_others_moved_since_the_plan_is_left_alone() {
    let world = world("r.example");
    let plan = world.plan().await;
    let other = world.fake.image("r.example/app:other", "linux/amd64", "other").digest;
    world.fake.tag(&Reference::parse("r.example/app:1-amd64").unwrap(), &other);
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(codes(&reports[0]), ["mlist::exec::moved_meanwhile"]);
    assert_eq!((world.named("r.example/app:1-amd64"), world.named("r.example/app:1")), (Some(other), None));
}

#[tokio::test]
async fn an_earlier_runs_are_not_written_again() {
    let world = world("r.example");
    let plan = world.plan().await;
    world.execute(plan.clone(), OPTIONS).await;
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(reports[0].outcome, Outcome::Published);
    assert!(!world.fake.take_log().iter().any(|line| line.starts_with("PUT r.example/app:")));
}

#[tokio::test]
async fn quay_gets_them_one_after_the_other() {
    let world = world("quay.io");
    world.execute(world.plan().await, OPTIONS).await;
    assert_eq!(world.fake.most_puts_at_once(), 1);
}
