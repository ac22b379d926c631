//! The server loop: accepts connections, passes each request to [`router`](super::router), logs it, and delays, freezes
//! or breaks the response as the knobs say.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::sync::{Notify, oneshot, watch};

use super::auth::Tokens;
use super::fault::{Fate, Then, flipped};
use super::knobs::{Connections, Knobs, Twins};
use super::lag::Arrivals;
use super::lie;
use super::log::{Authorization, Exchange, Log, Said};
use super::reply::{Closed, Reply, Sent};
use super::router::{self, Door, World};
use super::store::{Store, digest_of};
use super::storm::Limit;

/// How many bytes of a request body the log keeps.
const KEPT: usize = 64 << 10;
/// How long a connection stays open before it is closed, so that the last response arrives.
const PARTING: Duration = Duration::from_millis(3);

/// The state that requests and tests share.
pub(super) struct Shared {
    state: Mutex<State>,
    froze: Condvar,
    thawed: watch::Sender<(usize, Thaw)>,
    host: String,
    storage: String,
    start: Instant,
}

/// The ports for requests.
pub(super) struct Ports {
    pub(super) registry: TcpListener,
    pub(super) storage: TcpListener,
}

/// The mutable state.
pub(super) struct State {
    pub(super) store: Store,
    pub(super) knobs: Knobs,
    pub(super) log: Log,
    pub(super) storage_log: Log,
    /// Earlier states of the store, if [`Knobs::keeps_past`] says so.
    pub(super) past: Vec<Store>,
    tokens: Tokens,
    arrivals: Arrivals,
    /// PUTs of manifests that have arrived but have not taken effect, by path and digest of their bodies.
    puts: HashMap<String, usize>,
    freeze: Freeze,
}

/// Whether the registry is frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freeze {
    No,
    After(usize),
    Frozen,
}

/// What happens to waiting requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thaw {
    /// They get responses.
    Answer,
    /// They are dropped.
    Forget,
}

/// A connection.
struct Connection {
    shared: Arc<Shared>,
    door: Door,
    answers: AtomicUsize,
    spent: Notify,
}

/// A request that was read completely.
struct Asked {
    parts: Parts,
    body: Bytes,
    /// When it arrived, since the start of the registry.
    began: Duration,
    /// The key of its manifest in [`State::puts`], and whether another PUT of that manifest arrived before.
    put: Option<(String, bool)>,
}

impl Shared {
    pub(super) fn new(address: SocketAddr, storage: SocketAddr, knobs: Knobs) -> Self {
        let (store, log, storage_log, past, tokens, arrivals, puts) = Default::default();
        let state = State { store, knobs, log, storage_log, past, tokens, arrivals, puts, freeze: Freeze::No };
        let (thawed, _) = watch::channel((0, Thaw::Answer));
        let (state, froze) = (Mutex::new(state), Condvar::new());
        let (host, storage) = (address.to_string(), storage.to_string());
        Self { state, froze, thawed, host, storage, start: Instant::now() }
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

/// Serves until told to stop. Then closes all connections.
pub(super) fn serve(ports: Ports, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        tokio::select! {
            () = accept(ports.registry, &shared, Door::Registry) => {}
            () = accept(ports.storage, &shared, Door::Storage) => {}
            // If the sender is dropped, end as well.
            _ = stopped => {}
        }
    });
}

async fn accept(listener: TcpListener, shared: &Arc<Shared>, door: Door) {
    listener.set_nonblocking(true).expect("a socket can be non-blocking");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listening socket");
    // A client that disconnects while it is accepted must not end the listener.
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (answers, spent) = Default::default();
        let connection = Arc::new(Connection { shared: Arc::clone(shared), door, answers, spent });
        // Send small responses at once. If this cannot be set, they are only slower.
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let visited = Arc::clone(&connection);
            let service = service_fn(move |request| respond(Arc::clone(&visited), request));
            let builder = Builder::new(TokioExecutor::new());
            tokio::select! {
                // An error means that a test or the client closed the connection.
                _ = builder.serve_connection(TokioIo::new(stream), service) => {}
                () = connection.spent.notified() => tokio::time::sleep(PARTING).await,
            }
        });
    }
}

async fn respond(connection: Arc<Connection>, request: Request<Incoming>) -> Result<Response<Sent>, Closed> {
    let shared = &connection.shared;
    let began = shared.start.elapsed();
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let put = shared.put_begins(&parts, &body);
    let asked = Asked { parts, body, began, put };
    let delay = shared.state().knobs.delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let mut thawed = shared.thawed.subscribe();
    let (fate, froze) = loop {
        thawed.borrow_and_update();
        match shared.take_effect(&asked, connection.door) {
            Some(done) => break done,
            None => wait(&mut thawed).await?,
        }
    };
    if froze {
        wait(&mut thawed).await?;
    }
    let Fate::Answered(reply, delay) = fate else { return Err(Closed) };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    connection.answered();
    Ok(reply.into_response())
}

