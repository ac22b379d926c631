//! [`fetch`]: asks a registry's token server (distribution `spec/auth/token.md` and `oauth.md`).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::registry::credentials::{Credential, Login};
use crate::registry::error::{ErrorKind, Failure};
use crate::registry::gate::Lane;
use crate::registry::tls::is_loopback;
use crate::registry::transport::answer::Answer;
use crate::registry::transport::attempts::{Attempts, Repeat};
use crate::registry::transport::stats::Purpose;
use crate::registry::transport::wire::{Follow, shown};
use crate::registry::transport::{Endpoint, Peer, Request, Transport};

use super::{Bearer, Scopes, Signature, basic, sensitive};

/// A token's answer.
const LIMIT: u64 = 128 << 10;
/// How long a token lives that does not say so.
const LIFETIME: Duration = Duration::from_mins(1);
/// No token is believed to live longer.
const DAY: Duration = Duration::from_hours(24);

/// A token that was granted.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// `Bearer …`
    pub(super) header: HeaderValue,
    pub(super) fetched: Instant,
    /// From then on it is renewed before it is used, though it still lives.
    pub(super) renew: Instant,
    /// Where the credentials came from that it was asked with.
    pub(super) credentials: Option<String>,
}

#[derive(Deserialize)]
struct Granted {
    token: Option<SecretString>,
    access_token: Option<SecretString>,
    /// A number by the letter, but some write a text, or a fraction: what can't be read says nothing.
    #[serde(default)]
    expires_in: Value,
}

impl Granted {
    /// How long it lives, if the server says so; time that is over is none.
    fn lifetime(&self) -> Option<Duration> {
        let seconds = match &self.expires_in {
            Value::String(text) => text.trim().parse::<u32>().ok()?.into(),
            other => other.as_f64()?,
        };
        Some(Duration::from_secs_f64(seconds.clamp(0.0, DAY.as_secs_f64())))
    }
}

/// Asks for the rights of `scopes`.
pub(super) async fn fetch(
    transport: &Transport,
    endpoint: &Endpoint,
    bearer: &Bearer,
    scopes: &Scopes,
) -> Result<Token, Failure> {
    let credential = transport.credentials.find(&endpoint.host, "").await?;
    let mut signature = Signature::default();
    if let Some(credential) = &credential {
        guard_credentials(endpoint, &bearer.realm)?;
        endpoint.counters.credentials(&credential.source);
        signature.signed.credentials = Some(credential.source.clone());
    }
    let request = match credential.as_ref().map(|credential| &credential.login) {
        Some(Login::Identity(token)) => refresh(bearer, scopes, token),
        Some(Login::Basic { user, password }) => {
            signature.header = Some(basic(user, password)?);
            ask(bearer, scopes, Some(user))
        }
        None => ask(bearer, scopes, None),
    };
    let asked = Instant::now();
    let gate = transport.gate(&bearer.realm, &authority(&bearer.realm));
    let to = Peer { gate: &gate, counters: &endpoint.counters, lane: Lane::Token };
    let delivered = transport.deliver(&request, &signature, to, &mut Attempts::new(Repeat::AsUsual)).await;
    let answer = delivered.map_err(|failure| match failure.kind {
        ErrorKind::TooLarge { limit } => {
            let why = format!("its token server sent more than {} KiB", limit >> 10);
            Failure { kind: ErrorKind::NotARegistry(why), ..failure }
        }
        _ => failure,
    })?;
    granted(&answer, asked, credential.as_ref())
}

/// A realm is another host by design, and the only one that gets a registry's credentials; it must be safe on the way
/// there.
fn guard_credentials(endpoint: &Endpoint, realm: &Url) -> Result<(), Failure> {
    let stays_here = is_loopback(&endpoint.base) && is_loopback(realm);
    if realm.scheme() == "https" || endpoint.owns(realm) || stays_here {
        return Ok(());
    }
    let why = format!("wants its credentials sent to {}, which is not https", shown(realm));
    Err(Failure::of(ErrorKind::NotARegistry(why)))
}

fn ask(bearer: &Bearer, scopes: &Scopes, account: Option<&str>) -> Request {
    let mut url = bearer.realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &bearer.service {
            query.append_pair("service", service);
        }
        for scope in scopes.iter() {
            query.append_pair("scope", scope);
        }
        if let Some(account) = account {
            query.append_pair("account", account);
        }
    }
    let request = Request::new(Method::GET, url, Scopes::default());
    Request { limit: Some(LIMIT), follow: Follow::SameHost, purpose: Purpose::Token, ..request }
}

