//! [`Event`]: what happens during a run, as it happens. Whoever listens shows it; nobody needs to.

use std::sync::Arc;
use std::time::Duration;

use crate::oci::Platform;
use crate::plan::change::Plan;

use super::report::ListReport;

pub use crate::registry::Notice;

/// Something that happened. Lists are named by their place in the [`Plan`].
#[derive(Debug, Clone)]
pub enum Event {
    /// The registries are being read: so many lists of all are decided.
    Reading {
        /// Decided.
        done: usize,
        /// Of so many.
        total: usize,
    },
    /// Members are absent and are asked for again, as the file says how long: so many; none once that is over. They
    /// keep their lists from being decided.
    Waiting {
        /// How many members.
        members: usize,
        /// How long the last of them is asked for at most.
        left: Duration,
    },
    /// The plan stands and is about to be carried out.
    Planned(Arc<Plan>),
    /// Work on a list began.
    Began {
        /// Which.
        list: usize,
    },
    /// A list took a step.
    Step {
        /// Which.
        list: usize,
        /// What it does now.
        step: ListStep,
    },
    /// A list has its outcome; comes once for each list, in the order in which they end.
    Ended {
        /// Which.
        list: usize,
        /// What came of it.
        report: Arc<ListReport>,
    },
    /// The first Ctrl-C or SIGTERM was seen: so many lists are in the middle of a step.
    Stopping {
        /// How many.
        lists: usize,
    },
    /// What the registries have to say for themselves: pauses and, for `-vv`, requests. Bytes on their way are a
    /// [`ListStep::Copying`] of their list instead.
    Notice(Notice),
}

/// What a list is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListStep {
    /// A member is put into the target; nothing had to be sent so far.
    Mounting {
        /// Which.
        platform: Platform,
        /// So many children stand.
        done: usize,
        /// Of so many.
        of: usize,
    },
    /// Bytes of a member are sent.
    Copying {
        /// Which.
        platform: Platform,
        /// Sent so far, in bytes.
        sent: u64,
        /// Of so many.
        of: u64,
    },
    /// The list itself and its tags are written.
    Writing,
}

/// Takes events; called from anywhere, must not block.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;
