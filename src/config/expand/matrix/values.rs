//! [`of`]: the values of one axis, without duplicates.

use std::collections::HashMap;

use super::{MOST_LISTS, Values, from_tags, refuse};
use crate::config::expand::evaluate::{Evaluator, LONGEST_LINE, Need, NoValue, Scope};
use crate::config::expand::scope::ListScope;
use crate::config::expand::value::Value;
use crate::config::facts::Question;
use crate::config::problem::{Problem, Span};
use crate::config::read::declared::{Axis, Parsed, SpannedTemplate};
use crate::config::read::raw::Key;

/// The values of an axis.
pub(super) fn of(
    (name, axis): &(&Key, &Parsed<Axis>),
    list: &ListScope<'_>,
    need: Need,
    evaluator: &mut Evaluator<'_>,
) -> Result<Values, NoValue> {
    let entry = list.entry.name.as_str();
    let scope = Scope { names: &list.names, entry, list: entry, axes: None, member: None, tag: None, need };
    let values = match axis.good().ok_or(NoValue)? {
        Axis::Values(templates) => written(templates, scope, evaluator)?,
        Axis::Lines(path) => lines(name, path, scope, evaluator)?,
        Axis::TagsOf(tags) => return from_tags::values(name, tags, scope, evaluator),
    };
    once(name, values, scope, evaluator).map(Values::Known)
}

/// Values, each with its place.
type WrittenValues = Vec<(Value, WrittenAt)>;

/// Where a value is written.
struct WrittenAt {
    span: Span,
    /// The line number, if the value comes from a file of lines.
    line: Option<usize>,
}

fn written(
    templates: &[SpannedTemplate],
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<WrittenValues, NoValue> {
    let expanded: Vec<_> = templates.iter().map(|template| evaluator.expand(template, scope)).collect();
    let placed = |template: &SpannedTemplate| WrittenAt { span: template.text.span.clone(), line: None };
    templates.iter().zip(expanded).map(|(template, expanded)| Ok((expanded?.into_value(), placed(template)))).collect()
}

/// The lines of a file, without blank lines and lines that begin with `#`.
fn lines(
    name: &Key,
    path: &SpannedTemplate,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<WrittenValues, NoValue> {
    let span = &path.text.span;
    let expanded = evaluator.expand(path, scope)?;
    let base = evaluator.base_of(span).to_owned();
    let shown = base.join(expanded.shown()).display().to_string();
    let file = base.join(expanded.text());
    evaluator.follow(&file, &shown, span, scope)?;
    let fact = evaluator.fact(&Question::File(file)).ok_or(NoValue)?;
    let text = match fact {
        Ok(Some(text)) => text,
        Ok(None) => {
            let problem = Problem::error("mlist::config::unreadable", format!("there is no `{shown}`"));
            return refuse(problem.at(span, format!("needed by {}", scope.list)), scope, evaluator);
        }
        Err(why) => {
            let problem = Problem::error("mlist::config::unreadable", format!("{shown} can't be read")).because(why);
            return refuse(problem.at(span, format!("needed by {}", scope.list)), scope, evaluator);
        }
    };
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let lines: Vec<(usize, &str)> = lines.map(|(at, line)| (at + 1, line)).collect();
    let too_long = lines.iter().find(|(_, line)| line.len() > LONGEST_LINE);
    if let Some((at, line)) = too_long {
        let bytes = line.len();
        let message =
            format!("line {at} of {shown} has {bytes} bytes, and a value from a file {LONGEST_LINE} at the most");
        let problem = Problem::error("mlist::config::bad_value", message).at(span, "");
        return refuse(problem.help("a line is a value of the axis: one name, one version"), scope, evaluator);
    }
    if lines.len() > MOST_LISTS {
        let message = format!("{shown} has {} lines, and each is a list", lines.len());
        let problem = Problem::error("mlist::config::too_many_lists", message).at(span, "");
        return refuse(problem.help(format!("a file comes to {MOST_LISTS} lists at the most")), scope, evaluator);
    }
    if lines.is_empty() {
        let message = format!("the axis `{}` has no value: {shown} has no line", name.name);
        let problem = Problem::error("mlist::config::empty_axis", message).at(span, "");
        return refuse(problem.help("blank lines and those that begin with # do not count"), scope, evaluator);
    }
    let value = |line: &str| Value::new(line.to_owned(), Some(format!("{{{}}}", name.name)));
    Ok(lines.into_iter().map(|(at, line)| (value(line), WrittenAt { span: span.clone(), line: Some(at) })).collect())
}

/// `mlist::config::axis_twice`
fn once(
    name: &Key,
    values: WrittenValues,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<Vec<Value>, NoValue> {
    let mut seen: HashMap<&str, &WrittenAt> = HashMap::new();
    for (value, place) in &values {
        let Some(first) = seen.insert(value.text(), place) else { continue };
        let name = &name.name;
        let problem = if let (Some(first), Some(again)) = (first.line, place.line) {
            let message = format!("the axis `{name}` has a value twice: lines {first} and {again} are equal");
            Problem::error("mlist::config::axis_twice", message).at(&place.span, "")
        } else {
            let message = format!("the axis `{name}` has `{}` twice", value.shown());
            let problem = Problem::error("mlist::config::axis_twice", message);
            problem.at(&place.span, "here again").at(&first.span, "here first")
        };
        evaluator.problems.add_for(scope.list, problem);
        return Err(NoValue);
    }
    Ok(values.into_iter().map(|(value, _)| value).collect())
}
