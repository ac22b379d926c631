//! What blocks or fails a list, and the problem that is reported.

use std::sync::Arc;

use super::shown;
use super::world::{Image, World, publication, reference, with};
use crate::config::model::{Missing, Publication, Undeclared};
use crate::config::problem::{HttpFacts, Problem, Severity};
use crate::oci::{Descriptor, Digest, ImageManifest, MediaType};
use crate::plan::{
    Action, Answer, Cause, CheckDepth, Decision, ListPlan, MemberFate, Query, Snapshot, TagFate, decide,
};

const TARGET: &str = "reg.corp/app";
const AMD64: (&str, &str) = ("linux/amd64", "reg.corp/app-amd64:v1");
const ARM64: (&str, &str) = ("linux/arm64", "reg.corp/app-arm64:v1");

fn two() -> (World, Arc<Publication>) {
    let mut world = World::default();
    for (platform, source) in [AMD64, ARM64] {
        world.push(&reference(source), &Image::of(platform, 1));
    }
    (world, publication(TARGET, &["v1"], &[AMD64, ARM64]))
}

/// Returns the plan and the one problem of a list that must not be written.
fn refused(world: &World, list: &Arc<Publication>, action: Action) -> (ListPlan, Problem) {
    let (plan, _) = world.plan(list);
    assert_eq!(plan.action, action, "{:?}", plan.problems);
    assert!(plan.index.is_none() && plan.payload.is_none() && plan.children.is_empty());
    let fate = if action == Action::Blocked { TagFate::Blocked } else { TagFate::Unknown };
    assert!(plan.tags.iter().all(|tag| tag.fate == fate && tag.to.is_none()));
    assert_eq!(plan.problems.len(), 1, "{:?}", plan.problems);
    let problem = plan.problems[0].clone();
    (plan, problem)
}

