//! `--set`: whether what is set is there, and whether it reaches a list.

use super::declared::{Document, Level};
use super::load::Override;
use super::problem::Problem;
use super::report::Problems;
use super::scope::{Binding, ListScope};
use crate::naming::nearest;

/// `mlist::config::unknown_set`
pub(super) fn unknown(document: &Document, overrides: &[Override], problems: &mut Problems) {
    for set in overrides {
        problems.extend(match &set.entry {
            None => unknown_in_vars(document, set),
            Some(entry) => unknown_in_list(document, entry, set),
        });
    }
}

fn unknown_in_vars(document: &Document, set: &Override) -> Option<Problem> {
    let known: Vec<&str> = document.vars.iter().map(|(key, _)| key.name.as_str()).collect();
    if known.contains(&set.name.as_str()) || document.defaults.names_unknown {
        return None;
    }
    let name = &set.name;
    let problem = Problem::error("mlist::config::unknown_set", format!("--set {name}: [vars] has no `{name}`"));
    let has = |level: &Level| level.vars.iter().any(|(key, _)| key.name == *name);
    let list = document.lists.iter().find(|(_, level)| has(level)).map(|(entry, _)| entry.name.as_str());
    let owner = list.or(document.conventions.iter().any(|(_, level)| has(level)).then_some("ENTRY"));
    Some(match (owner, nearest(name, known.iter().copied())) {
        (Some(entry), _) => problem.help(format!("to set it for one list: --set {entry}:{name}=…")),
        (None, Some(meant)) => problem.help(format!("did you mean `{meant}`?")),
        (None, None) if known.is_empty() => problem.help("[vars] is where variables for every list stand"),
        (None, None) => problem.help(format!("there are: {}", known.join(", "))),
    })
}

fn unknown_in_list(document: &Document, entry: &str, set: &Override) -> Option<Problem> {
    let name = &set.name;
    let error = |why: String| Problem::error("mlist::config::unknown_set", format!("--set {entry}:{name}: {why}"));
    let Some(list) = document.lists.iter().find(|(key, _)| key.name == entry) else {
        let problem = error(format!("there is no list `{entry}`"));
        let known: Vec<&str> = document.lists.iter().map(|(key, _)| key.name.as_str()).collect();
        return Some(match nearest(entry, known) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => problem.help("the word before `:` is the key of a list, without its axes"),
        });
    };
    // Problems of the list itself are told where the list is expanded.
    let scope = ListScope::new(document, list, &[], &mut Vec::new())?;
    match scope.names.get(name) {
        Some(Binding::Variable(_) | Binding::Set(_)) => None,
        Some(Binding::Axis(_)) => Some(error(format!("`{name}` is an axis there, no variable"))),
        None => {
            let problem = error(format!("`{entry}` has no variable `{name}`"));
            Some(match nearest(name, scope.names.iter()) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem.help(format!("to give it one: vars.{name} = \"…\" in the list")),
            })
        }
    }
}

/// `mlist::config::set_without_effect`; `selected` are the lists that are.
pub(super) fn without_effect(
    document: &Document,
    overrides: &[Override],
    selected: &[&ListScope<'_>],
    problems: &mut Problems,
) {
    if selected.is_empty() {
        return;
    }
    for set in overrides {
        let name = &set.name;
        let reaches = |list: &ListScope<'_>| matches!(list.names.get(name), Some(Binding::Set(found)) if found.entry == set.entry);
        if selected.iter().any(|list| reaches(list)) {
            continue;
        }
        match &set.entry {
            None if document.vars.iter().any(|(key, _)| key.name == *name) => problems.add(
                Problem::error(
                    "mlist::config::set_without_effect",
                    format!("--set {name} reaches no list: those that are selected give `{name}` themselves"),
                )
                .help(format!("to set a list's own: --set ENTRY:{name}=…")),
            ),
            Some(entry)
                if document.lists.iter().any(|(key, _)| key.name == *entry)
                    && unknown_in_list(document, entry, set).is_none() =>
            {
                problems.add(
                    Problem::error(
                        "mlist::config::set_without_effect",
                        format!("--set {entry}:{name} reaches no list: `{entry}` is not selected"),
                    )
                    .help("select the list too, or leave the value out"),
                );
            }
            _ => {}
        }
    }
}
