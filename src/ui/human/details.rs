//! The lines below a list: what becomes of its tags and members.

use crate::config::problem::{Problem, Severity};
use crate::oci::Digest;
use crate::plan::{Action, ListPlan, MemberChange, MemberFate, Reason, TagFate};
use crate::ui::fold;
use crate::ui::style::Role;
use crate::ui::text;

use super::View;

/// What stands before the label: two blanks, the symbol, a blank.
const LEAD: usize = 4;

/// Labels are at least so wide, that most plans look alike.
const LABEL: usize = 17;

/// One line below a list.
#[derive(Debug, Clone)]
pub(in crate::ui) struct Row {
    symbol: char,
    label: String,
    value: Value,
}

#[derive(Debug, Clone)]
enum Value {
    /// The label says it all.
    None,
    /// Painted, and as wide as it is without paint.
    Text(String, usize),
    /// Names with commas between them; broken where the line ends.
    Names(Vec<String>),
}

/// How rows are set: alike in all of one output.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) enum Columns {
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
pub(in crate::ui) fn rows(list: &ListPlan, view: &View, telling: Telling) -> Vec<Row> {
    let changes = list.members.iter().any(|member| !matches!(member.fate, MemberFate::Same | MemberFate::Unknown));
    match (telling, list.action) {
        (_, Action::Unchanged) if !view.all => Vec::new(),
        (Telling::Plan, Action::Create) => [tags(list, view), new_members(list, view)].concat(),
        (Telling::Plan, Action::Update | Action::Unchanged) => [tags(list, view), members(list, view)].concat(),
        (_, Action::Blocked) => {
            let published = list.members.iter().any(|member| member.from.is_some());
            let members = if published { moved_members(list, view) } else { Vec::new() };
            [problems(list), members].concat()
        }
        (_, Action::Failed) => problems(list),
        (Telling::Outcome, Action::Create) if view.all => [further_tags(list, view), new_members(list, view)].concat(),
        (Telling::Outcome, Action::Create) => Vec::new(),
        (Telling::Outcome, Action::Update) if view.all => [tags(list, view), members(list, view)].concat(),
        (Telling::Outcome, Action::Update) if changes => moved_members(list, view),
        (Telling::Outcome, Action::Update) => tags(list, view),
        (Telling::Outcome, Action::Unchanged) => [further_tags(list, view), members(list, view)].concat(),
    }
}

/// Columns as wide as all of `rows` need.
pub(in crate::ui) fn columns<'a>(rows: impl Iterator<Item = &'a Row>, view: &View) -> Columns {
    let (mut label, mut value) = (LABEL, 0);
    for row in rows {
        match &row.value {
            Value::None => continue,
            Value::Text(_, width) => value = value.max(*width),
            // A name must fit; the line can break after each.
            Value::Names(names) => value = value.max(names.iter().map(|name| text::width(name) + 1).max().unwrap_or(0)),
        }
        label = label.max(text::width(&row.label) + 2);
    }
    match view.style.width {
        Some(width) if LEAD + label + value > width => Columns::Stacked,
        _ => Columns::Side(LEAD + label),
    }
}

/// `rows` as lines.
pub(in crate::ui) fn render(rows: &[Row], columns: Columns, view: &View) -> String {
    rows.iter().map(|row| row.render(columns, view)).collect()
}

impl Row {
    fn new(symbol: char, label: impl Into<String>) -> Self {
        Self { symbol, label: label.into(), value: Value::None }
    }

    fn text(self, text: &str) -> Self {
        let value = Value::Text(text.to_owned(), text::width(text));
        Self { value, ..self }
    }

    fn digest(self, digest: Option<&Digest>, view: &View) -> Self {
        match digest {
            Some(digest) => self.text(&view.digests.show(digest)),
            None => self,
        }
    }

    fn change(self, from: Option<&Digest>, to: Option<&Digest>, view: &View) -> Self {
        let (Some(from), Some(to)) = (from, to) else { return self.digest(from.or(to), view) };
        let (from, to, arrow) = (view.digests.show(from), view.digests.show(to), view.style.arrow());
        let width = text::width(&format!("{from} {arrow} {to}"));
        let value = Value::Text(format!("{} {arrow} {to}", view.style.paint(Role::Dim, &from)), width);
        Self { value, ..self }
    }

