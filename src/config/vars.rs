//! Variables as they are declared: a template, or `{env}`, `{file}`, `{git}` with a `default`.

use super::declared::{Phrase, Slot, Variable, VariableValue};
use super::facts::GitFact;
use super::keys::{self, GIT_WORDS, Place};
use super::problem::Problem;
use super::raw::{Key, Node, Table, Value};
use super::read;
use super::types::{self, NameKind};

/// Names that templates have without a variable.
pub(super) const MEMBER_NAMES: [&str; 3] = ["arch", "os", "platform"];

/// The table of variables that is no part of a list.
const TOP: &str = "[vars]";

/// Reads `[vars]` (`place` is the top) or `vars` of another level.
pub(super) fn read(table: &Table, place: Place, problems: &mut Vec<Problem>) -> Vec<(Key, Slot<Variable>)> {
    let mut variables = Vec::new();
    for (name, node) in table {
        if place == Place::Top && name.name == "name" {
            problems.push(
                reserved(name, "it is what a list is called").help("one list is given another: vars.name in the list"),
            );
        } else if may_be_called(name, if place == Place::Top { TOP } else { "vars" }, problems) {
            variables.push((name.clone(), variable(&name.name, node, problems).into()));
        }
    }
    variables
}

/// Whether a variable or an axis may have this name; `under` is the table it stands in.
pub(super) fn may_be_called(name: &Key, under: &str, problems: &mut Vec<Problem>) -> bool {
    if MEMBER_NAMES.contains(&name.name.as_str()) || name.name == "tag" {
        problems.push(reserved(name, "it is worked out for each member").help("give the variable another name"));
        return false;
    }
    if keys::is_list_key(&name.name) {
        problems.push(swallowed(name, under));
        return false;
    }
    NameKind::Variable.check(name, problems)
}

/// A key of a list that stands below the header of a table in it, or in `[vars]`.
pub(super) fn swallowed(key: &Key, under: &str) -> Problem {
    let place = if under == TOP { TOP.to_owned() } else { format!("`{under}`") };
    let help = match under {
        TOP => "write it in [defaults] or in a list, or give the variable another name".to_owned(),
        "platforms" | "annotations" => {
            format!("move it above the header of {place}: what follows a header belongs to it")
        }
        "matrix" => format!("move it above the header of {place}, or give the axis another name"),
        _ => format!("move it above the header of {place}, or give the variable another name"),
    };
    Problem::error("mlist::config::misplaced_key", format!("`{}` is a key of a list and stands in {place}", key.name))
        .at(&key.span, "")
        .help(help)
}

fn reserved(name: &Key, why: &str) -> Problem {
    Problem::error("mlist::config::reserved_name", format!("`{}` is no name for a variable or axis", name.name))
        .at(&name.span, why)
}

fn variable(name: &str, node: &Node, problems: &mut Vec<Problem>) -> Option<Variable> {
    let Value::Table(table) = &node.value else {
        let phrase = read::template(name, node, problems)?;
        let span = phrase.text.span.clone();
        return Some(Variable { value: VariableValue::Template(phrase), span, default: None });
    };
    let mut value = None;
    let mut default = None;
    let mut faulty = false;
    for (info, key, node) in keys::known(table, Place::Variable, problems) {
        if info.name == "default" {
            default = read::template("default", node, problems);
            faulty |= default.is_none();
            continue;
        }
        if value.is_some() {
            problems.push(
                Problem::error("mlist::config::type", format!("`{name}` has more than one place to come from"))
                    .at(&key.span, "keep one of env, file and git"),
            );
            faulty = true;
            continue;
        }
        let found = from(info.name, node, problems);
        faulty |= found.is_none();
        value = Some(found);
    }
    match value {
        Some(Some(value)) if !faulty => Some(Variable { value, span: node.span.clone(), default }),
        // An unknown key was most likely meant to be one of the three; that was said.
        None if table.iter().all(|(key, _)| key.name == "default") => {
            problems.push(
                Problem::error("mlist::config::missing_key", format!("`{name}` has no place to come from"))
                    .at(&node.span, "env, file or git is missing")
                    .help(format!("a value of its own is a string: {name} = \"…\"")),
            );
            None
        }
        _ => None,
    }
}

fn from(key: &str, node: &Node, problems: &mut Vec<Problem>) -> Option<VariableValue> {
    if key == "file" {
        return read::template(key, node, problems).map(VariableValue::File);
    }
    let text = types::text(key, node, problems)?;
    if key == "env" {
        return Some(VariableValue::Env(text.value.clone()));
    }
    let fact = match text.value.as_str() {
        "describe" => GitFact::Describe,
        "tag" => GitFact::Tags,
        "commit" => GitFact::Commit,
        "branch" => GitFact::Branch,
        _ => {
            problems.push(read::unknown_word("git", text, &GIT_WORDS.map(|(word, _)| word)));
            return None;
        }
    };
    Some(VariableValue::Git(fact))
}

impl Variable {
    /// The templates in it.
    pub(super) fn phrases(&self) -> impl Iterator<Item = &Phrase> {
        let own = match &self.value {
            VariableValue::Template(phrase) | VariableValue::File(phrase) => Some(phrase),
            VariableValue::Env(_) | VariableValue::Git(_) => None,
        };
        own.into_iter().chain(&self.default)
    }
}
