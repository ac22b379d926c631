//! [`fit`]: which parts of a line are shown, so that the line and the texts of its labels fit the terminal.

use std::ops::Range;

use crate::ui::text;

/// The columns between the middle of an underline and the text of its label: `╰── `.
const LEAD: usize = 4;

/// A label may be wrapped if its lines have this many columns.
const READABLE: usize = 24;

/// The part of a line that a label underlines, and the text of the label.
#[derive(Debug)]
pub(super) struct Mark<'a> {
    pub(super) range: Range<usize>,
    pub(super) text: &'a str,
}

/// What is shown of a line.
#[derive(Debug)]
pub(super) struct FittedLine {
    /// The parts of the line that are shown, as byte ranges of the file.
    pub(super) pieces: Vec<Range<usize>>,
    /// What is underlined of each mark.
    pub(super) marks: Vec<Range<usize>>,
    /// The number of columns for the text of each mark.
    pub(super) columns: Vec<usize>,
    /// The number of columns of the line.
    pub(super) width: usize,
}

/// The space for a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineSpace {
    /// The number of columns.
    pub(super) columns: usize,
    /// The width of what replaces an omitted part.
    pub(super) cut: usize,
}

/// Chooses the parts of the line `content`. Shows as much as possible of what is before the marks.
pub(super) fn fit(source: &str, content: &Range<usize>, marks: &[Mark<'_>], space: LineSpace) -> FittedLine {
    let half = space.columns / 2;
    let layout = |context, most| layout(source, content, marks, FitLimits { space, context, most });
    let contexts = || (0..space.columns).rev();
    let whole = contexts().map(|context| layout(context, usize::MAX));
    let shortened = contexts().map(|context| layout(context, half));
    let fits = |line: &FittedLine| {
        let is_whole = line.width <= space.columns;
        is_whole
            && line.columns.iter().zip(marks).all(|(columns, mark)| {
                let longest = mark.text.split(' ').map(text::width).max().unwrap_or(0);
                let is_readable = *columns >= READABLE.min(half).max(longest);
                *columns >= text::width(mark.text) || is_readable
            })
    };
    whole.chain(shortened).find(fits).unwrap_or_else(|| layout(0, half))
}

#[derive(Debug, Clone, Copy)]
struct FitLimits {
    space: LineSpace,
    /// The number of columns that are shown before each mark.
    context: usize,
    /// The maximum number of columns of an underline.
    most: usize,
}

fn layout(source: &str, content: &Range<usize>, marks: &[Mark<'_>], room: FitLimits) -> FittedLine {
    let FitLimits { space: LineSpace { columns, cut }, context, most } = room;
    let shown = |mark: &Mark<'_>| mark.range.start..after(source, mark.range.start, mark.range.end, most);
    let marks: Vec<Range<usize>> = marks.iter().map(shown).collect();
    let mut pieces: Vec<Range<usize>> =
        marks.iter().map(|mark| before(source, content.start, mark.start, context)..mark.end).collect();
    if pieces.is_empty() {
        pieces.push(content.start..content.start);
    }
    pieces.sort_by_key(|piece| piece.start);
    pieces.dedup_by(|next, piece| {
        // A gap that is not wider than what replaces it is shown.
        let joined = next.start <= piece.end || is_within(&source[piece.end..next.start], cut);
        if joined {
            piece.end = piece.end.max(next.end);
        }
        joined
    });
    if let Some(first) = pieces.first_mut()
        && is_within(&source[content.start..first.start], cut)
    {
        first.start = content.start;
    }
    let used = column(source, content, &pieces, cut, content.end);
    if let Some(last) = pieces.last_mut() {
        let left = columns.saturating_sub(used);
        let rest = &source[last.end..content.end];
        last.end = if is_within(rest, left) {
            content.end
        } else {
            after(source, last.end, content.end, left.saturating_sub(cut))
        };
    }
    let text = |mark: &Range<usize>| {
        let middle = column(source, content, &pieces, cut, mark.start) + width(&source[mark.clone()]) / 2;
        columns.saturating_sub(middle + LEAD)
    };
    let end = pieces.last().map_or(content.end, |last| last.end);
    let width = column(source, content, &pieces, cut, content.end) + if end < content.end { cut } else { 0 };
    FittedLine { columns: marks.iter().map(text).collect(), width, pieces, marks }
}

/// Returns the column at which a byte of the file is drawn or, if it is after the pieces, the column after them.
fn column(source: &str, content: &Range<usize>, pieces: &[Range<usize>], cut: usize, offset: usize) -> usize {
    let mut at = content.start;
    let mut column = 0;
    for piece in pieces {
        if piece.start > at {
            column += cut;
        }
        if (piece.start..=piece.end).contains(&offset) {
            return column + width(&source[piece.start..offset]);
        }
        column += width(&source[piece.clone()]);
        at = piece.end;
    }
    column
}

/// Returns the offset that is at most `columns` columns before `end`, but not before `start`.
fn before(source: &str, start: usize, end: usize, columns: usize) -> usize {
    let mut left = columns;
    let fitting = source[start..end].char_indices().rev().take_while(|(_, c)| spend(&mut left, *c));
    fitting.last().map_or(end, |(at, _)| start + at)
}

/// Returns the offset that is at most `columns` columns after `start`, but not after `end`.
fn after(source: &str, start: usize, end: usize, columns: usize) -> usize {
    let mut left = columns;
    let fitting = source[start..end].char_indices().take_while(|(_, c)| spend(&mut left, *c));
    fitting.last().map_or(start, |(at, c)| start + at + c.len_utf8())
}

/// Whether `text` has at most this many columns. Does not read on if it has more: a line may be megabytes long.
fn is_within(text: &str, columns: usize) -> bool {
    let mut left = columns;
    text.chars().all(|c| spend(&mut left, c))
}

fn spend(left: &mut usize, c: char) -> bool {
    let rest = left.checked_sub(width(c.encode_utf8(&mut [0; 4])));
    *left = rest.unwrap_or(0);
    rest.is_some()
}

/// The number of columns. A tab takes at most 4, and a control character is drawn as one other character.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| {
            if c == '\t' {
                4
            } else if c.is_control() {
                1
            } else {
                text::width(c.encode_utf8(&mut [0; 4]))
            }
        })
        .sum()
}
