//! Every combination of policies: what is published if the source of one member responds 404, 401 or 429.

use std::sync::Arc;

use super::world::{Image, World, platform, publication, reference, with};
use crate::config::model::{Format, Missing, Publication, Undeclared};
use crate::oci::{Entry, Index, MediaType, Payload};
use crate::plan::{Action, Query};

const SOURCES: [(&str, &str); 2] = [("linux/amd64", "reg.corp/app-amd64:v1"), ("linux/arm64", "reg.corp/app-arm64:v1")];
const REGISTRY: &str = "reg.corp/app";
const LAYOUT: &str = "oci:out";

/// The members of the list if arm64 is declared and published but its source does not exist, and s390x is published but
/// not declared. `None` if the list is blocked.
type Members = Option<&'static [&'static str]>;

const MEMBERS: [(Missing, Undeclared, Members); 6] = [
    (Missing::Error, Undeclared::Remove, None),
    (Missing::Error, Undeclared::Keep, None),
    (Missing::Skip, Undeclared::Remove, Some(&["linux/amd64"])),
    (Missing::Skip, Undeclared::Keep, Some(&["linux/amd64", "linux/s390x"])),
    (Missing::Keep, Undeclared::Remove, Some(&["linux/amd64", "linux/arm64"])),
    (Missing::Keep, Undeclared::Keep, Some(&["linux/amd64", "linux/arm64", "linux/s390x"])),
];

/// The action if the members are those of the published OCI index, and the type of a list that is written. A Docker
/// list in a layout is rejected when the file is read.
const TYPES: [(Format, &str, Action, MediaType); 5] = [
    (Format::Auto, REGISTRY, Action::Unchanged, MediaType::DockerList),
    (Format::Oci, REGISTRY, Action::Unchanged, MediaType::OciIndex),
    (Format::Docker, REGISTRY, Action::Update, MediaType::DockerList),
    (Format::Auto, LAYOUT, Action::Unchanged, MediaType::OciIndex),
    (Format::Oci, LAYOUT, Action::Unchanged, MediaType::OciIndex),
];

/// Returns a target in which all three members are published, while the source of arm64 no longer exists.
fn scene(target: &str) -> (World, Arc<Publication>, Payload) {
    let (mut world, list) = (World::default(), publication(target, &["v1"], &SOURCES));
    let mut entries = Vec::new();
    let undeclared = format!("{target}:s390x");
    for (shown, source) in SOURCES.into_iter().chain([("linux/s390x", undeclared.as_str())]) {
        entries.push(Entry::new(world.push(&reference(source), &Image::of(shown, 1)), platform(shown)));
    }
    world.publish(&list.reference(), &Index::new(MediaType::OciIndex, entries));
    world.untag(&reference(SOURCES[1].1));
    let before = world.named(&list.reference()).unwrap().clone();
    (world, list, before)
}

#[test]
fn a_member_that_is_absent() {
    for (format, target, stays, written) in &TYPES {
        let (world, list, before) = scene(target);
        let published = Index::parse(&before).unwrap();
        for (missing, undeclared, members) in MEMBERS {
            let case = format!("{missing:?} {undeclared:?} {format:?} {target}");
            let list = with(&list, |list| {
                list.members[1].missing = missing;
                list.rules.undeclared = undeclared;
                list.rules.format = *format;
            });
            let mut world = world.clone();
            let (plan, _) = world.plan(&list);
            let expected = match members {
                None => Action::Blocked,
                Some(members) if members.len() == 3 => *stays,
                Some(_) => Action::Update,
            };
            assert_eq!(plan.action, expected, "{case}");
            world.apply(&plan);
            let after = world.named(&list.reference()).unwrap();
            if matches!(expected, Action::Blocked | Action::Unchanged) {
                assert_eq!(after, &before, "{case}");
                continue;
            }
            assert_eq!(after.media_type(), written, "{case}");
            let entries = Index::parse(after).unwrap().entries;
            let shown: Vec<String> = entries.iter().map(|entry| entry.platform.as_ref().unwrap().to_string()).collect();
            assert_eq!(Some(shown), members.map(|members| members.iter().map(ToString::to_string).collect()), "{case}");
            assert!(entries.iter().all(|entry| published.entries.contains(entry)), "{case}");
            assert_eq!(world.plan(&list).0.action, Action::Unchanged, "{case}");
        }
    }
}

#[test]
fn a_member_that_nobody_knows_of_is_never_missing() {
    for (format, target, ..) in &TYPES {
        let (world, list, _) = scene(target);
        for (missing, undeclared, _) in MEMBERS {
            for status in [401, 429] {
                let list = with(&list, |list| {
                    list.members[1].missing = missing;
                    list.rules.undeclared = undeclared;
                    list.rules.format = *format;
                });
                let mut world = world.clone();
                world.refuse(Query::Head(list.members[1].source.clone()), status);
                let (plan, asked) = world.plan(&list);
                let said = plan.problems[0].http.as_ref().and_then(|http| http.status);
                let case = format!("{missing:?} {undeclared:?} {format:?} {target} {status}");
                assert_eq!((plan.action, said), (Action::Failed, Some(status)), "{case}");
                // No more queries are made, and nothing is written.
                assert_eq!((asked.rounds, plan.payload, plan.children.len()), (1, None, 0), "{case}");
            }
        }
    }
}
