//! Strings that are not templates: globs, media types and plain strings.

use super::raw::{Node, Text};
use super::read_problems::ReadProblems;
use super::types;
use crate::config::model::Placed;
use crate::config::problem::Problem;
use crate::naming::Globs;
use crate::oci::excerpt;

/// The regular expression of media types (RFC 6838, section 4.2), for the JSON Schema.
pub(in crate::config) const MEDIA_TYPE: &str =
    "^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$";

/// The maximum length of each part of a media type, in bytes.
const LONGEST_PART: usize = 127;

/// Returns the globs of an array, with the span of the array. The array may be empty.
pub(super) fn globs(key: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Placed<Globs>> {
    let items = types::array(key, node, problems)?;
    types::few_globs(key, node, items.len(), problems)?;
    let texts: Vec<&Text> = items.iter().filter_map(|item| types::item(key, item, problems)).collect();
    let good = texts.iter().filter(|text| types::glob(text, problems).is_some()).count();
    if good < items.len() {
        return None;
    }
    let sources: Vec<&str> = texts.iter().map(|text| text.value.as_str()).collect();
    // This cannot fail, because each glob was already parsed by itself.
    Some(Placed { value: Globs::parse(&sources).ok()?, span: node.span.clone() })
}

/// Returns the media type in `node`.
pub(super) fn media_type(key: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Placed<String>> {
    let text = types::text(key, node, problems)?;
    if is_media_type(&text.value) {
        return Some(Placed { value: text.value.clone(), span: text.span.clone() });
    }
    let problem =
        Problem::error("mlist::config::type", format!("`{}` is not a valid media type", excerpt(&text.value)));
    let trimmed = text.value.split(';').next().unwrap_or_default().trim();
    let label = if is_media_type(trimmed) { format!("write `{trimmed}`") } else { String::new() };
    problems.push(
        problem.at(&text.span, label).help("write type/subtype, such as \"application/vnd.acme.bundle.v1+json\""),
    );
    None
}

fn is_media_type(text: &str) -> bool {
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&c);
    let is_part = |part: &str| {
        (1..=LONGEST_PART).contains(&part.len())
            && part.bytes().all(fits)
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    text.split_once('/').is_some_and(|(kind, subtype)| is_part(kind) && is_part(subtype))
}

/// Returns the strings of an array. `None` if an item is not a string.
pub(super) fn texts(key: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Vec<String>> {
    let items = types::array(key, node, problems)?;
    let texts: Vec<String> =
        items.iter().filter_map(|item| types::item(key, item, problems)).map(|text| text.value.clone()).collect();
    (texts.len() == items.len()).then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_has_two_parts_and_nothing_behind_them() {
        let long = format!("a/{}", "b".repeat(LONGEST_PART));
        for good in ["application/vnd.acme.bundle.v1+json", "a/b", "a/b!#$&^_.+-", &long] {
            assert!(is_media_type(good), "{good}");
        }
        let long = format!("{long}b");
        for bad in ["", "a", "a/", "/b", "a/b/c", "a/b; c=d", "a/.b", "a/b c", "ä/b", &long] {
            assert!(!is_media_type(bad), "{bad}");
        }
    }
}
