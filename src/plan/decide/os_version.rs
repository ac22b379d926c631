//! Windows versions that the file does not state exactly: taken from another image, or given as a pattern.

use crate::config::model::{Member, OsVersion, OsVersionOf, Placed};
use crate::config::problem::Problem;
use crate::naming::Pattern;
use crate::oci::{Descriptor, ImageManifest, Index, Platform, is_plain};
use crate::plan::{OsVersionOrigin, equality};

use super::absences;
use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::image::Image;
use super::input::Input;
use super::problems::{damaged, excerpt, invalid_platform, not_an_image, some, unreadable};

/// Queries what `from` names, together with all other heads.
pub(super) fn ask<'a>(batch: &mut QueryBatch<'a>, input: Input<'a>, member: &'a Member) {
    if let OsVersion::Of(of) = &member.os_version {
        batch.head(&of.from, &QueryOrigin::os_version(input, member, of));
    }
}

/// Returns the declared platform of a member, with the version of another image if the file requests that. `None` if
/// the batch cannot go on.
pub(super) fn declared<'a>(batch: &mut QueryBatch<'a>, input: Input<'a>, member: &'a Member) -> Option<Platform> {
    let OsVersion::Of(of) = &member.os_version else { return Some(member.platform.clone()) };
    let version = version_of(batch, input, member, of)?;
    Some(Platform { os_version: Some(version), ..member.platform.clone() })
}

/// Returns the platform of a member including its version, from the answers to the queries of [`declared`]. If the
/// version is not known, this is the platform as declared.
pub(super) fn known<'a>(input: Input<'a>, member: &'a Member) -> Platform {
    declared(&mut QueryBatch::new(input), input, member).unwrap_or_else(|| member.platform.clone())
}

/// Returns where the version of an image comes from, if it is known without the image's config.
pub(super) fn origin(image: &Image<'_>) -> Option<OsVersionOrigin> {
    let member = image.member;
    match (&member.platform.os_version, &member.os_version) {
        (Some(_), _) => Some(OsVersionOrigin::Declared),
        (None, OsVersion::Of(of)) => Some(OsVersionOrigin::Image(of.from.clone())),
        (None, OsVersion::AsDeclared | OsVersion::Fits(_)) => {
            image.declared.os_version.as_ref().map(|_| OsVersionOrigin::SourceIndex)
        }
    }
}

/// Returns the pattern that the version of the member's image must match, if there is one.
pub(super) fn pattern(member: &Member) -> Option<&Pattern> {
    match &member.os_version {
        OsVersion::Fits(pattern) => Some(&pattern.value),
        OsVersion::AsDeclared | OsVersion::Of(_) => None,
    }
}

/// Whether the version of a platform is allowed for the member.
pub(super) fn fits(member: &Member, platform: &Platform) -> bool {
    equality::has_version(pattern(member), platform)
}

/// The version of an image that does not match the declared pattern.
pub(super) struct OsVersionMisfit<'a> {
    /// The declared pattern.
    pub(super) pattern: &'a Placed<Pattern>,
    /// The reason, as a sentence for a problem's causes.
    pub(super) why: String,
}

/// Returns why `platform`, which would be in the list, does not have the declared version. `None` if it does.
pub(super) fn misfit<'a>(member: &'a Member, platform: &Platform) -> Option<OsVersionMisfit<'a>> {
    let OsVersion::Fits(pattern) = &member.os_version else { return None };
    if fits(member, platform) {
        return None;
    }
    let source = pattern.value.source();
    let why = match platform.os_version.as_deref() {
        None => format!("its config has no os.version to match {source}"),
        Some(version) => format!("its os.version {} does not match {source}", excerpt(version)),
    };
    Some(OsVersionMisfit { pattern, why })
}

