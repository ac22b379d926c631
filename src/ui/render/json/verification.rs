//! The document of `mlist verify`.

use serde::Serialize;

use crate::config::problem::Problem;
use crate::oci::Platform;
use crate::plan::{ChildFault, ChildPart, DamagedChild, ListPlan, ListState};
use crate::ui::document::{Context, VerifiedLists};

use super::list::shared_problems;
use super::plan::{PlannedList, planned};
use super::{Head, LeftOutRecord, ProblemRecord, RequestCounts, head, left_out, millis, total};

/// How the published lists compare with the declared ones: the output of `mlist verify --format json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct VerificationDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    /// How long it took, in milliseconds.
    duration_ms: u64,
    /// The number of lists by state.
    summary: VerificationSummary,
    /// The selected lists, in the order of the file.
    lists: Vec<VerifiedList<'a>>,
    /// The selected lists to which no tag applies.
    left_out: Vec<LeftOutRecord<'a>>,
    /// The warnings of the file, and the problems of registries that affect several lists.
    problems: Vec<ProblemRecord<'a>>,
    /// Always 0.
    problems_omitted: usize,
    /// The number of requests that were sent.
    requests: RequestCounts,
}

/// The number of lists by state.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct VerificationSummary {
    /// Lists that are published as declared.
    as_declared: usize,
    /// Lists with a tag that does not exist or names something else.
    differs: usize,
    /// Lists that cannot be pulled completely, or that do not match their images.
    damaged: usize,
    /// Lists that are not published.
    absent: usize,
    /// Lists that are blocked.
    blocked: usize,
    /// Lists that are not known, because of a registry.
    failed: usize,
}

/// A published list, compared with the declared one. `action`, `reason`, `digest` and `change` say what a sync would do
/// if sources that were deleted after they were published still existed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct VerifiedList<'a> {
    /// The state of the published list.
    state: StateWord,
    #[serde(flatten)]
    list: PlannedList<'a>,
    /// The children of the published list that clients cannot use as the list says.
    damage: Vec<DamageRecord<'a>>,
}

/// The state of a published list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum StateWord {
    /// Each tag names a list as declared, and nothing is damaged.
    AsDeclared,
    /// Some tag does not exist or names something else.
    Differs,
    /// Some children are missing, or are not as the list says.
    Damaged,
    /// The list is not published.
    Absent,
    /// The list is blocked: action is needed before sync can publish it.
    Blocked,
    /// It is not known, because of a registry.
    Failed,
}

/// A child of a published list that clients cannot use as the list says.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DamageRecord<'a> {
    /// The platform of the image. Null if the list does not say it.
    platform: Option<String>,
    /// The version of Windows. Null if there is none.
    os_version: Option<&'a str>,
    /// Whether the child is an attestation of the image for this platform.
    attestation: bool,
    /// The digest of the child.
    digest: &'a str,
    /// What is wrong with the child.
    fault: FaultWord,
    /// The digest of the config or layer that is missing. Null if none is.
    blob: Option<&'a str>,
    /// The media type as the list says.
    media_type: &'a str,
    /// The size as the list says.
    size: u64,
    /// The media type of the manifest. Null if `fault` is not `type`.
    found_media_type: Option<&'a str>,
    /// The size of the manifest. Null if `fault` is not `size`.
    found_size: Option<u64>,
}

/// What is wrong with a child.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum FaultWord {
    /// Its manifest was not found.
    Missing,
    /// Its manifest has another size.
    Size,
    /// Its manifest has another media type.
    Type,
    /// Its config was not found.
    ConfigMissing,
    /// A layer was not found.
    LayerMissing,
    /// Its manifest cannot be parsed.
    Unreadable,
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

fn state(state: ListState) -> StateWord {
    match state {
        ListState::AsDeclared => StateWord::AsDeclared,
        ListState::Differs => StateWord::Differs,
        ListState::Damaged => StateWord::Damaged,
        ListState::Absent => StateWord::Absent,
        ListState::Blocked => StateWord::Blocked,
        ListState::Failed => StateWord::Failed,
    }
}

fn damage_record(child: &DamagedChild) -> DamageRecord<'_> {
    let (fault, blob, found_media_type, found_size) = match &child.fault {
        ChildFault::Missing => (FaultWord::Missing, None, None, None),
        ChildFault::Size(found) => (FaultWord::Size, None, None, Some(*found)),
        ChildFault::Type(found) => (FaultWord::Type, None, Some(found.as_str()), None),
        ChildFault::ConfigMissing(blob) => (FaultWord::ConfigMissing, Some(blob.as_str()), None, None),
        ChildFault::LayerMissing(blob) => (FaultWord::LayerMissing, Some(blob.as_str()), None, None),
        ChildFault::Unreadable(_) => (FaultWord::Unreadable, None, None, None),
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
