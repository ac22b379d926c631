//! What becomes of each member: the declared ones beside those of a published list.

use crate::config::model::Member;
use crate::oci::{Descriptor, Entry, Index, Platform};

use super::equality::fits;
use super::{MemberChange, MemberFate};

/// A member as it is to stand.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// As the file has it.
    pub member: &'a Member,
    /// With its open parts filled, where that was done.
    pub platform: &'a Platform,
    /// Its manifest.
    pub descriptor: &'a Descriptor,
}

/// Declared members in their order, then the entries of `published` that none of them stands for. For people to read:
/// whether two lists are equal is said by [`super::equality`].
#[must_use]
pub fn members(declared: &[Declared<'_>], published: Option<&Index>) -> Vec<MemberChange> {
    let mut free: Vec<&Entry> = published.map(|index| index.entries.iter().collect()).unwrap_or_default();
    let mut before: Vec<Option<&Entry>> = vec![None; declared.len()];
    // The surest resemblance is looked for in all members before a weaker one in any.
    let resemblances: [fn(&Declared<'_>, &Entry, &Platform) -> bool; 4] = [
        |member, entry, platform| is_same_image(member, entry) && is_same_platform(member, platform),
        |member, entry, platform| is_same_image(member, entry) && fits(&member.member.platform, platform),
        |member, _, platform| is_same_platform(member, platform),
        |member, _, platform| fits(&member.member.platform, platform) && is_same_build(member, platform),
    ];
    for resembles in resemblances {
        for (member, before) in declared.iter().zip(&mut before).filter(|(_, before)| before.is_none()) {
            let at = free
                .iter()
                .position(|entry| entry.platform.as_ref().is_some_and(|platform| resembles(member, entry, platform)));
            *before = at.map(|at| free.remove(at));
        }
    }
    let stays = declared.iter().zip(before).map(|(member, before)| MemberChange {
        platform: member.platform.clone(),
        source: Some(member.member.source.clone()),
        descriptor: Some(member.descriptor.clone()),
        from: before.map(|entry| entry.descriptor.digest.clone()),
        fate: match before {
            None => MemberFate::Added,
            Some(entry) if is_same_image(member, entry) => MemberFate::Same,
            Some(_) => MemberFate::Changed,
        },
    });
    let goes = free.into_iter().map(|entry| MemberChange {
        platform: entry.platform.clone().unwrap_or_else(unknown),
        source: None,
        descriptor: None,
        from: Some(entry.descriptor.digest.clone()),
        fate: MemberFate::Removed,
    });
    stays.chain(goes).collect()
}

fn is_same_image(member: &Declared<'_>, entry: &Entry) -> bool {
    entry.descriptor.digest == member.descriptor.digest
}

fn is_same_platform(member: &Declared<'_>, platform: &Platform) -> bool {
    member.platform.normalized() == platform.normalized()
}

/// A Windows of the same build, whatever its revision: `10.0.17763.5` follows `10.0.17763.4`.
fn is_same_build(member: &Declared<'_>, platform: &Platform) -> bool {
    let build = |version: &str| version.splitn(4, '.').take(3).map(str::to_owned).collect::<Vec<_>>();
    match (member.platform.os_version.as_deref(), platform.os_version.as_deref()) {
        (Some(new), Some(old)) => build(new) == build(old),
        _ => true,
    }
}

fn unknown() -> Platform {
    Platform { os: "unknown".to_owned(), architecture: "unknown".to_owned(), ..Platform::default() }
}
