//! [`Authorization`]: the authentication that a request carries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::AskedAs;

/// The authentication that a request carries. The transport sends it unchanged.
#[derive(Clone, Default)]
pub(crate) struct Authorization {
    /// The `Authorization` header. `None` for an anonymous request.
    pub(crate) header: Option<HeaderValue>,
    /// The token in the body of the request, which a token server exchanges for another one.
    pub(crate) exchanged: Option<SecretString>,
    /// The facts about it that the answer keeps.
    pub(crate) signed: Signed,
}

/// How a request was signed. Answers keep this; it contains no secrets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signed {
    /// Where the credentials came from, if it carried any.
    pub(crate) credentials: AskedAs,
    /// Whether it carried a token. The registry's own token server chose its rights.
    pub(crate) by_token: bool,
    /// Whether a request without the credentials was refused too.
    pub(crate) is_refused_without: bool,
}

impl Authorization {
    /// Whether `text` repeats a secret of the request. Servers in debug mode send such answers.
    pub(crate) fn is_repeated_in(&self, text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text);
        let header = self.header.as_ref().and_then(|header| header.to_str().ok());
        let shown = header.and_then(|header| Some(header.split_once(' ')?.1)).unwrap_or_default();
        // The header may carry a token instead of a password. A token that happens to decode like a login does no harm
        // here.
        let decoded = STANDARD.decode(shown).ok().and_then(|login| String::from_utf8(login).ok());
        let password = decoded.as_ref().and_then(|login| Some(login.split_once(':')?.1)).unwrap_or_default();
        let exchanged = self.exchanged.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        [shown, password, exchanged].into_iter().any(|secret| has_word(&text, secret))
    }
}

/// Whether `text` contains `secret` as a separate word. So an account with the password "pass" still gets the message
/// about a wrong password.
fn has_word(text: &str, secret: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let found = text.match_indices(secret).filter(|_| !secret.is_empty());
    let mut found = found.map(|(at, secret)| (&text[..at], &text[at + secret.len()..]));
    found.any(|(before, behind)| ends(before.chars().next_back()) && ends(behind.chars().next()))
}
