//! What the documents about lists have in common: the records of a list, its tags, members and problems.

use std::collections::HashSet;

use serde::Serialize;

use crate::config::problem::{Problem, Severity, Sources};
use crate::plan::{ListPlan, MemberChange, MemberFate, MemberTagChange, Reason, TagChange, TagFate};
use crate::ui::document::Context;
use crate::ui::render::fold;

use super::{ProblemRecord, problem_record};

/// The list as it is or as it will be. Null if it is not known.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ListRecord<'a> {
    /// Why the list changes: `new`, `members`, `tags`, `content`, `damaged`, or the last part of a problem's code. Null
    /// if the list does not change, or if that is not known.
    pub(super) reason: Option<&'static str>,
    /// The digest of the list.
    pub(super) digest: Option<&'a str>,
    /// The reference of the list with its digest.
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    /// The media type of the list.
    pub(super) media_type: Option<&'a str>,
    /// The number of bytes of the list.
    pub(super) size: Option<u64>,
}

/// A tag before and after the change.
#[derive(Serialize, Clone)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TagRecord<'a> {
    /// The tag.
    pub(super) tag: &'a str,
    /// The digest that the tag names now. Null if it does not exist or is not known.
    pub(super) from: Option<&'a str>,
    /// The digest that the tag will name. Null if it is not known.
    pub(super) to: Option<&'a str>,
    /// What happens to the tag.
    pub(super) change: TagChangeRecord,
    /// Why the tag stays. Null if it does not.
    pub(super) reason: Option<&'a str>,
}

/// What happens to a tag.
#[derive(Serialize, Clone, Copy)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum TagChangeRecord {
    /// It is created.
    Created,
    /// It names something else and is moved.
    Moved,
    /// It names the list already.
    Same,
    /// It stays with a newer version.
    Stays,
    /// It would be created or moved, but the list is blocked.
    Blocked,
    /// It is not known.
    Unknown,
}

/// A member with its own tags.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct MemberRecord<'a, T> {
    /// The platform, such as `linux/arm/v7`.
    pub(super) platform: String,
    /// The version of Windows. Null if there is none.
    pub(super) os_version: Option<&'a str>,
    /// The reference of the image. Null if the member is not declared.
    pub(super) source: Option<String>,
    /// The digest that the source names now, or of the image that stays in the list. Null if it is not known.
    pub(super) digest: Option<&'a str>,
    /// The digest of the member in the published list. Null if it is not in the list, or not known.
    pub(super) from: Option<&'a str>,
    /// The media type of the image. Null if it is not known.
    pub(super) media_type: Option<&'a str>,
    /// The number of bytes of the manifest of the image. Null if it is not known.
    pub(super) size: Option<u64>,
    /// What happens to the member.
    pub(super) change: MemberChangeRecord,
    /// The tags of the member itself.
    pub(super) tags: Vec<T>,
}

/// What happens to a member.
#[derive(Serialize, Clone, Copy)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum MemberChangeRecord {
    /// It is not in the published list.
    Added,
    /// It is in the published list with another digest.
    Changed,
    /// It is in the published list but not declared.
    Removed,
    /// It does not change.
    Same,
    /// It stays although its source was not found or it is not declared.
    Kept,
    /// Its source was not found.
    Absent,
    /// It is not known.
    Unknown,
}

pub(super) fn list_record<'a>(list: &'a ListPlan, problems: &[Problem]) -> ListRecord<'a> {
    let problem = problems.iter().find(|problem| problem.severity == Severity::Error).map(Problem::slug);
    let index = list.index.as_ref();
    ListRecord {
        reason: problem.or(list.reason.map(|reason| match reason {
            Reason::New => "new",
            Reason::Members => "members",
            Reason::Tags => "tags",
            Reason::Content => "content",
            Reason::Damaged => "damaged",
        })),
        digest: index.map(|index| index.digest.as_str()),
        reference: index.map(|index| list.publication.target.with_digest(&index.digest).to_string()),
        media_type: index.map(|index| index.media_type.as_str()),
        size: index.map(|index| index.size),
    }
}

