//! [`problem`]: what a registry's error is to the user. The one place where the words for it are made.
//!
//! `refusals` has those for what a registry or folder does not have, give or take.

use std::sync::Arc;

use crate::config::problem::{HttpFacts, Problem};
use crate::oci::{Digest, Host};
use crate::plan::Cause;
use crate::registry::{ErrorKind, RegistryError};

mod refusals;

/// `error` as the reason why the planner has no answer.
#[must_use]
pub fn cause(error: &RegistryError) -> Cause {
    Cause(Arc::new(problem(error)))
}

/// `error` in the shape in which all problems reach the user.
///
/// Where a host as a whole is at fault the problem names nothing but the host: all lists that meet it have equal
/// problems, and they are told once.
#[must_use]
pub fn problem(error: &RegistryError) -> Problem {
    let subject = Subject { error, host: error.host.as_deref().unwrap_or(&error.target) };
    let mut problem = subject.describe();
    problem.retry = may_pass(&error.kind);
    problem.http = error.host.as_ref().map(|host| HttpFacts {
        host: host.clone(),
        status: error.status,
        code: error.code.clone(),
        attempts: error.attempts,
    });
    problem
}

/// The first twelve digits of a digest, as people compare them; the algorithm is written where it is not sha256.
#[must_use]
pub fn short(digest: &Digest) -> String {
    let hex = digest.hex().get(..12).unwrap_or(digest.hex());
    if digest.algorithm() == "sha256" { hex.to_owned() } else { format!("{}:{hex}", digest.algorithm()) }
}

/// Whether the same command may succeed later with nothing changed.
fn may_pass(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::NotFound
        | ErrorKind::TooLarge { .. }
        | ErrorKind::TooManyTags { .. }
        | ErrorKind::Oversized
        | ErrorKind::Refused
        | ErrorKind::Immutable
        | ErrorKind::Credentials(_)
        | ErrorKind::Layout(_) => false,
        // Registries deny at random, tokens expire, proxies are mended: who can't know says that it may.
        ErrorKind::Unauthorized
        | ErrorKind::Denied
        | ErrorKind::RateLimited { .. }
        | ErrorKind::PullQuota { .. }
        | ErrorKind::Unreachable(_)
        | ErrorKind::Tls(_)
        | ErrorKind::WrongDigest { .. }
        | ErrorKind::NotARegistry(_)
        | ErrorKind::Server
        | ErrorKind::ContentUnknown(_)
        | ErrorKind::Stopped => true,
    }
}

/// An error, and the host or folder that it is of.
struct Subject<'a> {
    error: &'a RegistryError,
    host: &'a str,
}

