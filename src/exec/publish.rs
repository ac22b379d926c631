//! [`Publisher`]: publishes one list: children, a look at the tags, the list by its first tag, the other tags.
//!
//! No list is written before all its children stand. Every step is safe to run again.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::config::problem::Problem;
use crate::oci::Place;
use crate::plan::{Child, ListPlan, TagChange, TagFate};
use crate::registry::Registry;

use super::copy::{BlobsOpen, Copier, Errand, Pushed};
use super::failure::Failure;
use super::report::{Outcome, TagDone};
use super::stop::Stop;
use super::tags::{Found, TagWriter, Together, Unwritten};
use super::wire::Wire;
use super::{Event, Step};

/// Publishes lists of one run.
pub(super) struct Publisher<'a, R> {
    registry: &'a R,
    stop: &'a Stop,
    wire: &'a Wire,
    copier: Copier<'a, R>,
}

/// What came of a list.
pub(super) struct Ending {
    /// In a word.
    pub(super) outcome: Outcome,
    /// One for each tag of the plan.
    pub(super) tags: Vec<TagDone>,
    /// Why, where it is not published.
    pub(super) problems: Vec<Problem>,
}

impl<'a, R: Registry> Publisher<'a, R> {
    /// Nothing published yet.
    pub(super) fn new(registry: &'a R, stop: &'a Stop, wire: &'a Wire) -> Self {
        Self { registry, stop, wire, copier: Copier::new(registry, wire) }
    }

    /// Publishes the list at that place of the plan.
    pub(super) async fn publish(&self, list: usize, plan: &ListPlan) -> Ending {
        let Some(payload) = &plan.payload else { unreachable!("the planner gives the bytes of each list to write") };
        let writer = TagWriter {
            registry: self.registry,
            stop: self.stop,
            target: &plan.publication.target,
            payload,
            pushed: Pushed { copier: &self.copier, list, children: &plan.children, target: &plan.publication.target },
        };
        let mut tags = untouched(plan);
        let prepared = tokio::select! {
            biased;
            () = self.stop.requested() => return cancelled(tags),
            prepared = self.prepare(list, plan, &writer) => prepared,
        };
        let found = match prepared {
            Ok(found) => found,
            Err(failures) => return ending(tags, failures),
        };
        let mut to_write = Vec::new();
        for ((at, tag), found) in changes(plan).zip(found) {
            match found {
                Found::Ours => tags[at] = TagDone::Yes,
                Found::AsPlanned => to_write.push((at, tag)),
            }
        }
        self.wire.say(Event::Step { list, step: Step::Writing });
        let failures = self.write(&writer, &to_write, &mut tags).await;
        ending(tags, failures)
    }

    /// Makes all children stand, and looks at the tags that are to be written.
    ///
    /// The tags are looked at while the last children are written: no round trip more, and hardly earlier.
    async fn prepare(
        &self,
        list: usize,
        plan: &ListPlan,
        writer: &TagWriter<'_, R>,
    ) -> Result<Vec<Found>, Vec<Failure>> {
        let (open, mut blobs) = mpsc::channel::<Infallible>(1);
        let standing = AtomicUsize::new(0);
        let row = Row { list, of: plan.children.len(), standing: &standing, target: &plan.publication.target };
        let children = join_all(plan.children.iter().map(|child| self.child(&row, child, open.clone())));
        drop(open);
        let rechecks = async {
            blobs.recv().await;
            join_all(changes(plan).map(|(_, tag)| writer.recheck(tag))).await
        };
        let (children, rechecks) = tokio::join!(children, rechecks);
        let mut failures: Vec<Failure> = children.into_iter().filter_map(Result::err).collect();
        let mut found = Vec::new();
        for recheck in rechecks {
            match recheck {
                Ok(name) => found.push(name),
                Err(failure) => failures.push(failure),
            }
        }
        if failures.is_empty() { Ok(found) } else { Err(failures) }
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

/// The tags that are to be written, with their places among all.
fn changes(plan: &ListPlan) -> impl Iterator<Item = (usize, &TagChange)> {
    plan.tags.iter().enumerate().filter(|(_, tag)| matches!(tag.fate, TagFate::Created | TagFate::Moved))
}

/// The tags of a list of which nothing was written.
pub(super) fn untouched(plan: &ListPlan) -> Vec<TagDone> {
    let done = |tag: &TagChange| if tag.fate == TagFate::Same { TagDone::Yes } else { TagDone::No };
    plan.tags.iter().map(done).collect()
}

fn cancelled(tags: Vec<TagDone>) -> Ending {
    Ending { outcome: Outcome::Cancelled { begun: true }, tags, problems: Vec::new() }
}

/// What follows from the failures: any that has a reason decides; a list that was only stopped is cancelled. Where the
/// same command can't succeed unchanged the list is blocked: someone must act, and no rerun helps.
fn ending(tags: Vec<TagDone>, failures: Vec<Failure>) -> Ending {
    let was_stopped = !failures.is_empty();
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
    Ending { outcome, tags, problems }
}

#[cfg(test)]
mod tests;
