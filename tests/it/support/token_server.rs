//! [`TokenServer`]: issues tokens for a registry that trusts them (distribution `spec/auth/token.md`,
//! `spec/auth/jwt.md`). Like the one of Docker Hub, it is on another host than the registry, and issues JWTs signed
//! with a key whose certificate the registry has.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::registry::{Account, decode};

/// The name of the registry in its tokens.
pub(crate) const SERVICE: &str = "rig";
/// The issuer of the tokens.
pub(crate) const ISSUER: &str = "rig-issuer";
/// A refresh token with the same rights as the account's password.
pub(crate) const REFRESH: &str = "r3fresh-of-the-bot";

/// A running token server. It is stopped when dropped.
pub(crate) struct TokenServer {
    shared: Arc<Shared>,
    port: u16,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

struct Shared {
    account: Account,
    key: EcdsaKeyPair,
    certificate: Certificate,
    asked: Mutex<Vec<Asked>>,
}

struct Certificate {
    pem: String,
    der: Vec<u8>,
}

/// A token request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `GET` or `POST`.
    pub(crate) method: String,
    /// The scopes, `repository:NAME:ACTIONS`, in the order of the request.
    pub(crate) scopes: Vec<String>,
    /// The status of the response.
    pub(crate) status: u16,
}

impl TokenServer {
    /// Starts a server that grants all rights to `account` and none to other clients.
    pub(crate) fn start(account: Account) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec![ISSUER.to_owned()]).expect("a certificate");
        let certificate = Certificate { pem: cert.pem(), der: cert.der().to_vec() };
        let shared = Shared { account, key: key(&signing_key), certificate, asked: Mutex::default() };
        let shared = Arc::new(shared);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(listener, &serving, stopped));
        Self { shared, port, running: Some((stop, thread)) }
    }

    /// The URL of the token endpoint.
    pub(crate) fn realm(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    /// The certificate of the key that signs the tokens, for the registry (PEM).
    pub(crate) fn certificate(&self) -> &str {
        &self.shared.certificate.pem
    }

    /// Returns an `Authorization` header with all rights to the repository in this path (`/v2/NAME/…`), for seeding.
    pub(crate) fn insider(&self, path: &str) -> String {
        let name = path.strip_prefix("/v2/").unwrap_or_default();
        let end = ["/blobs/", "/manifests/", "/tags/"].iter().find_map(|part| name.find(part));
        let scope = format!("repository:{}:pull,push,delete", &name[..end.unwrap_or(0)]);
        format!("Bearer {}", self.shared.token(&[scope]))
    }

    /// Returns the token requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().expect("no panic while it is held").clone()
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            // The receiver is dropped only if the thread has ended.
            let _ = stop.send(());
            thread.join().expect("the server's thread ends in order");
        }
    }
}

fn key(pair: &KeyPair) -> EcdsaKeyPair {
    let pkcs8 = pair.serialize_der();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new()).expect("a key of P-256")
}

fn serve(listener: TcpListener, shared: &Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listening socket");
        tokio::select! {
            () = accept(&listener, shared) => {}
            // If the sender is dropped, end as well.
            _ = stopped => {}
        }
    });
}

async fn accept(listener: &tokio::net::TcpListener, shared: &Arc<Shared>) {
    loop {
        // A client that disconnects while it is accepted must not end the listener.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            // An error means that the client closed the connection.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let form = if parts.method == Method::POST { String::from_utf8_lossy(&body).into_owned() } else { String::new() };
    let query = parts.uri.query().unwrap_or_default();
    let mut fields = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in query.split('&').chain(form.split('&')).filter_map(|field| field.split_once('=')) {
        fields.entry(decode(name)).or_default().push(decode(&value.replace('+', " ")));
    }
    let is_known = match parts.headers.get(AUTHORIZATION) {
        Some(value) => value.as_bytes() == shared.account.basic().as_bytes(),
        None => fields.get("refresh_token").is_some_and(|given| given.iter().any(|token| token == REFRESH)),
    };
    let given = fields.remove("scope").unwrap_or_default();
    let scopes: Vec<String> = given.iter().flat_map(|scope| scope.split(' ')).map(str::to_owned).collect();
    let (status, body) = if is_known {
        let granted = shared.token(&scopes);
        // OAuth2 uses `access_token` for a POST, Docker's older form uses `token` for a GET.
        let name = if parts.method == Method::POST { "access_token" } else { "token" };
        (StatusCode::OK, json!({ name: granted, "expires_in": 300 }))
    } else {
        let error = json!({ "code": "UNAUTHORIZED", "message": "wrong user or password" });
        (StatusCode::UNAUTHORIZED, json!({ "errors": [error] }))
    };
    let asked = Asked { method: parts.method.to_string(), scopes, status: status.as_u16() };
    shared.asked.lock().expect("no panic while it is held").push(asked);
    let response = Response::builder().status(status).header("content-type", "application/json");
    Ok(response.body(Full::from(body.to_string())).expect("a status and a header"))
}

impl Shared {
    /// Creates a signed token with the rights that `scopes` name.
    fn token(&self, scopes: &[String]) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let at = |time: Duration| time.as_secs();
        let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(&self.certificate.der)] });
        let claims = json!({
            "iss": ISSUER, "sub": self.account.user, "aud": SERVICE, "jti": format!("{}", now.as_nanos()),
            "iat": at(now), "nbf": at(now.saturating_sub(Duration::from_mins(1))), "exp": at(now + Duration::from_mins(5)),
            "access": scopes.iter().filter_map(|scope| access(scope)).collect::<Vec<Value>>(),
        });
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a key that signs");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Converts `repository:NAME:pull,push` to a claim.
fn access(scope: &str) -> Option<Value> {
    let (name, actions) = scope.strip_prefix("repository:")?.rsplit_once(':')?;
    Some(json!({ "type": "repository", "name": name, "actions": actions.split(',').collect::<Vec<_>>() }))
}
