//! How the tags of single members change.

use crate::plan::{MemberTagChange, TagChange, TagFate};

use super::current_state::CurrentState;
use super::members::ResolvedMember;

/// Returns a change for each tag of a member that exists. Tags of a member that does not exist stay unchanged.
pub(super) fn changes(state: &CurrentState<'_>, resolved: &[ResolvedMember<'_>]) -> Vec<MemberTagChange> {
    let mut changes = Vec::new();
    for (member, tag, head) in &state.member_tags {
        let Some(resolved) = resolved.iter().find(|resolved| std::ptr::eq(resolved.member, *member)) else { continue };
        let (from, to) = (head.map(|head| head.digest.clone()), resolved.descriptor.digest.clone());
        let fate = match &from {
            None => TagFate::Created,
            Some(from) if *from == to => TagFate::Same,
            Some(_) => TagFate::Moved,
        };
        changes.push(MemberTagChange {
            tag: TagChange { tag: tag.tag.clone(), from, to: Some(to), fate, stays: None },
            descriptor: resolved.descriptor.clone(),
            platform: resolved.platform.clone(),
        });
    }
    changes
}
