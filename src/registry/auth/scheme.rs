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
    /// It answers without asking; it may still ask for a write.
    Open,
    /// It requires authentication and did not say how; its base (`/v2/`) may, as with the old gcr.io.
    Mute,
    Basic,
    Bearer(Arc<Bearer>),
}

impl AuthScheme {
    /// Whether the registry is known to ask for credentials, and how.
    pub(super) fn requires_credentials(&self) -> bool {
        matches!(self, Self::Basic | Self::Bearer(_))
    }
}

/// Where tokens are asked for: a realm is another host by design, and the only one that gets a registry's credentials.
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
    /// Reads the challenges of the registry at `base`: a token, rather than the password with every request.
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
            // A token that can't be asked for anywhere is no scheme of its own.
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
                    "asks for credentials by {}: only Basic and Bearer are known here",
                    one_line(&schemes.join(" or "))
                )
            }
            Self::Scheme(_) | Self::NoChallenge => "asks for credentials and does not say how to send them".to_owned(),
        };
        Failure { status: Some(status), ..Failure::of(ErrorKind::NotARegistry(why)) }
    }
}

impl Bearer {
    /// Its host, if it is not the registry's.
    pub(super) fn elsewhere(&self, base: &Url) -> Option<String> {
        (self.realm.origin() != base.origin()).then(|| self.authority())
    }

    /// `auth.docker.io`
    pub(super) fn authority(&self) -> String {
        authority(&self.realm)
    }
}

/// The address that a realm names; none where it is no address of the web.
fn realm(base: &Url, text: &str) -> Option<Url> {
    let mut realm = base.join(Some(text.trim()).filter(|text| !text.is_empty())?).ok()?;
    if !matches!(realm.scheme(), "http" | "https") {
        return None;
    }
    // Who is let in there is for us to say: a name in the address would be sent in place of ours.
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

    /// Where tokens are asked for, or why nowhere.
    fn asked_at(base: &str, realm: &str) -> Result<String, String> {
        match outcome(base, &[&format!("Bearer realm=\"{realm}\"")]) {
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
            assert_eq!(why, "asks for credentials and does not say how to send them", "{realm}");
        }
    }

    #[test]
    fn a_token_goes_before_a_password_and_what_is_strange_is_named() {
        let lines = ["Negotiate, Digest realm=\"x\"", "Basic realm=\"y\"", "Bearer realm=\"/token\""];
        assert!(matches!(outcome("https://r.example/", &lines), ChallengeOutcome::Scheme(AuthScheme::Bearer(_))));
        assert!(matches!(outcome("https://r.example/", &lines[..2]), ChallengeOutcome::Scheme(AuthScheme::Basic)));
        let strange = outcome("https://r.example/", &lines[..1]).failure(401);
        let said = "asks for credentials by negotiate or digest: only Basic and Bearer are known here";
        assert_eq!((strange.kind.to_string(), strange.status), (said.to_owned(), Some(401)));
    }
}
