//! [`Evaluator`]: the values of templates and variables. It records a question for each fact that is not known yet.
//! `variable` looks up the value of a variable. `git` says why there is none from git. `partial` expands
//! a template in which names are left open.

mod git;
mod partial;
mod variable;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::report::Problems;
use super::resolution_stack::ResolutionStack;
use super::scope::{Binding, ListNames};
use super::value::{Expanded, Value};
use crate::config::facts::{Fact, Facts, Question, TagFact};
use crate::config::memory::{MemoryEstimate, MemoryUse};
use crate::config::model::{HostNaming, HostOrigin};
use crate::config::problem::{Problem, SourceFile, Span};
use crate::config::read::declared::{Parsed, SpannedTemplate};
use crate::config::read::names::MEMBER_NAMES;
use crate::config::request::{LoadPurpose, LoadRequest};
use crate::config::trust::{Trust, outside_root};
use crate::naming::{ExpandError, LONGEST_TEXT, MemberWords, Placeholder, Version, VersionPart, nearest};
use crate::oci;
pub(super) use partial::{holds_whole, reads_for_each_member};
use variable::DefaultVersion;
pub(super) use variable::LONGEST_LINE;

/// The bytes that an expanded text needs, without its characters.
const TEXT: usize = 150;
/// How many times the characters of an expanded text are kept.
const COPIES: usize = 3;
/// The bytes that a problem needs.
const PROBLEM: usize = 700;
/// The maximum number of names in a help text.
const NAMED: usize = 30;

/// Expands templates, and collects problems and questions.
pub(super) struct Evaluator<'a> {
    facts: &'a Facts,
    trust: &'a Trust,
    purpose: LoadPurpose,
    /// Set if the variable `version` had its default since this was last cleared.
    default_version: Option<DefaultVersion>,
    /// The folder of each file, by file number.
    bases: Vec<PathBuf>,
    pub(super) questions: BTreeSet<Question>,
    /// Repositories whose tags are needed but not known yet.
    pub(super) unlisted: BTreeSet<oci::Place>,
    /// Why the tags of some repositories cannot be listed. They may turn out not to be needed.
    pub(super) unlistable: Vec<Problem>,
    pub(super) problems: Problems,
    /// Where the file names the hosts of the selected lists.
    pub(super) hosts: BTreeMap<oci::Host, HostOrigin>,
    /// The memory that the files and the lists expanded so far need.
    pub(super) memory: MemoryEstimate,
    /// It is reported that they need too much. No more lists are expanded.
    pub(super) is_too_large: bool,
    /// The number of problems that are counted in `memory`.
    charged_problems: usize,
}

/// What names mean at the place where a template is expanded.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) names: &'s ListNames<'s>,
    /// The key of the list: the value of `{name}` if nothing else defines it.
    pub(super) entry: &'s str,
    /// The id of the list, as problems may show it.
    pub(super) list: &'s str,
    /// The values of the axes. `None` while axis values are expanded, because they cannot use other axes.
    pub(super) axes: Option<&'s [(&'s str, Value)]>,
    /// The member that the template is expanded for.
    pub(super) member: Option<&'s MemberNames>,
    /// The value of `{tag}`. Only `member-tags` has one.
    pub(super) tag: Option<&'s Value>,
    pub(super) need: Need,
}

/// The values of `{os}`, `{arch}` and `{platform}`.
pub(super) struct MemberNames {
    pub(super) os: String,
    /// `None` if the arch style has no word for the platform.
    pub(super) arch: Option<String>,
    /// The name of the arch style.
    pub(super) style: &'static str,
    pub(super) platform: String,
    /// Where the platform is written.
    pub(super) span: Span,
}

impl MemberNames {
    /// The values as [`crate::naming::MemberTemplate`] needs them.
    pub(super) fn words(&self) -> MemberWords<'_> {
        MemberWords { os: &self.os, arch: self.arch.as_deref().unwrap_or_default(), platform: &self.platform }
    }
}

