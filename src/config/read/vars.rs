//! Declared variables: a template, or a table with `env`, `file` or `git`, and an optional `default`.

use super::declared::{Parsed, Variable, VariableValue};
use super::raw::{Key, Node, Table, TomlValue};
use super::read_problems::ReadProblems;
use super::template::{TemplateKind, template};
use super::words::unknown_word;
use super::{known_keys, names, types};
use crate::config::facts::GitFact;
use crate::config::keys::{GIT_WORDS, TableKind, VariableKey};
use crate::config::problem::Problem;

/// Reads `[vars]` if `table_kind` is the top level, otherwise `vars` in another table.
pub(super) fn read(
    table: &Table,
    table_kind: TableKind,
    problems: &mut ReadProblems<'_>,
) -> Vec<(Key, Parsed<Variable>)> {
    let mut variables = Vec::new();
    for (name, node) in table {
        if table_kind == TableKind::Top && name.name == "name" {
            let message = "`name` cannot be defined in [vars]: `{name}` is the name of each list";
            problems.push(
                Problem::error("mlist::config::reserved_name", message)
                    .at(&name.span, "")
                    .help("to set it for one list, write vars.name = \"…\" in that list"),
            );
        } else if names::may_be_called(name, if table_kind == TableKind::Top { names::TOP } else { "vars" }, problems) {
            variables.push((name.clone(), variable(&name.name, node, problems).into()));
        } else {
            // Where templates use the name, it is not reported again.
            variables.push((name.clone(), Parsed::Faulty));
        }
    }
    variables
}

fn variable(name: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Variable> {
    let TomlValue::Table(table) = &node.value else {
        let template = template(name, node, TemplateKind::Value, problems)?;
        let span = template.text.span.clone();
        return Some(Variable { value: VariableValue::Template(template), span, default: None });
    };
    let mut value = None;
    let mut first: Option<&Key> = None;
    let mut default = None;
    let mut faulty = false;
    for (key, written, node) in known_keys::known(table, TableKind::Variable, problems) {
        let read: fn(&Node, &mut ReadProblems<'_>) -> Option<VariableValue> = match key {
            VariableKey::Env => env,
            VariableKey::File => file,
            VariableKey::Git => git,
            VariableKey::Default => {
                default = template("default", node, TemplateKind::Value, problems);
                faulty |= default.is_none();
                continue;
            }
        };
        if let Some(first) = first {
            let message = format!("`{}` and `{}` cannot be combined in variable `{name}`", first.name, written.name);
            problems.push(Problem::error("mlist::config::type", message).at(&written.span, "keep only one of the two"));
            faulty = true;
            continue;
        }
        let found = read(node, problems);
        faulty |= found.is_none();
        value = Some(found);
        first = Some(written);
    }
    match value {
        Some(Some(value)) if !faulty => Some(Variable { value, span: node.span.clone(), default }),
        // An unknown key was probably intended as `env`, `file` or `git`, and was already reported.
        None if table.iter().all(|(key, _)| key.name == "default") => {
            problems.push(
                Problem::error(
                    "mlist::config::missing_key",
                    format!("variable `{name}` requires `env`, `file` or `git`"),
                )
                .at(&node.span, "")
                .help(format!("to write the value here, use a string: {name} = \"…\"")),
            );
            None
        }
        _ => None,
    }
}

fn env(node: &Node, problems: &mut ReadProblems<'_>) -> Option<VariableValue> {
    types::text("env", node, problems).map(|text| VariableValue::Env(text.value.clone()))
}

fn file(node: &Node, problems: &mut ReadProblems<'_>) -> Option<VariableValue> {
    template("file", node, TemplateKind::Value, problems).map(VariableValue::File)
}

fn git(node: &Node, problems: &mut ReadProblems<'_>) -> Option<VariableValue> {
    let text = types::text("git", node, problems)?;
    let fact = match text.value.as_str() {
        "describe" => GitFact::Describe,
        "tag" => GitFact::Tags,
        "commit" => GitFact::Commit,
        "branch" => GitFact::Branch,
        _ => {
            problems.push(unknown_word("git", text, &GIT_WORDS.map(|(word, _)| word)));
            return None;
        }
    };
    Some(VariableValue::Git(fact))
}
