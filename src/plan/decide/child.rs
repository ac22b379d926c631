//! Whether the target has a child of the list, as completely as [`CheckDepth`] requires.

use crate::oci::{Descriptor, ImageManifest, Place};
use crate::plan::{CheckDepth, ChildFault};

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::input::{Input, Purpose};

/// Returns what is wrong with the child that the list describes as `listed`. `None` if there is no usable answer yet.
///
/// To publish, only what is missing counts: size and type of what is written are checked by `proof`. To compare, an
/// answer to HEAD that contradicts the list is checked by reading the manifest, because HEAD may be wrong.
pub(super) fn faults(
    batch: &mut QueryBatch<'_>,
    input: Input<'_>,
    listed: &Descriptor,
    origin: &QueryOrigin<'_>,
) -> Option<Vec<ChildFault>> {
    let target = &input.publication.target;
    let head = batch.head(&target.with_digest(&listed.digest), origin)?;
    // The files of a layout are read for a HEAD too.
    let is_claim = input.purpose == Purpose::Compare && matches!(target, Place::Repository(_));
    let is_doubtful = match head {
        Presence::Found(head) => input.purpose == Purpose::Compare && head != listed,
        Presence::Absent if is_claim => true,
        Presence::Absent => return Some(vec![ChildFault::Missing]),
    };
    let is_image = listed.media_type.is_image();
    if !is_doubtful && (input.depth < CheckDepth::Blobs || !is_image) {
        return Some(Vec::new());
    }
    let Presence::Found(payload) = batch.manifest(&listed.digest, target, origin)? else {
        return Some(vec![ChildFault::Missing]);
    };
    let found = payload.descriptor();
    let mut faults = Vec::new();
    if found.size != listed.size {
        faults.push(ChildFault::Size(found.size));
    }
    if found.media_type != listed.media_type {
        faults.push(ChildFault::Type(found.media_type.clone()));
    }
    if input.depth < CheckDepth::Blobs || !found.media_type.is_image() {
        return Some(faults);
    }
    match ImageManifest::parse(payload) {
        Ok(image) => {
            for blob in image.blobs() {
                let is_config = *blob == image.config;
                let missing = if is_config { ChildFault::ConfigMissing } else { ChildFault::LayerMissing };
                if let Some(Presence::Absent) = batch.blob(blob, target, origin) {
                    faults.push(missing(blob.digest.clone()));
                }
            }
        }
        Err(error) => faults.push(ChildFault::Unreadable(error.to_string())),
    }
    Some(faults)
}
