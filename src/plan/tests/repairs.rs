//! Lists that have lost images or blobs, planned with `--repair`.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index as Pick;

use super::random::scenes;
use super::world::{Image, World, member_tags, platform, publication, reference, shared, with};
use crate::config::model::{Attestations, Missing, Publication, Undeclared};
use crate::oci::{Descriptor, Digest, Entry, ImageManifest, Index, MediaType, Payload, Place, Tag};
use crate::plan::{Action, CheckDepth, ChildFault, ListPlan, Query, Reason, Snapshot, TagFate};

const TARGET: &str = "reg.corp/app";
const AMD64: (&str, &str) = ("linux/amd64", "reg.corp/app-amd64:v1");
const ARM64: (&str, &str) = ("linux/arm64", "reg.corp/app-arm64:v1");
const S390X: (&str, &str) = ("linux/s390x", "reg.corp/app-s390x:v1");

fn list() -> Arc<Publication> {
    publication(TARGET, &["v1"], &[AMD64, ARM64])
}

fn built() -> World {
    let mut world = World::default();
    for (platform, source) in [AMD64, ARM64, S390X] {
        world.push(&reference(source), &Image::of(platform, 1));
    }
    world
}

fn sync(world: &mut World, list: &Arc<Publication>) -> ListPlan {
    let (plan, _) = world.plan(list);
    assert!(plan.action.writes(), "{:?}", plan.problems);
    world.apply(&plan);
    plan
}

fn head(world: &World, source: &str) -> Descriptor {
    world.named(&reference(source)).unwrap().descriptor().clone()
}

fn blobs(payload: &Payload) -> Vec<Digest> {
    ImageManifest::parse(payload).unwrap().blobs().map(|blob| blob.digest.clone()).collect()
}

/// Returns what is copied again, and why.
fn faults(plan: &ListPlan) -> Vec<(&Digest, &ChildFault)> {
    plan.children.iter().map(|child| (&child.descriptor.digest, child.fault.as_ref().expect("a fault"))).collect()
}

/// Returns the one problem that blocks the repair: its code, its last reason and its help.
fn blocked(world: &World, list: &Arc<Publication>, depth: CheckDepth) -> String {
    let plan = planned(world, list, depth);
    assert_eq!((plan.action, plan.problems.len()), (Action::Blocked, 1), "{:?}", plan.problems);
    super::shown(&plan.problems[0])
}

/// Plans a repair.
fn planned(world: &World, list: &Arc<Publication>, depth: CheckDepth) -> ListPlan {
    world.plan_by(list, depth, Snapshot::default()).0
}

/// Repairs the list, which must then be complete.
fn repair(world: &mut World, list: &Arc<Publication>, depth: CheckDepth) -> ListPlan {
    let plan = planned(world, list, depth);
    assert!(plan.action.writes(), "{plan:#?}");
    world.apply(&plan);
    assert_eq!(planned(world, list, depth).action, Action::Unchanged);
    plan
}

#[test]
fn children_are_looked_up_only_for_a_repair() {
    let (mut world, list) = (built(), list());
    sync(&mut world, &list);
    let (_, asked) = world.plan(&list);
    assert_eq!((asked.heads, asked.manifests, asked.blobs, asked.rounds), (3, 0, 0, 1));
    let (_, asked) = world.plan_by(&list, CheckDepth::Children, Snapshot::default());
    assert_eq!((asked.heads, asked.manifests, asked.blobs, asked.rounds), (5, 0, 0, 2));
    let (plan, asked) = world.plan_by(&list, CheckDepth::Blobs, Snapshot::default());
    assert_eq!((asked.heads, asked.manifests, asked.blobs, asked.rounds), (5, 2, 4, 4));
    assert_eq!((plan.action, plan.children.len()), (Action::Unchanged, 0));
}

#[test]
fn a_lost_image_is_copied_again_and_no_tag_is_written() {
    let (mut world, list) = (built(), list());
    let published = sync(&mut world, &list);
    let image = head(&world, ARM64.1);
    world.remove(&list.target, &image.digest);
    assert_eq!(world.plan(&list).0.action, Action::Unchanged);
    let plan = repair(&mut world, &list, CheckDepth::Children);
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Damaged)));
    assert_eq!(plan.tags.iter().map(|tag| tag.fate).collect::<Vec<_>>(), [TagFate::Same]);
    assert_eq!(faults(&plan), [(&image.digest, &ChildFault::Missing)]);
    assert_eq!((&plan.index, plan.present.len()), (&published.index, 0));
}

