//! The lists that the tags name now.

use std::collections::{HashMap, HashSet};

use crate::config::model::{TargetTag, Undeclared};
use crate::config::problem::Problem;
use crate::oci::{Descriptor, Digest, Entry, Index, Payload, Platform};
use crate::plan::Answer;

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::contradiction;
use super::current_state::CurrentState;
use super::guard::{self, Guard};
use super::image::Image;
use super::input::{Flow, Input, Purpose};
use super::platforms::is_complete;
use super::problems::unreadable;

/// A published list.
pub(super) struct List {
    /// Its bytes.
    pub(super) payload: Payload,
    /// Its parsed content.
    pub(super) index: Index,
    /// The digests of its entries.
    digests: HashSet<Digest>,
}

/// The lists that the tags name, without duplicates, in the order of the tags. A tag that names an image has no list
/// here: it is moved just as a missing tag is created.
pub(super) struct Published {
    lists: Vec<List>,
    /// Warnings about tags whose content cannot be read, and is replaced if the tags move.
    pub(super) unreadable: Vec<Problem>,
}

/// Reads the lists that the tags name. `predicted` is not fetched, because its bytes are known. A list that only
/// floating tags name is not read if these tags stay with a newer version.
///
/// Only the bytes show whether a tag names a list. If HEAD reports a list and the bytes are none, HEAD may have named
/// another manifest than the tag does, and the list would count as missing.
///
/// # Errors
///
/// Blocks the list if published bytes cannot be read and something of them is to be kept.
pub(super) fn read(input: Input<'_>, state: &CurrentState<'_>, predicted: Option<&Payload>) -> Flow<Published> {
    let mut batch = QueryBatch::new(input);
    let mut payloads: Vec<(Payload, &TargetTag)> = Vec::new();
    for (tag, head) in &state.tags {
        let Some(head) = head else { continue };
        if payloads.iter().any(|(payload, _)| *payload.digest() == head.digest) {
            continue;
        }
        let origin = QueryOrigin::tag(input, tag);
        match predicted.filter(|predicted| *predicted.digest() == head.digest) {
            Some(predicted) => payloads.push((predicted.clone(), tag)),
            None if !is_named_otherwise(state, &head.digest)
                && guard::judge(&mut batch, input, tag) != Some(Guard::Free) => {}
            None => match batch.manifest(&head.digest, &input.publication.target, &origin) {
                Some(Presence::Found(payload)) if is_other_kind(head, payload) => {
                    let reference = input.publication.target.tagged(&tag.tag);
                    contradiction::add_no_list(&mut batch, &reference, &head.digest, &origin);
                }
                Some(Presence::Found(payload)) => payloads.push((payload.clone(), tag)),
                Some(Presence::Absent) => {
                    let reference = input.publication.target.tagged(&tag.tag);
                    contradiction::add_lost_manifest(&mut batch, &reference, &head.digest, &origin);
                }
                None => {}
            },
        }
    }
    let keeps = input.publication.keeps_published();
    let mut published = Published { lists: Vec::new(), unreadable: Vec::new() };
    for (payload, tag) in payloads.into_iter().filter(|(payload, _)| payload.media_type().is_index()) {
        let reference = input.publication.target.tagged(&tag.tag);
        match Index::parse(&payload) {
            Ok(index) => published.lists.push(List::new(payload, index)),
            Err(error) if keeps => {
                let is_undeclared = input.publication.rules.undeclared == Undeclared::Keep;
                let key = if is_undeclared { "undeclared" } else { "missing" };
                let problem = unreadable(&reference, &error)
                    .because(format!("{key} = \"keep\" requires that its images can be read"))
                    .help(format!("delete the tag, or remove {key} = \"keep\" to overwrite the list"));
                batch.block(QueryOrigin::tag(input, tag).label(problem));
            }
            Err(error) => {
                let (and, help) = match input.purpose {
                    Purpose::Publish => (
                        " and will be overwritten",
                        "to keep the old content, copy it to another tag first, or publish under another tag",
                    ),
                    Purpose::Compare => ("", "run mlist sync to overwrite it"),
                };
                let message = format!("{reference} is not a valid manifest list{and}");
                let problem = Problem::warning("mlist::plan::unreadable_list", message)
                    .because(error.to_string())
                    .help(help)
                    .about(&reference);
                published.unreadable.push(QueryOrigin::tag(input, tag).label(problem));
            }
        }
    }
    batch.end()?;
    Ok(published)
}

