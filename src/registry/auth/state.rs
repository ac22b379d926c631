//! [`AuthState`]: what this run has learned of one registry's authentication, and the tokens it holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use crate::oci::Host;
use crate::registry::Access;
use crate::registry::lock::lock;

use super::cached_token::{CachedToken, Group, SharedTokens};
use super::identity::{Identities, Identity};
use super::memory::Memory;
use super::scheme::AuthScheme;
use super::scopes::Scopes;

/// What this run has learned of one registry's authentication, and the tokens it holds.
pub(super) struct AuthState {
    pub(super) groups: Vec<Group>,
    scheme: Mutex<AuthScheme>,
    /// Whether a first request was sent alone; whatever its answer, the others need not wait.
    pub(super) first: Arc<tokio::sync::Mutex<bool>>,
    /// What its base asks for; asked once, where another answer did not say.
    pub(super) base: OnceCell<Option<AuthScheme>>,
    pub(super) identities: Identities,
    /// Of groups; made when the first is needed, as that takes the credentials of all repositories.
    pub(super) shared: OnceCell<SharedTokens>,
    /// Of needs that share none, by the number of the identity.
    own: Mutex<HashMap<(usize, Scopes), Arc<CachedToken>>>,
    pub(super) memory: Memory,
}

impl AuthState {
    /// Nothing is known of `host` yet but what will be asked of it.
    pub(super) fn new(access: &Access, host: &Host) -> Self {
        let (scheme, first, base, identities, shared, own, memory) = Default::default();
        Self { groups: Group::all(access, host), scheme, first, base, identities, shared, own, memory }
    }

    /// How the registry authenticates, as far as it is known now.
    pub(super) fn scheme(&self) -> AuthScheme {
        lock(&self.scheme).clone()
    }

    /// Notes what an answer shows, if `only_if` what is known so far allows it.
    pub(super) fn learn(&self, new: impl FnOnce() -> AuthScheme, only_if: impl Fn(&AuthScheme) -> bool) {
        let mut scheme = lock(&self.scheme);
        if only_if(&scheme) {
            *scheme = new();
        }
    }

    /// The token for `need` and nothing else.
    pub(super) fn own(&self, identity: &Arc<Identity>, need: &Scopes) -> Arc<CachedToken> {
        let mut own = lock(&self.own);
        let token = own.entry((identity.number, need.clone()));
        Arc::clone(token.or_insert_with(|| CachedToken::new(identity, need.clone())))
    }
}
