//! `include`: manifests.toml and the files that it includes → [`ParsedFiles`].
//!
//! The globs together select one set of files, in path order, whatever the order of the globs. Each file is read once,
//! and no file includes itself. The lists of included files come after the lists of the including file. A glob with `!`
//! removes files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::evaluate::{Evaluator, Need};
use crate::config::facts::{INCLUDED_LIMIT, Question};
use crate::config::problem::{Problem, SourceFile, Sources, Span};
use crate::config::read::declared::{Include, ParsedFile};
use crate::config::read::parse_result::ParseResult;
use crate::config::read::raw::Text;
use crate::config::read::size::size;

/// The included files parsed so far, by file number and path.
pub(super) type ParsedIncludes = BTreeMap<(usize, PathBuf), ParseResult>;

/// manifests.toml and the files that it includes.
#[derive(Debug)]
pub(super) struct ParsedFiles {
    pub(super) root: Arc<ParsedFile>,
    /// In path order.
    pub(super) included: Vec<Arc<ParsedFile>>,
    /// A file is not known, or not completely. What is not found here may be defined there.
    pub(super) incomplete: bool,
}

impl ParsedFiles {
    /// All files, the root first.
    pub(super) fn all(&self) -> impl Iterator<Item = &ParsedFile> {
        [&self.root].into_iter().chain(&self.included).map(|file| &**file)
    }
}

/// Reads the files that `root` includes, adds them to `sources` and keeps them in `parsed`. Records questions for what
/// is not known yet.
pub(super) fn files(
    root: Arc<ParsedFile>,
    parsed: &mut ParsedIncludes,
    sources: &mut Sources,
    evaluator: &mut Evaluator<'_>,
) -> ParsedFiles {
    let mut files = ParsedFiles { root, included: Vec::new(), incomplete: false };
    let selected = selected_files(&files.root.include, sources, evaluator);
    files.incomplete = selected.is_none();
    if evaluator.included_bytes() > INCLUDED_LIMIT {
        let message = format!("the included files have too many bytes of text: more than {} MiB", INCLUDED_LIMIT >> 20);
        let problem = Problem::error("mlist::config::too_large", message);
        let places = files.root.include.iter().map(|include| &include.text.span);
        let problem = places.take(1).fold(problem, |problem, place| problem.at(place, ""));
        evaluator.problems.add(problem.help("include fewer files, and run mlist for the others separately"));
        files.incomplete = true;
        return files;
    }
    for (path, place) in selected.unwrap_or_default().into_values() {
        match text(&path, &place, evaluator) {
            Some(text) => {
                let source = SourceFile { name: path.display().to_string(), text: text.into() };
                evaluator.add_file(&source);
                let number = sources.add(source.clone());
                if !parsed.contains_key(&(number, path.clone())) {
                    let mut together = evaluator.memory;
                    together.extend(&size(&source.text));
                    if let Some(problem) = together.excess("this file and the files that it includes have") {
                        evaluator.problems.add(problem.at(&place, "included here"));
                        files.incomplete = true;
                        return files;
                    }
                }
                // The number is part of the key because spans contain it, and because it can change while earlier files
                // are not known.
                let parsed = parsed
                    .entry((number, path))
                    .or_insert_with(|| ParseResult::included(number, &source, &place, &files.root.login_names));
                evaluator.memory.extend(&parsed.memory);
                evaluator.problems.extend(parsed.problems.iter().cloned());
                match &parsed.file {
                    Some(file) => files.included.push(Arc::clone(file)),
                    None => files.incomplete = true,
                }
            }
            None => files.incomplete = true,
        }
    }
    files
}

