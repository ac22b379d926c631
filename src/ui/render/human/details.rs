//! The lines below a list: the changes of its tags and members.
//!
//! | file | holds |
//! |---|---|
//! | [`tags`] | its tags, and the tags of its members |
//! | [`members`] | its members |
//! | [`repaired`] | the images that the target has lost |
//! | [`verified`] | how the published list compares with the declared one |
//!
//! This file decides which of them are shown in which case, aligns them, and adds why a list is blocked or failed.

use crate::config::problem::Severity;
use crate::oci::Digest;
use crate::plan::{Action, ListPlan};
use crate::ui::render::fold;
use crate::ui::style::Role;
use crate::ui::text;

use super::View;

mod members;
mod repaired;
mod tags;
pub(super) mod verified;

/// The columns before the label: two spaces, the symbol, a space.
const LEAD: usize = 4;

/// The minimum width of labels. With it, most plans have the same columns.
const LABEL: usize = 17;

/// A line below a list.
#[derive(Debug, Clone)]
pub(in crate::ui) struct DetailRow {
    symbol: char,
    label: String,
    value: DetailValue,
}

#[derive(Debug, Clone)]
enum DetailValue {
    /// No value.
    None,
    /// Text that may be in color, and its width without color.
    Text(String, usize),
    /// Text that may be in color and is wrapped between words, and the width of its longest word.
    Sentence(String, usize),
    /// Names, separated by commas and wrapped at the end of a line.
    Names(Vec<String>),
}

/// The layout of rows. All rows of an output have the same layout.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) enum DetailColumns {
    /// Values begin at this column.
    Side(usize),
    /// Values are on their own line.
    Stacked,
}

/// What the rows are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ui) enum Telling {
    /// A plan: all changes are shown.
    Plan,
    /// A list that a run has just published: only what is new is shown, and no sources.
    Outcome,
}

/// Returns the rows of a list.
pub(in crate::ui) fn rows(list: &ListPlan, view: &View, telling: Telling) -> Vec<DetailRow> {
    match (telling, list.action) {
        (Telling::Plan, Action::Unchanged) if !view.all => tags::staying(list, view),
        (Telling::Outcome, Action::Unchanged) if !view.all => Vec::new(),
        (Telling::Plan, Action::Create) => [tags::all(list, view), members::new(list, view, telling)].concat(),
        (Telling::Plan, Action::Update | Action::Unchanged) => {
            [tags::all(list, view), repaired::rows(list, view, telling), members::all(list, view, telling)].concat()
        }
        (_, Action::Blocked) => {
            let published = list.members.iter().any(|member| member.from.is_some());
            let members = if published { members::changed(list, view, telling) } else { Vec::new() };
            [tags::refused(list, view), problems(list), members].concat()
        }
        (_, Action::Failed) => problems(list),
        (Telling::Outcome, Action::Create) if view.all => {
            [tags::further(list, view), members::new(list, view, telling)].concat()
        }
        (Telling::Outcome, Action::Create) => {
            [tags::moved_off(list, view), tags::staying(list, view), members::lacking(list, view)].concat()
        }
        (Telling::Outcome, Action::Update) if view.all => {
            [tags::all(list, view), repaired::rows(list, view, telling), members::all(list, view, telling)].concat()
        }
        (Telling::Outcome, Action::Update) if members::change(list) => [
            tags::moved_off(list, view),
            tags::staying(list, view),
            repaired::rows(list, view, telling),
            members::changed(list, view, telling),
            members::lacking(list, view),
        ]
        .concat(),
        (Telling::Outcome, Action::Update) => {
            [tags::all(list, view), repaired::rows(list, view, telling), members::lacking(list, view)].concat()
        }
        (Telling::Outcome, Action::Unchanged) => {
            [tags::further(list, view), members::all(list, view, telling)].concat()
        }
    }
}

/// Returns rows for the tags of `list` that stay, worded so that they also apply to other lists whose tags stay for the
/// same reason.
pub(in crate::ui) fn staying_in_all(list: &ListPlan) -> Vec<DetailRow> {
    tags::staying_in_all(list)
}

