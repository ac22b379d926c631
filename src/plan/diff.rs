//! How each member changes: compares the declared members with those of a published list.

use crate::config::model::Member;
use crate::oci::{Descriptor, Entry, Platform};

use super::equality::fits;
use super::{MemberChange, MemberFate};

/// A member as it will be in the list.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// The member as declared in the file.
    pub member: &'a Member,
    /// Its platform, with the open parts filled in if that was done.
    pub platform: &'a Platform,
    /// Its manifest.
    pub descriptor: &'a Descriptor,
}

/// Returns the changes: declared members in their order, then `absent` ones, then the entries of `published` that match
/// none of them. Attestations are left out: they are added and removed together with their images.
///
/// The result is only for people to read. [`super::equality`] decides whether two lists are equal.
#[must_use]
pub fn members(declared: &[Declared<'_>], absent: &[&Member], published: Vec<&Entry>) -> Vec<MemberChange> {
    let mut free: Vec<&Entry> = published.into_iter().filter(|entry| entry.attested().is_none()).collect();
    let mut before: Vec<Option<&Entry>> = vec![None; declared.len()];
    // The strongest match is tried for all members before a weaker match is tried for any.
    let resemblances: [fn(&Declared<'_>, &Entry, &Platform) -> bool; 4] = [
        |member, entry, platform| is_same_image(member, entry) && is_same_platform(member.platform, platform),
        |member, entry, platform| is_same_image(member, entry) && fits(&member.member.platform, platform),
        |member, _, platform| is_same_platform(member.platform, platform),
        |member, _, platform| fits(&member.member.platform, platform) && member.platform.is_same_build(platform),
    ];
    for resembles in resemblances {
        for (member, before) in declared.iter().zip(&mut before).filter(|(_, before)| before.is_none()) {
            *before = take(&mut free, |entry, platform| resembles(member, entry, platform));
        }
    }
    let gone: Vec<Option<&Entry>> = absent
        .iter()
        .map(|member| {
            take(&mut free, |_, platform| is_same_platform(&member.platform, platform))
                .or_else(|| take(&mut free, |_, platform| fits(&member.platform, platform)))
        })
        .collect();
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
        os_version_from: None,
    });
    let lacks = absent.iter().zip(gone).map(|(member, before)| MemberChange {
        platform: member.platform.clone(),
        source: Some(member.source.clone()),
        descriptor: None,
        from: before.map(|entry| entry.descriptor.digest.clone()),
        fate: MemberFate::Absent,
        os_version_from: None,
    });
    let goes = free.into_iter().map(|entry| MemberChange {
        platform: entry.platform.clone().unwrap_or_else(Platform::unknown),
        source: None,
        descriptor: None,
        from: Some(entry.descriptor.digest.clone()),
        fate: MemberFate::Removed,
        os_version_from: None,
    });
    stays.chain(lacks).chain(goes).collect()
}

fn is_same_image(member: &Declared<'_>, entry: &Entry) -> bool {
    entry.descriptor.digest == member.descriptor.digest
}

fn is_same_platform(one: &Platform, other: &Platform) -> bool {
    one.normalized() == other.normalized()
}

/// Removes and returns the first entry of `free` that has a platform and for which `is_it` holds.
fn take<'e>(free: &mut Vec<&'e Entry>, is_it: impl Fn(&Entry, &Platform) -> bool) -> Option<&'e Entry> {
    let at = free.iter().position(|entry| entry.platform.as_ref().is_some_and(|platform| is_it(entry, platform)));
    at.map(|at| free.remove(at))
}
