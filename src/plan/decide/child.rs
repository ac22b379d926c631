//! Whether the target has a child of the list, as completely as [`CheckDepth`] requires.

use crate::oci::{Descriptor, ImageManifest, Payload, Place};
use crate::plan::{CheckDepth, ChildFault};

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::contradiction;
use super::input::{Input, Purpose};

/// Returns what is wrong with the child that the list describes as `listed`. `None` if there is no usable answer yet.
///
/// To publish, only what is missing counts: size and type of what is written are checked by `proof`.
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
    if input.purpose == Purpose::Compare {
        return compared(batch, input, listed, origin);
    }
    let target = &input.publication.target;
    // The files of a layout are read for a HEAD too.
    let is_confirmed = matches!(target, Place::Layout(_)) || input.depth == CheckDepth::List;
    match batch.head(&target.with_digest(&listed.digest), origin)? {
        Presence::Absent if is_confirmed => return Some(vec![ChildFault::Missing]),
        Presence::Found(_) if input.depth < CheckDepth::Blobs || !listed.media_type.is_image() => {
            return Some(Vec::new());
        }
        Presence::Found(_) | Presence::Absent => {}
    }
    match batch.stored(&listed.digest, target, origin)? {
        Presence::Found(payload) if input.depth == CheckDepth::Blobs && payload.media_type().is_image() => {
            of_blobs(batch, target, payload, origin)
        }
        Presence::Found(_) => Some(Vec::new()),
        Presence::Absent => Some(vec![ChildFault::Missing]),
    }
}

/// Returns all that is wrong with a child. If HEAD contradicts the list, the manifest is read: HEAD may be wrong.
fn compared(
    batch: &mut QueryBatch<'_>,
    input: Input<'_>,
    listed: &Descriptor,
    origin: &QueryOrigin<'_>,
) -> Option<Vec<ChildFault>> {
    let target = &input.publication.target;
    let reference = target.with_digest(&listed.digest);
    let head = batch.head(&reference, origin)?;
    let is_claim = matches!(target, Place::Repository(_));
    let is_checked = input.depth == CheckDepth::Blobs && listed.media_type.is_image();
    let found = match head {
        Presence::Absent if !is_claim => return incomplete(batch, target, listed, origin),
        Presence::Found(head) if !is_checked && (head == listed || !is_claim) => head,
        head => match (batch.stored(&listed.digest, target, origin)?, head) {
            (Presence::Found(payload), _) => payload.descriptor(),
            (Presence::Absent, Presence::Absent) => return Some(vec![ChildFault::Missing]),
            (Presence::Absent, Presence::Found(_)) => {
                // If it stays so, clients cannot pull it.
                contradiction::add_lost_child(batch, &reference, &listed.digest, origin);
                return Some(vec![ChildFault::Missing]);
            }
        },
    };
    let size = (found.size != listed.size).then_some(ChildFault::Size(found.size));
    let media_type = (found.media_type != listed.media_type).then(|| ChildFault::Type(found.media_type.clone()));
    let mut faults: Vec<ChildFault> = size.into_iter().chain(media_type).collect();
    if input.depth == CheckDepth::Blobs
        && found.media_type.is_image()
        && let Presence::Found(payload) = batch.stored(&listed.digest, target, origin)?
    {
        faults.extend(of_blobs(batch, target, payload, origin)?);
    }
    Some(faults)
}

/// Returns what a layout lacks of a child. HEAD finds a manifest in a layout only if all that it names is there too, so
/// the manifest itself may exist.
fn incomplete(
    batch: &mut QueryBatch<'_>,
    target: &Place,
    listed: &Descriptor,
    origin: &QueryOrigin<'_>,
) -> Option<Vec<ChildFault>> {
    let missing = Some(vec![ChildFault::Missing]);
    if !listed.media_type.is_image() {
        return missing;
    }
    let Presence::Found(()) = batch.blob(listed, target, origin)? else { return missing };
    let Presence::Found(payload) = batch.stored(&listed.digest, target, origin)? else { return missing };
    let faults = of_blobs(batch, target, payload, origin)?;
    if faults.is_empty() { missing } else { Some(faults) }
}

/// Returns the blobs of an image that the target does not have. `None` if there is no usable answer yet.
fn of_blobs(
    batch: &mut QueryBatch<'_>,
    target: &Place,
    payload: &Payload,
    origin: &QueryOrigin<'_>,
) -> Option<Vec<ChildFault>> {
    let image = match ImageManifest::parse(payload) {
        Ok(image) => image,
        Err(error) => return Some(vec![ChildFault::Unreadable(error.to_string())]),
    };
    let (mut faults, mut is_known) = (Vec::new(), true);
    for blob in image.blobs() {
        let is_config = *blob == image.config;
        let missing = if is_config { ChildFault::ConfigMissing } else { ChildFault::LayerMissing };
        match batch.blob(blob, target, origin) {
            Some(Presence::Found(())) => {}
            Some(Presence::Absent) => faults.push(missing(blob.digest.clone())),
            None => is_known = false,
        }
    }
    is_known.then_some(faults)
}
