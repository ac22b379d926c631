//! Windows versions that the file does not state exactly.

use std::sync::Arc;

use super::world::{Image, World, platform, publication, reference};
use super::{blocked, shown};
use crate::config::model::{Missing, OsVersion, OsVersionOf, Placed, Publication};
use crate::config::problem::Span;
use crate::naming::Pattern;
use crate::oci::{Entry, Index, MediaType, Place, Platform, is_invisible};
use crate::plan::{Action, ListPlan, MemberFate, OsVersionOrigin, Query};

const TARGET: &str = "reg.corp/pause";
const MEMBER: (&str, &str) = ("windows/amd64", "reg.corp/pause-windows:v1");
const BASE: &str = "mcr.corp/base:v0.2";
const SPAN: Span = Span { file: 0, range: 300..301 };

/// Returns a list of one member with this `os_version`.
fn list(os_version: OsVersion) -> Arc<Publication> {
    let mut list = (*publication(TARGET, &["v1"], &[MEMBER])).clone();
    list.members[0].os_version = os_version;
    Arc::new(list)
}

fn of(build: Option<&str>) -> OsVersion {
    OsVersion::Of(OsVersionOf { from: reference(BASE), span: SPAN, build: build.map(str::to_owned) })
}

fn fitting(glob: &str) -> OsVersion {
    OsVersion::Fits(Placed { value: Pattern::parse(glob).unwrap(), span: SPAN })
}

/// Returns a world in which the member is a plain image, and the base has these platforms.
fn world(config: &str, base: &[&str]) -> World {
    let mut world = World::default();
    world.push(&reference(MEMBER.1), &Image::of(config, 1));
    push_base(&mut world, base);
    world
}

fn push_base(world: &mut World, platforms: &[&str]) {
    let base = reference(BASE);
    let entries: Vec<Entry> = platforms
        .iter()
        .map(|name| Entry::new(world.push_by_digest(&base.place, &Image::of(name, 1)), platform(name)))
        .collect();
    world.push_index(&base, entries);
}

fn written(plan: &ListPlan) -> Platform {
    let list = Index::parse(plan.payload.as_ref().expect("a list to be written")).unwrap();
    list.entries[0].platform.clone().unwrap()
}

const BUILDS: [&str; 3] = ["linux/amd64", "windows/amd64 10.0.17763.6532", "windows/amd64 10.0.20348.2700"];

#[test]
fn the_version_of_another_image_is_written() {
    // It does not matter that the config has no version or another one: images built on Linux are like that.
    for config in ["windows/amd64", "windows/amd64 10.0.1.1", ""] {
        let mut world = world(config, &BUILDS);
        let list = list(of(Some("10.0.17763")));
        let (plan, asked) = world.plan(&list);
        assert_eq!(written(&plan), platform("windows/amd64 10.0.17763.6532"), "{config:?}");
        // The member, the tag and the base are queried at once.
        assert_eq!((asked.heads, asked.manifests, asked.configs, asked.rounds), (3, 2, 1, 4));
        world.apply(&plan);
        let (plan, asked) = world.plan(&list);
        assert_eq!((plan.action, asked.heads, asked.manifests, asked.rounds), (Action::Unchanged, 3, 1, 2));
    }
}

#[test]
fn a_new_version_of_the_other_image_is_a_change() {
    let mut world = world("windows/amd64", &BUILDS);
    let list = list(of(Some("10.0.17763")));
    let plan = world.plan(&list).0;
    world.apply(&plan);
    push_base(&mut world, &["windows/amd64 10.0.17763.7000"]);
    let (plan, _) = world.plan(&list);
    assert_eq!((plan.action, written(&plan)), (Action::Update, platform("windows/amd64 10.0.17763.7000")));
}

#[test]
fn members_that_share_a_base_read_it_once() {
    let mut world = world("windows/amd64", &BUILDS);
    world.push(&reference("reg.corp/pause-windows:v2"), &Image::of("windows/amd64", 2));
    let members = [MEMBER, ("windows/amd64", "reg.corp/pause-windows:v2")];
    let mut list = (*publication(TARGET, &["v1"], &members)).clone();
    list.members[0].os_version = of(Some("10.0.17763"));
    list.members[1].os_version = of(Some("10.0.20348"));
    let (plan, asked) = world.plan(&Arc::new(list));
    assert_eq!((plan.action, asked.heads, asked.manifests), (Action::Create, 4, 3));
}

