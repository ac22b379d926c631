//! The document of `mlist plan`.

use serde::Serialize;

use crate::config::problem::{Problem, Sources};
use crate::exec::report::Stats;
use crate::plan::{ListPlan, Plan};
use crate::ui::document::Context;
use crate::ui::text;

use super::list::{
    ListRecord, MemberRecord, TagRecord, list_record, member_records, own_problems, shared_problems, tag_record,
};
use super::{Head, LeftOutRecord, ProblemRecord, RequestCounts, head, left_out, total};

#[derive(Serialize)]
struct PlanDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    summary: PlanSummary,
    lists: Vec<PlannedList<'a>>,
    left_out: Vec<LeftOutRecord<'a>>,
    problems: Vec<ProblemRecord<'a>>,
    /// Always 0.
    problems_omitted: usize,
    requests: RequestCounts,
}

#[derive(Serialize)]
struct PlanSummary {
    create: usize,
    update: usize,
    unchanged: usize,
    blocked: usize,
    failed: usize,
}

/// A list and what a sync does with it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct PlannedList<'a> {
    /// The id of the list.
    id: &'a str,
    /// The repository of the list.
    target: String,
    /// What a sync does with the list.
    #[cfg_attr(test, schemars(extend("enum" = ["create", "update", "unchanged", "blocked", "failed"])))]
    action: &'static str,
    #[serde(flatten)]
    list: ListRecord<'a>,
    /// The tags of the list, in the order of the file.
    tags: Vec<TagRecord<'a>>,
    /// The declared members in the order of the file, then other members of the list, then removed ones.
    members: Vec<MemberRecord<'a, TagRecord<'a>>>,
    /// The problems of this list alone.
    problems: Vec<ProblemRecord<'a>>,
}

/// Renders a document with `"kind": "plan"`.
pub(super) fn plan(context: &Context, plan: &Plan, requests: &Stats, exit_status: u8) -> String {
    let summary = plan.summary();
    let lists: Vec<(&ListPlan, &[Problem])> =
        plan.lists.iter().map(|list| (&**list, list.problems.as_slice())).collect();
    super::document(&PlanDocument {
        head: head("plan", context, exit_status),
        summary: PlanSummary {
            create: summary.create,
            update: summary.update,
            unchanged: summary.unchanged,
            blocked: summary.blocked,
            failed: summary.failed,
        },
        lists: plan.lists.iter().map(|list| planned(list, &context.sources)).collect(),
        left_out: left_out(context),
        problems: shared_problems(context, &lists),
        problems_omitted: 0,
        requests: total(requests),
    })
}

pub(super) fn planned<'a>(list: &'a ListPlan, sources: &'a Sources) -> PlannedList<'a> {
    PlannedList {
        id: &list.publication.id,
        target: list.publication.target.to_string(),
        action: text::action(list.action),
        list: list_record(list, &list.problems),
        tags: list.tags.iter().map(tag_record).collect(),
        members: member_records(list, &list.member_tags.iter().map(|own| tag_record(&own.tag)).collect::<Vec<_>>()),
        problems: own_problems(list, &list.problems, sources),
    }
}
