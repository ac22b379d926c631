//! [`AuthState`]: what this run has learned of one registry's authentication, and the tokens it holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use crate::oci::Host;
use crate::registry::Access;
use crate::registry::lock::lock;

use super::identity::{Identities, Identity};
use super::memory::Memory;
use super::pass::{Group, Pass, Passes};
use super::scopes::Scopes;
use super::standing::Standing;

/// What this run has learned of one registry's authentication, and the tokens it holds.
pub(super) struct AuthState {
    pub(super) groups: Vec<Group>,
    standing: Mutex<Standing>,
    /// Whether a first request was sent alone; whatever its answer, the others need not wait.
    pub(super) first: Arc<tokio::sync::Mutex<bool>>,
    /// What its base asks for; asked once, where another answer did not say.
    pub(super) base: OnceCell<Option<Standing>>,
    pub(super) identities: Identities,
    /// Of groups; made when the first is needed, as that takes the credentials of all repositories.
    pub(super) shared: OnceCell<Passes>,
    /// Of needs that share none, by the number of the identity.
    own: Mutex<HashMap<(usize, Scopes), Arc<Pass>>>,
    pub(super) memory: Memory,
}

impl AuthState {
    /// Nothing is known of `host` yet but what will be asked of it.
    pub(super) fn new(access: &Access, host: &Host) -> Self {
        let (standing, first, base, identities, shared, own, memory) = Default::default();
        Self { groups: Group::all(access, host), standing, first, base, identities, shared, own, memory }
    }

    pub(super) fn standing(&self) -> Standing {
        lock(&self.standing).clone()
    }

    /// Notes what an answer shows, if `only_if` what is known so far allows it.
    pub(super) fn learn(&self, new: impl FnOnce() -> Standing, only_if: impl Fn(&Standing) -> bool) {
        let mut standing = lock(&self.standing);
        if only_if(&standing) {
            *standing = new();
        }
    }

    /// The pass for `need` and nothing else.
    pub(super) fn own(&self, identity: &Arc<Identity>, need: &Scopes) -> Arc<Pass> {
        let mut own = lock(&self.own);
        let pass = own.entry((identity.number, need.clone()));
        Arc::clone(pass.or_insert_with(|| Pass::new(identity, need.clone())))
    }
}
