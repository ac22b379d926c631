//! [`Project`]: manifests.toml and the files that it includes, parsed and expanded. If lists are created from tags, the
//! tags are listed first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use crate::config::facts::{Facts, TagFact};
use crate::config::problem::{Problem, Severity, SourceFile, Sources};
use crate::config::{LoadOutcome, LoadPurpose, LoadRequest, Loaded, Loader, RegistrySettings, Trust};
use crate::exec::report::Signal;
use crate::exec::{ExitStatus, plan_lists, registry_problem, verify_lists};
use crate::host::{self, Boundary, ManifestFile};
use crate::oci::{Place, Tag};
use crate::plan::{CheckDepth, Plan, Verification};
use crate::registry::{HostStats, Registry as _, Rights, Stats};
use crate::ui::{Context, Document, Ui};

use super::session::{Clock, Session, SessionScope};
use super::{InputOptions, RegistryOptions};

/// A project file that was loaded without errors.
pub(super) struct Project {
    pub(super) loaded: Loaded,
    pub(super) clock: Clock,
    /// The statistics of the requests that were needed to determine the lists.
    asked: Stats,
}

impl Project {
    /// Returns the context for a document about this project.
    pub(super) fn context(&self) -> Context {
        Context::from(&self.loaded)
    }

    /// Opens the registries of the lists.
    ///
    /// # Errors
    /// Returns the exit status after the problems were shown.
    pub(super) fn open(&self, rights: Rights, options: &RegistryOptions, ui: &Arc<Ui>) -> Result<Session, ExitStatus> {
        open(SessionScope::lists(&self.loaded.publications, rights), &self.loaded, options, ui)
    }

    /// Plans the lists.
    ///
    /// # Errors
    /// Returns the exit status if a signal arrived first, after a message that nothing was published.
    pub(super) async fn plan(&self, depth: CheckDepth, session: &Session, ui: &Ui) -> Result<Plan, ExitStatus> {
        let planned = plan_lists(&self.loaded.publications, depth, &*session.registries, session.relay.listener());
        self.unless_stopped(session, planned, ui).await
    }

    /// Opens the registries of the targets, to read them.
    ///
    /// # Errors
    /// Returns the exit status after the problems were shown.
    pub(super) fn open_targets(&self, options: &RegistryOptions, ui: &Arc<Ui>) -> Result<Session, ExitStatus> {
        let targets = self.loaded.publications.iter().map(|list| &list.target);
        open(SessionScope::read(targets), &self.loaded, options, ui)
    }

    /// Returns the result of `work`, which publishes nothing.
    ///
    /// # Errors
    /// Returns the exit status if a signal arrived first, after a message that nothing was published.
    pub(super) async fn unless_stopped<T>(
        &self,
        session: &Session,
        work: impl Future<Output = T>,
        ui: &Ui,
    ) -> Result<T, ExitStatus> {
        session.unless_stopped(work).await.map_err(|signal| interrupted(&self.loaded, signal, self.clock, ui))
    }

    /// Compares the lists with what is published.
    ///
    /// # Errors
    /// Returns the exit status if a signal arrived first.
    pub(super) async fn verify(
        &self,
        depth: CheckDepth,
        session: &Session,
        ui: &Ui,
    ) -> Result<Vec<Arc<Verification>>, ExitStatus> {
        let verified = verify_lists(&self.loaded.publications, depth, &*session.registries, session.relay.listener());
        self.unless_stopped(session, verified, ui).await
    }

    /// Returns the statistics of all requests to registries, including those of `session`.
    pub(super) fn requests(&self, session: &Session) -> Stats {
        sum(self.asked.clone(), session.registries.stats())
    }
}

/// The settings of registries, for a command that does not need a manifests.toml.
pub(super) struct OptionalSettings {
    /// The settings. Empty if there is no file, or if the file that was found is not valid.
    pub(super) registries: Vec<RegistrySettings>,
    /// The files that spans refer to.
    pub(super) context: Context,
}

