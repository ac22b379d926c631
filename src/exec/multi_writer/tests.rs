use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::model::{MemberTag, Publication, Undeclared};
use crate::exec::ListReport;
use crate::exec::report::{Outcome, Signal, TagDone};
use crate::exec::tests::fake::{Fake, Fault};
use crate::exec::tests::interleave::{Scene, Sight, Turns, every_order};
use crate::exec::tests::world::{OPTIONS, World, codes, words};
use crate::naming::{Filter, MemberName, MemberTemplate, MemberWords, Partial, Piece};
use crate::oci::{Index, Reference, Tag};
use crate::plan::{Action, MemberFate, TagFate};
use crate::registry::ErrorKind;

/// The target of the list in a registry.
const REPOSITORY: &str = "r.example/app";
/// The target of the list on disk.
const LAYOUT: &str = "oci:/app";

/// Declares the tag `1` of `target` as one of its writers, without member tags: with the member for this architecture,
/// whose image exists in the target.
fn declare_untagged(world: &mut World, target: &str, arch: &str) -> Publication {
    let platform = format!("linux/{arch}");
    let built = format!("{target}:built-{arch}");
    let image = world.fake.image(&built, &platform, "");
    world.declare(target, &["1"], &[(&platform, &built)]);
    let mut list = Arc::unwrap_or_clone(world.publications.pop().unwrap());
    list.members[0].source = list.target.with_digest(&image.digest);
    list.rules.undeclared = Undeclared::Keep;
    list
}

/// Declares the tag `1` of [`REPOSITORY`] as one of its writers, with the member for this architecture. The member has
/// the tag `1-{os}-{arch}`, by the default template.
fn declare(world: &mut World, arch: &str) -> Arc<Publication> {
    let dashes = Filter::Replace { from: "/".to_owned(), to: "-".to_owned() };
    let platform = Piece::Open { name: MemberName::Platform, part: None, filters: vec![dashes] };
    declare_by(world, arch, vec![Piece::Text("1-".to_owned()), platform])
}

/// Like [`declare`], with the template `1-{arch}`.
fn declare_by_arch(world: &mut World, arch: &str) -> Arc<Publication> {
    let open = Piece::Open { name: MemberName::Arch, part: None, filters: Vec::new() };
    declare_by(world, arch, vec![Piece::Text("1-".to_owned()), open])
}

fn declare_by(world: &mut World, arch: &str, template: Vec<Piece<MemberName>>) -> Arc<Publication> {
    let mut list = declare_untagged(world, REPOSITORY, arch);
    let template = MemberTemplate::new(Partial::new(template));
    let platform = format!("linux/{arch}");
    let tag = template.with(MemberWords { os: "linux", arch, platform: &platform }).unwrap();
    let span = list.target_span.clone();
    list.members[0].tags.push(MemberTag { tag: Tag::parse(&tag).unwrap(), span });
    list.member_tags = vec![template];
    let list = Arc::new(list);
    world.publications.push(Arc::clone(&list));
    list
}

/// Creates a world with one writer per architecture.
fn world(arches: &[&str]) -> World {
    let mut world = World::new();
    for arch in arches {
        declare(&mut world, arch);
    }
    world
}

/// Returns the architectures in the published list.
fn machines(fake: &Fake) -> BTreeSet<String> {
    let published = [REPOSITORY, LAYOUT].map(|target| Reference::parse(&format!("{target}:1")).unwrap());
    let list = published.iter().find_map(|list| fake.payload(list)).expect("it is published");
    let entries = Index::parse(&list).unwrap().entries;
    entries.into_iter().filter_map(|entry| Some(entry.platform?.architecture)).collect()
}

fn all(arches: &[&str]) -> BTreeSet<String> {
    arches.iter().map(|arch| (*arch).to_owned()).collect()
}

/// Runs the writers at once, in every order of their requests. Returns how many orders end with all members, and how
/// many end without some member.
fn writers(arches: &[&str], sight: Sight, turns: Turns) -> (usize, usize) {
    writers_by(declare, arches, (sight, turns))
}

/// Like [`writers`], for lists that are declared in another way.
fn writers_by(
    declare: fn(&mut World, &str) -> Arc<Publication>,
    arches: &[&str],
    (sight, turns): (Sight, Turns),
) -> (usize, usize) {
    let scene = || {
        let mut world = World::new();
        let runs = arches.iter().map(|arch| declare(&mut world, arch)).collect();
        let fresh_after = Some("1").filter(|_| sight == Sight::Clear);
        let interruptions = Some(2).filter(|_| arches.len() > 2);
        Scene { world, runs, sight, turns, fresh_after, interruptions }
    };
    let (mut whole, mut lacking) = (0, 0);
    every_order(scene, |fake, reports| {
        assert!(reports.iter().all(|report| report.outcome == Outcome::Published), "{reports:#?}");
        assert!(reports.iter().all(|report| report.tags == [TagDone::Yes]));
        if machines(fake) == all(arches) { whole += 1 } else { lacking += 1 }
    });
    (whole, lacking)
}

