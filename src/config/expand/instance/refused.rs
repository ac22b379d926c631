//! Problems of expanded texts that are not valid.

use std::ops::Range;

use crate::config::expand::value::{Expanded, Visibility};
use crate::config::problem::{Problem, Span};
use crate::config::read::declared::SpannedTemplate;
use crate::config::read::known_keys::part_not_built;
use crate::naming::Filter;
use crate::oci::{DigestError, ReferenceError, ReferenceErrorKind as Kind, Tag};

/// What tools write before the name of an image that is in no registry (containers-transports(5)). `dir:` is left out: it
/// can also be an image of Docker Hub.
const TRANSPORTS: [&str; 4] = ["oci-archive:", "docker-archive:", "docker-daemon:", "containers-storage:"];

const EMPTY_TAG: &str = "check where the value comes from; to omit the tag if it is empty: when = { NAME = \"?*\" }";
const EMPTY: &str = "check where the value comes from; to leave the list out if it is empty, give each of its tags a \
                     condition: when = { NAME = \"?*\" }";

/// The cause of an error that an empty value explains: the placeholder whose value is empty.
fn empty_value(template: &SpannedTemplate, expanded: &Expanded, error: &ReferenceError) -> Option<String> {
    let is_explained = matches!(
        error.kind,
        Kind::EmptyTag | Kind::TagStart(_) | Kind::EmptyPathPart | Kind::NoRepository | Kind::HostName
    );
    let placeholder = template.text.value.get(expanded.empty().filter(|_| is_explained)?.clone())?;
    Some(format!("the value of `{placeholder}` is empty"))
}

/// The start of the full name of a git tag. CI systems have it in variables such as `GITHUB_REF`.
const GIT_TAGS: &str = "refs/tags/";

pub(super) fn bad_tag(template: &SpannedTemplate, expanded: &Expanded, error: &ReferenceError, label: &str) -> Problem {
    let problem = invalid("mlist::config::bad_tag", template, expanded, error)
        .at(&origin(template, expanded, error), format!("used by {label}"));
    if let Some(cause) = empty_value(template, expanded, error) {
        return problem.because(cause).help(EMPTY_TAG);
    }
    let Some(word) = placeholder(template, expanded, error) else {
        return problem;
    };
    let filtered = Filter::Tag.apply(expanded.text());
    if error.kind.character().is_some_and(|c| matches!(c, '"' | '\'')) {
        problem.help(format!("remove the quotes from the value of `{word}`"))
    } else if !expanded.is_hidden() && expanded.text().contains(GIT_TAGS) {
        problem.help(format!("use only the name of the git tag: {{{word}|replace:{GIT_TAGS}:}}"))
    } else if Tag::parse(&filtered).is_ok() {
        let here = if expanded.is_hidden() { String::new() } else { format!("; the tag is then {filtered}") };
        problem.help(format!("use the filter `tag`, which replaces invalid characters: {{{word}|tag}}{here}"))
    } else {
        problem
    }
}

/// The name in the placeholder that caused the error. `None` if the template itself has the invalid text.
fn placeholder<'t>(template: &'t SpannedTemplate, expanded: &Expanded, error: &ReferenceError) -> Option<&'t str> {
    let origin = expanded.origin(&error.span);
    let is_origin = |span: &Range<usize>| span.start <= origin.start && origin.end <= span.end;
    template.template.placeholders().find(|word| is_origin(&word.span)).map(|word| word.name.as_str())
}

/// The part of the path in `template` that caused the error, in lower case.
fn lower_part(template: &SpannedTemplate, expanded: &Expanded, error: &ReferenceError) -> String {
    let text = template.text.value.as_str();
    let (before, after) = text.split_at(text.floor_char_boundary(expanded.origin(&error.span).start));
    let is_end = |c: char| matches!(c, '/' | ':' | '@' | '{' | '}');
    let start = before.rfind(is_end).map_or(0, |at| at + 1);
    let end = before.len() + after.find(is_end).unwrap_or(after.len());
    text[start..end].to_lowercase()
}

/// The problem without its label. It says where an invalid value comes from, and shows no value that must not be shown.
fn invalid(code: &'static str, template: &SpannedTemplate, expanded: &Expanded, error: &ReferenceError) -> Problem {
    let invalid = error.kind.character();
    let of_whole_text = matches!(error.kind, Kind::NoLocator | Kind::UnexpectedLocator | Kind::Scheme | Kind::User);
    let value = expanded.outside(&error.span, invalid).filter(|_| !of_whole_text);
    let message = match value {
        Some(value) if value.visibility == Visibility::Secret => {
            format!("the value of `{}` is not valid in `{}`", value.name, template.text.value)
        }
        _ if expanded.is_hidden() => error.message_of(expanded.shown()),
        _ => error.message.clone(),
    };
    let problem = Problem::error(code, message);
    match value {
        Some(value) => problem.because(value.describe(invalid)),
        None => problem,
    }
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
    let problem = invalid("mlist::config::bad_reference", template, expanded, error)
        .at(&origin(template, expanded, error), format!("used by {label}"));
    if let Some(cause) = empty_value(template, expanded, error) {
        return problem.because(cause).help(EMPTY);
    }
    match &error.kind {
        Kind::NoLocator => problem.help("add a tag or digest, `:TAG` or `@DIGEST`; latest is never assumed"),
        Kind::UnexpectedLocator => problem.help("remove the tag here and write it in `tags`"),
        Kind::Scheme => problem.help("remove the scheme: ghcr.io/org/app:v1"),
        Kind::User => problem.help("remove the user name; credentials come from `docker login` or [registry.\"HOST\"]"),
        Kind::EmptyPathPart => problem.help("write one `/` between two parts; a variable may be empty or end with `/`"),
        Kind::UpperCasePath(_) => match placeholder(template, expanded, error) {
            Some(word) => {
                problem.help(format!("to convert the value to lower case, use the filter `lower`: {{{word}|lower}}"))
            }
            None => problem.help(format!("write `{}`", lower_part(template, expanded, error))),
        },
        Kind::Digest(DigestError::BareHex(algorithm)) => {
            let written = template.text.value.split_once('@').map_or("DIGEST", |(_, digest)| digest);
            let here = format!("write `@{algorithm}:{written}`");
            problem.help(match placeholder(template, expanded, error) {
                Some(word) => format!("{here}, or add `{algorithm}:` to the value of `{word}`"),
                None => here,
            })
        }
        Kind::Digest(DigestError::Character { character: '"', .. }) => {
            problem.help("remove the quotes from the value: a digest is `sha256:` and 64 lowercase hex digits")
        }
        Kind::Digest(_) => problem.help("a digest is `sha256:` and 64 lowercase hex digits"),
        _ => problem,
    }
}

/// The transport at the start of an expanded reference, if mlist does not support it.
pub(super) fn transport(expanded: &Expanded) -> Option<&'static str> {
    TRANSPORTS.into_iter().find(|transport| expanded.text().starts_with(transport))
}

pub(super) fn unsupported_source(template: &SpannedTemplate, transport: &str) -> Problem {
    let is_written = template.text.value.starts_with(transport);
    let span = if is_written { template.text.part(&(0..transport.len())) } else { template.text.span.clone() };
    part_not_built(&format!("`{transport}`"))
        .at(&span, "")
        .help(format!("convert the image, and use oci:DIR:TAG: skopeo copy {transport}… oci:DIR:TAG"))
}
