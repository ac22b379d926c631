//! Takes the size and media type of each entry that is written from bytes.
//!
//! A HEAD by tag, an index and a list of referrers only claim them. A HEAD by digest in the target agrees with a claim
//! or does not. If it does not, or if the target does not have the manifest yet, the manifest is read.

use crate::oci::Descriptor;
use crate::plan::Answer;

use super::batch::{Presence, QueryBatch};
use super::entries::{EntrySource, PlannedEntry};
use super::input::{Flow, Input, Purpose};
use super::members::ResolvedMember;
use super::problems::damaged;
use super::published::Published;

/// Corrects the descriptors of `lines`, which are entries of a new list.
///
/// The descriptor of a member that a tag of the target itself names is not checked here. The executor checks it by a
/// HEAD by digest just before the list is written.
pub(super) fn correct(input: Input<'_>, published: &Published, lines: &mut [PlannedEntry<'_, '_>]) -> Flow<()> {
    let mut batch = QueryBatch::new(input);
    for line in lines {
        if let Some(descriptor) = proven(&mut batch, input, published, line) {
            line.entry.descriptor = descriptor;
        }
    }
    batch.end()
}

/// Returns the descriptor of the manifest that `line` names. `None` if there is no usable answer yet, or if the claimed
/// one is not checked here.
fn proven(
    batch: &mut QueryBatch<'_>,
    input: Input<'_>,
    published: &Published,
    line: &PlannedEntry<'_, '_>,
) -> Option<Descriptor> {
    let (claimed, target, origin) = (&line.entry.descriptor, &input.publication.target, line.origin(input));
    let (source, from) = match line.part {
        // Its manifest was read.
        EntrySource::Member(resolved) if resolved.payload.is_some() => return None,
        EntrySource::Member(resolved) if is_named_by_tag_of_target(input, resolved) => return None,
        // A comparison checks each child by itself.
        _ if line.is_retained() && input.purpose == Purpose::Compare => return None,
        EntrySource::Member(resolved) | EntrySource::Brought(resolved) => {
            (Some(&resolved.member.source), &resolved.member.source.place)
        }
        EntrySource::Kept(_) | EntrySource::Undeclared | EntrySource::Attestation => (None, target),
    };
    let mut holder = from;
    if from == target || published.holds(&claimed.digest) {
        match batch.head(&target.with_digest(&claimed.digest), &origin)? {
            Presence::Found(head) if head == claimed => return None,
            Presence::Found(_) => holder = target,
            Presence::Absent => {}
        }
    }
    match (batch.manifest(&claimed.digest, holder, &origin)?, source) {
        (Presence::Found(payload), _) => Some(payload.descriptor().clone()),
        (Presence::Absent, Some(source)) => {
            batch.block(origin.label(damaged(source, "its manifest", &claimed.digest)));
            None
        }
        // That an entry is missing which only the target has is reported together with the other children.
        (Presence::Absent, None) => None,
    }
}

/// Whether a HEAD of a tag of the target found the image of the member.
fn is_named_by_tag_of_target(input: Input<'_>, resolved: &ResolvedMember<'_>) -> bool {
    let source = &resolved.member.source;
    let head = input.snapshot.head(source);
    let is_it = matches!(head, Some(Answer::Found(head)) if head.digest == resolved.descriptor.digest);
    is_it && source.place == input.publication.target
}
