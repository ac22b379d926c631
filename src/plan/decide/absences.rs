//! Why a source is not found: one problem for each member, or one for all members of a list.

use crate::config::model::Member;
use crate::config::problem::{HttpFacts, Problem, Span};
use crate::oci::{LayoutContents, Place, Reference};

use super::batch::{QueryBatch, QueryOrigin};
use super::input::Input;
use super::problems::{copy_to, excerpt, some};

/// The help if no source of a list is found: most likely a name is wrong, or nothing was built yet.
pub(super) const CHECK_NAMES: &str =
    "check the names and the version; if this version is not built yet, build and push its images first";

/// The maximum number of sources that a problem about all members lists.
const LISTED: usize = 3;

/// Blocks the list because the sources of `absent` are not found and must be.
pub(super) fn block<'a>(batch: &mut QueryBatch<'a>, input: Input<'a>, absent: &[&'a Member]) {
    if let Some(problem) = of_all(batch, input, absent) {
        batch.block(problem);
        return;
    }
    for member in absent {
        if let Some(problem) = self::absent(batch, &member.source, &QueryOrigin::member(input, member)) {
            batch.block(problem);
        }
    }
}

/// Returns the problem that the source of a member is not found. `None` if the batch cannot go on.
pub(super) fn absent(batch: &mut QueryBatch<'_>, source: &Reference, origin: &QueryOrigin<'_>) -> Option<Problem> {
    not_found(batch, "mlist::plan::member_absent", source, origin)
}

/// Returns the problem that `reference` is not found. `None` if the batch cannot go on.
pub(super) fn not_found(
    batch: &mut QueryBatch<'_>,
    code: &'static str,
    reference: &Reference,
    origin: &QueryOrigin<'_>,
) -> Option<Problem> {
    let place = &reference.place;
    let locator = match reference.tag() {
        Some(tag) => format!("tag {tag}"),
        None => reference.locator.to_string(),
    };
    let message = format!("{locator} not found in {place}");
    let problem = match place {
        Place::Repository(repository) => Problem {
            http: Some(HttpFacts::not_found(repository.host().as_str())),
            ..Problem::error(code, message).help("push it first, or set missing = \"skip\" to publish without it")
        },
        Place::Layout(_) => {
            let LayoutReason { why, help } = layout(batch, reference, origin)?;
            let build =
                || format!("build it first ({}), or set missing = \"skip\" to publish without it", copy_to(reference));
            Problem::error(code, message).because(why).help(help.unwrap_or_else(build))
        }
    };
    Some(origin.label(problem.about(reference)))
}

/// Returns the problem that no source of the list is found, if `absent` are all its members and not just one. `None`
/// also if the batch cannot go on.
pub(super) fn of_all<'a>(batch: &mut QueryBatch<'a>, input: Input<'a>, absent: &[&'a Member]) -> Option<Problem> {
    let members = &input.publication.members;
    if members.len() < 2 || absent.len() < members.len() {
        return None;
    }
    let message = format!("none of the {} images of list `{}` was found", members.len(), input.publication.id);
    let mut problem =
        Problem::error("mlist::plan::member_absent", message).because(none_found(input)).help(CHECK_NAMES);
    problem.http =
        members.iter().find_map(|member| member.source.place.host()).map(|host| HttpFacts::not_found(host.as_str()));
    // The first layout explains the others.
    if let Some(member) = members.iter().find(|member| matches!(member.source.place, Place::Layout(_))) {
        let LayoutReason { why, help } = layout(batch, &member.source, &QueryOrigin::member(input, member))?;
        let build =
            || format!("check the names and the version, or build the images first: {}", copy_to(&member.source));
        problem = problem.because(why).help(help.unwrap_or_else(build));
    }
    let mut spans: Vec<&Span> = members.iter().map(|member| &member.source_span).collect();
    spans.dedup();
    spans.truncate(LISTED);
    let problem = spans
        .into_iter()
        .fold(problem, |problem, span| problem.at(span, format!("source of list `{}`", input.publication.id)));
    Some(problem.about(&input.publication.reference()))
}

/// Returns the sources that were looked for: `not found: ghcr.io/acme/app:v1-amd64, …`.
pub(super) fn none_found(input: Input<'_>) -> String {
    let sources: Vec<String> = input.publication.members.iter().map(|member| member.source.to_string()).collect();
    let more = match sources.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("not found: {}{more}", sources[..sources.len().min(LISTED)].join(", "))
}

/// Why a layout does not have a reference, and what to do.
pub(crate) struct LayoutReason {
    /// Why it is not found.
    pub(crate) why: String,
    /// What to do. `None` if the image must be built.
    pub(crate) help: Option<String>,
}

/// Returns why the layout of `reference` does not have it. `None` if the batch cannot go on.
fn layout(batch: &mut QueryBatch<'_>, reference: &Reference, origin: &QueryOrigin<'_>) -> Option<LayoutReason> {
    layout_reason(reference, batch.layout(&reference.place, origin)?)
}

/// Returns why a layout with these contents does not have `reference`. `None` if that is no reference to a layout.
pub(crate) fn layout_reason(reference: &Reference, contents: &LayoutContents) -> Option<LayoutReason> {
    let (place, Place::Layout(dir)) = (&reference.place, &reference.place) else { return None };
    let dir = dir.path().display();
    let (why, help) = match contents {
        LayoutContents::NoFolder => (format!("directory {dir} does not exist"), None),
        LayoutContents::Empty => (format!("directory {dir} is empty"), None),
        LayoutContents::DockerArchive => (
            format!("directory {dir} is an unpacked archive of `docker save`, not an OCI image layout"),
            Some(format!(
                "convert the archive: {}",
                copy_to(reference).replace("docker://IMAGE", "docker-archive:FILE.tar")
            )),
        ),
        LayoutContents::Other => (
            format!("directory {dir} is not an OCI image layout: it has no file `oci-layout`"),
            Some(format!("check the path, or build a layout there: {}", copy_to(reference))),
        ),
        LayoutContents::Names(names) => named(reference, names).unwrap_or_else(|| match names.as_slice() {
            [] => (format!("{place} has no tags"), None),
            names => (format!("tags in {place}: {}", some(names)), None),
        }),
    };
    Some(LayoutReason { why, help })
}

/// Returns the reason and the help if a name in the layout is a full reference with the tag of `reference`.
fn named(reference: &Reference, names: &[String]) -> Option<(String, Option<String>)> {
    let tag = reference.tag()?;
    let has_tag = |name: &&String| name.rsplit_once(':').is_some_and(|(_, last)| last == tag.as_str());
    let full = names.iter().find(has_tag)?;
    // The name comes from a file, and the user may run the command.
    let is_safe = full.chars().all(|c| c.is_ascii_alphanumeric() || "._-:/@".contains(c));
    let from = if is_safe { full.as_str() } else { "NAME" };
    let help = format!("add the tag alone: skopeo copy {place}:{from} {place}:{tag}", place = reference.place);
    Some((format!("the tags in {} are full references: {}", reference.place, excerpt(full)), Some(help)))
}
