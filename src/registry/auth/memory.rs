//! [`Memory`]: what the refusals of a registry have shown. It is kept for the whole run, so that each refusal costs
//! extra requests only once.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use crate::registry::lock::lock;

use super::Scopes;

/// What is known about one registry from its refusals.
#[derive(Default)]
pub(super) struct Memory(Mutex<Learnt>);

#[derive(Default)]
struct Learnt {
    sharing: Sharing,
    alone: HashSet<Scopes>,
    denied: HashSet<Scopes>,
    without: HashMap<String, Without>,
}

/// How many repositories one token can serve in this registry. The value only ever becomes narrower.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sharing {
    /// All repositories of a group.
    #[default]
    Groups,
    /// The two repositories of a mount.
    Pairs,
    /// One repository, so nothing can be mounted.
    Alone,
}

/// The result of reading a repository without credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Without {
    /// The repository is public.
    Works,
    /// The repository is not public.
    Refused,
}

impl Memory {
    pub(super) fn sharing(&self) -> Sharing {
        lock(&self.0).sharing
    }

    /// Records that a token serves no more repositories than `to` says.
    pub(super) fn narrow(&self, to: Sharing) {
        let sharing = &mut lock(&self.0).sharing;
        *sharing = (*sharing).max(to);
    }

    /// Whether the shared token does not work for `need`.
    pub(super) fn goes_alone(&self, need: &Scopes) -> bool {
        lock(&self.0).alone.contains(need)
    }

    /// Records that the shared token does not work for `need`.
    pub(super) fn set_alone(&self, need: &Scopes) {
        lock(&self.0).alone.insert(need.clone());
    }

    /// Whether a token requested for exactly `need` does not work for it.
    pub(super) fn is_denied(&self, need: &Scopes) -> bool {
        lock(&self.0).denied.contains(need)
    }

    /// Records that even a token requested for exactly `need` does not work for it.
    pub(super) fn set_denied(&self, need: &Scopes) {
        let mut learnt = lock(&self.0);
        learnt.denied.insert(need.clone());
        if need.len() > 1 && learnt.sharing == Sharing::Pairs {
            learnt.sharing = Sharing::Alone;
        }
    }

    /// Returns the result of reading the repository `path` without credentials, if that was tried.
    pub(super) fn without(&self, path: &str) -> Option<Without> {
        lock(&self.0).without.get(path).copied()
    }

    pub(super) fn set_without(&self, path: &str, without: Without) {
        lock(&self.0).without.insert(path.to_owned(), without);
    }
}
