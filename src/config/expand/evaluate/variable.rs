//! The value of a variable: from its template, the environment, a file or git.

use std::path::PathBuf;

use super::{Evaluator, Need, NoValue, Scope, git};
use crate::config::expand::resolution_stack::ResolutionStack;
use crate::config::expand::scope::VERSION;
use crate::config::expand::value::{OutsideValue, Value, Visibility};
use crate::config::facts::{Fact, GitFact, Question};
use crate::config::problem::{Problem, Span};
use crate::config::read::declared::{Variable, VariableValue};
use crate::config::request::LoadPurpose;
use crate::naming::{LONGEST_TEXT, Version};

/// The maximum length of a value from a file, in bytes. Versions and digests fit. A longer text is most likely not a
/// value.
pub(in crate::config::expand) const LONGEST_LINE: usize = 256;

impl Evaluator<'_> {
    /// The value of the variable `name`.
    pub(super) fn variable<'r>(
        &mut self,
        name: &'r str,
        variable: &'r Variable,
        scope: Scope<'r>,
        stack: &mut ResolutionStack<'r>,
    ) -> Result<Value, NoValue> {
        let needed_by = |problem: Problem| problem.at(&variable.span, format!("used by list `{}`", scope.list));
        let source = match &variable.value {
            VariableValue::Template(template) => return Ok(self.resolve(template, scope, stack)?.into_value()),
            VariableValue::Env(env) => self.env(env),
            VariableValue::File(template) => {
                let path = self.resolve(template, scope, stack)?;
                let base = self.base_of(&template.text.span);
                let shown = base.join(path.shown()).display().to_string();
                let path = base.join(path.text());
                self.follow(&path, &shown, &template.text.span, scope)?;
                let lacking = format!("file `{shown}` does not exist or is empty");
                let set = "create the file".to_owned();
                VariableSource { question: Some(Question::File(path)), shown, lacking, set }
            }
            VariableValue::Git(fact) => self.git(*fact, &variable.span),
        };
        let problem = match self.look(name, &source, scope.need)? {
            Ok(Some(value)) => {
                let (place, visibility) = self.origin(name, &variable.value, &source);
                return Ok(Value::outside(OutsideValue { name: name.to_owned(), place, text: value, visibility }));
            }
            Ok(None) => {
                let of_git = source.question.as_ref().and_then(|question| git::no_value(self.facts, question, name));
                let (lacking, set) = of_git.unwrap_or((source.lacking, source.set));
                if let Some(default) = &variable.default {
                    let value = self.resolve(default, scope, stack)?.into_value();
                    if name == VERSION {
                        let (span, value) = (variable.span.clone(), value.shown().to_owned());
                        self.default_version = Some(DefaultVersion { span, value, lacking, set });
                    }
                    return Ok(value);
                }
                let message = format!("variable `{name}` has no value: {lacking}");
                needed_by(Problem::error("mlist::config::no_value", message))
                    .help(format!("{set}, or add {DEFAULT} to the variable"))
            }
            Err(problem) => {
                let failed = source.question.as_ref().filter(|question| self.facts.git_fault(question).is_some());
                needed_by(match failed.and_then(|question| git::no_value(self.facts, question, name)) {
                    Some((why, help)) => {
                        let message = format!("variable `{name}` has no value: {why}");
                        Problem::error("mlist::config::no_value", message).help(help)
                    }
                    None => *problem,
                })
            }
        };
        if scope.need == Need::Must {
            self.problems.add_for(scope.list, problem);
        }
        Err(NoValue)
    }

    /// The value, or what is wrong with it. If it is not known yet, records the question, unless `need` is
    /// [`Need::Never`].
    fn look(
        &mut self,
        name: &str,
        source: &VariableSource,
        need: Need,
    ) -> Result<Result<Option<String>, Box<Problem>>, NoValue> {
        let Some(question) = &source.question else { return Ok(Ok(None)) };
        if let Some(fact) = self.facts.get(question) {
            return Ok(value_of(name, question, fact, &source.shown));
        }
        if need != Need::Never {
            self.questions.insert(question.clone());
        }
        Err(NoValue)
    }

    fn env(&self, name: &str) -> VariableSource {
        let shown = name.to_owned();
        if self.trust.author.may_read(name) {
            let lacking = format!("environment variable `{name}` is not set or empty");
            let set = format!("set {name}");
            return VariableSource { question: Some(Question::Env(name.to_owned())), shown, lacking, set };
        }
        let lacking = format!("environment variable `{name}` is not read with --untrusted");
        let set = format!("to allow the file to read it, use --allow-env {name}");
        VariableSource { question: None, shown, lacking, set }
    }

    fn git(&self, fact: GitFact, written: &Span) -> VariableSource {
        let shown = "git".to_owned();
        if self.trust.author.is_stranger() {
            let lacking = "git is not used with --untrusted".to_owned();
            let set = "run mlist without --untrusted if you trust the file".to_owned();
            return VariableSource { question: None, shown, lacking, set };
        }
        let base = self.base_of(written);
        let folder = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base.to_owned() };
        let (lacking, set) = ("git has no value for it".to_owned(), "create a commit".to_owned());
        VariableSource { question: Some(Question::Git(folder, fact)), shown, lacking, set }
    }

    /// Where the value of the variable `name` comes from, and how much of it problems may show. A value from a file is
    /// never shown as a whole, because the path can lead to any file. The environment belongs to the user, and the
    /// author of an untrusted file must not learn its values.
    fn origin(&self, name: &str, value: &VariableValue, source: &VariableSource) -> (String, Visibility) {
        let shown = &source.shown;
        let of_user = if self.trust.author.is_stranger() { Visibility::Described } else { Visibility::Shown };
        match value {
            VariableValue::Env(env) => {
                (format!("environment variable `{shown}`"), Visibility::of_names(&[name, env], of_user))
            }
            VariableValue::File(_) => (format!("file `{shown}`"), Visibility::of_names(&[name], Visibility::Described)),
            VariableValue::Git(_) | VariableValue::Template(_) => (shown.clone(), of_user),
        }
    }
}

