//! [`document`]: the tree of manifests.toml → [`ParsedFile`]; says everything that is wrong with a value by itself.
//!
//! | file | holds |
//! |---|---|
//! | `phrase` | templates |
//! | `words` | closed sets of words |
//! | `duration` | `30s`, `5m`, `1h30m` |
//! | `strings` | globs, media types and strings that have no grammar |
//! | `target` | one target, a table of its own, or several |
//! | `annotations` | tables of annotations |

mod annotations;
mod duration;
mod phrase;
mod strings;
mod target;
mod words;

use std::borrow::Cow;

use super::declared::{Level, ParsedFile, Phrase, Slot};
use super::keys::{self, KeyInfo, Place};
use super::problem::Problem;
use super::raw::{Key, Node, Table, Value};
use super::types::{self, NameKind};
use super::{axes, include, members, registry, tags, vars};
use crate::naming::nearest;

pub(super) use annotations::annotations;
pub(super) use duration::DURATION;
pub(super) use phrase::{template, template_item};
pub(super) use strings::{MEDIA_TYPE, texts};
pub(super) use words::{unknown_word, word};

/// What a list can't be without.
const REQUIRED: [&str; 4] = ["platforms", "source", "target", "tags"];

/// Reads the whole file.
pub(super) fn document(tree: &Table, problems: &mut Vec<Problem>) -> ParsedFile {
    let mut document = ParsedFile::default();
    let mut has_list = false;
    for (info, key, node) in keys::known(tree, Place::Top, problems) {
        match info.name {
            "vars" => {
                if let Some(table) = types::table("vars", "[vars]", node, problems) {
                    document.vars = vars::read(table, Place::Top, problems);
                } else {
                    document.defaults.names_unknown = true;
                }
            }
            "defaults" => {
                if let Some(table) = types::table("defaults", "[defaults]", node, problems) {
                    let names_unknown = document.defaults.names_unknown;
                    document.defaults = level(table, Place::Defaults, problems);
                    document.defaults.names_unknown |= names_unknown;
                } else {
                    faulty(&mut document.defaults);
                }
            }
            "registry" => {
                document.registries = registry::read(node, problems);
                document.login_names = registry::login_names(node);
            }
            "include" => document.include = include::globs(node, problems),
            "convention" => {
                document.conventions = named(key, node, Place::Convention, problems);
            }
            _ => {
                has_list = !matches!(&node.value, Value::Table(table) if table.is_empty());
                document.lists = named(key, node, Place::List, problems);
            }
        }
    }
    for meant in tree.iter().filter_map(|(key, _)| keys::meant(&key.name, Place::Top)) {
        match meant {
            // Lists may stand in what was to be included.
            "list" | "include" => has_list = true,
            "defaults" => REQUIRED.iter().for_each(|key| told_of(&mut document.defaults, key)),
            _ => {}
        }
    }
    let login_names = document.login_names.clone();
    registry::keep_secret(&login_names, &mut document, problems);
    document.has_no_list = !has_list;
    document
}

/// `mlist::config::no_list`, for the file that `name` is said to be.
pub(super) fn no_list(name: &str) -> Problem {
    Problem::error("mlist::config::no_list", format!("there is no list in {name}")).help(
        "a list is a table of its own: [list.NAME], with platforms, source, target and tags there or in [defaults]",
    )
}

/// The tables below `[convention]` or `[list]`.
fn named(key: &Key, node: &Node, place: Place, problems: &mut Vec<Problem>) -> Vec<(Key, Level)> {
    let (kind, header) = match place {
        Place::List => (NameKind::Entry, "[list.ENTRY]"),
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
            let own = match place {
                Place::List => without_dotted_lists(name, table, problems),
                _ => Cow::Borrowed(table),
            };
            // A table that was not meant as a list lacks nothing, and what a bad name comes to in references is its
            // fault, not theirs.
            let misread = own.is_empty() && !table.is_empty() || !good_name;
            let level = Level { misread, ..self::level(&own, place, problems) };
            levels.push((name.clone(), level));
        }
    }
    levels
}

