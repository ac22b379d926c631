//! Members that other writers have placed: the list is one of several writers' (`undeclared = "keep"`).
//!
//! Two writers of one tag can't tell each other what they are about to write: who stopped before its write erases what
//! was published meanwhile. So each writer places its own members by tags of their own first, and what stands there is
//! what the list is made of. A member tag that another writer declares is found by its form alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::model::{Member, Missing, OsVersion, Publication, Undeclared};
use crate::naming::Partial;
use crate::oci::{Platform, Tag};

use super::batch::{Origin, Presence, QueryBatch};
use super::input::Input;
use super::platforms::is_complete;

/// Asks for what [`placed`] goes by.
pub(super) fn ask<'a>(batch: &mut QueryBatch<'a>, input: Input<'a>) -> Option<&'a BTreeSet<Tag>> {
    let Publication { rules, member_tags, target, .. } = input.publication.as_ref();
    if rules.undeclared == Undeclared::Remove || member_tags.is_empty() {
        return None;
    }
    match batch.tags(target, &Origin::target(input))? {
        Presence::Found(tags) => Some(tags),
        Presence::Absent => None,
    }
}

/// The members that other writers have placed, in the order of their tags: never one that is declared here.
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
    let tags = ask(&mut QueryBatch::new(input), input).into_iter().flatten().filter(|tag| !own(tag));
    let found = tags.filter_map(|tag| Some((tag, platform_of(&publication.member_tags, tag)?)));
    found.filter(|(_, platform)| !is_declared(platform)).map(|(tag, platform)| member(input, tag, platform)).collect()
}

/// The platform that a member tag is for. Only words that are known make one: `v1-alpine-3.19` is no member of `v1`
/// for the machine `alpine/3.19`.
fn platform_of(templates: &[Partial], tag: &Tag) -> Option<Platform> {
    templates.iter().find_map(|template| {
        let text = template.find(tag.as_str())?;
        let separators: BTreeSet<char> = text.chars().filter(|c| !c.is_ascii_alphanumeric()).collect();
        separators.into_iter().find_map(|separator| {
            let name = text.replace(separator, "/");
            let platform = Platform::parse(&name).ok().filter(|platform| platform.unknown_word().is_none())?;
            (template.with(&name).as_deref() == Some(tag.as_str())).then_some(platform)
        })
    })
}

fn member(input: Input<'_>, tag: &Tag, platform: Platform) -> Member {
    let span = &input.publication.target_span;
    Member {
        platform,
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
