//! [`ParseResult`]: a file that is parsed only once, even if it is loaded several times.

use std::sync::Arc;

use super::declared::ParsedFile;
use super::document::{document, no_list};
use super::login_names;
use super::raw::Text;
use super::read_problems::ReadProblems;
use super::size::size;
use super::syntax;
use crate::config::keys::{KeySet, TableKind, TopKey};
use crate::config::memory::{MemoryEstimate, MemoryUse};
use crate::config::problem::{Problem, SourceFile, Span};

/// A parsed file, and the problems that were found without any facts.
#[derive(Debug)]
pub(in crate::config) struct ParseResult {
    /// `None` if the file is not valid TOML, or too large to be parsed.
    pub(in crate::config) file: Option<Arc<ParsedFile>>,
    pub(in crate::config) problems: Vec<Problem>,
    /// The memory that the file was estimated to need.
    pub(in crate::config) memory: MemoryEstimate,
}

impl ParseResult {
    /// Parses manifests.toml. `number` is its index in the sources.
    pub(in crate::config) fn root(number: usize, source: &SourceFile) -> Self {
        let mut memory = size(&source.text);
        if let Some(problem) = memory.excess(&format!("`{}` has", source.name)) {
            return Self { file: None, problems: vec![problem], memory };
        }
        let (tree, mut problems) = syntax::parse(number, &source.text);
        let file = tree.map(|tree| {
            let mut found = ReadProblems::new(std::mem::take(&mut problems), &tree);
            let file = document(&tree, &mut found);
            problems = found.into_list();
            if file.has_no_list && file.include.is_empty() {
                problems.push(no_list(&source.name));
            }
            Arc::new(file)
        });
        drop_texts(&mut problems);
        memory.add(MemoryUse::Problems, problems.len(), problems.len() * PROBLEM);
        Self { file, problems, memory }
    }

    /// Parses a file that is included at `place`. `login_names` are those of the file that includes it. The caller has
    /// checked that it is not too large.
    pub(in crate::config) fn included(number: usize, source: &SourceFile, place: &Span, login_names: &[Text]) -> Self {
        let mut memory = size(&source.text);
        let (tree, mut problems) = syntax::parse(number, &source.text);
        let file = tree.map(|mut tree| {
            tree.retain(|(key, _)| {
                let problem = TopKey::find(&key.name, TableKind::Top).and_then(|key| of_the_root(key, &source.name));
                let is_own = problem.is_none();
                problems.extend(problem.map(|problem| problem.at(&key.span, "").at(place, "included here")));
                is_own
            });
            let mut found = ReadProblems::new(std::mem::take(&mut problems), &tree);
            let mut file = document(&tree, &mut found);
            login_names::keep_secret(login_names, &mut file, &mut found);
            problems = found.into_list();
            if file.has_no_list {
                problems.push(no_list(&source.name).at(place, "included here"));
            }
            Arc::new(file)
        });
        drop_texts(&mut problems);
        memory.add(MemoryUse::Problems, problems.len(), problems.len() * PROBLEM);
        Self { file, problems, memory }
    }
}

/// The number of problems of a file that keep their texts. It is greater than the number that is shown.
const WITH_TEXTS: usize = 1000;

/// The bytes that a problem without texts needs while the lists are expanded, twice: see
/// [`MemoryEstimate::after_parsing`].
const PROBLEM: usize = 1000;

/// Removes the texts of all problems that are not among the first [`WITH_TEXTS`] of the file. They are only counted,
/// and a file can have 240,000 of them.
fn drop_texts(problems: &mut [Problem]) {
    if problems.len() <= WITH_TEXTS {
        return;
    }
    let place = |problem: &Problem| problem.labels.first().map_or(usize::MAX, |label| label.span.range.start);
    problems.sort_by_key(place);
    for problem in problems.iter_mut().skip(WITH_TEXTS).filter(|problem| !problem.labels.is_empty()) {
        (problem.message, problem.help, problem.causes) = Default::default();
        problem.labels.iter_mut().for_each(|label| label.text = String::new());
    }
}

/// Returns the problem with a key in an included file. `None` if included files can have the key.
fn of_the_root(key: TopKey, file: &str) -> Option<Problem> {
    match key {
        TopKey::Include => Some(
            Problem::error(
                "mlist::config::nested_include",
                format!("`include` is not allowed in the included file `{file}`"),
            )
            .help("move these globs to the `include` of the including file; paths there are relative to that file"),
        ),
        TopKey::Registry => {
            let message = format!("`registry` is not allowed in the included file `{file}`");
            Some(
                Problem::error("mlist::config::misplaced_key", message)
                    .help("[registry] applies to the whole run: move it to the including file"),
            )
        }
        TopKey::Vars | TopKey::Defaults | TopKey::Convention | TopKey::List => None,
    }
}
