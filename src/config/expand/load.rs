//! [`Loader`]: the text of manifests.toml and the facts it needs → publications, or all problems of the file at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::evaluate::Evaluator;
use super::include::{self, ParsedFiles, ParsedIncludes};
use super::publications::publications;
use super::registries::registries;
use super::scope::FileScope;
use super::{overrides, unused, unused_templates};
use crate::config::facts::Facts;
use crate::config::memory::MemoryEstimate;
use crate::config::problem::{Problem, Severity, Sources};
use crate::config::read::parse_result::ParseResult;
use crate::config::request::{LoadOutcome, LoadRequest, Loaded};

/// Loads manifests.toml while facts are added. It parses each file only once.
#[derive(Debug)]
pub struct Loader<'a> {
    request: LoadRequest<'a>,
    root: ParseResult,
    included: ParsedIncludes,
}

impl<'a> Loader<'a> {
    /// Parses manifests.toml.
    #[must_use]
    pub fn new(request: LoadRequest<'a>) -> Self {
        let nothing = || ParseResult { file: None, problems: Vec::new(), memory: MemoryEstimate::default() };
        let root = request.sources.get(request.file).map_or_else(nothing, |file| ParseResult::root(request.file, file));
        Self { request, root, included: BTreeMap::new() }
    }

    /// Returns the publications, or the questions that must be answered first. The result depends only on the files and
    /// the facts. Only questions that matter for the selected lists are asked.
    #[must_use]
    pub fn load(&mut self, facts: &Facts) -> LoadOutcome {
        let (request, mut sources) = (self.request, self.request.sources.clone());
        let Some(root) = &self.root.file else {
            return LoadOutcome::Done(Loaded { problems: self.root.problems.clone(), sources, ..Loaded::default() });
        };
        let mut evaluator = Evaluator::new(facts, &request);
        evaluator.memory = self.root.memory;
        let files = include::files(Arc::clone(root), &mut self.included, &mut sources, &mut evaluator);
        evaluator.memory = evaluator.memory.after_parsing();
        if evaluator.questions.is_empty() {
            loaded(&files, sources, request, evaluator, &mut self.root.problems)
        } else {
            LoadOutcome::Needs(evaluator.questions)
        }
    }
}

/// Expands the files to publications. `parsed` are the problems of manifests.toml that were found without any facts.
fn loaded(
    files: &ParsedFiles,
    sources: Sources,
    request: LoadRequest<'_>,
    mut evaluator: Evaluator<'_>,
    parsed: &mut Vec<Problem>,
) -> LoadOutcome {
    let base =
        sources.get(request.file).and_then(|file| Path::new(&*file.name).parent()).unwrap_or(Path::new("")).to_owned();
    let root = FileScope::new(&files.root, None, request.overrides);
    let included = files.included.iter().map(|file| FileScope::new(file, Some(&root), request.overrides));
    let included: Vec<FileScope<'_>> = included.collect();
    let scopes: Vec<&FileScope<'_>> = [&root].into_iter().chain(&included).collect();
    if !files.incomplete {
        overrides::unknown(&scopes, request.overrides, &mut evaluator.problems);
    }
    let expanded = publications(files, &scopes, request, &mut evaluator);
    let registries = registries(&files.root, &base, request.trust, &mut evaluator);

    if !evaluator.questions.is_empty() {
        return LoadOutcome::Needs(evaluator.questions);
    }
    unused_templates::unknown_names(files, &mut evaluator.problems);
    let Evaluator { mut problems, unlisted, hosts, .. } = evaluator;
    let is_error = |problem: &Problem| problem.severity == Severity::Error;
    if !problems.has_errors() && !parsed.iter().any(is_error) && !files.incomplete {
        problems.extend(unused::warnings(files, request.overrides));
    }
    // With tags that are not listed yet, the file is loaded again. Otherwise there is only one copy of the problems.
    problems.extend(if unlisted.is_empty() { std::mem::take(parsed) } else { parsed.clone() });
    let problems = problems.finish();
    let loaded = Loaded { registries, hosts, problems, sources, ..expanded };
    if unlisted.is_empty() { LoadOutcome::Done(loaded) } else { LoadOutcome::NeedsTags(unlisted, loaded) }
}

#[cfg(test)]
mod tests;
