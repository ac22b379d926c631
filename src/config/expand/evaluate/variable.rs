//! The value of a variable: from its template, the environment, a file or git.

use std::path::PathBuf;

use super::{Evaluator, Need, NoValue, Scope, git};
use crate::config::expand::resolution_stack::ResolutionStack;
use crate::config::expand::value::Value;
use crate::config::facts::{Fact, GitFact, Question};
use crate::config::problem::{Problem, Span};
use crate::config::read::declared::{Variable, VariableValue};
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
        let needed_by = |problem: Problem| problem.at(&variable.span, format!("needed by {}", scope.list));
        let source = match &variable.value {
            VariableValue::Template(template) => return Ok(self.resolve(template, scope, stack)?.into_value()),
            VariableValue::Env(env) => self.env(env),
            VariableValue::File(template) => {
                let path = self.resolve(template, scope, stack)?;
                let base = self.base_of(&template.text.span);
                let shown = base.join(path.shown()).display().to_string();
                let path = base.join(path.text());
                self.follow(&path, &shown, &template.text.span, scope)?;
                let lacking = format!("`{shown}` is absent or empty");
                VariableSource { question: Some(Question::File(path)), shown, lacking, help: SET_IT.to_owned() }
            }
            VariableValue::Git(fact) => self.git(*fact, &variable.span),
        };
        let problem = match self.look(name, &source, scope.need)? {
            Ok(Some(value)) => {
                let instead = self.hides(&variable.value).then(|| format!("{{{name}}}"));
                return Ok(Value::new(value, instead));
            }
            Ok(None) => {
                if let Some(default) = &variable.default {
                    return Ok(self.resolve(default, scope, stack)?.into_value());
                }
                let of_git = source.question.as_ref().and_then(|question| git::no_value(self.facts, question, name));
                let (lacking, help) = of_git.unwrap_or((source.lacking, source.help));
                let message = format!("`{name}` has no value: {lacking}");
                needed_by(Problem::error("mlist::config::no_value", message)).help(help)
            }
            Err(problem) => {
                let failed = source.question.as_ref().filter(|question| self.facts.git_fault(question).is_some());
                needed_by(match failed.and_then(|question| git::no_value(self.facts, question, name)) {
                    Some((why, help)) => {
                        let message = format!("`{name}` has no value: {why}");
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
            let lacking = format!("`{name}` is unset or empty");
            return VariableSource {
                question: Some(Question::Env(name.to_owned())),
                shown,
                lacking,
                help: SET_IT.to_owned(),
            };
        }
        let lacking = format!("`{name}` is not read under --untrusted");
        let help = format!("to let the file read it: --allow-env {name}; or say what it is otherwise: {DEFAULT}");
        VariableSource { question: None, shown, lacking, help }
    }

    fn git(&self, fact: GitFact, written: &Span) -> VariableSource {
        let shown = "git".to_owned();
        if self.trust.author.is_stranger() {
            let lacking = "git is not asked under --untrusted".to_owned();
            return VariableSource {
                question: None,
                shown,
                lacking,
                help: format!("say what it is otherwise: {DEFAULT}"),
            };
        }
        let base = self.base_of(written);
        let folder = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base.to_owned() };
        let (question, lacking) = (Some(Question::Git(folder, fact)), "git has no value for it".to_owned());
        VariableSource { question, shown, lacking, help: SET_IT.to_owned() }
    }

    /// Whether problems show the placeholder instead of the value. A value from a file is never shown, because the path
    /// can lead to any file. The environment belongs to the user, and the author of an untrusted file must not learn
    /// its values.
    fn hides(&self, value: &VariableValue) -> bool {
        matches!(value, VariableValue::File(_)) || self.trust.author.is_stranger()
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
    /// The help if there is no value.
    help: String,
}

const DEFAULT: &str = "default = \"…\" beside it";
const SET_IT: &str = "set it, or say what it is otherwise: default = \"…\" beside it";

/// The value of the variable `name` from `fact`, or what is wrong with it. `shown` is the source of the value.
fn value_of(name: &str, question: &Question, fact: &Fact, shown: &str) -> Result<Option<String>, Box<Problem>> {
    let text = fact.clone().map_err(|why| {
        let problem = match question {
            Question::File(_) => Problem::error("mlist::config::unreadable", format!("{shown} can't be read")),
            _ => Problem::error("mlist::config::no_value", format!("`{name}` has no value")),
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
        let message = format!("the value of `{name}` has more than {} KiB", LONGEST_TEXT / 1024);
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
