//! Whether the target has a child of the list, as completely as [`CheckDepth`] requires.

use crate::oci::{Descriptor, ImageManifest, Place};
use crate::plan::{CheckDepth, ChildFault};

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::input::{Input, Purpose};

/// Returns what is wrong with the child that the list describes as `listed`. `None` if there is no usable answer yet.
///
/// To publish, only what is missing counts: size and type of what is written are checked by `proof`. To compare, an
/// answer to HEAD that contradicts the list is checked by reading the manifest, because HEAD may be wrong.
///
/// Whether a registry has a manifest is taken from that registry alone, although the bytes may be known from another
/// place. Some registries answer 404 only to HEAD, so a manifest that is checked counts as missing only if it cannot be
/// read either. Others still answer HEAD for a manifest whose bytes are lost, which is found if its blobs are checked.
pub(super) fn faults(
    batch: &mut QueryBatch<'_>,
    input: Input<'_>,
    listed: &Descriptor,
    origin: &QueryOrigin<'_>,
) -> Option<Vec<ChildFault>> {
    let target = &input.publication.target;
    // The files of a layout are read for a HEAD too.
    let is_confirmed = matches!(target, Place::Layout(_)) || input.depth == CheckDepth::List;
    let is_doubtful = match batch.head(&target.with_digest(&listed.digest), origin)? {
        Presence::Found(head) => input.purpose == Purpose::Compare && head != listed,
        Presence::Absent if is_confirmed => return Some(vec![ChildFault::Missing]),
        Presence::Absent => true,
    };
    let is_image = listed.media_type.is_image();
    if !is_doubtful && (input.depth < CheckDepth::Blobs || !is_image) {
        return Some(Vec::new());
    }
    let Presence::Found(payload) = batch.stored(&listed.digest, target, origin)? else {
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
