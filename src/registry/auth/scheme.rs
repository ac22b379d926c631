//! [`AuthScheme`]: how a registry authenticates requests.

use std::sync::Arc;

use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::registry::error::{ErrorKind, Failure};
use crate::registry::sanitize::one_line;
use crate::registry::transport::wire::authority;

use super::challenge::Challenge;

/// How a registry authenticates requests, as far as its answers have shown it.
#[derive(Clone, Default)]
pub(super) enum AuthScheme {
    /// No answer yet.
    #[default]
    Unknown,
    /// It answers without authentication. It may still require authentication for writes.
    Open,
    /// It requires authentication but does not state the scheme. Its base (`/v2/`) may state it, as with the old
    /// gcr.io.
    Mute,
    Basic,
    Bearer(Arc<Bearer>),
}

impl AuthScheme {
    /// Whether the registry is known to require credentials, with a known scheme.
    pub(super) fn requires_credentials(&self) -> bool {
        matches!(self, Self::Basic | Self::Bearer(_))
    }
}

/// The token server of a registry. It may be another host by design, and is the only other host that receives the
/// registry's credentials.
pub(super) struct Bearer {
    pub(super) realm: Url,
    pub(super) service: Option<String>,
}

/// The result of reading the challenges of an answer.
pub(super) enum ChallengeOutcome {
    /// A scheme that is supported.
    Scheme(AuthScheme),
    /// No challenge that can be used.
    NoChallenge,
    /// Only schemes that are not supported, by name.
    Unsupported(Vec<String>),
}

impl ChallengeOutcome {
    /// Reads the challenges of the registry at `base`. Prefers Bearer, which does not send the password with every
    /// request.
    pub(super) fn from_headers(headers: &HeaderMap, base: &Url) -> Self {
        let challenges = Challenge::all(headers);
        let named = |scheme: &'static str| challenges.iter().filter(move |challenge| challenge.scheme == scheme);
        let bearer = named("bearer").find_map(|challenge| {
            let realm = realm(base, challenge.parameters.get("realm")?)?;
            let service = challenge.parameters.get("service").cloned();
            Some(AuthScheme::Bearer(Arc::new(Bearer { realm, service })))
        });
        let basic = || named("basic").next().is_some().then_some(AuthScheme::Basic);
        if let Some(scheme) = bearer.or_else(basic) {
            return Self::Scheme(scheme);
        }
        let mut unsupported: Vec<String> = Vec::new();
        for scheme in challenges.iter().map(|challenge| one_line(&challenge.scheme)) {
            // A Bearer challenge without a usable realm is not an unsupported scheme.
            if scheme != "bearer" && !scheme.is_empty() && !unsupported.contains(&scheme) {
                unsupported.push(scheme);
            }
        }
        if unsupported.is_empty() { Self::NoChallenge } else { Self::Unsupported(unsupported) }
    }

    /// The failure of a request to a registry whose challenges cannot be answered.
    pub(super) fn failure(&self, status: u16) -> Failure {
        let why = match self {
            Self::Unsupported(schemes) => {
                format!(
                    "requires the authentication scheme {}; mlist supports only Basic and Bearer",
                    one_line(&schemes.join(" or "))
                )
            }
            Self::Scheme(_) | Self::NoChallenge => {
                "requires authentication without a usable WWW-Authenticate header".to_owned()
            }
        };
        Failure { status: Some(status), ..Failure::of(ErrorKind::NotARegistry(why)) }
    }
}

impl Bearer {
    /// Returns the host of the token server, if it differs from the registry's.
    pub(super) fn elsewhere(&self, base: &Url) -> Option<String> {
        (self.realm.origin() != base.origin()).then(|| self.authority())
    }

    /// Returns the authority of the token server: `auth.docker.io`.
    pub(super) fn authority(&self) -> String {
        authority(&self.realm)
    }
}

/// Resolves a realm to a URL. `None` if it is not an HTTP or HTTPS URL.
fn realm(base: &Url, text: &str) -> Option<Url> {
    let mut realm = base.join(Some(text.trim()).filter(|text| !text.is_empty())?).ok()?;
    if !matches!(realm.scheme(), "http" | "https") {
        return None;
    }
    // A user name in the URL would be sent instead of the configured credentials.
    realm.set_username("").and_then(|()| realm.set_password(None)).ok()?;
    realm.set_fragment(None);
    Some(realm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(base: &str, lines: &[&str]) -> ChallengeOutcome {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("www-authenticate", line.parse().unwrap());
        }
        ChallengeOutcome::from_headers(&headers, &Url::parse(base).unwrap())
    }

    /// The URL of the token server, or the error if there is none.
    fn asked_at(base: &str, realm: &str) -> Result<String, String> {
        match outcome(base, &[&format!(r#"Bearer realm="{realm}""#)]) {
            ChallengeOutcome::Scheme(AuthScheme::Bearer(bearer)) => Ok(bearer.realm.to_string()),
            other => Err(other.failure(401).kind.to_string()),
        }
    }

    #[test]
    fn a_token_is_asked_for_where_the_registry_says() {
        for (base, realm, url) in [
            ("https://r.example/", "https://auth.example/token", "https://auth.example/token"),
            ("https://r.example/", "/v2/auth?x=1", "https://r.example/v2/auth?x=1"),
            ("https://r.example/", " token ", "https://r.example/token"),
            ("https://r.example/", "//auth.example/token", "https://auth.example/token"),
            ("https://r.example/", "https://me:secret@auth.example/token#x", "https://auth.example/token"),
            ("http://r.example/", "https://auth.example/token", "https://auth.example/token"),
            ("http://r.example:5000/", "http://r.example:5000/token", "http://r.example:5000/token"),
            ("http://127.0.0.1:5000/", "http://localhost:5001/token", "http://localhost:5001/token"),
        ] {
            assert_eq!(asked_at(base, realm).as_deref(), Ok(url), "{base} {realm}");
        }
    }

    #[test]
    fn a_realm_that_is_no_address_is_none() {
        for realm in ["", "  ", "file:///etc/passwd", "ftp://auth.example/", "https://", "data:,x"] {
            let why = asked_at("https://r.example/", realm).unwrap_err();
            assert_eq!(why, "requires authentication without a usable WWW-Authenticate header", "{realm}");
        }
    }

    #[test]
    fn a_token_goes_before_a_password_and_what_is_strange_is_named() {
        let lines = [r#"Negotiate, Digest realm="x""#, r#"Basic realm="y""#, r#"Bearer realm="/token""#];
        assert!(matches!(outcome("https://r.example/", &lines), ChallengeOutcome::Scheme(AuthScheme::Bearer(_))));
        assert!(matches!(outcome("https://r.example/", &lines[..2]), ChallengeOutcome::Scheme(AuthScheme::Basic)));
        let strange = outcome("https://r.example/", &lines[..1]).failure(401);
        let said = "requires the authentication scheme negotiate or digest; mlist supports only Basic and Bearer";
        assert_eq!((strange.kind.to_string(), strange.status), (said.to_owned(), Some(401)));
    }
}
