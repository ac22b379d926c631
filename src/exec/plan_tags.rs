//! The tags of a plan that must be written: [`fixed`] and [`floating`] ones.

use crate::config::model::{Newest, TargetTag};
use crate::oci::Tag;
use crate::plan::{ListPlan, TagChange};

/// Returns the tags that are written whatever the version, starting with the first tag of the list. Each has its index
/// in the plan.
pub(super) fn fixed(plan: &ListPlan) -> impl Iterator<Item = (usize, &TagChange)> {
    let declared = plan.tags.iter().zip(&plan.publication.tags).enumerate();
    let is_written = |change: &TagChange, tag: &TargetTag| tag.newest.is_none() && change.fate.is_written();
    declared.filter(move |(_, (change, tag))| is_written(change, tag)).map(|(at, (change, _))| (at, change))
}

/// Returns the tags that name the list once all [`fixed`] ones are written.
pub(super) fn own(plan: &ListPlan) -> impl Iterator<Item = &Tag> {
    plan.publication.tags.iter().filter(|tag| tag.newest.is_none()).map(|tag| &tag.tag)
}

/// Returns the floating tags, which only the newest version has. Each has its index in the plan.
pub(super) fn floating(plan: &ListPlan) -> impl Iterator<Item = (usize, &TagChange, &Newest)> {
    let declared = plan.tags.iter().zip(&plan.publication.tags).enumerate();
    declared
        .filter_map(|(at, (change, tag))| Some((at, change, tag.newest.as_ref().filter(|_| change.fate.is_written())?)))
}
