//! What a tag names now. Read before a tag is written, and after a write failed.

use crate::oci::{Digest, Place, Tag};
use crate::plan::TagChange;
use crate::registry::Registry;

use super::failure::StepFailure;

/// What a tag names before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TagState {
    /// The same as when the list was planned.
    AsPlanned,
    /// The list itself: an earlier attempt wrote it without receiving the response.
    Ours,
}

/// Returns what `tag` of `target` names. `None` if it does not exist.
pub(super) async fn look<R: Registry>(registry: &R, target: &Place, tag: &Tag) -> Result<Option<Digest>, StepFailure> {
    let found = registry.head(&target.tagged(tag)).await?;
    Ok(found.map(|descriptor| descriptor.digest))
}

/// Checks that a tag of `target` still names what it named when the list was planned, or already names `ours`.
///
/// # Errors
/// Fails if another writer has moved the tag, or if it could not be read.
pub(super) async fn recheck<R: Registry>(
    registry: &R,
    target: &Place,
    tag: &TagChange,
    ours: &Digest,
) -> Result<TagState, StepFailure> {
    let found = look(registry, target, &tag.tag).await?;
    if found.as_ref() == Some(ours) {
        Ok(TagState::Ours)
    } else if found == tag.from {
        Ok(TagState::AsPlanned)
    } else {
        Err(StepFailure::moved(&target.tagged(&tag.tag), tag.from.as_ref(), found.as_ref()))
    }
}
