//! [`ArchStyle`]: how a platform is spelled in names, and [`platform_hints`]: what a name says about the platform.

use crate::oci::Platform;

/// The convention that defines the spelling of `{arch}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ArchStyle {
    /// `go`: the names of Go, without variants.
    #[default]
    Go,
    /// `go-variant`: the names of Go, with the variant.
    GoVariant,
    /// `uname`: the output of `uname -m`.
    Uname,
    /// `debian`: the names of Debian's ports.
    Debian,
    /// `rpm`: the names of Fedora.
    Rpm,
    /// `docker-library`: the prefixes of Docker's official images.
    DockerLibrary,
}

/// One row of [`TABLE`]: architecture and variant, then the spellings of uname, debian, rpm and docker-library.
type StyleRow = ((&'static str, Option<&'static str>), [Option<&'static str>; 4]);

/// The spellings of all other styles. Go's styles need no table, because platforms are written with the names of Go.
const TABLE: [StyleRow; 10] = [
    (("386", None), [Some("i686"), Some("i386"), Some("i686"), Some("i386")]),
    (("amd64", None), [Some("x86_64"), Some("amd64"), Some("x86_64"), Some("amd64")]),
    (("arm", Some("v5")), [Some("armv5tel"), Some("armel"), Some("armv5tel"), Some("arm32v5")]),
    (("arm", Some("v6")), [Some("armv6l"), None, Some("armv6hl"), Some("arm32v6")]),
    (("arm", Some("v7")), [Some("armv7l"), Some("armhf"), Some("armv7hl"), Some("arm32v7")]),
    (("arm64", None), [Some("aarch64"), Some("arm64"), Some("aarch64"), Some("arm64v8")]),
    (("ppc64le", None), [Some("ppc64le"), Some("ppc64el"), Some("ppc64le"), Some("ppc64le")]),
    (("mips64le", None), [Some("mips64"), Some("mips64el"), None, Some("mips64le")]),
    (("riscv64", None), [Some("riscv64"); 4]),
    (("s390x", None), [Some("s390x"); 4]),
];

impl ArchStyle {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Go, "go"),
        (Self::GoVariant, "go-variant"),
        (Self::Uname, "uname"),
        (Self::Debian, "debian"),
        (Self::Rpm, "rpm"),
        (Self::DockerLibrary, "docker-library"),
    ];

    /// Parses the name of a style.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| *name == word).map(|(style, _)| style)
    }

    /// The names of all styles.
    #[must_use]
    pub fn names() -> &'static [&'static str] {
        const NAMES: [&str; 6] = {
            let mut names = [""; 6];
            let mut at = 0;
            while at < names.len() {
                names[at] = ArchStyle::ALL[at].1;
                at += 1;
            }
            names
        };
        &NAMES
    }

    /// The words for this platform in all styles, without duplicates. The word of [`ArchStyle::Go`] comes first.
    #[must_use]
    pub fn words(platform: &Platform) -> Vec<String> {
        let mut words = Vec::new();
        for word in Self::ALL.into_iter().filter_map(|(style, _)| style.spell(platform)) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }

    /// Returns `{arch}` for this platform. `None` if the style has no spelling for it (`[no-spelling]`).
    ///
    /// Equal platforms have the same spelling: `arm64/v8` is spelled like `arm64`.
    ///
    /// ```
    /// # use mlist::{naming::ArchStyle, oci::Platform};
    /// let platform = Platform::parse("linux/arm/v7").unwrap();
    /// assert_eq!(ArchStyle::Go.spell(&platform).as_deref(), Some("arm"));
    /// assert_eq!(ArchStyle::Debian.spell(&platform).as_deref(), Some("armhf"));
    /// ```
    #[must_use]
    pub fn spell(self, platform: &Platform) -> Option<String> {
        let platform = platform.normalized();
        let (arch, variant) = (platform.architecture.as_str(), platform.variant.as_deref());
        let column = match self {
            Self::Go => return Some(arch.to_owned()),
            Self::GoVariant => return Some(format!("{arch}{}", variant.unwrap_or_default())),
            Self::Uname => 0,
            Self::Debian => 1,
            Self::Rpm => 2,
            Self::DockerLibrary => 3,
        };
        if platform.is_windows() {
            // Debian and Fedora have no Windows builds. Docker's official images have only this one.
            match self {
                Self::Debian | Self::Rpm => return None,
                Self::DockerLibrary => return (arch == "amd64" && variant.is_none()).then(|| "winamd64".to_owned()),
                _ => {}
            }
        }
        let (_, words) = TABLE.iter().find(|(machine, _)| *machine == (arch, variant))?;
        words[column].map(str::to_owned)
    }
}

