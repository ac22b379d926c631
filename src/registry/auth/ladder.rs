//! [`Known::next_step`]: which credentials a request carries next.
//!
//! A request begins at the first step that fits. If that is refused, or there is no token for it, the next step that
//! fits follows:
//!
//! | step | when |
//! |---|---|
//! | anonymous | the registry does not require credentials, or the repository is known to be public |
//! | login | the user's password or registry token is sent unchanged |
//! | shared token | the registry uses tokens, and the repository belongs to a group |
//! | own token | the repository belongs to no group, or the shared token does not work for it |
//! | without credentials | the credentials were refused, and the request only reads: the repository may be public |
//! | give up | nothing is left to try |

use crate::registry::credentials::Login;
use crate::registry::error::Failure;

use super::Scopes;
use super::memory::{Memory, Sharing, Without};
use super::scheme::AuthScheme;
use super::token::{is_refusal, refuses_several};

/// What a request carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum AuthStep {
    /// Nothing, or a token that is granted to everyone.
    #[default]
    Anonymous,
    /// The user's password or registry token, sent unchanged.
    Login,
    /// The token that its group shares.
    SharedToken,
    /// A token for exactly the rights that the request needs.
    OwnToken,
    /// Like `Anonymous`, to find out whether only the credentials are refused.
    WithoutCredentials,
    /// Nothing is left to try.
    GiveUp,
}

/// What was tried for one request so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tried {
    pub(super) shared: SharedTried,
    pub(super) credentials: CredentialsTried,
    /// Whether it was tried without credentials, and that did not work.
    pub(super) without: bool,
}

/// What is known about the token that a group shares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SharedTried {
    #[default]
    NotYet,
    /// The repository is in no group.
    Missing,
    /// The token server refuses it.
    Refused,
}

/// Who has refused the credentials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum CredentialsTried {
    #[default]
    NotYet,
    /// The registry. If it also refuses the request without credentials, they are sent again, and that answer is
    /// reported.
    RefusedByRegistry,
    /// The token server, whose answer is reported.
    RefusedByTokenServer,
}

/// What is known when the next step is chosen.
pub(super) struct Known<'a> {
    pub(super) scheme: &'a AuthScheme,
    pub(super) login: Option<&'a Login>,
    pub(super) need: &'a Scopes,
    pub(super) memory: &'a Memory,
}

impl Tried {
    /// Returns what has been tried once the token server has failed with `failure` at `step`. `None` if no other step
    /// can help.
    pub(super) fn after(self, step: AuthStep, failure: &Failure) -> Option<Self> {
        match step {
            AuthStep::SharedToken if refuses_several(failure) => Some(Self { shared: SharedTried::Refused, ..self }),
            AuthStep::SharedToken | AuthStep::OwnToken if is_refusal(failure) => {
                Some(Self { credentials: CredentialsTried::RefusedByTokenServer, ..self })
            }
            // If the credentials were refused before, that refusal is reported, however this step fails.
            AuthStep::WithoutCredentials
                if is_refusal(failure) || self.credentials == CredentialsTried::RefusedByTokenServer =>
            {
                Some(Self { without: true, ..self })
            }
            _ => None,
        }
    }
}

