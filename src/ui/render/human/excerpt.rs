//! [`Excerpt`]: the part of a file that a problem shows: the lines with labels and one line around each. Control
//! characters are replaced, user names and passwords are hidden, and lines are cut that are long or do not fit the
//! terminal.
//!
//! | file | holds |
//! |---|---|
//! | `credentials` | which parts of a line may be a user name or password |
//! | [`fit`](mod@fit) | which parts of a line are shown on a terminal |

use std::collections::BTreeSet;
use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::config::problem::{Lines, SourceFile};

use crate::ui::style::Style;
use crate::ui::text;

use credentials::credentials;
use fit::{FittedLine, LineSpace, Mark, fit};

mod credentials;
mod fit;

/// The columns of the frame beside the number of a line: ` 6 │ `.
const FRAME: usize = 4;

/// The columns of the frame beside the name of a file, and of the line and column after it.
const HEAD: usize = 18;

/// Lines longer than this many bytes are shown only around their labels, also where they are not wrapped.
const LONG_LINE: usize = 600;

/// How many bytes of a long line are shown before and after a label.
const AROUND: usize = 80;

/// How many bytes of a label in a long line are shown.
const LONG_LABEL: usize = 200;

/// A label over more than this many lines is drawn only on its first line.
const TALL_LABEL: usize = 20;

/// Some lines of a file, as they are shown.
#[derive(Debug)]
pub(super) struct Excerpt {
    name: String,
    text: String,
    lines: Vec<ExcerptLine>,
    labels: Vec<ExcerptLabel>,
    /// Replaces the omitted part of a line.
    cut: &'static str,
}

/// A line of an [`Excerpt`].
#[derive(Debug)]
struct ExcerptLine {
    /// The line number in the file, counted from 0.
    number: usize,
    /// The byte range in the excerpt, including the newline.
    place: Range<usize>,
}

#[derive(Debug)]
struct ExcerptLabel {
    /// The byte range in the file.
    range: Range<usize>,
    /// The first and last line in the file.
    lines: (usize, usize),
    /// The column in the file, counted from 0.
    column: usize,
    /// The byte range in the excerpt.
    place: Range<usize>,
    text: String,
}

impl Excerpt {
    /// Creates the excerpt of a file with labels at ranges. `None` if the file is empty.
    pub(super) fn new(
        file: &SourceFile,
        lines: &Lines,
        labels: Vec<(Range<usize>, String)>,
        style: Style,
    ) -> Option<Self> {
        let labels: Vec<ExcerptLabel> =
            labels.into_iter().map(|(range, text)| label(&file.text, lines, &range, text)).collect::<Option<_>>()?;
        let shown: BTreeSet<usize> = labels
            .iter()
            .flat_map(|label| label.lines.0.saturating_sub(1)..=label.lines.1 + 1)
            .filter(|line| *line < lines.count() && lines.start(*line) < file.text.len())
            .collect();
        let name = text::line(&file.name);
        let name = style.width.map_or(name.clone(), |width| style.shortened(&name, width.saturating_sub(HEAD)));
        let mut excerpt = Self { name, text: String::new(), lines: Vec::new(), labels, cut: style.ellipsis() };
        let number = shown.last().map_or(0, |last| (last + 1).to_string().len());
        // A label over several lines is drawn beside them.
        let aside = if excerpt.labels.iter().any(|label| label.lines.0 < label.lines.1) { 4 } else { 0 };
        let columns = style.width.map(|width| width.saturating_sub(FRAME + number + aside));
        for line in shown {
            excerpt.push(&file.text, lines, line, columns);
        }
        Some(excerpt)
    }

    /// The byte range of each label in the excerpt, and its text in lines, in the order in which the labels were given.
    pub(super) fn labels(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        self.labels.iter().map(|label| (label.place.clone(), label.text.as_str()))
    }

    /// Adds a line. `columns` is the space on the terminal, if there is one.
    fn push(&mut self, source: &str, lines: &Lines, number: usize, columns: Option<usize>) {
        let content = content(source, lines, number);
        let FittedLine { pieces, marks, columns, .. } = if let Some(columns) = columns {
            self.fitted(source, &content, number, columns)
        } else {
            let marks: Vec<_> = self.labels.iter().filter_map(|label| label.mark(number, &content)).collect();
            FittedLine { pieces: pieces(source, &content, &marks), marks, columns: Vec::new(), width: 0 }
        };
        let labels = self.labels.iter_mut().filter(|label| label.mark(number, &content).is_some());
        let mut shown = Vec::new();
        for ((at, label), mark) in labels.enumerate().zip(marks) {
            if let Some(columns) = columns.get(at).filter(|_| number == label.lines.1) {
                label.text = text::wrap_in(&label.text, *columns);
            }
            shown.push((label, mark));
        }
        let start = self.text.len();
        let hidden = credentials(&source[content.clone()]).into_iter();
        let hidden: Vec<_> = hidden.map(|range| content.start + range.start..content.start + range.end).collect();
        let mut at = content.start;
        for piece in pieces {
            if piece.start > at {
                self.text.push_str(self.cut);
            }
            at = piece.end;
            let drawn = |offset: usize| self.text.len() + visible(source, piece.start..offset, &hidden).len();
            for (label, mark) in &mut shown {
                let has = |offset: usize| (piece.start..=piece.end).contains(&offset);
                if number == label.lines.0 && has(mark.start) {
                    label.place = drawn(mark.start)..drawn(mark.start);
                }
                if number == label.lines.1 && has(mark.end) {
                    label.place.end = drawn(mark.end);
                }
            }
            self.text.push_str(&visible(source, piece, &hidden));
        }
        if at < content.end {
            self.text.push_str(self.cut);
        }
        self.text.push('\n');
        self.lines.push(ExcerptLine { number, place: start..self.text.len() });
    }

