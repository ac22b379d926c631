//! `annotations`: names and templates. A name with a dot must have quotes, because otherwise TOML parses the dot as a
//! separator of tables.

use super::declared::{Annotations, Parsed};
use super::raw::{Key, Node, TomlValue};
use super::read_problems::ReadProblems;
use super::template::{TemplateKind, template};
use super::{names, types};
use crate::config::keys;
use crate::config::problem::Problem;

/// The maximum number of quoted names that a message suggests for one name without quotes.
const NAMED: usize = 3;

/// Reads `annotations` and reports invalid ones.
pub(super) fn annotations(node: &Node, problems: &mut ReadProblems<'_>) -> Annotations {
    let header = "annotations.\"NAME\" = \"…\"";
    let Some(table) = types::table("annotations", header, node, problems) else { return Vec::new() };
    let mut annotations = Annotations::new();
    for (name, node) in table {
        if keys::is_list_key(&name.name) {
            problems.push(names::swallowed(name, "annotations"));
        } else if let TomlValue::Table(_) = node.value {
            problems.push(dotted(name, node));
            annotations.push((name.clone(), Parsed::Faulty));
        } else {
            annotations
                .push((name.clone(), template(&types::quoted(&name.name), node, TemplateKind::Text, problems).into()));
        }
    }
    annotations
}

/// Returns the problem with a name such as `annotations.org.example.title`, which TOML parses as nested tables.
fn dotted(name: &Key, node: &Node) -> Problem {
    let mut names = Vec::new();
    leaves(&name.name, node, &mut names);
    let problem = types::wrong(&format!("`{}`", name.name), "a string", node).at(&name.span, "");
    let quoted: Vec<String> =
        names.iter().take(NAMED).map(|name| format!("annotations.{}", types::quoted(name))).collect();
    match (quoted.is_empty(), names.len().saturating_sub(NAMED)) {
        (true, _) => problem.help(format!("write annotations.{} = \"…\"", types::quoted(&name.name))),
        (false, 0) => problem.help(format!("put quotes around a name with dots: {}", quoted.join(", "))),
        (false, more) => {
            problem.help(format!("put quotes around a name with dots: {} and {more} more", quoted.join(", ")))
        }
    }
}

/// Collects the intended names, with their dots.
fn leaves(name: &str, node: &Node, names: &mut Vec<String>) {
    match &node.value {
        TomlValue::Table(table) => {
            for (inner, node) in table {
                leaves(&format!("{name}.{}", inner.name), node, names);
            }
        }
        _ => names.push(name.to_owned()),
    }
}
