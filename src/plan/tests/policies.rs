//! What each policy of a list does. For each rule there is one test that fails without it.
//!
//! | file | holds |
//! |---|---|
//! | `missing` | members that do not exist |
//! | `undeclared` | entries that are published but not declared |

use std::sync::Arc;

use super::world::{Image, World, platform, publication, reference, with};
use crate::config::model::{Attestations, Format, Mismatch, Missing, Placed, Publication, Undeclared};
use crate::config::problem::{Severity, Span};
use crate::naming::Globs;
use crate::oci::{Digest, Entry, Index, MediaType};
use crate::plan::{Action, ListPlan, MemberFate, Reason, TagFate};

mod missing;
mod undeclared;

const TARGET: &str = "reg.corp/app";
const AMD64: (&str, &str) = ("linux/amd64", "reg.corp/app-amd64:v1");
const AMD64_V3: (&str, &str) = ("linux/amd64/v3", "reg.corp/app-amd64v3:v1");
const ARM: (&str, &str) = ("linux/arm", "reg.corp/app-arm:v1");
const ARM_V6: (&str, &str) = ("linux/arm/v6", "reg.corp/app-armv6:v1");
const ARM_V7: (&str, &str) = ("linux/arm/v7", "reg.corp/app-armv7:v1");
const ARM64: (&str, &str) = ("linux/arm64", "reg.corp/app-arm64:v1");

fn list(members: &[(&str, &str)]) -> Arc<Publication> {
    publication(TARGET, &["v1"], members)
}

/// Returns the list with this `missing` policy for all members.
fn missing(list: &Arc<Publication>, missing: Missing) -> Arc<Publication> {
    with(list, |list| list.members.iter_mut().for_each(|member| member.missing = missing))
}

fn undeclared(list: &Arc<Publication>) -> Arc<Publication> {
    with(list, |list| list.rules.undeclared = Undeclared::Keep)
}

/// Returns a world that has the images of these members.
fn built(members: &[(&str, &str)]) -> World {
    let mut world = World::default();
    for (platform, source) in members {
        world.push(&reference(source), &Image::of(platform, 1));
    }
    world
}

/// Pushes an image that only the target has, and returns an entry of it for a platform.
fn elsewhere(world: &mut World, shown: &str, build: u32) -> Entry {
    let at = reference(&format!("{TARGET}:built-{build}"));
    let descriptor = world.push(&at, &Image::of(shown, build));
    world.untag(&at);
    Entry::new(descriptor, platform(shown))
}

/// Returns the entry that a list has for a source.
fn entry(world: &World, (shown, source): (&str, &str)) -> Entry {
    Entry::new(world.named(&reference(source)).unwrap().descriptor().clone(), platform(shown))
}

fn publish(world: &mut World, tag: &str, entries: &[Entry]) -> Digest {
    let list = Index::new(MediaType::OciIndex, entries.to_vec());
    world.publish(&reference(&format!("{TARGET}:{tag}")), &list)
}

/// Plans and applies the list, and checks that the next plan changes nothing. Returns the first plan and the entries of
/// the list.
fn settled(world: &mut World, list: &Arc<Publication>) -> (ListPlan, Vec<Entry>) {
    let (plan, _) = world.plan(list);
    assert!(matches!(plan.action, Action::Create | Action::Update | Action::Unchanged), "{:?}", plan.problems);
    world.apply(&plan);
    let (again, _) = world.plan(list);
    assert_eq!((again.action, &again.index), (Action::Unchanged, &plan.index), "{again:#?}");
    let standing = world.payload(&plan.index.as_ref().unwrap().digest).clone();
    (plan, Index::parse(&standing).unwrap().entries)
}

fn platforms(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.platform.as_ref().map(ToString::to_string).unwrap_or_default()).collect()
}

fn blocked(world: &World, list: &Arc<Publication>) -> (ListPlan, Vec<&'static str>) {
    let (plan, _) = world.plan(list);
    assert_eq!(plan.action, Action::Blocked, "{plan:#?}");
    assert!(plan.index.is_none() && plan.payload.is_none() && plan.children.is_empty());
    let slugs = plan.problems.iter().map(|problem| problem.code.rsplit("::").next().unwrap()).collect();
    (plan, slugs)
}

fn fates(plan: &ListPlan) -> Vec<(String, MemberFate)> {
    plan.members.iter().map(|member| (member.platform.to_string(), member.fate)).collect()
}

mod mismatch {
    use super::*;

    fn plan(mismatch: Mismatch) -> ListPlan {
        let mut world = World::default();
        world.push(&reference(ARM64.1), &Image::of("linux/amd64", 2));
        world.plan(&with(&list(&[ARM64]), |list| list.rules.mismatch = mismatch)).0
    }

