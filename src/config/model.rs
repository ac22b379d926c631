//! What manifests.toml means, worked out: publications with nothing left to expand.
//!
//! Each part keeps the [`Span`] it came from, so that what a registry says of it later points into the file.

use crate::oci::{Place, Platform, Reference, Tag};

use super::problem::Span;

/// A list in one repository with all its tags: the unit that is planned, counted, reported and selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// `ENTRY`, with a matrix `ENTRY/VALUE/…`. Ids may repeat (one per target), (id, place) does not.
    pub id: String,
    /// The key in the file, without axes.
    pub entry: String,
    /// What `{name}` stands for.
    pub name: String,
    /// Where the list is published.
    pub target: Place,
    /// Where the target is written.
    pub target_span: Span,
    /// By which tags, in the order of the file; never empty, no tag twice.
    pub tags: Vec<TargetTag>,
    /// The images, in the order of the file; never empty.
    pub members: Vec<Member>,
}

/// A tag of a [`Publication`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetTag {
    /// The tag.
    pub tag: Tag,
    /// Where its template is written.
    pub span: Span,
}

/// One image of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// As declared; parts that are open are filled by the planner.
    pub platform: Platform,
    /// Where the platform is written.
    pub platform_span: Span,
    /// How the architecture is spelled in names (`{arch}`).
    pub arch: Option<String>,
    /// Where the image is.
    pub source: Reference,
    /// Where the source's template is written.
    pub source_span: Span,
}

impl Publication {
    /// The list by its first tag: what people call it.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.target.tagged(&self.tags[0].tag)
    }
}
