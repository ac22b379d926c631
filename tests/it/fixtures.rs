//! Invalid files with one fault each, in `tests/fixtures/invalid/`, and the problems that are reported for them. Valid
//! files, in `tests/fixtures/valid/`, and the lists that they produce.
//!
//! An invalid fixture may be a folder with manifests.toml and the files that it includes. If its fault depends on the
//! command line, the folder has a file `arguments` with one line, which is run instead of `check`. The line can begin
//! with environment variables, as in a shell: `CI=true plan`.

use std::fmt;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, ThemeCharacters};
use mlist::config::facts::{Facts, GitFault, Question};
use mlist::config::{
    LoadOutcome, LoadPurpose, LoadRequest, Loaded, Loader, Problem, Publication, SourceFile, Sources, Trust,
};
use mlist::oci::Tag;

use crate::support::context::{Context, Output};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Returns the fixtures of a folder that are a single file, sorted by name.
fn fixtures(name: &str) -> Vec<(String, String)> {
    let mut fixtures: Vec<_> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    fixtures.sort();
    fixtures
}

/// The file in a folder with the arguments to run instead of `check`.
const ARGUMENTS: &str = "arguments";

/// A fixture that is a folder, and the output for it.
struct Folder {
    name: String,
    /// The arguments that were run, if the folder specifies them.
    arguments: Option<String>,
    output: Output,
    problems: Vec<Said>,
}

/// A problem in the JSON.
struct Said {
    /// The last part of its code.
    slug: String,
    is_error: bool,
}

impl Folder {
    /// Runs mlist on a copy of the folder at `path`.
    fn run(path: &Path) -> Self {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let arguments = std::fs::read_to_string(path.join(ARGUMENTS)).ok().map(|text| {
            assert!(text.lines().count() == 1 && text.ends_with('\n'), "{name}: {ARGUMENTS} is no line: {text:?}");
            text.trim().to_owned()
        });
        let mut context = Context::new();
        copy(path, &context.path(""));
        let mut command = arguments.as_deref().unwrap_or("check");
        for (variable, value) in variables(command) {
            context.set(variable, value);
            command = command.split_once(' ').expect("a command follows the variables").1;
        }
        let output = context.mlist_in_one_pipe(&format!("{command} --format human --format json=said.json"));
        let json = std::fs::read_to_string(context.path("said.json")).unwrap_or_else(|_| panic!("{name}: {output}"));
        Self { name, arguments, output, problems: problems(&json) }
    }

    /// Returns the output, after the command line if the folder specifies one.
    fn shown(&self) -> String {
        let said = &self.output.stdout;
        let Some(arguments) = &self.arguments else { return said.clone() };
        let words: Vec<&str> = arguments.split(' ').collect();
        let (set, command) = words.split_at(variables(arguments).count());
        let line: Vec<&str> = set.iter().chain(&["mlist"]).chain(command).copied().collect();
        format!("$ {}\n{said}", line.join(" "))
    }
}

/// Returns the environment variables at the start of a line of arguments.
fn variables(arguments: &str) -> impl Iterator<Item = (&str, &str)> {
    arguments.split(' ').map_while(|word| word.split_once('=').filter(|(name, _)| !name.starts_with('-')))
}

/// Returns the invalid fixtures that are a folder, sorted by name.
fn folders() -> Vec<Folder> {
    let entries = std::fs::read_dir(folder("invalid")).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.iter().map(|path| Folder::run(path)).collect()
}

/// Copies the content of a folder, without the file of arguments.
fn copy(from: &Path, to: &Path) {
    let entries = std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap());
    for entry in entries.filter(|entry| entry.file_name() != ARGUMENTS) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn problems(json: &str) -> Vec<Said> {
    let said: serde_json::Value = serde_json::from_str(json).unwrap();
    let problem = |problem: &serde_json::Value| Said {
        slug: problem["code"].as_str().unwrap().rsplit("::").next().unwrap().to_owned(),
        is_error: problem["severity"] == "error",
    };
    said["problems"].as_array().unwrap().iter().map(problem).collect()
}

/// Loads a text as `manifests.toml` on a machine without environment variables and git, with a few files and tags.
fn loaded(text: &str) -> Loaded {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile { name: "manifests.toml".into(), text: text.into() });
    let trust = Trust::default();
    let purpose = LoadPurpose::Check;
    let request = LoadRequest { sources: &sources, file, overrides: &[], selectors: &[], trust: &trust, purpose };
    let (mut parsed, mut facts) = (Loader::new(request), Facts::default());
    loop {
        match parsed.load(&facts) {
            LoadOutcome::Done(loaded) => return loaded,
            LoadOutcome::NeedsTags(places, _) => {
                for place in places {
                    let is_there = place.to_string().contains("some-tags");
                    let tags = ["latest", "main", "v1.31.0"].map(|tag| Tag::parse(tag).unwrap());
                    facts.add_tags(place, Ok(is_there.then(|| Arc::new(tags.into()))));
                }
            }
            LoadOutcome::Needs(questions) => {
                assert!(!questions.is_empty());
                for question in questions {
                    if let Question::Git(..) = question {
                        facts.add_git(question, Err(GitFault::NotARepository));
                        continue;
                    }
                    let shown = format!("{question:?}");
                    let fact = match shown.as_str() {
                        shown if shown.contains("two-lines") => Ok(Some("1.2\n1.3\n".to_owned())),
                        shown if shown.contains("equal-lines") => Ok(Some("api\n\nweb\napi\n".to_owned())),
                        shown if shown.contains("remarks") => Ok(Some("# none yet\n".to_owned())),
                        // A glob that is the path of a file matches that file.
                        shown if shown.contains("Paths(\"\", \"manifests.toml") => {
                            Ok(Some("manifests.toml".to_owned()))
                        }
                        shown if shown.contains("forbidden") => Err("permission denied".to_owned()),
                        _ => Ok(None),
                    };
                    facts.add(question, fact);
                }
            }
        }
    }
}

/// A problem in the form that miette needs.
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
    // Warnings have the sign that mlist prints.
    let characters = ThemeCharacters { warning: "!".into(), ..ThemeCharacters::unicode() };
    let theme = GraphicalTheme { characters, ..GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
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

/// Renders one line for a list and its tags, and one line for each member.
fn listing(publications: &[Arc<Publication>]) -> String {
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
fn every_invalid_folder_is_told_of_in_the_file_that_is_wrong() {
    for folder in folders() {
        let Folder { name, output, problems, .. } = &folder;
        // A warning does not change the exit status.
        let status = if problems.iter().any(|problem| problem.is_error) { 2 } else { 0 };
        assert_eq!(output.status, status, "{name}: {output}");
        let is_of = |problem: &Said| name.starts_with(&problem.slug.replace('_', "-"));
        assert!(problems.iter().any(is_of), "{name}: {output}");
        insta::assert_snapshot!(format!("invalid-{name}"), folder.shown());
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
    let folders = folders();
    let of_folders = folders.iter().flat_map(|folder| &folder.problems).map(|problem| problem.slug.as_str());
    let said: std::collections::BTreeSet<&str> = fixtures("invalid")
        .iter()
        .flat_map(|(_, text)| loaded(text).problems)
        .map(|problem| problem.slug())
        .chain(of_folders)
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
