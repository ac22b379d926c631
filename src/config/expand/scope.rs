//! [`ListScope`]: one `[list.ENTRY]` with the levels around it, and [`ListNames`]: the names that its
//! templates may use.
//!
//! The levels of a list are the list, its convention, `[defaults]` of its file, and `[defaults]` of the file that
//! includes its file. Names are looked up in the same order, file by file: what a file defines comes before what the
//! including file defines.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::config::problem::Problem;
use crate::config::read::declared::{Axis, Level, Parsed, ParsedFile, Variable};
use crate::config::read::raw::{Key, Text};
use crate::config::request::Override;
use crate::naming::nearest;

/// The variable that `stable` and `newest` use.
pub(super) const VERSION: &str = "version";

/// A file and what applies to all of its lists, with the file that includes it.
pub(super) struct FileScope<'a> {
    pub(super) document: &'a ParsedFile,
    outer: Option<&'a FileScope<'a>>,
    /// The names that apply if no list or convention defines them. Axes of `[defaults]` come before `--set`, and
    /// `--set` comes before `[vars]`.
    known: HashMap<&'a str, Binding<'a>>,
}

/// A list and the levels that its keys come from.
pub(super) struct ListScope<'a> {
    /// The key of the list.
    pub(super) entry: &'a Key,
    pub(super) names: ListNames<'a>,
    /// Its axes. The first one changes slowest.
    pub(super) axes: Vec<(&'a Key, &'a Parsed<Axis>)>,
    /// Nearest first.
    levels: Vec<&'a Level>,
}

/// What a name means in a list. The nearest level that defines the name decides.
#[derive(Debug, Clone, Copy)]
pub(super) enum Binding<'a> {
    Axis(&'a Parsed<Axis>),
    Variable(&'a Parsed<Variable>),
    /// From the command line.
    Set(&'a Override),
}

/// All names of a list except the built-in ones.
pub(super) struct ListNames<'a> {
    /// From `--set` for this list, the list itself and its convention.
    near: HashMap<&'a str, Binding<'a>>,
    file: &'a FileScope<'a>,
    /// A table of names could not be read. It may define names that are unknown otherwise.
    pub(super) incomplete: bool,
}

impl<'a> FileScope<'a> {
    /// The names of a file. `outer` is the file that includes it.
    pub(super) fn new(document: &'a ParsedFile, outer: Option<&'a FileScope<'a>>, overrides: &'a [Override]) -> Self {
        let mut known = HashMap::new();
        add_axes(&mut known, &document.defaults.matrix);
        let variables: HashSet<&str> = document.vars.iter().map(|(key, _)| key.name.as_str()).collect();
        // If a value is set twice, the last one counts.
        for set in overrides.iter().rev().filter(|set| set.entry.is_none() && variables.contains(set.name.as_str())) {
            known.entry(set.name.as_str()).or_insert(Binding::Set(set));
        }
        add_variables(&mut known, &document.vars);
        Self { document, outer, known }
    }

    /// The file itself, then the file that includes it.
    fn outwards(&self) -> impl Iterator<Item = &FileScope<'a>> {
        std::iter::successors(Some(self), |file| file.outer)
    }
}

impl<'a> ListNames<'a> {
    pub(super) fn get(&self, name: &str) -> Option<Binding<'a>> {
        let of_files = || self.file.outwards().find_map(|file| file.known.get(name));
        self.near.get(name).or_else(of_files).copied()
    }

    /// In alphabetical order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> {
        let of_files = self.file.outwards().flat_map(|file| file.known.keys());
        let all: BTreeSet<&'a str> = self.near.keys().chain(of_files).copied().collect();
        all.into_iter()
    }
}

/// Adds the variables of a farther level. Names that are already known are kept.
fn add_variables<'a>(known: &mut HashMap<&'a str, Binding<'a>>, level: &'a [(Key, Parsed<Variable>)]) {
    for (key, variable) in level {
        known.entry(&key.name).or_insert(Binding::Variable(variable));
    }
}

/// The same as [`add_variables`], for axes.
fn add_axes<'a>(known: &mut HashMap<&'a str, Binding<'a>>, level: &'a [(Key, Parsed<Axis>)]) {
    for (key, axis) in level {
        known.entry(&key.name).or_insert(Binding::Axis(axis));
    }
}

impl<'a> ListScope<'a> {
    /// Collects the levels of a list. `None` if the list or its convention has problems that are already reported.
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
        let names = ListNames { near, file, incomplete };
        let axes = axes(&levels, &names);
        Some(Self { entry, names, axes, levels })
    }

    /// Its levels, nearest first.
    pub(super) fn levels(&self) -> impl Iterator<Item = &'a Level> {
        self.levels.iter().copied()
    }

    /// The value of a key. It comes as a whole from the nearest level that has the key.
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
            problem.help(format!("this file defines no conventions; to define this one: [convention.{}]", name.value))
        } else {
            problem.help(format!("conventions in this file: {}", known.join(", ")))
        });
    }
    found.map(|(_, level)| level)
}

/// The axes of `[defaults]`, the convention and the list, each at the position where its name first occurs. A nearer
/// level can give an axis other values or replace it with a variable.
fn axes<'a>(levels: &[&'a Level], names: &ListNames<'a>) -> Vec<(&'a Key, &'a Parsed<Axis>)> {
    let (mut axes, mut seen) = (Vec::new(), HashSet::new());
    for (key, _) in levels.iter().rev().flat_map(|level| &level.matrix) {
        if seen.insert(&key.name)
            && let Some(Binding::Axis(axis)) = names.get(&key.name)
        {
            axes.push((key, axis));
        }
    }
    axes
}
