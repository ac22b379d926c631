//! [`missing_keys`]: the keys that every list must have, from any of its levels.

use super::scope::ListScope;
use crate::config::problem::Problem;
use crate::config::read::declared::{Level, Parsed, Row, Target};

/// A key, and an example of its value.
struct Required {
    name: &'static str,
    example: &'static str,
    /// Whether a list has the key for a target with this level. `None` for all targets without keys of their own.
    has: fn(&ListScope<'_>, Option<&Level>) -> bool,
}

const REQUIRED: [Required; 4] = [
    Required {
        name: "platforms",
        example: "[\"linux/amd64\", \"linux/arm64\"]",
        has: |list, own| rows(list, own).is_some(),
    },
    Required { name: "source", example: "\"ghcr.io/org/{name}-{arch}:v1\"", has: has_source },
    Required {
        name: "target",
        example: "\"ghcr.io/org/{name}\"",
        has: |list, _| list.pick(|level| &level.target).is_some(),
    },
    Required {
        name: "tags",
        example: "[\"v1\"]",
        has: |list, own| own.is_some_and(|own| own.tags.is_some()) || list.pick(|level| &level.tags).is_some(),
    },
];

/// `mlist::config::missing_key`, once for all keys that a list lacks.
pub(super) fn missing_keys(list: &ListScope<'_>) -> Option<Problem> {
    let targets = match list.pick(|level| &level.target) {
        Some(Parsed::Good(targets)) => targets.as_slice(),
        Some(Parsed::Faulty) | None => &[],
    };
    let known: Vec<&Target> = targets.iter().filter_map(Parsed::good).collect();
    // A faulty target is already reported, and may have the missing keys.
    let faulty = known.len() < targets.len();
    let lacks = |key: &Required, target: &Target| !(key.has)(list, Some(&target.level));
    let is_missing = |key: &&Required| match known.as_slice() {
        [] => !faulty && !(key.has)(list, None),
        known => known.iter().any(|target| lacks(key, target)),
    };
    let missing: Vec<&Required> = REQUIRED.iter().filter(is_missing).collect();
    let first = missing.first()?;
    let names: Vec<String> = missing.iter().map(|key| format!("`{}`", key.name)).collect();
    let names = match names.split_last() {
        Some((end, more @ [_, ..])) => format!("{} or {end}", more.join(", ")),
        _ => names.concat(),
    };
    let message = format!("list `{}` has no {names}", list.entry.name);
    let problem = Problem::error("mlist::config::missing_key", message).at(&list.entry.span, "");
    // If another target has the key, point to the target that lacks it.
    let alone = known.iter().any(|target| !lacks(first, target));
    let lacking = known.iter().find(|target| alone && lacks(first, target));
    let problem = match lacking {
        Some(target) => problem.at(&target.repository.text.span, "required for this target"),
        None => problem,
    };
    let examples: Vec<String> = missing.iter().map(|key| format!("{} = {}", key.name, key.example)).collect();
    let noun = if let [_] = missing.as_slice() { "it" } else { "them" };
    Some(problem.help(format!("add {noun} to the list, its convention or [defaults]: {}", examples.join(", "))))
}

fn rows<'a>(list: &ListScope<'a>, own: Option<&'a Level>) -> Option<&'a Parsed<Vec<Row>>> {
    own.and_then(|own| own.platforms.as_ref()).or_else(|| list.pick(|level| &level.platforms))
}

/// Whether there is a source. It is not needed if every row has its own.
fn has_source(list: &ListScope<'_>, own: Option<&Level>) -> bool {
    let is_needed = rows(list, own).is_none_or(|rows| match rows {
        Parsed::Good(rows) => rows.iter().any(|row| row.source.is_none()),
        Parsed::Faulty => false,
    });
    !is_needed || own.is_some_and(|own| own.source.is_some()) || list.pick(|level| &level.source).is_some()
}
