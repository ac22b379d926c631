//! A [`Document`](super::Document) in its forms.
//!
//! | file | holds |
//! |---|---|
//! | [`human`] | for people |
//! | [`json`] | for scripts |
//! | [`fold`] | problems of one cause as one |

pub(super) mod fold;
pub(super) mod human;
pub(super) mod json;

/// A part of the human form: it is for one stream, and what goes to a file is all parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) channel: Channel,
    pub(super) text: String,
}

/// What a part is to those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// The answer, for stdout; not needed beside another form of it.
    Answer,
    /// How it went, for stdout, where that is free.
    Verdict,
    /// Everything else, for stderr.
    Talk,
}

impl Part {
    fn talk(text: String) -> Self {
        Self { channel: Channel::Talk, text }
    }
}