/// What stands in a list but for tables as in `[list.k8s.io]`, where a dot in the name of a list was taken for TOML's.
fn without_dotted_lists<'a>(name: &Key, table: &'a Table, problems: &mut Vec<Problem>) -> Cow<'a, Table> {
    let is_key = |key: &Key| keys::is_list_key(&key.name);
    let is_list = |(inner, node): &&(Key, Node)| {
        let misspelt = || nearest(&inner.name, keys::built_keys_of(Place::List).map(|info| info.name)).is_some();
        matches!(node.value, Value::Table(_)) && !is_key(inner) && !misspelt()
    };
    for (inner, node) in table.iter().filter(is_list) {
        let whole = undotted(name, inner, node, is_key);
        problems.push(
            Problem::error(
                "mlist::config::type",
                format!("`{}` is a table in a list that has no such key", inner.name),
            )
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

/// The name that was meant where TOML made tables in tables of one with dots: down to the table that holds more.
pub(super) fn undotted(name: &Key, inner: &Key, mut node: &Node, is_key: impl Fn(&Key) -> bool) -> String {
    let mut whole = format!("{}.{}", name.name, inner.name);
    while let Value::Table(below) = &node.value
        && let [(deeper, next @ Node { value: Value::Table(_), .. })] = below.as_slice()
        && !is_key(deeper)
    {
        whole = format!("{whole}.{}", deeper.name);
        node = next;
    }
    whole
}

/// The keys of `[defaults]`, a convention or a list.
fn level(table: &Table, place: Place, problems: &mut Vec<Problem>) -> Level {
    let mut level = Level::default();
    for (info, _, node) in keys::known(table, place, problems) {
        fill(&mut level, info, node, problems);
    }
    for meant in table.iter().filter_map(|(key, _)| keys::meant(&key.name, place)) {
        told_of(&mut level, meant);
    }
    for (name, _) in &level.matrix {
        if let Some((variable, _)) = level.vars.iter().find(|(variable, _)| variable.name == name.name) {
            let (first, second) =
                if variable.span.range.start < name.span.range.start { (variable, name) } else { (name, variable) };
            problems.push(
                Problem::error("mlist::config::name_twice", format!("`{}` is a variable and an axis", name.name))
                    .at(&second.span, "here again")
                    .at(&first.span, "here first")
                    .help("variables and axes are one set of names: keep one of the two"),
            );
        }
    }
    level
}

fn fill(level: &mut Level, info: &KeyInfo, node: &Node, problems: &mut Vec<Problem>) {
    match info.name {
        "convention" => level.convention = Some(types::text("convention", node, problems).cloned().into()),
        "vars" => {
            if let Some(table) = types::table("vars", "vars.NAME = \"…\"", node, problems) {
                level.vars = vars::read(table, Place::List, problems);
            }
            swallowed(level, node);
        }
        "matrix" => {
            if let Some(table) = types::table("matrix", "matrix.NAME = [\"…\"]", node, problems) {
                level.matrix = axes::read(table, problems);
            }
            swallowed(level, node);
        }
        "platforms" => {
            level.platforms = Some(members::read(node, problems).into());
            swallowed_keys(level, node);
        }
        "arch-style" => level.arch_style = Some(words::arch_style(node, problems).into()),
        "source" => level.source = Some(template("source", node, problems).into()),
        "target" => level.target = Some(target::targets(node, problems).into()),
        "tags" => level.tags = Some(tags::read(node, problems).into()),
        "member-tags" => level.member_tags = Some(member_tags(node, problems).into()),
        "missing" => level.missing = Some(word("missing", node, problems).into()),
        "wait" => level.wait = Some(duration::duration("wait", node, problems).into()),
        "undeclared" => level.undeclared = Some(words::placed_word("undeclared", node, problems).into()),
        "mismatch" => level.mismatch = Some(word("mismatch", node, problems).into()),
        "format" => level.format = Some(words::placed_word("format", node, problems).into()),
        "attestations" => level.attestations = Some(word("attestations", node, problems).into()),
        "immutable" => level.immutable = Some(strings::globs("immutable", node, problems).into()),
        "annotations" => {
            level.annotations = annotations(node, problems);
            swallowed_keys(level, node);
        }
        _ => level.artifact_type = Some(strings::media_type("artifact-type", node, problems).into()),
    }
}

fn fault<T>(slot: &mut Option<Slot<T>>) {
    slot.get_or_insert(Slot::Faulty);
}

/// A table of names: the keys of the list that stand in it were told of, and if it is none, its names are not known.
fn swallowed(level: &mut Level, node: &Node) {
    match &node.value {
        Value::Table(_) => swallowed_keys(level, node),
        _ => level.names_unknown = true,
    }
}

/// The keys of the list that stand in a table below it were told of.
fn swallowed_keys(level: &mut Level, node: &Node) {
    if let Value::Table(table) = &node.value {
        for (key, _) in table {
            told_of(level, &key.name);
        }
    }
}

/// What was to stand in `level` is not known at all.
fn faulty(level: &mut Level) {
    level.names_unknown = true;
    for info in keys::built_keys_of(Place::List).filter(|info| info.name != "convention") {
        told_of(level, info.name);
    }
}

/// A key was told of as misspelt or misplaced: that it is lacking is no news.
fn told_of(level: &mut Level, meant: &str) {
    match meant {
        "convention" => fault(&mut level.convention),
        "platforms" => fault(&mut level.platforms),
        "arch-style" => fault(&mut level.arch_style),
        "source" => fault(&mut level.source),
        "target" => fault(&mut level.target),
        "tags" => fault(&mut level.tags),
        "member-tags" => fault(&mut level.member_tags),
        "missing" => fault(&mut level.missing),
        "wait" => fault(&mut level.wait),
        "undeclared" => fault(&mut level.undeclared),
        "mismatch" => fault(&mut level.mismatch),
        "format" => fault(&mut level.format),
        "attestations" => fault(&mut level.attestations),
        "immutable" => fault(&mut level.immutable),
        "artifact-type" => fault(&mut level.artifact_type),
        "vars" | "matrix" => level.names_unknown = true,
        _ => {}
    }
}

fn member_tags(node: &Node, problems: &mut Vec<Problem>) -> Option<Vec<Phrase>> {
    let items = types::array("member-tags", node, problems)?;
    let tags: Vec<Phrase> = items.iter().filter_map(|item| template_item("member-tags", item, problems)).collect();
    (tags.len() == items.len()).then_some(tags)
}
