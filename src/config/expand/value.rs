//! [`Value`] and [`Expanded`]: what something comes to, and how it may be shown.
//!
//! A problem is read by more people than the files and the environment it speaks of: in the log of a build, in a comment
//! on a pull request. What came from there is shown as the placeholder that stands for it.

use std::ops::Range;

use crate::naming::{Expansion, Template};

/// A text that was worked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Value {
    text: String,
    /// Where the text itself is not to be shown: what is shown instead.
    instead: Option<String>,
}

impl Value {
    /// A text that everybody may see: it stands in manifests.toml or on the command line.
    pub(super) fn open(text: impl Into<String>) -> Self {
        Self { text: text.into(), instead: None }
    }

    /// A text that is shown as `instead` where that is given.
    pub(super) fn new(text: String, instead: Option<String>) -> Self {
        Self { text, instead }
    }

    /// The text: never for a problem.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What a problem says.
    pub(super) fn shown(&self) -> &str {
        self.instead.as_deref().unwrap_or(&self.text)
    }

    /// What is shown instead of the text, if anything is.
    pub(super) fn instead(&self) -> Option<&str> {
        self.instead.as_deref()
    }

    /// This, and `/` and `part` behind it.
    pub(super) fn then(self, part: &Self) -> Self {
        let join = |left: &str, right: &str| format!("{left}/{right}");
        let is_hidden = self.instead.is_some() || part.instead.is_some();
        let instead = is_hidden.then(|| join(self.shown(), part.shown()));
        Self { text: join(&self.text, &part.text), instead }
    }
}

/// What a template comes to.
pub(super) struct Expanded {
    expansion: Expansion,
    /// Where the text itself is not to be shown: what is shown instead.
    instead: Option<String>,
}

impl Expanded {
    /// `values` are those of the template's placeholders, in their order.
    pub(super) fn new(expansion: Expansion, template: &Template, values: &[Value]) -> Self {
        if values.iter().all(|value| value.instead().is_none()) {
            return Self { expansion, instead: None };
        }
        let mut values = values.iter();
        let instead = expansion.retold(template, |placeholder| {
            let instead = values.next().and_then(Value::instead)?;
            // What a filter would make of what is shown instead is nothing that anybody wrote.
            let plain = placeholder.part.is_none() && placeholder.filters.is_empty();
            Some(if plain { instead } else { &template.source()[placeholder.span.clone()] }.to_owned())
        });
        Self { expansion, instead: Some(instead) }
    }

    /// The text: never for a problem.
    pub(super) fn text(&self) -> &str {
        &self.expansion.text
    }

    /// What a problem says.
    pub(super) fn shown(&self) -> &str {
        self.instead.as_deref().unwrap_or(&self.expansion.text)
    }

    /// Whether a problem says something else than the text.
    pub(super) fn is_hidden(&self) -> bool {
        self.instead.is_some()
    }

    pub(super) fn into_value(self) -> Value {
        Value::new(self.expansion.text, self.instead)
    }

    /// The bytes of the template that `range`, bytes of the text, came from.
    pub(super) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        self.expansion.origin(range)
    }
}
