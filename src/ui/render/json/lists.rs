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
    ListRecord, MemberRecord, TagRecord, list_record, member_records, own_problems, shared_problems, tag_record,
};
use super::{Head, LeftOutRecord, ProblemRecord, RequestCounts, head, left_out, problem_record, total};

#[derive(Serialize)]
struct ListsDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    lists: Vec<ShownList<'a>>,
    /// The entries of the file whose lists are not known without the tags of a registry.
    unexpanded: &'a [String],
    left_out: Vec<LeftOutRecord<'a>>,
    problems: Vec<ProblemRecord<'a>>,
    /// Always 0.
    problems_omitted: usize,
    requests: RequestCounts,
}

#[derive(Serialize)]
struct ShownList<'a> {
    id: &'a str,
    target: String,
    state: Option<&'static str>,
    action: Option<&'static str>,
    #[serde(flatten)]
    list: ListRecord<'a>,
    tags: Vec<TagRecord<'a>>,
    members: Vec<ShownMember<'a>>,
    problems: Vec<ProblemRecord<'a>>,
}

#[derive(Serialize)]
struct ShownMember<'a> {
    #[serde(flatten)]
    member: MemberRecord<'a, TagRecord<'a>>,
    state: Option<&'static str>,
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
            PublishedState::AsDeclared => "as_declared",
            PublishedState::Differs => "differs",
            PublishedState::Absent => "absent",
            PublishedState::Unknown => "unknown",
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

fn member_state(state: MemberState) -> &'static str {
    match state {
        MemberState::AsDeclared => "as_declared",
        MemberState::Differs => "differs",
        MemberState::New => "new",
        MemberState::Absent => "absent",
        MemberState::Undeclared => "undeclared",
        MemberState::Unknown => "unknown",
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
    TagRecord { tag: tag.tag.as_str(), from: None, to: None, change: "unknown", reason: None }
}

fn declared_member(member: &Member) -> ShownMember<'_> {
    let own = |tag| TagRecord { tag, from: None, to: None, change: "unknown", reason: None };
    let platform = crate::oci::Platform { os_version: None, ..member.platform.clone() };
    let record = MemberRecord {
        platform: platform.to_string(),
        os_version: member.platform.os_version.as_deref(),
        source: Some(member.source.to_string()),
        digest: None,
        from: None,
        media_type: None,
        size: None,
        change: "unknown",
        tags: member.tags.iter().map(|tag| own(tag.tag.as_str())).collect(),
    };
    ShownMember { member: record, state: None }
}
