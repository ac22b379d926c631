//! [`unknown_names`]: misspelled names in templates that no list uses. In templates that lists use, the known names can
//! be determined more exactly. Their problems are reported when the list is expanded.

use std::collections::BTreeSet;

use super::evaluate::place_of;
use super::include::ParsedFiles;
use super::report::Problems;
use crate::config::problem::Problem;
use crate::config::read::declared::{
    Axis, DeclaredOsVersion, Level, Parsed, ParsedFile, Row, SpannedTemplate, Target, Variable,
};
use crate::config::read::names::MEMBER_NAMES;
use crate::config::read::raw::Key;
use crate::naming::nearest;

/// Reports each name that no file defines. An included file sees its own names and those of the file that includes it.
/// All files can use the templates of the including file, so these may use the names of all files. Nothing is reported
/// if a table of names could not be read.
pub(super) fn unknown_names(files: &ParsedFiles, problems: &mut Problems) {
    if files.all().flat_map(levels).any(|level| level.names_unknown) || files.incomplete {
        return;
    }
    let mut outer = DefinedNames::of(&files.root);
    for file in &files.included {
        let own = DefinedNames::of(file);
        told(file, &[&own, &outer], problems);
    }
    outer.0.extend(files.included.iter().flat_map(|file| DefinedNames::of(file).0));
    told(&files.root, &[&outer], problems);
}

/// The names that a file defines.
struct DefinedNames<'a>(BTreeSet<&'a str>);

impl<'a> DefinedNames<'a> {
    fn of(document: &'a ParsedFile) -> Self {
        let mut known: BTreeSet<&str> = document.vars.iter().map(|(key, _)| key.name.as_str()).collect();
        for level in levels(document) {
            known.extend(level.vars.iter().map(|(key, _)| key.name.as_str()));
            known.extend(level.matrix.iter().map(|(key, _)| key.name.as_str()));
        }
        Self(known)
    }
}

fn told(document: &ParsedFile, known: &[&DefinedNames<'_>], problems: &mut Problems) {
    let is_known = |name: &str| {
        matches!(name, "name" | "tag")
            || MEMBER_NAMES.contains(&name)
            || known.iter().any(|known| known.0.contains(name))
    };
    let of_levels = levels(document).flat_map(templates);
    for template in of_variables(&document.vars).chain(of_levels) {
        for placeholder in template.template.placeholders().filter(|word| !is_known(&word.name)) {
            let name = &placeholder.name;
            let problem = Problem::error("mlist::config::unknown_variable", format!("unknown variable `{name}`"));
            let place = place_of(template, placeholder);
            let all: BTreeSet<&str> =
                known.iter().flat_map(|known| &known.0).copied().chain(MEMBER_NAMES).chain(["name", "tag"]).collect();
            problems.add(match nearest(name, all) {
                Some(meant) => problem.at(&place, format!("did you mean `{meant}`?")),
                None => problem.at(&place, ""),
            });
        }
    }
}

fn levels(document: &ParsedFile) -> impl Iterator<Item = &Level> {
    let named = document.conventions.iter().chain(&document.lists).map(|(_, level)| level);
    [&document.defaults].into_iter().chain(named)
}

/// All templates of a level.
pub(super) fn templates(level: &Level) -> Vec<&SpannedTemplate> {
    let rows: Vec<&Row> = level.platforms.iter().filter_map(Parsed::good).flatten().collect();
    let targets: Vec<&Target> =
        level.target.iter().filter_map(Parsed::good).flatten().filter_map(Parsed::good).collect();
    let axes = level.matrix.iter().filter_map(|(_, axis)| axis.good()).flat_map(Axis::templates);
    let member_tags = level.member_tags.iter().filter_map(Parsed::good).flat_map(|placed| &placed.value);
    let tags = level.tags.iter().filter_map(Parsed::good).flatten().filter_map(Parsed::good).map(|tag| &tag.template);
    let sources = rows.iter().filter_map(|row| row.source.as_ref()).chain(&level.source).filter_map(Parsed::good);
    let from = rows.iter().filter_map(|row| match row.os_version.as_ref()?.good()? {
        DeclaredOsVersion::Of { from, .. } => Some(from),
        DeclaredOsVersion::Literal(_) | DeclaredOsVersion::Fits(_) => None,
    });
    let annotations = rows.iter().flat_map(|row| &row.annotations).chain(&level.annotations);
    let annotations = annotations.filter_map(|(_, annotation)| annotation.good());
    let repositories = targets.iter().map(|target| &target.repository);
    let of_targets = targets.iter().flat_map(|target| templates(&target.level));
    of_variables(&level.vars)
        .chain(axes)
        .chain(sources)
        .chain(from)
        .chain(annotations)
        .chain(repositories)
        .chain(of_targets)
        .chain(tags)
        .chain(member_tags)
        .collect()
}

fn of_variables(vars: &[(Key, Parsed<Variable>)]) -> impl Iterator<Item = &SpannedTemplate> {
    vars.iter().filter_map(|(_, variable)| variable.good()).flat_map(Variable::templates)
}
