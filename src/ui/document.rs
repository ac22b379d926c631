//! [`Document`]: the result of a command, before it is rendered.

use std::time::Duration;

use crate::config::Loaded;
use crate::config::model::LeftOut;
use crate::config::problem::{Problem, Sources};
use crate::exec::report::{ExitStatus, Report, Signal, Stats};
use crate::plan::Plan;

/// The result of a command.
#[derive(Debug)]
pub struct Document {
    /// The file and what is wrong with it.
    pub(super) context: Context,
    /// What came of it.
    pub(super) content: Content,
    /// The exit status.
    pub(super) status: ExitStatus,
}

/// The file that a command was about, whatever the result.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// What spans point into; the first is manifests.toml, where it was found.
    pub sources: Sources,
    /// Warnings about the file.
    pub warnings: Vec<Problem>,
    /// Selected lists to which no tag applies.
    pub left_out: Vec<LeftOut>,
}

/// What came of a command.
#[derive(Debug)]
pub(super) enum Content {
    /// manifests.toml is valid.
    Check(Checked),
    /// Errors, before anything could be done.
    Problems(Vec<Problem>),
    /// What would be published, and the requests that it took to find out.
    Plan { plan: Plan, requests: Stats },
    /// What was published, and what was not.
    Report(Report),
    /// Stopped by a signal before anything was decided.
    Interrupted { after: Duration },
}

/// The counts of a valid file.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) lists: usize,
    pub(super) members: usize,
    pub(super) tags: usize,
    /// Entries whose lists are not known before tags are listed.
    pub(super) unexpanded: Vec<String>,
}

impl Document {
    /// A valid manifests.toml.
    #[must_use]
    pub fn check(loaded: &Loaded) -> Self {
        let lists = &loaded.publications;
        let checked = Checked {
            lists: lists.len(),
            members: lists.iter().map(|list| list.members.len()).sum(),
            tags: lists.iter().map(|list| list.tags.len()).sum(),
            unexpanded: loaded.unexpanded.clone(),
        };
        Self { context: loaded.into(), content: Content::Check(checked), status: ExitStatus::Done }
    }

    /// Errors before anything could be done: in manifests.toml, in a selector, on this machine.
    #[must_use]
    pub fn problems(context: Context, problems: Vec<Problem>, status: ExitStatus) -> Self {
        Self { context, content: Content::Problems(problems), status }
    }

    /// A plan, and what the registries were asked for it.
    #[must_use]
    pub fn plan(context: Context, plan: Plan, requests: Stats, status: ExitStatus) -> Self {
        Self { context, content: Content::Plan { plan, requests }, status }
    }

    /// The end of a run.
    #[must_use]
    pub fn report(context: Context, report: Report) -> Self {
        let status = report.exit_status();
        Self { context, content: Content::Report(report), status }
    }

    /// A command that was stopped before anything was decided.
    #[must_use]
    pub fn interrupted(context: Context, signal: Signal, after: Duration) -> Self {
        Self { context, content: Content::Interrupted { after }, status: signal.into() }
    }
}

impl Context {
    /// The files alone, without warnings.
    #[must_use]
    pub fn of(sources: Sources) -> Self {
        Self { sources, ..Self::default() }
    }

    /// The name of manifests.toml.
    pub(super) fn file(&self) -> Option<&str> {
        self.sources.get(0).map(|file| file.name.as_str())
    }
}

impl From<&Loaded> for Context {
    /// Of a file that was loaded without errors.
    fn from(loaded: &Loaded) -> Self {
        let Loaded { sources, problems, left_out, .. } = loaded;
        Self { sources: sources.clone(), warnings: problems.clone(), left_out: left_out.clone() }
    }
}
