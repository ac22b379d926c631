//! [`NameKind`]: which names are valid for lists, variables, axes and conventions.

use super::raw::{Key, Node, TomlValue};
use super::read_problems::ReadProblems;
use crate::config::keys;
use crate::config::problem::Problem;
use crate::oci::excerpt;

/// The names of values that templates can use for each member, without a variable.
pub(in crate::config) const MEMBER_NAMES: [&str; 3] = ["arch", "os", "platform"];

/// The table of variables for all lists.
pub(super) const TOP: &str = "[vars]";

/// The kind of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum NameKind {
    /// The key of a list.
    Entry,
    /// A variable or an axis.
    Variable,
    /// A convention.
    Convention,
}

impl NameKind {
    /// The regular expression of such names, for the JSON Schema.
    pub(in crate::config) fn pattern(self) -> &'static str {
        match self {
            Self::Entry => "^[A-Za-z0-9][A-Za-z0-9._/-]*$",
            Self::Variable | Self::Convention => "^[A-Za-z][A-Za-z0-9_-]*$",
        }
    }

    fn begins(self, c: char) -> bool {
        c.is_ascii_alphabetic() || self == Self::Entry && c.is_ascii_digit()
    }

    fn goes_on(self, c: char) -> bool {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || self == Self::Entry && matches!(c, '.' | '/')
    }

    /// Whether `name` is a valid name of this kind.
    pub(super) fn is_valid(self, name: &str) -> bool {
        name.starts_with(|c| self.begins(c)) && name.chars().all(|c| self.goes_on(c))
    }

    /// Whether `key` is a valid name of this kind. Reports it if not.
    pub(super) fn check(self, key: &Key, problems: &mut ReadProblems<'_>) -> bool {
        let what = match self {
            Self::Entry => "list",
            Self::Variable => "variable",
            Self::Convention => "convention",
        };
        self.check_as(what, key, problems)
    }

    /// The same as [`NameKind::check`]. `what` says what the name is for.
    fn check_as(self, what: &str, key: &Key, problems: &mut ReadProblems<'_>) -> bool {
        let name = key.name.as_str();
        if self.is_valid(name) {
            return true;
        }
        let help = match self {
            Self::Entry => "use letters, digits, `.`, `_`, `/` and `-`, with a letter or digit at the start",
            Self::Variable | Self::Convention => "use letters, digits, `_` and `-`, with a letter at the start",
        };
        let start = name.find(|c| self.begins(c)).unwrap_or(name.len());
        let right: String = name[start..].chars().map(|c| if self.goes_on(c) { c } else { '-' }).collect();
        // `st` is not what was meant by `1st`.
        let is_cut = name[..start].contains(char::is_alphanumeric);
        let label = if right.is_empty() || is_cut { String::new() } else { format!("did you mean `{right}`?") };
        problems.push(
            Problem::error("mlist::config::bad_name", format!("`{}` is not a valid {what} name", excerpt(name)))
                .at(&key.span, label)
                .help(help),
        );
        false
    }
}

/// Whether this is the name of a value that templates can use without a variable, except `name`.
pub(super) fn is_reserved(name: &Key) -> bool {
    MEMBER_NAMES.contains(&name.name.as_str()) || name.name == "tag"
}

/// Whether a variable or axis can have this name. Reports it if not. `under` is the table that contains it.
pub(super) fn may_be_called(name: &Key, under: &str, problems: &mut ReadProblems<'_>) -> bool {
    if is_reserved(name) {
        problems.push(
            reserved(name, &format!("`{{{}}}` is built in", name.name))
                .help("rename it, here and where templates use it"),
        );
        return false;
    }
    if keys::is_list_key(&name.name) {
        problems.push(swallowed(name, under));
        return false;
    }
    NameKind::Variable.check_as(if under == "matrix" { "axis" } else { "variable" }, name, problems)
}

/// Returns the problem with a key of a list that is in `[vars]`, or below the header of a table inside the list.
pub(super) fn swallowed(key: &Key, under: &str) -> Problem {
    let place = if under == TOP { TOP.to_owned() } else { format!("`{under}`") };
    let help = match under {
        TOP => "move it to [defaults] or to a list, or rename the variable".to_owned(),
        "platforms" | "annotations" => {
            format!("move it above the header of {place}: keys after a header belong to that table")
        }
        "matrix" => format!("move it above the header of {place}, or rename the axis"),
        _ => format!("move it above the header of {place}, or rename the variable"),
    };
    Problem::error("mlist::config::misplaced_key", format!("`{}` is a key of a list, but it is in {place}", key.name))
        .at(&key.span, "")
        .help(help)
}

pub(super) fn reserved(name: &Key, why: &str) -> Problem {
    Problem::error(
        "mlist::config::reserved_name",
        format!("`{}` is reserved and cannot be the name of a variable or axis", name.name),
    )
    .at(&name.span, why)
}

/// Returns the intended name if TOML parsed a name with dots as nested tables. The name ends at the first table whose
/// content is not just one more table.
pub(super) fn undotted(name: &Key, inner: &Key, mut node: &Node, is_key: impl Fn(&Key) -> bool) -> String {
    let mut whole = format!("{}.{}", name.name, inner.name);
    while let TomlValue::Table(below) = &node.value
        && let [(deeper, next @ Node { value: TomlValue::Table(_), .. })] = below.as_slice()
        && !is_key(deeper)
    {
        whole = format!("{whole}.{}", deeper.name);
        node = next;
    }
    whole
}
