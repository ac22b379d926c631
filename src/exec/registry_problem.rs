//! [`problem`]: converts a registry's error to a problem for the user. All messages for such errors are built here.
//!
//! `refusals` builds those for what a registry does not have, return or accept. `access` builds those for credentials,
//! permissions and token servers. `layouts` builds those for layouts on disk.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::config::problem::{HttpFacts, Problem};
use crate::oci::{Digest, Locator, Place, Reference};
use crate::plan::Cause;
use crate::registry::error::NAMED;
use crate::registry::{CredentialFault, ErrorKind, ErrorTarget, LayoutFault, Proxy, RegistryError, TlsFault};

mod access;
mod layouts;
mod refusals;

/// Converts `error` to the reason why the planner has no answer.
#[must_use]
pub fn cause(error: &RegistryError) -> Cause {
    Cause(Arc::new(problem(error)))
}

/// Converts `error` to a problem, the form in which the user sees all failures.
///
/// If a host as a whole is at fault, the problem names only the host. Then all lists that use it have equal problems,
/// which are reported once.
#[must_use]
pub fn problem(error: &RegistryError) -> Problem {
    let subject = Subject::of(error);
    let mut problem = subject.describe();
    problem.retry = may_pass(&error.kind);
    problem.http = error.host.as_ref().map(|host| HttpFacts {
        host: subject.elsewhere().map_or_else(|| host.clone(), str::to_owned),
        status: error.status,
        code: error.code.clone(),
        attempts: error.attempts,
    });
    problem
}

/// Returns the first twelve digits of a digest, which people use to compare digests. The algorithm is included if it is
/// not sha256.
#[must_use]
pub fn short(digest: &Digest) -> String {
    let hex = digest.hex().get(..12).unwrap_or(digest.hex());
    if digest.algorithm() == "sha256" { hex.to_owned() } else { format!("{}:{hex}", digest.algorithm()) }
}

/// Adds how long a registry asks to wait, if it does: `60s`, `10m`, `1h 04m`, `3 days`. Rounded up.
fn asked_to_wait(problem: Problem, wait: Option<Duration>) -> Problem {
    let Some(wait) = wait else { return problem };
    let seconds = wait.as_millis().div_ceil(1000);
    let words = match (seconds, seconds.div_ceil(60)) {
        (0..=120, _) => format!("{seconds}s"),
        (_, minutes @ ..60) => format!("{minutes}m"),
        (_, minutes @ ..2880) => format!("{}h {:02}m", minutes / 60, minutes % 60),
        (_, minutes) => format!("{} days", minutes.div_ceil(1440)),
    };
    problem.because(format!("it asks to wait {words}"))
}

/// Whether the same command may succeed later although nothing is changed.
fn may_pass(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::NotFound
        | ErrorKind::TooLarge { .. }
        | ErrorKind::TooManyTags { .. }
        | ErrorKind::Oversized
        | ErrorKind::Refused
        | ErrorKind::NeedsTls
        | ErrorKind::Immutable
        | ErrorKind::Layout(LayoutFault::File(_) | LayoutFault::Corrupt(_)) => false,
        // A credential helper may use a remote service. Files and variables do not change by themselves.
        ErrorKind::Credentials(fault) => matches!(**fault, CredentialFault::Helper { .. }),
        ErrorKind::Tls(error) => !matches!(error.fault, TlsFault::File(_)),
        // Registries deny at random, tokens expire, and proxies are repaired. If it is not known whether a retry helps,
        // it may.
        ErrorKind::Unauthorized
        | ErrorKind::Denied
        | ErrorKind::RateLimited { .. }
        | ErrorKind::PullQuota { .. }
        | ErrorKind::Unreachable(_)
        | ErrorKind::WrongDigest { .. }
        | ErrorKind::NotARegistry(_)
        | ErrorKind::Server
        | ErrorKind::ContentUnknown(_)
        | ErrorKind::Layout(
            LayoutFault::TooManyOpenFiles | LayoutFault::NoSpace | LayoutFault::QuotaExceeded | LayoutFault::Locked(_),
        )
        | ErrorKind::Stopped => true,
    }
}

/// An error, and the host or layout it belongs to.
struct Subject<'a> {
    error: &'a RegistryError,
    host: Cow<'a, str>,
}

