//! [`MemberForms`]: which tags of a repository are those of single members.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, LazyLock};

use crate::config::model::{Member, Publication};
use crate::naming::{ArchStyle, Version};
use crate::oci::{Platform, Tag};

/// The tags of single members of the lists of one repository, of this version and of others.
pub(super) struct MemberForms<'a> {
    /// All tags of the repository.
    tags: &'a BTreeSet<Tag>,
    /// The tags of the lists themselves.
    of_lists: HashSet<&'a Tag>,
    /// The tags of members of the declared version.
    of_members: HashSet<&'a str>,
    /// The texts before and after the version in a tag of a member.
    affixes: BTreeSet<(String, String)>,
}

impl<'a> MemberForms<'a> {
    /// Derives the forms from `lists`, which are all published to the repository that has `tags`.
    pub(super) fn of(lists: &'a [Arc<Publication>], tags: &'a BTreeSet<Tag>) -> Self {
        let names = || tags.iter().map(Tag::as_str);
        let of_lists = lists.iter().flat_map(|list| &list.tags).map(|tag| &tag.tag).collect();
        let (mut of_members, mut affixes) = (HashSet::new(), BTreeSet::new());
        for list in lists {
            for template in &list.member_tags {
                of_members.extend(template.platforms(names()).into_keys());
            }
            for (tag, member) in list.members.iter().flat_map(|member| own_tags(list, member)) {
                of_members.insert(tag.as_str());
                add_affixes(&mut affixes, tag, list.own_tag().tag.as_str(), member);
            }
        }
        Self { tags, of_lists, of_members, affixes }
    }

    /// Whether `tag` is the tag of a single member.
    pub(super) fn fit(&self, tag: &Tag) -> bool {
        if self.of_lists.contains(tag) {
            return false;
        }
        // What is left must be a version, or a tag of a list that is published too: `v1.2.0`, `edge`.
        let is_of_list =
            |text: &str| Version::parse(text).is_some() || Tag::parse(text).is_ok_and(|list| self.tags.contains(&list));
        let version = |(before, after): &'_ (String, String)| {
            tag.as_str().strip_prefix(before.as_str())?.strip_suffix(after.as_str()).map(str::to_owned)
        };
        self.of_members.contains(tag.as_str())
            || self.affixes.iter().filter_map(version).any(|version| is_of_list(&version))
    }
}

/// The tags that a member has in the repository of its list: its own tags, and its source.
fn own_tags<'a>(list: &Publication, member: &'a Member) -> impl Iterator<Item = (&'a Tag, &'a Member)> {
    let source = member.source.tag().filter(|_| member.source.place == list.target);
    member.tags.iter().map(|own| &own.tag).chain(source).map(move |tag| (tag, member))
}

/// Adds what is before and after the version in the tag of a member, for each architecture.
fn add_affixes(affixes: &mut BTreeSet<(String, String)>, tag: &Tag, list_tag: &str, member: &Member) {
    let versions = [Some(list_tag), list_tag.strip_prefix('v')];
    let found = versions.into_iter().flatten().find_map(|version| tag.as_str().split_once(version));
    let Some((before, after)) = found.filter(|(before, after)| !before.is_empty() || !after.is_empty()) else { return };
    // Versions of the same list have the same affixes.
    if !affixes.insert((before.to_owned(), after.to_owned())) {
        return;
    }
    for arch in member.arch.iter().filter(|arch| !arch.is_empty()) {
        for word in &*ARCHITECTURES {
            let other = (replaced(before, arch, word), replaced(after, arch, word));
            affixes.insert(other);
        }
    }
}

/// Replaces the last `word` in `text` that stands alone.
fn replaced(text: &str, word: &str, by: &str) -> String {
    let is_apart = |at: usize| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
    };
    match text.rmatch_indices(word).find(|(at, _)| is_apart(*at)) {
        Some((at, _)) => format!("{}{by}{}", &text[..at], &text[at + word.len()..]),
        None => text.to_owned(),
    }
}

/// The words for all known architectures, in each arch style.
static ARCHITECTURES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let linux = Platform::known().filter(|platform| platform.os == "linux");
    linux.flat_map(|platform| ArchStyle::words(&platform)).collect()
});
