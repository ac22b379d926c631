//! [`MemberTemplate`]: a template for the tags of members, in which the names of a member are open.
//!
//! It works in both directions: [`MemberTemplate::with`] returns the tag of a member, and [`MemberTemplate::platforms`]
//! returns the platforms that tags are for. Filters cannot be reversed, so the second direction expands the template
//! for each known member: each known platform, spelled in each arch style.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use crate::oci::Platform;

use super::arch_style::ArchStyle;
use super::partial::{Partial, Piece};

/// A name that stands for a part of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberName {
    /// `{os}`
    Os,
    /// `{arch}`
    Arch,
    /// `{platform}`
    Platform,
}

/// The values of the names of one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberWords<'a> {
    /// `{os}`
    pub os: &'a str,
    /// `{arch}`
    pub arch: &'a str,
    /// `{platform}`
    pub platform: &'a str,
}

/// A template in which only names of a member are open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemberTemplate(Partial<MemberName>);

/// A member that another writer can have: a known platform, with a word for its architecture.
struct KnownMember {
    arch: String,
    /// Whether this is the first of the words for the platform.
    is_first: bool,
    /// The platform as it is written.
    text: String,
    platform: Platform,
}

/// The known members that have a tag.
enum KnownMatch {
    /// No known member has this tag.
    None,
    /// All known members with this tag have this platform.
    One(&'static Platform),
    /// Known members with different platforms have this tag.
    Several,
}

impl MemberName {
    /// Parses the name of a placeholder.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "os" => Some(Self::Os),
            "arch" => Some(Self::Arch),
            "platform" => Some(Self::Platform),
            _ => None,
        }
    }
}

impl MemberTemplate {
    /// Creates a template from its pieces.
    #[must_use]
    pub fn new(partial: Partial<MemberName>) -> Self {
        Self(partial)
    }

    /// Whether the tag depends on this name.
    #[must_use]
    pub fn has(&self, name: MemberName) -> bool {
        self.0.has(&|own| *own == name)
    }

    /// Returns the tag of a member. `None` if the template needs a version part that a value does not have, or if the
    /// text is too long.
    #[must_use]
    pub fn with(&self, words: MemberWords<'_>) -> Option<String> {
        self.0.expand(&|name| match name {
            MemberName::Os => words.os,
            MemberName::Arch => words.arch,
            MemberName::Platform => words.platform,
        })
    }

    /// Returns the platform of each tag that belongs to exactly one known platform. The architecture can be spelled in
    /// any arch style. Without `{os}` and `{platform}`, a tag is for Linux.
    ///
    /// ```
    /// # use mlist::naming::{MemberName, MemberTemplate, Partial, Piece};
    /// let arch = Piece::Open { name: MemberName::Arch, part: None, filters: Vec::new() };
    /// let template = MemberTemplate::new(Partial::new(vec![Piece::Text("1.2-".to_owned()), arch]));
    /// let found = template.platforms(["1.2-x86_64", "1.2-armhf", "1.2-alpine", "1.1-arm64"]);
    /// let found: Vec<String> = found.iter().map(|(tag, platform)| format!("{tag} {platform}")).collect();
    /// assert_eq!(found, ["1.2-armhf linux/arm/v7", "1.2-x86_64 linux/amd64"]);
    /// ```
    #[must_use]
    pub fn platforms<'t>(&self, tags: impl IntoIterator<Item = &'t str>) -> BTreeMap<&'t str, Platform> {
        let (has_os, has_arch, has_platform) =
            (self.has(MemberName::Os), self.has(MemberName::Arch), self.has(MemberName::Platform));
        // Most tags of a repository have another form.
        let has_form = |tag: &&str| (has_arch || has_platform) && self.begins(tag) && self.ends(tag);
        let mut matches: HashMap<&str, KnownMatch> =
            tags.into_iter().filter(has_form).map(|tag| (tag, KnownMatch::None)).collect();
        if matches.is_empty() {
            return BTreeMap::new();
        }
        let can_be = |known: &&KnownMember| {
            (has_os || has_platform || known.platform.os == "linux") && (has_arch || known.is_first)
        };
        for known in KNOWN.iter().filter(can_be) {
            let KnownMember { arch, text, platform, .. } = known;
            let words = MemberWords { os: &platform.os, arch, platform: text };
            let Some(found) = self.with(words).and_then(|tag| matches.get_mut(tag.as_str())) else { continue };
            *found = match found {
                KnownMatch::None => KnownMatch::One(platform),
                KnownMatch::One(first) if first.normalized() == platform.normalized() => continue,
                KnownMatch::One(_) | KnownMatch::Several => KnownMatch::Several,
            };
        }
        let one = |(tag, found)| match found {
            KnownMatch::One(platform) => Some((tag, platform.clone())),
            KnownMatch::None | KnownMatch::Several => None,
        };
        matches.into_iter().filter_map(one).collect()
    }

    /// Returns the platform that `arch`, a word of any arch style, means for this OS.
    #[must_use]
    pub fn meaning(os: &str, arch: &str) -> Option<&'static Platform> {
        KNOWN.iter().find(|known| known.platform.os == os && known.arch == arch).map(|known| &known.platform)
    }

    fn begins(&self, tag: &str) -> bool {
        !matches!(self.0.pieces(), [Piece::Text(prefix), ..] if !tag.starts_with(prefix.as_str()))
    }

    fn ends(&self, tag: &str) -> bool {
        !matches!(self.0.pieces(), [.., Piece::Text(suffix)] if !tag.ends_with(suffix.as_str()))
    }
}

static KNOWN: LazyLock<Vec<KnownMember>> = LazyLock::new(|| {
    let platforms: Vec<Platform> = Platform::known().collect();
    // A word means one platform of an OS: the name of an architecture in OCI means that architecture without a variant,
    // any other word the first platform that a style spells so. (`mips64` is the word of uname for mips64le.)
    let mut meanings: HashMap<(&str, String), Platform> = HashMap::new();
    for platform in platforms.iter().filter(|platform| platform.variant.is_none()) {
        meanings.insert((&platform.os, platform.architecture.clone()), platform.normalized());
    }
    for platform in &platforms {
        for word in ArchStyle::words(platform) {
            meanings.entry((&platform.os, word)).or_insert_with(|| platform.normalized());
        }
    }
    let known = platforms.iter().flat_map(|platform| {
        let own = |word: &String| meanings.get(&(platform.os.as_str(), word.clone())) == Some(&platform.normalized());
        let words = ArchStyle::words(platform).into_iter().filter(own);
        words.enumerate().map(|(at, arch)| KnownMember {
            arch,
            is_first: at == 0,
            text: platform.to_string(),
            platform: platform.clone(),
        })
    });
    known.collect()
});

#[cfg(test)]
mod tests;