impl Subject<'_> {
    fn describe(&self) -> Problem {
        let (host, doing, target) = (self.host, self.error.doing, &self.error.target);
        match &self.error.kind {
            ErrorKind::Unauthorized => self.unauthorized(),
            ErrorKind::Denied => self.denied(),
            ErrorKind::NotFound => self.not_found(),
            ErrorKind::RateLimited { retry_after } => {
                let problem = self.with_words(Problem::error(
                    "mlist::registry::rate_limited",
                    format!("{host} takes no more for now"),
                ));
                match retry_after {
                    Some(wait) => problem.because(format!("it asks to wait {}s", wait.as_secs())),
                    None => problem,
                }
                .help("sync again later: what is published is not sent again")
            }
            ErrorKind::PullQuota { retry_after } => self.pull_quota(*retry_after),
            ErrorKind::Unreachable(why) => {
                Problem::error("mlist::registry::unreachable", format!("{host} cannot be reached"))
                    .because(why)
                    .help("sync again when it answers: what is published is not sent again")
            }
            ErrorKind::Tls(why) => Problem::error("mlist::registry::tls", format!("{host} cannot be reached over TLS"))
                .because(why)
                .help("where its certificate is of an authority of your own: SSL_CERT_FILE names the file with it"),
            ErrorKind::WrongDigest { actual, .. } => Problem::error(
                "mlist::registry::wrong_digest",
                format!("{host} sent bytes that are not what was asked for"),
            )
            .because(target)
            .because(format!("got {actual}{}; nothing of it was used", times(self.error.attempts)))
            .help("look at what stands between: a proxy, a cache")
            .about(target),
            ErrorKind::TooLarge { limit } => Problem::error(
                "mlist::registry::too_large",
                format!("{target} is larger than {}, the most that is read", bytes(*limit)),
            )
            .help("look at what is there: no image has such a manifest or config")
            .about(target),
            ErrorKind::TooManyTags { limit } => self.too_many_tags(*limit),
            ErrorKind::Oversized => self.oversized(),
            ErrorKind::NotARegistry(why) => self
                .with_words(
                    Problem::error("mlist::registry::not_a_registry", format!("{host} does not answer as a registry"))
                        .because(why),
                )
                .help("look at the name of the host, and at what stands between: a proxy, a login page")
                .about(target),
            ErrorKind::Refused => self
                .with_words(Problem::error("mlist::registry::refused", format!("{host} refuses to {doing} {target}")))
                .help(self.help_for_refused())
                .about(target),
            ErrorKind::Immutable => self.immutable(),
            ErrorKind::Server => self.server(),
            ErrorKind::ContentUnknown(digests) => {
                let problem = Problem::error(
                    "mlist::registry::content_unknown",
                    format!("{host} does not see all that {target} is made of"),
                );
                let problem =
                    digests.iter().fold(problem, |problem, digest| problem.because(format!("not seen: {digest}")));
                problem.help("sync again: what was pushed may need a while to be seen").about(target)
            }
            ErrorKind::Credentials(why) => Problem::error("mlist::registry::credentials", why)
                .because(format!("needed for {host}"))
                .help(format!("mend it, or log in anew: docker login {host}")),
            ErrorKind::Layout(why) => self.layout(why),
            ErrorKind::Stopped => Problem::error("mlist::exec::stopped", format!("stopped before {host} had answered"))
                .help("run it again: it goes on from here"),
        }
    }

    fn unauthorized(&self) -> Problem {
        let (host, doing, what) = (self.host, self.error.doing, self.within_host());
        let problem = Problem::error(
            "mlist::registry::unauthorized",
            format!("unauthorized: {host} asks for credentials to {doing} {what}"),
        );
        match &self.error.credentials {
            None => problem.because(format!("looked in Docker's config.json: nothing for {host}")),
            Some(source) => self.with_words(problem).because(format!("it does not accept those of {source}")),
        }
        .help(format!("docker login {host}"))
        .about(&self.error.target)
    }

    fn denied(&self) -> Problem {
        let (host, doing, what) = (self.host, self.error.doing, self.within_host());
        let problem = self.with_words(Problem::error(
            "mlist::registry::denied",
            format!("denied: no right to {doing} {what} on {host}"),
        ));
        match &self.error.credentials {
            None => problem
                .because(format!("no credentials were sent: nothing for {host} in Docker's config.json"))
                .help(format!("docker login {host}")),
            Some(source) => problem.because(format!("with the credentials of {source}")).help(format!(
                "give them the right to {doing} there, or log in as someone who has it: docker login {host}"
            )),
        }
        .about(&self.error.target)
    }

    /// Registries on this machine are spoken to by plain HTTP, and one that wants TLS has only this way to say so.
    fn help_for_refused(&self) -> &'static str {
        let wants_tls = self.error.message.as_deref().is_some_and(|words| words.contains("HTTPS"));
        if wants_tls && Host::parse(self.host).is_ok_and(|host| host.is_loopback()) {
            "let it listen without TLS, or call it by another name than this machine's own"
        } else if self.reads() {
            "it is there, and a rule of its repository keeps it back: have it scanned, signed or let through"
        } else {
            "sync sends the same again: change the list, or the rules of the repository"
        }
    }

    fn server(&self) -> Problem {
        let (host, doing, target) = (self.host, self.error.doing, &self.error.target);
        let problem = Problem::error("mlist::registry::server", format!("{host} failed to {doing} {target}"));
        self.with_words(problem).help("sync again when it works: what is published is not sent again").about(target)
    }

    /// The registry's own words, quoted: they are foreign text.
    fn with_words(&self, problem: Problem) -> Problem {
        let status = self.error.status.map(|status| status.to_string());
        let said = match (&self.error.message, &self.error.code) {
            (Some(message), _) => Some(format!("\"{message}\"")),
            (None, code) => code.clone(),
        };
        // What is no registry's answer is told with its status where that matters.
        let status = status.filter(|_| said.is_some() || !matches!(self.error.kind, ErrorKind::NotARegistry(_)));
        let words: Vec<String> = [status, said].into_iter().flatten().collect();
        if words.is_empty() { problem } else { problem.because(words.join(" ") + &times(self.error.attempts)) }
    }

    /// The target without the host that has just been named.
    fn within_host(&self) -> &str {
        let target = self.error.target.as_str();
        target.strip_prefix(self.host).and_then(|rest| rest.strip_prefix('/')).unwrap_or(target)
    }
}

fn times(attempts: u32) -> String {
    if attempts > 1 { format!(", {attempts} times") } else { String::new() }
}

fn bytes(limit: u64) -> String {
    const MIB: u64 = 1 << 20;
    if limit > 0 && limit.is_multiple_of(MIB) { format!("{} MiB", limit / MIB) } else { format!("{limit} bytes") }
}

#[cfg(test)]
mod tests;
