//! [`Failure`]: why a step of a list came to nothing, and the problems that only the execution can have.

use crate::config::problem::Problem;
use crate::oci::{Digest, MalformedJson, Reference};
use crate::registry::{ErrorKind, RegistryError};

use super::cause::{problem, short};

/// A tag was moved by someone else.
const MOVED: &str = "mlist::exec::moved_meanwhile";

/// Why a step came to nothing.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// The run is being stopped: nobody's fault.
    Stopped,
    /// This is why.
    Problem(Box<Problem>),
}

impl Failure {
    /// What `reference` named when the list was planned is there no more.
    pub(super) fn gone(reference: &Reference) -> Self {
        let problem = Problem::error("mlist::exec::member_gone", format!("{reference} is gone since it was planned"))
            .help("sync again: it plans anew with what is there now");
        Self::passing(problem.about(reference))
    }

    /// The manifest of a member is none.
    pub(super) fn malformed(reference: &Reference, why: &MalformedJson) -> Self {
        let problem = Problem::error("mlist::exec::bad_manifest", format!("{reference} is no image"))
            .because(why.to_string())
            .help("push it anew: what its digest names can't be read")
            .about(reference);
        Self::Problem(Box::new(problem))
    }

    /// Someone else has written `reference` since the list was planned.
    pub(super) fn moved(reference: &Reference, planned: Option<&Digest>, found: Option<&Digest>) -> Self {
        let name = |digest: Option<&Digest>| digest.map_or_else(|| "absent".to_owned(), short);
        let problem = Problem::error(MOVED, format!("{reference} was moved meanwhile"))
            .because(format!("it was {} when this was planned, and is now {}", name(planned), name(found)))
            .help("sync again: it plans anew from what is there now");
        Self::passing(problem.about(reference))
    }

    /// Others write `reference` as fast as this run reads it.
    pub(super) fn contended(reference: &Reference) -> Self {
        let problem =
            Problem::error("mlist::exec::contended", format!("{reference} is written by others all the time"))
                .because("it was something else each time it was read again".to_owned())
                .help("sync again once they are done: nothing is lost that has a tag of its own");
        Self::passing(problem.about(reference))
    }

    /// Whether someone else has written a tag since the list was planned.
    pub(super) fn is_moved(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.code == MOVED)
    }

    /// A problem that the same command need not meet again.
    fn passing(problem: Problem) -> Self {
        Self::Problem(Box::new(Problem { retry: true, ..problem }))
    }
}

impl From<Box<RegistryError>> for Failure {
    fn from(error: Box<RegistryError>) -> Self {
        match error.kind {
            ErrorKind::Stopped => Self::Stopped,
            _ => Self::Problem(Box::new(problem(&error))),
        }
    }
}
