//! Durations: hours, minutes and seconds, in this order and each at most once.
//!
//! ```text
//! duration = 1*DIGIT unit *(1*DIGIT unit)      unit = "h" / "m" / "s"
//! ```

use super::read_problems::ReadProblems;
use std::ops::Range;
use std::time::Duration;

use super::raw::{Node, Scalar, TomlValue};
use super::types;
use crate::config::problem::Problem;
use crate::oci::excerpt;

/// The regular expression of durations, for the JSON Schema.
pub(in crate::config) const DURATION: &str = "^([0-9]+h([0-9]+m)?([0-9]+s)?|[0-9]+m([0-9]+s)?|[0-9]+s)$";

/// The units from the largest to the smallest, each with its number of seconds.
const UNITS: [(&str, u64); 3] = [("h", 3600), ("m", 60), ("s", 1)];

/// The maximum duration, in hours. No CI job runs that long.
const LONGEST_HOURS: u64 = 720;

const HELP: &str = "write hours, minutes or seconds, such as \"30s\", \"5m\" or \"1h30m\"";

/// The error for a text that is not a valid duration.
#[derive(Debug, PartialEq, Eq)]
struct DurationError {
    message: String,
    /// The range of the error, in bytes of the text. Empty for the whole text.
    span: Range<usize>,
    /// The correct text, if it is known.
    instead: Option<String>,
}

/// Returns the duration in `node`. If it is not valid, `mlist::config::bad_duration` points at the error in it.
pub(super) fn duration(key: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Duration> {
    if let TomlValue::Other { scalar: Scalar::Integer(_), written } = &node.value
        && let Ok(right) = parse(&format!("{written}s"))
    {
        problems.push(
            types::wrong(&format!("`{key}`"), "a duration", node)
                .at(&node.span, format!("write `\"{}\"`", shown(right.as_secs())))
                .help(HELP),
        );
        return None;
    }
    let text = types::text(key, node, problems)?;
    let fault = match parse(&text.value) {
        Ok(duration) => return Some(duration),
        Err(fault) => fault,
    };
    let span = if fault.span.is_empty() { text.span.clone() } else { text.part(&fault.span) };
    let problem = Problem::error("mlist::config::bad_duration", fault.message).at(&span, "");
    problems.push(match fault.instead {
        Some(_) if text.value.bytes().all(|c| c.is_ascii_digit()) => {
            let number = &text.value;
            problem.help(format!("add a unit: {key} = \"{number}s\", \"{number}m\" or \"{number}h\""))
        }
        Some(right) => problem.help(format!("write {key} = \"{right}\"")),
        None => problem.help(HELP),
    });
    None
}

fn parse(text: &str) -> Result<Duration, DurationError> {
    let fault = |message: String, span: Range<usize>| DurationError {
        message,
        span,
        instead: intended_seconds(text).map(shown),
    };
    let mut seconds: u64 = 0;
    let mut left = UNITS.as_slice();
    let mut rest = text;
    if text.is_empty() {
        return Err(fault("the duration is empty".to_owned(), 0..0));
    }
    while !rest.is_empty() {
        let start = text.len() - rest.len();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let behind = &rest[digits..];
        let word = behind.find(|c: char| c.is_ascii_digit()).map_or(behind, |end| &behind[..end]);
        let (unit_start, end) = (start + digits, start + digits + word.len());
        if digits == 0 {
            return Err(fault(format!("expected a number, found `{}`", excerpt(word)), start..end));
        }
        if word.is_empty() {
            return Err(fault(format!("`{}` has no unit", &rest[..digits]), start..end));
        }
        let Some(at) = left.iter().position(|(unit, _)| *unit == word) else {
            let known = UNITS.iter().any(|(unit, _)| *unit == word);
            let message = if word.starts_with(['.', ',']) {
                "a duration can have only whole numbers".to_owned()
            } else if known {
                format!("`{word}` is repeated, or follows a smaller unit")
            } else {
                format!("`{}` is not a valid duration unit", excerpt(word))
            };
            return Err(fault(message, unit_start..end));
        };
        let number = rest[..digits].parse::<u64>().ok();
        seconds = number
            .and_then(|number| number.checked_mul(left[at].1)?.checked_add(seconds))
            .filter(|seconds| *seconds <= LONGEST_HOURS * UNITS[0].1)
            .ok_or_else(|| DurationError {
                message: format!("`{}` is too long; the maximum is {LONGEST_HOURS}h", excerpt(text)),
                span: 0..0,
                instead: Some(format!("{LONGEST_HOURS}h")),
            })?;
        left = &left[at + 1..];
        rest = &text[end..];
    }
    Ok(Duration::from_secs(seconds))
}

/// Returns the number of seconds that was probably intended. Accepts common words for units in any order, and a number
/// without a unit as seconds.
fn intended_seconds(text: &str) -> Option<u64> {
    let text: String = text.to_ascii_lowercase().split_whitespace().collect();
    let mut seconds: u64 = 0;
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        let behind = &rest[digits..];
        let word = behind.find(|c: char| c.is_ascii_digit()).map_or(behind, |end| &behind[..end]);
        let unit = match word {
            "" if digits == text.len() => 1,
            "s" | "sec" | "secs" | "second" | "seconds" => 1,
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 24 * 3600,
            _ => return None,
        };
        seconds = number.checked_mul(unit)?.checked_add(seconds)?;
        rest = &behind[word.len()..];
    }
    (!text.is_empty() && seconds <= LONGEST_HOURS * UNITS[0].1).then_some(seconds)
}

/// Returns the duration as it is written in the file: `1h30m`.
fn shown(seconds: u64) -> String {
    let [(_, hour), (_, minute), _] = UNITS;
    let counts = [seconds / hour, seconds % hour / minute, seconds % minute];
    let parts = counts.iter().zip(UNITS).filter(|(count, _)| **count > 0);
    let written: Vec<String> = parts.map(|(count, (unit, _))| format!("{count}{unit}")).collect();
    if written.is_empty() { "0s".to_owned() } else { written.concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_minutes_and_seconds_in_this_order() {
        for (text, seconds) in [
            ("0s", 0),
            ("30s", 30),
            ("5m", 300),
            ("1h30m", 5400),
            ("1h1s", 3601),
            ("90m", 5400),
            ("007s", 7),
            ("720h", 2_592_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn a_fault_is_pointed_at_and_what_was_meant_is_shown() {
        for (text, span, instead) in [
            ("", 0..0, None),
            ("30", 0..2, Some("30s")),
            ("90", 0..2, Some("1m30s")),
            ("5min", 1..4, Some("5m")),
            ("1h 30m", 1..3, Some("1h30m")),
            ("1m30", 2..4, None),
            ("30m1h", 4..5, Some("1h30m")),
            ("1h1h", 3..4, Some("2h")),
            ("1.5h", 1..2, None),
            ("500ms", 3..5, None),
            ("2d", 1..2, Some("48h")),
            ("-5m", 0..1, None),
            ("5M", 1..2, Some("5m")),
            ("ten", 0..3, None),
            ("1ä", 1..3, None),
            ("721h", 0..0, Some("720h")),
            ("99999999999999999999999h", 0..0, Some("720h")),
            ("18446744073709551615s", 0..0, Some("720h")),
        ] {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.span, fault.instead.as_deref()), (span, instead), "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for seconds in [0, 1, 59, 60, 3599, 3600, 3661, 86_400] {
            assert_eq!(parse(&shown(seconds)), Ok(Duration::from_secs(seconds)));
        }
    }
}
