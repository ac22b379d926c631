//! What lists cost, in requests and round trips. Each list has five members and one tag; each image has a config and a
//! layer.

use std::sync::Arc;

use super::world::{
    Asked, Image, World, Written, foreign_list, member_tags, platform, publication, reference, shared, with,
};
use crate::config::model::{Missing, Publication, Undeclared};
use crate::oci::{MediaType, Place};
use crate::plan::{Action, CheckDepth, Query, Snapshot};

const TARGET: &str = "reg.corp/k8s/app";
const PLATFORMS: [&str; 5] = ["linux/amd64", "linux/arm/v7", "linux/arm64", "linux/ppc64le", "linux/s390x"];

#[derive(Clone, Copy)]
enum Sources {
    /// In the target: `app:v1-amd64`.
    InTarget,
    /// In repositories of their own: `app-amd64:v1`.
    OfTheirOwn,
}

fn source(platform: &str, sources: Sources) -> String {
    let arch = platform.split('/').nth(1).unwrap();
    match sources {
        Sources::InTarget => format!("{TARGET}:v1-{arch}"),
        Sources::OfTheirOwn => format!("{TARGET}-{arch}:v1"),
    }
}

fn declared(platforms: [&str; 5], sources: Sources) -> Arc<Publication> {
    let members = platforms.map(|platform| (platform, source(platform, sources)));
    publication(TARGET, &["v1"], &members.each_ref().map(|(platform, source)| (*platform, source.as_str())))
}

fn built(sources: Sources) -> World {
    let mut world = World::default();
    for platform in PLATFORMS {
        world.push(&reference(&source(platform, sources)), &Image::of(platform, 1));
    }
    world
}

/// A world in which mlist has published the list.
fn published(platforms: [&str; 5], sources: Sources) -> (World, Arc<Publication>) {
    let (mut world, list) = (built(sources), declared(platforms, sources));
    let (plan, _) = world.plan(&list);
    world.apply(&plan);
    (world, list)
}

/// A world in which each member is what `docker buildx` pushes: an index of the image and its attestation.
fn built_by_buildx() -> World {
    let mut world = World::default();
    for name in PLATFORMS {
        let source = reference(&source(name, Sources::OfTheirOwn));
        world.push_built(&source, &platform(name), &Image::of(name, 1));
    }
    world
}

fn asked(heads: usize, manifests: usize, configs: usize, rounds: usize) -> Asked {
    Asked { heads, manifests, configs, rounds, ..Asked::default() }
}

/// Plans and applies a run, and returns what it costs.
fn cost(world: &mut World, list: &Arc<Publication>, action: Action) -> (Asked, Written, usize) {
    let (plan, asked) = world.plan(list);
    assert_eq!(plan.action, action, "{:?}", plan.problems);
    let written = world.apply(&plan);
    let planned = asked.heads + asked.manifests + asked.configs;
    (asked, written, planned + written.rechecks + written.reads + written.mounts + written.puts)
}

fn wrote(mounts: usize, puts: usize) -> Written {
    Written { rechecks: 1, reads: 0, mounts, puts }
}

#[test]
fn unchanged_and_complete_costs_heads_only() {
    for sources in [Sources::InTarget, Sources::OfTheirOwn] {
        let (mut world, list) = published(PLATFORMS, sources);
        assert_eq!(cost(&mut world, &list, Action::Unchanged), (asked(6, 0, 0, 1), Written::default(), 6));
    }
}

#[test]
fn unchanged_with_annotations_costs_heads_only() {
    let mut world = built(Sources::InTarget);
    let list = with(&declared(PLATFORMS, Sources::InTarget), |list| {
        list.annotations.insert("org.example".into(), "of the list".into());
        list.members[0].annotations.insert("org.example".into(), "of the row".into());
    });
    cost(&mut world, &list, Action::Create);
    assert_eq!(cost(&mut world, &list, Action::Unchanged).0, asked(6, 0, 0, 1));
}

#[test]
fn unchanged_with_a_bare_arm_reads_the_published_list() {
    let bare = PLATFORMS.map(|platform| if platform == "linux/arm/v7" { "linux/arm" } else { platform });
    let (mut world, list) = published(bare, Sources::OfTheirOwn);
    assert_eq!(cost(&mut world, &list, Action::Unchanged), (asked(6, 1, 0, 2), Written::default(), 7));
}