/// The default of the variable `version`, which is used because its source has no value.
pub(super) struct DefaultVersion {
    span: Span,
    /// The default, as problems may show it.
    value: String,
    /// Why its source has no value.
    lacking: String,
    /// What to do so that it has one.
    set: String,
}

impl Evaluator<'_> {
    /// Expands a tag. Warns if it contains the default of the variable `version` although this is a CI job, which
    /// should have the version that it publishes (`mlist::config::default_version`).
    pub(in crate::config::expand) fn warning_of_default<T>(
        &mut self,
        scope: Scope<'_>,
        expand: impl FnOnce(&mut Self) -> Result<T, NoValue>,
    ) -> Result<T, NoValue> {
        self.default_version = None;
        let expanded = expand(self)?;
        let Some(default) = self.default_version.take() else { return Ok(expanded) };
        let may_warn =
            scope.need == Need::Must && self.purpose == LoadPurpose::Publish && !self.trust.author.is_stranger();
        if may_warn && self.is_ci()? {
            let DefaultVersion { span, value, lacking, set } = default;
            let message = format!("this CI job uses the default of `version` in tags: `{value}`");
            let problem = Problem::warning("mlist::config::default_version", message).because(lacking);
            let help = format!("{set}, or use --set {VERSION}=…");
            self.problems.add_for(scope.list, problem.at(&span, format!("used by list `{}`", scope.list)).help(help));
        }
        Ok(expanded)
    }

    /// Whether this is a CI job. All known CI systems set `CI`.
    fn is_ci(&mut self) -> Result<bool, NoValue> {
        let fact = self.fact(&Question::Env("CI".to_owned())).ok_or(NoValue)?;
        Ok(matches!(fact, Ok(Some(value)) if matches!(value.trim(), "true" | "1")))
    }
}

/// Where the value of a variable comes from.
struct VariableSource {
    /// The question to ask. `None` if the file may not ask it.
    question: Option<Question>,
    /// The source of the value, as problems may show it.
    shown: String,
    /// The explanation if there is no value.
    lacking: String,
    /// What to do so that there is a value.
    set: String,
}

const DEFAULT: &str = "default = \"…\"";

/// The value of the variable `name` from `fact`, or what is wrong with it. `shown` is the source of the value.
fn value_of(name: &str, question: &Question, fact: &Fact, shown: &str) -> Result<Option<String>, Box<Problem>> {
    let text = fact.clone().map_err(|why| {
        let problem = match question {
            Question::File(_) => Problem::error("mlist::config::unreadable", format!("cannot read `{shown}`")),
            _ => Problem::error("mlist::config::no_value", format!("variable `{name}` has no value")),
        };
        Box::new(problem.because(why))
    })?;
    let text = text.as_deref().map(trimmed);
    let value = match question {
        Question::Git(_, GitFact::Tags) => text.and_then(greatest_version),
        Question::File(_) => {
            let (lines, bytes) = text.map_or((0, 0), |text| (text.lines().count(), text.len()));
            let message = if lines > 1 {
                format!("`{shown}` has {lines} lines, but the value of `{name}` must be a single line")
            } else if bytes > LONGEST_LINE {
                format!(
                    "`{shown}` is too long for the value of `{name}`: {bytes} bytes, at most {LONGEST_LINE} are allowed"
                )
            } else {
                return Ok(text.filter(|text| !text.is_empty()).map(str::to_owned));
            };
            let problem = Problem::error("mlist::config::bad_value", message);
            return Err(Box::new(problem.help("write only the value into the file")));
        }
        Question::Env(_) | Question::Git(..) | Question::Inside(_) | Question::Paths(..) | Question::Include(_) => {
            text.map(str::to_owned)
        }
    };
    if value.as_ref().is_some_and(|value| value.len() > LONGEST_TEXT) {
        let message = format!("the value of `{name}` is longer than {} KiB", LONGEST_TEXT / 1024);
        return Err(Box::new(Problem::error("mlist::config::bad_value", message)));
    }
    Ok(value.filter(|value| !value.is_empty()))
}

/// A value without a byte order mark and without the white space around it. Editors and CI systems add these.
fn trimmed(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim()
}

/// The greatest version among the lines.
fn greatest_version(tags: &str) -> Option<String> {
    let versions = tags.lines().filter_map(|tag| Version::parse(tag.trim()));
    versions.max_by(Version::compare).map(|version| version.as_str().to_owned())
}
