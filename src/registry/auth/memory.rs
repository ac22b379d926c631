//! [`Memory`]: what the refusals of a registry taught, kept for the run so that each costs its requests once.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use crate::registry::lock::lock;

use super::Scopes;

/// What was learnt of one registry.
#[derive(Default)]
pub(super) struct Memory(Mutex<Learnt>);

#[derive(Default)]
struct Learnt {
    sharing: Sharing,
    alone: HashSet<Scopes>,
    denied: HashSet<Scopes>,
    without: HashMap<String, Without>,
}

/// How many repositories one token serves here. It is only ever narrowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sharing {
    /// Those of a group.
    #[default]
    Groups,
    /// The two of a mount.
    Pairs,
    /// One, and so nothing can be mounted.
    Alone,
}

/// What came of reading a repository without our credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Without {
    /// It is open to all.
    Works,
    /// It is not.
    Refused,
}

impl Memory {
    pub(super) fn sharing(&self) -> Sharing {
        lock(&self.0).sharing
    }

    /// A token serves no more repositories than so.
    pub(super) fn narrow(&self, to: Sharing) {
        let sharing = &mut lock(&self.0).sharing;
        *sharing = (*sharing).max(to);
    }

    /// Whether the token of its group was of no use to `need`.
    pub(super) fn goes_alone(&self, need: &Scopes) -> bool {
        lock(&self.0).alone.contains(need)
    }

    /// The token of its group is of no use to `need`.
    pub(super) fn set_alone(&self, need: &Scopes) {
        lock(&self.0).alone.insert(need.clone());
    }

    /// Whether a token that was asked for `need` and nothing else was of no use to it.
    pub(super) fn is_denied(&self, need: &Scopes) -> bool {
        lock(&self.0).denied.contains(need)
    }

    /// Even a token of its own is of no use to `need`.
    pub(super) fn set_denied(&self, need: &Scopes) {
        let mut learnt = lock(&self.0);
        learnt.denied.insert(need.clone());
        if need.len() > 1 && learnt.sharing == Sharing::Pairs {
            learnt.sharing = Sharing::Alone;
        }
    }

    /// What came of reading the repository `path` without credentials, if that was tried.
    pub(super) fn without(&self, path: &str) -> Option<Without> {
        lock(&self.0).without.get(path).copied()
    }

    pub(super) fn set_without(&self, path: &str, without: Without) {
        lock(&self.0).without.insert(path.to_owned(), without);
    }
}
