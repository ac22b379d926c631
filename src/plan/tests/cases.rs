//! What happens to a list, case by case.

use std::sync::Arc;

use super::world::{Image, World, foreign_list, platform, publication, reference};
use crate::config::model::Publication;
use crate::oci::{Descriptor, Digest, Index, MediaType, Platform};
use crate::plan::{Action, ContentChange, ListPlan, MemberFate, Reason, TagFate};

const TARGET: &str = "reg.corp/app";
const AMD64: (&str, &str) = ("linux/amd64", "reg.corp/app-amd64:v1");
const ARM64: (&str, &str) = ("linux/arm64", "reg.corp/app-arm64:v1");
const ARM: (&str, &str) = ("linux/arm", "reg.corp/app-arm:v1");
const WINDOWS: (&str, &str) = ("windows/amd64", "reg.corp/app-windows:v1");

fn list(tags: &[&str]) -> Arc<Publication> {
    publication(TARGET, tags, &[AMD64, ARM64])
}

fn built() -> World {
    let mut world = World::default();
    for (platform, source) in [AMD64, ARM64] {
        world.push(&reference(source), &Image::of(platform, 1));
    }
    world
}

fn publish(world: &mut World, list: &Arc<Publication>) -> Digest {
    let plan = world.plan(list).0;
    world.apply(&plan);
    plan.index.unwrap().digest
}

fn head(world: &World, source: &str) -> Descriptor {
    world.named(&reference(source)).unwrap().descriptor().clone()
}

/// Publishes a list as another tool would.
fn publish_foreign(world: &mut World, tag: &str, entries: &[(Descriptor, Platform)]) -> Digest {
    let target = reference(&format!("{TARGET}:{tag}"));
    for (descriptor, _) in entries {
        let payload = world.payload(&descriptor.digest).clone();
        world.push_bytes(
            &target.place.with_digest(payload.digest()),
            payload.media_type().clone(),
            payload.bytes().clone(),
        );
    }
    world.push_bytes(&target, MediaType::OciIndex, foreign_list(&MediaType::OciIndex, entries)).digest
}

fn fates(plan: &ListPlan) -> Vec<(String, MemberFate)> {
    plan.members.iter().map(|member| (member.platform.to_string(), member.fate)).collect()
}

fn tags(plan: &ListPlan) -> Vec<(TagFate, bool)> {
    plan.tags.iter().map(|tag| (tag.fate, tag.to == plan.index.as_ref().map(|index| index.digest.clone()))).collect()
}

fn written(plan: &ListPlan) -> Index {
    Index::parse(plan.payload.as_ref().unwrap()).unwrap()
}

#[test]
fn a_new_list_is_created_in_the_order_of_the_file() {
    let (plan, _) = built().plan(&list(&["v1"]));
    assert_eq!((plan.action, plan.reason), (Action::Create, Some(Reason::New)));
    assert_eq!(tags(&plan), [(TagFate::Created, true)]);
    assert!(plan.members.iter().all(|member| member.fate == MemberFate::Added));
    assert_eq!(plan.children.len(), 2);
    let platforms: Vec<_> = written(&plan).entries.into_iter().filter_map(|entry| entry.platform).collect();
    assert_eq!(platforms, [platform("linux/amd64"), platform("linux/arm64")]);
}

#[test]
fn a_dockers_list_becomes_an_index_with_an_oci_member_or_in_a_layout() {
    let type_of = |world: &World, list: &Arc<Publication>| world.plan(list).0.index.unwrap().media_type;
    let mut world = built();
    assert_eq!(type_of(&world, &list(&["v1"])), MediaType::DockerList);
    assert_eq!(type_of(&world, &publication("oci:out", &["v1"], &[AMD64])), MediaType::OciIndex);
    world.push(&reference(ARM64.1), &Image::of("linux/arm64", 1).oci());
    assert_eq!(type_of(&world, &list(&["v1"])), MediaType::OciIndex);
}

