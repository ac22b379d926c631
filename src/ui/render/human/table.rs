//! [`Table`]: rows in groups, each group below its own first cells.
//!
//! On a terminal whose width holds all columns, each row is one line, and the first cells are shown once for each
//! group. Otherwise the table is stacked: the first cells are on a line of their own, and the rows below them are
//! indented. What still does not fit continues on the next line, but no cell is broken. Without a terminal, each row is
//! one line with all cells in full, so that other programs can split it at spaces.

use crate::ui::style::{Role, Style};
use crate::ui::text;

/// Shown for an empty cell.
const EMPTY: &str = "-";
/// The spaces between columns.
const GAP: usize = 2;
/// The indentation of stacked rows.
const INDENT: usize = 2;

/// A table.
pub(super) struct Table {
    /// The names of the columns that are the same for all rows of a group.
    pub(super) first: &'static [&'static str],
    /// The names of the other columns.
    pub(super) columns: &'static [&'static str],
    /// The groups, in order.
    pub(super) groups: Vec<TableGroup>,
    /// When it is stacked.
    pub(super) stacking: Stacking,
}

/// When a table on a terminal is stacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stacking {
    /// If the width does not hold all columns.
    IfNeeded,
    /// Always.
    Always,
}

/// Rows that belong together.
pub(super) struct TableGroup {
    /// One cell for each of [`Table::first`].
    pub(super) first: Vec<Cell>,
    /// One cell for each of [`Table::columns`].
    pub(super) rows: Vec<Vec<Cell>>,
    /// Lines after the rows.
    pub(super) notes: Vec<String>,
    /// The start of references that a stacked table shows as `…/`. Empty if there is none.
    pub(super) base: String,
}

/// One value of a table.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// Each part is shown unbroken.
    parts: Vec<String>,
    kind: CellKind,
    role: Option<Role>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CellKind {
    /// Parts with spaces between them.
    Words,
    /// Names with commas between them. At the end of a line they are wrapped.
    Names,
    /// A reference, which may be shortened.
    Reference,
}

impl Cell {
    /// A cell without a value.
    pub(super) fn empty() -> Self {
        Self::words(Vec::new())
    }

    /// A cell with this text.
    pub(super) fn text(text: &str) -> Self {
        Self::words(vec![text.to_owned()])
    }

    /// A cell with this reference.
    pub(super) fn reference(text: &str) -> Self {
        Self { kind: CellKind::Reference, ..Self::text(text) }
    }

    /// A cell with parts of a value.
    pub(super) fn words(parts: Vec<String>) -> Self {
        let parts = parts.into_iter().map(|part| text::line(&part)).filter(|part| !part.is_empty()).collect();
        Self { parts, kind: CellKind::Words, role: None }
    }

    /// A cell with several names.
    pub(super) fn names(names: Vec<String>) -> Self {
        Self { kind: CellKind::Names, ..Self::words(names) }
    }

    /// Sets the color.
    pub(super) fn painted(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }

    /// The text on one line of a terminal.
    fn shown(&self) -> String {
        match (self.parts.as_slice(), self.kind) {
            ([], _) => EMPTY.to_owned(),
            (parts, CellKind::Names) => parts.join(", "),
            (parts, CellKind::Words | CellKind::Reference) => parts.join(" "),
        }
    }

    /// The text for programs, in which a space separates cells only.
    fn piped(&self) -> String {
        if self.parts.is_empty() { EMPTY.to_owned() } else { self.parts.join(",") }
    }

    /// Returns the cell with the start of its reference left out, if it is `base`.
    fn shortened(&self, base: &str, style: Style) -> Self {
        let rest = self.parts.first().and_then(|text| text.strip_prefix(base));
        match rest.filter(|_| self.kind == CellKind::Reference && !base.is_empty()) {
            Some(rest) => Self { parts: vec![format!("{}/{rest}", style.ellipsis())], ..self.clone() },
            None => self.clone(),
        }
    }

