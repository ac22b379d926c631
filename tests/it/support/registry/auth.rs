//! Authentication: [`Auth`], and the tokens of its Bearer scheme.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A token with all rights. Tests use it for seeding.
pub(super) const INSIDER: &str = "insider";

/// How a registry authenticates clients.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Auth {
    /// It does not.
    #[default]
    None,
    /// User and password in each request.
    Basic(Account),
    /// Tokens from `/token` on the same host. The account gets all rights, other clients none.
    Bearer(Account),
    /// Like `Bearer`, with other rules.
    Tokens(Account, TokenRules),
}

/// The rules for tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TokenRules {
    /// Which of the requested scopes are granted.
    pub(crate) grants: Grants,
    /// How long a token is valid. `None` if it does not expire.
    pub(crate) lifetime: Option<Duration>,
    /// The fields of the token response.
    pub(crate) says: Says,
    /// Clients without credentials may pull from repositories whose names begin with this prefix.
    pub(crate) open: Option<&'static str>,
}

/// Which of the requested scopes are granted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Grants {
    /// All.
    #[default]
    All,
    /// Only the first.
    First,
    /// One scope per request. A request for several gets this status: GHCR refuses all if one is private, old Harbor
    /// and Portus did not support several.
    OneAtATime(u16),
    /// All except those for the repository with this name. distribution grants what the client may do.
    Except(&'static str),
}

/// The fields of a token response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Says {
    /// `token`, `access_token` and `expires_in`.
    #[default]
    Everything,
    /// Only `token`: Quay.
    Token,
    /// Only `access_token`: ACR.
    AccessToken,
}

/// An account that has all rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// The user name.
    pub(crate) user: String,
    /// The password.
    pub(crate) password: String,
}

impl Account {
    /// Creates an account.
    pub(crate) fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: password.to_owned() }
    }

    /// The `Authorization` header of this account.
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", self.encoded())
    }

    /// An identity token that is exchanged for other tokens, as `docker login` stores it for ACR.
    pub(crate) fn identity(&self) -> String {
        format!("identity-of-{}", self.password)
    }

    /// `user:password` in base64, as in Docker's config file.
    pub(crate) fn encoded(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.password))
    }
}

/// A repository and the right to it: `pull` or `push`.
type Right = (String, String);

/// The tokens that were issued.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    given: usize,
    valid: BTreeMap<String, Token>,
}

#[derive(Debug)]
struct Token {
    rights: BTreeSet<Right>,
    ends: Option<Instant>,
}

/// A request for a token.
pub(super) struct Application<'a> {
    /// The `Authorization` header.
    pub(super) authorization: Option<&'a str>,
    /// The fields of the form.
    pub(super) form: BTreeMap<&'a str, &'a str>,
    /// The requested scopes.
    pub(super) scopes: Vec<&'a str>,
}

impl Tokens {
    /// Answers `application`: with the body, or with the status of the refusal.
    pub(super) fn give(&mut self, auth: &Auth, application: &Application<'_>) -> Result<Value, u16> {
        let (account, rules) = match auth {
            Auth::Bearer(account) => (account, TokenRules::default()),
            Auth::Tokens(account, rules) => (account, *rules),
            Auth::None | Auth::Basic(_) => return Err(404),
        };
        let scopes = &application.scopes;
        // Quay refuses a request that contains an unknown action.
        if !scopes.iter().flat_map(|scope| rights(scope)).all(|(_, action)| matches!(&*action, "pull" | "push")) {
            return Err(400);
        }
        let rights: BTreeSet<Right> = match rules.grants {
            Grants::OneAtATime(status) if scopes.len() > 1 => return Err(status),
            Grants::First => scopes.iter().take(1).flat_map(|scope| rights(scope)).collect(),
            Grants::Except(name) => {
                scopes.iter().flat_map(|scope| rights(scope)).filter(|(path, _)| path != name).collect()
            }
            Grants::All | Grants::OneAtATime(_) => scopes.iter().flat_map(|scope| rights(scope)).collect(),
        };
        let rights = match (rules.open, account.is_shown_by(application)) {
            (_, true) => rights,
            (Some(open), false) if application.is_of_nobody() => {
                rights.into_iter().filter(|(path, action)| path.starts_with(open) && action == "pull").collect()
            }
            _ => return Err(401),
        };
        self.given += 1;
        let token = format!("token-{}", self.given);
        self.valid
            .insert(token.clone(), Token { rights, ends: rules.lifetime.map(|lifetime| Instant::now() + lifetime) });
        let seconds = rules.lifetime.map_or(300, |lifetime| lifetime.as_secs());
        Ok(match rules.says {
            Says::Everything => json!({ "token": token, "access_token": token, "expires_in": seconds }),
            Says::Token => json!({ "token": token }),
            Says::AccessToken => json!({ "access_token": token }),
        })
    }

    /// Revokes all tokens issued so far.
    pub(super) fn revoke(&mut self) {
        self.valid.clear();
    }
}

impl Application<'_> {
    fn is_of_nobody(&self) -> bool {
        self.authorization.is_none() && !self.form.contains_key("grant_type")
    }
}

impl Account {
    /// Whether the request proves to come from this account, by password or by a token to exchange.
    fn is_shown_by(&self, application: &Application<'_>) -> bool {
        let field = |name: &str| application.form.get(name).copied().unwrap_or_default();
        match field("grant_type") {
            "refresh_token" => field("refresh_token") == self.identity(),
            "password" => field("username") == self.user && field("password") == self.password,
            _ => application.authorization == Some(&self.basic()),
        }
    }
}

/// The challenge of a 401.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge(pub(super) String);

/// Checks that `authorization` gives all rights that `scopes` name.
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
        Auth::Basic(_) => Err(Challenge(r#"Basic realm="rig""#.to_owned())),
        Auth::Bearer(_) | Auth::Tokens(..) => {
            let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
            let held = token.and_then(|token| tokens.valid.get(token));
            let held = held.filter(|held| held.ends.is_none_or(|ends| Instant::now() < ends));
            let suffices =
                |held: &&Token| scopes.iter().flat_map(|scope| rights(scope)).all(|right| held.rights.contains(&right));
            if held.as_ref().is_some_and(suffices) {
                return Ok(());
            }
            let error = match (token, held) {
                (None, _) => "",
                (Some(_), None) => r#",error="invalid_token""#,
                (Some(_), Some(_)) => r#",error="insufficient_scope""#,
            };
            let scope = if scopes.is_empty() { String::new() } else { format!(r#",scope="{}""#, scopes.join(" ")) };
            Err(Challenge(format!(r#"Bearer realm="http://{host}/token",service="rig"{scope}{error}"#)))
        }
    }
}

fn rights(scope: &str) -> Vec<Right> {
    let Some((name, actions)) = scope.strip_prefix("repository:").and_then(|scope| scope.rsplit_once(':')) else {
        return Vec::new();
    };
    actions.split(',').map(|action| (name.to_owned(), action.to_owned())).collect()
}
