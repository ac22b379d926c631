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
    key("vars", &[Top(TopKey::Vars)], Shape::Variables, "Variables for every list: templates use them as {NAME}.")
        .example("{ registry = \"ghcr.io/acme\", version = { env = \"VERSION\", default = \"dev\" } }"),
    key(
        "defaults",
        &[Top(TopKey::Defaults)],
        Shape::Defaults,
        "What holds for every list that does not say it itself.",
    )
    .example("{ target = \"{registry}/{name}\", tags = [\"{version}\"] }"),
    key(
        "convention",
        &[Top(TopKey::Convention)],
        Shape::Conventions,
        "Named bundles of keys, for the lists that ask for one.",
    )
    .example("{ tag-suffix = { source = \"{registry}/{name}:{version}-{arch}\" } }"),
    key("list", &[Top(TopKey::List)], Shape::Lists, "The lists. {name} is the key.").example("{ hyperkube = {} }"),
    key(
        "registry",
        &[Top(TopKey::Registry)],
        Shape::Registries,
        "How registries are reached, by host. Nothing in it is a template.",
    )
    .example("{ \"registry.corp:5000\" = { ca = \"corp-root.pem\" } }"),
    key(
        "include",
        &[Top(TopKey::Include)],
        Shape::Paths,
        "Files with lists of their own, by globs: they see [vars], [defaults] and conventions of this one.",
    )
    .example("[\"services/**/manifests.toml\", \"!services/old/**\"]"),
    key(
        "convention",
        &[Level(LevelKey::Convention, &[TableKind::Defaults, TableKind::List])],
        Shape::Convention,
        "The convention that holds where the list is silent.",
    )
    .example("\"tag-suffix\""),
    key(
        "vars",
        &[Level(LevelKey::Vars, &[TableKind::Convention, TableKind::List])],
        Shape::Variables,
        "Variables of these lists, nearer than [vars].",
    )
    .example("{ version = \"3.10\" }"),
    key(
        "matrix",
        &[Level(LevelKey::Matrix, LEVELS)],
        Shape::Axes,
        "One list per combination of these values; the first axis turns slowest.",
    )
    .example("{ name = [\"kube-apiserver\", \"kube-proxy\"] }"),
    key(
        "platforms",
        &[Level(LevelKey::Platforms, AIMED)],
        Shape::Platforms,
        "The members: platforms, rows, or a table from the spelling of {arch} to either.",
    )
    .example("[\"linux/amd64\", \"linux/arm64\"]"),
    key(
        "arch-style",
        &[Level(LevelKey::ArchStyle, AIMED)],
        Shape::ArchStyle,
        "How {arch} is spelled for platforms that do not say it.",
    )
    .default("\"go\"")
    .example("\"debian\""),
    key(
        "source",
        &[Level(LevelKey::Source, AIMED), Row(RowKey::Source)],
        Shape::Template,
        "Where a member is: a reference with a tag or digest, or oci:DIR:TAG.",
    )
    .example("\"{registry}/{name}-{arch}:{version}\""),
    key(
        "target",
        &[Level(LevelKey::Target, LEVELS)],
        Shape::Targets,
        "Where the list is published: a repository, or oci:DIR; or several of them.",
    )
    .example("\"{registry}/{name}\""),
    key(
        "repository",
        &[Level(LevelKey::Repository, &[TableKind::Target])],
        Shape::Template,
        "Where the list is published: a repository, or oci:DIR.",
    )
    .example("\"{registry}/{name}\""),
    key(
        "tags",
        &[Level(LevelKey::Tags, AIMED)],
        Shape::Tags,
        "By which tags the list is published, and when it has each.",
    )
    .example("[\"{version}\", { tag = \"latest\", when = \"newest\" }]"),
    key(
        "member-tags",
        &[Level(LevelKey::MemberTags, AIMED)],
        Shape::MemberTags,
        "By which tags each member is published by itself, in the list's repository; {tag} is each tag of the list. With \
         undeclared = \"keep\", several jobs find members of each other by these tags. So each tag must mean one platform; \
         the default is \"{tag}-{platform|replace:/:-}\", and with [] only one job at a time can write the list.",
    )
    .default("[]")
    .example("[\"{tag}-{arch}\"]"),
    key(
        "missing",
        &[Level(LevelKey::Missing, AIMED), Row(RowKey::Missing)],
        Shape::Missing,
        "What becomes of a member that is absent.",
    )
    .default("\"error\"")
    .example("\"skip\""),
    key("wait", &[Level(LevelKey::Wait, AIMED)], Shape::Duration, "How long an absent member is asked for again.")
        .default("\"0s\"")
        .example("\"5m\""),
    key(
        "undeclared",
        &[Level(LevelKey::Undeclared, AIMED)],
        Shape::Undeclared,
        "What becomes of published members that are not declared.",
    )
    .default("\"remove\"")
    .example("\"keep\""),
    key(
        "mismatch",
        &[Level(LevelKey::Mismatch, AIMED)],
        Shape::Mismatch,
        "What becomes of a member whose config or name says another platform than the file.",
    )
    .default("\"error\"")
    .example("\"warn\""),
    key("format", &[Level(LevelKey::Format, AIMED)], Shape::Format, "The type of the list.")
        .default("\"auto\"")
        .example("\"oci\""),
    key(
        "attestations",
        &[Level(LevelKey::Attestations, AIMED)],
        Shape::Attestations,
        "What becomes of the attestations of members that are indexes.",
    )
    .default("\"keep\"")
    .example("\"drop\""),
    not_yet("referrers", &[NotYet(AIMED)], "\"none\""),
    key("immutable", &[Level(LevelKey::Immutable, AIMED)], Shape::Globs, "Tags that are never moved once they exist.")
        .default("[]")
        .example("[\"v*\", \"!v*-rc*\"]"),
    key(
        "annotations",
        &[Level(LevelKey::Annotations, AIMED), Row(RowKey::Annotations)],
        Shape::Annotations,
        "Annotations of the list, or of a row's entry in it. A name with dots stands in quotes.",
    )
    .example("{ \"org.opencontainers.image.version\" = \"{version}\" }"),
    key(
        "artifact-type",
        &[Level(LevelKey::ArtifactType, AIMED)],
        Shape::MediaType,
        "The artifactType of the list: a media type.",
    )
    .example("\"application/vnd.acme.bundle.v1\""),
    key(
        "platform",
        &[Row(RowKey::Platform)],
        Shape::Platform,
        "The machine this member is for: os/arch or os/arch/variant.",
    )
    .example("\"linux/arm/v7\""),
    key("arch", &[Row(RowKey::Arch)], Shape::Text, "What {arch} stands for in this member's names.")
        .example("\"armhf\""),
    key(
        "os-version",
        &[Row(RowKey::OsVersion)],
        Shape::OsVersion,
        "Which Windows it is for: a version, a glob that the image's own must fit, or the image that says it.",
    )
    .example("\"10.0.17763.*\""),
    key("os-features", &[Row(RowKey::OsFeatures)], Shape::Texts, "What Windows must offer.")
        .default("[]")
        .example("[\"win32k\"]"),
    key(
        "when",
        &[Row(RowKey::When)],
        Shape::RowConditions,
        "When there is such a member: \"stable\", or globs over variables; of several conditions all must hold.",
    )
    .example("{ version = [\"1.*\", \"!1.0.*\"] }"),
    key("tag", &[Tag(TagKey::Tag)], Shape::Template, "The tag.").example("\"{version.major}\""),
    key(
        "when",
        &[Tag(TagKey::When)],
        Shape::TagConditions,
        "When the list has it: \"stable\", \"newest\", or globs over variables; of several conditions all must hold.",
    )
    .example("[\"newest\", { variant = \"alpine*\" }]"),
    key(
        "lines",
        &[Axis(AxisKey::Lines)],
        Shape::Template,
        "The lines of this file; not the blank ones and those that begin with #.",
    )
    .example("\"images.txt\""),
    key(
        "tags-of",
        &[Axis(AxisKey::TagsOf)],
        Shape::Template,
        "What stands in the tags of this repository, or of oci:DIR, newest first.",
    )
    .example("\"registry.k8s.io/kube-proxy\""),
    key(
        "pattern",
        &[Axis(AxisKey::Pattern)],
        Shape::Template,
        "The form of the tags: what stands in it for the axis is a value. Without it, the tag itself is.",
    )
    .example("\"v{version}-alpine\""),
    key("match", &[Axis(AxisKey::Match)], Shape::GlobOrGlobs, "Which of the values are meant.")
        .example("[\"1.*\", \"!*-rc*\"]"),
    key(
        "newest",
        &[Axis(AxisKey::Newest)],
        Shape::Count,
        "How many of the greatest versions, pre-releases among them.",
    )
    .example("3"),
    key(
        "from",
        &[OsVersion(OsVersionKey::From)],
        Shape::Template,
        "The image, or the index with one entry of this platform, that says it.",
    )
    .example("\"mcr.microsoft.com/windows/nanoserver:1809\""),
    key("build", &[OsVersion(OsVersionKey::Build)], Shape::Text, "With what the version of that entry begins.")
        .example("\"10.0.17763\""),
    key("env", &[Variable(VariableKey::Env)], Shape::Text, "The value of this environment variable.")
        .example("\"VERSION\""),
    key(
        "file",
        &[Variable(VariableKey::File)],
        Shape::Template,
        "The one line of this file, beside manifests.toml: 256 bytes at the most.",
    )
    .example("\"images/{name}/VERSION\""),
    key("git", &[Variable(VariableKey::Git)], Shape::Git, "What git says of the folder of manifests.toml.")
        .example("\"describe\""),
    key("default", &[Variable(VariableKey::Default)], Shape::Template, "The value where there is no other.")
        .example("\"dev\""),
    key(
        "http",
        &[Registry(RegistryKey::Http)],
        Shape::Boolean,
        "Whether it is spoken to in plain HTTP. Without the key only registries on this machine are.",
    )
    .example("true"),
    key(
        "insecure",
        &[Registry(RegistryKey::Insecure)],
        Shape::Boolean,
        "Whether any certificate is taken, whoever made it.",
    )
    .default("false")
    .example("true"),
    key(
        "ca",
        &[Registry(RegistryKey::Ca)],
        Shape::Path,
        "A file of certificates (PEM) that are trusted beside the system's.",
    )
    .example("\"corp-root.pem\""),
    key(
        "client-cert",
        &[Registry(RegistryKey::ClientCert)],
        Shape::Path,
        "The file of the certificate (PEM) that is shown to it; client-key belongs to it.",
    )
    .example("\"client.pem\""),
    key("client-key", &[Registry(RegistryKey::ClientKey)], Shape::Path, "The file of the key (PEM) of client-cert.")
        .example("\"client.key\""),
    key(
        "username-env",
        &[Registry(RegistryKey::UsernameEnv)],
        Shape::EnvName,
        "The environment variable with the user's name; password-env belongs to it.",
    )
    .example("\"CORP_USER\""),
    key(
        "password-env",
        &[Registry(RegistryKey::PasswordEnv)],
        Shape::EnvName,
        "The environment variable with the password or token, which no variable of this file can have.",
    )
    .example("\"CORP_PASSWORD\""),
    key(
        "concurrency",
        &[Registry(RegistryKey::Concurrency)],
        Shape::Count,
        "How many requests it is sent at once, at most.",
    )
    .example("8"),
    key(
        "rate",
        &[Registry(RegistryKey::Rate)],
        Shape::Rate,
        "How many requests it is sent in a second, minute or hour, at most.",
    )
    .example("\"100/min\""),
];

/// The values that a variable can take from git, each with a description in one sentence.
pub(super) const GIT_WORDS: [(&str, &str); 4] = [
    ("describe", "What `git describe --tags --always --dirty` says."),
    ("tag", "The greatest version tag on HEAD."),
    ("commit", "The full id of HEAD."),
    ("branch", "The branch."),
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
