//! Children of the list that only the target has. They must still exist there.

use crate::config::problem::Problem;
use crate::oci::Platform;
use crate::plan::ChildFault;

use super::batch::QueryBatch;
use super::child;
use super::entries::{EntrySource, PlannedEntry};
use super::input::Input;
use super::problems::lacking;

/// Queries whether the retained entries of the list still exist in the target, and blocks the list if one does not:
/// there is no source to copy them from.
pub(super) fn require<'a>(batch: &mut QueryBatch<'a>, input: Input<'a>, lines: &'a [PlannedEntry<'_, '_>]) {
    for line in lines.iter().filter(|line| line.is_retained()) {
        let origin = line.origin(input);
        let faults = child::faults(batch, input, &line.entry.descriptor, &origin).unwrap_or_default();
        if let Some(fault) = faults.iter().find(|fault| fault.is_missing()) {
            batch.block(origin.label(gone(input, line, fault)));
        }
    }
}

fn gone(input: Input<'_>, line: &PlannedEntry<'_, '_>, fault: &ChildFault) -> Problem {
    let digest = &line.entry.descriptor.digest;
    let image = input.publication.target.with_digest(digest);
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
    let message = match lacking(fault, digest) {
        ("manifest", _) => format!("{image} not found, but {list} keeps it"),
        (what, blob) => format!("{what} {blob} of {image} not found, but {list} keeps the image"),
    };
    Problem::error("mlist::plan::kept_gone", message).because(why).help(help).about(&image)
}
