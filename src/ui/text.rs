//! Counts, durations, sizes, digests and lists of names in readable form. Pure.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use textwrap::{WordSeparator, WordSplitter};
use unicode_width::UnicodeWidthStr as _;

use crate::oci::{Digest, is_invisible};
use crate::plan::Action;

/// How many names are shown before the rest becomes a count.
pub(super) const NAMED: usize = 10;

/// Formats a count: `9,849`.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count with a noun: `1 list`, `9,849 lists`.
pub(super) fn plural(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Formats a number of repositories: `1 repository`, `9,849 repositories`.
pub(super) fn repositories(number: usize) -> String {
    format!("{} {}", count(number), if number == 1 { "repository" } else { "repositories" })
}

/// Formats a duration: `0.2s`, `12.4s`, `36s`, `1m 31s`, `1h 04m`.
pub(super) fn duration(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    if tenths < 300 {
        return format!("{}.{}s", tenths / 10, tenths % 10);
    }
    let seconds = (duration.as_millis() + 500) / 1000;
    match seconds / 60 {
        0 => format!("{seconds}s"),
        minutes @ 1..60 => format!("{minutes}m {:02}s", seconds % 60),
        minutes => format!("{}h {:02}m", minutes / 60, minutes % 60),
    }
}

/// Formats the wait that a registry asks for: whole seconds up to two minutes (`60s`), then like [`duration`].
pub(super) fn wait(wait: Duration) -> String {
    match wait.as_millis().div_ceil(1000) {
        seconds @ 0..=120 => format!("{seconds}s"),
        _ => duration(wait),
    }
}

/// Formats how long a [`wait`] took. Rounds to the nearest second and not up, because a wait always ends slightly later
/// than requested.
pub(super) fn waited(after: Duration) -> String {
    wait(Duration::from_secs((after + Duration::from_millis(500)).as_secs()))
}

const UNITS: [(&str, u64); 4] = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];

/// Formats two sizes in the unit of the second: `48.2 of 112 MB`.
pub(super) fn size_of(part: u64, whole: u64) -> String {
    match UNITS.into_iter().find(|(_, unit)| whole >= *unit) {
        Some((name, unit)) => format!("{} of {} {name}", scaled(part, unit), scaled(whole, unit)),
        None => format!("{part} of {whole} B"),
    }
}

/// Formats a size: `2.8 kB`.
pub(super) fn size(bytes: u64) -> String {
    match UNITS.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{} {name}", scaled(bytes, unit)),
        None => format!("{bytes} B"),
    }
}

/// Formats bytes per second: `11 MB/s`.
pub(super) fn rate(bytes: u64) -> String {
    size(bytes) + "/s"
}

/// Formats with one decimal below 100 and none from 100 on.
fn scaled(bytes: u64, unit: u64) -> String {
    let tenths = u128::from(bytes) * 10 / u128::from(unit);
    match tenths {
        0..1000 if tenths % 10 != 0 => format!("{}.{}", tenths / 10, tenths % 10),
        _ => (tenths / 10).to_string(),
    }
}

/// Formats a timestamp: `2026-11-23T10:00:00Z`.
pub(super) fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

/// Makes foreign text safe to show: one line, no control or invisible characters, at most 200
/// characters.
pub(super) fn foreign(text: &str) -> String {
    one_line(text, 200)
}

/// Returns the text of a system error about a file, without its number.
pub(super) fn system(error: &std::io::Error) -> String {
    let said = error.to_string();
    said.split(" (os error").next().unwrap_or_default().to_owned()
}

/// The maximum length of our own lines. A path may be this long.
const LONGEST: usize = 4096;

/// Makes our own text safe to show if it contains foreign parts. Like [`foreign`], but with a limit high enough that
/// nothing worth copying is cut. A limit is still needed: text from a config may be megabytes long and would hide all
/// other output.
pub(super) fn line(text: &str) -> String {
    one_line(text, LONGEST)
}

fn one_line(text: &str, limit: usize) -> String {
    text.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_control() { ' ' } else { c }).take(limit).collect()
}

/// Whether the character could control a terminal, or make text look different from what it is.
pub(super) fn is_harmful(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Removes what [`is_harmful`] from a finished output, except newlines, tabs and color. Every output for people passes
/// through here, so a text that was not made safe where it was used cannot do harm either.
pub(super) fn harmless(output: &str) -> Cow<'_, str> {
    let is_kept = |at: usize, c: char| match c {
        '\n' | '\t' => true,
        ESCAPE => is_color(&output[at + 1..]),
        c => !is_harmful(c),
    };
    if output.char_indices().all(|(at, c)| is_kept(at, c)) {
        return Cow::Borrowed(output);
    }
    Cow::Owned(output.char_indices().filter(|(at, c)| is_kept(*at, *c)).map(|(_, c)| c).collect())
}

