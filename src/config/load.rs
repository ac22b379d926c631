//! [`Loader`]: the text of manifests.toml and the facts it asks for → publications, or every problem of it at once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::claims::{Claimant, Race};
use super::declared::{Axis, ParsedFile, Slot, Target};
use super::evaluate::{Evaluator, Need};
use super::expand::{Aim, Instance, Made, Product};
use super::facts::{Facts, Question};
use super::include::{Files, ParsedIncludes};
use super::matrix::Combinations;
use super::model::LeftOut;
use super::parsed::Parsed;
use super::report::Problems;
use super::scope::{FileScope, ListScope};
use super::select::Selection;
use super::{Problem, Publication, RegistrySettings, Sources, Trust};
use super::{claims, include, lacking, matrix, overrides, sweep, trust};
use crate::oci::Place;

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
    /// The files that are there so far.
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

/// What [`Loader::load`] says.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The machine must answer these first; never empty, none that the facts answer.
    Needs(BTreeSet<Question>),
    /// The tags of these repositories must be listed first; never empty, none that the facts have. Also all that is
    /// known without them, with [`Loaded::unexpanded`].
    NeedsTags(BTreeSet<Place>, Loaded),
    /// Done, with or without problems.
    Done(Loaded),
}

/// What a file holds.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The selected publications, in the order of the file. Meaningless where a problem is an error.
    pub publications: Vec<Arc<Publication>>,
    /// Selected lists to which no tag applies, in the order of the file.
    pub left_out: Vec<LeftOut>,
    /// Selected entries of which nobody knows for which lists they stand before tags are listed. They were looked at as
    /// far as they are lists without them.
    pub unexpanded: Vec<String>,
    /// What the file says of registries, in its order; no host twice.
    pub registries: Vec<RegistrySettings>,
    /// Errors and warnings, in the order of the file; those of files that it includes behind its own.
    pub problems: Vec<Problem>,
    /// What spans point into: the files that were there, and behind them those that are included, in path order.
    pub sources: Sources,
}

/// Loads manifests.toml as facts come in. Its files are parsed once.
#[derive(Debug)]
pub struct Loader<'a> {
    request: Request<'a>,
    root: Parsed,
    included: ParsedIncludes,
}

impl<'a> Loader<'a> {
    /// Parses manifests.toml.
    #[must_use]
    pub fn new(request: Request<'a>) -> Self {
        let nothing = || Parsed { file: None, problems: Vec::new() };
        let root = request.sources.get(request.file).map_or_else(nothing, |file| Parsed::root(request.file, file));
        Self { request, root, included: BTreeMap::new() }
    }

    /// Loads by what is known. The same file and facts give the same, and what no selected list needs is not asked for.
    #[must_use]
    pub fn load(&mut self, facts: &Facts) -> Outcome {
        let (request, mut sources, found) = (self.request, self.request.sources.clone(), self.root.problems.clone());
        let Some(root) = &self.root.file else {
            return Outcome::Done(Loaded { problems: found, sources, ..Loaded::default() });
        };
        let mut evaluator = Evaluator::new(facts, request.sources, request.trust);
        evaluator.problems.extend(found);
        let files = include::files(Arc::clone(root), &mut self.included, &mut sources, &mut evaluator);
        if evaluator.questions.is_empty() {
            loaded(&files, sources, request, evaluator)
        } else {
            Outcome::Needs(evaluator.questions)
        }
    }
}

/// Expands the files to publications.
fn loaded(files: &Files, sources: Sources, request: Request<'_>, mut evaluator: Evaluator<'_>) -> Outcome {
    let base =
        sources.get(request.file).and_then(|file| Path::new(&*file.name).parent()).unwrap_or(Path::new("")).to_owned();
    let root = FileScope::new(&files.root, None, request.overrides);
    let included = files.included.iter().map(|file| FileScope::new(file, Some(&root), request.overrides));
    let included: Vec<FileScope<'_>> = included.collect();
    let scopes: Vec<&FileScope<'_>> = [&root].into_iter().chain(&included).collect();
    if !files.incomplete {
        overrides::unknown(&scopes, request.overrides, &mut evaluator.problems);
    }
    let lists = lists(&scopes, request.overrides, &mut evaluator.problems);
    let Loaded { publications, left_out, unexpanded, .. } = expand(files, &scopes, &lists, request, &mut evaluator);
    let registries = registries(&files.root, &base, request.trust, &mut evaluator);

    if !evaluator.questions.is_empty() {
        return Outcome::Needs(evaluator.questions);
    }
    sweep::unknown_names(files, &mut evaluator.problems);
    let Evaluator { problems, unlisted, .. } = evaluator;
    let problems = problems.finish();
    let loaded = Loaded { publications, left_out, unexpanded, registries, problems, sources };
    if unlisted.is_empty() { Outcome::Done(loaded) } else { Outcome::NeedsTags(unlisted, loaded) }
}

