//! [`Publisher`]: publishes one list as planned, in two phases: `prepare` copies its children, `commit` writes its
//! tags.
//!
//! No list is written before all its children are in the target. Every step is safe to repeat.

use std::sync::Arc;

use crate::plan::ListPlan;
use crate::registry::Registry;

use super::copy::ChildCopier;
use super::ending::Ending;
use super::event_relay::EventRelay;
use super::stop::Stop;

/// Publishes the lists of one run.
pub(super) struct Publisher<'a, R> {
    pub(super) registry: &'a R,
    pub(super) stop: &'a Stop,
    pub(super) relay: &'a EventRelay,
    pub(super) copier: ChildCopier<'a, R>,
}

impl<'a, R: Registry> Publisher<'a, R> {
    /// Creates a publisher for a run in which nothing is published yet.
    pub(super) fn new(registry: &'a R, stop: &'a Stop, relay: &'a EventRelay) -> Self {
        Self { registry, stop, relay, copier: ChildCopier::new(registry, relay) }
    }

    /// Publishes `list`, a position in the plan.
    pub(super) async fn publish(&self, list: usize, plan: &Arc<ListPlan>) -> Ending {
        match self.prepare(list, plan).await {
            Ok(prepared) => self.commit(prepared).await,
            Err(ending) => *ending,
        }
    }
}

#[cfg(test)]
mod tests;
