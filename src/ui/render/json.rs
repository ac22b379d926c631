//! The JSON documents for scripts. Their format is stable from the first release on.
//!
//! All fields are always present, and null if unknown. The types in this file are the format: no type of another layer
//! is serialized.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::config::model::LeftOut;
use crate::config::problem::{Problem, Severity, Sources};
use crate::exec::report::{HostStats, ListReport, Outcome, Report, Stats, TagDone};
use crate::plan::{ListPlan, MemberChange, MemberFate, MemberTagChange, Plan, Reason, TagChange, TagFate};

use crate::ui::document::{self, Content, Context, Document};
use crate::ui::text;

use super::fold;

/// The fields that every document begins with.
#[derive(Serialize)]
struct Head<'a> {
    version: u32,
    kind: &'static str,
    mlist: &'static str,
    file: Option<&'a str>,
    exit_status: u8,
}

#[derive(Serialize)]
struct ProblemsDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    left_out: Vec<LeftOutRecord<'a>>,
    problems: Vec<ProblemRecord<'a>>,
    problems_omitted: usize,
}

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
struct PlanSummary {
    create: usize,
    update: usize,
    unchanged: usize,
    blocked: usize,
    failed: usize,
}

#[derive(Serialize)]
struct ReportSummary {
    published: usize,
    unchanged: usize,
    failed: usize,
    blocked: usize,
    cancelled: usize,
}

/// A list to which no tag applies.
#[derive(Serialize)]
struct LeftOutRecord<'a> {
    id: &'a str,
    target: String,
    reason: &'a str,
}

#[derive(Serialize)]
struct ListRecord<'a> {
    reason: Option<&'static str>,
    digest: Option<&'a str>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    media_type: Option<&'a str>,
    size: Option<u64>,
}

#[derive(Serialize)]
struct PlannedList<'a> {
    id: &'a str,
    target: String,
    action: &'static str,
    #[serde(flatten)]
    list: ListRecord<'a>,
    tags: Vec<TagRecord<'a>>,
    members: Vec<MemberRecord<'a, TagRecord<'a>>>,
    problems: Vec<ProblemRecord<'a>>,
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
struct TagRecord<'a> {
    tag: &'a str,
    from: Option<&'a str>,
    to: Option<&'a str>,
    change: &'static str,
    reason: Option<&'a str>,
}

#[derive(Serialize, Clone)]
struct ReportedTag<'a> {
    #[serde(flatten)]
    tag: TagRecord<'a>,
    /// Null if it is not known whether the registry wrote the tag.
    done: Option<bool>,
}

/// A member with its own tags.
#[derive(Serialize)]
struct MemberRecord<'a, T> {
    platform: String,
    os_version: Option<&'a str>,
    source: Option<String>,
    digest: Option<&'a str>,
    from: Option<&'a str>,
    media_type: Option<&'a str>,
    size: Option<u64>,
    change: &'static str,
    tags: Vec<T>,
}

#[derive(Serialize)]
struct ProblemRecord<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    causes: &'a [String],
    help: Option<&'a str>,
    retry: bool,
    reference: Option<&'a str>,
    at: Option<AtRecord<'a>>,
    lists: Vec<&'a str>,
    http: Option<HttpRecord<'a>>,
}

#[derive(Serialize)]
struct AtRecord<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct HttpRecord<'a> {
    host: &'a str,
    status: Option<u16>,
    code: Option<&'a str>,
    attempts: u32,
}

