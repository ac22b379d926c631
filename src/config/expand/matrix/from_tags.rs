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
use crate::oci::{Place, ReferenceErrorKind, Tag};

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
            let problem = (**problem).clone().at(&axis.repository.text.span, format!("used by list `{}`", scope.list));
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
        // A version that `match` excludes explains more than any other tag.
        let is_version = |tag: &&&str| pattern.find(tag).is_some_and(|value| Version::parse(&value).is_some());
        let excluded = all.iter().rfind(is_version).filter(|_| axis.newest.is_some() && matching > 0);
        let problem = match (excluded, all.last()) {
            _ if evaluator.hides_tags() => problem,
            (Some(excluded), _) => problem.because(format!("`match` excludes versions such as the tag `{excluded}`")),
            (None, Some(example)) => problem.because(format!("for example, the repository has the tag `{example}`")),
            (None, None) => problem,
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
        None => {
            (format!("repository {repository} not found"), "check the name, and log in if it is private".to_owned())
        }
        Some([0, ..]) => {
            (format!("{repository} has no tags"), "push a tag first; each list is made from one tag".to_owned())
        }
        Some([count, 0, _]) => (
            format!("none of the {} in {repository} matches `pattern`", tags_of(count)),
            format!("change `pattern`: only tags of the form {form} match"),
        ),
        Some([count, _, 0]) => {
            let why = format!("none of the {} in {repository} matches `match`", tags_of(count));
            (why, format!("`match` is compared with the value of {{{name}}} in each tag"))
        }
        Some([count, of_form, matching]) => {
            let (tags, change) = match (&axis.wanted, &axis.pattern) {
                (Some(_), _) => (format!("{} that match `match`", tags_of(matching)), "change `match`, or "),
                (None, Some(_)) => (format!("{} that match `pattern`", tags_of(of_form)), "change `pattern`, or "),
                (None, None) => (tags_of(count), ""),
            };
            let why = format!("none of the {tags} in {repository} is a version");
            (why, format!("{change}remove `newest` to use tags that are not versions"))
        }
    };
    let message = format!("axis `{name}` has no values: {why}");
    Problem::error("mlist::config::empty_axis", message).at(&axis.span, "").help(help)
}

/// `mlist::config::bad_template`: the pattern does not contain the axis as a whole, so its value cannot be found in a
/// tag.
fn not_whole(name: &Key, pattern: &SpannedTemplate) -> Problem {
    let name = &name.name;
    let part = pattern.template.placeholders().find(|word| word.name == *name);
    let (message, span) = match part {
        None => (format!("`pattern` does not contain `{{{name}}}`"), pattern.text.span.clone()),
        Some(part) => {
            let written = &pattern.text.value[part.span.clone()];
            (format!("`pattern` cannot use `{written}`: write `{{{name}}}`"), pattern.text.part(&part.span))
        }
    };
    Problem::error("mlist::config::bad_template", message)
        .at(&span, "")
        .help(format!("write {{{name}}} where the tags contain the value: pattern = \"v{{{name}}}\""))
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
        let problem = Problem::error("mlist::config::bad_reference", message)
            .at(&template.text.span, format!("used by list `{}`", scope.list));
        let help = match error.kind {
            ReferenceErrorKind::UnexpectedLocator => "remove the tag or digest: an axis uses all tags of a repository",
            _ => "write a repository, such as ghcr.io/org/app",
        };
        evaluator.problems.add_for(scope.list, problem.help(help));
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
