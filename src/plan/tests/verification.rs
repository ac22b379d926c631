//! How published lists compare with declared ones.

use std::sync::Arc;

use super::world::{Asked, Image, World, foreign_list, publication, reference, with};
use crate::config::model::{Attestations, Missing, Publication, Undeclared};
use crate::config::problem::{Problem, Severity};
use crate::naming::Globs;
use crate::oci::{Descriptor, Digest, Entry, Index, MediaType, Place, Platform, Tag};
use crate::plan::{
    Action, CheckDepth, ChildFault, ChildPart, Decision, ListState, MemberState, Query, Snapshot, TagFate,
    Verification, verify,
};

const TARGET: &str = "reg.corp/app";
const AMD64: (&str, &str) = ("linux/amd64", "reg.corp/app-amd64:v1");
const ARM64: (&str, &str) = ("linux/arm64", "reg.corp/app-arm64:v1");

/// Compares the list with `world`. Answers that contradict each other are not requested again.
pub(super) fn verified(world: &World, list: &Arc<Publication>, depth: CheckDepth) -> (Verification, Asked) {
    verified_from(world, list, depth, Snapshot::default())
}

/// Does the same with what is known.
pub(super) fn verified_from(
    world: &World,
    list: &Arc<Publication>,
    depth: CheckDepth,
    mut snapshot: Snapshot,
) -> (Verification, Asked) {
    let mut asked = Asked::default();
    loop {
        match verify(list, depth, &snapshot) {
            Decision::Done(done) | Decision::Doubts(_, done) => return (Arc::unwrap_or_clone(done), asked),
            Decision::Needs(needs) => world.answer_all(&needs, &mut snapshot, &mut asked),
        }
    }
}

fn state(world: &World, list: &Arc<Publication>) -> ListState {
    verified(world, list, CheckDepth::Children).0.state
}

fn place() -> Place {
    Place::parse(TARGET).unwrap()
}

/// A world in which a list of two images is published as declared.
fn published() -> (World, Arc<Publication>, [Descriptor; 2]) {
    let mut world = World::default();
    let images = [AMD64, ARM64].map(|(platform, source)| world.push(&reference(source), &Image::of(platform, 1)));
    let list = publication(TARGET, &["v1"], &[AMD64, ARM64]);
    sync(&mut world, &list);
    (world, list, images)
}

fn sync(world: &mut World, list: &Arc<Publication>) {
    let (plan, _) = world.plan(list);
    assert!(plan.action.writes(), "{:?}", plan.problems);
    world.apply(&plan);
}

fn errors(verified: &Verification) -> Vec<&Problem> {
    verified.plan.problems.iter().filter(|problem| problem.severity == Severity::Error).collect()
}

fn help(verified: &Verification) -> &str {
    errors(verified)[0].help.as_deref().unwrap()
}

fn faults(verified: &Verification) -> Vec<(&Digest, &ChildFault)> {
    verified.damage.iter().map(|child| (&child.descriptor.digest, &child.fault)).collect()
}

/// Publishes the list of the world with another descriptor of one image.
fn describe(world: &mut World, list: &Publication, wrong: &Descriptor) {
    let mut index = Index::parse(world.named(&list.reference()).unwrap()).unwrap();
    for entry in index.entries.iter_mut().filter(|entry| entry.descriptor.digest == wrong.digest) {
        entry.descriptor = wrong.clone();
    }
    let bytes = index.encode().bytes().clone();
    world.push_bytes(&list.reference(), index.media_type, bytes);
}

#[test]
fn what_was_published_is_as_declared_for_one_head_each() {
    let (world, list, _) = published();
    for (depth, expected) in [
        (CheckDepth::List, Asked { heads: 3, rounds: 1, ..Asked::default() }),
        (CheckDepth::Children, Asked { heads: 3 + 2, rounds: 2, ..Asked::default() }),
        (CheckDepth::Blobs, Asked { heads: 3 + 2, manifests: 2, blobs: 4, rounds: 4, ..Asked::default() }),
    ] {
        let (verified, asked) = verified(&world, &list, depth);
        assert_eq!((verified.state, asked), (ListState::AsDeclared, expected));
        assert_eq!((verified.damage.as_slice(), verified.plan.problems.as_slice()), ([].as_slice(), [].as_slice()));
    }
}

