//! When two lists are equal: by content, not by bytes. An equal list is never written again, since immutable
//! registries refuse that and signatures would be lost.

use std::collections::HashSet;

use crate::oci::{Descriptor, Entry, Index, MediaType, Platform};

/// A member as it is to stand in a list.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// As declared: parts that are not are free.
    pub declared: &'a Platform,
    /// Its manifest.
    pub descriptor: &'a Descriptor,
}

/// Whether a published platform is what is declared: every declared part is equal, others are free. Spelling does
/// not count ([`Platform::normalized`]).
#[must_use]
pub fn fits(declared: &Platform, published: &Platform) -> bool {
    let (want, have) = (declared.normalized(), published.normalized());
    want.os == have.os
        && want.architecture == have.architecture
        && (declared.variant.is_none() || want.variant == have.variant)
        && (declared.os_version.is_none() || want.os_version == have.os_version)
        && (declared.os_features.is_empty() || want.os_features == have.os_features)
}

/// Whether `published` has exactly the `wanted` members, in the order that matters, and nothing beside them.
///
/// Among entries of one os and architecture the first that a client can use wins, so their order is content; that of
/// others is free. Bytes, the order of keys, `data`, and an arm64 called `v8` do not count. An OCI index is always of
/// the right type, a Docker list is where all members are Docker's. A list with two entries for one platform equals
/// nothing: what is free would make them equal to members that are not.
#[must_use]
pub fn same_content(wanted: &[Wanted<'_>], published: &Index) -> bool {
    let type_fits = match published.media_type {
        MediaType::OciIndex => true,
        MediaType::DockerList => wanted.iter().all(|member| member.descriptor.media_type == MediaType::DockerManifest),
        _ => false,
    };
    let is_plain = published.annotations.is_empty() && published.artifact_type.is_none() && published.subject.is_none();
    type_fits && is_plain && same_members(wanted, &published.entries) && !has_twins(&published.entries)
}

/// Whether `entries` are the `wanted` members, in the order that matters.
fn same_members(wanted: &[Wanted<'_>], entries: &[Entry]) -> bool {
    let machine = |platform: &Platform| {
        let platform = platform.normalized();
        (platform.os, platform.architecture)
    };
    let mut wanted: Vec<_> = wanted.iter().map(|member| (machine(member.declared), member)).collect();
    let mut found: Vec<_> =
        entries.iter().filter_map(|entry| Some((machine(entry.platform.as_ref()?), entry))).collect();
    // Both sorts are stable: inside one os and architecture the order stays.
    wanted.sort_by(|a, b| a.0.cmp(&b.0));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.len() == entries.len()
        && wanted.len() == found.len()
        && wanted.iter().zip(&found).all(|((_, member), (_, entry))| is_entry(member, entry))
}

fn has_twins(entries: &[Entry]) -> bool {
    let mut seen = HashSet::new();
    entries.iter().filter_map(|entry| entry.platform.as_ref()).any(|platform| !seen.insert(platform.normalized()))
}

fn is_entry(wanted: &Wanted<'_>, entry: &Entry) -> bool {
    let is_plain = entry.annotations.is_empty() && entry.artifact_type.is_none() && entry.urls.is_empty();
    is_plain
        && entry.descriptor == *wanted.descriptor
        && entry.platform.as_ref().is_some_and(|platform| fits(wanted.declared, platform))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Digest, Payload};

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

    /// Whether the declared (image, platform) pairs are published as `index`.
    fn equal(declared: &[(&str, &str)], index: &Index) -> bool {
        let members: Vec<_> = declared.iter().map(|(name, text)| (image(name), platform(text))).collect();
        let wanted: Vec<_> = members.iter().map(|(descriptor, declared)| Wanted { declared, descriptor }).collect();
        same_content(&wanted, index)
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
    fn an_entry_without_platform_is_nobodys() {
        let mut list = index(&TWO);
        list.entries[0].platform = None;
        assert!(!equal(&TWO, &list));
        assert!(!equal(&TWO[1..], &list));
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
        // A declared v8 is no v9, though v8 is the one that need not be spelled.
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
    fn a_docker_list_is_fine_while_all_members_are_dockers() {
        let docker = Index { media_type: MediaType::DockerList, ..index(&TWO) };
        assert!(equal(&TWO, &docker));
        let mut mixed = docker;
        mixed.entries[0].descriptor.media_type = MediaType::OciManifest;
        let members = [(mixed.entries[0].descriptor.clone(), platform(TWO[0].1)), (image("b"), platform(TWO[1].1))];
        let wanted: Vec<_> = members.iter().map(|(descriptor, declared)| Wanted { declared, descriptor }).collect();
        assert!(!same_content(&wanted, &mixed));
        assert!(same_content(&wanted, &Index { media_type: MediaType::OciIndex, ..mixed.clone() }));
        assert!(!same_content(&wanted, &Index { media_type: MediaType::Other("text/plain".into()), ..mixed }));
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
