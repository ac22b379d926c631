//! [`Scheduler`]: whose turn it is, over all hosts of a run.
//!
//! Requests wait in lines as plain data, one line for each way that they can take: to one host, or to
//! two for a stream. As soon as anything changes, all that may go is called. A permit goes to the host that holds the
//! fewest, so a slow host can't sit on all of them; within a line who was here before goes first, as one fault would else
//! cost a request the whole line once more. What waits holds nothing, so nothing waits in a circle, and a paused host
//! keeps nobody from the others.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::host_state::{HostState, Opening};
use super::{Permit, Queue, Run, Turn};

/// Which host, by its number.
pub(super) type HostId = usize;

/// The way of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Route {
    /// To one host.
    One(HostId, Queue),
    /// A blob from one host to another, or to the same: both ends are one permit.
    Stream { from: HostId, to: HostId },
}

impl Route {
    fn queue(self) -> Queue {
        match self {
            Self::One(_, queue) => queue,
            Self::Stream { .. } => Queue::Body,
        }
    }

    /// The hosts, and how many requests each sees.
    fn hosts(self) -> impl Iterator<Item = (HostId, u32)> {
        let hosts = match self {
            Self::One(id, _) => [Some((id, 1)), None],
            Self::Stream { from, to } if from == to => [Some((to, 2)), None],
            Self::Stream { from, to } => [Some((from, 1)), Some((to, 1))],
        };
        hosts.into_iter().flatten()
    }
}

/// All that wait, and all that may stop them.
pub(super) struct Scheduler {
    /// Permits of the run that nobody holds.
    free: usize,
    hosts: Vec<HostState>,
    lines: BTreeMap<Route, Line>,
    /// How many were called so far.
    calls: u64,
    /// When all is looked at again though nothing has changed.
    alarm: Option<Instant>,
}

#[derive(Default)]
struct Line {
    repeated: VecDeque<oneshot::Sender<Permit>>,
    new: VecDeque<oneshot::Sender<Permit>>,
    /// When its last one was called, by the number of the call.
    last_call: u64,
}

impl Line {
    /// Who is next; those who left meanwhile are forgotten.
    fn next(&mut self) -> Option<&mut VecDeque<oneshot::Sender<Permit>>> {
        for line in [&mut self.repeated, &mut self.new] {
            while line.front().is_some_and(oneshot::Sender::is_closed) {
                line.pop_front();
            }
        }
        [&mut self.repeated, &mut self.new].into_iter().find(|line| !line.is_empty())
    }
}

/// What follows from calling all that may go.
#[derive(Default)]
pub(super) struct Called {
    /// When an alarm is to be set.
    pub(super) alarm: Option<Instant>,
    /// Hosts whose pause is over, and how long it was.
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

    /// Lines up; the permit comes when it is this one's turn.
    pub(super) fn join(&mut self, route: Route, turn: Turn) -> oneshot::Receiver<Permit> {
        let (call, called) = oneshot::channel();
        let line = self.lines.entry(route).or_default();
        match turn {
            Turn::Repeated => line.repeated.push_back(call),
            Turn::New => line.new.push_back(call),
        }
        called
    }

    /// Until when the hosts of a route are paused.
    pub(super) fn paused_until(&self, route: Route) -> Option<Instant> {
        route.hosts().filter_map(|(id, _)| self.hosts[id].paused_until()).max()
    }

    /// Calls all that may go.
    pub(super) fn call(&mut self, run: &Arc<Run>, now: Instant) -> Called {
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

    /// Whose turn it is; if nobody's, when it may be somebody's though nobody comes back.
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

    /// Calls the next of a line; tells whose pauses are over by that.
    fn call_one(&mut self, run: &Arc<Run>, route: Route, now: Instant) -> Vec<(String, Duration)> {
        let Some(line) = self.lines.get_mut(&route) else { return Vec::new() };
        let Some(call) = line.next().and_then(VecDeque::pop_front) else { return Vec::new() };
        if let Err(mut unheard) = call.send(Permit { run: Some(Arc::clone(run)), route }) {
            // Who waited has just left: it is no permit, and must not be given back.
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

    /// A request came back.
    pub(super) fn leave(&mut self, route: Route) {
        self.free += usize::from(route.queue().needs_permit());
        for (id, _) in route.hosts() {
            self.hosts[id].leave(route.queue());
        }
    }
}

impl Opening {
    /// When a request may go that needs both hosts.
    fn later(self, other: Self) -> Self {
        match (self, other) {
            (Self::Full, _) | (_, Self::Full) => Self::Full,
            (Self::Now, other) => other,
            (one, Self::Now) => one,
            (Self::At(one), Self::At(other)) => Self::At(one.max(other)),
        }
    }
}
