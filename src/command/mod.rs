//! The commands, a file each: glue between the layers, and nothing else.
//!
//! | file | holds |
//! |---|---|
//! | [`check`] | the file alone |
//! | [`plan`](mod@plan) | what sync would do |
//! | [`sync`](mod@sync) | a whole run on one screen |
//! | [`schema`] | the JSON Schema |
//! | `reach` | what the file says of registries, as they are opened with it |
//!
//! What they share is here: the file is read, the registries are opened, signals are heeded.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::config::facts::Facts;
use crate::config::problem::{Problem, Severity, SourceFile, Sources};
use crate::config::{Author, Loaded, Outcome, Override, Request, Trust, load};
use crate::exec::report::Signal;
use crate::exec::{ExitStatus, Stop, Wire, cause, survey};
use crate::host::{self, Found};
use crate::plan::Plan;
use crate::registry::{Access, CredentialSources, Options, Registries, Rights};
use crate::ui::{Context, Ui};

pub mod check;
pub mod plan;
mod reach;
pub mod schema;
pub mod sync;

/// What every command that reads manifests.toml is told.
#[derive(Debug, Clone)]
pub struct Input {
    /// Which file; none for the nearest manifests.toml, here or above.
    pub file: Option<PathBuf>,
    /// Values from the command line.
    pub overrides: Vec<Override>,
    /// Which lists; empty: all.
    pub selectors: Vec<String>,
    /// Where the file, and what it names, may be.
    pub paths: host::Paths,
    /// Who may have written it.
    pub author: Author,
}

/// How the world is reached.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Requests in flight at once.
    pub jobs: usize,
    /// Where credentials are looked for.
    pub credentials: CredentialSources,
    /// Folders of certificates, by host.
    pub certificates: Vec<PathBuf>,
}

/// A file that is read and good.
struct Declared {
    sources: Sources,
    loaded: Loaded,
}

impl Declared {
    fn context(&self) -> Context<'_> {
        Context { sources: &self.sources, warnings: &self.loaded.problems }
    }
}

/// Reads and expands manifests.toml. Where that can't be done it has been said, and the exit status is returned.
fn read(input: &Input, ui: &Ui) -> Result<Declared, ExitStatus> {
    let mut sources = Sources::default();
    let refuse = |sources: &Sources, problems: &[Problem]| {
        ui.problems(Context { sources, warnings: &[] }, problems, ExitStatus::Usage)
    };
    let Found { file, boundary } = match host::manifest_file(input.file.as_deref(), &input.paths) {
        Ok(found) => found,
        Err(problem) => {
            if let Some(file) = &input.file {
                // It has no text, and still a name: the verdict is about it.
                sources.add(SourceFile { name: file.display().to_string(), text: "".into() });
            }
            return Err(refuse(&sources, &[*problem]));
        }
    };
    if input.file.is_none() && PathBuf::from(&file.name).components().count() > 1 {
        ui.talk(&format!("using {}", file.name));
    }
    let file = sources.add(file);
    let root = boundary.as_ref().map(|boundary| boundary.named().to_owned());
    let trust = Trust { root, author: input.author.clone() };
    let Input { overrides, selectors, .. } = input;
    let request = Request { sources: &sources, file, overrides, selectors, trust: &trust };
    let mut facts = Facts::default();
    let loaded = loop {
        match load(request, &facts) {
            Outcome::Needs(questions) => host::answer(&questions, boundary.as_ref(), &mut facts),
            Outcome::Done(loaded) => break loaded,
        }
    };
    if loaded.problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(refuse(&sources, &loaded.problems));
    }
    Ok(Declared { sources, loaded })
}

/// The registries of one run, and what may end it.
struct World {
    registries: Arc<Registries>,
    wire: Wire,
    stop: Stop,
    began: Instant,
    started_at: SystemTime,
}

impl World {
    /// Begins to heed signals; asks nobody anything. What keeps it from beginning has been said.
    fn open(rights: Rights, reach: &Reach, declared: &Declared, ui: &Arc<Ui>) -> Result<Self, ExitStatus> {
        let (began, started_at) = (Instant::now(), SystemTime::now());
        let wire = Wire::new(ui.listener());
        let refuse = |problems: &[Problem]| ui.problems(declared.context(), problems, ExitStatus::Failed);
        let options = Options {
            access: Access { rights, groups: reach::groups(&declared.loaded) },
            jobs: reach.jobs,
            credentials: reach.credentials.clone(),
            hosts: reach::hosts(&declared.loaded, host::secret).map_err(|problems| refuse(&problems))?,
            certificates: reach.certificates.clone(),
            observer: wire.observer(),
        };
        let registries = Registries::new(options).map_err(|error| refuse(&[cause::problem(&error)]))?;
        let world = Self { registries: Arc::new(registries), wire, stop: Stop::default(), began, started_at };
        tokio::spawn(heed_signals(world.stop.clone(), Arc::clone(&world.registries), Arc::clone(ui)));
        Ok(world)
    }

    /// Plans everything, unless a signal comes first: then it has been said that nothing was done.
    async fn survey(&self, declared: &Declared, ui: &Ui) -> Result<Plan, ExitStatus> {
        let interrupted = || {
            let signal = self.stop.signal().unwrap_or(Signal::Interrupt);
            ui.interrupted(declared.context(), signal, self.began.elapsed())
        };
        tokio::select! {
            // Once it is stopped nothing can be read any more: half a plan is none.
            biased;
            () = self.stop.requested() => Err(interrupted()),
            plan = survey(&declared.loaded.publications, &*self.registries, self.wire.listener()) => Ok(plan),
        }
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
