//! The JSON documents for scripts. Their format is stable from the first release on.
//!
//! All fields are always present, and null if unknown. The types here are the format: no type of another layer is
//! serialized.
//!
//! | file | holds |
//! |---|---|
//! | [`plan`](mod@plan), [`report`], [`verification`] | the documents of `mlist plan`, `mlist sync` and `mlist verify` |
//! | [`lists`], [`tags`] | the documents of `mlist ls`, and of `mlist ls --tags` |
//! | [`list`] | what they have in common |
//! | [`tree`](mod@tree) | the document of `mlist inspect` |
//!
//! The schemas in `schema/` are generated from these types by the tests in `schemas.rs`.
//!
//! This file has what all documents have in common, and the document with problems of the file.

use serde::Serialize;

use crate::config::model::LeftOut;
use crate::config::problem::{Problem, Severity, Sources};
use crate::exec::report::{HostStats, Stats};
use crate::ui::document::{self, Content, Context, Document};

mod list;
mod lists;
mod plan;
mod report;
#[cfg(test)]
mod schemas;
mod tags;
mod tree;
mod verification;

/// The fields that every document begins with.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Head<'a> {
    /// The version of the format. It changes only if a field is removed or its meaning changes.
    version: u32,
    /// The kind of the document.
    kind: &'static str,
    /// The version of mlist.
    mlist: &'static str,
    /// The path of manifests.toml. Null if none was read.
    file: Option<&'a str>,
    /// The exit status of mlist.
    exit_status: u8,
}

/// Problems that occurred before anything could be done, or the warnings of a valid file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ProblemsDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    /// The selected lists to which no tag applies.
    left_out: Vec<LeftOutRecord<'a>>,
    /// The problems in file order, at most 100.
    problems: Vec<ProblemRecord<'a>>,
    /// The number of further problems.
    problems_omitted: usize,
}

/// A list to which no tag applies.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LeftOutRecord<'a> {
    /// The id of the list.
    id: &'a str,
    /// The repository of the list.
    target: String,
    /// Why no tag applies.
    reason: &'a str,
}

/// A problem.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ProblemRecord<'a> {
    /// The code, such as `mlist::registry::denied`. All codes are listed in docs/codes.md.
    code: &'static str,
    /// Whether it is an error or a warning.
    severity: SeverityRecord,
    /// The message.
    message: &'a str,
    /// The reasons, the nearest one first.
    causes: &'a [String],
    /// What to do. Null if there is no advice.
    help: Option<&'a str>,
    /// Whether the same command may succeed later.
    retry: bool,
    /// The reference that the problem is about. Null if it is not about one.
    reference: Option<&'a str>,
    /// The place in a file. Null if there is none.
    at: Option<AtRecord<'a>>,
    /// The ids of the affected lists.
    lists: Vec<&'a str>,
    /// The response of a registry. Null if the problem is not about a registry.
    http: Option<HttpRecord<'a>>,
}

/// Whether a problem is an error.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum SeverityRecord {
    /// The command, or a list, fails because of it.
    Error,
    /// The command continues.
    Warning,
}

/// A range in a file. Lines and columns begin at 1.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct AtRecord<'a> {
    /// The path of the file.
    file: &'a str,
    /// The first line.
    line: usize,
    /// The first column.
    column: usize,
    /// The last line.
    end_line: usize,
    /// The column after the last character.
    end_column: usize,
}

/// What is known about the response of a registry.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct HttpRecord<'a> {
    /// The host.
    host: &'a str,
    /// The HTTP status. Null if there was no response.
    status: Option<u16>,
    /// The error code in the response. Null if there was none.
    code: Option<&'a str>,
    /// The number of attempts.
    attempts: u32,
}

/// The number of requests by method. Token requests are counted separately.
#[derive(Serialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RequestCounts {
    /// HEAD requests.
    head: u64,
    /// GET requests.
    get: u64,
    /// PUT and PATCH requests.
    put: u64,
    /// POST requests.
    post: u64,
    /// Token requests.
    token: u64,
}

/// Renders `document` as JSON.
pub(in crate::ui) fn render(document: &Document) -> String {
    let Document { context, content, status } = document;
    let exit_status = status.code();
    match content {
        Content::Check(_) => problems(context, &context.warnings, exit_status),
        Content::Declared { checked, .. } => lists::declared(context, checked, exit_status),
        Content::Lists(verified) => lists::lists(context, verified, exit_status),
        Content::Tags { listings, requests, .. } => tags::tags(context, listings, requests, exit_status),
        Content::Problems(found) => problems(context, found, exit_status),
        Content::Plan { plan, requests } => plan::plan(context, plan, requests, exit_status),
        Content::Verification(verified) => verification::verification(context, verified, exit_status),
        Content::Report(report) => report::report(context, report, exit_status),
        Content::Tree { inspection, requests } => tree::tree(context, inspection, requests, exit_status),
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
            Severity::Error => SeverityRecord::Error,
            Severity::Warning => SeverityRecord::Warning,
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