#[test]
fn a_child_that_is_gone_is_damage_that_a_get_confirms() {
    let (mut world, list, [amd64, _]) = published();
    world.remove(&place(), &amd64.digest);
    let (verified, asked) = verified(&world, &list, CheckDepth::Children);
    assert_eq!((verified.state, asked.heads, asked.manifests), (ListState::Damaged, 5, 1));
    assert_eq!(faults(&verified), [(&amd64.digest, &ChildFault::Missing)]);
    assert_eq!(verified.damage[0].part, ChildPart::Image(Some(Platform::parse("linux/amd64").unwrap())));
    assert_eq!(errors(&verified)[0].code, "mlist::plan::list_damaged");
    assert!(help(&verified).contains(": mlist sync --repair app;"), "{}", help(&verified));
    assert_eq!(self::verified(&world, &list, CheckDepth::List).0.state, ListState::AsDeclared);
}

#[test]
fn the_bytes_of_a_source_do_not_prove_that_the_target_has_the_child() {
    let (mut world, list, [amd64, _]) = published();
    world.remove(&place(), &amd64.digest);
    let mut snapshot = Snapshot::default();
    let source = list.members[0].source.place.clone();
    world.answer(&Query::Manifest(amd64.digest, source), &mut snapshot);
    loop {
        match verify(&list, CheckDepth::Children, &snapshot) {
            Decision::Done(done) => return assert_eq!(done.state, ListState::Damaged),
            Decision::Needs(needs) => needs.iter().for_each(|query| world.answer(query, &mut snapshot)),
            Decision::Doubts(..) => panic!("nothing contradicts"),
        }
    }
}

#[test]
fn a_head_that_is_wrong_is_no_damage() {
    let (mut world, list, [amd64, arm64]) = published();
    world.answer_head(place().with_digest(&amd64.digest), None);
    let (verified, asked) = verified(&world, &list, CheckDepth::Children);
    assert_eq!((verified.state, asked.manifests), (ListState::AsDeclared, 1));
    let claim = Descriptor { size: arm64.size + 1, ..arm64.clone() };
    world.answer_head(place().with_digest(&arm64.digest), Some(claim));
    let (verified, asked) = self::verified(&world, &list, CheckDepth::Children);
    assert_eq!((verified.damage.len(), asked.manifests), (0, 2));
}

#[test]
fn a_child_that_only_head_finds_is_queried_again_and_then_damaged() {
    let (mut world, list, [amd64, _]) = published();
    world.answer_head(place().with_digest(&amd64.digest), Some(amd64.clone()));
    world.remove(&place(), &amd64.digest);
    let mut snapshot = Snapshot::default();
    let (queries, verified) = loop {
        match verify(&list, CheckDepth::Blobs, &snapshot) {
            Decision::Needs(needs) => needs.iter().for_each(|query| world.answer(query, &mut snapshot)),
            Decision::Doubts(queries, verified) => break (queries, verified),
            Decision::Done(done) => panic!("{:?}", done.state),
        }
    };
    assert_eq!(queries.len(), 2);
    assert_eq!(verified.state, ListState::Damaged);
    assert_eq!(errors(&verified)[0].code, "mlist::plan::list_damaged");
}

#[test]
fn blobs_are_checked_only_if_that_is_wanted() {
    let (mut world, list, [amd64, arm64]) = published();
    let blobs = |image: &Descriptor, world: &World| {
        crate::oci::ImageManifest::parse(world.payload(&image.digest)).unwrap().blobs().cloned().collect::<Vec<_>>()
    };
    let (config, layer) = (blobs(&amd64, &world)[0].digest.clone(), blobs(&arm64, &world)[1].digest.clone());
    world.remove(&place(), &config);
    world.remove(&place(), &layer);
    assert_eq!(state(&world, &list), ListState::AsDeclared);
    let (verified, _) = verified(&world, &list, CheckDepth::Blobs);
    assert_eq!(verified.state, ListState::Damaged);
    let expected =
        [(&amd64.digest, &ChildFault::ConfigMissing(config)), (&arm64.digest, &ChildFault::LayerMissing(layer))];
    assert_eq!(faults(&verified), expected);
    assert!(help(&verified).ends_with(": mlist sync --repair --blobs app"), "{}", help(&verified));
}

