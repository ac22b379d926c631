//! What a tag names: a list, an image, an artifact, and for which platforms.

use std::collections::HashSet;

use crate::oci::{Descriptor, Digest, ImageManifest, Index, MediaType, Place, Platform, Tag};
use crate::plan::{Answer, Query};

use super::TagFacts;

/// A tag, and what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTag {
    /// The tag.
    pub tag: Tag,
    /// What it names.
    pub kind: ContentKind,
    /// The manifest that it names, if it is known.
    pub descriptor: Option<Descriptor>,
    /// The platforms that it has images for. Empty if it names no image. `None` if they are not known.
    pub platforms: Option<Vec<Platform>>,
}

/// What a tag names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    /// A manifest list or image index.
    List,
    /// An image.
    Image,
    /// An artifact in the form of an image manifest.
    Artifact,
    /// Something else. Its media type says what.
    Other,
    /// Nothing: the tag was deleted after the tags were listed.
    Absent,
    /// There is no usable answer.
    Unknown,
}

/// Returns what `tag` names, as far as it is known.
pub(super) fn read(target: &Place, tag: &Tag, facts: &mut TagFacts<'_>) -> ListedTag {
    let reference = target.tagged(tag);
    let head = facts.snapshot.head(&reference).map(|answer| answer.borrow_with(Descriptor::clone));
    let listed = |kind, descriptor, platforms| ListedTag { tag: tag.clone(), kind, descriptor, platforms };
    match facts.take(head, || Query::Head(reference)) {
        Some(Answer::Found(descriptor)) if descriptor.media_type.is_manifest() => {
            let (kind, platforms) = content(target, &descriptor, facts);
            listed(kind, Some(descriptor), platforms)
        }
        Some(Answer::Found(descriptor)) => listed(ContentKind::Other, Some(descriptor), Some(Vec::new())),
        Some(Answer::Absent) => listed(ContentKind::Absent, None, Some(Vec::new())),
        Some(Answer::Unknown(_)) | None => listed(ContentKind::Unknown, None, None),
    }
}

/// Returns what the bytes of a manifest say. If they are not available, its descriptor says what it is.
fn content(target: &Place, head: &Descriptor, facts: &mut TagFacts<'_>) -> (ContentKind, Option<Vec<Platform>>) {
    let digest = &head.digest;
    let bytes = facts.snapshot.bytes(digest, target);
    let Some(Answer::Found(payload)) = facts.take(bytes, || Query::Manifest(digest.clone(), target.clone())) else {
        return (kind(&head.media_type), None);
    };
    if payload.media_type().is_index() {
        return (ContentKind::List, Index::parse(payload).ok().map(|index| platforms(&index)));
    }
    match ImageManifest::parse(payload) {
        Ok(manifest) if is_of_image(&manifest.config) => {
            (ContentKind::Image, config(target, &manifest.config.digest, facts))
        }
        Ok(_) => (ContentKind::Artifact, Some(Vec::new())),
        Err(_) => (kind(payload.media_type()), None),
    }
}

fn kind(media_type: &MediaType) -> ContentKind {
    match media_type {
        other if other.is_index() => ContentKind::List,
        other if other.is_image() => ContentKind::Image,
        _ => ContentKind::Other,
    }
}

/// Whether the config of a manifest is the config of an image. Old tools left its media type out.
fn is_of_image(config: &Descriptor) -> bool {
    match &config.media_type {
        MediaType::OciConfig | MediaType::DockerConfig => true,
        other => other.as_str().is_empty(),
    }
}

/// Returns the platforms of the images of a list, each once. Attestations are no images.
fn platforms(index: &Index) -> Vec<Platform> {
    let images = index.entries.iter().filter(|entry| entry.attested().is_none());
    let platforms = images.filter_map(|entry| entry.platform.as_ref()).filter(|platform| !platform.is_unknown());
    let mut seen = HashSet::new();
    platforms.filter(|platform| seen.insert(*platform)).cloned().collect()
}

/// Returns the platform that the config of an image names. Empty if it names none.
fn config(target: &Place, digest: &Digest, facts: &mut TagFacts<'_>) -> Option<Vec<Platform>> {
    let config = facts.snapshot.config(digest, target);
    match facts.take(config, || Query::Config(digest.clone(), target.clone())) {
        Some(Answer::Found(Ok(config))) => {
            Some([config.platform.clone()].into_iter().filter(|platform| *platform != Platform::default()).collect())
        }
        Some(Answer::Found(Err(_)) | Answer::Absent | Answer::Unknown(_)) | None => None,
    }
}