impl Known<'_> {
    /// Returns the next step of a request, given what was tried for it.
    pub(super) fn next_step(&self, tried: Tried) -> AuthStep {
        let without = self.need.only_read().and_then(|path| self.memory.without(path));
        if self.login.is_some() && without == Some(Without::Works) {
            return AuthStep::Anonymous;
        }
        let may_go_without = || self.login.is_some() && may_go_without(self.need, self.memory, tried);
        match tried.credentials {
            CredentialsTried::RefusedByRegistry | CredentialsTried::RefusedByTokenServer if may_go_without() => {
                AuthStep::WithoutCredentials
            }
            CredentialsTried::NotYet | CredentialsTried::RefusedByRegistry => self.with_credentials(tried),
            CredentialsTried::RefusedByTokenServer => AuthStep::GiveUp,
        }
    }

    /// Returns the step that uses the credentials. Without credentials, the tokens are those that everyone is granted.
    fn with_credentials(&self, tried: Tried) -> AuthStep {
        let sharing = self.memory.sharing();
        match (self.scheme, self.login) {
            (AuthScheme::Basic, Some(Login::Basic { .. })) | (AuthScheme::Bearer(_), Some(Login::Bearer(_))) => {
                AuthStep::Login
            }
            (AuthScheme::Bearer(_), _) => {
                let is_mount = self.need.len() > 1;
                let is_shared = sharing == Sharing::Groups && tried.shared == SharedTried::NotYet;
                if is_mount && (sharing == Sharing::Alone || self.memory.is_denied(self.need)) {
                    AuthStep::GiveUp
                } else if is_shared && !self.memory.goes_alone(self.need) {
                    AuthStep::SharedToken
                } else {
                    AuthStep::OwnToken
                }
            }
            _ => AuthStep::Anonymous,
        }
    }
}

