//! Problems of members that several files report.

use crate::config::problem::Problem;
pub(super) use crate::oci::excerpt;
use crate::oci::{Digest, MalformedJson, MediaType, Place, Reference, Tag};
use crate::plan::ChildFault;

/// The maximum number of names that a problem lists.
const NAMED: usize = 10;

/// The help for content that no current tool writes.
const PUSH_AGAIN: &str = "push it again with a tool that follows the OCI image specification";

/// Returns why a manifest of `media_type` cannot be a member. `None` if it can.
pub(super) fn not_an_image(reference: &Reference, media_type: &MediaType) -> Option<Problem> {
    if media_type.is_image() {
        return None;
    }
    let problem = if media_type.is_index() {
        Problem::error("mlist::plan::member_is_index", format!("{reference} is a list, but is declared as an image"))
            .because("its descriptor has the media type of an image, but its bytes are a list")
            .help(PUSH_AGAIN)
    } else if media_type.is_schema1() {
        Problem::error(
            "mlist::plan::schema1",
            format!("{reference} uses Docker manifest schema 1, which a manifest list cannot contain"),
        )
        .help("build the image again, or pull and push it with a current version of Docker")
    } else {
        Problem::error("mlist::plan::not_an_image", format!("{reference} is not an image"))
            .because(format!("its media type is {media_type}"))
            .help("set source to a Docker or OCI image")
    };
    Some(problem.about(reference))
}

/// Returns the problem that `source` exists, but a part of it (`what`: `its manifest`) is missing.
pub(crate) fn damaged(source: &Reference, what: &str, digest: &Digest) -> Problem {
    let help = match source.place {
        Place::Repository(_) => "push the image again".to_owned(),
        Place::Layout(_) => format!("write the image to the layout again: {}", copy_to(source)),
    };
    Problem::error("mlist::plan::member_damaged", format!("{source} exists, but {what} is missing"))
        .because(format!("{digest} not found in {}", source.place))
        .help(help)
        .about(source)
}

/// Returns which part of an image is missing, and its digest. `manifest` is the digest of the image.
pub(super) fn lacking<'d>(fault: &'d ChildFault, manifest: &'d Digest) -> (&'static str, &'d Digest) {
    match fault {
        ChildFault::ConfigMissing(digest) => ("its config", digest),
        ChildFault::LayerMissing(digest) => ("one of its layers", digest),
        ChildFault::Missing | ChildFault::Size(_) | ChildFault::Type(_) | ChildFault::Unreadable(_) => {
            ("its manifest", manifest)
        }
    }
}

/// Returns the command that writes an image to the layout of `reference`.
pub(super) fn copy_to(reference: &Reference) -> String {
    let tag = reference.tag().map_or("TAG", Tag::as_str);
    format!("skopeo copy docker://IMAGE {}:{tag}", reference.place)
}

/// Returns the problem that the bytes named by `source` are not valid for their media type.
pub(super) fn unreadable(source: &Reference, error: &MalformedJson) -> Problem {
    Problem::error("mlist::plan::unreadable_manifest", format!("cannot parse {source}"))
        .because(error.to_string())
        .help(PUSH_AGAIN)
        .about(source)
}

/// Returns the problem that `source` has a platform that cannot be published: `part` of it is `text`.
pub(super) fn invalid_platform(source: &Reference, part: &str, text: &str) -> Problem {
    Problem::error("mlist::plan::invalid_platform", format!("{source} has an invalid {part}"))
        .because(format!("found \"{}\", expected 1 to 64 ASCII characters without spaces", excerpt(text)))
        .help(format!("push the image again with a valid {part}, or set {} for this member", part.replace('.', "-")))
        .about(source)
}

/// Joins names, at most [`NAMED`] of them: `linux/amd64, linux/arm/v7 and 3 more`.
pub(super) fn some(names: &[impl AsRef<str>]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let first: Vec<String> = names.iter().take(NAMED).map(|name| excerpt(name.as_ref())).collect();
    let first = first.join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}
