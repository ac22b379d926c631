//! [`load`]: the text of manifests.toml and the facts it asks for → publications, or every problem of it at once.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::claims::Claimant;
use super::declared::{Document, Slot};
use super::evaluate::{Evaluator, Need};
use super::expand::{Instance, Made};
use super::facts::{Facts, Question};
use super::report::Problems;
use super::scope::ListScope;
use super::select::Selection;
use super::{Problem, Publication, RegistrySettings, Sources, Trust};
use super::{claims, matrix, overrides, raw, read, sweep, trust};

/// `--set [ENTRY:]NAME=VALUE`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Only for the lists of this entry, whose own variable it replaces; else for `[vars]`.
    pub entry: Option<String>,
    /// The variable.
    pub name: String,
    /// Its value: no template.
    pub value: String,
}

/// What is to be loaded.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// All files.
    pub sources: &'a Sources,
    /// The number of manifests.toml among them.
    pub file: usize,
    /// Values from the command line.
    pub overrides: &'a [Override],
    /// Which publications; empty: all.
    pub selectors: &'a [String],
    /// What the file may reach.
    pub trust: &'a Trust,
}

/// What [`load`] says.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// These must be answered first; never empty, none that the facts answer.
    Needs(BTreeSet<Question>),
    /// Done, with or without problems.
    Done(Loaded),
}

/// What a file holds.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The selected publications, in the order of the file. Meaningless where a problem is an error.
    pub publications: Vec<Arc<Publication>>,
    /// What the file says of registries, in its order; no host twice.
    pub registries: Vec<RegistrySettings>,
    /// Errors and warnings, in the order of the file.
    pub problems: Vec<Problem>,
}

/// Loads by what is known. The same file and facts give the same, and what no selected list needs is not asked for.
#[must_use]
pub fn load(request: Request<'_>, facts: &Facts) -> Outcome {
    let Some(source) = request.sources.get(request.file) else { return Outcome::Done(Loaded::default()) };
    let (tree, mut found) = raw::parse(request.file, &source.text);
    let Some(tree) = tree else { return Outcome::Done(Loaded { problems: found, ..Loaded::default() }) };
    let document = read::document(&tree, &mut found);

    let base = Path::new(&source.name).parent().unwrap_or(Path::new(""));
    let mut evaluator = Evaluator::new(facts, base, request.trust);
    evaluator.problems.extend(found);
    overrides::unknown(&document, request.overrides, &mut evaluator.problems);
    let lists = lists(&document, request.overrides, &mut evaluator.problems);
    let publications = expand(&document, &lists, request, &mut evaluator);
    let registries = registries(&document, base, request.trust, &mut evaluator);

    if !evaluator.questions.is_empty() {
        return Outcome::Needs(evaluator.questions);
    }
    sweep::unknown_names(&document, &mut evaluator.problems);
    Outcome::Done(Loaded { publications, registries, problems: evaluator.problems.finish() })
}

/// What `[registry]` says, as far as whoever wrote it may say it.
fn registries(document: &Document, base: &Path, trust: &Trust, evaluator: &mut Evaluator<'_>) -> Vec<RegistrySettings> {
    let registries: Vec<RegistrySettings> =
        document.registries.iter().map(|settings| settings.clone().under(base)).collect();
    if trust.author.is_stranger() {
        let (limits, warning) = trust::limits_alone(registries);
        evaluator.problems.extend(warning);
        return limits;
    }
    for settings in &registries {
        let client = settings.client.iter().flat_map(|files| [&files.certificate, &files.key]);
        for file in settings.ca.iter().chain(client) {
            let shown = file.value.display().to_string();
            if let Err(Some(problem)) = evaluator.may_follow(&file.value, &shown, Need::Must) {
                evaluator.problems.add(problem.at(&file.span, format!("for {}", settings.host)));
            }
        }
    }
    registries
}

/// The lists, each with its levels; with what is wrong with one as a whole.
fn lists<'a>(document: &'a Document, overrides: &'a [Override], problems: &mut Problems) -> Vec<ListScope<'a>> {
    let mut lists = Vec::new();
    for list in &document.lists {
        let mut found = Vec::new();
        let scope = ListScope::new(document, list, overrides, &mut found);
        if let Some(scope) = &scope {
            found.extend(missing_keys(scope));
        }
        for problem in found {
            problems.add_for(&list.0.name, problem);
        }
        lists.extend(scope);
    }
    lists
}

