//! The output of `mlist verify`: each list that is not published as declared, what is wrong with it, and the number of
//! lists by state.

use std::collections::HashMap;

use crate::exec::report::ExitStatus;
use crate::oci::Digest;
use crate::plan::{Action, ChildFault, ListPlan, ListState};
use crate::ui::document::VerifiedLists;
use crate::ui::render::fold;
use crate::ui::style::Style;
use crate::ui::text;

use super::details::{self, verified};
use super::{View, by_cause, verdict};

/// All states, in the order of the verdict.
const STATES: [ListState; 6] = [
    ListState::AsDeclared,
    ListState::Differs,
    ListState::Damaged,
    ListState::Absent,
    ListState::Blocked,
    ListState::Failed,
];

/// Renders the lines of all lists, in the order of the file. A list that is as declared has a line only with `-v`, or if
/// one of its sources was not found.
pub(super) fn lines(verified: &VerifiedLists, view: &View) -> String {
    let plans: Vec<&ListPlan> = verified.lists.iter().map(|list| &*list.plan).collect();
    let failed = plans.iter().enumerate().filter(|(_, list)| list.action == Action::Failed);
    let failed = by_cause(failed.map(|(at, list)| (at, list.problems.as_slice())));
    let failed = fold::shared(&failed);
    let alike = if view.all { Vec::new() } else { alike(verified) };
    let alike: HashMap<usize, &Vec<usize>> = alike
        .iter()
        .filter(|group| group.len() > 1)
        .flat_map(|group| group.iter().map(move |at| (*at, group)))
        .collect();
    let rows: Vec<_> = verified.lists.iter().map(|list| verified::rows(list, view)).collect();
    let columns = details::columns(rows.iter().flatten(), view);
    let is_shown = |at: usize| view.all || !rows[at].is_empty() || verified.lists[at].state != ListState::AsDeclared;
    let shown = verified.lists.iter().enumerate().filter(|(at, _)| is_shown(*at));
    let widest = shown.map(|(_, list)| word(list.state).len() + 2).max().unwrap_or(0);
    let view = &View { indent: view.indent.max(widest), ..*view };
    let mut text = String::new();
    for (at, (list, rows)) in verified.lists.iter().zip(&rows).enumerate().filter(|(at, _)| is_shown(*at)) {
        match (failed.get(&at), alike.get(&at)) {
            // Lists of an unreachable registry share one line, at the position of the first of them.
            (Some(group), _) if group.lists[0] == at => text.push_str(&view.folded("failed", group, &plans)),
            (None, Some(group)) if group[0] == at => {
                let lists: Vec<&ListPlan> = group.iter().map(|at| plans[*at]).collect();
                text.push_str(&view.named(word(list.state), &lists));
                text.push_str(&details::render(&verified::not_found_in_all(&list.plan), columns, view));
            }
            (Some(_), _) | (None, Some(_)) => {}
            (None, None) => {
                let reference = text::line(&list.plan.publication.reference().to_string());
                text.push_str(&view.head(word(list.state), &reference));
                text.push_str(&details::render(rows, columns, view));
            }
        }
    }
    text
}

/// Returns the lists that are as declared although sources were not found, as indexes. Lists without sources for the
/// same platforms are in one group, such as all lists of a release whose images were deleted.
fn alike(verified: &VerifiedLists) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known = HashMap::new();
    for (at, list) in verified.lists.iter().enumerate().filter(|(_, list)| list.state == ListState::AsDeclared) {
        let platforms: Vec<_> = verified::deleted(&list.plan).map(|member| &member.platform).collect();
        if platforms.is_empty() {
            continue;
        }
        let group = *known.entry(platforms).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(at);
    }
    groups
}

/// Returns the digests of damaged children and of what they lack.
pub(super) fn digests(verified: &VerifiedLists) -> impl Iterator<Item = &Digest> {
    let damage = verified.lists.iter().flat_map(|list| &list.damage);
    damage.flat_map(|child| {
        let blob = match &child.fault {
            ChildFault::ConfigMissing(blob) | ChildFault::LayerMissing(blob) => Some(blob),
            ChildFault::Missing | ChildFault::Size(_) | ChildFault::Type(_) | ChildFault::Unreadable(_) => None,
        };
        [&child.descriptor.digest].into_iter().chain(blob)
    })
}

/// Renders `Done in 0.4s: 6 lists as declared`.
pub(super) fn summary(verified: &VerifiedLists, status: ExitStatus, style: Style) -> String {
    let count = |state: &ListState| verified.lists.iter().filter(|list| list.state == *state).count();
    let word = |state, number| if state == ListState::Differs && number > 1 { "differ" } else { word(state) };
    let counts = STATES.iter().map(|state| (count(state), *state)).filter(|(number, _)| *number > 0);
    let counts = counts.map(|(number, state)| (number, word(state, number)));
    let counted = |(at, (number, word)): (usize, (usize, &str))| match at {
        0 => format!("{} {word}", text::plural(number, "list")),
        _ => format!("{} {word}", text::count(number)),
    };
    let counts: Vec<String> = counts.enumerate().map(counted).collect();
    let counts = if counts.is_empty() { "no lists".to_owned() } else { counts.join(", ") };
    let (first, when) = match status {
        ExitStatus::Done => ("Done", "in"),
        ExitStatus::Differs => ("Differs", "after"),
        _ => ("Incomplete", "after"),
    };
    verdict(style, first, &format!(" {when} {}: {counts}", text::duration(verified.duration)))
}

/// Returns the word for the state of a list.
fn word(state: ListState) -> &'static str {
    match state {
        ListState::AsDeclared => "as declared",
        ListState::Differs => "differs",
        ListState::Damaged => "damaged",
        ListState::Absent => "not found",
        ListState::Blocked => "blocked",
        ListState::Failed => "failed",
    }
}
