//! [`Trust`]: what a manifests.toml may reach that somebody else wrote, in a pull request from a fork say.
//!
//! Three ways lead from the file to what is not its author's: the environment and git, which [`Author`] closes; paths,
//! which stay within [`Trust::root`]; and what `[registry]` says of hosts. What is not allowed is not asked for, so that
//! nobody answers it by mistake.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::problem::Problem;

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
