//! [`Authorization`]: what a request carries to say who sends it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::AskedAs;

/// What a request carries to say who sends it. The transport sends it as it is.
#[derive(Clone, Default)]
pub(crate) struct Authorization {
    /// The `Authorization` header; none for an anonymous request.
    pub(crate) header: Option<HeaderValue>,
    /// The token in the request's body, which a token server exchanges for another.
    pub(crate) exchanged: Option<SecretString>,
    /// What the answer keeps of it.
    pub(crate) signed: Signed,
}

/// How a request was signed: what an answer tells of it, without secrets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signed {
    /// Where the credentials came from, if it carried any.
    pub(crate) credentials: AskedAs,
    /// Whether it carried a token, whose rights the registry's own server chose.
    pub(crate) by_token: bool,
    /// Whether the repository was asked for without them, and that was refused too.
    pub(crate) is_refused_without: bool,
}

impl Authorization {
    /// Whether `text` repeats a secret of the request. Servers that are being debugged answer so.
    pub(crate) fn is_repeated_in(&self, text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text);
        let header = self.header.as_ref().and_then(|header| header.to_str().ok());
        let shown = header.and_then(|header| Some(header.split_once(' ')?.1)).unwrap_or_default();
        // A token is no base64 of a password, and where it looks like one nothing is lost.
        let decoded = STANDARD.decode(shown).ok().and_then(|login| String::from_utf8(login).ok());
        let password = decoded.as_ref().and_then(|login| Some(login.split_once(':')?.1)).unwrap_or_default();
        let exchanged = self.exchanged.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        [shown, password, exchanged].into_iter().any(|secret| has_word(&text, secret))
    }
}

/// Whether `text` has `secret` as a word of its own: an account whose password is "pass" can still be told of a wrong
/// password.
fn has_word(text: &str, secret: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let found = text.match_indices(secret).filter(|_| !secret.is_empty());
    let mut found = found.map(|(at, secret)| (&text[..at], &text[at + secret.len()..]));
    found.any(|(before, behind)| ends(before.chars().next_back()) && ends(behind.chars().next()))
}
