//! Members that are indexes: which image is chosen, and its attestations.

use std::sync::Arc;

use super::world::{Image, World, platform, publication, reference, shared, with};
use super::{blocked, shown};
use crate::config::model::{Attestations, Format, Publication};
use crate::oci::{Descriptor, Digest, Entry, Index, MediaType, Place, ReferrerFilter};
use crate::plan::{Action, ContentChange, ListPlan, MemberFate, Query, Reason};

const TARGET: &str = "reg.corp/app";
const AMD64: (&str, &str) = ("linux/amd64", "reg.corp/app-amd64:v1");
const ARM64: (&str, &str) = ("linux/arm64", "reg.corp/app-arm64:v1");
const ARTIFACT: &str = "application/vnd.docker.attestation.manifest.v1+json";

fn list(members: &[(&str, &str)]) -> Arc<Publication> {
    publication(TARGET, &["v1"], members)
}

fn without_attestations(list: &Arc<Publication>) -> Arc<Publication> {
    let mut list = (**list).clone();
    list.rules.attestations = Attestations::Drop;
    Arc::new(list)
}

/// Returns the platforms and digests of the list that a plan writes.
fn entries(plan: &ListPlan) -> Vec<(String, Digest)> {
    let list = Index::parse(plan.payload.as_ref().expect("a list to be written")).unwrap();
    list.entries.into_iter().map(|entry| (entry.platform.unwrap().to_string(), entry.descriptor.digest)).collect()
}

fn built(world: &mut World, (platform, source): (&str, &str)) -> (Descriptor, Entry) {
    world.push_built(&reference(source), &super::world::platform(platform), &Image::of(platform, 1).oci())
}

/// Pushes an index of images for these platforms, and returns the digests of the images. An empty text is an entry
/// without platform.
fn index(world: &mut World, source: &str, platforms: &[&str]) -> Vec<Digest> {
    let source = reference(source);
    let entry = |world: &mut World, (number, name): (u32, &&str)| {
        let descriptor = world.push_by_digest(&source.place, &Image::of("", number));
        Entry { platform: Some(platform(name)).filter(|_| !name.is_empty()), ..Entry::new(descriptor, platform(name)) }
    };
    let entries: Vec<Entry> = (0..).zip(platforms).map(|member| entry(world, member)).collect();
    let digests = entries.iter().map(|entry| entry.descriptor.digest.clone()).collect();
    world.push_index(&source, entries);
    digests
}

#[test]
fn images_come_in_order_and_attestations_behind_them() {
    let mut world = World::default();
    let ((amd64, of_amd64), (arm64, of_arm64)) = (built(&mut world, AMD64), built(&mut world, ARM64));
    let list = list(&[AMD64, ARM64]);
    let (plan, _) = world.plan(&list);
    let unknown = "unknown/unknown".to_owned();
    assert_eq!(
        entries(&plan),
        [
            (AMD64.0.to_owned(), amd64.digest.clone()),
            (ARM64.0.to_owned(), arm64.digest),
            (unknown.clone(), of_amd64.descriptor.digest.clone()),
            (unknown, of_arm64.descriptor.digest),
        ]
    );
    let written = Index::parse(plan.payload.as_ref().unwrap()).unwrap();
    assert_eq!(written.entries[2], of_amd64, "as its own index has it");
    assert_eq!(plan.members.iter().map(|member| member.fate).collect::<Vec<_>>(), [MemberFate::Added; 2]);
    let children: Vec<_> =
        plan.children.iter().map(|child| (child.from.to_string(), child.platform.to_string())).collect();
    let from = |(platform, source): (&str, &str)| (reference(source).place.to_string(), platform.to_owned());
    assert_eq!(children, [from(AMD64), from(AMD64), from(ARM64), from(ARM64)]);
    world.apply(&plan);
    assert!(world.has(&list.target, &of_amd64.descriptor.digest));
    assert_eq!(world.plan(&list).0.action, Action::Unchanged);
}