    /// The columns that it needs at the end of a line.
    fn least(&self) -> usize {
        match (self.kind, self.parts.as_slice()) {
            (CellKind::Names, [_, _, ..]) => self.parts.iter().map(|name| text::width(name) + 1).max().unwrap_or(0),
            _ => text::width(&self.shown()),
        }
    }
}

/// The part of a table that has the same columns: the first cells, or the rows.
struct Section<'t> {
    names: &'t [&'static str],
    /// The width of each column.
    widths: Vec<usize>,
    /// The columns of each line of a row.
    lines: Vec<Vec<usize>>,
    /// The indentation of the first line, and of the others.
    indents: [usize; 2],
}

impl<'t> Section<'t> {
    /// Arranges the columns of `rows` in as many lines as `limit` requires.
    fn of(names: &'t [&'static str], rows: &[Vec<Cell>], indents: [usize; 2], limit: Option<usize>) -> Self {
        let measured = |measure: fn(&Cell) -> usize| {
            let column = |(at, name): (usize, &&str)| {
                rows.iter().map(|row| measure(&row[at])).max().unwrap_or(0).max(text::width(name))
            };
            names.iter().enumerate().map(column).collect::<Vec<usize>>()
        };
        let (widths, least) = (measured(|cell| text::width(&cell.shown())), measured(Cell::least));
        let arranged = |first: usize| {
            // The columns before `first` have a line of their own.
            let mut lines = if first == 0 { vec![Vec::new()] } else { vec![(0..first).collect(), Vec::new()] };
            let mut used = indents[lines.len() - 1];
            for at in first..names.len() {
                let needed = if at + 1 == names.len() { least[at] } else { widths[at] };
                let is_begun = lines.last().is_some_and(|line| !line.is_empty());
                if is_begun && limit.is_some_and(|limit| used + needed > limit) {
                    lines.push(Vec::new());
                    used = indents[1];
                }
                if let Some(line) = lines.last_mut() {
                    line.push(at);
                }
                used += widths[at] + GAP;
            }
            lines
        };
        let begins_with_reference = rows.iter().any(|row| row[0].kind == CellKind::Reference);
        let lines = match arranged(0) {
            lines if lines.len() > 1 && begins_with_reference => arranged(1),
            lines => lines,
        };
        Self { names, widths, lines, indents }
    }

    /// Whether a row is one line.
    fn is_flat(&self) -> bool {
        self.lines.len() == 1
    }

    fn header(&self) -> String {
        let names: Vec<Cell> = self.names.iter().map(|name| Cell::text(name)).collect();
        self.row(&names, Style::PLAIN)
    }

    fn row(&self, cells: &[Cell], style: Style) -> String {
        let line = |(number, columns): (usize, &Vec<usize>)| {
            let mut line = " ".repeat(self.indents[number.min(1)]);
            for (at, &column) in columns.iter().enumerate() {
                let (cell, is_last) = (&cells[column], at + 1 == columns.len());
                let shown = match cell.kind {
                    CellKind::Names if is_last && !cell.parts.is_empty() => {
                        let blanks = text::width_of_painted(&line);
                        text::fill(&" ".repeat(blanks), &cell.parts, blanks, style.width)[blanks..].to_owned()
                    }
                    _ => cell.shown(),
                };
                let gap = if is_last { 0 } else { self.widths[column] + GAP - text::width(&shown) };
                let painted = cell.role.map(|role| style.paint(role, &shown));
                line += &painted.unwrap_or(shown);
                line += &" ".repeat(gap);
            }
            line + "\n"
        };
        self.lines.iter().enumerate().map(line).collect()
    }
}

