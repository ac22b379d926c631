//! Members that other writers have placed: the list is one of several writers' (`undeclared = "keep"`).
//!
//! Two writers of one tag can't tell each other what they are about to write: who stopped before its write erases what
//! was published meanwhile. So each writer places its own members by tags of their own first, and what stands there is
//! what the list is made of. A member tag that another writer declares is found by its form alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::model::{Member, Missing, OsVersion, Publication, Undeclared};
use crate::naming::Partial;
use crate::oci::{Platform, Tag};

use super::heads::{Heads, is_complete};
use super::round::{Known, Origin, Round};
use super::{Case, Step};

/// Asks for what [`placed`] goes by.
pub(super) fn ask<'a>(round: &mut Round<'a>, case: Case<'a>) -> Option<&'a BTreeSet<Tag>> {
    let Publication { rules, member_tags, target, .. } = case.publication.as_ref();
    if rules.undeclared == Undeclared::Remove || member_tags.is_empty() {
        return None;
    }
    match round.tags(target, &Origin::target(case))? {
        Known::Found(tags) => Some(tags),
        Known::Absent => None,
    }
}

/// The members that other writers have placed, in the order of their tags: never one that is declared here.
pub(super) fn placed(case: Case<'_>) -> Vec<Member> {
    let publication = case.publication;
    let own = |tag: &Tag| {
        publication.tags.iter().any(|own| own.tag == *tag)
            || publication.members.iter().flat_map(|member| &member.tags).any(|own| own.tag == *tag)
    };
    let is_declared = |platform: &Platform| {
        let mut complete = publication.members.iter().map(|member| &member.platform).filter(|own| is_complete(own));
        complete.any(|own| own.normalized() == platform.normalized())
    };
    let tags = ask(&mut Round::new(case), case).into_iter().flatten().filter(|tag| !own(tag));
    let found = tags.filter_map(|tag| Some((tag, platform_of(&publication.member_tags, tag)?)));
    found.filter(|(_, platform)| !is_declared(platform)).map(|(tag, platform)| member(case, tag, platform)).collect()
}

/// The heads of the members of other writers, behind those of the declared ones.
pub(super) fn read<'a>(case: Case<'a>, mut heads: Heads<'a>) -> Step<Heads<'a>> {
    let mut round = Round::new(case);
    for member in case.others {
        // A tag that went since it was listed is no member any more.
        if let Some(Known::Found(descriptor)) = round.head(&member.source, &Origin::member(case, member)) {
            heads.members.push((member, Some(descriptor)));
        }
    }
    round.end(None)?;
    Ok(heads)
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

fn member(case: Case<'_>, tag: &Tag, platform: Platform) -> Member {
    let span = &case.publication.target_span;
    Member {
        platform,
        platform_span: span.clone(),
        arch: None,
        source: case.publication.target.tagged(tag),
        source_span: span.clone(),
        missing: Missing::Skip,
        os_version: OsVersion::AsDeclared,
        annotations: BTreeMap::new(),
        tags: Vec::new(),
    }
}