pub(super) fn tag_record(tag: &TagChange) -> TagRecord<'_> {
    TagRecord {
        tag: tag.tag.as_str(),
        from: tag.from.as_ref().map(crate::oci::Digest::as_str),
        to: tag.to.as_ref().map(crate::oci::Digest::as_str),
        change: match tag.fate {
            TagFate::Created => TagChangeRecord::Created,
            TagFate::Moved => TagChangeRecord::Moved,
            TagFate::Same => TagChangeRecord::Same,
            TagFate::Stays => TagChangeRecord::Stays,
            TagFate::Blocked => TagChangeRecord::Blocked,
            TagFate::Unknown => TagChangeRecord::Unknown,
        },
        reason: tag.stays.as_deref(),
    }
}

/// Returns the members with their tags. `tags` has one item for each of [`ListPlan::member_tags`].
pub(super) fn member_records<'a, T: Clone>(list: &'a ListPlan, tags: &[T]) -> Vec<MemberRecord<'a, T>> {
    let record = |member: &'a MemberChange| {
        let digest = member.descriptor.as_ref().map(|descriptor| &descriptor.digest);
        let is_own = |tag: &MemberTagChange| tag.platform == member.platform && digest == Some(&tag.descriptor.digest);
        let own = list.member_tags.iter().zip(tags).filter(|(change, _)| is_own(change));
        member_record(member, own.map(|(_, tag)| tag.clone()).collect())
    };
    list.members.iter().map(record).collect()
}

pub(super) fn member_record<T>(member: &MemberChange, tags: Vec<T>) -> MemberRecord<'_, T> {
    let descriptor = member.descriptor.as_ref();
    let mut platform = member.platform.clone();
    platform.os_version = None;
    MemberRecord {
        platform: platform.to_string(),
        os_version: member.platform.os_version.as_deref(),
        source: member.source.as_ref().map(ToString::to_string),
        digest: descriptor.map(|descriptor| descriptor.digest.as_str()),
        from: member.from.as_ref().map(crate::oci::Digest::as_str),
        media_type: descriptor.map(|descriptor| descriptor.media_type.as_str()),
        size: descriptor.map(|descriptor| descriptor.size),
        change: match member.fate {
            MemberFate::Added => MemberChangeRecord::Added,
            MemberFate::Changed => MemberChangeRecord::Changed,
            MemberFate::Removed => MemberChangeRecord::Removed,
            MemberFate::Same => MemberChangeRecord::Same,
            MemberFate::Kept => MemberChangeRecord::Kept,
            MemberFate::Absent => MemberChangeRecord::Absent,
            MemberFate::Unknown => MemberChangeRecord::Unknown,
        },
        tags,
    }
}

/// Whether a problem is about a registry as a whole. Such a problem is not part of a list: it is in `problems` of the
/// document once, and names the lists.
pub(super) fn is_shared(problem: &Problem) -> bool {
    problem.http.is_some() && problem.reference.is_none()
}

pub(super) fn own_problems<'a>(
    list: &'a ListPlan,
    problems: &'a [Problem],
    sources: &'a Sources,
) -> Vec<ProblemRecord<'a>> {
    let own = problems.iter().filter(|problem| !is_shared(problem));
    own.map(|problem| problem_record(problem, sources, vec![&list.publication.id])).collect()
}

pub(super) fn shared_problems<'a>(
    context: &'a Context,
    lists: &[(&'a ListPlan, &'a [Problem])],
) -> Vec<ProblemRecord<'a>> {
    let warnings = context.warnings.iter().map(|problem| problem_record(problem, &context.sources, Vec::new()));
    let each = lists.iter().enumerate();
    let shared = each.flat_map(|(at, (_, problems))| problems.iter().map(move |problem| (Some(at), problem)));
    let groups = fold::fold(shared.filter(|(_, problem)| is_shared(problem)));
    let record = |group: fold::ProblemGroup<'a>| {
        let ids = group.lists.iter().filter_map(|at| lists.get(*at)).map(|(list, _)| list.publication.id.as_str());
        // A list may have several targets in this registry.
        let mut seen = HashSet::new();
        problem_record(group.problem, &context.sources, ids.filter(|id| seen.insert(*id)).collect())
    };
    warnings.chain(groups.into_iter().map(record)).collect()
}
