//! [`KEYS`]: all keys of the format, with the tables that they are allowed in and the values that they have. Errors
//! about keys, the JSON Schema and the help texts are all made from this table.
//!
//! | file | holds |
//! |---|---|
//! | `table_kind` | the kinds of tables that have keys |
//! | `shape` | the kinds of values |
//! | `sets` | the keys of each kind of table, as a closed set |

mod sets;
mod shape;
mod table_kind;

pub(super) use sets::{AxisKey, KeySet, LevelKey, OsVersionKey, RegistryKey, RowKey, TagKey, TopKey, VariableKey};
pub(super) use shape::Shape;
pub(super) use table_kind::TableKind;

/// The tables that a key is allowed in, and the key's variant for the code that reads these tables.
#[derive(Debug, Clone, Copy)]
pub(super) enum KeyAt {
    Top(TopKey),
    /// A key in the tables of these levels.
    Level(LevelKey, &'static [TableKind]),
    Row(RowKey),
    OsVersion(OsVersionKey),
    Tag(TagKey),
    Axis(AxisKey),
    Variable(VariableKey),
    Registry(RegistryKey),
    /// A key that is not implemented, so no code reads it.
    NotYet(&'static [TableKind]),
}

/// A key of the format.
#[derive(Debug)]
pub(super) struct KeyInfo {
    pub(super) name: &'static str,
    keys: &'static [KeyAt],
    pub(super) shape: Shape,
    /// A description in one sentence, which editors show.
    pub(super) about: &'static str,
    /// The default, as TOML. Empty if there is none.
    pub(super) default: &'static str,
    /// An example of a value, as TOML.
    pub(super) example: &'static str,
}

use KeyAt::{Axis, Level, NotYet, OsVersion, Registry, Row, Tag, Top, Variable};

const LEVELS: &[TableKind] = &[TableKind::Defaults, TableKind::Convention, TableKind::List];
/// The tables of keys that are also allowed in a target table.
const AIMED: &[TableKind] = &[TableKind::Defaults, TableKind::Convention, TableKind::List, TableKind::Target];

const fn key(name: &'static str, keys: &'static [KeyAt], shape: Shape, about: &'static str) -> KeyInfo {
    KeyInfo { name, keys, shape, about, default: "", example: "" }
}

const fn not_yet(name: &'static str, keys: &'static [KeyAt], default: &'static str) -> KeyInfo {
    KeyInfo { default, ..key(name, keys, Shape::NotYet, "") }
}

impl KeyAt {
    const fn table_kinds(self) -> &'static [TableKind] {
        match self {
            Top(_) => &[TableKind::Top],
            Level(_, table_kinds) | NotYet(table_kinds) => table_kinds,
            Row(_) => &[TableKind::Row],
            OsVersion(_) => &[TableKind::OsVersion],
            Tag(_) => &[TableKind::Tag],
            Axis(_) => &[TableKind::Axis],
            Variable(_) => &[TableKind::Variable],
            Registry(_) => &[TableKind::Registry],
        }
    }
}

impl KeyInfo {
    /// The tables that the key is allowed in.
    pub(super) fn table_kinds(&self) -> impl Iterator<Item = TableKind> {
        self.keys.iter().flat_map(|key| key.table_kinds()).copied()
    }

    /// The key's variant for `table_kind`. `None` if the key is not allowed there.
    fn at(&self, table_kind: TableKind) -> Option<KeyAt> {
        self.keys.iter().find(|key| key.table_kinds().contains(&table_kind)).copied()
    }

    const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }
}

