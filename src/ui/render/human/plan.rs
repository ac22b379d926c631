//! The output of `mlist plan`: each list that changes, why, and the number of lists by action.

use std::collections::HashMap;

use crate::plan::{Action, ListPlan, Plan, Summary};
use crate::ui::render::fold;
use crate::ui::style::Style;
use crate::ui::text;

use super::details::{self, Telling};
use super::{View, by_cause, staying, verdict};

/// Renders the lines of all lists, in the order of the file. An unchanged list has a line only with `-v`, or if one of
/// its tags stays with a newer version.
pub(in crate::ui) fn lines(plan: &Plan, view: &View) -> String {
    let plans: Vec<&ListPlan> = plan.lists.iter().map(|list| &**list).collect();
    let failed = plan.lists.iter().enumerate().filter(|(_, list)| list.action == Action::Failed);
    let failed = by_cause(failed.map(|(at, list)| (at, list.problems.as_slice())));
    let failed = fold::shared(&failed);
    let outrun = if view.all { Vec::new() } else { staying::groups(&plans) };
    let outrun: HashMap<usize, &Vec<usize>> = outrun
        .iter()
        .filter(|group| group.len() > 1)
        .flat_map(|group| group.iter().map(move |at| (*at, group)))
        .collect();
    let rows: Vec<_> = plan.lists.iter().map(|list| details::rows(list, view, Telling::Plan)).collect();
    let columns = details::columns(rows.iter().flatten(), view);
    let mut text = String::new();
    for (at, (list, rows)) in plan.lists.iter().zip(&rows).enumerate() {
        match (failed.get(&at), outrun.get(&at)) {
            // Lists of an unreachable registry share one line, at the position of the first of them.
            (Some(group), _) if group.lists[0] == at => text.push_str(&view.folded("failed", group, &plans)),
            (None, Some(group)) if group[0] == at => {
                let lists: Vec<&ListPlan> = group.iter().map(|at| plans[*at]).collect();
                text.push_str(&view.named("unchanged", &lists));
                text.push_str(&details::render(&details::staying_in_all(list), columns, view));
            }
            (Some(_), _) | (None, Some(_)) => {}
            (None, None) if list.action == Action::Unchanged && rows.is_empty() => {}
            (None, None) => {
                let target = text::line(&list.publication.target.to_string());
                text.push_str(&view.head(text::action(list.action), &target));
                text.push_str(&details::render(rows, columns, view));
            }
        }
    }
    text
}

/// Renders `Plan: 1 to create, 3 unchanged`.
pub(in crate::ui) fn summary(summary: &Summary, style: Style) -> String {
    let Summary { create, update, unchanged, blocked, failed } = *summary;
    let counts = [
        (create, "to create"),
        (update, "to update"),
        (unchanged, "unchanged"),
        (blocked, "blocked"),
        (failed, "failed"),
    ];
    let counts = counts.into_iter().filter(|(number, _)| *number > 0);
    let counts: Vec<String> = counts.map(|(number, what)| format!("{} {what}", text::count(number))).collect();
    let counts = if counts.is_empty() { "no lists".to_owned() } else { counts.join(", ") };
    verdict(style, "Plan", &format!(": {counts}"))
}

#[cfg(test)]
mod tests;