#[test]
fn unchanged_with_another_tools_bytes_reads_the_published_list() {
    let (mut world, list) = published(PLATFORMS, Sources::OfTheirOwn);
    let entries: Vec<_> = PLATFORMS
        .iter()
        .rev()
        .map(|name| {
            let source = reference(&source(name, Sources::OfTheirOwn));
            let shown = if *name == "linux/arm64" { "linux/arm64/v8" } else { name };
            (world.named(&source).unwrap().descriptor().clone(), platform(shown))
        })
        .collect();
    let bytes = foreign_list(&MediaType::DockerList, &entries);
    let theirs = world.push_bytes(&reference(&format!("{TARGET}:v1")), MediaType::DockerList, bytes);
    let (plan, _) = world.plan(&list);
    assert_eq!(plan.index.unwrap().digest, theirs.digest);
    assert_eq!(cost(&mut world, &list, Action::Unchanged), (asked(6, 1, 0, 2), Written::default(), 7));
}

#[test]
fn creating_from_the_target_itself_copies_nothing() {
    let (mut world, list) = (built(Sources::InTarget), declared(PLATFORMS, Sources::InTarget));
    assert_eq!(cost(&mut world, &list, Action::Create), (asked(6, 5, 5, 3), wrote(0, 1), 18));
}

#[test]
fn creating_from_other_repositories_mounts_every_blob() {
    let (mut world, list) = (built(Sources::OfTheirOwn), declared(PLATFORMS, Sources::OfTheirOwn));
    assert_eq!(cost(&mut world, &list, Action::Create), (asked(6, 5, 5, 3), wrote(10, 6), 33));
}

#[test]
fn creating_from_indexes_takes_their_attestations_along() {
    let (mut world, list) = (built_by_buildx(), declared(PLATFORMS, Sources::OfTheirOwn));
    assert_eq!(cost(&mut world, &list, Action::Create), (asked(6, 15, 5, 4), wrote(20, 11), 58));
}

#[test]
fn unchanged_members_that_are_indexes_are_read_once() {
    let (mut world, list) = (built_by_buildx(), declared(PLATFORMS, Sources::OfTheirOwn));
    let (plan, _) = world.plan(&list);
    world.apply(&plan);
    assert_eq!(cost(&mut world, &list, Action::Unchanged), (asked(6, 5, 0, 2), Written::default(), 11));
    // Their bytes are in a cache.
    let mut snapshot = Snapshot::default();
    for name in PLATFORMS {
        snapshot.add_bytes(world.named(&reference(&source(name, Sources::OfTheirOwn))).unwrap().clone());
    }
    assert_eq!(world.plan_by(&list, CheckDepth::List, snapshot).1, asked(6, 0, 0, 1));
}

#[test]
fn known_configs_are_not_asked_for() {
    let (world, list) = (built(Sources::OfTheirOwn), declared(PLATFORMS, Sources::OfTheirOwn));
    let mut snapshot = Snapshot::default();
    for platform in PLATFORMS {
        let place = reference(&source(platform, Sources::OfTheirOwn)).place;
        let manifest = world.named(&reference(&source(platform, Sources::OfTheirOwn))).unwrap();
        let config = crate::oci::ImageManifest::parse(manifest).unwrap().config;
        world.answer(&Query::Config(config.digest, place), &mut snapshot);
    }
    assert_eq!(world.plan_by(&list, CheckDepth::List, snapshot).1, asked(6, 5, 0, 2));
}

#[test]
fn one_of_five_changed_in_the_target_itself() {
    let (mut world, list) = published(PLATFORMS, Sources::InTarget);
    world.push(&reference(&source("linux/arm64", Sources::InTarget)), &Image::of("linux/arm64", 2));
    assert_eq!(cost(&mut world, &list, Action::Update), (asked(6, 2, 1, 4), wrote(0, 1), 11));
}

#[test]
fn one_of_five_changed_in_its_own_repository_asks_for_the_other_four() {
    let (mut world, list) = published(PLATFORMS, Sources::OfTheirOwn);
    world.push(&reference(&source("linux/arm64", Sources::OfTheirOwn)), &Image::of("linux/arm64", 2));
    assert_eq!(cost(&mut world, &list, Action::Update), (asked(10, 2, 1, 4), wrote(2, 2), 18));
}

#[test]
fn a_child_that_was_cleaned_up_is_copied_again() {
    let (mut world, list) = published(PLATFORMS, Sources::OfTheirOwn);
    let target = Place::parse(TARGET).unwrap();
    let gone = world.named(&reference(&source("linux/s390x", Sources::OfTheirOwn))).unwrap().digest().clone();
    world.remove(&target, &gone);
    world.push(&reference(&source("linux/arm64", Sources::OfTheirOwn)), &Image::of("linux/arm64", 2));
    let (_, written, _) = cost(&mut world, &list, Action::Update);
    assert_eq!(written, wrote(4, 3));
    assert!(world.has(&target, &gone));
}

