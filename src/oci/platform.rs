//! Platforms: `os/architecture[/variant]` (image-spec image-index.md, with the values of GOOS and GOARCH).

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::invisible::{excerpt, quoted_char};
use super::manifest::null_as_none;

/// The platform of an image. In JSON it is the platform object of an index; an image config uses the same keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// The CPU architecture: `amd64`, `arm`, …
    #[serde(default, deserialize_with = "null_as_none")]
    pub architecture: String,
    /// The operating system: `linux`, `windows`, …
    #[serde(default, deserialize_with = "null_as_none")]
    pub os: String,
    /// The Windows version: `10.0.17763.6532`.
    #[serde(default, rename = "os.version", skip_serializing_if = "is_blank")]
    pub os_version: Option<String>,
    /// The features that the OS must have: `win32k`.
    #[serde(default, rename = "os.features", deserialize_with = "null_as_none", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// The variant of the architecture: `v7` of arm, `v3` of amd64, …
    #[serde(default, skip_serializing_if = "is_blank")]
    pub variant: Option<String>,
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn is_blank(text: &Option<String>) -> bool {
    text.as_deref().is_none_or(str::is_empty)
}

/// The error for a text that is not a valid platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PlatformError {
    /// What is wrong.
    pub message: String,
    /// The invalid part of the text, in bytes.
    pub span: Range<usize>,
    /// The replacement for that part, if one is known.
    pub instead: Option<String>,
}

/// Architecture names of other tools: the name, the OCI architecture, and the variant that the name implies.
const ALIASES: [(&str, &str, Option<&str>); 20] = [
    ("x86_64", "amd64", None),
    ("x86-64", "amd64", None),
    ("x64", "amd64", None),
    ("i386", "386", None),
    ("i486", "386", None),
    ("i586", "386", None),
    ("i686", "386", None),
    ("x86", "386", None),
    ("aarch64", "arm64", None),
    ("arm64v8", "arm64", None),
    ("armel", "arm", Some("v5")),
    ("arm32v5", "arm", Some("v5")),
    ("armv5", "arm", Some("v5")),
    ("arm32v6", "arm", Some("v6")),
    ("armv6", "arm", Some("v6")),
    ("arm32v7", "arm", Some("v7")),
    ("armv7", "arm", Some("v7")),
    ("armhf", "arm", Some("v7")),
    ("ppc64el", "ppc64le", None),
    ("mips64el", "mips64le", None),
];

const SYSTEMS: [&str; 14] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "illumos",
    "ios",
    "js",
    "linux",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "windows",
];

const ARCHITECTURES: [&str; 18] = [
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le", "riscv64",
    "s390x", "s390", "sparc64", "wasm", "ppc", "riscv",
];

/// Variants that the Go toolchain or the image-spec know, of architectures with variants.
const VARIANTS: [(&str, &[&str]); 11] = [
    ("386", &["sse2", "softfloat"]),
    ("amd64", &["v1", "v2", "v3", "v4"]),
    ("arm", &["v5", "v6", "v7", "v8"]),
    (
        "arm64",
        &[
            "v8", "v8.0", "v8.1", "v8.2", "v8.3", "v8.4", "v8.5", "v8.6", "v8.7", "v8.8", "v8.9", "v9", "v9.0", "v9.1",
            "v9.2", "v9.3", "v9.4", "v9.5",
        ],
    ),
    ("mips", &["hardfloat", "softfloat"]),
    ("mipsle", &["hardfloat", "softfloat"]),
    ("mips64", &["hardfloat", "softfloat"]),
    ("mips64le", &["hardfloat", "softfloat"]),
    ("ppc64", &["power8", "power9", "power10"]),
    ("ppc64le", &["power8", "power9", "power10"]),
    ("riscv64", &["rva20u64", "rva22u64", "rva23u64"]),
];

