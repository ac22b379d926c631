//! The document of `mlist verify`.

use serde::Serialize;

use crate::config::problem::Problem;
use crate::oci::Platform;
use crate::plan::{ChildFault, ChildPart, DamagedChild, ListPlan, ListState};
use crate::ui::document::{Context, VerifiedLists};

use super::list::shared_problems;
use super::plan::{PlannedList, planned};
use super::{Head, LeftOutRecord, ProblemRecord, RequestCounts, head, left_out, millis, total};

#[derive(Serialize)]
struct VerificationDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    duration_ms: u64,
    summary: VerificationSummary,
    lists: Vec<VerifiedList<'a>>,
    left_out: Vec<LeftOutRecord<'a>>,
    problems: Vec<ProblemRecord<'a>>,
    /// Always 0.
    problems_omitted: usize,
    requests: RequestCounts,
}

#[derive(Serialize)]
struct VerificationSummary {
    as_declared: usize,
    differs: usize,
    damaged: usize,
    absent: usize,
    blocked: usize,
    failed: usize,
}

#[derive(Serialize)]
struct VerifiedList<'a> {
    state: &'static str,
    #[serde(flatten)]
    list: PlannedList<'a>,
    damage: Vec<DamageRecord<'a>>,
}

/// A child of a published list that clients cannot use as the list says.
#[derive(Serialize)]
struct DamageRecord<'a> {
    /// Null if the list does not say for which platform the image is.
    platform: Option<String>,
    os_version: Option<&'a str>,
    /// Whether the child is an attestation of the image for this platform.
    attestation: bool,
    digest: &'a str,
    fault: &'static str,
    /// The config or layer that is missing.
    blob: Option<&'a str>,
    /// The type and size as the list says.
    media_type: &'a str,
    size: u64,
    /// The type of the manifest, if the list says another.
    found_media_type: Option<&'a str>,
    /// The size of the manifest, if the list says another.
    found_size: Option<u64>,
}

/// Renders a document with `"kind": "verification"`.
pub(super) fn verification(context: &Context, verified: &VerifiedLists, exit_status: u8) -> String {
    let count = |state: ListState| verified.lists.iter().filter(|list| list.state == state).count();
    let lists: Vec<(&ListPlan, &[Problem])> =
        verified.lists.iter().map(|list| (&*list.plan, list.plan.problems.as_slice())).collect();
    super::document(&VerificationDocument {
        head: head("verification", context, exit_status),
        duration_ms: millis(verified.duration),
        summary: VerificationSummary {
            as_declared: count(ListState::AsDeclared),
            differs: count(ListState::Differs),
            damaged: count(ListState::Damaged),
            absent: count(ListState::Absent),
            blocked: count(ListState::Blocked),
            failed: count(ListState::Failed),
        },
        lists: verified
            .lists
            .iter()
            .map(|list| VerifiedList {
                state: state(list.state),
                list: planned(&list.plan, &context.sources),
                damage: list.damage.iter().map(damage_record).collect(),
            })
            .collect(),
        left_out: left_out(context),
        problems: shared_problems(context, &lists),
        problems_omitted: 0,
        requests: total(&verified.requests),
    })
}

fn state(state: ListState) -> &'static str {
    match state {
        ListState::AsDeclared => "as_declared",
        ListState::Differs => "differs",
        ListState::Damaged => "damaged",
        ListState::Absent => "absent",
        ListState::Blocked => "blocked",
        ListState::Failed => "failed",
    }
}

fn damage_record(child: &DamagedChild) -> DamageRecord<'_> {
    let (fault, blob, found_media_type, found_size) = match &child.fault {
        ChildFault::Missing => ("missing", None, None, None),
        ChildFault::Size(found) => ("size", None, None, Some(*found)),
        ChildFault::Type(found) => ("type", None, Some(found.as_str()), None),
        ChildFault::ConfigMissing(blob) => ("config_missing", Some(blob.as_str()), None, None),
        ChildFault::LayerMissing(blob) => ("layer_missing", Some(blob.as_str()), None, None),
        ChildFault::Unreadable(_) => ("unreadable", None, None, None),
    };
    let platform = child.part.platform();
    DamageRecord {
        platform: platform.map(|platform| Platform { os_version: None, ..platform.clone() }.to_string()),
        os_version: platform.and_then(|platform| platform.os_version.as_deref()),
        attestation: matches!(child.part, ChildPart::Attestation(_)),
        digest: child.descriptor.digest.as_str(),
        fault,
        blob,
        media_type: child.descriptor.media_type.as_str(),
        size: child.descriptor.size,
        found_media_type,
        found_size,
    }
}
