//! The codes of problems are stable: each code that the source uses is listed, each listed code is used, and there is a
//! snapshot of the text for each code of a problem that a registry causes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mlist::{config, ui};

/// Returns all Rust files below `folder`.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// Returns the codes in quotes in `text`. A text that ends with `::` is only a prefix of codes and is skipped.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    let codes = text.split("\"mlist::").skip(1).filter_map(|rest| Some(format!("mlist::{}", rest.split_once('"')?.0)));
    codes.filter(|code| !code.ends_with("::"))
}

fn listed() -> BTreeSet<String> {
    let all = config::codes::CODES.iter().chain(ui::codes::CODES);
    all.map(|(code, _)| (*code).to_owned()).collect()
}

#[test]
fn every_code_that_is_said_is_listed_and_every_listed_one_is_said() {
    let is_test = |path: &Path| path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
    let said: BTreeSet<String> = files("src")
        .iter()
        .filter(|path| !is_test(path) && !path.ends_with("codes.rs") && !path.ends_with("samples.rs"))
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).expect("a file of text");
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            quoted(code).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(said, listed());
}

#[test]
fn codes_are_in_order_and_say_what_they_mean() {
    assert!(ui::codes::CODES.is_sorted_by(|(one, _), (next, _)| one < next));
    for (code, meaning) in ui::codes::CODES {
        assert!(meaning.len() > 10 && !meaning.ends_with('.'), "{code}: {meaning}");
    }
}

#[test]
fn the_words_of_every_code_of_a_registry_are_frozen() {
    let frozen: String = ["tests.rs", "tests/access.rs", "tests/layouts.rs", "tests/tls.rs"]
        .iter()
        .map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("src/exec/registry_problem").join(name))
        .map(|path| std::fs::read_to_string(path).expect("a file of text"))
        .collect();
    for code in listed().iter().filter(|code| code.starts_with("mlist::registry::")) {
        assert!(frozen.lines().any(|line| line.trim() == code), "{code} has no snapshot");
    }
}
