//! The output of `mlist sync`: a line for each list when it is done, then the problems, then the verdict.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::exec::report::{ExitStatus, HostStats, ListReport, Outcome, Report, Stats, TagDone};
use crate::plan::{Action, CheckDepth, ListPlan, Plan, TagFate};
use crate::ui::render::fold;
use crate::ui::style::Style;
use crate::ui::text;

use super::details::{self, Telling};
use super::{INDENT, ShownLists, View, by_cause, verdict};

/// The columns of the lines of lists. They are as wide as the whole plan needs, not only the rows printed so far, so
/// that the columns do not move during a run.
#[derive(Debug, Clone, Copy)]
struct ListColumns {
    name: usize,
    stacked: bool,
    details: details::DetailColumns,
}

impl ListColumns {
    /// Computes the columns for the lists of `plan`.
    fn of(plan: &Plan, view: &View) -> Self {
        let lined = |list: &&Arc<ListPlan>| list.action.writes() || (view.all && list.action == Action::Unchanged);
        let lined = || plan.lists.iter().filter(lined);
        let name = lined().map(|list| text::width(&name(list))).max().unwrap_or(0);
        let digest = lined().filter_map(|list| list.index.as_ref());
        let digest = digest.map(|index| view.digests.show(&index.digest).len()).max().unwrap_or(0);
        let rows: Vec<_> = lined().flat_map(|list| details::rows(list, view, Telling::Outcome)).collect();
        Self {
            name,
            stacked: view.style.width.is_some_and(|width| INDENT + name + 2 + digest > width),
            details: details::columns(rows.iter(), view),
        }
    }

    /// Renders `created    gcr.io/google_containers/kubectl:v1.3.0    72c4e8f1a90d`.
    fn line(&self, word: &str, name: &str, note: &str, view: &View) -> String {
        let column = self.name.max(text::width(name)) + 2;
        let wide = view.style.width.is_some_and(|width| INDENT + column + text::width(note) > width);
        match note {
            "" => view.head(word, name),
            note if self.stacked || wide => format!("{}{}{note}\n", view.head(word, name), " ".repeat(INDENT)),
            note => format!("{}{}{note}\n", view.word(word), text::pad(name, column)),
        }
    }
}

/// Renders the lines of the lists of a run.
pub(in crate::ui) struct ListLines {
    view: View,
    columns: ListColumns,
    /// The lines of the lists that cannot be published according to the plan. Lists with the same cause share the line
    /// of the first of them, and the others have an empty one.
    decided: HashMap<usize, String>,
}

impl ListLines {
    /// Prepares the lines for the lists of `plan`.
    pub(in crate::ui) fn of(plan: &Plan, view: View) -> Self {
        let columns = ListColumns::of(plan, &view);
        let plans: Vec<&ListPlan> = plan.lists.iter().map(|list| &**list).collect();
        let mut decided = HashMap::new();
        for action in [Action::Blocked, Action::Failed] {
            let lists = || plans.iter().enumerate().filter(move |(_, list)| list.action == action);
            let groups = by_cause(lists().map(|(at, list)| (at, list.problems.as_slice())));
            let shared = fold::shared(&groups);
            for (at, list) in lists() {
                let line = match shared.get(&at) {
                    Some(group) if group.lists[0] == at => view.folded(text::action(action), group, &plans),
                    Some(_) => String::new(),
                    None => columns.line(text::action(action), &name(list), "", &view),
                };
                decided.insert(at, line);
            }
        }
        Self { view, columns, decided }
    }

    /// Renders the line of a list that was published, and what is new in it.
    pub(in crate::ui) fn published(&self, list: &ListReport) -> String {
        let Self { view, columns, .. } = self;
        let digest = list.plan.index.as_ref().map(|index| view.digests.show(&index.digest)).unwrap_or_default();
        let line = columns.line(list.word(), &name(&list.plan), &digest, view);
        line + &details::render(&details::rows(&list.plan, view, Telling::Outcome), columns.details, view)
    }

