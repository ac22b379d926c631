//! [`size`]: the memory that a file will need, estimated from its tokens before it is parsed. The tokens are counted
//! one by one, so this itself needs no memory for them.

use std::collections::HashSet;

use toml_parser::Source;
use toml_parser::lexer::{Token, TokenKind};

use crate::config::memory::{MemoryEstimate, MemoryUse};

/// The bytes that each token needs until the tree of the file is made.
const TOKEN: usize = 56;
/// The bytes for the position of a line.
const LINE: usize = 24;
/// The bytes for a key and its value, without their texts.
const KEY: usize = 300;
/// The bytes for an item of an array, without its text.
const ITEM: usize = 350;
/// The bytes for a string, number or name.
const VALUE: usize = 400;
/// The bytes for a table, which is allocated with room for several keys.
const TABLE: usize = 1400;
/// The bytes for one brace of a template, including those of a problem with the placeholder.
const BRACE: usize = 400;
/// The bytes for a line without a key or without a value, which causes a problem.
const FAULT: usize = 800;
/// How many times the bytes of a text are kept.
const COPIES: usize = 4;
/// The same for a text with escapes. The position of each of its bytes is kept too.
const ESCAPED_COPIES: usize = 14;

/// Estimates the memory for the file with this text.
pub(in crate::config) fn size(text: &str) -> MemoryEstimate {
    let mut counter = Counter {
        text,
        line: LinePosition::Start,
        tokens: 0,
        lists: HashSet::new(),
        memory: MemoryEstimate::default(),
    };
    counter.memory.add(MemoryUse::Bytes, text.len(), text.len() * 2);
    let mut before = [TokenKind::Newline; 2];
    for token in Source::new(text).lex() {
        counter.count(token, before);
        if !matches!(token.kind(), TokenKind::Whitespace) {
            before = [before[1], token.kind()];
        }
    }
    // The tokens are gone before most of the rest is made. About a quarter of it is needed at the same time.
    let of_tokens = (counter.tokens * TOKEN).saturating_sub(counter.memory.needed() / 4 * 3);
    counter.memory.add(MemoryUse::Lines, 0, of_tokens);
    counter.memory.allow_lists(counter.lists.len());
    counter.memory
}

/// What was found on a line so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinePosition {
    /// Nothing.
    Start,
    /// A name without quotes, but no `=` yet.
    Name,
    /// `[`, which begins a header or an array.
    Header,
    /// `[list`
    ListHeader,
    /// Anything else.
    Other,
}

struct Counter<'t> {
    text: &'t str,
    line: LinePosition,
    tokens: usize,
    /// The names of lists that have a header. Names with escapes are not counted.
    lists: HashSet<&'t str>,
    memory: MemoryEstimate,
}

