//! What becomes of each member: the declared ones beside those of a published list.

use crate::config::model::Member;
use crate::oci::{Descriptor, Entry, Platform};

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

/// Declared members in their order, then `absent` ones, then the entries of `published` that none of them stands for,
/// attestations left out: they come and go with their images. For people to read: whether two lists are equal is said
/// by [`super::equality`].
#[must_use]
pub fn members(declared: &[Declared<'_>], absent: &[&Member], published: Vec<&Entry>) -> Vec<MemberChange> {
    let mut free: Vec<&Entry> = published.into_iter().filter(|entry| entry.attested().is_none()).collect();
    let mut before: Vec<Option<&Entry>> = vec![None; declared.len()];
    // The surest resemblance is looked for in all members before a weaker one in any.
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
    });
    let lacks = absent.iter().zip(gone).map(|(member, before)| MemberChange {
        platform: member.platform.clone(),
        source: Some(member.source.clone()),
        descriptor: None,
        from: before.map(|entry| entry.descriptor.digest.clone()),
        fate: MemberFate::Absent,
    });
    let goes = free.into_iter().map(|entry| MemberChange {
        platform: entry.platform.clone().unwrap_or_else(Platform::unknown),
        source: None,
        descriptor: None,
        from: Some(entry.descriptor.digest.clone()),
        fate: MemberFate::Removed,
    });
    stays.chain(lacks).chain(goes).collect()
}

fn is_same_image(member: &Declared<'_>, entry: &Entry) -> bool {
    entry.descriptor.digest == member.descriptor.digest
}

fn is_same_platform(one: &Platform, other: &Platform) -> bool {
    one.normalized() == other.normalized()
}

/// Takes the first entry out of `free` that is for a platform and `is_it`.
fn take<'e>(free: &mut Vec<&'e Entry>, is_it: impl Fn(&Entry, &Platform) -> bool) -> Option<&'e Entry> {
    let at = free.iter().position(|entry| entry.platform.as_ref().is_some_and(|platform| is_it(entry, platform)));
    at.map(|at| free.remove(at))
}
