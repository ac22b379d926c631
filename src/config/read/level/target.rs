//! `target`: a repository, a target table, or an array of both.

use super::fill_all;
use crate::config::keys::TableKind;
use crate::config::problem::Problem;
use crate::config::read::declared::{Level, Parsed, Target};
use crate::config::read::raw::{Node, Table, TomlValue};
use crate::config::read::read_problems::ReadProblems;
use crate::config::read::template::{TemplateKind, template, template_item};
use crate::config::read::types;

/// Reads `target`. If there are several, each invalid one is reported by itself.
pub(super) fn targets(node: &Node, problems: &mut ReadProblems<'_>) -> Option<Vec<Parsed<Target>>> {
    match &node.value {
        TomlValue::Table(table) => Some(vec![of_table(table, node, problems).into()]),
        TomlValue::Array(_) => {
            let items = types::filled_array("target", node, problems)?;
            Some(items.iter().map(|item| of_item(item, problems).into()).collect())
        }
        TomlValue::Text(_) | TomlValue::Other { .. } => {
            let repository = template("target", node, TemplateKind::Name, problems)?;
            Some(vec![Parsed::Good(Target { repository, level: Level::default() })])
        }
    }
}

fn of_item(item: &Node, problems: &mut ReadProblems<'_>) -> Option<Target> {
    match &item.value {
        TomlValue::Table(table) => of_table(table, item, problems),
        TomlValue::Array(_) => {
            problems.push(
                types::wrong("an item of `target`", "a repository or a target table", item)
                    .at(&item.span, "")
                    .help("write \"ghcr.io/org/app\" or { repository = \"ghcr.io/org/app\" }"),
            );
            None
        }
        TomlValue::Text(_) | TomlValue::Other { .. } => {
            let repository = template_item("target", item, TemplateKind::Name, problems)?;
            Some(Target { repository, level: Level::default() })
        }
    }
}

/// Reads `{ repository = …, … }`. Invalid keys other than `repository` are reported, and the target is still returned.
fn of_table(table: &Table, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Target> {
    let mut level = Level::default();
    fill_all(&mut level, table, TableKind::Target, problems);
    let repository = level.repository.take();
    if repository.is_none() {
        problems.push(
            Problem::error("mlist::config::missing_key", "a target table requires `repository`")
                .at(&node.span, "")
                .help("add the repository to publish to: repository = \"ghcr.io/org/app\""),
        );
    }
    match repository? {
        Parsed::Good(repository) => Some(Target { repository, level }),
        Parsed::Faulty => None,
    }
}
