//! Tests of templates for tags of members: each style, filters, and tags that could be for several platforms.

use super::*;
use crate::naming::{PlaceholderValue, Template};

/// A template in which `{w}` is `{os}-{arch}`, and `{tag}` is `1`.
fn template(text: &str) -> MemberTemplate {
    fn partial(text: &str) -> Partial<MemberName> {
        let lookup = |word: &crate::naming::Placeholder| {
            Ok::<_, ()>(match (MemberName::parse(&word.name), word.name.as_str()) {
                (Some(name), _) => PlaceholderValue::Open(name),
                (None, "w") => PlaceholderValue::Partial(partial("{os}-{arch}")),
                (None, _) => PlaceholderValue::Known("1".to_owned()),
            })
        };
        Partial::of(&Template::parse(text).unwrap(), lookup).unwrap()
    }
    MemberTemplate::new(partial(text))
}

/// The platform that `tag` is for, as text.
fn found(text: &str, tag: &str) -> Option<String> {
    template(text).platforms([tag]).remove(tag).map(|platform| platform.to_string())
}

#[test]
fn a_word_of_any_style_is_found_in_each_form_of_template() {
    for (tag, platform) in [
        ("amd64", "linux/amd64"),
        ("x86_64", "linux/amd64"),
        ("arm64", "linux/arm64"),
        ("aarch64", "linux/arm64"),
        ("arm64v8", "linux/arm64"),
        ("arm", "linux/arm"),
        ("armv7", "linux/arm/v7"),
        ("armv7l", "linux/arm/v7"),
        ("armv7hl", "linux/arm/v7"),
        ("armhf", "linux/arm/v7"),
        ("arm32v7", "linux/arm/v7"),
        ("armv6", "linux/arm/v6"),
        ("armel", "linux/arm/v5"),
        ("ppc64le", "linux/ppc64le"),
        ("ppc64el", "linux/ppc64le"),
        ("i386", "linux/386"),
        ("s390x", "linux/s390x"),
        ("mips64", "linux/mips64"),
        ("mips64el", "linux/mips64le"),
        ("amd64v3", "linux/amd64/v3"),
        ("arm64v9", "linux/arm64/v9"),
    ] {
        assert_eq!(found("{tag}-{arch}", &format!("1-{tag}")).as_deref(), Some(platform), "{tag}");
        assert_eq!(found("{os}_{arch}-{tag}", &format!("linux_{tag}-1")).as_deref(), Some(platform), "{tag}");
        assert_eq!(found("{w|replace:-:.}", &format!("linux.{tag}")).as_deref(), Some(platform), "{tag}");
    }
}

#[test]
fn filters_are_applied_to_what_is_looked_for() {
    assert_eq!(found("{arch|replace:_:-}", "x86-64").as_deref(), Some("linux/amd64"));
    assert_eq!(found("{tag}-{platform|replace:/:-}", "1-linux-arm-v7").as_deref(), Some("linux/arm/v7"));
    assert_eq!(found("{platform|replace:/:}", "windowsarm64").as_deref(), Some("windows/arm64"));
    assert_eq!(found("{platform|tag}.{os}", "linux-riscv64-rva20u64.linux").as_deref(), Some("linux/riscv64/rva20u64"));
    assert_eq!(found("{platform|tag}.{arch}", "linux-arm-v7.arm32v7").as_deref(), Some("linux/arm/v7"));
    assert_eq!(found("{platform|tag}.{arch}", "linux-arm-v7.arm"), None);
    // Written as in the tag.
    assert_eq!(found("{platform|tag}", "linux-arm64-v8").as_deref(), Some("linux/arm64/v8"));
}

#[test]
fn other_tags_are_no_members() {
    for tag in ["1", "1-", "1-alpine", "1-amd64-debug", "2-amd64", "1-linux-amd64", "1-AMD64", "1-intel", "1-x64"] {
        assert_eq!(found("{tag}-{arch}", tag), None, "{tag}");
    }
    for tag in ["1-alpine-3.19", "1-linux_s390x", "1-rc-1", "1-linux", "1-linux-arm-v7-slim"] {
        assert_eq!(found("{tag}-{platform|replace:/:-}", tag), None, "{tag}");
    }
}

#[test]
fn without_a_name_of_the_os_a_tag_is_for_linux() {
    assert_eq!(found("{tag}-{arch}", "1-winamd64"), None);
    assert_eq!(found("{os}-{arch}", "windows-winamd64").as_deref(), Some("windows/amd64"));
    assert_eq!(found("{os}-{arch}", "freebsd-amd64").as_deref(), Some("freebsd/amd64"));
    assert_eq!(found("{tag}-{os}", "1-linux"), None, "the architecture is not known");
    assert_eq!(found("{tag}", "1"), None);
}

#[test]
fn a_tag_that_could_be_for_several_platforms_is_for_none() {
    // All variants are made equal.
    assert_eq!(found("{arch|replace:v5:v7}", "armv7"), None);
    assert_eq!(found("{platform|replace:386:amd64}", "linux/amd64"), None);
    assert_eq!(found("{platform|replace:386:amd64}", "linux/arm64").as_deref(), Some("linux/arm64"));
}

#[test]
fn each_known_platform_is_found_by_each_of_its_words() {
    let (by_platform, by_arch) = (template("{platform|replace:/:-}"), template("{os}-{arch}"));
    let tags: Vec<String> = KNOWN.iter().map(|known| known.text.replace('/', "-")).collect();
    let found = by_platform.platforms(tags.iter().map(String::as_str));
    for (known, tag) in KNOWN.iter().zip(&tags) {
        assert_eq!(found.get(tag.as_str()), Some(&known.platform), "{tag}");
    }
    let tags: Vec<String> = KNOWN.iter().map(|known| format!("{}-{}", known.platform.os, known.arch)).collect();
    let found = by_arch.platforms(tags.iter().map(String::as_str));
    for (known, tag) in KNOWN.iter().zip(&tags) {
        assert_eq!(found.get(tag.as_str()).map(Platform::normalized), Some(known.platform.normalized()), "{tag}");
    }
}

#[test]
fn every_known_platform_has_a_word() {
    for platform in Platform::known() {
        assert!(KNOWN.iter().any(|known| known.platform == platform), "{platform}");
    }
}
