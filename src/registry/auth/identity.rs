//! [`Identity`]: the credentials that a registry is accessed with. Most registries need only one identity. If
//! credentials are given by namespace (`quay.io/team`), there are several, and a token of one is not used for another.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret;

use crate::registry::credentials::{Credential, Login};
use crate::registry::error::{ErrorKind, Failure};
use crate::registry::lock::lock;

/// The maximum number of times that a login which was never accepted is tried for a single right. Registries lock
/// accounts after more.
const TRIES: usize = 3;

/// The identities used for one registry.
#[derive(Default)]
pub(super) struct Identities(Mutex<Vec<Arc<Identity>>>);

/// The credentials that tokens are requested with.
pub(super) struct Identity {
    /// Its index among the identities of its registry.
    pub(super) number: usize,
    /// `None` for anonymous access.
    pub(super) credential: Option<Credential>,
    /// Whether the token server has accepted the credentials, or has failed in a way other than refusing them.
    is_past_trial: AtomicBool,
    /// The request that holds the lock asks the token server. The others wait for its result.
    trial: tokio::sync::Mutex<Trial>,
}

/// The refusals of a login that was never accepted.
#[derive(Default)]
struct Trial {
    /// The refusal of a request for several rights at once, which may be the reason for the refusal.
    together: Option<Failure>,
    /// The refusals of requests for a single right.
    alone: Vec<Failure>,
}

impl Identities {
    /// Returns the identity for `credential`.
    pub(super) fn of(&self, credential: Option<Credential>) -> Arc<Identity> {
        let mut known = lock(&self.0);
        if let Some(identity) = known.iter().find(|known| same(known.credential.as_ref(), credential.as_ref())) {
            return Arc::clone(identity);
        }
        let (is_past_trial, trial) = Default::default();
        let identity = Arc::new(Identity { number: known.len(), credential, is_past_trial, trial });
        known.push(Arc::clone(&identity));
        identity
    }
}

impl Identity {
    /// Runs `fetch`, which requests a token for as many repositories as `rights` says. Until the login is accepted, it
    /// is tried by one request at a time and only a limited number of times. Otherwise a wrong password would be sent
    /// for every repository of a run.
    pub(super) async fn ask<T>(
        &self,
        rights: usize,
        fetch: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if self.credential.is_none() || self.is_past_trial.load(Ordering::Relaxed) {
            return fetch.await;
        }
        let mut trial = self.trial.lock().await;
        if self.is_past_trial.load(Ordering::Relaxed) {
            drop(trial);
            return fetch.await;
        }
        let last = trial.alone.last().filter(|_| trial.alone.len() >= TRIES);
        if let Some(refusal) = last.or(trial.together.as_ref().filter(|_| rights > 1)) {
            return Err(refusal.clone());
        }
        let fetched = fetch.await;
        match &fetched {
            // A 403 concerns the requested rights. A 401 concerns the credentials.
            Err(refusal) if refusal.kind == ErrorKind::Unauthorized && rights > 1 => {
                trial.together = Some(refusal.clone());
            }
            Err(refusal) if refusal.kind == ErrorKind::Unauthorized => trial.alone.push(refusal.clone()),
            _ => self.is_past_trial.store(true, Ordering::Relaxed),
        }
        fetched
    }
}

fn same(a: Option<&Credential>, b: Option<&Credential>) -> bool {
    match (a.map(|a| &a.login), b.map(|b| &b.login)) {
        (None, None) => true,
        (Some(Login::Basic { user: a, password: p }), Some(Login::Basic { user: b, password: q })) => {
            a == b && p.expose_secret() == q.expose_secret()
        }
        (Some(Login::Identity(a)), Some(Login::Identity(b))) | (Some(Login::Bearer(a)), Some(Login::Bearer(b))) => {
            a.expose_secret() == b.expose_secret()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: &str, password: &str) -> Credential {
        let login = Login::Basic { user: user.into(), password: password.into() };
        Credential::of_docker(login)
    }

    #[test]
    fn who_logs_in_with_the_same_is_the_same() {
        let all = Identities::default();
        let number = |credential| all.of(credential).number;
        assert_eq!([number(None), number(Some(login("ci", "a"))), number(Some(login("ci", "b")))], [0, 1, 2]);
        assert_eq!([number(Some(login("ci", "a"))), number(None), number(Some(login("you", "a")))], [1, 0, 3]);
    }

    #[tokio::test]
    async fn a_login_that_is_never_accepted_is_tried_three_times() {
        let identity = Identities::default().of(Some(login("ci", "wrong")));
        let tried = AtomicBool::new(false);
        let refused = async || {
            tried.store(true, Ordering::Relaxed);
            Err::<(), _>(Failure::of(ErrorKind::Unauthorized))
        };
        for _ in 0..TRIES {
            identity.ask(1, refused()).await.unwrap_err();
        }
        tried.store(false, Ordering::Relaxed);
        for rights in [1, 6] {
            assert_eq!(identity.ask(rights, refused()).await.unwrap_err().kind, ErrorKind::Unauthorized);
        }
        assert!(!tried.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn what_is_refused_together_is_no_wrong_password_before_it_is_refused_alone() {
        let identity = Identities::default().of(Some(login("ci", "right")));
        for _ in 0..200 {
            let asked = async { Err::<(), _>(Failure::of(ErrorKind::Unauthorized)) };
            identity.ask(6, asked).await.unwrap_err();
        }
        identity.ask(1, async { Ok(()) }).await.unwrap();
    }

    #[tokio::test]
    async fn a_login_that_was_accepted_once_is_right() {
        let identity = Identities::default().of(Some(login("ci", "right")));
        let refused = async || Err::<(), _>(Failure::of(ErrorKind::Unauthorized));
        identity.ask(1, refused()).await.unwrap_err();
        identity.ask(1, async { Ok(()) }).await.unwrap();
        for _ in 0..9 {
            identity.ask(1, refused()).await.unwrap_err();
        }
        identity.ask(1, async { Ok(()) }).await.unwrap();
    }
}
