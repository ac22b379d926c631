//! [`values`]: an axis whose values come from the tags of a repository.
//!
//! The newest version comes first. Values that are not versions come after all versions, in alphabetical order. So the
//! first values of an axis are the same with and without `newest`.

use std::cmp::Ordering;

use super::{Values, refuse};
use crate::config::expand::evaluate::{Evaluator, Need, NoValue, Scope, holds_whole};
use crate::config::expand::value::{Expanded, Value};
use crate::config::problem::Problem;
use crate::config::read::declared::{SpannedTemplate, TagsOf};
use crate::config::read::raw::Key;
use crate::naming::{Partial, Piece, Version};
use crate::oci::{Place, Tag};

/// The values of the axis `name`. Open if the tags are not known yet.
pub(super) fn values(
    name: &Key,
    axis: &TagsOf,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<Values, NoValue> {
    let pattern = match &axis.pattern {
        Some(pattern) if !holds_whole(pattern, &name.name, scope.names) => {
            evaluator.problems.add_for(scope.list, not_whole(name, pattern));
            Err(NoValue)
        }
        Some(pattern) => evaluator.partial(pattern, &name.name, scope),
        None => Ok(Partial::new(vec![Piece::Open { name: (), part: None, filters: Vec::new() }])),
    };
    let repository = repository(&axis.repository, scope, evaluator);
    let (pattern, (place, shown)) = (pattern?, repository?);
    if scope.need == Need::Never {
        return Ok(Values::Open);
    }
    let Some(tags) = evaluator.tags(&place) else { return Ok(Values::Open) };
    let tags = match tags {
        Ok(tags) => tags.as_deref(),
        Err(problem) => {
            let problem = (**problem).clone().at(&axis.repository.text.span, format!("needed by {}", scope.list));
            return unlisted(problem, scope, evaluator);
        }
    };
    let all: Vec<&str> = tags.into_iter().flatten().map(Tag::as_str).collect();
    let fit: Vec<String> = all.iter().filter_map(|tag| pattern.find(tag)).collect();
    let of_form = fit.len();
    let is_wanted = |value: &String| axis.wanted.as_ref().is_none_or(|globs| globs.matches(value));
    let mut values: Vec<String> = fit.into_iter().filter(is_wanted).collect();
    let matching = values.len();
    if axis.newest.is_some() {
        values.retain(|value| Version::parse(value).is_some());
    }
    values.sort_by(|one, other| newest_first(one, other));
    values.dedup();
    values.truncate(axis.newest.map_or(usize::MAX, usize::from));
    if values.is_empty() {
        let counts = [all.len(), of_form, matching];
        let problem = empty(name, axis, &shown, tags.map(|_| counts));
        let problem = match all.last() {
            Some(example) if !evaluator.hides_tags() => problem.because(format!("one of its tags is {example}")),
            _ => problem,
        };
        return refuse(problem, scope, evaluator);
    }
    let instead = evaluator.hides_tags().then(|| format!("{{{}}}", name.name));
    Ok(Values::Known(values.into_iter().map(|value| Value::new(value, instead.clone())).collect()))
}

/// `mlist::config::empty_axis`. `counts` are the number of tags in the repository, of tags that fit the pattern, and of
/// values that match. `None` if the repository does not exist.
fn empty(name: &Key, axis: &TagsOf, repository: &str, counts: Option<[usize; 3]>) -> Problem {
    let name = &name.name;
    let form = axis.pattern.as_ref().map_or_else(|| format!("{{{name}}}"), |it| it.text.value.clone());
    let (why, help) = match counts {
        None => (format!("there is no repository {repository}"), "look at its name, and at who may see it".to_owned()),
        Some([0, ..]) => {
            (format!("{repository} has no tag"), "each list is one of its tags: push one first".to_owned())
        }
        Some([count, 0, _]) => (
            format!("none of the {} of {repository} fits", tags_of(count)),
            format!("they are to be of the form {form}"),
        ),
        Some([count, _, 0]) => {
            let why = format!("`match` leaves none of the {} of {repository}", tags_of(count));
            (why, format!("`match` looks at what stands for {{{name}}}"))
        }
        Some([count, ..]) => {
            let why = format!("none of the {} of {repository} is a version", tags_of(count));
            (why, "`newest` counts versions alone: without it all values are taken".to_owned())
        }
    };
    let message = format!("the axis `{name}` has no value: {why}");
    Problem::error("mlist::config::empty_axis", message).at(&axis.span, "").help(help)
}

/// `mlist::config::bad_template`: the pattern does not contain the axis as a whole, so its value cannot be found in a
/// tag.
fn not_whole(name: &Key, pattern: &SpannedTemplate) -> Problem {
    let name = &name.name;
    let part = pattern.template.placeholders().find(|word| word.name == *name);
    let (message, span) = match part {
        None => (format!("`{{{name}}}` does not stand in its pattern"), pattern.text.span.clone()),
        Some(part) => (format!("`{{{name}}}` does not stand whole in its pattern"), pattern.text.part(&part.span)),
    };
    Problem::error("mlist::config::bad_template", message)
        .at(&span, "")
        .help(format!("what stands for {{{name}}} in a tag is a value: pattern = \"v{{{name}}}\""))
}

fn tags_of(count: usize) -> String {
    if count == 1 { "1 tag".to_owned() } else { format!("{count} tags") }
}

/// The repository, and its name in problems.
fn repository(
    template: &SpannedTemplate,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<(Place, String), NoValue> {
    let expanded: Expanded = evaluator.expand(template, scope)?;
    let place = Place::parse(expanded.text()).map_err(|error| {
        let message = if expanded.is_hidden() { error.message_of(expanded.shown()) } else { error.message.clone() };
        let problem = Problem::error("mlist::config::bad_reference", message).at(&template.text.span, scope.list);
        evaluator.problems.add_for(scope.list, problem.help("a repository, whose tags are read: ghcr.io/org/app"));
        NoValue
    })?;
    let place = place.under(evaluator.base_of(&template.text.span));
    let shown = if expanded.is_hidden() { expanded.shown().to_owned() } else { place.to_string() };
    if let Place::Layout(dir) = &place {
        evaluator.follow(dir.path(), &shown, &template.text.span, scope)?;
    }
    Ok((place, shown))
}

/// Handles tags that cannot be listed. If it is not certain that the list is selected, this may not matter.
fn unlisted(problem: Problem, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<Values, NoValue> {
    match scope.need {
        Need::Must => evaluator.problems.add_for(scope.list, problem),
        Need::Ask => evaluator.unlistable.push(problem),
        Need::Never => {}
    }
    Err(NoValue)
}

fn newest_first(one: &str, other: &str) -> Ordering {
    match (Version::parse(one), Version::parse(other)) {
        (Some(a), Some(b)) => b.compare(&a).then_with(|| one.cmp(other)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.cmp(other),
    }
}