/// What a word in a name says about the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlatformHint {
    /// The image is for this OS.
    Os(&'static str),
    /// The image is for this architecture, with any variant.
    Architecture(&'static str),
}

impl PlatformHint {
    /// Whether `platform` has a different OS or architecture.
    #[must_use]
    pub fn contradicts(self, platform: &Platform) -> bool {
        let platform = platform.normalized();
        match self {
            Self::Os(os) => platform.os != os,
            Self::Architecture(arch) => platform.architecture != arch,
        }
    }
}

/// Words that mean exactly one architecture. `armhf`, `armv7a`, `mips64` and `x86` are used for several architectures,
/// so they are not listed.
const ARCHITECTURES: [(&str, &str); 24] = [
    ("386", "386"),
    ("i386", "386"),
    ("i486", "386"),
    ("i586", "386"),
    ("i686", "386"),
    ("amd64", "amd64"),
    ("x64", "amd64"),
    ("winamd64", "amd64"),
    ("arm32", "arm"),
    ("arm64", "arm64"),
    ("aarch64", "arm64"),
    ("loong64", "loong64"),
    ("loongarch64", "loong64"),
    ("mipsle", "mipsle"),
    ("mipsel", "mipsle"),
    ("mips64le", "mips64le"),
    ("mips64el", "mips64le"),
    ("ppc64", "ppc64"),
    ("ppc64le", "ppc64le"),
    ("ppc64el", "ppc64le"),
    ("powerpc64le", "ppc64le"),
    ("riscv64", "riscv64"),
    ("s390x", "s390x"),
    ("sparc64", "sparc64"),
];

/// Words that mean exactly one OS. `win` is not listed, because it is part of too many other words.
const SYSTEMS: [(&str, &str); 8] = [
    ("darwin", "darwin"),
    ("freebsd", "freebsd"),
    ("linux", "linux"),
    ("macos", "darwin"),
    ("netbsd", "netbsd"),
    ("openbsd", "openbsd"),
    ("windows", "windows"),
    ("winamd64", "windows"),
];

/// Returns the words in `arch` that mean exactly one architecture or OS, each with its meaning. `arch` is the spelling
/// of an architecture in a name. A variant after the word (`arm64v8`) is ignored.
///
/// ```
/// # use mlist::naming::{PlatformHint, platform_hints};
/// assert_eq!(platform_hints("x86_64"), [("x86_64".to_owned(), PlatformHint::Architecture("amd64"))]);
/// assert_eq!(platform_hints("armhf"), []);
/// ```
#[must_use]
pub fn platform_hints(arch: &str) -> Vec<(String, PlatformHint)> {
    let words = words(arch);
    let mut hints = Vec::new();
    let mut at = 0;
    while let Some(&(start, word)) = words.get(at) {
        at += 1;
        // `x86_64` is the only word that contains a character that otherwise separates words.
        if word.eq_ignore_ascii_case("x86")
            && let Some(&(next, bits)) = words.get(at)
            && without_variant(bits) == "64"
            && next == start + word.len() + 1
        {
            at += 1;
            hints.push((arch[start..next + bits.len()].to_owned(), PlatformHint::Architecture("amd64")));
            continue;
        }
        let lower = word.to_ascii_lowercase();
        let meant = |table: &[(&str, &'static str)]| {
            let find = |word: &str| table.iter().find(|(known, _)| *known == word).map(|(_, meant)| *meant);
            find(&lower).or_else(|| find(without_variant(&lower)))
        };
        let os = meant(&SYSTEMS).map(PlatformHint::Os);
        let architecture = meant(&ARCHITECTURES).map(PlatformHint::Architecture);
        hints.extend(os.into_iter().chain(architecture).map(|hint| (word.to_owned(), hint)));
    }
    hints
}

/// Returns the runs of letters and digits, each with its byte offset.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let mut words = Vec::new();
    for piece in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        if !word.is_empty() {
            words.push((at, word));
        }
        at += piece.len();
    }
    words
}

/// Returns the word without its variant: `arm64` for `arm64v8`.
fn without_variant(word: &str) -> &str {
    let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
    bare.strip_suffix('v').filter(|stem| bare.len() < word.len() && !stem.is_empty()).unwrap_or(word)
}

#[cfg(test)]
mod tests;
