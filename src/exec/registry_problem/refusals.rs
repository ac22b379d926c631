//! Messages for what a registry does not have, return or accept, and what another attempt does not change.

use std::time::Duration;

use crate::config::problem::Problem;
use crate::oci::Place;

use super::{Subject, asked_to_wait};

impl Subject<'_> {
    /// Describes a repository or blob that was not found.
    pub(super) fn not_found(&self) -> Problem {
        const CODE: &str = "mlist::registry::not_found";
        let (host, doing, target) = (&self.host, self.error.operation, &self.error.target);
        let names_no_repository = matches!(self.error.code.as_deref(), Some("NAME_UNKNOWN" | "NOT_FOUND"));
        let generic = || Problem::error(CODE, format!("cannot {doing} {target}: not found"));
        if self.reads() {
            let help = "push the image again: what its manifest names is not there";
            return self.with_words(generic()).help(help).about(target);
        }
        match self.error.target.place() {
            // This problem is equal for everything that was to be written there, so it is reported once.
            Some(place @ Place::Repository(_)) if names_no_repository => self
                .with_words(Problem::error(CODE, format!("there is no repository {place}")))
                .help(format!("create it on {host}, which makes none by itself, or correct its name in manifests.toml"))
                .about(place),
            _ => self
                .with_words(generic())
                .help(format!("create the repository on {host}, or correct its name in manifests.toml"))
                .about(target),
        }
    }

    /// Describes a pull quota that is used up.
    pub(super) fn pull_quota(&self, retry_after: Option<Duration>) -> Problem {
        let host = &self.host;
        let message = format!("{host} gives out no more images for now: 0 pulls left");
        let problem = self.with_words(Problem::error("mlist::registry::rate_limited", message));
        asked_to_wait(problem, retry_after)
            .help(format!("sync again later, or log in as someone who may pull more: docker login {host}"))
    }

    /// Describes a tag that cannot be moved.
    pub(super) fn immutable(&self) -> Problem {
        let (host, target) = (&self.host, &self.error.target);
        let message = format!("{target} is immutable: {host} refuses to write it");
        self.with_words(Problem::error("mlist::registry::immutable", message))
            .help(format!("publish under another tag, or have the rule lifted that protects this one on {host}"))
            .about(target)
    }

    /// Describes a manifest or blob that is larger than the registry accepts.
    pub(super) fn oversized(&self) -> Problem {
        let (host, target) = (&self.host, &self.error.target);
        let message = format!("{target} is larger than {host} takes");
        self.with_words(Problem::error("mlist::registry::too_large", message))
            .help(format!("raise the limit of {host}, or of the proxy before it"))
            .about(target)
    }

    /// Describes a repository that has more tags than are read.
    pub(super) fn too_many_tags(&self, limit: usize) -> Problem {
        let target = &self.error.target;
        let message = format!("{target} has more than {limit} tags, the most that are read");
        Problem::error("mlist::registry::too_large", message).help("have those removed that nobody needs").about(target)
    }

    /// Whether the failed operation only reads.
    pub(super) fn reads(&self) -> bool {
        self.error.operation.only_reads()
    }
}