impl Platform {
    /// Parses `os/architecture[/variant]`, written with the values of the image-spec. An unknown OS or architecture is
    /// accepted (see [`Platform::unknown_word`]). Another tool's name for a known one is rejected.
    ///
    /// # Errors
    /// Returns an error if there are too few or too many parts, if a part is empty or contains an invalid character, if
    /// a part is an alias (`x86_64`), or if the variant of arm, arm64 or amd64 is not `v` and a number.
    pub fn parse(text: &str) -> Result<Self, PlatformError> {
        let error =
            |message: String, span: Range<usize>, instead: Option<String>| PlatformError { message, span, instead };
        let parts: Vec<(usize, &str)> = text
            .split('/')
            .scan(0, |start, part| {
                let at = *start;
                *start += part.len() + 1;
                Some((at, part))
            })
            .collect();
        let whole = 0..text.len();
        let [(_, os), (arch_at, arch), rest @ ..] = parts.as_slice() else {
            let is_arch = |text: &str| Self::known().any(|known| known.os == "linux" && known.architecture == text);
            let instead = alias(text)
                .or_else(|| is_arch(text).then_some((text, None)))
                .map(|(arch, variant)| spelled("linux", arch, variant));
            return Err(error(
                format!("`{}` is not a valid platform: expected os/arch or os/arch/variant", excerpt(text)),
                whole,
                instead,
            ));
        };
        if rest.len() > 1 {
            return Err(error(
                format!("`{}` is not a valid platform: expected at most os/arch/variant", excerpt(text)),
                whole,
                None,
            ));
        }
        for (at, part) in &parts {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
            if part.is_empty() {
                return Err(error(format!("`{text}` is not a valid platform: a part is empty"), *at..at + 1, None));
            }
            if let Some(c) = part.chars().find(|c| !fits(*c)) {
                let lower = part.to_ascii_lowercase();
                let instead = lower.chars().all(fits).then_some(lower);
                let message = format!(
                    "invalid character {} in platform `{}`: expected lowercase letters, digits, `.`, `_` or `-`",
                    quoted_char(c),
                    excerpt(text)
                );
                return Err(error(message, *at..at + part.len(), instead));
            }
        }
        if *os == "macos" {
            return Err(error(
                "`macos` is not an OCI operating system name".into(),
                0..os.len(),
                Some("darwin".into()),
            ));
        }
        if let Some((right, implied)) = alias(arch) {
            let instead = match (implied, rest.is_empty()) {
                (Some(variant), true) => format!("{right}/{variant}"),
                _ => right.to_owned(),
            };
            let message = format!("`{arch}` is not an OCI architecture name");
            return Err(error(message, *arch_at..arch_at + arch.len(), Some(instead)));
        }
        let variant = rest.first().map(|(_, variant)| (*variant).to_owned());
        if let (Some((at, variant)), "arm" | "arm64" | "amd64") = (rest.first(), *arch)
            && !is_version_word(variant)
        {
            let digits = variant.trim_start_matches(|c: char| !c.is_ascii_digit());
            let instead = Some(format!("v{digits}")).filter(|right| is_version_word(right));
            return Err(error(
                format!("`{variant}` is not a valid variant of {arch}"),
                *at..at + variant.len(),
                instead,
            ));
        }
        Ok(Self { architecture: (*arch).to_owned(), os: (*os).to_owned(), variant, ..Self::default() })
    }

    /// Returns the OS if the Go toolchain does not know it, otherwise the architecture if the Go toolchain does not
    /// know it. Such a value is most likely misspelled. `None` if both are known.
    #[must_use]
    pub fn unknown_word(&self) -> Option<&str> {
        let os = (!SYSTEMS.contains(&self.os.as_str())).then_some(self.os.as_str());
        os.or_else(|| (!ARCHITECTURES.contains(&self.architecture.as_str())).then_some(self.architecture.as_str()))
    }