#[test]
fn one_absent_member_blocks_by_heads_alone() {
    for sources in [Sources::InTarget, Sources::OfTheirOwn] {
        let (mut world, list) = published(PLATFORMS, sources);
        world.untag(&reference(&source("linux/s390x", sources)));
        assert_eq!(cost(&mut world, &list, Action::Blocked), (asked(6, 0, 0, 1), Written::default(), 6));
    }
}

#[test]
fn a_second_tag_costs_a_head_and_its_write() {
    let (mut world, list) = published(PLATFORMS, Sources::OfTheirOwn);
    let mut with_alias = (*list).clone();
    with_alias.tags.extend(publication(TARGET, &["latest"], &[]).tags.clone());
    let list = Arc::new(with_alias);
    let (asked, written, _) = cost(&mut world, &list, Action::Update);
    assert_eq!((asked.manifests, asked.configs), (0, 0));
    // The five children are checked with a HEAD, because the list is written under another tag.
    assert_eq!((asked.heads, written), (7 + 5, wrote(0, 1)));
}

#[test]
fn unchanged_where_an_absent_member_is_skipped_costs_heads_only() {
    for sources in [Sources::InTarget, Sources::OfTheirOwn] {
        let (mut world, list) = (built(sources), declared(PLATFORMS, sources));
        let list = with(&list, |list| list.members[4].missing = Missing::Skip);
        world.untag(&reference(&source("linux/s390x", sources)));
        let (plan, _) = world.plan(&list);
        world.apply(&plan);
        assert_eq!(cost(&mut world, &list, Action::Unchanged), (asked(6, 0, 0, 1), Written::default(), 6));
    }
}

#[test]
fn unchanged_where_an_absent_member_is_kept_reads_the_published_list() {
    for sources in [Sources::InTarget, Sources::OfTheirOwn] {
        let (mut world, list) = published(PLATFORMS, sources);
        let list = with(&list, |list| list.members[4].missing = Missing::Keep);
        // No member is missing, so the heads alone decide.
        assert_eq!(cost(&mut world, &list, Action::Unchanged), (asked(6, 0, 0, 1), Written::default(), 6));
        world.untag(&reference(&source("linux/s390x", sources)));
        assert_eq!(cost(&mut world, &list, Action::Unchanged), (asked(6, 1, 0, 2), Written::default(), 7));
    }
}

#[test]
fn unchanged_where_what_is_not_declared_stays_reads_the_published_list() {
    let (mut world, list) = published(PLATFORMS, Sources::OfTheirOwn);
    let list = with(&list, |list| list.rules.undeclared = Undeclared::Keep);
    // If there are no undeclared entries, the heads show it.
    assert_eq!(cost(&mut world, &list, Action::Unchanged), (asked(6, 0, 0, 1), Written::default(), 6));
    let list = with(&list, |list| list.members.truncate(4));
    assert_eq!(cost(&mut world, &list, Action::Unchanged), (asked(5, 1, 0, 2), Written::default(), 6));
    // Known bytes are not requested, so only heads are left.
    let mut snapshot = Snapshot::default();
    let digest = world.named(&list.reference()).unwrap().digest().clone();
    world.answer(&Query::Manifest(digest, list.target.clone()), &mut snapshot);
    assert_eq!(world.plan_by(&list, CheckDepth::List, snapshot).1, asked(5, 0, 0, 1));
}

#[test]
fn several_writers_cost_a_listing_and_a_head_for_each_tag_of_a_member() {
    let (mut world, list) = published(PLATFORMS, Sources::OfTheirOwn);
    let list = shared(&list);
    let (plan, _) = world.plan(&list);
    world.apply(&plan);
    let costs = Asked { tags: 1, ..asked(6 + 5, 0, 0, 1) };
    assert_eq!(cost(&mut world, &list, Action::Unchanged).0, costs);
    // Two of the five belong to another writer: their tags are queried once they have been found.
    let list = with(&list, |list| {
        list.members.truncate(3);
        list.member_tags = vec![member_tags("v1")];
    });
    let costs = Asked { tags: 1, ..asked(4 + 5, 0, 0, 2) };
    assert_eq!(cost(&mut world, &list, Action::Unchanged).0, costs);
}

#[test]
fn what_stays_is_asked_for_once_more_where_the_list_is_written() {
    let (mut world, list) = published(PLATFORMS, Sources::OfTheirOwn);
    let list = with(&list, |list| list.members[4].missing = Missing::Keep);
    world.untag(&reference(&source("linux/s390x", Sources::OfTheirOwn)));
    world.push(&reference(&source("linux/arm64", Sources::OfTheirOwn)), &Image::of("linux/arm64", 2));
    let (_, written, all) = cost(&mut world, &list, Action::Update);
    // The cost is the same as if one of five had changed: the fifth HEAD is the one of the entry that is kept.
    assert_eq!((written, all), (wrote(2, 2), 18));
}