#[test]
fn a_wrong_size_or_type_in_the_list_is_damage_that_a_sync_repairs() {
    for wrong in [
        |image: &Descriptor| Descriptor { size: image.size + 1, ..image.clone() },
        |image: &Descriptor| Descriptor { media_type: MediaType::OciManifest, ..image.clone() },
    ] {
        let (mut world, list, [amd64, _]) = published();
        describe(&mut world, &list, &wrong(&amd64));
        let (verified, _) = verified(&world, &list, CheckDepth::Children);
        assert_eq!((verified.state, verified.plan.action), (ListState::Damaged, Action::Update));
        let expected = if wrong(&amd64).size == amd64.size {
            ChildFault::Type(amd64.media_type.clone())
        } else {
            ChildFault::Size(amd64.size)
        };
        assert_eq!(faults(&verified), [(&amd64.digest, &expected)]);
        assert_eq!(help(&verified), "write the list again: mlist sync app");
        sync(&mut world, &list);
        assert_eq!(state(&world, &list), ListState::AsDeclared);
    }
}

#[test]
fn a_wrong_size_of_an_undeclared_image_is_not_for_this_file_to_repair() {
    let (mut world, list, [_, arm64]) = published();
    describe(&mut world, &list, &Descriptor { size: 1, ..arm64 });
    let list = with(&list, |list| {
        list.members.truncate(1);
        list.rules.undeclared = Undeclared::Keep;
    });
    let (verified, _) = verified(&world, &list, CheckDepth::Children);
    assert_eq!((verified.state, verified.plan.action), (ListState::Damaged, Action::Unchanged));
    assert!(help(&verified).starts_with("publish the image for linux/arm64 again with the job"), "{}", help(&verified));
}

#[test]
fn a_source_that_moved_differs_and_one_that_is_gone_does_not() {
    let (mut world, list, [amd64, arm64]) = published();
    world.untag(&list.members[1].source);
    for missing in [Missing::Error, Missing::Keep, Missing::Skip] {
        let list = with(&list, |list| list.members.iter_mut().for_each(|member| member.missing = missing));
        let (verified, _) = verified(&world, &list, CheckDepth::Children);
        assert_eq!((verified.state, verified.plan.problems.len()), (ListState::AsDeclared, 0), "{missing:?}");
        let members = &verified.plan.members;
        let states: Vec<_> = members.iter().map(|member| verified.plan.state_of(member)).collect();
        assert_eq!(states, [MemberState::AsDeclared, MemberState::Absent], "{missing:?}");
        assert_eq!(members[1].from.as_ref(), Some(&arm64.digest));
    }
    let rebuilt = world.push(&list.members[0].source, &Image::of("linux/amd64", 2));
    let (verified, _) = verified(&world, &list, CheckDepth::Children);
    assert_eq!(verified.state, ListState::Differs);
    let member = &verified.plan.members[0];
    assert_eq!(verified.plan.state_of(member), MemberState::Differs);
    assert_eq!((member.from.as_ref(), member.descriptor.as_ref()), (Some(&amd64.digest), Some(&rebuilt)));
    assert_eq!(verified.plan.state_of(&verified.plan.members[1]), MemberState::Absent);
}

