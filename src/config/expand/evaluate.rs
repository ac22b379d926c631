//! [`Evaluator`]: what templates and variables come to. What the facts do not hold is asked for. `open` leaves one name
//! open.

mod open;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::report::Problems;
use super::resolution_stack::Way;
use super::scope::{Binding, Names};
use super::value::{Expanded, Value};
use crate::config::facts::{Fact, Facts, GitFact, Question, TagFact};
use crate::config::problem::{Problem, SourceFile, Sources, Span};
use crate::config::read::declared::{Phrase, Slot, Variable, VariableValue};
use crate::config::read::names::MEMBER_NAMES;
use crate::config::trust::{Trust, outside_root};
use crate::naming::{ExpandError, LONGEST_TEXT, Placeholder, Version, VersionPart, nearest};
use crate::oci;
pub(super) use open::{holds_whole, needs_platform_alone};

/// The longest value that a file holds, in bytes: versions and digests fit, and what is longer is most likely no value.
pub(super) const LONGEST_LINE: usize = 256;

/// Expands templates, and gathers what is wrong and what must be asked.
pub(super) struct Evaluator<'a> {
    facts: &'a Facts,
    trust: &'a Trust,
    /// The folder of each file, by its number.
    bases: Vec<PathBuf>,
    pub(super) questions: BTreeSet<Question>,
    /// Repositories whose tags are needed and not known.
    pub(super) unlisted: BTreeSet<oci::Place>,
    /// Why tags of repositories can't be listed that may not be needed.
    pub(super) unlistable: Vec<Problem>,
    pub(super) problems: Problems,
}

