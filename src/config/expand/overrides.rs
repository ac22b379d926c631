//! `--set`: whether the name exists, and whether the value reaches a selected list.

use std::collections::BTreeSet;

use super::report::Problems;
use super::scope::{Binding, FileScope, ListScope};
use crate::config::problem::Problem;
use crate::config::read::declared::Level;
use crate::config::read::raw::Key;
use crate::config::request::Override;
use crate::naming::nearest;

/// `mlist::config::unknown_set`
pub(super) fn unknown(files: &[&FileScope<'_>], overrides: &[Override], problems: &mut Problems) {
    for set in overrides {
        problems.extend(match &set.entry {
            None => unknown_in_vars(files, set),
            Some(entry) => unknown_in_list(files, entry, set),
        });
    }
}

/// The variables in `[vars]` of all files. `--set NAME=…` can set each of them.
fn variables<'a>(files: &[&FileScope<'a>]) -> impl Iterator<Item = &'a str> {
    files.iter().flat_map(|file| &file.document.vars).map(|(key, _)| key.name.as_str())
}

/// The lists of all files, each with its file.
fn lists<'s, 'a>(files: &[&'s FileScope<'a>]) -> impl Iterator<Item = (&'s FileScope<'a>, &'a (Key, Level))> {
    files.iter().flat_map(|file| file.document.lists.iter().map(|list| (*file, list)))
}

fn unknown_in_vars(files: &[&FileScope<'_>], set: &Override) -> Option<Problem> {
    let unread = files.iter().any(|file| file.document.defaults.names_unknown);
    if unread || variables(files).any(|known| known == set.name) {
        return None;
    }
    let name = &set.name;
    let known: BTreeSet<&str> = variables(files).collect();
    let problem =
        Problem::error("mlist::config::unknown_set", format!("--set {name}: variable `{name}` not found in [vars]"));
    let has = |level: &Level| level.vars.iter().any(|(key, _)| key.name == *name);
    let list = lists(files).find(|(_, (_, level))| has(level)).map(|(_, (entry, _))| entry.name.as_str());
    let mut conventions = files.iter().flat_map(|file| &file.document.conventions);
    let owner = list.or(conventions.any(|(_, level)| has(level)).then_some("LIST"));
    Some(match (owner, nearest(name, known.iter().copied())) {
        (Some(entry), _) => problem.help(format!("to set it for one list: --set {entry}:{name}=…")),
        (None, Some(meant)) => problem.help(format!("did you mean `{meant}`?")),
        (None, None) if known.is_empty() => problem.help("define variables for all lists in [vars]"),
        (None, None) => {
            let known: Vec<&str> = known.into_iter().collect();
            problem.help(format!("variables in [vars]: {}", known.join(", ")))
        }
    })
}

fn unknown_in_list(files: &[&FileScope<'_>], entry: &str, set: &Override) -> Option<Problem> {
    let name = &set.name;
    let error = |why: String| Problem::error("mlist::config::unknown_set", format!("--set {entry}:{name}: {why}"));
    let Some((file, list)) = lists(files).find(|(_, (key, _))| key.name == entry) else {
        let problem = error(format!("list `{entry}` not found"));
        let known: Vec<&str> = lists(files).map(|(_, (key, _))| key.name.as_str()).collect();
        return Some(match nearest(entry, known) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => problem.help("the part before `:` is the key of a list, without axis values"),
        });
    };
    // Problems of the list itself are reported when the list is expanded.
    let scope = ListScope::new(file, list, &[], &mut Vec::new())?;
    match scope.names.get(name) {
        Some(Binding::Variable(_) | Binding::Set(_)) => None,
        Some(Binding::Axis(_)) => {
            let problem = error(format!("`{name}` is an axis of list `{entry}`, not a variable"));
            Some(problem.help(format!("to use only one value of the axis, select that list: {entry}/VALUE")))
        }
        None => {
            let problem = error(format!("list `{entry}` has no variable `{name}`"));
            Some(match nearest(name, scope.names.iter()) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem.help(format!("add it to the list: vars.{name} = \"…\"")),
            })
        }
    }
}

/// `mlist::config::set_without_effect`. `selected` are the selected lists.
pub(super) fn without_effect(
    files: &[&FileScope<'_>],
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
            None if variables(files).any(|known| known == name) => problems.add(
                Problem::error(
                    "mlist::config::set_without_effect",
                    format!("--set {name} has no effect: all selected lists define `{name}` themselves"),
                )
                .help(format!("to set it for one list: --set LIST:{name}=…")),
            ),
            Some(entry)
                if lists(files).any(|(_, (key, _))| key.name == *entry)
                    && unknown_in_list(files, entry, set).is_none() =>
            {
                problems.add(
                    Problem::error(
                        "mlist::config::set_without_effect",
                        format!("--set {entry}:{name} has no effect: list `{entry}` is not selected"),
                    )
                    .help("select the list too, or remove the option"),
                );
            }
            _ => {}
        }
    }
}