#[test]
fn a_source_that_is_gone_and_was_never_published_follows_its_policy() {
    let (mut world, list, _) = published();
    let riscv = ("linux/riscv64", "reg.corp/app-riscv64:v1");
    for (missing, expected) in [
        (Missing::Error, ListState::Blocked),
        (Missing::Keep, ListState::Blocked),
        (Missing::Skip, ListState::AsDeclared),
    ] {
        let list = with(&publication(TARGET, &["v1"], &[AMD64, ARM64, riscv]), |list| {
            list.members.iter_mut().for_each(|member| member.missing = missing);
        });
        let (verified, _) = verified(&world, &list, CheckDepth::Children);
        assert_eq!(verified.state, expected, "{missing:?}");
        let codes: Vec<_> = verified.plan.problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes.first().copied(), (expected == ListState::Blocked).then_some("mlist::plan::member_absent"));
    }
    world.untag(&list.reference());
    world.untag(&list.members[1].source);
    assert_eq!(state(&world, &list), ListState::Blocked, "nothing is published, and a sync would be blocked");
}

#[test]
fn tags_that_are_gone_or_name_something_else_differ() {
    let (mut world, list, [amd64, _]) = published();
    let two = with(&list, |list| {
        let latest = Tag::parse("latest").unwrap();
        list.tags.push(crate::config::model::TargetTag::always(latest, list.target_span.clone()));
    });
    let (verified, _) = verified(&world, &two, CheckDepth::Children);
    assert_eq!(verified.state, ListState::Differs);
    assert_eq!(verified.plan.tags[1].fate, TagFate::Created);
    // The own tag is gone, but another tag names the list.
    sync(&mut world, &two);
    world.untag(&two.reference());
    assert_eq!(state(&world, &two), ListState::Differs);
    world.untag(&reference("reg.corp/app:latest"));
    assert_eq!(state(&world, &two), ListState::Absent);
    // The tag names an image.
    let image = world.payload(&amd64.digest).clone();
    world.push_bytes(&list.reference(), image.media_type().clone(), image.bytes().clone());
    let (verified, _) = self::verified(&world, &list, CheckDepth::Children);
    assert_eq!((verified.state, verified.plan.tags[0].fate), (ListState::Differs, TagFate::Moved));
}

#[test]
fn every_list_that_a_tag_names_is_checked() {
    let (mut world, list, [amd64, arm64]) = published();
    let old = world.push(&reference("reg.corp/old:v0"), &Image::of("linux/amd64", 0));
    let index =
        Index::new(MediaType::DockerList, vec![Entry::new(old.clone(), Platform::parse("linux/amd64").unwrap())]);
    world.publish(&reference("reg.corp/app:latest"), &index);
    world.remove(&place(), &old.digest);
    let latest = Tag::parse("latest").unwrap();
    let two = with(&list, |list| {
        list.tags.push(crate::config::model::TargetTag::always(latest, list.target_span.clone()));
    });
    let (verified, _) = verified(&world, &two, CheckDepth::Children);
    assert_eq!((verified.state, faults(&verified)), (ListState::Damaged, vec![(&old.digest, &ChildFault::Missing)]));
    // The same wrong descriptor in two lists is one damage, but two descriptors of one digest are checked both.
    let wrong = Descriptor { size: 7, ..amd64.clone() };
    let entries =
        [&wrong, &arm64].map(|descriptor| Entry::new(descriptor.clone(), Platform::parse("linux/amd64").unwrap()));
    let index = Index::new(MediaType::DockerList, entries.to_vec());
    world.publish(&reference("reg.corp/app:latest"), &index);
    let (verified, _) = self::verified(&world, &two, CheckDepth::Children);
    assert_eq!(faults(&verified), [(&amd64.digest, &ChildFault::Size(amd64.size))]);
}

#[test]
fn an_immutable_tag_that_would_move_is_blocked_and_damage_is_still_reported() {
    let (mut world, list, [_, arm64]) = published();
    let immutable = with(&list, |list| {
        let value = Globs::parse(&["v*"]).unwrap();
        list.rules.immutable = Some(crate::config::model::Placed { value, span: list.target_span.clone() });
    });
    assert_eq!(state(&world, &immutable), ListState::AsDeclared);
    world.push(&list.members[0].source, &Image::of("linux/amd64", 2));
    world.remove(&place(), &arm64.digest);
    let (verified, _) = verified(&world, &immutable, CheckDepth::Children);
    assert_eq!((verified.state, verified.damage.len()), (ListState::Blocked, 1));
    let codes: Vec<_> = errors(&verified).iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["mlist::plan::immutable", "mlist::plan::list_damaged"]);
}

