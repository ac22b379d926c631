//! [`Value`] and [`Expanded`]: an expanded text, how problems may show it, and which values from files, the environment
//! or git it contains.
//!
//! More people can read a problem than the files and the environment that it quotes, for example in a build log or in a
//! comment on a pull request. So problems show the placeholder instead of a value from there.

use std::ops::Range;
use std::sync::Arc;

use crate::naming::{Expansion, Template};
use crate::oci::excerpt;

/// An expanded text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Value {
    text: String,
    /// What problems show instead of the text, if they must not show the text itself.
    instead: Option<String>,
    /// The values from outside of manifests.toml that the text contains.
    outside: Vec<Arc<OutsideValue>>,
}

/// A value from outside of manifests.toml: from a file, the environment or git.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutsideValue {
    /// The name of the variable or axis.
    pub(super) name: String,
    /// Where it comes from, as problems may show it: ``file `VERSION` ``.
    pub(super) place: String,
    pub(super) text: String,
    pub(super) visibility: Visibility,
}

/// How much of a value problems may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visibility {
    /// All of it.
    Shown,
    /// Its length, and a character that is not valid.
    Described,
    /// Nothing: its name looks like that of a secret.
    Secret,
}

/// Words in the names of secrets. They can be a part of a longer word: `GITHUBTOKEN`.
const SECRET_PARTS: [&str; 6] = ["token", "secret", "passw", "credential", "apikey", "private"];
/// Words in the names of secrets that have another meaning as a part of a longer word.
const SECRET_WORDS: [&str; 5] = ["auth", "key", "pass", "pat", "pwd"];

impl Visibility {
    /// `other`, or [`Visibility::Secret`] if one of the names looks like that of a secret.
    pub(super) fn of_names(names: &[&str], other: Self) -> Self {
        let is_secret = |name: &&str| {
            let name = name.to_ascii_lowercase();
            SECRET_PARTS.iter().any(|part| name.contains(part))
                || name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| SECRET_WORDS.contains(&word))
        };
        if names.iter().any(is_secret) { Self::Secret } else { other }
    }
}

impl OutsideValue {
    /// Says where the value comes from, and what may be shown of it. `invalid` is the character that is not valid.
    pub(super) fn describe(&self, invalid: Option<char>) -> String {
        let Self { name, place, text, visibility } = self;
        let origin = format!("the value of `{name}` comes from {place}");
        match visibility {
            Visibility::Shown => origin,
            Visibility::Secret => format!("{origin}; it is not shown, because it can be a secret"),
            Visibility::Described => {
                let length = match text.chars().count() {
                    1 => "1 character".to_owned(),
                    length => format!("{length} characters"),
                };
                let found = invalid.and_then(|invalid| Some((text.chars().position(|c| c == invalid)?, invalid)));
                match found {
                    Some((at, c)) => {
                        let shown = excerpt(c.encode_utf8(&mut [0; 4]));
                        format!("{origin}: {length}, and character {} is `{shown}`", at + 1)
                    }
                    None => format!("{origin}: {length}"),
                }
            }
        }
    }
}

impl Value {
    /// A text that everybody may see, because it is written in manifests.toml or on the command line.
    pub(super) fn public(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A text that is shown as `instead` if that is given.
    pub(super) fn new(text: String, instead: Option<String>) -> Self {
        Self { text, instead, outside: Vec::new() }
    }

    /// A value from outside of manifests.toml.
    pub(super) fn outside(value: OutsideValue) -> Self {
        let instead = (value.visibility != Visibility::Shown).then(|| format!("{{{}}}", value.name));
        Self { text: value.text.clone(), instead, outside: vec![Arc::new(value)] }
    }

    /// The values from outside of manifests.toml that the text contains.
    pub(super) fn origins(&self) -> &[Arc<OutsideValue>] {
        &self.outside
    }

    /// The text. Never use it in a problem.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text for problems.
    pub(super) fn shown(&self) -> &str {
        self.instead.as_deref().unwrap_or(&self.text)
    }

    /// What problems show instead of the text, if they must not show the text itself.
    pub(super) fn instead(&self) -> Option<&str> {
        self.instead.as_deref()
    }

    /// Appends `/` and `part`.
    pub(super) fn then_all<'v>(mut self, parts: impl Iterator<Item = &'v Self>) -> Self {
        for part in parts {
            if self.instead.is_none() && part.instead.is_some() {
                self.instead = Some(self.text.clone());
            }
            if let Some(instead) = &mut self.instead {
                instead.extend(["/", part.shown()]);
            }
            self.text.extend(["/", &part.text]);
            self.outside.extend(part.outside.iter().cloned());
        }
        self
    }
}

