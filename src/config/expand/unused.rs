//! [`warnings`]: variables, conventions and registries that no list of the files uses, selected or not.
//!
//! Values are not needed for this: a name is used if a list reaches it from a key that applies to the list. A host that
//! depends on a value from outside of the files can be any host. Then nothing is reported about registries.

use std::collections::HashSet;

use super::include::ParsedFiles;
use super::scope::{Binding, FileScope, ListNames, ListScope, VERSION};
use crate::config::model::RegistrySettings;
use crate::config::problem::Problem;
use crate::config::read::declared::{
    Axis, Condition, DeclaredOsVersion, Level, Parsed, Row, SpannedTemplate, TagRule, Target, Variable,
};
use crate::config::read::names::MEMBER_NAMES;
use crate::config::read::raw::Key;
use crate::config::request::Override;
use crate::naming::{Part, Placeholder, nearest};
use crate::oci::{Host, Place};

/// The maximum number of different hosts of a template. With more, they count as unknown.
const MOST_HOSTS: usize = 1000;
/// The maximum number of values that are looked up for a template. With more, its hosts count as unknown.
const MOST_VALUES: usize = 1000;

/// `mlist::config::unused_variable`, `mlist::config::unused_convention` and `mlist::config::unused_registry`. The files
/// must have no errors, because a mistake can be the reason why something is not used.
pub(super) fn warnings(files: &ParsedFiles, overrides: &[Override]) -> Vec<Problem> {
    let root = FileScope::new(&files.root, None, &[]);
    let included: Vec<FileScope<'_>> =
        files.included.iter().map(|file| FileScope::new(file, Some(&root), &[])).collect();
    let scopes = || [&root].into_iter().chain(&included);
    let mut used = Used::default();
    let mut hosts = Some(HashSet::new());
    for list in scopes().flat_map(|file| file.document.lists.iter().map(move |list| (file, list))) {
        let Some(list) = ListScope::new(list.0, list.1, &[], &mut Vec::new()) else { return Vec::new() };
        used.add(&list);
        hosts = hosts.and_then(|hosts| with_hosts(&list, overrides, hosts));
    }
    let mut warnings = Vec::new();
    for file in files.all() {
        let (used_conventions, others): (Vec<_>, Vec<_>) =
            file.conventions.iter().partition(|(_, level)| used.levels.contains(&std::ptr::from_ref(level)));
        for (key, convention) in others {
            warnings.push(unused_convention(key));
            used.mention(convention);
        }
        let levels = used_conventions.into_iter().chain(&file.lists).flat_map(|(_, level)| &level.vars);
        let unused = file.vars.iter().chain(levels).filter(|(key, variable)| !used.has(key, variable));
        warnings.extend(unused.map(|(key, _)| unused_variable(key, &used)));
    }
    let registries = files.root.registries.iter();
    warnings.extend(hosts.into_iter().flat_map(|hosts| {
        let unused = registries.clone().filter(|settings| !hosts.contains(&settings.host));
        unused.map(|settings| unused_registry(settings, &hosts)).collect::<Vec<_>>()
    }));
    warnings
}

fn unused_convention(key: &Key) -> Problem {
    let name = &key.name;
    Problem::warning("mlist::config::unused_convention", format!("convention `{name}` is never used"))
        .at(&key.span, "")
        .help(format!("remove it, or use it in a list: convention = \"{name}\""))
}

fn unused_variable(key: &Key, used: &Used<'_>) -> Problem {
    let name = &key.name;
    let problem = |message| Problem::warning("mlist::config::unused_variable", message).at(&key.span, "");
    if used.names.contains(name.as_str()) {
        problem(format!("this value of variable `{name}` is never used"))
            .help("remove it; all lists that use the variable have another value for it")
    } else {
        problem(format!("variable `{name}` is never used"))
            .help(format!("remove it, or use it in a template: {{{name}}}"))
    }
}

fn unused_registry(settings: &RegistrySettings, hosts: &HashSet<Host>) -> Problem {
    let mut known: Vec<&str> = hosts.iter().map(Host::as_str).collect();
    known.sort_unstable();
    let meant = nearest(settings.host.as_str(), known);
    let label = meant.map(|meant| format!("did you mean `{meant}`?")).unwrap_or_default();
    let message = format!("registry {} is never used: no source or target names this host", settings.host);
    Problem::warning("mlist::config::unused_registry", message)
        .at(&settings.span, label)
        .help("remove the table, or correct the host")
}