/// What names mean where a template is expanded.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) names: &'s Names<'s>,
    /// The key of the list: `{name}` where nothing else is.
    pub(super) entry: &'s str,
    /// The id of the list as it may be shown.
    pub(super) list: &'s str,
    /// The values of the axes; none where axes are expanded themselves, which see none.
    pub(super) axes: Option<&'s [(&'s str, Value)]>,
    /// The member that is spoken of.
    pub(super) member: Option<&'s MemberNames>,
    /// The tag of the list that `{tag}` stands for; only `member-tags` speaks of one.
    pub(super) tag: Option<&'s Value>,
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
    pub(super) fn new(facts: &'a Facts, sources: &Sources, trust: &'a Trust) -> Self {
        let mut evaluator = Self {
            facts,
            trust,
            bases: Vec::new(),
            questions: BTreeSet::new(),
            unlisted: BTreeSet::new(),
            unlistable: Vec::new(),
            problems: Problems::default(),
        };
        sources.iter().for_each(|source| evaluator.add_file(source));
        evaluator
    }

    /// From here on spans may point into one file more, the next by number.
    pub(super) fn add_file(&mut self, source: &SourceFile) {
        self.bases.push(Path::new(&source.name).parent().unwrap_or(Path::new("")).to_owned());
    }

    /// The answer to `question`; where there is none it is asked.
    pub(super) fn fact(&mut self, question: &Question) -> Option<Fact> {
        let fact = self.facts.get(question).cloned();
        if fact.is_none() {
            self.questions.insert(question.clone());
        }
        fact
    }

    /// The tags of a repository; where they are not known they are to be listed.
    pub(super) fn tags(&mut self, place: &oci::Place) -> Option<&'a TagFact> {
        let tags = self.facts.tags(place);
        if tags.is_none() {
            self.unlisted.insert(place.clone());
        }
        tags
    }

    /// The folder of the file in which `span` is: what paths there are relative to.
    pub(super) fn base_of(&self, span: &Span) -> &Path {
        self.bases.get(span.file).map_or(Path::new(""), PathBuf::as_path)
    }

    /// What `phrase` comes to.
    pub(super) fn expand(&mut self, phrase: &Phrase, scope: Scope<'_>) -> Result<Expanded, Stop> {
        self.phrase(phrase, scope, &mut Way::default())
    }

    /// What `{name}` stands for where a condition at `place` speaks of it.
    pub(super) fn named(&mut self, name: &str, place: &Span, scope: Scope<'_>) -> Result<Value, Stop> {
        self.lookup(name, place, scope, &mut Way::default())
    }

    /// `{name}`: the axis, the variable, or the key of the list.
    pub(super) fn name(&mut self, scope: Scope<'_>) -> Result<Value, Stop> {
        // Nothing asks for it, and only who is in a ring is told of.
        let place = Span { file: 0, range: 0..0 };
        self.bound("name", &place, scope, &mut Way::default()).unwrap_or_else(|| Ok(Value::open(scope.entry)))
    }

    /// Whether the file may use what `path` leads to; it is asked for where that is not known and `need` is not never.
    /// Whatever path of the file is going to be opened goes through here first.
    ///
    /// # Errors
    /// It leads outside of the root; none where that is not known yet.
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

    /// As [`Evaluator::may_follow`], for a path that a list has at `place`.
    pub(super) fn follow(&mut self, path: &Path, shown: &str, place: &Span, scope: Scope<'_>) -> Result<(), Stop> {
        self.may_follow(path, shown, scope.need).map_err(|problem| {
            if let Some(problem) = problem.filter(|_| scope.need == Need::Must) {
                self.problems.add_for(scope.list, problem.at(place, format!("needed by {}", scope.list)));
            }
            Stop
        })
    }

    fn phrase<'r>(&mut self, phrase: &'r Phrase, scope: Scope<'r>, way: &mut Way<'r>) -> Result<Expanded, Stop> {
        // Every placeholder is looked at, so that all that is wrong with a template is told at once.
        let values: Vec<_> = phrase
            .template
            .placeholders()
            .map(|word| self.lookup(&word.name, &place_of(phrase, word), scope, way))
            .collect();
        let values = values.into_iter().collect::<Result<Vec<_>, Stop>>()?;
        let mut texts = values.iter();
        match phrase.template.expand_traced(|_| texts.next().map(|value| value.text().to_owned()).ok_or(Stop)) {
            Ok(expansion) => Ok(Expanded::new(expansion, &phrase.template, &values)),
            Err(error) => Err(self.not_expanded(error, phrase, &values, scope)),
        }
    }

    /// Tells why `phrase`, whose placeholders stand for `values`, comes to no text.
    fn not_expanded(&mut self, error: ExpandError<Stop>, phrase: &Phrase, values: &[Value], scope: Scope<'_>) -> Stop {
        let problem = match error {
            ExpandError::Lookup(stop) => return stop,
            ExpandError::NoPart { placeholder, value } => {
                let part = placeholder.part.map_or("part", VersionPart::word);
                let at = phrase.template.placeholders().position(|other| other.span == placeholder.span);
                let shown = at.and_then(|at| values.get(at)).map_or(value.as_str(), Value::shown);
                let message = match Version::parse(&value) {
                    Some(_) => format!("`{shown}` has no {part}"),
                    None => format!("`{shown}` is no version and has no {part}"),
                };
                Problem::error("mlist::config::no_part", message)
                    .at(&phrase.text.part(&placeholder.span), format!("in {}", scope.list))
                    .help(format!("give `{}` a version with that number, or leave .{part} out", placeholder.name))
            }
            ExpandError::TooLong { span } => {
                let message = format!("the text comes to more than {} KiB", LONGEST_TEXT / 1024);
                Problem::error("mlist::config::bad_value", message)
                    .at(&phrase.text.part(&span), format!("in {}", scope.list))
                    .help("no name is that long: look at what its variables come to")
            }
        };
        self.problems.add_for(scope.list, problem);
        Stop
    }

    /// Goes on to `name`, which is asked for at `place`.
    fn step<'r>(&mut self, name: &'r str, place: &Span, scope: Scope<'r>, way: &mut Way<'r>) -> Result<(), Stop> {
        way.look_up(name, place, scope.list).map_err(|problem| {
            if let Some(problem) = problem {
                self.problems.add_for(scope.list, *problem);
            }
            Stop
        })
    }

    /// What `name` stands for, which is asked for at `place`.
    fn lookup<'r>(&mut self, name: &'r str, place: &Span, scope: Scope<'r>, way: &mut Way<'r>) -> Result<Value, Stop> {
        self.step(name, place, scope, way)?;
        if MEMBER_NAMES.contains(&name) {
            return self.member_name(name, place, scope).map(Value::open);
        }
        if name == "tag" {
            return scope.tag.cloned().ok_or_else(|| {
                let problem = Problem::error("mlist::config::unknown_variable", "unknown variable `tag`")
                    .at(place, "known only in `member-tags`")
                    .help(format!("known here: {}", known(scope).join(", ")));
                self.problems.add_for(scope.list, problem);
                Stop
            });
        }
        if let Some(value) = self.bound(name, place, scope, way) {
            return value;
        }
        if name == "name" {
            return Ok(Value::open(scope.entry));
        }
        if !scope.names.incomplete {
            self.problems.add_for(scope.list, unknown(name, place, scope));
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
    ) -> Option<Result<Value, Stop>> {
        match scope.names.get(name)? {
            Binding::Axis(_) => {
                // Where axes are expanded themselves there is none to see.
                let value = scope.axes?.iter().find(|(axis, _)| *axis == name);
                Some(value.map(|(_, value)| value.clone()).ok_or(Stop))
            }
            Binding::Set(set) => Some(Ok(Value::open(&set.value))),
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
    ) -> Result<Value, Stop> {
        let needed_by = |problem: Problem| problem.at(&variable.span, format!("needed by {}", scope.list));
        let lookup = match &variable.value {
            VariableValue::Template(phrase) => return Ok(self.phrase(phrase, scope, way)?.into_value()),
            VariableValue::Env(env) => self.env(env),
            VariableValue::File(phrase) => {
                let path = self.phrase(phrase, scope, way)?;
                let base = self.base_of(&phrase.text.span);
                let shown = base.join(path.shown()).display().to_string();
                let path = base.join(path.text());
                self.follow(&path, &shown, &phrase.text.span, scope)?;
                let lacking = format!("`{shown}` is absent or empty");
                Lookup { question: Some(Question::File(path)), shown, lacking, help: SET_IT.to_owned() }
            }
            VariableValue::Git(fact) => self.git(*fact, &variable.span),
        };
        let problem = match self.look(name, &lookup, scope.need)? {
            Ok(Some(value)) => {
                let instead = self.hides(&variable.value).then(|| format!("{{{name}}}"));
                return Ok(Value::new(value, instead));
            }
            Ok(None) => {
                if let Some(default) = &variable.default {
                    return Ok(self.phrase(default, scope, way)?.into_value());
                }
                let message = format!("`{name}` has no value: {}", lookup.lacking);
                needed_by(Problem::error("mlist::config::no_value", message)).help(lookup.help)
            }
            Err(problem) => needed_by(*problem),
        };
        if scope.need == Need::Must {
            self.problems.add_for(scope.list, problem);
        }
        Err(Stop)
    }

    /// The value that stands there, or what is wrong with it.
    fn look(&mut self, name: &str, lookup: &Lookup, need: Need) -> Result<Result<Option<String>, Box<Problem>>, Stop> {
        let Some(question) = &lookup.question else { return Ok(Ok(None)) };
        if let Some(fact) = self.facts.get(question) {
            return Ok(value_of(name, question, fact, &lookup.shown));
        }
        if need != Need::Never {
            self.questions.insert(question.clone());
        }
        Err(Stop)
    }

    fn env(&self, name: &str) -> Lookup {
        let shown = name.to_owned();
        if self.trust.author.may_read(name) {
            let lacking = format!("`{name}` is unset or empty");
            return Lookup { question: Some(Question::Env(name.to_owned())), shown, lacking, help: SET_IT.to_owned() };
        }
        let lacking = format!("`{name}` is not read under --untrusted");
        let help = format!("to let the file read it: --allow-env {name}; or say what it is otherwise: {DEFAULT}");
        Lookup { question: None, shown, lacking, help }
    }

    fn git(&self, fact: GitFact, written: &Span) -> Lookup {
        let shown = "git".to_owned();
        if self.trust.author.is_stranger() {
            let lacking = "git is not asked under --untrusted".to_owned();
            return Lookup { question: None, shown, lacking, help: format!("say what it is otherwise: {DEFAULT}") };
        }
        let base = self.base_of(written);
        let folder = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base.to_owned() };
        let lacking = match fact {
            GitFact::Describe | GitFact::Commit => "git knows no commit here",
            GitFact::Tags => "no tag on HEAD is a version",
            GitFact::Branch => "HEAD is on no branch",
        };
        let question = Some(Question::Git(folder, fact));
        Lookup { question, shown, lacking: lacking.to_owned(), help: SET_IT.to_owned() }
    }

    /// Whether problems show a placeholder instead of what registries have: it is nothing to tell a stranger.
    pub(super) fn hides_tags(&self) -> bool {
        self.trust.author.is_stranger()
    }

    /// Whether problems show the placeholder instead of what `value` comes to. A file may be any file, whoever names it;
    /// the environment is that of who runs this, and nothing to tell a stranger.
    fn hides(&self, value: &VariableValue) -> bool {
        matches!(value, VariableValue::File(_)) || self.trust.author.is_stranger()
    }
}

