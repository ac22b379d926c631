//! Finds the paths (`crate::plan::Plan`, `std::fs`) that a Rust file names. Groups in `use` are expanded, `self` and
//! `super` are resolved, comments and strings are skipped.
//!
//! It reads tokens and does not parse the language. What it cannot detect (paths made by a macro, a renamed crate) is
//! not used in this crate.

/// A path that a file names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The segments, beginning with `crate` or the name of a crate. `*` stands for everything in a module.
    pub(super) segments: Vec<String>,
    /// Whether it is the name of an invoked macro.
    pub(super) is_macro: bool,
    /// The line, counted from 1.
    pub(super) line: usize,
}

impl Named {
    pub(super) fn text(&self) -> String {
        self.segments.join("::")
    }

    /// Whether it is `path` or an item in it.
    pub(super) fn is_within(&self, path: &str) -> bool {
        let mut segments = self.segments.iter();
        path.split("::").all(|expected| segments.next().is_some_and(|segment| segment == expected))
    }

    /// Whether it contains `path` anywhere.
    pub(super) fn mentions(&self, path: &str) -> bool {
        let path: Vec<&str> = path.split("::").collect();
        self.segments.windows(path.len()).any(|window| window == path)
    }
}

/// Returns `text` without the tests at its end. Empty if the whole file is tests.
pub(crate) fn without_tests<'a>(path: &str, text: &'a str) -> &'a str {
    if path.ends_with("/tests.rs") || path.contains("/tests/") {
        return "";
    }
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    &text[..end]
}

