//! The schema of manifests.toml, tested with a third-party validator: Debian's python3-jsonschema.
//!
//! The first line of each file in `tests/fixtures/invalid` says whether a schema can detect its fault:
//! `# schema: rejects` or `# schema: accepts`. A fault in the TOML syntax is found before the schema is used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::docker_registry::skipped;

/// Debian's own Python, because its modules are Debian packages.
const PYTHON: &str = "/usr/bin/python3";

/// The result of the validator for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepts,
    Rejects(String),
    /// The file is not valid TOML 1.0.
    NoToml,
    /// The file is not valid JSON.
    NoJson,
}

pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the validator with `schema` on all files. `None` if it is not installed.
pub(crate) fn validate(schema: &Path, files: &[PathBuf]) -> Option<Output> {
    let tried = Command::new(PYTHON).args(["-c", "import jsonschema, tomllib"]).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        skipped("python3-jsonschema is not installed");
        return None;
    }
    let script = project().join("tests/schema/validate.py");
    Some(Command::new(PYTHON).arg(script).arg(schema).args(files).output().unwrap())
}

pub(crate) fn verdicts(output: &Output) -> Vec<Verdict> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::str::from_utf8(&output.stdout).unwrap().lines().map(verdict).collect()
}

fn verdict(line: &str) -> Verdict {
    let said: serde_json::Value = serde_json::from_str(line).unwrap();
    match said["verdict"].as_str() {
        Some("accepts") => Verdict::Accepts,
        Some("rejects") => Verdict::Rejects(said["why"].as_str().unwrap().to_owned()),
        Some("no-toml") => Verdict::NoToml,
        Some("no-json") => Verdict::NoJson,
        other => panic!("{other:?} is no verdict"),
    }
}

/// Returns the verdict of the project's schema for each file.
fn judged(files: Vec<PathBuf>) -> Vec<(PathBuf, Verdict)> {
    assert!(!files.is_empty(), "there is nothing to judge");
    let schema = project().join("schema/manifests.schema.json");
    let Some(output) = validate(&schema, &files) else { return Vec::new() };
    let verdicts = verdicts(&output);
    assert_eq!(verdicts.len(), files.len());
    files.into_iter().zip(verdicts).collect()
}

/// Returns the files in `folder` and its subfolders whose names match `fits`, sorted.
pub(crate) fn files(folder: &str, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut folders = vec![project().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if fits(path.file_name().unwrap().to_str().unwrap()) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

pub(crate) fn is_toml(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

/// Whether the name of a fixture begins with `code`.
fn is_of(path: &Path, code: &str) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with(code)
}

#[test]
fn every_example_is_accepted() {
    let mut examples = files("examples", is_toml);
    assert!(!examples.is_empty());
    examples.push(project().join("manifests.toml.example"));
    for (path, verdict) in judged(examples) {
        assert_eq!(verdict, Verdict::Accepts, "{}", path.display());
    }
}

#[test]
fn every_file_that_the_readme_shows_is_accepted() {
    let readme = fs::read_to_string(project().join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let blocks = readme.split("```toml\n").skip(1).enumerate().map(|(number, behind)| {
        let path = folder.path().join(format!("block-{number}.toml"));
        fs::write(&path, behind.split("```").next().unwrap_or_default()).unwrap();
        path
    });
    for (path, verdict) in judged(blocks.collect()) {
        assert_eq!(verdict, Verdict::Accepts, "{}", path.display());
    }
}

#[test]
fn every_valid_fixture_is_accepted_that_is_toml_1_0() {
    for (path, verdict) in judged(files("tests/fixtures/valid", is_toml)) {
        let expected = if is_of(&path, "toml-1-1") { Verdict::NoToml } else { Verdict::Accepts };
        assert_eq!(verdict, expected, "{}", path.display());
    }
}

#[test]
fn each_invalid_fixture_is_judged_as_it_says() {
    for (path, verdict) in judged(files("tests/fixtures/invalid", is_toml)) {
        let text = fs::read_to_string(&path).unwrap();
        let says = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
        let is_as_said = match says {
            "# schema: rejects" if is_of(&path, "syntax") => verdict == Verdict::NoToml,
            "# schema: rejects" => matches!(verdict, Verdict::Rejects(_)),
            "# schema: accepts" => verdict == Verdict::Accepts,
            other => panic!("{}: `{other}` says nothing of the schema", path.display()),
        };
        assert!(is_as_said, "{}: {says}, but {verdict:?}", path.display());
    }
}

/// Runs the validator with this schema and these files, to check that it really validates.
fn made_up(schema: &str, files: &[(&str, &str)]) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let schema = write("schema.json", schema);
    let files: Vec<PathBuf> = files.iter().map(|(name, text)| write(name, text)).collect();
    validate(&schema, &files)
}

#[test]
fn the_validator_tells_good_from_bad() {
    let schema = r#"{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["list"],
        "properties": { "list": { "type": "object", "propertyNames": { "pattern": "^[a-z]+$" } } }
    }"#;
    let Some(output) = made_up(
        schema,
        &[
            ("good.toml", "\u{feff}# ä\r\n[list.a]\r\n"),
            ("key.toml", "[lst.a]\n[list.a]"),
            ("type.toml", "list = 1979-05-27"),
            ("name.toml", "[list.A]"),
            ("open.toml", "a = \"\n"),
            ("newer.toml", "[list]\na = {\n}\n"),
        ],
    ) else {
        return;
    };
    let [good, key, kind, name, open, newer] = verdicts(&output).try_into().unwrap();
    assert_eq!([good, open, newer], [Verdict::Accepts, Verdict::NoToml, Verdict::NoToml]);
    for (verdict, says) in [(key, "'lst' was unexpected"), (kind, "is not of type 'object'"), (name, "does not match")]
    {
        assert!(matches!(&verdict, Verdict::Rejects(why) if why.contains(says)), "{says}: {verdict:?}");
    }
}

#[test]
fn a_schema_that_is_none_is_no_judge() {
    let Some(output) = made_up(r#"{ "type": "tabel" }"#, &[("good.toml", "")]) else { return };
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("'tabel' is not valid"));
    assert!(output.stdout.is_empty());
}
