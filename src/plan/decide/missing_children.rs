//! Which children the target lacks.

use std::collections::BTreeSet;

use crate::config::model::Member;
use crate::oci::{Digest, Entry, Place};
use crate::plan::Answer;

use super::batch::{Origin, Presence, QueryBatch};
use super::input::Input;
use super::published::Published;

/// A manifest that the list is to name.
pub(super) struct ChildRef<'p> {
    /// Where it comes from.
    pub(super) from: &'p Place,
    /// Which manifest.
    pub(super) digest: &'p Digest,
    /// Whether a HEAD has found it there; else an index names it, or it speaks of an image.
    pub(super) is_seen: bool,
}

/// What must stand in the target for a member: its image, and what speaks of it.
pub(super) fn children<'p>(
    input: Input<'_>,
    member: &'p Member,
    image: &'p Digest,
    attestations: &'p [Entry],
) -> impl Iterator<Item = ChildRef<'p>> {
    let from = &member.source.place;
    let is_seen = matches!(input.snapshot.head(&member.source), Some(Answer::Found(head)) if head.digest == *image);
    let beside =
        attestations.iter().map(move |entry| ChildRef { from, digest: &entry.descriptor.digest, is_seen: false });
    std::iter::once(ChildRef { from, digest: image, is_seen }).chain(beside)
}

/// Pieces that are not in the target, by their number; of equal ones the first.
pub(super) struct MissingChildren {
    /// They must be copied before the list is written.
    pub(super) elsewhere: Vec<usize>,
    /// They come from the target itself, and are not there.
    pub(super) gone: Vec<usize>,
}

/// What the target lacks of `pieces`.
///
/// What no list names yet is copied unasked, for copying what stands there costs no more than asking. Of what some
/// list names only the target can say whether it still stands, for registries clean up what has no tag; so it is of
/// what an index in the target names.
pub(super) fn missing(
    batch: &mut QueryBatch<'_>,
    input: Input<'_>,
    published: &Published,
    children: &[ChildRef<'_>],
) -> MissingChildren {
    let target = &input.publication.target;
    let (own, foreign): (Vec<_>, Vec<_>) = children.iter().enumerate().partition(|(_, child)| child.from == target);
    let seen = own.iter().filter(|(_, child)| child.is_seen);
    let mut done: BTreeSet<&Digest> = seen.map(|(_, child)| child.digest).collect();
    let mut is_absent = |digest: &Digest| {
        matches!(batch.head(&target.with_digest(digest), &Origin::target(input)), Some(Presence::Absent))
    };
    let mut missing = MissingChildren { elsewhere: Vec::new(), gone: Vec::new() };
    for (number, child) in foreign {
        if done.insert(child.digest) && (!published.holds(child.digest) || is_absent(child.digest)) {
            missing.elsewhere.push(number);
        }
    }
    for (number, child) in own {
        if done.insert(child.digest) && is_absent(child.digest) {
            missing.gone.push(number);
        }
    }
    missing
}
