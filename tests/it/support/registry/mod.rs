//! An OCI registry in this process that is strict, records all requests and can inject errors.
//!
//! It is strict: repositories are separate, an image is refused unless its blobs are in its repository, and a list
//! unless its children are. Every request is in [`Log`]. [`Knobs`] set its behavior and its errors. It runs on its own
//! thread, so that tests are plain functions. `benches/` use it by `#[path]`.
//!
//! | file | holds |
//! |---|---|
//! | [`store`] | repositories: blobs, manifests, tags, uploads, and what was refused |
//! | [`router`] | the endpoints of the distribution-spec over a store |
//! | [`auth`] | Basic, and Bearer with its own token endpoint |
//! | [`knobs`] | all settings, and the behavior of known registries |
//! | [`fault`] | single errors |
//! | [`storm`] | errors in a share of all responses, and a rate limit |
//! | [`lie`] | false answers to single requests |
//! | [`lag`] | pushed tags and manifests that are not visible yet |
//! | [`serve`] | accepts connections and passes each request to the router |
//! | [`reply`] | a response that is sent completely or partly |
//! | [`log`] | the received requests |
//!
//! Besides its own port it has a second one, the storage. Depending on the knobs, blobs are read and uploaded there by
//! signed URLs. The storage refuses a request with an Authorization header, and has its own log.

pub(crate) mod auth;
pub(crate) mod fault;
pub(crate) mod knobs;
mod lag;
pub(crate) mod lie;
pub(crate) mod log;
mod reply;
mod router;
pub(crate) use router::decode;
mod serve;
pub(crate) mod store;
pub(crate) mod storm;

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::sync::oneshot;

pub(crate) use auth::{Account, Auth};
pub(crate) use fault::{Fault, Then};
pub(crate) use knobs::{Knobs, Mount};
pub(crate) use log::{Authorization, Exchange, Log};
pub(crate) use store::Store;

use serve::{Ports, Shared, State, Thaw};

/// A running registry. It is stopped when dropped.
pub(crate) struct Registry {
    address: SocketAddr,
    storage: SocketAddr,
    shared: Arc<Shared>,
    running: Option<Running>,
    /// Reserve the ports while the registry is stopped.
    closed: Vec<TcpSocket>,
}

struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Registry {
    /// Starts on a free port of loopback.
    pub(crate) fn start(knobs: Knobs) -> Self {
        let bind = || TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let ports = Ports { registry: bind(), storage: bind() };
        let address = |port: &TcpListener| port.local_addr().expect("a bound socket has an address");
        let (address, storage) = (address(&ports.registry), address(&ports.storage));
        let shared = Arc::new(Shared::new(address, storage, knobs));
        let running = Some(run(ports, Arc::clone(&shared)));
        Self { address, storage, shared, running, closed: Vec::new() }
    }

    /// The address of the registry: `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The address of its storage: `127.0.0.1:PORT`.
    pub(crate) fn storage(&self) -> String {
        self.storage.to_string()
    }

    /// The content.
    pub(crate) fn store(&self) -> impl std::ops::DerefMut<Target = Store> {
        Part { state: self.shared.state(), of: |state| &state.store, of_mut: |state| &mut state.store }
    }

    /// Earlier states of the content, the last one at the end.
    pub(crate) fn past(&self) -> impl std::ops::DerefMut<Target = Vec<Store>> {
        Part { state: self.shared.state(), of: |state| &state.past, of_mut: |state| &mut state.past }
    }

    /// The behavior from now on.
    pub(crate) fn knobs(&self) -> impl std::ops::DerefMut<Target = Knobs> {
        Part { state: self.shared.state(), of: |state| &state.knobs, of_mut: |state| &mut state.knobs }
    }

    /// All requests so far, in the order in which they took effect.
    pub(crate) fn log(&self) -> Log {
        self.shared.state().log.clone()
    }

    /// All requests to the storage so far.
    pub(crate) fn storage_log(&self) -> Log {
        self.shared.state().storage_log.clone()
    }

    /// An `Authorization` header with all rights, for seeding.
    pub(crate) fn insider() -> String {
        format!("Bearer {}", auth::INSIDER)
    }

    /// Freezes the registry when `writes` more requests that change something have taken effect: the last of them gets
    /// no response, and later requests have no effect.
    pub(crate) fn freeze_after(&self, writes: usize) {
        self.shared.freeze_after(writes);
    }

    /// Waits until the registry is frozen. Returns false if that does not happen within `patience`.
    pub(crate) fn wait_frozen(&self, patience: Duration) -> bool {
        self.shared.wait_frozen(patience)
    }

    /// Continues after a freeze. Waiting requests get responses.
    pub(crate) fn thaw(&self) {
        self.shared.thaw(Thaw::Answer);
    }

    /// Continues after a freeze. Waiting requests are dropped and their connections closed. For a client that was
    /// killed.
    pub(crate) fn thaw_and_forget(&self) {
        self.shared.thaw(Thaw::Forget);
    }

    /// Stops the registry and closes its ports. Its content is kept.
    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            // The receiver is dropped only if the thread has ended.
            let _ = running.stop.send(());
            running.thread.join().expect("the registry's thread ends in order");
            self.closed = [self.address, self.storage].into_iter().filter_map(keep_closed).collect();
        }
    }

    /// Starts the registry again after [`Registry::stop`], on the same port.
    pub(crate) fn restart(&mut self) {
        self.closed.clear();
        let bind = |address| TcpListener::bind(address).expect("the port that was ours a moment ago");
        let ports = Ports { registry: bind(self.address), storage: bind(self.storage) };
        self.running = Some(run(ports, Arc::clone(&self.shared)));
    }
}

/// Reserves a port so that no other process takes it, without listening: connections are refused. `None` if another
/// process was faster.
pub(crate) fn keep_closed(address: SocketAddr) -> Option<TcpSocket> {
    let socket = TcpSocket::new_v4().ok()?;
    // Connections of the previous listener may remain for a while.
    socket.set_reuseaddr(true).ok()?;
    socket.bind(address).ok()?;
    Some(socket)
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(ports: Ports, shared: Arc<Shared>) -> Running {
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || serve::serve(ports, shared, stopped));
    Running { stop, thread }
}

/// A part of the state. The whole state is locked while it exists.
struct Part<'a, T> {
    state: MutexGuard<'a, State>,
    of: fn(&State) -> &T,
    of_mut: fn(&mut State) -> &mut T,
}

impl<T> std::ops::Deref for Part<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        (self.of)(&self.state)
    }
}

impl<T> std::ops::DerefMut for Part<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        (self.of_mut)(&mut self.state)
    }
}