/// What the lists use. Variables and conventions are identified by their addresses, because names can be defined at
/// several levels.
#[derive(Default)]
struct Used<'a> {
    variables: HashSet<*const Parsed<Variable>>,
    levels: HashSet<*const Level>,
    /// The names that a list uses, whatever they mean there.
    names: HashSet<&'a str>,
    /// The names in conventions that are not used. Only the convention is reported.
    mentioned: HashSet<&'a str>,
}

impl<'a> Used<'a> {
    fn add(&mut self, list: &ListScope<'a>) {
        self.levels.extend(list.levels().map(std::ptr::from_ref));
        // `{name}` is also a name by which selectors find the list.
        let mut templates = Vec::new();
        let mut names = vec!["name"];
        let mut seen = HashSet::new();
        let parts = ListParts::of(list);
        templates.extend(parts.templates());
        names.extend(parts.conditions().map(|condition| match condition {
            Condition::Stable(_) | Condition::Newest(_) => VERSION,
            Condition::Fits { name, .. } => name.name.as_str(),
        }));
        loop {
            while let Some(name) = names.pop() {
                if !seen.insert(name) {
                    continue;
                }
                self.names.insert(name);
                if let Some(Binding::Variable(variable)) = list.names.get(name) {
                    self.variables.insert(std::ptr::from_ref(variable));
                    templates.extend(variable.good().into_iter().flat_map(Variable::templates));
                }
            }
            let Some(template) = templates.pop() else { break };
            names.extend(template.template.placeholders().map(|word| word.name.as_str()));
        }
        // A variable that replaces an inherited axis has an effect even if no template uses it.
        let levels: Vec<&Level> = list.levels().collect();
        for (at, level) in levels.iter().enumerate() {
            let replaces = |name: &str| {
                levels[at + 1..].iter().any(|farther| farther.matrix.iter().any(|(key, _)| key.name == name))
            };
            let replacing = level.vars.iter().filter(|(key, _)| replaces(&key.name));
            self.variables.extend(replacing.map(|(_, variable)| std::ptr::from_ref(variable)));
        }
    }

    fn has(&self, key: &Key, variable: &Parsed<Variable>) -> bool {
        self.variables.contains(&std::ptr::from_ref(variable)) || self.mentioned.contains(key.name.as_str())
    }

    /// Counts the names in a convention that is not used as used.
    fn mention(&mut self, convention: &'a Level) {
        let templates = super::unused_templates::templates(convention);
        self.mentioned.extend(
            templates.into_iter().flat_map(|template| template.template.placeholders()).map(|word| word.name.as_str()),
        );
    }
}

/// The parts of a list that apply, for each of its targets.
struct ListParts<'a> {
    axes: Vec<&'a Axis>,
    repositories: Vec<&'a SpannedTemplate>,
    sources: Vec<&'a SpannedTemplate>,
    rows: Vec<&'a Row>,
    tags: Vec<&'a TagRule>,
    others: Vec<&'a SpannedTemplate>,
}

impl<'a> ListParts<'a> {
    fn of(list: &ListScope<'a>) -> Self {
        let axes = list.axes.iter().filter_map(|(_, axis)| axis.good()).collect();
        let targets: Vec<&Target> = list
            .pick(|level| &level.target)
            .and_then(Parsed::good)
            .into_iter()
            .flatten()
            .filter_map(Parsed::good)
            .collect();
        let mut parts = Self {
            axes,
            repositories: targets.iter().map(|target| &target.repository).collect(),
            sources: Vec::new(),
            rows: Vec::new(),
            tags: Vec::new(),
            others: Vec::new(),
        };
        for target in targets {
            let own = &target.level;
            let rows = own.platforms.as_ref().or_else(|| list.pick(|level| &level.platforms));
            parts.rows.extend(rows.and_then(Parsed::good).into_iter().flatten());
            let source = own.source.as_ref().or_else(|| list.pick(|level| &level.source));
            parts.sources.extend(source.and_then(Parsed::good));
            let tags = own.tags.as_ref().or_else(|| list.pick(|level| &level.tags));
            parts.tags.extend(tags.and_then(Parsed::good).into_iter().flatten().filter_map(Parsed::good));
            let member_tags = own.member_tags.as_ref().or_else(|| list.pick(|level| &level.member_tags));
            parts.others.extend(member_tags.and_then(Parsed::good).into_iter().flat_map(|placed| &placed.value));
            let annotations = [own].into_iter().chain(list.levels()).flat_map(|level| &level.annotations);
            parts.others.extend(annotations.filter_map(|(_, annotation)| annotation.good()));
        }
        let of_rows = parts.rows.iter().flat_map(|row| &row.annotations);
        parts.others.extend(of_rows.filter_map(|(_, annotation)| annotation.good()));
        parts.sources.extend(parts.rows.iter().filter_map(|row| row.source.as_ref()).filter_map(Parsed::good));
        parts.sources.extend(parts.rows.iter().filter_map(|row| match row.os_version.as_ref()?.good()? {
            DeclaredOsVersion::Of { from, .. } => Some(from),
            DeclaredOsVersion::Literal(_) | DeclaredOsVersion::Fits(_) => None,
        }));
        parts
    }