    /// All values that [`Platform::unknown_word`] knows: operating systems, then architectures.
    pub fn known_words() -> impl Iterator<Item = &'static str> {
        SYSTEMS.into_iter().chain(ARCHITECTURES)
    }

    /// All known platforms: each known OS with each known architecture, first without a variant, then with each variant
    /// that is known for it.
    pub fn known() -> impl Iterator<Item = Self> {
        let variants =
            VARIANTS.into_iter().flat_map(|(arch, all)| all.iter().map(move |variant| (arch, Some(*variant))));
        let architectures: Vec<_> = ARCHITECTURES.into_iter().map(|arch| (arch, None)).chain(variants).collect();
        SYSTEMS.into_iter().flat_map(move |os| {
            let platform = |(arch, variant): (&str, Option<&str>)| Self {
                architecture: arch.to_owned(),
                os: os.to_owned(),
                variant: variant.map(str::to_owned),
                ..Self::default()
            };
            architectures.iter().copied().map(platform).collect::<Vec<_>>()
        })
    }

    /// Architecture names of other tools, which [`Platform::parse`] rejects.
    pub fn words_of_others() -> impl Iterator<Item = &'static str> {
        ALIASES.into_iter().map(|(word, ..)| word)
    }

    /// Returns the canonical form of this platform, so that equal platforms compare equal. Names of other tools are
    /// replaced, `v8` of arm64 and `v1` of amd64 are removed, and letters are lowercase. Use it to compare platforms,
    /// never to write them.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let lower = |text: &str| text.trim().to_ascii_lowercase();
        let filled = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(lower);
        let os = match lower(&self.os).as_str() {
            "macos" => "darwin".to_owned(),
            os => os.to_owned(),
        };
        let written = lower(&self.architecture);
        let (architecture, implied) =
            alias(&written).map_or((written.clone(), None), |(arch, variant)| (arch.to_owned(), variant));
        let variant = filled(&self.variant)
            .map(|variant| {
                let bare = variant.strip_suffix(".0").unwrap_or(&variant);
                if bare.bytes().all(|c| c.is_ascii_digit()) { format!("v{bare}") } else { bare.to_owned() }
            })
            .or_else(|| implied.map(str::to_owned))
            .filter(|variant| !matches!((architecture.as_str(), variant.as_str()), ("arm64", "v8") | ("amd64", "v1")));
        let mut os_features = self.os_features.clone();
        os_features.sort_unstable();
        Self { architecture, os, os_version: filled(&self.os_version), os_features, variant }
    }

    /// Returns the first part that is not plain text, with its name in JSON. A platform from an image config or an
    /// index can have any text in its parts.
    #[must_use]
    pub fn invalid_part(&self) -> Option<(&'static str, &str)> {
        let version = self.os_version.as_deref().unwrap_or_default();
        let variant = self.variant.as_deref().unwrap_or_default();
        let own =
            [("os", &*self.os), ("architecture", &*self.architecture), ("variant", variant), ("os.version", version)];
        let features = self.os_features.iter().map(|feature| ("os.features", &**feature));
        own.into_iter().chain(features).find(|(_, text)| !text.is_empty() && !is_plain(text))
    }

    /// Returns `unknown/unknown`, which no machine has.
    #[must_use]
    pub fn unknown() -> Self {
        Self { os: "unknown".to_owned(), architecture: "unknown".to_owned(), ..Self::default() }
    }

    /// Whether this is `unknown/unknown`, which marks an attestation in an index.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }

    /// Whether both platforms have the same OS, architecture and variant. OS versions and OS features may differ.
    #[must_use]
    pub fn is_same_machine(&self, other: &Self) -> bool {
        let machine = |platform: &Self| Self { os_version: None, os_features: Vec::new(), ..platform.normalized() };
        machine(self) == machine(other)
    }

    /// Whether both platforms are the same Windows build. Revisions are ignored: `10.0.17763.4` and `10.0.17763.5` are
    /// the same build. A platform without a version can be of any build.
    #[must_use]
    pub fn is_same_build(&self, other: &Self) -> bool {
        self.build().zip(other.build()).is_none_or(|(one, other)| one == other)
    }

    /// The Windows build, which Windows images are named after: `10.0.17763` for `10.0.17763.6189`.
    #[must_use]
    pub fn build(&self) -> Option<&str> {
        let version = self.os_version.as_deref()?;
        let end = version.match_indices('.').nth(2).map_or(version.len(), |(at, _)| at);
        Some(&version[..end])
    }

    /// Whether the OS is Windows. Windows images also differ in their `os.version`.
    #[must_use]
    pub fn is_windows(&self) -> bool {
        self.os == "windows"
    }
}

