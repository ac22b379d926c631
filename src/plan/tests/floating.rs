//! Floating tags, which only the newest version has.

use std::sync::Arc;

use super::world::{Asked, Image, World, foreign_list, platform, publication, reference, with};
use crate::config::model::{HeldBackTag, Newest, Publication, TargetTag};
use crate::naming::{Partial, Piece, Version};
use crate::oci::{Digest, MediaType, Place, Tag};
use crate::plan::{Action, ListPlan, Query, Reason, TagFate};

const TARGET: &str = "reg.corp/pause";
const PLATFORMS: [&str; 5] = ["linux/amd64", "linux/arm/v7", "linux/arm64", "linux/ppc64le", "linux/s390x"];

/// The list of a version with tags of its own and floating tags. `rivals` are greater versions in the file that claim
/// the floating tags too.
struct Release<'a> {
    version: &'a str,
    tags: &'a [&'a str],
    floating: &'a [&'a str],
    rivals: &'a [&'a str],
}

impl Release<'_> {
    fn declared(&self) -> Arc<Publication> {
        let version = |text: &&str| Version::parse(text).unwrap();
        let members = PLATFORMS.map(|platform| (platform, source(platform, self.version)));
        let members = members.each_ref().map(|(platform, source)| (*platform, source.as_str()));
        let mut list = Arc::unwrap_or_clone(publication(TARGET, self.tags, &members));
        let floating = publication(TARGET, self.floating, &[]);
        list.tags.extend(floating.tags.iter().map(|always| TargetTag {
            newest: Some(Newest {
                version: version(&self.version),
                claim: Partial::new(vec![Piece::Text(always.tag.as_str().to_owned())]),
                published_as: Partial::new(vec![Piece::Open { name: (), part: None, filters: Vec::new() }]),
                rivals: self.rivals.iter().map(version).collect(),
            }),
            ..always.clone()
        }));
        Arc::new(list)
    }
}

fn source(platform: &str, version: &str) -> String {
    format!("{TARGET}:{version}-{}", platform.split('/').nth(1).unwrap())
}

/// Returns a list with the tags `version` and `latest`.
fn release(version: &str) -> Arc<Publication> {
    Release { version, tags: &[version], floating: &["latest"], rivals: &[] }.declared()
}

/// Returns a world that has the images of these versions.
fn built(versions: &[&str]) -> World {
    let mut world = World::default();
    for version in versions {
        for platform in PLATFORMS {
            let build = version.bytes().map(u32::from).sum();
            world.push(&reference(&source(platform, version)), &Image::of(platform, build));
        }
    }
    world
}

fn publish(world: &mut World, list: &Arc<Publication>) -> ListPlan {
    let (plan, _) = world.plan(list);
    assert!(plan.action.writes(), "{:?}", plan.problems);
    world.apply(&plan);
    plan
}

fn named(world: &World, tag: &str) -> Option<Digest> {
    world.named(&reference(&format!("{TARGET}:{tag}"))).map(|payload| payload.digest().clone())
}

fn fates(plan: &ListPlan) -> Vec<TagFate> {
    plan.tags.iter().map(|tag| tag.fate).collect()
}

#[test]
fn latest_follows_each_newer_version() {
    let mut world = built(&["3.9", "3.10"]);
    for version in ["3.9", "3.10"] {
        let plan = publish(&mut world, &release(version));
        // It is a new list, whether or not `latest` names another one.
        assert_eq!((plan.action, plan.reason), (Action::Create, Some(Reason::New)));
        assert!(plan.members.iter().all(|member| member.from.is_none()));
        assert_eq!(named(&world, "latest"), named(&world, version));
    }
}

