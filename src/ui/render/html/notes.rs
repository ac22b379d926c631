//! Problems, warnings, and the lists to which no tag applies.

use maud::{Markup, html};

use crate::config::model::LeftOut;
use crate::config::problem::{Problem, Severity, Sources};
use crate::ui::document::{self, Context};
use crate::ui::render::fold::{self, ProblemGroup};
use crate::ui::text;

use super::list::{PageList, PageLists};
use super::{shown, shown_name};

/// The maximum number of links to lists that a problem has.
const LINKS: usize = 50;

/// Renders what comes after the lists.
pub(super) fn render(context: &Context, known: PageLists<'_>, lists: &[PageList<'_>]) -> Markup {
    let of_lists = lists.iter().enumerate().flat_map(|(at, list)| {
        let problems = list.compared.into_iter().flat_map(|compared| &compared.plan.problems);
        problems.map(move |problem| (Some(at), problem))
    });
    let of_file = match known {
        // Those of an invalid file include its warnings.
        PageLists::Unknown(problems) => problems,
        PageLists::Compared(_) | PageLists::Declared(_) => &context.warnings,
    };
    let (of_file, omitted) = document::shown(of_file);
    let groups = fold::fold(of_lists.chain(of_file.iter().map(|problem| (None, problem))));
    html! {
        @if !groups.is_empty() {
            section aria-labelledby="problems" {
                h2 #problems { "Problems" }
                @for group in &groups { "\n" (problem(group, lists, &context.sources)) }
                @if omitted > 0 { p { "and " (text::plural(omitted, "more problem")) } }
            }
        }
        @if !context.left_out.is_empty() { (left_out(&context.left_out)) }
        @if let PageLists::Declared(checked) = known && !checked.unexpanded.is_empty() {
            section aria-labelledby="unexpanded" {
                h2 #unexpanded { "Not expanded" }
                p { "The lists of these entries depend on the tags of a registry." }
                ul { @for entry in &checked.unexpanded { li { code { (shown_name(entry)) } } } }
            }
        }
    }
}

/// Renders the problems of one list, in short.
pub(super) fn of_list(problems: &[Problem], sources: &Sources) -> Markup {
    html! {
        @if !problems.is_empty() {
            h4 { "Problems" }
            ul { @for problem in problems { li { (message(problem)) (place(problem, sources)) } } }
        }
    }
}

fn problem(group: &ProblemGroup<'_>, lists: &[PageList<'_>], sources: &Sources) -> Markup {
    let problem = group.problem;
    html! {
        article.problem {
            h3 { (message(problem)) }
            p.quiet { code { (problem.code) } (place(problem, sources)) }
            @for cause in &problem.causes { p { (shown(cause)) } }
            @if !group.also.is_empty() {
                p { "Also: " @for (at, reference) in group.also.iter().take(LINKS).enumerate() {
                    @if at > 0 { ", " } code { (shown(reference)) }
                } (more(group.also.len())) }
            }
            @if let Some(help) = &problem.help { p { b { "Help: " } (shown(help)) } }
            @if !group.lists.is_empty() {
                p { "Lists: " @for (at, number) in group.lists.iter().take(LINKS).enumerate() {
                    @if at > 0 { ", " } a href={ "#l" (number) } { (lists[*number].name()) }
                } (more(group.lists.len())) }
            }
        }
    }
}

fn more(all: usize) -> Markup {
    html! { @if all > LINKS { " and " (text::count(all - LINKS)) " more" } }
}

fn message(problem: &Problem) -> Markup {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    html! { span class=(severity) { (severity) } ": " (shown(&problem.message)) }
}

/// The line of the file that the problem is about.
fn place(problem: &Problem, sources: &Sources) -> Markup {
    let place = problem
        .labels
        .first()
        .and_then(|label| Some((shown(&sources.get(label.span.file)?.name), sources.position(&label.span)?.line)));
    html! { @if let Some((file, line)) = place { small { " " (file) ":" (line) } } }
}

fn left_out(lists: &[LeftOut]) -> Markup {
    html! {
        section aria-labelledby="left-out" {
            h2 #left-out { "Left out" }
            p { "No tag applies to these lists." }
            ul { @for list in lists {
                li { code { (shown_name(&list.id)) } " in " code { (shown(&list.target.to_string())) } ": "
                    (shown(&list.why)) }
            } }
        }
    }
}
