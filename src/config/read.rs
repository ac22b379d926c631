//! [`document`]: the tree of manifests.toml → [`Document`]; says everything that is wrong with a value by itself.

use std::borrow::Cow;

use super::declared::{Axis, Document, Level, Phrase, Slot};
use super::keys::{self, KeyInfo, Place};
use super::problem::Problem;
use super::raw::{Key, Node, Table, Text, Value};
use super::types::{self, NameKind};
use super::{members, registry, vars};
use crate::naming::{ArchStyle, Template, TemplateError, TemplateErrorKind, nearest};

/// What a list can't be without.
const REQUIRED: [&str; 4] = ["platforms", "source", "target", "tags"];

/// Reads the whole file.
pub(super) fn document(tree: &Table, problems: &mut Vec<Problem>) -> Document {
    let mut document = Document::default();
    let mut has_list = false;
    let mut login_names = Vec::new();
    for (info, key, node) in keys::known(tree, Place::Top, problems) {
        match info.name {
            "vars" => {
                if let Some(table) = types::table("vars", "[vars]", node, problems) {
                    document.vars = vars::read(table, Place::Top, problems);
                } else {
                    document.defaults.names_unknown = true;
                }
            }
            "defaults" => {
                if let Some(table) = types::table("defaults", "[defaults]", node, problems) {
                    let names_unknown = document.defaults.names_unknown;
                    document.defaults = level(table, Place::Defaults, problems);
                    document.defaults.names_unknown |= names_unknown;
                } else {
                    faulty(&mut document.defaults);
                }
            }
            "registry" => {
                document.registries = registry::read(node, problems);
                login_names = registry::login_names(node);
            }
            "convention" => {
                document.conventions = named(key, node, Place::Convention, problems);
            }
            _ => {
                has_list = !matches!(&node.value, Value::Table(table) if table.is_empty());
                document.lists = named(key, node, Place::List, problems);
            }
        }
    }
    for meant in tree.iter().filter_map(|(key, _)| keys::meant(&key.name, Place::Top)) {
        match meant {
            "list" => has_list = true,
            "defaults" => REQUIRED.iter().for_each(|key| told_of(&mut document.defaults, key)),
            _ => {}
        }
    }
    registry::keep_secret(&login_names, &mut document, problems);
    if !has_list {
        problems.push(Problem::error("mlist::config::no_list", "there is no list in it").help(
            "a list is a table of its own: [list.NAME], with platforms, source, target and tags there or in [defaults]",
        ));
    }
    document
}

/// The tables below `[convention]` or `[list]`.
fn named(key: &Key, node: &Node, place: Place, problems: &mut Vec<Problem>) -> Vec<(Key, Level)> {
    let (kind, header) = match place {
        Place::List => (NameKind::Entry, "[list.ENTRY]"),
        _ => (NameKind::Convention, "[convention.NAME]"),
    };
    let Some(table) = types::table(&key.name, header, node, problems) else { return Vec::new() };
    let mut levels = Vec::new();
    for (name, node) in table {
        let good_name = kind.check(name, problems);
        let shown = types::quoted(&name.name);
        let bare = name.name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
        let header = format!("[{}.{}]", key.name, if bare { &name.name } else { &shown });
        if let Some(table) = types::table(&name.name, &header, node, problems) {
            let own = match place {
                Place::List => without_dotted_lists(name, table, problems),
                _ => Cow::Borrowed(table),
            };
            // A table that was not meant as a list lacks nothing, and what a bad name comes to in references is its
            // fault, not theirs.
            let misread = own.is_empty() && !table.is_empty() || !good_name;
            let level = Level { misread, ..self::level(&own, place, problems) };
            levels.push((name.clone(), level));
        }
    }
    levels
}

/// What stands in a list but for tables as in `[list.k8s.io]`, where a dot in the name of a list was taken for TOML's.
fn without_dotted_lists<'a>(name: &Key, table: &'a Table, problems: &mut Vec<Problem>) -> Cow<'a, Table> {
    let is_key = |key: &Key| keys::is_list_key(&key.name);
    let is_list = |(inner, node): &&(Key, Node)| {
        let misspelt = || nearest(&inner.name, keys::built_keys_of(Place::List).map(|info| info.name)).is_some();
        matches!(node.value, Value::Table(_)) && !is_key(inner) && !misspelt()
    };
    for (inner, node) in table.iter().filter(is_list) {
        let whole = undotted(name, inner, node, is_key);
        problems.push(
            Problem::error(
                "mlist::config::type",
                format!("`{}` is a table in a list that has no such key", inner.name),
            )
            .at(&inner.span, "")
            .help(format!("if the dot is part of the list's name, quote it: [list.\"{whole}\"]")),
        );
    }
    if table.iter().any(|entry| is_list(&entry)) {
        Cow::Owned(table.iter().filter(|entry| !is_list(entry)).cloned().collect())
    } else {
        Cow::Borrowed(table)
    }
}

