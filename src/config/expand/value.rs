//! [`Value`] and [`Expanded`]: an expanded text, and how problems may show it.
//!
//! More people can read a problem than the files and the environment that it quotes, for example in a build log or in a
//! comment on a pull request. So problems show the placeholder instead of a value from there.

use std::ops::Range;

use crate::naming::{Expansion, Template};

/// An expanded text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Value {
    text: String,
    /// What problems show instead of the text, if they must not show the text itself.
    instead: Option<String>,
}

impl Value {
    /// A text that everybody may see, because it is written in manifests.toml or on the command line.
    pub(super) fn public(text: impl Into<String>) -> Self {
        Self { text: text.into(), instead: None }
    }

    /// A text that is shown as `instead` if that is given.
    pub(super) fn new(text: String, instead: Option<String>) -> Self {
        Self { text, instead }
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
        }
        self
    }
}

/// An expanded template.
pub(super) struct Expanded {
    expansion: Expansion,
    /// What problems show instead of the text, if they must not show the text itself.
    instead: Option<String>,
}

impl Expanded {
    /// `values` are the values of the template's placeholders, in order.
    pub(super) fn new(expansion: Expansion, template: &Template, values: &[Value]) -> Self {
        if values.iter().all(|value| value.instead().is_none()) {
            return Self { expansion, instead: None };
        }
        let mut values = values.iter();
        let instead = expansion.retold(template, |placeholder| {
            let instead = values.next().and_then(Value::instead)?;
            // Filters are not applied to the replacement, because the result would be a text that is written nowhere.
            // The placeholder is shown as it is written.
            let plain = placeholder.part.is_none() && placeholder.filters.is_empty();
            Some(if plain { instead } else { &template.source()[placeholder.span.clone()] }.to_owned())
        });
        Self { expansion, instead: Some(instead) }
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

    pub(super) fn into_value(self) -> Value {
        Value::new(self.expansion.text, self.instead)
    }

    /// The bytes of the template that the bytes `range` of the text came from.
    pub(super) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        self.expansion.origin(range)
    }
}
