//! [`fold`]: groups problems that have the same cause, so that an unreachable registry is reported once, not once per
//! list.

use std::collections::{HashMap, HashSet};

use crate::config::problem::{Problem, Span};

/// Problems that have the same cause. They have the same code, and one of these holds:
/// - All are about the same host as a whole, wherever the file names it.
/// - All point at the same place in a file. If a registry returned different reasons for requests made from that place,
///   each reason is its own group. A reason that only extends another is the same reason.
/// - All have exactly the same message.
/// - All are damage of published lists that the same command repairs.
#[derive(Debug)]
pub(super) struct ProblemGroup<'a> {
    /// The first problem of the group. Only this one is shown.
    pub(super) problem: &'a Problem,
    /// The lists that have a problem of this group, as indexes into the plan, without duplicates. Empty if no list has
    /// it.
    pub(super) lists: Vec<usize>,
    /// The references of the other problems, if their messages differ, without duplicates. Empty if a registry is the
    /// cause: the lists are sufficient then.
    pub(super) also: Vec<&'a str>,
    /// The registry that is the cause, if one is.
    pub(super) host: Option<&'a str>,
    /// Whether all problems of the group have the same message.
    pub(super) is_one_message: bool,
}

#[derive(PartialEq, Eq, Hash, Clone, Copy)]
enum GroupKey<'a> {
    Place(&'a Span),
    Host(&'a str),
    Answer(&'a str, Option<&'a str>),
    Words(&'a str),
}

/// Groups problems, given list by list as pairs of a list and its problem. The groups are in the order of their first
/// problems.
pub(super) fn fold<'a>(problems: impl IntoIterator<Item = (Option<usize>, &'a Problem)>) -> Vec<ProblemGroup<'a>> {
    let mut groups: Vec<ProblemGroup<'a>> = Vec::new();
    let mut known = HashMap::<_, Vec<usize>>::new();
    let mut named = HashSet::new();
    for (list, problem) in problems {
        let alike = known.entry(key(problem)).or_default();
        let at = alike.iter().copied().find(|at| is_one_reason(groups[*at].problem, problem)).unwrap_or_else(|| {
            groups.push(ProblemGroup {
                problem,
                lists: Vec::new(),
                also: Vec::new(),
                host: host(problem),
                is_one_message: true,
            });
            alike.push(groups.len() - 1);
            groups.len() - 1
        });
        let group = &mut groups[at];
        group.is_one_message &= problem.message == group.problem.message;
        // All problems of a list are adjacent, so comparing with the last list is enough.
        if let Some(list) = list.filter(|list| group.lists.last() != Some(list)) {
            group.lists.push(list);
        }
        if let Some(reference) = problem.reference.as_deref()
            && group.host.is_none()
            && problem.message != group.problem.message
            && group.problem.reference.as_deref() != Some(reference)
            && named.insert((at, reference))
        {
            group.also.push(reference);
        }
    }
    groups
}

/// Returns the group of each list that shares a group with other lists, by the index of the list.
pub(super) fn shared<'g, 'a>(groups: &'g [ProblemGroup<'a>]) -> HashMap<usize, &'g ProblemGroup<'a>> {
    let several = groups.iter().filter(|group| group.lists.len() > 1);
    several.flat_map(|group| group.lists.iter().map(move |at| (*at, group))).collect()
}

fn key(problem: &Problem) -> (&'static str, GroupKey<'_>) {
    let cause = match (host(problem), problem.labels.first()) {
        (Some(host), _) if is_of_host(problem) => GroupKey::Host(host),
        (Some(host), None) => GroupKey::Host(host),
        (Some(host), Some(_)) => GroupKey::Answer(host, problem.causes.first().map(String::as_str)),
        // Lists that are damaged in the same way have the same help, but each has its own message.
        (None, None) if problem.slug() == "list_damaged" => {
            GroupKey::Words(problem.help.as_deref().unwrap_or_default())
        }
        (None, Some(label)) => GroupKey::Place(&label.span),
        (None, None) => GroupKey::Words(&problem.message),
    };
    (problem.code, cause)
}

/// Whether two problems with the same key have the same reason, or one only extends the reasons of the other. Example:
/// after credentials were refused, a request without credentials may have been tried and have failed as well.
fn is_one_reason(one: &Problem, other: &Problem) -> bool {
    let gives_reasons = host(one).is_some() && !one.labels.is_empty() && !is_of_host(one);
    !gives_reasons || one.causes.starts_with(&other.causes) || other.causes.starts_with(&one.causes)
}

