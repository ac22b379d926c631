//! [`parse`]: parses the text of a file to a tree, and reports errors in the TOML itself as `mlist::config::syntax`.
//! Lines in another format, and characters that only look like those of TOML, are recognised.

use std::ops::Range;

use toml::de::DeTable;

use super::raw::{self, Table, clamp};
use super::types::quoted;
use crate::config::problem::{Lines, Problem, Span};
use crate::oci::is_invisible;

/// The beginnings of messages for errors that do not affect the text after them. Errors after any other error may only
/// be consequences of it.
const LOCAL_FAULTS: [&str; 8] = [
    TWICE,
    EXTENDED,
    UNQUOTED,
    "invalid boolean",
    "invalid integer",
    "invalid float",
    "invalid fraction",
    "key with no value",
];
const TWICE: &str = "duplicate key";
const EXTENDED: &str = "cannot extend";
const UNQUOTED: &str = "string values must be quoted";

/// An error of the TOML parser: its position, and its message.
type TomlError<'e> = (Range<usize>, &'e str);

/// Parses TOML 1.1. The tree is `None` if errors make it unusable. Duplicate keys that are not in a header do not.
pub(super) fn parse(file: usize, source: &str) -> (Option<Table>, Vec<Problem>) {
    let (root, errors) = DeTable::parse_recoverable(source);
    let mut faults: Vec<_> =
        errors.iter().map(|error| (error.span().unwrap_or(source.len()..source.len()), error.message())).collect();
    if faults.is_empty() {
        return (Some(raw::tree(file, source, root.get_ref())), Vec::new());
    }
    faults.sort_by_key(|(range, _)| range.start);
    let lines = Lines::of(source);
    // The parser drops the entries below a duplicate header, so the tree is incomplete and unusable.
    let in_header = |range: &Range<usize>| {
        let line = lines.start(lines.of_byte(range.start));
        source.get(line..).is_some_and(|line| line.trim_start_matches([' ', '\t']).starts_with('['))
    };
    let usable = faults.iter().all(|fault| is_duplicate(fault) && !in_header(&fault.0));
    let problems = problems(file, source, &lines, &faults);
    (usable.then(|| raw::tree(file, source, root.get_ref())), problems)
}

/// Whether the error is only that something is defined twice.
fn is_duplicate((_, message): &TomlError<'_>) -> bool {
    [TWICE, EXTENDED].iter().any(|fault| message.starts_with(fault))
}

/// Returns the problems for the errors of a file, in file order. `faults` are in file order.
fn problems(file: usize, source: &str, lines: &Lines, faults: &[TomlError<'_>]) -> Vec<Problem> {
    let is_local = |message: &str| LOCAL_FAULTS.iter().any(|fault| message.starts_with(fault));
    let own = faults.iter().position(|(_, message)| !is_local(message)).map_or(faults.len(), |first| first + 1);
    let mut last = None;
    let mut problems: Vec<Problem> = Vec::new();
    for (range, message) in &faults[..own] {
        let line = lines.of_byte(clamp(source, range.clone()).start);
        // Report only one error per line.
        if last == Some(line) {
            continue;
        }
        last = Some(line);
        let start = lines.start(line);
        let (before, rest) = source.split_at_checked(start).unwrap_or((source, ""));
        let text = rest.lines().next().unwrap_or_default();
        if let Some(problem) = other_format(file, before, text) {
            // All other lines have the same error.
            problems.push(problem);
            return problems;
        }
        problems.push(lookalike(file, start, text).unwrap_or_else(|| syntax_problem(file, source, range, message)));
    }
    problems
}

fn syntax(message: impl Into<String>) -> Problem {
    Problem::error("mlist::config::syntax", message)
}

/// Recognises a line of YAML or JSON, or the marker of a merge conflict. `lines_before` is the text before the line.
fn other_format(file: usize, lines_before: &str, line: &str) -> Option<Problem> {
    let written = line.trim();
    let start = lines_before.len();
    let span = || {
        let start = start + line.len() - line.trim_start().len();
        Span { file, range: start..start + written.len() }
    };
    if ["<<<<<<< ", "=======", ">>>>>>> "].iter().any(|marker| line.starts_with(marker)) {
        return Some(
            syntax("unresolved merge conflict").at(&span(), "").help("resolve the conflict, and remove this line"),
        );
    }
    if written.starts_with('{') && lines_before.trim().is_empty() {
        return Some(
            syntax("this looks like JSON, expected TOML").at(&span(), "").help("write [TABLE] and KEY = VALUE"),
        );
    }
    let help = if written == "---" || written.starts_with("- ") {
        "write [TABLE] and KEY = VALUE".to_owned()
    } else {
        let (key, value) = written.split_once(':')?;
        let (key, value) = (key.trim_matches(['"', '\'']), value.split(" #").next().unwrap_or_default());
        let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if !is_key || !(value.is_empty() || value.starts_with(' ')) {
            return None;
        }
        match value.trim() {
            "" | "|" | ">" => format!("write [{key}] for a table, or {key} = VALUE"),
            value if value.starts_with(['"', '\'', '[', '{']) => format!("write {key} = {value}"),
            value => format!("write {key} = {}", quoted(value)),
        }
    };
    Some(syntax("this looks like YAML, expected TOML").at(&span(), "").help(help))
}

/// Recognises a character outside of strings that is not visible, or that looks like one of TOML.
fn lookalike(file: usize, start: usize, line: &str) -> Option<Problem> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        let was_escaped = escaped;
        escaped = quote == Some('"') && c == '\\' && !was_escaped;
        match (quote, c) {
            (Some(open), c) if c == open && !was_escaped => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => return None,
            (None, c) => {
                let number = format!("U+{:04X}", u32::from(c));
                let (message, label) = match c {
                    '“' | '”' | '„' | '‟' | '«' | '»' | '＂' => {
                        (format!("`{c}` is not a TOML quote"), "write `\"`")
                    }
                    '‘' | '’' | '‚' | '‛' | '＇' => (format!("`{c}` is not a TOML quote"), "write `'`"),
                    '＝' => (format!("`{c}` is not an equals sign ({number})"), "write `=`"),
                    '\u{a0}' => (format!("no-break space ({number}) outside of a string"), "replace it with a space"),
                    c if c.is_whitespace() && !c.is_ascii() => {
                        (format!("unusual space ({number}) outside of a string"), "replace it with a space")
                    }
                    c if is_invisible(c) => {
                        (format!("invisible character ({number}) outside of a string"), "remove it")
                    }
                    _ => continue,
                };
                let span = Span { file, range: start + at..start + at + c.len_utf8() };
                return Some(syntax(message).at(&span, label));
            }
        }
    }
    None
}

