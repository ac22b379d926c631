//! An OCI registry in this process: strict, watched, and faulty on demand.
//!
//! Strict: repositories are separate, an image is refused unless its blobs are in its repository, a list unless its
//! children are. Watched: every request is in [`Log`]. Faulty: [`Knobs`]. It runs on a thread of its own, so that tests
//! are plain functions; `benches/` use it by `#[path]`.
//!
//! | file | holds |
//! |---|---|
//! | [`store`] | repositories: blobs, manifests, tags, uploads, and what was refused |
//! | [`router`] | the endpoints of the distribution-spec over a store |
//! | [`auth`] | Basic, and Bearer with its own token endpoint |
//! | [`knobs`] | all that can be turned, and the manners of known registries |
//! | [`fault`] | single answers that go wrong |
//! | [`storm`] | a share of all answers that goes wrong, a limit of requests in a second |
//! | [`lag`] | what was pushed and is not seen yet |
//! | [`serve`] | connections in, one request after the other through the router |
//! | [`reply`] | an answer on its way, whole or not |
//! | [`log`] | what was asked |
//!
//! Beside its own port it has another, the storage: blobs are read and uploaded there where the knobs say so, by
//! addresses that are signed. A request that carries an Authorization is refused there, and logged apart.

pub(crate) mod auth;
pub(crate) mod fault;
pub(crate) mod knobs;
mod lag;
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

/// A running registry. Dropping it ends it.
pub(crate) struct Registry {
    address: SocketAddr,
    storage: SocketAddr,
    shared: Arc<Shared>,
    running: Option<Running>,
    /// Its ports, while it is down.
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

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The address of the storage behind it, `127.0.0.1:PORT`.
    pub(crate) fn storage(&self) -> String {
        self.storage.to_string()
    }

    /// What stands in it.
    pub(crate) fn store(&self) -> impl std::ops::DerefMut<Target = Store> {
        Part { state: self.shared.state(), of: |state| &state.store, of_mut: |state| &mut state.store }
    }

    /// How it behaves from now on.
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

    /// An `Authorization` that may do everything, for seeding.
    pub(crate) fn insider() -> String {
        format!("Bearer {}", auth::INSIDER)
    }

    /// Lets everything stand still as soon as `writes` more PUTs and POSTs took effect: the last of them is not
    /// answered, later requests do nothing.
    pub(crate) fn freeze_after(&self, writes: usize) {
        self.shared.freeze_after(writes);
    }

    /// Waits until it stands still; false where that did not come within `patience`.
    pub(crate) fn wait_frozen(&self, patience: Duration) -> bool {
        self.shared.wait_frozen(patience)
    }

    /// Goes on: what waited is answered.
    pub(crate) fn thaw(&self) {
        self.shared.thaw(Thaw::Answer);
    }

    /// Goes on: what waited is forgotten, its connections are closed. For a client that was killed.
    pub(crate) fn thaw_and_forget(&self) {
        self.shared.thaw(Thaw::Forget);
    }

    /// Goes down: the port answers no more. What stands in it stays.
    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            // The receiver is gone only where the thread has ended.
            let _ = running.stop.send(());
            running.thread.join().expect("the registry's thread ends in order");
            self.closed = [self.address, self.storage].into_iter().filter_map(keep_closed).collect();
        }
    }

    /// Comes back after [`Registry::stop`], on the same port.
    pub(crate) fn restart(&mut self) {
        self.closed.clear();
        let bind = |address| TcpListener::bind(address).expect("the port that was ours a moment ago");
        let ports = Ports { registry: bind(self.address), storage: bind(self.storage) };
        self.running = Some(run(ports, Arc::clone(&self.shared)));
    }
}

/// Keeps a port from all others who look for a free one, while nobody listens there: who asks is refused. None where
/// another was quicker.
pub(crate) fn keep_closed(address: SocketAddr) -> Option<TcpSocket> {
    let socket = TcpSocket::new_v4().ok()?;
    // Connections of whoever listened there may linger.
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

/// One part of the state, locked with the whole.
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
