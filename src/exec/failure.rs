//! [`StepFailure`]: why a step of a list failed, and the problems that occur only during execution.

use crate::config::problem::Problem;
use crate::oci::{Digest, MalformedJson, Reference};
use crate::plan::contradictory;
use crate::registry::{ErrorKind, RegistryError};

use super::registry_problem::{publishing_problem, short};

/// Why a step of a list failed.
#[derive(Debug, Clone)]
pub(super) enum StepFailure {
    /// The run is being stopped.
    Stopped,
    /// Another writer has moved a tag since the list was planned.
    Moved(Box<Problem>),
    /// The registry reported a manifest as invalid (`MANIFEST_INVALID`).
    InvalidManifest(Box<Problem>),
    /// Any other reason.
    Problem(Box<Problem>),
}

impl StepFailure {
    /// Returns the failure that what `reference` named when the list was planned no longer exists.
    pub(super) fn gone(reference: &Reference) -> Self {
        let problem = Problem::error("mlist::exec::member_gone", format!("{reference} was deleted after the plan"))
            .help("run mlist sync again to plan with the current content");
        Self::Problem(passing(problem.about(reference)))
    }

    /// Returns the failure that the manifest of a member is not valid.
    pub(super) fn malformed(reference: &Reference, why: &MalformedJson) -> Self {
        let problem = Problem::error("mlist::exec::bad_manifest", format!("{reference} is not a valid image manifest"))
            .because(why.to_string())
            .help("push the image again")
            .about(reference);
        Self::Problem(Box::new(problem))
    }

    /// Returns the failure that another writer has written `reference` since the list was planned.
    pub(super) fn moved(reference: &Reference, planned: Option<&Digest>, found: Option<&Digest>) -> Self {
        let name = |digest: Option<&Digest>| digest.map_or_else(|| "not found".to_owned(), short);
        let message = format!("{reference} was moved by another job after the plan");
        let problem = Problem::error("mlist::exec::moved_meanwhile", message)
            .because(format!("expected {}, found {}", name(planned), name(found)))
            .help("run mlist sync again to plan with the current tags");
        Self::Moved(passing(problem.about(reference)))
    }

    /// Returns the failure that the registry's answers about `reference` contradict each other. `why` says which.
    pub(super) fn contradictory(reference: &Reference, why: &str) -> Self {
        Self::Problem(Box::new(contradictory(reference, why.to_owned())))
    }

    /// Returns the failure that the registry accepted `what`, but does not have it.
    pub(super) fn not_stored(reference: &Reference, what: &str) -> Self {
        Self::contradictory(reference, &format!("the registry accepted the {what}, but then responded 404 for it"))
    }

    /// Returns the failure that other writers change `reference` each time before this run reads it again.
    pub(super) fn contended(reference: &Reference) -> Self {
        let problem = Problem::error(
            "mlist::exec::contended",
            format!("{reference} is constantly changed by other jobs"),
        )
        .because("the tag was different each time it was read".to_owned())
        .help("publish this tag from only one job at a time, or run mlist sync again when the other jobs have ended");
        Self::Problem(passing(problem.about(reference)))
    }

    /// Returns the problem to show. `None` if the run is being stopped.
    pub(super) fn into_problem(self) -> Option<Problem> {
        match self {
            Self::Stopped => None,
            Self::Moved(problem) | Self::InvalidManifest(problem) | Self::Problem(problem) => Some(*problem),
        }
    }
}

/// Marks `problem` as one that may not occur again if the same command is repeated.
fn passing(problem: Problem) -> Box<Problem> {
    Box::new(Problem { retry: true, ..problem })
}

impl From<Box<RegistryError>> for StepFailure {
    fn from(error: Box<RegistryError>) -> Self {
        match error.kind {
            ErrorKind::Stopped => Self::Stopped,
            _ if error.code.as_deref() == Some("MANIFEST_INVALID") => {
                Self::InvalidManifest(Box::new(publishing_problem(&error)))
            }
            _ => Self::Problem(Box::new(publishing_problem(&error))),
        }
    }
}
