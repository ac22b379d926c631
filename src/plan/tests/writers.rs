//! Tags of single members, and lists that several writers share through them.

use std::sync::Arc;

use super::world::{Image, World, platform, publication, reference, shared, with};
use crate::config::model::{Missing, Placed, Publication, Undeclared};
use crate::config::problem::Span;
use crate::naming::{Globs, MemberName, MemberTemplate, Partial, Piece};
use crate::oci::{Entry, Index, MediaType, Tag};
use crate::plan::{Action, ListPlan, MemberFate, Query, Reason, TagFate};

const TARGET: &str = "reg.corp/app";
const AMD64: (&str, &str) = ("linux/amd64", "reg.corp/app-amd64:v1");
const ARM: (&str, &str) = ("linux/arm", "reg.corp/app-arm:v1");
const ARM_V6: (&str, &str) = ("linux/arm/v6", "reg.corp/app-armv6:v1");
const ARM_V7: (&str, &str) = ("linux/arm/v7", "reg.corp/app-armv7:v1");
const ARM64: (&str, &str) = ("linux/arm64", "reg.corp/app-arm64:v1");

/// Returns the list of one of several writers, with these members.
fn writer(members: &[(&str, &str)]) -> Arc<Publication> {
    shared(&publication(TARGET, &["v1"], members))
}

/// Returns a list that is written by this writer only and whose members have tags of their own.
fn tagged(members: &[(&str, &str)]) -> Arc<Publication> {
    with(&writer(members), |list| {
        list.rules.undeclared = Undeclared::Remove;
        list.member_tags.clear();
    })
}

fn built(members: &[(&str, &str)]) -> World {
    let mut world = World::default();
    for (platform, source) in members {
        world.push(&reference(source), &Image::of(platform, 1));
    }
    world
}

fn sync(world: &mut World, list: &Arc<Publication>) -> ListPlan {
    let (plan, _) = world.plan(list);
    assert!(matches!(plan.action, Action::Create | Action::Update | Action::Unchanged), "{:?}", plan.problems);
    world.apply(&plan);
    plan
}

fn published(world: &World) -> Index {
    Index::parse(world.named(&reference("reg.corp/app:v1")).unwrap()).unwrap()
}

fn platforms(index: &Index) -> Vec<String> {
    index.entries.iter().map(|entry| entry.platform.as_ref().unwrap().to_string()).collect()
}

fn fates(plan: &ListPlan) -> Vec<(&str, TagFate)> {
    plan.member_tags.iter().map(|change| (change.tag.tag.as_str(), change.tag.fate)).collect()
}

/// Syncs each writer in turn until nothing changes, and returns the number of turns.
fn settle(world: &mut World, writers: &[Arc<Publication>]) -> usize {
    for turn in 0..5 {
        let actions: Vec<Action> = writers.iter().map(|writer| sync(world, writer).action).collect();
        if actions.iter().all(|action| *action == Action::Unchanged) {
            return turn;
        }
    }
    panic!("the writers undo each other's work: {:?}", platforms(&published(world)));
}

#[test]
fn tags_of_members_are_created_moved_and_left() {
    let mut world = built(&[AMD64, ARM64]);
    let list = tagged(&[AMD64, ARM64]);
    let plan = sync(&mut world, &list);
    let names = ["v1-linux-amd64", "v1-linux-arm64"];
    assert_eq!(fates(&plan), names.map(|name| (name, TagFate::Created)));
    world.push(&reference(ARM64.1), &Image::of("linux/arm64", 2));
    let plan = sync(&mut world, &list);
    assert_eq!(fates(&plan), [(names[0], TagFate::Same), (names[1], TagFate::Moved)]);
    let change = &plan.member_tags[1];
    assert_eq!((&change.platform, &change.tag.to), (&platform("linux/arm64"), &Some(change.descriptor.digest.clone())));
    let (plan, asked) = world.plan(&list);
    // An unchanged list costs a HEAD for each member tag, and no other request.
    assert_eq!((plan.action, asked.heads, asked.manifests, asked.tags), (Action::Unchanged, 5, 0, 0));
}

#[test]
fn a_list_of_which_only_tags_of_members_differ_is_updated_by_those_alone() {
    let mut world = built(&[AMD64, ARM64]);
    let list = tagged(&[AMD64, ARM64]);
    sync(&mut world, &list);
    world.untag(&reference("reg.corp/app:v1-linux-arm64"));
    let (plan, asked) = world.plan(&list);
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Tags)));
    assert_eq!((plan.tags[0].fate, plan.children.len()), (TagFate::Same, 0));
    // Only the image that is tagged must exist, because the list is not written.
    assert_eq!(asked.heads, 5 + 1);
    world.remove(&list.target, &published(&world).entries[1].descriptor.digest);
    let plan = world.plan(&list).0;
    assert_eq!(plan.children.iter().map(|child| child.platform.to_string()).collect::<Vec<_>>(), ["linux/arm64"]);
    world.apply(&plan);
    assert_eq!(world.plan(&list).0.action, Action::Unchanged);
}

