//! Tests of spellings: the whole table, and what names say about the platform.

use super::*;

fn spelled(style: &str, platform: &str) -> Option<String> {
    ArchStyle::parse(style).unwrap().spell(&Platform::parse(platform).unwrap())
}

/// The table, written a second time; `-` means that there is no spelling.
const REFERENCE: &str = "
    style          386  amd64  arm/v5   arm/v6  arm/v7  arm64   ppc64le mips64le windows/amd64
    go             386  amd64  arm      arm     arm     arm64   ppc64le mips64le amd64
    go-variant     386  amd64  armv5    armv6   armv7   arm64   ppc64le mips64le amd64
    uname          i686 x86_64 armv5tel armv6l  armv7l  aarch64 ppc64le mips64   x86_64
    debian         i386 amd64  armel    -       armhf   arm64   ppc64el mips64el -
    rpm            i686 x86_64 armv5tel armv6hl armv7hl aarch64 ppc64le -        -
    docker-library i386 amd64  arm32v5  arm32v6 arm32v7 arm64v8 ppc64le mips64le winamd64";

#[test]
fn spells_as_the_table_of_the_reference() {
    let mut lines = REFERENCE.trim().lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let mut styles = Vec::new();
    for line in lines {
        styles.push(line[0]);
        for (platform, word) in head[1..].iter().zip(&line[1..]) {
            let platform =
                if platform.starts_with("windows/") { (*platform).into() } else { format!("linux/{platform}") };
            let expected = (*word != "-").then(|| (*word).to_owned());
            assert_eq!(spelled(line[0], &platform), expected, "{} {platform}", line[0]);
        }
    }
    assert_eq!(styles, ArchStyle::names());
}

#[test]
fn riscv64_and_s390x_are_the_same_in_all() {
    for style in ArchStyle::names() {
        assert_eq!(spelled(style, "linux/riscv64").as_deref(), Some("riscv64"));
        assert_eq!(spelled(style, "linux/s390x").as_deref(), Some("s390x"));
    }
}

#[test]
fn other_styles_than_gos_have_no_word_for_what_is_not_in_the_table() {
    for platform in
        ["linux/arm", "linux/arm/v8", "linux/loong64", "linux/amd64/v3", "linux/arm64/v9", "windows/amd64/v3"]
    {
        for style in ["uname", "debian", "rpm", "docker-library"] {
            assert_eq!(spelled(style, platform), None, "{style} {platform}");
        }
    }
    assert_eq!(spelled("docker-library", "windows/arm64"), None);
}

#[test]
fn gos_words_are_the_platforms_own() {
    for (platform, go, variant) in [
        ("linux/arm", "arm", "arm"),
        ("linux/loong64", "loong64", "loong64"),
        ("linux/amd64/v3", "amd64", "amd64v3"),
        ("linux/arm64/v8", "arm64", "arm64"),
        ("linux/riscv64/rva20u64", "riscv64", "riscv64rva20u64"),
    ] {
        assert_eq!(spelled("go", platform).as_deref(), Some(go), "{platform}");
        assert_eq!(spelled("go-variant", platform).as_deref(), Some(variant), "{platform}");
    }
}

#[test]
fn the_default_is_go_and_a_stranger_is_none() {
    assert_eq!(ArchStyle::parse("go"), Some(ArchStyle::default()));
    assert_eq!(ArchStyle::parse("Go"), None);
    assert_eq!(ArchStyle::parse(""), None);
}

#[test]
fn words_that_mean_several_machines_claim_nothing() {
    for arch in
        ["", "arm", "armhf", "armel", "armv7a", "armv7", "armv6l", "win", "x86", "64", "mips64", "mips", "v8", "xamd64"]
    {
        assert_eq!(platform_hints(arch), [], "{arch}");
    }
    assert_eq!(platform_hints("x86--64"), []);
}

#[test]
fn words_that_mean_one_machine_claim_it() {
    use PlatformHint::{Architecture, Os};
    for (arch, word, hint) in [
        ("amd64", "amd64", Architecture("amd64")),
        ("x86_64", "x86_64", Architecture("amd64")),
        ("foo-x86-64", "x86-64", Architecture("amd64")),
        ("X86_64", "X86_64", Architecture("amd64")),
        ("x86_64_v3", "x86_64", Architecture("amd64")),
        ("amd64v3", "amd64v3", Architecture("amd64")),
        ("arm64", "arm64", Architecture("arm64")),
        ("aarch64", "aarch64", Architecture("arm64")),
        ("arm64v8", "arm64v8", Architecture("arm64")),
        ("arm32v7", "arm32v7", Architecture("arm")),
        ("i386", "i386", Architecture("386")),
        ("i686", "i686", Architecture("386")),
        ("ppc64le", "ppc64le", Architecture("ppc64le")),
        ("ppc64el", "ppc64el", Architecture("ppc64le")),
        ("s390x", "s390x", Architecture("s390x")),
        ("riscv64", "riscv64", Architecture("riscv64")),
        ("mips64le", "mips64le", Architecture("mips64le")),
        ("loong64", "loong64", Architecture("loong64")),
        ("windows", "windows", Os("windows")),
    ] {
        assert_eq!(platform_hints(arch), [(word.to_owned(), hint)], "{arch}");
    }
    let words = platform_hints("windows-amd64-1809");
    assert_eq!(words, [("windows".to_owned(), Os("windows")), ("amd64".to_owned(), Architecture("amd64"))]);
    assert_eq!(platform_hints("winamd64").len(), 2);
}

#[test]
fn a_claim_judges_no_variant() {
    let platform = |text| Platform::parse(text).unwrap();
    assert!(!PlatformHint::Architecture("arm64").contradicts(&platform("linux/arm64/v9")));
    assert!(PlatformHint::Architecture("arm64").contradicts(&platform("linux/amd64")));
    assert!(PlatformHint::Os("windows").contradicts(&platform("linux/amd64")));
}

#[test]
fn no_style_contradicts_itself() {
    for ((arch, variant), _) in TABLE {
        let variant = variant.map_or(String::new(), |variant| format!("/{variant}"));
        for os in ["linux", "windows"] {
            let platform = Platform::parse(&format!("{os}/{arch}{variant}")).unwrap();
            for (style, _) in ArchStyle::ALL {
                let hints = style.spell(&platform).map(|word| platform_hints(&word)).unwrap_or_default();
                assert!(hints.iter().all(|(_, hint)| !hint.contradicts(&platform)), "{style:?} {platform}");
            }
        }
    }
}