/// How much a value is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// A selected list needs the value. It is a problem if there is none.
    Must,
    /// The value decides whether a list is selected. It is requested, but it is no problem if there is none.
    Ask,
    /// Nothing needs the value. It is used if it is already known.
    Never,
}

/// There is no value. The question is recorded, the problem is reported, or nothing needs the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoValue;

impl<'a> Evaluator<'a> {
    pub(super) fn new(facts: &'a Facts, request: &LoadRequest<'a>) -> Self {
        let LoadRequest { sources, trust, purpose, .. } = *request;
        let mut evaluator = Self {
            facts,
            trust,
            purpose,
            default_version: None,
            bases: Vec::new(),
            questions: BTreeSet::new(),
            unlisted: BTreeSet::new(),
            unlistable: Vec::new(),
            problems: Problems::default(),
            hosts: BTreeMap::new(),
            memory: MemoryEstimate::default(),
            is_too_large: false,
            charged_problems: 0,
        };
        sources.iter().for_each(|source| evaluator.add_file(source));
        evaluator
    }

    /// Adds a file that spans can point into. Files are numbered in the order in which they are added.
    pub(super) fn add_file(&mut self, source: &SourceFile) {
        self.bases.push(Path::new(&source.name).parent().unwrap_or(Path::new("")).to_owned());
    }

    /// Counts `count` parts of the lists that need `bytes` together.
    ///
    /// # Errors
    /// Fails if all lists together need too much memory. This is reported once.
    pub(super) fn charge(&mut self, part: MemoryUse, count: usize, bytes: usize) -> Result<(), NoValue> {
        self.memory.add(part, count, bytes);
        let problems = self.problems.len();
        self.memory.add(
            MemoryUse::Problems,
            problems - self.charged_problems,
            (problems - self.charged_problems) * PROBLEM,
        );
        self.charged_problems = problems;
        if !self.is_too_large
            && let Some(problem) = self.memory.excess("the lists have")
        {
            self.problems.add(problem.because("they need too much memory; the other lists were not checked"));
            self.is_too_large = true;
        }
        if self.is_too_large { Err(NoValue) } else { Ok(()) }
    }

    /// The answer to `question`. Records the question if there is no answer yet.
    pub(super) fn fact(&mut self, question: &Question) -> Option<Fact> {
        let fact = self.facts.get(question).cloned();
        if fact.is_none() {
            self.questions.insert(question.clone());
        }
        fact
    }

    /// The number of bytes of all included files that are known.
    pub(super) fn included_bytes(&self) -> u64 {
        self.facts.included_bytes()
    }

