//! [`level`]: the keys of `[defaults]`, a convention or a list → [`Level`]. `target` reads target tables, which have keys
//! of their own.

mod target;

use super::annotations::annotations;
use super::declared::{Level, Phrase, Slot};
use super::duration::duration;
use super::raw::{Node, Table, Value};
use super::template::{template, template_item};
use super::words::word;
use super::{axes, known_keys, members, strings, tags, types, vars, words};
use crate::config::keys::{self, KeyInfo, Place};
use crate::config::problem::Problem;

/// The keys of `[defaults]`, a convention or a list.
pub(super) fn level(table: &Table, place: Place, problems: &mut Vec<Problem>) -> Level {
    let mut level = Level::default();
    for (info, _, node) in known_keys::known(table, place, problems) {
        fill(&mut level, info, node, problems);
    }
    for meant in table.iter().filter_map(|(key, _)| known_keys::meant(&key.name, place)) {
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
        "wait" => level.wait = Some(duration("wait", node, problems).into()),
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
pub(super) fn faulty(level: &mut Level) {
    level.names_unknown = true;
    for info in keys::built_keys_of(Place::List).filter(|info| info.name != "convention") {
        told_of(level, info.name);
    }
}

/// A key was told of as misspelt or misplaced: that it is lacking is no news.
pub(super) fn told_of(level: &mut Level, meant: &str) {
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