#[test]
fn members_are_changed_added_and_removed() {
    let mut world = built();
    let before = publish(&mut world, &list(&["v1"]));
    world.push(&reference(AMD64.1), &Image::of("linux/amd64", 2));
    world.push(&reference(ARM.1), &Image::of("linux/arm/v7", 1));
    let (plan, _) = world.plan(&publication(TARGET, &["v1"], &[ARM, AMD64]));
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Members)));
    assert_eq!(
        fates(&plan),
        [
            ("linux/arm/v7".to_owned(), MemberFate::Added),
            ("linux/amd64".to_owned(), MemberFate::Changed),
            ("linux/arm64".to_owned(), MemberFate::Removed),
        ]
    );
    assert_eq!(plan.tags[0].from, Some(before));
    assert_eq!(tags(&plan), [(TagFate::Moved, true)]);
    assert!(plan.members[2].source.is_none() && plan.members[2].from.is_some());
}

#[test]
fn a_tag_that_names_our_list_stays_while_another_is_created() {
    let mut world = built();
    let digest = publish(&mut world, &list(&["v1"]));
    let (plan, asked) = world.plan(&list(&["latest", "v1"]));
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Tags)));
    assert_eq!(tags(&plan), [(TagFate::Created, true), (TagFate::Same, true)]);
    assert_eq!((plan.index.unwrap().digest, asked.manifests), (digest, 0));
    assert!(plan.children.is_empty());
}

#[test]
fn an_image_that_a_layout_does_not_have_any_more_is_copied_again() {
    for (target, is_checked) in [("oci:out", true), (TARGET, false)] {
        let mut world = built();
        let list = publication(target, &["v1"], &[AMD64, ARM64]);
        let digest = publish(&mut world, &list);
        let (unchanged, _) = world.plan(&list);
        assert_eq!((unchanged.action, unchanged.children.len()), (Action::Unchanged, 0));
        let image = head(&world, ARM64.1);
        world.remove(&list.target, &image.digest);
        let (plan, _) = world.plan(&list);
        if !is_checked {
            assert_eq!(plan.action, Action::Unchanged, "a registry is not queried for it");
            continue;
        }
        assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Damaged)));
        assert_eq!(tags(&plan), [(TagFate::Same, true)]);
        assert_eq!(plan.children.iter().map(|child| &child.descriptor).collect::<Vec<_>>(), [&image]);
        assert_eq!(plan.payload.as_ref().unwrap().digest(), &digest);
        world.apply(&plan);
        assert_eq!(world.plan(&list).0.action, Action::Unchanged);
    }
}

#[test]
fn two_tags_of_equal_lists_stay_each_as_it_is() {
    let mut world = built();
    publish(&mut world, &list(&["v1"]));
    let entries = [AMD64, ARM64].map(|(declared, source)| (head(&world, source), platform(declared)));
    let theirs = publish_foreign(&mut world, "latest", &entries);
    let (plan, _) = world.plan(&list(&["v1", "latest"]));
    assert_eq!((plan.action, plan.reason), (Action::Unchanged, None));
    assert_eq!(tags(&plan), [(TagFate::Same, true), (TagFate::Same, false)]);
    assert_eq!(plan.tags[1].to, Some(theirs));
    assert!(plan.payload.is_none());
}

#[test]
fn the_first_equal_list_gives_its_bytes_to_the_other_tags() {
    let mut world = built();
    let entries = [ARM64, AMD64].map(|(declared, source)| (head(&world, source), platform(declared)));
    let theirs = publish_foreign(&mut world, "latest", &entries);
    let (plan, _) = world.plan(&list(&["v1", "latest"]));
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Tags)));
    assert_eq!(plan.payload.unwrap().digest(), &theirs);
}

#[test]
fn another_order_inside_one_machine_is_another_list() {
    let mut world = built();
    world.push(&reference("reg.corp/app-v3:v1"), &Image::of("linux/amd64/v3", 1));
    let v3 = ("linux/amd64/v3", "reg.corp/app-v3:v1");
    publish(&mut world, &publication(TARGET, &["v1"], &[AMD64, v3]));
    let (plan, _) = world.plan(&publication(TARGET, &["v1"], &[v3, AMD64]));
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Content)));
    assert_eq!(plan.content, [ContentChange::Order]);
    assert!(plan.members.iter().all(|member| member.fate == MemberFate::Same));
}

