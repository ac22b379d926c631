//! What members and tags name now, and the list that this predicts.

use crate::config::model::{Member, TargetTag};
use crate::config::problem::{HttpFacts, Problem};
use crate::oci::{Descriptor, Entry, Index, MediaType, Payload, Place, Platform, Reference};

use super::round::{Known, Origin, Round};
use super::{Case, Step};

/// What every member and every tag names.
pub(super) struct Heads<'a> {
    /// In the order of the file.
    pub(super) members: Vec<(&'a Member, &'a Descriptor)>,
    /// In the order of the file; none where the tag is absent.
    pub(super) tags: Vec<(&'a TargetTag, Option<&'a Descriptor>)>,
}

/// Step 1: the heads of all members and tags.
pub(super) fn read(case: Case<'_>) -> Step<Heads<'_>> {
    let mut round = Round::new(case);
    let mut heads = Heads { members: Vec::new(), tags: Vec::new() };
    for member in &case.publication.members {
        let origin = Origin::member(case, member);
        match round.head(&member.source, &origin) {
            Some(Known::Found(descriptor)) => match not_an_image(&member.source, &descriptor.media_type) {
                None => heads.members.push((member, descriptor)),
                Some(problem) => round.block(origin.label(problem)),
            },
            Some(Known::Absent) => round.block(origin.label(absent(&member.source))),
            None => {}
        }
    }
    for tag in &case.publication.tags {
        match round.head(&case.publication.target.tagged(&tag.tag), &Origin::tag(case, tag)) {
            Some(Known::Found(descriptor)) => heads.tags.push((tag, Some(descriptor))),
            Some(Known::Absent) => heads.tags.push((tag, None)),
            None => {}
        }
    }
    round.end(None)?;
    Ok(heads)
}

/// Steps 3 and 4: the bytes of the list, where the heads alone decide them.
pub(super) fn predict(case: Case<'_>, heads: &Heads<'_>) -> Option<Payload> {
    let entry = |(member, descriptor): &(&Member, &Descriptor)| {
        is_complete(&member.platform).then(|| Entry::new((*descriptor).clone(), member.platform.clone()))
    };
    let entries: Vec<Entry> = heads.members.iter().map(entry).collect::<Option<_>>()?;
    Some(list_of(entries, &case.publication.target).encode())
}

/// A list of `entries` in the type that most can read: Docker's, unless an entry is OCI's or the list goes into a
/// layout, which is OCI's by its name.
pub(super) fn list_of(entries: Vec<Entry>, target: &Place) -> Index {
    let all_docker = entries.iter().all(|entry| entry.descriptor.media_type == MediaType::DockerManifest);
    let media_type = match target {
        Place::Repository(_) if all_docker => MediaType::DockerList,
        Place::Repository(_) | Place::Layout(_) => MediaType::OciIndex,
    };
    Index::new(media_type, entries)
}

/// Whether nothing but the image's config could add to a declared platform.
pub(super) fn is_complete(declared: &Platform) -> bool {
    !is_variant_open(declared) && !is_version_open(declared)
}

/// `declared` with its open parts as `source` has them, the published entry or the config.
pub(super) fn filled(declared: &Platform, source: &Platform) -> Platform {
    let mut platform = declared.clone();
    let normalized = source.normalized();
    if is_variant_open(declared) {
        platform.variant = normalized.variant;
    }
    if is_version_open(declared) {
        platform.os_version = normalized.os_version;
        if platform.os_features.is_empty() {
            platform.os_features.clone_from(&source.os_features);
        }
    }
    platform
}

/// Why a manifest of `media_type` can't be a member; none where it can.
pub(super) fn not_an_image(reference: &Reference, media_type: &MediaType) -> Option<Problem> {
    if media_type.is_image() {
        return None;
    }
    let problem = if media_type.is_index() {
        Problem::error("mlist::plan::member_is_index", format!("{reference} is a list, not an image"))
            .help("name the digest of the image in it, or build it without attestations: --provenance=false")
    } else if media_type.is_schema1() {
        Problem::error(
            "mlist::plan::schema1",
            format!("{reference} is in Docker's first format, which no list can hold"),
        )
        .help("build it again, or pull and push it with a Docker of today")
    } else {
        Problem::error("mlist::plan::not_an_image", format!("{reference} is no image"))
            .because(format!("its type is {media_type}"))
            .help("a member is an image of Docker or OCI")
    };
    Some(problem.about(reference))
}

fn absent(reference: &Reference) -> Problem {
    let host = reference.place.host();
    let status = host.map_or("", |_| " (404)");
    let mut problem = Problem::error("mlist::plan::member_absent", format!("{reference} is absent{status}"))
        .help("push it and sync again")
        .about(reference);
    problem.http =
        host.map(|host| HttpFacts { host: host.as_str().to_owned(), status: Some(404), code: None, attempts: 1 });
    problem
}

fn is_variant_open(declared: &Platform) -> bool {
    declared.architecture == "arm" && declared.variant.is_none()
}

fn is_version_open(declared: &Platform) -> bool {
    declared.is_windows() && declared.os_version.is_none()
}