/// Whether HEAD reports a list, but the bytes are none.
fn is_other_kind(head: &Descriptor, payload: &Payload) -> bool {
    head.media_type.is_index() && !payload.media_type().is_index()
}

/// Whether a tag that is not floating names `digest`.
fn is_named_otherwise(state: &CurrentState<'_>, digest: &Digest) -> bool {
    state.tags.iter().any(|(tag, head)| tag.newest.is_none() && head.is_some_and(|head| head.digest == *digest))
}

impl List {
    fn new(payload: Payload, index: Index) -> Self {
        let digests = index.entries.iter().map(|entry| entry.descriptor.digest.clone()).collect();
        Self { payload, index, digests }
    }

    /// Whether it has an entry with `digest`.
    pub(super) fn holds(&self, digest: &Digest) -> bool {
        self.digests.contains(digest)
    }
}

impl Published {
    /// Returns all lists, in the order of the tags.
    pub(super) fn lists(&self) -> &[List] {
        &self.lists
    }

    /// Returns the list that the publication's own tag names. `None` if the tag does not exist, names something else,
    /// or is floating: a tag that moves from version to version belongs to no single list.
    pub(super) fn own(&self, input: Input<'_>) -> Option<&List> {
        let own = input.publication.own_tag();
        if own.newest.is_some() {
            return None;
        }
        match input.snapshot.head(&input.publication.target.tagged(&own.tag))? {
            Answer::Found(head) => self.lists.iter().find(|list| *list.payload.digest() == head.digest),
            Answer::Absent | Answer::Unknown(_) => None,
        }
    }

    /// Whether some list has an entry with `digest`.
    pub(super) fn holds(&self, digest: &Digest) -> bool {
        self.lists.iter().any(|list| list.holds(digest))
    }

    /// Returns for each member the entry that publishes it: from the first list that has an entry with its digest and
    /// with a platform that fits the declaration. Within one list, no entry is returned for two members.
    pub(super) fn entries_of(&self, images: &[Image<'_>]) -> Vec<Option<&Entry>> {
        let mut found = vec![None; images.len()];
        for list in &self.lists {
            for (found, entry) in found.iter_mut().zip(assign(&list.index, images)) {
                *found = found.or(entry);
            }
        }
        found
    }
}

/// Assigns the entries of `index` to members. Members whose platform is declared completely choose first. A member with
/// open parts gets no entry whose platform occurs more than once in the list or is declared by another member: the
/// member's own config is more reliable.
fn assign<'i>(index: &'i Index, images: &[Image<'_>]) -> Vec<Option<&'i Entry>> {
    let mut free: Vec<(&Entry, &Platform, Platform)> = index
        .entries
        .iter()
        .filter_map(|entry| entry.platform.as_ref().map(|platform| (entry, platform, platform.normalized())))
        .collect();
    let mut counts: HashMap<Platform, usize> = HashMap::new();
    for (.., normalized) in &free {
        *counts.entry(normalized.clone()).or_default() += 1;
    }
    let claimed: HashSet<Platform> =
        images.iter().filter(|image| is_complete(&image.declared)).map(|image| image.declared.normalized()).collect();
    let is_own = |normalized: &Platform| counts.get(normalized) == Some(&1) && !claimed.contains(normalized);
    let mut found: Vec<Option<&Entry>> = vec![None; images.len()];
    let mut pass = |may: &dyn Fn(&Image<'_>, &Platform, &Platform) -> bool| {
        for (image, found) in images.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            let at = free.iter().position(|(entry, platform, normalized)| {
                entry.descriptor.digest == image.descriptor.digest && may(image, platform, normalized)
            });
            *found = at.map(|at| free.remove(at).0);
        }
    };
    pass(&|image, _, normalized| is_complete(&image.declared) && image.declared.normalized() == *normalized);
    pass(&|image, published, _| is_complete(&image.declared) && image.may_be(published));
    pass(&|image, published, normalized| image.may_be(published) && is_own(normalized));
    found
}
