//! Answers about the target that contradict each other: what HEAD finds and GET does not, or a list of tags that has a
//! hole. Absence is a fact only if no other answer contradicts it. Otherwise a published list would count as missing,
//! and other writers' members would be lost with it.

use std::collections::BTreeSet;

use crate::config::problem::{HttpFacts, Problem};
use crate::oci::{Digest, Locator, Reference, ReferrerFilter, Tag};
use crate::plan::{Answer, Query};

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::input::Input;

/// Why a tag contradicts the list of tags.
pub(crate) const LOST_TAG: &str = "the tag listing contains the tag, but the tag itself was not found";

/// Returns all tags of the target. `None` if there is no usable answer yet, or if the tags contradict what HEAD said
/// about the tags of this publication.
pub(super) fn tags<'a>(
    batch: &mut QueryBatch<'a>,
    input: Input<'_>,
    origin: &QueryOrigin<'_>,
) -> Option<Presence<&'a BTreeSet<Tag>>> {
    let target = &input.publication.target;
    let tags = batch.tags(target, origin)?;
    let is_listed = |tag: &Tag| matches!(&tags, Presence::Found(tags) if tags.contains(tag));
    let of_members = input.publication.members.iter().flat_map(|member| &member.tags).map(|own| &own.tag);
    for tag in input.publication.tags.iter().map(|own| &own.tag).chain(of_members) {
        let reference = target.tagged(tag);
        let why = match input.snapshot.head(&reference) {
            Some(Answer::Found(_)) if !is_listed(tag) => "the tag was found, but the tag listing does not contain it",
            Some(Answer::Absent) if is_listed(tag) => LOST_TAG,
            _ => continue,
        };
        add_tag(batch, &reference, why, origin);
        return None;
    }
    Some(tags)
}

/// Adds the contradiction that the tag `reference` names `digest`, but the target does not have that manifest.
pub(super) fn add_lost_manifest(
    batch: &mut QueryBatch<'_>,
    reference: &Reference,
    digest: &Digest,
    origin: &QueryOrigin<'_>,
) {
    let queries = [Query::Head(reference.clone()), Query::Manifest(digest.clone(), reference.place.clone())];
    let why = format!("the tag points to {digest}, but that manifest was not found");
    batch.contradict(queries, origin.label(problem(reference, why)));
}

/// Adds the contradiction that the tag `reference` names a list by HEAD, but the bytes of `digest` are none.
pub(super) fn add_no_list(
    batch: &mut QueryBatch<'_>,
    reference: &Reference,
    digest: &Digest,
    origin: &QueryOrigin<'_>,
) {
    let why = format!("HEAD says that the tag is a manifest list, but {digest} is not one");
    // The bytes were verified against their digest.
    batch.contradict([Query::Head(reference.clone())], origin.label(problem(reference, why)));
}

/// Adds the contradiction that the tag `reference` is in the list of tags of the target, but was not found.
pub(super) fn add_lost_tag(batch: &mut QueryBatch<'_>, reference: &Reference, origin: &QueryOrigin<'_>) {
    add_tag(batch, reference, LOST_TAG, origin);
}

/// Adds the contradiction between HEAD of the tag `reference` and the list of tags.
fn add_tag(batch: &mut QueryBatch<'_>, reference: &Reference, why: &str, origin: &QueryOrigin<'_>) {
    let queries = [Query::Head(reference.clone()), Query::Tags(reference.place.clone())];
    batch.contradict(queries, origin.label(problem(reference, why.to_owned())));
}

/// Adds the contradiction that the manifest `reference` is listed as a referrer of `image`, but was not found.
pub(super) fn add_lost_referrer(
    batch: &mut QueryBatch<'_>,
    reference: &Reference,
    image: &Digest,
    origin: &QueryOrigin<'_>,
) {
    let Locator::Digest(digest) = &reference.locator else { unreachable!("referrers are listed by digest") };
    let place = &reference.place;
    let listing = Query::Referrers(image.clone(), place.clone(), ReferrerFilter::Attestations);
    let queries = [listing, Query::Manifest(digest.clone(), place.clone())];
    let why = format!("the manifest is listed as a referrer of {image}, but was not found");
    batch.contradict(queries, origin.label(problem(reference, why)));
}

/// Adds the contradiction that HEAD finds the child `reference` of a list, but its manifest was not found.
pub(super) fn add_lost_child(
    batch: &mut QueryBatch<'_>,
    reference: &Reference,
    digest: &Digest,
    origin: &QueryOrigin<'_>,
) {
    let queries = [Query::Head(reference.clone()), Query::Stored(digest.clone(), reference.place.clone())];
    let why = "HEAD says that the manifest exists, but GET did not find it".to_owned();
    batch.contradict(queries, origin.label(problem(reference, why)));
}

/// Returns the problem that answers about `reference` contradict each other. `why` says which.
pub(crate) fn problem(reference: &Reference, why: String) -> Problem {
    let host = reference.place.host();
    let who = host.map_or_else(|| reference.place.to_string(), ToString::to_string);
    let message = format!("{who} gave contradictory responses about {reference}");
    let mut problem = Problem::error("mlist::plan::contradictory_answers", message)
        .because(why)
        .help(if host.is_some() {
            format!("try again later; if it happens again, check for a proxy or cache between this machine and {who}")
        } else {
            "check the files of the layout, or write it again".to_owned()
        })
        .about(reference);
    problem.retry = host.is_some();
    problem.http = host.map(|host| HttpFacts { host: host.to_string(), attempts: 1, ..HttpFacts::default() });
    problem
}