    fn render(&self, columns: Columns, view: &View) -> String {
        let role = match self.symbol {
            '+' => Role::Created,
            '~' => Role::Updated,
            '-' => Role::Failed,
            '!' => Role::Blocked,
            _ => Role::Dim,
        };
        let symbol = view.style.paint(role, &self.symbol.to_string());
        let head = format!("  {symbol} {}", self.label);
        let value = match &self.value {
            Value::None => return format!("{head}\n"),
            Value::Text(painted, _) => painted.clone(),
            Value::Names(names) => {
                let indent = match columns {
                    Columns::Side(column) => column,
                    Columns::Stacked => LEAD + 2,
                };
                text::fill(&" ".repeat(indent), names, indent, view.style.width)[indent..].to_owned()
            }
        };
        match columns {
            Columns::Side(column) => {
                let gap = column.saturating_sub(LEAD + text::width(&self.label)).max(1);
                format!("{head}{}{value}\n", " ".repeat(gap))
            }
            Columns::Stacked => format!("{head}\n{}{value}\n", " ".repeat(LEAD + 2)),
        }
    }
}

fn tags(list: &ListPlan, view: &View) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut same = 0;
    for tag in &list.tags {
        let label = format!("tag {}", tag.tag);
        match tag.fate {
            TagFate::Created => rows.push(Row::new('+', label).digest(tag.to.as_ref(), view)),
            TagFate::Moved => rows.push(Row::new('~', label).change(tag.from.as_ref(), tag.to.as_ref(), view)),
            TagFate::Same if view.all => rows.push(Row::new('=', label).digest(tag.from.as_ref(), view)),
            TagFate::Same => same += 1,
            TagFate::Blocked | TagFate::Unknown => {}
        }
    }
    if same > 0 {
        rows.push(Row::new('=', text::plural(same, "tag")));
    }
    if list.reason == Some(Reason::Content) {
        rows.push(Row::new('~', "content").text("type, annotations or order"));
    }
    rows
}

/// The tags, where the line of the list does not name them all.
fn further_tags(list: &ListPlan, view: &View) -> Vec<Row> {
    if list.tags.len() > 1 { tags(list, view) } else { Vec::new() }
}

fn new_members(list: &ListPlan, view: &View) -> Vec<Row> {
    if view.all {
        return moved_members(list, view);
    }
    let names = list.members.iter().map(|member| text::line(&member.platform.to_string())).collect();
    vec![Row { value: Value::Names(names), ..Row::new('+', text::plural(list.members.len(), "member")) }]
}

fn members(list: &ListPlan, view: &View) -> Vec<Row> {
    let mut rows = moved_members(list, view);
    let same = list.members.iter().filter(|member| member.fate == MemberFate::Same);
    if view.all {
        rows.extend(same.map(|member| Row::new('=', platform(member)).digest(member.from.as_ref(), view)));
    } else {
        match same.count() {
            0 => {}
            same => rows.push(Row::new('=', text::plural(same, "member"))),
        }
    }
    rows
}

fn moved_members(list: &ListPlan, view: &View) -> Vec<Row> {
    let row = |member: &MemberChange| {
        let to = member.descriptor.as_ref().map(|descriptor| &descriptor.digest);
        let from = member.from.as_ref();
        match member.fate {
            MemberFate::Added => Some(Row::new('+', platform(member)).digest(to, view)),
            MemberFate::Changed => Some(Row::new('~', platform(member)).change(from, to, view)),
            MemberFate::Removed => {
                let digest = from.map(|from| view.digests.show(from)).unwrap_or_default();
                Some(Row::new('-', platform(member)).text(format!("{digest}   published, not declared").trim_start()))
            }
            MemberFate::Same | MemberFate::Absent | MemberFate::Unknown => None,
        }
    };
    list.members.iter().filter_map(row).collect()
}

fn platform(member: &MemberChange) -> String {
    // A platform that is published and not declared is a registry's text.
    text::foreign(&member.platform.to_string())
}

/// Why a list is blocked or failed: each label and value read as one sentence.
fn problems(list: &ListPlan) -> Vec<Row> {
    let absent = list.members.iter().filter(|member| member.fate == MemberFate::Absent);
    let row = |member: &MemberChange| {
        // In a layout nobody answers 404.
        let asked = member.source.as_ref().is_some_and(|source| source.place.host().is_some());
        Row::new('!', platform(member)).text(if asked { "is absent (404)" } else { "is absent" })
    };
    let mut rows: Vec<Row> = absent.map(row).collect();
    let told = !rows.is_empty();
    let errors = list.problems.iter().filter(|problem| problem.severity == Severity::Error);
    let others = errors.filter(|problem| !told || problem.slug() != "member_absent");
    let groups = fold::fold(others.map(|problem| (None, problem)));
    rows.extend(groups.iter().map(|group| problem(group.problem)));
    rows
}

fn problem(problem: &Problem) -> Row {
    let message = text::line(&problem.message);
    match problem.host().and_then(|host| Some((host, message.strip_prefix(host)?.strip_prefix(' ')?))) {
        Some((host, what)) => Row::new('!', text::line(host)).text(what),
        None => Row::new('!', message),
    }
}