#[test]
fn a_tag_that_names_an_image_or_garbage_is_moved() {
    let target = reference(&format!("{TARGET}:v1"));
    let mut worlds = [built(), built()];
    worlds[0].push(&target, &Image::of("linux/amd64", 9));
    worlds[1].push_bytes(&target, MediaType::OciIndex, "no list".into());
    for world in worlds {
        let (plan, _) = world.plan(&list(&["v1"]));
        assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Members)));
        assert_eq!(tags(&plan), [(TagFate::Moved, true)]);
        assert!(plan.members.iter().all(|member| member.fate == MemberFate::Added));
    }
}

#[test]
fn open_parts_come_from_the_config_and_then_from_the_published_list() {
    let mut world = World::default();
    world.push(&reference(ARM.1), &Image::of("linux/arm/v6", 1));
    let mut windows = Image::of("windows/amd64 10.0.17763.6532", 1);
    windows.platform.os_features = vec!["win32k".into()];
    world.push(&reference(WINDOWS.1), &windows);
    let list = publication(TARGET, &["v1"], &[ARM, WINDOWS]);
    let (plan, asked) = world.plan(&list);
    let platforms: Vec<_> = written(&plan).entries.into_iter().filter_map(|entry| entry.platform).collect();
    assert_eq!(platforms, [platform("linux/arm/v6"), windows.platform]);
    assert_eq!(asked.configs, 2);
    world.apply(&plan);
    let (plan, asked) = world.plan(&list);
    assert_eq!((plan.action, asked.manifests, asked.configs), (Action::Unchanged, 1, 0));
    assert_eq!(plan.members[0].platform, platform("linux/arm/v6"));
}

#[test]
fn a_bare_arm_does_not_take_the_entry_of_one_that_is_declared_in_full() {
    let mut world = World::default();
    for (source, build) in [("reg.corp/app-armv7:v1", 1), (ARM.1, 1)] {
        world.push(&reference(source), &Image::of("linux/arm", build));
    }
    // Both members have the same image. Another tool published the bare one as v6.
    let image = head(&world, ARM.1);
    let entries = ["linux/arm/v7", "linux/arm/v6"].map(|text| (image.clone(), platform(text)));
    let theirs = publish_foreign(&mut world, "v1", &entries);
    for members in [[("linux/arm/v7", "reg.corp/app-armv7:v1"), ARM], [ARM, ("linux/arm/v7", "reg.corp/app-armv7:v1")]]
    {
        let (plan, _) = world.plan(&publication(TARGET, &["v1", "v2"], &members));
        let filled = plan.members.iter().find(|member| member.source == Some(reference(ARM.1))).unwrap();
        assert_eq!(filled.platform, platform("linux/arm/v6"), "{:?}", plan.problems);
        assert_eq!(plan.tags[0].from, Some(theirs.clone()));
    }
}

#[test]
fn a_bare_arm_does_not_take_the_platform_of_one_that_is_declared_in_full() {
    let mut world = World::default();
    let armv7 = ("linux/arm/v7", "reg.corp/app-armv7:v1");
    world.push(&reference(ARM.1), &Image::of("linux/arm/v6", 1));
    let image = head(&world, ARM.1);
    publish_foreign(&mut world, "v1", &[(image, platform("linux/arm/v7"))]);
    world.push(&reference(armv7.1), &Image::of("linux/arm/v7", 2));
    let (plan, _) = world.plan(&publication(TARGET, &["v1"], &[ARM, armv7]));
    let platforms: Vec<_> = plan.members.iter().map(|member| member.platform.to_string()).collect();
    assert_eq!((plan.action, platforms), (Action::Update, vec!["linux/arm/v6".to_owned(), "linux/arm/v7".to_owned()]));
}

#[test]
fn two_windows_that_were_published_without_a_version_get_theirs() {
    let mut world = World::default();
    let other = ("windows/amd64", "reg.corp/app-2022:v1");
    world.push(&reference(WINDOWS.1), &Image::of("windows/amd64 10.0.17763.1", 1));
    world.push(&reference(other.1), &Image::of("windows/amd64 10.0.20348.1", 1));
    let entries = [WINDOWS, other].map(|(declared, source)| (head(&world, source), platform(declared)));
    publish_foreign(&mut world, "v1", &entries);
    let list = publication(TARGET, &["v1"], &[WINDOWS, other]);
    let (plan, _) = world.plan(&list);
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Content)));
    let without_version: Vec<_> = plan
        .content
        .iter()
        .filter(|change| matches!(change, ContentChange::Fields(_, fields) if fields == &["platform"]))
        .collect();
    assert_eq!(without_version.len(), 2, "{:?}", plan.content);
    assert!(written(&plan).entries.iter().all(|entry| entry.platform.as_ref().unwrap().os_version.is_some()));
    world.apply(&plan);
    assert_eq!(world.plan(&list).0.action, Action::Unchanged);
}

