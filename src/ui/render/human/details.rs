//! The lines below a list: what becomes of its tags and members.
//!
//! | file | holds |
//! |---|---|
//! | [`tags`] | its tags, those of its members too |
//! | [`members`] | its members |
//!
//! Here is which of them are shown when, how they are set, and why a list is blocked or failed.

use crate::config::problem::{Problem, Severity};
use crate::oci::Digest;
use crate::plan::{Action, ListPlan};
use crate::ui::render::fold;
use crate::ui::style::Role;
use crate::ui::text;

use super::View;

mod members;
mod tags;

/// What stands before the label: two blanks, the symbol, a blank.
const LEAD: usize = 4;

/// Labels are at least so wide, that most plans look alike.
const LABEL: usize = 17;

/// One line below a list.
#[derive(Debug, Clone)]
pub(in crate::ui) struct DetailRow {
    symbol: char,
    label: String,
    value: DetailValue,
}

#[derive(Debug, Clone)]
enum DetailValue {
    /// The label says it all.
    None,
    /// Painted, and as wide as it is without paint.
    Text(String, usize),
    /// Painted; broken between words where the line ends. The longest word is so wide.
    Sentence(String, usize),
    /// Names with commas between them; broken where the line ends.
    Names(Vec<String>),
}

/// How rows are set: alike in all of one output.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) enum DetailColumns {
    /// Values begin at this column.
    Side(usize),
    /// Values stand on a line of their own.
    Stacked,
}

/// Who asks for the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ui) enum Telling {
    /// A plan: everything that changes.
    Plan,
    /// A run that has just published the list: what is new in it.
    Outcome,
}

/// All rows of a list.
pub(in crate::ui) fn rows(list: &ListPlan, view: &View, telling: Telling) -> Vec<DetailRow> {
    match (telling, list.action) {
        (Telling::Plan, Action::Unchanged) if !view.all => tags::staying(list, view),
        (Telling::Outcome, Action::Unchanged) if !view.all => Vec::new(),
        (Telling::Plan, Action::Create) => [tags::all(list, view), members::new(list, view)].concat(),
        (Telling::Plan, Action::Update | Action::Unchanged) => {
            [tags::all(list, view), members::all(list, view)].concat()
        }
        (_, Action::Blocked) => {
            let published = list.members.iter().any(|member| member.from.is_some());
            let members = if published { members::changed(list, view) } else { Vec::new() };
            [tags::refused(list, view), problems(list), members].concat()
        }
        (_, Action::Failed) => problems(list),
        (Telling::Outcome, Action::Create) if view.all => {
            [tags::further(list, view), members::new(list, view)].concat()
        }
        (Telling::Outcome, Action::Create) => [tags::staying(list, view), members::lacking(list, view)].concat(),
        (Telling::Outcome, Action::Update) if view.all => [tags::all(list, view), members::all(list, view)].concat(),
        (Telling::Outcome, Action::Update) if members::change(list) => {
            [tags::staying(list, view), members::changed(list, view), members::lacking(list, view)].concat()
        }
        (Telling::Outcome, Action::Update) => [tags::all(list, view), members::lacking(list, view)].concat(),
        (Telling::Outcome, Action::Unchanged) => [tags::further(list, view), members::all(list, view)].concat(),
    }
}

/// The tags of `list` that stay, told for others too whose tags stay for the same reason.
pub(in crate::ui) fn staying_in_all(list: &ListPlan) -> Vec<DetailRow> {
    tags::staying_in_all(list)
}

/// Columns as wide as all of `rows` need.
pub(in crate::ui) fn columns<'a>(rows: impl Iterator<Item = &'a DetailRow>, view: &View) -> DetailColumns {
    let (mut label, mut value) = (LABEL, 0);
    for row in rows {
        match &row.value {
            DetailValue::None => continue,
            DetailValue::Text(_, width) | DetailValue::Sentence(_, width) => value = value.max(*width),
            // A name must fit; the line can break after each.
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

/// `rows` as lines.
pub(in crate::ui) fn render(rows: &[DetailRow], columns: DetailColumns, view: &View) -> String {
    rows.iter().map(|row| row.render(columns, view)).collect()
}

impl DetailRow {
    fn new(symbol: char, label: impl Into<String>) -> Self {
        Self { symbol, label: label.into(), value: DetailValue::None }
    }

    fn text(self, text: &str) -> Self {
        let value = DetailValue::Text(text.to_owned(), text::width(text));
        Self { value, ..self }
    }

    /// Words that are for people, painted or not.
    fn sentence(self, painted: &str) -> Self {
        let longest = painted.split(' ').map(text::width_of_painted).max().unwrap_or(0);
        Self { value: DetailValue::Sentence(painted.to_owned(), longest), ..self }
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

/// `0a4f6c1d92e7 → 9be3017c55fa`, painted.
fn change(from: &Digest, to: &Digest, view: &View) -> String {
    let from = view.style.paint(Role::Dim, &view.digests.show(from));
    format!("{from} {} {}", view.style.arrow(), view.digests.show(to))
}

/// Why a list is blocked or failed: each label and value read as one sentence.
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
    rows.extend(groups.iter().map(|group| problem(group.problem)));
    rows
}

fn problem(problem: &Problem) -> DetailRow {
    let message = text::line(&problem.message);
    match problem.host().and_then(|host| Some((host, message.strip_prefix(host)?.strip_prefix(' ')?))) {
        Some((host, what)) => DetailRow::new('!', text::line(host)).text(what),
        None => DetailRow::new('!', message),
    }
}
