use std::sync::Arc;

use crate::config::model::{Newest, Publication, TargetTag};
use crate::exec::ListReport;
use crate::exec::report::{Outcome, Signal, TagDone};
use crate::exec::tests::fake::{Fake, Fault};
use crate::exec::tests::interleave::{Scene, Sight, Turns, every_order};
use crate::exec::tests::world::{OPTIONS, World, codes, words};
use crate::naming::{Partial, Piece, Version, VersionPart};
use crate::oci::{Digest, Reference, Tag};
use crate::plan::TagFate;
use crate::registry::ErrorKind;

/// Declares `r.example/app` in a version, with its own tag, the tag of its minor version, and `latest`.
fn declare(world: &mut World, version: &str) -> Arc<Publication> {
    declare_in(world, "r.example/app", version)
}

/// Like [`declare`], in another target.
fn declare_in(world: &mut World, target: &str, version: &str) -> Arc<Publication> {
    let source = format!("{target}:{version}-amd64");
    world.fake.image(&source, "linux/amd64", "");
    world.declare(target, &[version], &[("linux/amd64", &source)]);
    let mut list = Arc::unwrap_or_clone(world.publications.pop().unwrap());
    let open = |part| Piece::Open { name: (), part, filters: Vec::new() };
    let parsed = Version::parse(version).unwrap();
    let minor =
        Partial::new(vec![open(Some(VersionPart::Major)), Piece::Text(".".to_owned()), open(Some(VersionPart::Minor))]);
    for claim in [Partial::new(vec![Piece::Text("latest".to_owned())]), minor] {
        let tag = Tag::parse(&claim.with(version).unwrap()).unwrap();
        let published_as = Partial::new(vec![open(None)]);
        let newest = Newest { version: parsed.clone(), claim, published_as, rivals: Vec::new() };
        list.tags.push(TargetTag { newest: Some(newest), ..TargetTag::always(tag, list.tags[0].span.clone()) });
    }
    let list = Arc::new(list);
    world.publications.push(Arc::clone(&list));
    list
}

fn world(version: &str) -> World {
    let mut world = World::new();
    declare(&mut world, version);
    world
}

fn app(tag: &str) -> Reference {
    Reference::parse(&format!("r.example/app:{tag}")).unwrap()
}

/// Publishes a version under its own tag only, as another run would.
fn release(fake: &Fake, version: &str) -> Digest {
    fake.image(&format!("r.example/app:{version}"), "linux/amd64", version).digest
}

/// Returns the calls that the execution made, with their method and tag.
fn calls(world: &World) -> Vec<String> {
    let log = world.fake.take_log();
    let short = |line: &String| line.replace("r.example/app:", "").replace(" r.example/app", "");
    log.iter().filter(|line| !line.contains('@')).map(short).collect()
}

fn fates(report: &ListReport) -> Vec<TagFate> {
    report.plan.tags.iter().map(|tag| tag.fate).collect()
}

#[tokio::test]
async fn they_come_last_one_after_the_other_between_two_looks_at_all_tags() {
    let world = world("1.2.0");
    let reports = world.sync().await;
    assert_eq!((words(&reports), &reports[0].tags), (vec!["created"], &vec![TagDone::Yes; 3]));
    let mut calls = calls(&world);
    calls[..3].sort();
    assert_eq!(calls, ["HEAD 1.2", "HEAD 1.2.0", "HEAD latest", "PUT 1.2.0", "TAGS", "PUT latest", "PUT 1.2", "TAGS"]);
}

#[tokio::test]
async fn a_list_without_them_lists_no_tags() {
    let mut world = world("1.2.0");
    world.sync().await;
    world.fake.image("r.example/app:1.2.0-amd64", "linux/amd64", "again");
    let mut list = Arc::unwrap_or_clone(world.publications.pop().unwrap());
    list.tags.truncate(1);
    world.publications.push(Arc::new(list));
    assert_eq!(words(&world.sync().await), ["updated"]);
    assert_eq!(calls(&world), ["HEAD 1.2.0", "PUT 1.2.0"]);
}