/// The files that the globs select, by their [`plain`] paths. Each has its path as found, and the place of the first
/// glob that selects it. `None` if not all of them are known.
fn selected_files(
    globs: &[Include],
    sources: &Sources,
    evaluator: &mut Evaluator<'_>,
) -> Option<BTreeMap<PathBuf, (PathBuf, Span)>> {
    let found: Vec<_> = globs.iter().map(|include| paths(include, evaluator)).collect();
    let found = found.into_iter().collect::<Option<Vec<Vec<PathBuf>>>>()?;
    let own = sources.iter().next().map(|file| plain(Path::new(&file.name))).unwrap_or_default();
    let mut taken_away: BTreeSet<PathBuf> = BTreeSet::from([own.clone()]);
    let (away, given): (Vec<_>, Vec<_>) = globs.iter().zip(found).partition(|(include, _)| include.glob.takes_away());
    taken_away.extend(away.iter().flat_map(|(_, paths)| paths).map(|path| plain(path)));
    if let ([(include, _), ..], []) = (away.as_slice(), given.as_slice()) {
        let problem = Problem::error("mlist::config::include_empty", "`include` has only globs that exclude files")
            .at(&include.text.span, "")
            .help("add a glob without `!`: include = [\"**/manifests.toml\", \"!old/**\"]");
        evaluator.problems.add(problem);
        return None;
    }
    let mut files = BTreeMap::new();
    let mut complete = true;
    for (include, paths) in given {
        let mut left = 0;
        let itself = paths.iter().any(|path| plain(path) == own);
        let count = paths.len();
        for path in paths.into_iter().filter(|path| !taken_away.contains(&plain(path))) {
            left += 1;
            files.entry(plain(&path)).or_insert_with(|| (path, include.text.span.clone()));
        }
        if left == 0 {
            evaluator.problems.add(empty(&include.text, count, itself));
            complete = false;
        }
    }
    complete.then_some(files)
}

fn empty(glob: &Text, found: usize, itself: bool) -> Problem {
    let (message, help) = match (found, itself) {
        (0, _) => (
            format!("no file matches `{}`", glob.value),
            "paths are relative to this file; `*` matches any characters except `/`, and `**` any directories: \
             include = [\"**/manifests.toml\"]",
        ),
        (1, true) => {
            (format!("`{}` matches only this file", glob.value), "a file cannot include itself; remove the glob")
        }
        _ => (
            format!("all files that match `{}` are excluded", glob.value),
            "change or remove the glob with `!` that excludes them",
        ),
    };
    Problem::error("mlist::config::include_empty", message).at(&glob.span, "").help(help)
}

/// The paths that a glob finds, as found. `None` if they are not known.
fn paths(include: &Include, evaluator: &mut Evaluator<'_>) -> Option<Vec<PathBuf>> {
    let Include { text, glob } = include;
    let folder = evaluator.base_of(&text.span).to_owned();
    let start = folder.join(glob.start());
    if let Err(problem) = evaluator.may_follow(&start, &start.display().to_string(), Need::Must) {
        evaluator.problems.extend(problem.map(|problem| problem.at(&text.span, "")));
        return None;
    }
    let question = Question::Paths(folder, text.value.clone());
    match evaluator.fact(&question)? {
        Ok(lines) => Some(lines.iter().flat_map(|lines| lines.lines()).map(PathBuf::from).collect()),
        Err(why) => {
            let message = format!("cannot list the files that match `{}`", text.value);
            let problem = Problem::error("mlist::config::unreadable", message).at(&text.span, "").because(why);
            evaluator.problems.add(problem);
            None
        }
    }
}

/// The text of an included file, whose glob is at `place`. `None` if the file cannot be read, which is reported, or if
/// its text is not known yet.
fn text(path: &Path, place: &Span, evaluator: &mut Evaluator<'_>) -> Option<String> {
    let shown = path.display().to_string();
    if let Err(problem) = evaluator.may_follow(path, &shown, Need::Must) {
        evaluator.problems.extend(problem.map(|problem| problem.at(place, "included here")));
        return None;
    }
    let unreadable = |why: String| {
        let problem = Problem::error("mlist::config::unreadable", format!("cannot read `{shown}`"));
        problem.at(place, "included here").because(why)
    };
    match evaluator.fact(&Question::Include(path.to_owned()))? {
        Ok(Some(text)) => Some(text),
        Ok(None) => {
            evaluator.problems.add(unreadable("file not found".to_owned()));
            None
        }
        Err(why) => {
            evaluator.problems.add(unreadable(why));
            None
        }
    }
}

/// `path` without `.`, and without `..` after a folder name, so that each file has only one path.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}
