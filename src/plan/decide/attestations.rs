//! Attestations: what BuildKit says of an image, in manifests of their own beside it.
//!
//! An index names them by their annotations ([`Entry::attested`]). One that names none may still have some: they speak
//! of the image by their `subject`, and only the registry finds them. That is asked for an image that no published
//! list holds, and for no other: what the list that holds it has beside it are its attestations, as its open parts are
//! what that list says. So a list that is published costs no request for them, and one that came later is taken along
//! with the next image.

use crate::config::model::{self, Member};
use crate::oci::{Digest, Entry, Index};

use super::batch::{Origin, Presence, QueryBatch};
use super::input::Input;

/// The type of what such a manifest is, where it is found by its `subject`.
const ARTIFACT_TYPE: &str = "application/vnd.docker.attestation.manifest.v1+json";

/// What is known of an image's attestations without asking for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attestations {
    /// These, and no others.
    Known(Vec<Entry>),
    /// Its index names none.
    Open,
}

impl Attestations {
    /// None, and none are looked for.
    pub(super) const NONE: Self = Self::Known(Vec::new());

    /// Those of `image` by the lists that lead to it, the innermost last.
    pub(super) fn named_by(input: Input<'_>, lists: &[Index], image: &Digest) -> Self {
        if input.publication.rules.attestations == model::Attestations::Drop {
            return Self::NONE;
        }
        let named: Vec<Entry> = lists.iter().rev().flat_map(|list| of(list, image)).cloned().collect();
        if named.is_empty() { Self::Open } else { Self::Known(named) }
    }

    /// Those that are known already.
    pub(super) fn known(&self) -> &[Entry] {
        match self {
            Self::Known(entries) => entries,
            Self::Open => &[],
        }
    }

    /// Those of an image that the list `holder` publishes.
    pub(super) fn published(&self, holder: Option<&Index>, image: &Digest) -> Vec<Entry> {
        match self {
            Self::Known(entries) => entries.clone(),
            Self::Open => holder.into_iter().flat_map(|list| of(list, image)).cloned().collect(),
        }
    }

    /// Those of the image of `member` that no published list holds; none where the batch cannot go on.
    pub(super) fn found<'a>(
        &self,
        batch: &mut QueryBatch<'a>,
        input: Input<'a>,
        member: &'a Member,
        image: &Digest,
    ) -> Option<Vec<Entry>> {
        if let Self::Known(entries) = self {
            return Some(entries.clone());
        }
        let referrers = match batch.referrers(image, &member.source.place, &Origin::member(input, member))? {
            Presence::Found(entries) => entries,
            Presence::Absent => &[],
        };
        let ours = referrers.iter().filter(|entry| {
            entry.artifact_type.as_deref() == Some(ARTIFACT_TYPE) && entry.descriptor.media_type.is_image()
        });
        Some(ours.map(|entry| Entry::attestation(entry.descriptor.clone(), image)).collect())
    }
}

/// All of `attestations` as they stand behind the images, each once.
pub(super) fn each_once<'e>(attestations: impl Iterator<Item = &'e Entry>) -> Vec<Entry> {
    let mut once: Vec<Entry> = Vec::new();
    for entry in attestations {
        if once.iter().all(|other| other.descriptor.digest != entry.descriptor.digest) {
            once.push(entry.clone());
        }
    }
    once
}

/// The attestations of `image` in a list. What is no image manifest can't be copied as one, and is left out.
fn of<'i>(list: &'i Index, image: &'i Digest) -> impl Iterator<Item = &'i Entry> {
    list.entries
        .iter()
        .filter(|entry| entry.attested() == Some(image.as_str()) && entry.descriptor.media_type.is_image())
}