/// An expanded template.
pub(super) struct Expanded {
    expansion: Expansion,
    /// What problems show instead of the text, if they must not show the text itself.
    instead: Option<String>,
    /// The values from outside of manifests.toml, each with the span of its placeholder in the template.
    outside: Vec<(Range<usize>, Arc<OutsideValue>)>,
    /// The span of the first placeholder in the template whose value is empty.
    empty: Option<Range<usize>>,
}

impl Expanded {
    /// `values` are the values of the template's placeholders, in order.
    pub(super) fn new(expansion: Expansion, template: &Template, values: &[Value]) -> Self {
        let outside = template.placeholders().zip(values).flat_map(|(placeholder, value)| {
            value.outside.iter().map(|outside| (placeholder.span.clone(), Arc::clone(outside)))
        });
        let outside = outside.collect();
        let mut empty = template.placeholders().zip(values).filter(|(_, value)| value.text.is_empty());
        let empty = empty.next().map(|(placeholder, _)| placeholder.span.clone());
        if values.iter().all(|value| value.instead().is_none()) {
            return Self { expansion, instead: None, outside, empty };
        }
        let mut values = values.iter();
        let instead = expansion.retold(template, |placeholder| {
            let instead = values.next().and_then(Value::instead)?;
            // Filters are not applied to the replacement, because the result would be a text that is written nowhere.
            // The placeholder is shown as it is written.
            let plain = placeholder.part.is_none() && placeholder.filters.is_empty();
            Some(if plain { instead } else { &template.source()[placeholder.span.clone()] }.to_owned())
        });
        Self { expansion, instead: Some(instead), outside, empty }
    }

    /// The value from outside of manifests.toml that the bytes `range` of the text came from. If there are several,
    /// the first one that contains `invalid`.
    pub(super) fn outside(&self, range: &Range<usize>, invalid: Option<char>) -> Option<&OutsideValue> {
        let origin = self.origin(range);
        let overlaps = |span: &Range<usize>| span.start < origin.end && origin.start < span.end;
        let mut values = self.outside.iter().filter(|(span, _)| overlaps(span)).map(|(_, value)| &**value);
        match invalid {
            Some(invalid) => values.find(|value| value.text.contains(invalid)),
            None => values.next(),
        }
    }

    /// The text. Never use it in a problem.
    pub(super) fn text(&self) -> &str {
        &self.expansion.text
    }

    /// The text for problems.
    pub(super) fn shown(&self) -> &str {
        self.instead.as_deref().unwrap_or(&self.expansion.text)
    }

    /// Whether problems show something other than the text.
    pub(super) fn is_hidden(&self) -> bool {
        self.instead.is_some()
    }

    /// The span of the first placeholder in the template whose value is empty.
    pub(super) fn empty(&self) -> Option<&Range<usize>> {
        self.empty.as_ref()
    }

    pub(super) fn into_value(self) -> Value {
        let outside = self.outside.into_iter().map(|(_, value)| value).collect();
        Value { text: self.expansion.text, instead: self.instead, outside }
    }

    /// The bytes of the template that the bytes `range` of the text came from.
    pub(super) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        self.expansion.origin(range)
    }
}