#[test]
fn a_backport_leaves_latest_where_it_is_and_says_why() {
    let mut world = built(&["3.10", "3.9.1"]);
    publish(&mut world, &release("3.10"));
    let plan = publish(&mut world, &release("3.9.1"));
    assert_eq!((plan.action, fates(&plan)), (Action::Create, vec![TagFate::Created, TagFate::Stays]));
    let (latest, newer) = (&plan.tags[1], named(&world, "3.10"));
    assert_eq!(latest.stays.as_deref(), Some("3.10 is newer than 3.9.1"));
    assert_eq!((&latest.from, &latest.to), (&newer, &newer));
    assert_eq!(named(&world, "latest"), newer);
}

#[test]
fn a_tag_that_a_pre_release_does_not_get_stays_and_says_why() {
    let mut world = built(&["3.9", "3.10-rc.1"]);
    let tags = Release { version: "3.10-rc.1", tags: &["3.10-rc.1"], floating: &[], rivals: &[] };
    let candidate = with(&tags.declared(), |list| {
        let tag = Tag::parse("latest").unwrap();
        list.held_back = vec![HeldBackTag { tag, why: "3.10-rc.1 is a pre-release".to_owned() }];
    });
    // A tag that does not exist, or that is not known, is not reported.
    assert_eq!(fates(&world.plan(&candidate).0), [TagFate::Created]);
    publish(&mut world, &release("3.9"));
    let mut mute = world.clone();
    mute.mute(Query::Head(reference(&format!("{TARGET}:latest"))));
    assert_eq!(fates(&mute.plan(&candidate).0), [TagFate::Created]);

    let latest = named(&world, "latest");
    let plan = publish(&mut world, &candidate);
    assert_eq!((plan.action, fates(&plan)), (Action::Create, vec![TagFate::Created, TagFate::Stays]));
    assert_eq!(plan.tags[1].stays.as_deref(), Some("3.10-rc.1 is a pre-release"));
    assert_eq!((&plan.tags[1].from, &plan.tags[1].to), (&latest, &latest));
    assert_eq!(named(&world, "latest"), latest);
    let (again, asked) = world.plan(&candidate);
    assert_eq!((again.action, fates(&again)), (Action::Unchanged, vec![TagFate::Same, TagFate::Stays]));
    assert_eq!((asked.tags, asked.heads), (0, 7), "five members and two tags");
}

#[test]
fn a_tag_that_is_absent_stays_absent() {
    let mut world = built(&["3.10", "3.9.1"]);
    publish(&mut world, &Release { version: "3.10", tags: &["3.10"], floating: &[], rivals: &[] }.declared());
    let plan = publish(&mut world, &release("3.9.1"));
    let latest = &plan.tags[1];
    assert_eq!((latest.fate, &latest.from, &latest.to), (TagFate::Stays, &None, &None));
}

#[test]
fn unchanged_with_latest_held_back_costs_its_heads_and_the_tags() {
    let mut world = built(&["3.10", "3.9.1"]);
    publish(&mut world, &release("3.10"));
    let list = Release { version: "3.9.1", tags: &["3.9.1", "3.9"], floating: &["latest"], rivals: &[] }.declared();
    publish(&mut world, &list);
    let (plan, asked) = world.plan(&list);
    assert_eq!((plan.action, plan.reason), (Action::Unchanged, None));
    assert_eq!(fates(&plan), [TagFate::Same, TagFate::Same, TagFate::Stays]);
    assert_eq!(asked, Asked { heads: 8, tags: 1, rounds: 2, ..Asked::default() });
}

#[test]
fn the_tags_are_not_listed_where_none_would_move() {
    let mut world = built(&["3.9.1"]);
    let list = release("3.9.1");
    publish(&mut world, &list);
    assert_eq!(world.plan(&list).1, Asked { heads: 7, rounds: 1, ..Asked::default() });
    // Nor if another tool wrote the bytes, because both tags name them.
    let entries = PLATFORMS
        .map(|name| (world.named(&reference(&source(name, "3.9.1"))).unwrap().descriptor().clone(), platform(name)));
    let bytes = foreign_list(&MediaType::DockerList, &entries);
    for tag in ["3.9.1", "latest"] {
        world.push_bytes(&reference(&format!("{TARGET}:{tag}")), MediaType::DockerList, bytes.clone());
    }
    let (plan, asked) = world.plan(&list);
    assert_eq!(plan.action, Action::Unchanged);
    assert_eq!(asked, Asked { heads: 7, manifests: 1, rounds: 2, ..Asked::default() });
}

