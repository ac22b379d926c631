//! [`World`]: the registries of a run or of a part of it, and what may end it.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::task::AbortHandle;

use crate::config::model::Member;
use crate::config::problem::Problem;
use crate::config::{Loaded, Publication};
use crate::exec::report::Signal;
use crate::exec::{ExitStatus, Stop, Wire, cause, plan_lists};
use crate::host;
use crate::oci::Place;
use crate::plan::Plan;
use crate::registry::{Access, Group, Options, Registries, Rights};
use crate::ui::{Context, Ui};

use super::{Reach, reach};

/// When a run began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) began: Instant,
    pub(super) started_at: SystemTime,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { began: Instant::now(), started_at: SystemTime::now() }
    }
}

/// What registries are opened for.
pub(super) struct Purpose<'a> {
    access: Access,
    /// What will be asked.
    places: Vec<&'a Place>,
}

impl<'a> Purpose<'a> {
    /// To plan these lists or to publish them.
    pub(super) fn lists(publications: &'a [Arc<Publication>], rights: Rights) -> Self {
        let groups = publications.iter().map(|list| reach::group(list)).collect();
        let places = publications.iter().flat_map(|list| {
            let sources = list.members.iter().flat_map(Member::reads).map(|source| &source.place);
            [&list.target].into_iter().chain(sources)
        });
        Self { access: Access::new(rights, groups), places: places.collect() }
    }

    /// To list the tags of these repositories.
    pub(super) fn tags(places: impl Iterator<Item = &'a Place>) -> Self {
        let places: Vec<&Place> = places.collect();
        let repository = |place: &Place| match place {
            Place::Repository(repository) => Some(repository.clone()),
            Place::Layout(_) => None,
        };
        let alone = |repository| Group { target: None, sources: vec![repository] };
        let groups = places.iter().filter_map(|place| repository(place)).map(alone).collect();
        Self { access: Access::new(Rights::ReadOnly, groups), places }
    }
}

/// The registries, and what may end a run.
pub(super) struct World {
    pub(super) registries: Arc<Registries>,
    pub(super) wire: Wire,
    pub(super) stop: Stop,
    pub(super) clock: Clock,
    heeding: AbortHandle,
}

impl World {
    /// Begins to heed signals; asks nobody anything. What keeps it from beginning has been said.
    pub(super) fn open(
        purpose: Purpose<'_>,
        reach: &Reach,
        loaded: &Loaded,
        clock: Clock,
        ui: &Arc<Ui>,
    ) -> Result<Self, ExitStatus> {
        let wire = Wire::new(ui.listener());
        let refuse = |problems: &[Problem]| ui.problems(Context::of_loaded(loaded), problems, ExitStatus::Failed);
        let hosts = reach::hosts(&loaded.registries, &purpose.places, host::secret);
        let options = Options {
            access: purpose.access,
            jobs: reach.jobs,
            credentials: reach.credentials.clone(),
            hosts: hosts.map_err(|problems| refuse(&problems))?,
            certificates: reach.certificates.clone(),
            observer: wire.observer(),
        };
        let registries = Registries::new(options).map_err(|error| refuse(&[cause::problem(&error)]))?;
        let (registries, stop) = (Arc::new(registries), Stop::default());
        let heeding = tokio::spawn(heed_signals(stop.clone(), Arc::clone(&registries), Arc::clone(ui))).abort_handle();
        Ok(Self { registries, wire, stop, clock, heeding })
    }

    /// Plans everything, unless a signal comes first: then it has been said that nothing was done.
    pub(super) async fn survey(&self, loaded: &Loaded, ui: &Ui) -> Result<Plan, ExitStatus> {
        self.unless_stopped(plan_lists(&loaded.publications, &*self.registries, self.wire.listener()), loaded, ui).await
    }

    /// Does something before which nothing is published, unless a signal comes first: then that has been said.
    pub(super) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = T>,
        loaded: &Loaded,
        ui: &Ui,
    ) -> Result<T, ExitStatus> {
        let interrupted = || {
            let signal = self.stop.signal().unwrap_or(Signal::Interrupt);
            ui.interrupted(Context::of_loaded(loaded), signal, self.clock.began.elapsed())
        };
        tokio::select! {
            // Once it is stopped nothing can be read any more: half an answer is none.
            biased;
            () = self.stop.requested() => Err(interrupted()),
            done = work => Ok(done),
        }
    }
}

impl Drop for World {
    /// Whoever opens another heeds the signals from then on.
    fn drop(&mut self) {
        self.heeding.abort();
    }
}

/// The first signal asks the run to end, the second ends it.
async fn heed_signals(stop: Stop, registries: Arc<Registries>, ui: Arc<Ui>) {
    let Ok(mut signals) = Signals::new() else {
        // A machine without signals: nothing to heed, and they do what they always do.
        return;
    };
    stop.request(signals.next().await);
    registries.stop();
    let second = signals.next().await;
    ui.cut_off();
    let status = match stop.signal().unwrap_or(second) {
        Signal::Interrupt => ExitStatus::Interrupted,
        Signal::Terminate => ExitStatus::Terminated,
    };
    std::process::exit(i32::from(status.code()));
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
