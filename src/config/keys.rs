//! [`KEYS`]: every key of the format, where it stands and what it holds. What is refused and how, the JSON Schema and
//! the helps all come from this one table.

/// Where keys stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The file itself.
    Top,
    /// `[defaults]`
    Defaults,
    /// `[convention.NAME]`
    Convention,
    /// `[list.ENTRY]`
    List,
    /// A table of `target`.
    Target,
    /// A row of `platforms`.
    Row,
    /// An `os-version` that is a table.
    OsVersion,
    /// A table in `tags`.
    Tag,
    /// An axis that is a table.
    Axis,
    /// A variable that is a table.
    Variable,
    /// `[registry."HOST"]`
    Registry,
}

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `[vars]`, `vars`
    Variables,
    /// Globs over paths.
    Paths,
    /// A table of names and axes.
    Axes,
    /// `[defaults]`
    Defaults,
    /// `[convention.NAME]`
    Conventions,
    /// `[list.ENTRY]`
    Lists,
    /// A repository, a target table, or an array of both.
    Targets,
    /// The members.
    Platforms,
    /// `os/arch[/variant]`
    Platform,
    /// A word of `arch-style`.
    ArchStyle,
    /// A word of `git`.
    Git,
    /// A template.
    Template,
    /// Templates of tags for each member.
    MemberTags,
    /// A table of names and templates.
    Annotations,
    /// A version of Windows, a glob, or where it comes from.
    OsVersion,
    /// A word of `missing`.
    Missing,
    /// A word of `undeclared`.
    Undeclared,
    /// A word of `mismatch`.
    Mismatch,
    /// A word of `format`.
    Format,
    /// A word of `attestations`.
    Attestations,
    /// `30s`, `5m`, `1h30m`
    Duration,
    /// Globs.
    Globs,
    /// A media type.
    MediaType,
    /// Strings that are no templates.
    Texts,
    /// Tags, at least one.
    Tags,
    /// Conditions of a tag.
    TagConditions,
    /// Conditions of a row.
    RowConditions,
    /// A glob, or several.
    GlobOrGlobs,
    /// The name of a convention.
    Convention,
    /// A string that is no template.
    Text,
    /// `[registry."HOST"]`
    Registries,
    /// `true` or `false`
    Boolean,
    /// The path of a file; no template.
    Path,
    /// The name of an environment variable.
    EnvName,
    /// An integer above 0.
    Count,
    /// `N/s`, `N/min`, `N/h`
    Rate,
    /// A key that is not built: its value is not looked at.
    NotYet,
}

/// A key of the format.
#[derive(Debug)]
pub(super) struct KeyInfo {
    pub(super) name: &'static str,
    pub(super) places: &'static [Place],
    pub(super) shape: Shape,
    /// One sentence for people: an editor shows it.
    pub(super) about: &'static str,
    /// What holds without the key, as TOML; empty where there is none.
    pub(super) default: &'static str,
    /// A value, as TOML.
    pub(super) example: &'static str,
}

use Place::{Axis, Convention, Defaults, List, OsVersion, Registry, Row, Tag, Target, Top, Variable};

const LEVELS: &[Place] = &[Defaults, Convention, List];
/// Where a key stands that a target may have for itself.
const AIMED: &[Place] = &[Defaults, Convention, List, Target];
/// Where a key stands that a member may have for itself, too.
const NEAREST: &[Place] = &[Defaults, Convention, List, Target, Row];

const fn key(name: &'static str, places: &'static [Place], shape: Shape, about: &'static str) -> KeyInfo {
    KeyInfo { name, places, shape, about, default: "", example: "" }
}

const fn not_yet(name: &'static str, places: &'static [Place], default: &'static str) -> KeyInfo {
    KeyInfo { default, ..key(name, places, Shape::NotYet, "") }
}

impl KeyInfo {
    const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }
}

