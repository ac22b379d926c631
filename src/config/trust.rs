//! [`Trust`]: what a manifests.toml may access if its author is not trusted, for example in a pull request from a fork.
//!
//! A file has three ways to access data that its author does not own: the environment and git, which [`Author`]
//! restricts; paths, which must stay within [`Trust::root`]; and the host settings in `[registry]`. Facts that are not
//! allowed are never requested, so they cannot be answered by mistake.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::problem::Problem;

/// How much manifests.toml is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// The folder that all paths of the file must stay within, relative to the working directory. `None` if paths are
    /// not restricted.
    pub root: Option<PathBuf>,
    /// Who may have written the file.
    pub author: Author,
}

/// Who may have written manifests.toml.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Author {
    /// The user who runs mlist, or someone the user trusts.
    #[default]
    Trusted,
    /// Anyone (`--untrusted`).
    Stranger {
        /// The environment variables that the file may read (`--allow-env`).
        environment: BTreeSet<String>,
    },
}

impl Author {
    /// Whether the file may read this environment variable.
    pub(super) fn may_read(&self, variable: &str) -> bool {
        match self {
            Self::Trusted => true,
            Self::Stranger { environment } => environment.contains(variable),
        }
    }

    /// Whether the author is not trusted.
    #[must_use]
    pub fn is_stranger(&self) -> bool {
        matches!(self, Self::Stranger { .. })
    }
}

/// Returns the problem `mlist::config::outside_root`: `path` does not lead to a location within `root`.
#[must_use]
pub fn outside_root(path: &str, root: &Path) -> Problem {
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let problem = Problem::error(
        "mlist::config::outside_root",
        format!("`{path}` is outside of the root directory `{}`", root.display()),
    );
    if Path::new(path).components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git")) {
        return problem.help("the directory .git counts as outside, because it can contain credentials");
    }
    problem.help("only files in the root directory are allowed; to set another one, use --root DIR")
}
