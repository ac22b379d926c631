//! `annotations`: names and templates. A dot in a name is TOML's own where the name has no quotes.

use super::declared::{Annotations, Parsed};
use super::raw::{Key, Node, Value};
use super::template::template;
use super::{names, types};
use crate::config::keys;
use crate::config::problem::Problem;

/// How many names are spelled out where several stand below one that has no quotes.
const NAMED: usize = 3;

/// Reads `annotations`; those at fault are told of.
pub(super) fn annotations(node: &Node, problems: &mut Vec<Problem>) -> Annotations {
    let header = "annotations.\"NAME\" = \"…\"";
    let Some(table) = types::table("annotations", header, node, problems) else { return Vec::new() };
    let mut annotations = Annotations::new();
    for (name, node) in table {
        if keys::is_list_key(&name.name) {
            problems.push(names::swallowed(name, "annotations"));
        } else if let Value::Table(_) = node.value {
            problems.push(dotted(name, node));
            annotations.push((name.clone(), Parsed::Faulty));
        } else {
            annotations.push((name.clone(), template(&types::quoted(&name.name), node, problems).into()));
        }
    }
    annotations
}

/// `annotations.org.example.title`, which TOML reads as three tables.
fn dotted(name: &Key, node: &Node) -> Problem {
    let mut names = Vec::new();
    leaves(&name.name, node, &mut names);
    let problem = types::wrong(&format!("`{}`", name.name), "a string", node).at(&name.span, "");
    let quoted: Vec<String> =
        names.iter().take(NAMED).map(|name| format!("annotations.{}", types::quoted(name))).collect();
    match (quoted.is_empty(), names.len().saturating_sub(NAMED)) {
        (true, _) => problem.help(format!("it is written annotations.{} = \"…\"", types::quoted(&name.name))),
        (false, 0) => problem.help(format!("a name with dots stands in quotes: {}", quoted.join(", "))),
        (false, more) => {
            problem.help(format!("a name with dots stands in quotes: {} and {more} more", quoted.join(", ")))
        }
    }
}

/// The names that were meant, dots and all.
fn leaves(name: &str, node: &Node, names: &mut Vec<String>) {
    match &node.value {
        Value::Table(table) => {
            for (inner, node) in table {
                leaves(&format!("{name}.{}", inner.name), node, names);
            }
        }
        _ => names.push(name.to_owned()),
    }
}