#[test]
fn a_lost_blob_is_found_if_blobs_are_checked() {
    let (mut world, list) = (built(), list());
    sync(&mut world, &list);
    let image = world.named(&reference(AMD64.1)).unwrap().clone();
    for (blob, fault) in blobs(&image).into_iter().zip([ChildFault::ConfigMissing, ChildFault::LayerMissing]) {
        world.remove(&list.target, &blob);
        assert_eq!(planned(&world, &list, CheckDepth::Children).action, Action::Unchanged);
        let plan = repair(&mut world, &list, CheckDepth::Blobs);
        assert_eq!(faults(&plan), [(image.digest(), &fault(blob))]);
    }
}

#[test]
fn bytes_from_another_place_are_no_proof_that_the_target_has_them() {
    let (mut world, list) = (built(), list());
    sync(&mut world, &list);
    let image = head(&world, ARM64.1);
    world.remove(&list.target, &image.digest);
    let mut snapshot = Snapshot::default();
    for (_, source) in [AMD64, ARM64] {
        let reference = reference(source);
        world.answer(&Query::Manifest(head(&world, source).digest, reference.place), &mut snapshot);
    }
    for depth in [CheckDepth::Children, CheckDepth::Blobs] {
        assert_eq!(faults(&world.plan_by(&list, depth, snapshot.clone()).0), [(&image.digest, &ChildFault::Missing)]);
    }
}

#[test]
fn an_answer_that_does_not_come_fails_the_repair() {
    let (mut world, list) = (built(), list());
    sync(&mut world, &list);
    let image = world.named(&reference(AMD64.1)).unwrap().clone();
    let blob = ImageManifest::parse(&image).unwrap().config;
    for query in [
        Query::Head(list.target.with_digest(image.digest())),
        Query::Stored(image.digest().clone(), list.target.clone()),
        Query::Blob(blob, list.target.clone()),
    ] {
        let mut world = world.clone();
        world.mute(query);
        assert_eq!(planned(&world, &list, CheckDepth::Blobs).action, Action::Failed);
    }
}

#[test]
fn only_the_list_that_is_equal_is_repaired() {
    let (mut world, v1) = (built(), list());
    sync(&mut world, &v1);
    world.push(&reference(ARM64.1), &Image::of("linux/arm64", 2));
    let latest = publication(TARGET, &["latest"], &[AMD64, ARM64]);
    sync(&mut world, &latest);
    let old = Index::parse(world.named(&reference("reg.corp/app:v1")).unwrap()).unwrap().entries.remove(1).descriptor;
    world.remove(&v1.target, &old.digest);
    // The list of another tag lacks its image. It is not the list that this file declares, and nothing has its image.
    assert_eq!(planned(&world, &latest, CheckDepth::Blobs).action, Action::Unchanged);
    // A tag that moves gets the whole list, and the other one is repaired with it.
    let both = publication(TARGET, &["latest", "v1"], &[AMD64, ARM64]);
    world.remove(&v1.target, &head(&world, ARM64.1).digest);
    let plan = repair(&mut world, &both, CheckDepth::Children);
    assert_eq!((plan.reason, plan.children.len()), (Some(Reason::Tags), 1));
    assert_eq!(plan.tags.iter().map(|tag| tag.fate).collect::<Vec<_>>(), [TagFate::Same, TagFate::Moved]);
}

#[test]
fn a_member_tag_that_is_written_does_not_hide_a_lost_image() {
    let (mut world, list) = (built(), list());
    sync(&mut world, &list);
    let image = head(&world, ARM64.1);
    world.remove(&list.target, &image.digest);
    let tagged = with(&shared(&list), |list| {
        list.rules.undeclared = Undeclared::Remove;
        list.member_tags.clear();
        list.members[1].tags.clear();
    });
    assert_eq!(world.plan(&tagged).0.children.len(), 0, "it is not needed for the tag");
    let plan = repair(&mut world, &tagged, CheckDepth::Children);
    assert_eq!(faults(&plan), [(&image.digest, &ChildFault::Missing)]);
    assert_eq!((plan.tags[0].fate, plan.member_tags[0].tag.fate), (TagFate::Same, TagFate::Created));
}

