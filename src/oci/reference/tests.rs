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
        ("gcr.io/App:1", 7..8, "lowercase"),
        ("gcr.io/app", 0..10, "no tag or digest"),
        ("gcr.io/app:", 11..11, "the tag of `gcr.io/app:` is empty"),
        ("gcr.io/app:a+b", 12..13, "letters, digits"),
        ("gcr.io:99999/app:1", 7..12, "port"),
        ("gcr.io//app:1", 7..7, "empty path component"),
        ("gcr.io/a..b:1", 7..11, "between"),
        ("gcr.io/app@sha256:00", 11..20, "digest"),
        ("-bad.io/app:1", 0..7, "`-bad.io` is not a valid host name"),
        ("[::z]:1/app:1", 1..4, "IPv6"),
        ("", 0..0, "expected a repository"),
        ("oci::tag", 4..8, "no directory"),
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

/// What is wrong with the text, and the position and text of the part that is wrong.
fn reported(text: &str) -> String {
    let error = Reference::parse(text).unwrap_err();
    assert!(error.part.start <= error.span.start && error.span.end <= error.part.end, "{error:?}");
    error.message
}

#[test]
fn an_invalid_character_is_named_with_its_part() {
    for (text, message) in [
        ("gcr.io/app:v1+k3s1", "invalid character `+` in tag `v1+k3s1`: tags allow letters, digits, `_`, `.` and `-`"),
        ("gcr.io/app:1 ", "invalid character ` ` (space) in tag `1 `: tags allow letters, digits, `_`, `.` and `-`"),
        ("gcr.io/app:1\r", r"invalid character `\r` in tag `1\r`: tags allow letters, digits, `_`, `.` and `-`"),
        (
            "gcr.io/app:1\u{200b}",
            r"invalid character `\u{200b}` in tag `1\u{200b}`: tags allow letters, digits, `_`, `.` and `-`",
        ),
        ("gcr.io/app:-1", "tag `-1` starts with `-`: tags start with a letter, digit or `_`"),
        ("gcr.io/App:1", "invalid character `A` in repository `gcr.io/App`: repositories are lowercase"),
        (
            "gcr.io/a$b:1",
            "invalid character `$` in repository `gcr.io/a$b`: repositories allow lowercase letters, digits, `.`, \
             `_`, `-` and `/`",
        ),
        (
            "gcr,io.x/app:1",
            "invalid character `,` in host `gcr,io.x`: host names allow letters, digits, `.`, `-` and `_`",
        ),
    ] {
        assert_eq!(reported(text), message);
    }
}

#[test]
fn a_reference_without_a_host_means_docker_hub() {
    for (text, message) in [
        ("Acme/app:1", "invalid character `A` in Docker Hub repository `Acme/app`: repositories are lowercase"),
        ("acme/app", "`acme/app` on Docker Hub has no tag or digest"),
        ("app:a+b", "invalid character `+` in tag `a+b`: tags allow letters, digits, `_`, `.` and `-`"),
    ] {
        let error = Reference::parse(text).unwrap_err();
        assert_eq!((error.message.as_str(), error.means_hub), (message, true));
    }
    for text in ["gcr.io/app", "oci:dir", "me@gcr.io/app:1", "docker://app:1", ""] {
        assert!(!Reference::parse(text).unwrap_err().means_hub, "{text}");
    }
    assert!(!Tag::parse("+").unwrap_err().means_hub && !Host::parse("+").unwrap_err().means_hub);
}

#[test]
fn a_digest_without_its_algorithm_is_named_as_that() {
    let hex = &DIGEST["sha256:".len()..];
    let message = reported(&format!("gcr.io/app@{hex}"));
    assert_eq!(
        message,
        format!("`gcr.io/app@{hex}` has an invalid digest after `@`: `sha256:` is missing before the hex digits")
    );
    let error = Reference::parse(&format!("gcr.io/app@\"{DIGEST}\"")).unwrap_err();
    assert_eq!((error.kind.character(), error.span, error.part), (Some('"'), 11..12, 11..84));
}

#[test]
fn an_ipv6_address_belongs_in_brackets() {
    for (text, host, right) in [
        ("::1:5000/acme/app:1", "::1:5000", "[::1]:5000"),
        ("2001:db8::1/app:1", "2001:db8::1", "[2001:db8::1]"),
        ("1:2:3:4:5:6:7:8/app:1", "1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]"),
        ("fe80::ab:cd:443/app:1", "fe80::ab:cd:443", "[fe80::ab:cd]:443"),
    ] {
        assert_eq!(reported(text), format!("IPv6 address without brackets in `{text}`: write `{right}`"));
        assert_eq!(Host::parse(host).unwrap_err().kind, ReferenceErrorKind::BareIpv6(right.to_owned()));
        assert!(Host::parse(right).is_ok());
    }
}

#[test]
fn a_message_for_hidden_values_still_names_the_character() {
    let message = |text: &str, shown: &str| Reference::parse(text).unwrap_err().message_of(shown);
    assert_eq!(
        message("gcr.io/app:1\r", "gcr.io/app:{v}"),
        r"invalid character `\r` in the tag of `gcr.io/app:{v}`: tags allow letters, digits, `_`, `.` and `-`"
    );
    assert_eq!(
        message("Acme/app:1", "{org}/app:1"),
        "invalid character `A` in the Docker Hub repository of `{org}/app:1`: repositories are lowercase"
    );
    assert_eq!(
        message("gcr.io/a..b:1", "gcr.io/{v}:1"),
        "the repository of `gcr.io/{v}:1` is not valid: `.`, `_`, `__` and `-` are allowed only between letters or digits"
    );
    assert_eq!(Tag::parse("").unwrap_err().message_of("{v}"), "tag `{v}` is empty");
    assert_eq!(Tag::parse("").unwrap_err().message, "the tag is empty");
}

#[test]
fn a_password_is_not_shown() {
    for (text, shown, span) in
        [("me:hunter2@gcr.io/app:1", "…@gcr.io/app:1", 0..11), ("me:hunter2@x@gcr.io/app:1", "…@gcr.io/app:1", 0..13)]
    {
        let error = Reference::parse(text).unwrap_err();
        assert_eq!(error.message, format!("`{shown}` contains a user name, which references do not have"));
        assert_eq!(error.message_of("{user}@gcr.io/app:1"), error.message);
        assert_eq!(error.span, span);
    }
    let error = Reference::parse("me:hunter2@gcr.io").unwrap_err();
    assert!(error.message.starts_with("`…@gcr.io` has an invalid digest"), "{error}");
    for text in ["https://me:hunter2@gcr.io/app:1", "OCI:me:hunter2@gcr.io/app:1"] {
        let error = Reference::parse(text).unwrap_err();
        assert!(!error.message.contains("hunter2") && error.message.contains("`…@gcr.io/app:1`"), "{error}");
    }
}

#[test]
fn no_host_is_shown_as_a_layout() {
    for text in ["ocI:2/app:1", "OCI:5000/app:1", "Oci:dir:1"] {
        let error = Reference::parse(text).unwrap_err();
        assert_eq!((error.span, error.kind), (0..4, ReferenceErrorKind::LayoutCase));
        assert_eq!(error.message, format!("`oci:` must be lowercase in `{text}`: expected oci:DIR"));
    }
}
