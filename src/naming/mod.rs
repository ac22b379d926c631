//! Conventions: how names are spelled.
//!
//! | file | holds |
//! |---|---|
//! | [`template`] | [`Template`]: `{registry}/{name}-{arch}:{version}`, read and expanded |
//! | [`partial`] | [`Partial`]: a template with one name left open, read in both directions |
//! | [`filter`] | [`Filter`]: what may stand behind a `\|` in it |
//! | [`version`] | [`Version`]: stable or not, which is greater, which are written alike |
//! | [`arch_style`] | [`ArchStyle`]: `amd64` or `x86_64`, and what a name says of the machine |
//! | [`glob`] | [`Globs`]: which names are meant |
//! | [`nearest`](mod@nearest) | [`nearest()`]: the known name that a misspelt one was meant to be |
//!
//! Nothing here knows manifests.toml: positions are bytes within the text that was handed over, and whoever handed it
//! over knows where that stands.

pub mod arch_style;
pub mod filter;
pub mod glob;
pub mod nearest;
pub mod partial;
pub mod template;
pub mod version;

pub use arch_style::{ArchStyle, Claim, claims};
pub use filter::Filter;
pub use glob::{GlobError, Globs, Pattern};
pub use nearest::nearest;
pub use partial::{Partial, Piece, Stands};
pub use template::{
    ExpandError, Expansion, LONGEST_TEXT, Part, Placeholder, Template, TemplateError, TemplateErrorKind,
};
pub use version::{Kind, Version, VersionPart};
