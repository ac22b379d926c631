//! [`Report`]: what came of every list, and the exit status that follows from it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::config::problem::Problem;
use crate::plan::change::{Action, ListPlan, Summary};

pub use crate::registry::{HostStats, Stats};

/// What came of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every tag names it now.
    Published,
    /// Every tag named it before.
    Unchanged,
    /// The registry's answer forbids it: someone must act.
    Blocked,
    /// No usable answer; some of its children or tags may have been written.
    Failed,
    /// The run was stopped before its end.
    Cancelled {
        /// Whether anything had been begun.
        begun: bool,
    },
}

/// Whether a tag was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagDone {
    /// It names the list.
    Yes,
    /// It was not touched.
    No,
    /// The answer to its PUT was lost or not awaited.
    Unknown,
}

/// What came of one list.
#[derive(Debug, Clone)]
pub struct ListReport {
    /// What was to be done, and of tags that only the newest version has, what was done: a newer one may have come out
    /// since they were planned.
    pub plan: Arc<ListPlan>,
    /// What came of it.
    pub outcome: Outcome,
    /// How long work on it took; zero where there was none.
    pub duration: Duration,
    /// One for each tag of the plan.
    pub tags: Vec<TagDone>,
    /// One for each tag of a member by itself.
    pub member_tags: Vec<TagDone>,
    /// Those of the plan and those of its execution.
    pub problems: Vec<Problem>,
}

/// The signal that stopped a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// One for each list of the plan, in its order.
    pub lists: Vec<Arc<ListReport>>,
    /// When it began.
    pub started_at: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// What the hosts were asked.
    pub requests: Stats,
    /// What stopped it early.
    pub stopped_by: Option<Signal>,
}

/// The exit statuses of mlist, a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: all stands as declared, or (of a plan) nothing prevents it.
    Done,
    /// 1: some list has no usable answer or failed; the same command may succeed later.
    Failed,
    /// 2: the command line or manifests.toml.
    Usage,
    /// 3: changes pending (`plan --exit-code`).
    Differs,
    /// 4: some list is blocked; someone must act.
    Blocked,
    /// 130: SIGINT.
    Interrupted,
    /// 143: SIGTERM.
    Terminated,
}

impl ExitStatus {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Differs => 3,
            Self::Blocked => 4,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// That of a plan; pending changes count only where they were asked for (`--exit-code`).
    #[must_use]
    pub fn of_plan(summary: &Summary, changes_count: bool) -> Self {
        match summary {
            Summary { failed: 1.., .. } => Self::Failed,
            Summary { blocked: 1.., .. } => Self::Blocked,
            Summary { create, update, .. } if changes_count && create + update > 0 => Self::Differs,
            _ => Self::Done,
        }
    }
}

impl From<Signal> for ExitStatus {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Interrupt => Self::Interrupted,
            Signal::Terminate => Self::Terminated,
        }
    }
}

impl Report {
    /// The exit status that follows from the outcomes.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        let any = |test: fn(Outcome) -> bool| self.lists.iter().any(|list| test(list.outcome));
        match self.stopped_by {
            Some(signal) => signal.into(),
            // `--fail-fast` cancels what follows a failure: the failure decides.
            None if any(|outcome| matches!(outcome, Outcome::Failed)) => ExitStatus::Failed,
            None if any(|outcome| matches!(outcome, Outcome::Blocked)) => ExitStatus::Blocked,
            None if any(|outcome| matches!(outcome, Outcome::Cancelled { .. })) => ExitStatus::Failed,
            None => ExitStatus::Done,
        }
    }
}

impl ListReport {
    /// `created`, `updated`, `unchanged`, `blocked`, `failed`, `cancelled`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.outcome, self.plan.action) {
            (Outcome::Published, Action::Create) => "created",
            (Outcome::Published, _) => "updated",
            (Outcome::Unchanged, _) => "unchanged",
            (Outcome::Blocked, _) => "blocked",
            (Outcome::Failed, _) => "failed",
            (Outcome::Cancelled { .. }, _) => "cancelled",
        }
    }
}
