//! Renders a [`Document`](super::Document). Each format has its own file.
//!
//! | file | holds |
//! |---|---|
//! | [`human`] | text for people |
//! | [`json`] | JSON for scripts |
//! | [`fold`] | groups problems that have the same cause |

pub(super) mod fold;
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
    /// The lines of the lists: stdout. If JSON uses stdout, stderr if the human-readable format was asked for too, else
    /// nowhere.
    Lines,
    /// The verdict: stdout, or stderr if JSON uses stdout.
    Verdict,
    /// Problems and notes: stderr.
    Message,
}

impl OutputPart {
    fn message(text: String) -> Self {
        Self { channel: Channel::Message, text }
    }
}
