//! Which version a tag belongs to that only the newest version has.
//!
//! A rival of the version that claims such a tag is greater, stable, written alike, and claims the same tag by the same
//! template. So `latest` looks at all versions, `1.2` at those of 1.2, and `latest-alpine` at its own.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::config::model::Newest;
use crate::naming::{Kind, Version};
use crate::oci::Tag;

/// A published version to which the tag belongs instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// The version.
    pub version: Version,
    /// The tag it is published by.
    pub tag: Tag,
}

/// The greatest rival among the lists of the file: it needs no registry to be known.
#[must_use]
pub fn declared<'a>(newest: &'a Newest, tag: &Tag) -> Option<&'a Version> {
    newest.rivals.iter().filter(|version| is_rival(newest, tag, version)).max_by(|a, b| a.compare(b))
}

/// The greatest rival among the tags of the repository. Of versions of one rank the one that is written longest: `1.3.0`
/// is what `1.3` and `1` float above.
#[must_use]
pub fn published(newest: &Newest, tag: &Tag, tags: &BTreeSet<Tag>) -> Option<Rival> {
    let rival = |published: &Tag| {
        let version = Version::parse(&newest.published_as.find(published.as_str())?)?;
        is_rival(newest, tag, &version).then(|| Rival { version, tag: published.clone() })
    };
    tags.iter().filter_map(rival).reduce(|greatest, rival| {
        let order = rival.version.compare(&greatest.version);
        let order = order.then_with(|| rival.tag.as_str().len().cmp(&greatest.tag.as_str().len()));
        if order == Ordering::Greater { rival } else { greatest }
    })
}

/// Why the tag stays where it is: `3.10 is newer than 3.9.1`.
#[must_use]
pub fn why_it_stays(newest: &Newest, rival: &Version) -> String {
    format!("{} is newer than {}", rival.as_str(), newest.version.as_str())
}

fn is_rival(newest: &Newest, tag: &Tag, version: &Version) -> bool {
    version.kind() == Kind::Stable
        && version.is_alike(&newest.version)
        && version.compare(&newest.version) == Ordering::Greater
        && newest.claim.with(version.as_str()).as_deref() == Some(tag.as_str())
}

#[cfg(test)]
mod tests;
