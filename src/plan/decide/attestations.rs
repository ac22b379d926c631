//! Attestations: manifests that BuildKit stores beside an image to describe it.
//!
//! An index names them by their annotations ([`Entry::attested`]). If an index names none, there may still be some that
//! refer to the image by their `subject`; only the registry can find those. This query is made only for an image that
//! no published list contains. For a published image, the attestations are those in the list that contains it, just as
//! its open platform parts are taken from that list. So a published list needs no requests for attestations. An
//! attestation that is pushed later is added together with the next image.

use std::collections::HashSet;

use crate::config::model::{self, Member};
use crate::oci::{ATTESTATION_TYPE, Digest, Entry, Index, Payload};

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::contradiction;
use super::input::Input;

/// The attestations of an image, as far as they are known without a referrers query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ImageAttestations {
    /// These, and no others.
    Known(Vec<Entry>),
    /// The index of the image names none.
    Open,
}

impl ImageAttestations {
    /// None, and no query is made.
    pub(super) const NONE: Self = Self::Known(Vec::new());

    /// Returns the attestations of `image` named by `lists`, the indexes that lead to it, with the innermost last.
    pub(super) fn named_by(input: Input<'_>, lists: &[Index], image: &Digest) -> Self {
        if input.publication.rules.attestations == model::Attestations::Drop {
            return Self::NONE;
        }
        let named: Vec<Entry> = lists.iter().rev().flat_map(|list| of(list, image)).cloned().collect();
        if named.is_empty() { Self::Open } else { Self::Known(named) }
    }

    /// Returns the attestations that are already known.
    pub(super) fn known(&self) -> &[Entry] {
        match self {
            Self::Known(entries) => entries,
            Self::Open => &[],
        }
    }

    /// Returns the attestations of an image that the published list `holder` contains.
    pub(super) fn published(&self, holder: Option<&Index>, image: &Digest) -> Vec<Entry> {
        match self {
            Self::Known(entries) => entries.clone(),
            Self::Open => holder.into_iter().flat_map(|list| of(list, image)).cloned().collect(),
        }
    }

    /// Returns the attestations of the image of `member`, which no published list contains. `None` if the batch cannot
    /// go on.
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
        let referrers = match batch.attestations(image, &member.source.place, &QueryOrigin::member(input, member))? {
            Presence::Found(entries) => entries,
            Presence::Absent => &[],
        };
        let place = &member.source.place;
        let origin = QueryOrigin::member(input, member);
        let mut ours = Vec::new();
        let mut is_complete = true;
        for entry in referrers.iter().filter(|entry| entry.artifact_type.as_deref() == Some(ATTESTATION_TYPE)) {
            match batch.manifest(&entry.descriptor.digest, place, &origin) {
                Some(Presence::Found(payload)) => ours.extend(verified(payload, image)),
                Some(Presence::Absent) => {
                    let reference = place.with_digest(&entry.descriptor.digest);
                    contradiction::add_lost_referrer(batch, &reference, image, &origin);
                }
                None => is_complete = false,
            }
        }
        is_complete.then_some(ours)
    }
}

/// Returns the entry of a manifest that a registry lists as an attestation of `image`. `None` if its bytes do not say
/// so.
fn verified(payload: &Payload, image: &Digest) -> Option<Entry> {
    let entry = Entry::referrer(payload, image)?;
    let is_attestation = entry.artifact_type.as_deref() == Some(ATTESTATION_TYPE) && payload.media_type().is_image();
    is_attestation.then(|| Entry::attestation(entry.descriptor, image))
}

/// Returns `attestations` without duplicates, in the order in which they follow the images.
pub(super) fn each_once<'e>(attestations: impl Iterator<Item = &'e Entry>) -> Vec<Entry> {
    let mut seen = HashSet::new();
    attestations.filter(|entry| seen.insert(&entry.descriptor.digest)).cloned().collect()
}

/// Returns the attestations of `image` in a list. Entries that are not image manifests cannot be copied as such, and
/// are left out.
fn of<'i>(list: &'i Index, image: &'i Digest) -> impl Iterator<Item = &'i Entry> {
    list.entries
        .iter()
        .filter(|entry| entry.attested() == Some(image.as_str()) && entry.descriptor.media_type.is_image())
}
