//! [`publications`]: the lists of all files → the selected publications.

use std::collections::HashSet;
use std::sync::Arc;

use super::conflicts::{self, Claimant, Race};
use super::evaluate::{Evaluator, Need};
use super::include::ParsedFiles;
use super::instance::{ExpandedInstance, Instance, InstanceResult, TargetInstance};
use super::matrix::{self, Combinations};
use super::report::{Problems, Reported};
use super::scope::{FileScope, ListScope};
use super::select::{SelectableNames, Selection};
use super::{overrides, required_keys};
use crate::config::memory::MemoryUse;
use crate::config::read::declared::{Axis, Parsed, Target};
use crate::config::request::{LoadRequest, Loaded, Override};
use crate::oci::Place;

/// The bytes that an expanded list needs, without its members, its tags and their texts.
const LIST: usize = 1500;

/// Returns the selected publications, and the selected lists that are left out. The other fields of [`Loaded`] are not
/// filled in.
pub(super) fn publications<'a>(
    files: &ParsedFiles,
    scopes: &[&'a FileScope<'a>],
    request: LoadRequest<'a>,
    evaluator: &mut Evaluator<'_>,
) -> Loaded {
    let lists = lists(scopes, request.overrides, &mut evaluator.problems);
    let mut selection = Selection::new(request.selectors, &mut evaluator.problems);
    let Instances { all: instances, callable, unexpanded } = instances(&lists, &mut selection, evaluator);
    let ids = instances.iter().filter(|it| !it.open).map(|instance| (&instance.id, instance.list.entry));
    conflicts::ids(ids, &mut evaluator.problems);
    let mut targets: Vec<(TargetInstance<'_>, bool)> = Vec::new();
    for target in instances.iter().flat_map(Instance::target_instances) {
        evaluator.memory.allow_lists(1);
        if evaluator.charge(MemoryUse::Lists, 1, LIST + target.instance.id.text().len()).is_err() {
            return Loaded::default();
        }
        let selected = is_selected(&target, &mut selection, evaluator);
        targets.push((target, selected));
    }
    // Instances with unknown axis values are only checked, because it is not known which lists they become.
    let (open, targets): (Vec<_>, Vec<_>) = targets.into_iter().partition(|(target, _)| target.instance.open);
    for (target, _) in open.iter().filter(|(_, selected)| *selected) {
        let _ = target.publication(Need::Must, evaluator);
    }
    let all = expand_all(&targets, evaluator);
    if evaluator.is_too_large {
        return Loaded::default();
    }
    if !selection.is_everything() {
        for (target, _, ExpandedInstance { names, name, .. }) in &all {
            let mut called = names.all();
            called
                .extend([target.instance.id.text(), &target.instance.list.entry.name, name.text()].map(str::to_owned));
            selection.selects(&called.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
    let claimants = all.iter().filter_map(|(target, _, ExpandedInstance { result, names, member_claims, .. })| {
        let (id, entry) = (&target.instance.id, target.instance.list.entry);
        Some(Claimant { publication: result.publication()?, names, id, member_claims, entry })
    });
    let claimants = conflicts::repositories(claimants, &mut evaluator.problems);
    conflicts::tags(&claimants, &mut evaluator.problems);
    conflicts::member_tags(&claimants, &mut evaluator.problems);
    // Some lists are not known, or not known yet. A selector or `--set` may be meant for one of them.
    if !files.incomplete && unexpanded.is_empty() {
        let selected: Vec<&ListScope<'_>> =
            targets.iter().filter(|(_, selected)| *selected).map(|(target, _)| target.instance.list).collect();
        overrides::without_effect(scopes, request.overrides, &selected, &mut evaluator.problems);
        match (selection.fits(), evaluator.unlistable.is_empty()) {
            (true, _) => {}
            // The selectors may match values from tags that could not be listed.
            (false, false) => evaluator.problems.extend(std::mem::take(&mut evaluator.unlistable)),
            (false, true) => {
                evaluator.problems.release();
                let expanded = all.iter().map(|(.., expanded)| (&expanded.names, &expanded.name));
                selection.report(&SelectableNames::new(&callable, expanded), &mut evaluator.problems);
            }
        }
    }
    let mut loaded = Loaded::default();
    for (.., expanded) in all.into_iter().filter(|(_, selected, _)| *selected) {
        match expanded.result {
            InstanceResult::Publication(publication) => loaded.publications.push(Arc::from(publication)),
            InstanceResult::LeftOut(left_out) => loaded.left_out.push(left_out),
        }
    }
    let needed = unexpanded.into_iter().filter(|(_, need)| *need == Need::Must);
    loaded.unexpanded = needed.map(|(entry, _)| entry).collect();
    loaded
}

/// The lists with their levels. Reports problems of a list as a whole.
fn lists<'a>(files: &[&'a FileScope<'a>], overrides: &'a [Override], problems: &mut Problems) -> Vec<ListScope<'a>> {
    let mut lists = Vec::new();
    for (file, list) in files.iter().flat_map(|file| file.document.lists.iter().map(move |list| (*file, list))) {
        let mut found = Vec::new();
        let scope = ListScope::new(file, list, overrides, &mut found);
        if let Some(scope) = &scope {
            found.extend(required_keys::missing_keys(scope));
        }
        for problem in found {
            problems.add_for(&list.0.name, problem);
        }
        lists.extend(scope);
    }
    lists
}

/// The instances of all lists.
#[derive(Default)]
struct Instances<'a> {
    /// In the order of the file.
    all: Vec<Instance<'a>>,
    /// The names that selectors can use: the keys of lists with axes, and the ids.
    callable: Vec<String>,
    /// The entries whose axis values are not known before tags are listed, and how much they are needed.
    unexpanded: Vec<(String, Need)>,
}

fn instances<'a>(
    lists: &'a [ListScope<'a>],
    selection: &mut Selection,
    evaluator: &mut Evaluator<'_>,
) -> Instances<'a> {
    let mut instances = Instances::default();
    let mut room = matrix::Room::default();
    for list in lists {
        let entry = list.entry.name.as_str();
        let (need, reported) = need_of_axes(list, selection);
        if !list.axes.is_empty() {
            instances.callable.push(entry.to_owned());
        }
        evaluator.problems.reported = reported;
        let combinations = matrix::combinations(list, need, &mut room, evaluator);
        evaluator.problems.reported = Reported::All;
        let Ok(Combinations { all, open }) = combinations else { continue };
        if open && need != Need::Never {
            instances.unexpanded.push((entry.to_owned(), need));
        }
        for axes in all {
            let instance = Instance { list, id: matrix::id(entry, &axes), axes, open };
            if !open {
                instances.callable.push(instance.id.shown().to_owned());
            }
            instances.all.push(instance);
        }
    }
    instances
}

