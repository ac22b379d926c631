//! [`Surveyor`]: queries the registries for what a decision still needs, until every item is decided.
//!
//! `budget` limits the memory for the answers.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::config::model::Publication;
use crate::oci::{Descriptor, Digest, Entry, Host, ImageConfig, LayoutContents, MalformedJson, Payload, Tag};
use crate::plan::{
    Answer, Cause, CheckDepth, Decision, ListPlan, Plan, Query, Snapshot, TagListing, TagRequest, Verification, decide,
    list_tags, repair_together, verify,
};
use crate::registry::{Registry, Result};

use self::budget::Budget;
use super::lag::{lag, sleep};
use super::registry_problem::cause;
use super::wait::Waits;
use super::{Event, Listener};

/// The maximum number of queries to one host that are in flight or wait for a slot as futures. Further ones are kept as
/// plain data. It is greater than any `--jobs` allows, so that it never limits the speed.
const OPEN_PER_HOST: usize = 512;
/// The bytes of answers that are kept to plan a run, besides those for each list.
const FOR_ALL: usize = 96 << 20;
/// The same for a single item. Several lists may be planned again at once.
const FOR_ONE: usize = 32 << 20;

/// Plans all publications from the current state of the registries. What is published is checked as `depth` says. A
/// member that does not exist is queried again for as long as the `wait` of its list says. The other lists are decided
/// meanwhile.
pub async fn plan_lists<R: Registry>(
    publications: &[Arc<Publication>],
    depth: CheckDepth,
    registry: &R,
    listener: &Listener,
) -> Plan {
    let surveyor = Surveyor { waits: Waits::of(publications), ..Surveyor::new(registry, listener) };
    let decide = |list: &Arc<Publication>, snapshot: &Snapshot| decide(list, depth, snapshot);
    let (lists, _) = surveyor.survey(publications, decide, Snapshot::default()).await;
    Plan { lists }
}

/// Compares all publications with the current state of the registries, as `depth` says. Nothing is waited for.
pub async fn verify_lists<R: Registry>(
    publications: &[Arc<Publication>],
    depth: CheckDepth,
    registry: &R,
    listener: &Listener,
) -> Vec<Arc<Verification>> {
    let verify = |list: &Arc<Publication>, snapshot: &Snapshot| verify(list, depth, snapshot);
    let (mut lists, _) = Surveyor::new(registry, listener).survey(publications, verify, Snapshot::default()).await;
    repair_together(&mut lists);
    lists
}

/// Lists the tags of repositories and reads what they name.
pub async fn list_repositories<R: Registry>(
    requests: &[TagRequest],
    registry: &R,
    listener: &Listener,
) -> Vec<TagListing> {
    let listener = Arc::clone(listener);
    let of_repositories: Listener = Arc::new(move |event| match event {
        Event::Reading { done, total } => listener(Event::ListingTags { done, total }),
        other => listener(other),
    });
    Surveyor::new(registry, &of_repositories).survey(requests, list_tags, Snapshot::default()).await.0
}

/// Plans one publication from the current state of the registries, without waiting for missing members: that time is
/// over.
pub(super) async fn plan_again<R: Registry>(publication: &Arc<Publication>, registry: &R) -> Arc<ListPlan> {
    let silent: Listener = Arc::new(|_| {});
    let publications = std::slice::from_ref(publication);
    let surveyor = Surveyor::for_one(registry, &silent);
    let decide = |list: &Arc<Publication>, snapshot: &Snapshot| decide(list, CheckDepth::List, snapshot);
    let (lists, _) = surveyor.survey(publications, decide, Snapshot::default()).await;
    let Some(list) = lists.into_iter().next() else { unreachable!("each list is decided") };
    list
}

/// Queries registries for what decisions need.
pub struct Surveyor<'a, R> {
    registry: &'a R,
    listener: &'a Listener,
    waits: Waits,
    /// The bytes of answers that may be kept for no item at all. Each item raises the limit.
    base: usize,
}

impl<'a, R: Registry> Surveyor<'a, R> {
    /// Creates a surveyor for `registry`. `listener` is told how many items are decided.
    #[must_use]
    pub fn new(registry: &'a R, listener: &'a Listener) -> Self {
        Self { registry, listener, waits: Waits::default(), base: FOR_ALL }
    }

    /// Creates a surveyor for a single item.
    pub(super) fn for_one(registry: &'a R, listener: &'a Listener) -> Self {
        Self { base: FOR_ONE, ..Self::new(registry, listener) }
    }

