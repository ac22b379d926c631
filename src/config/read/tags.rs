//! Tags as they are declared: templates, and tables of a template and the conditions under which it applies.

use super::declared::{Parsed, TagRule};
use super::raw::{Key, Node, Table, Value};
use super::template::{template, template_item};
use super::{known_keys, types, when};
use crate::config::keys::{Place, TagKey};
use crate::config::problem::Problem;
use crate::naming::nearest;

/// Reads `tags`; none where it is no array with something in it.
pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Option<Vec<Parsed<TagRule>>> {
    let items = types::filled_array("tags", node, problems)?;
    Some(items.iter().map(|item| tag(item, problems).into()).collect())
}

/// A template, or `{ tag = TEMPLATE, when = … }`.
fn tag(node: &Node, problems: &mut Vec<Problem>) -> Option<TagRule> {
    match &node.value {
        Value::Table(table) => conditional(table, node, problems),
        _ => Some(TagRule { template: template_item("tags", node, problems)?, when: Vec::new() }),
    }
}

fn conditional(table: &Table, node: &Node, problems: &mut Vec<Problem>) -> Option<TagRule> {
    let mut tag = None;
    let mut when = Some(Vec::new());
    for (key, _, node) in known_keys::known(table, Place::Tag, problems) {
        match key {
            TagKey::Tag => tag = Some(template("tag", node, problems)),
            TagKey::When => when = when::read(node, when::Of::Tag, problems),
        }
    }
    let near = |(key, _): &(Key, Node)| nearest(&key.name, ["tag"]).is_some();
    // A misspelt `tag` was told of as such.
    if tag.is_none() && !table.iter().any(near) {
        problems.push(
            Problem::error("mlist::config::missing_key", "a table in `tags` has no `tag`")
                .at(&node.span, "")
                .help("{ tag = \"latest\", when = \"newest\" }"),
        );
    }
    Some(TagRule { template: tag??, when: when? })
}