#[test]
fn a_newer_version_of_the_file_counts_before_it_is_published_and_nothing_is_asked() {
    let mut world = built(&["3.9.1"]);
    let list =
        Release { version: "3.9.1", tags: &["3.9.1"], floating: &["latest"], rivals: &["3.9.2", "3.10"] }.declared();
    let (plan, asked) = world.plan(&list);
    assert_eq!(fates(&plan), [TagFate::Created, TagFate::Stays]);
    assert_eq!(plan.tags[1].stays.as_deref(), Some("3.10 is newer than 3.9.1"));
    assert_eq!(asked.tags, 0);
    publish(&mut world, &list);
    assert_eq!(world.plan(&list).0.action, Action::Unchanged);
}

#[test]
fn the_list_of_a_tag_that_stays_is_not_read() {
    let mut world = built(&["3.10", "3.9.1"]);
    publish(&mut world, &release("3.10"));
    let list = release("3.9.1");
    publish(&mut world, &list);
    world.push(&reference(&source("linux/arm64", "3.9.1")), &Image::of("linux/arm64", 77));
    let theirs = named(&world, "latest").unwrap();
    world.mute(Query::Manifest(theirs, Place::parse(TARGET).unwrap()));
    let plan = publish(&mut world, &list);
    assert_eq!((plan.action, fates(&plan)), (Action::Update, vec![TagFate::Moved, TagFate::Stays]));
}

#[test]
fn a_tag_that_names_an_equal_list_by_other_bytes_is_read_before_it_is_moved() {
    let mut world = built(&["3.9.1"]);
    let list = release("3.9.1");
    publish(&mut world, &list);
    let entries = PLATFORMS
        .map(|name| (world.named(&reference(&source(name, "3.9.1"))).unwrap().descriptor().clone(), platform(name)));
    let latest = reference(&format!("{TARGET}:latest"));
    world.push_bytes(&latest, MediaType::DockerList, foreign_list(&MediaType::DockerList, &entries));
    let (plan, asked) = world.plan(&list);
    assert_eq!((plan.action, fates(&plan)), (Action::Unchanged, vec![TagFate::Same, TagFate::Same]));
    assert_eq!((asked.tags, asked.manifests), (1, 1));
}

#[test]
fn a_yanked_version_gives_latest_back() {
    let mut world = built(&["3.10", "3.9.1"]);
    publish(&mut world, &release("3.10"));
    publish(&mut world, &release("3.9.1"));
    world.untag(&reference(&format!("{TARGET}:3.10")));
    let plan = publish(&mut world, &release("3.9.1"));
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Tags)));
    assert_eq!(fates(&plan), [TagFate::Same, TagFate::Moved]);
    assert_eq!(named(&world, "latest"), named(&world, "3.9.1"));
}

#[test]
fn without_the_tags_nobody_knows() {
    let mut world = built(&["3.10", "3.9.1"]);
    publish(&mut world, &release("3.10"));
    world.mute(Query::Tags(Place::parse(TARGET).unwrap()));
    let (plan, _) = world.plan(&release("3.9.1"));
    assert_eq!(plan.action, Action::Failed);
    assert_eq!(plan.problems.len(), 1);
    // If the tags are not requested, they do not have to be known.
    assert_eq!(world.plan(&release("3.10")).0.action, Action::Unchanged);
}

#[test]
fn a_first_publish_asks_for_the_tags_along_with_the_images() {
    let world = built(&["3.9.1"]);
    let (plan, asked) = world.plan(&release("3.9.1"));
    assert_eq!(fates(&plan), [TagFate::Created; 2]);
    assert_eq!((asked.tags, asked.rounds), (1, 3));
}
