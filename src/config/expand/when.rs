//! Evaluates conditions: whether a tag applies, and whether a row is declared.
//!
//! `stable` and `newest` use the variable `version`. Whether a stable version is the newest is not known here, because
//! it depends on the tags of the repository and on other lists. So here `newest` holds if `stable` holds.

use super::evaluate::{Evaluator, Need, NoValue, Scope};
use super::scope::VERSION;
use super::value::Value;
use crate::config::problem::{Problem, Span};
use crate::config::read::declared::Condition;
use crate::naming::{Globs, Kind, Pattern, Version};

/// The result of conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConditionResult {
    /// All of them hold.
    Holds,
    /// One does not hold, and why: `condition not met: stable (1.4.0-rc.1 is a pre-release)`.
    Fails(String),
}

/// Whether all conditions hold. Problems of every condition are reported. Values are not requested if only conditions
/// after a failed one need them.
pub(super) fn holds(
    conditions: &[Condition],
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<ConditionResult, NoValue> {
    let mut result = Ok(ConditionResult::Holds);
    for condition in conditions {
        let failed = matches!(result, Ok(ConditionResult::Fails(_)));
        let scope = Scope { need: if failed { Need::Never } else { scope.need }, ..scope };
        let verdict = one_holds(condition, scope, evaluator);
        if !failed && result.is_ok() {
            result = verdict;
        }
    }
    result
}

fn one_holds(
    condition: &Condition,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<ConditionResult, NoValue> {
    match condition {
        Condition::Stable(span) => is_stable("stable", span, scope, evaluator),
        Condition::Newest(span) => is_stable("newest", span, scope, evaluator),
        Condition::Fits { name, globs } => {
            let value = evaluator.named(&name.name, &name.span, scope)?;
            if globs.matches(value.text()) {
                return Ok(ConditionResult::Holds);
            }
            Ok(ConditionResult::Fails(mismatch(&name.name, &value, globs)))
        }
    }
}

/// Says which value the globs do not match: `condition not met: rel = "v2.9.1" does not match ""`.
fn mismatch(name: &str, value: &Value, globs: &Globs) -> String {
    let quoted = |pattern: &Pattern| format!("\"{}\"", pattern.source());
    // The value itself is only shown if it is written in the file or comes from a place that everybody may see.
    let subject = match value.instead() {
        Some(_) => name.to_owned(),
        None => format!("{name} = \"{}\"", value.text()),
    };
    let excluded = globs.patterns().iter().find(|pattern| pattern.is_negated() && pattern.matches(value.text()));
    let predicate = if let Some(pattern) = excluded {
        format!("is excluded by \"{}\"", pattern.source())
    } else {
        let wanted: Vec<String> = globs.patterns().iter().filter(|it| !it.is_negated()).map(quoted).collect();
        format!("does not match {}", wanted.join(" or "))
    };
    format!("condition not met: {subject} {predicate}")
}

fn is_stable(
    word: &str,
    span: &Span,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<ConditionResult, NoValue> {
    if scope.names.get(VERSION).is_none() && !scope.names.incomplete {
        let message = format!("`{word}` requires a variable `{VERSION}`, and list `{}` has none", scope.list);
        let problem = Problem::error("mlist::config::no_version", message)
            .at(span, "")
            .help(format!("add vars.{VERSION} = \"…\" to the list, or to [vars] if all lists have the same version"));
        evaluator.problems.add_for(scope.list, problem);
        return Err(NoValue);
    }
    let value = evaluator.named(VERSION, span, scope)?;
    let fails = |why: String| ConditionResult::Fails(format!("condition not met: {word} ({why})"));
    Ok(match Version::parse(value.text()).map(|version| version.kind()) {
        Some(Kind::Stable) => ConditionResult::Holds,
        Some(Kind::PreRelease) => fails(format!("{} is a pre-release", value.shown())),
        None if value.text().is_empty() => fails(format!("{VERSION} is empty")),
        None => fails(format!("{} is not a version", value.shown())),
    })
}