#[test]
fn images_of_docker_make_an_oci_index_where_something_speaks_of_them() {
    let mut world = World::default();
    world.push_built(&reference(AMD64.1), &platform(AMD64.0), &Image::of(AMD64.0, 1));
    let list = list(&[AMD64]);
    let kind = |plan: ListPlan| plan.index.unwrap().media_type;
    assert_eq!(kind(world.plan(&list).0), MediaType::OciIndex);
    assert_eq!(kind(world.plan(&without_attestations(&list)).0), MediaType::DockerList);
}

#[test]
fn attestations_are_dropped_where_that_is_said() {
    let mut world = World::default();
    let (amd64, _) = built(&mut world, AMD64);
    let (kept, dropped) = (list(&[AMD64]), without_attestations(&list(&[AMD64])));
    let plan = world.plan(&kept).0;
    world.apply(&plan);
    let (plan, asked) = world.plan(&dropped);
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Content)));
    assert_eq!(plan.content, [ContentChange::Attestations]);
    assert_eq!(entries(&plan), [(AMD64.0.to_owned(), amd64.digest)]);
    assert_eq!((plan.members.len(), asked.referrers), (1, 0), "that they go is no change of a member");
    world.apply(&plan);
    assert_eq!(world.plan(&dropped).0.action, Action::Unchanged);
    assert_eq!(world.plan(&kept).0.action, Action::Update);
}

#[test]
fn a_new_attestation_of_the_same_image_is_published_too() {
    let mut world = World::default();
    let (amd64, first) = built(&mut world, AMD64);
    let list = list(&[AMD64]);
    let plan = world.plan(&list).0;
    world.apply(&plan);
    let place = reference(AMD64.1).place;
    let other = world.push_by_digest(&place, &Image::of("", 9).oci());
    let second = Entry::attestation(other, &amd64.digest);
    world.push_index(&reference(AMD64.1), vec![Entry::new(amd64, platform(AMD64.0)), first, second.clone()]);
    let (plan, _) = world.plan(&list);
    assert_eq!((plan.action, entries(&plan).len()), (Action::Update, 3));
    let children: Vec<_> = plan.children.iter().map(|child| &child.descriptor).collect();
    assert_eq!(children, [&second.descriptor], "the others stand");
}

#[test]
fn what_speaks_of_another_image_is_not_taken_along() {
    let mut world = World::default();
    let (arm64, of_arm64) = built(&mut world, ARM64);
    let amd64 = world.push_by_digest(&reference(ARM64.1).place, &Image::of(AMD64.0, 1).oci());
    let source = "reg.corp/app-arm64:all";
    let of_amd64 = world.attest(&reference(source).place, &amd64.digest);
    let both = vec![
        Entry::new(amd64, platform(AMD64.0)),
        of_amd64,
        Entry::new(arm64.clone(), platform(ARM64.0)),
        of_arm64.clone(),
    ];
    world.push_index(&reference(source), both);
    let plan = world.plan(&list(&[(ARM64.0, source)])).0;
    let digests: Vec<Digest> = entries(&plan).into_iter().map(|(_, digest)| digest).collect();
    assert_eq!(digests, [arm64.digest, of_arm64.descriptor.digest]);
}

#[test]
fn rows_that_share_an_index_take_each_its_own() {
    let mut world = World::default();
    let source = "reg.corp/all:v1";
    let digests = index(&mut world, source, &["linux/amd64", "linux/arm64", "linux/s390x"]);
    let list = list(&[("linux/s390x", source), ("linux/amd64", source)]);
    let (plan, asked) = world.plan(&list);
    let expected = [("linux/s390x", &digests[2]), ("linux/amd64", &digests[0])];
    assert_eq!(entries(&plan), expected.map(|(name, digest)| (name.to_owned(), digest.clone())));
    // The index and two images, and one head for both rows.
    assert_eq!((asked.manifests, asked.heads), (3, 2));
}

