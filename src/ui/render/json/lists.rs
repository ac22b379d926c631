//! The document of `mlist ls`.

use serde::Serialize;

use crate::config::Publication;
use crate::config::model::{Member, TargetTag};
use crate::config::problem::{Problem, Sources};
use crate::exec::report::Stats;
use crate::plan::{ListPlan, MemberState, PublishedState, Verification};
use crate::ui::document::{Checked, Context, VerifiedLists};
use crate::ui::text;

use super::list::{
    ListRecord, MemberChangeRecord, MemberRecord, TagChangeRecord, TagRecord, list_record, member_records,
    own_problems, shared_problems, tag_record,
};
use super::{Head, LeftOutRecord, ProblemRecord, RequestCounts, head, left_out, problem_record, total};

/// The lists, and what is published of them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ListsDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    /// The selected lists, in file order.
    lists: Vec<ShownList<'a>>,
    /// The keys of the lists that are not known without the tags of a registry. Empty unless `--offline` is used.
    unexpanded: &'a [String],
    /// The selected lists to which no tag applies.
    left_out: Vec<LeftOutRecord<'a>>,
    /// The problems that are not those of a single list: warnings of the file, and registries that cannot be used.
    problems: Vec<ProblemRecord<'a>>,
    /// Always 0.
    problems_omitted: usize,
    /// The number of requests that were sent.
    requests: RequestCounts,
}

/// A list in one repository.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ShownList<'a> {
    /// The id of the list.
    id: &'a str,
    /// The repository of the list.
    target: String,
    /// What is published of the list. Null with `--offline`.
    state: Option<PublishedRecord>,
    /// The action of a plan in which sources that are not found count as unchanged. Null with `--offline`.
    action: Option<&'static str>,
    #[serde(flatten)]
    list: ListRecord<'a>,
    /// The tags of the list.
    tags: Vec<TagRecord<'a>>,
    /// The declared members in file order, then other members of the published list.
    members: Vec<ShownMember<'a>>,
    /// The problems of the list.
    problems: Vec<ProblemRecord<'a>>,
}

/// A member of a list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ShownMember<'a> {
    #[serde(flatten)]
    member: MemberRecord<'a, TagRecord<'a>>,
    /// How the member is published. Null with `--offline`.
    state: Option<MemberStateRecord>,
}

/// What is published of a list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum PublishedRecord {
    /// The list as declared.
    AsDeclared,
    /// Another list, or not all of its tags.
    Differs,
    /// Nothing: the tag was not found.
    Absent,
    /// It is not known.
    Unknown,
}

/// How a member is published.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum MemberStateRecord {
    /// As declared.
    AsDeclared,
    /// Its source names another image now.
    Differs,
    /// Its source exists, but it is not in the published list.
    New,
    /// Its source was not found.
    Absent,
    /// It is in the published list, but not declared.
    Undeclared,
    /// It is not known.
    Unknown,
}

/// Renders a document with `"kind": "lists"` of what the file expands to. Nothing is known about registries.
pub(super) fn declared(context: &Context, checked: &Checked, exit_status: u8) -> String {
    super::document(&ListsDocument {
        head: head("lists", context, exit_status),
        lists: checked.publications.iter().map(|list| declared_list(list)).collect(),
        unexpanded: &checked.unexpanded,
        left_out: left_out(context),
        problems: context.warnings.iter().map(|it| problem_record(it, &context.sources, Vec::new())).collect(),
        problems_omitted: 0,
        requests: total(&Stats::new()),
    })
}

/// Renders a document with `"kind": "lists"` of what is published.
pub(super) fn lists(context: &Context, verified: &VerifiedLists, exit_status: u8) -> String {
    let lists: Vec<(&ListPlan, &[Problem])> =
        verified.lists.iter().map(|list| (&*list.plan, list.plan.problems.as_slice())).collect();
    super::document(&ListsDocument {
        head: head("lists", context, exit_status),
        lists: verified.lists.iter().map(|list| shown(list, &context.sources)).collect(),
        unexpanded: &[],
        left_out: left_out(context),
        problems: shared_problems(context, &lists),
        problems_omitted: 0,
        requests: total(&verified.requests),
    })
}

fn shown<'a>(list: &'a Verification, sources: &'a Sources) -> ShownList<'a> {
    let plan = &*list.plan;
    let own: Vec<TagRecord<'_>> = plan.member_tags.iter().map(|own| tag_record(&own.tag)).collect();
    let states = plan.members.iter().map(|member| plan.state_of(member));
    ShownList {
        id: &plan.publication.id,
        target: plan.publication.target.to_string(),
        state: Some(match list.published() {
            PublishedState::AsDeclared => PublishedRecord::AsDeclared,
            PublishedState::Differs => PublishedRecord::Differs,
            PublishedState::Absent => PublishedRecord::Absent,
            PublishedState::Unknown => PublishedRecord::Unknown,
        }),
        action: Some(text::action(plan.action)),
        list: list_record(plan, &plan.problems),
        tags: plan.tags.iter().map(tag_record).collect(),
        members: member_records(plan, &own)
            .into_iter()
            .zip(states)
            .map(|(member, state)| ShownMember { member, state: Some(member_state(state)) })
            .collect(),
        problems: own_problems(plan, &plan.problems, sources),
    }
}

fn member_state(state: MemberState) -> MemberStateRecord {
    match state {
        MemberState::AsDeclared => MemberStateRecord::AsDeclared,
        MemberState::Differs => MemberStateRecord::Differs,
        MemberState::New => MemberStateRecord::New,
        MemberState::Absent => MemberStateRecord::Absent,
        MemberState::Undeclared => MemberStateRecord::Undeclared,
        MemberState::Unknown => MemberStateRecord::Unknown,
    }
}

fn declared_list(list: &Publication) -> ShownList<'_> {
    ShownList {
        id: &list.id,
        target: list.target.to_string(),
        state: None,
        action: None,
        list: ListRecord { reason: None, digest: None, reference: None, media_type: None, size: None },
        tags: list.tags.iter().map(declared_tag).collect(),
        members: list.members.iter().map(declared_member).collect(),
        problems: Vec::new(),
    }
}

fn declared_tag(tag: &TargetTag) -> TagRecord<'_> {
    TagRecord { tag: tag.tag.as_str(), from: None, to: None, change: TagChangeRecord::Unknown, reason: None }
}

fn declared_member(member: &Member) -> ShownMember<'_> {
    let own = |tag| TagRecord { tag, from: None, to: None, change: TagChangeRecord::Unknown, reason: None };
    let platform = crate::oci::Platform { os_version: None, ..member.platform.clone() };
    let record = MemberRecord {
        platform: platform.to_string(),
        os_version: member.platform.os_version.as_deref(),
        source: Some(member.source.to_string()),
        digest: None,
        from: None,
        media_type: None,
        size: None,
        change: MemberChangeRecord::Unknown,
        tags: member.tags.iter().map(|tag| own(tag.tag.as_str())).collect(),
    };
    ShownMember { member: record, state: None }
}
