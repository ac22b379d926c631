//! [`Scopes`]: rights in repositories, as a token lists them (distribution `spec/auth/scope.md`).

use std::fmt;

use crate::oci::Repository;

/// Rights, in the order in which they are requested: some token servers use only the first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Scopes(Vec<TokenScope>);

/// A right in one repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct TokenScope {
    path: String,
    right: Right,
}

/// The operations allowed in a repository. The greater right includes the lesser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Right {
    Pull,
    PullPush,
}

impl Scopes {
    /// Creates scopes with `right` in one repository.
    pub(crate) fn one(repository: &Repository, right: Right) -> Self {
        Self::default().and(repository, right)
    }

    /// Adds `right` in one more repository.
    pub(crate) fn and(self, repository: &Repository, right: Right) -> Self {
        self.and_path(repository.path(), right)
    }

    /// Like [`Scopes::and`], with the path of the repository within the registry.
    pub(super) fn and_path(mut self, path: &str, right: Right) -> Self {
        self.0.push(TokenScope { path: path.to_owned(), right });
        self
    }

    /// Returns each scope in the form that token servers expect: `repository:NAME:pull,push`.
    pub(super) fn iter(&self) -> impl Iterator<Item = impl fmt::Display> {
        self.0.iter()
    }

    /// Returns the paths of the repositories.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| scope.path.as_str())
    }

    /// Whether these rights include all of `need`.
    pub(super) fn allow(&self, need: &Self) -> bool {
        let allowed = |need: &TokenScope| self.0.iter().any(|held| held.path == need.path && held.right >= need.right);
        need.0.iter().all(allowed)
    }

    /// Returns the path of the repository that a request with this need is sent to. Empty if the request needs no
    /// rights.
    pub(super) fn path(&self) -> &str {
        self.0.first().map_or("", |scope| &scope.path)
    }

    /// Returns the path of the repository if reading it is all that is needed. Such a repository may be public.
    pub(super) fn only_read(&self) -> Option<&str> {
        match self.0.as_slice() {
            [TokenScope { path, right: Right::Pull }] => Some(path),
            _ => None,
        }
    }

    /// Returns the number of repositories. A mount needs two.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions = if self.right == Right::Pull { "pull" } else { "pull,push" };
        write!(f, "repository:{}:{actions}", self.path)
    }
}
