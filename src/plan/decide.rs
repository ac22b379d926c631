//! [`decide`]: one pure function says what must change, or what it still has to know.
//!
//! | file | holds |
//! |---|---|
//! | `round` | one round of questions to the snapshot, and how it can end a decision early |
//! | `heads` | what members and tags name now, and the bytes that this predicts |
//! | `published` | the lists that the tags name, and which of their entries are whose |
//! | `members` | each member's descriptor and platform, read at its source where nothing else says them |
//! | `presence` | which children the target lacks |
//! | `check` | config and name against the declaration |
//! | `verdict` | the plan, from all of this |
//!
//! A round asks all it lacks at once, and nothing is judged before all of it is answered: so the plan does not depend
//! on the order of answers, nor on what happened to be known before.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::model::Publication;

use super::{ListPlan, Query, Snapshot};

mod check;
mod heads;
mod members;
mod presence;
mod published;
mod round;
mod verdict;

/// What [`decide`] says.
#[derive(Debug, Clone)]
pub enum Decision {
    /// These must be answered first; never empty, none that the snapshot answers.
    Needs(BTreeSet<Query>),
    /// This is to be done.
    Plan(Box<ListPlan>),
}

/// What is decided about, and by what.
#[derive(Clone, Copy)]
struct Case<'a> {
    publication: &'a Arc<Publication>,
    snapshot: &'a Snapshot,
}

/// A step's result, or the decision that ends it early: something must be asked, or the list is failed or blocked.
type Step<T> = Result<T, Decision>;

/// Decides for one publication by what is known.
#[must_use]
pub fn decide(publication: &Arc<Publication>, snapshot: &Snapshot) -> Decision {
    match steps(Case { publication, snapshot }) {
        Ok(plan) => Decision::Plan(Box::new(plan)),
        Err(early) => early,
    }
}

fn steps(case: Case<'_>) -> Step<ListPlan> {
    let heads = heads::read(case)?;
    let predicted = heads::predict(case, &heads);
    let published = published::read(case, &heads, predicted.as_ref())?;
    let settled = members::settle(case, &heads, &published)?;
    verdict::conclude(case, &heads, &published, settled)
}