/// Returns the bracket that is open where a line with a new key or header begins at `end`, and what closes it: the parser
/// reports such a line as a part of the array or table.
fn open_before(source: &str, end: usize) -> Option<(usize, char)> {
    let line = source[end..].lines().next()?;
    let is_new = line.starts_with('[') || line.split_once('=').is_some_and(|(key, _)| !key.contains(['"', '{', '[']));
    if !is_new || !source[..end].ends_with('\n') {
        return None;
    }
    let mut open = Vec::new();
    for (start, line) in source[..end].lines().map(|line| (line.as_ptr() as usize - source.as_ptr() as usize, line)) {
        let mut quote = None;
        for (at, c) in line.char_indices() {
            match (quote, c) {
                (Some(start), c) if start == c => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '#') => break,
                (None, '{') => open.push((start + at, '}')),
                (None, '[') => open.push((start + at, ']')),
                (None, '}' | ']') => drop(open.pop()),
                _ => {}
            }
        }
    }
    open.pop()
}

fn syntax_problem(file: usize, source: &str, range: &Range<usize>, message: &str) -> Problem {
    let span = Span { file, range: clamp(source, range.clone()) };
    let written = &source[span.range.clone()];
    if message.starts_with(TWICE) || message.starts_with(EXTENDED) {
        return syntax(format!("`{written}` is defined twice"))
            .at(&span, "already defined above")
            .help("merge the two definitions: a key or table can be defined only once");
    }
    if message.starts_with(UNQUOTED) {
        return if range.is_empty() {
            syntax("key without a value").at(&span, "").help("write KEY = VALUE")
        } else {
            syntax("string without quotes").at(&span, format!("write `{}`", quoted(written)))
        };
    }
    if message.contains("recurs") {
        return syntax("invalid TOML: nested too deeply").at(&span, "");
    }
    let unclosed = [
        ("invalid basic string, expected `\"`", "string is not closed", "add `\"` at the end of the string"),
        ("invalid literal string, expected `'`", "string is not closed", "add `'` at the end of the string"),
        ("unclosed table, expected `]`", "table header is not closed", "add `]` at the end of the header"),
        ("unclosed array table, expected `]`", "table header is not closed", "add `]]` at the end of the header"),
        ("unclosed array table, expected `]]`", "table header is not closed", "add `]]` at the end of the header"),
        ("unclosed array, expected `]`", "array is not closed", "add `]` at the end of the array"),
        ("unclosed inline table, expected `}`", "table is not closed", "add `}` at the end of the table"),
    ];
    if let Some((_, message, help)) = unclosed.into_iter().find(|(parser, ..)| *parser == message) {
        return syntax(message).at(&span, "").help(help);
    }
    if let Some((at, close)) = open_before(source, span.range.start).filter(|_| message.starts_with("missing ")) {
        let span = Span { file, range: at..at + 1 };
        return syntax(format!("`{}` is not closed", &source[span.range.clone()])).at(&span, format!("add `{close}`"));
    }
    let mut chars = message.chars();
    let message = chars.next().map(|first| first.to_lowercase().chain(chars).collect::<String>()).unwrap_or_default();
    let problem = syntax(format!("invalid TOML: {message}"));
    if source.is_empty() { problem } else { problem.at(&span, "") }
}

