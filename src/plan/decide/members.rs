//! Each member's descriptor and platform, read at its source where nothing else says them.

use crate::config::model::{Member, Mismatch};
use crate::config::problem::{Problem, Severity};
use crate::oci::{
    Descriptor, Digest, Entry, ImageConfig, ImageManifest, MalformedJson, MediaType, Payload, Platform, Reference,
};

use super::check::{self, Finding};
use super::heads::{filled, not_an_image};
use super::images::{Image, Images};
use super::published::Published;
use super::round::{Known, Origin, Round};
use super::{Case, Step, attestations, guard, presence};

/// A member with nothing left open.
pub(super) struct Settled<'a> {
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
    pub(super) settled: Vec<Settled<'a>>,
    /// What was noticed on the way.
    pub(super) warnings: Vec<Problem>,
}

/// What must be read of a member.
enum Standing<'e> {
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
pub(super) fn settle<'a>(case: Case<'a>, images: &Images<'a>, published: &Published) -> Step<Members<'a>> {
    let standings: Vec<Standing<'_>> = published
        .entries_of(&images.present)
        .into_iter()
        .zip(&images.present)
        .map(|(entry, image)| match entry {
            Some(entry) if entry.descriptor == image.descriptor => Standing::Published(entry),
            Some(entry) => Standing::Doubtful(entry),
            None => Standing::New,
        })
        .collect();

    let mut round = Round::new(case);
    let reads: Vec<Option<Read<'_>>> = images
        .present
        .iter()
        .zip(&standings)
        .map(|(image, standing)| read_manifest(&mut round, case, image, standing))
        .collect();
    let attestations: Vec<Option<Vec<Entry>>> = images
        .present
        .iter()
        .zip(&standings)
        .map(|(image, standing)| match standing {
            Standing::Published(_) | Standing::Doubtful(_) => {
                Some(image.attestations.published(published, &image.descriptor.digest))
            }
            Standing::New => attestations::found(&mut round, case, image),
        })
        .collect();
    if standings.iter().any(|standing| matches!(standing, Standing::New)) {
        // It is in no published list, so this one will be written: what that needs to know is asked along.
        let pieces = images.present.iter().flat_map(|image| {
            presence::pieces(case, image.member, &image.descriptor.digest, image.attestations.known())
        });
        presence::lacking(&mut round, case, published, &pieces.collect::<Vec<_>>());
        guard::ask_along(&mut round, case);
    }
    round.end(Some(published))?;

    let mut round = Round::new(case);
    let mut warnings = Vec::new();
    let mut settled = Vec::with_capacity(images.present.len());
    for (((image, standing), read), attestations) in images.present.iter().zip(&standings).zip(reads).zip(attestations)
    {
        let member = image.member;
        let config = read.as_ref().and_then(|read| read.config.as_ref());
        let platform = match standing {
            Standing::Published(entry) | Standing::Doubtful(entry) => entry.platform.clone().unwrap_or_default(),
            Standing::New => {
                config.and_then(|config| read_config(&mut round, case, member, config)).unwrap_or_default()
            }
        };
        if matches!(standing, Standing::New) {
            match (check::check(case, image, &platform), case.publication.rules.mismatch) {
                (Some(Finding::Mismatch(problem)), Mismatch::Error) => round.block(problem),
                (Some(Finding::Mismatch(problem)), Mismatch::Warn) => {
                    warnings.push(Problem { severity: Severity::Warning, ..problem });
                }
                (Some(Finding::SaysMore(warning)), Mismatch::Error | Mismatch::Warn) if case.declares(member) => {
                    warnings.push(warning);
                }
                (Some(_) | None, _) => {}
            }
        }
        settled.push(Settled {
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
    round.end(Some(published))?;
    Ok(Members { settled, warnings })
}

fn read_manifest<'a>(
    round: &mut Round<'a>,
    case: Case<'a>,
    image: &Image<'a>,
    standing: &Standing<'_>,
) -> Option<Read<'a>> {
    if matches!(standing, Standing::Published(_)) {
        return None;
    }
    let Image { member, descriptor: head, .. } = image;
    let origin = Origin::member(case, member);
    let payload = match round.manifest(&head.digest, &member.source.place, &origin)? {
        Known::Found(payload) => payload,
        Known::Absent => {
            round.block(origin.label(damaged(&member.source, "manifest", &head.digest)));
            return None;
        }
    };
    // HEAD called it an image; the bytes have the last word.
    if let Some(problem) = not_an_image(&member.source, payload.media_type()) {
        round.block(origin.label(problem));
        return None;
    }
    if matches!(standing, Standing::Doubtful(_)) {
        return Some(Read { payload, config: None });
    }
    match ImageManifest::parse(payload) {
        Ok(manifest) => Some(Read { payload, config: Some(manifest.config) }),
        Err(error) => {
            round.block(origin.label(unreadable(&member.source, &error)));
            None
        }
    }
}

/// The platform that the config of a new member says; none where it says none.
fn read_config<'a>(round: &mut Round<'a>, case: Case<'a>, member: &'a Member, config: &Descriptor) -> Option<Platform> {
    let origin = Origin::member(case, member);
    let payload = match round.config(&config.digest, &member.source.place, &origin)? {
        Known::Found(payload) => payload,
        Known::Absent => {
            round.block(origin.label(damaged(&member.source, "config", &config.digest)));
            return None;
        }
    };
    match ImageConfig::parse(payload.bytes()) {
        Ok(config) => Some(config.platform),
        // An artifact's config may be anything; it says nothing of platforms.
        Err(_) if !matches!(config.media_type, MediaType::OciConfig | MediaType::DockerConfig) => None,
        Err(error) => {
            round.block(origin.label(unreadable(&member.source, &error)));
            None
        }
    }
}

/// What `source` names is there, and what that is made of is not.
pub(super) fn damaged(source: &Reference, what: &str, digest: &Digest) -> Problem {
    Problem::error("mlist::plan::member_damaged", format!("{source} is there, and its {what} is absent"))
        .because(format!("no {digest} in {}", source.place))
        .help("push it again")
        .about(source)
}

/// The bytes of what `source` names are not what they are called.
pub(super) fn unreadable(source: &Reference, error: &MalformedJson) -> Problem {
    Problem::error("mlist::plan::unreadable_manifest", format!("{source} can't be read"))
        .because(error.to_string())
        .help("push it again with a tool that writes what the image-spec has")
        .about(source)
}
