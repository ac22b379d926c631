//! Each member's descriptor and platform, read at its source where nothing else says them.

use crate::config::model::{Member, Mismatch};
use crate::config::problem::{Problem, Severity};
use crate::oci::{Descriptor, Entry, ImageConfig, ImageManifest, MediaType, Payload, Platform};

use super::batch::{Origin, Presence, QueryBatch};
use super::check::{self, Finding};
use super::image::Image;
use super::images::Images;
use super::input::{Flow, Input};
use super::platforms::filled;
use super::problems::{damaged, not_an_image, unreadable};
use super::published::Published;
use super::{guard, missing_children};

/// A member with nothing left open.
pub(super) struct ResolvedMember<'a> {
    /// As declared.
    pub(super) member: &'a Member,
    /// As [`Image::declared`].
    pub(super) declared: Platform,
    /// With its open parts filled.
    pub(super) platform: Platform,
    /// By verified bytes, or by HEAD and a published entry that agree.
    pub(super) descriptor: Descriptor,
    /// Its manifest, where it was read.
    pub(super) payload: Option<Payload>,
    /// What speaks of it, to stand in the list too.
    pub(super) attestations: Vec<Entry>,
}

/// All members, and what is worth a warning.
pub(super) struct Members<'a> {
    /// In the order of the file.
    pub(super) resolved: Vec<ResolvedMember<'a>>,
    /// What was noticed on the way.
    pub(super) warnings: Vec<Problem>,
}

/// What must be read of a member.
enum PublishedMatch<'e> {
    /// Nothing: HEAD and a published entry agree.
    Published(&'e Entry),
    /// The manifest: it is published, and HEAD says another type or size.
    Doubtful(&'e Entry),
    /// Manifest and config, to be checked: it is not published yet.
    New,
}

/// A manifest that was read, and the config it names where that is to be read too.
struct Read<'a> {
    payload: &'a Payload,
    config: Option<Descriptor>,
}

/// Step 6: settles every member; what is not published yet is read and checked.
pub(super) fn resolve<'a>(input: Input<'a>, images: &Images<'a>, published: &Published) -> Flow<Members<'a>> {
    let matches: Vec<PublishedMatch<'_>> = published
        .entries_of(&images.present)
        .into_iter()
        .zip(&images.present)
        .map(|(entry, image)| match entry {
            Some(entry) if entry.descriptor == image.descriptor => PublishedMatch::Published(entry),
            Some(entry) => PublishedMatch::Doubtful(entry),
            None => PublishedMatch::New,
        })
        .collect();

    let mut batch = QueryBatch::new(input);
    let reads: Vec<Option<Read<'_>>> = images
        .present
        .iter()
        .zip(&matches)
        .map(|(image, published_match)| read_manifest(&mut batch, input, image, published_match))
        .collect();
    let attestations: Vec<Option<Vec<Entry>>> = images
        .present
        .iter()
        .zip(&matches)
        .map(|(image, published_match)| match published_match {
            PublishedMatch::Published(_) | PublishedMatch::Doubtful(_) => {
                let digest = &image.descriptor.digest;
                let holder = published.lists().iter().find(|list| list.holds(digest)).map(|list| &list.index);
                Some(image.attestations.published(holder, digest))
            }
            PublishedMatch::New => image.attestations.found(&mut batch, input, image.member, &image.descriptor.digest),
        })
        .collect();
    if matches.iter().any(|published_match| matches!(published_match, PublishedMatch::New)) {
        // It is in no published list, so this one will be written: what that needs to know is asked along.
        let children = images.present.iter().flat_map(|image| {
            missing_children::children(input, image.member, &image.descriptor.digest, image.attestations.known())
        });
        missing_children::missing(&mut batch, input, published, &children.collect::<Vec<_>>());
        guard::ask_along(&mut batch, input);
    }
    batch.end()?;

    let mut batch = QueryBatch::new(input);
    let mut warnings = Vec::new();
    let mut resolved = Vec::with_capacity(images.present.len());
    for (((image, published_match), read), attestations) in
        images.present.iter().zip(&matches).zip(reads).zip(attestations)
    {
        let member = image.member;
        let config = read.as_ref().and_then(|read| read.config.as_ref());
        let platform = match published_match {
            PublishedMatch::Published(entry) | PublishedMatch::Doubtful(entry) => {
                entry.platform.clone().unwrap_or_default()
            }
            PublishedMatch::New => {
                config.and_then(|config| read_config(&mut batch, input, member, config)).unwrap_or_default()
            }
        };
        if matches!(published_match, PublishedMatch::New) {
            match (check::check(input, image, &platform), input.publication.rules.mismatch) {
                (Some(Finding::Mismatch(problem)), Mismatch::Error) => batch.block(problem),
                (Some(Finding::Mismatch(problem)), Mismatch::Warn) => {
                    warnings.push(Problem { severity: Severity::Warning, ..problem });
                }
                (Some(Finding::SaysMore(warning)), Mismatch::Error | Mismatch::Warn) if input.declares(member) => {
                    warnings.push(warning);
                }
                (Some(_) | None, _) => {}
            }
        }
        resolved.push(ResolvedMember {
            member,
            platform: filled(&image.declared, &platform),
            declared: image.declared.clone(),
            descriptor: read
                .as_ref()
                .map_or_else(|| image.descriptor.clone(), |read| read.payload.descriptor().clone()),
            payload: read.map(|read| read.payload.clone()),
            attestations: attestations.unwrap_or_default(),
        });
    }
    batch.end()?;
    Ok(Members { resolved, warnings })
}

fn read_manifest<'a>(
    batch: &mut QueryBatch<'a>,
    input: Input<'a>,
    image: &Image<'a>,
    published_match: &PublishedMatch<'_>,
) -> Option<Read<'a>> {
    if matches!(published_match, PublishedMatch::Published(_)) {
        return None;
    }
    let Image { member, descriptor: head, .. } = image;
    let origin = Origin::member(input, member);
    let payload = match batch.manifest(&head.digest, &member.source.place, &origin)? {
        Presence::Found(payload) => payload,
        Presence::Absent => {
            batch.block(origin.label(damaged(&member.source, "manifest", &head.digest)));
            return None;
        }
    };
    // HEAD called it an image; the bytes have the last word.
    if let Some(problem) = not_an_image(&member.source, payload.media_type()) {
        batch.block(origin.label(problem));
        return None;
    }
    if matches!(published_match, PublishedMatch::Doubtful(_)) {
        return Some(Read { payload, config: None });
    }
    match ImageManifest::parse(payload) {
        Ok(manifest) => Some(Read { payload, config: Some(manifest.config) }),
        Err(error) => {
            batch.block(origin.label(unreadable(&member.source, &error)));
            None
        }
    }
}

/// The platform that the config of a new member says; none where it says none.
fn read_config<'a>(
    batch: &mut QueryBatch<'a>,
    input: Input<'a>,
    member: &'a Member,
    config: &Descriptor,
) -> Option<Platform> {
    let origin = Origin::member(input, member);
    let payload = match batch.config(&config.digest, &member.source.place, &origin)? {
        Presence::Found(payload) => payload,
        Presence::Absent => {
            batch.block(origin.label(damaged(&member.source, "config", &config.digest)));
            return None;
        }
    };
    match ImageConfig::parse(payload.bytes()) {
        Ok(config) => Some(config.platform),
        // An artifact's config may be anything; it says nothing of platforms.
        Err(_) if !matches!(config.media_type, MediaType::OciConfig | MediaType::DockerConfig) => None,
        Err(error) => {
            batch.block(origin.label(unreadable(&member.source, &error)));
            None
        }
    }
}
