//! The children that are missing in the target.

use std::collections::BTreeSet;

use crate::config::model::Member;
use crate::oci::{Descriptor, Digest, Entry, Place};
use crate::plan::{Answer, CheckDepth, ChildFault};

use super::batch::{QueryBatch, QueryOrigin};
use super::child;
use super::image::Image;
use super::input::Input;
use super::published::Published;

/// A manifest that the new list names.
pub(super) struct ChildRef<'p> {
    /// The place it comes from.
    pub(super) from: &'p Place,
    /// The manifest.
    pub(super) descriptor: &'p Descriptor,
    /// Whether a HEAD found it there. Otherwise an index names it, or it is an attestation of an image.
    pub(super) is_seen: bool,
}

/// Returns what must exist in the target for a member: its image and the attestations of the image.
pub(super) fn children<'p>(
    input: Input<'_>,
    member: &'p Member,
    image: &'p Descriptor,
    attestations: &'p [Entry],
) -> impl Iterator<Item = ChildRef<'p>> {
    let from = &member.source.place;
    let is_seen =
        matches!(input.snapshot.head(&member.source), Some(Answer::Found(head)) if head.digest == image.digest);
    let beside = attestations.iter().map(move |entry| ChildRef { from, descriptor: &entry.descriptor, is_seen: false });
    std::iter::once(ChildRef { from, descriptor: image, is_seen }).chain(beside)
}

/// Adds the queries for the manifests of the attestations of `image` that no published list contains: they will be
/// copied.
pub(super) fn ask_attestations(batch: &mut QueryBatch<'_>, input: Input<'_>, image: &Image<'_>, published: &Published) {
    let origin = QueryOrigin::member(input, image.member);
    for entry in image.attestations.known().iter().filter(|entry| !published.holds(&entry.descriptor.digest)) {
        batch.manifest(&entry.descriptor.digest, &image.member.source.place, &origin);
    }
}

/// Children that are missing in the target, by position. Of equal children only the first is listed.
pub(super) struct MissingChildren {
    /// They must be copied before the list is written. With what the target has lost, if a published list names them.
    pub(super) elsewhere: Vec<(usize, Option<ChildFault>)>,
    /// Their source is the target itself, but they no longer exist there.
    pub(super) gone: Vec<(usize, ChildFault)>,
}

/// Returns which of `children` are missing in the target.
///
/// A child that no published list names is copied without a query, because copying an existing manifest costs no more
/// than a query. If a published list names the child, only the target can tell whether it still exists, because
/// registries delete manifests that have no tag. The children of an index in the target are queried too,
/// for the same reason.
pub(super) fn missing(
    batch: &mut QueryBatch<'_>,
    input: Input<'_>,
    published: &Published,
    children: &[ChildRef<'_>],
) -> MissingChildren {
    let target = &input.publication.target;
    let (own, foreign): (Vec<_>, Vec<_>) = children.iter().enumerate().partition(|(_, child)| child.from == target);
    let is_known = |child: &ChildRef<'_>| child.is_seen && input.depth < CheckDepth::Blobs;
    let mut done: BTreeSet<&Digest> =
        own.iter().filter(|(_, child)| is_known(child)).map(|(_, child)| &child.descriptor.digest).collect();
    let origin = QueryOrigin::target(input);
    let mut fault = |child: &ChildRef<'_>| {
        let faults = child::faults(batch, input, child.descriptor, &origin)?;
        faults.into_iter().find(ChildFault::is_missing)
    };
    let mut missing = MissingChildren { elsewhere: Vec::new(), gone: Vec::new() };
    for (number, child) in foreign {
        let digest = &child.descriptor.digest;
        if !done.insert(digest) {
            continue;
        }
        if !published.holds(digest) {
            missing.elsewhere.push((number, None));
        } else if let Some(fault) = fault(child) {
            missing.elsewhere.push((number, Some(fault)));
        }
    }
    for (number, child) in own {
        if done.insert(&child.descriptor.digest)
            && let Some(fault) = fault(child)
        {
            missing.gone.push((number, fault));
        }
    }
    missing
}
