//! [`ListScope`]: one `[list.ENTRY]` with the levels around it, and [`Names`]: what its templates may speak of.
//!
//! The levels of a list are the list, its convention, `[defaults]` of its file, and `[defaults]` of the file that
//! includes that. Names go the same way, file by file: what a file says is nearer than what another says around it.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::config::problem::Problem;
use crate::config::read::declared::{Axis, Level, Parsed, ParsedFile, Variable};
use crate::config::read::raw::{Key, Text};
use crate::config::request::Override;
use crate::naming::nearest;

/// A file, with what holds for all of its lists; and the file that includes it.
pub(super) struct FileScope<'a> {
    pub(super) document: &'a ParsedFile,
    outer: Option<&'a FileScope<'a>>,
    /// What names mean where no list or convention says it: axes of `[defaults]`, then `--set`, then `[vars]`.
    known: HashMap<&'a str, Binding<'a>>,
}

/// A list and the levels that its keys come from.
pub(super) struct ListScope<'a> {
    /// The key of the list.
    pub(super) entry: &'a Key,
    pub(super) names: Names<'a>,
    /// Its axes, the one that turns slowest first.
    pub(super) axes: Vec<(&'a Key, &'a Parsed<Axis>)>,
    /// Nearest first.
    levels: Vec<&'a Level>,
}

/// What a name means in a list: the nearest level that has it says so.
#[derive(Debug, Clone, Copy)]
pub(super) enum Binding<'a> {
    Axis(&'a Parsed<Axis>),
    Variable(&'a Parsed<Variable>),
    /// From the command line.
    Set(&'a Override),
}

/// All names of a list but the built-in ones.
pub(super) struct Names<'a> {
    /// What the command line says of this list, the list itself, its convention.
    near: HashMap<&'a str, Binding<'a>>,
    file: &'a FileScope<'a>,
    /// A table of names could not be read: what is not known may have stood there.
    pub(super) incomplete: bool,
}

impl<'a> FileScope<'a> {
    /// The names of a file; `outer` is the one that includes it.
    pub(super) fn new(document: &'a ParsedFile, outer: Option<&'a FileScope<'a>>, overrides: &'a [Override]) -> Self {
        let mut known = HashMap::new();
        add_axes(&mut known, &document.defaults.matrix);
        let variables: HashSet<&str> = document.vars.iter().map(|(key, _)| key.name.as_str()).collect();
        // Of a value that is set twice the last counts.
        for set in overrides.iter().rev().filter(|set| set.entry.is_none() && variables.contains(set.name.as_str())) {
            known.entry(set.name.as_str()).or_insert(Binding::Set(set));
        }
        add_variables(&mut known, &document.vars);
        Self { document, outer, known }
    }

    /// The file itself, then the one that includes it.
    fn outwards(&self) -> impl Iterator<Item = &FileScope<'a>> {
        std::iter::successors(Some(self), |file| file.outer)
    }
}

impl<'a> Names<'a> {
    pub(super) fn get(&self, name: &str) -> Option<Binding<'a>> {
        let of_files = || self.file.outwards().find_map(|file| file.known.get(name));
        self.near.get(name).or_else(of_files).copied()
    }

    /// In the order of the alphabet.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> {
        let of_files = self.file.outwards().flat_map(|file| file.known.keys());
        let all: BTreeSet<&'a str> = self.near.keys().chain(of_files).copied().collect();
        all.into_iter()
    }
}

/// A level that is farther away: what is already known stays.
fn add_variables<'a>(known: &mut HashMap<&'a str, Binding<'a>>, level: &'a [(Key, Parsed<Variable>)]) {
    for (key, variable) in level {
        known.entry(&key.name).or_insert(Binding::Variable(variable));
    }
}

/// As [`add_variables`].
fn add_axes<'a>(known: &mut HashMap<&'a str, Binding<'a>>, level: &'a [(Key, Parsed<Axis>)]) {
    for (key, axis) in level {
        known.entry(&key.name).or_insert(Binding::Axis(axis));
    }
}

impl<'a> ListScope<'a> {
    /// Puts the levels of a list together; none where that would only repeat what was said.
    pub(super) fn new(
        file: &'a FileScope<'a>,
        (entry, level): &'a (Key, Level),
        overrides: &'a [Override],
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        if level.misread {
            return None;
        }
        let defaults: Vec<&Level> = file.outwards().map(|file| &file.document.defaults).collect();
        let asked = [level].into_iter().chain(defaults.iter().copied()).find_map(|level| level.convention.as_ref());
        let convention = asked.map(|name| convention(file, name.good()?, problems));
        let convention = match convention {
            Some(None) => return None,
            Some(found) => found,
            None => None,
        };
        let mut near = HashMap::new();
        for set in overrides.iter().rev().filter(|set| set.entry.as_ref() == Some(&entry.name)) {
            near.entry(set.name.as_str()).or_insert(Binding::Set(set));
        }
        for level in [level].into_iter().chain(convention) {
            add_variables(&mut near, &level.vars);
            add_axes(&mut near, &level.matrix);
        }
        let levels: Vec<&Level> = [level].into_iter().chain(convention).chain(defaults).collect();
        let incomplete = levels.iter().any(|level| level.names_unknown);
        let names = Names { near, file, incomplete };
        let axes = axes(&levels, &names);
        Some(Self { entry, names, axes, levels })
    }

    /// Its levels, nearest first.
    pub(super) fn levels(&self) -> impl Iterator<Item = &'a Level> {
        self.levels.iter().copied()
    }

    /// The value of a key: the nearest level that has it gives it whole.
    pub(super) fn pick<T>(&self, key: impl Fn(&'a Level) -> &'a Option<Parsed<T>>) -> Option<&'a Parsed<T>> {
        self.levels.iter().find_map(|level| key(level).as_ref())
    }
}

fn convention<'a>(file: &'a FileScope<'a>, name: &Text, problems: &mut Vec<Problem>) -> Option<&'a Level> {
    let conventions = || file.outwards().flat_map(|file| &file.document.conventions);
    let found = conventions().find(|(key, _)| key.name == name.value);
    if found.is_none() {
        let known: Vec<&str> = conventions().map(|(key, _)| key.name.as_str()).collect();
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
fn axes<'a>(levels: &[&'a Level], names: &Names<'a>) -> Vec<(&'a Key, &'a Parsed<Axis>)> {
    let mut axes: Vec<(&'a Key, &'a Parsed<Axis>)> = Vec::new();
    for (key, _) in levels.iter().rev().flat_map(|level| &level.matrix) {
        if axes.iter().all(|(known, _)| known.name != key.name)
            && let Some(Binding::Axis(axis)) = names.get(&key.name)
        {
            axes.push((key, axis));
        }
    }
    axes
}