#[tokio::test]
async fn a_version_that_came_out_since_the_plan_keeps_its_tags() {
    let world = world("1.2.0");
    let plan = world.plan().await;
    let newer = release(&world.fake, "1.3.0");
    world.fake.tag(&app("latest"), &newer);
    let reports = world.execute(plan, OPTIONS).await;
    let report = &reports[0];
    assert_eq!((report.word(), codes(report)), ("created", vec![]));
    assert_eq!(fates(report), [TagFate::Created, TagFate::Stays, TagFate::Created]);
    let latest = &report.plan.tags[1];
    assert_eq!(latest.stays.as_deref(), Some("1.3.0 is newer than 1.2.0"));
    assert_eq!((&latest.from, &latest.to), (&Some(newer.clone()), &Some(newer.clone())));
    assert_eq!(world.fake.named(&app("latest")), Some(newer));
    assert_eq!(world.fake.named(&app("1.2")), world.fake.named(&app("1.2.0")));
}

#[tokio::test]
async fn in_a_layout_another_release_may_move_them_just_before_the_write() {
    let mut world = World::new();
    declare_in(&mut world, "oci:/app", "1.2.0");
    let (latest, own) = ["latest", "1.2.0"].map(|tag| Reference::parse(&format!("oci:/app:{tag}")).unwrap()).into();
    let older = world.fake.image("oci:/app:1.1.0", "linux/amd64", "1.1.0").digest;
    let moved = Fault::MovedBefore(latest.clone(), older);
    world.fake.fault(&format!("PUT {latest}"), 1, moved);
    let reports = world.sync().await;
    assert_eq!((words(&reports), codes(&reports[0])), (vec!["created"], vec![]));
    assert_eq!(world.fake.named(&latest), world.fake.named(&own));
}

#[tokio::test]
async fn what_they_name_meanwhile_is_no_obstacle_where_no_version_is_newer() {
    let world = world("1.2.0");
    let plan = world.plan().await;
    let older = release(&world.fake, "1.1.0");
    world.fake.tag(&app("latest"), &older);
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!((reports[0].word(), &reports[0].tags), ("created", &vec![TagDone::Yes; 3]));
    let latest = &reports[0].plan.tags[1];
    assert_eq!((latest.fate, &latest.from), (TagFate::Moved, &Some(older)));
    assert_eq!(world.fake.named(&app("latest")), world.fake.named(&app("1.2.0")));
}

#[tokio::test]
async fn a_version_that_comes_out_while_they_are_moved_gets_them() {
    let world = Arc::new(world("1.2.0"));
    let plan = world.plan().await;
    world.fake.before("PUT r.example/app:latest", {
        let world = Arc::downgrade(&world);
        move || drop(release(&world.upgrade().unwrap().fake, "1.2.7"))
    });
    let reports = world.execute(plan, OPTIONS).await;
    let newer = world.fake.named(&app("1.2.7"));
    assert_eq!((world.fake.named(&app("latest")), world.fake.named(&app("1.2"))), (newer.clone(), newer.clone()));
    assert_eq!(fates(&reports[0]), [TagFate::Created, TagFate::Stays, TagFate::Stays]);
    assert_eq!(reports[0].plan.tags[1].to, newer);
    assert_eq!((reports[0].word(), &reports[0].tags), ("created", &vec![TagDone::Yes; 3]));
}

#[tokio::test]
async fn it_is_left_to_others_who_never_end() {
    let world = Arc::new(world("1.2.0"));
    let plan = world.plan().await;
    let next = std::sync::atomic::AtomicUsize::new(1);
    world.fake.before("PUT r.example/app:latest", {
        let world = Arc::downgrade(&world);
        move || {
            let patch = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            drop(release(&world.upgrade().unwrap().fake, &format!("1.2.{patch}")));
        }
    });
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!((reports[0].outcome, codes(&reports[0])), (Outcome::Failed, vec!["mlist::exec::contended"]));
    assert!(reports[0].problems[0].retry);
}

