//! Declared members: `platforms` is an array of platforms and rows, or a table from `{arch}` to platforms and rows.
//! `os_version` reads the key of the same name, which has several forms.

mod os_version;

use super::declared::{Annotations, Parsed, Row};
use super::raw::{Key, Node, Text, TomlValue};
use super::read_problems::ReadProblems;
use super::strings::texts;
use super::template::{TemplateKind, template};
use super::words::word;
use super::{annotations, known_keys, names, types, when};
use crate::config::keys::{self, RowKey, TableKind};
use crate::config::problem::Problem;
use crate::naming::{ArchStyle, nearest};
use crate::oci::Platform;

/// The maximum number of rows of a list. Each needs about 1 KB, with its problems.
const MOST_ROWS: usize = 10_000;

/// Reads `platforms`. Invalid rows are reported and dropped.
pub(super) fn read(node: &Node, problems: &mut ReadProblems<'_>) -> Option<Vec<Row>> {
    let count = match &node.value {
        TomlValue::Table(table) => table.len(),
        TomlValue::Array(items) => items.len(),
        TomlValue::Text(_) | TomlValue::Other { .. } => 0,
    };
    if count > MOST_ROWS {
        let problem = Problem::error(
            "mlist::config::too_large",
            format!("`platforms` has too many members: {count}; the maximum is {MOST_ROWS}"),
        );
        problems.push(problem.at(&node.span, "").help("split the list into several"));
        return None;
    }
    match &node.value {
        TomlValue::Table(table) if table.is_empty() => {
            problems.push(
                Problem::error("mlist::config::type", "`platforms` is empty")
                    .at(&node.span, "expected at least one platform")
                    .help("write platforms = [\"linux/amd64\", \"linux/arm64\"]"),
            );
            None
        }
        TomlValue::Table(table) => {
            Some(table.iter().filter_map(|(key, node)| spelled_row(key, node, problems)).collect())
        }
        _ => {
            let items = types::filled_array("platforms", node, problems)?;
            let mut rows: Vec<Row> = items.iter().filter_map(|item| row(item, problems)).collect();
            // Ten thousand lists have many rows.
            rows.shrink_to_fit();
            Some(rows)
        }
    }
}

