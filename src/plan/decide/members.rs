//! The descriptor and platform of each member, read from its source if they are not known otherwise.

use crate::config::model::{Member, Mismatch};
use crate::config::problem::{Problem, Severity};
use crate::oci::{Descriptor, Entry, ImageManifest, MediaType, Payload, Platform};
use crate::plan::OsVersionOrigin;

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::check::{self, Finding};
use super::image::Image;
use super::images::Images;
use super::input::{Flow, Input, Purpose};
use super::platforms::filled;
use super::problems::{damaged, invalid_platform, not_an_image, unreadable};
use super::published::Published;
use super::{guard, missing_children, os_version};

/// A member without open parts.
pub(super) struct ResolvedMember<'a> {
    /// The member as declared.
    pub(super) member: &'a Member,
    /// Same as [`Image::declared`].
    pub(super) declared: Platform,
    /// The platform with its open parts filled in.
    pub(super) platform: Platform,
    /// See [`MemberChange::os_version_from`](crate::plan::MemberChange::os_version_from).
    pub(super) os_version_from: Option<OsVersionOrigin>,
    /// The descriptor, from verified bytes, or from HEAD and a published entry that agree.
    pub(super) descriptor: Descriptor,
    /// Its manifest, if it was read.
    pub(super) payload: Option<Payload>,
    /// Its attestations, which the new list also names.
    pub(super) attestations: Vec<Entry>,
}

/// All members, and warnings.
pub(super) struct Members<'a> {
    /// The members in the order of the file.
    pub(super) resolved: Vec<ResolvedMember<'a>>,
    /// Warnings found while resolving them.
    pub(super) warnings: Vec<Problem>,
}

/// What must be read for a member.
enum PublishedMatch<'e> {
    /// Nothing: HEAD and a published entry agree.
    Published(&'e Entry),
    /// The manifest: it is published, but HEAD reported another media type or size.
    Doubtful(&'e Entry),
    /// The manifest and config, to be checked: the member is not published yet.
    New,
}

/// A manifest that was read, and the descriptor of its config if that must be read too.
struct Read<'a> {
    payload: &'a Payload,
    config: Option<Descriptor>,
}

/// Resolves all members. Members that are not published yet are read and checked.
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
        // The image is in no published list, so this list will be written. Add the queries for writing it to this
        // batch.
        if input.purpose == Purpose::Publish {
            let children = images.present.iter().flat_map(|image| {
                missing_children::children(input, image.member, &image.descriptor, image.attestations.known())
            });
            missing_children::missing(&mut batch, input, published, &children.collect::<Vec<_>>());
        }
        for image in &images.present {
            missing_children::ask_attestations(&mut batch, input, image, published);
        }
        guard::ask_ahead(&mut batch, input);
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
        let platform = filled(&image.declared, &platform);
        // Text that the file declares is the author's own.
        if let (None, Some((part, text))) = (member.platform.invalid_part(), platform.invalid_part()) {
            batch.block(QueryOrigin::member(input, member).label(invalid_platform(&member.source, part, text)));
        }
        let source = match published_match {
            PublishedMatch::New => OsVersionOrigin::Config,
            PublishedMatch::Published(_) | PublishedMatch::Doubtful(_) => OsVersionOrigin::PublishedList,
        };
        let os_version_from = platform.os_version.as_ref().map(|_| os_version::origin(image).unwrap_or(source));
        resolved.push(ResolvedMember {
            member,
            platform,
            os_version_from,
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
    let origin = QueryOrigin::member(input, member);
    let payload = match batch.manifest(&head.digest, &member.source.place, &origin)? {
        Presence::Found(payload) => payload,
        Presence::Absent => {
            batch.block(origin.label(damaged(&member.source, "its manifest", &head.digest)));
            return None;
        }
    };
    // HEAD reported an image. The bytes are authoritative.
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

/// Returns the platform in the config of a new member. `None` if the config has none.
fn read_config<'a>(
    batch: &mut QueryBatch<'a>,
    input: Input<'a>,
    member: &'a Member,
    config: &Descriptor,
) -> Option<Platform> {
    let origin = QueryOrigin::member(input, member);
    let read = match batch.config(&config.digest, &member.source.place, &origin)? {
        Presence::Found(read) => read,
        Presence::Absent => {
            batch.block(origin.label(damaged(&member.source, "its config", &config.digest)));
            return None;
        }
    };
    match read {
        Ok(config) => Some(config.platform.clone()),
        // The config of an artifact may have any format, and contains no platform.
        Err(_) if !matches!(config.media_type, MediaType::OciConfig | MediaType::DockerConfig) => None,
        Err(error) => {
            batch.block(origin.label(unreadable(&member.source, error)));
            None
        }
    }
}
