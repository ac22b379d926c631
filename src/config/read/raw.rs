//! [`tree`]: the tree of a file in file order, in which each key and value has its span.
//!
//! This file handles only TOML, not the meaning of keys.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::config::problem::Span;

/// A key, with its span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct Key {
    /// The key without quotes.
    pub(in crate::config) name: String,
    /// The span of the key.
    pub(in crate::config) span: Span,
}

/// A value with its span, which includes brackets and quotes. The span of a table is its header or its first key.
#[derive(Debug, Clone)]
pub(in crate::config) struct Node {
    pub(in crate::config) value: TomlValue,
    pub(in crate::config) span: Span,
}

/// A value.
#[derive(Debug, Clone)]
pub(in crate::config) enum TomlValue {
    Text(Text),
    Array(Vec<Node>),
    Table(Table),
    /// A number, boolean or date, with its text as written.
    Other {
        scalar: Scalar,
        written: String,
    },
}

/// The type of a value that is not a string, an array or a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Scalar {
    /// `None` if the integer does not fit in 64 bits.
    Integer(Option<i64>),
    Boolean(bool),
    /// Without a value, because no key of the format takes a float. Messages show its text.
    Float,
    /// Without a value, for the same reason.
    Date,
}

/// The entries of a table, in file order.
pub(in crate::config) type Table = Vec<(Key, Node)>;

/// A string, with the position in the file of each of its bytes.
#[derive(Debug, Clone)]
pub(in crate::config) struct Text {
    /// The value, with escapes replaced.
    pub(in crate::config) value: String,
    /// The span between the quotes. For an empty string, the span of the quotes.
    pub(in crate::config) span: Span,
    /// For a string with escapes: the position of each byte of the value, then the end. Empty if the positions are not
    /// known. `None` for a string without escapes.
    offsets: Option<Vec<usize>>,
}

impl Text {
    /// Creates a text that is not in the file, but is implied by the text at `span`.
    pub(in crate::config) fn implied(value: &str, span: &Span) -> Self {
        Self { value: value.to_owned(), span: span.clone(), offsets: Some(Vec::new()) }
    }

    /// Returns the span of `part`, a range of bytes of the value.
    pub(in crate::config) fn part(&self, part: &Range<usize>) -> Span {
        if self.value.is_empty() || self.offsets.as_ref().is_some_and(Vec::is_empty) {
            return self.span.clone();
        }
        let at = |offset: usize| match &self.offsets {
            Some(offsets) => offsets.get(offset).copied().unwrap_or(self.span.range.end),
            None => (self.span.range.start + offset).min(self.span.range.end),
        };
        Span { file: self.span.file, range: at(part.start)..at(part.end) }
    }
}

/// Returns the tree of a file that the TOML parser has read.
pub(super) fn tree(file: usize, source: &str, root: &DeTable<'_>) -> Table {
    Walk { file, source }.table(root)
}

/// Limits a range to the text, so that it starts at a character and ends at a character boundary. Rendering requires
/// this.
pub(in crate::config) fn clamp(source: &str, range: Range<usize>) -> Range<usize> {
    let mut start = range.start.min(source.len().saturating_sub(1));
    while !source.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = range.end.clamp(start, source.len());
    while !source.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

struct Walk<'a> {
    file: usize,
    source: &'a str,
}

impl Walk<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.file, range: clamp(self.source, range) }
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let mut entries: Table = table
            .iter()
            .map(|(key, value)| {
                let key = Key { name: key.get_ref().to_string(), span: self.span(key.span()) };
                (key, self.node(value.span(), value.get_ref()))
            })
            .collect();
        // The map is sorted by name. Restore the order of the file.
        entries.sort_by_key(|(key, _)| key.span.range.start);
        entries
    }

    fn node(&self, range: Range<usize>, value: &DeValue<'_>) -> Node {
        let span = self.span(range);
        let value = match value {
            DeValue::String(text) => TomlValue::Text(self.text(&span, text)),
            DeValue::Array(array) => {
                TomlValue::Array(array.iter().map(|item| self.node(item.span(), item.get_ref())).collect())
            }
            DeValue::Table(table) => TomlValue::Table(self.table(table)),
            DeValue::Integer(integer) => {
                self.other(&span, Scalar::Integer(i64::from_str_radix(integer.as_str(), integer.radix()).ok()))
            }
            DeValue::Boolean(boolean) => self.other(&span, Scalar::Boolean(*boolean)),
            DeValue::Float(_) => self.other(&span, Scalar::Float),
            DeValue::Datetime(_) => self.other(&span, Scalar::Date),
        };
        Node { value, span }
    }

    fn other(&self, span: &Span, scalar: Scalar) -> TomlValue {
        TomlValue::Other { scalar, written: self.source[span.range.clone()].trim().to_owned() }
    }

    fn text(&self, span: &Span, text: &str) -> Text {
        let written = &self.source[span.range.clone()];
        let quotes = match written {
            written if written.len() >= 6 && (written.starts_with("\"\"\"") || written.starts_with("'''")) => 3,
            _ => 1,
        };
        // A newline directly after three quotes is not part of the value.
        let newline = match (quotes, written.as_bytes().get(3..5)) {
            (3, Some(b"\r\n")) => 2,
            (3, Some([b'\n', _])) => 1,
            _ => 0,
        };
        let inner = (quotes + newline).min(written.len())..written.len().saturating_sub(quotes).max(quotes + newline);
        let Some(raw) = written.get(inner.clone()).filter(|raw| !raw.is_empty()) else {
            return Text { value: text.to_owned(), span: span.clone(), offsets: None };
        };
        let start = span.range.start + inner.start;
        let content = Span { file: span.file, range: start..span.range.start + inner.end };
        let offsets = (raw != text).then(|| offsets(raw, text, start));
        Text { value: text.to_owned(), span: content, offsets }
    }
}