#[tokio::test]
async fn without_the_list_of_tags_none_is_moved_and_what_stands_is_said() {
    let world = world("1.2.0");
    let plan = world.plan().await;
    world.fake.fault("TAGS", 1, Fault::Fail(ErrorKind::Server));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!((reports[0].outcome, codes(&reports[0])), (Outcome::Failed, vec!["mlist::registry::server"]));
    assert_eq!(reports[0].tags, [TagDone::Yes, TagDone::No, TagDone::No]);
    assert_eq!(world.fake.named(&app("latest")), None);
}

#[tokio::test]
async fn one_that_is_refused_leaves_the_others_moved() {
    let world = world("1.2.0");
    let plan = world.plan().await;
    world.fake.fault("PUT r.example/app:latest", 9, Fault::Fail(ErrorKind::Denied));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(codes(&reports[0]), ["mlist::registry::denied"]);
    assert_eq!(reports[0].tags, [TagDone::Yes, TagDone::No, TagDone::Yes]);
}

#[tokio::test]
async fn a_list_that_could_not_be_written_moves_none() {
    let world = world("1.2.0");
    let plan = world.plan().await;
    world.fake.fault("PUT r.example/app:1.2.0", 9, Fault::Fail(ErrorKind::Denied));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(reports[0].tags, [TagDone::No; 3]);
    assert_eq!(world.fake.take_log().iter().filter(|line| line.starts_with("TAGS")).count(), 0);
}

#[tokio::test]
async fn a_stop_leaves_them_where_they_are() {
    let world = world("1.2.0");
    let plan = world.plan().await;
    world.fake.on_call("PUT r.example/app:1.2.0", {
        let stop = world.stop.clone();
        move || stop.request(Signal::Interrupt)
    });
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(reports[0].outcome, Outcome::Cancelled { begun: true });
    assert_eq!(reports[0].tags, [TagDone::Yes, TagDone::No, TagDone::No]);
}

/// Runs releases of these versions at once, in every order of their requests. Returns how many orders end with `latest`
/// at the greatest version (the last one in `versions`), and how many end with another.
fn releases(versions: &[&str], sight: Sight, turns: Turns) -> (usize, usize) {
    let scene = || {
        let mut world = World::new();
        let latest_only = |list: Arc<Publication>| {
            let mut list = Arc::unwrap_or_clone(list);
            list.tags.truncate(2);
            Arc::new(list)
        };
        let runs = versions.iter().map(|version| latest_only(declare(&mut world, version))).collect();
        Scene { world, runs, sight, turns, fresh_after: None, interruptions: None }
    };
    let (mut right, mut wrong) = (0, 0);
    every_order(scene, |fake, reports| {
        assert!(reports.iter().all(|report| report.outcome == Outcome::Published), "{reports:#?}");
        let greatest = fake.named(&app(versions.last().unwrap()));
        if fake.named(&app("latest")) == greatest { right += 1 } else { wrong += 1 }
    });
    (right, wrong)
}

#[test]
fn two_releases_at_once_end_with_the_greater_on_latest_in_every_order() {
    let (right, wrong) = releases(&["1.2.0", "1.3.0"], Sight::Clear, Turns::AlsoHeadsOf("latest"));
    assert!(right > 0 && wrong == 0);
}

#[test]
fn three_releases_at_once_end_with_the_greatest_on_latest_in_every_order() {
    let (right, wrong) = releases(&["1.2.0", "1.3.0", "1.3.1"], Sight::Clear, Turns::OncePlanned);
    assert!(right > 100 && wrong == 0);
}

#[test]
fn without_the_second_look_an_older_release_ends_on_latest_in_some() {
    let (right, wrong) = releases(&["1.2.0", "1.3.0"], Sight::BlindAfter("latest"), Turns::OncePlanned);
    assert!(right > 0 && wrong > 0);
}
