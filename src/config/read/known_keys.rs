//! [`known`]: returns the keys that a table can have, and reports all others.

use super::raw::{Key, Node, Table, TomlValue};
use super::read_problems::ReadProblems;
use crate::config::keys::TableKind::{Defaults, Tag, Top};
use crate::config::keys::{KEYS, KeyInfo, KeySet, Shape, TableKind, built_keys_of, keys_of};
use crate::config::problem::Problem;
use crate::naming::nearest;
use crate::oci::excerpt;

/// Returns the entries of `table` whose keys are allowed in `table_kind` and implemented. Reports the others to
/// `problems`.
pub(super) fn known<'a, K: KeySet>(
    table: &'a Table,
    table_kind: TableKind,
    problems: &mut ReadProblems<'_>,
) -> Vec<(K, &'a Key, &'a Node)> {
    let mut found = Vec::new();
    for (written, node) in table {
        match K::find(&written.name, table_kind) {
            Some(key) => found.push((key, written, node)),
            None => problems.push(refused(written, node, table_kind)),
        }
    }
    found
}

/// Returns the keys of `table_kind` that misspelled keys in `table` were probably intended to be.
pub(super) fn intended_keys<K: KeySet>(table: &Table, table_kind: TableKind) -> Vec<K> {
    table.iter().filter_map(|(key, _)| K::find(slip_of(&key.name, table_kind)?.name, table_kind)).collect()
}

/// Returns the key of `table_kind` that `name` is probably a misspelling of. `None` if `name` is itself a key of
/// `table_kind`.
pub(super) fn slip_of(name: &str, table_kind: TableKind) -> Option<&'static KeyInfo> {
    if keys_of(table_kind).any(|info| info.name == name) {
        return None;
    }
    let meant = nearest(name, built_keys_of(table_kind).map(|info| info.name))?;
    built_keys_of(table_kind).find(|info| info.name == meant)
}

fn not_built(info: &KeyInfo, key: &Key) -> Problem {
    let help = match (info.name, info.default) {
        (_, "") => format!("remove `{}`", info.name),
        (name, default) => format!("remove it: this version behaves as with {name} = {default}"),
    };
    part_not_built(&format!("`{}`", info.name)).at(&key.span, "").help(help)
}

/// Returns the problem `mlist::config::not_yet` for a part of the format.
pub(in crate::config) fn part_not_built(what: &str) -> Problem {
    Problem::error("mlist::config::not_yet", format!("{what} is not yet supported by this version of mlist"))
}

/// Returns the problem with a key that is not allowed in `table_kind` or not implemented.
fn refused(key: &Key, node: &Node, table_kind: TableKind) -> Problem {
    let name = key.name.as_str();
    // `tag` in a list is probably a misspelling of `tags`, not a key of a table in `tags`.
    let is_slip = |info: &KeyInfo| info.table_kinds().eq([Tag]) && slip_of(name, table_kind).is_some();
    let elsewhere: Vec<&KeyInfo> = KEYS.iter().filter(|info| info.name == name && !is_slip(info)).collect();
    let built: Vec<TableKind> =
        elsewhere.iter().filter(|info| info.shape != Shape::NotYet).flat_map(|info| info.table_kinds()).collect();
    if let ([unbuilt, ..], []) = (elsewhere.as_slice(), built.as_slice()) {
        // The key is not implemented in any table, so do not suggest another table.
        return not_built(unbuilt, key);
    }
    if !built.is_empty() {
        // `vars` and `convention` are allowed at the top level and inside other tables. For a key inside a table,
        // name only the other tables.
        let inner = built.iter().any(|other| *other != Top) && table_kind != Top;
        let places: Vec<&str> =
            built.iter().filter(|other| !inner || **other != Top).map(|table_kind| table_kind.shown()).collect();
        let (last, rest) = places.split_last().unwrap_or((&"", &[]));
        let places = if rest.is_empty() { (*last).to_owned() } else { format!("{} or {last}", rest.join(", ")) };
        let problem = Problem::error("mlist::config::misplaced_key", format!("`{name}` is not allowed here"))
            .at(&key.span, format!("this is {}", table_kind.shown()));
        return problem.help(match (name, table_kind, slip_of(name, table_kind)) {
            ("vars", Defaults, _) => "variables for all lists belong in [vars]".to_owned(),
            ("registry", ..) => {
                "to define a variable, move it to [vars]; to configure a registry, write [registry.\"HOST\"] at the \
                 top level"
                    .to_owned()
            }
            (.., Some(meant)) => format!("did you mean `{}`? `{name}` is a key of {places}", meant.name),
            (.., None) => format!("move it to {places}"),
        });
    }
    let problem = Problem::error("mlist::config::unknown_key", format!("unknown key `{}`", excerpt(name)));
    let known: Vec<&str> = built_keys_of(table_kind).map(|info| info.name).collect();
    match slip_of(name, table_kind) {
        Some(meant) => {
            let problem = problem.at(&key.span, format!("did you mean `{}`?", meant.name));
            // The value of a key such as `password` is probably a password, not a variable name.
            if meant.shape == Shape::EnvName {
                problem.help(format!("{} is the name of an environment variable, not its value", meant.name))
            } else {
                problem
            }
        }
        None if matches!(node.value, TomlValue::Table(_)) && table_kind == Top => {
            problem.at(&key.span, "").help(format!("to define a list, write [list.{name}]"))
        }
        None => problem.at(&key.span, "").help(format!("known here: {}", known.join(", "))),
    }
}
