use super::*;
use crate::naming::{Filter, Partial, Piece, VersionPart};

fn text(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

fn open(part: Option<VersionPart>) -> Piece {
    Piece::Open { name: (), part, filters: Vec::new() }
}

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

fn tags(all: &[&str]) -> BTreeSet<Tag> {
    all.iter().map(|text| tag(text)).collect()
}

fn newest(own: &str, claim: Vec<Piece>, published_as: Vec<Piece>) -> Newest {
    Newest {
        version: version(own),
        claim: Partial::new(claim),
        published_as: Partial::new(published_as),
        rivals: Vec::new(),
    }
}

/// `latest`, for versions published as `{version}`.
fn latest(own: &str) -> Newest {
    newest(own, vec![text("latest")], vec![open(None)])
}

/// `{version.major}.{version.minor}`, for versions published as `{version}`.
fn minor(own: &str) -> Newest {
    let claim = vec![open(Some(VersionPart::Major)), text("."), open(Some(VersionPart::Minor))];
    newest(own, claim, vec![open(None)])
}

/// Returns the version that keeps `claimed`, as written in the tags.
fn rival(newest: &Newest, claimed: &str, all: &[&str]) -> Option<String> {
    published(newest, &tag(claimed), &tags(all)).map(|rival| rival.version.as_str().to_owned())
}

#[test]
fn a_backport_has_its_own_minor_and_not_latest() {
    let all = ["1.2.8", "1.2.9", "1.3.0", "latest", "1.2", "1.3"];
    assert_eq!(rival(&latest("1.2.9"), "latest", &all).as_deref(), Some("1.3.0"));
    assert_eq!(rival(&minor("1.2.9"), "1.2", &all), None);
    assert_eq!(rival(&minor("1.2.8"), "1.2", &all).as_deref(), Some("1.2.9"));
    assert_eq!(rival(&latest("1.3.0"), "latest", &all), None);
}

#[test]
fn the_greatest_is_named() {
    assert_eq!(rival(&latest("3.9.1"), "latest", &["3.9.2", "3.10", "3.9.10", "3.2"]).as_deref(), Some("3.10"));
    let found = published(&latest("3.9.1"), &tag("latest"), &tags(&["3.10", "3.10.0", "3"])).unwrap();
    assert_eq!((found.version, found.tag), (version("3.10.0"), tag("3.10.0")));
    assert_eq!(why_it_stays(&latest("3.9.1"), &version("3.10")), "3.10 is newer than 3.9.1");
}

#[test]
fn only_what_is_stable_is_newer() {
    assert_eq!(rival(&latest("1.2.0"), "latest", &["1.3.0-rc.1", "2024.8.0b1", "1.3.0-alpine3.24", "main"]), None);
}

#[test]
fn what_is_equal_or_lower_is_no_rival() {
    assert_eq!(rival(&latest("1.2.0"), "latest", &["1.2.0", "1.2", "v1.2.0", "1.1.9", "1.2.0_dev"]), None);
}

#[test]
fn latest_alpine_looks_at_its_own() {
    let alpine = newest("1.2.9", vec![text("latest-alpine")], vec![open(None), text("-alpine")]);
    assert_eq!(rival(&alpine, "latest-alpine", &["1.3.0", "1.2.9-alpine"]), None);
    assert_eq!(rival(&alpine, "latest-alpine", &["1.3.0", "1.3.0-alpine"]).as_deref(), Some("1.3.0"));
}

#[test]
fn a_revision_is_newer_than_the_one_before_it() {
    assert_eq!(rival(&latest("3.5.12-0"), "latest", &["3.5.12-1"]).as_deref(), Some("3.5.12-1"));
    assert_eq!(rival(&latest("3.5.12-1"), "latest", &["3.5.12-0"]), None);
}

#[test]
fn the_tag_of_an_architecture_is_no_version_of_the_list() {
    assert_eq!(rival(&latest("1.22.0"), "latest", &["1.22.0-386", "1.23.0-386", "1.22.0-amd64"]), None);
}

#[test]
fn a_date_beside_versions_is_none_of_them() {
    assert_eq!(rival(&latest("1.2.3"), "latest", &["20240729", "1809", "386"]), None);
    assert_eq!(rival(&latest("20240729"), "latest", &["20240801", "30000000.1"]).as_deref(), Some("20240801"));
}

#[test]
fn v_counts_for_nothing() {
    assert_eq!(rival(&latest("1.2.3"), "latest", &["v1.3.0"]).as_deref(), Some("v1.3.0"));
    let without_v = newest("v1.2.3", vec![text("latest")], vec![text("v"), open(None)]);
    assert_eq!(rival(&without_v, "latest", &["1.3.0"]), None, "it is not published so");
    assert_eq!(rival(&without_v, "latest", &["v1.3.0"]).as_deref(), Some("1.3.0"));
}

#[test]
fn a_build_is_found_by_the_tag_that_it_is_published_by() {
    let as_tag = Piece::Open { name: (), part: None, filters: vec![Filter::Tag] };
    let built = newest("v3.1.0+dev", vec![text("latest")], vec![as_tag]);
    let found = published(&built, &tag("latest"), &tags(&["v3.1.0_dev", "v3.2.0_dev"])).unwrap();
    assert_eq!((found.version.as_str(), found.tag), ("v3.2.0_dev", tag("v3.2.0_dev")));
}

#[test]
fn rivals_of_the_file_are_judged_alike() {
    let mut own = minor("1.2.8");
    own.rivals = ["1.3.0", "1.2.9", "1.2.10", "1.2.11-rc.1", "1.2.7"].map(version).to_vec();
    assert_eq!(declared(&own, &tag("1.2")), Some(&version("1.2.10")));
    own.rivals = ["1.3.0", "1.2.7"].map(version).to_vec();
    assert_eq!(declared(&own, &tag("1.2")), None);
}
