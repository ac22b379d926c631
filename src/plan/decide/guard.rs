//! Ensures that floating tags, which only the newest version has, are never moved back.

use crate::config::model::TargetTag;
use crate::naming::Version;
use crate::plan::newest;

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::contradiction;
use super::input::Input;

/// Whether a tag may be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Guard {
    /// It may be moved.
    Free,
    /// It stays, for this reason.
    Stays(String),
}

/// Returns whether `tag` may be moved. `None` if the batch cannot go on.
///
/// Call this only for a tag that would move: if no list of the file has a greater version, it requests all tags of the
/// repository.
pub(super) fn judge(batch: &mut QueryBatch<'_>, input: Input<'_>, tag: &TargetTag) -> Option<Guard> {
    let Some(newest) = &tag.newest else { return Some(Guard::Free) };
    let stays = |rival: &Version| Guard::Stays(newest::why_it_stays(newest, rival));
    if let Some(rival) = newest::declared(newest, &tag.tag) {
        return Some(stays(rival));
    }
    match contradiction::tags(batch, input, &QueryOrigin::tag(input, tag))? {
        // The repository does not exist, so nothing is published there.
        Presence::Absent => Some(Guard::Free),
        Presence::Found(tags) => {
            let rival = newest::published(newest, &tag.tag, tags);
            Some(rival.map_or(Guard::Free, |rival| stays(&rival.version)))
        }
    }
}

/// Adds the queries that [`judge`] needs. Call this for a list that will be written: none of its tags can name it yet.
pub(super) fn ask_ahead(batch: &mut QueryBatch<'_>, input: Input<'_>) {
    for tag in &input.publication.tags {
        judge(batch, input, tag);
    }
}