/// The name that was meant where TOML made tables in tables of one with dots: down to the table that holds more.
pub(super) fn undotted(name: &Key, inner: &Key, mut node: &Node, is_key: impl Fn(&Key) -> bool) -> String {
    let mut whole = format!("{}.{}", name.name, inner.name);
    while let Value::Table(below) = &node.value
        && let [(deeper, next @ Node { value: Value::Table(_), .. })] = below.as_slice()
        && !is_key(deeper)
    {
        whole = format!("{whole}.{}", deeper.name);
        node = next;
    }
    whole
}

/// The keys of `[defaults]`, a convention or a list.
fn level(table: &Table, place: Place, problems: &mut Vec<Problem>) -> Level {
    let mut level = Level::default();
    for (info, _, node) in keys::known(table, place, problems) {
        fill(&mut level, info, node, problems);
    }
    for meant in table.iter().filter_map(|(key, _)| keys::meant(&key.name, place)) {
        told_of(&mut level, meant);
    }
    for (name, _) in &level.matrix {
        if let Some((variable, _)) = level.vars.iter().find(|(variable, _)| variable.name == name.name) {
            let (first, second) =
                if variable.span.range.start < name.span.range.start { (variable, name) } else { (name, variable) };
            problems.push(
                Problem::error("mlist::config::name_twice", format!("`{}` is a variable and an axis", name.name))
                    .at(&second.span, "here again")
                    .at(&first.span, "here first")
                    .help("variables and axes are one set of names: keep one of the two"),
            );
        }
    }
    level
}

fn fill(level: &mut Level, info: &KeyInfo, node: &Node, problems: &mut Vec<Problem>) {
    match info.name {
        "convention" => level.convention = Some(types::text("convention", node, problems).cloned().into()),
        "vars" => {
            if let Some(table) = types::table("vars", "vars.NAME = \"…\"", node, problems) {
                level.vars = vars::read(table, Place::List, problems);
            }
            swallowed(level, node);
        }
        "matrix" => {
            if let Some(table) = types::table("matrix", "matrix.NAME = [\"…\"]", node, problems) {
                level.matrix = axes(table, problems);
            }
            swallowed(level, node);
        }
        "platforms" => {
            level.platforms = Some(members::read(node, problems).into());
            if matches!(node.value, Value::Table(_)) {
                swallowed(level, node);
            }
        }
        "arch-style" => level.arch_style = Some(arch_style(node, problems).into()),
        "source" => level.source = Some(template("source", node, problems).into()),
        "target" => level.target = Some(target(node, problems).into()),
        _ => level.tags = Some(tags(node, problems).into()),
    }
}

fn fault<T>(slot: &mut Option<Slot<T>>) {
    slot.get_or_insert(Slot::Faulty);
}

/// A table of names: the keys of the list that stand in it were told of, and if it is none, its names are not known.
fn swallowed(level: &mut Level, node: &Node) {
    match &node.value {
        Value::Table(table) => table.iter().for_each(|(key, _)| told_of(level, &key.name)),
        _ => level.names_unknown = true,
    }
}

/// What was to stand in `level` is not known at all.
fn faulty(level: &mut Level) {
    level.names_unknown = true;
    for info in keys::built_keys_of(Place::List).filter(|info| info.name != "convention") {
        told_of(level, info.name);
    }
}

/// A key was told of as misspelt or misplaced: that it is lacking is no news.
fn told_of(level: &mut Level, meant: &str) {
    match meant {
        "convention" => fault(&mut level.convention),
        "platforms" => fault(&mut level.platforms),
        "arch-style" => fault(&mut level.arch_style),
        "source" => fault(&mut level.source),
        "target" => fault(&mut level.target),
        "tags" => fault(&mut level.tags),
        "vars" | "matrix" => level.names_unknown = true,
        _ => {}
    }
}

fn arch_style(node: &Node, problems: &mut Vec<Problem>) -> Option<ArchStyle> {
    let text = types::text("arch-style", node, problems)?;
    let style = ArchStyle::parse(&text.value);
    if style.is_none() {
        problems.push(unknown_word("arch-style", text, ArchStyle::names()));
    }
    style
}

