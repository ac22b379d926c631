//! Which children the target lacks.

use std::collections::BTreeSet;

use crate::oci::Digest;

use super::Case;
use super::heads::Heads;
use super::published::Published;
use super::round::{Known, Origin, Round};

/// The members whose images must be copied before the list is written, by their number; of one image the first.
///
/// HEAD has found those of the target itself. What no list names yet is copied unasked, for copying what stands there
/// costs no more than asking. Of what some list names only the target can say whether it still stands: registries
/// clean up what has no tag.
pub(super) fn lacking(round: &mut Round<'_>, case: Case<'_>, heads: &Heads<'_>, published: &Published) -> Vec<usize> {
    let target = &case.publication.target;
    let (own, foreign): (Vec<_>, Vec<_>) =
        heads.members.iter().enumerate().partition(|(_, (member, _))| member.source.place == *target);
    let mut done: BTreeSet<&Digest> = own.into_iter().map(|(_, (_, head))| &head.digest).collect();
    let mut lacking = Vec::new();
    for (number, (_, head)) in foreign {
        if !done.insert(&head.digest) {
            continue;
        }
        let stands = published.holds(&head.digest)
            && matches!(round.head(&target.with_digest(&head.digest), &Origin::target(case)), Some(Known::Found(_)));
        if !stands {
            lacking.push(number);
        }
    }
    lacking
}
