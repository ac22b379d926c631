//! [`Document`]: the result of a command, before it is rendered.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::config::model::LeftOut;
use crate::config::problem::{Problem, Sources};
use crate::config::{Loaded, Publication};
use crate::exec::report::{ExitStatus, Report, Signal, Stats};
use crate::plan::{Inspection, ListState, Plan, TagListing, Verification};

/// All that a command has to show at its end, and its exit status.
#[derive(Debug)]
pub struct Document {
    /// The file and its warnings.
    pub(super) context: Context,
    /// The result itself.
    pub(super) content: Content,
    /// The exit status of the process.
    pub(super) status: ExitStatus,
}

/// The file that a command was run on, whatever the result.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The files that spans refer to. manifests.toml comes first, if it was found.
    pub sources: Sources,
    /// Warnings about the file.
    pub warnings: Vec<Problem>,
    /// The selected lists to which no tag applies.
    pub left_out: Vec<LeftOut>,
}

/// The result of a command.
#[derive(Debug)]
pub(super) enum Content {
    /// manifests.toml is valid.
    Check(Checked),
    /// What manifests.toml expands to.
    Declared { checked: Checked, took: Duration },
    /// Errors that occurred before anything could be done.
    Problems(Vec<Problem>),
    /// The changes that a sync would make, and the requests that were needed to determine them.
    Plan { plan: Plan, requests: Stats },
    /// What is published of the lists.
    Lists(VerifiedLists),
    /// The tags of the repositories that lists are published to.
    Tags { listings: Vec<TagListing>, requests: Stats, took: Duration },
    /// The lists that were published, and those that were not.
    Report(Report),
    /// How the published lists compare with the declared ones.
    Verification(VerifiedLists),
    /// The manifests that a reference leads to, and the requests that were needed.
    Tree { inspection: Box<Inspection>, requests: Stats },
    /// The command was stopped by a signal before anything was decided.
    Interrupted { after: Duration },
}

/// Published lists, compared with the declared ones.
#[derive(Debug)]
pub struct VerifiedLists {
    /// The selected lists, in file order.
    pub lists: Vec<Arc<Verification>>,
    /// When it began.
    pub started_at: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// The requests made to each host.
    pub requests: Stats,
}

/// What a valid file expands to.
#[derive(Debug)]
pub(super) struct Checked {
    /// The selected lists, in file order.
    pub(super) publications: Vec<Arc<Publication>>,
    /// Entries that cannot be expanded to lists until the tags of a registry are listed.
    pub(super) unexpanded: Vec<String>,
}

/// The maximum number of problems of a file that are shown. A file can have any number, and more are not read.
const SHOWN: usize = 100;

/// Returns the problems of a file that are shown, and the number of the others.
pub(super) fn shown(problems: &[Problem]) -> (&[Problem], usize) {
    let shown = &problems[..problems.len().min(SHOWN)];
    (shown, problems.len() - shown.len())
}

impl Document {
    /// The result for a valid manifests.toml.
    #[must_use]
    pub fn check(loaded: &Loaded) -> Self {
        Self { context: loaded.into(), content: Content::Check(loaded.into()), status: ExitStatus::Done }
    }

    /// What a valid manifests.toml expands to.
    #[must_use]
    pub fn declared(loaded: &Loaded, took: Duration) -> Self {
        let content = Content::Declared { checked: loaded.into(), took };
        Self { context: loaded.into(), content, status: ExitStatus::Done }
    }

    /// What is published of the lists. Its status says only whether all of it is known.
    #[must_use]
    pub fn lists(context: Context, lists: VerifiedLists) -> Self {
        let is_known = lists.lists.iter().all(|list| list.state != ListState::Failed);
        let status = if is_known { ExitStatus::Done } else { ExitStatus::Failed };
        Self { context, content: Content::Lists(lists), status }
    }

    /// The tags of repositories, and the requests that were sent to list them.
    #[must_use]
    pub fn tags(context: Context, listings: Vec<TagListing>, requests: Stats, took: Duration) -> Self {
        let is_complete = listings.iter().all(|listing| listing.problems.is_empty());
        let status = if is_complete { ExitStatus::Done } else { ExitStatus::Failed };
        Self { context, content: Content::Tags { listings, requests, took }, status }
    }

    /// Errors that occurred before anything could be done: in manifests.toml, in a selector or on this machine.
    #[must_use]
    pub fn problems(context: Context, problems: Vec<Problem>, status: ExitStatus) -> Self {
        Self { context, content: Content::Problems(problems), status }
    }

    /// A plan, and the requests that were sent to make it.
    #[must_use]
    pub fn plan(context: Context, plan: Plan, requests: Stats, status: ExitStatus) -> Self {
        Self { context, content: Content::Plan { plan, requests }, status }
    }

    /// Published lists, compared with the declared ones.
    #[must_use]
    pub fn verification(context: Context, verified: VerifiedLists) -> Self {
        let status = ExitStatus::of_states(verified.lists.iter().map(|list| list.state));
        Self { context, content: Content::Verification(verified), status }
    }

    /// The manifests that a reference leads to, and the requests that were sent to read them.
    #[must_use]
    pub fn tree(context: Context, inspection: Inspection, requests: Stats, status: ExitStatus) -> Self {
        let inspection = Box::new(inspection);
        Self { context, content: Content::Tree { inspection, requests }, status }
    }

    /// The report at the end of a run.
    #[must_use]
    pub fn report(context: Context, report: Report) -> Self {
        let status = report.exit_status();
        Self { context, content: Content::Report(report), status }
    }

    /// The result of a command that was stopped before anything was decided.
    #[must_use]
    pub fn interrupted(context: Context, signal: Signal, after: Duration) -> Self {
        Self { context, content: Content::Interrupted { after }, status: signal.into() }
    }
}

impl Context {
    /// Creates a context that has the files but no warnings.
    #[must_use]
    pub fn of(sources: Sources) -> Self {
        Self { sources, ..Self::default() }
    }

    /// The name of manifests.toml, if it was found.
    pub(super) fn file(&self) -> Option<&str> {
        self.sources.get(0).map(|file| file.name.as_str())
    }
}

impl From<&Loaded> for Checked {
    fn from(loaded: &Loaded) -> Self {
        let Loaded { publications, unexpanded, .. } = loaded;
        Self { publications: publications.clone(), unexpanded: unexpanded.clone() }
    }
}

impl From<&Loaded> for Context {
    /// Creates the context of a file that was loaded without errors.
    fn from(loaded: &Loaded) -> Self {
        let Loaded { sources, problems, left_out, .. } = loaded;
        Self { sources: sources.clone(), warnings: problems.clone(), left_out: left_out.clone() }
    }
}