    #[test]
    fn another_machines_image_blocks_is_said_or_believed() {
        let (error, warn, declared) = (plan(Mismatch::Error), plan(Mismatch::Warn), plan(Mismatch::Declared));
        assert_eq!([error.action, warn.action, declared.action], [Action::Blocked, Action::Create, Action::Create]);
        assert_eq!((error.problems.len(), warn.problems.len(), declared.problems), (1, 1, vec![]));
        let warning = crate::config::problem::Problem { severity: Severity::Warning, ..error.problems[0].clone() };
        assert_eq!(warn.problems, [warning]);
        assert_eq!(warn.members[0].platform, platform("linux/arm64"));
    }

    #[test]
    fn a_config_that_says_more_is_of_no_interest_where_the_file_is_believed() {
        let mut world = World::default();
        world.push(&reference(AMD64.1), &Image::of("linux/amd64/v3", 2));
        for (mismatch, said) in [(Mismatch::Error, 1), (Mismatch::Warn, 1), (Mismatch::Declared, 0)] {
            let list = with(&list(&[AMD64]), |list| list.rules.mismatch = mismatch);
            assert_eq!(world.plan(&list).0.problems.len(), said);
        }
    }

    #[test]
    fn open_parts_are_not_taken_from_the_config_of_another_machine() {
        let mut world = World::default();
        world.push(&reference(ARM.1), &Image::of("linux/amd64/v3", 1));
        let list = with(&list(&[ARM]), |list| list.rules.mismatch = Mismatch::Declared);
        assert_eq!(platforms(&settled(&mut world, &list).1), ["linux/arm"]);
    }
}

mod form {
    use super::*;

    fn with_format(list: &Arc<Publication>, format: Format) -> Arc<Publication> {
        with(list, |list| list.rules.format = format)
    }

    #[test]
    fn a_published_list_of_the_other_type_is_changed_only_where_the_type_is_declared() {
        let world = built(&[AMD64]);
        for (format, oci, docker) in [
            (Format::Auto, Action::Unchanged, Action::Unchanged),
            (Format::Oci, Action::Unchanged, Action::Update),
            (Format::Docker, Action::Update, Action::Unchanged),
        ] {
            for (media_type, action) in [(MediaType::OciIndex, oci), (MediaType::DockerList, docker)] {
                let mut world = world.clone();
                let entries = vec![entry(&world, AMD64)];
                world.publish(&reference("reg.corp/app:v1"), &Index::new(media_type.clone(), entries));
                let (plan, _) = settled(&mut world, &with_format(&list(&[AMD64]), format));
                assert_eq!(plan.action, action, "{format:?} {media_type}");
                assert!(plan.action == Action::Unchanged || plan.reason == Some(Reason::Content));
            }
        }
    }

    #[test]
    fn an_image_of_oci_is_in_no_docker_list() {
        let mut world = built(&[AMD64]);
        let list = with_format(&list(&[AMD64, ARM64]), Format::Docker);
        world.push(&reference(ARM64.1), &Image::of("linux/arm64", 1).oci());
        let (plan, slugs) = blocked(&world, &list);
        assert_eq!(slugs, ["not_docker"]);
        insta::assert_debug_snapshot!((&plan.problems[0].message, &plan.problems[0].causes), @r#"
        (
            "reg.corp/app-arm64:v1 cannot be in a Docker manifest list",
            [
                "its media type is application/vnd.oci.image.manifest.v1+json",
            ],
        )
        "#);
        // It is also blocked if the list is already published as a Docker list.
        let entries = vec![entry(&world, AMD64), entry(&world, ARM64)];
        world.publish(&reference("reg.corp/app:v1"), &Index::new(MediaType::DockerList, entries));
        assert_eq!(blocked(&world, &list).1, ["not_docker"]);
    }

    #[test]
    fn what_is_declared_of_the_list_needs_oci_and_is_content() {
        let mut world = built(&[AMD64]);
        let bare = list(&[AMD64]);
        assert_eq!(settled(&mut world, &bare).0.index.unwrap().media_type, MediaType::DockerList);
        let changes: [fn(&mut Publication); 3] = [
            |list| drop(list.annotations.insert("org.example".into(), "of the list".into())),
            |list| list.artifact_type = Some("application/x.example".into()),
            |list| drop(list.members[0].annotations.insert("org.example".into(), "of the row".into())),
        ];
        for change in changes {
            let declared = with(&bare, change);
            let (plan, entries) = settled(&mut world, &declared);
            assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Content)));
            assert!(plan.content.len() > 1, "the type, and what requires it: {:?}", plan.content);
            assert_eq!(plan.index.as_ref().unwrap().media_type, MediaType::OciIndex);
            let index = Index::parse(plan.payload.as_ref().unwrap()).unwrap();
            assert_eq!(
                (index.annotations, index.artifact_type),
                (declared.annotations.clone(), declared.artifact_type.clone())
            );
            assert_eq!(entries[0].annotations, declared.members[0].annotations);
            // What is no longer declared is removed, and a Docker list is sufficient again.
            assert_eq!(settled(&mut world, &bare).0.index.unwrap().media_type, MediaType::DockerList);
        }
    }

    #[test]
    fn annotations_that_another_tool_wrote_into_a_docker_list_may_stay_there() {
        let mut world = built(&[AMD64]);
        let mut theirs = elsewhere(&mut world, "linux/s390x", 5);
        theirs.annotations.insert("org.example".into(), "theirs".into());
        let entries = vec![entry(&world, AMD64), theirs];
        world.publish(&reference("reg.corp/app:v1"), &Index::new(MediaType::DockerList, entries));
        assert_eq!(settled(&mut world, &undeclared(&list(&[AMD64]))).0.action, Action::Unchanged);
    }

    #[test]
    fn an_annotated_member_that_is_left_out_asks_for_nothing() {
        let mut world = built(&[AMD64]);
        let list = with(&list(&[AMD64, ARM64]), |list| {
            list.members[1].missing = Missing::Skip;
            list.members[1].annotations.insert("org.example".into(), "of the row".into());
        });
        assert_eq!(settled(&mut world, &list).0.index.unwrap().media_type, MediaType::DockerList);
    }
}

