//! [`Scheduler`]: which request is sent next, over all hosts of a run.
//!
//! Waiting requests are plain data in queues. There is a queue for each route: to one host, or to two hosts for a
//! stream. Whenever anything changes, each request that may be sent gets a permit. The host with the fewest requests in
//! flight comes first, so a slow host cannot use up all permits. Within a queue, requests that were sent before come
//! first; otherwise a request would wait through the whole queue again after a single fault. A waiting request holds
//! nothing. So there cannot be a deadlock, and a paused host does not delay requests to other hosts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::host_state::{HostState, Opening};
use super::{Permit, Queue, RunState, Turn};

/// The index of a host.
pub(super) type HostId = usize;

/// The hosts that a request is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Route {
    /// One host.
    One(HostId, Queue),
    /// A blob is sent from one host to another, or within one host. One permit covers both ends.
    Stream { from: HostId, to: HostId },
}

impl Route {
    fn queue(self) -> Queue {
        match self {
            Self::One(_, queue) => queue,
            Self::Stream { .. } => Queue::Body,
        }
    }

    /// Returns the hosts, and how many requests each receives.
    fn hosts(self) -> impl Iterator<Item = (HostId, u32)> {
        let hosts = match self {
            Self::One(id, _) => [Some((id, 1)), None],
            Self::Stream { from, to } if from == to => [Some((to, 2)), None],
            Self::Stream { from, to } => [Some((from, 1)), Some((to, 1))],
        };
        hosts.into_iter().flatten()
    }
}

/// All waiting requests, and the hosts with their limits.
pub(super) struct Scheduler {
    /// The permits of the run that are not in use.
    free: usize,
    hosts: Vec<HostState>,
    lines: BTreeMap<Route, Line>,
    /// How many permits were given so far.
    calls: u64,
    /// When the queues are checked again even if nothing has changed.
    alarm: Option<Instant>,
}

#[derive(Default)]
struct Line {
    repeated: VecDeque<oneshot::Sender<Permit>>,
    new: VecDeque<oneshot::Sender<Permit>>,
    /// The value of [`Scheduler::calls`] when this route was last given a permit.
    last_call: u64,
}

impl Line {
    /// Returns the queue that has the next request. Removes requests that no longer wait.
    fn next(&mut self) -> Option<&mut VecDeque<oneshot::Sender<Permit>>> {
        for line in [&mut self.repeated, &mut self.new] {
            while line.front().is_some_and(oneshot::Sender::is_closed) {
                line.pop_front();
            }
        }
        [&mut self.repeated, &mut self.new].into_iter().find(|line| !line.is_empty())
    }
}

/// The result of [`Scheduler::call`].
#[derive(Default)]
pub(super) struct Called {
    /// When to call again, if a new timer is needed.
    pub(super) alarm: Option<Instant>,
    /// The hosts whose pause has ended, and how long it was.
    pub(super) resumed: Vec<(String, Duration)>,
}

impl Scheduler {
    pub(super) fn new(permits: usize) -> Self {
        let (hosts, lines, calls, alarm) = Default::default();
        Self { free: permits, hosts, lines, calls, alarm }
    }

    pub(super) fn add(&mut self, host: HostState) -> HostId {
        self.hosts.push(host);
        self.hosts.len() - 1
    }

    pub(super) fn host(&mut self, id: HostId) -> &mut HostState {
        &mut self.hosts[id]
    }

    /// Adds a request to its queue. The receiver gets the permit when it is the request's turn.
    pub(super) fn join(&mut self, route: Route, turn: Turn) -> oneshot::Receiver<Permit> {
        let (call, called) = oneshot::channel();
        let line = self.lines.entry(route).or_default();
        match turn {
            Turn::Repeated => line.repeated.push_back(call),
            Turn::New => line.new.push_back(call),
        }
        called
    }

    /// Returns until when the hosts of a route are paused, if any is.
    pub(super) fn paused_until(&self, route: Route) -> Option<Instant> {
        route.hosts().filter_map(|(id, _)| self.hosts[id].paused_until()).max()
    }

    /// Gives a permit to each request that may be sent.
    pub(super) fn call(&mut self, run: &Arc<RunState>, now: Instant) -> Called {
        let mut called = Called::default();
        loop {
            match self.next(now) {
                Ok(route) => called.resumed.extend(self.call_one(run, route, now)),
                Err(at) => {
                    if let Some(at) = at
                        && self.alarm.is_none_or(|alarm| at < alarm || alarm <= now)
                    {
                        (self.alarm, called.alarm) = (Some(at), Some(at));
                    }
                    return called;
                }
            }
        }
    }

    /// Returns the route whose turn it is.
    ///
    /// # Errors
    /// If no request may be sent, returns when one may be, even if no other request finishes before.
    fn next(&mut self, now: Instant) -> Result<Route, Option<Instant>> {
        let (mut best, mut soonest) = (None, None);
        for (&route, line) in &mut self.lines {
            if line.next().is_none() || (route.queue().needs_permit() && self.free == 0) {
                continue;
            }
            let hosts = || route.hosts().map(|(id, _)| &self.hosts[id]);
            let opening = hosts().map(|host| host.opening(route.queue(), now)).reduce(Opening::later);
            match opening {
                Some(Opening::Now) => {
                    let rank = (hosts().map(HostState::in_flight).max(), line.last_call);
                    if best.is_none_or(|(least, _)| rank < least) {
                        best = Some((rank, route));
                    }
                }
                Some(Opening::At(at)) => soonest = Some(soonest.map_or(at, |soonest| at.min(soonest))),
                Some(Opening::Full) | None => {}
            }
        }
        best.map(|(_, route)| route).ok_or(soonest)
    }

    /// Gives a permit to the next request of a route. Returns the hosts whose pause this ends, and how long it was.
    fn call_one(&mut self, run: &Arc<RunState>, route: Route, now: Instant) -> Vec<(String, Duration)> {
        let Some(line) = self.lines.get_mut(&route) else { return Vec::new() };
        let Some(call) = line.next().and_then(VecDeque::pop_front) else { return Vec::new() };
        if let Err(mut unheard) = call.send(Permit { run: Some(Arc::clone(run)), route }) {
            // The request has just stopped waiting. This permit was never in use, so it must not be returned.
            unheard.run = None;
            return Vec::new();
        }
        self.calls += 1;
        line.last_call = self.calls;
        self.free -= usize::from(route.queue().needs_permit());
        let mut resumed = Vec::new();
        for (id, requests) in route.hosts() {
            let host = &mut self.hosts[id];
            let after = host.enter(route.queue(), requests, now);
            resumed.extend(after.map(|after| (host.name().to_owned(), after)));
        }
        resumed
    }

    /// Records that a request has finished.
    pub(super) fn leave(&mut self, route: Route) {
        self.free += usize::from(route.queue().needs_permit());
        for (id, _) in route.hosts() {
            self.hosts[id].leave(route.queue());
        }
    }
}

impl Opening {
    /// Returns when a request that needs both hosts may be sent.
    fn later(self, other: Self) -> Self {
        match (self, other) {
            (Self::Full, _) | (_, Self::Full) => Self::Full,
            (Self::Now, other) => other,
            (one, Self::Now) => one,
            (Self::At(one), Self::At(other)) => Self::At(one.max(other)),
        }
    }
}