/// All keys, in the order of the reference.
pub(super) const KEYS: &[KeyInfo] = &[
    key("vars", &[Top(TopKey::Vars)], Shape::Variables, "Variables for all lists. Templates use them as {NAME}.")
        .example("{ registry = \"ghcr.io/acme\", version = { env = \"VERSION\", default = \"dev\" } }"),
    key("defaults", &[Top(TopKey::Defaults)], Shape::Defaults, "Keys for every list that does not set them itself.")
        .example("{ target = \"{registry}/{name}\", tags = [\"{version}\"] }"),
    key(
        "convention",
        &[Top(TopKey::Convention)],
        Shape::Conventions,
        "Named sets of keys. A list uses one with `convention = \"NAME\"`.",
    )
    .example("{ tag-suffix = { source = \"{registry}/{name}:{version}-{arch}\" } }"),
    key("list", &[Top(TopKey::List)], Shape::Lists, "The manifest lists. In templates, {name} is the key of the list.")
        .example("{ hyperkube = {} }"),
    key(
        "registry",
        &[Top(TopKey::Registry)],
        Shape::Registries,
        "Settings for connections to registries, by host. The values are not templates.",
    )
    .example("{ \"registry.corp:5000\" = { ca = \"corp-root.pem\" } }"),
    key(
        "include",
        &[Top(TopKey::Include)],
        Shape::Paths,
        "Other files with lists, as globs. They use [vars], [defaults] and conventions of this file.",
    )
    .example("[\"services/**/manifests.toml\", \"!services/old/**\"]"),
    key(
        "convention",
        &[Level(LevelKey::Convention, &[TableKind::Defaults, TableKind::List])],
        Shape::Convention,
        "The convention whose keys are used if the list does not set them itself.",
    )
    .example("\"tag-suffix\""),
    key(
        "vars",
        &[Level(LevelKey::Vars, &[TableKind::Convention, TableKind::List])],
        Shape::Variables,
        "Variables of these lists. They override [vars].",
    )
    .example("{ version = \"3.10\" }"),
    key(
        "matrix",
        &[Level(LevelKey::Matrix, LEVELS)],
        Shape::Axes,
        "Creates one list for each combination of these values. The first axis changes slowest.",
    )
    .example("{ name = [\"kube-apiserver\", \"kube-proxy\"] }"),
    key(
        "platforms",
        &[Level(LevelKey::Platforms, AIMED)],
        Shape::Platforms,
        "The members: platforms, rows, or a table whose keys are the words for {arch}.",
    )
    .example("[\"linux/amd64\", \"linux/arm64\"]"),
    key(
        "arch-style",
        &[Level(LevelKey::ArchStyle, AIMED)],
        Shape::ArchStyle,
        "The naming style of {arch}, for platforms that do not set `arch`.",
    )
    .default("\"go\"")
    .example("\"debian\""),
    key(
        "source",
        &[Level(LevelKey::Source, AIMED), Row(RowKey::Source)],
        Shape::Template,
        "The image of a member: a reference with a tag or digest, or oci:DIR:TAG.",
    )
    .example("\"{registry}/{name}-{arch}:{version}\""),
    key(
        "target",
        &[Level(LevelKey::Target, LEVELS)],
        Shape::Targets,
        "The repository to which the list is published, or oci:DIR, or several of them.",
    )
    .example("\"{registry}/{name}\""),
    key(
        "repository",
        &[Level(LevelKey::Repository, &[TableKind::Target])],
        Shape::Template,
        "The repository to which the list is published, or oci:DIR.",
    )
    .example("\"{registry}/{name}\""),
    key("tags", &[Level(LevelKey::Tags, AIMED)], Shape::Tags, "The tags of the list, each with an optional condition.")
        .example("[\"{version}\", { tag = \"latest\", when = \"newest\" }]"),
    key(
        "member-tags",
        &[Level(LevelKey::MemberTags, AIMED)],
        Shape::MemberTags,
        "The tags of each single member, in the list's repository; {tag} is each tag of the list. With \
         undeclared = \"keep\", several jobs find each other's members by these tags, so each tag must identify one \
         platform. The default is then \"{tag}-{platform|replace:/:-}\"; with [], only one job at a time can write the \
         list.",
    )
    .default("[]")
    .example("[\"{tag}-{arch}\"]"),
    key(
        "missing",
        &[Level(LevelKey::Missing, AIMED), Row(RowKey::Missing)],
        Shape::Missing,
        "What to do if a member is not found.",
    )
    .default("\"error\"")
    .example("\"skip\""),
    key("wait", &[Level(LevelKey::Wait, AIMED)], Shape::Duration, "How long to wait for a member that is not found.")
        .default("\"0s\"")
        .example("\"5m\""),
    key(
        "undeclared",
        &[Level(LevelKey::Undeclared, AIMED)],
        Shape::Undeclared,
        "What to do with published members that are not declared.",
    )
    .default("\"remove\"")
    .example("\"keep\""),
    key(
        "mismatch",
        &[Level(LevelKey::Mismatch, AIMED)],
        Shape::Mismatch,
        "What to do if the config or name of a member has a different platform than the file declares.",
    )
    .default("\"error\"")
    .example("\"warn\""),
    key("format", &[Level(LevelKey::Format, AIMED)], Shape::Format, "The media type of the list.")
        .default("\"auto\"")
        .example("\"oci\""),
    key(
        "attestations",
        &[Level(LevelKey::Attestations, AIMED)],
        Shape::Attestations,
        "What to do with the attestations of members that are indexes.",
    )
    .default("\"keep\"")
    .example("\"drop\""),
    not_yet("referrers", &[NotYet(AIMED)], "\"none\""),
    key(
        "immutable",
        &[Level(LevelKey::Immutable, AIMED)],
        Shape::Globs,
        "Globs. Tags that match are never moved once they exist.",
    )
    .default("[]")
    .example("[\"v*\", \"!v*-rc*\"]"),
    key(
        "annotations",
        &[Level(LevelKey::Annotations, AIMED), Row(RowKey::Annotations)],
        Shape::Annotations,
        "Annotations of the list, or of a row's entry in the list. Quote names with dots.",
    )
    .example("{ \"org.opencontainers.image.version\" = \"{version}\" }"),
    key(
        "artifact-type",
        &[Level(LevelKey::ArtifactType, AIMED)],
        Shape::MediaType,
        "The artifactType of the list, which is a media type.",
    )
    .example("\"application/vnd.acme.bundle.v1\""),
    key(
        "platform",
        &[Row(RowKey::Platform)],
        Shape::Platform,
        "The platform of this member: os/arch or os/arch/variant.",
    )
    .example("\"linux/arm/v7\""),
    key("arch", &[Row(RowKey::Arch)], Shape::Text, "The value of {arch} for this member.").example("\"armhf\""),
    key(
        "os-version",
        &[Row(RowKey::OsVersion)],
        Shape::OsVersion,
        "The Windows version, a glob that the version in the image must match, or an image that has the version.",
    )
    .example("\"10.0.17763.*\""),
    key("os-features", &[Row(RowKey::OsFeatures)], Shape::Texts, "The features that Windows must have.")
        .default("[]")
        .example("[\"win32k\"]"),
    key(
        "when",
        &[Row(RowKey::When)],
        Shape::RowConditions,
        "When the list has this member: \"stable\", or globs for variables. All conditions must be met.",
    )
    .example("{ version = [\"1.*\", \"!1.0.*\"] }"),
    key("tag", &[Tag(TagKey::Tag)], Shape::Template, "The name of the tag.").example("\"{version.major}\""),
    key(
        "when",
        &[Tag(TagKey::When)],
        Shape::TagConditions,
        "When the list has this tag: \"stable\", \"newest\", or globs for variables. All conditions must be met.",
    )
    .example("[\"newest\", { variant = \"alpine*\" }]"),
    key(
        "lines",
        &[Axis(AxisKey::Lines)],
        Shape::Template,
        "The values are the lines of this file, except blank lines and lines that start with #.",
    )
    .example("\"images.txt\""),
    key(
        "tags-of",
        &[Axis(AxisKey::TagsOf)],
        Shape::Template,
        "The values come from the tags of this repository or oci:DIR, newest version first.",
    )
    .example("\"registry.k8s.io/kube-proxy\""),
    key(
        "pattern",
        &[Axis(AxisKey::Pattern)],
        Shape::Template,
        "The pattern of the tags. The part of the tag that matches the axis is the value. Default: the whole tag.",
    )
    .example("\"v{version}-alpine\""),
    key("match", &[Axis(AxisKey::Match)], Shape::GlobOrGlobs, "Only values that match these globs are used.")
        .example("[\"1.*\", \"!*-rc*\"]"),
    key(
        "newest",
        &[Axis(AxisKey::Newest)],
        Shape::Count,
        "Use only this number of the greatest versions, including pre-releases.",
    )
    .example("3"),
    key(
        "from",
        &[OsVersion(OsVersionKey::From)],
        Shape::Template,
        "The image that has the version, or an index with one entry for this platform.",
    )
    .example("\"mcr.microsoft.com/windows/nanoserver:1809\""),
    key(
        "build",
        &[OsVersion(OsVersionKey::Build)],
        Shape::Text,
        "Selects the entry of the index whose version starts with this.",
    )
    .example("\"10.0.17763\""),
    key("env", &[Variable(VariableKey::Env)], Shape::Text, "The value of this environment variable.")
        .example("\"VERSION\""),
    key(
        "file",
        &[Variable(VariableKey::File)],
        Shape::Template,
        "The value is the only line of this file, at most 256 bytes. The path is relative to manifests.toml.",
    )
    .example("\"images/{name}/VERSION\""),
    key(
        "git",
        &[Variable(VariableKey::Git)],
        Shape::Git,
        "The value comes from git, for the directory of manifests.toml.",
    )
    .example("\"describe\""),
    key("default", &[Variable(VariableKey::Default)], Shape::Template, "The value if there is no other.")
        .example("\"dev\""),
    key(
        "http",
        &[Registry(RegistryKey::Http)],
        Shape::Boolean,
        "Whether to use plain HTTP. By default, it is used only for registries on this machine.",
    )
    .example("true"),
    key(
        "insecure",
        &[Registry(RegistryKey::Insecure)],
        Shape::Boolean,
        "Whether to accept any certificate of the registry, without verification.",
    )
    .default("false")
    .example("true"),
    key(
        "ca",
        &[Registry(RegistryKey::Ca)],
        Shape::Path,
        "A PEM file with certificates to trust in addition to those of the system.",
    )
    .example("\"corp-root.pem\""),
    key(
        "client-cert",
        &[Registry(RegistryKey::ClientCert)],
        Shape::Path,
        "A PEM file with the client certificate; requires client-key.",
    )
    .example("\"client.pem\""),
    key("client-key", &[Registry(RegistryKey::ClientKey)], Shape::Path, "A PEM file with the key of client-cert.")
        .example("\"client.key\""),
    key(
        "username-env",
        &[Registry(RegistryKey::UsernameEnv)],
        Shape::EnvName,
        "The name of the environment variable with the user name; requires password-env.",
    )
    .example("\"CORP_USER\""),
    key(
        "password-env",
        &[Registry(RegistryKey::PasswordEnv)],
        Shape::EnvName,
        "The name of the environment variable with the password or token. Variables of this file cannot read it.",
    )
    .example("\"CORP_PASSWORD\""),
    key("concurrency", &[Registry(RegistryKey::Concurrency)], Shape::Count, "The maximum number of parallel requests.")
        .example("8"),
    key(
        "rate",
        &[Registry(RegistryKey::Rate)],
        Shape::Rate,
        "The maximum number of requests per second, minute or hour.",
    )
    .example("\"100/min\""),
];

/// The values that a variable can take from git, each with a description in one sentence.
pub(super) const GIT_WORDS: [(&str, &str); 4] = [
    ("describe", "The output of `git describe --tags --always --dirty`."),
    ("tag", "The greatest version tag on HEAD."),
    ("commit", "The full commit id of HEAD."),
    ("branch", "The name of the current branch."),
];

/// The keys that are allowed in `table_kind`, in the order of the reference.
pub(super) fn keys_of(table_kind: TableKind) -> impl Iterator<Item = &'static KeyInfo> {
    KEYS.iter().filter(move |info| info.at(table_kind).is_some())
}

/// The keys that are allowed in `table_kind` and implemented.
pub(super) fn built_keys_of(table_kind: TableKind) -> impl Iterator<Item = &'static KeyInfo> {
    keys_of(table_kind).filter(|info| info.shape != Shape::NotYet)
}

/// Whether a list has a key with this name. Variables, axes, annotations and keys of a `platforms` table cannot have
/// such a name.
pub(super) fn is_list_key(name: &str) -> bool {
    keys_of(TableKind::List).any(|info| info.name == name)
}

#[cfg(test)]
mod tests;
