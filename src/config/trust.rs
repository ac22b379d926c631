//! [`Trust`]: what a manifests.toml may reach that somebody else wrote, in a pull request from a fork say.
//!
//! Three ways lead from the file to what is not its author's: the environment and git, which [`Author`] closes; paths,
//! which stay within [`Trust::root`]; and what `[registry]` says of hosts. What is not allowed is not asked for, so that
//! nobody answers it by mistake.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::model::{RegistrySettings, Security};
use super::problem::Problem;

/// How many more hosts a warning names.
const NAMED: usize = 3;

/// How far manifests.toml is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// The folder that no path of the file may lead out of, as seen from where the program runs; none: paths lead
    /// anywhere.
    pub root: Option<PathBuf>,
    /// Who may have written it.
    pub author: Author,
}

/// Who may have written manifests.toml.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Author {
    /// Who runs the program, or someone they trust.
    #[default]
    Trusted,
    /// Anybody (`--untrusted`).
    Stranger {
        /// The variables of the environment that they may read (`--allow-env`).
        environment: BTreeSet<String>,
    },
}

impl Author {
    /// Whether they may read this variable of the environment.
    pub(super) fn may_read(&self, variable: &str) -> bool {
        match self {
            Self::Trusted => true,
            Self::Stranger { environment } => environment.contains(variable),
        }
    }

    /// Whether it may be anybody.
    #[must_use]
    pub fn is_stranger(&self) -> bool {
        matches!(self, Self::Stranger { .. })
    }
}

/// What a stranger's `[registry]` comes to: how much a host may be asked, which harms nobody. Anything else says who to
/// trust and what to show. Also a warning that names what is left out, if anything is.
pub(super) fn limits_alone(registries: Vec<RegistrySettings>) -> (Vec<RegistrySettings>, Option<Problem>) {
    let left_out: Vec<_> =
        registries.iter().map(|settings| (settings, others(settings))).filter(|(_, keys)| !keys.is_empty()).collect();
    let warning = left_out.split_first().map(|((settings, keys), more)| {
        let named = |settings: &RegistrySettings, keys: &[&str]| format!("{} of {}", keys.join(", "), settings.host);
        let message = format!("left out under --untrusted: {}", named(settings, keys));
        let problem = Problem::warning("mlist::config::left_out", message).at(&settings.span, "");
        let problem =
            more.iter().take(NAMED).fold(problem, |problem, (settings, keys)| problem.because(named(settings, keys)));
        let problem = match more.len().saturating_sub(NAMED) {
            0 => problem,
            rest => problem.because(format!("and what is said of {rest} more")),
        };
        problem.help("of [registry] only concurrency and rate are heeded in a stranger's file")
    });
    let alone = |settings: RegistrySettings| RegistrySettings {
        security: Security::Usual,
        ca: None,
        client: None,
        login: None,
        ..settings
    };
    (registries.into_iter().map(alone).collect(), warning)
}

/// The keys that are no limit, as they are written.
fn others(settings: &RegistrySettings) -> Vec<&'static str> {
    let RegistrySettings { host: _, span: _, security, ca, client, login, concurrency: _, rate: _ } = settings;
    let safety: &[&str] = match security {
        Security::Usual => &[],
        Security::Tls | Security::Plain => &["http"],
        Security::Unverified => &["insecure"],
    };
    let ca: &[&str] = if ca.is_some() { &["ca"] } else { &[] };
    let client: &[&str] = if client.is_some() { &["client-cert", "client-key"] } else { &[] };
    let login: &[&str] = if login.is_some() { &["username-env", "password-env"] } else { &[] };
    [safety, ca, client, login].concat()
}

/// `mlist::config::outside_root`: `path` does not lead to a place within `root`.
#[must_use]
pub fn outside_root(path: &str, root: &Path) -> Problem {
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let problem =
        Problem::error("mlist::config::outside_root", format!("`{path}` leads outside of `{}`", root.display()));
    if Path::new(path).components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git")) {
        return problem.help("what git keeps for itself counts as outside: credentials may stand there");
    }
    problem.help("only what is within that folder may be used; to name another one: --root DIR")
}