/// All keys, in the order in which the reference has them.
pub(super) const KEYS: &[KeyInfo] = &[
    key("vars", &[Top], Shape::Variables, "Variables for every list: templates use them as {NAME}.")
        .example("{ registry = \"ghcr.io/acme\", version = { env = \"VERSION\", default = \"dev\" } }"),
    key("defaults", &[Top], Shape::Defaults, "What holds for every list that does not say it itself.")
        .example("{ target = \"{registry}/{name}\", tags = [\"{version}\"] }"),
    key("convention", &[Top], Shape::Conventions, "Named bundles of keys, for the lists that ask for one.")
        .example("{ tag-suffix = { source = \"{registry}/{name}:{version}-{arch}\" } }"),
    key("list", &[Top], Shape::Lists, "The lists. {name} is the key.").example("{ hyperkube = {} }"),
    key("registry", &[Top], Shape::Registries, "How registries are reached, by host. Nothing in it is a template.")
        .example("{ \"registry.corp:5000\" = { ca = \"corp-root.pem\" } }"),
    key(
        "include",
        &[Top],
        Shape::Paths,
        "Files with lists of their own, by globs: they see [vars], [defaults] and conventions of this one.",
    )
    .example("[\"services/**/manifests.toml\", \"!services/old/**\"]"),
    key("convention", &[Defaults, List], Shape::Convention, "The convention that holds where the list is silent.")
        .example("\"tag-suffix\""),
    key("vars", &[Convention, List], Shape::Variables, "Variables of these lists, nearer than [vars].")
        .example("{ version = \"3.10\" }"),
    key("matrix", LEVELS, Shape::Axes, "One list per combination of these values; the first axis turns slowest.")
        .example("{ name = [\"kube-apiserver\", \"kube-proxy\"] }"),
    key(
        "platforms",
        AIMED,
        Shape::Platforms,
        "The members: platforms, rows, or a table from the spelling of {arch} to either.",
    )
    .example("[\"linux/amd64\", \"linux/arm64\"]"),
    key("arch-style", AIMED, Shape::ArchStyle, "How {arch} is spelled for platforms that do not say it.")
        .default("\"go\"")
        .example("\"debian\""),
    key("source", NEAREST, Shape::Template, "Where a member is: a reference with a tag or digest, or oci:DIR:TAG.")
        .example("\"{registry}/{name}-{arch}:{version}\""),
    key("target", LEVELS, Shape::Targets, "Where the list is published: a repository, or oci:DIR; or several of them.")
        .example("\"{registry}/{name}\""),
    key("repository", &[Target], Shape::Template, "Where the list is published: a repository, or oci:DIR.")
        .example("\"{registry}/{name}\""),
    key("tags", AIMED, Shape::Tags, "By which tags the list is published, and when it has each.")
        .example("[\"{version}\", { tag = \"latest\", when = \"newest\" }]"),
    key(
        "member-tags",
        AIMED,
        Shape::MemberTags,
        "By which tags each member is published by itself, in the list's repository; {tag} is each tag of the list.",
    )
    .default("[]")
    .example("[\"{tag}-{arch}\"]"),
    key("missing", NEAREST, Shape::Missing, "What becomes of a member that is absent.")
        .default("\"error\"")
        .example("\"skip\""),
    key("wait", AIMED, Shape::Duration, "How long an absent member is asked for again.")
        .default("\"0s\"")
        .example("\"5m\""),
    key("undeclared", AIMED, Shape::Undeclared, "What becomes of published members that are not declared.")
        .default("\"remove\"")
        .example("\"keep\""),
    key(
        "mismatch",
        AIMED,
        Shape::Mismatch,
        "What becomes of a member whose config or name says another platform than the file.",
    )
    .default("\"error\"")
    .example("\"warn\""),
    key("format", AIMED, Shape::Format, "The type of the list.").default("\"auto\"").example("\"oci\""),
    key("attestations", AIMED, Shape::Attestations, "What becomes of the attestations of members that are indexes.")
        .default("\"keep\"")
        .example("\"drop\""),
    not_yet("referrers", AIMED, "\"none\""),
    key("immutable", AIMED, Shape::Globs, "Tags that are never moved once they exist.")
        .default("[]")
        .example("[\"v*\", \"!v*-rc*\"]"),
    key(
        "annotations",
        NEAREST,
        Shape::Annotations,
        "Annotations of the list, or of a row's entry in it. A name with dots stands in quotes.",
    )
    .example("{ \"org.opencontainers.image.version\" = \"{version}\" }"),
    key("artifact-type", AIMED, Shape::MediaType, "The artifactType of the list: a media type.")
        .example("\"application/vnd.acme.bundle.v1\""),
    key("platform", &[Row], Shape::Platform, "The machine this member is for: os/arch or os/arch/variant.")
        .example("\"linux/arm/v7\""),
    key("arch", &[Row], Shape::Text, "What {arch} stands for in this member's names.").example("\"armhf\""),
    key(
        "os-version",
        &[Row],
        Shape::OsVersion,
        "Which Windows it is for: a version, a glob that the image's own must fit, or the image that says it.",
    )
    .example("\"10.0.17763.*\""),
    key("os-features", &[Row], Shape::Texts, "What Windows must offer.").default("[]").example("[\"win32k\"]"),
    key(
        "when",
        &[Row],
        Shape::RowConditions,
        "When there is such a member: \"stable\", or globs over variables; of several conditions all must hold.",
    )
    .example("{ version = [\"1.*\", \"!1.0.*\"] }"),
    key("tag", &[Tag], Shape::Template, "The tag.").example("\"{version.major}\""),
    key(
        "when",
        &[Tag],
        Shape::TagConditions,
        "When the list has it: \"stable\", \"newest\", or globs over variables; of several conditions all must hold.",
    )
    .example("[\"newest\", { variant = \"alpine*\" }]"),
    key("lines", &[Axis], Shape::Template, "The lines of this file; not the blank ones and those that begin with #.")
        .example("\"images.txt\""),
    key(
        "tags-of",
        &[Axis],
        Shape::Template,
        "What stands in the tags of this repository, or of oci:DIR, newest first.",
    )
    .example("\"registry.k8s.io/kube-proxy\""),
    key(
        "pattern",
        &[Axis],
        Shape::Template,
        "The form of the tags: what stands in it for the axis is a value. Without it, the tag itself is.",
    )
    .example("\"v{version}-alpine\""),
    key("match", &[Axis], Shape::GlobOrGlobs, "Which of the values are meant.").example("[\"1.*\", \"!*-rc*\"]"),
    key("newest", &[Axis], Shape::Count, "How many of the greatest versions, pre-releases among them.").example("3"),
    key(
        "from",
        &[OsVersion],
        Shape::Template,
        "The image, or the index with one entry of this platform, that says it.",
    )
    .example("\"mcr.microsoft.com/windows/nanoserver:1809\""),
    key("build", &[OsVersion], Shape::Text, "With what the version of that entry begins.").example("\"10.0.17763\""),
    key("env", &[Variable], Shape::Text, "The value of this environment variable.").example("\"VERSION\""),
    key(
        "file",
        &[Variable],
        Shape::Template,
        "The one line of this file, beside manifests.toml: 256 bytes at the most.",
    )
    .example("\"images/{name}/VERSION\""),
    key("git", &[Variable], Shape::Git, "What git says of the folder of manifests.toml.").example("\"describe\""),
    key("default", &[Variable], Shape::Template, "The value where there is no other.").example("\"dev\""),
    key(
        "http",
        &[Registry],
        Shape::Boolean,
        "Whether it is spoken to in plain HTTP. Without the key only registries on this machine are.",
    )
    .example("true"),
    key("insecure", &[Registry], Shape::Boolean, "Whether any certificate is taken, whoever made it.")
        .default("false")
        .example("true"),
    key("ca", &[Registry], Shape::Path, "A file of certificates (PEM) that are trusted beside the system's.")
        .example("\"corp-root.pem\""),
    key(
        "client-cert",
        &[Registry],
        Shape::Path,
        "The file of the certificate (PEM) that is shown to it; client-key belongs to it.",
    )
    .example("\"client.pem\""),
    key("client-key", &[Registry], Shape::Path, "The file of the key (PEM) of client-cert.").example("\"client.key\""),
    key(
        "username-env",
        &[Registry],
        Shape::EnvName,
        "The environment variable with the user's name; password-env belongs to it.",
    )
    .example("\"CORP_USER\""),
    key(
        "password-env",
        &[Registry],
        Shape::EnvName,
        "The environment variable with the password or token, which no variable of this file can have.",
    )
    .example("\"CORP_PASSWORD\""),
    key("concurrency", &[Registry], Shape::Count, "How many requests it is sent at once, at most.").example("8"),
    key("rate", &[Registry], Shape::Rate, "How many requests it is sent in a second, minute or hour, at most.")
        .example("\"100/min\""),
];