/// The body holds the secret, and a redirect would carry it along: none is followed.
fn refresh(bearer: &Bearer, scopes: &Scopes, token: &SecretString) -> Request {
    let mut form = bearer.realm.clone();
    form.set_query(None);
    {
        let mut form = form.query_pairs_mut();
        form.append_pair("grant_type", "refresh_token");
        form.append_pair("client_id", "mlist");
        form.append_pair("service", bearer.service.as_deref().unwrap_or_default());
        form.append_pair("scope", &scopes.iter().collect::<Vec<_>>().join(" "));
        form.append_pair("refresh_token", token.expose_secret());
    }
    let body = form.query().unwrap_or_default().to_owned();
    let mut request = Request::new(Method::POST, bearer.realm.clone(), Scopes::default());
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    Request { body: Some(body.into()), limit: Some(LIMIT), follow: Follow::Nowhere, purpose: Purpose::Token, ..request }
}

fn granted(answer: &Answer, asked: Instant, credential: Option<&Credential>) -> Result<Token, Failure> {
    if answer.status != 200 {
        return Err(refused(answer));
    }
    let token = serde_json::from_slice::<Granted>(&answer.body).ok();
    let lifetime = token.as_ref().and_then(Granted::lifetime);
    let token = token.and_then(|granted| granted.token.or(granted.access_token));
    let token = token.filter(|token| !token.expose_secret().is_empty());
    let token = token.ok_or_else(|| answer.out_of_place("its token server sent no token"))?;
    let lifetime = lifetime.or_else(|| jwt_lifetime(token.expose_secret())).unwrap_or(LIFETIME);
    // Some time before its end: a token must live until the request that carries it has arrived. By the clock that
    // began before it was asked for, and never for less than a second, or it could not be used at all.
    let renew = asked + lifetime.mul_f64(0.8).clamp(Duration::from_secs(1), DAY);
    let header = sensitive(&format!("Bearer {}", token.expose_secret()))?;
    Ok(Token { header, fetched: asked, renew, credentials: credential.map(|credential| credential.source.clone()) })
}

/// What a token server's refusal means: 403 without credentials asks for them as 401 does.
fn refused(answer: &Answer) -> Failure {
    let failure = answer.failure();
    let kind = match failure.status {
        Some(401) => ErrorKind::Unauthorized,
        Some(403) if failure.credentials.is_none() => ErrorKind::Unauthorized,
        Some(404) => ErrorKind::NotARegistry("its token server is not where it says".into()),
        _ => failure.kind.clone(),
    };
    Failure { kind, ..failure }
}

/// From `iat` to `exp` of a JWT: how long it lives, whatever the clocks say.
fn jwt_lifetime(token: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        exp: u64,
        iat: Option<u64>,
        nbf: Option<u64>,
    }
    let claims = token.split('.').nth(1)?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?).ok()?;
    claims.exp.checked_sub(claims.iat.or(claims.nbf)?).map(Duration::from_secs)
}

/// `auth.docker.io`
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let (headers, signed) = Default::default();
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers, body: body.to_owned().into(), signed, attempts: 1 }
    }

    fn jwt(claims: &str) -> String {
        format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_is_renewed_before_it_ends() {
        let now = Instant::now();
        for (body, seconds) in [
            (r#"{"token":"t","expires_in":300}"#.to_owned(), 240),
            (r#"{"access_token":"t"}"#.to_owned(), 48),
            (format!(r#"{{"token":"{}"}}"#, jwt(r#"{"exp":1100,"iat":100}"#)), 800),
            (format!(r#"{{"token":"{}"}}"#, jwt(r#"{"exp":1100}"#)), 48),
            (r#"{"token":"t","expires_in":0}"#.to_owned(), 1),
            (r#"{"token":"t","expires_in":-1}"#.to_owned(), 1),
            (r#"{"token":"t","expires_in":1e300}"#.to_owned(), 69_120),
            (r#"{"token":"t","expires_in":"300"}"#.to_owned(), 240),
            (r#"{"token":"t","expires_in":299.9}"#.to_owned(), 239),
            (r#"{"token":"t","expires_in":"soon"}"#.to_owned(), 48),
            (r#"{"token":"t","expires_in":"NaN"}"#.to_owned(), 48),
            (r#"{"token":"t","expires_in":null}"#.to_owned(), 48),
        ] {
            let token = granted(&answer(200, &body), now, None).unwrap();
            assert_eq!((token.renew - now).as_secs(), seconds, "{body}");
        }
    }

    #[test]
    fn an_answer_without_a_token_is_refused() {
        for (status, body, kind) in [
            (200, "{}", "its token server sent no token"),
            (200, r#"{"token":""}"#, "its token server sent no token"),
            (200, "<html>", "its token server sent no token"),
            (401, "", "unauthorized"),
            (403, "", "unauthorized"),
            (404, "", "its token server is not where it says"),
        ] {
            let failure = granted(&answer(status, body), Instant::now(), None).unwrap_err();
            assert_eq!(failure.kind.to_string(), kind, "{status} {body}");
        }
    }

    #[test]
    fn a_token_is_not_shown_by_debug() {
        let token = granted(&answer(200, r#"{"token":"geheim"}"#), Instant::now(), None).unwrap();
        assert!(!format!("{token:?}").contains("geheim"));
    }
}
