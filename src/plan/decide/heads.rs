//! What members and tags name now.

use crate::config::model::{Member, MemberTag, Missing, TargetTag};
use crate::config::problem::{HttpFacts, Problem};
use crate::oci::{Descriptor, MediaType, Platform, Reference};

use super::round::{Known, Origin, Round};
use super::{Case, Step, os_version, others};

/// What every member and every tag names.
pub(super) struct Heads<'a> {
    /// In the order of the file, then those of other writers; none where the member is absent and may be.
    pub(super) members: Vec<(&'a Member, Option<&'a Descriptor>)>,
    /// In the order of the file; none where the tag is absent.
    pub(super) tags: Vec<(&'a TargetTag, Option<&'a Descriptor>)>,
    /// Those of declared members, in the order of the file; none where the tag is absent.
    pub(super) member_tags: Vec<(&'a Member, &'a MemberTag, Option<&'a Descriptor>)>,
}

/// Step 1: the heads of all members and tags.
pub(super) fn read(case: Case<'_>) -> Step<Heads<'_>> {
    let mut round = Round::new(case);
    let mut heads = Heads { members: Vec::new(), tags: Vec::new(), member_tags: Vec::new() };
    for member in &case.publication.members {
        let origin = Origin::member(case, member);
        os_version::ask(&mut round, case, member);
        match round.head(&member.source, &origin) {
            Some(Known::Found(descriptor)) => heads.members.push((member, Some(descriptor))),
            Some(Known::Absent) if member.missing != Missing::Error => heads.members.push((member, None)),
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
    for member in &case.publication.members {
        for tag in &member.tags {
            let reference = case.publication.target.tagged(&tag.tag);
            // The source is the member's tag already, and more than the member where it is an index.
            if reference == member.source {
                continue;
            }
            match round.head(&reference, &Origin::member_tag(case, tag)) {
                Some(Known::Found(descriptor)) => heads.member_tags.push((member, tag, Some(descriptor))),
                Some(Known::Absent) => heads.member_tags.push((member, tag, None)),
                None => {}
            }
        }
    }
    others::ask(&mut round, case);
    round.end(None)?;
    Ok(heads)
}

impl<'a> Heads<'a> {
    /// The members that are absent and may be.
    pub(super) fn absent(&self) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(|(_, head)| head.is_none()).map(|(member, _)| *member)
    }
}

/// Whether nothing but the image's config could add to a declared platform.
pub(super) fn is_complete(declared: &Platform) -> bool {
    !is_variant_open(declared) && !is_version_open(declared)
}

/// `declared` with its open parts as `source` has them, the published entry or the config.
pub(super) fn filled(declared: &Platform, source: &Platform) -> Platform {
    let mut platform = declared.clone();
    let normalized = source.normalized();
    // The config of another machine has nothing to say of this one, where the file is believed all the same.
    if !source.os.is_empty() && normalized.os != declared.os
        || !source.architecture.is_empty() && normalized.architecture != declared.architecture
    {
        return platform;
    }
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
        Problem::error("mlist::plan::member_is_index", format!("{reference} is a list, and was said to be an image"))
            .because("what names it gives it the type of an image")
            .help("push it again with a tool that writes what the image-spec has")
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

/// Says that a member is absent.
pub(super) fn absent(reference: &Reference) -> Problem {
    let host = reference.place.host();
    let status = host.map_or("", |_| " (404)");
    let mut problem = Problem::error("mlist::plan::member_absent", format!("{reference} is absent{status}"))
        .help("push it and sync again, or publish without it: missing = \"skip\"")
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