/// How much the axis values of a list are needed, and which of their problems are reported.
fn need_of_axes(list: &ListScope<'_>, selection: &mut Selection) -> (Need, Reported) {
    let entry = list.entry.name.as_str();
    if selection.is_everything() || selection.certainly_selects(&[entry]) {
        return (Need::Must, Reported::All);
    }
    // Tags are listed only if a selector can match one of the resulting lists.
    let from_tags = list.axes.iter().any(|(_, axis)| matches!(axis.good(), Some(Axis::TagsOf(_))));
    let targets: Vec<_> = list.pick(|level| &level.target).and_then(Parsed::good).into_iter().flatten().collect();
    let may_select = |target: &Parsed<Target>| {
        target.good().is_none_or(|target| selection.may_select_target(&target.repository.template))
    };
    let by_entry_alone =
        list.names.get("name").is_none() && !targets.is_empty() && !targets.into_iter().any(may_select);
    match (by_entry_alone, selection.selects(&[entry])) {
        (true, true) if from_tags => (Need::Must, Reported::All),
        (true, false) if from_tags => (Need::Never, Reported::Names),
        (true, false) => (Need::Ask, Reported::Names),
        (false, _) | (true, true) => (Need::Ask, Reported::All),
    }
}

/// Expands each target as far as its values are known, in the order of the file, and returns whether it is selected.
fn expand_all<'a, 'i>(
    targets: &'a [(TargetInstance<'i>, bool)],
    evaluator: &mut Evaluator<'_>,
) -> Vec<(&'a TargetInstance<'i>, bool, ExpandedInstance)> {
    let mut all: Vec<Option<ExpandedInstance>> = Vec::new();
    for (target, selected) in targets {
        if evaluator.is_too_large {
            return Vec::new();
        }
        all.push(if *selected { target.publication(Need::Must, evaluator).ok() } else { None });
    }
    // Whether a selected list is the newest in its repository can depend on lists that are not selected. Their values
    // are requested only in that case.
    let mut race = Race::default();
    let guarded = all.iter().flatten().filter(|expanded| expanded.names.tags().any(|tag| tag.newest.is_some()));
    let guarded: HashSet<Place> = guarded.map(|expanded| expanded.names.place().clone()).collect();
    for ((target, _), expanded) in targets.iter().zip(&mut all).filter(|((_, selected), _)| !selected) {
        if !guarded.is_empty()
            && target.has_newest()
            && target.place(Need::Ask, evaluator).is_ok_and(|place| guarded.contains(&place))
            && let Ok(names) = target.names(Need::Ask, evaluator)
        {
            race.enter(&names);
        }
        evaluator.problems.reported = Reported::Names;
        *expanded = target.publication(Need::Never, evaluator).ok();
        evaluator.problems.reported = Reported::All;
    }
    all.iter().flatten().for_each(|expanded| race.enter(&expanded.names));
    race.settle(all.iter_mut().flatten().filter_map(|expanded| expanded.result.publication_mut()));
    targets.iter().zip(all).filter_map(|((target, selected), expanded)| Some((target, *selected, expanded?))).collect()
}

fn is_selected(target: &TargetInstance<'_>, selection: &mut Selection, evaluator: &mut Evaluator<'_>) -> bool {
    if selection.is_everything() {
        return true;
    }
    let instance = target.instance;
    let name = instance.name(Need::Ask, evaluator).unwrap_or_default();
    let mut names = vec![instance.id.text(), instance.list.entry.name.as_str(), name.text()];
    if selection.certainly_selects(&names) {
        return true;
    }
    // The repository is checked last, because its values may have to be requested first.
    if !target.target_template().is_some_and(|target| selection.may_select_target(target)) {
        return selection.selects(&names);
    }
    // Then the tags. Without them it is not known whether the list is selected, so all of their problems are reported.
    let repository = target.repository(Need::Ask, evaluator);
    if repository.as_ref().is_ok_and(|names| !selection.may_select_repository(names)) {
        names.extend(repository.iter().flatten().map(String::as_str));
        return selection.selects(&names);
    }
    let published = target.names(Need::Ask, evaluator).map(|names| names.all()).unwrap_or_default();
    names.extend(published.iter().map(String::as_str));
    selection.selects(&names)
}
