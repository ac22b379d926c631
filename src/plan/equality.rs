//! When two lists are equal: by content, not by bytes. An equal list is not written again, because immutable registries
//! reject that and signatures would be lost.

use std::collections::{BTreeMap, HashSet};

use crate::naming::Pattern;
use crate::oci::{Digest, Entry, Index, MediaType, Platform};

use super::{AnnotationChanges, ContentChange};

/// A list as it should be.
#[derive(Debug, Clone, Copy)]
pub struct WantedList<'a> {
    /// Its entries, in their order.
    pub entries: &'a [Wanted<'a>],
    /// The types it may have.
    pub kind: ListType,
    /// The annotations of the list itself.
    pub annotations: &'a BTreeMap<String, String>,
    /// The artifact type of the list itself.
    pub artifact_type: Option<&'a str>,
}

/// An entry as it should be in a list.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The entry. Its platform is not used.
    pub entry: &'a Entry,
    /// The platform as declared. Parts that are not declared match any value. `None` if the entry has no platform.
    pub declared: Option<&'a Platform>,
    /// The pattern for its Windows version, if a pattern is declared instead of a version.
    pub versions: Option<&'a Pattern>,
}

/// The types that a list may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListType {
    /// An OCI image index.
    Oci,
    /// A Docker manifest list.
    Docker,
    /// Either of the two: nothing in the list requires OCI.
    Either,
}

impl ListType {
    fn may_be(self, media_type: &MediaType) -> bool {
        match media_type {
            MediaType::OciIndex => self != Self::Docker,
            MediaType::DockerList => self != Self::Oci,
            _ => false,
        }
    }
}

/// Whether a published platform matches the declared one: every declared part is equal, and other parts match any
/// value. Spelling does not count ([`Platform::normalized`]).
#[must_use]
pub fn fits(declared: &Platform, published: &Platform) -> bool {
    let (want, have) = (declared.normalized(), published.normalized());
    want.os == have.os
        && want.architecture == have.architecture
        && (declared.variant.is_none() || want.variant == have.variant)
        && (declared.os_version.is_none() || want.os_version == have.os_version)
        && (declared.os_features.is_empty() || want.os_features == have.os_features)
}

/// Whether the Windows version of a platform matches `versions`. True if there is no pattern.
#[must_use]
pub fn has_version(versions: Option<&Pattern>, platform: &Platform) -> bool {
    let version = platform.os_version.as_deref();
    versions.is_none_or(|pattern| version.is_some_and(|version| pattern.matches(version)))
}

/// Whether `published` has exactly the `wanted` entries, in the order that matters, and no others.
///
/// Among entries with the same os and architecture, a client uses the first that it can run, so their order is content.
/// The order of other entries does not count, nor does that of attestations, which clients do not run. Bytes, the order
/// of keys, `data`, and whether arm64 is written with `v8` do not count either. A list with two entries for one
/// platform is never equal: parts that match any value would make it equal to a list with other members.
#[must_use]
pub fn same_content(wanted: &WantedList<'_>, published: &Index) -> bool {
    wanted.kind.may_be(&published.media_type)
        && *wanted.annotations == published.annotations
        && wanted.artifact_type == published.artifact_type.as_deref()
        && published.subject.is_none()
        && same_entries(wanted.entries, &published.entries)
        && !has_twins(&published.entries)
}

/// Whether `entries` are the `wanted` ones, in the order that matters.
fn same_entries(wanted: &[Wanted<'_>], entries: &[Entry]) -> bool {
    let mut wanted: Vec<_> = wanted.iter().map(|wanted| (bin(wanted.declared, wanted.entry), wanted)).collect();
    let mut found: Vec<_> = entries.iter().map(|entry| (bin(entry.platform.as_ref(), entry), entry)).collect();
    // Both sorts are stable: within one os and architecture the order is kept.
    wanted.sort_by(|a, b| a.0.cmp(&b.0));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    wanted.len() == found.len() && wanted.iter().zip(&found).all(|((_, wanted), (_, entry))| is_entry(wanted, entry))
}

/// The sort key of entries. Entries with equal keys have the same os and architecture and are not attestations; among
/// them the order counts.
type Bin<'a> = (Option<(String, String)>, Option<(&'a Digest, &'a BTreeMap<String, String>)>);

fn bin<'a>(platform: Option<&Platform>, entry: &'a Entry) -> Bin<'a> {
    let machine = platform.map(Platform::normalized).map(|platform| (platform.os, platform.architecture));
    let is_free = platform.is_none_or(Platform::is_unknown);
    (machine, is_free.then_some((&entry.descriptor.digest, &entry.annotations)))
}

