//! [`Evaluator`]: what templates and variables come to. What the facts do not hold is asked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::declared::{Phrase, Slot, Variable, VariableValue};
use super::facts::{Fact, Facts, GitFact, Question};
use super::problem::{Problem, Span};
use super::report::Problems;
use super::scope::{Binding, Names};
use super::vars::MEMBER_NAMES;
use super::way::Way;
use crate::naming::{ExpandError, Expansion, LONGEST_TEXT, Placeholder, Version, VersionPart, nearest};

/// Expands templates, and gathers what is wrong and what must be asked.
pub(super) struct Evaluator<'a> {
    facts: &'a Facts,
    /// The folder of manifests.toml.
    base: PathBuf,
    pub(super) questions: BTreeSet<Question>,
    pub(super) problems: Problems,
}

/// What names mean where a template is expanded.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) names: &'s Names<'s>,
    /// The key of the list: `{name}` where nothing else is.
    pub(super) entry: &'s str,
    /// The id of the list, for people.
    pub(super) list: &'s str,
    /// The values of the axes; none where axes are expanded themselves, which see none.
    pub(super) axes: Option<&'s [(&'s str, String)]>,
    /// The member that is spoken of.
    pub(super) member: Option<&'s MemberNames>,
    pub(super) need: Need,
}

/// What `{os}`, `{arch}` and `{platform}` stand for.
pub(super) struct MemberNames {
    pub(super) os: String,
    /// None where the style has no word for it.
    pub(super) arch: Option<String>,
    /// The style's own name.
    pub(super) style: &'static str,
    pub(super) platform: String,
    /// Where the platform is written.
    pub(super) span: Span,
}

/// How much a value is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// A selected list needs it: none is a problem.
    Must,
    /// Whether a list is selected depends on it: it is asked for, none is no problem.
    Ask,
    /// Nobody needs it; used where it is known.
    Never,
}

/// A value could not be had; it was asked for, or told why, or nobody needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stop;

impl<'a> Evaluator<'a> {
    pub(super) fn new(facts: &'a Facts, base: &Path) -> Self {
        Self { facts, base: base.to_owned(), questions: BTreeSet::new(), problems: Problems::default() }
    }

    /// The folder of manifests.toml.
    pub(super) fn base(&self) -> &Path {
        &self.base
    }

    /// What `phrase` comes to.
    pub(super) fn expand(&mut self, phrase: &Phrase, scope: Scope<'_>) -> Result<Expansion, Stop> {
        self.phrase(phrase, scope, &mut Way::default())
    }

    /// `{name}`: the axis, the variable, or the key of the list.
    pub(super) fn name(&mut self, scope: Scope<'_>) -> Result<String, Stop> {
        // Nothing asks for it, and only who is in a ring is told of.
        let place = Span { file: 0, range: 0..0 };
        self.bound("name", &place, scope, &mut Way::default()).unwrap_or_else(|| Ok(scope.entry.to_owned()))
    }