/// `ARCH = "P"` or `ARCH = { platform = "P", … }`
fn spelled_row(key: &Key, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Row> {
    if key.name == "platform" || keys::is_list_key(&key.name) {
        problems.push(names::swallowed(key, "platforms"));
        return None;
    }
    if let TomlValue::Table(table) = &node.value
        && let Some((arch, _)) = table.iter().find(|(inner, _)| inner.name == "arch")
    {
        problems.push(
            Problem::error("mlist::config::misplaced_key", format!("`{}` already sets `arch` for this row", key.name))
                .at(&arch.span, "")
                .at(&key.span, "the key of a row is its `arch`")
                .help("remove `arch`, or use its value as the key of the row"),
        );
        return None;
    }
    if let TomlValue::Table(table) = &node.value
        && let [(inner, Node { value: TomlValue::Text(text), .. })] = table.as_slice()
        && keys::keys_of(TableKind::Row).all(|info| info.name != inner.name)
        && Platform::parse(&text.value).is_ok()
    {
        let whole = types::quoted(&format!("{}.{}", key.name, inner.name));
        problems.push(
            types::wrong(&format!("`{}`", key.name), "a platform or a row", node)
                .at(&key.span, "")
                .help(format!("put quotes around a key with a dot: {whole} = {}", types::quoted(&text.value))),
        );
        return None;
    }
    let row = row(node, problems)?;
    Some(Row { arch: Some(key.name.clone()), ..row })
}

fn row(node: &Node, problems: &mut ReadProblems<'_>) -> Option<Row> {
    let table = match &node.value {
        TomlValue::Table(table) => table,
        TomlValue::Text(text) => {
            let platform = platform(text, problems)?;
            return Some(Row::bare(platform, text.clone()));
        }
        TomlValue::Array(_) | TomlValue::Other { .. } => {
            problems.push(
                types::wrong("an item of `platforms`", "a platform or a row", node)
                    .at(&node.span, "")
                    .help("write \"linux/arm64\" or { platform = \"linux/arm64\" }"),
            );
            return None;
        }
    };
    let (mut declared, mut arch, mut source, mut missing) = (None, None, None, None);
    let (mut os_version, mut os_features, mut annotations) = (None, None, Annotations::new());
    let mut when = Some(Vec::new());
    for (key, written, node) in known_keys::known(table, TableKind::Row, problems) {
        match key {
            RowKey::Platform => {
                let text = types::text("platform", node, problems);
                declared = Some(text.and_then(|text| Some((platform(text, problems)?, text))));
            }
            RowKey::Arch => arch = types::text("arch", node, problems).map(|text| text.value.clone()),
            RowKey::Source => source = Some(Parsed::from(template("source", node, TemplateKind::Name, problems))),
            RowKey::Missing => missing = Some(Parsed::from(word("missing", node, problems))),
            RowKey::OsVersion => os_version = Some((written, os_version::read(node, problems))),
            RowKey::OsFeatures => os_features = Some(Parsed::from(texts("os-features", node, problems))),
            RowKey::Annotations => annotations = annotations::annotations(node, problems),
            RowKey::When => when = when::read(node, when::Of::Row, problems),
        }
    }
    let Some(declared) = declared else {
        let near = |(key, _): &&(Key, Node)| nearest(&key.name, ["platform"]).is_some();
        // A misspelled `platform` was already reported.
        if table.iter().find(near).is_none() {
            let meant = arch.as_deref().and_then(|arch| {
                let platform = Platform::parse(&format!("linux/{arch}")).ok()?;
                platform.unknown_word().is_none().then(|| platform.to_string())
            });
            let example = meant.as_deref().unwrap_or("linux/amd64");
            problems.push(
                Problem::error("mlist::config::missing_key", "a row of `platforms` requires `platform`")
                    .at(&node.span, "")
                    .help(format!("add the platform to the row, such as platform = \"{example}\"")),
            );
        }
        return None;
    };
    let (platform, text) = declared?;
    let os_version = os_version.map(|(key, version)| {
        let misplaced = os_version::needs_windows(key, &platform, text);
        let is_good = misplaced.is_none();
        problems.extend(misplaced);
        Parsed::from(version.filter(|_| is_good))
    });
    Some(Row {
        arch,
        source,
        missing,
        os_version,
        os_features,
        annotations,
        when: when?,
        ..Row::bare(platform, text.clone())
    })
}

fn platform(text: &Text, problems: &mut ReadProblems<'_>) -> Option<Platform> {
    match Platform::parse(&text.value) {
        Ok(platform) => {
            problems.extend(strange_word(&platform, text));
            Some(platform)
        }
        Err(error) => {
            let span = text.part(&error.span);
            let problem = Problem::error("mlist::config::bad_platform", error.message.clone());
            let Some(instead) = &error.instead else {
                problems.push(problem.at(&span, "").help("write os/arch or os/arch/variant, such as linux/arm/v7"));
                return None;
            };
            let problem = problem.at(&span, format!("write `{instead}`"));
            let word = &text.value[error.span.clone()];
            let right = format!("{}{instead}{}", &text.value[..error.span.start], &text.value[error.span.end..]);
            problems.push(match Platform::parse(&right) {
                Ok(right) => match spelling_help(word, &right) {
                    Some(help) => problem.help(help),
                    None => problem,
                },
                Err(_) => problem,
            });
            None
        }
    }
}

/// Returns a help text that says how to use `word` in names. `word` is not an OCI platform name, but other tools use it
/// for `platform`.
fn spelling_help(word: &str, platform: &Platform) -> Option<String> {
    // Do not suggest using `macos` or a typing error in names.
    if word.contains('/') || word.eq_ignore_ascii_case(&platform.architecture) || word == "macos" {
        return None;
    }
    let speaks = |name: &&&str| ArchStyle::parse(name).and_then(|style| style.spell(platform)).as_deref() == Some(word);
    Some(match ArchStyle::names().iter().find(speaks) {
        Some(style) => format!("to use {word} as {{arch}} in names, set arch-style = \"{style}\""),
        None => format!("to use {word} as {{arch}} in names, write {{ platform = \"{platform}\", arch = \"{word}\" }}"),
    })
}

/// Returns a warning for an unknown OS or architecture. It may be new, but probably it is misspelled.
fn strange_word(platform: &Platform, text: &Text) -> Option<Problem> {
    let word = platform.unknown_word()?;
    let (what, start) =
        if word == platform.os { ("operating system", 0) } else { ("architecture", platform.os.len() + 1) };
    let span = text.part(&(start..start + word.len()));
    let problem = Problem::warning("mlist::config::unknown_platform", format!("unknown {what} `{word}`"));
    Some(match nearest(word, Platform::known_words()) {
        Some(meant) => problem.at(&span, format!("did you mean `{meant}`?")),
        None => problem.at(&span, "used as written"),
    })
}