fn has_twins(entries: &[Entry]) -> bool {
    let mut seen = HashSet::new();
    let platforms = entries.iter().filter_map(|entry| entry.platform.as_ref());
    platforms.filter(|platform| !platform.is_unknown()).any(|platform| !seen.insert(platform.normalized()))
}

fn is_entry(Wanted { entry: wanted, declared, versions }: &Wanted<'_>, entry: &Entry) -> bool {
    entry.descriptor == wanted.descriptor
        && entry.annotations == wanted.annotations
        && entry.artifact_type == wanted.artifact_type
        && entry.urls == wanted.urls
        && match (declared, &entry.platform) {
            (Some(declared), Some(platform)) => fits(declared, platform) && has_version(*versions, platform),
            (declared, platform) => declared.is_none() && platform.is_none(),
        }
}

/// Returns what differs between two lists with the same members, for people to read.
#[must_use]
pub fn differences(new: &Index, published: &Index) -> Vec<ContentChange> {
    let mut found = Vec::new();
    if new.media_type != published.media_type {
        found.push(ContentChange::MediaType { from: published.media_type.clone(), to: new.media_type.clone() });
    }
    if new.artifact_type != published.artifact_type {
        found.push(ContentChange::ArtifactType);
    }
    if new.subject != published.subject {
        found.push(ContentChange::Subject);
    }
    found.extend(annotations(None, &new.annotations, &published.annotations));
    let of_entries = differences_of_entries(&new.entries, &published.entries);
    if of_entries.is_empty() && ordered(&new.entries) != ordered(&published.entries) {
        found.push(ContentChange::Order);
    }
    found.extend(of_entries);
    found
}

fn differences_of_entries(new: &[Entry], published: &[Entry]) -> Vec<ContentChange> {
    let platform = |entry: &Entry| entry.platform.clone().unwrap_or_else(Platform::unknown);
    let (mut found, mut free) = (Vec::new(), published.iter().collect::<Vec<_>>());
    let (attestations, members): (Vec<&Entry>, Vec<&Entry>) = new.iter().partition(|entry| entry.attested().is_some());
    for entry in members {
        let is_it = |other: &&Entry| other.descriptor.digest == entry.descriptor.digest;
        let is_same = |other: &&Entry| is_it(other) && platform(other).normalized() == platform(entry).normalized();
        let Some(at) = free.iter().position(is_same).or_else(|| free.iter().position(is_it)) else { continue };
        let before = free.remove(at);
        let fields = [
            ("platform", platform(entry).normalized() != platform(before).normalized()),
            ("size", entry.descriptor.size != before.descriptor.size),
            ("media type", entry.descriptor.media_type != before.descriptor.media_type),
            ("artifact type", entry.artifact_type != before.artifact_type),
            ("urls", entry.urls != before.urls),
        ];
        let fields: Vec<_> = fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        if !fields.is_empty() {
            found.push(ContentChange::Fields(platform(entry), fields));
        }
        found.extend(annotations(Some(platform(entry)), &entry.annotations, &before.annotations));
    }
    let before: Vec<&Entry> = free.into_iter().filter(|entry| entry.attested().is_some()).collect();
    if attestations.len() != before.len() || !attestations.iter().all(|entry| before.contains(entry)) {
        found.push(ContentChange::Attestations);
    }
    found
}