    fn phrase<'r>(&mut self, phrase: &'r Phrase, scope: Scope<'r>, way: &mut Way<'r>) -> Result<Expansion, Stop> {
        // Every placeholder is looked at, so that all that is wrong with a template is told at once.
        let values: Vec<_> =
            phrase.template.placeholders().map(|placeholder| self.lookup(phrase, placeholder, scope, way)).collect();
        let mut values = values.into_iter();
        match phrase.template.expand_traced(|_| values.next().unwrap_or(Err(Stop))) {
            Ok(expansion) => Ok(expansion),
            Err(ExpandError::Lookup(stop)) => Err(stop),
            Err(ExpandError::NoPart { placeholder, value }) => {
                let part = placeholder.part.map_or("part", VersionPart::word);
                let message = match Version::parse(&value) {
                    Some(_) => format!("`{value}` has no {part}"),
                    None => format!("`{value}` is no version and has no {part}"),
                };
                let problem = Problem::error("mlist::config::no_part", message)
                    .at(&phrase.text.part(&placeholder.span), format!("in {}", scope.list))
                    .help(format!("give `{}` a version with that number, or leave .{part} out", placeholder.name));
                self.problems.add_for(scope.list, problem);
                Err(Stop)
            }
            Err(ExpandError::TooLong { span }) => {
                let message = format!("the text comes to more than {} KiB", LONGEST_TEXT / 1024);
                let problem = Problem::error("mlist::config::bad_value", message)
                    .at(&phrase.text.part(&span), format!("in {}", scope.list))
                    .help("no name is that long: look at what its variables come to");
                self.problems.add_for(scope.list, problem);
                Err(Stop)
            }
        }
    }

    fn lookup<'r>(
        &mut self,
        phrase: &'r Phrase,
        placeholder: &'r Placeholder,
        scope: Scope<'r>,
        way: &mut Way<'r>,
    ) -> Result<String, Stop> {
        let name = placeholder.name.as_str();
        let place = place_of(phrase, placeholder);
        if let Err(problem) = way.look_up(name, &place, scope.list) {
            if let Some(problem) = problem {
                self.problems.add_for(scope.list, *problem);
            }
            return Err(Stop);
        }
        if MEMBER_NAMES.contains(&name) {
            return self.member_name(name, &place, scope);
        }
        if let Some(value) = self.bound(name, &place, scope, way) {
            return value;
        }
        if name == "name" {
            return Ok(scope.entry.to_owned());
        }
        if !scope.names.incomplete {
            self.problems.add_for(scope.list, unknown(name, &place, scope));
        }
        Err(Stop)
    }

    /// What a variable or axis comes to; none where there is none of this name.
    fn bound<'r>(
        &mut self,
        name: &'r str,
        place: &Span,
        scope: Scope<'r>,
        way: &mut Way<'r>,
    ) -> Option<Result<String, Stop>> {
        match scope.names.get(name)? {
            Binding::Axis(_) => {
                // Where axes are expanded themselves there is none to see.
                let value = scope.axes?.iter().find(|(axis, _)| *axis == name);
                Some(value.map(|(_, value)| value.clone()).ok_or(Stop))
            }
            Binding::Set(set) => Some(Ok(set.value.clone())),
            Binding::Variable(Slot::Faulty) => Some(Err(Stop)),
            Binding::Variable(Slot::Good(variable)) => {
                way.enter(name, place);
                let value = self.variable(name, variable, scope, way);
                way.leave();
                Some(value)
            }
        }
    }

    fn member_name(&mut self, name: &str, place: &Span, scope: Scope<'_>) -> Result<String, Stop> {
        let Some(member) = scope.member else {
            let problem = Problem::error("mlist::config::unknown_variable", format!("unknown variable `{name}`"))
                .at(place, "known only where a member is spoken of")
                .help(format!("known here: {}", known(scope).join(", ")));
            self.problems.add_for(scope.list, problem);
            return Err(Stop);
        };
        match (name, &member.arch) {
            ("os", _) => Ok(member.os.clone()),
            ("platform", _) => Ok(member.platform.clone()),
            (_, Some(arch)) => Ok(arch.clone()),
            (_, None) => {
                let platform = &member.platform;
                let message = format!("arch-style \"{}\" has no word for {platform}", member.style);
                let problem = Problem::error("mlist::config::no_spelling", message)
                    .at(&member.span, "")
                    .at(place, "needed here")
                    .help(format!("give it one: {{ platform = \"{platform}\", arch = \"…\" }}"));
                self.problems.add_for(scope.list, problem);
                Err(Stop)
            }
        }
    }

    fn variable<'r>(
        &mut self,
        name: &'r str,
        variable: &'r Variable,
        scope: Scope<'r>,
        way: &mut Way<'r>,
    ) -> Result<String, Stop> {
        let (question, lacking) = match &variable.value {
            VariableValue::Template(phrase) => return Ok(self.phrase(phrase, scope, way)?.text),
            VariableValue::Env(env) => (Question::Env(env.clone()), format!("`{env}` is unset or empty")),
            VariableValue::File(path) => {
                let path = self.phrase(path, scope, way)?.text;
                let path = self.base.join(path);
                let lacking = format!("`{}` is absent or empty", path.display());
                (Question::File(path), lacking)
            }
            VariableValue::Git(fact) => {
                let folder = if self.base.as_os_str().is_empty() { PathBuf::from(".") } else { self.base.clone() };
                let lacking = match fact {
                    GitFact::Describe | GitFact::Commit => "git knows no commit here",
                    GitFact::Tags => "no tag on HEAD is a version",
                    GitFact::Branch => "HEAD is on no branch",
                };
                (Question::Git(folder, *fact), lacking.to_owned())
            }
        };
        let Some(fact) = self.facts.get(&question) else {
            if scope.need != Need::Never {
                self.questions.insert(question);
            }
            return Err(Stop);
        };
        let problem = match value_of(name, &question, fact) {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => match &variable.default {
                Some(default) => return Ok(self.phrase(default, scope, way)?.text),
                None => Problem::error("mlist::config::no_value", format!("`{name}` has no value: {lacking}"))
                    .at(&variable.span, format!("needed by {}", scope.list))
                    .help("set it, or say what it is otherwise: default = \"…\" beside it"),
            },
            Err(problem) => problem.at(&variable.span, format!("needed by {}", scope.list)),
        };
        if scope.need == Need::Must {
            self.problems.add_for(scope.list, problem);
        }
        Err(Stop)
    }
}

