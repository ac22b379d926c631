//! The new list: its type, its bytes, and which published lists are equal to it.

use crate::config::model::{Format, Publication};
use crate::oci::{Entry, Index, MediaType, Payload, Place};
use crate::plan::equality::{ListType, Wanted, WantedList, same_content};

use super::attestations;
use super::entries::{EntrySource, PlannedEntry};
use super::image::Image;
use super::images::Images;
use super::input::Input;
use super::platforms::is_complete;
use super::published::{List, Published};

/// Predicts the bytes of the list. `None` if some member has open parts.
///
/// The prediction assumes that no published entries stay beside the members that exist. Whether any do depends on the
/// published list, which is read if its digest differs from the prediction.
pub(super) fn predict(input: Input<'_>, images: &Images<'_>) -> Option<Payload> {
    let entry = |image: &Image<'_>| {
        let mut entry = Entry::new(image.descriptor.clone(), image.declared.clone());
        entry.annotations.clone_from(&image.member.annotations);
        is_complete(&image.declared).then_some(entry)
    };
    let mut entries: Vec<Entry> = images.present.iter().map(entry).collect::<Option<_>>()?;
    entries.extend(attestations::each_once(images.present.iter().flat_map(|image| image.attestations.known())));
    Some(build(input.publication, entries).encode())
}

/// Builds the list from `lines`. If no type is declared, it has the type that most clients can read: a Docker manifest
/// list, unless some content requires OCI or the target is a layout, which is an OCI format.
pub(super) fn of(input: Input<'_>, lines: &[PlannedEntry<'_, '_>]) -> Index {
    build(input.publication, lines.iter().map(|line| line.entry.clone()).collect())
}

/// Returns the published lists that are equal, in the order of the tags.
pub(super) fn equal<'p>(input: Input<'_>, lines: &[PlannedEntry<'_, '_>], published: &'p Published) -> Vec<&'p List> {
    let entries: Vec<Wanted<'_>> = lines.iter().map(PlannedEntry::wanted).collect();
    // A published entry that stays may keep its annotations in a Docker list, because this file does not declare them.
    let needs_oci = lines.iter().any(|line| {
        !is_docker(&line.entry)
            || matches!(line.part, EntrySource::Member(resolved) if !resolved.member.annotations.is_empty())
    });
    let wanted = WantedList {
        entries: &entries,
        kind: kind(input.publication, needs_oci),
        annotations: &input.publication.annotations,
        artifact_type: input.publication.artifact_type.as_deref(),
    };
    published.lists().iter().filter(|list| same_content(&wanted, &list.index)).collect()
}

/// Whether a Docker manifest list can contain the entry.
pub(super) fn is_docker(entry: &Entry) -> bool {
    entry.descriptor.media_type == MediaType::DockerManifest
}

fn build(publication: &Publication, entries: Vec<Entry>) -> Index {
    let is_plain = |entry: &Entry| entry.annotations.is_empty() && entry.artifact_type.is_none();
    let needs_oci = !entries.iter().all(|entry| is_docker(entry) && is_plain(entry));
    let media_type = match (kind(publication, needs_oci), &publication.target) {
        (ListType::Docker, _) | (ListType::Either, Place::Repository(_)) => MediaType::DockerList,
        (ListType::Oci, _) | (ListType::Either, Place::Layout(_)) => MediaType::OciIndex,
    };
    Index {
        annotations: publication.annotations.clone(),
        artifact_type: publication.artifact_type.clone(),
        ..Index::new(media_type, entries)
    }
}

/// Returns the types that the list may have. `needs_oci`: whether some entry requires OCI.
fn kind(publication: &Publication, needs_oci: bool) -> ListType {
    let needs_oci = needs_oci || !publication.annotations.is_empty() || publication.artifact_type.is_some();
    match publication.rules.format {
        Format::Oci => ListType::Oci,
        Format::Docker => ListType::Docker,
        Format::Auto if needs_oci => ListType::Oci,
        Format::Auto => ListType::Either,
    }
}
