//! `os-version`: a version, a glob, or the image that the version comes from.

use crate::config::keys::{OsVersionKey, TableKind};
use crate::config::model::Placed;
use crate::config::problem::Problem;
use crate::config::read::declared::DeclaredOsVersion;
use crate::config::read::raw::{Key, Node, Table, Text, TomlValue};
use crate::config::read::read_problems::ReadProblems;
use crate::config::read::template::{TemplateKind, template};
use crate::config::read::{known_keys, types};
use crate::oci::{Platform, excerpt};

const EXAMPLE: &str = "os-version = \"10.0.17763.6532\", \"10.0.17763.*\" or { from = \"REFERENCE\" }";

/// Reads `os-version`.
pub(super) fn read(node: &Node, problems: &mut ReadProblems<'_>) -> Option<DeclaredOsVersion> {
    match &node.value {
        TomlValue::Table(table) => of_image(table, node, problems),
        TomlValue::Array(_) => {
            problems.push(
                types::wrong("`os-version`", "a string or a table", node)
                    .at(&node.span, "")
                    .help(format!("write {EXAMPLE}")),
            );
            None
        }
        TomlValue::Text(_) | TomlValue::Other { .. } => of_text(types::text("os-version", node, problems)?, problems),
    }
}

fn of_text(text: &Text, problems: &mut ReadProblems<'_>) -> Option<DeclaredOsVersion> {
    if text.value.trim().is_empty() {
        problems.push(
            Problem::error("mlist::config::type", "`os-version` is empty")
                .at(&text.span, "expected a version")
                .help(format!("write {EXAMPLE}")),
        );
        return None;
    }
    if text.value.contains(['{', '}']) {
        problems.push(no_template("os-version", text));
        return None;
    }
    if text.value.contains(['*', '?', '[']) {
        let value = types::glob(text, problems)?;
        return Some(DeclaredOsVersion::Fits(Placed { value, span: text.span.clone() }));
    }
    Some(DeclaredOsVersion::Literal(text.value.clone()))
}

/// Returns the problem with braces in a value. No version has braces, only `from` is a template, and a placeholder
/// would be published as written.
fn no_template(key: &str, text: &Text) -> Problem {
    Problem::error(
        "mlist::config::type",
        format!("`{key}` cannot contain placeholders: `{}` is not a valid version", excerpt(&text.value)),
    )
    .at(&text.span, "expected a version")
    .help("only `from` can contain placeholders: os-version = { from = \"REFERENCE\" }")
}

/// Reads `build`, the prefix of a version. No version has braces or a `*`.
fn read_build(node: &Node, problems: &mut ReadProblems<'_>) -> Option<String> {
    let text = types::text("build", node, problems)?;
    if text.value.contains(['{', '}']) {
        problems.push(no_template("build", text));
        return None;
    }
    if let Some((beginning, _)) = text.value.split_once('*') {
        let label = match beginning.trim_end_matches('.') {
            "" => "remove `build`: without it, any version matches".to_owned(),
            beginning => format!("write `{beginning}`"),
        };
        problems.push(
            Problem::error(
                "mlist::config::type",
                format!("`build` cannot contain `*`: `{}` is not the start of a version", excerpt(&text.value)),
            )
            .at(&text.span, label),
        );
        return None;
    }
    Some(text.value.clone())
}

/// Reads `{ from = …, build = … }`.
fn of_image(table: &Table, node: &Node, problems: &mut ReadProblems<'_>) -> Option<DeclaredOsVersion> {
    let mut from = None;
    let mut build = Some(None);
    for (key, _, node) in known_keys::known(table, TableKind::OsVersion, problems) {
        match key {
            OsVersionKey::From => from = Some(template("from", node, TemplateKind::Name, problems)),
            OsVersionKey::Build => build = read_build(node, problems).map(Some),
        }
    }
    // A misspelled `from` was already reported.
    if from.is_none() && !known_keys::intended_keys(table, TableKind::OsVersion).contains(&OsVersionKey::From) {
        problems.push(
            Problem::error("mlist::config::missing_key", "the `os-version` table requires `from`")
                .at(&node.span, "")
                .help(format!("write {EXAMPLE}")),
        );
    }
    Some(DeclaredOsVersion::Of { from: from??, build: build? })
}

/// Returns the problem `mlist::config::misplaced_key` if the platform is not Windows. No other operating system has
/// such versions.
pub(super) fn needs_windows(key: &Key, platform: &Platform, text: &Text) -> Option<Problem> {
    (!platform.is_windows()).then(|| {
        Problem::error("mlist::config::misplaced_key", format!("`{}` cannot be used with {platform}", key.name))
            .at(&key.span, "only Windows has such versions")
            .at(&text.span, "the platform")
            .help(format!("remove `{}`", key.name))
    })
}