/// What a variable may take from git, and what that is, in one sentence for people.
pub(super) const GIT_WORDS: [(&str, &str); 4] = [
    ("describe", "What `git describe --tags --always --dirty` says."),
    ("tag", "The greatest version tag on HEAD."),
    ("commit", "The full id of HEAD."),
    ("branch", "The branch."),
];

impl Place {
    /// As people would write it.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Top => "the top level",
            Self::Defaults => "[defaults]",
            Self::Convention => "[convention.NAME]",
            Self::List => "[list.ENTRY]",
            Self::Target => "a target table",
            Self::Row => "a row of `platforms`",
            Self::OsVersion => "a table of `os-version`",
            Self::Tag => "a table in `tags`",
            Self::Axis => "an axis",
            Self::Variable => "a variable",
            Self::Registry => "[registry.\"HOST\"]",
        }
    }
}

/// The keys of `place`, in the order of the reference.
pub(super) fn keys_of(place: Place) -> impl Iterator<Item = &'static KeyInfo> {
    KEYS.iter().filter(move |info| info.places.contains(&place))
}

/// The keys of `place` that are built.
pub(super) fn built_keys_of(place: Place) -> impl Iterator<Item = &'static KeyInfo> {
    keys_of(place).filter(|info| info.shape != Shape::NotYet)
}

/// Whether a list has a key of this name: then nothing else is called so.
pub(super) fn is_list_key(name: &str) -> bool {
    keys_of(List).any(|info| info.name == name)
}

#[cfg(test)]
mod tests;
