//! [`Scopes`]: rights to repositories, as a token names them (distribution `spec/auth/scope.md`).

use std::fmt;

use crate::oci::Repository;

/// Rights, in the order in which they are asked for: some servers heed only the first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Scopes(Vec<Scope>);

/// A right to one repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Scope {
    path: String,
    right: Right,
}

/// What may be done in a repository. The greater one holds the lesser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Right {
    Pull,
    PullPush,
}

impl Scopes {
    /// `right` in one repository.
    pub(crate) fn one(repository: &Repository, right: Right) -> Self {
        Self::default().and(repository, right)
    }

    /// These, and `right` in one more repository.
    pub(crate) fn and(self, repository: &Repository, right: Right) -> Self {
        self.and_path(repository.path(), right)
    }

    /// As [`Scopes::and`], by the name within the registry.
    pub(super) fn and_path(mut self, path: &str, right: Right) -> Self {
        self.0.push(Scope { path: path.to_owned(), right });
        self
    }

    /// Each as a token server reads it: `repository:NAME:pull,push`.
    pub(super) fn iter(&self) -> impl Iterator<Item = impl fmt::Display> {
        self.0.iter()
    }

    /// The names of the repositories.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| scope.path.as_str())
    }

    /// Whether who has these has all of `need`.
    pub(super) fn allow(&self, need: &Self) -> bool {
        let allowed = |need: &Scope| self.0.iter().any(|held| held.path == need.path && held.right >= need.right);
        need.0.iter().all(allowed)
    }

    /// The repository that a request with this need is sent to; empty for one that needs nothing.
    pub(super) fn path(&self) -> &str {
        self.0.first().map_or("", |scope| &scope.path)
    }

    /// The repository that is read, where nothing else is needed: it may be open to all.
    pub(super) fn only_read(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Scope { path, right: Right::Pull }] => Some(path),
            _ => None,
        }
    }

    /// How many repositories there are: a mount needs two.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions = if self.right == Right::Pull { "pull" } else { "pull,push" };
        write!(f, "repository:{}:{actions}", self.path)
    }
}