/// The value that a fact holds for the variable `name`, or what is wrong with it.
fn value_of(name: &str, question: &Question, fact: &Fact) -> Result<Option<String>, Box<Problem>> {
    let text = fact.clone().map_err(|why| {
        let problem = match question {
            Question::File(path) => {
                Problem::error("mlist::config::unreadable", format!("{} can't be read", path.display()))
            }
            Question::Env(_) | Question::Git(..) => {
                Problem::error("mlist::config::no_value", format!("`{name}` has no value"))
            }
        };
        Box::new(problem.because(why))
    })?;
    let value = match question {
        Question::Env(_) => text,
        Question::Git(_, GitFact::Tags) => text.and_then(|tags| greatest_version(&tags)),
        Question::Git(..) => text.map(|text| text.trim().to_owned()),
        Question::File(path) => {
            let text = text.map(|text| text.trim_start_matches('\u{feff}').trim().to_owned());
            let lines = text.as_ref().map_or(0, |text| text.lines().count());
            if lines > 1 {
                let message = format!("{} has {lines} lines, and `{name}` is one", path.display());
                let problem = Problem::error("mlist::config::bad_value", message);
                return Err(Box::new(problem.help("let the file hold the value alone")));
            }
            text
        }
    };
    if value.as_ref().is_some_and(|value| value.len() > LONGEST_TEXT) {
        let message = format!("the value of `{name}` has more than {} KiB", LONGEST_TEXT / 1024);
        return Err(Box::new(Problem::error("mlist::config::bad_value", message)));
    }
    Ok(value.filter(|value| !value.is_empty()))
}

/// Where a placeholder's name stands: with its braces where there is nothing else in them.
pub(super) fn place_of(phrase: &Phrase, placeholder: &Placeholder) -> Span {
    let alone = placeholder.part.is_none() && placeholder.filters.is_empty();
    phrase.text.part(if alone { &placeholder.span } else { &placeholder.name_span })
}

/// The greatest version among the lines.
fn greatest_version(tags: &str) -> Option<String> {
    let versions = tags.lines().filter_map(|tag| Version::parse(tag.trim()));
    versions.max_by(Version::compare).map(|version| version.as_str().to_owned())
}

/// The names that a template may use, in the order of the alphabet.
fn known(scope: Scope<'_>) -> Vec<&str> {
    let axes_too = scope.axes.is_some();
    let member = if scope.member.is_some() { MEMBER_NAMES.as_slice() } else { &[] };
    let bound = scope.names.iter().filter(|name| axes_too || !matches!(scope.names.get(name), Some(Binding::Axis(_))));
    let all: BTreeSet<&str> = bound.chain(["name"]).chain(member.iter().copied()).collect();
    all.into_iter().collect()
}

fn unknown(name: &str, place: &Span, scope: Scope<'_>) -> Problem {
    let known = known(scope);
    let problem = Problem::error("mlist::config::unknown_variable", format!("unknown variable `{name}`"));
    let is_axis = matches!(scope.names.get(name), Some(Binding::Axis(_)));
    match nearest(name, known.iter().copied()) {
        _ if is_axis => problem.at(place, "an axis sees no axis"),
        Some(meant) => problem.at(place, format!("did you mean `{meant}`?")),
        None => problem.at(place, ""),
    }
    .help(format!("known here: {}", known.join(", ")))
}
