//! The document of `mlist ls --tags`.

use serde::Serialize;

use crate::config::problem::Problem;
use crate::exec::report::Stats;
use crate::oci::Digest;
use crate::plan::{ContentKind, ListedTag, RepositoryState, TagListing};
use crate::ui::document::Context;

use super::{Head, ProblemRecord, RequestCounts, head, problem_record, total};

#[derive(Serialize)]
struct TagsDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    targets: Vec<TagTargetRecord<'a>>,
    problems: Vec<ProblemRecord<'a>>,
    /// Always 0.
    problems_omitted: usize,
    requests: RequestCounts,
}

#[derive(Serialize)]
struct TagTargetRecord<'a> {
    target: String,
    state: &'static str,
    tags: Vec<ListedTagRecord<'a>>,
    /// The number of further tags, because of `--limit`.
    omitted: usize,
    /// The number of tags of single members that are not in `tags`.
    member_tags_omitted: usize,
    /// The number of `sha256-…` tags that are not in `tags`.
    sha256_tags_omitted: usize,
}

#[derive(Serialize)]
struct ListedTagRecord<'a> {
    tag: &'a str,
    state: &'static str,
    #[serde(rename = "type")]
    kind: Option<&'static str>,
    digest: Option<&'a str>,
    media_type: Option<&'a str>,
    platforms: Option<Vec<String>>,
}

/// Renders a document with `"kind": "tags"`.
pub(super) fn tags(context: &Context, listings: &[TagListing], requests: &Stats, exit_status: u8) -> String {
    let problems: Vec<&Problem> = listings.iter().flat_map(|listing| &listing.problems).collect();
    let mut seen: Vec<&Problem> = Vec::new();
    for problem in context.warnings.iter().chain(problems) {
        if !seen.contains(&problem) {
            seen.push(problem);
        }
    }
    super::document(&TagsDocument {
        head: head("tags", context, exit_status),
        targets: listings.iter().map(target).collect(),
        problems: seen.into_iter().map(|problem| problem_record(problem, &context.sources, Vec::new())).collect(),
        problems_omitted: 0,
        requests: total(requests),
    })
}

fn target(listing: &TagListing) -> TagTargetRecord<'_> {
    TagTargetRecord {
        target: listing.target.to_string(),
        state: match listing.state {
            RepositoryState::Found => "found",
            RepositoryState::Absent => "absent",
            RepositoryState::Unknown => "unknown",
        },
        tags: listing.tags.iter().map(tag).collect(),
        omitted: listing.omitted,
        member_tags_omitted: listing.member_tags,
        sha256_tags_omitted: listing.sha256_tags,
    }
}

fn tag(tag: &ListedTag) -> ListedTagRecord<'_> {
    let (state, kind) = match tag.kind {
        ContentKind::List => ("found", Some("list")),
        ContentKind::Image => ("found", Some("image")),
        ContentKind::Artifact => ("found", Some("artifact")),
        ContentKind::Other => ("found", None),
        ContentKind::Absent => ("absent", None),
        ContentKind::Unknown => ("unknown", None),
    };
    ListedTagRecord {
        tag: tag.tag.as_str(),
        state,
        kind,
        digest: tag.descriptor.as_ref().map(|descriptor| Digest::as_str(&descriptor.digest)),
        media_type: tag.descriptor.as_ref().map(|descriptor| descriptor.media_type.as_str()),
        platforms: tag.platforms.as_ref().map(|all| all.iter().map(ToString::to_string).collect()),
    }
}