/// `mlist::config::type` for a word that a closed set does not have.
pub(super) fn unknown_word(key: &str, text: &Text, words: &[&str]) -> Problem {
    let problem = Problem::error("mlist::config::type", format!("`{}` is no word of `{key}`", text.value));
    match nearest(&text.value, words.iter().copied()) {
        Some(word) => problem.at(&text.span, format!("did you mean `{word}`?")),
        None => problem.at(&text.span, ""),
    }
    .help(format!("there are: {}", words.join(", ")))
}

fn target(node: &Node, problems: &mut Vec<Problem>) -> Option<Phrase> {
    match &node.value {
        Value::Table(_) => {
            let help = "write the repository alone: target = \"{registry}/{name}\"";
            problems.push(keys::part_not_built("a target table").at(&node.span, "").help(help));
            None
        }
        Value::Array(_) => {
            let help = "write one repository: target = \"{registry}/{name}\"";
            problems.push(keys::part_not_built("an array of targets").at(&node.span, "").help(help));
            None
        }
        _ => template("target", node, problems),
    }
}

fn tags(node: &Node, problems: &mut Vec<Problem>) -> Option<Vec<Phrase>> {
    let items = types::filled_array("tags", node, problems)?;
    let mut tags = Vec::new();
    for item in items {
        if matches!(item.value, Value::Table(_)) {
            let help = "write the tag alone, and leave it out where it does not apply";
            problems.push(keys::part_not_built("a tag that is a table").at(&item.span, "").help(help));
        } else {
            tags.extend(template_item("tags", item, problems));
        }
    }
    Some(tags)
}

fn axes(table: &Table, problems: &mut Vec<Problem>) -> Vec<(Key, Slot<Axis>)> {
    let mut axes = Vec::new();
    for (name, node) in table {
        if vars::may_be_called(name, "matrix", problems) {
            axes.push((name.clone(), axis(name, node, problems).into()));
        }
    }
    axes
}

fn axis(name: &Key, node: &Node, problems: &mut Vec<Problem>) -> Option<Axis> {
    if let Value::Table(entries) = &node.value
        && entries.iter().any(|(key, _)| matches!(key.name.as_str(), "lines" | "tags-of"))
    {
        let help = format!("write the values themselves: matrix.{} = [\"…\"]", name.name);
        problems.push(keys::part_not_built("an axis from a file or from tags").at(&node.span, "").help(help));
        return None;
    }
    let items = types::array(&name.name, node, problems)?;
    if items.is_empty() {
        problems.push(
            Problem::error("mlist::config::empty_axis", format!("the axis `{}` has no value", name.name))
                .at(&node.span, "no list would be left")
                .help(format!("give it values, or take the axis away: vars.{} = \"\"", name.name)),
        );
        return None;
    }
    let values = items.iter().filter_map(|item| template_item(&name.name, item, problems)).collect::<Vec<_>>();
    (values.len() == items.len()).then_some(values)
}

/// The template that `node` is, the value of `key`.
pub(super) fn template(key: &str, node: &Node, problems: &mut Vec<Problem>) -> Option<Phrase> {
    phrase(types::text(key, node, problems)?, problems)
}

/// The template that `node` is, an item of the array `key`.
fn template_item(key: &str, node: &Node, problems: &mut Vec<Problem>) -> Option<Phrase> {
    phrase(types::item(key, node, problems)?, problems)
}

fn phrase(text: &Text, problems: &mut Vec<Problem>) -> Option<Phrase> {
    match Template::parse(&text.value) {
        Ok(template) => Some(Phrase { text: text.clone(), template }),
        Err(error) => {
            problems.push(bad_template(text, &error));
            None
        }
    }
}

fn bad_template(text: &Text, error: &TemplateError) -> Problem {
    let span = text.part(&error.span);
    let code = match error.kind {
        TemplateErrorKind::Syntax => "mlist::config::bad_template",
        TemplateErrorKind::UnknownFilter => "mlist::config::unknown_filter",
    };
    let problem = Problem::error(code, error.message.clone());
    let problem = match &error.instead {
        Some(instead) => problem.at(&span, format!("write `{instead}`")),
        None => problem.at(&span, ""),
    };
    match error.kind {
        TemplateErrorKind::Syntax => {
            problem.help("a placeholder is {NAME}, {NAME.major} or {NAME|filter}; a brace of the text is doubled")
        }
        TemplateErrorKind::UnknownFilter => problem.help("there are: tag, lower, no-v, replace:A:B"),
    }
}
