//! Values from closed sets of words. Other words are reported as `mlist::config::type`, with the most similar valid
//! word.

use super::raw::{Node, Text, TomlValue};
use super::read_problems::ReadProblems;
use super::types;
use crate::config::model::Placed;
use crate::config::policy::Words;
use crate::config::problem::Problem;
use crate::naming::{ArchStyle, nearest};
use crate::oci::excerpt;

/// Returns the value of the word in `node`.
pub(super) fn word<T: Words>(key: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<T> {
    placed_word(key, node, problems).map(|placed| placed.value)
}

/// Like [`word`], with the span of the word.
pub(super) fn placed_word<T: Words>(key: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Placed<T>> {
    let words: Vec<&str> = T::WORDS.iter().map(|(word, ..)| *word).collect();
    if let TomlValue::Other { .. } = node.value {
        // Do not suggest quotes: the result would not be a valid word either.
        let problem = types::wrong(&format!("`{key}`"), "a string", node).at(&node.span, "");
        problems.push(problem.help(format!("valid values: {}", words.join(", "))));
        return None;
    }
    let text = types::text(key, node, problems)?;
    let Some(value) = T::parse(&text.value) else {
        problems.push(unknown_word(key, text, &words));
        return None;
    };
    Some(Placed { value, span: text.span.clone() })
}

pub(super) fn arch_style(node: &Node, problems: &mut ReadProblems<'_>) -> Option<ArchStyle> {
    let text = types::text("arch-style", node, problems)?;
    let style = ArchStyle::parse(&text.value);
    if style.is_none() {
        problems.push(unknown_word("arch-style", text, ArchStyle::names()));
    }
    style
}

/// Returns the problem `mlist::config::type` for a word that is not in a closed set.
pub(super) fn unknown_word(key: &str, text: &Text, words: &[&str]) -> Problem {
    let problem =
        Problem::error("mlist::config::type", format!("`{}` is not a valid value for `{key}`", excerpt(&text.value)));
    match nearest(&text.value, words.iter().copied()) {
        Some(word) => problem.at(&text.span, format!("did you mean `{word}`?")),
        None => problem.at(&text.span, ""),
    }
    .help(format!("valid values: {}", words.join(", ")))
}
