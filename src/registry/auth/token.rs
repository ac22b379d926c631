//! [`fetch`]: requests a token from a registry's token server (distribution `spec/auth/token.md` and `oauth.md`).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::registry::AskedAs;
use crate::registry::authorization::Authorization;
use crate::registry::counters::RequestPurpose;
use crate::registry::credentials::{Credential, Login};
use crate::registry::error::{ErrorKind, Failure};
use crate::registry::gate::RequestClass;
use crate::registry::transport::attempts::{Attempts, Repeat};
use crate::registry::transport::destination::DestinationKind;
use crate::registry::transport::response::HttpResponse;
use crate::registry::transport::wire::{Follow, UrlSource};
use crate::registry::transport::{Endpoint, Peer, Request, Transport};

use super::cached_token::CachedToken;
use super::scheme::Bearer;
use super::{Scopes, basic, sensitive};

/// The maximum size of a token server's answer, in bytes.
const LIMIT: u64 = 128 << 10;
/// The lifetime of a token that does not state one.
const LIFETIME: Duration = Duration::from_mins(1);
/// The maximum lifetime that a token is assumed to have.
const DAY: Duration = Duration::from_hours(24);

/// A token that was granted.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// The value of the `Authorization` header: `Bearer …`.
    pub(super) header: HeaderValue,
    pub(super) fetched: Instant,
    /// From this time on, the token is renewed before it is used, although it is still valid.
    pub(super) renew: Instant,
    /// Where the credentials came from that the token was requested with.
    pub(super) credentials: AskedAs,
}

#[derive(Deserialize)]
struct Granted {
    token: Option<SecretString>,
    access_token: Option<SecretString>,
    /// A number according to the specification, but some servers send a string or a fraction. A value that cannot be
    /// parsed is ignored.
    #[serde(default)]
    expires_in: Value,
}

impl Granted {
    /// Returns the lifetime that the server states, if any. A negative one counts as zero.
    fn lifetime(&self) -> Option<Duration> {
        let seconds = match &self.expires_in {
            Value::String(text) => text.trim().parse::<u32>().ok()?.into(),
            other => other.as_f64()?,
        };
        Some(Duration::from_secs_f64(seconds.clamp(0.0, DAY.as_secs_f64())))
    }
}

/// Requests a token with the rights and the identity of `cached`.
pub(super) async fn fetch(
    transport: &Transport,
    endpoint: &Endpoint,
    bearer: &Bearer,
    cached: &CachedToken,
) -> Result<Token, Failure> {
    transport.wire.may_lead(DestinationKind::Realm, &endpoint.base, &bearer.realm)?;
    let credential = cached.identity.credential.as_ref();
    let mut authorization = Authorization::default();
    if let Some(credential) = credential {
        endpoint.counters.credentials(&credential.source);
        authorization.signed.credentials = AskedAs::With(credential.source.clone());
    }
    let request = match credential.map(|credential| &credential.login) {
        Some(Login::Identity(token)) => {
            authorization.exchanged = Some(token.clone());
            refresh(bearer, &cached.scopes, token)
        }
        Some(Login::Basic { user, password }) => {
            authorization.header = Some(basic(user, password)?);
            ask(bearer, &cached.scopes, Some(user))
        }
        // A registry token that the user provided is sent only to the registry itself.
        Some(Login::Bearer(_)) | None => ask(bearer, &cached.scopes, None),
    };
    let asked = Instant::now();
    let gate = transport.gate(&bearer.realm, &bearer.authority());
    let to = Peer { gate: &gate, counters: &endpoint.counters, class: RequestClass::Token };
    let delivered = transport.deliver(&request, &authorization, to, &mut Attempts::new(Repeat::AsUsual)).await;
    let granted = match delivered {
        Ok(answer) => granted(&answer, asked, credential),
        Err(failure) => Err(match failure.kind {
            ErrorKind::TooLarge { limit } => {
                let why = format!("the token server returned more than {} KiB", limit >> 10);
                Failure { kind: ErrorKind::NotARegistry(why), ..failure }
            }
            _ => failure,
        }),
    };
    granted.map_err(|failure| match bearer.elsewhere(&endpoint.base) {
        Some(elsewhere) => failure.with_access(|access| access.token_server = Some(elsewhere)),
        None => failure,
    })
}

fn ask(bearer: &Bearer, scopes: &Scopes, account: Option<&str>) -> Request {
    let mut url = bearer.realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &bearer.service {
            query.append_pair("service", service);
        }
        for scope in scopes.iter() {
            query.append_pair("scope", &scope.to_string());
        }
        if let Some(account) = account {
            query.append_pair("account", account);
        }
    }
    let request = Request::new(Method::GET, url);
    let (url_source, purpose) = (UrlSource::Received, RequestPurpose::Token);
    Request { url_source, limit: Some(LIMIT), follow: Follow::SameHost, purpose, ..request }
}

/// The body contains the secret, and a redirect would send it along. So no redirect is followed.
fn refresh(bearer: &Bearer, scopes: &Scopes, token: &SecretString) -> Request {
    let mut form = bearer.realm.clone();
    form.set_query(None);
    {
        let mut form = form.query_pairs_mut();
        form.append_pair("grant_type", "refresh_token");
        form.append_pair("client_id", "mlist");
        form.append_pair("service", bearer.service.as_deref().unwrap_or_default());
        form.append_pair("scope", &scopes.iter().map(|scope| scope.to_string()).collect::<Vec<_>>().join(" "));
        form.append_pair("refresh_token", token.expose_secret());
    }
    let body = form.query().unwrap_or_default().to_owned();
    let mut request = Request::new(Method::POST, bearer.realm.clone());
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let (url_source, purpose) = (UrlSource::Received, RequestPurpose::Token);
    Request { url_source, body: Some(body.into()), limit: Some(LIMIT), follow: Follow::Nowhere, purpose, ..request }
}

