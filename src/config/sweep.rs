//! [`unknown_names`]: misspelt names in templates that no list uses. In those that lists do use, names are known more
//! exactly, and are told of there.

use std::collections::BTreeSet;

use super::declared::{Document, Level, Phrase, Slot, Variable};
use super::evaluate::place_of;
use super::problem::Problem;
use super::raw::Key;
use super::report::Problems;
use super::vars::MEMBER_NAMES;
use crate::naming::nearest;

/// Tells of every name that nothing in the file gives a meaning to. Where a table of names could not be read, none is
/// told of.
pub(super) fn unknown_names(document: &Document, problems: &mut Problems) {
    let levels: Vec<&Level> = [&document.defaults]
        .into_iter()
        .chain(document.conventions.iter().map(|(_, level)| level))
        .chain(document.lists.iter().map(|(_, level)| level))
        .collect();
    if levels.iter().any(|level| level.names_unknown) {
        return;
    }
    let mut known: BTreeSet<&str> = MEMBER_NAMES.into_iter().chain(["name"]).collect();
    known.extend(document.vars.iter().map(|(key, _)| key.name.as_str()));
    for level in &levels {
        known.extend(level.vars.iter().map(|(key, _)| key.name.as_str()));
        known.extend(level.matrix.iter().map(|(key, _)| key.name.as_str()));
    }
    let of_levels = levels.iter().flat_map(|level| phrases(level));
    for phrase in of_variables(&document.vars).chain(of_levels) {
        for placeholder in phrase.template.placeholders().filter(|word| !known.contains(word.name.as_str())) {
            let name = &placeholder.name;
            let problem = Problem::error("mlist::config::unknown_variable", format!("unknown variable `{name}`"));
            let place = place_of(phrase, placeholder);
            problems.add(match nearest(name, known.iter().copied()) {
                Some(meant) => problem.at(&place, format!("did you mean `{meant}`?")),
                None => problem.at(&place, ""),
            });
        }
    }
}

fn phrases(level: &Level) -> impl Iterator<Item = &Phrase> {
    let rows = level.platforms.iter().filter_map(Slot::good).flatten();
    let sources = rows.filter_map(|row| row.source.as_ref()).chain(&level.source).chain(&level.target);
    let axes = level.matrix.iter().filter_map(|(_, axis)| axis.good()).flatten();
    let tags = level.tags.iter().filter_map(Slot::good).flatten();
    of_variables(&level.vars).chain(axes).chain(sources.filter_map(Slot::good)).chain(tags)
}

fn of_variables(vars: &[(Key, Slot<Variable>)]) -> impl Iterator<Item = &Phrase> {
    vars.iter().filter_map(|(_, variable)| variable.good()).flat_map(Variable::phrases)
}
