//! [`foreign_placeholders`]: placeholders in the syntax of shells, Go templates and CI systems.

use std::ops::Range;

use super::template::{Part, Template};

/// A placeholder in the syntax of another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignPlaceholder {
    /// Its position in the text, in bytes.
    pub span: Range<usize>,
    /// How it is written.
    pub syntax: ForeignSyntax,
    /// The name in it: `VERSION` for `${VERSION}` and `{{ .Env.VERSION }}`.
    pub name: String,
    /// What follows the name if it is valid in a template: `.major` or `|lower`.
    pub suffix: String,
}

/// The syntax of a [`ForeignPlaceholder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForeignSyntax {
    /// `${NAME}`, `{ NAME }` or `{.NAME}`. Texts do not have such parts for any other reason.
    Certain,
    /// `$NAME`, `$(NAME)`, `{{NAME}}`, `${{ NAME }}` or `<NAME>`. Some texts have such parts that are not placeholders.
    Likely,
}

/// Returns the placeholders in the syntax of other tools in `text`, which is meant as a template.
///
/// ```
/// # use mlist::naming::foreign_placeholders;
/// let found = foreign_placeholders("ghcr.io/acme/{name}:${VERSION}");
/// assert_eq!(found[0].name, "VERSION");
/// assert_eq!(foreign_placeholders("{registry}/{name}:{version}"), []);
/// ```
#[must_use]
pub fn foreign_placeholders(text: &str) -> Vec<ForeignPlaceholder> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find(['$', '{', '<']) {
        let start = at + next;
        let (length, placeholder) = at_start(&text[start..]);
        if let Some((syntax, (name, suffix))) = placeholder {
            found.push(ForeignPlaceholder { span: start..start + length, syntax, name, suffix });
        }
        at = start + length;
    }
    found
}

/// The maximum length of a foreign placeholder in bytes.
const LONGEST: usize = 200;

/// A name, and what follows it in the placeholder.
type Inner = (String, String);

/// Reads what `rest` begins with, which is `$`, `{` or `<`. Returns its length, and what it is if that is a foreign
/// placeholder.
fn at_start(rest: &str) -> (usize, Option<(ForeignSyntax, Inner)>) {
    use ForeignSyntax::{Certain, Likely};
    let forms: [(&str, &str, ForeignSyntax); 5] =
        [("${{", "}}", Likely), ("{{", "}}", Likely), ("${", "}", Certain), ("$(", ")", Likely), ("<", ">", Likely)];
    // Three braces are a literal brace and a placeholder.
    let braces = rest.len() - rest.trim_start_matches('{').len();
    if braces > 2 {
        return (braces, None);
    }
    // A long text is not a placeholder, and the search for its end would cost too much.
    let window = &rest[..rest.floor_char_boundary(LONGEST)];
    for (open, close, syntax) in forms {
        let Some((inside, _)) = window.strip_prefix(open).and_then(|rest| rest.split_once(close)) else { continue };
        if inside.contains(['{', '}', '<', '$']) || open == "<" && inside.trim() != inside {
            continue;
        }
        if let Some(inner) = inner(inside) {
            return (open.len() + inside.len() + close.len(), Some((syntax, inner)));
        }
    }
    if let Some(word) = window.strip_prefix('$') {
        let length = word.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(word.len());
        let found = is_name(&word[..length]).then(|| (Likely, (word[..length].to_owned(), String::new())));
        return (1 + length, found);
    }
    if braces == 1
        && let Some((inside, _)) = window[1..].split_once('}')
    {
        // Anything else is an error of its own.
        let is_foreign = inside.trim().starts_with(['.', '$']) || inside.trim() != inside;
        let inner = inner(inside).filter(|_| is_foreign && !inside.contains('{'));
        return if inner.is_some() || !inside.contains('{') {
            (inside.len() + 2, inner.map(|inner| (Certain, inner)))
        } else {
            (1, None)
        };
    }
    (braces.max(1), None)
}

/// Returns the name in an expression such as `.Env.VERSION`, `version.major` or `VERSION:-dev`.
fn inner(expression: &str) -> Option<Inner> {
    let bare = expression.trim_matches(|c: char| c == '-' || c.is_whitespace()).trim_start_matches(['.', '$']);
    // What is valid in a template is kept.
    if let Ok(template) = Template::parse(&format!("{{{bare}}}"))
        && let [Part::Placeholder(placeholder)] = template.parts()
    {
        return Some((placeholder.name.clone(), bare[placeholder.name.len()..].to_owned()));
    }
    let end = bare.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(bare.len());
    let (path, rest) = bare.split_at(end);
    let is_operator = rest.trim_start().starts_with(['|', ':', '-', '+', '?', '%', '#', '/', ',', '^']);
    let name = path.rsplit('.').next().unwrap_or_default();
    (is_name(name) && (rest.is_empty() || is_operator)).then(|| (name.to_owned(), String::new()))
}

/// Whether this is a name that a variable can have.
fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<(&str, String)> {
        let placeholder = |found: ForeignPlaceholder| (&text[found.span], format!("{}{}", found.name, found.suffix));
        foreign_placeholders(text).into_iter().map(placeholder).collect()
    }

    #[test]
    fn the_name_is_found_in_the_syntax_of_other_tools() {
        for (text, name) in [
            ("${version}", "version"),
            ("${VERSION:-dev}", "VERSION"),
            ("${VERSION#v}", "VERSION"),
            ("${env.VERSION}", "VERSION"),
            ("$VERSION", "VERSION"),
            ("$(VERSION)", "VERSION"),
            ("{{version}}", "version"),
            ("{{ .Version }}", "Version"),
            ("{{- .Values.image.tag -}}", "tag"),
            ("{{ .Env.VERSION | lower }}", "VERSION"),
            ("{{ version.major }}", "version.major"),
            ("${{ github.ref_name }}", "ref_name"),
            ("{ version }", "version"),
            ("{ version.major|no-v }", "version.major|no-v"),
            ("{.Version}", "Version"),
            ("{$version}", "version"),
            ("<version>", "version"),
        ] {
            assert_eq!(found(text), [(text, name.to_owned())]);
            assert_eq!(found(&format!("r.io/{{name}}/{text}-x")), [(text, name.to_owned())]);
        }
        assert_eq!(found("$A/${B}:{c}-{{d}}").len(), 3);
    }

    #[test]
    fn text_and_templates_of_this_program_are_not_foreign() {
        for text in [
            "",
            "{registry}/{name}-{arch}:{version.major|no-v}",
            "{{{name}}}",
            "{name}{version}",
            "{version|replace:$:-}",
            "{{\"a\": 1}}",
            "5 $ or $5",
            "a < b > c",
            "{",
            "{name",
            "{1}",
            "$",
            "{{",
            "${",
            "{}",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    proptest! {
        #[test]
        fn spans_are_in_order_and_within_the_text(text in "[a-z${}<>. ()ä|-]{0,30}") {
            let mut end = 0;
            for placeholder in foreign_placeholders(&text) {
                prop_assert!(placeholder.span.start >= end && placeholder.span.end <= text.len());
                prop_assert!(text.get(placeholder.span.clone()).is_some());
                end = placeholder.span.end;
            }
        }
    }
}
