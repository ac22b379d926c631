//! Files with one fault each, as `tests/fixtures/invalid/`, and what is said of them; good files, as
//! `tests/fixtures/valid/`, and what they come to.

use std::fmt;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use mlist::config::facts::Facts;
use mlist::config::{Loaded, Outcome, Problem, Publication, Request, SourceFile, Sources, Trust, load};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The fixtures of a folder by name, in the order of the alphabet.
fn fixtures(name: &str) -> Vec<(String, String)> {
    let mut fixtures: Vec<_> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    fixtures.sort();
    fixtures
}

/// Loads a text as `manifests.toml` on a machine without environment, files or git, but for one file that has two
/// lines.
fn loaded(text: &str) -> Loaded {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile { name: "manifests.toml".into(), text: text.into() });
    let mut facts = Facts::default();
    let request = Request { sources: &sources, file, overrides: &[], selectors: &[], trust: &Trust::default() };
    loop {
        match load(request, &facts) {
            Outcome::Done(loaded) => return loaded,
            Outcome::Needs(questions) => {
                assert!(!questions.is_empty());
                for question in questions {
                    let shown = format!("{question:?}");
                    let fact = match shown.as_str() {
                        shown if shown.contains("two-lines") => Ok(Some("1.2\n1.3\n".to_owned())),
                        shown if shown.contains("forbidden") => Err("permission denied".to_owned()),
                        _ => Ok(None),
                    };
                    facts.add(question, fact);
                }
            }
        }
    }
}

/// A problem as miette wants it.
#[derive(Debug)]
struct Shown {
    problem: Problem,
    source: NamedSource<String>,
    cause: Option<Cause>,
}

#[derive(Debug)]
struct Cause(String, Option<Box<Cause>>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Shown {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

impl Diagnostic for Shown {
    fn code(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(self.problem.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.severity {
            mlist::config::Severity::Warning => miette::Severity::Warning,
            mlist::config::Severity::Error => miette::Severity::Error,
        })
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.problem.labels.iter().map(|label| {
            let text = (!label.text.is_empty()).then(|| label.text.clone());
            LabeledSpan::new(text, label.span.range.start, label.span.range.len())
        })))
    }
}

fn shown(text: &str, problems: Vec<Problem>) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(80)
        .with_context_lines(1)
        .with_break_words(false)
        .with_word_separator(textwrap::WordSeparator::AsciiSpace)
        .with_word_splitter(textwrap::WordSplitter::NoHyphenation);
    let mut page = String::new();
    for problem in problems {
        let cause =
            problem.causes.iter().rev().fold(None, |inner, text| Some(Cause(text.clone(), inner.map(Box::new))));
        let source = NamedSource::new("manifests.toml", text.to_owned());
        handler.render_report(&mut page, &Shown { problem, source, cause }).unwrap();
        page.push('\n');
    }
    // miette pads some lines.
    let lines: Vec<&str> = page.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// One line for a list, one for its tags, one for each member.
fn listing(publications: &[std::sync::Arc<Publication>]) -> String {
    let mut page = String::new();
    for publication in publications {
        let tags: Vec<&str> = publication.tags.iter().map(|tag| tag.tag.as_str()).collect();
        writeln!(page, "{}: {} [{}]", publication.id, publication.target, tags.join(", ")).unwrap();
        for member in &publication.members {
            writeln!(page, "  {} = {}", member.platform, member.source).unwrap();
        }
    }
    page
}

#[test]
fn every_invalid_fixture_is_told_of_where_it_is_wrong() {
    for (name, text) in fixtures("invalid") {
        let first = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
        assert!(matches!(first, "# schema: rejects" | "# schema: accepts"), "{name}: {first}");
        let problems = loaded(&text).problems;
        assert!(!problems.is_empty(), "{name} has no problem");
        let slugs: Vec<String> = problems.iter().map(|problem| problem.slug().replace('_', "-")).collect();
        assert!(slugs.iter().any(|slug| name.starts_with(slug.as_str())), "{name}: {slugs:?}");
        for label in problems.iter().flat_map(|problem| &problem.labels) {
            assert!(label.span.range.start < text.len() && label.span.range.end <= text.len(), "{name}");
        }
        insta::assert_snapshot!(format!("invalid-{name}"), shown(&text, problems));
    }
}

#[test]
fn every_valid_fixture_comes_to_its_lists() {
    for (name, text) in fixtures("valid") {
        let loaded = loaded(&text);
        assert_eq!(shown(&text, loaded.problems), "", "{name}");
        insta::assert_snapshot!(format!("valid-{name}"), listing(&loaded.publications));
    }
}

#[test]
fn every_code_has_a_fixture() {
    // These come from the command line alone; unit tests of the loader show them.
    const WITHOUT_A_FILE: [&str; 5] =
        ["left_out", "outside_root", "set_without_effect", "unknown_selector", "unknown_set"];
    let said: std::collections::BTreeSet<&str> = fixtures("invalid")
        .iter()
        .flat_map(|(_, text)| loaded(text).problems)
        .map(|problem| problem.slug())
        .chain(WITHOUT_A_FILE)
        .collect();
    let known: std::collections::BTreeSet<&str> =
        mlist::config::codes::CODES.iter().map(|(code, _)| code.rsplit("::").next().unwrap()).collect();
    assert_eq!(said, known);
}

#[test]
fn the_example_is_good_and_shows_every_key() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests.toml.example")).unwrap();
    assert_eq!(text.lines().next(), Some("#:schema ./schema/manifests.schema.json"));
    let loaded = loaded(&text);
    assert_eq!(shown(&text, loaded.problems), "");
    insta::assert_snapshot!("example", listing(&loaded.publications));
    let schema: serde_json::Value = serde_json::from_str(&mlist::config::schema()).unwrap();
    for place in ["defaults", "convention", "list", "row", "variable", "registry"] {
        let definition = &schema["$defs"][place];
        let definition = definition["oneOf"].as_array().and_then(|forms| forms.last()).unwrap_or(definition);
        let definition = if place == "variable" { &schema["$defs"]["variable"]["oneOf"][1] } else { definition };
        for key in definition["properties"].as_object().unwrap().keys() {
            assert!(text.contains(key.as_str()), "{place}: {key}");
        }
    }
}
