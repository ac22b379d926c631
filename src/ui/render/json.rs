//! The JSON documents for scripts. Their format is stable from the first release on.
//!
//! All fields are always present, and null if unknown. The types here are the format: no type of another layer is
//! serialized.
//!
//! | file | holds |
//! |---|---|
//! | [`plan`](mod@plan), [`report`], [`verification`] | the documents of `mlist plan`, `mlist sync` and `mlist verify` |
//! | [`list`] | what they have in common |
//!
//! This file has what all documents have in common, and the document with problems of the file.

use serde::Serialize;

use crate::config::model::LeftOut;
use crate::config::problem::{Problem, Severity, Sources};
use crate::exec::report::{HostStats, Stats};
use crate::ui::document::{self, Content, Context, Document};

mod list;
mod plan;
mod report;
mod verification;

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

/// A list to which no tag applies.
#[derive(Serialize)]
struct LeftOutRecord<'a> {
    id: &'a str,
    target: String,
    reason: &'a str,
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

/// Renders `document` as JSON.
pub(in crate::ui) fn render(document: &Document) -> String {
    let Document { context, content, status } = document;
    let exit_status = status.code();
    match content {
        Content::Check(_) => problems(context, &context.warnings, exit_status),
        Content::Problems(found) => problems(context, found, exit_status),
        Content::Plan { plan, requests } => plan::plan(context, plan, requests, exit_status),
        Content::Verification(verified) => verification::verification(context, verified, exit_status),
        Content::Report(report) => report::report(context, report, exit_status),
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

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