/// Returns the digests of `entries` in an order in which only the order that matters is kept.
fn ordered(entries: &[Entry]) -> Vec<&Digest> {
    let mut entries: Vec<_> = entries.iter().map(|entry| (bin(entry.platform.as_ref(), entry), entry)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries.into_iter().map(|(_, entry)| &entry.descriptor.digest).collect()
}

fn annotations(
    of: Option<Platform>,
    new: &BTreeMap<String, String>,
    published: &BTreeMap<String, String>,
) -> Option<ContentChange> {
    let names = |is_it: &dyn Fn(&str) -> bool, all: &BTreeMap<String, String>| {
        all.keys().filter(|name| is_it(name)).cloned().collect::<Vec<_>>()
    };
    let changes = AnnotationChanges {
        added: names(&|name| !published.contains_key(name), new),
        changed: names(&|name| published.get(name).is_some_and(|value| *value != new[name]), new),
        removed: names(&|name| !new.contains_key(name), published),
    };
    (changes != AnnotationChanges::default()).then_some(ContentChange::Annotations(of, changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Descriptor, Payload};

    fn platform(text: &str) -> Platform {
        let (text, version) = text.split_once(' ').map_or((text, None), |(text, version)| (text, Some(version)));
        Platform { os_version: version.map(str::to_owned), ..Platform::parse(text).unwrap() }
    }

    fn image(name: &str) -> Descriptor {
        Descriptor { media_type: MediaType::DockerManifest, digest: Digest::of(name.as_bytes()), size: 527 }
    }

    fn index(entries: &[(&str, &str)]) -> Index {
        let entry = |(name, text): &(&str, &str)| Entry::new(image(name), platform(text));
        Index::new(MediaType::OciIndex, entries.iter().map(entry).collect())
    }

    /// Whether `index` is equal to a list of the declared `entries`.
    fn equal_of(kind: ListType, entries: &[Entry], index: &Index) -> bool {
        let entries: Vec<_> =
            entries.iter().map(|entry| Wanted { entry, declared: entry.platform.as_ref(), versions: None }).collect();
        let wanted = WantedList { entries: &entries, kind, annotations: &BTreeMap::new(), artifact_type: None };
        same_content(&wanted, index)
    }

    /// Whether `index` is equal to a list of the declared (image, platform) pairs.
    fn equal(declared: &[(&str, &str)], index: &Index) -> bool {
        let entries: Vec<_> = declared.iter().map(|(name, text)| Entry::new(image(name), platform(text))).collect();
        equal_of(ListType::Either, &entries, index)
    }

    const TWO: [(&str, &str); 2] = [("a", "linux/amd64"), ("b", "linux/arm64")];

    #[test]
    fn a_member_too_many_too_few_or_twice_is_a_change() {
        assert!(equal(&TWO, &index(&TWO)));
        assert!(!equal(&TWO, &index(&TWO[..1])));
        assert!(!equal(&TWO[..1], &index(&TWO)));
        assert!(!equal(&TWO, &index(&[TWO[0], TWO[1], TWO[1]])));
        assert!(!equal(&TWO, &index(&[TWO[0], TWO[0]])));
    }

    #[test]
    fn another_digest_size_or_type_is_a_change() {
        assert!(!equal(&TWO, &index(&[("c", "linux/amd64"), TWO[1]])));
        let mut list = index(&TWO);
        list.entries[1].descriptor.size += 1;
        assert!(!equal(&TWO, &list));
        let mut list = index(&TWO);
        list.entries[1].descriptor.media_type = MediaType::OciManifest;
        assert!(!equal(&TWO, &list));
    }

    #[test]
    fn an_entry_without_platform_is_no_members() {
        let mut list = index(&TWO);
        list.entries[0].platform = None;
        assert!(!equal(&TWO, &list));
        assert!(!equal(&TWO[1..], &list));
        // It stays if all published entries stay.
        assert!(equal_of(ListType::Either, &list.entries, &list));
    }

    #[test]
    fn undeclared_parts_are_free_and_declared_ones_are_not() {
        for (declared, published, equals) in [
            ("linux/arm", "linux/arm/v6", true),
            ("linux/arm/v7", "linux/arm/v6", false),
            ("linux/arm/v7", "linux/arm", false),
            ("linux/amd64", "linux/amd64/v3", true),
            ("linux/amd64/v3", "linux/amd64", false),
            ("windows/amd64", "windows/amd64 10.0.17763.1", true),
            ("windows/amd64 10.0.17763.2", "windows/amd64 10.0.17763.1", false),
            ("linux/amd64", "freebsd/amd64", false),
        ] {
            assert_eq!(equal(&[("a", declared)], &index(&[("a", published)])), equals, "{declared} {published}");
        }
    }

    #[test]
    fn another_spelling_is_no_change() {
        for (declared, published) in
            [("linux/arm64", "linux/arm64/v8"), ("linux/arm64/v8", "linux/arm64"), ("linux/amd64/v1", "linux/amd64")]
        {
            assert!(equal(&[("a", declared)], &index(&[("a", published)])), "{declared} {published}");
        }
        let mut list = index(&TWO);
        list.entries[1].platform.as_mut().unwrap().architecture = "aarch64".into();
        assert!(equal(&TWO, &list));
        // A declared v8 does not match v9, although v8 may be omitted.
        assert!(!equal(&[("a", "linux/arm64/v8")], &index(&[("a", "linux/arm64/v9")])));
    }

    #[test]
    fn order_counts_inside_one_machine_only() {
        assert!(equal(&TWO, &index(&[TWO[1], TWO[0]])));
        let (first, second) = (("a", "linux/amd64/v3"), ("b", "linux/amd64"));
        assert!(equal(&[first, second, TWO[1]], &index(&[first, TWO[1], second])));
        assert!(!equal(&[first, second], &index(&[second, first])));
    }

    #[test]
    fn a_list_with_two_entries_for_one_platform_equals_nothing() {
        let declared = [("a", "linux/arm"), ("a", "linux/arm/v6")];
        assert!(equal(&declared, &index(&[("a", "linux/arm/v7"), ("a", "linux/arm/v6")])));
        assert!(!equal(&declared, &index(&[("a", "linux/arm/v6"), ("a", "linux/arm/v6")])));
    }

    #[test]
    fn what_mlist_would_not_write_is_a_change() {
        let changes: [fn(&mut Index); 6] = [
            |list| drop(list.annotations.insert("a".into(), "b".into())),
            |list| list.artifact_type = Some("text/plain".into()),
            |list| list.subject = Some(Digest::of(b"x")),
            |list| drop(list.entries[0].annotations.insert("a".into(), "b".into())),
            |list| list.entries[0].artifact_type = Some("text/plain".into()),
            |list| list.entries[0].urls.push("https://example.com".into()),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut list = index(&TWO);
            change(&mut list);
            assert!(!equal(&TWO, &list), "{number}");
        }
    }

    #[test]
    fn each_type_is_what_it_may_be() {
        let list = |media_type| Index { media_type, ..index(&TWO) };
        for (kind, oci, docker) in
            [(ListType::Oci, true, false), (ListType::Docker, false, true), (ListType::Either, true, true)]
        {
            let equal = |media_type| equal_of(kind, &index(&TWO).entries, &list(media_type));
            assert_eq!((equal(MediaType::OciIndex), equal(MediaType::DockerList)), (oci, docker), "{kind:?}");
            assert!(!equal(MediaType::Other("text/plain".into())));
        }
    }

    #[test]
    fn what_is_declared_of_the_list_itself_is_content() {
        let (entries, own) = (index(&TWO), BTreeMap::from([("a".to_owned(), "b".to_owned())]));
        let wanted: Vec<_> = entries
            .entries
            .iter()
            .map(|entry| Wanted { entry, declared: entry.platform.as_ref(), versions: None })
            .collect();
        let kind = ListType::Oci;
        let wanted = WantedList { entries: &wanted, kind, annotations: &own, artifact_type: Some("text/plain") };
        let right = Index { annotations: own.clone(), artifact_type: Some("text/plain".into()), ..index(&TWO) };
        assert!(same_content(&wanted, &right));
        assert!(!same_content(&wanted, &Index { annotations: BTreeMap::new(), ..right.clone() }));
        assert!(!same_content(&wanted, &Index { artifact_type: None, ..right }));
    }

    #[test]
    fn annotations_of_an_entry_are_content() {
        let mut annotated = index(&TWO);
        annotated.entries[0].annotations.insert("a".into(), "b".into());
        assert!(equal_of(ListType::Either, &annotated.entries, &annotated));
        assert!(!equal_of(ListType::Either, &annotated.entries, &index(&TWO)));
    }

    #[test]
    fn attestations_are_no_twins_and_have_no_order() {
        let attestation = |name: &str, of: &str| {
            let unknown = Platform { os: "unknown".into(), architecture: "unknown".into(), ..Platform::default() };
            let mut entry = Entry::new(image(name), unknown);
            entry.annotations.insert("vnd.docker.reference.digest".into(), image(of).digest.to_string());
            entry
        };
        let with = |attestations: &[Entry]| {
            let mut list = index(&TWO);
            list.entries.extend_from_slice(attestations);
            list
        };
        let (of_a, of_b) = (attestation("x", "a"), attestation("y", "b"));
        let wanted = with(&[of_a.clone(), of_b.clone()]).entries;
        assert!(equal_of(ListType::Either, &wanted, &with(&[of_b.clone(), of_a.clone()])));
        // A list in which one image has two attestations and the other none is not equal. Nor is one in which an
        // attestation refers to another image.
        assert!(!equal_of(ListType::Either, &wanted, &with(&[of_a.clone(), of_a.clone()])));
        assert!(!equal_of(ListType::Either, &wanted, &with(&[of_b.clone(), attestation("x", "b")])));
        assert!(!equal_of(ListType::Either, &wanted, &with(&[of_a])));
    }

    #[test]
    fn bytes_order_of_keys_and_data_do_not_count() {
        let image = image("a");
        let bytes = format!(
            r#"{{"manifests":[{{"data":"e30=","platform":{{"os":"linux","architecture":"amd64","features":["sse4"]}},
            "size":527,"digest":"{}","mediaType":"{}"}}],"schemaVersion":2}}"#,
            image.digest, image.media_type
        );
        let list = Index::parse(&Payload::new(MediaType::OciIndex, bytes.into())).unwrap();
        assert!(equal(&[("a", "linux/amd64")], &list));
    }
}
