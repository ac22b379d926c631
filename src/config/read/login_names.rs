//! The environment variables with credentials of registries. No variable of the file can use their values.

use super::declared::{Parsed, ParsedFile, Variable, VariableValue};
use super::raw::{Key, Node, Table, Text, TomlValue};
use super::read_problems::ReadProblems;
use crate::config::keys::{KeySet, RegistryKey, TableKind};
use crate::config::problem::Problem;

/// Returns the names of environment variables in `[registry]`, even if other parts of it are invalid.
pub(super) fn login_names(node: &Node) -> Vec<Text> {
    let below = |node: &Node| match &node.value {
        TomlValue::Table(table) => table.clone(),
        _ => Table::new(),
    };
    let keys = below(node).iter().flat_map(|(_, node)| below(node)).collect::<Table>();
    let is_name = |key: &Key| {
        let key = RegistryKey::find(&key.name, TableKind::Registry);
        matches!(key, Some(RegistryKey::UsernameEnv | RegistryKey::PasswordEnv))
    };
    keys.into_iter()
        .filter(|(key, _)| is_name(key))
        .filter_map(|(_, node)| match node.value {
            TomlValue::Text(text) => Some(text),
            _ => None,
        })
        .collect()
}

/// Reports `mlist::config::secret_variable` for each variable that reads one of `login_names`. Otherwise the author of
/// a template could send a password to any host, as part of a name. The variable becomes faulty, so its value is never
/// requested.
pub(super) fn keep_secret(login_names: &[Text], document: &mut ParsedFile, problems: &mut ReadProblems<'_>) {
    let ParsedFile { vars, defaults, conventions, lists, .. } = document;
    let levels = conventions.iter_mut().chain(lists).map(|(_, level)| level).chain([defaults]);
    let variables = vars.iter_mut().chain(levels.flat_map(|level| &mut level.vars));
    for (key, parsed) in variables {
        let Parsed::Good(Variable { value: VariableValue::Env(env), span, .. }) = parsed else { continue };
        // On Windows, names of environment variables are not case-sensitive.
        let Some(name) = login_names.iter().find(|name| name.value.eq_ignore_ascii_case(env)) else { continue };
        let message =
            format!("variable `{}` cannot read `{}`, which contains registry credentials", key.name, name.value);
        problems.push(
            Problem::error("mlist::config::secret_variable", message)
                .at(span, "")
                .at(&name.span, "used to log in to the registry")
                .help(
                    "values of variables are printed and published: read an environment variable that contains no \
                       secret",
                ),
        );
        *parsed = Parsed::Faulty;
    }
}
