use super::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn canonical_forms() {
    for (text, canonical) in [
        ("debian:12", "docker.io/library/debian:12"),
        ("acme/app:1", "docker.io/acme/app:1"),
        ("index.docker.io/debian:12", "docker.io/library/debian:12"),
        ("localhost/app:1", "localhost/app:1"),
        ("localhost:5000/app:1", "localhost:5000/app:1"),
        ("[::1]:5000/a/b:v1.2_x", "[::1]:5000/a/b:v1.2_x"),
        ("[0:0::1]:05000/a:1", "[::1]:5000/a:1"),
        ("r.io:0443/a:1", "r.io:443/a:1"),
        ("GHCR.io/org/app:v1", "ghcr.io/org/app:v1"),
        ("gcr.io/a/b__c-d.e:1", "gcr.io/a/b__c-d.e:1"),
        ("oci:out/./x/../y:v1", "oci:out/y:v1"),
        ("oci:../up:v1", "oci:../up:v1"),
    ] {
        assert_eq!(Reference::parse(text).unwrap().to_string(), canonical);
    }
}

#[test]
fn a_digest_decides() {
    let reference = Reference::parse(&format!("quay.io/a/b:tag@{DIGEST}")).unwrap();
    assert_eq!(reference.to_string(), format!("quay.io/a/b@{DIGEST}"));
    assert!(matches!(Reference::parse(&format!("oci:dir@{DIGEST}")).unwrap().locator, Locator::Digest(_)));
}

#[test]
fn points_at_the_fault() {
    let table = [
        ("gcr.io/App:1", 7..8, "upper-case"),
        ("gcr.io/app", 0..10, "no tag or digest"),
        ("gcr.io/app:", 11..11, "empty"),
        ("gcr.io/app:a+b", 12..13, "letters, digits"),
        ("gcr.io:99999/app:1", 7..12, "port"),
        ("gcr.io//app:1", 7..7, "empty part"),
        ("gcr.io/a..b:1", 7..11, "between"),
        ("gcr.io/app@sha256:00", 11..20, "digest"),
        ("-bad.io/app:1", 0..7, "host name"),
        ("[::z]:1/app:1", 1..4, "IPv6"),
        ("", 0..0, "no repository"),
        ("oci::tag", 4..8, "no folder"),
        ("https://gcr.io/app:1", 0..8, "scheme"),
        ("docker://app:1", 0..9, "scheme"),
    ];
    for (text, span, why) in table {
        let error = Reference::parse(text).unwrap_err();
        assert_eq!(error.span, span, "{text}: {error}");
        assert!(error.message.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_place_has_no_tag() {
    assert_eq!(Place::parse("gcr.io/app:1").unwrap_err().span, 10..12);
    assert_eq!(
        Place::parse("oci:out/app").unwrap().under(Path::new("examples/x")).to_string(),
        "oci:examples/x/out/app"
    );
}

#[test]
fn loopback_is_this_machine_only() {
    for (text, is) in [
        ("localhost:5000", true),
        ("127.0.0.2", true),
        ("[::1]:80", true),
        ("a.localhost", true),
        ("10.0.0.1", false),
        ("localhost.evil.example", false),
    ] {
        assert_eq!(Host::parse(text).unwrap().is_loopback(), is, "{text}");
    }
}

#[test]
fn a_password_is_not_shown() {
    let error = Reference::parse("me:hunter2@gcr.io/app:1").unwrap_err();
    assert_eq!((error.message.as_str(), error.span), ("`…@gcr.io/app:1` names a user, which no reference does", 0..11));
}

#[test]
fn no_host_is_shown_as_a_layout() {
    for text in ["ocI:2/app:1", "OCI:5000/app:1", "Oci:dir:1"] {
        let error = Reference::parse(text).unwrap_err();
        assert_eq!(error.span, 0..4);
        assert!(error.message.ends_with("has `oci:` in other letters: a layout is written oci:DIR"), "{error:?}");
    }
}
