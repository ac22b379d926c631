//! Members that other writers have placed. Used if several writers share the list (`undeclared = "keep"`).
//!
//! Two writers of one tag cannot tell each other what they are about to write. A writer that paused just before its
//! write overwrites what another writer published in the meantime. So each writer first publishes its own members under
//! tags of their own (member tags), and the list is built from the member tags that exist. A member tag that another
//! writer declares is recognized only by its form.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::model::{Member, Missing, OsVersion, Publication, Undeclared};
use crate::oci::{Platform, Tag};

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::contradiction;
use super::input::Input;
use super::platforms::is_complete;

/// Adds the query that [`placed`] needs, and returns the tags of the target if they are known.
pub(super) fn ask<'a>(batch: &mut QueryBatch<'a>, input: Input<'a>) -> Option<&'a BTreeSet<Tag>> {
    let Publication { rules, member_tags, .. } = input.publication.as_ref();
    if rules.undeclared == Undeclared::Remove || member_tags.is_empty() {
        return None;
    }
    match contradiction::tags(batch, input, &QueryOrigin::target(input))? {
        Presence::Found(tags) => Some(tags),
        Presence::Absent => None,
    }
}

/// Returns the members that other writers have placed, in the order of their tags. Tags that this file declares, and
/// platforms that it declares completely, are left out. Only tags for known platforms count: `v1-alpine-3.19` is not a
/// member of `v1` for a platform `alpine/3.19`.
pub(super) fn placed(input: Input<'_>) -> Vec<Member> {
    let publication = input.publication;
    let own = |tag: &Tag| {
        publication.tags.iter().any(|own| own.tag == *tag)
            || publication.members.iter().flat_map(|member| &member.tags).any(|own| own.tag == *tag)
    };
    let is_declared = |platform: &Platform| {
        let mut complete = publication.members.iter().map(|member| &member.platform).filter(|own| is_complete(own));
        complete.any(|own| own.normalized() == platform.normalized())
    };
    let tags: Vec<&Tag> =
        ask(&mut QueryBatch::new(input), input).into_iter().flatten().filter(|tag| !own(tag)).collect();
    let names = || tags.iter().map(|tag| tag.as_str());
    let found: Vec<_> = publication.member_tags.iter().map(|template| template.platforms(names())).collect();
    let platform = |tag: &&Tag| found.iter().find_map(|found| found.get(tag.as_str()));
    let placed = tags.iter().filter_map(|tag| Some((*tag, platform(tag)?)));
    placed.filter(|(_, platform)| !is_declared(platform)).map(|(tag, platform)| member(input, tag, platform)).collect()
}

fn member(input: Input<'_>, tag: &Tag, platform: &Platform) -> Member {
    let span = &input.publication.target_span;
    Member {
        platform: platform.clone(),
        platform_span: span.clone(),
        arch: None,
        source: input.publication.target.tagged(tag),
        source_span: span.clone(),
        missing: Missing::Skip,
        os_version: OsVersion::AsDeclared,
        annotations: BTreeMap::new(),
        tags: Vec::new(),
    }
}
