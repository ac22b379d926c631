//! Tests of versions: a table of stable versions, pre-releases and other texts, and that the order is a total order.

use proptest::prelude::*;

use super::*;

fn version(text: &str) -> Version {
    Version::parse(text).unwrap_or_else(|| panic!("{text} is no version"))
}

#[test]
fn these_are_no_versions() {
    for text in
        ["bookworm-v1.0.8", "main", "latest", "", "v", "vv1", "V1", ".1", "-1", "+1", "v.1", "10.0.17763.*", "1*"]
    {
        assert_eq!(Version::parse(text), None, "{text}");
    }
}

#[test]
fn these_are_pre_releases() {
    for text in [
        "2024.8.0b1",
        "2024.9.0.dev20240729",
        "7-rc",
        "1.22-nightly",
        "v1.37.0-go1.26.5-bullseye.0",
        "1.27.0-alpine3.24",
        "3.22-ls5",
        "v1.2.3-4-gabcdef0",
        "v3.1.0-dev",
        "v1.37.0-alpha.1_abc",
        "1.2.",
        "1.2-",
        "1..2",
        "1.2.3-1.2",
        "1 2",
    ] {
        assert_eq!(version(text).kind(), Kind::PreRelease, "{text}");
        assert_eq!(version(text).revision(), None, "{text}");
    }
}

#[test]
fn these_are_stable() {
    for (text, revision) in [
        ("v1.2.3", None),
        ("1.2", None),
        ("1.2.3.4", None),
        ("2024.8.0", None),
        ("24.04.1", None),
        ("3.5.12-0", Some("0")),
        ("3.5.12-1", Some("1")),
        ("v3.1.0+dev", None),
        ("v3.1.0_dev", None),
        ("v3.1.0_dev-rc.1", None),
        ("1.2-3+x", Some("3")),
        ("20240729", None),
        ("3", None),
        ("386", None),
        ("1809", None),
        ("1.22.0-386", Some("386")),
    ] {
        assert_eq!(version(text).kind(), Kind::Stable, "{text}");
        assert_eq!(version(text).revision(), revision, "{text}");
    }
}

#[test]
fn each_is_less_than_the_next() {
    let chain = [
        "v0.9",
        "1-0",
        "1.2.0-1",
        "1.2.3-1.2",
        "1.2.3-4-gabcdef0",
        "1.2.3-alpha",
        "1.2.3-alpha.1",
        "1.2.3-alpha.2_zzz",
        "1.2.3-alpha.10",
        "1.2.3-alpha.beta",
        "1.2.3b1",
        "v1.2.3-beta",
        "1.2.3-rc1",
        "1.2.3",
        "1.2.3-0",
        "1.2.3-1",
        "1.2.3-12",
        "1.2.3.1",
        "1.2.4-dev",
        "1.10",
        "24.04",
        "24.10",
        "2024.8.0b1",
        "2024.8.0",
        "20240729",
        "99999999999999999999999999999999",
        "100000000000000000000000000000000",
    ];
    let chain = chain.map(version);
    for (at, lower) in chain.iter().enumerate() {
        for greater in &chain[at + 1..] {
            assert_eq!(lower.compare(greater), Ordering::Less, "{} {}", lower.as_str(), greater.as_str());
            assert_eq!(greater.compare(lower), Ordering::Greater, "{} {}", greater.as_str(), lower.as_str());
        }
    }
}

#[test]
fn what_counts_for_nothing_makes_no_difference() {
    for (a, b) in [
        ("1.2", "v1.2"),
        ("1.2", "1.2.0.0"),
        ("1.2", "1.02"),
        ("1.2", "1.2+build"),
        ("1.2_a", "1.2+b"),
        ("1.2-rc.1", "1.2-rc1"),
        ("1.2-rc.1+a", "1.2-rc.1_b"),
        ("1.2-1", "1.2-01"),
    ] {
        assert_eq!(version(a).compare(&version(b)), Ordering::Equal, "{a} {b}");
    }
}

#[test]
fn parts_are_the_numbers_as_written() {
    use VersionPart::{Major, Minor, Patch};
    for (text, parts) in [
        ("v1.2.3", [Some("1"), Some("2"), Some("3")]),
        ("24.04.1.7", [Some("24"), Some("04"), Some("1")]),
        ("1.2", [Some("1"), Some("2"), None]),
        ("7-rc", [Some("7"), None, None]),
        ("3.5.12-1+x", [Some("3"), Some("5"), Some("12")]),
        ("2024.9.0.dev20240729", [Some("2024"), Some("9"), Some("0")]),
    ] {
        let version = version(text);
        assert_eq!([Major, Minor, Patch].map(|part| version.part(part)), parts, "{text}");
    }
}

#[test]
fn only_versions_written_alike_are_rivals() {
    for (a, b, alike) in [
        ("1.22.0-386", "1.22.0", false),
        ("3", "1.2", false),
        ("20240729", "1809", true),
        ("1.2", "v1.2.3+x", true),
        ("3.5.12-0", "3.5.12-1", true),
        ("3-1", "3.1-1", false),
    ] {
        assert_eq!(version(a).is_alike(&version(b)), alike, "{a} {b}");
        assert_eq!(version(b).is_alike(&version(a)), alike, "{b} {a}");
    }
}

/// Generates versions that often have the same rank.
fn colliding() -> impl Strategy<Value = Version> {
    "v?[0-2]{1,2}([.][01]){0,2}([-.+_]?[a01é]{1,2}){0,3}".prop_map(|text| version(&text))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_order_is_total(a in colliding(), b in colliding(), c in colliding()) {
        prop_assert_eq!(a.compare(&a), Ordering::Equal);
        prop_assert_eq!(a.compare(&b), b.compare(&a).reverse());
        if a.compare(&b).is_le() && b.compare(&c).is_le() {
            prop_assert!(a.compare(&c).is_le());
        }
        if a.compare(&b).is_eq() {
            prop_assert_eq!(a.compare(&c), b.compare(&c));
        }
    }

    #[test]
    fn any_text_is_read_or_not(text in ".{0,12}") {
        let begins = text.strip_prefix('v').unwrap_or(&text).starts_with(|c: char| c.is_ascii_digit());
        prop_assert_eq!(Version::parse(&text).is_some(), begins && !text.contains('*'));
    }
}