#[test]
fn a_tag_of_an_absent_member_stays_as_it_is() {
    let mut world = built(&[AMD64, ARM64]);
    for missing in [Missing::Skip, Missing::Keep] {
        let list = with(&tagged(&[AMD64, ARM64]), |list| list.members[1].missing = missing);
        sync(&mut world, &list);
        let mut world = world.clone();
        world.untag(&reference(ARM64.1));
        assert_eq!(fates(&sync(&mut world, &list)), [("v1-linux-amd64", TagFate::Same)]);
    }
}

#[test]
fn a_source_that_is_the_members_tag_already_is_not_written() {
    let own = ("linux/amd64", "reg.corp/app:v1-linux-amd64");
    let mut world = built(&[own]);
    let plan = sync(&mut world, &tagged(&[own]));
    assert_eq!((plan.action, fates(&plan)), (Action::Create, vec![]));
}

#[test]
fn an_immutable_tag_of_a_member_blocks_as_one_of_the_list_does() {
    let mut world = built(&[AMD64]);
    let globs = Placed { value: Globs::parse(&["v1-*"]).unwrap(), span: Span { file: 0, range: 9..10 } };
    let list = with(&tagged(&[AMD64]), |list| list.rules.immutable = Some(globs));
    sync(&mut world, &list);
    world.push(&reference(AMD64.1), &Image::of("linux/amd64", 2));
    let (plan, _) = world.plan(&list);
    assert_eq!((plan.action, fates(&plan)), (Action::Blocked, vec![("v1-linux-amd64", TagFate::Blocked)]));
    assert_eq!((plan.tags[0].fate, plan.tags[0].to.is_none()), (TagFate::Blocked, true));
    let problem = &plan.problems[0];
    assert_eq!(
        (problem.code, problem.reference.as_deref()),
        ("mlist::plan::immutable", Some("reg.corp/app:v1-linux-amd64"))
    );
    assert_eq!(problem.labels[0].text, "member tag v1-linux-amd64 of list `app`");
}

#[test]
fn a_tag_of_a_member_that_nobody_knows_fails_the_list() {
    let mut world = built(&[AMD64]);
    let list = tagged(&[AMD64]);
    world.mute(Query::Head(reference("reg.corp/app:v1-linux-amd64")));
    assert_eq!(world.plan(&list).0.action, Action::Failed);
}

#[test]
fn each_writers_members_are_in_the_list_of_all() {
    let mut world = built(&[AMD64, ARM64, ARM_V7]);
    let writers = [writer(&[AMD64]), writer(&[ARM64]), writer(&[ARM_V7])];
    assert_eq!(settle(&mut world, &writers), 1);
    assert_eq!(platforms(&published(&world)), ["linux/arm/v7", "linux/arm64", "linux/amd64"]);
}

/// Returns the list of a writer whose member has the tag `v1-ARCH`.
fn writer_by_arch(member: (&str, &str), arch: &str) -> Arc<Publication> {
    with(&writer(&[member]), |list| {
        let open = Piece::Open { name: MemberName::Arch, part: None, filters: Vec::new() };
        list.member_tags = vec![MemberTemplate::new(Partial::new(vec![Piece::Text("v1-".to_owned()), open]))];
        list.members[0].tags[0].tag = Tag::parse(&format!("v1-{arch}")).unwrap();
    })
}

#[test]
fn writers_find_each_others_members_by_words_of_any_style() {
    let mut world = built(&[AMD64, ARM64, ARM_V7]);
    let writers = [writer_by_arch(AMD64, "x86_64"), writer_by_arch(ARM64, "arm64v8"), writer_by_arch(ARM_V7, "armhf")];
    let plans: Vec<ListPlan> = writers.iter().map(|writer| world.plan(writer).0).collect();
    for plan in &plans {
        world.apply(plan);
    }
    assert_eq!(platforms(&published(&world)), ["linux/arm/v7"], "the last one has overwritten the others");
    assert_eq!(settle(&mut world, &writers), 1);
    let mut all = platforms(&published(&world));
    all.sort_unstable();
    assert_eq!(all, ["linux/amd64", "linux/arm/v7", "linux/arm64"]);
}

