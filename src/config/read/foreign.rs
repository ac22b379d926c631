//! [`report_foreign`]: reports placeholders in the syntax of other tools, with the names that the file defines.

use super::names::{MEMBER_NAMES, NameKind};
use super::raw::{Key, Node, Table, Text, TomlValue};
use super::read_problems::ReadProblems;
use crate::config::problem::{Label, Problem};
use crate::naming::{ForeignPlaceholder, ForeignSyntax, foreign_placeholders, nearest};

/// The maximum number of places that a problem with a foreign placeholder shows.
const SHOWN: usize = 4;

const HELP: &str = "placeholders are {NAME}, {NAME.major} or {NAME|filter}";

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TemplateKind {
    /// A reference, repository or tag, which cannot contain `$`, braces or `<`.
    Name,
    /// A value that is inserted into other templates, or the path of a file.
    Value,
    /// Text for people: an annotation.
    Text,
}

/// Reports the placeholders in `text` that are written in the syntax of another tool. Returns whether there are any.
pub(super) fn report_foreign(text: &Text, kind: TemplateKind, problems: &mut ReadProblems<'_>) -> bool {
    let mut found = foreign_placeholders(&text.value);
    found.retain(|found| is_meant(found, kind, problems));
    for placeholder in &found {
        let span = text.part(&placeholder.span);
        let written = &text.value[placeholder.span.clone()];
        let reported = problems.foreign.get(written).copied();
        match reported.and_then(|at| problems.get_mut(at)) {
            Some(problem) if problem.labels.len() < SHOWN => {
                let text = problem.labels.first().map(|label| label.text.clone()).unwrap_or_default();
                problem.labels.push(Label { span, text });
            }
            Some(_) => {}
            None => {
                let (right, help) = advice(placeholder, problems);
                let read = definition(&placeholder.name, problems).filter(|(known, name)| known != name);
                let reads = read.map_or_else(String::new, |(env, _)| format!(", which reads {env}"));
                let label = right.map_or_else(String::new, |right| format!("write `{right}`{reads}"));
                let message = format!("`{written}` is not a valid placeholder");
                let at = problems.len();
                problems.foreign.insert(written.to_owned(), at);
                problems.push(Problem::error("mlist::config::bad_template", message).at(&span, label).help(help));
            }
        }
    }
    !found.is_empty()
}

/// Whether the author meant a placeholder, and not text.
fn is_meant(found: &ForeignPlaceholder, kind: TemplateKind, problems: &ReadProblems<'_>) -> bool {
    match (found.syntax, kind) {
        (ForeignSyntax::Certain, _) | (_, TemplateKind::Name) => true,
        (ForeignSyntax::Likely, TemplateKind::Value) => defined(&found.name, problems).is_some(),
        (ForeignSyntax::Likely, TemplateKind::Text) => false,
    }
}

/// Returns how the placeholder is written, if that is known, and the help.
fn advice(found: &ForeignPlaceholder, problems: &ReadProblems<'_>) -> (Option<String>, String) {
    let ForeignPlaceholder { name, suffix, .. } = found;
    let near = || nearest(name, names(problems).iter().map(|(_, name)| *name));
    match defined(name, problems).or_else(near) {
        Some(defined) => (Some(format!("{{{defined}{suffix}}}")), HELP.to_owned()),
        // Built in, but only in `member-tags`. `TAG` is most likely something else.
        None if name == "tag" => (Some(format!("{{{name}{suffix}}}")), HELP.to_owned()),
        None if NameKind::Variable.is_valid(name) => {
            // In an included file, the other file can define it.
            let help = format!(
                "if `{name}` is not defined yet, add it to [vars], for example {name} = {{ env = \"{name}\" }}"
            );
            (Some(format!("{{{name}{suffix}}}")), help)
        }
        None => (None, HELP.to_owned()),
    }
}

/// Returns the name that `word` means: the name itself, the name in other letters, or the name of a variable from this
/// environment variable.
fn defined<'t>(word: &str, problems: &ReadProblems<'t>) -> Option<&'t str> {
    definition(word, problems).map(|(_, name)| name)
}

/// The word that [`defined`] finds, and the name of the variable or value.
fn definition<'t>(word: &str, problems: &ReadProblems<'t>) -> Option<(&'t str, &'t str)> {
    let same = |known: &str| known.len() == word.len() && known.bytes().map(letter).eq(word.bytes().map(letter));
    let names = names(problems);
    let exact = names.iter().find(|(known, _)| *known == word);
    exact.or_else(|| names.iter().find(|(known, _)| same(known))).copied()
}

/// A letter without its case. `_` and `-` count as equal, because environment variables have no `-`.
fn letter(c: u8) -> u8 {
    if c == b'_' { b'-' } else { c.to_ascii_lowercase() }
}

fn names<'p, 't>(problems: &'p ReadProblems<'t>) -> &'p [(&'t str, &'t str)] {
    problems.names.get_or_init(|| names_of(problems.tree))
}

/// Returns the variables and axes of a file and most built-in names, each after itself, and the variables from the
/// environment, each after its environment variable.
fn names_of(tree: &Table) -> Vec<(&str, &str)> {
    let levels = entries(tree, "convention").iter().chain(entries(tree, "list"));
    let levels = levels.chain(tree.iter().filter(|(key, _)| key.name == "defaults"));
    let tables = levels.filter_map(|(_, node)| table(node));
    let own: Vec<&(Key, Node)> = entries(tree, "vars")
        .iter()
        .chain(tables.flat_map(|level| entries(level, "vars").iter().chain(entries(level, "matrix"))))
        .collect();
    let env = |node| table(node)?.iter().find(|(key, _)| key.name == "env").map(|(_, node)| &node.value);
    let from_env = own.iter().filter_map(|(key, node)| match env(node)? {
        TomlValue::Text(text) => Some((text.value.as_str(), key.name.as_str())),
        _ => None,
    });
    let defined = own.iter().map(|(key, _)| key.name.as_str()).chain(MEMBER_NAMES).chain(["name"]);
    defined.map(|name| (name, name)).chain(from_env).collect()
}

/// Returns the entries of the table `key`. Empty if there is no such table.
fn entries<'n>(tree: &'n Table, key: &str) -> &'n [(Key, Node)] {
    tree.iter().find(|(found, _)| found.name == key).and_then(|(_, node)| table(node)).map_or(&[], Vec::as_slice)
}

fn table(node: &Node) -> Option<&Table> {
    match &node.value {
        TomlValue::Table(table) => Some(table),
        _ => None,
    }
}
