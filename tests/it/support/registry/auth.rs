//! Who may do what: [`Auth`], and the tokens of its Bearer form.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A token that may do everything; tests seed with it.
pub(super) const INSIDER: &str = "insider";

/// How a registry asks who is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Auth {
    /// It does not ask.
    #[default]
    None,
    /// User and password with each request.
    Basic(Account),
    /// Tokens of `/token` on the same host: everything for the account, nothing for others.
    Bearer(Account),
}

/// Who may do everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// Its name.
    pub(crate) user: String,
    /// Its password.
    pub(crate) password: String,
}

impl Account {
    /// An account.
    pub(crate) fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: password.to_owned() }
    }

    /// The `Authorization` header of this account.
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", self.encoded())
    }

    /// `user:password` in base64, as Docker's config file has it.
    pub(crate) fn encoded(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.password))
    }
}

/// A right to a repository: `pull` or `push`.
type Right = (String, String);

/// The tokens that were given.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    given: usize,
    valid: BTreeMap<String, BTreeSet<Right>>,
}

impl Tokens {
    /// A new token with the rights that `scopes` (`repository:NAME:ACTIONS`) name.
    pub(super) fn give<'a>(&mut self, scopes: impl Iterator<Item = &'a str>) -> String {
        self.given += 1;
        let token = format!("token-{}", self.given);
        self.valid.insert(token.clone(), scopes.flat_map(rights).collect());
        token
    }

    /// Refuses all tokens given so far.
    pub(super) fn revoke(&mut self) {
        self.valid.clear();
    }
}

/// What a request lacks: the challenge of its 401.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge(pub(super) String);

/// Whether `authorization` gives the rights that `scopes` name.
pub(super) fn check(
    auth: &Auth,
    tokens: &Tokens,
    authorization: Option<&str>,
    scopes: &[String],
    host: &str,
) -> Result<(), Challenge> {
    if authorization == Some(&format!("Bearer {INSIDER}")) {
        return Ok(());
    }
    match auth {
        Auth::None => Ok(()),
        Auth::Basic(account) if authorization == Some(&account.basic()) => Ok(()),
        Auth::Basic(_) => Err(Challenge("Basic realm=\"rig\"".to_owned())),
        Auth::Bearer(_) => {
            let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
            let held = token.and_then(|token| tokens.valid.get(token));
            let suffices = |held: &&BTreeSet<Right>| {
                scopes.iter().flat_map(|scope| rights(scope)).all(|right| held.contains(&right))
            };
            if held.as_ref().is_some_and(suffices) {
                return Ok(());
            }
            let error = match (token, held) {
                (None, _) => "",
                (Some(_), None) => ",error=\"invalid_token\"",
                (Some(_), Some(_)) => ",error=\"insufficient_scope\"",
            };
            let scope = if scopes.is_empty() { String::new() } else { format!(",scope=\"{}\"", scopes.join(" ")) };
            Err(Challenge(format!("Bearer realm=\"http://{host}/token\",service=\"rig\"{scope}{error}")))
        }
    }
}

fn rights(scope: &str) -> Vec<Right> {
    let Some((name, actions)) = scope.strip_prefix("repository:").and_then(|scope| scope.rsplit_once(':')) else {
        return Vec::new();
    };
    actions.split(',').map(|action| (name.to_owned(), action.to_owned())).collect()
}
