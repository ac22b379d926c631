//! Declared conditions: when a tag applies, and when a row is declared.
//!
//! ```text
//! when      = condition / "[" condition *("," condition) "]"
//! condition = "stable" / "newest" / "{" NAME "=" globs *("," NAME "=" globs) "}"
//! ```

use super::declared::Condition;
use super::raw::{Node, Table, Text, TomlValue};
use super::read_problems::ReadProblems;
use super::types;
use crate::config::problem::Problem;
use crate::naming::nearest;
use crate::oci::excerpt;

/// What the conditions are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Tag,
    /// A row cannot have `newest`, because a member does not depend on what else is published.
    Row,
}

impl Of {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Tag => &["stable", "newest"],
            Self::Row => &["stable"],
        }
    }

    fn help(self) -> String {
        format!("valid conditions: {}, and globs for a variable: when = {{ NAME = \"1.*\" }}", self.words().join(", "))
    }
}

/// Reads `when`. `None` if it is not valid, which is reported.
pub(super) fn read(node: &Node, of: Of, problems: &mut ReadProblems<'_>) -> Option<Vec<Condition>> {
    let TomlValue::Array(_) = &node.value else { return condition(node, of, problems) };
    let items = types::filled_array("when", node, problems)?;
    let read: Vec<_> = items.iter().map(|item| condition(item, of, problems)).collect();
    Some(read.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}

fn condition(node: &Node, of: Of, problems: &mut ReadProblems<'_>) -> Option<Vec<Condition>> {
    match &node.value {
        TomlValue::Text(text) => word(text, of, problems).map(|condition| vec![condition]),
        TomlValue::Table(table) if table.is_empty() => {
            problems.push(
                Problem::error("mlist::config::type", "a condition of `when` is empty")
                    .at(&node.span, "expected at least one variable")
                    .help(of.help()),
            );
            None
        }
        TomlValue::Table(table) => globs(table, problems),
        TomlValue::Array(_) | TomlValue::Other { .. } => {
            problems.push(types::wrong("`when`", "a condition", node).at(&node.span, "").help(of.help()));
            None
        }
    }
}

fn word(text: &Text, of: Of, problems: &mut ReadProblems<'_>) -> Option<Condition> {
    let span = text.span.clone();
    let problem = match (text.value.as_str(), of) {
        ("stable", _) => return Some(Condition::Stable(span)),
        ("newest", Of::Tag) => return Some(Condition::Newest(span)),
        ("newest", Of::Row) => Problem::error("mlist::config::type", "`newest` cannot be used in a row of `platforms`")
            .at(&span, "only tags can use `newest`"),
        (other, _) => {
            let problem =
                Problem::error("mlist::config::type", format!("`{}` is not a valid condition", excerpt(other)));
            match nearest(other, of.words().iter().copied()) {
                Some(meant) => problem.at(&span, format!("did you mean `{meant}`?")),
                None => problem.at(&span, ""),
            }
        }
    };
    problems.push(problem.help(of.help()));
    None
}

fn globs(table: &Table, problems: &mut ReadProblems<'_>) -> Option<Vec<Condition>> {
    let read: Vec<_> = table
        .iter()
        .map(|(name, node)| {
            Some(Condition::Fits {
                name: name.clone(),
                globs: types::globs(&format!("when.{}", name.name), node, problems)?,
            })
        })
        .collect();
    read.into_iter().collect()
}