fn version_of<'a>(
    batch: &mut QueryBatch<'a>,
    input: Input<'a>,
    member: &'a Member,
    of: &'a OsVersionOf,
) -> Option<String> {
    let origin = QueryOrigin::os_version(input, member, of);
    let platforms = match batch.head(&of.from, &origin)? {
        Presence::Found(head) => platforms(batch, of, head, &origin)?,
        Presence::Absent => {
            if let Some(problem) = absences::not_found(batch, "mlist::plan::os_version_absent", &of.from, &origin) {
                let problem = problem.because(format!("os-version of {} is taken from this image", machine(member)));
                batch.block(problem.help(
                    "use another image, or set os-version = \"10.0.17763.*\" to use the version of the member itself",
                ));
            }
            return None;
        }
    };
    // The version of another os or architecture says nothing about this one.
    let machine = machine(member);
    let ours = platforms.iter().filter(|platform| equality::fits(&machine, platform));
    let mut ours: Vec<&str> = ours.filter_map(|platform| platform.os_version.as_deref()).collect();
    ours.sort_unstable();
    ours.dedup();
    let is_of_build = |version: &&str| of.build.as_deref().is_none_or(|build| begins_with(version, build));
    let fitting: Vec<&str> = ours.iter().copied().filter(is_of_build).collect();
    if let Some(version) = fitting.iter().find(|version| !is_plain(version)) {
        batch.block(origin.label(invalid_platform(&of.from, "os.version", version)));
        return None;
    }
    if let [version] = fitting.as_slice() {
        return Some((*version).to_owned());
    }
    batch.block(origin.label(undecided(member, of, &ours, &fitting)));
    None
}

/// Returns the platforms of `from`: those of all images of a list, or the one in an image's config.
fn platforms(
    batch: &mut QueryBatch<'_>,
    of: &OsVersionOf,
    head: &Descriptor,
    origin: &QueryOrigin<'_>,
) -> Option<Vec<Platform>> {
    let (from, place) = (&of.from, &of.from.place);
    if let Some(problem) = not_an_image(from, &head.media_type).filter(|_| !head.media_type.is_index()) {
        batch.block(origin.label(problem));
        return None;
    }
    let payload = match batch.manifest(&head.digest, place, origin)? {
        Presence::Found(payload) => payload,
        Presence::Absent => {
            batch.block(origin.label(damaged(from, "its manifest", &head.digest)));
            return None;
        }
    };
    let read = if payload.media_type().is_index() {
        Index::parse(payload).map(|list| {
            let images = list.entries.into_iter().filter(|entry| entry.attested().is_none());
            images.filter_map(|entry| entry.platform).collect()
        })
    } else {
        ImageManifest::parse(payload).and_then(|manifest| {
            let config = manifest.config.digest;
            match batch.config(&config, place, origin) {
                Some(Presence::Found(read)) => read.clone().map(|config| vec![config.platform]),
                Some(Presence::Absent) => {
                    batch.block(origin.label(damaged(from, "its config", &config)));
                    Ok(Vec::new())
                }
                None => Ok(Vec::new()),
            }
        })
    };
    read.map_err(|error| batch.block(origin.label(unreadable(from, &error)))).ok()
}

/// Whether `version` is `build` or a version of it: `10.0.177631` is not a version of `10.0.17763`.
fn begins_with(version: &str, build: &str) -> bool {
    version.strip_prefix(build).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Returns the os, architecture and variant that the version is needed for.
fn machine(member: &Member) -> Platform {
    Platform { os_version: None, os_features: Vec::new(), ..member.platform.clone() }
}

/// Returns what distinguishes the first of `versions` from the others: its build if that is sufficient, otherwise the
/// full version.
fn told_apart<'v>(versions: &[&'v str]) -> &'v str {
    let Some((first, others)) = versions.split_first() else { return "" };
    let build = first.match_indices('.').nth(2).map_or(*first, |(end, _)| &first[..end]);
    if others.iter().any(|other| begins_with(other, build)) { first } else { build }
}

/// Returns the problem that no version is of the build (`fitting` is empty), or that several in `fitting` are. `ours`
/// are all versions for the platform.
fn undecided(member: &Member, of: &OsVersionOf, ours: &[&str], fitting: &[&str]) -> Problem {
    let (from, machine) = (&of.from, machine(member));
    let (code, message, has, help) = if fitting.is_empty() {
        let message = match &of.build {
            Some(build) => format!("{from} has no {machine} image of build {build}"),
            None => format!("{from} has no os.version for {machine}"),
        };
        let other = if of.build.is_some() { "another image or build" } else { "another image" };
        let example = of.build.as_deref().unwrap_or("10.0.17763");
        let help = format!("use {other}, or set os-version = \"{example}.*\" to use the version of the member itself");
        ("mlist::plan::no_os_version", message, ours, help)
    } else {
        let build = of.build.as_deref().map(|build| format!(" of build {build}")).unwrap_or_default();
        let message = format!("{from} has several values of os.version for {machine}{build}");
        (
            "mlist::plan::several_os_versions",
            message,
            fitting,
            format!("choose one: build = \"{}\"", told_apart(fitting)),
        )
    };
    let has =
        if has.is_empty() { format!("it has no os.version for {machine}") } else { format!("it has {}", some(has)) };
    Problem::error(code, message).because(has).help(help).about(from)
}