#[test]
fn one_platform_under_two_words_is_one_member() {
    let mut world = built(&[AMD64, ARM64]);
    // Another writer has placed this platform under the word of another style.
    world.push(&reference("reg.corp/app:v1-x86_64"), &Image::of("linux/amd64", 9));
    world.push(&reference("reg.corp/app:v1-aarch64"), &Image::of("linux/arm64", 9));
    world.push(&reference("reg.corp/app:v1-arm64v8"), &Image::of("linux/arm64", 9));
    let list = writer_by_arch(AMD64, "amd64");
    sync(&mut world, &list);
    let index = published(&world);
    assert_eq!(platforms(&index), ["linux/amd64", "linux/arm64"]);
    assert_eq!(index.entries[0].descriptor, *world.named(&reference(AMD64.1)).unwrap().descriptor());
    assert_eq!(world.plan(&list).0.action, Action::Unchanged);
}

#[test]
fn what_another_writer_placed_is_taken_in_where_its_list_was_overwritten() {
    let mut world = built(&[AMD64, ARM64]);
    let (first, second) = (writer(&[AMD64]), writer(&[ARM64]));
    // Both plan before either of them writes.
    let plans = [world.plan(&first).0, world.plan(&second).0];
    for plan in &plans {
        world.apply(plan);
    }
    assert_eq!(platforms(&published(&world)), ["linux/arm64"]);
    let plan = sync(&mut world, &second);
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Members)));
    let taken = plan.members.iter().find(|change| change.platform == platform("linux/amd64")).unwrap();
    assert_eq!(taken.source, Some(reference("reg.corp/app:v1-linux-amd64")));
    assert_eq!((taken.fate, plan.children.len()), (MemberFate::Added, 0));
    assert_eq!(platforms(&published(&world)), ["linux/arm64", "linux/amd64"]);
    let plan = world.plan(&second).0;
    assert_eq!(plan.members[1].fate, MemberFate::Kept);
}

#[test]
fn what_another_writer_placed_stands_before_what_is_published() {
    let mut world = built(&[AMD64, ARM64]);
    let (first, second) = (writer(&[AMD64]), writer(&[ARM64]));
    settle(&mut world, &[first, second.clone()]);
    let new = world.push(&reference("reg.corp/app:v1-linux-amd64"), &Image::of("linux/amd64", 2));
    let plan = sync(&mut world, &second);
    assert_eq!(plan.members[1].fate, MemberFate::Changed);
    let list = published(&world);
    assert_eq!(
        (platforms(&list), &list.entries[1].descriptor),
        (vec!["linux/arm64".into(), "linux/amd64".into()], &new)
    );
}

#[test]
fn a_declared_member_is_never_taken_from_where_others_place_theirs() {
    let mut world = built(&[AMD64]);
    let list = writer(&[AMD64, ARM64]);
    let theirs = Image::of("linux/arm64", 9);
    for tag in ["v1-linux-amd64", "v1-linux-arm64", "v1-linux-arm64-v8"] {
        world.push(&reference(&format!("{TARGET}:{tag}")), &theirs);
    }
    // Its source does not exist, so it is left out, whatever its tag names.
    let list = with(&list, |list| list.members[1].missing = Missing::Skip);
    sync(&mut world, &list);
    let index = published(&world);
    assert_eq!(platforms(&index), ["linux/amd64"]);
    assert_eq!(index.entries[0].descriptor, *world.named(&reference(AMD64.1)).unwrap().descriptor());
}

#[test]
fn a_machine_that_the_config_turns_out_to_be_is_declared_too() {
    let mut world = World::default();
    world.push(&reference(ARM.1), &Image::of("linux/arm/v7", 1));
    world.push(&reference("reg.corp/app:v1-linux-arm-v7"), &Image::of("linux/arm/v7", 9));
    sync(&mut world, &writer(&[ARM]));
    let index = published(&world);
    assert_eq!(platforms(&index), ["linux/arm/v7"]);
    assert_eq!(index.entries[0].descriptor, *world.named(&reference(ARM.1)).unwrap().descriptor());
    assert_eq!(world.plan(&writer(&[ARM])).0.action, Action::Unchanged);
}

#[test]
fn what_another_writer_placed_is_not_kept_for_an_absent_member() {
    let mut world = World::default();
    let list = with(&writer(&[ARM]), |list| list.members[0].missing = Missing::Keep);
    world.push(&reference(ARM.1), &Image::of("linux/arm/v6", 1));
    sync(&mut world, &list);
    world.untag(&reference(ARM.1));
    world.push(&reference("reg.corp/app:v1-linux-arm-v7"), &Image::of("linux/arm/v7", 9));
    for action in [Action::Update, Action::Unchanged] {
        assert_eq!(sync(&mut world, &list).action, action);
        assert_eq!(platforms(&published(&world)), ["linux/arm/v6", "linux/arm/v7"]);
    }
}