#[test]
fn an_absent_member_blocks() {
    let (mut world, list) = two();
    world.untag(&reference(ARM64.1));
    let (plan, problem) = refused(&world, &list, Action::Blocked);
    insta::assert_snapshot!(shown(&problem), @r#"
    member_absent: tag v1 not found in reg.corp/app-arm64
      at 201..202: linux/arm64 of list `app`
      help: push it first, or set missing = "skip" to publish without it
    "#);
    assert_eq!(problem.reference.as_deref(), Some(ARM64.1));
    assert_eq!(problem.http.map(|http| http.status), Some(Some(404)));
    let fates: Vec<_> = plan.members.iter().map(|member| (member.fate, member.descriptor.is_some())).collect();
    assert_eq!(fates, [(MemberFate::Unknown, true), (MemberFate::Absent, false)]);
}

#[test]
fn a_layout_says_no_404() {
    let list = publication("oci:out", &["v1"], &[("linux/amd64", "oci:in:v1")]);
    let (_, problem) = refused(&World::default(), &list, Action::Blocked);
    assert_eq!((problem.message.as_str(), problem.http), ("tag v1 not found in oci:in", None));
}

#[test]
fn what_is_no_image_blocks_by_a_code_of_its_own() {
    for (media_type, code) in [
        ("application/vnd.oci.image.index.v1+json", "no_candidate"),
        ("application/vnd.docker.distribution.manifest.list.v2+json", "no_candidate"),
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", "schema1"),
        ("application/vnd.cncf.notary.signature", "not_an_image"),
    ] {
        let (mut world, list) = two();
        world.push_bytes(&reference(ARM64.1), MediaType::parse(media_type), r#"{"manifests":[]}"#.into());
        let (plan, problem) = refused(&world, &list, Action::Blocked);
        assert_eq!(problem.slug(), code);
        assert_eq!(plan.members[1].fate, MemberFate::Unknown);
        assert!(problem.help.is_some());
    }
}

#[test]
fn a_list_that_head_calls_an_image_is_seen_when_it_is_read() {
    let (mut world, list) = two();
    let index = world.push_bytes(&reference(ARM64.1), MediaType::OciIndex, r#"{"manifests":[]}"#.into());
    world.claim(Descriptor { media_type: MediaType::OciManifest, ..index });
    assert_eq!(refused(&world, &list, Action::Blocked).1.slug(), "member_is_index");
}

#[test]
fn the_config_of_another_machine_blocks() {
    let (mut world, list) = two();
    world.push(&reference(ARM64.1), &Image::of("linux/amd64", 2));
    let (plan, problem) = refused(&world, &list, Action::Blocked);
    insta::assert_snapshot!(shown(&problem), @r"
    mismatch: reg.corp/app-arm64:v1 is not for linux/arm64
      because its config says linux/amd64
      at 201..202: linux/arm64 of list `app`
      at 101..102: declared as linux/arm64
      help: push an image for linux/arm64 to this reference, or correct the declared platform
    ");
    // The published list was queried and does not exist: both members would have been added.
    assert!(plan.members.iter().all(|member| member.fate == MemberFate::Added));
}

#[test]
fn the_name_is_the_third_to_agree() {
    for (arch, cause) in [
        ("arm64", "its name contains arm64"),
        ("aarch64", "its name contains aarch64, which means arm64"),
        ("windows-amd64", "its name contains windows"),
    ] {
        let (world, list) = two();
        let mut list = (*list).clone();
        list.members[0].arch = Some(arch.into());
        assert_eq!(refused(&world, &Arc::new(list), Action::Blocked).1.causes, [cause]);
    }
}

#[test]
fn a_declared_variant_is_judged_by_the_config_and_never_by_the_name() {
    let plan_of = |declared: &str, built: &str, arch: &str| {
        let (mut world, list) = (World::default(), publication(TARGET, &["v1"], &[(declared, "reg.corp/x:v1")]));
        world.push(&reference("reg.corp/x:v1"), &Image::of(built, 1));
        let mut list = (*list).clone();
        list.members[0].arch = Some(arch.into());
        world.plan(&Arc::new(list)).0.action
    };
    for (declared, built, arch, action) in [
        ("linux/arm/v6", "linux/arm/v7", "arm", Action::Blocked),
        ("linux/arm/v7", "linux/arm/v7", "armv6", Action::Create),
        ("linux/arm/v7", "linux/arm", "arm", Action::Create),
        ("linux/arm64", "linux/arm64/v8", "arm64", Action::Create),
        ("linux/arm64/v8", "linux/arm64", "arm64", Action::Create),
        ("linux/arm64/v9", "linux/arm64/v8", "arm64", Action::Blocked),
        ("linux/s390x", "", "s390x", Action::Create),
    ] {
        assert_eq!(plan_of(declared, built, arch), action, "{declared} {built} {arch}");
    }
}

#[test]
fn a_config_that_says_more_is_a_warning() {
    let (mut world, list) = two();
    world.push(&reference(AMD64.1), &Image::of("linux/amd64/v3", 1));
    let (plan, _) = world.plan(&list);
    assert_eq!(plan.action, Action::Create);
    assert_eq!(plan.problems[0].severity, Severity::Warning);
    insta::assert_snapshot!(shown(&plan.problems[0]), @r"
    config_says_more: the config of reg.corp/app-amd64:v1 says linux/amd64/v3, but it is declared as linux/amd64
      at 200..201: linux/amd64 of list `app`
      help: declare linux/amd64/v3 if the image requires that variant
    ");
}

#[test]
fn two_members_that_turn_out_to_be_for_one_machine_block() {
    let (mut world, _) = two();
    world.push(&reference("reg.corp/app-arm:v1"), &Image::of("linux/arm/v7", 1));
    world.push(&reference("reg.corp/app-armhf:v1"), &Image::of("linux/arm/v7", 2));
    let members = [("linux/arm", "reg.corp/app-arm:v1"), ("linux/arm/v7", "reg.corp/app-armhf:v1")];
    let (_, problem) = refused(&world, &publication(TARGET, &["v1"], &members), Action::Blocked);
    insta::assert_snapshot!(shown(&problem), @r"
    platform_twice: list `app` has two images for linux/arm/v7
      at 101..102: reg.corp/app-armhf:v1 is declared as linux/arm/v7
      at 100..101: reg.corp/app-arm:v1 is for linux/arm/v7 (declared as linux/arm)
      help: remove one of the two images; if one is built for another variant, push it again with the right config
    ");
}

#[test]
fn bytes_that_can_not_be_read_block() {
    let (mut world, list) = two();
    world.push_bytes(&reference(ARM64.1), MediaType::OciManifest, "{}".into());
    let problem = refused(&world, &list, Action::Blocked).1;
    assert_eq!(problem.slug(), "unreadable_manifest");
    assert!(problem.causes[0].starts_with("invalid image manifest: missing field `config`"));
}

#[test]
fn a_published_list_that_cannot_be_parsed_is_overwritten_or_blocks_if_something_of_it_is_kept() {
    let (mut world, list) = two();
    world.push_bytes(&list.reference(), MediaType::OciIndex, "{".into());
    let (plan, _) = world.plan(&list);
    assert_eq!(plan.action, Action::Update);
    insta::assert_snapshot!(shown(&plan.problems[0]), @r"
    unreadable_list: reg.corp/app:v1 is not a valid manifest list and will be overwritten
      because invalid manifest list: unexpected end of an object at line 1 column 1
      at 1..2: tag v1 of list `app`
      help: to keep the old content, copy it to another tag first, or publish under another tag
    ");
    for (key, list) in [
        ("undeclared", with(&list, |list| list.rules.undeclared = Undeclared::Keep)),
        ("missing", with(&list, |list| list.members[0].missing = Missing::Keep)),
    ] {
        let problem = refused(&world, &list, Action::Blocked).1;
        assert_eq!(problem.causes[1], format!("{key} = \"keep\" requires that its images can be read"));
        let help = format!("delete the tag, or remove {key} = \"keep\" to overwrite the list");
        assert_eq!((problem.slug(), problem.help), ("unreadable_manifest", Some(help)));
    }
}

#[test]
fn a_config_that_is_gone_blocks() {
    let (mut world, list) = two();
    let source = reference(ARM64.1);
    let config = ImageManifest::parse(world.named(&source).unwrap()).unwrap().config.digest;
    world.remove(&source.place, &config);
    let problem = refused(&world, &list, Action::Blocked).1;
    assert_eq!(problem.message, "reg.corp/app-arm64:v1 exists, but its config is missing");
    assert_eq!(problem.causes, [format!("{config} not found in reg.corp/app-arm64")]);
}

#[test]
fn what_nobody_knows_fails_at_every_step() {
    let (mut published, list) = two();
    let plan = published.plan(&list).0;
    published.apply(&plan);
    let source = reference(ARM64.1);
    let new = published.push(&source, &Image::of("linux/arm64", 2));
    let config = ImageManifest::parse(published.payload(&new.digest)).unwrap().config.digest;
    let kept = published.named(&reference(AMD64.1)).unwrap().digest().clone();
    let target = list.target.clone();
    let first = published.named(&list.reference()).unwrap().digest().clone();
    for query in [
        Query::Head(source.clone()),
        Query::Head(list.reference()),
        Query::Manifest(first, target.clone()),
        Query::Manifest(new.digest, source.place.clone()),
        Query::Config(config, source.place),
        Query::Head(target.with_digest(&kept)),
    ] {
        let mut world = published.clone();
        world.mute(query.clone());
        let problem = refused(&world, &list, Action::Failed).1;
        assert_eq!((problem.slug(), problem.labels.len()), ("unreachable", 1), "{query:?}");
    }
}

#[test]
fn what_nobody_knows_outweighs_what_is_wrong() {
    let (mut world, list) = two();
    world.untag(&reference(AMD64.1));
    world.mute(Query::Head(reference(ARM64.1)));
    assert_eq!(refused(&world, &list, Action::Failed).1.slug(), "unreachable");
}

#[test]
fn a_registry_that_is_down_is_one_problem_without_a_place_in_the_file() {
    let (_, list) = two();
    let mut down = Problem::error("mlist::registry::unreachable", "reg.corp cannot be reached");
    down.http = Some(HttpFacts { host: "reg.corp".into(), ..HttpFacts::default() });
    let mut snapshot = Snapshot::default();
    let Decision::Needs(needs) = decide(&list, CheckDepth::List, &snapshot) else { panic!("decided by nothing") };
    for query in needs {
        let Query::Head(reference) = query else { panic!("{query:?} comes later") };
        snapshot.add_head(reference, Answer::Unknown(Cause(Arc::new(down.clone()))));
    }
    let Decision::Done(plan) = decide(&list, CheckDepth::List, &snapshot) else { panic!("all was answered") };
    assert_eq!((plan.action, plan.problems.as_slice()), (Action::Failed, [down].as_slice()));
}

#[test]
fn a_blocked_list_says_what_its_tags_name() {
    let (mut world, list) = two();
    let plan = world.plan(&list).0;
    world.apply(&plan);
    world.untag(&reference(ARM64.1));
    let (plan, _) = refused(&world, &list, Action::Blocked);
    let named: Vec<Option<Digest>> = vec![Some(world.named(&list.reference()).unwrap().digest().clone())];
    assert_eq!(plan.tags.into_iter().map(|tag| tag.from).collect::<Vec<_>>(), named);
}