/// Returns columns that are wide enough for all `rows`.
pub(in crate::ui) fn columns<'a>(rows: impl Iterator<Item = &'a DetailRow>, view: &View) -> DetailColumns {
    let (mut label, mut value) = (LABEL, 0);
    for row in rows {
        match &row.value {
            DetailValue::None => continue,
            DetailValue::Text(_, width) | DetailValue::Sentence(_, width) => value = value.max(*width),
            // Each name must fit on a line. The line can break after each name.
            DetailValue::Names(names) => {
                value = value.max(names.iter().map(|name| text::width(name) + 1).max().unwrap_or(0));
            }
        }
        label = label.max(text::width(&row.label) + 2);
    }
    match view.style.width {
        Some(width) if LEAD + label + value > width => DetailColumns::Stacked,
        _ => DetailColumns::Side(LEAD + label),
    }
}

/// Renders `rows` as lines.
pub(in crate::ui) fn render(rows: &[DetailRow], columns: DetailColumns, view: &View) -> String {
    rows.iter().map(|row| row.render(columns, view)).collect()
}

impl DetailRow {
    pub(super) fn new(symbol: char, label: impl Into<String>) -> Self {
        Self { symbol, label: label.into(), value: DetailValue::None }
    }

    fn text(self, text: &str) -> Self {
        let value = DetailValue::Text(text.to_owned(), text::width(text));
        Self { value, ..self }
    }

    /// Sets a sentence, with or without color, as the value.
    pub(super) fn sentence(self, painted: &str) -> Self {
        let longest = painted.split(' ').map(text::width_of_painted).max().unwrap_or(0);
        Self { value: DetailValue::Sentence(painted.to_owned(), longest), ..self }
    }

    /// Adds a part to the value.
    pub(super) fn and(self, part: &str) -> Self {
        let value = match &self.value {
            DetailValue::Text(text, _) | DetailValue::Sentence(text, _) => format!("{text}  {part}"),
            DetailValue::None | DetailValue::Names(_) => part.to_owned(),
        };
        self.sentence(&value)
    }

    fn names(self, names: Vec<String>) -> Self {
        Self { value: DetailValue::Names(names), ..self }
    }

    fn digest(self, digest: Option<&Digest>, view: &View) -> Self {
        match digest {
            Some(digest) => self.text(&view.digests.show(digest)),
            None => self,
        }
    }

    fn change(self, from: Option<&Digest>, to: Option<&Digest>, view: &View) -> Self {
        let (Some(from), Some(to)) = (from, to) else { return self.digest(from.or(to), view) };
        let change = change(from, to, view);
        let width = text::width_of_painted(&change);
        Self { value: DetailValue::Text(change, width), ..self }
    }

    fn render(&self, columns: DetailColumns, view: &View) -> String {
        let role = match self.symbol {
            '+' => Role::Created,
            '~' => Role::Updated,
            '-' => Role::Failed,
            '!' => Role::Blocked,
            _ => Role::Dim,
        };
        let symbol = view.style.paint(role, &self.symbol.to_string());
        let head = format!("  {symbol} {}", self.label);
        let indent = match columns {
            DetailColumns::Side(column) => column,
            DetailColumns::Stacked => LEAD + 2,
        };
        let value = match &self.value {
            DetailValue::None => return format!("{head}\n"),
            DetailValue::Text(painted, _) => painted.clone(),
            DetailValue::Sentence(painted, _) => text::set_in(painted, indent, view.style.width),
            DetailValue::Names(names) => {
                text::fill(&" ".repeat(indent), names, indent, view.style.width)[indent..].to_owned()
            }
        };
        match columns {
            DetailColumns::Side(column) => {
                let gap = column.saturating_sub(LEAD + text::width(&self.label)).max(1);
                format!("{head}{}{value}\n", " ".repeat(gap))
            }
            DetailColumns::Stacked => format!("{head}\n{}{value}\n", " ".repeat(LEAD + 2)),
        }
    }
}

/// Renders `0a4f6c1d92e7 → 9be3017c55fa` with color.
fn change(from: &Digest, to: &Digest, view: &View) -> String {
    let from = view.style.paint(Role::Dim, &view.digests.show(from));
    format!("{from} {} {}", view.style.arrow(), view.digests.show(to))
}

/// Returns why a list is blocked or failed. Label and value together read as a sentence.
fn problems(list: &ListPlan) -> Vec<DetailRow> {
    let mut rows = members::absent(list);
    let told = !rows.is_empty();
    let errors = list.problems.iter().filter(|problem| problem.severity == Severity::Error);
    let others = errors.filter(|problem| match problem.code {
        "mlist::plan::member_absent" => !told,
        "mlist::plan::immutable" => !tags::is_refused(list),
        _ => true,
    });
    let groups = fold::fold(others.map(|problem| (None, problem)));
    rows.extend(groups.iter().map(|group| DetailRow::new('!', text::line(&group.problem.message))));
    rows
}