    /// Chooses what is shown of a line on a terminal. The text of a label is below the last line of the label.
    fn fitted(&self, source: &str, content: &Range<usize>, number: usize, columns: usize) -> FittedLine {
        let marks = self.labels.iter().filter_map(|label| {
            let range = label.mark(number, content)?;
            Some(Mark { range, text: if number == label.lines.1 { &label.text } else { "" } })
        });
        fit(source, content, &marks.collect::<Vec<_>>(), LineSpace { columns, cut: text::width(self.cut) })
    }

    /// Returns the index of the line that contains this byte of the excerpt.
    fn line_at(&self, offset: usize) -> Option<usize> {
        self.lines.iter().position(|line| line.place.contains(&offset))
    }
}

impl ExcerptLabel {
    /// Returns the part of the label that is on a line. It is shortened if both the line and the label are long.
    fn mark(&self, number: usize, content: &Range<usize>) -> Option<Range<usize>> {
        let (first, last) = self.lines;
        if !(first..=last).contains(&number) {
            return None;
        }
        let start = self.range.start.clamp(content.start, content.end);
        let end = self.range.end.clamp(start, content.end);
        let long = content.len() > LONG_LINE && end - start > LONG_LABEL;
        Some(start..if long { start + LONG_LABEL } else { end })
    }
}

/// Creates a label at a place that miette can draw: miette panics if a label ends after the text, and hides a label at
/// the end of the text.
fn label(source: &str, lines: &Lines, range: &Range<usize>, text: String) -> Option<ExcerptLabel> {
    let last_char = source.char_indices().next_back()?.0;
    let start = source.floor_char_boundary(range.start.min(last_char));
    let end = source.ceil_char_boundary(range.end.clamp(start, source.len()));
    let first = lines.of_byte(start);
    let last = lines.of_byte(end.saturating_sub(1).max(start));
    let last = if last - first < TALL_LABEL { last } else { first };
    let column = source.get(lines.start(first)..start).unwrap_or_default().chars().count();
    Some(ExcerptLabel { range: start..end, lines: (first, last), column, place: 0..0, text })
}

/// Returns the range of a line without its line ending.
fn content(source: &str, lines: &Lines, number: usize) -> Range<usize> {
    let start = lines.start(number);
    let end = if number + 1 < lines.count() { lines.start(number + 1) } else { source.len() };
    let line = &source[start..end];
    let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    start..start + line.len()
}

/// Returns the parts of a line that are shown: the whole line, or what is around its marks.
fn pieces(source: &str, content: &Range<usize>, marks: &[Range<usize>]) -> Vec<Range<usize>> {
    if content.len() <= LONG_LINE {
        return vec![content.clone()];
    }
    let beginning = content.start..content.start;
    let marks = if marks.is_empty() { std::slice::from_ref(&beginning) } else { marks };
    let mut pieces: Vec<Range<usize>> = marks
        .iter()
        .map(|mark| {
            let start = source.floor_char_boundary(mark.start.saturating_sub(AROUND).max(content.start));
            start..source.ceil_char_boundary((mark.end + AROUND).min(content.end))
        })
        .collect();
    pieces.sort_by_key(|piece| piece.start);
    pieces.dedup_by(|next, piece| {
        let joined = next.start <= piece.end;
        if joined {
            piece.end = piece.end.max(next.end);
        }
        joined
    });
    pieces
}

/// Returns a part of the source. Replaces each character that could control a terminal, and each one that is in `hidden`.
/// The other characters keep their columns.
fn visible(source: &str, part: Range<usize>, hidden: &[Range<usize>]) -> String {
    let start = part.start;
    let shown = |(at, c): (usize, char)| {
        let next = hidden.partition_point(|range| range.end <= start + at);
        if hidden.get(next).is_some_and(|range| range.contains(&(start + at))) {
            '*'
        } else if c != '\t' && text::is_harmful(c) {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    source[part].char_indices().map(shown).collect()
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let out_of_bounds = || MietteError::OutOfBounds;
        let end = span.offset() + span.len().saturating_sub(1);
        let first = self.line_at(span.offset()).ok_or_else(out_of_bounds)?;
        let last = self.line_at(end).ok_or_else(out_of_bounds)?;
        // Two lines that are adjacent in the excerpt may not be adjacent in the file. miette must draw those
        // separately.
        let follows = |at: usize| self.lines[at].number == self.lines[at - 1].number + 1;
        if (first + 1..=last).any(|at| !follows(at)) {
            return Err(MietteError::OutOfBounds);
        }
        let from = (first.saturating_sub(before)..first).rev().take_while(|at| follows(at + 1)).last().unwrap_or(first);
        let to = (last + 1..self.lines.len()).take(after).take_while(|at| follows(*at)).last().unwrap_or(last);
        let column = match before {
            0 => self.labels.iter().find(|label| label.place.start == span.offset()).map_or(0, |label| label.column),
            _ => 0,
        };
        let place = self.lines[from].place.start..self.lines[to].place.end;
        let start = if before == 0 { span.offset() } else { place.start };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            &self.text.as_bytes()[start..place.end],
            (start, place.end - start).into(),
            self.lines[from].number,
            column,
            to - from + 1,
        )))
    }
}
