//! [`execute`]: carries out a plan, with lists in parallel.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::oci::Host;
use crate::plan::{Action, ListPlan, Plan};
use crate::registry::Registry;

use super::ending::{Done, Ending, untouched};
use super::event_relay::EventRelay;
use super::multi_writer;
use super::publish::Publisher;
use super::stop::Stop;
use super::{Event, ListReport, Outcome};

/// How a plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutorOptions {
    /// The number of requests in flight at once. This is also the number of lists per host that are worked on at once.
    pub jobs: NonZeroUsize,
    /// What a failure means for lists that have not begun.
    pub after_failure: AfterFailure,
}

/// What happens after a list failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// The other lists are published.
    GoOn,
    /// No other list is begun (`--fail-fast`).
    BeginNothing,
}

/// Carries out `plan`. Returns one report per list, in the order of the plan.
///
/// Lists that need no work are reported first, lists that were never begun last. Once `stop` is requested, this ends
/// within a few seconds if the registry is stopped too.
pub async fn execute<R: Registry>(
    plan: Arc<Plan>,
    registry: &R,
    options: ExecutorOptions,
    stop: &Stop,
    relay: &EventRelay,
) -> Vec<Arc<ListReport>> {
    let lists = &plan.lists;
    let publisher = Publisher::new(registry, stop, relay);
    let mut queue = WorkQueue::new(lists, options, relay);
    let mut at_work = FuturesUnordered::new();
    let mut stopping = false;
    loop {
        at_work.extend(queue.begin().map(|list| work(list, &lists[list], &publisher)));
        tokio::select! {
            biased;
            () = stop.requested(), if !stopping => {
                stopping = true;
                queue.begins = false;
                relay.say(Event::Stopping { lists: at_work.len() });
            }
            ended = at_work.next() => match ended {
                Some((list, report)) => queue.end(list, report),
                None => break,
            }
        }
    }
    queue.close()
}

async fn work<R: Registry>(list: usize, plan: &Arc<ListPlan>, publisher: &Publisher<'_, R>) -> (usize, ListReport) {
    let begun = Instant::now();
    let Ending { plan, outcome, done: Done { tags, member_tags }, problems, .. } =
        multi_writer::publish(publisher, list, plan).await;
    let problems = plan.problems.iter().cloned().chain(problems).collect();
    (list, ListReport { plan, outcome, duration: begun.elapsed(), tags, member_tags, problems })
}

/// Starts lists and collects their reports.
struct WorkQueue<'a> {
    lists: &'a [Arc<ListPlan>],
    options: ExecutorOptions,
    relay: &'a EventRelay,
    queues: BTreeMap<Option<Host>, HostLists>,
    /// Whether new lists are begun.
    begins: bool,
    reports: Vec<Option<Arc<ListReport>>>,
}

/// The lists of one host. Each host has its own queue, so that a slow host does not delay the others.
#[derive(Default)]
struct HostLists {
    waiting: VecDeque<usize>,
    at_work: usize,
}

impl<'a> WorkQueue<'a> {
    /// Reports lists that need no work at once, and queues the rest.
    fn new(lists: &'a [Arc<ListPlan>], options: ExecutorOptions, relay: &'a EventRelay) -> Self {
        let reports = lists.iter().map(|_| None).collect();
        let mut queue = Self { lists, options, relay, queues: BTreeMap::new(), begins: true, reports };
        for (list, plan) in lists.iter().enumerate() {
            match settled(plan.action) {
                Some(outcome) => queue.end(list, idle(plan, outcome)),
                None => queue.queues.entry(queue.queue_of(list)).or_default().waiting.push_back(list),
            }
        }
        queue
    }

    /// Returns the key of the queue of a list. With one job there is a single queue, in the order of the file, for one
    /// list at a time. Otherwise each host has its own queue.
    fn queue_of(&self, list: usize) -> Option<Host> {
        if self.options.jobs == NonZeroUsize::MIN { None } else { self.lists[list].publication.target.host().cloned() }
    }

    /// Returns the lists to begin now.
    fn begin(&mut self) -> std::vec::IntoIter<usize> {
        let mut begun = Vec::new();
        if self.begins {
            for queue in self.queues.values_mut() {
                let free = self.options.jobs.get() - queue.at_work;
                let next = queue.waiting.drain(..free.min(queue.waiting.len()));
                queue.at_work += next.len();
                begun.extend(next);
            }
        }
        for &list in &begun {
            self.relay.say(Event::Began { list });
        }
        begun.into_iter()
    }

    /// Adds the report of a list.
    fn end(&mut self, list: usize, report: ListReport) {
        if report.outcome == Outcome::Failed && self.options.after_failure == AfterFailure::BeginNothing {
            self.begins = false;
        }
        if report.plan.action.writes()
            && let Some(queue) = self.queues.get_mut(&self.queue_of(list))
        {
            queue.at_work = queue.at_work.saturating_sub(1);
        }
        let report = Arc::new(report);
        self.relay.say(Event::Ended { list, report: Arc::clone(&report) });
        self.reports[list] = Some(report);
    }

    /// Reports the lists that were never begun, and returns all reports.
    fn close(mut self) -> Vec<Arc<ListReport>> {
        self.options.after_failure = AfterFailure::GoOn;
        for list in 0..self.lists.len() {
            if self.reports[list].is_none() {
                self.end(list, idle(&self.lists[list], Outcome::Cancelled { begun: false }));
            }
        }
        self.reports.into_iter().flatten().collect()
    }
}

/// Returns the outcome of a list that needs no work. `None` if it needs work.
fn settled(action: Action) -> Option<Outcome> {
    match action {
        Action::Create | Action::Update => None,
        Action::Unchanged => Some(Outcome::Unchanged),
        Action::Blocked => Some(Outcome::Blocked),
        Action::Failed => Some(Outcome::Failed),
    }
}

/// Returns the report of a list on which no work was done.
fn idle(plan: &Arc<ListPlan>, outcome: Outcome) -> ListReport {
    let (Done { tags, member_tags }, problems) = (untouched(plan), plan.problems.clone());
    ListReport { plan: Arc::clone(plan), outcome, duration: Duration::ZERO, tags, member_tags, problems }
}

#[cfg(test)]
mod tests;