/// Like [`writers`], for lists in `target` and without member tags.
fn untagged_writers(target: &str, arches: &[&str]) -> (usize, usize) {
    let scene = || {
        let mut world = World::new();
        let runs = arches.iter().map(|arch| Arc::new(declare_untagged(&mut world, target, arch))).collect();
        let (sight, turns) = (Sight::Clear, Turns::AlsoHeadsOf("1"));
        let interruptions = Some(2).filter(|_| arches.len() > 2);
        Scene { world, runs, sight, turns, fresh_after: Some("1"), interruptions }
    };
    let (mut whole, mut lacking) = (0, 0);
    every_order(scene, |fake, reports| {
        assert!(reports.iter().all(|report| report.outcome == Outcome::Published), "{reports:#?}");
        if machines(fake) == all(arches) { whole += 1 } else { lacking += 1 }
    });
    (whole, lacking)
}

#[test]
fn in_a_layout_no_member_is_lost_in_any_order_without_member_tags() {
    for arches in [["amd64", "s390x"].as_slice(), &["amd64", "arm64", "s390x"]] {
        let (whole, lacking) = untagged_writers(LAYOUT, arches);
        assert!(whole > 0 && lacking == 0, "{whole} {lacking}");
    }
}

#[test]
fn in_a_registry_a_member_is_lost_in_some_orders_without_member_tags() {
    let (whole, lacking) = untagged_writers(REPOSITORY, &["amd64", "s390x"]);
    assert!(whole > 0 && lacking > 0, "{whole} {lacking}");
}

#[test]
fn two_writers_lose_no_member_in_any_order() {
    let (whole, lacking) = writers(&["amd64", "s390x"], Sight::Clear, Turns::AlsoHeadsOf("1"));
    assert!(whole > 10 && lacking == 0, "{whole} {lacking}");
}

#[test]
fn with_another_template_no_member_is_lost_in_any_order() {
    for arches in [["amd64", "s390x"].as_slice(), &["amd64", "arm64", "s390x"]] {
        let turns = if arches.len() > 2 { Turns::OncePlanned } else { Turns::AlsoHeadsOf("1") };
        let (whole, lacking) = writers_by(declare_by_arch, arches, (Sight::Clear, turns));
        assert!(whole > 10 && lacking == 0, "{whole} {lacking}");
    }
}

#[test]
fn three_writers_lose_no_member_in_any_order_with_two_interruptions() {
    let (whole, lacking) = writers(&["amd64", "arm64", "s390x"], Sight::Clear, Turns::OncePlanned);
    assert!(whole > 10 && lacking == 0, "{whole} {lacking}");
}

#[test]
fn without_a_look_after_the_last_write_a_member_is_lost_in_some() {
    let (whole, lacking) = writers(&["amd64", "s390x"], Sight::BlindAfter("1"), Turns::AlsoHeadsOf("1"));
    assert!(whole > 0 && lacking > 0, "{whole} {lacking}");
}

/// Calls `what` just before the first PUT of the list.
fn before_the_list(world: &Arc<World>, what: impl Fn(&World) + Send + Sync + 'static) {
    let (world, done) = (Arc::downgrade(world), std::sync::Once::new());
    let upgraded = Arc::clone(&world.upgrade().unwrap());
    upgraded.fake.before("PUT r.example/app:1", move || {
        done.call_once(|| what(&world.upgrade().unwrap()));
    });
}

#[tokio::test]
async fn one_round_tells_what_all_of_them_came_to() {
    let world = Arc::new(world(&["amd64"]));
    before_the_list(&world, |world| {
        let other = world.fake.image("r.example/app:built-s390x", "linux/s390x", "").digest;
        world.fake.tag(&Reference::parse("r.example/app:1-linux-s390x").unwrap(), &other);
    });
    let reports = world.sync().await;
    let report = &reports[0];
    assert_eq!((report.word(), report.plan.action), ("created", Action::Create));
    assert_eq!(machines(&world.fake), all(&["amd64", "s390x"]));
    assert_eq!((report.plan.tags[0].fate, &report.plan.tags[0].from), (TagFate::Created, &None));
    assert_eq!(report.plan.tags[0].to, world.named("r.example/app:1"));
    assert_eq!(report.plan.index.as_ref().map(|index| &index.digest), report.plan.tags[0].to.as_ref());
    let fates: Vec<MemberFate> = report.plan.members.iter().map(|member| member.fate).collect();
    assert_eq!(fates, [MemberFate::Added; 2]);
    assert_eq!((&report.tags, &report.member_tags), (&vec![TagDone::Yes], &vec![TagDone::Yes]));
    assert_eq!(report.plan.member_tags[0].tag.fate, TagFate::Created);
}