/// What `[registry]` says, as far as whoever wrote it may say it.
fn registries(
    document: &ParsedFile,
    base: &Path,
    trust: &Trust,
    evaluator: &mut Evaluator<'_>,
) -> Vec<RegistrySettings> {
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
fn lists<'a>(files: &[&'a FileScope<'a>], overrides: &'a [Override], problems: &mut Problems) -> Vec<ListScope<'a>> {
    let mut lists = Vec::new();
    for (file, list) in files.iter().flat_map(|file| file.document.lists.iter().map(move |list| (*file, list))) {
        let mut found = Vec::new();
        let scope = ListScope::new(file, list, overrides, &mut found);
        if let Some(scope) = &scope {
            found.extend(lacking::missing_keys(scope));
        }
        for problem in found {
            problems.add_for(&list.0.name, problem);
        }
        lists.extend(scope);
    }
    lists
}

/// All lists → the publications that are selected, and those without a tag.
fn expand(
    files: &Files,
    scopes: &[&FileScope<'_>],
    lists: &[ListScope<'_>],
    request: Request<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Loaded {
    let mut selection = Selection::new(request.selectors, &mut evaluator.problems);
    let mut callable: Vec<String> = Vec::new();
    let mut instances = Vec::new();
    let mut unexpanded = Vec::new();
    let mut room = matrix::Room::default();
    for list in lists {
        let entry = list.entry.name.as_str();
        let need = need_of_axes(list, &mut selection);
        if !list.axes.is_empty() {
            callable.push(entry.to_owned());
        }
        let Ok(Combinations { all, open }) = matrix::combinations(list, need, &mut room, evaluator) else { continue };
        if open && need != Need::Never {
            unexpanded.push((entry.to_owned(), need));
        }
        for axes in all {
            let instance = Instance { list, id: matrix::id(entry, &axes), axes, open };
            if !open {
                callable.push(instance.id.shown().to_owned());
            }
            instances.push(instance);
        }
    }

    let ids = instances.iter().filter(|it| !it.open).map(|instance| (&instance.id, instance.list.entry));
    claims::ids(ids, &mut evaluator.problems);
    let mut aims: Vec<(Aim<'_>, bool)> = Vec::new();
    for aim in instances.iter().flat_map(Instance::aims) {
        let selected = is_selected(&aim, &mut selection, evaluator);
        aims.push((aim, selected));
    }
    // What is open is looked at, and that is all: for which lists it stands nobody knows.
    let (open, aims): (Vec<_>, Vec<_>) = aims.into_iter().partition(|(aim, _)| aim.instance.open);
    for (aim, _) in open.iter().filter(|(_, selected)| *selected) {
        let _ = aim.publication(Need::Must, evaluator);
    }
    let all = make(&aims, evaluator);
    if !selection.is_everything() {
        for (aim, _, Made { names, name, .. }) in &all {
            let mut called = names.all();
            called.extend([aim.instance.id.text(), &aim.instance.list.entry.name, name.text()].map(str::to_owned));
            selection.means(&called.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
    let claimants = all.iter().filter_map(|(aim, _, Made { product, names, member_claims, .. })| {
        let (id, entry) = (&aim.instance.id, aim.instance.list.entry);
        Some(Claimant { publication: product.publication()?, names, id, member_claims, entry })
    });
    let claimants = claims::repositories(claimants, &mut evaluator.problems);
    claims::tags(&claimants, &mut evaluator.problems);
    claims::member_tags(&claimants, &mut evaluator.problems);
    // A list that is not known, or not known yet, may be what is meant.
    if !files.incomplete && unexpanded.is_empty() {
        let selected: Vec<&ListScope<'_>> =
            aims.iter().filter(|(_, selected)| *selected).map(|(aim, _)| aim.instance.list).collect();
        overrides::without_effect(scopes, request.overrides, &selected, &mut evaluator.problems);
        let ids: Vec<&str> = callable.iter().map(String::as_str).collect();
        let names: Vec<&str> = all.iter().map(|(.., made)| made.name.shown()).collect();
        match (selection.fits(), evaluator.unlistable.is_empty()) {
            // What they mean may stand in tags that could not be listed.
            (false, false) => evaluator.problems.extend(std::mem::take(&mut evaluator.unlistable)),
            _ => selection.report(&ids, &names, &mut evaluator.problems),
        }
    }
    let mut loaded = Loaded::default();
    for (.., made) in all.into_iter().filter(|(_, selected, _)| *selected) {
        match made.product {
            Product::Publication(publication) => loaded.publications.push(Arc::from(publication)),
            Product::LeftOut(left_out) => loaded.left_out.push(left_out),
        }
    }
    let needed = unexpanded.into_iter().filter(|(_, need)| *need == Need::Must);
    loaded.unexpanded = needed.map(|(entry, _)| entry).collect();
    loaded
}

/// How much is needed for which lists an entry stands.
fn need_of_axes(list: &ListScope<'_>, selection: &mut Selection) -> Need {
    let entry = list.entry.name.as_str();
    if selection.is_everything() || selection.surely_means(&[entry]) {
        return Need::Must;
    }
    // Registries are asked for their tags only where what these give can be what is meant.
    let from_tags = list.axes.iter().any(|(_, axis)| matches!(axis.good(), Some(Axis::TagsOf(_))));
    let targets: Vec<_> = list.pick(|level| &level.target).and_then(Slot::good).into_iter().flatten().collect();
    let may_mean = |target: &Slot<Target>| {
        target.good().is_none_or(|target| selection.may_mean_target(&target.repository.template))
    };
    let by_entry_alone = list.names.get("name").is_none() && !targets.is_empty() && !targets.into_iter().any(may_mean);
    match (from_tags && by_entry_alone, selection.means(&[entry])) {
        (true, true) => Need::Must,
        (true, false) => Need::Never,
        (false, _) => Need::Ask,
    }
}

/// What each aim comes to as far as it is known, in the order of the file, with whether it is selected.
fn make<'a, 'i>(aims: &'a [(Aim<'i>, bool)], evaluator: &mut Evaluator<'_>) -> Vec<(&'a Aim<'i>, bool, Made)> {
    let mut all: Vec<Option<Made>> = Vec::new();
    for (aim, selected) in aims {
        all.push(if *selected { aim.publication(Need::Must, evaluator).ok() } else { None });
    }
    // Whether a selected list is the newest of its repository may hang on others: only then are they asked about.
    let mut race = Race::default();
    let guarded = all.iter().flatten().filter(|made| made.names.tags().any(|tag| tag.newest.is_some()));
    let guarded: HashSet<Place> = guarded.map(|made| made.names.place().clone()).collect();
    for ((aim, _), made) in aims.iter().zip(&mut all).filter(|((_, selected), _)| !selected) {
        if !guarded.is_empty()
            && aim.has_newest()
            && aim.place(Need::Ask, evaluator).is_ok_and(|place| guarded.contains(&place))
            && let Ok(names) = aim.names(Need::Ask, evaluator)
        {
            race.enter(&names);
        }
        *made = aim.publication(Need::Never, evaluator).ok();
    }
    all.iter().flatten().for_each(|made| race.enter(&made.names));
    race.settle(all.iter_mut().flatten().filter_map(|made| made.product.publication_mut()));
    aims.iter().zip(all).filter_map(|((aim, selected), made)| Some((aim, *selected, made?))).collect()
}

fn is_selected(aim: &Aim<'_>, selection: &mut Selection, evaluator: &mut Evaluator<'_>) -> bool {
    if selection.is_everything() {
        return true;
    }
    let instance = aim.instance;
    let name = instance.name(Need::Ask, evaluator).unwrap_or_default();
    let mut names = vec![instance.id.text(), instance.list.entry.name.as_str(), name.text()];
    if selection.surely_means(&names) {
        return true;
    }
    // Only now: what a repository needs may have to be asked for.
    if !aim.target_template().is_some_and(|target| selection.may_mean_target(target)) {
        return selection.means(&names);
    }
    let target = aim.names(Need::Ask, evaluator).map(|target| target.all()).unwrap_or_default();
    names.extend(target.iter().map(String::as_str));
    selection.means(&names)
}

#[cfg(test)]
mod tests;
