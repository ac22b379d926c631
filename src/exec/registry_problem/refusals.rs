//! Messages for what a registry does not have, return or accept, and what another attempt does not change.

use std::time::Duration;

use crate::config::problem::Problem;
use crate::oci::{Digest, Locator, Place, Reference};
use crate::registry::error::NAMED;
use crate::registry::{AskedAs, ErrorKind, ErrorTarget, HostHistory, Operation};

use super::{Subject, bytes, times, when};

impl Subject<'_> {
    /// Describes a repository or blob that was not found.
    pub(super) fn not_found(&self) -> Problem {
        const CODE: &str = "mlist::registry::not_found";
        let (host, target) = (&self.host, &self.error.target);
        let names_no_repository = matches!(self.error.code.as_deref(), Some("NAME_UNKNOWN" | "NOT_FOUND"));
        if self.reads() {
            let message = match target {
                ErrorTarget::Content(Reference { place, locator: Locator::Digest(digest) }) => {
                    format!("blob {digest} not found in {place}")
                }
                _ => self.failed("not found"),
            };
            return self.with_words(Problem::error(CODE, message)).help("push the image again").about(target);
        }
        match self.error.target.place() {
            // This problem is equal for everything that was to be written there, so it is reported once.
            Some(place @ Place::Repository(_)) if names_no_repository => self
                .with_words(Problem::error(CODE, format!("repository {place} not found")))
                .help(format!("create the repository on {host}, or correct its name in manifests.toml"))
                .about(place),
            _ => self
                .with_words(Problem::error(CODE, self.failed("repository not found")))
                .help(format!(
                    "create the repository on {host}, or check its name and your permission to push (some registries \
                     respond with 404 instead of 403)"
                ))
                .about(target),
        }
    }

    /// Describes a pull quota that is used up.
    pub(super) fn pull_quota(&self, retry_after: Option<Duration>) -> Problem {
        let host = &self.host;
        let message = format!("rate limited by {host}: no pulls left");
        let account = match self.error.credentials {
            AskedAs::With(_) => " with an account that has a higher limit",
            AskedAs::Anonymous { .. } | AskedAs::Unknown => "",
        };
        self.with_words(Problem::error("mlist::registry::rate_limited", message))
            .help(format!("{}, or log in{account}: docker login {host}", self.again(&when(retry_after))))
    }

    /// Describes a host that rejects requests because there are too many.
    pub(super) fn rate_limited(&self, retry_after: Option<Duration>) -> Problem {
        let host = &self.host;
        let again = self.again(&when(retry_after));
        let help = match self.error.target {
            // The limits in the file are those of the registry, not of its token server.
            ErrorTarget::Token(_) => again,
            _ => format!("{again}; to send fewer requests, set rate = \"5/s\" in [registry.\"{host}\"]"),
        };
        self.with_words(Problem::error("mlist::registry::rate_limited", format!("rate limited by {host}"))).help(help)
    }

    /// Describes content that is larger than mlist reads.
    pub(super) fn too_large(&self, limit: u64) -> Problem {
        let target = &self.error.target;
        let (what, help) = match self.error.operation {
            Operation::ReadManifest => ("manifest of", "check that this is a container image"),
            Operation::ReadBlob => ("config", "check that this is the config of a container image"),
            Operation::ReadTags => ("tag listing of", "delete tags that are no longer used"),
            Operation::ReadReferrers => ("referrer listing of", "delete referrers that are no longer used"),
            _ => ("manifest or config of", "check that this is a container image"),
        };
        let message = format!("the {what} {target} is larger than {}, the maximum that mlist reads", bytes(limit));
        Problem::error("mlist::registry::too_large", message).help(help).about(target)
    }

    /// Describes a tag that cannot be moved.
    pub(super) fn immutable(&self) -> Problem {
        let (host, target) = (&self.host, &self.error.target);
        let message = format!("{target} is immutable: {host} does not allow it to be overwritten");
        self.with_words(Problem::error("mlist::registry::immutable", message))
            .help(format!("publish another tag, or change the rule on {host} that makes this tag immutable"))
            .about(target)
    }

    /// Describes a manifest or blob that is larger than the registry accepts.
    pub(super) fn oversized(&self) -> Problem {
        let (host, target) = (&self.host, &self.error.target);
        let message = self.failed(&format!("larger than {host} accepts"));
        self.with_words(Problem::error("mlist::registry::too_large", message))
            .help(format!("increase the size limit of {host}, or of the proxy in front of it"))
            .about(target)
    }

    /// Describes a repository that has more tags than are read.
    pub(super) fn too_many_tags(&self, limit: usize) -> Problem {
        let target = &self.error.target;
        let message = format!("{target} has more than {limit} tags, the maximum that mlist reads");
        Problem::error("mlist::registry::too_large", message).help("delete tags that are no longer used").about(target)
    }

    /// Describes content that does not have the expected digest.
    pub(super) fn wrong_digest(&self, expected: &Digest, actual: &Digest) -> Problem {
        const CODE: &str = "mlist::registry::wrong_digest";
        let (host, target) = (&self.host, &self.error.target);
        let attempts = times(self.error.attempts);
        let (message, received) = if self.reads() {
            let message = format!("{host} returned content for {target} that does not match its digest");
            (message, format!("received {actual}{attempts}; the content was not used"))
        } else {
            (format!("{host} reported a wrong digest for {target}"), format!("reported {actual}{attempts}"))
        };
        Problem::error(CODE, message)
            .because(format!("expected {expected}"))
            .because(received)
            .help(self.between(&format!("check for a proxy or cache between this machine and {host}")))
            .about(target)
    }

    /// Describes an answer that a registry would not give here.
    pub(super) fn not_a_registry(&self, why: &str) -> Problem {
        const CODE: &str = "mlist::registry::not_a_registry";
        let (host, target) = (&self.host, &self.error.target);
        let between = format!("check for a proxy or login page between this machine and {host}");
        let (reason, help) = match (self.error.history, self.error.operation) {
            (HostHistory::Unknown, operation) if operation != Operation::GetToken => (
                format!("{host} did not respond like a container registry"),
                format!("check the host name, and {between}"),
            ),
            // Other requests to this host were answered as by a registry, or the registry named the token server.
            _ => (
                "unexpected response".to_owned(),
                format!("{between}; otherwise report this to the registry's operator"),
            ),
        };
        let problem = Problem::error(CODE, self.failed(&reason)).because(why);
        self.with_words(problem).help(self.between(&help)).about(target)
    }

    /// Describes a request that the registry refused.
    pub(super) fn refused(&self) -> Problem {
        let (host, target) = (&self.host, &self.error.target);
        let help = if self.error.kind == ErrorKind::NeedsTls {
            format!("to use TLS, set http = false in [registry.\"{host}\"]")
        } else if self.reads() {
            "push an image that meets the policy of the repository, or change the policy".to_owned()
        } else {
            "change the list so that the registry accepts it, or change the policy of the repository".to_owned()
        };
        self.with_words(Problem::error("mlist::registry::refused", self.failed(&format!("refused by {host}"))))
            .help(help)
            .about(target)
    }

    /// Describes an operation that the registry does not support. For a push, this problem is equal for everything that
    /// was to be written to the repository, so it is reported once.
    pub(super) fn unsupported(&self) -> Problem {
        const CODE: &str = "mlist::registry::refused";
        let (host, target) = (&self.host, &self.error.target);
        let answer: Vec<String> =
            self.error.status.map(|status| status.to_string()).into_iter().chain(self.error.code.clone()).collect();
        let answer = if answer.is_empty() { String::new() } else { format!(" ({})", answer.join(" ")) };
        let said = |problem: Problem| match &self.error.message {
            Some(message) => problem.because(format!("\"{message}\"")),
            None => problem,
        };
        if self.reads() {
            let message = self.failed(&format!("not supported by {host}"));
            let help = format!("use a registry that supports this request, or ask the operator of {host}");
            return self.with_words(Problem::error(CODE, message)).help(help).about(target);
        }
        let message = format!("{host} does not accept pushes{answer}: it is a pull-through cache or read-only mirror");
        let help = "set `target` to the registry that the cache or mirror copies from";
        let problem = said(Problem::error(CODE, message)).help(help);
        match target.place() {
            Some(place) => problem.about(place),
            None => problem.about(target),
        }
    }

    /// Describes a manifest whose children or blobs the registry does not find.
    pub(super) fn content_unknown(&self, digests: &[Digest]) -> Problem {
        let (host, target) = (&self.host, &self.error.target);
        let message = self.failed(&format!("{host} does not have all members and blobs of the manifest"));
        let problem = Problem::error("mlist::registry::content_unknown", message);
        let first = digests.iter().take(NAMED);
        let problem = first.fold(problem, |problem, digest| problem.because(format!("not found: {digest}")));
        let problem = match digests.len().saturating_sub(NAMED) {
            0 => problem,
            more => problem.because(format!("not found: {more} more")),
        };
        let help = format!(
            "run mlist sync again later (some registries find new content only after a delay); if it fails again, \
             report this to the operator of {host}"
        );
        problem.help(help).about(target)
    }

    /// Whether the failed operation only reads.
    pub(super) fn reads(&self) -> bool {
        self.error.operation.only_reads()
    }

    /// Returns what the account may not do, as it follows "permission to": the verb, and the preposition before the
    /// host.
    pub(super) fn right(&self) -> (&'static str, &'static str) {
        match self.error.operation {
            Operation::ReadTags => ("list the tags of", "on"),
            Operation::ReadReferrers => ("list the referrers of", "on"),
            Operation::Read | Operation::ReadManifest | Operation::ReadBlob => ("read", "from"),
            Operation::PushManifest | Operation::UploadBlob | Operation::Write => ("push", "to"),
            Operation::Connect => ("connect to", "on"),
            Operation::GetToken => ("get", "from"),
        }
    }
}
