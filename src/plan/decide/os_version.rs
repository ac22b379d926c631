//! Versions of Windows that the file does not write out: those of another image, and those that have to fit.

use crate::config::model::{Member, OsVersion, OsVersionOf};
use crate::config::problem::{HttpFacts, Problem};
use crate::naming::Pattern;
use crate::oci::{Descriptor, ImageConfig, ImageManifest, Index, Platform};
use crate::plan::equality;

use super::batch::{Origin, Presence, QueryBatch};
use super::input::Input;
use super::problems::{damaged, not_an_image, some, unreadable};

/// Asks what `from` names, so that it is asked with all other heads.
pub(super) fn ask<'a>(batch: &mut QueryBatch<'a>, input: Input<'a>, member: &'a Member) {
    if let OsVersion::Of(of) = &member.os_version {
        batch.head(&of.from, &Origin::os_version(input, member, of));
    }
}

/// The platform of a member as declared, with the version that another image has where the file says so; none where
/// the batch cannot go on.
pub(super) fn declared<'a>(batch: &mut QueryBatch<'a>, input: Input<'a>, member: &'a Member) -> Option<Platform> {
    let OsVersion::Of(of) = &member.os_version else { return Some(member.platform.clone()) };
    let version = version_of(batch, input, member, of)?;
    Some(Platform { os_version: Some(version), ..member.platform.clone() })
}

/// The platform that a member is known by, its version included, by what [`declared`] has asked: where that is not
/// known, as declared.
pub(super) fn known<'a>(input: Input<'a>, member: &'a Member) -> Platform {
    declared(&mut QueryBatch::new(input), input, member).unwrap_or_else(|| member.platform.clone())
}

/// What the version of the member's image has to fit, where it has to.
pub(super) fn pattern(member: &Member) -> Option<&Pattern> {
    match &member.os_version {
        OsVersion::Fits(pattern) => Some(&pattern.value),
        OsVersion::AsDeclared | OsVersion::Of(_) => None,
    }
}

/// Whether a platform has a version that the member may have.
pub(super) fn fits(member: &Member, platform: &Platform) -> bool {
    equality::has_version(pattern(member), platform)
}

/// Why `platform`, which is to stand in the list, does not have the version that is declared: a sentence to be read as
/// a cause.
pub(super) fn misfit(member: &Member, platform: &Platform) -> Option<String> {
    let pattern = pattern(member).filter(|_| !fits(member, platform))?.source();
    match platform.os_version.as_deref() {
        None => Some(format!("its config says no version of Windows, and {pattern} is declared")),
        Some(version) => Some(format!("its version is {version}, and {pattern} is declared")),
    }
}

fn version_of<'a>(
    batch: &mut QueryBatch<'a>,
    input: Input<'a>,
    member: &'a Member,
    of: &'a OsVersionOf,
) -> Option<String> {
    let origin = Origin::os_version(input, member, of);
    let platforms = match batch.head(&of.from, &origin)? {
        Presence::Found(head) => platforms(batch, of, head, &origin)?,
        Presence::Absent => {
            batch.block(origin.label(absent(member, of)));
            return None;
        }
    };
    // Of another machine's version nothing follows.
    let machine = machine(member);
    let ours = platforms.iter().filter(|platform| equality::fits(&machine, platform));
    let mut ours: Vec<&str> = ours.filter_map(|platform| platform.os_version.as_deref()).collect();
    ours.sort_unstable();
    ours.dedup();
    let is_of_build = |version: &&str| of.build.as_deref().is_none_or(|build| begins_with(version, build));
    let fitting: Vec<&str> = ours.iter().copied().filter(is_of_build).collect();
    if let [version] = fitting.as_slice() {
        return Some((*version).to_owned());
    }
    batch.block(origin.label(undecided(member, of, &ours, &fitting)));
    None
}

/// What `from` is for: each image of a list, or the one platform that an image's config says.
fn platforms(
    batch: &mut QueryBatch<'_>,
    of: &OsVersionOf,
    head: &Descriptor,
    origin: &Origin<'_>,
) -> Option<Vec<Platform>> {
    let (from, place) = (&of.from, &of.from.place);
    if let Some(problem) = not_an_image(from, &head.media_type).filter(|_| !head.media_type.is_index()) {
        batch.block(origin.label(problem));
        return None;
    }
    let payload = match batch.manifest(&head.digest, place, origin)? {
        Presence::Found(payload) => payload,
        Presence::Absent => {
            batch.block(origin.label(damaged(from, "manifest", &head.digest)));
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
                Some(Presence::Found(payload)) => {
                    ImageConfig::parse(payload.bytes()).map(|config| vec![config.platform])
                }
                Some(Presence::Absent) => {
                    batch.block(origin.label(damaged(from, "config", &config)));
                    Ok(Vec::new())
                }
                None => Ok(Vec::new()),
            }
        })
    };
    read.map_err(|error| batch.block(origin.label(unreadable(from, &error)))).ok()
}

/// Whether a version is `build` or goes on from it: `10.0.177631` does not go on from `10.0.17763`.
fn begins_with(version: &str, build: &str) -> bool {
    version.strip_prefix(build).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The machine that the version is asked for.
fn machine(member: &Member) -> Platform {
    Platform { os_version: None, os_features: Vec::new(), ..member.platform.clone() }
}

/// What tells the first of `versions` from the others: its build where that is enough, else all of it.
fn told_apart<'v>(versions: &[&'v str]) -> &'v str {
    let Some((first, others)) = versions.split_first() else { return "" };
    let build = first.match_indices('.').nth(2).map_or(*first, |(end, _)| &first[..end]);
    if others.iter().any(|other| begins_with(other, build)) { first } else { build }
}

fn absent(member: &Member, of: &OsVersionOf) -> Problem {
    let (from, host) = (&of.from, of.from.place.host());
    let status = host.map_or("", |_| " (404)");
    let mut problem = Problem::error("mlist::plan::os_version_absent", format!("{from} is absent{status}"))
        .because(format!("the os-version of {} is that of this image", machine(member)))
        .help("name another, or write the version: os-version = \"10.0.17763.*\" takes that of the member's config")
        .about(from);
    problem.http =
        host.map(|host| HttpFacts { host: host.as_str().to_owned(), status: Some(404), code: None, attempts: 1 });
    problem
}

/// No version of `ours` is of the build, or several are: those that `fit`.
fn undecided(member: &Member, of: &OsVersionOf, ours: &[&str], fitting: &[&str]) -> Problem {
    let (from, machine) = (&of.from, machine(member));
    let build = of.build.as_deref().map(|build| format!(" of build {build}")).unwrap_or_default();
    let (code, message, has, help) = if fitting.is_empty() {
        let message = format!("{from} has no os-version for {machine}{build}");
        ("mlist::plan::no_os_version", message, ours, "name another image or build, or write the version".to_owned())
    } else {
        let message = format!("{from} has several os-versions for {machine}{build}");
        (
            "mlist::plan::several_os_versions",
            message,
            fitting,
            format!("say which: build = \"{}\"", told_apart(fitting)),
        )
    };
    let has = if has.is_empty() { "none for this platform".to_owned() } else { some(has) };
    Problem::error(code, message).because(format!("it has {has}")).help(help).about(from)
}
