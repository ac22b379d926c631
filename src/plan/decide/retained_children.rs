//! Children of the list that only the target has. They must still exist there.

use crate::config::model::Member;
use crate::config::problem::Problem;
use crate::oci::{Descriptor, Digest, Index, Platform};
use crate::plan::{CheckDepth, ChildFault};

use super::batch::{Presence, QueryBatch};
use super::child;
use super::compare::NESTING;
use super::entries::{EntrySource, PlannedEntry};
use super::input::Input;
use super::problems::lacking;

const PUSH_ATTESTED: &str =
    "push the image with its attestations to its source again, or set attestations = \"drop\" to publish without them";

/// Queries whether the retained entries of the list still exist in the target, and blocks the list if one does not:
/// there is no source to copy them from.
pub(super) fn require<'a>(batch: &mut QueryBatch<'a>, input: Input<'a>, lines: &'a [PlannedEntry<'_, '_>]) {
    for line in lines.iter().filter(|line| line.is_retained()) {
        let retained = Retained { input, line, lines };
        retained.check(batch, &line.entry.descriptor, NESTING);
    }
}

/// Returns the problem that the target has lost an attestation of `member`, whose source does not have it either: it was
/// deleted there, or another tool has published it.
pub(super) fn lost_attestation(input: Input<'_>, member: &Member, digest: &Digest, fault: &ChildFault) -> Problem {
    let Member { platform, source, .. } = member;
    gone(input, digest, fault)
        .because(format!(
            "the manifest is an attestation of the image for {platform}, and was not found in {} either",
            source.place
        ))
        .help(PUSH_ATTESTED)
}

fn gone(input: Input<'_>, digest: &Digest, fault: &ChildFault) -> Problem {
    let (target, list) = (&input.publication.target, input.publication.reference());
    let image = target.with_digest(digest);
    let error = |message: String| Problem::error("mlist::plan::kept_gone", message);
    let problem = match lacking(fault, digest) {
        (_, missing) if missing == digest => error(format!("{image} not found, but {list} keeps it")),
        (what, missing) => error(format!("{list} keeps {image}, but {what} is missing"))
            .because(format!("{missing} not found in {target}")),
    };
    problem.about(&image)
}

/// A retained entry of a list.
struct Retained<'a, 'l, 's> {
    input: Input<'a>,
    line: &'a PlannedEntry<'l, 's>,
    lines: &'a [PlannedEntry<'l, 's>],
}

impl<'a> Retained<'a, '_, '_> {
    /// Checks the manifest of the entry, or one that the index of the entry names.
    fn check(&self, batch: &mut QueryBatch<'a>, descriptor: &Descriptor, nesting: usize) {
        let (input, origin) = (self.input, self.line.origin(self.input));
        let Some(faults) = child::faults(batch, input, descriptor, &origin) else { return };
        if let Some(fault) = faults.iter().find(|fault| fault.is_missing()) {
            batch.block(origin.label(self.gone(descriptor, fault)));
        } else if input.depth > CheckDepth::List && descriptor.media_type.is_index() && nesting > 0 {
            let nested = batch.manifest(&descriptor.digest, &input.publication.target, &origin);
            let Some(Presence::Found(payload)) = nested else { return };
            // An index that cannot be read cannot be checked further. Clients report it.
            for entry in Index::parse(payload).map(|index| index.entries).unwrap_or_default() {
                self.check(batch, &entry.descriptor, nesting - 1);
            }
        }
    }

    fn gone(&self, descriptor: &Descriptor, fault: &ChildFault) -> Problem {
        let (why, help) = self.why_and_help();
        gone(self.input, &descriptor.digest, fault).because(why).help(help)
    }

    /// Returns why the entry has no source, and what to do.
    fn why_and_help(&self) -> (String, String) {
        const AGAIN: &str = "publish it again from the file that declares it";
        const REMOVE: &str = "set undeclared = \"remove\" to remove it from the list";
        let Some(image) = self.line.entry.attested() else {
            let platform = self.line.entry.platform.as_ref().filter(|platform| !platform.is_unknown());
            return match (self.line.part, platform) {
                (EntrySource::Kept(member), _) => (
                    format!("published for {}, but its source {} was not found either", shown(platform), member.source),
                    "push the image to its source again, or set missing = \"skip\" to publish without it".to_owned(),
                ),
                (_, Some(platform)) => (
                    format!("published for {platform}, but not declared in this file"),
                    format!("{AGAIN}, declare {platform} here with a source, or {REMOVE}"),
                ),
                (_, None) => ("published, but not declared in this file".to_owned(), format!("{AGAIN}, or {REMOVE}")),
            };
        };
        let attested = self.lines.iter().find(|line| line.entry.descriptor.digest.as_str() == image);
        let platform = shown(attested.and_then(|line| line.entry.platform.as_ref()));
        match attested.map(|line| line.part) {
            Some(EntrySource::Kept(member)) => (
                format!(
                    "the manifest is an attestation of the image for {platform}, whose source {} was not found",
                    member.source
                ),
                PUSH_ATTESTED.to_owned(),
            ),
            _ => (
                format!(
                    "the manifest is an attestation of the image for {platform}, which is not declared in this file"
                ),
                format!("{AGAIN}, or set undeclared = \"remove\" to remove the image from the list"),
            ),
        }
    }
}

fn shown(platform: Option<&Platform>) -> String {
    platform.cloned().unwrap_or_else(Platform::unknown).to_string()
}