#[cfg(test)]
mod tests {
    use super::parse;

    /// The first problem of a file: what is underlined, the message, and what to do.
    fn reported(source: &str) -> (String, String, String) {
        let (tree, problems) = parse(0, source);
        assert!(tree.is_none(), "{source:?} is valid");
        let [problem] = problems.as_slice() else { panic!("{source:?}: {problems:?}") };
        let label = &problem.labels[0];
        let advice = problem.help.clone().unwrap_or_else(|| label.text.clone());
        (source[label.span.range.clone()].to_owned(), problem.message.clone(), advice)
    }

    #[test]
    fn another_format_is_named_once() {
        for (source, written, format, help) in [
            ("vars:\n  version: v1\nlist:\n", "vars:", "YAML", "write [vars] for a table, or vars = VALUE"),
            ("---\nversion: v1\n", "---", "YAML", "write [TABLE] and KEY = VALUE"),
            ("[vars]\nversion: v1 # ours\n", "version: v1 # ours", "YAML", "write version = \"v1\""),
            ("[vars]\nversion: \"v1\"\nother: 2\n", "version: \"v1\"", "YAML", "write version = \"v1\""),
            ("[vars]\nx = \"1\"\n- a\n- b\n", "- a", "YAML", "write [TABLE] and KEY = VALUE"),
            ("{ \"vars\": {} }\n", "{ \"vars\": {} }", "JSON", "write [TABLE] and KEY = VALUE"),
        ] {
            let message = format!("this looks like {format}, expected TOML");
            assert_eq!(reported(source), (written.to_owned(), message, help.to_owned()));
        }
        let (written, message, _) = reported("<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\n");
        assert_eq!((written.as_str(), message.as_str()), ("<<<<<<< HEAD", "unresolved merge conflict"));
        for source in
            ["a = http://x", "a = r.io/app:v1", "a = [\n  { b = 1 c = 2 },\n]", "a = [\n  \"r.io/app:v1\" 2\n]"]
        {
            assert!(!reported(source).1.contains("looks like"), "{source:?}");
        }
    }

    #[test]
    fn a_character_that_only_looks_right_is_named() {
        for (source, message, label) in [
            ("a\u{a0}= \"x\u{a0}\"", "no-break space (U+00A0) outside of a string", "replace it with a space"),
            ("a = \"\\\"\u{a0}\"\u{2003}", "unusual space (U+2003) outside of a string", "replace it with a space"),
            ("a\u{200b} = 1", "invisible character (U+200B) outside of a string", "remove it"),
            ("a = “x”", "`“` is not a TOML quote", "write `\"`"),
            ("a = ‘x’", "`‘` is not a TOML quote", "write `'`"),
            ("a ＝ 1", "`＝` is not an equals sign (U+FF1D)", "write `=`"),
        ] {
            let (_, found, advice) = reported(source);
            assert_eq!((found.as_str(), advice.as_str()), (message, label), "{source:?}");
        }
        // In a comment or a string, such a character is not the error.
        for source in ["a = x # “x”", "a = 'b“' c"] {
            assert!(!reported(source).1.contains("quote,"), "{source:?}");
        }
    }

    #[test]
    fn what_is_not_closed_is_named() {
        for (source, message) in [
            ("a = \"x", "string is not closed"),
            ("a = 'x", "string is not closed"),
            ("[a", "table header is not closed"),
            ("[[a]", "table header is not closed"),
            ("a = [1", "array is not closed"),
            ("a = {b = 1", "table is not closed"),
        ] {
            assert_eq!(reported(source).1, message, "{source:?}");
        }
        for (source, bracket, advice) in [
            ("a = { b = '}', c = 1\nd = 2\n", "{", "add `}`"),
            ("a = [\"]\", 1 # ]\nd = 2\n", "[", "add `]`"),
            ("[x]\na = [{ b = 1 }\n[y]\n", "[", "add `]`"),
        ] {
            let message = format!("`{bracket}` is not closed");
            assert_eq!(reported(source), (bracket.to_owned(), message, advice.to_owned()), "{source:?}");
        }
    }
}