#[test]
fn a_build_is_made_of_whole_parts() {
    let mine = |build: &str, base: &[&str]| {
        let (plan, _) = world("windows/amd64", base).plan(&list(of(Some(build))));
        if plan.action == Action::Create {
            Ok(written(&plan).os_version.unwrap())
        } else {
            Err(plan.problems[0].slug())
        }
    };
    let base = ["windows/amd64 10.0.17763.1", "windows/amd64 10.0.177631.2"];
    for (build, expected) in [
        ("10.0.17763", Ok("10.0.17763.1")),
        ("10.0.177631", Ok("10.0.177631.2")),
        ("10.0.17763.1", Ok("10.0.17763.1")),
        ("10.0.1776", Err("no_os_version")),
        ("10.0", Err("several_os_versions")),
    ] {
        assert_eq!(mine(build, &base), expected.map(str::to_owned), "{build}");
    }
}

#[test]
fn only_what_is_for_the_members_machine_has_its_version() {
    let plan_of = |base: &[&str]| world("windows/amd64", base).plan(&list(of(None))).0;
    let one = plan_of(&["windows/arm64 10.0.2.2", "windows/amd64 10.0.1.1", "unknown/unknown", "linux/amd64"]);
    assert_eq!(written(&one).os_version.as_deref(), Some("10.0.1.1"));
    // There is one version, even if several images have it.
    let twice = plan_of(&["windows/amd64 10.0.1.1", "windows/amd64/v2 10.0.1.1"]);
    assert_eq!(written(&twice).os_version.as_deref(), Some("10.0.1.1"));
    for (base, code) in [
        (&["windows/amd64", "linux/amd64"][..], "no_os_version"),
        (&[], "no_os_version"),
        (&["windows/amd64 10.0.1.1", "windows/amd64 10.0.2.2"], "several_os_versions"),
    ] {
        assert_eq!(plan_of(base).problems[0].slug(), code, "{base:?}");
    }
}

#[test]
fn an_image_has_the_version_of_its_config() {
    let from = |config: &str, build: Option<&str>| {
        let mut world = world("windows/amd64", &[]);
        world.push(&reference(BASE), &Image::of(config, 5));
        let (plan, asked) = world.plan(&list(of(build)));
        let result =
            if plan.action == Action::Create { Ok(written(&plan).os_version) } else { Err(plan.problems[0].slug()) };
        (result, asked.configs)
    };
    let version = Some("10.0.17763.9".to_owned());
    assert_eq!(from("windows/amd64 10.0.17763.9", None), (Ok(version.clone()), 2));
    assert_eq!(from("windows/amd64 10.0.17763.9", Some("10.0.17763")), (Ok(version), 2));
    assert_eq!(from("windows/amd64 10.0.17763.9", Some("10.0.20348")).0, Err("no_os_version"));
    assert_eq!(from("windows/arm64 10.0.17763.9", None).0, Err("no_os_version"));
    assert_eq!(from("windows/amd64", None).0, Err("no_os_version"));
}

