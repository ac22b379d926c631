//! Declared tags: templates, and tables with a template and the conditions under which the tag applies.

use super::declared::{Parsed, TagRule};
use super::raw::{Key, Node, Table, TomlValue};
use super::read_problems::ReadProblems;
use super::template::{TemplateKind, template, template_item};
use super::{known_keys, types, when};
use crate::config::keys::{TableKind, TagKey};
use crate::config::problem::Problem;
use crate::naming::nearest;

/// Reads `tags`. `None` if it is not an array, or empty.
pub(super) fn read(node: &Node, problems: &mut ReadProblems<'_>) -> Option<Vec<Parsed<TagRule>>> {
    let items = types::filled_array("tags", node, problems)?;
    Some(items.iter().map(|item| tag(item, problems).into()).collect())
}

/// Reads a template, or `{ tag = TEMPLATE, when = … }`.
fn tag(node: &Node, problems: &mut ReadProblems<'_>) -> Option<TagRule> {
    match &node.value {
        TomlValue::Table(table) => conditional(table, node, problems),
        _ => Some(TagRule { template: template_item("tags", node, TemplateKind::Name, problems)?, when: Vec::new() }),
    }
}

fn conditional(table: &Table, node: &Node, problems: &mut ReadProblems<'_>) -> Option<TagRule> {
    let mut tag = None;
    let mut when = Some(Vec::new());
    for (key, _, node) in known_keys::known(table, TableKind::Tag, problems) {
        match key {
            TagKey::Tag => tag = Some(template("tag", node, TemplateKind::Name, problems)),
            TagKey::When => when = when::read(node, when::Of::Tag, problems),
        }
    }
    let near = |(key, _): &(Key, Node)| nearest(&key.name, ["tag"]).is_some();
    // A misspelled `tag` was already reported.
    if tag.is_none() && !table.iter().any(near) {
        problems.push(
            Problem::error("mlist::config::missing_key", "a table in `tags` requires `tag`")
                .at(&node.span, "")
                .help("write { tag = \"latest\", when = \"newest\" }"),
        );
    }
    Some(TagRule { template: tag??, when: when? })
}