    /// Decides all `items`, from `snapshot` and from what must be queried in addition. Returns one decision per item,
    /// in their order, and the snapshot with all answers.
    ///
    /// No query is made twice. An item is decided again as soon as its own queries are answered, whatever the others
    /// still wait for. A query without a usable answer counts as answered too: `decide` determines what follows.
    /// Answers that contradict each other are requested again a few times.
    pub async fn survey<T, D>(
        self,
        items: &[T],
        decide: impl Fn(&T, &Snapshot) -> Decision<D>,
        snapshot: Snapshot,
    ) -> (Vec<D>, Snapshot) {
        let Self { registry, listener, mut waits, base } = self;
        let total = items.len();
        let mut decisions: Vec<Option<D>> = items.iter().map(|_| None).collect();
        let mut done = 0;
        let mut pending = PendingQueries {
            snapshot,
            budget: Budget::new(base, total),
            waiting: HashMap::new(),
            open: vec![0; total],
        };
        let mut queues: HashMap<Option<Host>, HostQueue> = HashMap::new();
        let (mut flights, mut naps) = (FuturesUnordered::new(), FuturesUnordered::new());
        let mut ready: VecDeque<usize> = (0..total).collect();
        let mut doubts = Doubts::default();
        listener(Event::Reading { done, total });
        loop {
            while let Some(item) = ready.pop_front() {
                match decide(&items[item], &pending.snapshot) {
                    Decision::Done(decision) => {
                        decisions[item] = Some(decision);
                        done += 1;
                        listener(Event::Reading { done, total });
                    }
                    Decision::Doubts(queries, decision) => {
                        let Some(pause) = doubts.pause(item) else {
                            decisions[item] = Some(decision);
                            done += 1;
                            listener(Event::Reading { done, total });
                            continue;
                        };
                        for query in queries {
                            pending.snapshot.forget(&query);
                            naps.extend(pending.note(item, query).map(|query| after(pause, query)));
                        }
                    }
                    Decision::Needs(queries) => {
                        for query in queries {
                            if let Some(query) = pending.note(item, query) {
                                let queue = queues.entry(query.place().host().cloned()).or_default();
                                flights.extend(queue.join(query).map(|query| ask(registry, query)));
                            }
                        }
                    }
                }
            }
            let (query, response) = tokio::select! {
                Some(answered) = flights.next(), if !flights.is_empty() => answered,
                Some(query) = naps.next(), if !naps.is_empty() => {
                    listener(waits.event());
                    let queue = queues.entry(query.place().host().cloned()).or_default();
                    flights.extend(queue.join(query).map(|query| ask(registry, query)));
                    continue;
                }
                else => break,
            };
            if let Some(queue) = queues.get_mut(&query.place().host().cloned()) {
                flights.extend(queue.leave().map(|query| ask(registry, query)));
            }
            if let Query::Head(reference) = &query {
                let pause =
                    matches!(response, Response::Head(Answer::Absent)).then(|| waits.pause(reference)).flatten();
                if let Some(pause) = pause {
                    naps.push(after(pause, query));
                    continue;
                }
                if waits.is_over(reference) {
                    listener(waits.event());
                }
            }
            ready.extend(pending.settle(&query, response));
        }
        (decisions.into_iter().flatten().collect(), pending.snapshot)
    }
}

/// The known answers, and which items wait for which query.
struct PendingQueries {
    snapshot: Snapshot,
    budget: Budget,
    waiting: HashMap<Query, Vec<usize>>,
    /// The number of answers that each item waits for.
    open: Vec<usize>,
}

impl PendingQueries {
    /// Registers that `item` waits for `query`. Returns the query if it must be made.
    fn note(&mut self, item: usize, query: Query) -> Option<Query> {
        debug_assert!(!self.snapshot.answers(&query), "{query:?} is answered");
        self.open[item] += 1;
        if let Some(waiting) = self.waiting.get_mut(&query) {
            waiting.push(item);
            return None;
        }
        self.waiting.insert(query.clone(), vec![item]);
        Some(query)
    }

