//! Tags of single members. They are written before the list.
//!
//! If several runs publish one list, each with members of its own, these tags announce which members each run has, and
//! the list is built from all of them (see `multi_writer`). So they are written first.

use futures_util::future::join_all;

use crate::oci::{Payload, Place};
use crate::plan::{ListPlan, MemberTagChange};
use crate::registry::Registry;

use super::failure::StepFailure;
use super::look::{TagState, recheck};
use super::report::TagDone;
use super::tags::{TagWriter, Unwritten, in_sequence};

/// A member tag that must be written, and the manifest for it.
pub(super) struct PreparedMemberTag {
    /// Its position among the member tags of the plan.
    at: usize,
    /// `None` if the tag already names the manifest.
    payload: Option<Payload>,
}

/// Reads the tags that must be written and the manifests they will name. Called once the blobs are in the target, so
/// that these manifests can be written there.
pub(super) async fn prepare<R: Registry>(plan: &ListPlan, registry: &R) -> Vec<Result<PreparedMemberTag, StepFailure>> {
    let changes = plan.member_tags.iter().enumerate().filter(|(_, change)| change.tag.fate.is_written());
    join_all(changes.map(async |(at, change)| {
        let payload = payload(plan, change, registry).await?;
        let found = recheck(registry, &plan.publication, &change.tag, payload.digest()).await?;
        Ok(PreparedMemberTag { at, payload: (found == TagState::AsPlanned).then_some(payload) })
    }))
    .await
}

/// Writes the tags. Sets the result of each in `done`, and returns the failures.
pub(super) async fn write<R: Registry>(
    tags: Vec<PreparedMemberTag>,
    plan: &ListPlan,
    writer: &TagWriter<'_, R>,
    done: &mut [TagDone],
) -> Vec<StepFailure> {
    let write = async |PreparedMemberTag { at, payload }: PreparedMemberTag| match payload {
        Some(payload) => (at, writer.of(&payload).write_one(&plan.member_tags[at].tag).await),
        None => (at, Ok(())),
    };
    let written = if in_sequence(writer.target) {
        let mut written = Vec::with_capacity(tags.len());
        for tag in tags {
            written.push(write(tag).await);
        }
        written
    } else {
        join_all(tags.into_iter().map(write)).await
    };
    let mut failures = Vec::new();
    for (at, result) in written {
        done[at] = match result {
            Ok(()) => TagDone::Yes,
            Err(Unwritten { done, why }) => {
                failures.push(why);
                done
            }
        };
    }
    failures
}

/// Returns the manifest of the member: the bytes from the planner, from the place it is copied from, or from the target
/// if it already exists there.
async fn payload<R: Registry>(plan: &ListPlan, change: &MemberTagChange, registry: &R) -> Result<Payload, StepFailure> {
    let digest = &change.descriptor.digest;
    let child = plan.children.iter().find(|child| child.descriptor.digest == *digest);
    if let Some(payload) = child.and_then(|child| child.payload.clone()) {
        return Ok(payload);
    }
    let place: &Place = child.map_or(&plan.publication.target, |child| &child.from);
    registry.manifest(place, digest).await?.ok_or_else(|| StepFailure::gone(&place.with_digest(digest)))
}

#[cfg(test)]
mod tests;
