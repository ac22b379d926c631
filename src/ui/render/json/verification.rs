//! The document of `mlist verify`.

use serde::Serialize;

use crate::config::problem::Problem;
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
    /// Null if the child is not an image for a platform.
    platform: Option<String>,
    attestation: bool,
    digest: &'a str,
    fault: &'static str,
    /// The config or layer that is missing.
    blob: Option<&'a str>,
    /// The size or type that the list says, if that is wrong.
    listed: Option<String>,
    /// The size or type of the manifest, if the list says another.
    found: Option<String>,
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
    let (platform, attestation) = match &child.part {
        ChildPart::Image(platform) => (platform, false),
        ChildPart::Attestation(platform) => (platform, true),
    };
    let (fault, blob, listed, found) = match &child.fault {
        ChildFault::Missing => ("missing", None, None, None),
        ChildFault::Size(found) => ("size", None, Some(child.descriptor.size.to_string()), Some(found.to_string())),
        ChildFault::Type(found) => {
            ("type", None, Some(child.descriptor.media_type.to_string()), Some(found.to_string()))
        }
        ChildFault::ConfigMissing(blob) => ("config_missing", Some(blob.as_str()), None, None),
        ChildFault::LayerMissing(blob) => ("layer_missing", Some(blob.as_str()), None, None),
        ChildFault::Unreadable(_) => ("unreadable", None, None, None),
    };
    let platform = platform.as_ref().map(ToString::to_string);
    DamageRecord { platform, attestation, digest: child.descriptor.digest.as_str(), fault, blob, listed, found }
}
