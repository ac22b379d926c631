//! [`Publisher`]: publishes one list: children, a look at the tags, tags of members, the list by its own tag, its other
//! tags, and last those that only the newest version has.
//!
//! No list is written before all its children stand. Every step is safe to run again.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::config::model::TargetTag;
use crate::config::problem::Problem;
use crate::oci::{Digest, Place};
use crate::plan::{Child, ListPlan, TagChange, TagFate};
use crate::registry::Registry;

use super::copy::{BlobsOpen, Copier, Errand, Pushed};
use super::failure::Failure;
use super::floating::{Floating, floating};
use super::member_tags::{self, MemberTag};
use super::report::{Outcome, TagDone};
use super::rounds::has_several_writers;
use super::stop::Stop;
use super::tags::{Found, TagWriter, Together, Unwritten};
use super::wire::Wire;
use super::{Event, Step};

/// Publishes lists of one run.
pub(super) struct Publisher<'a, R> {
    pub(super) registry: &'a R,
    pub(super) stop: &'a Stop,
    wire: &'a Wire,
    copier: Copier<'a, R>,
}

/// What came of a list.
pub(super) struct Ending {
    /// The plan as it was carried out: what became of tags that only the newest version has shows only then.
    pub(super) plan: Arc<ListPlan>,
    /// In a word.
    pub(super) outcome: Outcome,
    /// What came of its tags.
    pub(super) done: Done,
    /// Why, where it is not published.
    pub(super) problems: Vec<Problem>,
    /// Whether nothing is wrong but that others have written its tags since it was planned.
    pub(super) was_moved: bool,
}

/// What came of the tags of a list.
#[derive(Debug, Clone)]
pub(super) struct Done {
    /// One for each tag of the plan.
    pub(super) tags: Vec<TagDone>,
    /// One for each tag of a member.
    pub(super) member_tags: Vec<TagDone>,
}

/// What was seen right before the tags are written.
struct Prepared<'a> {
    /// Of the tags that are written whatever the version.
    tags: Vec<Found>,
    /// What the others name.
    floating: Vec<Option<Digest>>,
    member_tags: Vec<MemberTag<'a>>,
}

impl<'a, R: Registry> Publisher<'a, R> {
    /// Nothing published yet.
    pub(super) fn new(registry: &'a R, stop: &'a Stop, wire: &'a Wire) -> Self {
        Self { registry, stop, wire, copier: Copier::new(registry, wire) }
    }

    /// Publishes the list at that place of the plan.
    pub(super) async fn publish(&self, list: usize, plan: &Arc<ListPlan>) -> Ending {
        let ending = self.publish_once(list, plan).await;
        if has_several_writers(plan) { self.until_unchanged(list, ending).await } else { ending }
    }

    /// Publishes it as it was planned.
    pub(super) async fn publish_once(&self, list: usize, plan: &Arc<ListPlan>) -> Ending {
        let Some(payload) = &plan.payload else { unreachable!("the planner gives the bytes of each list to write") };
        let writer = TagWriter {
            registry: self.registry,
            stop: self.stop,
            target: &plan.publication.target,
            payload,
            pushed: Pushed { copier: &self.copier, list, children: &plan.children, target: &plan.publication.target },
        };
        let mut done = untouched(plan);
        let prepared = tokio::select! {
            biased;
            () = self.stop.requested() => return Ending::of(plan, done, vec![Failure::Stopped]),
            prepared = self.prepare(list, plan, &writer) => prepared,
        };
        let Prepared { tags, floating, member_tags } = match prepared {
            Ok(prepared) => prepared,
            Err(failures) => return Ending::of(plan, done, failures),
        };
        self.wire.say(Event::Step { list, step: Step::Writing });
        let mut failures = member_tags::write(member_tags, &writer, &mut done.member_tags).await;
        let mut to_write = Vec::new();
        for ((at, tag), found) in settled(plan).zip(tags) {
            match found {
                Found::Ours => done.tags[at] = TagDone::Yes,
                Found::AsPlanned => to_write.push((at, tag)),
            }
        }
        if failures.is_empty() {
            failures = self.write(&writer, &to_write, &mut done.tags).await;
        }
        let mut carried_out = Arc::clone(plan);
        if failures.is_empty() {
            let (tags, failed) = Floating::new(&writer, plan, floating).write().await;
            failures = failed;
            for tag in tags {
                done.tags[tag.at] = tag.done;
                if tag.change != plan.tags[tag.at] {
                    Arc::make_mut(&mut carried_out).tags[tag.at] = tag.change;
                }
            }
        }
        Ending::of(&carried_out, done, failures)
    }