/// Where a variable's value is looked for.
struct Lookup {
    /// None where it may not be asked.
    question: Option<Question>,
    /// What is asked, as it may be shown.
    shown: String,
    /// Why there is no value where there is none.
    lacking: String,
    /// What to do then.
    help: String,
}

const DEFAULT: &str = "default = \"…\" beside it";
const SET_IT: &str = "set it, or say what it is otherwise: default = \"…\" beside it";

/// The value that a fact holds for the variable `name`, or what is wrong with it; `shown` is what was asked.
fn value_of(name: &str, question: &Question, fact: &Fact, shown: &str) -> Result<Option<String>, Box<Problem>> {
    let text = fact.clone().map_err(|why| {
        let problem = match question {
            Question::File(_) => Problem::error("mlist::config::unreadable", format!("{shown} can't be read")),
            _ => Problem::error("mlist::config::no_value", format!("`{name}` has no value")),
        };
        Box::new(problem.because(why))
    })?;
    let value = match question {
        Question::Env(_) | Question::Inside(_) | Question::Paths(..) | Question::Include(_) => text,
        Question::Git(_, GitFact::Tags) => text.and_then(|tags| greatest_version(&tags)),
        Question::Git(..) => text.map(|text| text.trim().to_owned()),
        Question::File(_) => {
            let text = text.map(|text| text.trim_start_matches('\u{feff}').trim().to_owned());
            let (lines, bytes) = text.as_ref().map_or((0, 0), |text| (text.lines().count(), text.len()));
            let message = if lines > 1 {
                format!("{shown} has {lines} lines, and `{name}` is one")
            } else if bytes > LONGEST_LINE {
                format!("{shown} has {bytes} bytes, and a value from a file {LONGEST_LINE} at the most")
            } else {
                return Ok(text.filter(|text| !text.is_empty()));
            };
            let problem = Problem::error("mlist::config::bad_value", message);
            return Err(Box::new(problem.help("let the file hold the value alone")));
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
    let tag = scope.tag.map(|_| "tag");
    let all: BTreeSet<&str> = bound.chain(["name"]).chain(member.iter().copied()).chain(tag).collect();
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
