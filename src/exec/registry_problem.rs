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
use crate::registry::{
    ConnectionStep, CredentialFault, ErrorKind, ErrorTarget, LayoutFault, NoAnswer, Proxy, RegistryError, TlsFault,
};

mod access;
mod layouts;
mod refusals;

/// Converts `error` to the reason why the planner has no answer.
#[must_use]
pub fn cause(error: &RegistryError) -> Cause {
    Cause(Arc::new(problem(error)))
}

/// Converts `error`, which occurred before anything was published, to a problem. This is the form in which the user
/// sees all failures.
///
/// If a host as a whole is at fault, the problem names only the host. Then all lists that use it have equal problems,
/// which are reported once.
#[must_use]
pub fn problem(error: &RegistryError) -> Problem {
    Subject::of(error, RunPhase::Planning).problem()
}

/// Like [`problem`], for an error that occurred while lists were published.
pub(super) fn publishing_problem(error: &RegistryError) -> Problem {
    Subject::of(error, RunPhase::Publishing).problem()
}

/// The part of a run in which an error occurred. The help says how to continue from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunPhase {
    /// Nothing is published yet: `plan`, or the first part of `sync`.
    Planning,
    /// `sync` publishes lists.
    Publishing,
}

/// Returns the first twelve digits of a digest, which people use to compare digests. The algorithm is included if it is
/// not sha256.
#[must_use]
pub fn short(digest: &Digest) -> String {
    let hex = digest.hex().get(..12).unwrap_or(digest.hex());
    if digest.algorithm() == "sha256" { hex.to_owned() } else { format!("{}:{hex}", digest.algorithm()) }
}

/// Returns when to try again, as it follows "try again": ` in 10m` if the registry says so, or ` later`. Rounded up.
fn when(wait: Option<Duration>) -> String {
    let Some(wait) = wait else { return " later".to_owned() };
    let seconds = wait.as_millis().div_ceil(1000);
    match (seconds, seconds.div_ceil(60)) {
        (0..=120, _) => format!(" in {seconds}s"),
        (_, minutes @ ..60) => format!(" in {minutes}m"),
        (_, minutes @ ..2880) => format!(" in {}h {:02}m", minutes / 60, minutes % 60),
        (_, minutes) => format!(" in {} days", minutes.div_ceil(1440)),
    }
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
        | ErrorKind::Unsupported
        | ErrorKind::Immutable
        | ErrorKind::Unreachable(NoAnswer { step: ConnectionStep::HostName, .. })
        | ErrorKind::Layout(
            LayoutFault::File(_)
            | LayoutFault::Corrupt(_)
            | LayoutFault::WrongSize { .. }
            | LayoutFault::NoManifest(_)
            | LayoutFault::NoLayer(_)
            | LayoutFault::Archive { .. },
        ) => false,
        // A credential helper may use a remote service. Files and variables do not change by themselves.
        ErrorKind::Credentials(fault) => matches!(**fault, CredentialFault::Helper { .. }),
        ErrorKind::Tls(error) => !matches!(error.fault, TlsFault::File { .. }),
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
    phase: RunPhase,
}

impl<'a> Subject<'a> {
    fn of(error: &'a RegistryError, phase: RunPhase) -> Self {
        let host = error.host.as_deref().map_or_else(|| error.target.to_string().into(), Cow::Borrowed);
        Self { error, host, phase }
    }

    fn problem(&self) -> Problem {
        let error = self.error;
        let mut problem = self.describe();
        problem.retry = may_pass(&error.kind);
        problem.http = error.host.as_ref().map(|host| HttpFacts {
            host: self.elsewhere().map_or_else(|| host.clone(), str::to_owned),
            status: error.status,
            code: error.code.clone(),
            attempts: error.attempts,
        });
        problem
    }

