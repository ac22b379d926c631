//! Conditions: when a tag applies and a row is declared.
//!
//! ```text
//! when      = condition / "[" condition *("," condition) "]"
//! condition = "stable" / "newest" / "{" NAME "=" globs *("," NAME "=" globs) "}"
//! ```
//! `stable` and `newest` speak of the variable `version`. Whether a stable version is the newest is not known here: the
//! tags of the repository and the other lists say that. So `newest` holds here where `stable` does.

use super::declared::Condition;
use super::evaluate::{Evaluator, Need, Scope, Stop};
use super::problem::{Problem, Span};
use super::raw::{Node, Table, Text, Value};
use super::types;
use crate::naming::{Kind, Pattern, Version, nearest};

/// The variable that `stable` and `newest` speak of.
pub(super) const VERSION: &str = "version";

/// What has conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Tag,
    /// A member is there or not, whatever else is published: a row has no `newest`.
    Row,
}

impl Of {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Tag => &["stable", "newest"],
            Self::Row => &["stable"],
        }
    }

    fn help(self) -> String {
        format!("there are: {}, and globs over a variable: when = {{ NAME = \"1.*\" }}", self.words().join(", "))
    }
}

/// What conditions come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of them hold.
    Holds,
    /// One does not, and why: `1.4.0-rc.1 is not stable`.
    Fails(String),
}

/// Reads `when`; none where something is wrong with it, which is told.
pub(super) fn read(node: &Node, of: Of, problems: &mut Vec<Problem>) -> Option<Vec<Condition>> {
    let Value::Array(_) = &node.value else { return condition(node, of, problems) };
    let items = types::filled_array("when", node, problems)?;
    let read: Vec<_> = items.iter().map(|item| condition(item, of, problems)).collect();
    Some(read.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}

fn condition(node: &Node, of: Of, problems: &mut Vec<Problem>) -> Option<Vec<Condition>> {
    match &node.value {
        Value::Text(text) => word(text, of, problems).map(|condition| vec![condition]),
        Value::Table(table) if table.is_empty() => {
            problems.push(
                Problem::error("mlist::config::type", "a condition of `when` is empty")
                    .at(&node.span, "at least one variable belongs here")
                    .help(of.help()),
            );
            None
        }
        Value::Table(table) => globs(table, problems),
        Value::Array(_) | Value::Other { .. } => {
            problems.push(types::wrong("`when`", "a condition", node).at(&node.span, "").help(of.help()));
            None
        }
    }
}

fn word(text: &Text, of: Of, problems: &mut Vec<Problem>) -> Option<Condition> {
    let span = text.span.clone();
    let problem = match (text.value.as_str(), of) {
        ("stable", _) => return Some(Condition::Stable(span)),
        ("newest", Of::Tag) => return Some(Condition::Newest(span)),
        ("newest", Of::Row) => {
            Problem::error("mlist::config::type", "`newest` is no condition of a row").at(&span, "only a tag has it")
        }
        (other, _) => {
            let problem = Problem::error("mlist::config::type", format!("`{other}` is no condition of `when`"));
            match nearest(other, of.words().iter().copied()) {
                Some(meant) => problem.at(&span, format!("did you mean `{meant}`?")),
                None => problem.at(&span, ""),
            }
        }
    };
    problems.push(problem.help(of.help()));
    None
}

fn globs(table: &Table, problems: &mut Vec<Problem>) -> Option<Vec<Condition>> {
    let read: Vec<_> = table
        .iter()
        .map(|(name, node)| {
            Some(Condition::Fits { name: name.clone(), globs: types::globs(&name.name, node, problems)? })
        })
        .collect();
    read.into_iter().collect()
}

/// Whether all conditions hold. What is wrong with any of them is told; what only conditions behind one that fails
/// need is not asked for.
pub(super) fn holds(
    conditions: &[Condition],
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<Verdict, Stop> {
    let mut result = Ok(Verdict::Holds);
    for condition in conditions {
        let failed = matches!(result, Ok(Verdict::Fails(_)));
        let scope = Scope { need: if failed { Need::Never } else { scope.need }, ..scope };
        let verdict = one_holds(condition, scope, evaluator);
        if !failed && result.is_ok() {
            result = verdict;
        }
    }
    result
}

fn one_holds(condition: &Condition, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<Verdict, Stop> {
    match condition {
        Condition::Stable(span) => is_stable("stable", span, scope, evaluator),
        Condition::Newest(span) => is_stable("newest", span, scope, evaluator),
        Condition::Fits { name, globs } => {
            let value = evaluator.named(&name.name, &name.span, scope)?;
            if globs.matches(value.text()) {
                return Ok(Verdict::Holds);
            }
            let shown = if value.shown().is_empty() { "which is empty" } else { value.shown() };
            let globs: Vec<&str> = globs.patterns().iter().map(Pattern::source).collect();
            Ok(Verdict::Fails(format!("{}, {shown}, does not fit {}", name.name, globs.join(", "))))
        }
    }
}

fn is_stable(word: &str, span: &Span, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<Verdict, Stop> {
    if scope.names.get(VERSION).is_none() && !scope.names.incomplete {
        let message = format!("`{word}` speaks of the variable `{VERSION}`, which {} does not have", scope.list);
        let problem = Problem::error("mlist::config::no_version", message)
            .at(span, "")
            .help(format!("give it one: vars.{VERSION} = \"…\" in the list, or an axis of this name"));
        evaluator.problems.add_for(scope.list, problem);
        return Err(Stop);
    }
    let value = evaluator.named(VERSION, span, scope)?;
    Ok(match Version::parse(value.text()).map(|version| version.kind()) {
        Some(Kind::Stable) => Verdict::Holds,
        Some(Kind::PreRelease) => Verdict::Fails(format!("{} is not stable", value.shown())),
        None if value.text().is_empty() => Verdict::Fails(format!("{VERSION} is empty")),
        None => Verdict::Fails(format!("{} is no version", value.shown())),
    })
}
