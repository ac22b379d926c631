//! [`Problems`]: the problems found so far. Each cause is reported once, in the order of the file.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::config::problem::{Problem, Severity, Span};

/// The maximum number of further lists that a problem names.
const NAMED: usize = 3;

/// Which problems of a list are reported.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reported {
    /// All of them: the list is selected.
    #[default]
    All,
    /// Those of names: the list is not selected, or it is not known yet whether it is. The others are held back.
    Names,
}

/// The codes about names. They are reported for every list of the file, selected or not.
const OF_NAMES: [&str; 2] = ["mlist::config::cycle", "mlist::config::unknown_variable"];

#[derive(Debug, Default)]
pub(super) struct Problems {
    /// Which problems are reported now.
    pub(super) reported: Reported,
    /// The problems that are held back, each with its list.
    held: Vec<(Problem, Option<String>)>,
    found: Vec<FoundProblem>,
    /// The index in `found` for each cause.
    causes: HashMap<(&'static str, Vec<Span>), usize>,
}

#[derive(Debug)]
struct FoundProblem {
    problem: Problem,
    /// The list in which the problem was found.
    list: Option<String>,
    /// The other lists in which it was found.
    also: Vec<String>,
}

impl Problems {
    /// Adds a problem of the file itself.
    pub(super) fn add(&mut self, problem: Problem) {
        self.insert(problem, None);
    }

    /// Adds problems of the file itself.
    pub(super) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        problems.into_iter().for_each(|problem| self.add(problem));
    }

    /// Adds a problem of `list`. If another list has it at the same place, it becomes one problem of both.
    pub(super) fn add_for(&mut self, list: &str, problem: Problem) {
        self.insert(problem, Some(list));
    }

    /// Returns the number of problems, with those that are held back.
    pub(super) fn len(&self) -> usize {
        self.found.len() + self.held.len()
    }

    /// Whether one of the problems is an error, also of those that are held back.
    pub(super) fn has_errors(&self) -> bool {
        let all = self.found.iter().map(|found| &found.problem).chain(self.held.iter().map(|(problem, _)| problem));
        all.into_iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Reports the problems that were held back. One of them can be the reason why a selector matches no list.
    pub(super) fn release(&mut self) {
        self.reported = Reported::All;
        for (problem, list) in std::mem::take(&mut self.held) {
            self.insert(problem, list.as_deref());
        }
    }

    fn insert(&mut self, problem: Problem, list: Option<&str>) {
        if self.reported == Reported::Names && !OF_NAMES.contains(&problem.code) {
            self.held.push((problem, list.map(str::to_owned)));
            return;
        }
        let places: Vec<Span> = problem.labels.iter().map(|label| label.span.clone()).collect();
        let new = FoundProblem { problem, list: list.map(str::to_owned), also: Vec::new() };
        if places.is_empty() {
            if !self.found.iter().any(|found| found.problem == new.problem) {
                self.found.push(new);
            }
            return;
        }
        match self.causes.entry((new.problem.code, places)) {
            Entry::Vacant(free) => {
                free.insert(self.found.len());
                self.found.push(new);
            }
            Entry::Occupied(taken) => {
                let first = &mut self.found[*taken.get()];
                if let Some(list) = new.list.filter(|list| first.list.as_ref() != Some(list))
                    && first.also.last() != Some(&list)
                {
                    first.also.push(list);
                }
            }
        }
    }

    /// All problems, ordered by place. Those without a place come last, in the order in which they were found. Only the
    /// problem that the lists are too large comes first: it is the reason why others may be missing, and of many problems
    /// only the first are shown.
    pub(super) fn finish(self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.found.into_iter().map(FoundProblem::with_lists).collect();
        problems.sort_by_key(|problem| {
            let place = problem.labels.first().map(|label| (label.span.file, label.span.range.start));
            let ends_expansion = place.is_none() && problem.code == "mlist::config::too_large";
            (!ends_expansion, place.is_none(), place)
        });
        problems
    }
}

impl FoundProblem {
    /// The problem, with the other lists that have it.
    fn with_lists(self) -> Problem {
        let mut names = self.also;
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        match (names.as_slice(), more) {
            ([], _) => self.problem,
            ([name], 0) => self.problem.because(format!("same problem in list {name}")),
            (names, 0) => self.problem.because(format!("same problem in lists {}", names.join(", "))),
            (names, more) => {
                self.problem.because(format!("same problem in lists {} and {more} more", names.join(", ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: usize) -> Problem {
        Problem::error("mlist::test::x", "x").at(&Span { file: 0, range: start..start + 1 }, "")
    }

    #[test]
    fn one_cause_is_told_once_and_names_few_lists() {
        let mut problems = Problems::default();
        for list in ["a", "b", "b", "c", "d", "e", "f"] {
            problems.add_for(list, at(5));
        }
        let told = problems.finish();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].causes, ["same problem in lists b, c, d and 2 more"]);
    }

    #[test]
    fn the_order_is_that_of_the_file_and_what_has_no_place_comes_last() {
        let mut problems = Problems::default();
        problems.add(Problem::error("mlist::test::y", "y"));
        problems.extend([at(9), at(3)]);
        let starts: Vec<_> =
            problems.finish().iter().map(|p| p.labels.first().map(|label| label.span.range.start)).collect();
        assert_eq!(starts, [Some(3), Some(9), None]);
    }

    #[test]
    fn a_problem_of_a_list_that_is_not_selected_is_held_back_unless_it_is_of_a_name() {
        let name = Problem::error("mlist::config::unknown_variable", "y").at(&Span { file: 0, range: 1..2 }, "");
        let mut problems = Problems { reported: Reported::Names, ..Problems::default() };
        problems.add_for("a", at(5));
        problems.add_for("a", name);
        problems.reported = Reported::All;
        assert_eq!((problems.found.len(), problems.len()), (1, 2));
        problems.release();
        assert_eq!(problems.finish().iter().map(Problem::slug).collect::<Vec<_>>(), ["unknown_variable", "x"]);
    }

    #[test]
    fn that_the_lists_are_too_large_comes_first() {
        let mut problems = Problems::default();
        problems.extend([at(3), Problem::error("mlist::config::too_large", "too many tags")]);
        assert_eq!(problems.finish()[0].code, "mlist::config::too_large");
    }
}