#[tokio::test]
async fn a_list_that_others_wrote_since_the_plan_is_planned_anew() {
    let mut world = world(&["amd64", "s390x"]);
    let mine = Arc::clone(&world.publications[0]);
    let plan = world.plan().await;
    // The other writer publishes first.
    let theirs = world.publications.remove(1);
    world.publications = vec![theirs];
    assert_eq!(words(&world.sync().await), ["created"]);
    world.publications = vec![mine];
    let mut plan = plan;
    plan.lists.truncate(1);
    let reports: Vec<Arc<ListReport>> = world.execute(plan, OPTIONS).await;
    assert_eq!((reports[0].outcome, codes(&reports[0])), (Outcome::Published, vec![]));
    assert_eq!(machines(&world.fake), all(&["amd64", "s390x"]));
}

#[tokio::test]
async fn a_list_without_other_writers_is_not_read_again() {
    let mut world = world(&["amd64"]);
    let mut list = Arc::unwrap_or_clone(world.publications.pop().unwrap());
    list.rules.undeclared = Undeclared::Remove;
    world.publications.push(Arc::new(list));
    world.sync().await;
    assert_eq!(world.fake.take_log().last().map(String::as_str), Some("PUT r.example/app:1"));
}

#[tokio::test]
async fn without_member_tags_a_list_that_was_overwritten_after_the_write_is_written_again() {
    let mut world = World::new();
    let theirs = declare_untagged(&mut world, REPOSITORY, "s390x");
    world.publications = vec![Arc::new(theirs)];
    assert_eq!(words(&world.sync().await), ["created"]);
    let list = Reference::parse("r.example/app:1").unwrap();
    let old = world.named("r.example/app:1").unwrap();
    let mine = declare_untagged(&mut world, REPOSITORY, "amd64");
    world.publications = vec![Arc::new(mine)];
    let world = Arc::new(world);
    let plan = world.plan().await;
    world.fake.take_log();
    // The other writer read the list before this run wrote it, and writes it afterwards.
    let (weak, done) = (Arc::downgrade(&world), std::sync::atomic::AtomicUsize::new(0));
    world.fake.before("HEAD r.example/app:1", move || {
        let world = weak.upgrade().unwrap();
        // The first HEAD is before the write, the second after it.
        if done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            world.fake.tag(&list, &old);
        }
    });
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!((reports[0].outcome, codes(&reports[0])), (Outcome::Published, vec![]));
    assert_eq!(machines(&world.fake), all(&["amd64", "s390x"]));
    let writes = world.fake.take_log().iter().filter(|line| *line == "PUT r.example/app:1").count();
    assert_eq!(writes, 2);
}

#[tokio::test]
async fn what_can_not_be_read_again_is_not_done() {
    let world = Arc::new(world(&["amd64"]));
    before_the_list(&world, |world| world.fake.fault("TAGS", 9, Fault::Fail(ErrorKind::Server)));
    let reports = world.sync().await;
    assert_eq!((reports[0].outcome, codes(&reports[0])), (Outcome::Failed, vec!["mlist::registry::server"]));
    assert_eq!(reports[0].tags, [TagDone::Yes]);
}

#[tokio::test]
async fn a_stop_before_it_is_read_again_is_no_end() {
    let world = Arc::new(world(&["amd64"]));
    let plan = world.plan().await;
    world.fake.on_call("PUT r.example/app:1-linux", || {});
    let stop = world.stop.clone();
    world.fake.on_call("PUT r.example/app:1", move || stop.request(Signal::Interrupt));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(reports[0].outcome, Outcome::Cancelled { begun: true });
}

#[tokio::test]
async fn it_is_left_to_others_who_never_end() {
    let world = Arc::new(world(&["amd64"]));
    let plan = world.plan().await;
    let fake = Arc::downgrade(&world);
    let other = world.fake.image("r.example/app:other", "linux/amd64", "other").digest;
    world.fake.before("HEAD r.example/app:1", move || {
        fake.upgrade().unwrap().fake.tag(&Reference::parse("r.example/app:1").unwrap(), &other);
    });
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!((reports[0].outcome, codes(&reports[0])), (Outcome::Failed, vec!["mlist::exec::contended"]));
    assert!(reports[0].problems[0].retry);
}