impl Table {
    /// Renders the table. Empty if it has no groups.
    pub(super) fn render(&self, style: Style) -> String {
        if self.groups.is_empty() {
            return String::new();
        }
        let Some(width) = style.width else { return self.piped() };
        let names: Vec<&'static str> = self.first.iter().chain(self.columns).copied().collect();
        let rows: Vec<Vec<Cell>> = self.groups.iter().flat_map(TableGroup::beside).collect();
        let flat = Section::of(&names, &rows, [0, INDENT], Some(width));
        // Only a stacked table has room for notes.
        let is_flat = flat.is_flat() && self.groups.iter().all(|group| group.notes.is_empty());
        let rows = match self.stacking {
            Stacking::IfNeeded if is_flat => rows.iter().map(|row| flat.row(row, style)).collect(),
            Stacking::IfNeeded | Stacking::Always => return self.stacked(style),
        };
        [vec![flat.header()], rows].concat().concat()
    }

    fn stacked(&self, style: Style) -> String {
        let firsts: Vec<Vec<Cell>> = self.groups.iter().map(|group| group.first.clone()).collect();
        let first = Section::of(self.first, &firsts, [0, 0], style.width);
        let rows: Vec<Vec<Vec<Cell>>> = self.groups.iter().map(|group| group.shortened(style)).collect();
        let section = Section::of(self.columns, &rows.concat(), [INDENT, 2 * INDENT], style.width);
        let mut text = first.header();
        if rows.iter().any(|rows| !rows.is_empty()) {
            text += &section.header();
        }
        for (group, rows) in self.groups.iter().zip(&rows) {
            text += &first.row(&group.first, style);
            text.extend(rows.iter().map(|row| section.row(row, style)));
            let blanks = " ".repeat(INDENT);
            text.extend(
                group.notes.iter().map(|note| format!("{blanks}{}\n", text::set_in(note, INDENT, style.width))),
            );
        }
        text
    }

    fn piped(&self) -> String {
        let header: Vec<String> = self.first.iter().chain(self.columns).map(|name| (*name).to_owned()).collect();
        let mut lines = vec![header];
        let mut notes: Vec<(usize, String)> = Vec::new();
        for group in &self.groups {
            let first: Vec<String> = group.first.iter().map(Cell::piped).collect();
            lines.extend(
                group.rows.iter().map(|row| first.iter().cloned().chain(row.iter().map(Cell::piped)).collect()),
            );
            notes.extend(group.notes.iter().map(|note| (lines.len(), format!("{}  {note}\n", first.join("  ")))));
        }
        let width = |at: usize| lines.iter().map(|line| text::width(&line[at])).max().unwrap_or(0);
        let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
        let mut text = String::new();
        let mut notes = notes.into_iter().peekable();
        for (at, line) in lines.iter().enumerate() {
            while let Some((_, note)) = notes.next_if(|(before, _)| *before == at) {
                text += &note;
            }
            let padded: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| text::pad(cell, *width)).collect();
            text += padded.join("  ").trim_end();
            text.push('\n');
        }
        text.extend(notes.map(|(_, note)| note));
        text
    }
}

impl TableGroup {
    /// The rows, with the first cells beside the first row.
    fn beside(&self) -> Vec<Vec<Cell>> {
        let blank = || Cell { parts: vec![String::new()], ..Cell::empty() };
        let first = |at: usize| self.first.iter().map(move |cell| if at == 0 { cell.clone() } else { blank() });
        self.rows.iter().enumerate().map(|(at, row)| first(at).chain(row.iter().cloned()).collect()).collect()
    }