    fn templates(&self) -> impl Iterator<Item = &'a SpannedTemplate> {
        let Self { axes, repositories, sources, tags, others, .. } = self;
        let axes = axes.iter().flat_map(|axis| axis.templates());
        let tags = tags.iter().map(|rule| &rule.template);
        axes.chain(tags).chain([repositories, sources, others].into_iter().flatten().copied())
    }

    /// The templates of repositories and references.
    fn references(&self) -> impl Iterator<Item = &'a SpannedTemplate> {
        let tags_of = self.axes.iter().filter_map(|axis| match axis {
            Axis::TagsOf(tags) => Some(&tags.repository),
            Axis::Values(_) | Axis::Lines(_) => None,
        });
        self.repositories.iter().chain(&self.sources).copied().chain(tags_of)
    }

    fn conditions(&self) -> impl Iterator<Item = &'a Condition> {
        self.tags.iter().flat_map(|rule| &rule.when).chain(self.rows.iter().flat_map(|row| &row.when))
    }
}

/// Adds the hosts that the references of a list name. `None` if one of them is not known.
fn with_hosts(list: &ListScope<'_>, overrides: &[Override], mut hosts: HashSet<Host>) -> Option<HashSet<Host>> {
    let starts = References { names: &list.names, entry: &list.entry.name, overrides };
    for template in ListParts::of(list).references() {
        for text in starts.of(template, &mut 0)? {
            hosts.extend(host(&text));
        }
    }
    Some(hosts)
}

/// The host of a reference that begins with `start`. `None` for a layout.
fn host(start: &str) -> Option<Host> {
    let is_local = ["oci:", "oci-archive:"].iter().any(|scheme| start.starts_with(scheme));
    let name = start.split_once('/').map_or("x", |(first, _)| first);
    if is_local { None } else { Place::parse(&format!("{name}/x")).ok()?.host().cloned() }
}

/// Finds how references can begin.
struct References<'a> {
    names: &'a ListNames<'a>,
    entry: &'a str,
    overrides: &'a [Override],
}

impl References<'_> {
    /// The texts that `template` can begin with, at least up to the first `/`. `None` if they are not known. `looked_up`
    /// counts the values that were looked up so far: variables that use others twice can need billions.
    fn of(&self, template: &SpannedTemplate, looked_up: &mut usize) -> Option<Vec<String>> {
        let mut texts = vec![String::new()];
        for part in template.template.parts() {
            let (done, open): (Vec<_>, Vec<_>) = texts.into_iter().partition(|text| text.contains('/'));
            if open.is_empty() {
                return Some(done);
            }
            let next = match part {
                Part::Text(text) => vec![text.clone()],
                Part::Placeholder(word) => self.values(word, looked_up)?,
            };
            let longer = open.iter().flat_map(|text| next.iter().map(move |next| format!("{text}{next}")));
            texts = done.into_iter().chain(longer).collect();
            if texts.len() > MOST_HOSTS {
                return None;
            }
        }
        Some(texts)
    }

    fn values(&self, word: &Placeholder, looked_up: &mut usize) -> Option<Vec<String>> {
        let name = word.name.as_str();
        let is_plain = word.part.is_none() && word.filters.is_empty();
        let is_set = self.overrides.iter().any(|set| set.name == name);
        *looked_up += 1;
        if *looked_up > MOST_VALUES || !is_plain || is_set || MEMBER_NAMES.contains(&name) {
            return None;
        }
        match self.names.get(name) {
            Some(Binding::Variable(variable)) => self.of(variable.good()?.template()?, looked_up),
            Some(Binding::Axis(axis)) => match axis.good()? {
                Axis::Values(values) => {
                    let values = values.iter().map(|value| self.of(value, looked_up)).collect::<Option<Vec<_>>>()?;
                    Some(values.into_iter().flatten().collect())
                }
                Axis::Lines(_) | Axis::TagsOf(_) => None,
            },
            Some(Binding::Set(_)) => None,
            None => (name == "name").then(|| vec![self.entry.to_owned()]),
        }
    }
}
