//! [`Document`]: what a command has to say at its end, in no form yet.

use std::time::Duration;

use crate::config::Loaded;
use crate::config::model::LeftOut;
use crate::config::problem::{Problem, Sources};
use crate::exec::report::{ExitStatus, Report, Signal, Stats};
use crate::plan::Plan;

/// What a command has to say at its end.
#[derive(Debug)]
pub struct Document {
    /// What it is about.
    pub(super) context: Context,
    /// What came of it.
    pub(super) content: Content,
    /// How the command ends.
    pub(super) status: ExitStatus,
}

/// What a command was about, whatever came of it.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// What spans point into; the first is manifests.toml, where it was found.
    pub sources: Sources,
    /// What the file says that is not right and keeps nothing from being done.
    pub warnings: Vec<Problem>,
    /// Selected lists to which no tag applies.
    pub left_out: Vec<LeftOut>,
}

/// What came of a command.
#[derive(Debug)]
pub(super) enum Content {
    /// manifests.toml is good.
    Check(Checked),
    /// It is not, or something else keeps the command from being done.
    Problems(Vec<Problem>),
    /// What is to be published.
    Plan { plan: Plan, requests: Stats },
    /// What was published.
    Report(Report),
    /// It was stopped before anything was decided, after so long.
    Interrupted { after: Duration },
}

/// How much a good file declares.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) lists: usize,
    pub(super) members: usize,
    pub(super) tags: usize,
    /// Entries that stand for lists which only tags tell.
    pub(super) unexpanded: Vec<String>,
}

impl Document {
    /// manifests.toml is good.
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

    /// What is wrong before anything could be done: manifests.toml, a selector, this machine.
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
    /// Of `sources`, and nothing is known of what they say.
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
    /// Of what was loaded and is good.
    fn from(loaded: &Loaded) -> Self {
        let Loaded { sources, problems, left_out, .. } = loaded;
        Self { sources: sources.clone(), warnings: problems.clone(), left_out: left_out.clone() }
    }
}
