//! Which children the target lacks.

use std::collections::BTreeSet;

use crate::config::model::Member;
use crate::config::problem::Problem;
use crate::oci::{Digest, Entry, Place, Platform, Reference};
use crate::plan::Answer;

use super::Case;
use super::entries::{Line, Part};
use super::published::Published;
use super::round::{Known, Origin, Round};

/// A manifest that the list is to name.
pub(super) struct Piece<'p> {
    /// Where it comes from.
    pub(super) from: &'p Place,
    /// Which manifest.
    pub(super) digest: &'p Digest,
    /// Whether a HEAD has found it there; else an index names it, or it speaks of an image.
    pub(super) is_seen: bool,
}

/// What must stand in the target for a member: its image, and what speaks of it.
pub(super) fn pieces<'p>(
    case: Case<'_>,
    member: &'p Member,
    image: &'p Digest,
    attestations: &'p [Entry],
) -> impl Iterator<Item = Piece<'p>> {
    let from = &member.source.place;
    let is_seen = matches!(case.snapshot.head(&member.source), Some(Answer::Found(head)) if head.digest == *image);
    let beside = attestations.iter().map(move |entry| Piece { from, digest: &entry.descriptor.digest, is_seen: false });
    std::iter::once(Piece { from, digest: image, is_seen }).chain(beside)
}

/// Pieces that are not in the target, by their number; of equal ones the first.
pub(super) struct Lacking {
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
pub(super) fn lacking(round: &mut Round<'_>, case: Case<'_>, published: &Published, pieces: &[Piece<'_>]) -> Lacking {
    let target = &case.publication.target;
    let (own, foreign): (Vec<_>, Vec<_>) = pieces.iter().enumerate().partition(|(_, piece)| piece.from == target);
    let seen = own.iter().filter(|(_, piece)| piece.is_seen);
    let mut done: BTreeSet<&Digest> = seen.map(|(_, piece)| piece.digest).collect();
    let mut is_absent =
        |digest: &Digest| matches!(round.head(&target.with_digest(digest), &Origin::target(case)), Some(Known::Absent));
    let mut lacking = Lacking { elsewhere: Vec::new(), gone: Vec::new() };
    for (number, piece) in foreign {
        if done.insert(piece.digest) && (!published.holds(piece.digest) || is_absent(piece.digest)) {
            lacking.elsewhere.push(number);
        }
    }
    for (number, piece) in own {
        if done.insert(piece.digest) && is_absent(piece.digest) {
            lacking.gone.push(number);
        }
    }
    lacking
}

/// Asks whether what stays in the list still stands in the target: there is no source to copy it from.
pub(super) fn require<'a>(round: &mut Round<'a>, case: Case<'a>, lines: &'a [Line<'_, '_>]) {
    for line in lines.iter().filter(|line| line.stays()) {
        let origin = match line.part {
            Part::Kept(member) => Origin::member(case, member),
            Part::Member(_) | Part::Undeclared | Part::Attestation | Part::Brought(_) => Origin::target(case),
        };
        let image = case.publication.target.with_digest(&line.entry.descriptor.digest);
        if let Some(Known::Absent) = round.head(&image, &origin) {
            round.block(origin.label(gone(case, line, &image)));
        }
    }
}

fn gone(case: Case<'_>, line: &Line<'_, '_>, image: &Reference) -> Problem {
    let platform = line.entry.platform.clone().unwrap_or_else(Platform::unknown);
    let help = match line.part {
        Part::Kept(_) => "push it to its source again, or publish without it: missing = \"skip\"",
        Part::Member(_) | Part::Undeclared | Part::Attestation | Part::Brought(_) => {
            "declare it, for its source to be known, or publish without it: undeclared = \"remove\""
        }
    };
    let list = case.publication.reference();
    Problem::error("mlist::plan::kept_gone", format!("{image} is to stay in {list}, and is gone"))
        .because(format!("it is published for {platform}, and no source of this file has it"))
        .help(help)
        .about(image)
}