/// Reads the settings of registries from the file that was given, or from the nearest one. A file that was not given
/// may be invalid: then a message says that it is ignored.
///
/// # Errors
/// Returns the exit status if the file that was given is not valid, after its problems were shown.
pub(super) fn optional_settings(input: &InputOptions, ui: &Ui) -> Result<OptionalSettings, ExitStatus> {
    if input.file.is_some() {
        let Project { loaded, .. } = without_registries(input, ui)?;
        return Ok(OptionalSettings { registries: loaded.registries, context: Context::of(loaded.sources) });
    }
    let nothing = OptionalSettings { registries: Vec::new(), context: Context::default() };
    let Some(path) = host::nearest_manifest_file() else { return Ok(nothing) };
    let name = path.display().to_string();
    let Ok(file) = ProjectFile::read(Some(&path), input) else {
        ui.talk(&format!("ignoring {name}, which cannot be read; run `mlist check` to see why"));
        return Ok(nothing);
    };
    let (_, Loaded { problems, registries, sources, .. }) = Reading::new(&file, input, LoadPurpose::Check).load();
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        ui.talk(&format!("ignoring {name}, which is not valid; run `mlist check` to see why"));
        return Ok(nothing);
    }
    if !registries.is_empty() {
        announce(&name, ui);
    }
    Ok(OptionalSettings { registries, context: Context::of(sources) })
}

/// Says which file is used, if it was found in another directory.
fn announce(name: &str, ui: &Ui) {
    if PathBuf::from(name).components().count() > 1 {
        ui.talk(&format!("using {name}"));
    }
}

fn open(
    scope: SessionScope<'_>,
    loaded: &Loaded,
    options: &RegistryOptions,
    ui: &Arc<Ui>,
) -> Result<Session, ExitStatus> {
    let refuse = |problems| ui.show(Document::problems(Context::from(loaded), problems, ExitStatus::Failed));
    Session::open(scope, &loaded.registries, options, ui).map_err(refuse)
}

fn interrupted(loaded: &Loaded, signal: Signal, clock: Clock, ui: &Ui) -> ExitStatus {
    ui.show(Document::interrupted(Context::from(loaded), signal, clock.began.elapsed()))
}

fn sum(mut stats: Stats, later: Stats) -> Stats {
    for (host, later) in later {
        let earlier = stats.remove(&host).unwrap_or_default();
        stats.insert(host, HostStats::sum(earlier, later));
    }
    stats
}

/// Reads manifests.toml and expands it as far as possible without any registry.
///
/// # Errors
/// Returns the exit status after the problems were shown.
pub(super) fn without_registries(input: &InputOptions, ui: &Ui) -> Result<Project, ExitStatus> {
    let file = ProjectFile::open(input, ui)?;
    let (_, loaded) = Reading::new(&file, input, LoadPurpose::Check).load();
    let loaded = good(loaded, ui)?;
    Ok(Project { loaded, clock: file.clock, asked: Stats::default() })
}

/// Like [`without_registries`], but also lists the tags of repositories if an axis needs them.
pub(super) async fn with_registries(
    input: &InputOptions,
    options: &RegistryOptions,
    ui: &Arc<Ui>,
) -> Result<Project, ExitStatus> {
    let file = ProjectFile::open(input, ui)?;
    let mut reading = Reading::new(&file, input, LoadPurpose::Publish);
    let (mut asked, kept) = (Stats::default(), AtomicUsize::new(0));
    loop {
        let (places, loaded) = reading.load();
        let loaded = good(loaded, ui)?;
        if places.is_empty() {
            return Ok(Project { loaded, clock: file.clock, asked });
        }
        let session = open(SessionScope::read(places.iter()), &loaded, options, ui)?;
        let listings = places.iter().map(|place| async {
            let tags = session.registries.tags(place).await;
            tags.map_err(|error| Box::new(registry_problem::problem(&error))).and_then(|tags| limited(tags, &kept))
        });
        let listed = session.unless_stopped(join_all(listings)).await;
        let listed = listed.map_err(|signal| interrupted(&loaded, signal, file.clock, ui))?;
        asked = sum(asked, session.registries.stats());
        for (place, tags) in places.into_iter().zip(listed) {
            reading.facts.add_tags(place, tags);
        }
    }
}

/// The maximum number of bytes of the tags that are kept for axes.
const MOST_TAGS: usize = 48 << 20;
/// The memory of a tag besides its text.
const PER_TAG: usize = 48;

