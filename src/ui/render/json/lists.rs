//! The document of `mlist ls`.

use serde::Serialize;

use crate::config::Publication;
use crate::config::model::{Member, TargetTag};
use crate::exec::report::Stats;
use crate::ui::document::{Checked, Context};

use super::list::{ListRecord, MemberRecord, TagRecord};
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
