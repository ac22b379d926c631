//! [`ReferenceError`]: what is wrong with a text that is not a valid reference, and where.

use std::ops::Range;

/// The error for a text that is not a valid reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReferenceError {
    /// What is wrong: the text, followed by [`ReferenceError::kind`].
    pub message: String,
    /// What is wrong, without the text or any part of it.
    pub kind: ReferenceErrorKind,
    /// The invalid part of the text, in bytes.
    pub span: Range<usize>,
    /// Whether the text begins with a user name and perhaps a password. Both are never shown.
    names_user: bool,
}

/// What is wrong with a text that is not a valid reference. Displayed, it follows the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceErrorKind {
    /// The text must have a tag or a digest, but has neither.
    #[error("has no tag or digest")]
    NoLocator,
    /// The text must not have a tag or digest, but has one.
    #[error("has a tag or digest, which does not belong to a repository")]
    UnexpectedLocator,
    /// The text begins with a scheme, such as `https://`.
    #[error("begins with a scheme, which no reference has")]
    Scheme,
    /// The text begins with `USER@` or `USER:PASSWORD@`.
    #[error("names a user, which no reference does")]
    User,
    /// The path begins or ends with `/`, or has two in a row.
    #[error("has an empty part in its path")]
    EmptyPathPart,
    /// The path has an upper-case letter.
    #[error("has an upper-case letter in its path")]
    UpperCasePath,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<&str> for ReferenceErrorKind {
    fn from(other: &str) -> Self {
        Self::Other(other.to_owned())
    }
}

impl ReferenceError {
    /// Returns the message with the text replaced by `shown`, because the text itself may contain a secret.
    #[must_use]
    pub fn message_of(&self, shown: &str) -> String {
        match shown.split_once('@') {
            Some((_, rest)) if self.names_user => format!("`…@{rest}` {}", self.kind),
            _ => format!("`{shown}` {}", self.kind),
        }
    }
}

/// What is wrong with a part of a text, before the whole text is known.
pub(super) struct Fault {
    kind: ReferenceErrorKind,
    span: Range<usize>,
    /// The number of bytes at the start of the whole text that are not shown, because they may contain a password.
    hidden: usize,
}

impl Fault {
    pub(super) fn new(kind: impl Into<ReferenceErrorKind>, span: Range<usize>) -> Self {
        Self { kind: kind.into(), span, hidden: 0 }
    }

    /// Creates the fault of a text that begins with a user name, and perhaps a password, of this many bytes.
    pub(super) fn user(length: usize) -> Self {
        Self { hidden: length, ..Self::new(ReferenceErrorKind::User, 0..length + 1) }
    }

    /// Returns the same fault for a text in which the part begins at byte `start`.
    pub(super) fn from(self, start: usize) -> Self {
        Self { span: self.span.start + start..self.span.end + start, ..self }
    }

    pub(super) fn of(self, text: &str) -> ReferenceError {
        let mark = if self.hidden > 0 { "…" } else { "" };
        let message = format!("`{mark}{}` {}", &text[self.hidden..], self.kind);
        ReferenceError { message, kind: self.kind, span: self.span, names_user: self.hidden > 0 }
    }
}
