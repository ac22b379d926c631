use crate::exec::report::TagDone;
use crate::exec::tests::fake::Fault;
use crate::exec::tests::world::{OPTIONS, World, codes, words};
use crate::exec::{Event, ListStep};
use crate::oci::Place;
use crate::registry::ErrorKind;

fn position(log: &[String], what: &str) -> usize {
    log.iter().position(|line| line.contains(what)).unwrap_or_else(|| panic!("no {what} in {log:#?}"))
}

#[tokio::test]
async fn a_list_is_not_written_where_a_child_could_not_be() {
    let world = World::with_lists(&["r.example/app"]);
    let plan = world.plan().await;
    let child = plan.lists[0].children[1].descriptor.digest.clone();
    world.fake.fault(&format!("PUT r.example/app@{child}"), 9, Fault::Fail(ErrorKind::Denied));
    let reports = world.execute(plan.clone(), OPTIONS).await;
    assert_eq!((words(&reports), codes(&reports[0])), (vec!["failed"], vec!["mlist::registry::denied"]));
    assert_eq!(reports[0].tags, [TagDone::No]);
    assert!(!world.fake.take_log().iter().any(|line| line.starts_with("PUT r.example/app:")));
    // The other child already exists in the target. It is not sent again once the fault is fixed.
    let target = Place::parse("r.example/app").unwrap();
    assert!(world.fake.has(&target, &plan.lists[0].children[0].descriptor.digest));
}

#[tokio::test]
async fn one_cause_is_told_once() {
    let world = World::with_lists(&["r.example/app"]);
    let plan = world.plan().await;
    world.fake.fault("BLOB", 99, Fault::Fail(ErrorKind::Unreachable("no answer".into())));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(codes(&reports[0]), ["mlist::registry::unreachable"]);
}

#[tokio::test]
async fn a_host_that_dies_before_the_tags_are_looked_at_fails_the_list() {
    let world = World::with_lists(&["r.example/app"]);
    let plan = world.plan().await;
    world.fake.fault("HEAD", 99, Fault::Fail(ErrorKind::Server));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(codes(&reports[0]), ["mlist::registry::server"]);
    assert_eq!(world.named("r.example/app:1"), None);
}

#[tokio::test]
async fn a_first_publish_costs_what_the_table_says() {
    let mut world = World::new();
    let arches = ["amd64", "arm64", "ppc64le", "s390x", "riscv64"];
    let members = arches.map(|arch| (format!("linux/{arch}"), format!("r.example/{arch}:1")));
    for (platform, source) in &members {
        world.fake.image(source, platform, "");
    }
    let members = members.each_ref().map(|(platform, source)| (platform.as_str(), source.as_str()));
    world.declare("r.example/app", &["1"], &members);
    let plan = world.plan().await;
    let mut log = world.fake.take_log();
    world.execute(plan, OPTIONS).await;
    log.extend(world.fake.take_log());
    let count = |verb: &str| log.iter().filter(|line| line.starts_with(verb)).count();
    // The table counts one config and one layer per image. Here the images also share a second layer.
    assert_eq!(["HEAD", "GET", "CONFIG", "BLOB", "PUT"].map(count), [7, 5, 5, 11, 6]);
}

#[tokio::test]
async fn the_tags_are_looked_at_once_all_blobs_are_there_and_the_list_comes_last() {
    let world = World::with_lists(&["r.example/app"]);
    world.sync().await;
    let log = world.fake.take_log();
    let last_blob = log.iter().rposition(|line| line.starts_with("BLOB")).unwrap();
    let last_child = log.iter().rposition(|line| line.starts_with("PUT r.example/app@")).unwrap();
    assert!(last_blob < position(&log, "HEAD r.example/app:1"), "{log:#?}");
    assert!(last_child < position(&log, "PUT r.example/app:1"), "{log:#?}");
}

#[tokio::test]
async fn steps_say_what_the_list_is_at() {
    let mut world = World::new();
    world.fake.image("r.example/src:1", "linux/amd64", "");
    world.declare("r.example/app", &["1"], &[("linux/amd64", "r.example/src:1")]);
    world.sync().await;
    let step = |event: Event| match event {
        Event::Began { .. } => Some("began".to_owned()),
        Event::Step { step: ListStep::Mounting { .. }, .. } => Some("mounting".to_owned()),
        Event::Step { step: ListStep::Copied { done: 1, of: 1, .. }, .. } => Some("copied".to_owned()),
        Event::Step { step: ListStep::Writing, .. } => Some("writing".to_owned()),
        Event::Ended { report, .. } => Some(report.word().to_owned()),
        Event::Reading { .. } => None,
        other => panic!("{other:?}"),
    };
    let steps: Vec<String> = world.take_events().into_iter().filter_map(step).collect();
    assert_eq!(steps, ["began", "mounting", "copied", "writing", "created"]);
}