/// Returns the paths with two or more segments, and the invoked macros. `path` is the path of the file relative to
/// `src`.
pub(super) fn named_paths(path: &str, text: &str) -> Vec<Named> {
    let tokens = tokens(text);
    let mut modules = module_of(path);
    let mut open_modules = Vec::new();
    let (mut depth, mut at) = (0, 0);
    let mut found = Vec::new();
    while let Some((token, line)) = tokens.get(at) {
        let next = |ahead: usize| tokens.get(at + ahead).map(|(token, _)| token);
        match token {
            Token::Word("mod") if next(2) == Some(&Token::Mark('{')) => {
                if let Some(Token::Word(name)) = next(1) {
                    modules.push((*name).to_owned());
                    open_modules.push(depth);
                }
            }
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => {
                depth -= 1;
                if open_modules.pop_if(|opened| *opened == depth).is_some() {
                    modules.pop();
                }
            }
            Token::Word(_) if next(1) == Some(&Token::Colons) => {
                let mut tree = Tree { tokens: &tokens, at, found: Vec::new() };
                tree.walk(&mut Vec::new());
                at = tree.at;
                let is_macro = tokens.get(at).is_some_and(|(token, _)| *token == Token::Mark('!'));
                for (segments, line) in tree.found {
                    if is_macro && let Some(name) = segments.last() {
                        found.push(Named { segments: vec![name.clone()], is_macro, line });
                    } else {
                        found.push(Named { segments: absolute(&segments, &modules), is_macro, line });
                    }
                }
                continue;
            }
            Token::Word(word) if next(1) == Some(&Token::Mark('!')) => {
                found.push(Named { segments: vec![(*word).to_owned()], is_macro: true, line: *line });
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Returns the module of a file, such as `crate::config::problem`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    std::iter::once("crate").chain(path.split('/')).map(str::to_owned).collect()
}

/// Resolves `self` and `super` at the start of a path. `modules` is the module that contains the path.
fn absolute(segments: &[String], modules: &[String]) -> Vec<String> {
    let mut base: Option<Vec<String>> = None;
    let mut rest = segments;
    while let Some((first, behind)) = rest.split_first() {
        match first.as_str() {
            "self" => _ = base.get_or_insert_with(|| modules.to_vec()),
            "super" => _ = base.get_or_insert_with(|| modules.to_vec()).pop(),
            _ => break,
        }
        rest = behind;
    }
    base.unwrap_or_default().into_iter().chain(rest.iter().cloned()).collect()
}

/// A path, or a tree of paths in braces.
struct Tree<'t, 'a> {
    tokens: &'t [(Token<'a>, usize)],
    at: usize,
    found: Vec<(Vec<String>, usize)>,
}

impl Tree<'_, '_> {
    /// Reads a path or a tree of paths. `before` is the part that was already read.
    fn walk(&mut self, before: &mut Vec<String>) {
        let own = before.len();
        let line = self.tokens.get(self.at).map_or(0, |(_, line)| *line);
        loop {
            match self.tokens.get(self.at).map(|(token, _)| token) {
                Some(Token::Word("self")) if !before.is_empty() => self.at += 1,
                Some(Token::Word(word)) => {
                    before.push((*word).to_owned());
                    self.at += 1;
                    if self.tokens.get(self.at).map(|(token, _)| token) == Some(&Token::Colons) {
                        self.at += 1;
                        continue;
                    }
                }
                Some(Token::Mark('*')) => {
                    before.push("*".to_owned());
                    self.at += 1;
                }
                Some(Token::Mark('{')) => {
                    self.group(before);
                    before.truncate(own);
                    return;
                }
                _ => {}
            }
            break;
        }
        self.found.push((before.clone(), line));
        before.truncate(own);
    }

    fn group(&mut self, before: &mut Vec<String>) {
        self.at += 1;
        while let Some((token, _)) = self.tokens.get(self.at) {
            match token {
                Token::Mark('}') => {
                    self.at += 1;
                    return;
                }
                // Skip `as name`.
                Token::Word("as") => self.at += 2,
                Token::Word(_) | Token::Mark('*' | '{') => self.walk(before),
                _ => self.at += 1,
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    /// The token `::`.
    Colons,
    Mark(char),
}

/// Returns the tokens that paths consist of, each with its line.
fn tokens(text: &str) -> Vec<(Token<'_>, usize)> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = skipped(rest);
        let length = if skipped > 0 {
            skipped
        } else if is_word(c) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            tokens.push((Token::Word(&rest[..length]), line));
            length
        } else if rest.starts_with("::") {
            tokens.push((Token::Colons, line));
            2
        } else {
            if !c.is_whitespace() {
                tokens.push((Token::Mark(c), line));
            }
            c.len_utf8()
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// A string literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Literal<'a> {
    /// The literal with its quotes.
    pub(crate) text: &'a str,
    /// The line of its first character, counted from 1.
    pub(crate) line: usize,
    /// Whether an `@` is in front of it, as in inline snapshots.
    pub(crate) is_snapshot: bool,
}

/// Returns the string literals of a Rust file. Comments are skipped.
pub(crate) fn literals(text: &str) -> Vec<Literal<'_>> {
    let mut literals = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(c) = text[at..].chars().next() {
        let length = skipped(&text[at..]);
        let skipped = &text[at..at + length];
        if skipped.ends_with(['"', '#']) && !skipped.starts_with('/') {
            literals.push(Literal { text: skipped, line, is_snapshot: text[..at].ends_with('@') });
        }
        let length = if length > 0 { length } else { c.len_utf8() };
        line += text[at..at + length].matches('\n').count();
        at += length;
    }
    literals
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns the length of the comment, string, character or lifetime at the start of `text`. 0 if there is none.
fn skipped(text: &str) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return block_comment(text);
    }
    if text.starts_with('\'') {
        return quote(text);
    }
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        let behind = text.strip_prefix(prefix).unwrap_or_default();
        let hashes = behind.trim_start_matches('#');
        if prefix.ends_with('r') { hashes.starts_with('"') } else { behind.starts_with('"') }
    });
    let Some(prefix) = prefix else { return 0 };
    let behind = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = behind.len() - behind.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let opened = prefix.len() + hashes + 1;
        return text[opened..].find(&end).map_or(text.len(), |found| opened + found + end.len());
    }
    prefix.len() + 1 + until_unescaped(&behind[1..], '"')
}

/// Returns the offset after the next `end` that is not escaped by a backslash.
fn until_unescaped(text: &str, end: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == end => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let length = rest.chars().next().map_or(1, char::len_utf8);
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += length;
        }
    }
    text.len()
}

