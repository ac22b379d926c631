//! Values and array items that are templates.

use super::declared::SpannedTemplate;
pub(super) use super::foreign::TemplateKind;
use super::foreign::report_foreign;
use super::raw::{Node, Text};
use super::read_problems::ReadProblems;
use super::types;
use crate::config::problem::Problem;
use crate::naming::{Template, TemplateError, TemplateErrorKind};

/// Returns the template in `node`, the value of `key`.
pub(super) fn template(
    key: &str,
    node: &Node,
    kind: TemplateKind,
    problems: &mut ReadProblems<'_>,
) -> Option<SpannedTemplate> {
    spanned(types::text(key, node, problems)?, kind, problems)
}

/// Returns the template in `node`, an item of the array `key`.
pub(super) fn template_item(
    key: &str,
    node: &Node,
    kind: TemplateKind,
    problems: &mut ReadProblems<'_>,
) -> Option<SpannedTemplate> {
    spanned(types::item(key, node, problems)?, kind, problems)
}

fn spanned(text: &Text, kind: TemplateKind, problems: &mut ReadProblems<'_>) -> Option<SpannedTemplate> {
    if report_foreign(text, kind, problems) {
        return None;
    }
    match Template::parse(&text.value) {
        Ok(template) => Some(SpannedTemplate { text: text.clone(), template }),
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
            problem.help("placeholders are {NAME}, {NAME.major} or {NAME|filter}; write {{ or }} for a literal brace")
        }
        TemplateErrorKind::UnknownFilter => problem.help("known filters: tag, lower, no-v, replace:A:B"),
    }
}
