//! Why an inspected reference is not found. The tags of its repository are listed, because a name is misspelled more
//! often than an image is missing.

use std::collections::BTreeSet;

use crate::config::problem::{HttpFacts, Problem};
use crate::naming::nearest;
use crate::oci::{LayoutContents, Place, Reference, Repository, Tag};
use crate::plan::decide::{LOST_TAG, layout_reason};
use crate::plan::{Answer, Decision, Query, Snapshot, contradictory};

use super::{Inspection, InspectionEnding, locator};

const CODE: &str = "mlist::plan::reference_absent";

/// Returns that `reference` does not exist, and what can be said about it.
pub(super) fn inspection(reference: &Reference, snapshot: &Snapshot) -> Decision<Inspection> {
    let place = &reference.place;
    let needs = |query| Decision::Needs(BTreeSet::from([query]));
    let problem = match place {
        Place::Repository(repository) => match snapshot.tags(place) {
            None => return needs(Query::Tags(place.clone())),
            Some(Answer::Found(tags)) if reference.tag().is_some_and(|tag| tags.contains(tag)) => {
                return lost(reference);
            }
            Some(Answer::Found(tags)) => with_tags(reference, repository, tags),
            Some(Answer::Absent) => repository_absent(repository),
            Some(Answer::Unknown(_)) => in_repository(reference, repository),
        },
        Place::Layout(_) => match snapshot.layout(place) {
            None => return needs(Query::Layout(place.clone())),
            Some(Answer::Found(contents)) => in_layout(reference, contents),
            Some(Answer::Absent | Answer::Unknown(_)) => not_found(reference).help(CHECK_LAYOUT),
        },
    };
    let problems = vec![problem.about(reference)];
    Decision::Done(Inspection { root: None, problems, ending: InspectionEnding::Blocked })
}

/// Returns that a tag is listed and was not found.
fn lost(reference: &Reference) -> Decision<Inspection> {
    let queries = [Query::Head(reference.clone()), Query::Tags(reference.place.clone())];
    let problem = contradictory(reference, LOST_TAG.to_owned());
    let inspection = Inspection { root: None, problems: vec![problem], ending: InspectionEnding::Failed };
    Decision::Doubts(queries.into(), inspection)
}

const CHECK_LAYOUT: &str = "check the directory and the tag";

fn not_found(reference: &Reference) -> Problem {
    Problem::error(CODE, format!("{} not found in {}", locator(reference), reference.place))
}

fn in_layout(reference: &Reference, contents: &LayoutContents) -> Problem {
    let problem = not_found(reference);
    match layout_reason(reference, contents) {
        Some(reason) => problem.because(reason.why).help(reason.help.unwrap_or_else(|| CHECK_LAYOUT.to_owned())),
        None => problem.help(CHECK_LAYOUT),
    }
}

fn in_repository(reference: &Reference, repository: &Repository) -> Problem {
    let help =
        format!("check the name and the tag; if the repository is private, run docker login {}", repository.host());
    with_status(not_found(reference).help(help), repository)
}

fn with_tags(reference: &Reference, repository: &Repository, tags: &BTreeSet<Tag>) -> Problem {
    let near = reference.tag().and_then(|tag| nearest(tag.as_str(), tags.iter().map(Tag::as_str)));
    let help = match near {
        Some(near) => format!("did you mean {}:{near}?", reference.place),
        None if reference.tag().is_some() => "check the tag".to_owned(),
        None => "check the digest".to_owned(),
    };
    with_status(not_found(reference).help(help), repository)
}

fn repository_absent(repository: &Repository) -> Problem {
    let host = repository.host();
    let message = format!("repository {repository} not found");
    let help = format!("check the name; if the repository is private, run docker login {host}");
    with_status(Problem::error(CODE, message).help(help), repository)
}

fn with_status(problem: Problem, repository: &Repository) -> Problem {
    Problem { http: Some(HttpFacts::not_found(repository.host().as_str())), ..problem }
}