/// Whether a request whose credentials are refused may be sent without them: it only reads, and this was not tried
/// before.
pub(super) fn may_go_without(need: &Scopes, memory: &Memory, tried: Tried) -> bool {
    !tried.without && need.only_read().is_some_and(|path| memory.without(path).is_none())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reqwest::Url;

    use super::*;
    use crate::registry::auth::Right;
    use crate::registry::auth::scheme::Bearer;
    use crate::registry::error::ErrorKind;
    use AuthStep::{Anonymous, GiveUp, OwnToken, SharedToken, WithoutCredentials};

    fn bearer() -> AuthScheme {
        let realm = Url::parse("https://auth.example/token").unwrap();
        AuthScheme::Bearer(Arc::new(Bearer { realm, service: None }))
    }

    fn password() -> Login {
        Login::Basic { user: "ci".into(), password: "x".into() }
    }

    fn read() -> Scopes {
        Scopes::default().and_path("a", Right::Pull)
    }

    fn write() -> Scopes {
        Scopes::default().and_path("a", Right::PullPush)
    }

    fn mount() -> Scopes {
        write().and_path("b", Right::Pull)
    }

    /// The steps of a request after `tried`, if the token server refuses every token.
    fn steps(known: &Known<'_>, mut tried: Tried) -> Vec<AuthStep> {
        let refusal = Failure { status: Some(401), ..Failure::of(ErrorKind::Unauthorized) };
        let mut steps = Vec::new();
        loop {
            steps.push(known.next_step(tried));
            match tried.after(steps[steps.len() - 1], &refusal) {
                Some(next) => tried = next,
                None => return steps,
            }
        }
    }

    #[test]
    fn each_refusal_of_the_token_server_leads_to_the_next_step() {
        let (identity, registry_token) = (Login::Identity("x".into()), Login::Bearer("x".into()));
        let table: [(AuthScheme, Option<Login>, Scopes, &[AuthStep]); 12] = [
            (AuthScheme::Unknown, None, read(), &[Anonymous]),
            (AuthScheme::Open, None, write(), &[Anonymous]),
            (AuthScheme::Basic, None, read(), &[Anonymous]),
            (AuthScheme::Basic, Some(identity.clone()), read(), &[Anonymous]),
            (AuthScheme::Basic, Some(password()), read(), &[AuthStep::Login]),
            (bearer(), Some(registry_token), read(), &[AuthStep::Login]),
            (bearer(), None, read(), &[SharedToken, OwnToken, GiveUp]),
            (bearer(), None, mount(), &[SharedToken, OwnToken, GiveUp]),
            (bearer(), Some(password()), read(), &[SharedToken, OwnToken, WithoutCredentials, GiveUp]),
            (bearer(), Some(identity), read(), &[SharedToken, OwnToken, WithoutCredentials, GiveUp]),
            (bearer(), Some(password()), write(), &[SharedToken, OwnToken, GiveUp]),
            (bearer(), Some(password()), mount(), &[SharedToken, OwnToken, GiveUp]),
        ];
        for (at, (scheme, login, need, expected)) in table.iter().enumerate() {
            let known = Known { scheme, login: login.as_ref(), need, memory: &Memory::default() };
            assert_eq!(steps(&known, Tried::default()), *expected, "row {at}");
        }
    }

    #[test]
    fn steps_that_earlier_requests_found_to_be_of_no_use_are_left_out() {
        let learn = |learn: fn(&Memory)| {
            let memory = Memory::default();
            learn(&memory);
            memory
        };
        let open_to_all = || learn(|memory| memory.set_without("a", Without::Works));
        let refused_without = || learn(|memory| memory.set_without("a", Without::Refused));
        let pairs = || learn(|memory| memory.narrow(Sharing::Pairs));
        let alone = || learn(|memory| memory.narrow(Sharing::Alone));
        let read_goes_alone = || learn(|memory| memory.set_alone(&read()));
        let mount_is_denied = || learn(|memory| memory.set_denied(&mount()));
        let table: [(Memory, Scopes, &[AuthStep]); 11] = [
            (open_to_all(), read(), &[Anonymous]),
            (open_to_all(), write(), &[SharedToken, OwnToken, GiveUp]),
            (refused_without(), read(), &[SharedToken, OwnToken, GiveUp]),
            (pairs(), read(), &[OwnToken, WithoutCredentials, GiveUp]),
            (pairs(), mount(), &[OwnToken, GiveUp]),
            (alone(), read(), &[OwnToken, WithoutCredentials, GiveUp]),
            (alone(), mount(), &[GiveUp]),
            (read_goes_alone(), read(), &[OwnToken, WithoutCredentials, GiveUp]),
            (read_goes_alone(), write(), &[SharedToken, OwnToken, GiveUp]),
            (mount_is_denied(), mount(), &[GiveUp]),
            (mount_is_denied(), write(), &[SharedToken, OwnToken, GiveUp]),
        ];
        for (at, (memory, need, expected)) in table.iter().enumerate() {
            let known = Known { scheme: &bearer(), login: Some(&password()), need, memory };
            assert_eq!(steps(&known, Tried::default()), *expected, "row {at}");
        }
    }

    #[test]
    fn what_the_registry_refuses_with_credentials_is_read_without_them_once() {
        let tried = Tried { credentials: CredentialsTried::RefusedByRegistry, ..Tried::default() };
        let table: [(AuthScheme, Scopes, &[AuthStep]); 4] = [
            (AuthScheme::Basic, read(), &[WithoutCredentials, AuthStep::Login]),
            (AuthScheme::Basic, write(), &[AuthStep::Login]),
            (bearer(), read(), &[WithoutCredentials, SharedToken, OwnToken, GiveUp]),
            (bearer(), write(), &[SharedToken, OwnToken, GiveUp]),
        ];
        for (at, (scheme, need, expected)) in table.iter().enumerate() {
            let known = Known { scheme, login: Some(&password()), need, memory: &Memory::default() };
            assert_eq!(steps(&known, tried), *expected, "row {at}");
        }
    }

    #[test]
    fn a_token_server_that_fails_ends_the_request() {
        let failure = Failure { status: Some(500), ..Failure::of(ErrorKind::Server) };
        let unreachable = Failure::of(ErrorKind::Unreachable("no connection".into()));
        for (step, failure, goes_on) in [
            // It may have failed only because several rights were requested at once.
            (SharedToken, &failure, true),
            (SharedToken, &unreachable, false),
            (OwnToken, &failure, false),
            (WithoutCredentials, &failure, false),
        ] {
            assert_eq!(Tried::default().after(step, failure).is_some(), goes_on, "{step:?} {:?}", failure.kind);
        }
    }
}