fn granted(answer: &HttpResponse, asked: Instant, credential: Option<&Credential>) -> Result<Token, Failure> {
    if answer.status != 200 {
        return Err(refused(answer, credential));
    }
    let token = serde_json::from_slice::<Granted>(&answer.body).ok();
    let lifetime = token.as_ref().and_then(Granted::lifetime);
    let token = token.and_then(|granted| granted.token.or(granted.access_token));
    let token = token.filter(|token| !token.expose_secret().is_empty());
    let token = token.ok_or_else(|| answer.out_of_place("the token server returned no token"))?;
    let lifetime = lifetime.or_else(|| jwt_lifetime(token.expose_secret())).unwrap_or(LIFETIME);
    // The token is renewed before it expires, because it must be valid until the request that carries it has arrived.
    // The time counts from before the token was requested. It is at least one second, or the token could not be used at
    // all.
    let renew = asked + lifetime.mul_f64(0.8).clamp(Duration::from_secs(1), DAY);
    let header = sensitive(&format!("Bearer {}", token.expose_secret()))?;
    let credentials = credential.map(|credential| AskedAs::With(credential.source.clone())).unwrap_or_default();
    Ok(Token { header, fetched: asked, renew, credentials })
}

/// Returns the failure for a token server's refusal. A 403 to a request without credentials asks for them, as a 401
/// does. A 400 with `invalid_grant` to the exchange of an identity token means that it has expired (RFC 6749 5.2).
fn refused(answer: &HttpResponse, credential: Option<&Credential>) -> Failure {
    let failure = answer.failure();
    let is_exchange = matches!(credential.map(|credential| &credential.login), Some(Login::Identity(_)));
    let kind = match failure.status {
        Some(401) => ErrorKind::Unauthorized,
        Some(403) if failure.credentials.source().is_none() => ErrorKind::Unauthorized,
        Some(400) if is_exchange && has_ended(answer) => ErrorKind::Unauthorized,
        Some(404) => {
            ErrorKind::NotARegistry("the token server was not found at the address that the registry names".into())
        }
        _ => failure.kind.clone(),
    };
    Failure { kind, ..failure }
}

/// Whether a token server refused the credentials or the requested rights.
pub(super) fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.kind, ErrorKind::Unauthorized | ErrorKind::Denied)
}

/// Whether a token server may have refused because several rights were requested at once: because the request is
/// malformed or too long for it, or because one of the rights cannot be granted. Some servers fail with a 5xx.
pub(super) fn refuses_several(failure: &Failure) -> bool {
    matches!(failure.status, Some(400 | 401 | 403 | 413 | 414 | 431 | 500..=599))
}

fn has_ended(answer: &HttpResponse) -> bool {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    said.get("error").and_then(Value::as_str) == Some("invalid_grant")
}

/// Returns the lifetime of a JWT: from `iat`, or else `nbf`, to `exp`. It does not depend on any clock.
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

#[cfg(test)]
impl Token {
    /// A dummy token that lives for a minute.
    pub(super) fn for_tests() -> Self {
        let now = Instant::now();
        Self {
            header: HeaderValue::from_static("Bearer t"),
            fetched: now,
            renew: now + LIFETIME,
            credentials: AskedAs::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn granted(answer: &HttpResponse, asked: Instant) -> Result<Token, Failure> {
        super::granted(answer, asked, None)
    }

    fn answer(status: u16, body: &str) -> HttpResponse {
        let (headers, signed) = Default::default();
        let status = StatusCode::from_u16(status).unwrap();
        HttpResponse { status, headers, body: body.to_owned().into(), signed, attempts: 1, room: None }
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
            let token = granted(&answer(200, &body), now).unwrap();
            assert_eq!((token.renew - now).as_secs(), seconds, "{body}");
        }
    }

    #[test]
    fn an_answer_without_a_token_is_refused() {
        for (status, body, kind) in [
            (200, "{}", "the token server returned no token"),
            (200, r#"{"token":""}"#, "the token server returned no token"),
            (200, "<html>", "the token server returned no token"),
            (401, "", "unauthorized"),
            (403, "", "unauthorized"),
            (404, "", "the token server was not found at the address that the registry names"),
        ] {
            let failure = granted(&answer(status, body), Instant::now()).unwrap_err();
            assert_eq!(failure.kind.to_string(), kind, "{status} {body}");
        }
    }

    #[test]
    fn a_token_to_be_exchanged_that_has_ended_is_no_malformed_request() {
        let identity = Credential::of_docker(Login::Identity("old".into()));
        let kind =
            |body: &str, credential| super::granted(&answer(400, body), Instant::now(), credential).unwrap_err().kind;
        let ended = r#"{"error":"invalid_grant","error_description":"expired"}"#;
        assert_eq!(kind(ended, Some(&identity)), ErrorKind::Unauthorized);
        assert_eq!(kind(ended, None), ErrorKind::Refused);
        assert_eq!(kind(r#"{"error":"invalid_scope"}"#, Some(&identity)), ErrorKind::Refused);
    }

    #[test]
    fn a_token_is_not_shown_by_debug() {
        let token = granted(&answer(200, r#"{"token":"geheim"}"#), Instant::now()).unwrap();
        assert!(!format!("{token:?}").contains("geheim"));
    }
}
