//! [`Image`]: the image of a member, selected from an index if necessary.
//!
//! `docker buildx` pushes every image as an index because of its attestations, and so does Docker since version 29.
//! Several rows may share one index that has images for many platforms.

use std::collections::HashSet;

use crate::config::model::Member;
use crate::config::problem::Problem;
use crate::oci::{Descriptor, Digest, Entry, Index, Platform};
use crate::plan::equality;

use super::attestations::ImageAttestations;
use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::input::Input;
use super::os_version;
use super::platforms::{filled, is_complete};
use super::problems::{damaged, not_an_image, some, unreadable};

/// The maximum depth of nested lists.
const DEEPEST: usize = 3;
/// A member that exists.
pub(super) struct Image<'a> {
    /// The member as declared.
    pub(super) member: &'a Member,
    /// Its platform as declared, plus what is known of it without its config.
    pub(super) declared: Platform,
    /// The descriptor, from HEAD or from the index that the source names.
    pub(super) descriptor: Descriptor,
    /// Its attestations.
    pub(super) attestations: ImageAttestations,
}

impl Image<'_> {
    /// Whether the image may have been published for this platform.
    pub(super) fn may_be(&self, published: &Platform) -> bool {
        equality::fits(&self.declared, published) && os_version::fits(self.member, published)
    }
}

/// Returns the image for `declared` that `head` names directly or through indexes. `None` if an answer is missing or a
/// problem was added to the batch.
pub(super) fn find<'a>(
    batch: &mut QueryBatch<'a>,
    input: Input<'a>,
    member: &'a Member,
    mut declared: Platform,
    head: &Descriptor,
) -> Option<Image<'a>> {
    let origin = QueryOrigin::member(input, member);
    let (mut descriptor, mut lists) = (head.clone(), Vec::new());
    while descriptor.media_type.is_index() {
        if lists.len() == DEEPEST {
            batch.block(origin.label(too_deep(member)));
            return None;
        }
        let payload = match batch.manifest(&descriptor.digest, &member.source.place, &origin)? {
            Presence::Found(payload) => payload,
            Presence::Absent => {
                batch.block(origin.label(damaged(&member.source, "its manifest", &descriptor.digest)));
                return None;
            }
        };
        if !payload.media_type().is_index() {
            // The descriptor said it is an index, but the bytes are not. The bytes are authoritative.
            descriptor = payload.descriptor().clone();
            break;
        }
        let list = match Index::parse(payload) {
            Ok(list) => list,
            Err(error) => {
                batch.block(origin.label(unreadable(&member.source, &error)));
                return None;
            }
        };
        match pick(&list, member, &declared) {
            Ok(entry) => {
                declared = entry.platform.as_ref().map_or_else(|| declared.clone(), |given| filled(&declared, given));
                descriptor = entry.descriptor.clone();
            }
            Err(candidates) => {
                batch.block(origin.label(undecided(member, &declared, &list, &candidates)));
                return None;
            }
        }
        lists.push(list);
    }
    if let Some(problem) = not_an_image(&member.source, &descriptor.media_type) {
        batch.block(origin.label(problem));
        return None;
    }
    let attestations = match lists.as_slice() {
        [] => ImageAttestations::NONE,
        lists => ImageAttestations::named_by(input, lists, &descriptor.digest),
    };
    Some(Image { member, declared, descriptor, attestations })
}

/// Returns the one entry that matches, or all candidates if there is not exactly one.
fn pick<'i>(list: &'i Index, member: &Member, declared: &Platform) -> Result<&'i Entry, Vec<&'i Entry>> {
    // An index can have tens of thousands of entries, so equal ones are found by a set.
    let mut seen: HashSet<(&Digest, Option<Platform>)> = HashSet::new();
    let fitting = images(list).filter(|entry| may_be(member, declared, entry.platform.as_ref()));
    let candidates: Vec<&Entry> =
        fitting.filter(|entry| seen.insert((&entry.descriptor.digest, normalized(entry)))).collect();
    // Of amd64 and amd64/v3, a declared amd64 means the first.
    let declared = is_complete(declared).then(|| declared.normalized());
    let is_exact = |entry: &&&Entry| declared.is_some() && normalized(entry) == declared;
    let exact: Vec<&Entry> = candidates.iter().filter(is_exact).copied().collect();
    match (exact.as_slice(), candidates.as_slice()) {
        ([one], _) | (_, [one]) => Ok(one),
        _ => Err(candidates),
    }
}

