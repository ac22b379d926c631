//! The first phase of publishing a list: copies all its children into the target and reads the tags that will be
//! written. No tag changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::oci::{Digest, Payload, Place};
use crate::plan::{Child, ListPlan};
use crate::registry::Registry;

use super::copy::{BlobsOpen, CopyTask};
use super::ending::{Ending, untouched};
use super::failure::StepFailure;
use super::look::{TagState, look, recheck, still_present};
use super::member_tags::{self, PreparedMemberTag};
use super::plan_tags::{fixed, floating};
use super::publish::Publisher;
use super::{Event, ListStep};

/// A list whose children are in the target, and what its tags named just after that.
pub(super) struct Prepared {
    /// Its position in the plan.
    pub(super) list: usize,
    pub(super) plan: Arc<ListPlan>,
    /// The bytes of the list.
    pub(super) payload: Payload,
    /// The state of each fixed tag that will be written.
    pub(super) tags: Vec<TagState>,
    /// What each floating tag names.
    pub(super) floating: Vec<Option<Digest>>,
    pub(super) member_tags: Vec<PreparedMemberTag>,
}

impl<R: Registry> Publisher<'_, R> {
    /// Prepares `list`, a position in the plan.
    ///
    /// # Errors
    /// Returns the [`Ending`] of the list if a child could not be copied, if a tag could not be read or has been moved,
    /// or if the run was stopped. Nothing of the list is published then.
    pub(super) async fn prepare(&self, list: usize, plan: &Arc<ListPlan>) -> Result<Prepared, Box<Ending>> {
        let prepared = tokio::select! {
            biased;
            () = self.stop.requested() => Err(vec![StepFailure::Stopped]),
            prepared = self.children_and_tags(list, plan) => prepared,
        };
        prepared.map_err(|failures| Box::new(Ending::of(plan, untouched(plan), failures)))
    }

    /// Copies all children into the target, and reads the tags that must be written.
    ///
    /// The tags are read once all blobs are done, while the last child manifests are written. This takes no additional
    /// round trip, and is hardly earlier than reading them afterwards.
    async fn children_and_tags(&self, list: usize, plan: &Arc<ListPlan>) -> Result<Prepared, Vec<StepFailure>> {
        let (registry, target) = (self.registry, &plan.publication.target);
        let Some(payload) = &plan.payload else { unreachable!("the planner gives the bytes of each list to write") };
        let (open, mut blobs) = mpsc::channel::<Infallible>(1);
        let standing = AtomicUsize::new(0);
        let progress = ChildProgress { list, of: plan.children.len(), standing: &standing, target };
        let children = join_all(plan.children.iter().map(|child| self.child(&progress, child, open.clone())));
        drop(open);
        let looks = async {
            blobs.recv().await;
            tokio::join!(
                join_all(fixed(plan).map(|(_, tag)| recheck(registry, &plan.publication, tag, payload.digest()))),
                join_all(plan.present.iter().map(|child| still_present(registry, target, child))),
                join_all(floating(plan).map(|(_, tag, _)| look(registry, target, &tag.tag))),
                member_tags::prepare(plan, registry),
            )
        };
        let (children, (tags, present, floating, member_tags)) = tokio::join!(children, looks);
        let mut failures = Vec::new();
        each(children, &mut failures);
        each(present, &mut failures);
        let prepared = Prepared {
            list,
            plan: Arc::clone(plan),
            payload: payload.clone(),
            tags: each(tags, &mut failures),
            floating: each(floating, &mut failures),
            member_tags: each(member_tags, &mut failures),
        };
        if failures.is_empty() { Ok(prepared) } else { Err(failures) }
    }

    async fn child(&self, progress: &ChildProgress<'_>, child: &Child, open: BlobsOpen) -> Result<(), StepFailure> {
        let ChildProgress { list, of, standing, target } = *progress;
        self.relay.starting(list, child, target);
        self.copier.child(CopyTask { list, child, target }, open).await?;
        let done = standing.fetch_add(1, Ordering::Relaxed) + 1;
        let step = ListStep::Copied { platform: child.platform.clone(), done, of };
        self.relay.say(Event::Step { list, step });
        Ok(())
    }
}

/// The progress of copying the children of one list.
struct ChildProgress<'a> {
    list: usize,
    of: usize,
    standing: &'a AtomicUsize,
    target: &'a Place,
}

/// Returns the successful results, and adds the others to `failures`.
fn each<T>(results: Vec<Result<T, StepFailure>>, failures: &mut Vec<StepFailure>) -> Vec<T> {
    let mut succeeded = Vec::with_capacity(results.len());
    for result in results {
        match result {
            Ok(found) => succeeded.push(found),
            Err(failure) => failures.push(failure),
        }
    }
    succeeded
}
