//! Problems of expanded texts that are not valid.

use crate::config::expand::value::Expanded;
use crate::config::problem::{Problem, Span};
use crate::config::read::declared::SpannedTemplate;
use crate::config::read::known_keys::part_not_built;
use crate::naming::Filter;
use crate::oci::{ReferenceError, ReferenceErrorKind as Kind, Tag};

/// The prefix of sources and targets in archives, which are not supported yet.
pub(super) const ARCHIVE: &str = "oci-archive:";

pub(super) fn bad_tag(template: &SpannedTemplate, expanded: &Expanded, error: &ReferenceError, label: &str) -> Problem {
    let problem = Problem::error("mlist::config::bad_tag", message(expanded, error))
        .at(&origin(template, expanded, error), label);
    let filtered = Filter::Tag.apply(expanded.text());
    let is_made = template.template.placeholders().next().is_some();
    if is_made && expanded.text().is_empty() {
        problem.help("what stands in the braces is empty here: look at where its value comes from")
    } else if is_made && Tag::parse(&filtered).is_ok() {
        let here = if expanded.is_hidden() { String::new() } else { format!(", here {filtered}") };
        problem.help(format!("{{NAME|tag}} makes one of any value{here}"))
    } else {
        problem
    }
}

/// What is wrong with an expanded text, without values that must not be shown.
fn message(expanded: &Expanded, error: &ReferenceError) -> String {
    if expanded.is_hidden() { error.message_of(expanded.shown()) } else { error.message.clone() }
}

/// The place in the template that caused the error in the expanded text.
fn origin(template: &SpannedTemplate, expanded: &Expanded, error: &ReferenceError) -> Span {
    let origin = expanded.origin(&error.span);
    if origin.is_empty() || error.span.is_empty() { template.text.span.clone() } else { template.text.part(&origin) }
}

pub(super) fn bad_reference(
    template: &SpannedTemplate,
    expanded: &Expanded,
    error: &ReferenceError,
    label: &str,
) -> Problem {
    let problem = Problem::error("mlist::config::bad_reference", message(expanded, error))
        .at(&origin(template, expanded, error), label);
    match error.kind {
        Kind::NoLocator => problem.help("write :TAG or @DIGEST behind it: nothing is `latest` by itself"),
        Kind::UnexpectedLocator => problem.help("its tag belongs in `tags`"),
        Kind::Scheme => problem.help("leave the scheme out: ghcr.io/org/app:v1"),
        Kind::User => problem.help("credentials come from docker login, never from here"),
        Kind::EmptyPathPart => problem.help("one `/` between parts, and none at the end of a variable"),
        Kind::UpperCasePath(_) => problem.help("repositories are lower case: {NAME|lower} makes a value so"),
        _ => problem,
    }
}

pub(super) fn archive(template: &SpannedTemplate) -> Problem {
    let whole = 0..ARCHIVE.len().min(template.text.value.len());
    let span =
        if template.text.value.starts_with(ARCHIVE) { template.text.part(&whole) } else { template.text.span.clone() };
    part_not_built("`oci-archive:`").at(&span, "").help("unpack it, and name the folder: oci:DIR:TAG")
}