    /// Renders the line of the list at `at`, for an output in the order of the file. Empty if the list has no line: an
    /// unchanged one without `-v`, or one that was not begun.
    pub(in crate::ui) fn in_order(&self, at: usize, list: &ListReport) -> String {
        match list.outcome {
            Outcome::Published => self.published(list),
            Outcome::Unchanged if self.view.all => self.published(list),
            Outcome::Unchanged | Outcome::Cancelled { begun: false } => String::new(),
            Outcome::Cancelled { begun: true } => self.cancelled(list),
            Outcome::Blocked | Outcome::Failed => match self.decided.get(&at) {
                Some(line) => line.clone(),
                None => self.columns.line(list.word(), &name(&list.plan), &tags_note(list), &self.view),
            },
        }
    }

    /// Renders the lines that were not shown during the run.
    pub(in crate::ui) fn rest(&self, report: &Report, shown: ShownLists) -> String {
        let lists = report.lists.iter().enumerate();
        let lines = match shown {
            ShownLists::First(first) => lists.skip(first).map(|(at, list)| self.in_order(at, list)).collect(),
            ShownLists::Published => self.unpublished(report),
        };
        lines + &self.not_begun(report)
    }

    /// Renders the lines of all lists that were not published, by outcome. Lists with the same cause share a line.
    fn unpublished(&self, report: &Report) -> String {
        let Self { view, columns, .. } = self;
        let of = |outcome| report.lists.iter().enumerate().filter(move |(_, list)| list.outcome == outcome);
        let mut text: String =
            of(Outcome::Unchanged).filter(|_| view.all).map(|(_, list)| self.published(list)).collect();
        let plans: Vec<&ListPlan> = report.lists.iter().map(|list| &*list.plan).collect();
        for outcome in [Outcome::Blocked, Outcome::Failed] {
            let groups = by_cause(of(outcome).map(|(at, list)| (at, list.problems.as_slice())));
            let shared = fold::shared(&groups);
            for (at, list) in of(outcome) {
                match shared.get(&at) {
                    Some(group) if group.lists[0] == at => text += &view.folded(list.word(), group, &plans),
                    Some(_) => {}
                    None => text += &columns.line(list.word(), &name(&list.plan), &tags_note(list), view),
                }
            }
        }
        text.extend(of(Outcome::Cancelled { begun: true }).map(|(_, list)| self.cancelled(list)));
        text
    }

    fn cancelled(&self, list: &ListReport) -> String {
        let note = match tags_note(list) {
            note if note.is_empty() => "no tag was moved".to_owned(),
            note => note,
        };
        self.columns.line("cancelled", &name(&list.plan), &note, &self.view)
    }

    fn not_begun(&self, report: &Report) -> String {
        match report.lists.iter().filter(|list| list.outcome == Outcome::Cancelled { begun: false }).count() {
            0 => String::new(),
            number => format!("{}{} not started\n", self.view.word("cancelled"), text::plural(number, "list")),
        }
    }
}

/// Renders the verdict, such as `Done in 3.2s: 6 lists created`. Its first word corresponds to `status`.
pub(in crate::ui) fn summary(report: &Report, status: ExitStatus, style: Style) -> String {
    let words = ["created", "updated", "unchanged", "blocked", "failed", "cancelled"];
    let counts = words.map(|word| (word, report.lists.iter().filter(|list| list.word() == word).count()));
    let mut counts: Vec<(&str, usize)> = counts.into_iter().filter(|(_, number)| *number > 0).collect();
    let first = if counts.is_empty() { "no lists".to_owned() } else { counted(counts.remove(0)) };
    let counts = counts.iter().fold(first, |told, (word, number)| told + &format!(", {} {word}", text::count(*number)));
    let took = text::duration(report.duration);
    let quota = quota(&report.requests);
    let published = report.lists.iter().any(|list| list.outcome == Outcome::Published);
    match status {
        ExitStatus::Interrupted | ExitStatus::Terminated => {
            interrupted(report.duration, &format!("{counts}. Run mlist sync{} to continue.", options(report)), style)
        }
        ExitStatus::Done if published => verdict(style, "Done", &format!(" in {took}: {counts}{quota}")),
        ExitStatus::Done => verdict(style, "Nothing", &format!(" to publish: {counts} ({took}){quota}")),
        ExitStatus::Failed | ExitStatus::Usage | ExitStatus::Differs | ExitStatus::Blocked => {
            verdict(style, "Incomplete", &format!(" after {took}: {counts}{quota}"))
        }
    }
}