impl Connection {
    fn answered(&self) {
        let answers = self.answers.fetch_add(1, Ordering::Relaxed) + 1;
        if let Connections::ClosedAfter(most) = self.shared.state().knobs.connections
            && answers >= most
        {
            self.spent.notify_one();
        }
    }
}

async fn wait(thawed: &mut watch::Receiver<(usize, Thaw)>) -> Result<(), Closed> {
    thawed.changed().await.map_err(|_| Closed)?;
    match thawed.borrow_and_update().1 {
        Thaw::Answer => Ok(()),
        Thaw::Forget => Err(Closed),
    }
}

impl Shared {
    /// Records that a PUT of a manifest has arrived, if the knobs need it.
    fn put_begins(&self, parts: &Parts, body: &Bytes) -> Option<(String, bool)> {
        let mut state = self.state();
        let (place, _) = parts.uri.path().rsplit_once('/')?;
        if state.knobs.twins == Twins::Taken || parts.method != "PUT" || !place.ends_with("/manifests") {
            return None;
        }
        let key = format!("{place} {}", digest_of(body));
        let others = state.puts.entry(key.clone()).or_default();
        *others += 1;
        Some((key, *others > 1))
    }

    /// Carries out a request. `None` if the registry is frozen. The flag says whether this request froze the registry.
    fn take_effect(&self, asked: &Asked, door: Door) -> Option<(Fate, bool)> {
        let mut guard = self.state();
        let state = &mut *guard;
        if state.freeze == Freeze::Frozen {
            return None;
        }
        let Asked { parts, body, began, put } = asked;
        let (method, path) = (parts.method.as_str(), router::decode(parts.uri.path()));
        let query = router::decode(parts.uri.query().unwrap_or_default());
        let limited = (door == Door::Registry).then(|| state.knobs.limit.as_mut().and_then(Limit::next)).flatten();
        let fault = limited.or_else(|| state.knobs.next_fault(method, &path, &query));
        let mut lies = state.knobs.lies.iter_mut();
        let changes = lies.find_map(|lie| lie.next(method, &path, &query)).unwrap_or_default();
        let mut world = World {
            store: &mut state.store,
            tokens: &mut state.tokens,
            arrivals: &mut state.arrivals,
            knobs: &state.knobs,
            host: &self.host,
            storage: &self.storage,
            door,
            is_twin: put.as_ref().is_some_and(|(_, is_twin)| *is_twin),
        };
        let mut came = (parts.clone(), body.clone());
        match fault {
            Some(Then::RequestFlipped) => came.1 = flipped(body),
            // An upload keeps the bytes of a chunk without being finished.
            Some(Then::RequestCut) => (came.0.method, came.1) = (Method::PATCH, body.slice(..body.len() / 2)),
            _ => {}
        }
        let writes = !matches!(method, "GET" | "HEAD") && world.knobs.keeps_past;
        let before = writes.then(|| world.store.clone());
        let instead = fault.and_then(|then| then.instead(parts, body));
        let answer = instead.unwrap_or_else(|| lie::answer(&mut world, &state.past, &came.0, &came.1, &changes));
        state.past.extend(before);
        if let Some((key, _)) = put
            && let Some(others) = state.puts.get_mut(key)
        {
            *others -= 1;
        }
        let mut exchange = Exchange {
            method: method.to_owned(),
            path,
            query,
            status: answer.status().as_u16(),
            began: *began,
            ended: self.start.elapsed(),
            sent: body.len() as u64,
            authorization: authorization(parts),
            said: said(parts, body),
        };
        if let (Some(Then::Undone), Some((repository, reference))) =
            (fault, exchange.repository().zip(exchange.manifest()))
        {
            state.store.remove(repository, reference);
        }
        let fate = match fault {
            Some(then) => then.befall(answer),
            None => Fate::Answered(Reply::whole(answer), Duration::ZERO),
        };
        if let Fate::Answered(reply, _) = &fate {
            exchange.status = reply.status().as_u16();
        }
        if door == Door::Storage {
            state.storage_log.0.push(exchange);
            return Some((fate, false));
        }
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
        Some((fate, froze))
    }
}

fn said(parts: &Parts, body: &[u8]) -> Arc<Said> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let body = String::from_utf8_lossy(&body[..body.len().min(KEPT)]).into_owned();
    Arc::new(Said { headers, body })
}

fn authorization(parts: &Parts) -> Authorization {
    match parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes) {
        None => Authorization::None,
        Some(value) if value.starts_with(b"Basic ") => Authorization::Basic,
        Some(_) => Authorization::Bearer,
    }
}
