//! Random worlds: what is declared, what its sources hold, what is published, right and wrong.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index as Pick;

use super::world::{Image, World, foreign_list, platform, publication, reference};
use crate::config::model::Publication;
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

/// A world, and a list to be planned in it.
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
}

/// What the image says of itself.
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
    List,
}

#[derive(Debug, Clone)]
enum TagPlan {
    Absent,
    List { edits: Vec<Edit>, is_foreign: bool, gone: Option<Pick> },
    Image,
    Garbage,
}

/// What makes a published list differ from what is declared.
#[derive(Debug, Clone)]
enum Edit {
    Swap(Pick, Pick),
    Drop(Pick),
    Repeat(Pick),
    Resize(Pick),
    Respell(Pick, Option<&'static str>),
    Rebuild(Pick),
    NoPlatform(Pick),
}

/// Scenes in which no source lacks a blob: of those it depends on who else has it.
pub(super) fn scenes() -> impl Strategy<Value = Scene> {
    let members = prop::collection::vec(member(), 1..6);
    let tags = prop::collection::vec(tag(), 1..4);
    (members, tags, prop::bool::weighted(0.15)).prop_map(|(mut members, tags, is_layout)| {
        // The loader refuses a platform twice, but for Windows.
        let mut seen = Vec::new();
        members.retain(|member| {
            let is_new = !seen.contains(&member.declared);
            seen.push(member.declared);
            is_new
        });
        scene(&members, &tags, if is_layout { "oci:out" } else { "reg.corp/k8s/app" })
    })
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
        1 => Just(Source::Absent),
        1 => Just(Source::List),
    ];
    (0..DECLARED.len(), 0..4_usize, 0..2_u32, config, prop::bool::weighted(0.2), source).prop_map(
        |(declared, place, build, config, is_oci, source)| MemberPlan {
            declared,
            place,
            build,
            config,
            is_oci,
            source,
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
    ]
}

fn scene(members: &[MemberPlan], tags: &[TagPlan], target: &str) -> Scene {
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
    Scene { world, list: publication(target, &names, &declared) }
}

/// Puts a member's image where it comes from; the entry that a list would have of it.
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
        Source::List => drop(world.push_bytes(&reference, MediaType::OciIndex, r#"{"manifests":[]}"#.into())),
    }
    let filled = Platform { variant: declared.variant.or(config.variant), ..config };
    let shown = if filled.os.is_empty() { platform(DECLARED[member.declared]) } else { filled };
    Entry::new(truth, shown)
}

/// Points a tag at something, in a registry that once had all that it names.
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
    // What an edit took out of the list was pushed all the same.
    for entry in once.iter().chain(&entries) {
        let payload = world.payload(&entry.descriptor.digest).clone();
        let at = target.place.with_digest(payload.digest());
        world.push_bytes(&at, payload.media_type().clone(), payload.bytes().clone());
    }
    let has_platforms = entries.iter().all(|entry| entry.platform.is_some());
    if *is_foreign && has_platforms {
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
            entry.descriptor = world.push(&target.tagged(&Tag::parse("rebuilt").unwrap()), &image);
        }
        Edit::NoPlatform(at) => entries[at.index(length)].platform = None,
    }
}