const ESCAPE: char = '\u{1b}';

/// Whether an escape sequence is one that sets the color: `[1;31m`.
fn is_color(behind_escape: &str) -> bool {
    let parameters =
        behind_escape.strip_prefix('[').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
    parameters.is_some_and(|rest| rest.starts_with('m'))
}

/// How digests are shown in an output. Each digest has one spelling in the whole output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digests {
    /// In full: `sha256:…`.
    Full,
    /// This many hex digits. The algorithm is shown only if it is not sha256.
    Short(usize),
}

impl Digests {
    /// Twelve digits, or as many as needed so that no two of `all` look alike.
    pub(super) fn telling_apart<'a>(all: impl IntoIterator<Item = &'a Digest>) -> Self {
        let all: Vec<&Digest> = all.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        // The digests are sorted, so the two with the longest common prefix are adjacent.
        let shared = |a: &Digest, b: &Digest| a.hex().bytes().zip(b.hex().bytes()).take_while(|(a, b)| a == b).count();
        let longest = all.windows(2).map(|pair| shared(pair[0], pair[1])).max().unwrap_or(0);
        Self::Short(12.max(longest + 1))
    }

    /// Formats a digest.
    pub(super) fn show(self, digest: &Digest) -> String {
        match self {
            Self::Full => digest.to_string(),
            Self::Short(length) => {
                let hex = digest.hex().get(..length).unwrap_or(digest.hex());
                if digest.algorithm() == "sha256" { hex.to_owned() } else { format!("{}:{hex}", digest.algorithm()) }
            }
        }
    }
}

/// The number of columns that `text` takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Like [`width`], for text that may contain color.
pub(super) fn width_of_painted(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// Pads `text` with spaces to `columns` columns.
pub(super) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Returns the first ten of `names` and the number of the others, or all names if `all` is true.
pub(super) fn named<'a>(names: impl ExactSizeIterator<Item = &'a str>, all: bool) -> Vec<String> {
    let left = if all { 0 } else { names.len().saturating_sub(NAMED) };
    let shown = names.len() - left;
    let mut words: Vec<String> = names.take(shown).map(line).collect();
    if left > 0 {
        words.push(format!("and {} more (-v)", count(left)));
    }
    words
}

/// Joins `first` and `words` with commas, wrapped between words if `limit` is known. Lines after the first begin at
/// column `indent`.
pub(super) fn fill(first: &str, words: &[String], indent: usize, limit: Option<usize>) -> String {
    let mut text = first.to_owned();
    let mut column = width(first);
    for (at, word) in words.iter().enumerate() {
        let comma = if at + 1 < words.len() { "," } else { "" };
        let needed = width(word) + comma.len();
        if column > indent && limit.is_some_and(|limit| column + 1 + needed > limit) {
            text.truncate(text.trim_end_matches(' ').len());
            text.push('\n');
            text.push_str(&" ".repeat(indent));
            column = indent;
        } else if at > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        text.push_str(comma);
        column += needed;
    }
    text
}

/// Wraps `text` between words at `limit`. Lines after the first are indented by two spaces.
pub(super) fn wrap(text: &str, limit: Option<usize>) -> String {
    let Some(limit) = limit else { return text.to_owned() };
    let words = textwrap::Options::new(limit)
        .subsequent_indent("  ")
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::fill(text, words)
}

/// Wraps `text` between words into lines of at most `columns` columns, without indentation.
pub(super) fn wrap_in(text: &str, columns: usize) -> String {
    let words = textwrap::Options::new(columns.max(1))
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::fill(text, words)
}

/// Wraps `text`, which may contain color, between words at `limit`. All lines begin at column `indent`.
pub(super) fn set_in(text: &str, indent: usize, limit: Option<usize>) -> String {
    let Some(limit) = limit else { return text.to_owned() };
    let blanks = " ".repeat(indent);
    let words = textwrap::Options::new(limit)
        .initial_indent(&blanks)
        .subsequent_indent(&blanks)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::fill(text, words)[indent..].to_owned()
}