    /// The tags of a repository. Records the repository if its tags are not known yet.
    pub(super) fn tags(&mut self, place: &oci::Place) -> Option<&'a TagFact> {
        let tags = self.facts.tags(place);
        if tags.is_none() {
            self.unlisted.insert(place.clone());
        }
        tags
    }

    /// The folder of the file that contains `span`. Paths in that file are relative to it.
    pub(super) fn base_of(&self, span: &Span) -> &Path {
        self.bases.get(span.file).map_or(Path::new(""), PathBuf::as_path)
    }

    /// Expands `template`.
    pub(super) fn expand(&mut self, template: &SpannedTemplate, scope: Scope<'_>) -> Result<Expanded, NoValue> {
        let expanded = self.resolve(template, scope, &mut ResolutionStack::default())?;
        self.charge(MemoryUse::Texts, 1, TEXT + COPIES * expanded.text().len())?;
        Ok(expanded)
    }

    /// The value of `{name}` for a condition at `place`.
    pub(super) fn named(&mut self, name: &str, place: &Span, scope: Scope<'_>) -> Result<Value, NoValue> {
        self.lookup(name, place, scope, &mut ResolutionStack::default())
    }

    /// The value of `{name}`: an axis, a variable, or the key of the list.
    pub(super) fn name(&mut self, scope: Scope<'_>) -> Result<Value, NoValue> {
        // Nothing in the file refers to `{name}` here. The span is never shown: a cycle is reported only with the
        // references inside it.
        let place = Span { file: 0, range: 0..0 };
        self.bound("name", &place, scope, &mut ResolutionStack::default())
            .unwrap_or_else(|| Ok(Value::public(scope.entry)))
    }

    /// Whether the file may use the place that `path` leads to. Records the question if that is not known yet, unless
    /// `need` is [`Need::Never`]. Every path of the file is checked here before it is opened.
    ///
    /// # Errors
    /// The problem if the path leads outside of the root, or if that cannot be determined. `None` if it is not known
    /// yet.
    pub(super) fn may_follow(&mut self, path: &Path, shown: &str, need: Need) -> Result<(), Option<Box<Problem>>> {
        let Some(root) = &self.trust.root else { return Ok(()) };
        let question = Question::Inside(path.to_owned());
        match self.facts.get(&question) {
            Some(Ok(Some(_))) => Ok(()),
            Some(Ok(None)) => Err(Some(Box::new(outside_root(shown, root)))),
            Some(Err(why)) => Err(Some(Box::new(outside_root(shown, root).because(why)))),
            None => {
                if need != Need::Never {
                    self.questions.insert(question);
                }
                Err(None)
            }
        }
    }

    /// The same as [`Evaluator::may_follow`], for a path that a list uses at `place`.
    pub(super) fn follow(&mut self, path: &Path, shown: &str, place: &Span, scope: Scope<'_>) -> Result<(), NoValue> {
        self.may_follow(path, shown, scope.need).map_err(|problem| {
            if let Some(problem) = problem.filter(|_| scope.need == Need::Must) {
                self.problems.add_for(scope.list, problem.at(place, format!("used by list `{}`", scope.list)));
            }
            NoValue
        })
    }

    /// Records where the host of `place`, which `template` names, comes from. The first origin of a host is kept.
    pub(super) fn note_host(
        &mut self,
        place: &oci::Place,
        expanded: &Expanded,
        template: &SpannedTemplate,
        scope: Scope<'_>,
    ) {
        let Some(host) = place.host().filter(|host| scope.need == Need::Must && !self.hosts.contains_key(host)) else {
            return;
        };
        let origin = match oci::written_host(expanded.text()) {
            None => HostOrigin { span: template.text.span.clone(), naming: HostNaming::Implied },
            Some(written) => {
                let range = expanded.origin(&(0..written.len()));
                let is_origin = |word: &&Placeholder| word.span.start <= range.start && range.end <= word.span.end;
                let variable =
                    template.template.placeholders().find(is_origin).and_then(|word| scope.names.get(&word.name));
                let span = match variable {
                    Some(Binding::Variable(Parsed::Good(variable))) => variable.span.clone(),
                    _ => template.text.part(&range),
                };
                HostOrigin { span, naming: HostNaming::Written }
            }
        };
        self.hosts.insert(host.clone(), origin);
    }

    fn resolve<'r>(
        &mut self,
        template: &'r SpannedTemplate,
        scope: Scope<'r>,
        stack: &mut ResolutionStack<'r>,
    ) -> Result<Expanded, NoValue> {
        // Look up every placeholder first, so that all problems of a template are reported at once.
        let mut values = Vec::new();
        for word in template.template.placeholders() {
            let value = self.lookup(&word.name, &place_of(template, word), scope, stack);
            // A template can use a long value many times.
            if let Ok(value) = &value {
                self.charge(MemoryUse::Texts, 0, value.text().len())?;
            }
            values.push(value);
        }
        let values = values.into_iter().collect::<Result<Vec<_>, NoValue>>()?;
        let mut texts = values.iter();
        match template.template.expand_traced(|_| texts.next().map(|value| value.text().to_owned()).ok_or(NoValue)) {
            Ok(expansion) => Ok(Expanded::new(expansion, &template.template, &values)),
            Err(error) => Err(self.not_expanded(error, template, &values, scope)),
        }
    }

    /// Reports why `template`, whose placeholders have these `values`, cannot be expanded.
    fn not_expanded(
        &mut self,
        error: ExpandError<NoValue>,
        template: &SpannedTemplate,
        values: &[Value],
        scope: Scope<'_>,
    ) -> NoValue {
        let problem = match error {
            ExpandError::Lookup(stop) => return stop,
            ExpandError::NoPart { placeholder, value } => {
                let part = placeholder.part.map_or("part", VersionPart::word);
                let at = template.template.placeholders().position(|other| other.span == placeholder.span);
                let shown = at.and_then(|at| values.get(at)).map_or(value.as_str(), Value::shown);
                let message = match Version::parse(&value) {
                    Some(_) => format!("version `{shown}` has no {part} part"),
                    None => format!("the value of `{}` is not a version: `{shown}`", placeholder.name),
                };
                let help = match scope.names.get(&placeholder.name) {
                    Some(_) => {
                        format!("set `{}` to a version with a {part} part, or remove `.{part}`", placeholder.name)
                    }
                    None => format!("use a variable whose value is a version, or remove `.{part}`"),
                };
                Problem::error("mlist::config::no_part", message)
                    .at(&template.text.part(&placeholder.span), format!("used by list `{}`", scope.list))
                    .help(help)
            }
            ExpandError::TooLong { span } => {
                let message = format!("expanded text is longer than {} KiB", LONGEST_TEXT / 1024);
                Problem::error("mlist::config::bad_value", message)
                    .at(&template.text.part(&span), format!("used by list `{}`", scope.list))
                    .help("shorten the values of the variables in this template")
            }
        };
        self.problems.add_for(scope.list, problem);
        NoValue
    }

    /// Counts the lookup of `name` at `place`. Reports a cycle or an exceeded limit.
    fn step<'r>(
        &mut self,
        name: &'r str,
        place: &Span,
        scope: Scope<'r>,
        stack: &mut ResolutionStack<'r>,
    ) -> Result<(), NoValue> {
        stack.look_up(name, place, scope.list).map_err(|problem| {
            if let Some(problem) = problem {
                self.problems.add_for(scope.list, *problem);
            }
            NoValue
        })
    }

    /// The value of `name`, which the file uses at `place`.
    fn lookup<'r>(
        &mut self,
        name: &'r str,
        place: &Span,
        scope: Scope<'r>,
        stack: &mut ResolutionStack<'r>,
    ) -> Result<Value, NoValue> {
        self.step(name, place, scope, stack)?;
        // A variable cannot have a reserved name. If one has it, that was already reported.
        let is_bound = || scope.names.get(name).is_some();
        if name == "tag" && scope.tag.is_none() && is_bound()
            || MEMBER_NAMES.contains(&name) && scope.member.is_none() && is_bound()
        {
            return Err(NoValue);
        }
        if MEMBER_NAMES.contains(&name) {
            return self.member_name(name, place, scope).map(Value::public);
        }
        if name == "tag" {
            return scope.tag.cloned().ok_or_else(|| {
                let problem = Problem::error("mlist::config::unknown_variable", "`tag` is not available here")
                    .at(place, "only available in `member-tags`")
                    .help(known_names(scope));
                self.problems.add_for(scope.list, problem);
                NoValue
            });
        }
        if let Some(value) = self.bound(name, place, scope, stack) {
            return value;
        }
        if name == "name" {
            return Ok(Value::public(scope.entry));
        }
        if !scope.names.incomplete {
            self.problems.add_for(scope.list, unknown(name, place, scope));
        }
        Err(NoValue)
    }

    /// The value of a variable or axis. `None` if there is none with this name.
    fn bound<'r>(
        &mut self,
        name: &'r str,
        place: &Span,
        scope: Scope<'r>,
        stack: &mut ResolutionStack<'r>,
    ) -> Option<Result<Value, NoValue>> {
        match scope.names.get(name)? {
            Binding::Axis(_) => {
                // `None` for an axis: axis values cannot use other axes.
                let value = scope.axes?.iter().find(|(axis, _)| *axis == name);
                Some(value.map(|(_, value)| value.clone()).ok_or(NoValue))
            }
            Binding::Set(set) => Some(Ok(Value::public(&set.value))),
            Binding::Variable(Parsed::Faulty) => Some(Err(NoValue)),
            Binding::Variable(Parsed::Good(variable)) => {
                stack.enter(name, place);
                let value = self.variable(name, variable, scope, stack);
                stack.leave();
                Some(value)
            }
        }
    }

    fn member_name(&mut self, name: &str, place: &Span, scope: Scope<'_>) -> Result<String, NoValue> {
        let Some(member) = scope.member else {
            let problem = Problem::error("mlist::config::unknown_variable", format!("`{name}` is not available here"))
                .at(place, "only available for members: in `source`, `member-tags` and rows of `platforms`")
                .help(known_names(scope));
            self.problems.add_for(scope.list, problem);
            return Err(NoValue);
        };
        match (name, &member.arch) {
            ("os", _) => Ok(member.os.clone()),
            ("platform", _) => Ok(member.platform.clone()),
            (_, Some(arch)) => Ok(arch.clone()),
            (_, None) => {
                let platform = &member.platform;
                let message = format!("arch-style \"{}\" has no name for {platform}", member.style);
                let problem = Problem::error("mlist::config::no_spelling", message)
                    .at(&member.span, "")
                    .at(place, "required here")
                    .help(format!("set `arch` in the row: {{ platform = \"{platform}\", arch = \"…\" }}"));
                self.problems.add_for(scope.list, problem);
                Err(NoValue)
            }
        }
    }

    /// Whether problems show a placeholder instead of tags from a registry. The author of an untrusted file must not
    /// learn what a registry contains.
    pub(super) fn hides_tags(&self) -> bool {
        self.trust.author.is_stranger()
    }
}