mod immutable {
    use super::*;

    fn immutable(list: &Arc<Publication>, globs: &[&str]) -> Arc<Publication> {
        let span = Span { file: 0, range: 9..10 };
        with(list, |list| list.rules.immutable = Some(Placed { value: Globs::parse(globs).unwrap(), span }))
    }

    #[test]
    fn a_tag_that_exists_and_would_change_blocks_the_list() {
        let mut world = built(&[AMD64]);
        let list = immutable(&publication(TARGET, &["v1", "latest", "new"], &[AMD64]), &["v*"]);
        let before = settled(&mut world, &with(&list, |list| drop(list.tags.pop()))).0.index.unwrap().digest;
        world.push(&reference(AMD64.1), &Image::of("linux/amd64", 2));
        let (plan, slugs) = blocked(&world, &list);
        assert_eq!(slugs, ["immutable"]);
        assert_eq!(plan.members[0].fate, MemberFate::Changed);
        let tags: Vec<_> = plan.tags.iter().map(|tag| (tag.fate, tag.from.clone(), tag.to.is_some())).collect();
        let was = Some(before);
        let fate = TagFate::Blocked;
        assert_eq!(tags, [(fate, was.clone(), true), (fate, was, false), (fate, None, false)]);
        let problem = &plan.problems[0];
        assert_eq!(problem.message, "immutable tag reg.corp/app:v1 would be moved");
        let labels: Vec<_> = problem.labels.iter().map(|label| (label.span.range.start, label.text.as_str())).collect();
        assert_eq!(labels, [(1, "tag v1 of list `app`"), (9, "declared as immutable here")]);
    }

    #[test]
    fn an_immutable_tag_may_be_created_and_may_stay() {
        let mut world = built(&[AMD64]);
        let list = immutable(&list(&[AMD64]), &["v*"]);
        assert_eq!(settled(&mut world, &list).0.action, Action::Create);
        // Another tag of the same list moves, because it is not immutable.
        world.push(&reference("reg.corp/app:latest"), &Image::of("linux/amd64", 7));
        let list = immutable(&publication(TARGET, &["v1", "latest"], &[AMD64]), &["v*"]);
        let (plan, _) = settled(&mut world, &list);
        assert_eq!(plan.tags.iter().map(|tag| tag.fate).collect::<Vec<_>>(), [TagFate::Same, TagFate::Moved]);
    }

    #[test]
    fn globs_that_take_a_tag_out_do() {
        let mut world = built(&[AMD64]);
        let list = immutable(&list(&[AMD64]), &["*", "!v1"]);
        settled(&mut world, &list);
        world.push(&reference(AMD64.1), &Image::of("linux/amd64", 2));
        assert_eq!(settled(&mut world, &list).0.action, Action::Update);
    }
}

/// Makes a tag a floating one, which only the newest version has.
fn newest(tag: &mut crate::config::model::TargetTag) {
    let open =
        || crate::naming::Partial::new(vec![crate::naming::Piece::Open { name: (), part: None, filters: Vec::new() }]);
    tag.newest = Some(crate::config::model::Newest {
        version: crate::naming::Version::parse("2").unwrap(),
        claim: open(),
        published_as: open(),
        rivals: Vec::new(),
    });
}
