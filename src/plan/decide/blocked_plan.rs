//! The plan of a list that is blocked or failed, so nothing of it is written.

use crate::config::model::Member;
use crate::config::problem::Problem;
use crate::oci::{Descriptor, Entry, Index};
use crate::plan::diff::{self, Declared};
use crate::plan::{Action, Answer, ListPlan, MemberChange, MemberFate, TagChange, TagFate, equality};

use super::input::Input;
use super::published::Published;
use super::{changes, images};

/// Builds the plan with what would have changed, as far as that is known. `action` is [`Action::Failed`] or
/// [`Action::Blocked`].
pub(super) fn plan(
    input: Input<'_>,
    published: Option<&Published>,
    action: Action,
    problems: Vec<Problem>,
) -> ListPlan {
    let publication = input.publication;
    let fate = if action == Action::Blocked { TagFate::Blocked } else { TagFate::Unknown };
    let tags = publication
        .tags
        .iter()
        .map(|tag| {
            let from = match input.snapshot.head(&publication.target.tagged(&tag.tag)) {
                Some(Answer::Found(head)) => Some(head.digest.clone()),
                _ => None,
            };
            TagChange { tag: tag.tag.clone(), from, to: None, fate, stays: None }
        })
        .collect();
    let index = published.and_then(|published| published.lists().first()).map(|list| &list.index);
    let members = match published {
        Some(_) => compared(input, index),
        None => publication.members.iter().map(|member| told(member, input.snapshot.head(&member.source))).collect(),
    };
    ListPlan {
        publication: publication.clone(),
        action,
        reason: None,
        index: None,
        payload: None,
        tags,
        members,
        member_tags: Vec::new(),
        children: Vec::new(),
        present: Vec::new(),
        content: Vec::new(),
        problems,
    }
}

/// Compares the members with the published list.
fn compared(input: Input<'_>, published: Option<&Index>) -> Vec<MemberChange> {
    let (mut present, mut absent, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for member in &input.publication.members {
        let head = input.snapshot.head(&member.source);
        let image = match head {
            // If the published lists were read, the images have been chosen before.
            Some(Answer::Found(head)) => images::known(input, member, head),
            Some(Answer::Absent) => {
                absent.push(member);
                continue;
            }
            Some(Answer::Unknown(_)) | None => None,
        };
        match image {
            Some(image) => present.push(image),
            None => unknown.push(told(member, head)),
        }
    }
    let declared: Vec<Declared<'_>> = present
        .iter()
        .map(|image| Declared { member: image.member, platform: &image.declared, descriptor: &image.descriptor })
        .collect();
    let mut published: Vec<&Entry> = published.map(|index| index.entries.iter().collect()).unwrap_or_default();
    for change in &mut unknown {
        // What is published for the platform is not undeclared only because the new image is not known.
        let is_own = |entry: &&Entry| entry.platform.as_ref().is_some_and(|own| equality::fits(&change.platform, own));
        let at = published.iter().position(is_own);
        change.from = at.map(|at| published.remove(at).descriptor.digest.clone());
    }
    let mut members = diff::members(&declared, &absent, published);
    members.extend(unknown);
    changes::sort(input, &mut members);
    members
}

/// Describes a member by what its source answered, without a published list.
fn told(member: &Member, head: Option<&Answer<Descriptor>>) -> MemberChange {
    MemberChange {
        platform: member.platform.clone(),
        source: Some(member.source.clone()),
        descriptor: match head {
            // It may not be known yet which image of an index is meant.
            Some(Answer::Found(descriptor)) if !descriptor.media_type.is_index() => Some(descriptor.clone()),
            _ => None,
        },
        from: None,
        fate: match head {
            Some(Answer::Absent) => MemberFate::Absent,
            _ => MemberFate::Unknown,
        },
        os_version_from: None,
    }
}
