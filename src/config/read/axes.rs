//! Declared axes: an array of values, `{ lines = PATH }` or `{ tags-of = REPOSITORY, … }`.

use super::declared::{Axis, Parsed, SpannedTemplate, TagsOf};
use super::raw::{Key, Node, Table, TomlValue};
use super::read_problems::ReadProblems;
use super::template::{TemplateKind, template, template_item};
use super::{known_keys, names, types};
use crate::config::keys::{AxisKey, TableKind};
use crate::config::problem::Problem;

/// The keys that are allowed only if the values come from tags.
const OF_TAGS: [AxisKey; 3] = [AxisKey::Pattern, AxisKey::Match, AxisKey::Newest];

/// Reads `matrix`.
pub(super) fn read(table: &Table, problems: &mut ReadProblems<'_>) -> Vec<(Key, Parsed<Axis>)> {
    let mut axes = Vec::new();
    for (name, node) in table {
        if names::may_be_called(name, "matrix", problems) {
            axes.push((name.clone(), axis(name, node, problems).into()));
        } else if names::is_reserved(name) {
            // Where templates use the name, it is not reported again.
            axes.push((name.clone(), Parsed::Faulty));
        }
    }
    axes
}

fn axis(name: &Key, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Axis> {
    match &node.value {
        TomlValue::Table(table) => elsewhere(name, table, node, problems),
        _ => values(name, node, problems).map(Axis::Values),
    }
}

fn values(name: &Key, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Vec<SpannedTemplate>> {
    let items = types::array(&name.name, node, problems)?;
    if items.is_empty() {
        problems.push(
            Problem::error("mlist::config::empty_axis", format!("axis `{}` has no values", name.name))
                .at(&node.span, "expected at least one value")
                .help(format!("add a value, or replace the axis with a variable: vars.{} = \"…\"", name.name)),
        );
        return None;
    }
    let values = items
        .iter()
        .filter_map(|item| template_item(&name.name, item, TemplateKind::Value, problems))
        .collect::<Vec<_>>();
    (values.len() == items.len()).then_some(values)
}

/// Reads an axis whose values come from a file or from tags.
fn elsewhere(name: &Key, table: &Table, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Axis> {
    let found = known_keys::known(table, TableKind::Axis, problems);
    let mut faulty = found.len() < table.len();
    let (mut lines, mut repository, mut pattern, mut wanted, mut newest) = (None, None, None, None, None);
    for (key, _, node) in &found {
        let before = problems.len();
        match key {
            AxisKey::Lines => lines = template("lines", node, TemplateKind::Value, problems),
            AxisKey::TagsOf => repository = template("tags-of", node, TemplateKind::Name, problems),
            AxisKey::Pattern => pattern = template("pattern", node, TemplateKind::Name, problems),
            AxisKey::Match => wanted = types::globs("match", node, problems),
            AxisKey::Newest => newest = types::count("newest", node, problems),
        }
        faulty |= problems.len() > before;
    }
    let key = |wanted: AxisKey| found.iter().find(|(key, ..)| *key == wanted).map(|(_, written, _)| *written);
    if let (Some(one), Some(other)) = (key(AxisKey::Lines), key(AxisKey::TagsOf)) {
        problems.push(
            Problem::error(
                "mlist::config::type",
                format!("`lines` and `tags-of` cannot be combined in axis `{}`", name.name),
            )
            .at(&other.span, "keep only one of lines and tags-of")
            .at(&one.span, ""),
        );
        return None;
    }
    if let Some(file) = key(AxisKey::Lines) {
        for odd in OF_TAGS.into_iter().filter_map(key) {
            problems.push(
                Problem::error("mlist::config::misplaced_key", format!("`{}` cannot be used with `lines`", odd.name))
                    .at(&odd.span, "")
                    .at(&file.span, "each line of the file is a value")
                    .help(format!("`{}` requires an axis from tags: tags-of = \"ghcr.io/org/app\"", odd.name)),
            );
            faulty = true;
        }
    } else if key(AxisKey::TagsOf).is_none() && found.len() == table.len() {
        problems.push(
            Problem::error("mlist::config::missing_key", format!("axis `{}` requires `lines` or `tags-of`", name.name))
                .at(&node.span, "")
                .help(format!("to write the values here, use an array: {} = [\"…\"]", name.name)),
        );
        return None;
    }
    match (faulty, lines, repository) {
        (true, ..) => None,
        (_, Some(path), _) => Some(Axis::Lines(path)),
        (.., repository) => {
            let span = node.span.clone();
            repository.map(|repository| Axis::TagsOf(TagsOf { repository, pattern, wanted, newest, span }))
        }
    }
}
