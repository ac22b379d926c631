//! [`decide`]: one pure function says what must change, or what it still has to know.
//!
//! The files in the order of the steps; none imports one that comes after it, and a test enforces it.
//!
//! | file | holds |
//! |---|---|
//! | `input` | what is decided about, and how a step ends |
//! | `batch` | queries that can be answered together |
//! | `platforms`, `problems` | open parts of platforms; problems of several steps |
//! | `os_version` | versions of Windows that another image has, or that have to fit |
//! | `other_writers` | the members that other writers of the list have placed |
//! | `current_state` | what members and tags name now |
//! | `attestations` | attestations of an image, named by its index or found by the registry |
//! | `image`, `images` | the image of each member that is there: what its source names, or one of an index |
//! | `guard` | whether a tag that only the newest version has may be moved |
//! | `published` | the lists that the tags name, and which of their entries are whose |
//! | `missing_children` | which children the target lacks |
//! | `check` | config and name against the declaration |
//! | `members` | each member's descriptor and platform, read at its source where nothing else says them |
//! | `retained` | which published entries are kept though no source names them |
//! | `entries` | the entries of the new list, in their order |
//! | `retained_children` | whether the target still has what only it has |
//! | `list` | the bytes of the new list, predicted or built, and which published lists are equal |
//! | `refusals` | what forbids a list that could be built |
//! | `changes`, `member_tags` | what becomes of each member, and of the tags of members |
//! | `verdict` | the plan, from all of this |
//! | `blocked_plan` | the plan of a list that is blocked or failed |
//!
//! A batch asks all it lacks at once, and nothing is judged before all of it is answered: so the plan does not depend
//! on the order of answers, nor on what happened to be known before.

use std::sync::Arc;

use crate::config::model::Publication;

use super::{Decision, ListPlan, Snapshot};

use input::{Early, Flow, Input};
use published::Published;

mod attestations;
mod batch;
mod blocked_plan;
mod changes;
mod check;
mod current_state;
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
mod published;
mod refusals;
mod retained;
mod retained_children;
mod verdict;

/// Decides for one publication by what is known.
#[must_use]
pub fn decide(publication: &Arc<Publication>, snapshot: &Snapshot) -> Decision<Arc<ListPlan>> {
    let input = Input { publication, snapshot, others: &[] };
    let mut published = None;
    match steps(input, &mut published) {
        Ok(plan) => Decision::Done(Arc::new(plan)),
        Err(Early::Needs(queries)) => Decision::Needs(queries),
        Err(Early::Refused(action, problems)) => {
            Decision::Done(Arc::new(blocked_plan::plan(input, published.as_ref(), action, problems)))
        }
    }
}

/// `published` is set as soon as the published lists were read, for a plan that ends after that.
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
