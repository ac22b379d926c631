//! Children of the list that only the target has. They must still exist there.

use crate::config::problem::Problem;
use crate::oci::{Platform, Reference};

use super::batch::{Presence, QueryBatch};
use super::entries::{EntrySource, PlannedEntry};
use super::input::Input;

/// Queries whether the retained entries of the list still exist in the target, and blocks the list if one does not:
/// there is no source to copy them from.
pub(super) fn require<'a>(batch: &mut QueryBatch<'a>, input: Input<'a>, lines: &'a [PlannedEntry<'_, '_>]) {
    for line in lines.iter().filter(|line| line.is_retained()) {
        let origin = line.origin(input);
        let image = input.publication.target.with_digest(&line.entry.descriptor.digest);
        if let Some(Presence::Absent) = batch.head(&image, &origin) {
            batch.block(origin.label(gone(input, line, &image)));
        }
    }
}

fn gone(input: Input<'_>, line: &PlannedEntry<'_, '_>, image: &Reference) -> Problem {
    let platform = line.entry.platform.clone().unwrap_or_else(Platform::unknown);
    let (why, help) = match line.part {
        EntrySource::Kept(member) => (
            format!("published for {platform}, but its source {} was not found either", member.source),
            "push the image to its source again, or set missing = \"skip\" to publish without it".to_owned(),
        ),
        EntrySource::Member(_) | EntrySource::Undeclared | EntrySource::Attestation | EntrySource::Brought(_) => (
            format!("published for {platform}, but not declared in this file"),
            format!("declare {platform} with a source, or set undeclared = \"remove\" to remove it from the list"),
        ),
    };
    let list = input.publication.reference();
    Problem::error("mlist::plan::kept_gone", format!("{image} not found, but {list} keeps it"))
        .because(why)
        .help(help)
        .about(image)
}
