//! How each member changes, for output.

use std::collections::HashMap;

use crate::config::model::Member;
use crate::oci::{Digest, Entry, Index, Platform};
use crate::plan::diff::{self, Declared};
use crate::plan::{MemberChange, MemberFate};

use super::current_state::CurrentState;
use super::entries::{EntrySource, PlannedEntry};
use super::input::Input;
use super::members::ResolvedMember;

/// Returns the changes: declared members in the order of the file, then other members of the list, then members that
/// leave it. `base` is the published list to compare with.
pub(super) fn changes(
    input: Input<'_>,
    state: &CurrentState<'_>,
    lines: &[PlannedEntry<'_, '_>],
    base: Option<&Index>,
) -> Vec<MemberChange> {
    let mut retained: HashMap<&Digest, Vec<&Entry>> = HashMap::new();
    for line in lines.iter().filter(|line| line.is_retained()) {
        retained.entry(&line.entry.descriptor.digest).or_default().push(&line.entry);
    }
    let stays = |entry: &Entry| retained.get(&entry.descriptor.digest).is_some_and(|same| same.contains(&entry));
    let published = base.into_iter().flat_map(|base| &base.entries).filter(|entry| !stays(entry)).collect();
    let resolved = lines.iter().filter_map(|line| match line.part {
        EntrySource::Member(resolved) => Some(resolved),
        EntrySource::Kept(_) | EntrySource::Undeclared | EntrySource::Attestation | EntrySource::Brought(_) => None,
    });
    let declared: Vec<Declared<'_>> = resolved
        .clone()
        .map(|ResolvedMember { member, platform, descriptor, .. }| Declared { member, platform, descriptor })
        .collect();
    let is_kept = |member: &Member| {
        lines.iter().any(|line| matches!(line.part, EntrySource::Kept(kept) if std::ptr::eq(kept, member)))
    };
    let absent: Vec<&Member> = state.absent().filter(|member| input.declares(member) && !is_kept(member)).collect();
    let mut changes = diff::members(&declared, &absent, published);
    for (change, resolved) in changes.iter_mut().zip(resolved) {
        change.os_version_from.clone_from(&resolved.os_version_from);
        if !input.declares(resolved.member) && change.fate == MemberFate::Same {
            change.fate = MemberFate::Kept;
        }
    }
    changes.extend(lines.iter().filter_map(kept));
    sort(input, &mut changes);
    changes
}

/// Sorts changes: declared members in the order of the file, then other members, then members that leave the list.
pub(super) fn sort(input: Input<'_>, changes: &mut [MemberChange]) {
    let members = &input.publication.members;
    let number = |change: &MemberChange| {
        let is_it = |member: &Member| change.source.as_ref() == Some(&member.source) && fits(member, change);
        members.iter().position(is_it).unwrap_or(members.len())
    };
    changes.sort_by_cached_key(|change| (number(change), change.fate == MemberFate::Removed));
}

/// Returns the change of an entry that stays as published although no source names it. `None` for other entries.
fn kept(line: &PlannedEntry<'_, '_>) -> Option<MemberChange> {
    let source = match line.part {
        EntrySource::Kept(member) => Some(member.source.clone()),
        EntrySource::Undeclared => None,
        EntrySource::Member(_) | EntrySource::Attestation | EntrySource::Brought(_) => return None,
    };
    let descriptor = &line.entry.descriptor;
    Some(MemberChange {
        platform: line.entry.platform.clone().unwrap_or_else(Platform::unknown),
        source,
        descriptor: Some(descriptor.clone()),
        from: Some(descriptor.digest.clone()),
        fate: MemberFate::Kept,
        os_version_from: None,
    })
}

fn fits(member: &Member, change: &MemberChange) -> bool {
    crate::plan::equality::fits(&member.platform, &change.platform)
}
