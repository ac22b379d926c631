//! [`Session`]: the open registries of a command, or of one step of it, and the signal that may stop it.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::task::AbortHandle;

use crate::config::model::Member;
use crate::config::problem::Problem;
use crate::config::{Publication, RegistrySettings};
use crate::exec::report::Signal;
use crate::exec::{EventRelay, ExitStatus, Stop, registry_problem};
use crate::host;
use crate::oci::Place;
use crate::registry::{self, Access, Registries, RepositoryGroup, Rights};
use crate::ui::Ui;

use super::{RegistryOptions, registry_options};

/// The time at which a run started.
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

/// The places that a session accesses, and its rights there.
pub(super) struct SessionScope<'a> {
    access: Access,
    /// The places to access.
    places: Vec<&'a Place>,
}

impl<'a> SessionScope<'a> {
    /// For planning or publishing these lists, according to `rights`.
    pub(super) fn lists(publications: &'a [Arc<Publication>], rights: Rights) -> Self {
        let groups = publications.iter().map(|list| registry_options::group(list)).collect();
        let places = publications.iter().flat_map(|list| {
            let sources = list.members.iter().flat_map(Member::reads).map(|source| &source.place);
            [&list.target].into_iter().chain(sources)
        });
        let layouts = publications.iter().filter_map(|list| match &list.target {
            Place::Layout(dir) => Some(dir.clone()),
            Place::Repository(_) => None,
        });
        Self { access: Access::new(rights, groups).with_layouts(layouts.collect()), places: places.collect() }
    }

    /// For reading these places. Each repository gets its own token.
    pub(super) fn read(places: impl Iterator<Item = &'a Place>) -> Self {
        let places: Vec<&Place> = places.collect();
        let repository = |place: &Place| match place {
            Place::Repository(repository) => Some(repository.clone()),
            Place::Layout(_) => None,
        };
        let alone = |repository| RepositoryGroup { target: None, sources: vec![repository] };
        let groups = places.iter().filter_map(|place| repository(place)).map(alone).collect();
        Self { access: Access::new(Rights::ReadOnly, groups), places }
    }
}

/// The open registries of a command, and the signal that may stop it.
pub(super) struct Session {
    pub(super) registries: Arc<Registries>,
    pub(super) relay: EventRelay,
    pub(super) stop: Stop,
    signals_task: AbortHandle,
}

impl Session {
    /// Opens the registries and starts to listen for signals. No request is sent. `settings` are the registry settings
    /// of the file, if there is one.
    ///
    /// # Errors
    /// Returns the reasons why the registries could not be opened.
    pub(super) fn open(
        scope: SessionScope<'_>,
        settings: &[RegistrySettings],
        options: &RegistryOptions,
        ui: &Arc<Ui>,
    ) -> Result<Self, Vec<Problem>> {
        let relay = EventRelay::new(ui.listener());
        let hosts = registry_options::hosts(settings, &scope.places, host::secret)?;
        let options = registry::RegistriesOptions {
            access: scope.access,
            jobs: options.jobs,
            credentials: options.credentials.clone(),
            hosts,
            certificates: options.certificates.clone(),
            observer: relay.observer(),
        };
        let registries = Registries::new(options).map_err(|error| vec![registry_problem::problem(&error)])?;
        let (registries, stop) = (Arc::new(registries), Stop::default());
        let signals_task =
            tokio::spawn(handle_signals(stop.clone(), Arc::clone(&registries), Arc::clone(ui))).abort_handle();
        Ok(Self { registries, relay, stop, signals_task })
    }

    /// Returns the result of `work`, or the signal if one arrives first. Use it only for work that publishes nothing.
    pub(super) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Signal> {
        tokio::select! {
            // After a stop, the registries return nothing more, so a partial result must not be used.
            biased;
            () = self.stop.requested() => Err(self.stop.signal().unwrap_or(Signal::Interrupt)),
            // The signal may arrive after the stop was polled, and make the work end.
            done = work => self.stop.signal().map_or(Ok(done), Err),
        }
    }
}

impl Drop for Session {
    /// Stops listening, so that the next session can listen for signals.
    fn drop(&mut self) {
        self.signals_task.abort();
    }
}

/// Handles signals: the first one asks the run to end, the second one ends the process at once.
async fn handle_signals(stop: Stop, registries: Arc<Registries>, ui: Arc<Ui>) {
    let Ok(mut signals) = Signals::new() else {
        // This machine does not support signals.
        return;
    };
    let first = signals.next().await;
    stop.request(first);
    registries.stop();
    signals.next().await;
    ui.cut_off();
    std::process::exit(i32::from(ExitStatus::from(first).code()));
}

/// The signals that stop a run: SIGINT and SIGTERM, or Ctrl-C on systems without them.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
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
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Reference;
    use crate::registry::{CredentialSources, Registry as _, jobs};
    use crate::ui::{self, DigestLength, ProgressMode, Style, Verbosity};

    /// Opens a session without a file, to read this image.
    fn session(image: &Reference) -> Session {
        let ui = Arc::new(Ui::new(ui::UiOptions {
            out: Style::PLAIN,
            err: Style::PLAIN,
            verbosity: Verbosity::Quiet,
            progress: ProgressMode::Lines,
            digests: DigestLength::Short,
            outputs: Vec::new(),
        }));
        let (credentials, certificates) = (CredentialSources::default(), Vec::new());
        let options = RegistryOptions { jobs: jobs(1), credentials, certificates };
        Session::open(SessionScope::read([&image.place].into_iter()), &[], &options, &ui).unwrap()
    }

    #[tokio::test]
    async fn registries_are_opened_without_a_file() {
        let image = Reference::parse("oci:examples/quickstart/images/clock-amd64:v1.0.0").unwrap();
        let session = session(&image);
        let head = session.unless_stopped(session.registries.head(&image)).await.unwrap().unwrap();
        assert!(head.unwrap().media_type.is_image());
        session.stop.request(Signal::Terminate);
        let stopped = session.unless_stopped(std::future::pending::<()>()).await;
        assert_eq!(stopped, Err(Signal::Terminate));
    }

    #[tokio::test]
    async fn what_a_signal_makes_end_is_not_a_result() {
        let session = session(&Reference::parse("oci:images:v1").unwrap());
        let ended_by_the_signal = async { session.stop.request(Signal::Interrupt) };
        assert_eq!(session.unless_stopped(ended_by_the_signal).await, Err(Signal::Interrupt));
    }
}
