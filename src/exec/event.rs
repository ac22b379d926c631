//! [`Event`]: what happens during a run, as it happens. A listener may show it, but does not have to.

use std::sync::Arc;
use std::time::Duration;

use crate::oci::{Host, Platform};
use crate::plan::change::Plan;

use super::report::ListReport;

pub use crate::registry::Notice;

/// Something that happened. Lists are identified by their position in the [`Plan`].
#[derive(Debug, Clone)]
pub enum Event {
    /// The registries are being read.
    Reading {
        /// The number of lists that are decided.
        done: usize,
        /// The number of all lists.
        total: usize,
    },
    /// The tags of repositories are being listed.
    ListingTags {
        /// The number of repositories that are complete.
        done: usize,
        /// The number of all repositories.
        total: usize,
    },
    /// Some members do not exist yet, and are queried again for as long as the file says. Their lists cannot be decided
    /// meanwhile.
    Waiting {
        /// The number of these members. 0 once the wait is over.
        members: usize,
        /// The maximum time until the last of them is given up.
        left: Duration,
    },
    /// The plan is complete and is about to be carried out.
    Planned(Arc<Plan>),
    /// Work on a list began.
    Began {
        /// The list.
        list: usize,
    },
    /// A list made progress.
    Step {
        /// The list.
        list: usize,
        /// What it does now.
        step: ListStep,
    },
    /// A list has its outcome. Sent once per list, in the order in which they end.
    Ended {
        /// The list.
        list: usize,
        /// Its report.
        report: Arc<ListReport>,
    },
    /// The first Ctrl-C or SIGTERM was received.
    Stopping {
        /// The number of lists that are in the middle of a step.
        lists: usize,
    },
    /// A notice from the registries: a pause or, for `-vv`, a request. Bytes being sent are reported as
    /// [`ListStep::Copying`] of their list instead.
    Notice(Notice),
}

/// What is being done for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListStep {
    /// A member is being copied within a registry, and no bytes had to be sent so far.
    Mounting {
        /// The platform of the member.
        platform: Platform,
    },
    /// Bytes of a member are being sent.
    Copying {
        /// The platform of the member.
        platform: Platform,
        /// The registry that they are copied from, if it is not the registry of the list.
        from: Option<Host>,
        /// Sent so far, in bytes.
        sent: u64,
        /// The total, in bytes. 0 if it is not known yet.
        of: u64,
    },
    /// A member is in the target.
    Copied {
        /// The platform of the member.
        platform: Platform,
        /// The number of members that are in the target.
        done: usize,
        /// The number of members to copy.
        of: usize,
    },
    /// The list itself and its tags are being written.
    Writing,
}

/// Receives events. It is called from anywhere and must not block.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;
