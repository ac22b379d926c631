//! [`document`]: converts the tree of a file to a [`ParsedFile`], and reports everything that is wrong with each value
//! by itself.

use super::read_problems::ReadProblems;
use std::borrow::Cow;

use super::declared::{Level, ParsedFile};
use super::names::{self, NameKind};
use super::raw::{Key, Node, Table, TomlValue};
use super::{include, known_keys, level, login_names, registry, types, vars};
use crate::config::keys::{self, LevelKey, TableKind, TopKey};
use crate::config::problem::Problem;
use crate::naming::nearest;

/// The keys that each list requires.
const REQUIRED: [LevelKey; 4] = [LevelKey::Platforms, LevelKey::Source, LevelKey::Target, LevelKey::Tags];

/// Converts the whole file.
pub(super) fn document(tree: &Table, problems: &mut ReadProblems<'_>) -> ParsedFile {
    let mut document = ParsedFile::default();
    let mut has_list = false;
    for (key, written, node) in known_keys::known(tree, TableKind::Top, problems) {
        match key {
            TopKey::Vars => {
                if let Some(table) = types::table("vars", "[vars]", node, problems) {
                    document.vars = vars::read(table, TableKind::Top, problems);
                } else {
                    document.defaults.names_unknown = true;
                }
            }
            TopKey::Defaults => {
                if let Some(table) = types::table("defaults", "[defaults]", node, problems) {
                    let names_unknown = document.defaults.names_unknown;
                    document.defaults = level::level(table, TableKind::Defaults, problems);
                    document.defaults.names_unknown |= names_unknown;
                } else {
                    level::faulty(&mut document.defaults);
                }
            }
            TopKey::Registry => {
                document.registries = registry::read(node, problems);
                document.login_names = login_names::login_names(node);
            }
            TopKey::Include => document.include = include::globs(node, problems),
            TopKey::Convention => {
                document.conventions = named(written, node, TableKind::Convention, problems);
            }
            TopKey::List => {
                has_list = !matches!(&node.value, TomlValue::Table(table) if table.is_empty());
                document.lists = named(written, node, TableKind::List, problems);
            }
        }
    }
    for key in known_keys::intended_keys(tree, TableKind::Top) {
        match key {
            // The included files could contain lists.
            TopKey::List | TopKey::Include => has_list = true,
            TopKey::Defaults => REQUIRED.into_iter().for_each(|key| level::told_of(&mut document.defaults, key)),
            TopKey::Vars | TopKey::Convention | TopKey::Registry => {}
        }
    }
    let login_names = document.login_names.clone();
    login_names::keep_secret(&login_names, &mut document, problems);
    document.has_no_list = !has_list;
    document
}

/// Returns the problem `mlist::config::no_list` of the file with this name.
pub(super) fn no_list(name: &str) -> Problem {
    Problem::error("mlist::config::no_list", format!("no list defined in `{name}`"))
        .help("add a table [list.NAME]; its platforms, source, target and tags can also be in [defaults]")
}

/// Reads the tables in `[convention]` or `[list]`.
fn named(key: &Key, node: &Node, table_kind: TableKind, problems: &mut ReadProblems<'_>) -> Vec<(Key, Level)> {
    let (kind, header) = match table_kind {
        TableKind::List => (NameKind::Entry, "[list.NAME]"),
        _ => (NameKind::Convention, "[convention.NAME]"),
    };
    let Some(table) = types::table(&key.name, header, node, problems) else { return Vec::new() };
    let mut levels = Vec::new();
    for (name, node) in table {
        let good_name = kind.check(name, problems);
        let shown = types::quoted(&name.name);
        let bare = name.name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
        let header = format!("[{}.{}]", key.name, if bare { &name.name } else { &shown });
        if let Some(table) = types::table(&name.name, &header, node, problems) {
            let own = match table_kind {
                TableKind::List => without_dotted_lists(name, table, problems),
                _ => Cow::Borrowed(table),
            };
            // Report no missing keys for a table that was not intended as a list, and no errors in references that
            // are caused by an invalid name.
            let misread = own.is_empty() && !table.is_empty() || !good_name;
            let level = Level { misread, ..level::level(&own, table_kind, problems) };
            levels.push((name.clone(), level));
        }
    }
    levels
}

/// Returns the entries of a list without tables such as `io` in `[list.k8s.io]`, where the name of the list has a dot
/// but no quotes. Reports each of these tables.
fn without_dotted_lists<'a>(name: &Key, table: &'a Table, problems: &mut ReadProblems<'_>) -> Cow<'a, Table> {
    let is_key = |key: &Key| keys::is_list_key(&key.name);
    let is_list = |(inner, node): &&(Key, Node)| {
        let misspelt = || nearest(&inner.name, keys::built_keys_of(TableKind::List).map(|info| info.name)).is_some();
        matches!(node.value, TomlValue::Table(_)) && !is_key(inner) && !misspelt()
    };
    for (inner, node) in table.iter().filter(is_list) {
        let whole = names::undotted(name, inner, node, is_key);
        problems.push(
            Problem::error("mlist::config::type", format!("unexpected table `{}` in list `{}`", inner.name, name.name))
                .at(&inner.span, "")
                .help(format!("if the dot is part of the list's name, quote it: [list.\"{whole}\"]")),
        );
    }
    if table.iter().any(|entry| is_list(&entry)) {
        Cow::Owned(table.iter().filter(|entry| !is_list(entry)).cloned().collect())
    } else {
        Cow::Borrowed(table)
    }
}
