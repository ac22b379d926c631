//! Renders a [`Document`](super::Document), a file for each form.
//!
//! | file | holds |
//! |---|---|
//! | [`human`] | for people |
//! | [`json`] | for scripts |
//! | [`fold`] | problems of one cause as one |

pub(super) mod fold;
pub(super) mod human;
pub(super) mod json;

/// A part of the human form, for one stream. A file gets all parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) channel: Channel,
    pub(super) text: String,
}

/// Which stream a part is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// Stdout; left out if another form takes stdout.
    Result,
    /// Stdout; stderr if another form takes stdout.
    Verdict,
    /// Stderr.
    Message,
}

impl Part {
    fn message(text: String) -> Self {
        Self { channel: Channel::Message, text }
    }
}