impl Counter<'_> {
    /// Counts a token. `before` are the kinds of the two tokens before it, without whitespace.
    fn count(&mut self, token: Token, before: [TokenKind; 2]) {
        self.tokens += 1;
        let written = self.text.get(token.span().start()..token.span().end()).unwrap_or_default();
        match token.kind() {
            TokenKind::Whitespace => return,
            TokenKind::Comment => self.memory.add(MemoryUse::Lines, 1, 0),
            TokenKind::Newline | TokenKind::Eof => {
                if self.line == LinePosition::Name {
                    self.memory.add(MemoryUse::Keys, 1, FAULT);
                }
                self.memory.add(MemoryUse::Lines, 1, LINE);
                self.line = LinePosition::Start;
                return;
            }
            TokenKind::Equals if self.line == LinePosition::Start => self.memory.add(MemoryUse::Keys, 1, KEY + FAULT),
            TokenKind::Equals => self.memory.add(MemoryUse::Keys, 1, KEY),
            TokenKind::LeftSquareBracket if self.line == LinePosition::Start => {
                self.memory.add(MemoryUse::Tables, 1, TABLE);
                self.line = LinePosition::Header;
                return;
            }
            TokenKind::LeftSquareBracket | TokenKind::Comma => self.memory.add(MemoryUse::Values, 0, ITEM),
            TokenKind::LeftCurlyBracket | TokenKind::Dot => self.memory.add(MemoryUse::Tables, 1, TABLE),
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {}
            kind => {
                self.value(kind, written);
                match (self.line, before) {
                    (LinePosition::Start, _) if kind == TokenKind::Atom => {
                        self.line = LinePosition::Name;
                        return;
                    }
                    (LinePosition::Header, [_, TokenKind::LeftSquareBracket]) if written == "list" => {
                        self.line = LinePosition::ListHeader;
                        return;
                    }
                    (LinePosition::ListHeader, [TokenKind::Atom, TokenKind::Dot]) if !written.contains('\\') => {
                        self.lists.insert(written.trim_matches(['"', '\'']));
                    }
                    _ => {}
                }
            }
        }
        if !matches!((self.line, token.kind()), (LinePosition::Name | LinePosition::ListHeader, TokenKind::Dot)) {
            self.line = LinePosition::Other;
        }
    }

    /// Counts a string, a number or a name.
    fn value(&mut self, kind: TokenKind, written: &str) {
        let is_text = kind != TokenKind::Atom;
        let copies = if is_text && written.contains(['\\', '\r']) { ESCAPED_COPIES } else { COPIES };
        self.memory.add(MemoryUse::Values, 1, VALUE);
        self.memory.add(MemoryUse::Bytes, 0, written.len() * copies);
        if is_text {
            let braces = written.bytes().filter(|byte| matches!(byte, b'{' | b'}')).count();
            self.memory.add(MemoryUse::Placeholders, braces.div_ceil(2), braces * BRACE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        size(text).excess("it has").map_or_else(|| "fits".to_owned(), |problem| problem.message)
    }

    #[test]
    fn what_there_is_too_much_of_is_named() {
        let n = 600_000;
        let of = |line: &str| line.repeat(n);
        for (text, expected) in [
            (format!("[vars]\n{}", of("k = 'v'\n")), "it has too many values: 1200001"),
            (format!("x = [{}]", of("'t',")), "it has too many values: 600001"),
            (of("a\n"), "it has too many keys: 600000"),
            (of("=\n"), "it has too many keys: 600000"),
            (of("[a]\n"), "it has too many tables: 600000"),
            (format!("x = [{}]", of("{},")), "it has too many tables: 600000"),
            (format!("x = '{}'", of("{a}")), "it has too many placeholders: 600000"),
            ("\n".repeat(4_000_000), "it has too many lines and spaces: 4000001"),
            (format!("x = \"{}\"", "\\t".repeat(8_000_000)), "it has too many bytes of text: 16000006"),
            (format!("# {}", "x".repeat(16_000_000)), "fits"),
            (format!("x = '{}'", "x".repeat(16_000_000)), "fits"),
        ] {
            assert_eq!(message(&text), expected, "{}", &text[..text.len().min(30)]);
        }
    }

    #[test]
    fn each_list_raises_the_limit_once() {
        let list = |name: usize| {
            let platforms = "'linux/amd64', 'linux/arm64', 'linux/arm/v6', 'linux/arm/v7', 'linux/386', 'linux/s390x'";
            let tags = "'1.2.3', '1.2', '1', 'latest', '1.2.3-bookworm', 'bookworm'";
            format!(
                "[list.\"app-{name}\"]\nplatforms = [{platforms}]\ntags = [{tags}]\n\
                 source = 'r.example/app-{{arch}}:1'\ntarget = 'r.example/app'\n"
            )
        };
        let lists = |names: &dyn Fn(usize) -> usize| (0..20_000).map(names).map(list).collect::<String>();
        assert_eq!(message(&lists(&|at| at)), "fits");
        assert_ne!(message(&lists(&|_| 0)), "fits");
    }
}
