//! What becomes of the tags of members by themselves.

use crate::plan::{MemberTagChange, TagChange, TagFate};

use super::heads::Heads;
use super::members::Settled;

/// One for each tag of a member that is there. Those of one that is absent stay as they are.
pub(super) fn changes(heads: &Heads<'_>, settled: &[Settled<'_>]) -> Vec<MemberTagChange> {
    let mut changes = Vec::new();
    for (member, tag, head) in &heads.member_tags {
        let Some(settled) = settled.iter().find(|settled| std::ptr::eq(settled.member, *member)) else { continue };
        let (from, to) = (head.map(|head| head.digest.clone()), settled.descriptor.digest.clone());
        let fate = match &from {
            None => TagFate::Created,
            Some(from) if *from == to => TagFate::Same,
            Some(_) => TagFate::Moved,
        };
        changes.push(MemberTagChange {
            tag: TagChange { tag: tag.tag.clone(), from, to: Some(to), fate, stays: None },
            descriptor: settled.descriptor.clone(),
            platform: settled.platform.clone(),
        });
    }
    changes
}