/// Returns the options without which the next run would not repair what this one has begun to repair.
fn options(report: &Report) -> &'static str {
    let is_open = |list: &&Arc<ListReport>| matches!(list.outcome, Outcome::Cancelled { .. });
    let children = || report.lists.iter().filter(is_open).flat_map(|list| &list.plan.children);
    match children().filter(|child| child.fault.is_some()).map(|child| child.confirm).max() {
        Some(CheckDepth::Blobs) => " --repair --blobs",
        Some(CheckDepth::Children) => " --repair",
        Some(CheckDepth::List) | None => "",
    }
}

/// Renders `Interrupted after 36s: …`.
pub(in crate::ui) fn interrupted(after: Duration, what: &str, style: Style) -> String {
    verdict(style, "Interrupted", &format!(" after {}: {what}", text::duration(after)))
}

/// Renders one line per host, such as `gcr.io: 36 HEAD, 2 token requests; no credentials`.
pub(in crate::ui) fn requests(requests: &Stats, style: Style) -> String {
    let line = |(host, asked): (&String, &HostStats)| {
        let numbers = [
            (asked.head, "HEAD"),
            (asked.get, "GET"),
            (asked.put, "PUT"),
            (asked.post, "POST"),
            (asked.token, if asked.token == 1 { "token request" } else { "token requests" }),
            (asked.retries, "retried"),
        ];
        let numbers = numbers.into_iter().filter(|(number, _)| *number > 0);
        let mut parts: Vec<String> = numbers.map(|(number, what)| format!("{} {what}", large(number))).collect();
        if !asked.waited.is_zero() {
            parts.push(format!("waited {}", text::duration(asked.waited)));
        }
        let credentials = match &asked.credentials {
            Some(from) => format!("credentials from {}", text::foreign(from)),
            None => "no credentials".to_owned(),
        };
        let line = format!("{}: {}; {credentials}", text::foreign(host), parts.join(", "));
        text::wrap(&line, style.width) + "\n"
    };
    requests.iter().map(line).collect()
}

fn large(number: u64) -> String {
    text::count(usize::try_from(number).unwrap_or(usize::MAX))
}

fn counted((word, number): (&str, usize)) -> String {
    format!("{} {word}", text::plural(number, "list"))
}

/// Renders the remaining pulls of registries that limit pulls.
fn quota(requests: &Stats) -> String {
    let left = requests.iter().filter_map(|(host, asked)| Some((host, asked.pulls_left?)));
    let name = |host: &str| if host == "docker.io" { "Docker Hub".to_owned() } else { text::foreign(host) };
    left.fold(String::new(), |told, (host, left)| {
        told + &format!(". {}: {} {} left", name(host), large(left), if left == 1 { "pull" } else { "pulls" })
    })
}

/// Returns which tags of an unfinished list were moved or may have been moved. Empty if there are none.
fn tags_note(list: &ListReport) -> String {
    let names = |wanted: TagDone| {
        let tags = list.plan.tags.iter().zip(&list.tags);
        let tags = tags.filter(move |(tag, done)| tag.fate.is_written() && **done == wanted);
        tags.map(|(tag, _)| tag.tag.to_string()).collect::<Vec<_>>().join(", ")
    };
    let changed = list.outcome != Outcome::Blocked;
    match (names(TagDone::Yes), names(TagDone::Unknown)) {
        (done, unknown) if !changed || (done.is_empty() && unknown.is_empty()) => String::new(),
        (done, unknown) if unknown.is_empty() => format!("tags already moved: {done}"),
        (done, unknown) if done.is_empty() => format!("these tags may have been moved: {unknown}"),
        (done, unknown) => format!("tags already moved: {done}; these tags may have been moved: {unknown}"),
    }
}

/// Returns the name of a list, such as `docker.io/acme/api:v2.4.0 +2 tags`.
pub(in crate::ui) fn name(list: &ListPlan) -> String {
    let reference = text::line(&list.publication.reference().to_string());
    // A tag that stays with another list is not a name of this list.
    match list.tags.iter().filter(|tag| tag.fate != TagFate::Stays).count() {
        0 | 1 => reference,
        tags => format!("{reference} +{}", text::plural(tags - 1, "tag")),
    }
}

#[cfg(test)]
mod tests;