/// The maximum length of a part of a platform. The longest in use are versions of Windows, with 17 characters.
const LONGEST_PART: usize = 64;

/// Whether `text` can be a part of a platform: 1 to 64 printable ASCII characters without spaces.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    (1..=LONGEST_PART).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic())
}

/// Returns the architecture that another tool's name means, and the variant if the name implies one.
fn alias(word: &str) -> Option<(&'static str, Option<&'static str>)> {
    ALIASES.iter().find(|(alias, ..)| *alias == word).map(|(_, arch, variant)| (*arch, *variant))
}

fn spelled(os: &str, arch: &str, variant: Option<&str>) -> String {
    variant.map_or_else(|| format!("{os}/{arch}"), |variant| format!("{os}/{arch}/{variant}"))
}

fn is_version_word(variant: &str) -> bool {
    let Some(number) = variant.strip_prefix('v') else { return false };
    let mut parts = number.splitn(2, '.');
    parts.all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()))
}

/// Formats as `os/architecture[/variant]`, followed by a space and `os.version` if there is one.
impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if let Some(variant) = self.variant.as_deref().filter(|variant| !variant.is_empty()) {
            write!(f, "/{variant}")?;
        }
        self.os_version
            .as_deref()
            .filter(|version| !version.is_empty())
            .map_or(Ok(()), |version| write!(f, " {version}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_spec_has() {
        for text in [
            "linux/amd64",
            "linux/arm/v7",
            "windows/amd64",
            "linux/riscv64/rva20u64",
            "linux/amd64/v3",
            "linux/arm64/v8.1",
        ] {
            assert_eq!(Platform::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn points_at_the_wrong_part() {
        let table = [
            ("linux/arm/armv7", 10..15, Some("v7")),
            ("linux/x86_64", 6..12, Some("amd64")),
            ("linux/armhf", 6..11, Some("arm/v7")),
            ("linux/Amd64", 6..11, Some("amd64")),
            ("aarch64", 0..7, Some("linux/arm64")),
            ("linux/arm64/", 12..13, None),
            ("linux/amd64/v8x", 12..15, None),
            ("linux/a/b/c", 0..11, None),
            ("macos/arm64", 0..5, Some("darwin")),
        ];
        for (text, span, instead) in table {
            let error = Platform::parse(text).unwrap_err();
            assert_eq!((error.span, error.instead.as_deref()), (span, instead), "{text}");
        }
    }

    #[test]
    fn equal_machines_have_one_spelling() {
        let normal = |text: &str| {
            let (os, rest) = text.split_once('/').unwrap();
            let (arch, variant) = rest.split_once('/').map_or((rest, None), |(arch, v)| (arch, Some(v.to_owned())));
            Platform { os: os.into(), architecture: arch.into(), variant, ..Platform::default() }
                .normalized()
                .to_string()
        };
        for (text, one) in [
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/arm/7", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/arm", "linux/arm"),
            ("linux/amd64/v3", "linux/amd64/v3"),
        ] {
            assert_eq!(normal(text), one, "{text}");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for (alias, ..) in ALIASES {
            let platform = Platform { os: "linux".into(), architecture: alias.into(), ..Platform::default() };
            assert_eq!(platform.normalized(), platform.normalized().normalized());
        }
    }
}
