//! [`ParseResult`]: a file that is parsed once, however often the project is loaded.

use std::sync::Arc;

use super::declared::ParsedFile;
use super::document::{document, no_list};
use super::login_names;
use super::raw::{self, Table, Text};
use crate::config::problem::{Problem, SourceFile, Span};

/// A file, and the problems found in it without any facts.
#[derive(Debug)]
pub(in crate::config) struct ParseResult {
    /// None if it is not valid TOML.
    pub(in crate::config) file: Option<Arc<ParsedFile>>,
    pub(in crate::config) problems: Vec<Problem>,
}

impl ParseResult {
    /// manifests.toml, the file of that number.
    pub(in crate::config) fn root(number: usize, source: &SourceFile) -> Self {
        let (tree, mut problems) = raw::parse(number, &source.text);
        let file = tree.map(|tree| {
            let file = document(&tree, &mut problems);
            if file.has_no_list && file.include.is_empty() {
                problems.push(no_list("it"));
            }
            Arc::new(file)
        });
        Self { file, problems }
    }

    /// A file that is included at `place`. `login_names` are those of the file that includes it.
    pub(in crate::config) fn included(number: usize, source: &SourceFile, place: &Span, login_names: &[Text]) -> Self {
        let (tree, mut problems) = raw::parse(number, &source.text);
        let file = tree.map(|mut tree| {
            for (key, _) in alone(&mut tree) {
                problems
                    .push(of_the_root(&key.name, &source.name).at(&key.span, "").at(place, "this includes the file"));
            }
            let mut file = document(&tree, &mut problems);
            login_names::keep_secret(login_names, &mut file, &mut problems);
            if file.has_no_list {
                problems.push(no_list(&format!("`{}`", source.name)).at(place, "included here"));
            }
            Arc::new(file)
        });
        Self { file, problems }
    }
}

/// Takes what belongs to the file that includes from a file that is included.
fn alone(tree: &mut Table) -> Table {
    let (roots, own) =
        std::mem::take(tree).into_iter().partition(|(key, _)| matches!(key.name.as_str(), "include" | "registry"));
    *tree = own;
    roots
}

fn of_the_root(key: &str, file: &str) -> Problem {
    if key == "include" {
        return Problem::error("mlist::config::nested_include", format!("`{file}` is included and includes others"))
            .help("name them where this file is named: `**` goes through folders");
    }
    Problem::error("mlist::config::misplaced_key", format!("`{file}` is included and says how a registry is reached"))
        .help("[registry] holds for the whole run: write it in the file that includes this one")
}
