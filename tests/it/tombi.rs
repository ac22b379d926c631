//! The schema in editors, tested with a third-party language server: tombi, from PyPI.
//!
//! Its linter must report the same files as the validator in `tests/it/schema.rs`, at the lines that mlist reports. Its
//! server must complete keys and values, and show their descriptions.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::schema::{files, is_toml, project};
use crate::support::editor::{Finding, Tombi};

/// Returns the findings of the linter for each file. Empty if it is not installed.
fn linted(paths: Vec<PathBuf>) -> Vec<(PathBuf, Vec<Finding>)> {
    let Some(tombi) = Tombi::find() else { return Vec::new() };
    let texts: Vec<String> = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    paths.into_iter().zip(tombi.lint(&texts)).collect()
}

#[test]
fn it_has_nothing_to_say_of_good_files() {
    let mut good = files("examples", is_toml);
    good.push(project().join("manifests.toml.example"));
    for (path, findings) in linted(good) {
        assert_eq!(findings, [], "{}", path.display());
    }
    // The schema allows TOML 1.1, and some of these files are formatted badly on purpose: warnings are allowed.
    for (path, findings) in linted(files("tests/fixtures/valid", is_toml)) {
        assert!(findings.iter().all(|finding| !finding.is_error), "{}: {findings:?}", path.display());
    }
}

#[test]
fn it_finds_the_fault_that_a_schema_can_find_and_no_other() {
    for (path, findings) in linted(files("tests/fixtures/invalid", is_toml)) {
        let rejects =
            fs::read_to_string(&path).unwrap().trim_start_matches('\u{feff}').starts_with("# schema: rejects");
        let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.is_error).collect();
        assert_eq!(!errors.is_empty(), rejects, "{}: {findings:?}", path.display());
        // If mlist points into the file, the linter must report at least one of the same lines.
        let lines = lines_of(&path);
        let is_there = |line: &u64| errors.iter().any(|error| (error.lines.0..=error.lines.1).contains(line));
        let is_alike = !rejects || lines.is_empty() || lines.iter().any(is_there);
        assert!(is_alike, "{}: {lines:?}, but {errors:?}", path.display());
    }
}

/// Returns the lines that mlist points at in a file of an invalid fixture.
fn lines_of(path: &Path) -> Vec<u64> {
    let path = path.strip_prefix(project().join("tests/fixtures/invalid")).unwrap();
    let fixture = path.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".toml");
    // A fixture that is one file was checked as manifests.toml. A folder has manifests.toml and the files that it
    // includes.
    let file = path.strip_prefix(fixture).unwrap_or(Path::new("manifests.toml")).display();
    let snapshot = project().join(format!("tests/it/snapshots/it__fixtures__invalid-{fixture}.snap"));
    let said = fs::read_to_string(&snapshot).unwrap_or_else(|error| panic!("{}: {error}", snapshot.display()));
    let opening = format!("─[{file}:");
    let places = said.split(&opening).skip(1).filter_map(|rest| rest.split_once(':'));
    places.map(|(line, _)| line.parse().unwrap()).collect()
}

/// Returns the schema of the project.
fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(project().join("schema/manifests.schema.json")).unwrap()).unwrap()
}

/// Formats a value as TOML on one line.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            // JSON strings are valid TOML strings, also as quoted keys.
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{} = {}", Value::from(key.as_str()), toml(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Returns the keys of a table of the schema, each with its definition and an example as TOML.
fn keys(table: &str) -> Vec<(String, Value, String)> {
    let schema = schema();
    let properties = schema["$defs"][table]["properties"].as_object().unwrap();
    let key = |(name, about): (&String, &Value)| (name.clone(), about.clone(), toml(&about["examples"][0]));
    properties.iter().map(key).collect()
}

/// Returns a file with every key that a list and a registry may have.
fn full_file() -> String {
    let mut file = Vec::new();
    for (heading, table) in [("[list.app]", "list"), (r#"[registry."registry.corp:5000"]"#, "registry")] {
        file.push(heading.to_owned());
        file.extend(keys(table).iter().map(|(name, _, example)| format!("{name} = {example}")));
    }
    file.join("\n")
}

#[test]
fn every_key_says_what_it_means_where_the_pointer_is_on_it() {
    let Some(tombi) = Tombi::find() else { return };
    let mut editor = tombi.edit(&full_file());
    for (name, about, _) in keys("list").into_iter().chain(keys("registry")) {
        let shown = editor.hover(&format!("{name} = "));
        assert!(shown.starts_with(about["description"].as_str().unwrap()), "{name}: {shown}");
        if let Some(default) = about.get("default") {
            assert!(shown.contains(&format!("Default: `{}`", toml(default))), "{name}: {shown}");
        }
    }
}

#[test]
fn every_key_is_offered_with_what_it_means() {
    let Some(tombi) = Tombi::find() else { return };
    for (heading, table) in [("[defaults]", "defaults"), ("[list.app]", "list"), ("[convention.other]", "convention")] {
        let mut editor = tombi.edit(&format!("{heading}\n\n[list.x]\n"));
        let choices = editor.choices(heading, "");
        for (name, about, _) in keys(table) {
            let choice = choices.iter().find(|choice| choice.label == name);
            let choice = choice.unwrap_or_else(|| panic!("{heading} does not offer {name}: {choices:?}"));
            assert!(choice.about.starts_with(about["description"].as_str().unwrap()), "{choice:?}");
        }
    }
}

#[test]
fn every_word_of_a_key_is_offered() {
    let Some(tombi) = Tombi::find() else { return };
    let mut seen = 0;
    for (name, about, _) in keys("defaults") {
        let words = about["enum"].as_array().cloned().or_else(|| {
            let forms = about["oneOf"].as_array()?;
            forms.iter().map(|form| form.get("const").cloned()).collect()
        });
        let Some(words) = words else { continue };
        let choices = tombi.edit("[defaults]\n\n[list.x]\n").choices("[defaults]", &format!("{name} = "));
        for word in words {
            let label = word.to_string();
            assert!(choices.iter().any(|choice| choice.label == label), "{name} does not offer {label}: {choices:?}");
            seen += 1;
        }
    }
    assert!(seen > 5, "only {seen} words");
}
