//! Lists that several runs publish, each with members of its own (`undeclared = "keep"`).
//!
//! No registry writes a tag only if it is still what was read. So a list that two runs put together loses what one of
//! them has, whatever each reads before or after its write of the list alone. Therefore:
//!
//! 1. each run places its members by tags of their own, which nobody else writes;
//! 2. reads all such tags, and what the list holds;
//! 3. done where the list is what was read; else writes it and does 2 again.
//!
//! A run is done only by a reading that *follows* its last write. The last write of all is thus followed by its
//! writer's reading, which equals it: it holds all that was placed before, and whoever places later writes later.
//!
//! It rests on tags being read as they were last written, and on the last writer living until its reading. Where that
//! fails an entry of the list is missing until anyone syncs it again; the tag of the member is there.

use std::sync::Arc;

use crate::config::model::Undeclared;
use crate::plan::{Action, ListPlan, MemberChange, MemberFate, MemberTagChange, TagChange, TagFate};
use crate::registry::Registry;

use super::ending::{Ending, untouched};
use super::failure::StepFailure;
use super::publish::Publisher;
use super::report::Outcome;
use super::survey::plan_again;

/// How often the list is put together anew. Each time somebody else has written it: more than there are writers.
const ROUNDS: usize = 20;

/// Publishes the list with that number in the plan, alone or together with other runs that write it.
pub(super) async fn publish<R: Registry>(publisher: &Publisher<'_, R>, list: usize, plan: &Arc<ListPlan>) -> Ending {
    let ending = publisher.publish(list, plan).await;
    if plan.publication.rules.undeclared == Undeclared::Keep {
        until_unchanged(publisher, list, ending).await
    } else {
        ending
    }
}

/// Plans the list from what is there now, and publishes it again, until there is nothing to do.
async fn until_unchanged<R: Registry>(publisher: &Publisher<'_, R>, list: usize, mut ending: Ending) -> Ending {
    for _ in 0..ROUNDS {
        if ending.outcome != Outcome::Published && !ending.was_moved {
            return ending;
        }
        let fresh = tokio::select! {
            biased;
            () = publisher.stop.requested() => return ending.because(StepFailure::Stopped),
            fresh = plan_again(&ending.plan.publication, publisher.registry) => fresh,
        };
        ending = match fresh.action {
            Action::Create | Action::Update => {
                let next = publisher.publish(list, &fresh).await;
                Ending { plan: Arc::new(joined(&ending.plan, &next.plan)), ..next }
            }
            Action::Unchanged => {
                let plan = Arc::new(joined(&ending.plan, &fresh));
                return Ending::of(&plan, untouched(&fresh), Vec::new());
            }
            Action::Blocked | Action::Failed => {
                let problems = fresh.problems.iter().cloned().map(|problem| StepFailure::Problem(Box::new(problem)));
                return Ending::of(&ending.plan, ending.done, problems.collect());
            }
        };
    }
    let reference = ending.plan.publication.reference();
    ending.because(StepFailure::contended(&reference))
}

/// Two rounds as one: from what the first found to what the second made of it.
fn joined(first: &ListPlan, second: &ListPlan) -> ListPlan {
    let tag = |first: &TagChange, second: &TagChange| match second.fate {
        TagFate::Stays => second.clone(),
        fate if first.fate.is_written() || fate == TagFate::Same => {
            TagChange { from: first.from.clone(), fate: first.fate, ..second.clone() }
        }
        fate => TagChange { from: first.from.clone(), fate, ..second.clone() },
    };
    let tags = first.tags.iter().zip(&second.tags).map(|(first, second)| tag(first, second));
    let member_tags = second.member_tags.iter().map(|second| {
        let first = first.member_tags.iter().find(|first| first.tag.tag == second.tag.tag);
        let tag = first.map_or_else(|| second.tag.clone(), |first| tag(&first.tag, &second.tag));
        MemberTagChange { tag, ..second.clone() }
    });
    let member = |second: &MemberChange| {
        let is_it = |first: &&MemberChange| {
            first.platform == second.platform
                && first.descriptor == second.descriptor
                && first.fate != MemberFate::Absent
        };
        let stands = matches!(second.fate, MemberFate::Same | MemberFate::Kept);
        first.members.iter().find(is_it).filter(|_| stands).unwrap_or(second).clone()
    };
    let new_problems = second.problems.iter().filter(|problem| !first.problems.contains(problem));
    ListPlan {
        action: first.action,
        reason: first.reason,
        payload: second.payload.clone().or_else(|| first.payload.clone()),
        tags: tags.collect(),
        member_tags: member_tags.collect(),
        members: second.members.iter().map(member).collect(),
        problems: first.problems.iter().chain(new_problems).cloned().collect(),
        ..second.clone()
    }
}

#[cfg(test)]
mod tests;
