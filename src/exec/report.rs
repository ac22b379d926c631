//! [`Report`]: the result of every list, and the exit status that follows from it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::config::problem::Problem;
use crate::plan::change::{Action, ListPlan, Summary};
use crate::plan::{InspectionEnding, ListState};

pub use crate::registry::{HostStats, Stats};

/// The outcome of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every tag names it now.
    Published,
    /// Every tag already named it before.
    Unchanged,
    /// The registry's answer does not allow it. Action is needed.
    Blocked,
    /// There was no usable answer. Some of its children or tags may have been written.
    Failed,
    /// The run was stopped before it was complete.
    Cancelled {
        /// Whether work on it had begun.
        begun: bool,
    },
}

/// Whether a tag was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagDone {
    /// It names the list.
    Yes,
    /// It was not changed.
    No,
    /// The response to its PUT was lost or not waited for.
    Unknown,
}

/// The result of one list.
#[derive(Debug, Clone)]
pub struct ListReport {
    /// What was to be done and, for floating tags, what was done: a newer version may have been published since they
    /// were planned.
    pub plan: Arc<ListPlan>,
    /// The outcome.
    pub outcome: Outcome,
    /// How long work on it took. Zero if there was none.
    pub duration: Duration,
    /// One result per tag of the plan.
    pub tags: Vec<TagDone>,
    /// One result per member tag.
    pub member_tags: Vec<TagDone>,
    /// The problems of the plan and of its execution.
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

/// The result of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// One report per list of the plan, in its order.
    pub lists: Vec<Arc<ListReport>>,
    /// When the run began.
    pub started_at: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// The requests made to each host.
    pub requests: Stats,
    /// The signal that stopped it early, if any.
    pub stopped_by: Option<Signal>,
}

/// The exit statuses of mlist. Scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: every list is published as declared or, for a plan, nothing prevents that.
    Done,
    /// 1: some list has no usable answer or failed. The same command may succeed later.
    Failed,
    /// 2: invalid command line or manifests.toml.
    Usage,
    /// 3: changes pending (`plan --exit-code`), or something published differs or is damaged (`verify`).
    Differs,
    /// 4: some list is blocked. Action is needed.
    Blocked,
    /// 130: SIGINT.
    Interrupted,
    /// 143: SIGTERM.
    Terminated,
}

impl ExitStatus {
    /// Returns the number.
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

    /// Returns the exit status of a plan. Pending changes count only if that was requested (`--exit-code`).
    #[must_use]
    pub fn of_plan(summary: &Summary, changes_count: bool) -> Self {
        match summary {
            Summary { failed: 1.., .. } => Self::Failed,
            Summary { blocked: 1.., .. } => Self::Blocked,
            Summary { create, update, .. } if changes_count && create + update > 0 => Self::Differs,
            _ => Self::Done,
        }
    }

    /// Returns the exit status of a comparison of published lists with declared ones.
    #[must_use]
    pub fn of_states(states: impl Iterator<Item = ListState>) -> Self {
        let states: Vec<ListState> = states.collect();
        let any = |wanted: &[ListState]| states.iter().any(|state| wanted.contains(state));
        if any(&[ListState::Failed]) {
            Self::Failed
        } else if any(&[ListState::Blocked]) {
            Self::Blocked
        } else if any(&[ListState::Differs, ListState::Damaged, ListState::Absent]) {
            Self::Differs
        } else {
            Self::Done
        }
    }

    /// Returns the exit status of an inspection.
    #[must_use]
    pub fn of_inspection(ending: InspectionEnding) -> Self {
        match ending {
            InspectionEnding::Complete => Self::Done,
            InspectionEnding::Blocked => Self::Blocked,
            InspectionEnding::Failed => Self::Failed,
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
    /// Returns the exit status that follows from the outcomes.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        let any = |test: fn(Outcome) -> bool| self.lists.iter().any(|list| test(list.outcome));
        match self.stopped_by {
            Some(signal) => signal.into(),
            // `--fail-fast` cancels the lists after a failure, so the failure decides.
            None if any(|outcome| matches!(outcome, Outcome::Failed)) => ExitStatus::Failed,
            None if any(|outcome| matches!(outcome, Outcome::Blocked)) => ExitStatus::Blocked,
            None if any(|outcome| matches!(outcome, Outcome::Cancelled { .. })) => ExitStatus::Failed,
            None => ExitStatus::Done,
        }
    }
}

impl ListReport {
    /// Returns the word used in output: `created`, `updated`, `unchanged`, `blocked`, `failed`, `cancelled`.
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