/// `mlist::config::missing_key`, once for all keys that a list lacks.
fn missing_keys(list: &ListScope<'_>) -> Option<Problem> {
    let rows = list.pick(|level| &level.platforms);
    let needs_source =
        rows.is_none_or(|rows| matches!(rows, Slot::Good(rows) if rows.iter().any(|row| row.source.is_none())));
    let has = [
        ("platforms", "[\"linux/amd64\", \"linux/arm64\"]", rows.is_some()),
        ("source", "\"ghcr.io/org/{name}-{arch}:v1\"", !needs_source || list.pick(|level| &level.source).is_some()),
        ("target", "\"ghcr.io/org/{name}\"", list.pick(|level| &level.target).is_some()),
        ("tags", "[\"v1\"]", list.pick(|level| &level.tags).is_some()),
    ];
    let missing: Vec<_> = has.into_iter().filter(|(.., there)| !there).collect();
    let (first, example, _) = missing.first()?;
    let names: Vec<String> = missing.iter().map(|(name, ..)| format!("`{name}`")).collect();
    Some(
        Problem::error("mlist::config::missing_key", format!("`{}` has no {}", list.entry.name, names.join(", no ")))
            .at(&list.entry.span, "")
            .help(format!("there, in its convention or in [defaults]: {first} = {example}")),
    )
}

/// All lists → the publications that are selected.
fn expand(
    document: &Document,
    lists: &[ListScope<'_>],
    request: Request<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Vec<Arc<Publication>> {
    let mut selection = Selection::new(request.selectors, &mut evaluator.problems);
    let mut callable: Vec<String> = Vec::new();
    let mut instances = Vec::new();
    let mut room = matrix::Room::default();
    for list in lists {
        let entry = list.entry.name.as_str();
        let need = if selection.is_everything() || selection.surely_means(&[entry]) { Need::Must } else { Need::Ask };
        if !list.axes.is_empty() {
            callable.push(entry.to_owned());
        }
        for axes in matrix::combinations(list, need, &mut room, evaluator).unwrap_or_default() {
            let instance = Instance { list, id: matrix::id(entry, &axes), axes };
            let selected = is_selected(&instance, &mut selection, evaluator);
            callable.push(instance.id.shown().to_owned());
            instances.push((instance, selected));
        }
    }

    let ids = instances.iter().map(|(instance, _)| (&instance.id, instance.list.entry));
    claims::ids(ids, &mut evaluator.problems);
    let mut all: Vec<(Made, &Instance<'_>, bool)> = Vec::new();
    for (instance, selected) in &instances {
        let need = if *selected { Need::Must } else { Need::Never };
        if let Ok(made) = instance.publication(need, evaluator) {
            if !selection.is_everything() {
                let Publication { id, entry, name, .. } = &made.publication;
                let mut called = made.names.all();
                called.extend([id, entry, name].map(String::clone));
                selection.means(&called.iter().map(String::as_str).collect::<Vec<_>>());
            }
            all.push((made, instance, *selected));
        }
    }
    let claimants = all.iter().map(|(Made { publication, names, .. }, instance, _)| {
        let entry = instance.list.entry;
        Claimant { publication, names, id: &instance.id, entry }
    });
    claims::tags(claimants, &mut evaluator.problems);
    let selected: Vec<&ListScope<'_>> =
        instances.iter().filter(|(_, selected)| *selected).map(|(instance, _)| instance.list).collect();
    overrides::without_effect(document, request.overrides, &selected, &mut evaluator.problems);
    let ids: Vec<&str> = callable.iter().map(String::as_str).collect();
    let names: Vec<&str> = all.iter().map(|(made, ..)| made.name.shown()).collect();
    selection.report(&ids, &names, &mut evaluator.problems);
    all.into_iter().filter(|(.., selected)| *selected).map(|(made, ..)| Arc::new(made.publication)).collect()
}

fn is_selected(instance: &Instance<'_>, selection: &mut Selection, evaluator: &mut Evaluator<'_>) -> bool {
    if selection.is_everything() {
        return true;
    }
    let name = instance.name(Need::Ask, evaluator).unwrap_or_default();
    let mut names = vec![instance.id.text(), instance.list.entry.name.as_str(), name.text()];
    if selection.surely_means(&names) {
        return true;
    }
    // Only now: what a repository needs may have to be asked for.
    if !instance.target_template().is_some_and(|target| selection.may_mean_target(target)) {
        return selection.means(&names);
    }
    let target = instance.target(Need::Ask, evaluator).map(|target| target.all()).unwrap_or_default();
    names.extend(target.iter().map(String::as_str));
    selection.means(&names)
}

#[cfg(test)]
mod tests;