/// Returns the entries of a list that can be run. An entry without a platform may be for any.
fn images(list: &Index) -> impl Iterator<Item = &Entry> {
    list.entries.iter().filter(|entry| {
        let media_type = &entry.descriptor.media_type;
        entry.attested().is_none()
            && !entry.platform.as_ref().is_some_and(Platform::is_unknown)
            && (media_type.is_manifest() || media_type.is_schema1())
    })
}

/// Whether the platforms agree in every part that both specify.
fn may_be(member: &Member, declared: &Platform, given: Option<&Platform>) -> bool {
    let Some(given) = given else { return true };
    let (want, have) = (declared.normalized(), given.normalized());
    let agree = |want: Option<&str>, have: Option<&str>| want.zip(have).is_none_or(|(want, have)| want == have);
    let word = |word: &str| Some(word.to_owned()).filter(|word| !word.is_empty());
    // A variant that may be omitted (arm64/v8) still counts if it is declared.
    let variant = |spelled: &Platform, normal: &Platform| {
        spelled.variant.as_deref().filter(|variant| !variant.is_empty()).map(|_| normal.variant.clone())
    };
    agree(word(&want.os).as_deref(), word(&have.os).as_deref())
        && agree(word(&want.architecture).as_deref(), word(&have.architecture).as_deref())
        && variant(declared, &want).zip(variant(given, &have)).is_none_or(|(want, have)| want == have)
        && agree(want.os_version.as_deref(), have.os_version.as_deref())
        && (want.os_features.is_empty() || have.os_features.is_empty() || want.os_features == have.os_features)
        && (have.os_version.is_none() || os_version::fits(member, given))
}

fn normalized(entry: &Entry) -> Option<Platform> {
    entry.platform.as_ref().map(Platform::normalized)
}

/// Returns the problem that no entry matches, or that several do.
fn undecided(member: &Member, declared: &Platform, list: &Index, candidates: &[&Entry]) -> Problem {
    let source = &member.source;
    let problem = if candidates.is_empty() {
        let has: Vec<&Entry> = images(list).collect();
        let problem =
            Problem::error("mlist::plan::no_candidate", format!("{source} is a list and has no image for {declared}"));
        problem
            .because(format!("the list has {}", named(&has)))
            .help(format!("add an image for {declared} to that list, or declare a platform that the list has"))
    } else {
        let help = if declared.is_windows() {
            "choose one by its os-version or its digest: source = \"…@sha256:…\""
        } else {
            "choose one by its variant or its digest: source = \"…@sha256:…\""
        };
        Problem::error(
            "mlist::plan::several_candidates",
            format!("{source} is a list and has several images for {declared}"),
        )
        .because(format!("the list has {}", named(candidates)))
        .help(help)
    };
    problem.at(&member.platform_span, format!("declared as {declared}")).about(source)
}

fn named(entries: &[&Entry]) -> String {
    let name = |entry: &&Entry| match &entry.platform {
        Some(platform) => platform.to_string(),
        None => format!("{} without platform", entry.descriptor.digest),
    };
    if entries.is_empty() { "no images".to_owned() } else { some(&entries.iter().map(name).collect::<Vec<_>>()) }
}

fn too_deep(member: &Member) -> Problem {
    let source = &member.source;
    Problem::error(
        "mlist::plan::nested_too_deep",
        format!("{source} is a list of lists, nested more than {DEEPEST} levels deep"),
    )
    .help("set source to the image itself, or to a list of images")
    .about(source)
}
