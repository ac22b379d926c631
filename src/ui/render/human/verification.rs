//! The output of `mlist verify`: each list that is not published as declared, what is wrong with it, and the number of
//! lists by state.

use crate::exec::report::ExitStatus;
use crate::plan::ListState;
use crate::ui::document::VerifiedLists;
use crate::ui::style::Style;
use crate::ui::text;

use super::{View, verdict};

/// Renders the lines of all lists, in the order of the file.
pub(super) fn lines(verified: &VerifiedLists, view: &View) -> String {
    let lists = verified.lists.iter().filter(|list| list.state != ListState::AsDeclared);
    lists.map(|list| view.head(word(list.state), &text::line(&list.plan.publication.reference().to_string()))).collect()
}

/// Renders `Done in 0.4s: 6 lists as declared`.
pub(super) fn summary(verified: &VerifiedLists, status: ExitStatus, style: Style) -> String {
    let states = [
        ListState::AsDeclared,
        ListState::Differs,
        ListState::Damaged,
        ListState::Absent,
        ListState::Blocked,
        ListState::Failed,
    ];
    let count = |state: ListState| verified.lists.iter().filter(|list| list.state == state).count();
    let counts: Vec<String> = states
        .into_iter()
        .filter(|state| count(*state) > 0)
        .enumerate()
        .map(|(at, state)| {
            let number = count(state);
            let number = if at == 0 { text::plural(number, "list") } else { text::count(number) };
            format!("{number} {}", word(state))
        })
        .collect();
    let duration = text::duration(verified.duration);
    let (first, when) = match status {
        ExitStatus::Done => ("Done", "in"),
        ExitStatus::Differs => ("Differs", "after"),
        _ => ("Incomplete", "after"),
    };
    let counts = if counts.is_empty() { "no lists".to_owned() } else { counts.join(", ") };
    verdict(style, first, &format!(" {when} {duration}: {counts}"))
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
