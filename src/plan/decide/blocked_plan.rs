//! The plan of a list that is blocked or failed, so nothing of it is written.

use crate::config::problem::Problem;
use crate::oci::Index;
use crate::plan::diff::{self, Declared};
use crate::plan::{Action, Answer, ListPlan, MemberChange, MemberFate, TagChange, TagFate};

use super::images;
use super::input::Input;
use super::published::Published;

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
    let members = if published.is_some() { compared(input, index) } else { told(input) };
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
    let (mut present, mut absent) = (Vec::new(), Vec::new());
    for member in &input.publication.members {
        match input.snapshot.head(&member.source) {
            // If the published lists were read, the images have been chosen before.
            Some(Answer::Found(head)) => present.extend(images::known(input, member, head)),
            Some(Answer::Absent) => absent.push(member),
            Some(Answer::Unknown(_)) | None => {}
        }
    }
    let declared: Vec<Declared<'_>> = present
        .iter()
        .map(|image| Declared { member: image.member, platform: &image.declared, descriptor: &image.descriptor })
        .collect();
    let published = published.map(|index| index.entries.iter().collect()).unwrap_or_default();
    diff::members(&declared, &absent, published)
}

/// Describes the members by what their sources answered, without a published list.
fn told(input: Input<'_>) -> Vec<MemberChange> {
    let heads = input.publication.members.iter().map(|member| (member, input.snapshot.head(&member.source)));
    heads
        .map(|(member, head)| MemberChange {
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
        })
        .collect()
}
