//! What blocks a list that could be built.

use crate::config::model::Format;
use crate::config::problem::Problem;
use crate::oci::Digest;
use crate::plan::TagChange;

use super::absences;
use super::batch::{QueryBatch, QueryOrigin};
use super::entries::{EntrySource, PlannedEntry};
use super::input::{Flow, Input};
use super::list::is_docker;
use super::members::ResolvedMember;

/// Checks the list itself, independent of its tags.
///
/// # Errors
///
/// Blocks the list if it is empty, has two members for one platform, or is of the wrong type for an entry.
pub(super) fn refuse(input: Input<'_>, resolved: &[ResolvedMember<'_>], lines: &[PlannedEntry<'_, '_>]) -> Flow<()> {
    let mut batch = QueryBatch::new(input);
    refuse_empty(&mut batch, input, lines);
    refuse_twins(&mut batch, input, resolved);
    refuse_oci(&mut batch, input, lines);
    batch.end()
}

/// Returns the problem that an immutable tag would be moved.
pub(super) fn immutable(input: Input<'_>, tag: &TagChange) -> Problem {
    let publication = input.publication;
    let reference = publication.target.tagged(&tag.tag);
    let name = |digest: Option<&Digest>| digest.map_or_else(|| "none".to_owned(), ToString::to_string);
    let mut problem = Problem::error("mlist::plan::immutable", format!("immutable tag {reference} would be moved"))
        .because(format!("current digest: {}", name(tag.from.as_ref())))
        .because(format!("new digest: {}", name(tag.to.as_ref())))
        .about(&reference);
    if let Some(declared) = publication.tags.iter().find(|declared| declared.tag == tag.tag) {
        problem = QueryOrigin::tag(input, declared).label(problem);
    }
    let member_tag = publication.members.iter().flat_map(|member| &member.tags).find(|own| own.tag == tag.tag);
    if let Some(declared) = member_tag {
        problem = QueryOrigin::member_tag(input, declared).label(problem);
    }
    if let Some(globs) = &publication.rules.immutable {
        problem = problem.at(&globs.span, "declared as immutable here");
    }
    problem.help("publish the list under a new tag, or remove this tag from immutable")
}

/// Blocks an empty list. Clients find no image in it, so it is always a mistake.
fn refuse_empty(batch: &mut QueryBatch<'_>, input: Input<'_>, lines: &[PlannedEntry<'_, '_>]) {
    let publication = input.publication;
    let is_image = |line: &PlannedEntry<'_, '_>| line.entry.attested().is_none();
    let (message, why, help) = if publication.members.is_empty() {
        (
            format!("list `{}` has no images", publication.id),
            "the `when` conditions of all its platforms are false".to_owned(),
            "change a `when`, or add a platform without one",
        )
    } else if lines.iter().any(is_image) {
        return;
    } else {
        let why = format!("missing = \"skip\" leaves out images that are {}", absences::none_found(input));
        let number = publication.members.len();
        (format!("none of the {number} images of list `{}` was found", publication.id), why, absences::CHECK_NAMES)
    };
    let problem =
        Problem::error("mlist::plan::no_member", message).because(why).help(help).about(&publication.reference());
    batch.block(QueryOrigin::target(input).label(problem));
}

/// Blocks two members for one platform: clients would only use the first. This is found here only if a part of the
/// platform was open in the file.
fn refuse_twins(batch: &mut QueryBatch<'_>, input: Input<'_>, resolved: &[ResolvedMember<'_>]) {
    let declared: Vec<_> = resolved.iter().filter(|resolved| input.declares(resolved.member)).collect();
    for (at, second) in declared.iter().enumerate() {
        let platform = second.platform.normalized();
        let Some(first) = declared[..at].iter().find(|first| first.platform.normalized() == platform) else { continue };
        let problem = Problem::error(
            "mlist::plan::platform_twice",
            format!("list `{}` has two images for {}", input.publication.id, second.platform),
        )
        .at(&second.member.platform_span, is_for(second))
        .at(&first.member.platform_span, is_for(first))
        .help("remove one of the two images; if one is built for another variant, push it again with the right config")
        .about(&second.member.source);
        batch.block(problem);
    }
}

/// Says which platform an image has, and which part of it the file does not declare.
fn is_for(resolved: &ResolvedMember<'_>) -> String {
    let (source, platform, declared) = (&resolved.member.source, &resolved.platform, &resolved.member.platform);
    if declared.normalized() == platform.normalized() {
        format!("{source} is declared as {platform}")
    } else {
        format!("{source} is for {platform} (declared as {declared})")
    }
}

/// Blocks a declared Docker manifest list that has an entry it cannot contain.
fn refuse_oci(batch: &mut QueryBatch<'_>, input: Input<'_>, lines: &[PlannedEntry<'_, '_>]) {
    if input.publication.rules.format != Format::Docker {
        return;
    }
    for line in lines.iter().filter(|line| !is_docker(&line.entry)) {
        let descriptor = &line.entry.descriptor;
        let (name, origin) = match line.part {
            EntrySource::Member(resolved) => {
                (resolved.member.source.clone(), QueryOrigin::member(input, resolved.member))
            }
            EntrySource::Kept(member) => (member.source.clone(), QueryOrigin::member(input, member)),
            EntrySource::Brought(resolved) => (
                resolved.member.source.place.with_digest(&descriptor.digest),
                QueryOrigin::member(input, resolved.member),
            ),
            EntrySource::Undeclared | EntrySource::Attestation => {
                (input.publication.target.with_digest(&descriptor.digest), QueryOrigin::target(input))
            }
        };
        let problem = Problem::error("mlist::plan::not_docker", format!("{name} cannot be in a Docker manifest list"))
            .because(format!("its media type is {}", descriptor.media_type))
            .help(match line.part {
                EntrySource::Brought(_) => {
                    "set format to \"oci\" or \"auto\", or leave attestations out: attestations = \"drop\""
                }
                _ => "set format to \"oci\" or \"auto\", or build the image with Docker media types",
            })
            .about(&name);
        batch.block(origin.label(problem));
    }
}
