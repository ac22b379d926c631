//! The loop: connections in, one request after the other through [`router`](super::router), logged, delayed, frozen
//! and broken as the knobs say.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::sync::{oneshot, watch};

use super::auth::Tokens;
use super::knobs::{Knobs, Then};
use super::log::{Authorization, Exchange, Log};
use super::router::{self, Answer, World};
use super::store::Store;

/// What requests and tests share.
pub(super) struct Shared {
    state: Mutex<State>,
    froze: Condvar,
    thawed: watch::Sender<(usize, Thaw)>,
    host: String,
    start: Instant,
}

/// All that changes.
pub(super) struct State {
    pub(super) store: Store,
    pub(super) knobs: Knobs,
    pub(super) log: Log,
    tokens: Tokens,
    freeze: Freeze,
}

/// Whether it stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freeze {
    No,
    After(usize),
    Frozen,
}

/// What becomes of requests that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thaw {
    /// They are answered.
    Answer,
    /// They are forgotten.
    Forget,
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

impl Shared {
    pub(super) fn new(address: SocketAddr, knobs: Knobs) -> Self {
        let (store, log, tokens) = Default::default();
        let state = State { store, knobs, log, tokens, freeze: Freeze::No };
        let (thawed, _) = watch::channel((0, Thaw::Answer));
        let (state, froze) = (Mutex::new(state), Condvar::new());
        Self { state, froze, thawed, host: address.to_string(), start: Instant::now() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the registry")
    }

    pub(super) fn freeze_after(&self, writes: usize) {
        self.state().freeze = Freeze::After(writes);
    }

    pub(super) fn wait_frozen(&self, patience: Duration) -> bool {
        let not_yet = |state: &mut State| state.freeze != Freeze::Frozen;
        let (state, _) =
            self.froze.wait_timeout_while(self.state(), patience, not_yet).expect("no panic while it is held");
        state.freeze == Freeze::Frozen
    }

    pub(super) fn thaw(&self, how: Thaw) {
        self.state().freeze = Freeze::No;
        self.thawed.send_modify(|(count, last)| (*count, *last) = (*count + 1, how));
    }
}

/// Serves until told to stop; then all connections are closed.
pub(super) fn serve(listener: TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listening socket");
        tokio::select! {
            () = accept(&listener, &shared) => {}
            // A sender that is gone wants it to end too.
            _ = stopped => {}
        }
    });
}

async fn accept(listener: &tokio::net::TcpListener, shared: &Arc<Shared>) {
    // A client that goes away while it is accepted is not the listener's end.
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(shared);
        // Small answers go out at once; where that can't be set they are only slower.
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let service = service_fn(move |request| respond(Arc::clone(&shared), request));
            // Its error is a connection that a test or the client broke.
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Closed> {
    let began = shared.start.elapsed();
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let delay = shared.state().knobs.delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let mut thawed = shared.thawed.subscribe();
    let (answer, froze) = loop {
        thawed.borrow_and_update();
        match shared.take_effect(&parts, &body, began) {
            Some(done) => break done,
            None => wait(&mut thawed).await?,
        }
    };
    if froze {
        wait(&mut thawed).await?;
    }
    answer.map(|answer| answer.map(Full::new)).ok_or(Closed)
}

async fn wait(thawed: &mut watch::Receiver<(usize, Thaw)>) -> Result<(), Closed> {
    thawed.changed().await.map_err(|_| Closed)?;
    match thawed.borrow_and_update().1 {
        Thaw::Answer => Ok(()),
        Thaw::Forget => Err(Closed),
    }
}

impl Shared {
    /// Carries a request out, unless all stands still. The answer is none where it is lost; the flag says whether
    /// this request was the last before all stands still.
    fn take_effect(&self, parts: &Parts, body: &Bytes, began: Duration) -> Option<(Option<Answer>, bool)> {
        let mut guard = self.state();
        let state = &mut *guard;
        if state.freeze == Freeze::Frozen {
            return None;
        }
        let (method, path) = (parts.method.as_str(), router::decode(parts.uri.path()));
        let fault = state.knobs.next_fault(method, &path);
        let mut world =
            World { store: &mut state.store, tokens: &mut state.tokens, knobs: &state.knobs, host: &self.host };
        let answer = match fault {
            None | Some(Then::AnswerLost) => router::answer(&mut world, parts, body.clone()),
            Some(Then::RequestLost) => router::empty(StatusCode::BAD_GATEWAY),
            Some(Then::Status(status)) => router::empty(StatusCode::from_u16(status).expect("a status of a test")),
            Some(Then::RetryAfter(seconds)) => {
                router::with(router::empty(StatusCode::TOO_MANY_REQUESTS), RETRY_AFTER, &seconds.to_string())
            }
        };
        let exchange = Exchange {
            method: method.to_owned(),
            path,
            query: router::decode(parts.uri.query().unwrap_or_default()),
            status: answer.status().as_u16(),
            began,
            ended: self.start.elapsed(),
            sent: body.len() as u64,
            authorization: authorization(parts),
        };
        if exchange.is_write()
            && let Freeze::After(left) = state.freeze
        {
            state.freeze = if left <= 1 { Freeze::Frozen } else { Freeze::After(left - 1) };
        }
        let froze = state.freeze == Freeze::Frozen;
        if froze {
            self.froze.notify_all();
        }
        state.log.0.push(exchange);
        match &mut state.knobs.revoke_tokens_after {
            Some(0) => {
                state.tokens.revoke();
                state.knobs.revoke_tokens_after = None;
            }
            Some(left) => *left -= 1,
            None => {}
        }
        let lost = matches!(fault, Some(Then::AnswerLost | Then::RequestLost));
        Some(((!lost).then_some(answer), froze))
    }
}

fn authorization(parts: &Parts) -> Authorization {
    match parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes) {
        None => Authorization::None,
        Some(value) if value.starts_with(b"Basic ") => Authorization::Basic,
        Some(_) => Authorization::Bearer,
    }
}
