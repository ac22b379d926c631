//! Problems of members that several files report.

use crate::config::problem::{HttpFacts, Problem};
pub(super) use crate::oci::excerpt;
use crate::oci::{Digest, MalformedJson, MediaType, Reference};

/// The maximum number of names that a problem lists.
const NAMED: usize = 10;

/// Returns why a manifest of `media_type` cannot be a member. `None` if it can.
pub(super) fn not_an_image(reference: &Reference, media_type: &MediaType) -> Option<Problem> {
    if media_type.is_image() {
        return None;
    }
    let problem = if media_type.is_index() {
        Problem::error("mlist::plan::member_is_index", format!("{reference} is a list, and was said to be an image"))
            .because("what names it gives it the type of an image")
            .help("push it again with a tool that writes what the image-spec has")
    } else if media_type.is_schema1() {
        Problem::error(
            "mlist::plan::schema1",
            format!("{reference} is in Docker's first format, which no list can hold"),
        )
        .help("build it again, or pull and push it with a Docker of today")
    } else {
        Problem::error("mlist::plan::not_an_image", format!("{reference} is no image"))
            .because(format!("its type is {media_type}"))
            .help("a member is an image of Docker or OCI")
    };
    Some(problem.about(reference))
}

/// Returns the problem that the source of a member does not exist.
pub(super) fn absent(reference: &Reference) -> Problem {
    let host = reference.place.host();
    let status = host.map_or("", |_| " (404)");
    let mut problem = Problem::error("mlist::plan::member_absent", format!("{reference} is absent{status}"))
        .help("push it and sync again, or publish without it: missing = \"skip\"")
        .about(reference);
    problem.http = host.map(|host| HttpFacts::not_found(host.as_str()));
    problem
}

/// Returns the problem that `source` exists, but its manifest or config (`what`) is missing.
pub(super) fn damaged(source: &Reference, what: &str, digest: &Digest) -> Problem {
    Problem::error("mlist::plan::member_damaged", format!("{source} is there, and its {what} is absent"))
        .because(format!("no {digest} in {}", source.place))
        .help("push it again")
        .about(source)
}

/// Returns the problem that the bytes named by `source` are not valid for their media type.
pub(super) fn unreadable(source: &Reference, error: &MalformedJson) -> Problem {
    Problem::error("mlist::plan::unreadable_manifest", format!("{source} can't be read"))
        .because(error.to_string())
        .help("push it again with a tool that writes what the image-spec has")
        .about(source)
}

/// Returns the problem that `source` has a platform that cannot be published: `part` of it is `text`.
pub(super) fn invalid_platform(source: &Reference, part: &str, text: &str) -> Problem {
    Problem::error("mlist::plan::invalid_platform", format!("{source} has an invalid {part}"))
        .because(format!("found \"{}\", expected 1 to 64 ASCII characters without spaces", excerpt(text)))
        .help(format!("push the image again with a valid {part}, or declare it for this member"))
        .about(source)
}

/// Joins names, at most [`NAMED`] of them: `linux/amd64, linux/arm/v7 and 3 more`.
pub(super) fn some(names: &[impl AsRef<str>]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let first: Vec<String> = names.iter().take(NAMED).map(|name| excerpt(name.as_ref())).collect();
    let first = first.join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}