/// Whether the problem is about a host as a whole, and not about one of its images or lists.
fn is_of_host(problem: &Problem) -> bool {
    problem.reference.is_none() && problem.is_of_registry()
}

/// The registry, if the registry is the cause and not the declaration.
fn host(problem: &Problem) -> Option<&str> {
    problem.host().filter(|_| problem.labels.is_empty() || problem.is_of_registry())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problem::HttpFacts;

    fn unreachable(host: &str) -> Problem {
        let http = HttpFacts { host: host.into(), attempts: 8, ..HttpFacts::default() };
        let problem = Problem::error("mlist::registry::unreachable", format!("cannot connect to {host}"));
        Problem { http: Some(http), ..problem }
    }

    #[test]
    fn a_dead_registry_is_one_problem_and_two_are_two() {
        let (quay, gcr) = (unreachable("quay.io"), unreachable("gcr.io"));
        let quay = quay.at(&Span { file: 0, range: 3..9 }, "needed here");
        let problems = (0..200).map(|list| (Some(list), if list == 7 { &gcr } else { &quay }));
        let groups = fold(problems);
        assert_eq!(groups.iter().map(|group| group.lists.len()).collect::<Vec<_>>(), [199, 1]);
    }

    #[test]
    fn what_a_registry_says_of_many_places_is_one_problem_for_each_reason() {
        let denied = |at: usize, why: &str| {
            let span = Span { file: 0, range: at..at + 1 };
            let problem = Problem { code: "mlist::registry::denied", ..unreachable("gcr.io") };
            Problem { message: format!("denied: {at}"), ..problem }.because(why).at(&span, "").about(&at)
        };
        let problems = [denied(0, "no right"), denied(1, "no right"), denied(2, "no such project")];
        let groups = fold(problems.iter().enumerate().map(|(list, problem)| (Some(list), problem)));
        assert_eq!(groups.iter().map(|group| group.lists.as_slice()).collect::<Vec<_>>(), [[0, 1].as_slice(), &[2]]);
        assert!(groups.iter().all(|group| group.also.is_empty() && group.host == Some("gcr.io")));
    }

    #[test]
    fn a_reason_that_another_adds_to_is_the_same() {
        let refused = |at: usize, why: &[&str]| {
            let problem = Problem { code: "mlist::registry::unauthorized", ..unreachable("gcr.io") };
            let problem = problem.at(&Span { file: 0, range: at..at + 1 }, "").about(&at);
            why.iter().fold(problem, |problem, why| problem.because(*why))
        };
        let (nor, short) = (refused(0, &["401", "of ci-bot", "nor without"]), refused(1, &["401", "of ci-bot"]));
        let other = refused(2, &["401", "of someone else"]);
        for problems in [[&nor, &short, &other], [&short, &nor, &other]] {
            let groups = fold(problems.iter().enumerate().map(|(list, problem)| (Some(list), *problem)));
            assert_eq!(
                groups.iter().map(|group| group.lists.as_slice()).collect::<Vec<_>>(),
                [[0, 1].as_slice(), &[2]]
            );
        }
    }

    #[test]
    fn one_place_in_the_file_is_one_problem_that_names_all_it_is_about() {
        let span = Span { file: 0, range: 3..9 };
        let absent = |name: &str| {
            Problem::error("mlist::plan::member_absent", format!("{name} not found (404)")).at(&span, "").about(&name)
        };
        let problems = [absent("gcr.io/a:1"), absent("gcr.io/b:1"), absent("gcr.io/a:1")];
        let groups = fold(problems.iter().enumerate().map(|(list, problem)| (Some(list), problem)));
        assert_eq!(groups.len(), 1);
        assert_eq!(
            (groups[0].lists.as_slice(), groups[0].also.as_slice()),
            ([0, 1, 2].as_slice(), ["gcr.io/b:1"].as_slice())
        );
    }

    #[test]
    fn another_place_another_code_and_other_words_stay_apart() {
        let at = |start: usize| Problem::error("a", "x").at(&Span { file: 0, range: start..start + 1 }, "");
        let problems = [at(0), at(1), Problem::error("a", "x"), Problem::error("a", "y"), Problem::error("b", "x")];
        assert_eq!(fold(problems.iter().map(|problem| (None, problem))).len(), 5);
    }
}
