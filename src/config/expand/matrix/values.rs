//! [`of`]: the values of one axis, without duplicates.

use std::collections::HashMap;

use super::{MOST_LISTS, Values, from_tags, refuse};
use crate::config::expand::evaluate::{Evaluator, LONGEST_LINE, Need, NoValue, Scope};
use crate::config::expand::scope::ListScope;
use crate::config::expand::value::{OutsideValue, Value, Visibility};
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
            let problem = Problem::error("mlist::config::unreadable", format!("file `{shown}` not found"));
            let problem = problem.help("create the file, with one value of the axis on each line");
            return refuse(problem.at(span, format!("used by list `{}`", scope.list)), scope, evaluator);
        }
        Err(why) => {
            let problem = Problem::error("mlist::config::unreadable", format!("cannot read `{shown}`")).because(why);
            return refuse(problem.at(span, format!("used by list `{}`", scope.list)), scope, evaluator);
        }
    };
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let lines: Vec<(usize, &str)> = lines.map(|(at, line)| (at + 1, line)).collect();
    let too_long = lines.iter().find(|(_, line)| line.len() > LONGEST_LINE);
    if let Some((at, line)) = too_long {
        let bytes = line.len();
        let message = format!("line {at} of `{shown}` is too long: {bytes} bytes, at most {LONGEST_LINE} are allowed");
        let problem = Problem::error("mlist::config::bad_value", message).at(span, "");
        return refuse(
            problem.help("write one value of the axis on each line, such as a name or a version"),
            scope,
            evaluator,
        );
    }
    if lines.len() > MOST_LISTS {
        let message = format!("`{shown}` has {} lines, and each would be a list", lines.len());
        let problem = Problem::error("mlist::config::too_many_lists", message).at(span, "");
        return refuse(
            problem.help(format!(
                "the maximum is {MOST_LISTS}: use fewer axes or values, or split the file and run mlist for each part"
            )),
            scope,
            evaluator,
        );
    }
    if lines.is_empty() {
        let message = format!("axis `{}` has no values: `{shown}` has no lines with values", name.name);
        let problem = Problem::error("mlist::config::empty_axis", message).at(span, "");
        return refuse(
            problem.help("add one value on each line; empty lines and lines that start with # are ignored"),
            scope,
            evaluator,
        );
    }
    let visibility = Visibility::of_names(&[&name.name], Visibility::Described);
    let value = |at: usize, line: &str| {
        let place = format!("line {at} of file `{shown}`");
        Value::outside(OutsideValue { name: name.name.clone(), place, text: line.to_owned(), visibility })
    };
    let placed = |at| WrittenAt { span: span.clone(), line: Some(at) };
    Ok(lines.into_iter().map(|(at, line)| (value(at, line), placed(at))).collect())
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
            let message = format!("duplicate value in axis `{name}`: lines {first} and {again} are equal");
            let help = "remove one of the two lines: each value of an axis becomes one list";
            Problem::error("mlist::config::axis_twice", message).at(&place.span, "").help(help)
        } else {
            let message = format!("duplicate value `{}` in axis `{name}`", value.shown());
            let problem = Problem::error("mlist::config::axis_twice", message);
            let problem = problem.at(&place.span, "defined again here").at(&first.span, "first defined here");
            problem.help("remove one of the two: each value of an axis becomes one list")
        };
        evaluator.problems.add_for(scope.list, problem);
        return Err(NoValue);
    }
    Ok(values.into_iter().map(|(value, _)| value).collect())
}