    fn shortened(&self, style: Style) -> Vec<Vec<Cell>> {
        let row = |row: &Vec<Cell>| row.iter().map(|cell| cell.shortened(&self.base, style)).collect();
        self.rows.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::style::{Charset, Color};

    const COLUMNS: &[&str] = &["IMAGE", "OS", "FOR"];

    /// A table with two groups, one of which has a note instead of rows.
    fn table(stacking: Stacking) -> Table {
        let row = |image: &str, os: &[&str], names: &[&str]| {
            let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
            vec![Cell::reference(image), Cell::words(words(os)), Cell::names(words(names))]
        };
        let rows = vec![
            row("ghcr.io/acme/app-amd64:v1", &["linux"], &["linux/amd64", "linux/386"]),
            row("docker.io/acme/app:v1", &["windows", "10.0.17763"], &[]),
        ];
        let first = |name: &str| vec![Cell::text(name)];
        let groups = vec![
            TableGroup { first: first("ghcr.io/acme/app:v1"), rows, notes: Vec::new(), base: "ghcr.io/acme/".into() },
            TableGroup {
                first: first("ghcr.io/acme/web"),
                rows: Vec::new(),
                notes: vec!["not found".into()],
                base: String::new(),
            },
        ];
        Table { first: &["NAME"], columns: COLUMNS, groups, stacking }
    }

    fn on(columns: usize) -> Style {
        Style { width: Some(columns), color: Color::Off, charset: Charset::Unicode }
    }

    #[test]
    fn a_wide_terminal_has_one_line_for_each_row() {
        let mut table = table(Stacking::IfNeeded);
        table.groups.truncate(1);
        insta::assert_snapshot!(table.render(on(100)), @r"
        NAME                 IMAGE                      OS                  FOR
        ghcr.io/acme/app:v1  ghcr.io/acme/app-amd64:v1  linux               linux/amd64, linux/386
                             docker.io/acme/app:v1      windows 10.0.17763  -
        ");
    }

    #[test]
    fn names_at_the_end_of_a_line_are_wrapped_between_names() {
        insta::assert_snapshot!(table(Stacking::Always).render(on(62)), @r"
        NAME
          IMAGE                  OS                  FOR
        ghcr.io/acme/app:v1
          …/app-amd64:v1         linux               linux/amd64,
                                                     linux/386
          docker.io/acme/app:v1  windows 10.0.17763  -
        ghcr.io/acme/web
          not found
        ");
    }

    #[test]
    fn a_narrow_terminal_breaks_rows_between_columns() {
        let ascii = Style { charset: Charset::Ascii, ..on(40) };
        insta::assert_snapshot!(table(Stacking::IfNeeded).render(ascii), @r"
        NAME
          IMAGE
            OS                  FOR
        ghcr.io/acme/app:v1
          .../app-amd64:v1
            linux               linux/amd64,
                                linux/386
          docker.io/acme/app:v1
            windows 10.0.17763  -
        ghcr.io/acme/web
          not found
        ");
    }

    #[test]
    fn a_pipe_has_all_cells_in_each_line_and_no_space_in_a_cell() {
        for stacking in [Stacking::IfNeeded, Stacking::Always] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(table(stacking).render(Style::PLAIN), @r"
                NAME                 IMAGE                      OS                  FOR
                ghcr.io/acme/app:v1  ghcr.io/acme/app-amd64:v1  linux               linux/amd64,linux/386
                ghcr.io/acme/app:v1  docker.io/acme/app:v1      windows,10.0.17763  -
                ghcr.io/acme/web  not found
                ");
            }
        }
    }

    #[test]
    fn color_does_not_move_columns() {
        let cell = |text: &str| vec![Cell::text(text).painted(Role::Created), Cell::text("x")];
        let group = |name: &str| TableGroup {
            first: vec![Cell::text(name)],
            rows: vec![cell("new"), cell("undeclared")],
            notes: Vec::new(),
            base: String::new(),
        };
        let table = |stacking| Table { first: &["A"], columns: &["B", "C"], groups: vec![group("a")], stacking };
        for stacking in [Stacking::IfNeeded, Stacking::Always] {
            let painted = table(stacking).render(Style { color: Color::On, ..on(80) });
            assert!(painted.contains("\x1b[32mnew\x1b[0m         x\n"), "{painted}");
        }
    }

    #[test]
    fn a_table_without_groups_is_empty() {
        let empty = Table { groups: Vec::new(), ..table(Stacking::Always) };
        assert_eq!(empty.render(on(80)) + &empty.render(Style::PLAIN), "");
    }
}
