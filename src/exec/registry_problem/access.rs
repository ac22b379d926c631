//! Messages about credentials and permissions.

use crate::config::problem::Problem;
use crate::registry::{
    AccessFacts, Account, AskedAs, CredentialFault, CredentialOrigin, CredentialSource, ErrorTarget, Operation,
    RegistryError,
};

use super::Subject;

impl Subject<'_> {
    pub(super) fn unauthorized(&self) -> Problem {
        let (host, (verb, _), what) = (&self.host, self.right(), self.within_host());
        let needs = |what_kind: &str| {
            let message = format!("unauthorized: {host} requires {what_kind} to {verb} {what}");
            Problem::error("mlist::registry::unauthorized", message)
        };
        match &self.error.credentials {
            AskedAs::Anonymous { looked_in } => {
                let problem = self.with_words(needs("credentials"));
                problem.because(self.no_credentials(looked_in)).help(self.credentials_help(looked_in))
            }
            AskedAs::With(source) => self
                .nor_without(
                    self.with_words(needs("valid credentials")).because(format!("rejected: credentials from {source}")),
                )
                .help(self.log_in_again(source)),
            AskedAs::Unknown => self.with_words(needs("credentials")).help(self.log_in_or_name()),
        }
        .about(&self.what_needs_rights())
    }

    pub(super) fn denied(&self) -> Problem {
        let (host, (verb, preposition), what) = (&self.host, self.right(), self.within_host());
        let problem = |who: &str| {
            let message = format!("permission denied: {who}cannot {verb} {what} {preposition} {host}");
            self.with_words(Problem::error("mlist::registry::denied", message))
        };
        match &self.error.credentials {
            AskedAs::With(source) => {
                let (who, account) = match &source.account {
                    Account::User(user) => (format!("user {user} "), format!("user {user}")),
                    Account::IdentityToken | Account::RegistryToken => {
                        (String::new(), "the account of the token".to_owned())
                    }
                };
                // The message already names the user.
                let from = if who.is_empty() { source.to_string() } else { source.place.clone() };
                let problem = problem(&who).because(format!("credentials from {from}"));
                self.nor_without(problem)
                    .help(format!("give {account} permission to {verb} {what}, or {}", use_another(source)))
            }
            AskedAs::Anonymous { looked_in } => {
                problem("").because(self.no_credentials(looked_in)).help(self.credentials_help(looked_in))
            }
            AskedAs::Unknown => problem("").help(self.log_in_or_name()),
        }
        .about(&self.what_needs_rights())
    }

    /// Adds that the request was also refused without credentials, which is tried after them.
    fn nor_without(&self, problem: Problem) -> Problem {
        if self.error.access.is_refused_without {
            problem.because("a request without credentials was also denied")
        } else {
            problem
        }
    }

    /// Describes a failure of a token server as a host. It is the same for all requests to its registry, so it is
    /// reported once.
    pub(super) fn of_token_server(&self, token_server: &str) -> Problem {
        // The token server is described like any other host. Only the registry's name is added.
        let at_it = RegistryError {
            target: ErrorTarget::Token(self.host.to_string()),
            operation: Operation::GetToken,
            host: Some(token_server.to_owned()),
            access: AccessFacts::default(),
            ..self.error.clone()
        };
        let mut problem = Subject::of(&at_it, self.phase)
            .describe()
            .because(format!("{token_server} is the token server of {}", self.host));
        problem.reference = None;
        problem
    }

    /// Describes a credentials error. It names no list: all lists that use the host have the same problem, which is
    /// reported once.
    pub(super) fn credentials(&self, fault: &CredentialFault) -> Problem {
        let host = &self.host;
        let problem = |message| Problem::error("mlist::registry::credentials", message);
        match fault {
            CredentialFault::Place { origin, place, why } => {
                let help = match origin {
                    CredentialOrigin::Podman => {
                        format!("correct or remove {place}, then log in again: podman login {host}")
                    }
                    CredentialOrigin::Docker => {
                        format!("correct or remove {place}, then log in again: docker login {host}")
                    }
                    CredentialOrigin::Named | CredentialOrigin::Inline | CredentialOrigin::Helper => {
                        format!("correct the value of {place}, or unset {place}")
                    }
                };
                problem(format!("{place} {why}")).because(format!("required for {host}")).help(help)
            }
            CredentialFault::HelperAbsent { helper, named_by } => problem(format!("{helper} not found in PATH"))
                .because(format!("{named_by} requires it for {host}"))
                .help(format!("install {helper}, or set {}", self.keys())),
            CredentialFault::Helper { helper, why, named_by } => problem(format!("{helper} {why}"))
                .because(format!("{named_by} requires it for {host}"))
                .help(format!("check the settings of {helper}, or set {}", self.keys())),
            // The text may be the secret itself instead of a variable name, so it is not shown.
            CredentialFault::Unset { variable, key, .. } if !is_usual_name(variable) => {
                let usual = key.trim_end_matches("-env").to_uppercase();
                problem(format!(
                    "`{key}` in [registry.\"{host}\"] is not the name of an environment variable that is set"
                ))
                .because("its value is not shown because it may be the password itself")
                .help(format!(
                    "set `{key}` to the name of an environment variable, such as \"REGISTRY_{usual}\"; if you wrote the \
                     password itself in manifests.toml, change the password"
                ))
            }
            CredentialFault::Unset { variable, key, is_empty } => {
                problem(format!("environment variable {variable} is {}", if *is_empty { "empty" } else { "not set" }))
                    .because(format!("required by `{key}` in [registry.\"{host}\"]"))
                    .help(format!(
                        "set {variable}, or remove `username-env` and `password-env` and log in: docker login {host}"
                    ))
            }
        }
    }

    /// Describes where credentials were searched without success. For a file from an untrusted author no place is
    /// searched.
    ///
    /// Example: `no credentials for gcr.io in DOCKER_AUTH_CONFIG, ~/.docker/config.json`.
    fn no_credentials(&self, looked_in: &[String]) -> String {
        match looked_in {
            [] => "no credentials are used with --untrusted".to_owned(),
            places => format!("no credentials for {} in {}", self.host, places.join(", ")),
        }
    }

    fn credentials_help(&self, looked_in: &[String]) -> String {
        match looked_in {
            [] => "run mlist without --untrusted if you trust the file".to_owned(),
            _ => self.log_in_or_name(),
        }
    }

    fn log_in_or_name(&self) -> String {
        format!("run docker login {}, or set {}", self.host, self.keys())
    }

    fn keys(&self) -> String {
        format!("`username-env` and `password-env` in [registry.\"{}\"]", self.host)
    }

    /// Returns the help for credentials that are not accepted. It depends on where they come from: `docker login` does
    /// not help if another place takes precedence over the file it writes.
    fn log_in_again(&self, source: &CredentialSource) -> String {
        let (host, place) = (&self.host, &source.place);
        match source.origin {
            CredentialOrigin::Docker => format!("run docker login {host}"),
            CredentialOrigin::Podman => format!("run podman login {host}"),
            CredentialOrigin::Inline => format!("correct {place}: it takes precedence over docker login"),
            CredentialOrigin::Named => format!("correct the values of {place}"),
            CredentialOrigin::Helper => format!("log in again with the program that stores the credentials of {place}"),
        }
    }
}

/// Whether a name follows the convention for environment variables (POSIX, "Environment Variable Definition", in upper
/// case).
fn is_usual_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.chars().all(fits)
}

fn use_another(source: &CredentialSource) -> &'static str {
    match source.origin {
        CredentialOrigin::Named | CredentialOrigin::Inline => {
            "set the credentials of an account that has this permission"
        }
        CredentialOrigin::Docker | CredentialOrigin::Podman | CredentialOrigin::Helper => {
            "log in with an account that has this permission"
        }
    }
}
