//! What members and tags name now.

use crate::config::model::{HeldBackTag, Member, MemberTag, TargetTag};
use crate::oci::Descriptor;

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::input::{Flow, Input};
use super::{absences, contradiction, os_version, other_writers};

/// What every member and every tag names.
pub(super) struct CurrentState<'a> {
    /// Declared members in the order of the file, then those of other writers. `None` if the member does not exist and
    /// its `missing` policy allows that.
    pub(super) members: Vec<(&'a Member, Option<&'a Descriptor>)>,
    /// Tags in the order of the file. `None` if the tag does not exist.
    pub(super) tags: Vec<(&'a TargetTag, Option<&'a Descriptor>)>,
    /// Tags that stay because the version is a pre-release, if they exist.
    pub(super) held_back: Vec<(&'a HeldBackTag, &'a Descriptor)>,
    /// Tags of declared members, in the order of the file. `None` if the tag does not exist.
    pub(super) member_tags: Vec<(&'a Member, &'a MemberTag, Option<&'a Descriptor>)>,
}

/// Reads the heads of all members and tags.
pub(super) fn read(input: Input<'_>) -> Flow<CurrentState<'_>> {
    let mut batch = QueryBatch::new(input);
    let (members, tags, held_back, member_tags) = Default::default();
    let mut state = CurrentState { members, tags, held_back, member_tags };
    let mut absent = Vec::new();
    for member in &input.publication.members {
        let origin = QueryOrigin::member(input, member);
        os_version::ask(&mut batch, input, member);
        match batch.head(&member.source, &origin) {
            Some(Presence::Found(descriptor)) => state.members.push((member, Some(descriptor))),
            Some(Presence::Absent) if !input.requires(member) => state.members.push((member, None)),
            Some(Presence::Absent) => absent.push(member),
            None => {}
        }
    }
    absences::block(&mut batch, input, &absent);
    for tag in &input.publication.tags {
        match batch.head(&input.publication.target.tagged(&tag.tag), &QueryOrigin::tag(input, tag)) {
            Some(Presence::Found(descriptor)) => state.tags.push((tag, Some(descriptor))),
            Some(Presence::Absent) => state.tags.push((tag, None)),
            None => {}
        }
    }
    for member in &input.publication.members {
        for tag in &member.tags {
            let reference = input.publication.target.tagged(&tag.tag);
            // The source itself is the member's tag. If it names an index, it also contains more than the member.
            if reference == member.source {
                continue;
            }
            match batch.head(&reference, &QueryOrigin::member_tag(input, tag)) {
                Some(Presence::Found(descriptor)) => state.member_tags.push((member, tag, Some(descriptor))),
                Some(Presence::Absent) => state.member_tags.push((member, tag, None)),
                None => {}
            }
        }
    }
    for held_back in &input.publication.held_back {
        let head = batch.informative_head(&input.publication.target.tagged(&held_back.tag));
        state.held_back.extend(head.map(|head| (held_back, head)));
    }
    other_writers::ask(&mut batch, input);
    batch.end()?;
    Ok(state)
}

/// Adds the heads of the members of other writers, after those of the declared ones.
pub(super) fn with_others<'a>(input: Input<'a>, mut state: CurrentState<'a>) -> Flow<CurrentState<'a>> {
    let mut batch = QueryBatch::new(input);
    for member in input.others {
        let origin = QueryOrigin::member(input, member);
        match batch.head(&member.source, &origin) {
            Some(Presence::Found(descriptor)) => state.members.push((member, Some(descriptor))),
            // If the tag was deleted after it was listed, it is not listed again.
            Some(Presence::Absent) => contradiction::add_lost_tag(&mut batch, &member.source, &origin),
            None => {}
        }
    }
    batch.end()?;
    Ok(state)
}

impl<'a> CurrentState<'a> {
    /// Returns the members that do not exist and whose `missing` policy allows that.
    pub(super) fn absent(&self) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(|(_, head)| head.is_none()).map(|(member, _)| *member)
    }
}
