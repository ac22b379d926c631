//! [`level`]: reads the keys of `[defaults]`, a convention or a list to a [`Level`]. `target` reads target tables,
//! which have their own keys.

mod target;

use super::annotations::annotations;
use super::declared::{Level, Parsed, SpannedTemplate};
use super::duration::duration;
use super::raw::{Node, Table, TomlValue};
use super::read_problems::ReadProblems;
use super::template::{TemplateKind, template, template_item};
use super::words::word;
use super::{axes, known_keys, members, strings, tags, types, vars, words};
use crate::config::keys::{KeySet, LevelKey, TableKind};
use crate::config::model::Placed;
use crate::config::problem::Problem;

/// Reads the keys of `[defaults]`, a convention or a list.
pub(super) fn level(table: &Table, table_kind: TableKind, problems: &mut ReadProblems<'_>) -> Level {
    let mut level = Level::default();
    fill_all(&mut level, table, table_kind, problems);
    for (name, _) in &level.matrix {
        if let Some((variable, _)) = level.vars.iter().find(|(variable, _)| variable.name == name.name) {
            let (first, second) =
                if variable.span.range.start < name.span.range.start { (variable, name) } else { (name, variable) };
            problems.push(
                Problem::error(
                    "mlist::config::name_twice",
                    format!("`{}` is defined both as a variable and as an axis", name.name),
                )
                .at(&second.span, "defined again here")
                .at(&first.span, "first defined here")
                .help("a variable and an axis cannot have the same name: rename or remove one of the two"),
            );
        }
    }
    level
}

/// Reads the keys of `table`. Misspelled keys are marked as already reported.
fn fill_all(level: &mut Level, table: &Table, table_kind: TableKind, problems: &mut ReadProblems<'_>) {
    for (key, _, node) in known_keys::known(table, table_kind, problems) {
        fill(level, key, node, problems);
    }
    for key in known_keys::intended_keys(table, table_kind) {
        told_of(level, key);
    }
}

/// Stores the value of a key in `level`.
fn fill(level: &mut Level, key: LevelKey, node: &Node, problems: &mut ReadProblems<'_>) {
    match key {
        LevelKey::Convention => level.convention = Some(types::text("convention", node, problems).cloned().into()),
        LevelKey::Vars => {
            if let Some(table) = types::table("vars", "vars.NAME = \"…\"", node, problems) {
                level.vars = vars::read(table, TableKind::List, problems);
            }
            swallowed(level, node);
        }
        LevelKey::Matrix => {
            if let Some(table) = types::table("matrix", "matrix.NAME = [\"…\"]", node, problems) {
                level.matrix = axes::read(table, problems);
            }
            swallowed(level, node);
        }
        LevelKey::Platforms => {
            level.platforms = Some(members::read(node, problems).into());
            swallowed_keys(level, node);
        }
        LevelKey::ArchStyle => level.arch_style = Some(words::arch_style(node, problems).into()),
        LevelKey::Source => level.source = Some(template("source", node, TemplateKind::Name, problems).into()),
        LevelKey::Target => level.target = Some(target::targets(node, problems).into()),
        LevelKey::Repository => {
            level.repository = Some(template("repository", node, TemplateKind::Name, problems).into());
        }
        LevelKey::Tags => level.tags = Some(tags::read(node, problems).into()),
        LevelKey::MemberTags => level.member_tags = Some(member_tags(node, problems).into()),
        LevelKey::Missing => level.missing = Some(word("missing", node, problems).into()),
        LevelKey::Wait => level.wait = Some(duration("wait", node, problems).into()),
        LevelKey::Undeclared => level.undeclared = Some(words::placed_word("undeclared", node, problems).into()),
        LevelKey::Mismatch => level.mismatch = Some(word("mismatch", node, problems).into()),
        LevelKey::Format => level.format = Some(words::placed_word("format", node, problems).into()),
        LevelKey::Attestations => level.attestations = Some(word("attestations", node, problems).into()),
        LevelKey::Immutable => level.immutable = Some(strings::globs("immutable", node, problems).into()),
        LevelKey::Annotations => {
            level.annotations = annotations(node, problems);
            swallowed_keys(level, node);
        }
        LevelKey::ArtifactType => {
            level.artifact_type = Some(strings::media_type("artifact-type", node, problems).into());
        }
    }
}

fn fault<T>(parsed: &mut Option<Parsed<T>>) {
    parsed.get_or_insert(Parsed::Faulty);
}

/// Handles a table of names. Keys of a list in it are marked as already reported. If it is not a table, its names are
/// unknown.
fn swallowed(level: &mut Level, node: &Node) {
    match &node.value {
        TomlValue::Table(_) => swallowed_keys(level, node),
        _ => level.names_unknown = true,
    }
}

/// Marks the keys of a list that are in a table inside it as already reported.
fn swallowed_keys(level: &mut Level, node: &Node) {
    if let TomlValue::Table(table) = &node.value {
        for key in table.iter().filter_map(|(key, _)| LevelKey::find(&key.name, TableKind::List)) {
            told_of(level, key);
        }
    }
}

/// Marks the keys of `level` as already reported and its names as unknown, because its value is not a table.
pub(super) fn faulty(level: &mut Level) {
    level.names_unknown = true;
    for key in LevelKey::all(TableKind::List).filter(|key| *key != LevelKey::Convention) {
        told_of(level, key);
    }
}

/// Marks a key that was already reported as misspelled or misplaced, so that it is not also reported as missing.
pub(super) fn told_of(level: &mut Level, key: LevelKey) {
    match key {
        LevelKey::Convention => fault(&mut level.convention),
        LevelKey::Platforms => fault(&mut level.platforms),
        LevelKey::ArchStyle => fault(&mut level.arch_style),
        LevelKey::Source => fault(&mut level.source),
        LevelKey::Target => fault(&mut level.target),
        LevelKey::Repository => fault(&mut level.repository),
        LevelKey::Tags => fault(&mut level.tags),
        LevelKey::MemberTags => fault(&mut level.member_tags),
        LevelKey::Missing => fault(&mut level.missing),
        LevelKey::Wait => fault(&mut level.wait),
        LevelKey::Undeclared => fault(&mut level.undeclared),
        LevelKey::Mismatch => fault(&mut level.mismatch),
        LevelKey::Format => fault(&mut level.format),
        LevelKey::Attestations => fault(&mut level.attestations),
        LevelKey::Immutable => fault(&mut level.immutable),
        LevelKey::ArtifactType => fault(&mut level.artifact_type),
        LevelKey::Vars | LevelKey::Matrix => level.names_unknown = true,
        // Annotations are never required.
        LevelKey::Annotations => {}
    }
}

fn member_tags(node: &Node, problems: &mut ReadProblems<'_>) -> Option<Placed<Vec<SpannedTemplate>>> {
    let items = types::array("member-tags", node, problems)?;
    let tags: Vec<SpannedTemplate> =
        items.iter().filter_map(|item| template_item("member-tags", item, TemplateKind::Name, problems)).collect();
    (tags.len() == items.len()).then(|| Placed { value: tags, span: node.span.clone() })
}
