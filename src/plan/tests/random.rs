//! Random worlds: what is declared, what the sources contain, and what is published, correct or not.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index as Pick;

use super::world::{Image, World, foreign_list, member_tag, member_tags, platform, publication, reference, shared};
use crate::config::model::{Format, Mismatch, Missing, Placed, Publication, Undeclared};
use crate::naming::Globs;
use crate::oci::{Descriptor, Entry, Index, MediaType, Place, Platform, Tag};

const DECLARED: [&str; 10] = [
    "linux/amd64",
    "linux/amd64/v3",
    "linux/arm",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/arm64",
    "linux/arm64/v9",
    "linux/s390x",
    "windows/amd64",
    "windows/amd64",
];

/// Platforms that other writers place, or that another tool publishes.
const UNDECLARED: [&str; 5] = ["linux/arm/v7", "linux/arm/v5", "linux/ppc64le", "linux/amd64/v3", "linux/arm64"];

/// A world, and a list to plan in it.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) list: Arc<Publication>,
}

#[derive(Debug, Clone)]
struct MemberPlan {
    declared: usize,
    place: usize,
    build: u32,
    config: Config,
    is_oci: bool,
    source: Source,
    missing: Missing,
    is_annotated: bool,
}

/// The policies of the list.
#[derive(Debug, Clone)]
struct Policies {
    undeclared: Undeclared,
    mismatch: Mismatch,
    format: Format,
    is_annotated: bool,
    is_immutable: bool,
    /// The kind of member tags.
    tags: MemberTags,
    /// What others have placed: an index into [`UNDECLARED`], and the build.
    others: Vec<(usize, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum MemberTags {
    None,
    OfThisWriter,
    OfSeveral,
}

/// The platform in the image's config.
#[derive(Debug, Clone, Copy)]
enum Config {
    AsDeclared,
    Silent,
    SaysMore,
    OfAnotherMachine,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Honest,
    WrongSize,
    WrongType,
    Absent,
    /// An empty list.
    List,
    /// An index of the image and its attestation.
    Built,
    /// An index of the image only, although an attestation refers to the image.
    Bare,
}

#[derive(Debug, Clone)]
enum TagPlan {
    Absent,
    List { edits: Vec<Edit>, is_foreign: bool, gone: Option<Pick> },
    Image,
    Garbage,
}

/// A difference between the published list and the declared one.
#[derive(Debug, Clone)]
enum Edit {
    Swap(Pick, Pick),
    Drop(Pick),
    Repeat(Pick),
    Resize(Pick),
    Respell(Pick, Option<&'static str>),
    Rebuild(Pick),
    NoPlatform(Pick),
    Undeclared(usize, u32),
    Attest(Pick),
}

/// Returns scenes in which every source has all blobs. If one is missing, the result depends on which other place has
/// it.
pub(super) fn scenes() -> impl Strategy<Value = Scene> {
    let members = prop::collection::vec(member(), 1..6);
    let tags = prop::collection::vec(tag(), 1..4);
    (members, tags, policies(), prop::bool::weighted(0.15)).prop_map(|(mut members, tags, mut policies, is_layout)| {
        // The loader rejects a duplicate platform, except for Windows, and a Docker list with content that requires
        // OCI.
        let mut seen = Vec::new();
        members.retain(|member| {
            let is_new = !seen.contains(&member.declared);
            seen.push(member.declared);
            is_new
        });
        if is_layout || policies.is_annotated || members.iter().any(|member| member.is_annotated) {
            policies.format = if policies.format == Format::Docker { Format::Auto } else { policies.format };
        }
        scene(&members, &tags, &policies, if is_layout { "oci:out" } else { "reg.corp/k8s/app" })
    })
}

fn policies() -> impl Strategy<Value = Policies> {
    let undeclared = prop::sample::select(vec![Undeclared::Remove, Undeclared::Keep]);
    let mismatch = prop::sample::select(vec![Mismatch::Error, Mismatch::Warn, Mismatch::Declared]);
    let format = prop_oneof![4 => Just(Format::Auto), 1 => Just(Format::Oci), 1 => Just(Format::Docker)];
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.1));
    let tags = prop::sample::select(vec![MemberTags::None, MemberTags::OfThisWriter, MemberTags::OfSeveral]);
    let others = prop::collection::vec((0..UNDECLARED.len(), 0..2_u32), 0..3);
    (undeclared, mismatch, format, flags, tags, others).prop_map(
        |(undeclared, mismatch, format, (is_annotated, is_immutable), tags, others)| Policies {
            undeclared,
            mismatch,
            format,
            is_annotated,
            is_immutable,
            tags,
            others,
        },
    )
}

fn member() -> impl Strategy<Value = MemberPlan> {
    let config = prop_oneof![
        12 => Just(Config::AsDeclared),
        2 => Just(Config::Silent),
        2 => Just(Config::SaysMore),
        1 => Just(Config::OfAnotherMachine),
    ];
    let source = prop_oneof![
        20 => Just(Source::Honest),
        2 => Just(Source::WrongSize),
        1 => Just(Source::WrongType),
        3 => Just(Source::Absent),
        1 => Just(Source::List),
        6 => Just(Source::Built),
        3 => Just(Source::Bare),
    ];
    let missing = prop::sample::select(vec![Missing::Error, Missing::Skip, Missing::Keep]);
    let image = (0..2_u32, config, prop::bool::weighted(0.2), source);
    (0..DECLARED.len(), 0..4_usize, image, missing, prop::bool::weighted(0.1)).prop_map(
        |(declared, place, (build, config, is_oci, source), missing, is_annotated)| MemberPlan {
            declared,
            place,
            build,
            config,
            is_oci,
            source,
            missing,
            is_annotated,
        },
    )
}

fn tag() -> impl Strategy<Value = TagPlan> {
    let list = (prop::collection::vec(edit(), 0..3), any::<bool>(), prop::option::weighted(0.3, any::<Pick>()))
        .prop_map(|(edits, is_foreign, gone)| TagPlan::List { edits, is_foreign, gone });
    prop_oneof![3 => Just(TagPlan::Absent), 8 => list, 1 => Just(TagPlan::Image), 1 => Just(TagPlan::Garbage)]
}

fn edit() -> impl Strategy<Value = Edit> {
    let variants = prop::sample::select(vec![None, Some("v6"), Some("v7"), Some("v8"), Some("v3")]);
    prop_oneof![
        3 => (any::<Pick>(), any::<Pick>()).prop_map(|(a, b)| Edit::Swap(a, b)),
        1 => any::<Pick>().prop_map(Edit::Drop),
        1 => any::<Pick>().prop_map(Edit::Repeat),
        1 => any::<Pick>().prop_map(Edit::Resize),
        3 => (any::<Pick>(), variants).prop_map(|(at, variant)| Edit::Respell(at, variant)),
        3 => any::<Pick>().prop_map(Edit::Rebuild),
        1 => any::<Pick>().prop_map(Edit::NoPlatform),
        3 => (0..UNDECLARED.len(), 0..2_u32).prop_map(|(of, build)| Edit::Undeclared(of, build)),
        1 => any::<Pick>().prop_map(Edit::Attest),
    ]
}

fn scene(members: &[MemberPlan], tags: &[TagPlan], policies: &Policies, target: &str) -> Scene {
    let mut world = World::default();
    let mut published = Vec::new();
    let sources: Vec<String> = members
        .iter()
        .enumerate()
        .map(|(number, member)| match member.place {
            0 => format!("{target}:m{number}"),
            1 => format!("reg.corp/k8s/app-m{number}:v1"),
            2 => format!("other.corp/app:m{number}"),
            _ => format!("oci:built:m{number}"),
        })
        .collect();
    for (member, source) in members.iter().zip(&sources) {
        published.push(push(&mut world, member, source));
    }
    for (number, tag) in tags.iter().enumerate() {
        publish(&mut world, tag, &format!("{target}:t{number}"), &published);
    }
    let names: Vec<String> = (0..tags.len()).map(|number| format!("t{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let declared: Vec<(&str, &str)> =
        members.iter().zip(&sources).map(|(member, source)| (DECLARED[member.declared], source.as_str())).collect();
    for (of, build) in &policies.others {
        let tag = member_tag(&member_tags("t0"), &platform(UNDECLARED[*of]));
        world.push(&reference(&format!("{target}:{tag}")), &Image::of(UNDECLARED[*of], *build));
    }
    Scene { world, list: under(&publication(target, &names, &declared), members, policies) }
}

/// Returns the list with these policies.
fn under(list: &Arc<Publication>, members: &[MemberPlan], policies: &Policies) -> Arc<Publication> {
    let annotations = |is_annotated: bool| {
        is_annotated.then(|| ("org.example".to_owned(), "said".to_owned())).into_iter().collect::<BTreeMap<_, _>>()
    };
    let mut tagged = shared(list).as_ref().clone();
    let mut seen = Vec::new();
    for (member, plan) in tagged.members.iter_mut().zip(members) {
        member.missing = plan.missing;
        member.annotations = annotations(plan.is_annotated);
        // The loader rejects a tag that two members have.
        let is_new = member.tags.iter().all(|tag| !seen.contains(&tag.tag));
        seen.extend(member.tags.iter().map(|tag| tag.tag.clone()));
        if policies.tags == MemberTags::None || !is_new {
            member.tags.clear();
        }
    }
    if policies.tags != MemberTags::OfSeveral {
        tagged.member_tags.clear();
    }
    tagged.annotations = annotations(policies.is_annotated);
    tagged.rules.undeclared = policies.undeclared;
    tagged.rules.mismatch = policies.mismatch;
    tagged.rules.format = policies.format;
    let span = tagged.target_span.clone();
    let globs = policies.is_immutable.then(|| Globs::parse(&["t1"]).unwrap());
    tagged.rules.immutable = globs.map(|value| Placed { value, span });
    Arc::new(tagged)
}

/// Pushes the image of a member to its source, and returns the entry for it in a list.
fn push(world: &mut World, member: &MemberPlan, source: &str) -> Entry {
    let declared = platform(DECLARED[member.declared]);
    let mut config = match member.config {
        Config::Silent => Platform::default(),
        Config::OfAnotherMachine => platform("linux/riscv64"),
        Config::AsDeclared | Config::SaysMore => declared.clone(),
    };
    if matches!(member.config, Config::SaysMore) && config.variant.is_none() {
        config.variant = Some(["v6", "v7"][member.build as usize].to_owned());
    }
    if declared.is_windows() && !config.os.is_empty() {
        config.os_version = Some(format!("10.0.{}.1", [17763, 20348][member.declared % 2]));
    }
    let image = Image { platform: config.clone(), media_type: MediaType::DockerManifest, build: member.build };
    let image = if member.is_oci { image.oci() } else { image };
    let reference = reference(source);
    let truth = world.push(&reference, &image);
    match member.source {
        Source::Honest => {}
        Source::WrongSize => world.claim(Descriptor { size: truth.size + 1, ..truth.clone() }),
        Source::WrongType => world.claim(Descriptor { media_type: MediaType::OciManifest, ..truth.clone() }),
        Source::Absent => world.untag(&reference),
        Source::Built => {
            let attestation = world.attest(&reference.place, &truth.digest);
            world.push_index(&reference, vec![indexed(&truth, &config), attestation]);
        }
        Source::Bare => {
            world.refer(&reference.place, &truth.digest, "application/vnd.docker.attestation.manifest.v1+json");
            world.push_index(&reference, vec![indexed(&truth, &config)]);
        }
        Source::List => drop(world.push_bytes(&reference, MediaType::OciIndex, r#"{"manifests":[]}"#.into())),
    }
    let filled = Platform { variant: declared.variant.or(config.variant), ..config };
    let shown = if filled.os.is_empty() { platform(DECLARED[member.declared]) } else { filled };
    Entry::new(truth, shown)
}

/// Returns the entry for an image in an index, with the platform in the image's config.
fn indexed(image: &Descriptor, config: &Platform) -> Entry {
    Entry {
        platform: Some(config.clone()).filter(|config| !config.os.is_empty()),
        ..Entry::new(image.clone(), config.clone())
    }
}

/// Points a tag at something, in a registry that once had all children.
fn publish(world: &mut World, tag: &TagPlan, target: &str, entries: &[Entry]) {
    let target = reference(target);
    let TagPlan::List { edits, is_foreign, gone } = tag else {
        match tag {
            TagPlan::Image => drop(world.push(&target, &Image::of("linux/amd64", 7))),
            TagPlan::Garbage => drop(world.push_bytes(&target, MediaType::OciIndex, "no list".into())),
            TagPlan::Absent | TagPlan::List { .. } => {}
        }
        return;
    };
    let mut entries = entries.to_vec();
    let once = entries.clone();
    for edit in edits {
        apply(world, edit, &target.place, &mut entries);
    }
    // An entry that an edit removed from the list was pushed as well.
    for entry in once.iter().chain(&entries) {
        let payload = world.payload(&entry.descriptor.digest).clone();
        let at = target.place.with_digest(payload.digest());
        world.push_bytes(&at, payload.media_type().clone(), payload.bytes().clone());
    }
    let are_plain = entries.iter().all(|entry| entry.platform.is_some() && entry.annotations.is_empty());
    if *is_foreign && are_plain {
        let pairs: Vec<_> =
            entries.iter().map(|entry| (entry.descriptor.clone(), entry.platform.clone().unwrap())).collect();
        world.push_bytes(&target, MediaType::OciIndex, foreign_list(&MediaType::OciIndex, &pairs));
    } else {
        let list = Index::new(MediaType::OciIndex, entries.clone()).encode();
        world.push_bytes(&target, MediaType::OciIndex, list.bytes().clone());
    }
    if let Some(gone) = gone
        && !entries.is_empty()
    {
        let digest = &gone.get(&entries).descriptor.digest;
        world.clean_up(&target.place, digest);
    }
}

fn apply(world: &mut World, edit: &Edit, target: &Place, entries: &mut Vec<Entry>) {
    let elsewhere = target.tagged(&Tag::parse("rebuilt").unwrap());
    if let Edit::Undeclared(of, build) = edit {
        let descriptor = world.push(&elsewhere, &Image::of(UNDECLARED[*of], *build));
        entries.push(Entry::new(descriptor, platform(UNDECLARED[*of])));
    }
    if entries.is_empty() {
        return;
    }
    let length = entries.len();
    match edit {
        Edit::Swap(a, b) => entries.swap(a.index(length), b.index(length)),
        Edit::Drop(at) => drop(entries.remove(at.index(length))),
        Edit::Repeat(at) => entries.push(entries[at.index(length)].clone()),
        Edit::Resize(at) => entries[at.index(length)].descriptor.size += 1,
        Edit::Respell(at, variant) => {
            if let Some(platform) = &mut entries[at.index(length)].platform {
                platform.variant = variant.map(str::to_owned);
            }
        }
        Edit::Rebuild(at) => {
            let entry = &mut entries[at.index(length)];
            let image = Image {
                platform: entry.platform.clone().unwrap_or_default(),
                media_type: MediaType::DockerManifest,
                build: 9,
            };
            entry.descriptor = world.push(&elsewhere, &image);
        }
        Edit::NoPlatform(at) => entries[at.index(length)].platform = None,
        Edit::Undeclared(..) => {}
        Edit::Attest(at) => {
            let image = entries[at.index(length)].descriptor.digest.clone();
            let manifest = world.push(&elsewhere, &Image::of("", 8));
            entries.push(Entry::attestation(manifest, &image));
        }
    }
}
