//! The document of `mlist sync`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::problem::{Problem, Sources};
use crate::exec::report::{HostStats, ListReport, Outcome, Report, TagDone};
use crate::plan::{ListPlan, TagChange};
use crate::ui::document::Context;
use crate::ui::text;

use super::list::{
    ListRecord, MemberRecord, TagRecord, list_record, member_records, own_problems, shared_problems, tag_record,
};
use super::{Head, LeftOutRecord, ProblemRecord, RequestCounts, counts, head, left_out, millis, total};

#[derive(Serialize)]
struct ReportDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    started_at: String,
    duration_ms: u64,
    summary: ReportSummary,
    lists: Vec<ReportedList<'a>>,
    left_out: Vec<LeftOutRecord<'a>>,
    problems: Vec<ProblemRecord<'a>>,
    /// Always 0.
    problems_omitted: usize,
    requests: RequestCounts,
    registries: BTreeMap<&'a str, RegistryRecord<'a>>,
}

#[derive(Serialize)]
struct ReportSummary {
    published: usize,
    unchanged: usize,
    failed: usize,
    blocked: usize,
    cancelled: usize,
}

#[derive(Serialize)]
struct ReportedList<'a> {
    id: &'a str,
    target: String,
    action: &'static str,
    outcome: &'static str,
    duration_ms: u64,
    #[serde(flatten)]
    list: ListRecord<'a>,
    tags: Vec<ReportedTag<'a>>,
    members: Vec<MemberRecord<'a, ReportedTag<'a>>>,
    problems: Vec<ProblemRecord<'a>>,
}

#[derive(Serialize, Clone)]
struct ReportedTag<'a> {
    #[serde(flatten)]
    tag: TagRecord<'a>,
    /// Null if it is not known whether the registry wrote the tag.
    done: Option<bool>,
}

#[derive(Serialize)]
struct RegistryRecord<'a> {
    #[serde(flatten)]
    requests: RequestCounts,
    retries: u64,
    waited_ms: u64,
    credentials: Option<&'a str>,
    pulls_left: Option<u64>,
}

/// Renders a document with `"kind": "report"`.
pub(super) fn report(context: &Context, report: &Report, exit_status: u8) -> String {
    let count = |word: &str| report.lists.iter().filter(|list| outcome_word(list.outcome) == word).count();
    let lists: Vec<(&ListPlan, &[Problem])> =
        report.lists.iter().map(|list| (&*list.plan, list.problems.as_slice())).collect();
    super::document(&ReportDocument {
        head: head("report", context, exit_status),
        started_at: text::timestamp(report.started_at),
        duration_ms: millis(report.duration),
        summary: ReportSummary {
            published: count("published"),
            unchanged: count("unchanged"),
            failed: count("failed"),
            blocked: count("blocked"),
            cancelled: count("cancelled"),
        },
        lists: report.lists.iter().map(|list| reported(list, &context.sources)).collect(),
        left_out: left_out(context),
        problems: shared_problems(context, &lists),
        problems_omitted: 0,
        requests: total(&report.requests),
        registries: report.requests.iter().map(|(host, asked)| (host.as_str(), registry_record(asked))).collect(),
    })
}

fn reported<'a>(list: &'a ListReport, sources: &'a Sources) -> ReportedList<'a> {
    let plan = &*list.plan;
    let tag = |(tag, done): (&'a TagChange, &TagDone)| ReportedTag {
        tag: tag_record(tag),
        done: match done {
            TagDone::Yes => Some(true),
            TagDone::No => Some(false),
            TagDone::Unknown => None,
        },
    };
    let of_members = plan.member_tags.iter().map(|own| &own.tag).zip(&list.member_tags);
    ReportedList {
        id: &plan.publication.id,
        target: plan.publication.target.to_string(),
        action: text::action(plan.action),
        outcome: outcome_word(list.outcome),
        duration_ms: millis(list.duration),
        list: list_record(plan, &list.problems),
        tags: plan.tags.iter().zip(&list.tags).map(tag).collect(),
        members: member_records(plan, &of_members.map(tag).collect::<Vec<_>>()),
        problems: own_problems(plan, &list.problems, sources),
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Published => "published",
        Outcome::Unchanged => "unchanged",
        Outcome::Blocked => "blocked",
        Outcome::Failed => "failed",
        Outcome::Cancelled { .. } => "cancelled",
    }
}

fn registry_record(asked: &HostStats) -> RegistryRecord<'_> {
    RegistryRecord {
        requests: counts(asked),
        retries: asked.retries,
        waited_ms: millis(asked.waited),
        credentials: asked.credentials.as_deref(),
        pulls_left: asked.pulls_left,
    }
}
