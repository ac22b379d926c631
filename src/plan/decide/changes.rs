//! What becomes of each member, to be shown.

use crate::config::model::Member;
use crate::oci::{Entry, Index, Platform};
use crate::plan::diff::{self, Declared};
use crate::plan::{MemberChange, MemberFate};

use super::Case;
use super::entries::{Line, Part};
use super::heads::Heads;

/// Declared members in the order of the file, then what else is in the list, then what leaves it. `base` is the
/// published list to compare with.
pub(super) fn changes(
    case: Case<'_>,
    heads: &Heads<'_>,
    lines: &[Line<'_, '_>],
    base: Option<&Index>,
) -> Vec<MemberChange> {
    let stays = |entry: &Entry| lines.iter().any(|line| line.stays() && line.entry == *entry);
    let published = base.into_iter().flat_map(|base| &base.entries).filter(|entry| !stays(entry)).collect();
    let declared: Vec<Declared<'_>> = lines
        .iter()
        .filter_map(|line| match line.part {
            Part::Member(settled) => {
                Some(Declared { member: settled.member, platform: &settled.platform, descriptor: &settled.descriptor })
            }
            Part::Kept(_) | Part::Undeclared | Part::Attestation | Part::Brought(_) => None,
        })
        .collect();
    let is_kept =
        |member: &Member| lines.iter().any(|line| matches!(line.part, Part::Kept(kept) if std::ptr::eq(kept, member)));
    let absent: Vec<&Member> = heads.absent().filter(|member| case.declares(member) && !is_kept(member)).collect();
    let mut changes = diff::members(&declared, &absent, published);
    for (change, Declared { member, .. }) in changes.iter_mut().zip(&declared) {
        if !case.declares(member) && change.fate == MemberFate::Same {
            change.fate = MemberFate::Kept;
        }
    }
    changes.extend(lines.iter().filter_map(kept));
    let members = &case.publication.members;
    let number = |change: &MemberChange| {
        let is_it = |member: &Member| change.source.as_ref() == Some(&member.source) && fits(member, change);
        members.iter().position(is_it).unwrap_or(members.len())
    };
    changes.sort_by_key(|change| (number(change), change.fate == MemberFate::Removed));
    changes
}

/// A line that stays as it is published, though no source names it.
fn kept(line: &Line<'_, '_>) -> Option<MemberChange> {
    let source = match line.part {
        Part::Kept(member) => Some(member.source.clone()),
        Part::Undeclared => None,
        Part::Member(_) | Part::Attestation | Part::Brought(_) => return None,
    };
    let descriptor = &line.entry.descriptor;
    Some(MemberChange {
        platform: line.entry.platform.clone().unwrap_or_else(Platform::unknown),
        source,
        descriptor: Some(descriptor.clone()),
        from: Some(descriptor.digest.clone()),
        fate: MemberFate::Kept,
    })
}

fn fits(member: &Member, change: &MemberChange) -> bool {
    crate::plan::equality::fits(&member.platform, &change.platform)
}
