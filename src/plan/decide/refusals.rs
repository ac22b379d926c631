//! What forbids a list that could be built.

use crate::config::model::Format;
use crate::config::problem::Problem;
use crate::oci::Digest;
use crate::plan::TagChange;

use super::entries::{Line, Part};
use super::list::is_docker;
use super::members::Settled;
use super::published::Published;
use super::round::{Origin, Round};
use super::{Case, Step};

/// What is wrong with the list, whatever its tags name.
pub(super) fn refuse(
    case: Case<'_>,
    settled: &[Settled<'_>],
    lines: &[Line<'_, '_>],
    published: &Published,
) -> Step<()> {
    let mut round = Round::new(case);
    refuse_empty(&mut round, case, lines);
    refuse_twins(&mut round, case, settled);
    refuse_oci(&mut round, case, lines);
    round.end(Some(published))
}

/// A tag that must not change and would.
pub(super) fn immutable(case: Case<'_>, tag: &TagChange) -> Problem {
    let publication = case.publication;
    let reference = publication.target.tagged(&tag.tag);
    let name = |digest: Option<&Digest>| digest.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let mut problem = Problem::error("mlist::plan::immutable", format!("{reference} is immutable, and would be moved"))
        .because(format!("it names {}", name(tag.from.as_ref())))
        .because(format!("it would name {}", name(tag.to.as_ref())))
        .about(&reference);
    if let Some(declared) = publication.tags.iter().find(|declared| declared.tag == tag.tag) {
        problem = Origin::tag(case, declared).label(problem);
    }
    let member_tag = publication.members.iter().flat_map(|member| &member.tags).find(|own| own.tag == tag.tag);
    if let Some(declared) = member_tag {
        problem = Origin::member_tag(case, declared).label(problem);
    }
    if let Some(globs) = &publication.rules.immutable {
        problem = problem.at(&globs.span, "is never moved by this");
    }
    problem.help("publish it by a new tag, or take this one out of immutable")
}

/// Clients of an empty list find nothing; it is always a mistake.
fn refuse_empty(round: &mut Round<'_>, case: Case<'_>, lines: &[Line<'_, '_>]) {
    let publication = case.publication;
    let is_image = |line: &Line<'_, '_>| line.entry.attested().is_none();
    let why = if publication.members.is_empty() {
        "the `when` of none of its rows holds"
    } else if lines.iter().any(is_image) {
        return;
    } else {
        "all its members are absent (404), and missing = \"skip\" leaves them out"
    };
    let problem = Problem::error("mlist::plan::no_member", format!("{} has no member", publication.reference()))
        .because(why)
        .help("an empty list is never published: push a member, or declare one that is there")
        .about(&publication.reference());
    round.block(Origin::target(case).label(problem));
}

/// Two members for one machine: only the first would ever be used. Seen here only where a part was open in the file.
fn refuse_twins(round: &mut Round<'_>, case: Case<'_>, settled: &[Settled<'_>]) {
    let declared: Vec<_> = settled.iter().filter(|settled| case.declares(settled.member)).collect();
    for (at, second) in declared.iter().enumerate() {
        let platform = second.platform.normalized();
        let Some(first) = declared[..at].iter().find(|first| first.platform.normalized() == platform) else { continue };
        let problem = Problem::error(
            "mlist::plan::platform_twice",
            format!("{} has two images for {}", case.publication.id, second.platform),
        )
        .at(&second.member.platform_span, format!("{} is for it", second.member.source))
        .at(&first.member.platform_span, format!("{} too", first.member.source))
        .help("what is not declared of a platform comes from the image: push another there, or remove one of the two")
        .about(&second.member.source);
        round.block(problem);
    }
}

/// A Docker list that is asked for, and an image that it can't name.
fn refuse_oci(round: &mut Round<'_>, case: Case<'_>, lines: &[Line<'_, '_>]) {
    if case.publication.rules.format != Format::Docker {
        return;
    }
    for line in lines.iter().filter(|line| !is_docker(&line.entry)) {
        let descriptor = &line.entry.descriptor;
        let (name, origin) = match line.part {
            Part::Member(settled) => (settled.member.source.clone(), Origin::member(case, settled.member)),
            Part::Kept(member) => (member.source.clone(), Origin::member(case, member)),
            Part::Brought(settled) => {
                (settled.member.source.place.with_digest(&descriptor.digest), Origin::member(case, settled.member))
            }
            Part::Undeclared | Part::Attestation => {
                (case.publication.target.with_digest(&descriptor.digest), Origin::target(case))
            }
        };
        let problem = Problem::error("mlist::plan::not_docker", format!("{name} can't be in a Docker list"))
            .because(format!("its type is {}", descriptor.media_type))
            .help(match line.part {
                Part::Brought(_) => {
                    "publish it as format = \"oci\" or \"auto\", or without it: attestations = \"drop\""
                }
                _ => "publish it as format = \"oci\" or \"auto\", or build the image with Docker's types",
            })
            .about(&name);
        round.block(origin.label(problem));
    }
}
