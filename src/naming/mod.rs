//! Naming conventions: templates, architecture styles, versions and globs.
//!
//! | file | holds |
//! |---|---|
//! | [`template`] | [`Template`]: `{registry}/{name}-{arch}:{version}`, parsed and expanded |
//! | [`partial`] | [`Partial`]: a template in which one name is open; expands a value, or finds the value in a text |
//! | [`member_template`] | [`MemberTemplate`]: a template for tags of members; finds the platform that a tag is for |
//! | [`foreign`] | [`foreign_placeholders`]: placeholders in the syntax of other tools, such as `${version}` |
//! | [`filter`] | [`Filter`]: the filters that can follow a `\|` in a placeholder |
//! | [`version`] | [`Version`]: whether it is stable, how versions are ordered, which have the same form |
//! | [`arch_style`] | [`ArchStyle`]: spellings such as `amd64` and `x86_64`; what a name says about the platform |
//! | [`glob`] | [`Globs`]: patterns that select names |
//! | [`nearest`](mod@nearest) | [`nearest()`]: the known name that is most similar to a misspelled one |
//!
//! This layer knows nothing about manifests.toml. Positions are byte offsets in the text that the caller passed. The
//! caller knows where that text is in the file.

pub mod arch_style;
pub mod filter;
pub mod foreign;
pub mod glob;
pub mod member_template;
pub mod nearest;
pub mod partial;
pub mod template;
pub mod version;

pub use arch_style::{ArchStyle, PlatformHint, platform_hints};
pub use filter::Filter;
pub use foreign::{ForeignPlaceholder, ForeignSyntax, foreign_placeholders};
pub(crate) use glob::check_length;
pub use glob::{GlobError, Globs, Pattern};
pub use member_template::{MemberName, MemberTemplate, MemberWords};
pub use nearest::nearest;
pub use partial::{Partial, Piece, PlaceholderValue};
pub use template::{
    ExpandError, Expansion, LONGEST_TEXT, Part, Placeholder, Template, TemplateError, TemplateErrorKind,
};
pub use version::{Kind, Version, VersionPart};