#[test]
fn what_only_the_target_has_cannot_be_repaired_from_a_source() {
    let (mut world, list, [amd64, arm64]) = published();
    world.remove(&place(), &arm64.digest);
    let undeclared = with(&list, |list| {
        list.members.truncate(1);
        list.rules.undeclared = Undeclared::Keep;
    });
    let (verified, _) = verified(&world, &undeclared, CheckDepth::Children);
    assert_eq!(verified.state, ListState::Damaged);
    assert!(help(&verified).contains("again with the job that added it"), "{}", help(&verified));
    world.untag(&list.members[1].source);
    let (verified, _) = self::verified(&world, &list, CheckDepth::Children);
    assert!(help(&verified).starts_with("push reg.corp/app-arm64:v1 again"), "{}", help(&verified));
    // The other image could be repaired, but a sync would be blocked or leave out what has no source.
    world.push_bytes(
        &place().with_digest(&arm64.digest),
        arm64.media_type.clone(),
        world.payload(&arm64.digest).bytes().clone(),
    );
    world.remove(&place(), &amd64.digest);
    let (verified, _) = self::verified(&world, &list, CheckDepth::Children);
    assert!(help(&verified).starts_with("set missing = \"keep\""), "{}", help(&verified));
    let keep = with(&list, |list| list.members.iter_mut().for_each(|member| member.missing = Missing::Keep));
    let (verified, _) = self::verified(&world, &keep, CheckDepth::Children);
    assert!(help(&verified).starts_with("publish what is missing again"), "{}", help(&verified));
}

#[test]
fn attestations_and_nested_lists_are_checked() {
    let mut world = World::default();
    let list = publication(TARGET, &["v1"], &[AMD64]);
    let list = with(&list, |list| list.rules.attestations = Attestations::Keep);
    let platform = Platform::parse("linux/amd64").unwrap();
    let (image, attestation) = world.push_built(&reference(AMD64.1), &platform, &Image::of("linux/amd64", 1).oci());
    sync(&mut world, &list);
    assert_eq!(state(&world, &list), ListState::AsDeclared);
    world.remove(&place(), &attestation.descriptor.digest);
    let (verified, _) = verified(&world, &list, CheckDepth::Children);
    assert_eq!(
        (verified.state, &verified.damage[0].part),
        (ListState::Damaged, &ChildPart::Attestation(Some(platform.clone())))
    );

    // Both the image and its attestation are missing.
    world.remove(&place(), &image.digest);
    let (verified, _) = self::verified(&world, &list, CheckDepth::Children);
    assert_eq!(
        faults(&verified),
        [(&image.digest, &ChildFault::Missing), (&attestation.descriptor.digest, &ChildFault::Missing)]
    );

    // Another tool has published a list that has a list.
    let (mut world, list, [amd64, arm64]) = published();
    let nested = world.push_index(
        &reference("reg.corp/app:nested"),
        vec![Entry::new(arm64.clone(), Platform::parse("linux/arm64").unwrap())],
    );
    let index = Index::new(
        MediaType::OciIndex,
        vec![Entry::new(amd64, platform), Entry { platform: None, ..Entry::new(nested, Platform::unknown()) }],
    );
    world.publish(&list.reference(), &index);
    let list = with(&list, |list| {
        list.members.truncate(1);
        list.rules.undeclared = Undeclared::Keep;
    });
    assert_eq!(state(&world, &list), ListState::AsDeclared);
    world.remove(&place(), &arm64.digest);
    let (verified, _) = self::verified(&world, &list, CheckDepth::Children);
    assert_eq!(faults(&verified), [(&arm64.digest, &ChildFault::Missing)]);
}

