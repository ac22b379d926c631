//! The document of `mlist ls --tags`.

use serde::Serialize;

use crate::config::problem::Problem;
use crate::exec::report::Stats;
use crate::oci::Digest;
use crate::plan::{ContentKind, ListedTag, RepositoryState, TagListing};
use crate::ui::document::Context;

use super::{Head, ProblemRecord, RequestCounts, head, problem_record, total};

/// The tags of the repositories that lists are published to.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TagsDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    /// The repositories, in the order of the file.
    targets: Vec<TagTargetRecord<'a>>,
    /// Why something is not known, and warnings of the file.
    problems: Vec<ProblemRecord<'a>>,
    /// Always 0.
    problems_omitted: usize,
    /// The number of requests that were sent.
    requests: RequestCounts,
}

/// A repository.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TagTargetRecord<'a> {
    /// The repository or layout.
    target: String,
    /// Whether the repository exists.
    state: ExistenceRecord,
    /// The tags: versions first, the greatest first, then the others by name.
    tags: Vec<ListedTagRecord<'a>>,
    /// The number of further tags, which are left out because of `--limit`.
    omitted: usize,
    /// The number of tags of single members, which are left out unless `-v` is used.
    member_tags_omitted: usize,
    /// The number of `sha256-…` tags, which are left out unless `-v` is used.
    sha256_tags_omitted: usize,
}

/// A tag, and what it names.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ListedTagRecord<'a> {
    /// The tag.
    tag: &'a str,
    /// Whether the tag exists. It may be deleted after the tags were listed.
    state: ExistenceRecord,
    /// What the tag names. Null if it is something else, see `media_type`, or if it is not known.
    #[serde(rename = "type")]
    kind: Option<TaggedRecord>,
    /// The digest that the tag names. Null if it is not known.
    digest: Option<&'a str>,
    /// The media type of the manifest. Null if it is not known.
    media_type: Option<&'a str>,
    /// The platforms of its images, such as `linux/arm/v7`, with the version of Windows after a space. Null if they are
    /// not known.
    platforms: Option<Vec<String>>,
}

/// Whether something exists.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum ExistenceRecord {
    /// It exists.
    Found,
    /// The registry responded with 404.
    Absent,
    /// It is not known.
    Unknown,
}

/// What a tag names.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum TaggedRecord {
    /// A manifest list or image index.
    List,
    /// An image.
    Image,
    /// An artifact that is not an image.
    Artifact,
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
            RepositoryState::Found => ExistenceRecord::Found,
            RepositoryState::Absent => ExistenceRecord::Absent,
            RepositoryState::Unknown => ExistenceRecord::Unknown,
        },
        tags: listing.tags.iter().map(tag).collect(),
        omitted: listing.omitted,
        member_tags_omitted: listing.member_tags,
        sha256_tags_omitted: listing.sha256_tags,
    }
}

fn tag(tag: &ListedTag) -> ListedTagRecord<'_> {
    let (state, kind) = match tag.kind {
        ContentKind::List => (ExistenceRecord::Found, Some(TaggedRecord::List)),
        ContentKind::Image => (ExistenceRecord::Found, Some(TaggedRecord::Image)),
        ContentKind::Artifact => (ExistenceRecord::Found, Some(TaggedRecord::Artifact)),
        ContentKind::Other => (ExistenceRecord::Found, None),
        ContentKind::Absent => (ExistenceRecord::Absent, None),
        ContentKind::Unknown => (ExistenceRecord::Unknown, None),
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
