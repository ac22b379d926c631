//! [`decide`]: one pure function says what must change, or what it still has to know.
//!
//! | file | holds |
//! |---|---|
//! | `round` | one round of questions to the snapshot, and how it can end a decision early |
//! | `heads` | what members and tags name now |
//! | `others` | the members that other writers of the list have placed |
//! | `images` | the image of each member that is there: what its source names, or one of an index |
//! | `flatten` | the image of one platform, out of a member that is an index |
//! | `os_version` | versions of Windows that another image has, or that have to fit |
//! | `attestations` | what speaks of an image: named by its index, or found by the registry |
//! | `published` | the lists that the tags name, and which of their entries are whose |
//! | `members` | each member's descriptor and platform, read at its source where nothing else says them |
//! | `guard` | whether a tag that only the newest version has may be moved |
//! | `check` | config and name against the declaration |
//! | `stays` | which published entries stay though no source names them |
//! | `entries` | the entries of the list as it is to stand, in their order |
//! | `list` | their bytes, predicted or built, and which published lists are equal |
//! | `refusals` | what forbids a list that could be built |
//! | `presence` | which children the target lacks |
//! | `verdict` | the plan, from all of this |
//! | `changes` | what becomes of each member, to be shown |
//! | `member_tags` | what becomes of the tags of members |
//! | `stopped` | the plan of a list that is blocked or failed |
//!
//! A round asks all it lacks at once, and nothing is judged before all of it is answered: so the plan does not depend
//! on the order of answers, nor on what happened to be known before.

use std::sync::Arc;

use crate::config::model::{Member, Publication};

use super::{Decision, ListPlan, Snapshot};

mod attestations;
mod changes;
mod check;
mod entries;
mod flatten;
mod guard;
mod heads;
mod images;
mod list;
mod member_tags;
mod members;
mod os_version;
mod others;
mod presence;
mod published;
mod refusals;
mod round;
mod stays;
mod stopped;
mod verdict;

/// What is decided about, and by what.
#[derive(Clone, Copy)]
struct Case<'a> {
    publication: &'a Arc<Publication>,
    snapshot: &'a Snapshot,
    /// Members that other writers have placed: part of the list as declared ones are, and never in their way.
    others: &'a [Member],
}

impl Case<'_> {
    /// Whether the file declares `member`, and no other writer has placed it.
    fn declares(self, member: &Member) -> bool {
        !self.others.iter().any(|other| std::ptr::eq(other, member))
    }
}

/// A step's result, or the decision that ends it early: something must be asked, or the list is failed or blocked.
type Step<T> = Result<T, Decision<Arc<ListPlan>>>;

/// Decides for one publication by what is known.
#[must_use]
pub fn decide(publication: &Arc<Publication>, snapshot: &Snapshot) -> Decision<Arc<ListPlan>> {
    steps(Case { publication, snapshot, others: &[] }).map_or_else(|early| early, |plan| Decision::Done(Arc::new(plan)))
}

fn steps(case: Case<'_>) -> Step<ListPlan> {
    let heads = heads::read(case)?;
    let others = others::placed(case);
    let case = Case { others: &others, ..case };
    let heads = others::read(case, heads)?;
    let images = images::choose(case, &heads)?;
    let predicted = list::predict(case, &images);
    let published = published::read(case, &heads, predicted.as_ref())?;
    let settled = members::settle(case, &images, &published)?;
    verdict::conclude(case, &heads, &published, settled)
}