#[test]
fn lists_of_other_tools_are_as_declared() {
    let (mut world, list, [amd64, arm64]) = published();
    let entries =
        [(arm64, Platform::parse("linux/arm64/v8").unwrap()), (amd64, Platform::parse("linux/amd64").unwrap())];
    let bytes = foreign_list(&MediaType::DockerList, &entries);
    world.push_bytes(&list.reference(), MediaType::DockerList, bytes);
    assert_eq!(state(&world, &list), ListState::AsDeclared);
    let one = with(&list, |list| {
        list.members.truncate(1);
        list.rules.undeclared = Undeclared::Keep;
    });
    assert_eq!(state(&world, &one), ListState::AsDeclared);
    let removing = with(&one, |list| list.rules.undeclared = Undeclared::Remove);
    assert_eq!(state(&world, &removing), ListState::Differs);
}

#[test]
fn bytes_that_are_no_list_differ_or_are_blocked() {
    let (mut world, list, _) = published();
    world.push_bytes(&list.reference(), MediaType::DockerList, "{\"schemaVersion\":2,\"manifests\":7}".into());
    let (verified, _) = verified(&world, &list, CheckDepth::Children);
    assert_eq!(verified.state, ListState::Differs);
    let warning = &verified.plan.problems[0];
    assert_eq!(
        (warning.code, warning.message.as_str()),
        ("mlist::plan::unreadable_list", "reg.corp/app:v1 is not a valid manifest list")
    );
    let keep = with(&list, |list| list.rules.undeclared = Undeclared::Keep);
    assert_eq!(state(&world, &keep), ListState::Blocked);
}

#[test]
fn a_registry_without_an_answer_fails_and_what_is_known_stays() {
    let (world, list, [amd64, arm64]) = published();
    for query in [
        Query::Head(list.reference()),
        Query::Head(list.members[0].source.clone()),
        Query::Head(place().with_digest(&amd64.digest)),
    ] {
        let mut world = world.clone();
        world.refuse(query.clone(), 500);
        assert_eq!(state(&world, &list), ListState::Failed, "{query:?}");
    }
    let mut world = world;
    world.remove(&place(), &arm64.digest);
    world.refuse(Query::Head(place().with_digest(&amd64.digest)), 500);
    let (verified, _) = verified(&world, &list, CheckDepth::Children);
    assert_eq!((verified.state, faults(&verified)), (ListState::Failed, vec![(&arm64.digest, &ChildFault::Missing)]));
}

#[test]
fn lists_that_the_same_command_repairs_are_named_together() {
    let (mut world, list, [amd64, _]) = published();
    let fine = Arc::new(verified(&world, &list, CheckDepth::Children).0);
    world.remove(&place(), &amd64.digest);
    let damaged = |id: &str| {
        let list = with(&list, |list| list.id = id.into());
        Arc::new(verified(&world, &list, CheckDepth::Children).0)
    };
    let helps = |ids: &[&str]| {
        let mut lists: Vec<_> = ids.iter().map(|id| damaged(id)).chain([Arc::clone(&fine)]).collect();
        crate::plan::repair_together(&mut lists);
        assert!(lists.pop().unwrap().plan.problems.is_empty());
        let first = help(&lists[0]).split(';').next().unwrap().to_owned();
        assert!(lists.iter().all(|list| help(list).starts_with(&first)));
        first
    };
    assert_eq!(helps(&["a", "b", "a"]), "publish what is missing again: mlist sync --repair a b");
    let many: Vec<String> = (0..11).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(helps(&many), "publish what is missing again: mlist sync --repair");
}

#[test]
fn a_selector_in_a_help_is_quoted() {
    let (mut world, list, [amd64, _]) = published();
    world.remove(&place(), &amd64.digest);
    for (id, argument) in [("kube/kube-proxy", "kube/kube-proxy"), ("app/1.2 *", "'app/1.2 [*]'"), ("a'b", r"'a'\''b'")]
    {
        let list = with(&list, |list| list.id = id.into());
        let (verified, _) = verified(&world, &list, CheckDepth::Children);
        assert!(help(&verified).contains(&format!(": mlist sync --repair {argument};")), "{}", help(&verified));
    }
}
