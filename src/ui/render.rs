//! Renders a [`Document`](super::Document). Each format has its own file.
//!
//! | file | holds |
//! |---|---|
//! | [`human`] | text for people |
//! | [`json`] | JSON for scripts |
//! | [`html`] | a page for a website |
//! | [`fold`] | groups problems that have the same cause |

pub(super) mod fold;
pub(super) mod html;
pub(super) mod human;
pub(super) mod json;

/// A part of the human-readable output, for one stream. A file gets all parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutputPart {
    pub(super) channel: Channel,
    pub(super) text: String,
}

/// The stream that a part is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// The lines of lists and the verdict: the stream of [`ResultStream`](super::ResultStream).
    Result,
    /// Problems and notes: stderr.
    Message,
}

impl OutputPart {
    fn result(text: String) -> Self {
        Self { channel: Channel::Result, text }
    }

    fn message(text: String) -> Self {
        Self { channel: Channel::Message, text }
    }
}
