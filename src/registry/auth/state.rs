//! [`AuthState`]: what this run has learned of one registry's authentication, and the tokens it holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use crate::oci::Host;
use crate::registry::Access;
use crate::registry::lock::lock;

use super::cached_token::{CachedToken, SharedTokens, TokenGroup};
use super::identity::{Identities, Identity};
use super::memory::Memory;
use super::scheme::AuthScheme;
use super::scopes::Scopes;

/// What this run has learned of one registry's authentication, and the tokens it holds.
pub(super) struct AuthState {
    pub(super) groups: Vec<TokenGroup>,
    scheme: Mutex<AuthScheme>,
    /// Whether a first request was sent alone. Once it is answered, with whatever result, the other requests need not
    /// wait.
    pub(super) first: Arc<tokio::sync::Mutex<bool>>,
    /// The scheme that the registry's base (`/v2/`) requires. The base is queried once, if another answer did not state
    /// the scheme.
    pub(super) base: OnceCell<Option<AuthScheme>>,
    pub(super) identities: Identities,
    /// The tokens that groups share. Created when the first is needed, because this looks up the credentials of all
    /// repositories.
    pub(super) shared: OnceCell<SharedTokens>,
    /// The tokens that are not shared, by the number of the identity and the rights.
    own: Mutex<HashMap<(usize, Scopes), Arc<CachedToken>>>,
    pub(super) memory: Memory,
}

impl AuthState {
    /// Creates the state of `host`, of which only the groups in `access` are known yet.
    pub(super) fn new(access: &Access, host: &Host) -> Self {
        let (scheme, first, base, identities, shared, own, memory) = Default::default();
        Self { groups: TokenGroup::all(access, host), scheme, first, base, identities, shared, own, memory }
    }

    /// Returns how the registry authenticates requests, as far as it is known now.
    pub(super) fn scheme(&self) -> AuthScheme {
        lock(&self.scheme).clone()
    }

    /// Stores the scheme that an answer shows, if `only_if` allows it for the scheme known so far.
    pub(super) fn learn(&self, new: impl FnOnce() -> AuthScheme, only_if: impl Fn(&AuthScheme) -> bool) {
        let mut scheme = lock(&self.scheme);
        if only_if(&scheme) {
            *scheme = new();
        }
    }

    /// Returns the token for exactly the rights `need`.
    pub(super) fn own(&self, identity: &Arc<Identity>, need: &Scopes) -> Arc<CachedToken> {
        let mut own = lock(&self.own);
        let token = own.entry((identity.number, need.clone()));
        Arc::clone(token.or_insert_with(|| CachedToken::new(identity, need.clone())))
    }
}