#[test]
fn what_stands_twice_by_two_ways_is_named_once() {
    let mut world = World::default();
    let place = reference(AMD64.1).place;
    let image = world.push_by_digest(&place, &Image::of("", 1).oci());
    let attestation = world.attest(&place, &image.digest);
    let entry = |name: &str| Entry::new(image.clone(), platform(name));
    world.push_index(&reference(AMD64.1), vec![entry("linux/arm/v6"), entry("linux/arm/v7"), attestation]);
    let plan = world.plan(&list(&[("linux/arm/v6", AMD64.1), ("linux/arm/v7", AMD64.1)])).0;
    assert_eq!((entries(&plan).len(), plan.children.len()), (3, 2));
}

#[test]
fn the_one_image_that_may_be_meant_is_taken() {
    let none = Err("no_candidate");
    let several = Err("several_candidates");
    for (declared, platforms, expected) in [
        ("linux/amd64", &["linux/arm64", "linux/amd64"][..], Ok(1)),
        ("linux/amd64", &["linux/arm64"], none),
        ("linux/amd64", &[], none),
        ("linux/amd64", &[""], Ok(0)),
        ("linux/amd64", &["", ""], several),
        ("linux/amd64", &["linux/amd64/v3"], Ok(0)),
        // amd64 means v1, and arm64 means v8.
        ("linux/amd64", &["linux/amd64/v3", "linux/amd64"], Ok(1)),
        ("linux/amd64/v2", &["linux/amd64/v3", "linux/amd64"], Ok(1)),
        ("linux/amd64", &["linux/amd64/v2", "linux/amd64/v3"], several),
        ("linux/arm64/v8", &["linux/arm64"], Ok(0)),
        ("linux/arm64/v8", &["linux/arm64/v9"], none),
        ("linux/arm64", &["linux/arm64/v8", "linux/arm64/v9"], Ok(0)),
        ("linux/arm", &["linux/arm/v6", "linux/arm/v7"], several),
        ("linux/arm", &["linux/arm", "linux/arm/v7"], several),
        ("linux/arm", &["linux/arm/v6"], Ok(0)),
        ("linux/arm/v7", &["linux/arm/v6", "linux/arm/v7"], Ok(1)),
        ("linux/arm/v7", &["linux/arm"], Ok(0)),
        ("linux/amd64", &["unknown/unknown", "linux/amd64"], Ok(1)),
        ("linux/amd64", &["unknown/unknown"], none),
        ("windows/amd64", &["windows/amd64 10.0.17763.1", "windows/amd64 10.0.20348.1"], several),
        ("windows/amd64 10.0.20348.1", &["windows/amd64 10.0.17763.1", "windows/amd64 10.0.20348.1"], Ok(1)),
        ("windows/amd64 10.0.20348.1", &["windows/amd64 10.0.17763.1"], none),
        ("windows/amd64", &["linux/amd64", "windows/amd64 10.0.17763.1"], Ok(1)),
    ] {
        let mut world = World::default();
        let digests = index(&mut world, AMD64.1, platforms);
        let (plan, _) = world.plan(&list(&[(declared, AMD64.1)]));
        let chosen = match plan.action {
            Action::Create => Ok(entries(&plan)[0].1.clone()),
            _ => Err(plan.problems[0].slug()),
        };
        assert_eq!(chosen, expected.map(|at: usize| digests[at].clone()), "{declared} of {platforms:?}");
    }
}

#[test]
fn open_parts_come_from_the_index() {
    for (declared, given) in [
        ("linux/arm", "linux/arm/v6"),
        ("windows/amd64", "windows/amd64 10.0.17763.1"),
        ("linux/arm64", "linux/arm64/v8"),
    ] {
        let mut world = World::default();
        index(&mut world, AMD64.1, &[given]);
        let list = list(&[(declared, AMD64.1)]);
        let (plan, _) = world.plan(&list);
        let expected = if declared == "linux/arm64" { declared } else { given };
        assert_eq!(entries(&plan)[0].0, expected, "what is open, and nothing else");
        world.apply(&plan);
        let (plan, asked) = world.plan(&list);
        assert_eq!((plan.action, asked.manifests, asked.configs), (Action::Unchanged, 1, 0), "{declared}");
    }
}