#[test]
fn a_new_windows_of_the_same_build_is_a_change_of_that_member() {
    let mut world = World::default();
    let other = ("windows/amd64", "reg.corp/app-2022:v1");
    let list = publication(TARGET, &["v1"], &[WINDOWS, other]);
    world.push(&reference(WINDOWS.1), &Image::of("windows/amd64 10.0.17763.1", 1));
    world.push(&reference(other.1), &Image::of("windows/amd64 10.0.20348.1", 1));
    publish(&mut world, &list);
    world.push(&reference(other.1), &Image::of("windows/amd64 10.0.20348.2", 1));
    assert_eq!(
        fates(&world.plan(&list).0),
        [
            ("windows/amd64 10.0.17763.1".to_owned(), MemberFate::Same),
            ("windows/amd64 10.0.20348.2".to_owned(), MemberFate::Changed),
        ]
    );
}

#[test]
fn a_size_that_head_gets_wrong_is_never_published() {
    let mut world = built();
    let truth = head(&world, AMD64.1);
    world.claim(Descriptor { size: truth.size + 1, ..truth.clone() });
    let list = list(&["v1"]);
    let (plan, _) = world.plan(&list);
    assert_eq!(written(&plan).entries[0].descriptor, truth);
    world.apply(&plan);
    let (plan, asked) = world.plan(&list);
    assert_eq!((plan.action, asked.manifests, asked.configs), (Action::Unchanged, 2, 0));
}

#[test]
fn a_size_that_a_published_list_gets_wrong_is_put_right() {
    let mut world = built();
    let truth = head(&world, AMD64.1);
    let wrong = Descriptor { size: truth.size + 1, ..truth.clone() };
    let entries = [(wrong, platform("linux/amd64")), (head(&world, ARM64.1), platform("linux/arm64"))];
    publish_foreign(&mut world, "v1", &entries);
    let (plan, _) = world.plan(&list(&["v1"]));
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Content)));
    assert_eq!(plan.content[1..], [ContentChange::Fields(platform("linux/amd64"), vec!["size"])]);
    assert_eq!(written(&plan).entries[0].descriptor, truth);
}

#[test]
fn one_image_of_two_members_is_copied_once() {
    let mut world = World::default();
    for source in [AMD64.1, "other.corp/app:v1"] {
        world.push(&reference(source), &Image::of("", 1));
    }
    let members = [AMD64, ("linux/s390x", "other.corp/app:v1")];
    let (plan, _) = world.plan(&publication(TARGET, &["v1"], &members));
    assert_eq!((plan.members.len(), plan.children.len()), (2, 1));
    assert_eq!(plan.children[0].from, reference(AMD64.1).place);
    // If one of them is in the target itself, nothing is copied.
    world.push(&reference(&format!("{TARGET}:base")), &Image::of("", 1));
    let members = [AMD64, ("linux/s390x", "reg.corp/app:base")];
    assert!(world.plan(&publication(TARGET, &["v1"], &members)).0.children.is_empty());
}

#[test]
fn attestations_that_no_member_brings_are_removed() {
    let mut world = built();
    let unknown = Platform { os: "unknown".into(), architecture: "unknown".into(), ..Platform::default() };
    let attestation = world.push(&reference(&format!("{TARGET}:att")), &Image::of("", 5));
    let entries = [
        (head(&world, AMD64.1), platform("linux/amd64")),
        (head(&world, ARM64.1), platform("linux/arm64")),
        (attestation, unknown),
    ];
    publish_foreign(&mut world, "v1", &entries);
    let (plan, _) = world.plan(&list(&["v1"]));
    assert_eq!(plan.reason, Some(Reason::Members));
    assert_eq!(fates(&plan)[2], ("unknown/unknown".to_owned(), MemberFate::Removed));
}