#[test]
fn only_tags_of_this_form_and_of_known_machines_are_members() {
    let mut world = built(&[AMD64]);
    for tag in
        ["v1-alpine-3.19", "v1-linux-amd64-debug", "v1-linux_s390x", "v2-linux-s390x", "v1-rc-1", "v1-linux-arm64"]
    {
        world.push(&reference(&format!("{TARGET}:{tag}")), &Image::of("linux/arm64", 9));
    }
    // The tag has the right form but does not name an image: a signature, or an artifact.
    let artifact = MediaType::parse("application/vnd.example");
    world.push_bytes(&reference("reg.corp/app:v1-linux-ppc64le"), artifact, "{}".into());
    sync(&mut world, &writer(&[AMD64]));
    assert_eq!(platforms(&published(&world)), ["linux/amd64", "linux/arm64"]);
}

#[test]
fn an_image_that_another_writer_placed_is_checked_as_a_declared_one() {
    let mut world = built(&[AMD64]);
    world.push(&reference("reg.corp/app:v1-linux-arm64"), &Image::of("linux/amd64", 9));
    let (plan, _) = world.plan(&writer(&[AMD64]));
    assert_eq!((plan.action, plan.problems[0].code), (Action::Blocked, "mlist::plan::mismatch"));
    assert_eq!(plan.problems[0].labels[0].span.range, 0..1);
}

#[test]
fn open_parts_of_what_another_writer_placed_come_from_its_config() {
    let mut world = built(&[AMD64]);
    world.push(&reference("reg.corp/app:v1-linux-arm"), &Image::of("linux/arm/v6", 9));
    sync(&mut world, &writer(&[AMD64]));
    assert_eq!(platforms(&published(&world)), ["linux/amd64", "linux/arm/v6"]);
    let (plan, asked) = world.plan(&writer(&[AMD64]));
    assert_eq!((plan.action, asked.manifests, asked.configs), (Action::Unchanged, 1, 0));
}

#[test]
fn writers_leave_each_others_order_and_annotations_alone() {
    let mut world = built(&[ARM_V6, ARM_V7]);
    let annotated = with(&writer(&[ARM_V7]), |list| {
        list.members[0].annotations.insert("org.example".into(), "of the row".into());
    });
    let writers = [writer(&[ARM_V6]), annotated];
    settle(&mut world, &writers);
    // Each overwrites the other's list, and then adds the other's member again.
    for writer in &writers {
        world.untag(&reference("reg.corp/app:v1"));
        sync(&mut world, writer);
        settle(&mut world, &writers);
        let list = published(&world);
        assert_eq!(list.entries.iter().filter(|entry| !entry.annotations.is_empty()).count(), 1, "{list:#?}");
        assert_eq!(list.entries.len(), 2);
    }
}

#[test]
fn one_image_of_two_writers_is_each_ones_own() {
    let mut world = World::default();
    let noarch = ("linux/s390x", "reg.corp/app-any:v1");
    for source in [AMD64.1, noarch.1] {
        world.push(&reference(source), &Image::of("", 1));
    }
    assert_eq!(settle(&mut world, &[writer(&[AMD64]), writer(&[noarch])]), 1);
    assert_eq!(published(&world).entries.len(), 2);
}

#[test]
fn a_listing_or_a_tag_that_nobody_knows_fails_the_list() {
    let world = built(&[AMD64]);
    let list = writer(&[AMD64]);
    let mut with_theirs = world.clone();
    with_theirs.push(&reference("reg.corp/app:v1-linux-arm64"), &Image::of("linux/arm64", 9));
    for query in [Query::Tags(list.target.clone()), Query::Head(reference("reg.corp/app:v1-linux-arm64"))] {
        let mut world = with_theirs.clone();
        world.mute(query.clone());
        assert_eq!(world.plan(&list).0.action, Action::Failed, "{query:?}");
    }
    assert_eq!(with_theirs.plan(&list).0.action, Action::Create);
}

#[test]
fn attestations_of_what_others_placed_stay() {
    let mut world = built(&[AMD64, ARM64]);
    let writers = [writer(&[AMD64]), writer(&[ARM64])];
    settle(&mut world, &writers);
    let mut list = published(&world);
    let image = list.entries.iter().find(|entry| entry.platform == Some(platform("linux/arm64"))).unwrap();
    let manifest = world.push(&reference("reg.corp/app:attestation"), &Image::of("", 3));
    list.entries.push(Entry::attestation(manifest, &image.descriptor.digest));
    world.publish(&reference("reg.corp/app:v1"), &list);
    world.push(&reference(AMD64.1), &Image::of("linux/amd64", 2));
    sync(&mut world, &writers[0]);
    assert!(published(&world).entries.contains(&list.entries[2]));
}
