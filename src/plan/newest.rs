//! Which version a floating tag (`when = "newest"`) belongs to. Only the newest version has such a tag.
//!
//! A rival of the version that claims the tag is a version that is greater, stable, written in the same form, and
//! claims the same tag by the same template. So `latest` is compared with all versions, `1.2` with the versions of 1.2,
//! and `latest-alpine` with the alpine versions.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::config::model::Newest;
use crate::naming::{Kind, Version};
use crate::oci::Tag;

/// A published version that the tag belongs to instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// The version.
    pub version: Version,
    /// The tag that publishes the version.
    pub tag: Tag,
}

/// Returns the greatest rival among the lists of the file. This needs no registry.
#[must_use]
pub fn declared<'a>(newest: &'a Newest, tag: &Tag) -> Option<&'a Version> {
    newest.rivals.iter().filter(|version| is_rival(newest, tag, version)).max_by(|a, b| a.compare(b))
}

/// Returns the greatest rival among the tags of the repository. If versions compare equal, the longest tag wins: of
/// `1`, `1.3` and `1.3.0` this is `1.3.0`, which the other two follow.
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

/// Explains why the tag stays where it is: `3.10 is newer than 3.9.1`.
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