    /// Adds an answer. Returns the items that do not wait for another one.
    fn settle(&mut self, query: &Query, response: Response) -> Vec<usize> {
        let response = if self.snapshot.answers(query) { response } else { self.budget.limited(query, response) };
        match (query, response) {
            (Query::Head(reference), Response::Head(answer)) => self.snapshot.add_head(reference.clone(), answer),
            (_, Response::Manifest(payload)) => self.snapshot.add_bytes(payload),
            (Query::Config(digest, _), Response::Config(config)) => self.snapshot.add_config(digest.clone(), config),
            (Query::Manifest(digest, place) | Query::Config(digest, place), Response::Unread(cause)) => {
                self.snapshot.add_unread(digest.clone(), place.clone(), cause);
            }
            (Query::Stored(digest, place), Response::Stored(answer)) => {
                self.snapshot.add_stored(digest.clone(), place.clone(), answer);
            }
            (Query::Blob(blob, place), Response::Blob(answer)) => {
                self.snapshot.add_blob(blob.clone(), place.clone(), answer);
            }
            (Query::Tags(place), Response::Tags(answer)) => self.snapshot.add_tags(place.clone(), answer),
            (Query::Referrers(digest, place, filter), Response::Referrers(answer)) => {
                self.snapshot.add_referrers(digest.clone(), place.clone(), *filter, answer);
            }
            (Query::Layout(place), Response::Layout(answer)) => self.snapshot.add_layout(place.clone(), answer),
            (_, _) => {
                unreachable!("`ask` answers what it was asked")
            }
        }
        let mut ready = self.waiting.remove(query).unwrap_or_default();
        ready.retain(|&item| {
            self.open[item] -= 1;
            self.open[item] == 0
        });
        ready
    }
}

/// How often contradictory answers were requested again, by item.
#[derive(Default)]
struct Doubts(HashMap<usize, usize>);

impl Doubts {
    /// Returns how long to wait before the answers for `item` are requested again. `None` if that was done often
    /// enough.
    fn pause(&mut self, item: usize) -> Option<Duration> {
        let repeated = self.0.entry(item).or_default();
        *repeated += 1;
        lag().nth(*repeated - 1)
    }
}

/// Returns `query` after `pause`.
async fn after(pause: Duration, query: Query) -> Query {
    sleep(pause).await;
    query
}

/// The queries to one host.
#[derive(Default)]
struct HostQueue {
    open: usize,
    queue: VecDeque<Query>,
}

impl HostQueue {
    /// Adds a query to the queue. Returns it if it can be made at once.
    fn join(&mut self, query: Query) -> Option<Query> {
        if self.open < OPEN_PER_HOST {
            self.open += 1;
            return Some(query);
        }
        self.queue.push_back(query);
        None
    }

    /// Removes a query that was answered. Returns the next one.
    fn leave(&mut self) -> Option<Query> {
        let next = self.queue.pop_front();
        if next.is_none() {
            self.open -= 1;
        }
        next
    }
}

/// The result of a query.
enum Response {
    Head(Answer<Descriptor>),
    Manifest(Payload),
    Config(std::result::Result<ImageConfig, MalformedJson>),
    /// There is no manifest or config: they do not exist, or, with a cause, it is not known.
    Unread(Option<Cause>),
    Stored(Answer<Payload>),
    Blob(Answer<()>),
    Tags(Answer<Arc<BTreeSet<Tag>>>),
    Referrers(Answer<Arc<[Entry]>>),
    Layout(Answer<LayoutContents>),
}

async fn ask<R: Registry>(registry: &R, query: Query) -> (Query, Response) {
    let response = match &query {
        Query::Head(reference) => Response::Head(answer(registry.head(reference).await)),
        Query::Manifest(digest, place) => read(digest, registry.manifest(place, digest).await, Response::Manifest),
        Query::Stored(digest, place) => Response::Stored(answer(registry.manifest(place, digest).await)),
        // A config has up to 8 MiB, of which the platform is needed.
        Query::Config(digest, place) => read(digest, registry.config(place, digest).await, |payload| {
            Response::Config(ImageConfig::parse(payload.bytes()))
        }),
        Query::Blob(blob, place) => {
            let exists = registry.has_blob(place, blob).await;
            Response::Blob(answer(exists.map(|exists| exists.then_some(()))))
        }
        Query::Tags(place) => Response::Tags(answer(registry.tags(place).await.map(|tags| tags.map(Arc::new)))),
        Query::Referrers(digest, place, filter) => {
            let entries = registry.referrers(place, digest, filter.artifact_type()).await;
            Response::Referrers(answer(entries.map(|entries| entries.map(Arc::from))))
        }
        Query::Layout(place) => Response::Layout(answer(registry.layout(place).await)),
    };
    (query, response)
}

fn answer<T>(result: Result<Option<T>>) -> Answer<T> {
    match result {
        Ok(Some(found)) => Answer::Found(found),
        Ok(None) => Answer::Absent,
        Err(error) => Answer::Unknown(cause(&error)),
    }
}

fn read(digest: &Digest, answer: Result<Option<Payload>>, found: impl FnOnce(Payload) -> Response) -> Response {
    match answer {
        Ok(Some(payload)) => {
            debug_assert_eq!(payload.digest(), digest, "bytes are verified where they are read");
            found(payload)
        }
        Ok(None) => Response::Unread(None),
        Err(error) => Response::Unread(Some(cause(&error))),
    }
}

mod budget;
#[cfg(test)]
mod tests;
