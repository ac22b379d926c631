//! What the target has now: what its tags name, and whether it still has the children that nothing copies. Read before
//! a tag is written, and after a write failed.

use crate::config::model::Publication;
use crate::oci::{Descriptor, Digest, Place, Tag};
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

/// Checks that a tag of the target still names what it named when the list was planned, or already names `ours`. If
/// something published would be lost by a wrong answer, the manifest is read: some registries answer 404 only to HEAD, or
/// report another digest.
///
/// # Errors
/// Fails if another writer has moved the tag, or if it could not be read.
pub(super) async fn recheck<R: Registry>(
    registry: &R,
    publication: &Publication,
    tag: &TagChange,
    ours: &Digest,
) -> Result<TagState, StepFailure> {
    let target = &publication.target;
    let is_immutable = || {
        let globs = publication.rules.immutable.as_ref();
        globs.is_some_and(|globs| globs.value.matches(tag.tag.as_str()))
    };
    let found = if publication.keeps_published() || (tag.from.is_none() && is_immutable()) {
        registry.read(&target.tagged(&tag.tag)).await?.map(|descriptor| descriptor.digest)
    } else {
        look(registry, target, &tag.tag).await?
    };
    if found.as_ref() == Some(ours) {
        Ok(TagState::Ours)
    } else if found == tag.from {
        Ok(TagState::AsPlanned)
    } else {
        Err(StepFailure::moved(&target.tagged(&tag.tag), tag.from.as_ref(), found.as_ref()))
    }
}

/// Checks that `target` still has the manifest that `child` describes.
///
/// # Errors
/// Fails if the manifest is gone, or has another size or media type.
pub(super) async fn still_present<R: Registry>(
    registry: &R,
    target: &Place,
    child: &Descriptor,
) -> Result<(), StepFailure> {
    let reference = target.with_digest(&child.digest);
    match registry.head(&reference).await? {
        None => Err(StepFailure::gone(&reference)),
        Some(found) if found == *child => Ok(()),
        Some(found) => {
            let why = format!(
                "the tag or list names {} with {} bytes, but the registry returned {} with {} bytes for the digest",
                child.media_type, child.size, found.media_type, found.size
            );
            Err(StepFailure::contradictory(&reference, &why))
        }
    }
}