/// The span of a placeholder's name. It includes the braces if they contain nothing else.
pub(super) fn place_of(template: &SpannedTemplate, placeholder: &Placeholder) -> Span {
    let alone = placeholder.part.is_none() && placeholder.filters.is_empty();
    template.text.part(if alone { &placeholder.span } else { &placeholder.name_span })
}

/// The names that a template may use, for a help text. A file can have any number of variables, so only some are named.
fn known_names(scope: Scope<'_>) -> String {
    let known = known(scope);
    match known.len().checked_sub(NAMED).filter(|more| *more > 0) {
        Some(more) => format!("known here: {} and {more} more", known[..NAMED].join(", ")),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// The names that a template may use, in alphabetical order.
fn known(scope: Scope<'_>) -> Vec<&str> {
    let axes_too = scope.axes.is_some();
    let member = if scope.member.is_some() { MEMBER_NAMES.as_slice() } else { &[] };
    let bound = scope.names.iter().filter(|name| axes_too || !matches!(scope.names.get(name), Some(Binding::Axis(_))));
    let tag = scope.tag.map(|_| "tag");
    let all: BTreeSet<&str> = bound.chain(["name"]).chain(member.iter().copied()).chain(tag).collect();
    all.into_iter().collect()
}

fn unknown(name: &str, place: &Span, scope: Scope<'_>) -> Problem {
    let known = known(scope);
    let is_axis = matches!(scope.names.get(name), Some(Binding::Axis(_)));
    let message =
        if is_axis { format!("axis `{name}` is not available here") } else { format!("unknown variable `{name}`") };
    let problem = Problem::error("mlist::config::unknown_variable", message);
    match nearest(name, known.iter().copied()) {
        _ if is_axis => problem.at(place, "an axis value cannot use another axis"),
        Some(meant) => problem.at(place, format!("did you mean `{meant}`?")),
        None => problem.at(place, ""),
    }
    .help(known_names(scope))
}
