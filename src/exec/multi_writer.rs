//! Lists that several runs publish, each with members of its own (`undeclared = "keep"`).
//!
//! Registries have no conditional write: a tag cannot be written on the condition that it still names what was read
//! before. If two runs only read and write the list itself, it loses members of one of them, whatever each run reads
//! before or after its write. Therefore each run does the following:
//!
//! 1. It publishes its members under tags of their own (member tags), which no other run writes.
//! 2. It reads all member tags, and the published list.
//! 3. If the list matches what was read, the run is done. Otherwise it writes the list and repeats step 2.
//!
//! A run ends only with a read that *follows* its last write. So the last write of all is followed by a read of the
//! same run, and the list matches that read. It contains all members that were placed before the read. A run that
//! places a member later also writes the list later.
//!
//! The template of the member tags must allow every run to find the members of the others, which is checked when the
//! file is loaded (`[unfindable-member-tag]`). Without member tags (`member-tags = []`), there is only step 3: a run
//! notices that another one has overwritten its list before it reads the list again, but not what happens later.
//!
//! In a layout, a tag is written only if it still names what the list was planned from
//! ([`Registry::put_tag`]). So no member is lost there, with or without member tags.
//!
//! This requires that a read of a tag returns what was last written, and that the last writer lives until its read. If
//! one of these fails, an entry of the list is missing until any of the runs syncs it again. The tag of the member
//! still exists.

use std::sync::Arc;

use crate::config::model::Undeclared;
use crate::plan::{Action, ListPlan, MemberChange, MemberFate, MemberTagChange, TagChange, TagFate};
use crate::registry::Registry;

use super::ending::{Ending, untouched};
use super::failure::StepFailure;
use super::publish::Publisher;
use super::report::Outcome;
use super::survey::plan_again;

/// How often the list is built again. Each time another run has written it, so this is more than the number of writers.
const ROUNDS: usize = 20;

/// Publishes `list`, a position in the plan, either alone or together with other runs that write it.
pub(super) async fn publish<R: Registry>(publisher: &Publisher<'_, R>, list: usize, plan: &Arc<ListPlan>) -> Ending {
    let ending = publisher.publish(list, plan).await;
    if plan.publication.rules.undeclared == Undeclared::Keep {
        until_unchanged(publisher, list, ending).await
    } else {
        ending
    }
}

/// Plans the list from the current state and publishes it again, until there is nothing to do.
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

/// Joins two rounds into one plan: from the state that the first found to the result of the second.
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
        let is_kept = matches!(second.fate, MemberFate::Same | MemberFate::Kept);
        first.members.iter().find(is_it).filter(|_| is_kept).unwrap_or(second).clone()
    };
    let new_problems = second.problems.iter().filter(|problem| !first.problems.contains(problem));
    ListPlan {
        action: first.action,
        reason: first.reason,
        payload: second.payload.clone().or_else(|| first.payload.clone()),
        children: if second.children.is_empty() { first.children.clone() } else { second.children.clone() },
        tags: tags.collect(),
        member_tags: member_tags.collect(),
        members: second.members.iter().map(member).collect(),
        problems: first.problems.iter().chain(new_problems).cloned().collect(),
        ..second.clone()
    }
}

#[cfg(test)]
mod tests;