    /// Makes all children stand, and looks at the tags that are to be written.
    ///
    /// The tags are looked at while the last children are written: no round trip more, and hardly earlier.
    async fn prepare<'p>(
        &self,
        list: usize,
        plan: &'p ListPlan,
        writer: &TagWriter<'_, R>,
    ) -> Result<Prepared<'p>, Vec<Failure>> {
        let (open, mut blobs) = mpsc::channel::<Infallible>(1);
        let standing = AtomicUsize::new(0);
        let row = Row { list, of: plan.children.len(), standing: &standing, target: &plan.publication.target };
        let children = join_all(plan.children.iter().map(|child| self.child(&row, child, open.clone())));
        drop(open);
        let looks = async {
            blobs.recv().await;
            tokio::join!(
                join_all(settled(plan).map(|(_, tag)| writer.recheck(tag))),
                join_all(floating(plan).map(|(_, tag, _)| writer.look(&tag.tag))),
                member_tags::prepare(plan, writer),
            )
        };
        let (children, (tags, floating, member_tags)) = tokio::join!(children, looks);
        let mut failures = Vec::new();
        each(children, &mut failures);
        let prepared = Prepared {
            tags: each(tags, &mut failures),
            floating: each(floating, &mut failures),
            member_tags: each(member_tags, &mut failures),
        };
        if failures.is_empty() { Ok(prepared) } else { Err(failures) }
    }

    async fn child(&self, row: &Row<'_>, child: &Child, open: BlobsOpen) -> Result<(), Failure> {
        let mounting = |done| {
            let step = Step::Mounting { platform: child.platform.clone(), done, of: row.of };
            self.wire.say(Event::Step { list: row.list, step });
        };
        mounting(row.standing.load(Ordering::Relaxed));
        self.copier.child(Errand { list: row.list, child, target: row.target }, open).await?;
        mounting(row.standing.fetch_add(1, Ordering::Relaxed) + 1);
        Ok(())
    }

    /// Writes the first tag, then the others at once: a list whose first tag is refused moves none.
    async fn write(
        &self,
        writer: &TagWriter<'_, R>,
        to_write: &[(usize, &TagChange)],
        tags: &mut [TagDone],
    ) -> Vec<Failure> {
        let mut failures = Vec::new();
        let (first, others) = to_write.split_at(to_write.len().min(1));
        for step in [first, others] {
            if step.is_empty() {
                continue;
            }
            if self.stop.signal().is_some() {
                failures.push(Failure::Stopped);
            }
            if !failures.is_empty() {
                break;
            }
            let changes: Vec<&TagChange> = step.iter().map(|(_, tag)| *tag).collect();
            // A registry that does not know how costs a request for nothing: fewer tags than these are not worth it.
            let together = if step.len() > 1 && to_write.len() >= 3 { Together::Try } else { Together::No };
            let written = writer.write_all(&changes, together).await;
            for ((at, _), result) in step.iter().zip(written) {
                match result {
                    Ok(()) => tags[*at] = TagDone::Yes,
                    Err(Unwritten { done, why }) => {
                        tags[*at] = done;
                        failures.push(why);
                    }
                }
            }
        }
        failures
    }
}

/// The children of one list while they are copied.
struct Row<'a> {
    list: usize,
    of: usize,
    standing: &'a AtomicUsize,
    target: &'a Place,
}

/// The tags that are to be written whatever the version, the list's own first, with their places among all.
fn settled(plan: &ListPlan) -> impl Iterator<Item = (usize, &TagChange)> {
    let declared = plan.tags.iter().zip(&plan.publication.tags).enumerate();
    let is_written = |change: &TagChange, tag: &TargetTag| tag.newest.is_none() && change.fate.is_written();
    declared.filter(move |(_, (change, tag))| is_written(change, tag)).map(|(at, (change, _))| (at, change))
}

/// What succeeded; the rest are `failures`.
fn each<T>(results: Vec<Result<T, Failure>>, failures: &mut Vec<Failure>) -> Vec<T> {
    let mut succeeded = Vec::with_capacity(results.len());
    for result in results {
        match result {
            Ok(found) => succeeded.push(found),
            Err(failure) => failures.push(failure),
        }
    }
    succeeded
}

/// The tags of a list of which nothing was written.
pub(super) fn untouched(plan: &ListPlan) -> Done {
    let stands = |fate: TagFate| matches!(fate, TagFate::Same | TagFate::Stays);
    let done = |tag: &TagChange| if stands(tag.fate) { TagDone::Yes } else { TagDone::No };
    Done {
        tags: plan.tags.iter().map(done).collect(),
        member_tags: plan.member_tags.iter().map(|member| done(&member.tag)).collect(),
    }
}

impl Ending {
    /// What follows from the failures: any that has a reason decides; a list that was only stopped is cancelled. Where
    /// the same command can't succeed unchanged the list is blocked: someone must act, and no rerun helps.
    pub(super) fn of(plan: &Arc<ListPlan>, done: Done, failures: Vec<Failure>) -> Self {
        let was_stopped = !failures.is_empty();
        let was_moved = was_stopped && failures.iter().all(Failure::is_moved);
        let mut problems: Vec<Problem> = Vec::new();
        for failure in failures {
            match failure {
                Failure::Problem(problem) if !problems.contains(&problem) => problems.push(*problem),
                Failure::Problem(_) | Failure::Stopped => {}
            }
        }
        let outcome = match problems.is_empty() {
            false if problems.iter().all(|problem| !problem.retry) => Outcome::Blocked,
            false => Outcome::Failed,
            true if was_stopped => Outcome::Cancelled { begun: true },
            true => Outcome::Published,
        };
        Self { plan: Arc::clone(plan), outcome, done, problems, was_moved }
    }

    /// The same for another reason.
    pub(super) fn because(self, failure: Failure) -> Self {
        Self::of(&self.plan, self.done, vec![failure])
    }
}

#[cfg(test)]
mod tests;
