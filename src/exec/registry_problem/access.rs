//! Messages about credentials and permissions.

use crate::config::problem::Problem;
use crate::registry::{
    AccessFacts, Account, AskedAs, CredentialFault, CredentialOrigin, CredentialSource, ErrorTarget, Operation,
    RegistryError,
};

use super::Subject;

impl Subject<'_> {
    pub(super) fn unauthorized(&self) -> Problem {
        let (host, doing, what) = (&self.host, self.error.operation, self.within_host());
        let problem = Problem::error(
            "mlist::registry::unauthorized",
            format!("unauthorized: {host} asks for credentials to {doing} {what}"),
        );
        match &self.error.credentials {
            AskedAs::Anonymous { looked_in } => problem.because(self.in_vain(looked_in)).help(self.log_in_or_name()),
            AskedAs::With(source) => self
                .nor_without(self.with_words(problem).because(format!("it does not accept those of {source}")))
                .help(self.log_in_anew(source)),
            AskedAs::Unknown => self.with_words(problem).help(self.log_in_or_name()),
        }
        .about(&self.what_needs_rights())
    }

    pub(super) fn denied(&self) -> Problem {
        let (host, doing, what) = (&self.host, self.error.operation, self.within_host());
        let problem = |message| self.with_words(Problem::error("mlist::registry::denied", message));
        let no_right = || problem(format!("denied: no right to {doing} {what} on {host}"));
        match &self.error.credentials {
            AskedAs::With(source) => {
                let another = log_in_as_another(source);
                if let Account::User(user) = &source.account {
                    let way = if doing == Operation::Read { "from" } else { "to" };
                    let problem = problem(format!("denied: {user} may not {doing} {what} {way} {host}"))
                        .because(format!("credentials of {user} from {}", source.place));
                    self.nor_without(problem).help(format!("give {user} the right to {doing} there, or {another}"))
                } else {
                    self.nor_without(no_right().because(format!("with the credentials of {source}")))
                        .help(format!("give them the right to {doing} there, or {another}"))
                }
            }
            AskedAs::Anonymous { looked_in } => no_right()
                .because(format!("no credentials were sent: {}", self.in_vain(looked_in)))
                .help(self.log_in_or_name()),
            AskedAs::Unknown => no_right().help(self.log_in_or_name()),
        }
        .about(&self.what_needs_rights())
    }

    /// Adds that the request was also refused without credentials, which is tried after them.
    fn nor_without(&self, problem: Problem) -> Problem {
        if self.error.access.is_refused_without {
            problem.because("nor is it read without credentials")
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
            operation: Operation::GiveToken,
            host: Some(token_server.to_owned()),
            access: AccessFacts::default(),
            ..self.error.clone()
        };
        let mut problem = Subject::of(&at_it).describe().because(format!("{} asks for tokens there", self.host));
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
                let mended = match origin {
                    CredentialOrigin::Podman => format!("mend it, or log in anew: podman login {host}"),
                    CredentialOrigin::Docker => format!("mend it, or log in anew: docker login {host}"),
                    CredentialOrigin::Named | CredentialOrigin::Inline | CredentialOrigin::Helper => {
                        format!("mend {place}, or unset it")
                    }
                };
                problem(format!("{place} {why}")).because(format!("needed for {host}")).help(mended)
            }
            CredentialFault::HelperAbsent { helper, named_by } => problem(format!("{helper} is not on the PATH"))
                .because(format!("{named_by} names it for {host}"))
                .help(format!("install it, or: {}", self.keys())),
            CredentialFault::Helper { helper, why, named_by } => problem(format!("{helper} {why}"))
                .because(format!("{named_by} names it for {host}"))
                .help(format!("mend it, or: {}", self.keys())),
            // The text may be the secret itself instead of a variable name, so it is not shown.
            CredentialFault::Unset { variable, key, .. } if !is_usual_name(variable) => {
                problem(format!("no variable is called what {key} of [registry.\"{host}\"] says"))
                    .help(format!("{key} takes the name of an environment variable, never what it holds"))
            }
            CredentialFault::Unset { variable, key, is_empty } => {
                problem(format!("{variable} is {}", if *is_empty { "empty" } else { "not set" }))
                    .because(format!("{key} of [registry.\"{host}\"] names it"))
                    .help(format!("set it, or leave username-env and password-env out and log in: docker login {host}"))
            }
        }
    }

    /// Describes where credentials were searched without success. For a file from an untrusted author no place is
    /// searched.
    ///
    /// Example: `looked in DOCKER_AUTH_CONFIG, ~/.docker/config.json: nothing for gcr.io`.
    fn in_vain(&self, looked_in: &[String]) -> String {
        match looked_in {
            [] => "credentials are looked for nowhere in this run".to_owned(),
            places => format!("looked in {}: nothing for {}", places.join(", "), self.host),
        }
    }

    fn log_in_or_name(&self) -> String {
        format!("docker login {}, or name them: {}", self.host, self.keys())
    }

    fn keys(&self) -> String {
        format!("[registry.\"{}\"] username-env, password-env", self.host)
    }

    /// Returns the help for credentials that are not accepted. It depends on where they come from: `docker login` does
    /// not help if another place takes precedence over the file it writes.
    fn log_in_anew(&self, source: &CredentialSource) -> String {
        let (host, place) = (&self.host, &source.place);
        match source.origin {
            CredentialOrigin::Docker => format!("docker login {host}"),
            CredentialOrigin::Podman => format!("podman login {host}"),
            CredentialOrigin::Inline => format!("correct {place}: it goes before what docker login writes"),
            CredentialOrigin::Named => format!("correct the values of {place}"),
            CredentialOrigin::Helper => format!("log in anew where {place} takes them from"),
        }
    }
}

/// Whether a name follows the convention for environment variables (POSIX, "Environment Variable Definition", in upper
/// case).
fn is_usual_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.chars().all(fits)
}

fn log_in_as_another(source: &CredentialSource) -> &'static str {
    match source.origin {
        CredentialOrigin::Named | CredentialOrigin::Inline => "name someone who has it",
        CredentialOrigin::Docker | CredentialOrigin::Podman | CredentialOrigin::Helper => {
            "log in as someone who has it"
        }
    }
}
