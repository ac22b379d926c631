//! [`decide`]: one pure function returns what must change, or what it still needs to know.
//!
//! The files are in the order in which they are used. No file imports a later one, and a test enforces this.
//!
//! | file | holds |
//! |---|---|
//! | `input` | the input of the decision, and how one of its functions ends |
//! | `batch` | queries that can be answered together |
//! | `contradiction` | answers about the target that contradict each other |
//! | `platforms`, `problems` | open parts of platforms; problems that several files report |
//! | `absences` | why a source is not found, for one member or for all |
//! | `os_version` | Windows versions taken from another image, or given as a pattern |
//! | `other_writers` | the members that other writers of the list have placed |
//! | `current_state` | what members and tags name now |
//! | `attestations` | attestations of an image, named by its index or found by the registry |
//! | `image`, `images` | the image of each member that exists: what its source names, or one image of an index |
//! | `guard` | whether a floating tag may be moved |
//! | `published` | the lists that the tags name, and which entry belongs to which member |
//! | `child` | whether the target has a child, as completely as required |
//! | `missing_children` | the children that are missing in the target |
//! | `check` | compares config and name with the declaration |
//! | `members` | descriptor and platform of each member, read from its source if they are not known otherwise |
//! | `retained` | which published entries are kept although no source names them |
//! | `entries` | the entries of the new list, in their order |
//! | `retained_children` | whether the target still has the manifests that only the target has |
//! | `proof` | takes size and media type of what is written from bytes |
//! | `list` | the bytes of the new list, predicted or built, and which published lists are equal |
//! | `refusals` | what blocks a list that could be built |
//! | `changes`, `member_tags` | how each member changes, and how the tags of members change |
//! | `verdict` | the plan, from all of this |
//! | `blocked_plan` | the plan of a list that is blocked or failed |
//! | `compare` | which children of a published list are damaged, and its state |
//! | `damage` | the problem that children are damaged, and how to repair it |
//!
//! A batch requests all missing answers at once, and judges only when all of them have arrived. So the plan depends
//! neither on the order of answers nor on what was already known.

use std::sync::Arc;

use crate::config::model::Publication;
use crate::config::problem::Problem;

use super::{Action, CheckDepth, Decision, ListPlan, Snapshot, Verification};

use input::{Early, Flow, Input, Purpose};
use published::Published;

pub(crate) use absences::layout_reason;
pub(crate) use contradiction::{LOST_TAG, problem as contradictory};
pub(crate) use damage::repair_together;
pub(crate) use problems::damaged;

mod absences;
mod attestations;
mod batch;
mod blocked_plan;
mod changes;
mod check;
mod child;
mod compare;
mod contradiction;
mod current_state;
mod damage;
mod entries;
mod guard;
mod image;
mod images;
mod input;
mod list;
mod member_tags;
mod members;
mod missing_children;
mod os_version;
mod other_writers;
mod platforms;
mod problems;
mod proof;
mod published;
mod refusals;
mod retained;
mod retained_children;
mod verdict;

/// Decides what to do for one publication, from the facts in `snapshot`. If nothing must be published, what is
/// published is checked as `depth` says, and what is missing is published again.
#[must_use]
pub fn decide(publication: &Arc<Publication>, depth: CheckDepth, snapshot: &Snapshot) -> Decision<Arc<ListPlan>> {
    planned(Input { publication, snapshot, others: &[], depth, purpose: Purpose::Publish }).0
}

/// Compares what is published with one publication, from the facts in `snapshot`. With [`CheckDepth::List`], children
/// are not checked. A source that does not exist is no difference if its image is published.
#[must_use]
pub fn verify(publication: &Arc<Publication>, depth: CheckDepth, snapshot: &Snapshot) -> Decision<Arc<Verification>> {
    let input = Input { publication, snapshot, others: &[], depth, purpose: Purpose::Compare };
    let (decision, published) = planned(input);
    let (mut doubts, mut plan) = match decision {
        Decision::Needs(queries) => return Decision::Needs(queries),
        Decision::Doubts(queries, plan) => (Some(queries), plan),
        Decision::Done(plan) => (None, plan),
    };
    let mut damage = Vec::new();
    if let Some(published) = published.filter(|_| plan.action != Action::Failed && depth > CheckDepth::List) {
        let checked = compare::check(input, &published);
        damage = checked.damage;
        let mut fail = |action, problems: Vec<Problem>| {
            let problems = [plan.problems.as_slice(), &problems].concat();
            plan = Arc::new(blocked_plan::plan(input, Some(&published), action, problems));
        };
        match checked.open {
            None => {}
            Some(Early::Needs(queries)) => return Decision::Needs(queries),
            Some(Early::Refused(action, problems)) => fail(action, problems),
            // If the answers stay contradictory, the children count as damaged: clients cannot pull them.
            Some(Early::Doubts(queries, _)) => doubts = Some(queries),
        }
    }
    let (problem, repair) = damage::problem(input, &plan, &damage).unzip();
    Arc::make_mut(&mut plan).problems.extend(problem);
    let repair = repair.flatten();
    let verification = Arc::new(Verification { state: compare::state(&plan, &damage), plan, damage, repair });
    match doubts {
        Some(queries) => Decision::Doubts(queries, verification),
        None => Decision::Done(verification),
    }
}

/// Plans one publication. Also returns the published lists, if they were read.
fn planned(input: Input<'_>) -> (Decision<Arc<ListPlan>>, Option<Published>) {
    let mut published = None;
    let decision = match steps(input, &mut published) {
        Ok(plan) => Decision::Done(Arc::new(plan)),
        Err(Early::Needs(queries)) => Decision::Needs(queries),
        Err(Early::Doubts(queries, problems)) => {
            let failed = blocked_plan::plan(input, published.as_ref(), Action::Failed, problems);
            Decision::Doubts(queries, Arc::new(failed))
        }
        Err(Early::Refused(action, problems)) => {
            Decision::Done(Arc::new(blocked_plan::plan(input, published.as_ref(), action, problems)))
        }
    };
    (decision, published)
}

/// Sets `published` as soon as the published lists were read. A plan that ends early after that uses it.
fn steps(input: Input<'_>, published: &mut Option<Published>) -> Flow<ListPlan> {
    let state = current_state::read(input)?;
    let others = other_writers::placed(input);
    let input = Input { others: &others, ..input };
    let state = current_state::with_others(input, state)?;
    let images = images::choose(input, &state)?;
    let predicted = list::predict(input, &images);
    let published = published.insert(published::read(input, &state, predicted.as_ref())?);
    let resolved = members::resolve(input, &images, published)?;
    verdict::conclude(input, &state, published, resolved)
}