/// Returns the position of each byte of `text`, and the end. `raw` is the string as written, with escapes, and `start`
/// is its position in the file.
fn offsets(raw: &str, text: &str, start: usize) -> Vec<usize> {
    let mut places = Vec::with_capacity(text.len() + 1);
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let at = start + raw.len() - rest.len();
        let (length, value) = match c {
            '\\' => escape(rest),
            c => (c.len_utf8(), c.len_utf8()),
        };
        places.extend(std::iter::repeat_n(at, value));
        rest = rest.get(length..).unwrap_or_default();
    }
    // If the lengths differ, which would be a bug here, messages show the whole string.
    if places.len() != text.len() {
        return Vec::new();
    }
    places.push(start + raw.len());
    places
}

/// Returns the length of the escape at the start of `rest`, and the length of its value, in bytes.
fn escape(rest: &str) -> (usize, usize) {
    let digits = match rest.as_bytes().get(1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        Some(b' ' | b'\t' | b'\r' | b'\n') => {
            let blank = rest[1..].len() - rest[1..].trim_start_matches([' ', '\t', '\r', '\n']).len();
            return (1 + blank, 0);
        }
        _ => return (2, 1),
    };
    let value = rest.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
    (2 + digits, value.map_or(1, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use super::super::syntax::parse;
    use super::*;

    fn tree(source: &str) -> Table {
        let (tree, problems) = parse(0, source);
        assert!(problems.is_empty(), "{problems:?}");
        tree.unwrap()
    }

    fn text(node: &Node) -> &Text {
        match &node.value {
            TomlValue::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_span_reaches_past_the_end() {
        for source in ["", "a", "a =", "a = \"", "[", "a = [1,", "ä", "\u{feff}", "a = 'ä", "x = 1\nx = 2", "\r\n[a"]
        {
            for problem in parse(0, source).1 {
                for label in problem.labels {
                    let range = label.span.range;
                    assert!(range.start < source.len() && range.end <= source.len(), "{source:?}: {range:?}");
                    assert!(source.get(range).is_some());
                }
            }
        }
    }

    #[test]
    fn a_key_that_stands_twice_leaves_a_tree() {
        let (tree, problems) = parse(0, "a = 1\na = 2\n[b]\nx = 1\n");
        assert_eq!(problems[0].labels[0].span.range, 6..7);
        assert_eq!(tree.unwrap().len(), 2);
    }

    #[test]
    fn entries_stand_in_the_order_of_the_file() {
        let tree = tree(
            "
                [z]
                [list.b]
                [list.a.x]
                [list.a]
                q = 1
                [a]
            ",
        );
        let names = |table: &Table| table.iter().map(|(key, _)| key.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&tree), ["z", "list", "a"]);
        let TomlValue::Table(list) = &tree[1].1.value else { panic!() };
        assert_eq!(names(list), ["b", "a"]);
    }

    #[test]
    fn a_part_of_a_string_is_found_in_every_spelling() {
        for source in [
            r#"a = "12{x}""#,
            "a = '12{x}'",
            "\u{feff}a = \"12{x}\"\r\n",
            "a = \"\\u0031\\t{x}\"",
            "a = \"\"\"\n12{x}\"\"\"",
            "a = \"\"\"\r\n1\\\r\n  2{x}\"\"\"",
            r#"a = "ä{x}""#,
            "a = \"\\u00e4{x}\"",
        ] {
            let tree = tree(source);
            let span = text(&tree[0].1).part(&(2..5));
            assert_eq!(&source[span.range], "{x}", "{source:?}");
        }
    }

    #[test]
    fn a_part_behind_a_newline_of_windows_is_found() {
        for source in ["a = \"\"\"1\r\n{x}\"\"\"", "a = \"\"\"\\u0031\r\n{x}\"\"\"", "a = '''\\\r\n{x}'''"] {
            let tree = tree(source);
            let text = text(&tree[0].1);
            let start = text.value.find('{').unwrap();
            assert_eq!(&source[text.part(&(start..start + 3)).range], "{x}", "{source:?}");
        }
    }

    #[test]
    fn below_a_header_that_stands_twice_nothing_is_known() {
        for source in [
            "
                a.b = 1
                [a]
                c = 1
            ",
            "
                [a]
                [b]
                [a]
                c = 1
            ",
            "
                [a]
                b = [1]
                [[a.b]]
            ",
        ] {
            let (tree, problems) = parse(0, source);
            assert_eq!((tree.is_none(), problems.len()), (true, 1), "{source:?}");
        }
    }

    #[test]
    fn an_empty_string_stands_at_its_quotes() {
        let tree = tree(r#"a = """#);
        assert_eq!(text(&tree[0].1).part(&(0..0)).range, 4..6);
    }
}
