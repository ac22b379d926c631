//! [`ListScope`]: one `[list.ENTRY]` with the levels around it, and [`Names`]: what its templates may speak of.

use std::collections::BTreeMap;

use super::declared::{Axis, Document, Level, Slot, Variable};
use super::load::Override;
use super::problem::Problem;
use super::raw::{Key, Text};
use crate::naming::nearest;

/// A list and the levels that its keys come from.
pub(super) struct ListScope<'a> {
    /// The key of the list.
    pub(super) entry: &'a Key,
    pub(super) names: Names<'a>,
    /// Its axes, the one that turns slowest first.
    pub(super) axes: Vec<(&'a Key, &'a Slot<Axis>)>,
    /// Nearest first.
    levels: Vec<&'a Level>,
}

/// What a name means in a list: the nearest level that has it says so.
#[derive(Debug, Clone, Copy)]
pub(super) enum Binding<'a> {
    Axis(&'a Slot<Axis>),
    Variable(&'a Slot<Variable>),
    /// From the command line.
    Set(&'a Override),
}

/// All names of a list but the built-in ones.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    known: BTreeMap<&'a str, Binding<'a>>,
    /// A table of names could not be read: what is not known may have stood there.
    pub(super) incomplete: bool,
}

impl<'a> Names<'a> {
    pub(super) fn get(&self, name: &str) -> Option<Binding<'a>> {
        self.known.get(name).copied()
    }

    /// In the order of the alphabet.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.known.keys().copied()
    }

    /// A level that is farther away: what is already known stays.
    fn add_variables(&mut self, level: &'a [(Key, Slot<Variable>)]) {
        for (key, variable) in level {
            self.known.entry(&key.name).or_insert(Binding::Variable(variable));
        }
    }

    fn add_axes(&mut self, level: &'a [(Key, Slot<Axis>)]) {
        for (key, axis) in level {
            self.known.entry(&key.name).or_insert(Binding::Axis(axis));
        }
    }
}

impl<'a> ListScope<'a> {
    /// Puts the levels of a list together; none where that would only repeat what was said.
    pub(super) fn new(
        document: &'a Document,
        (entry, level): &'a (Key, Level),
        overrides: &'a [Override],
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        if level.misread {
            return None;
        }
        let asked = level.convention.as_ref().or(document.defaults.convention.as_ref());
        let convention = asked.map(|name| convention(document, name.good()?, problems));
        let convention = match convention {
            Some(None) => return None,
            Some(found) => found,
            None => None,
        };
        let levels: Vec<&Level> = [level].into_iter().chain(convention).chain([&document.defaults]).collect();

        let mut names = Names { incomplete: levels.iter().any(|level| level.names_unknown), ..Names::default() };
        // Of a value that is set twice the last counts.
        for set in overrides.iter().rev().filter(|set| set.entry.as_ref() == Some(&entry.name)) {
            names.known.entry(&set.name).or_insert(Binding::Set(set));
        }
        for level in &levels {
            names.add_variables(&level.vars);
            names.add_axes(&level.matrix);
        }
        let is_variable = |name: &str| document.vars.iter().any(|(key, _)| key.name == name);
        for set in overrides.iter().rev().filter(|set| set.entry.is_none() && is_variable(&set.name)) {
            names.known.entry(&set.name).or_insert(Binding::Set(set));
        }
        names.add_variables(&document.vars);

        let axes = axes(&levels, &names);
        Some(Self { entry, names, axes, levels })
    }

    /// The value of a key: the nearest level that has it gives it whole.
    pub(super) fn pick<T>(&self, key: impl Fn(&'a Level) -> &'a Option<Slot<T>>) -> Option<&'a Slot<T>> {
        self.levels.iter().find_map(|level| key(level).as_ref())
    }
}

fn convention<'a>(document: &'a Document, name: &Text, problems: &mut Vec<Problem>) -> Option<&'a Level> {
    let found = document.conventions.iter().find(|(key, _)| key.name == name.value);
    if found.is_none() {
        let known: Vec<&str> = document.conventions.iter().map(|(key, _)| key.name.as_str()).collect();
        let problem =
            Problem::error("mlist::config::unknown_convention", format!("unknown convention `{}`", name.value));
        let problem = match nearest(&name.value, known.iter().copied()) {
            Some(meant) => problem.at(&name.span, format!("did you mean `{meant}`?")),
            None => problem.at(&name.span, ""),
        };
        problems.push(if known.is_empty() {
            problem.help(format!("there is none in this file; one is a table of its own: [convention.{}]", name.value))
        } else {
            problem.help(format!("there are: {}", known.join(", ")))
        });
    }
    found.map(|(_, level)| level)
}

/// The axes of `[defaults]`, the convention and the list, each where its name stands first; a nearer level may give
/// it other values or make a variable of it.
fn axes<'a>(levels: &[&'a Level], names: &Names<'a>) -> Vec<(&'a Key, &'a Slot<Axis>)> {
    let mut axes: Vec<(&Key, &Slot<Axis>)> = Vec::new();
    for (key, _) in levels.iter().rev().flat_map(|level| &level.matrix) {
        if axes.iter().all(|(known, _)| known.name != key.name)
            && let Some(Binding::Axis(axis)) = names.get(&key.name)
        {
            axes.push((key, axis));
        }
    }
    axes
}
