//! Values of the expected type. Other types are not converted: they are reported as `mlist::config::type`, with the
//! correct text if it is known.

use super::read_problems::ReadProblems;
use std::num::NonZeroUsize;

use super::raw::{Node, Scalar, Table, Text, TomlValue};
use crate::config::problem::Problem;
use crate::naming::{Globs, Pattern};

/// Returns the string in `node`, the value of `key`.
pub(super) fn text<'a>(key: &str, node: &'a Node, problems: &mut ReadProblems<'_>) -> Option<&'a Text> {
    string(&format!("`{key}`"), key, node, problems)
}

/// Returns the string in `node`, an item of the array `key`.
pub(super) fn item<'a>(key: &str, node: &'a Node, problems: &mut ReadProblems<'_>) -> Option<&'a Text> {
    string(&format!("an item of `{key}`"), key, node, problems)
}

fn string<'a>(subject: &str, key: &str, node: &'a Node, problems: &mut ReadProblems<'_>) -> Option<&'a Text> {
    match &node.value {
        TomlValue::Text(text) => Some(text),
        TomlValue::Array(items) => {
            let problem = wrong(subject, "a string", node);
            problems.push(match items.as_slice() {
                [Node { value: TomlValue::Text(only), .. }] => advise(problem, node, &quoted(&only.value)),
                _ => problem.at(&node.span, "remove the brackets"),
            });
            None
        }
        TomlValue::Table(entries) => {
            let problem = wrong(subject, "a string", node);
            let inner = entries.first().map(|(inner, _)| inner.name.as_str()).unwrap_or_default();
            let problem = problem.at(&node.span, "");
            let what = if inner.is_empty() { String::new() } else { format!(", without `{inner}`") };
            let row = if key == "source" { "; for one platform, set `source` in its row of `platforms`" } else { "" };
            problems.push(problem.help(format!("write {key} = \"…\"{what}{row}")));
            None
        }
        TomlValue::Other { written, .. } => {
            problems.push(advise(wrong(subject, "a string", node), node, &quoted(written)));
            None
        }
    }
}