/// Returns `tags`, and adds their bytes to `kept`. Returns a problem if they are too many for all axes together.
fn limited(tags: Option<BTreeSet<Tag>>, kept: &AtomicUsize) -> TagFact {
    let bytes = tags.iter().flatten().map(|tag| tag.as_str().len() + PER_TAG).sum::<usize>();
    if kept.fetch_add(bytes, Ordering::Relaxed) + bytes <= MOST_TAGS {
        return Ok(tags.map(Arc::new));
    }
    let message =
        format!("too many tags for axes: the tags of all repositories need more than {} MiB", MOST_TAGS >> 20);
    let problem = Problem::error("mlist::registry::too_large", message);
    Err(Box::new(problem.help("use fewer repositories in `tags-of`, or select fewer lists")))
}

/// Returns `loaded` if it has no errors. If all errors come from registries, the exit status is not that of an invalid
/// file.
fn good(loaded: Loaded, ui: &Ui) -> Result<Loaded, ExitStatus> {
    let mut errors = loaded.problems.iter().filter(|problem| problem.severity == Severity::Error).peekable();
    if errors.peek().is_none() {
        return Ok(loaded);
    }
    let of_the_file = errors.any(Problem::is_of_file);
    let status = if of_the_file { ExitStatus::Usage } else { ExitStatus::Failed };
    Err(ui.show(Document::problems(Context::of(loaded.sources), loaded.problems, status)))
}

/// manifests.toml, found but not loaded yet.
struct ProjectFile {
    sources: Sources,
    /// The index of manifests.toml in `sources`.
    file: usize,
    trust: Trust,
    boundary: Option<Boundary>,
    clock: Clock,
}

impl ProjectFile {
    fn open(input: &InputOptions, ui: &Ui) -> Result<Self, ExitStatus> {
        let found = Self::read(input.file.as_deref(), input).map_err(|problem| {
            let mut sources = Sources::default();
            if let Some(file) = &input.file {
                // The file has no text, but the report needs its name.
                sources.add(SourceFile { name: file.display().to_string(), text: "".into() });
            }
            ui.show(Document::problems(Context::of(sources), vec![*problem], ExitStatus::Usage))
        })?;
        if let (None, Some(file)) = (&input.file, found.sources.get(found.file)) {
            announce(&file.name, ui);
        }
        Ok(found)
    }

    /// Reads `path`, otherwise the nearest manifests.toml.
    fn read(path: Option<&Path>, input: &InputOptions) -> Result<Self, Box<Problem>> {
        let clock = Clock::start();
        let ManifestFile { file, boundary } = host::manifest_file(path, &input.paths)?;
        let mut sources = Sources::default();
        let file = sources.add(file);
        let root = boundary.as_ref().map(|boundary| boundary.named().to_owned());
        let trust = Trust { root, author: input.author.clone() };
        Ok(Self { sources, file, trust, boundary, clock })
    }
}

/// manifests.toml while it is being loaded.
struct Reading<'a> {
    loader: Loader<'a>,
    boundary: Option<&'a Boundary>,
    facts: Facts,
}

impl<'a> Reading<'a> {
    fn new(file: &'a ProjectFile, input: &'a InputOptions, purpose: LoadPurpose) -> Self {
        let ProjectFile { sources, file, trust, boundary, .. } = file;
        let InputOptions { overrides, selectors, .. } = input;
        let loader = Loader::new(LoadRequest { sources, file: *file, overrides, selectors, trust, purpose });
        Self { loader, boundary: boundary.as_ref(), facts: Facts::default() }
    }

    /// Loads as much as possible without tags and answers all questions about this machine. Returns the repositories
    /// whose tags are still needed, and what was loaded.
    fn load(&mut self) -> (BTreeSet<Place>, Loaded) {
        loop {
            match self.loader.load(&self.facts) {
                LoadOutcome::Needs(questions) => host::answer(&questions, self.boundary, &mut self.facts),
                LoadOutcome::NeedsTags(places, loaded) => return (places, loaded),
                LoadOutcome::Done(loaded) => return (BTreeSet::new(), loaded),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_for_axes_have_a_limit_for_all_repositories() {
        let tags = || Some((0..100_000).map(|at| Tag::parse(&format!("{at:0>128}")).unwrap()).collect());
        let kept = AtomicUsize::new(0);
        assert!(limited(tags(), &kept).is_ok() && limited(None, &kept).is_ok() && limited(tags(), &kept).is_ok());
        let problem = limited(tags(), &kept).unwrap_err();
        assert_eq!(problem.message, "too many tags for axes: the tags of all repositories need more than 48 MiB");
    }
}