/// Returns the length of a character in quotes or of a lifetime.
fn quote(text: &str) -> usize {
    let mut behind = text[1..].chars();
    match (behind.next(), behind.next()) {
        (Some('\\'), _) => 1 + until_unescaped(&text[1..], '\''),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 1 + text[1..].find(|c| !is_word(c)).unwrap_or(text.len() - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        named_paths(path, text).iter().map(Named::text).collect()
    }

    #[test]
    fn groups_are_taken_apart() {
        let text = "use crate::{a::{self, B as C, d::*}, e};\nuse std::fmt::{self as f, Display};";
        let paths = ["crate::a", "crate::a::B", "crate::a::d::*", "crate::e", "std::fmt", "std::fmt::Display"];
        assert_eq!(found("x/y.rs", text), paths);
    }

    #[test]
    fn self_and_super_are_worked_out_where_they_stand() {
        for (path, text, expected) in [
            ("x/mod.rs", "use self::a::B;", "crate::x::a::B"),
            ("x/mod.rs", "use super::y;", "crate::y"),
            ("x/y.rs", "use super::z::A;", "crate::x::z::A"),
            ("x/y.rs", "use super::super::z::A;", "crate::z::A"),
            ("x/y.rs", "mod tests { use super::super::z; }", "crate::x::z"),
            ("x/y.rs", "mod a { fn f() {} mod b { use super::c; } }", "crate::x::y::a::c"),
            ("x/y.rs", "mod a { fn f() {} }\nuse super::c;", "crate::x::c"),
            ("x/y.rs", "mod a;\nfn f() { super::c() }", "crate::x::c"),
        ] {
            assert_eq!(found(path, text), [expected], "{path}: {text}");
        }
    }

    #[test]
    fn comments_strings_and_lifetimes_name_nothing() {
        let text = r##"
            // a::b
            /* a::b /* a::b */ a::b */
            const A: &str = "\" a::b"; const B: &[u8] = b"a::b";
            const C: &str = r#"" a::b"#; const D: char = '\''; const E: char = '"';
            fn f<'a>(x: &'a str, y: &'static str) { x('"') }
            const R: u8 = r#match;
        "##;
        assert_eq!(found("x/y.rs", text), Vec::<String>::new());
        assert_eq!(found("x/y.rs", "fn f<'a>(_: &'a str) { a::b('x') }"), ["a::b"]);
    }

    #[test]
    fn literals_have_lines_and_may_be_snapshots() {
        let text = "f(\"a\");\n// \"b\"\nassert!(x, @r#\"c\nd\"#); '\"';";
        let found: Vec<_> = literals(text).iter().map(|found| (found.text, found.line, found.is_snapshot)).collect();
        assert_eq!(found, [("\"a\"", 1, false), ("r#\"c\nd\"#", 3, true)]);
    }

    #[test]
    fn places_are_lines_and_generics_end_a_path() {
        let named = named_paths("x/y.rs", "\n/* \n */ let a = b::c::<D>(\n\"\n\");\ne::f();");
        let lines: Vec<_> = named.iter().map(|named| (named.text(), named.line)).collect();
        assert_eq!(lines, [("b::c".to_owned(), 3), ("e::f".to_owned(), 6)]);
    }

    #[test]
    fn macros_go_by_their_own_name() {
        let named = named_paths("x/y.rs", "std::println!(); print!(); a != b; !c");
        assert!(named[..2].iter().all(|found| found.is_macro));
        assert_eq!([named[0].text(), named[1].text()], ["println", "print"]);
    }

    #[test]
    fn tests_at_the_end_are_left_out() {
        assert_eq!(without_tests("x/y.rs", "a\n#[cfg(test)]\nmod tests {\nb}"), "a\n");
        assert_eq!(without_tests("x/y.rs", "a\n#[cfg(test)]\nmod tests;\n"), "a\n#[cfg(test)]\nmod tests;\n");
        assert_eq!(without_tests("x/tests.rs", "a"), "");
    }
}
