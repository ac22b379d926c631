//! Step 8: tags that only the newest version has are never moved back.

use crate::config::model::TargetTag;
use crate::naming::Version;
use crate::plan::newest;

use super::batch::{Origin, Presence, QueryBatch};
use super::input::Input;

/// Whether a tag may be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Guard {
    /// It may.
    Free,
    /// It stays, and this is why.
    Stays(String),
}

/// Whether `tag` may be moved; none if the batch cannot go on. It is to be asked only of a tag that would
/// move: where no list of the file has a greater version, it takes all tags of the repository.
pub(super) fn judge(batch: &mut QueryBatch<'_>, input: Input<'_>, tag: &TargetTag) -> Option<Guard> {
    let Some(newest) = &tag.newest else { return Some(Guard::Free) };
    let stays = |rival: &Version| Guard::Stays(newest::why_it_stays(newest, rival));
    if let Some(rival) = newest::declared(newest, &tag.tag) {
        return Some(stays(rival));
    }
    match batch.tags(&input.publication.target, &Origin::tag(input, tag))? {
        // No repository: nothing is published there.
        Presence::Absent => Some(Guard::Free),
        Presence::Found(tags) => {
            let rival = newest::published(newest, &tag.tag, tags);
            Some(rival.map_or(Guard::Free, |rival| stays(&rival.version)))
        }
    }
}

/// Asks what [`judge`] needs, of a list that will be written: none of its tags can be where it is to be.
pub(super) fn ask_along(batch: &mut QueryBatch<'_>, input: Input<'_>) {
    for tag in &input.publication.tags {
        judge(batch, input, tag);
    }
}