#[derive(Serialize, Default)]
struct RequestCounts {
    head: u64,
    get: u64,
    put: u64,
    post: u64,
    token: u64,
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

/// Renders `document` as JSON.
pub(in crate::ui) fn render(document: &Document) -> String {
    let Document { context, content, status } = document;
    let exit_status = status.code();
    match content {
        Content::Check(_) => problems(context, &context.warnings, exit_status),
        Content::Problems(found) => problems(context, found, exit_status),
        Content::Plan { plan, requests } => self::plan(context, plan, requests, exit_status),
        Content::Report(report) => self::report(context, report, exit_status),
        Content::Interrupted { .. } => problems(context, &[], exit_status),
    }
}

/// Renders a document with `"kind": "problems"`.
fn problems(context: &Context, problems: &[Problem], exit_status: u8) -> String {
    let (shown, problems_omitted) = document::shown(problems);
    let problems = shown.iter().map(|problem| problem_record(problem, &context.sources, Vec::new())).collect();
    let (head, left_out) = (head("problems", context, exit_status), left_out(context));
    self::document(&ProblemsDocument { head, left_out, problems, problems_omitted })
}

/// Renders a document with `"kind": "plan"`.
fn plan(context: &Context, plan: &Plan, requests: &Stats, exit_status: u8) -> String {
    let summary = plan.summary();
    let lists: Vec<(&ListPlan, &[Problem])> =
        plan.lists.iter().map(|list| (&**list, list.problems.as_slice())).collect();
    self::document(&PlanDocument {
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

/// Renders a document with `"kind": "report"`.
fn report(context: &Context, report: &Report, exit_status: u8) -> String {
    let count = |word: &str| report.lists.iter().filter(|list| outcome_word(list.outcome) == word).count();
    let lists: Vec<(&ListPlan, &[Problem])> =
        report.lists.iter().map(|list| (&*list.plan, list.problems.as_slice())).collect();
    self::document(&ReportDocument {
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

fn document(document: &impl Serialize) -> String {
    // Serializing strings, numbers and lists of them cannot fail.
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

fn head<'a>(kind: &'static str, context: &'a Context, exit_status: u8) -> Head<'a> {
    Head { version: 1, kind, mlist: env!("CARGO_PKG_VERSION"), file: context.file(), exit_status }
}

fn left_out<'a>(context: &'a Context) -> Vec<LeftOutRecord<'a>> {
    let record = |list: &'a LeftOut| LeftOutRecord { id: &list.id, target: list.target.to_string(), reason: &list.why };
    context.left_out.iter().map(record).collect()
}

fn planned<'a>(list: &'a ListPlan, sources: &'a Sources) -> PlannedList<'a> {
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

fn list_record<'a>(list: &'a ListPlan, problems: &[Problem]) -> ListRecord<'a> {
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

fn tag_record(tag: &TagChange) -> TagRecord<'_> {
    TagRecord {
        tag: tag.tag.as_str(),
        from: tag.from.as_ref().map(crate::oci::Digest::as_str),
        to: tag.to.as_ref().map(crate::oci::Digest::as_str),
        change: match tag.fate {
            TagFate::Created => "created",
            TagFate::Moved => "moved",
            TagFate::Same => "same",
            TagFate::Stays => "stays",
            TagFate::Blocked => "blocked",
            TagFate::Unknown => "unknown",
        },
        reason: tag.stays.as_deref(),
    }
}

/// Returns the members with their tags. `tags` has one item for each of [`ListPlan::member_tags`].
fn member_records<'a, T: Clone>(list: &'a ListPlan, tags: &[T]) -> Vec<MemberRecord<'a, T>> {
    let record = |member: &'a MemberChange| {
        let digest = member.descriptor.as_ref().map(|descriptor| &descriptor.digest);
        let is_own = |tag: &MemberTagChange| tag.platform == member.platform && digest == Some(&tag.descriptor.digest);
        let own = list.member_tags.iter().zip(tags).filter(|(change, _)| is_own(change));
        member_record(member, own.map(|(_, tag)| tag.clone()).collect())
    };
    list.members.iter().map(record).collect()
}

fn member_record<T>(member: &MemberChange, tags: Vec<T>) -> MemberRecord<'_, T> {
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
            MemberFate::Added => "added",
            MemberFate::Changed => "changed",
            MemberFate::Removed => "removed",
            MemberFate::Same => "same",
            MemberFate::Kept => "kept",
            MemberFate::Absent => "absent",
            MemberFate::Unknown => "unknown",
        },
        tags,
    }
}

/// Whether a problem is about a registry as a whole. Such a problem is not part of a list: it is in `problems` of the
/// document once, and names the lists.
fn is_shared(problem: &Problem) -> bool {
    problem.http.is_some() && problem.reference.is_none()
}

fn own_problems<'a>(list: &'a ListPlan, problems: &'a [Problem], sources: &'a Sources) -> Vec<ProblemRecord<'a>> {
    let own = problems.iter().filter(|problem| !is_shared(problem));
    own.map(|problem| problem_record(problem, sources, vec![&list.publication.id])).collect()
}

fn shared_problems<'a>(context: &'a Context, lists: &[(&'a ListPlan, &'a [Problem])]) -> Vec<ProblemRecord<'a>> {
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

fn problem_record<'a>(problem: &'a Problem, sources: &'a Sources, lists: Vec<&'a str>) -> ProblemRecord<'a> {
    let at = problem.labels.first().and_then(|label| {
        let (file, at) = (sources.get(label.span.file)?, sources.position(&label.span)?);
        Some(AtRecord {
            file: &file.name,
            line: at.line,
            column: at.column,
            end_line: at.end_line,
            end_column: at.end_column,
        })
    });
    let http = problem.http.as_ref().map(|http| HttpRecord {
        host: &http.host,
        status: http.status,
        code: http.code.as_deref(),
        attempts: http.attempts,
    });
    ProblemRecord {
        code: problem.code,
        severity: match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        message: &problem.message,
        causes: &problem.causes,
        help: problem.help.as_deref(),
        retry: problem.retry,
        reference: problem.reference.as_deref(),
        at,
        lists,
        http,
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

fn counts(asked: &HostStats) -> RequestCounts {
    RequestCounts { head: asked.head, get: asked.get, put: asked.put, post: asked.post, token: asked.token }
}

fn total(requests: &Stats) -> RequestCounts {
    requests.values().fold(RequestCounts::default(), |sum, asked| RequestCounts {
        head: sum.head + asked.head,
        get: sum.get + asked.get,
        put: sum.put + asked.put,
        post: sum.post + asked.post,
        token: sum.token + asked.token,
    })
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

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