#[test]
fn a_version_that_can_not_be_had_blocks() {
    let mut gone = world("windows/amd64", &[]);
    gone.untag(&reference(BASE));
    insta::assert_snapshot!(shown(&blocked(&gone, &list(of(None)))), @r#"
    os_version_absent: tag v0.2 not found in mcr.corp/base
      because os-version of windows/amd64 is taken from this image
      at 300..301: os-version of windows/amd64 of list `app`
      help: use another image, or set os-version = "10.0.17763.*" to use the version of the member itself
    "#);
    insta::assert_snapshot!(shown(&blocked(&world("windows/amd64", &BUILDS), &list(of(Some("10.0.26100"))))), @r#"
    no_os_version: mcr.corp/base:v0.2 has no windows/amd64 image of build 10.0.26100
      because it has 10.0.17763.6532, 10.0.20348.2700
      at 300..301: os-version of windows/amd64 of list `app`
      help: use another image or build, or set os-version = "10.0.26100.*" to use the version of the member itself
    "#);
    insta::assert_snapshot!(shown(&blocked(&world("windows/amd64", &BUILDS), &list(of(None)))), @r#"
    several_os_versions: mcr.corp/base:v0.2 has several values of os.version for windows/amd64
      because it has 10.0.17763.6532, 10.0.20348.2700
      at 300..301: os-version of windows/amd64 of list `app`
      help: choose one: build = "10.0.17763"
    "#);
    let two = world("windows/amd64", &["windows/amd64 10.0.17763.1", "windows/amd64 10.0.17763.2"]);
    let help = blocked(&two, &list(of(Some("10.0.17763")))).help;
    assert_eq!(
        help.as_deref(),
        Some(r#"choose one: build = "10.0.17763.1""#),
        "the build alone does not tell them apart"
    );
    let linux = world("windows/amd64", &["linux/amd64"]);
    assert_eq!(blocked(&linux, &list(of(None))).causes, ["it has no os.version for windows/amd64"]);
    let mut other = world("windows/amd64", &[]);
    for (media_type, bytes, code) in [
        ("application/vnd.cncf.helm.config.v1+json", "{}", "not_an_image"),
        ("application/vnd.docker.distribution.manifest.v1+json", "{ }", "schema1"),
        ("application/vnd.oci.image.index.v1+json", "{", "unreadable_manifest"),
        ("application/vnd.oci.image.manifest.v1+json", "{{", "unreadable_manifest"),
    ] {
        other.push_bytes(&reference(BASE), MediaType::parse(media_type), bytes.into());
        let problem = blocked(&other, &list(of(None)));
        assert_eq!((problem.slug(), problem.reference.as_deref()), (code, Some(BASE)));
    }
}

#[test]
fn a_base_that_nobody_answers_for_fails_the_list() {
    let mut world = world("windows/amd64", &BUILDS);
    world.mute(Query::Head(reference(BASE)));
    assert_eq!(world.plan(&list(of(None))).0.action, Action::Failed);
}

#[test]
fn a_version_that_has_to_fit_is_that_of_the_config() {
    let mut world = world("windows/amd64 10.0.17763.6532", &[]);
    let list = list(fitting("10.0.17763.*"));
    let (plan, _) = world.plan(&list);
    assert_eq!(written(&plan), platform("windows/amd64 10.0.17763.6532"));
    world.apply(&plan);
    let (plan, asked) = world.plan(&list);
    assert_eq!((plan.action, asked.manifests, asked.configs), (Action::Unchanged, 1, 0));
}

#[test]
fn a_version_that_does_not_fit_is_a_mismatch() {
    for (config, cause) in [
        ("windows/amd64 10.0.20348.1", "its os.version 10.0.20348.1 does not match 10.0.17763.*"),
        ("windows/amd64", "its config has no os.version to match 10.0.17763.*"),
    ] {
        let problem = blocked(&world(config, &[]), &list(fitting("10.0.17763.*")));
        assert_eq!((problem.slug(), problem.causes), ("mismatch", vec![cause.to_owned()]));
        assert_eq!(problem.message, format!("{} does not match os-version 10.0.17763.*", MEMBER.1));
        // The pattern is underlined, not the platform.
        let labels: Vec<_> = problem.labels.iter().map(|label| (label.span.range.start, label.text.as_str())).collect();
        assert_eq!(labels, [(200, "windows/amd64 of list `app`"), (SPAN.range.start, "declared as 10.0.17763.*")]);
        assert_eq!(problem.help.as_deref(), Some("push an image with a matching version, or change os-version"));
    }
}

#[test]
fn what_is_published_by_a_version_that_does_not_fit_is_no_member() {
    let mut world = world("windows/amd64 10.0.17763.6532", &[]);
    let image = world.named(&reference(MEMBER.1)).unwrap().descriptor().clone();
    let entry = Entry::new(image, platform("windows/amd64 10.0.20348.1"));
    world.push_by_digest(&Place::parse(TARGET).unwrap(), &Image::of("windows/amd64 10.0.17763.6532", 1));
    world.push_index(&reference(&format!("{TARGET}:v1")), vec![entry]);
    let open = list(OsVersion::AsDeclared);
    assert_eq!(world.plan(&open).0.action, Action::Unchanged);
    let (plan, _) = world.plan(&list(fitting("10.0.17763.*")));
    assert_eq!((plan.action, written(&plan)), (Action::Update, platform("windows/amd64 10.0.17763.6532")));
}

#[test]
fn a_version_that_is_declared_chooses_among_the_images_of_an_index() {
    for (os_version, expected) in [
        (fitting("10.0.17763.*"), Some("10.0.17763.6532")),
        (of(Some("10.0.20348")), Some("10.0.20348.2700")),
        (fitting("10.0.1*"), Some("10.0.17763.6532")),
        (fitting("10.0.26100.*"), None),
    ] {
        let mut world = world("windows/amd64", &BUILDS);
        // The member is an index of these images too.
        let entries = Index::parse(world.named(&reference(BASE)).unwrap()).unwrap().entries;
        let at = |entry: &Entry| reference(MEMBER.1).place.with_digest(&entry.descriptor.digest);
        for (entry, config) in entries.iter().zip(BUILDS) {
            let pushed = world.push_by_digest(&at(entry).place, &Image::of(config, 1));
            assert_eq!(pushed, entry.descriptor);
        }
        world.push_index(&reference(MEMBER.1), entries);
        let (plan, _) = world.plan(&list(os_version));
        match expected {
            Some(version) => assert_eq!(written(&plan).os_version.as_deref(), Some(version)),
            None => assert_eq!(plan.problems[0].slug(), "no_candidate"),
        }
    }
}

#[test]
fn what_is_kept_for_an_absent_member_is_of_its_version() {
    let members = [MEMBER, ("windows/amd64", "reg.corp/pause-windows:v2")];
    for (first, second) in
        [(of(Some("10.0.17763")), of(Some("10.0.20348"))), (fitting("10.0.17763.*"), fitting("10.0.20348.*"))]
    {
        let mut world = world(BUILDS[1], &BUILDS);
        world.push(&reference(members[1].1), &Image::of(BUILDS[2], 2));
        let mut list = (*publication(TARGET, &["v1"], &members)).clone();
        (list.members[0].os_version, list.members[1].os_version) = (first, second);
        list.members.iter_mut().for_each(|member| member.missing = Missing::Keep);
        let list = Arc::new(list);
        let plan = world.plan(&list).0;
        world.apply(&plan);
        // Both are windows/amd64: without their versions, an entry could not be attributed to either.
        for (_, source) in members {
            world.untag(&reference(source));
        }
        let (plan, _) = world.plan(&list);
        assert_eq!(plan.action, Action::Unchanged, "{:?}", plan.problems);
        assert!(plan.members.iter().all(|member| member.fate == MemberFate::Kept));
    }
}

#[test]
fn a_base_that_is_gone_is_no_matter_to_a_member_that_is_left_out() {
    let mut world = world("windows/amd64", &[]);
    world.untag(&reference(BASE));
    world.untag(&reference(MEMBER.1));
    world.push(&reference("reg.corp/pause-linux:v1"), &Image::of("linux/amd64", 1));
    let members = [MEMBER, ("linux/amd64", "reg.corp/pause-linux:v1")];
    let mut list = (*publication(TARGET, &["v1"], &members)).clone();
    (list.members[0].os_version, list.members[0].missing) = (of(None), Missing::Skip);
    assert_eq!(world.plan(&Arc::new(list)).0.action, Action::Create);
}

/// Texts that no platform has.
fn strange() -> [String; 6] {
    ["10.0.17763.1\n10", "\u{1b}[31m\u{202e}", "10.0 1", "é", "\u{e0041}", &"1".repeat(65)].map(str::to_owned)
}

#[test]
fn a_version_that_is_not_plain_text_is_not_published() {
    for text in strange() {
        // In the config of the member, in an index that has the member, and in the image of `from`.
        let strange = format!("windows/amd64 {text}");
        let from_config = blocked(&world(&strange, &BUILDS), &list(OsVersion::AsDeclared));
        let mut of_index = World::default();
        let source = reference(MEMBER.1);
        let child = of_index.push_by_digest(&source.place, &Image::of("windows/amd64", 1));
        of_index.push_index(&source, vec![Entry::new(child, platform(&strange))]);
        let from_index = blocked(&of_index, &list(OsVersion::AsDeclared));
        let from_other = blocked(&world("windows/amd64", &[&strange]), &list(of(None)));
        for (problem, named) in [(from_config, MEMBER.1), (from_index, MEMBER.1), (from_other, BASE)] {
            assert_eq!(problem.code, "mlist::plan::invalid_platform", "{text:?}");
            assert_eq!(problem.message, format!("{named} has an invalid os.version"));
            assert!(problem.causes[0].chars().all(|c| !c.is_control() && !is_invisible(c)), "{problem:?}");
        }
        // A declared version is used instead.
        let declared = Arc::new({
            let mut list = (*publication(TARGET, &["v1"], &[MEMBER])).clone();
            list.members[0].platform.os_version = Some("10.0.17763.1".into());
            list
        });
        assert_eq!(world(&strange, &BUILDS).plan(&declared).0.action, Action::Create, "{text:?}");
    }
    let long = blocked(&world(&format!("windows/amd64 {}", "9".repeat(200_000)), &[]), &list(OsVersion::AsDeclared));
    assert!(long.causes[0].len() < 400 && long.causes[0].contains('…'), "{}", long.causes[0].len());
    let broken = blocked(&world("windows/amd64 10.0.17763.1\n10", &[]), &list(OsVersion::AsDeclared));
    insta::assert_snapshot!(shown(&broken), @r#"
    invalid_platform: reg.corp/pause-windows:v1 has an invalid os.version
      because found "10.0.17763.1\n10", expected 1 to 64 ASCII characters without spaces
      at 200..201: windows/amd64 of list `app`
      help: push the image again with a valid os.version, or set os-version for this member
    "#);
}

#[test]
fn features_and_a_variant_that_are_not_plain_text_are_not_published() {
    for text in strange() {
        let mut source = World::default();
        let child = source.push_by_digest(&reference(MEMBER.1).place, &Image::of("windows/amd64 10.0.1.1", 1));
        let mut strange = platform("windows/amd64 10.0.1.1");
        strange.os_features = vec![text.clone()];
        source.push_index(&reference(MEMBER.1), vec![Entry::new(child, strange)]);
        let problem = blocked(&source, &list(OsVersion::AsDeclared));
        assert_eq!(problem.message, format!("{} has an invalid os.features", MEMBER.1), "{text:?}");
    }
    let arm = publication(TARGET, &["v1"], &[("linux/arm", "reg.corp/arm:v1")]);
    let mut world = World::default();
    world.push(&reference("reg.corp/arm:v1"), &Image::of("linux/arm/v7 x\u{202e}", 1));
    let (plan, _) = world.plan(&arm);
    assert_eq!(plan.action, Action::Create, "the version of Linux is not published");
    let child = world.push_by_digest(&reference("reg.corp/arm:v1").place, &Image::of("linux/arm/v7", 1));
    let mut strange = platform("linux/arm/v7");
    strange.variant = Some("v7\u{202e}".into());
    world.push_index(&reference("reg.corp/arm:v1"), vec![Entry::new(child, strange)]);
    assert_eq!(blocked(&world, &arm).message, "reg.corp/arm:v1 has an invalid variant");
}

#[test]
fn the_plan_says_where_a_version_comes_from() {
    let origin = |world: &World, list: &Arc<Publication>| world.plan(list).0.members[0].os_version_from.clone();
    let config = "windows/amd64 10.0.17763.9";
    let mut world = world(config, &BUILDS);
    let declared = publication(TARGET, &["v1"], &[("windows/amd64 10.0.17763.9", MEMBER.1)]);
    assert_eq!(origin(&world, &declared), Some(OsVersionOrigin::Declared));
    assert_eq!(origin(&world, &list(of(Some("10.0.17763")))), Some(OsVersionOrigin::Image(reference(BASE))));
    let open = list(fitting("10.0.17763.*"));
    assert_eq!(origin(&world, &open), Some(OsVersionOrigin::Config));
    let plan = world.plan(&open).0;
    world.apply(&plan);
    assert_eq!(origin(&world, &open), Some(OsVersionOrigin::PublishedList));
    let source = reference(MEMBER.1);
    let image = world.push_by_digest(&source.place, &Image::of(config, 2));
    world.push_index(&source, vec![Entry::new(image, platform(config))]);
    assert_eq!(origin(&world, &open), Some(OsVersionOrigin::SourceIndex));
    let linux = publication(TARGET, &["v1"], &[("linux/amd64", "reg.corp/app:v1")]);
    world.push(&reference("reg.corp/app:v1"), &Image::of("linux/amd64", 1));
    assert_eq!(origin(&world, &linux), None);
}
