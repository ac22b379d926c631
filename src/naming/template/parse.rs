//! Parses the grammar of templates. Each rule has its own function, and parsing stops at the first error.

use std::ops::Range;

use super::super::filter::Filter;
use super::super::nearest::nearest;
use super::super::version::VersionPart;
use super::{Part, Placeholder, TemplateError, TemplateErrorKind};
use crate::oci::quoted_char;

/// Returns the parts of a template, each with its position.
pub(super) fn parts(text: &str) -> Result<Vec<(Part, Range<usize>)>, TemplateError> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(brace) = text[at..].find(['{', '}']).map(|found| at + found) {
        if brace > at {
            parts.push((Part::Text(text[at..brace].to_owned()), at..brace));
        }
        let rest = &text[brace..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            parts.push((Part::Text(rest[..1].to_owned()), brace..brace + 2));
            at = brace + 2;
        } else if rest.starts_with('}') {
            return Err(syntax("`}` without a matching `{`", brace..brace + 1, Some("}}")));
        } else {
            let placeholder = Reader { text, open: brace, at: brace + 1 }.placeholder()?;
            at = placeholder.span.end;
            parts.push((Part::Placeholder(placeholder.clone()), placeholder.span));
        }
    }
    if at < text.len() {
        parts.push((Part::Text(text[at..].to_owned()), at..text.len()));
    }
    Ok(parts)
}

/// Parses one placeholder.
struct Reader<'a> {
    text: &'a str,
    /// The position of the opening brace.
    open: usize,
    /// The position of the next character.
    at: usize,
}

impl<'a> Reader<'a> {
    fn placeholder(mut self) -> Result<Placeholder, TemplateError> {
        if !self.peek().is_some_and(|c| c.is_ascii_alphabetic()) {
            return Err(self.unexpected("names start with a letter"));
        }
        let (name, name_span) = self.take(is_word);
        let part = if self.skip('.') { Some(self.part()?) } else { None };
        let mut filters = Vec::new();
        while self.skip('|') {
            filters.push(self.filter()?);
        }
        if !self.skip('}') {
            return Err(self.unexpected("names are letters, digits, `-` and `_`"));
        }
        Ok(Placeholder { name: name.to_owned(), part, filters, span: self.open..self.at, name_span })
    }

    fn part(&mut self) -> Result<VersionPart, TemplateError> {
        let (word, span) = self.take(is_word);
        if word.is_empty() {
            return Err(self.unexpected("expected major, minor or patch after `.`"));
        }
        VersionPart::parse(word).ok_or_else(|| {
            let words = VersionPart::ALL.map(VersionPart::word);
            syntax(format!("unknown version part `{word}`: expected major, minor or patch"), span, nearest(word, words))
        })
    }

    fn filter(&mut self) -> Result<Filter, TemplateError> {
        let (word, span) = self.take(is_word);
        match word {
            "" => return Err(self.unexpected("expected a filter after `|`")),
            "replace" => return self.replace(span),
            "tag" | "lower" | "no-v" if self.peek() == Some(':') => {
                return Err(syntax(format!("filter `{word}` has no arguments"), self.at..self.at + 1, None));
            }
            _ => {}
        }
        match word {
            "tag" => Ok(Filter::Tag),
            "lower" => Ok(Filter::Lower),
            "no-v" => Ok(Filter::NoV),
            _ => Err(TemplateError {
                kind: TemplateErrorKind::UnknownFilter,
                message: format!("unknown filter `{word}`"),
                span,
                instead: nearest(word, Filter::NAMES).map(str::to_owned),
            }),
        }
    }

    /// Parses what follows the word `replace`, whose position is `word`.
    fn replace(&mut self, word: Range<usize>) -> Result<Filter, TemplateError> {
        if !self.skip(':') {
            return Err(match self.peek() {
                Some('|' | '}') => syntax("filter `replace` requires two arguments", word, Some("replace:A:B")),
                _ => self.unexpected("expected `:A:B` after `replace`"),
            });
        }
        let (from, _) = self.take(is_argument);
        if from.is_empty() {
            return Err(self.unexpected("`replace` requires a text to search for"));
        }
        if !self.skip(':') {
            return Err(self.unexpected("`replace` requires two arguments, `replace:A:B`"));
        }
        let (to, _) = self.take(is_argument);
        if self.peek() == Some(':') {
            return Err(self.unexpected("`replace` has two arguments, which cannot contain `:`"));
        }
        Ok(Filter::Replace { from: from.to_owned(), to: to.to_owned() })
    }

    /// Returns the error for a placeholder without a closing brace.
    fn unclosed(&self) -> TemplateError {
        let written = self.text[self.open..self.at].trim_end_matches(['-', '_']);
        let right = Some(format!("{written}}}")).filter(|right| parts(right).is_ok());
        let length = if right.is_some() { written.len() } else { 1 };
        syntax("`{` is not closed", self.open..self.open + length, right.as_deref())
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip(&mut self, expected: char) -> bool {
        let is_next = self.peek() == Some(expected);
        if is_next {
            self.at += expected.len_utf8();
        }
        is_next
    }

    fn take(&mut self, fits: impl Fn(char) -> bool) -> (&'a str, Range<usize>) {
        let rest = &self.text[self.at..];
        let length = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let span = self.at..self.at + length;
        self.at = span.end;
        (&rest[..length], span)
    }

    /// Returns the error for the next character, which is unexpected. `rule` is the rule that it violates, used if no
    /// better message is known.
    fn unexpected(&self, rule: &str) -> TemplateError {
        let is_closed = self.text[self.at..].split('{').next().is_some_and(|rest| rest.contains('}'));
        let Some(found) = self.peek().filter(|_| is_closed) else {
            return self.unclosed();
        };
        let span = self.at..self.at + found.len_utf8();
        match found {
            ' ' | '\t' | '\n' | '\r' => syntax("spaces are not allowed in a placeholder", span, None),
            '}' if self.at == self.open + 1 => syntax("placeholder `{}` has no name", span, None),
            _ => syntax(format!("unexpected character {} in a placeholder: {rule}", quoted_char(found)), span, None),
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn is_argument(c: char) -> bool {
    !matches!(c, ':' | '|' | '{' | '}')
}

fn syntax(message: impl Into<String>, span: Range<usize>, instead: Option<&str>) -> TemplateError {
    TemplateError {
        kind: TemplateErrorKind::Syntax,
        message: message.into(),
        span,
        instead: instead.map(str::to_owned),
    }
}
