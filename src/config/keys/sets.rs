//! [`KeySet`]: the keys of each kind of table, as a closed set. Code that reads a table matches on its set, so that it
//! does not compile if it forgets a key.

use super::{KeyAt, TableKind, keys_of};

/// The keys of one kind of table.
pub(in crate::config) trait KeySet: Copy {
    /// The key's variant in this set. `None` if the key is not in this set.
    fn from_key(key: KeyAt) -> Option<Self>;

    /// The keys that are allowed in `table_kind` and implemented, in the order of the reference.
    fn all(table_kind: TableKind) -> impl Iterator<Item = Self> {
        keys_of(table_kind).filter_map(move |info| Self::from_key(info.at(table_kind)?))
    }

    /// The key with this name in `table_kind`. `None` if it is not allowed there or not implemented.
    fn find(name: &str, table_kind: TableKind) -> Option<Self> {
        keys_of(table_kind).find(|info| info.name == name).and_then(|info| Self::from_key(info.at(table_kind)?))
    }
}

/// The keys at the top level of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum TopKey {
    Vars,
    Defaults,
    Convention,
    List,
    Registry,
    Include,
}

/// The keys of `[defaults]`, conventions, lists and target tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum LevelKey {
    Convention,
    Vars,
    Matrix,
    Platforms,
    ArchStyle,
    Source,
    Target,
    /// Only in a target table.
    Repository,
    Tags,
    MemberTags,
    Missing,
    Wait,
    Undeclared,
    Mismatch,
    Format,
    Attestations,
    Immutable,
    Annotations,
    ArtifactType,
}

/// The keys of a row of `platforms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum RowKey {
    Source,
    Missing,
    Annotations,
    Platform,
    Arch,
    OsVersion,
    OsFeatures,
    When,
}

/// The keys of an `os-version` that is a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum OsVersionKey {
    From,
    Build,
}

/// The keys of a table in `tags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum TagKey {
    Tag,
    When,
}

/// The keys of an axis that is a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum AxisKey {
    Lines,
    TagsOf,
    Pattern,
    Match,
    Newest,
}

/// The keys of a variable that is a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum VariableKey {
    Env,
    File,
    Git,
    Default,
}

/// The keys of `[registry."HOST"]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum RegistryKey {
    Http,
    Insecure,
    Ca,
    ClientCert,
    ClientKey,
    UsernameEnv,
    PasswordEnv,
    Concurrency,
    Rate,
}

macro_rules! key_set {
    ($set:ident, $at:ident) => {
        impl KeySet for $set {
            fn from_key(key: KeyAt) -> Option<Self> {
                match key {
                    KeyAt::$at(key, ..) => Some(key),
                    _ => None,
                }
            }
        }
    };
}

key_set!(TopKey, Top);
key_set!(LevelKey, Level);
key_set!(RowKey, Row);
key_set!(OsVersionKey, OsVersion);
key_set!(TagKey, Tag);
key_set!(AxisKey, Axis);
key_set!(VariableKey, Variable);
key_set!(RegistryKey, Registry);
