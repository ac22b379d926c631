//! The key `include`: globs over paths.

use super::declared::Include;
use super::raw::Node;
use super::read_problems::ReadProblems;
use super::types;
use crate::config::path_glob::PathGlob;
use crate::config::problem::Problem;

/// Reads the key `include`.
pub(super) fn globs(node: &Node, problems: &mut ReadProblems<'_>) -> Vec<Include> {
    let mut globs = Vec::new();
    for item in types::filled_array("include", node, problems).unwrap_or_default() {
        let Some(text) = types::item("include", item, problems) else { continue };
        if text.value.trim_start_matches('!').is_empty() {
            problems.push(
                Problem::error("mlist::config::type", "an item of `include` is empty")
                    .at(&text.span, "expected a path"),
            );
            continue;
        }
        match PathGlob::parse(&text.value) {
            Ok(glob) => globs.push(Include { text: text.clone(), glob }),
            Err(error) => problems.push(Problem::error("mlist::config::type", error.message).at(&text.span, "").help(
                "`*` matches any characters except `/`, `**` any directories, `?` one character, `[a-z]` one \
                 character of a range",
            )),
        }
    }
    globs
}
