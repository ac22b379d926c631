//! The file maps in the docs are complete and correct: every file that they name exists, and every file is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the docs at the top of a file.
fn docs(path: &Path) -> String {
    read(path).lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n")
}

/// Returns the texts between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Returns the files of a folder of `src` and its subfolders, without files that only have tests.
fn modules(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.file_stem().and_then(|stem| stem.to_str()) {
            Some("tests") => {}
            _ if path.is_dir() => found.extend(modules(&path)),
            Some("mod") => {}
            // Skip other files, such as those that editors and snapshot tools leave behind.
            _ if path.extension().is_some_and(|extension| extension == "rs") && !is_hidden(&path) => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with('.'))
}

/// Returns the file that declares the module of this file.
fn parent(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap();
    let within = folder.join("mod.rs");
    if within.is_file() { within } else { folder.with_extension("rs") }
}

#[test]
fn every_file_is_named_in_the_docs_of_its_parent() {
    let mut unnamed = Vec::new();
    for folder in fs::read_dir(project().join("src")).unwrap().map(|entry| entry.unwrap().path()) {
        for path in if folder.is_dir() { modules(&folder) } else { Vec::new() } {
            let (name, parent) = (path.file_stem().unwrap().to_str().unwrap(), parent(&path));
            let for_tests = read(&parent).contains(&format!("#[cfg(test)]\nmod {name};"));
            if !for_tests && !code(&docs(&parent)).any(|code| code == name) {
                unnamed.push(format!("{} in {}", path.display(), parent.display()));
            }
        }
    }
    assert!(unnamed.is_empty(), "not named: {unnamed:#?}");
}

#[test]
fn every_folder_is_a_layer_of_the_map() {
    let docs = docs(&project().join("src/lib.rs"));
    let rows: BTreeSet<&str> =
        docs.lines().filter_map(|line| line.strip_prefix("//! | [`")?.split_once("`]")).map(|(name, _)| name).collect();
    let folders = fs::read_dir(project().join("src")).unwrap().map(|entry| entry.unwrap());
    let folders: BTreeSet<String> =
        folders.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(rows, folders.iter().map(String::as_str).collect());
}

#[test]
fn every_path_that_the_maps_name_is_there() {
    let map = docs(&project().join("src/lib.rs"));
    let contributing = read(&project().join("CONTRIBUTING.md"));
    let mut seen = 0;
    for path in code(&map).chain(code(&contributing)) {
        let is_path =
            ["src/", "tests/", "examples/", "schema/", "benches/", ".ci/"].iter().any(|top| path.starts_with(top));
        // Skip commands with arguments, and paths with placeholders.
        if is_path && !path.contains([' ', '{']) && !path.chars().any(|c| c.is_ascii_uppercase()) {
            assert!(project().join(path).exists(), "{path} is not there");
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} paths are named");
}