    /// Returns the token server, if the failure is that of a host and this host is the token server, not the registry.
    fn elsewhere(&self) -> Option<&'a str> {
        let of_a_host = matches!(
            self.error.kind,
            ErrorKind::RateLimited { .. }
                | ErrorKind::Unreachable(_)
                | ErrorKind::Tls(_)
                | ErrorKind::NotARegistry(_)
                | ErrorKind::Server
        );
        self.error.access.token_server.as_deref().filter(|_| of_a_host)
    }

    fn describe(&self) -> Problem {
        if let Some(token_server) = self.elsewhere() {
            return self.of_token_server(token_server);
        }
        let (host, target) = (&self.host, &self.error.target);
        match &self.error.kind {
            ErrorKind::Unauthorized => self.unauthorized(),
            ErrorKind::Denied => self.denied(),
            ErrorKind::NotFound => self.not_found(),
            ErrorKind::RateLimited { retry_after } => self.rate_limited(*retry_after),
            ErrorKind::PullQuota { retry_after } => self.pull_quota(*retry_after),
            ErrorKind::Unreachable(no_answer) => self.unreachable(no_answer),
            ErrorKind::Tls(error) => self.tls(error.at.as_deref().unwrap_or(host.as_ref()), &error.fault),
            ErrorKind::WrongDigest { expected, actual } => self.wrong_digest(expected, actual),
            ErrorKind::TooLarge { limit } => self.too_large(*limit),
            ErrorKind::TooManyTags { limit } => self.too_many_tags(*limit),
            ErrorKind::Oversized => self.oversized(),
            ErrorKind::NotARegistry(why) => self.not_a_registry(why),
            ErrorKind::Refused | ErrorKind::NeedsTls => self.refused(),
            ErrorKind::Unsupported => self.unsupported(),
            ErrorKind::Immutable => self.immutable(),
            ErrorKind::Server => self
                .with_words(Problem::error("mlist::registry::server", self.failed("server error")))
                .help(self.again(" later"))
                .about(target),
            ErrorKind::ContentUnknown(digests) => self.content_unknown(digests),
            ErrorKind::Credentials(fault) => self.credentials(fault),
            ErrorKind::Layout(fault) => self.layout(fault),
            ErrorKind::Stopped => {
                let message = format!("interrupted before {host} responded");
                Problem::error("mlist::exec::stopped", message).help("run the command again")
            }
        }
    }

    /// Returns the message `failed to push manifest quay.io/acme/app:v1: server error`.
    fn failed(&self, why: &str) -> String {
        let (host, doing, target) = (&self.host, self.error.operation, &self.error.target);
        match target {
            ErrorTarget::Token(_) => format!("failed to {doing} {target} from {host}: {why}"),
            _ => format!("failed to {doing} {target}: {why}"),
        }
    }

    /// Returns the help to run the command again. `when` begins with a space if it is not empty.
    fn again(&self, when: &str) -> String {
        match self.phase {
            RunPhase::Planning => format!("try again{when}"),
            RunPhase::Publishing => format!("run mlist sync again{when} (lists already published are skipped)"),
        }
    }

    /// Describes a host to which there is no connection, or which does not answer.
    fn unreachable(&self, NoAnswer { step, why }: &NoAnswer) -> Problem {
        let host = &self.host;
        let message = match step {
            ConnectionStep::HostName | ConnectionStep::Connect => format!("cannot connect to {host}"),
            ConnectionStep::Answer => format!("no complete response from {host}"),
        };
        let help = match step {
            ConnectionStep::HostName => "check the spelling of the host name, and the DNS settings of this machine",
            ConnectionStep::Connect => "check the host name and port, and whether the registry is running",
            ConnectionStep::Answer => &*self.again(" later"),
        };
        Problem::error("mlist::registry::unreachable", message).because(why).help(self.between(help))
    }

    /// Describes a TLS error. `at` is the host at fault: the registry, or one that it redirects to.
    fn tls(&self, at: &str, fault: &TlsFault) -> Problem {
        let host = &*self.host;
        let (message, help) = match fault {
            TlsFault::Untrusted { trusted, .. } => (
                format!("the TLS certificate of {at} is not trusted"),
                self.between(&if trusted.is_empty() {
                    format!(
                        "set ca = \"corp-root.pem\" in [registry.\"{at}\"], or add the CA certificate as \
                         /etc/containers/certs.d/{at}/ca.crt"
                    )
                } else {
                    format!("add the CA certificate in PEM format to {}", trusted.join(" or "))
                }),
            ),
            TlsFault::Expired => (
                format!("the TLS certificate of {at} has expired"),
                "ask the registry's operator to renew the certificate, or check the clock of this machine".to_owned(),
            ),
            TlsFault::NotYetValid => (
                format!("the TLS certificate of {at} is not valid yet"),
                "check the clock of this machine, or ask the registry's operator for a valid certificate".to_owned(),
            ),
            TlsFault::OtherName(names) => {
                let is_in_file = !names.is_empty() && at == host;
                let other = if is_in_file { "use one of these host names in manifests.toml, or " } else { "" };
                (
                    format!("the TLS certificate of {at} is not valid for this host name"),
                    format!("{other}ask the registry's operator for a certificate for {at}"),
                )
            }
            TlsFault::NotTls => (
                format!("{at} does not use TLS"),
                self.between(&format!("to connect over plain HTTP, set http = true in [registry.\"{at}\"]")),
            ),
            TlsFault::WantsCertificate => (
                format!("{at} requires a client certificate"),
                format!("set client-cert = \"client.pem\" and client-key = \"client-key.pem\" in [registry.\"{at}\"]"),
            ),
            TlsFault::RefusesCertificate(_) => (
                format!("{at} rejected the client certificate"),
                format!("set client-cert and client-key in [registry.\"{at}\"] to a certificate that {at} accepts"),
            ),
            TlsFault::File { why, key } => {
                let problem = Problem::error("mlist::registry::certificate", why);
                return match key {
                    Some(key) => problem
                        .because(format!("`{key}` in [registry.\"{at}\"] names this file"))
                        .help(format!("check the path in `{key}`, and that the file is readable and valid")),
                    None => problem
                        .because(format!("used for connections to {at}"))
                        .help("check the name, content and permissions of the file"),
                };
            }
            TlsFault::Other(_) => (
                format!("the TLS connection to {at} failed"),
                self.between(&format!(
                    "check for a proxy or load balancer between this machine and {at} that supports only old TLS versions"
                )),
            ),
        };
        let problem = Problem::error("mlist::registry::tls", message);
        let is_told = matches!(fault, TlsFault::Expired | TlsFault::NotYetValid);
        let problem = if is_told { problem } else { problem.because(fault.to_string()) };
        let problem = if at == host { problem } else { problem.because(format!("{host} directs requests to {at}")) };
        problem.help(help)
    }

    /// Returns `help`, or, if there is a proxy, the advice to check the proxy first.
    fn between(&self, help: &str) -> String {
        match &self.error.proxy {
            None => help.to_owned(),
            Some(Proxy { variable: Some(variable), address }) => {
                format!("check the proxy {address} ({variable})")
            }
            Some(Proxy { variable: None, address }) => format!("check the proxy {address} (system settings)"),
        }
    }

    /// Adds the registry's own message, quoted because it is text from outside.
    fn with_words(&self, problem: Problem) -> Problem {
        let RegistryError { status, code, message, attempts, .. } = self.error;
        let status = status.map(|status| status.to_string());
        // An nginx error page begins with the status: "413 Request Entity Too Large".
        let repeated = status.as_ref().map(|status| format!("{status} ")).unwrap_or_default();
        let quoted = message.as_deref().map(|said| format!("\"{}\"", said.strip_prefix(&*repeated).unwrap_or(said)));
        // A response that is not from a registry is shown with its status only if it has a message or code.
        let is_unexpected = matches!(self.error.kind, ErrorKind::NotARegistry(_)) && quoted.is_none() && code.is_none();
        let status = status.filter(|_| !is_unexpected);
        let words: Vec<String> = [status, code.clone(), quoted].into_iter().flatten().collect();
        let from = self.error.access.token_server.as_ref();
        match (words.is_empty(), from.map(|server| format!("the token server {server}"))) {
            (true, None) => problem,
            (true, Some(server)) => problem.because(format!("reported by {server}")),
            (false, None) => problem.because(words.join(" ") + &times(*attempts)),
            (false, Some(server)) => problem.because(format!("{}{} from {server}", words.join(" "), times(*attempts))),
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
    if attempts > 1 { format!(" ({attempts} attempts)") } else { String::new() }
}

fn bytes(limit: u64) -> String {
    const MIB: u64 = 1 << 20;
    if limit > 0 && limit.is_multiple_of(MIB) { format!("{} MiB", limit / MIB) } else { format!("{limit} bytes") }
}

#[cfg(test)]
mod tests;