#[test]
fn in_a_layout_a_member_tag_that_is_written_does_not_hide_it_in_any_run() {
    let (mut world, list) = (built(), publication("oci:out", &["v1"], &[AMD64, ARM64]));
    sync(&mut world, &list);
    let image = head(&world, ARM64.1);
    world.remove(&list.target, &image.digest);
    let tagged = with(&shared(&list), |list| {
        list.rules.undeclared = Undeclared::Remove;
        list.member_tags.clear();
        list.members[1].tags.clear();
    });
    let plan = planned(&world, &tagged, CheckDepth::List);
    assert_eq!(faults(&plan), [(&image.digest, &ChildFault::Missing)]);
    world.apply(&plan);
    assert_eq!(planned(&world, &tagged, CheckDepth::List).action, Action::Unchanged);
}

#[test]
fn an_image_whose_source_is_the_target_is_not_repaired() {
    let mut world = built();
    let own = ("linux/s390x", "reg.corp/app:v1-s390x");
    world.push(&reference(own.1), &Image::of("linux/s390x", 1));
    let list = publication(TARGET, &["v1"], &[AMD64, own]);
    sync(&mut world, &list);
    let image = world.named(&reference(own.1)).unwrap().clone();
    world.remove(&list.target, &blobs(&image)[1]);
    insta::assert_snapshot!(blocked(&world, &list, CheckDepth::Blobs), @r"
    member_damaged: reg.corp/app:v1-s390x exists, but one of its layers is missing
      because sha256:6d7317de7399a01b3fac8cd637ea8fc7bb9907804909a9f61895b6ea4fdb2c6b not found in reg.corp/app
      at 201..202: linux/s390x of list `app`
      help: push the image again
    ");
    // Another place that has it is a source.
    let both = publication(TARGET, &["v1"], &[AMD64, own, ("linux/s390x/z15", "reg.corp/app-s390x:v1")]);
    let plan = planned(&world, &both, CheckDepth::Blobs);
    assert_eq!(plan.problems, []);
    world.remove(&list.target, image.digest());
    assert!(blocked(&world, &list, CheckDepth::Children).starts_with("member_absent: "));
}

#[test]
fn an_undeclared_image_has_no_source() {
    let mut world = built();
    sync(&mut world, &publication(TARGET, &["v1"], &[AMD64, ARM64, S390X]));
    let keep = with(&list(), |list| list.rules.undeclared = Undeclared::Keep);
    let image = world.named(&reference(S390X.1)).unwrap().clone();
    let mut blob_lost = world.clone();
    blob_lost.remove(&keep.target, &blobs(&image)[1]);
    insta::assert_snapshot!(blocked(&blob_lost, &keep, CheckDepth::Blobs), @r#"
    kept_gone: reg.corp/app:v1 keeps reg.corp/app@sha256:1cce823b7380eda5351235dc099c5a5d1d8bdfee0ddbc6cb274e11a8a91c2a33, but one of its layers is missing
      because sha256:6d7317de7399a01b3fac8cd637ea8fc7bb9907804909a9f61895b6ea4fdb2c6b not found in reg.corp/app
      because published for linux/s390x, but not declared in this file
      at 0..1: target of list `app`
      help: publish it again from the file that declares it, declare linux/s390x here with a source, or set undeclared = "remove" to remove it from the list
    "#);
    world.remove(&keep.target, image.digest());
    assert_eq!(world.plan(&keep).0.action, Action::Unchanged);
    insta::assert_snapshot!(blocked(&world, &keep, CheckDepth::Children), @r#"
    kept_gone: reg.corp/app@sha256:1cce823b7380eda5351235dc099c5a5d1d8bdfee0ddbc6cb274e11a8a91c2a33 not found, but reg.corp/app:v1 keeps it
      because published for linux/s390x, but not declared in this file
      at 0..1: target of list `app`
      help: publish it again from the file that declares it, declare linux/s390x here with a source, or set undeclared = "remove" to remove it from the list
    "#);
    // Each part of the help works.
    repair(&mut world.clone(), &list(), CheckDepth::Children);
    let declared = publication(TARGET, &["v1"], &[AMD64, ARM64, S390X]);
    repair(&mut world.clone(), &with(&declared, |list| list.rules.undeclared = Undeclared::Keep), CheckDepth::Children);
    let theirs = with(&publication(TARGET, &["v1"], &[S390X]), |list| list.rules.undeclared = Undeclared::Keep);
    repair(&mut world, &theirs, CheckDepth::Children);
    assert_eq!(planned(&world, &keep, CheckDepth::Blobs).action, Action::Unchanged);
}

#[test]
fn an_undeclared_entry_without_a_platform_cannot_be_declared() {
    let mut world = built();
    let place = list().target.clone();
    let image = world.push_by_digest(&place, &Image::of("linux/s390x", 1));
    let entries = vec![Entry { platform: None, ..Entry::new(image.clone(), platform("linux/s390x")) }];
    world.publish(&reference("reg.corp/app:v1"), &Index::new(MediaType::OciIndex, entries));
    let keep = with(&list(), |list| list.rules.undeclared = Undeclared::Keep);
    sync(&mut world, &keep);
    world.remove(&place, &image.digest);
    insta::assert_snapshot!(blocked(&world, &keep, CheckDepth::Children), @r#"
    kept_gone: reg.corp/app@sha256:1cce823b7380eda5351235dc099c5a5d1d8bdfee0ddbc6cb274e11a8a91c2a33 not found, but reg.corp/app:v1 keeps it
      because published, but not declared in this file
      at 0..1: target of list `app`
      help: publish it again from the file that declares it, or set undeclared = "remove" to remove it from the list
    "#);
}

#[test]
fn an_image_of_an_undeclared_index_is_checked_too() {
    let mut world = built();
    let place = list().target.clone();
    let image = world.push_by_digest(&place, &Image::of("linux/s390x", 1));
    let nested = reference("reg.corp/app:nested");
    let index = world.push_index(&nested, vec![Entry::new(image.clone(), platform("linux/s390x"))]);
    let entries = vec![Entry::new(index, platform("linux/s390x"))];
    world.publish(&reference("reg.corp/app:v1"), &Index::new(MediaType::OciIndex, entries));
    let keep = with(&list(), |list| list.rules.undeclared = Undeclared::Keep);
    sync(&mut world, &keep);
    assert_eq!(planned(&world, &keep, CheckDepth::Blobs).action, Action::Unchanged);
    world.remove(&place, &image.digest);
    assert!(blocked(&world, &keep, CheckDepth::Children).starts_with("kept_gone: "));
}

#[test]
fn an_image_whose_source_is_gone_has_none() {
    for policy in [Missing::Error, Missing::Keep, Missing::Skip] {
        let mut world = built();
        let list = with(&list(), |list| list.members[1].missing = policy);
        sync(&mut world, &list);
        let image = head(&world, ARM64.1);
        world.untag(&reference(ARM64.1));
        world.remove(&reference(ARM64.1).place, &image.digest);
        world.remove(&list.target, &image.digest);
        match policy {
            Missing::Error => {
                assert!(blocked(&world, &list, CheckDepth::Children).starts_with("member_absent: "));
            }
            Missing::Keep => insta::assert_snapshot!(blocked(&world, &list, CheckDepth::Children), @r#"
            kept_gone: reg.corp/app@sha256:fa0c91b29571328f89b6a2571ef236a9630a443121b588159fb55c3e7e1e3498 not found, but reg.corp/app:v1 keeps it
              because published for linux/arm64, but its source reg.corp/app-arm64:v1 was not found either
              at 201..202: linux/arm64 of list `app`
              help: push the image to its source again, or set missing = "skip" to publish without it
            "#),
            // It leaves the list, as without a repair.
            Missing::Skip => {
                let plan = repair(&mut world, &list, CheckDepth::Children);
                assert_eq!((plan.reason, plan.children.len()), (Some(Reason::Members), 0));
            }
        }
    }
}

#[test]
fn attestations_come_back_with_their_image() {
    let mut world = built();
    let (image, attestation) =
        world.push_built(&reference(ARM64.1), &platform("linux/arm64"), &Image::of("linux/arm64", 3).oci());
    let list = list();
    sync(&mut world, &list);
    for lost in [&attestation.descriptor, &image] {
        world.remove(&list.target, &lost.digest);
        let plan = repair(&mut world, &list, CheckDepth::Children);
        assert_eq!(faults(&plan), [(&lost.digest, &ChildFault::Missing)]);
        assert_eq!(plan.children[0].platform, platform("linux/arm64"));
    }
}

#[test]
fn an_attestation_without_a_source_says_what_it_belongs_to() {
    let mut world = built();
    let (_, attestation) =
        world.push_built(&reference(ARM64.1), &platform("linux/arm64"), &Image::of("linux/arm64", 3).oci());
    let keep = with(&list(), |list| list.members[1].missing = Missing::Keep);
    sync(&mut world, &keep);
    world.remove(&keep.target, &attestation.descriptor.digest);
    // Only this file keeps the image, and another one has declared it.
    let other = with(&publication(TARGET, &["v1"], &[AMD64]), |list| list.rules.undeclared = Undeclared::Keep);
    insta::assert_snapshot!(blocked(&world, &other, CheckDepth::Children), @r#"
    kept_gone: reg.corp/app@sha256:94b1c711ef585a30f5c70b878d0cc0aa70e05761e6d52fb8a38be705ab3e9b07 not found, but reg.corp/app:v1 keeps it
      because the manifest is an attestation of the image for linux/arm64, which is not declared in this file
      at 0..1: target of list `app`
      help: publish it again from the file that declares it, or set undeclared = "remove" to remove the image from the list
    "#);
    world.untag(&reference(ARM64.1));
    insta::assert_snapshot!(blocked(&world, &keep, CheckDepth::Children), @r#"
    kept_gone: reg.corp/app@sha256:94b1c711ef585a30f5c70b878d0cc0aa70e05761e6d52fb8a38be705ab3e9b07 not found, but reg.corp/app:v1 keeps it
      because the manifest is an attestation of the image for linux/arm64, whose source reg.corp/app-arm64:v1 was not found
      at 0..1: target of list `app`
      help: push the image with its attestations to its source again, or set attestations = "drop" to publish without them
    "#);
    repair(&mut world, &with(&keep, |list| list.rules.attestations = Attestations::Drop), CheckDepth::Children);
}

#[test]
fn what_the_source_of_an_image_does_not_have_is_not_copied_from_there() {
    let mut world = built();
    let (image, attestation) =
        world.push_built(&reference(ARM64.1), &platform("linux/arm64"), &Image::of("linux/arm64", 3).oci());
    let list = list();
    sync(&mut world, &list);
    let source = reference(ARM64.1).place;
    let mut attested = world.clone();
    attested.remove(&list.target, &attestation.descriptor.digest);
    attested.remove(&source, &attestation.descriptor.digest);
    insta::assert_snapshot!(blocked(&attested, &list, CheckDepth::Children), @r#"
    kept_gone: reg.corp/app@sha256:94b1c711ef585a30f5c70b878d0cc0aa70e05761e6d52fb8a38be705ab3e9b07 not found, but reg.corp/app:v1 keeps it
      because the manifest is an attestation of the image for linux/arm64, and was not found in reg.corp/app-arm64 either
      at 201..202: linux/arm64 of list `app`
      help: push the image with its attestations to its source again, or set attestations = "drop" to publish without them
    "#);
    repair(&mut attested, &with(&list, |list| list.rules.attestations = Attestations::Drop), CheckDepth::Children);
    world.remove(&list.target, &image.digest);
    world.remove(&source, &image.digest);
    insta::assert_snapshot!(blocked(&world, &list, CheckDepth::Children), @r"
    member_damaged: reg.corp/app-arm64:v1 exists, but its manifest is missing
      because sha256:76a234b2eac424a86ceac1535a5f417da5d36b7ea013d7f4fe559d070a0f1545 not found in reg.corp/app-arm64
      at 201..202: linux/arm64 of list `app`
      help: push the image again
    ");
}

#[test]
fn the_image_of_another_writer_is_not_repaired_here() {
    let mut world = built();
    let (ours, theirs) = (shared(&list()), shared(&publication(TARGET, &["v1"], &[S390X])));
    sync(&mut world, &ours);
    sync(&mut world, &theirs);
    let image = world.named(&reference(S390X.1)).unwrap().clone();
    world.remove(&ours.target, &blobs(&image)[1]);
    let problem = blocked(&world, &ours, CheckDepth::Blobs);
    assert!(problem.starts_with("member_damaged: reg.corp/app:v"), "{problem}");
    repair(&mut world, &theirs, CheckDepth::Blobs);
    assert_eq!(planned(&world, &ours, CheckDepth::Blobs).action, Action::Unchanged);
    // A registry deletes the tags of a manifest with it.
    let tag = Tag::parse(&super::world::member_tag(&member_tags("v1"), &platform("linux/s390x"))).unwrap();
    world.untag(&ours.target.tagged(&tag));
    world.remove(&ours.target, image.digest());
    assert!(blocked(&world, &ours, CheckDepth::Children).starts_with("kept_gone: "));
    repair(&mut world, &theirs, CheckDepth::Children);
    assert_eq!(planned(&world, &ours, CheckDepth::Blobs).action, Action::Unchanged);
}

/// Whether `place` has every child of the list, with its blobs if `depth` says so.
fn is_complete(world: &World, place: &Place, list: &Payload, depth: CheckDepth) -> bool {
    Index::parse(list).unwrap().entries.iter().all(|entry| {
        let payload = world.payload(&entry.descriptor.digest);
        let has_blobs = || match ImageManifest::parse(payload) {
            Ok(image) => image.blobs().all(|blob| world.has(place, &blob.digest)),
            Err(_) => true,
        };
        world.has(place, payload.digest()) && (depth < CheckDepth::Blobs || has_blobs())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_list_loses_is_repaired_or_reported(mut scene in scenes(), child in any::<Pick>(), blob in any::<Pick>(), of_blob in any::<bool>()) {
        let (first, _) = scene.world.plan(&scene.list);
        let Some(payload) = first.payload.clone() else { return Ok(()) };
        scene.world.apply(&first);
        let target = scene.list.target.clone();
        let entries = Index::parse(&payload).unwrap().entries;
        let lost = child.get(&entries).descriptor.digest.clone();
        let image = scene.world.payload(&lost).clone();
        // What other tools published in this world has no blobs in the target.
        let depth = if of_blob && is_complete(&scene.world, &target, &payload, CheckDepth::Blobs) { CheckDepth::Blobs } else { CheckDepth::Children };
        match ImageManifest::parse(&image) {
            Ok(_) if depth == CheckDepth::Blobs => scene.world.remove(&target, blob.get(&blobs(&image))),
            // Retention jobs delete what no tag names.
            _ => scene.world.clean_up(&target, &lost),
        }
        let plan = planned(&scene.world, &scene.list, depth);
        let before: Vec<Option<Digest>> = plan.tags.iter().map(|tag| tag.from.clone()).collect();
        match plan.action {
            Action::Blocked => prop_assert!(!plan.problems.is_empty()),
            Action::Failed => prop_assert!(false, "a world without silence fails nothing"),
            Action::Create | Action::Update | Action::Unchanged => {
                if plan.reason == Some(Reason::Damaged) {
                    let fates = plan.tags.iter().chain(plan.member_tags.iter().map(|own| &own.tag));
                    prop_assert!(fates.into_iter().all(|tag| !tag.fate.is_written()), "{plan:#?}");
                    prop_assert!(plan.children.iter().all(|child| child.fault.is_some()) && !plan.children.is_empty());
                }
                scene.world.apply(&plan);
                for (tag, before) in plan.tags.iter().zip(before) {
                    let named = scene.world.named(&target.tagged(&tag.tag)).cloned();
                    if tag.fate == TagFate::Same {
                        prop_assert_eq!(named.as_ref().map(|list| list.digest().clone()), before);
                    }
                    if tag.fate != TagFate::Stays {
                        prop_assert!(is_complete(&scene.world, &target, &named.unwrap(), depth), "{plan:#?}");
                    }
                }
                let again = planned(&scene.world, &scene.list, depth);
                prop_assert_eq!(again.action, Action::Unchanged, "{:#?}", again);
            }
        }
    }
}