/// Returns the boolean in `node`, the value of `key`.
pub(super) fn boolean(key: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<bool> {
    let meant = match &node.value {
        TomlValue::Other { scalar: Scalar::Boolean(value), .. } => return Some(*value),
        TomlValue::Text(Text { value: written, .. }) | TomlValue::Other { written, .. } => truth(written),
        TomlValue::Array(_) | TomlValue::Table(_) => None,
    };
    let problem = wrong(&format!("`{key}`"), "true or false", node);
    problems.push(match meant {
        Some(right) => advise(problem, node, &right.to_string()),
        None => problem.at(&node.span, "").help(format!("write {key} = true or {key} = false")),
    });
    None
}

/// Parses the spellings of true and false in other formats.
fn truth(written: &str) -> Option<bool> {
    match written.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Returns the integer greater than 0 in `node`, the value of `key`.
pub(super) fn count(key: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<NonZeroUsize> {
    let found = match &node.value {
        TomlValue::Other { scalar: Scalar::Integer(value), .. } => value.and_then(|value| usize::try_from(value).ok()),
        _ => None,
    };
    if let Some(count) = found.and_then(NonZeroUsize::new) {
        return Some(count);
    }
    let expected = "an integer greater than 0";
    let (problem, meant) = match &node.value {
        TomlValue::Other { written, .. } => {
            let message = format!("expected {expected} for `{key}`, found {written}");
            (Problem::error("mlist::config::type", message), written.trim_end_matches(".0"))
        }
        TomlValue::Text(text) => (wrong(&format!("`{key}`"), expected, node), text.value.trim()),
        TomlValue::Array(_) | TomlValue::Table(_) => (wrong(&format!("`{key}`"), expected, node), ""),
    };
    problems.push(match meant.parse::<NonZeroUsize>() {
        Ok(right) => advise(problem, node, &right.to_string()),
        Err(_) => problem.at(&node.span, "").help(format!("write a number, such as {key} = 8")),
    });
    None
}

/// Returns the items of the array in `node`.
pub(super) fn array<'a>(key: &str, node: &'a Node, problems: &mut ReadProblems<'_>) -> Option<&'a [Node]> {
    match &node.value {
        TomlValue::Array(items) => Some(items),
        TomlValue::Text(text) => {
            let right = format!("[{}]", quoted(&text.value));
            problems.push(advise(wrong(&format!("`{key}`"), "an array", node), node, &right));
            None
        }
        _ => {
            problems.push(
                wrong(&format!("`{key}`"), "an array", node).at(&node.span, "").help(format!("write {key} = [\"…\"]")),
            );
            None
        }
    }
}

/// Returns the items of the array in `node`, which must not be empty.
pub(super) fn filled_array<'a>(key: &str, node: &'a Node, problems: &mut ReadProblems<'_>) -> Option<&'a [Node]> {
    let items = array(key, node, problems)?;
    if items.is_empty() {
        problems.push(
            Problem::error("mlist::config::type", format!("`{key}` is empty"))
                .at(&node.span, "expected at least one item")
                .help(format!("write {key} = [\"…\"]")),
        );
        return None;
    }
    Some(items)
}

/// Returns the globs in `node`, the value of `key`: one glob, or an array of at least one.
pub(super) fn globs(key: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Globs> {
    let texts = match &node.value {
        TomlValue::Array(_) => {
            let items = filled_array(key, node, problems)?;
            few_globs(key, node, items.len(), problems)?;
            let texts: Vec<_> = items.iter().map(|item| self::item(key, item, problems)).collect();
            texts.into_iter().collect::<Option<Vec<&Text>>>()?
        }
        _ => vec![text(key, node, problems)?],
    };
    let globs = texts.iter().map(|text| text.value.as_str()).collect::<Vec<_>>();
    // Parse each glob by itself, so that all invalid ones are reported at once.
    let good = texts.iter().filter(|text| glob(text, problems).is_some()).count();
    if good < texts.len() { None } else { Globs::parse(&globs).ok() }
}

/// Checks that an array does not have more globs than a key takes.
pub(super) fn few_globs(key: &str, node: &Node, count: usize, problems: &mut ReadProblems<'_>) -> Option<()> {
    if count > Globs::MOST {
        let message = format!("`{key}` has too many globs: {count}; the maximum is {}", Globs::MOST);
        problems.push(Problem::error("mlist::config::type", message).at(&node.span, ""));
        return None;
    }
    Some(())
}

/// Parses a text as a glob.
pub(super) fn glob(text: &Text, problems: &mut ReadProblems<'_>) -> Option<Pattern> {
    let found = Pattern::parse(&text.value);
    if let Err(error) = &found {
        problems.push(Problem::error("mlist::config::type", error.message.clone()).at(&text.span, "").help(
            "`*` matches any characters, `?` one character, `[a-z]` one character of a range; for a literal `[`, \
             write `[[]`",
        ));
    }
    found.ok()
}

/// Returns the table in `node`. `header` shows how to write such a table: `[list.kube]`.
pub(super) fn table<'a>(key: &str, header: &str, node: &'a Node, problems: &mut ReadProblems<'_>) -> Option<&'a Table> {
    match &node.value {
        TomlValue::Table(table) => Some(table),
        TomlValue::Array(items)
            if items.iter().all(|item| matches!(item.value, TomlValue::Table(_))) && !items.is_empty() =>
        {
            problems.push(
                Problem::error(
                    "mlist::config::type",
                    format!("expected one table for `{key}`, found an array of tables"),
                )
                .at(&node.span, format!("write `{header}`")),
            );
            None
        }
        _ => {
            problems
                .push(wrong(&format!("`{key}`"), "a table", node).at(&node.span, "").help(format!("write {header}")));
            None
        }
    }
}

/// Returns the problem that `node` has a different type than is expected for `subject`.
pub(super) fn wrong(subject: &str, expected: &str, node: &Node) -> Problem {
    Problem::error("mlist::config::type", format!("expected {expected} for {subject}, found {}", kind(node)))
}

fn advise(problem: Problem, node: &Node, right: &str) -> Problem {
    problem.at(&node.span, format!("write `{right}`"))
}

/// Returns a text as a TOML string with quotes.
pub(super) fn quoted(text: &str) -> String {
    let strange = text.chars().any(char::is_control);
    if text.contains(['"', '\\']) && !text.contains('\'') && !strange {
        return format!("'{text}'");
    }
    let written = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(written).collect::<String>())
}

fn kind(node: &Node) -> &'static str {
    match &node.value {
        TomlValue::Text(_) => "a string",
        TomlValue::Array(_) => "an array",
        TomlValue::Table(_) => "a table",
        TomlValue::Other { scalar: Scalar::Integer(_), .. } => "an integer",
        TomlValue::Other { scalar: Scalar::Float, .. } => "a number",
        TomlValue::Other { scalar: Scalar::Boolean(_), .. } => "a boolean",
        TomlValue::Other { scalar: Scalar::Date, .. } => "a date",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_read_back() {
        for text in ["", "a", "a\"b", "a\\b", "it's", r#"it's "b""#, "\u{1b}[2J\n", "\u{9b}'\\", "ä"] {
            let document: toml::Table = format!("a = {}", quoted(text)).parse().unwrap();
            assert_eq!(document["a"].as_str(), Some(text));
        }
    }
}