/// Returns the word for an action.
pub(super) fn action(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Unchanged => "unchanged",
        Action::Blocked => "blocked",
        Action::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_and_nouns_their_number() {
        assert_eq!([count(0), count(999), count(9849), count(1_234_567)], ["0", "999", "9,849", "1,234,567"]);
        assert_eq!([plural(1, "list"), plural(9849, "list")], ["1 list", "9,849 lists"]);
        assert_eq!([repositories(1), repositories(2)], ["1 repository", "2 repositories"]);
    }

    #[test]
    fn durations_lose_detail_as_they_grow() {
        for (millis, text) in [
            (0, "0.0s"),
            (40, "0.0s"),
            (160, "0.2s"),
            (12_400, "12.4s"),
            (29_940, "29.9s"),
            (36_400, "36s"),
            (59_499, "59s"),
            (59_960, "1m 00s"),
            (91_412, "1m 31s"),
            (3_599_600, "1h 00m"),
            (3_840_000, "1h 04m"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text, "{millis}");
        }
        assert_eq!(wait(Duration::from_millis(59_001)), "60s");
        assert_eq!(wait(Duration::from_hours(1)), "1h 00m");
        assert_eq!(waited(Duration::from_millis(60_012)), "60s");
    }

    #[test]
    fn sizes_are_decimal() {
        assert_eq!(size_of(48_210_000, 112_900_000), "48.2 of 112 MB");
        assert_eq!(size_of(0, 2_841), "0 of 2.8 kB");
        assert_eq!(size_of(100, 527), "100 of 527 B");
        assert_eq!([size(0), size(104_400_000), size(2_841)], ["0 B", "104 MB", "2.8 kB"]);
        assert_eq!([rate(0), rate(11_000_000), rate(2_841)], ["0 B/s", "11 MB/s", "2.8 kB/s"]);
    }

    #[test]
    fn timestamps_know_leap_years() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_428_000, "2026-11-23T10:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn foreign_text_can_neither_begin_a_line_nor_steer_a_terminal() {
        assert_eq!(foreign("no\n::error::x\r\u{1b}[31mred\u{202e}"), "no ::error::x  [31mred");
        assert_eq!(foreign(&"ä".repeat(300)).chars().count(), 200);
        assert_eq!(line(&"ä".repeat(9 << 20)).chars().count(), LONGEST);
    }

    #[test]
    fn digests_that_look_alike_are_told_apart() {
        let digest = |end: char| Digest::parse(&format!("sha256:{}{}", "a".repeat(20), end.to_string().repeat(44)));
        let (one, two) = (digest('b').unwrap(), digest('c').unwrap());
        assert_eq!(Digests::telling_apart([&one, &one]).show(&one), "a".repeat(12));
        let digests = Digests::telling_apart([&one, &two]);
        assert_eq!(
            [digests.show(&one), digests.show(&two)],
            [format!("{}b", "a".repeat(20)), format!("{}c", "a".repeat(20))]
        );
        let long = Digest::parse(&format!("sha512:{}", "0".repeat(128))).unwrap();
        assert_eq!(Digests::Short(12).show(&long), "sha512:000000000000");
        assert_eq!(Digests::Full.show(&long), long.to_string());
    }

    #[test]
    fn names_are_broken_between_words_only_and_folded_after_ten() {
        let names: Vec<String> = (1..=12).map(|n| format!("kube-apiserver-{n}")).collect();
        let words = named(names.iter().map(String::as_str), false);
        insta::assert_snapshot!(fill("failed     12 lists: ", &words, 11, Some(60)), @r"
        failed     12 lists: kube-apiserver-1, kube-apiserver-2,
                   kube-apiserver-3, kube-apiserver-4,
                   kube-apiserver-5, kube-apiserver-6,
                   kube-apiserver-7, kube-apiserver-8,
                   kube-apiserver-9, kube-apiserver-10,
                   and 2 more (-v)
        ");
        assert_eq!(named(names.iter().map(String::as_str), true).len(), 12);
        assert!(!fill("x ", &words, 11, None).contains('\n'));
        assert_eq!(fill("not known: ", &words[..1], 2, Some(20)), "not known:\n  kube-apiserver-1");
    }

    #[test]
    fn lines_are_broken_between_words_where_there_is_an_end() {
        let said = "Stopping: 2 lists finish the step they are in.";
        assert_eq!(wrap(said, None), said);
        assert_eq!(wrap(said, Some(40)), "Stopping: 2 lists finish the step they\n  are in.");
        assert_eq!(
            wrap("a gcr.io/google-containers/hyperkube:v1", Some(20)),
            "a\n  gcr.io/google-containers/hyperkube:v1"
        );
    }
}