#[test]
fn no_image_for_the_platform_names_what_there_is() {
    let mut world = World::default();
    index(&mut world, AMD64.1, &["linux/s390x", "linux/arm/v7"]);
    insta::assert_snapshot!(shown(&blocked(&world, &list(&[AMD64]))), @r"
    no_candidate: reg.corp/app-amd64:v1 is a list and has no image for linux/amd64
      because the list has linux/s390x, linux/arm/v7
      at 100..101: declared as linux/amd64
      at 200..201: linux/amd64 of list `app`
      help: add an image for linux/amd64 to that list, or declare a platform that the list has
    ");
    let many: Vec<String> = (1..=13).map(|number| format!("linux/arm64/v{number}")).collect();
    index(&mut world, AMD64.1, &many.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(blocked(&world, &list(&[AMD64])).causes[0].ends_with("linux/arm64/v10 and 3 more"));
}

#[test]
fn several_images_for_the_platform_are_named() {
    let mut world = World::default();
    index(&mut world, AMD64.1, &["linux/arm/v6", "linux/amd64", "linux/arm/v7"]);
    insta::assert_snapshot!(shown(&blocked(&world, &list(&[("linux/arm", AMD64.1)]))), @r#"
    several_candidates: reg.corp/app-amd64:v1 is a list and has several images for linux/arm
      because the list has linux/arm/v6, linux/arm/v7
      at 100..101: declared as linux/arm
      at 200..201: linux/arm of list `app`
      help: choose one by its variant or its digest: source = "…@sha256:…"
    "#);
    index(&mut world, AMD64.1, &["windows/amd64 10.0.17763.1", "windows/amd64 10.0.20348.1"]);
    insta::assert_snapshot!(shown(&blocked(&world, &list(&[("windows/amd64", AMD64.1)]))), @r#"
    several_candidates: reg.corp/app-amd64:v1 is a list and has several images for windows/amd64
      because the list has windows/amd64 10.0.17763.1, windows/amd64 10.0.20348.1
      at 100..101: declared as windows/amd64
      at 200..201: windows/amd64 of list `app`
      help: choose one by its os-version or its digest: source = "…@sha256:…"
    "#);
}

#[test]
fn lists_may_lie_three_deep() {
    let mut world = World::default();
    let (image, _) = built(&mut world, AMD64);
    let place = reference(AMD64.1).place;
    for depth in 2..=4 {
        let inner = world.named(&reference(AMD64.1)).unwrap().descriptor().clone();
        let other = Entry::new(image.clone(), platform("linux/s390x"));
        world.push_index(&reference(AMD64.1), vec![other, Entry::new(inner, platform(AMD64.0))]);
        let (plan, asked) = world.plan(&list(&[AMD64]));
        if depth <= 3 {
            assert_eq!(entries(&plan)[0].1, image.digest, "{depth}");
            assert_eq!((plan.children.len(), &plan.children[0].from), (2, &place), "its attestation lies as deep");
        } else {
            assert_eq!((plan.problems[0].slug(), asked.manifests), ("nested_too_deep", 3));
        }
    }
}

#[test]
fn what_an_index_names_and_no_list_can_hold_blocks() {
    for (media_type, code) in [
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", "schema1"),
        // It is not an image, so it is not a candidate for this platform.
        ("application/vnd.cncf.helm.config.v1+json", "no_candidate"),
    ] {
        let mut world = World::default();
        let place = reference(AMD64.1).place;
        let other = world.push_bytes(&place.with_digest(&Digest::of(b"{}")), MediaType::parse(media_type), "{}".into());
        world.push_index(&reference(AMD64.1), vec![Entry::new(other, platform(AMD64.0))]);
        assert_eq!(blocked(&world, &list(&[AMD64])).slug(), code);
    }
}

#[test]
fn the_config_of_the_chosen_image_is_checked() {
    let mut world = World::default();
    let image = Image::of("linux/s390x", 1);
    world.push_built(&reference(AMD64.1), &platform(AMD64.0), &image);
    let problem = blocked(&world, &list(&[AMD64]));
    assert_eq!(
        (problem.slug(), problem.causes.as_slice()),
        ("mismatch", &["its config says linux/s390x".to_owned()][..])
    );
}

#[test]
fn an_index_or_image_that_is_gone_or_damaged_blocks() {
    let mut world = World::default();
    let (image, _) = built(&mut world, AMD64);
    let place = reference(AMD64.1).place;
    let mut without_image = world.clone();
    without_image.remove(&place, &image.digest);
    assert_eq!(blocked(&without_image, &list(&[AMD64])).slug(), "member_damaged");
    world.push_bytes(&reference(AMD64.1), MediaType::OciIndex, "[]".into());
    assert_eq!(blocked(&world, &list(&[AMD64])).slug(), "unreadable_manifest");
}

#[test]
fn an_index_that_nobody_answers_for_fails_the_list() {
    let mut world = World::default();
    built(&mut world, AMD64);
    let place = reference(AMD64.1).place;
    let index = world.named(&reference(AMD64.1)).unwrap().digest().clone();
    world.mute(Query::Manifest(index, place));
    assert_eq!(world.plan(&list(&[AMD64])).0.action, Action::Failed);
}

#[test]
fn what_an_index_in_the_target_names_has_to_stand_there() {
    let mut world = World::default();
    let source = format!("{TARGET}:v1-amd64");
    let member = (AMD64.0, source.as_str());
    let (image, attestation) = built(&mut world, member);
    let list = list(&[member]);
    let (plan, asked) = world.plan(&list);
    assert_eq!((plan.action, plan.children.len()), (Action::Create, 0));
    assert_eq!(asked.heads, 2 + 2, "the image and its attestation, which no HEAD of a tag has shown");
    for gone in [image.digest, attestation.descriptor.digest] {
        let mut world = world.clone();
        world.remove(&list.target, &gone);
        let problem = blocked(&world, &list);
        assert_eq!(problem.slug(), "member_damaged");
        assert!(problem.causes[0].contains(gone.as_str()));
    }
}

#[test]
fn a_blocked_list_compares_the_chosen_images() {
    let mut world = World::default();
    built(&mut world, AMD64);
    built(&mut world, ARM64);
    let list = list(&[AMD64, ARM64]);
    let plan = world.plan(&list).0;
    world.apply(&plan);
    world.push_built(&reference(ARM64.1), &platform(ARM64.0), &Image::of("linux/s390x", 7));
    let (plan, _) = world.plan(&list);
    let fates: Vec<MemberFate> = plan.members.iter().map(|member| member.fate).collect();
    assert_eq!((plan.action, fates), (Action::Blocked, vec![MemberFate::Same, MemberFate::Changed]));
}

/// Pushes an index without attestations, of an image that an attestation refers to.
fn referred_to(world: &mut World, artifact_type: &str) -> (Descriptor, Entry) {
    let place = reference(AMD64.1).place;
    let image = world.push_by_digest(&place, &Image::of(AMD64.0, 1).oci());
    world.push_index(&reference(AMD64.1), vec![Entry::new(image.clone(), platform(AMD64.0))]);
    let attestation = world.refer(&place, &image.digest, artifact_type);
    (image, attestation)
}

#[test]
fn what_speaks_of_a_new_image_by_its_subject_is_found() {
    let mut world = World::default();
    let (image, attestation) = referred_to(&mut world, ARTIFACT);
    let list = list(&[AMD64]);
    let (plan, asked) = world.plan(&list);
    assert_eq!(asked.referrers, 1);
    let written = Index::parse(plan.payload.as_ref().unwrap()).unwrap();
    assert_eq!(written.entries, [Entry::new(image.clone(), platform(AMD64.0)), attestation.clone()]);
    world.apply(&plan);
    // The published list already names one. A second attestation is added with the next image.
    world.refer(&reference("reg.corp/elsewhere:v1").place, &image.digest, ARTIFACT);
    let (plan, asked) = world.plan(&list);
    assert_eq!((plan.action, asked.referrers, asked.manifests), (Action::Unchanged, 0, 2));
    // It is not added because of another new member either.
    built(&mut world, ARM64);
    let two = super::indexes::list(&[AMD64, ARM64]);
    let (plan, asked) = world.plan(&two);
    assert_eq!((asked.referrers, entries(&plan).len()), (0, 4));
}

#[test]
fn other_referrers_and_those_of_dropped_attestations_are_left_where_they_are() {
    let mut world = World::default();
    referred_to(&mut world, "application/vnd.dev.cosign.artifact.sig.v1+json");
    let list = list(&[AMD64]);
    let (plan, asked) = world.plan(&list);
    assert_eq!((entries(&plan).len(), asked.referrers), (1, 1));
    assert_eq!(world.plan(&without_attestations(&list)).1.referrers, 0);
    world.apply(&plan);
    let (plan, asked) = world.plan(&list);
    assert_eq!((plan.action, asked.referrers, asked.manifests), (Action::Unchanged, 0, 1), "as cheap as without any");
}

#[test]
fn referrers_that_nobody_knows_fail_the_list() {
    let mut world = World::default();
    let (image, _) = referred_to(&mut world, ARTIFACT);
    world.mute(Query::Referrers(
        image.digest,
        Place::parse("reg.corp/app-amd64").unwrap(),
        ReferrerFilter::Attestations,
    ));
    assert_eq!(world.plan(&list(&[AMD64])).0.action, Action::Failed);
}

#[test]
fn an_image_that_is_no_index_has_no_attestations() {
    let mut world = World::default();
    let image = world.push(&reference(AMD64.1), &Image::of(AMD64.0, 1).oci());
    world.refer(&reference(AMD64.1).place, &image.digest, ARTIFACT);
    let (plan, asked) = world.plan(&list(&[AMD64]));
    assert_eq!((entries(&plan).len(), asked.referrers), (1, 0));
}

#[test]
fn what_another_writer_places_may_be_an_index_and_is_never_in_the_way() {
    let mut world = World::default();
    world.push(&reference(AMD64.1), &Image::of(AMD64.0, 1).oci());
    let list = shared(&list(&[AMD64]));
    let placed = format!("{TARGET}:v1-linux-arm64");
    let (image, attestation) = world.push_built(&reference(&placed), &platform(ARM64.0), &Image::of(ARM64.0, 1).oci());
    let (plan, _) = world.plan(&list);
    let digests: Vec<Digest> = entries(&plan).into_iter().map(|(_, digest)| digest).collect();
    assert_eq!(digests[1..], [image.digest, attestation.descriptor.digest]);
    index(&mut world, &placed, &["linux/s390x"]);
    let (plan, _) = world.plan(&list);
    assert_eq!((plan.action, entries(&plan).len()), (Action::Create, 1), "it has no image for that platform");
}

#[test]
fn a_docker_list_can_not_name_attestations_of_oci() {
    let mut world = World::default();
    world.push_built(&reference(AMD64.1), &platform(AMD64.0), &Image::of(AMD64.0, 1));
    let docker = with(&list(&[AMD64]), |list| list.rules.format = Format::Docker);
    let problem = blocked(&world, &docker);
    assert_eq!(problem.slug(), "not_docker");
    assert!(problem.help.unwrap().contains(r#"attestations = "drop""#));
    assert_eq!(world.plan(&without_attestations(&docker)).0.action, Action::Create);
}

#[test]
fn an_index_of_many_entries_is_matched_in_linear_time() {
    let mut world = World::default();
    // Any of them may be for any member. With each compared with each, this would take minutes.
    let image = world.push_by_digest(&reference("reg.corp/all:v1").place, &Image::of("linux/amd64", 1));
    let entry = |at: u32| {
        let digest = Digest::of(&at.to_le_bytes());
        Entry { platform: None, ..Entry::new(Descriptor { digest, ..image.clone() }, platform("linux/amd64")) }
    };
    world.push_index(&reference("reg.corp/all:v1"), (0..24_000).map(entry).collect());
    let began = std::time::Instant::now();
    let (plan, _) = world.plan(&list(&[("linux/amd64", "reg.corp/all:v1"), ("linux/arm64", "reg.corp/all:v1")]));
    assert_eq!((plan.action, plan.problems[0].slug()), (Action::Blocked, "several_candidates"));
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}
