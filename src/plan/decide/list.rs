//! The list as it is to stand: its type, its bytes, and which published lists are equal to it.

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

/// Steps 3 and 4: the bytes of the list, where no member has an open part and nothing stays beside the members that are
/// there. Whether something does, the published list says, and that is read where its digest is another.
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

/// The list of `lines`. In the type that most can read, if it is not declared: Docker's, unless something in it needs
/// OCI or the list goes into a layout, which is OCI's by its name.
pub(super) fn of(input: Input<'_>, lines: &[PlannedEntry<'_, '_>]) -> Index {
    build(input.publication, lines.iter().map(|line| line.entry.clone()).collect())
}

/// The published lists that are equal, in the order of the tags.
pub(super) fn equal<'p>(input: Input<'_>, lines: &[PlannedEntry<'_, '_>], published: &'p Published) -> Vec<&'p List> {
    let entries: Vec<Wanted<'_>> = lines.iter().map(PlannedEntry::wanted).collect();
    // What is published with annotations in a Docker list, and stays, may stay in one: nobody declares them.
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

/// Whether a Docker list can name it.
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

/// `needs_oci`: whether some entry does.
fn kind(publication: &Publication, needs_oci: bool) -> ListType {
    let needs_oci = needs_oci || !publication.annotations.is_empty() || publication.artifact_type.is_some();
    match publication.rules.format {
        Format::Oci => ListType::Oci,
        Format::Docker => ListType::Docker,
        Format::Auto if needs_oci => ListType::Oci,
        Format::Auto => ListType::Either,
    }
}