impl<'a> Subject<'a> {
    fn of(error: &'a RegistryError) -> Self {
        let host = error.host.as_deref().map_or_else(|| error.target.to_string().into(), Cow::Borrowed);
        Self { error, host }
    }

    /// Returns the token server, if the failure is that of a host and this host is the token server, not the registry.
    fn elsewhere(&self) -> Option<&'a str> {
        let of_a_host = matches!(
            self.error.kind,
            ErrorKind::RateLimited { .. } | ErrorKind::Unreachable(_) | ErrorKind::Tls(_) | ErrorKind::Server
        );
        self.error.access.token_server.as_deref().filter(|_| of_a_host)
    }

    fn describe(&self) -> Problem {
        if let Some(token_server) = self.elsewhere() {
            return self.of_token_server(token_server);
        }
        let (host, doing, target) = (&self.host, self.error.operation, &self.error.target);
        match &self.error.kind {
            ErrorKind::Unauthorized => self.unauthorized(),
            ErrorKind::Denied => self.denied(),
            ErrorKind::NotFound => self.not_found(),
            ErrorKind::RateLimited { retry_after } => {
                let problem = self.with_words(Problem::error(
                    "mlist::registry::rate_limited",
                    format!("{host} takes no more for now"),
                ));
                asked_to_wait(problem, *retry_after).help("sync again later: what is published is not sent again")
            }
            ErrorKind::PullQuota { retry_after } => self.pull_quota(*retry_after),
            ErrorKind::Unreachable(no_answer) => {
                Problem::error("mlist::registry::unreachable", format!("{host} cannot be reached"))
                    .because(&no_answer.why)
                    .help(self.between(if no_answer.is_unknown_host {
                        "look at the name of the host in manifests.toml, and at the network of this machine"
                    } else {
                        "sync again when it answers: what is published is not sent again"
                    }))
            }
            ErrorKind::Tls(error) => self.tls(error.at.as_deref().unwrap_or(host.as_ref()), &error.fault),
            ErrorKind::WrongDigest { actual, .. } => Problem::error(
                "mlist::registry::wrong_digest",
                format!("{host} sent bytes that are not what was asked for"),
            )
            .because(target.to_string())
            .because(format!("got {actual}{}; nothing of it was used", times(self.error.attempts)))
            .help(self.between("look at what stands between: a proxy, a cache"))
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
                .help(self.between("look at the name of the host, and at what stands between: a proxy, a login page"))
                .about(target),
            ErrorKind::Refused | ErrorKind::NeedsTls => self
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
                let first = digests.iter().take(NAMED);
                let problem = first.fold(problem, |problem, digest| problem.because(format!("not seen: {digest}")));
                let problem = match digests.len().saturating_sub(NAMED) {
                    0 => problem,
                    more => problem.because(format!("not seen: {more} more")),
                };
                problem.help("sync again: what was pushed may need a while to be seen").about(target)
            }
            ErrorKind::Credentials(fault) => self.credentials(fault),
            ErrorKind::Layout(fault) => self.layout(fault),
            ErrorKind::Stopped => Problem::error("mlist::exec::stopped", format!("stopped before {host} had answered"))
                .help("run it again: it goes on from here"),
        }
    }

    /// Describes a TLS error. `at` is the host at fault: the registry, or one that it redirects to.
    fn tls(&self, at: &str, fault: &TlsFault) -> Problem {
        let host = &*self.host;
        let (message, help) = match fault {
            TlsFault::Untrusted { trusted, .. } => (
                format!("{at} shows a certificate that is not trusted here"),
                if trusted.is_empty() {
                    self.between(&format!("[registry.\"{at}\"] ca = \"corp-root.pem\", or certs.d/{at}/ca.crt"))
                } else {
                    self.between("put its authority's certificate there (PEM); a file of certs.d ends in .crt")
                },
            ),
            TlsFault::Expired | TlsFault::NotYetValid => (
                format!("{at} shows a certificate that is not valid now"),
                "have it renewed there; or set the clock of this machine".to_owned(),
            ),
            TlsFault::OtherName(_) => (
                format!("{at} shows a certificate of another name"),
                "call it by such a name in manifests.toml, or give it a certificate of this one".to_owned(),
            ),
            TlsFault::NotTls => (
                format!("{at} does not speak TLS"),
                self.between(&format!("to reach it by plain HTTP: [registry.\"{at}\"] http = true")),
            ),
            TlsFault::WantsCertificate => (
                format!("{at} lets in only who shows a certificate"),
                format!("[registry.\"{at}\"] client-cert = \"client.pem\", client-key = \"client-key.pem\""),
            ),
            TlsFault::RefusesCertificate(_) => (
                format!("{at} does not accept the certificate that it is shown"),
                format!("name one that it knows: [registry.\"{at}\"] client-cert, client-key; or in certs.d"),
            ),
            TlsFault::File(why) => {
                return Problem::error("mlist::registry::certificate", why)
                    .because(format!("needed for {host}"))
                    .help("mend the file, or name another: [registry] ca, client-cert, client-key; or certs.d");
            }
            TlsFault::Other(_) => (
                format!("{at} cannot be reached over TLS"),
                self.between("look at what stands between: a proxy, a balancer of old protocols"),
            ),
        };
        let problem = Problem::error("mlist::registry::tls", message).because(fault.to_string());
        let problem = if at == host { problem } else { problem.because(format!("needed for {host}")) };
        problem.help(help)
    }

    /// Returns `help`, or, if there is a proxy, the advice to check the proxy first.
    fn between(&self, help: &str) -> String {
        match &self.error.proxy {
            None => help.to_owned(),
            Some(Proxy { variable: Some(variable), address }) => {
                format!("look at what stands between: {variable} is {address}")
            }
            Some(Proxy { variable: None, address }) => format!("look at what stands between: the proxy {address}"),
        }
    }

    /// Returns the help for a refused request.
    fn help_for_refused(&self) -> String {
        if self.error.kind == ErrorKind::NeedsTls {
            format!("it speaks TLS: [registry.\"{}\"] http = false", self.host)
        } else if self.reads() {
            "it is there, and a rule of its repository keeps it back: have it scanned, signed or let through".to_owned()
        } else {
            "sync sends the same again: change the list, or the rules of the repository".to_owned()
        }
    }

    fn server(&self) -> Problem {
        let (host, doing, target) = (&self.host, self.error.operation, &self.error.target);
        let problem = Problem::error("mlist::registry::server", format!("{host} failed to {doing} {target}"));
        self.with_words(problem).help("sync again when it works: what is published is not sent again").about(target)
    }

    /// Adds the registry's own message, quoted because it is text from outside.
    fn with_words(&self, problem: Problem) -> Problem {
        let status = self.error.status.map(|status| status.to_string());
        let said = match (&self.error.message, &self.error.code) {
            (Some(message), _) => Some(format!("\"{message}\"")),
            (None, code) => code.clone(),
        };
        // A response that is not from a registry is shown with its status only if it has a message or code.
        let status = status.filter(|_| said.is_some() || !matches!(self.error.kind, ErrorKind::NotARegistry(_)));
        // An nginx error page already begins with the status: "413 Request Entity Too Large".
        let status =
            status.filter(|status| !said.as_ref().is_some_and(|said| said.starts_with(&format!("\"{status} "))));
        let words: Vec<String> = [status, said].into_iter().flatten().collect();
        let from = self.error.access.token_server.as_ref();
        match (words.is_empty(), from.map(|server| format!("its token server {server}"))) {
            (true, None) => problem,
            (true, Some(server)) => problem.because(format!("by {server}")),
            (false, None) => problem.because(words.join(" ") + &times(self.error.attempts)),
            (false, Some(server)) => {
                problem.because(format!("{}{} from {server}", words.join(" "), times(self.error.attempts)))
            }
        }
    }

    /// Returns what the permission is for, without the host, which the message already names.
    fn within_host(&self) -> String {
        match &self.what_needs_rights() {
            ErrorTarget::Place(Place::Repository(repository)) => repository.path().to_owned(),
            ErrorTarget::Content(Reference { place: Place::Repository(repository), locator: Locator::Tag(tag) }) => {
                format!("{}:{tag}", repository.path())
            }
            target => target.to_string(),
        }
    }

    /// Returns what the permission is for: a repository or tag. The digest is left out, because it does not matter
    /// which of many blobs or children failed first.
    fn what_needs_rights(&self) -> ErrorTarget {
        match &self.error.target {
            ErrorTarget::Content(Reference { place, locator: Locator::Digest(_) }) => ErrorTarget::Place(place.clone()),
            target => target.clone(),
        }
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
