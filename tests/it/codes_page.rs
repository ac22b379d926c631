//! `docs/codes.md` has every code, with its meaning and an example.
//!
//! The page is generated here from the two tables of codes and the snapshots of `tests/fixtures/invalid`.
//! `INSTA_UPDATE=always tests/run codes_page` writes it again.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use mlist::{config, ui};

/// The layers above the file, each with the origin of its problems.
const OTHERS: [(&str, &str); 5] = [
    (
        "plan",
        "Of a list, once the registries have answered. It is blocked until someone acts; other lists are published.",
    ),
    ("registry", "Of what a registry says, or does not. Other lists are published as far as they can be."),
    ("exec", "Of a list while it is published."),
    ("cli", "Of this machine."),
    ("ui", "Of what is written beside the answer, with `--format json=FILE`."),
];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An invalid file, or a folder of files.
struct Fixture {
    name: String,
    /// The path below `tests/fixtures/invalid`.
    path: String,
    /// The output of mlist, after the command line if the fixture has its own.
    said: String,
}

/// Returns all invalid fixtures. The shortest names come first.
fn fixtures() -> Vec<Fixture> {
    let entries = fs::read_dir(project().join("tests/fixtures/invalid")).unwrap();
    let fixture = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let snapshot = project().join(format!("tests/it/snapshots/it__fixtures__invalid-{name}.snap"));
        let text = fs::read_to_string(&snapshot).unwrap_or_else(|error| panic!("{}: {error}", snapshot.display()));
        let said = text.splitn(3, "---\n").last().unwrap_or_default().to_owned();
        Fixture { name, path: path.file_name().unwrap().to_str().unwrap().to_owned(), said }
    };
    let mut fixtures: Vec<Fixture> = entries.map(|entry| fixture(entry.unwrap().path())).collect();
    fixtures.sort_by_key(|fixture| (fixture.name.len(), fixture.name.clone()));
    fixtures
}

/// Returns the first problem with `code` in the output of mlist: the lines below the code.
fn problem(said: &str, code: &str) -> Option<String> {
    let lines: Vec<&str> = said.lines().skip_while(|line| *line != code).skip(1).collect();
    let own = lines.iter().take_while(|line| !line.starts_with(|c: char| c.is_ascii_alphanumeric()));
    let text = own.copied().collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned();
    (!text.is_empty()).then_some(text)
}

/// Returns the fixtures whose name begins with the code, each with its first problem of that code.
fn of_code<'a>(fixtures: &'a [Fixture], code: &str) -> Vec<(&'a Fixture, String)> {
    let start = slug(code).replace('_', "-");
    let is_of = |name: &str| name.strip_prefix(&start).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    let named = fixtures.iter().filter(|fixture| is_of(&fixture.name));
    named.filter_map(|fixture| Some((fixture, problem(&fixture.said, code)?))).collect()
}

fn slug(code: &str) -> &str {
    code.rsplit("::").next().unwrap()
}

/// Makes a sentence of a phrase.
fn sentence(meaning: &str) -> String {
    let mut chars = meaning.chars();
    chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str() + ".").unwrap_or_default()
}

fn shown(fixtures: &[Fixture], code: &str) -> String {
    let found = of_code(fixtures, code);
    let (fixture, problem) = found.first().unwrap_or_else(|| panic!("{code} has no fixture"));
    let first = fixture.said.lines().next().filter(|line| line.starts_with("$ mlist "));
    let command = first.map(|line| format!("{line}\n")).unwrap_or_default();
    let link = |fixture: &Fixture| format!("[{}](../tests/fixtures/invalid/{})", fixture.name, fixture.path);
    let links: Vec<String> = found.iter().map(|(fixture, _)| link(fixture)).collect();
    format!("```text\n{command}{problem}\n```\n\nFiles: {}\n", links.join(", "))
}

fn page() -> String {
    let mut page = String::from(
        "# Codes\n\n\
         Each problem has a code, `mlist::WHERE::WHAT`: the line above it, and `code` in the JSON. A code is never renamed.\n\
         Those that are warnings say so here; the others are errors. This page is made by a test, \
         `tests/it/codes_page.rs`.\n",
    );
    page += "\n## manifests.toml\n\n\
             Nothing was published: the exit status is 2. Below each code stands a problem that has it, and which files of \
             the\ntests bring it about.\n";
    let fixtures = fixtures();
    for (code, meaning) in config::codes::CODES {
        write!(page, "\n### `{code}`\n\n{}\n\n{}", sentence(meaning), shown(&fixtures, code)).unwrap();
    }
    page += "\n## Everything else\n\n\
             The exit status is 1 where a list failed, and the same command may succeed later if `retry` in the JSON is \
             true;\nelse 4 where a list is blocked.\n";
    for (layer, about) in OTHERS {
        let start = format!("mlist::{layer}::");
        let codes = ui::codes::CODES.iter().filter(|(code, _)| code.starts_with(&start));
        write!(page, "\n### {layer}\n\n{about}\n\n| code | means |\n|---|---|\n").unwrap();
        codes.for_each(|(code, meaning)| writeln!(page, "| `{code}` | {meaning} |").unwrap());
    }
    page
}

fn path() -> PathBuf {
    project().join("docs/codes.md")
}

#[test]
fn the_page_of_codes_is_fresh() {
    let page = page();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        fs::write(path(), &page).unwrap();
    }
    let written = fs::read_to_string(path()).unwrap_or_default();
    let differs = page.lines().zip(written.lines()).find(|(made, written)| made != written);
    let mend = "INSTA_UPDATE=always tests/run codes_page";
    assert!(page == written, "docs/codes.md is out of date; to mend it: {mend}\n{differs:#?}");
}

#[test]
fn no_code_is_missing_and_none_stands_twice() {
    let page = page();
    let headings = page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(code, _)| code);
    let mut on_page: Vec<&str> = headings.chain(rows).collect();
    on_page.sort_unstable();
    let all = config::codes::CODES.iter().chain(ui::codes::CODES);
    let mut codes: Vec<&str> = all.map(|(code, _)| *code).collect();
    codes.sort_unstable();
    assert_eq!(on_page, codes);
}
