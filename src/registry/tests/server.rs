//! A server whose answers are scripted by a test, and a registry client for it. For tests only.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::oci::{Descriptor, Digest, Locator, MediaType, Payload, Place, Reference, Repository};

use crate::registry::{Access, Notice, Registries, RegistriesOptions, Registry as _, RepositoryGroup, Rights};

/// A request that the server received.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// The path, including the query.
    pub(crate) path: String,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// The answer to a request.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    ends: Ends,
    after: Duration,
}

/// How an answer ends.
enum Ends {
    Well,
    /// The connection is closed after this many bytes of the body.
    CutAfter(usize),
    /// The connection is closed without an answer.
    Reset,
    /// The body never ends: one byte is sent every second.
    Drips,
    /// The body never begins.
    StandsStill,
    /// Normally, but no header announces the length of the body.
    Unannounced,
}

impl Reply {
    pub(crate) fn of(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), ends: Ends::Well, after: Duration::ZERO }
    }

    pub(crate) fn reset() -> Self {
        Self { ends: Ends::Reset, ..Self::of(200) }
    }

    /// A 200 with a manifest and its headers.
    pub(crate) fn manifest(payload: &Payload) -> Self {
        Self::of(200)
            .with("content-type", payload.media_type().as_str())
            .with("docker-content-digest", payload.digest().as_str())
            .body(payload.bytes().clone())
    }

    /// The answer to a PUT of `payload` that was stored.
    pub(crate) fn stored(payload: &Payload) -> Self {
        Self::of(201).with("docker-content-digest", payload.digest().as_str())
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn cut_after(mut self, bytes: usize) -> Self {
        self.ends = Ends::CutAfter(bytes);
        self
    }

    /// Makes the body endless.
    pub(crate) fn drips(mut self) -> Self {
        self.ends = Ends::Drips;
        self.with("content-length", "100000")
    }

    /// Makes the body never begin.
    pub(crate) fn stands_still(mut self) -> Self {
        self.ends = Ends::StandsStill;
        self
    }

    /// Sends no header with the length of the body.
    pub(crate) fn unannounced(mut self) -> Self {
        self.ends = Ends::Unannounced;
        self
    }

    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }
}

/// A server on the loopback interface. It ends with the runtime of its test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    log: Arc<Log>,
}

/// The requests that a server received.
#[derive(Default)]
struct Log {
    asked: Mutex<Vec<Asked>>,
    /// Notified of each request.
    grown: Notify,
}

impl Server {
    /// Starts a server that answers each request with `script`, which also receives the number of the request, counted
    /// from 0.
    pub(crate) async fn start(script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::default());
        let (script, seen) = (Arc::new(script), Arc::clone(&log));
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                let service = service_fn(move |request| answer(request, Arc::clone(&script), Arc::clone(&seen)));
                let serve =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service);
                // A connection that a script resets ends in an error, as intended.
                tokio::spawn(async move { drop(serve.await) });
            }
        });
        Self { address, log }
    }

    /// Returns the requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.log.asked.lock().unwrap().clone()
    }

    /// Waits until the server has received this many requests. One task at a time may wait.
    pub(crate) async fn received(&self, count: usize) {
        while self.asked().len() < count {
            self.log.grown.notified().await;
        }
    }

    /// Returns the requests so far, as `GET /v2/…`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    /// Returns a repository of this server.
    pub(crate) fn repository(&self, name: &str) -> Repository {
        match self.place(name) {
            Place::Repository(repository) => repository,
            Place::Layout(dir) => panic!("{dir} is a layout"),
        }
    }

    /// Returns a repository of this server, as a place.
    pub(crate) fn place(&self, name: &str) -> Place {
        Place::parse(&format!("{}/{name}", self.address)).unwrap()
    }

    /// Returns a reference to a tag of this server.
    pub(crate) fn reference(&self, name_and_tag: &str) -> Reference {
        Reference::parse(&format!("{}/{name_and_tag}", self.address)).unwrap()
    }
}

type Answer = Response<StreamBody<stream::BoxStream<'static, Result<Frame<Bytes>, std::io::Error>>>>;

async fn answer(
    request: Request<Incoming>,
    script: Arc<impl Fn(&Asked, usize) -> Reply>,
    log: Arc<Log>,
) -> Result<Answer, std::io::Error> {
    let (head, body) = request.into_parts();
    let (method, path) = (head.method.to_string(), head.uri.to_string());
    // A request whose body is not sent completely is not recorded.
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let asked = Asked { method, path, headers: head.headers, body };
    let number = {
        let mut all = log.asked.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    log.grown.notify_one();
    let reply = script(&asked, number);
    tokio::time::sleep(reply.after).await;
    let reset = || std::io::Error::other("reset by the script");
    let (drips, stands_still) = (matches!(reply.ends, Ends::Drips), matches!(reply.ends, Ends::StandsStill));
    let is_announced = !matches!(reply.ends, Ends::Unannounced | Ends::StandsStill);
    let frames = match reply.ends {
        Ends::Drips | Ends::StandsStill => Vec::new(),
        Ends::Reset => return Err(reset()),
        Ends::Well | Ends::Unannounced => vec![Ok(Frame::data(reply.body.clone()))],
        Ends::CutAfter(bytes) => vec![Ok(Frame::data(reply.body.slice(..bytes))), Err(reset())],
    };
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let has_length = response.headers_ref().is_some_and(|headers| headers.contains_key("content-length"));
    if !has_length && is_announced {
        response = response.header("content-length", reply.body.len());
    }
    let endless = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok(Frame::data(Bytes::from_static(b"x"))), ()))
    });
    let frames: stream::BoxStream<'static, _> = match (drips, stands_still) {
        (true, _) => Box::pin(endless),
        (_, true) => Box::pin(stream::pending()),
        _ => Box::pin(stream::iter(frames)),
    };
    Ok(response.body(StreamBody::new(frames)).unwrap())
}

/// A client for registries, as tests use it.
pub(crate) struct Client {
    pub(crate) registries: Arc<Registries>,
    notices: Arc<Mutex<Vec<Notice>>>,
    /// Notified of each notice.
    news: Arc<Notify>,
}

impl Client {
    /// Creates a client without credentials that may write to `targets`.
    pub(crate) fn new(targets: &[&Repository]) -> Self {
        Self::with(targets, |options| options.jobs = jobs(8))
    }

    /// Creates a client that takes its credentials and credential helpers from `folder` and sends at most `at_once`
    /// requests at a time.
    pub(crate) fn with_logins(targets: &[&Repository], at_once: usize, folder: &Path) -> Self {
        Self::with(targets, |options| {
            options.jobs = jobs(at_once);
            options.credentials.docker = Some(folder.join("config.json"));
            options.credentials.search = folder.into();
        })
    }

    /// Creates a client that may write to `targets`, each a group of its own. It has no credentials and sends one
    /// request at a time, unless `change` sets other options.
    pub(crate) fn with(targets: &[&Repository], change: impl FnOnce(&mut RegistriesOptions)) -> Self {
        let rights = if targets.is_empty() { Rights::ReadOnly } else { Rights::Write };
        let group = |target: &&Repository| RepositoryGroup { target: Some((*target).clone()), sources: Vec::new() };
        let access = Access::new(rights, targets.iter().map(group).collect());
        let notices = Arc::new(Mutex::new(Vec::new()));
        let news = Arc::new(Notify::new());
        let (heard, wake) = (Arc::clone(&notices), Arc::clone(&news));
        let observer = Arc::new(move |notice| {
            heard.lock().unwrap().push(notice);
            wake.notify_one();
        });
        let (credentials, hosts, certificates) = Default::default();
        let mut options = RegistriesOptions { access, jobs: jobs(1), credentials, hosts, certificates, observer };
        change(&mut options);
        Self { registries: Arc::new(Registries::new(options).unwrap()), notices, news }
    }

    pub(crate) async fn head(&self, server: &Server, name: &str) -> crate::registry::Result<Option<Descriptor>> {
        self.registries.head(&server.reference(name)).await
    }

    pub(crate) async fn put(&self, server: &Server, name: &str, payload: &Payload) -> crate::registry::Result<()> {
        let Reference { place, locator } = server.reference(name);
        self.registries.put_manifest(&place, &locator, payload).await
    }

    /// Returns all notices.
    pub(crate) fn all_notices(&self) -> Vec<Notice> {
        self.notices.lock().unwrap().clone()
    }

    /// Returns all notices except those about requests.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        let notices = self.notices.lock().unwrap();
        notices.iter().filter(|notice| !matches!(notice, Notice::Request { .. })).cloned().collect()
    }

    /// Waits until there is a notice that is not about a request. One task at a time may wait.
    pub(crate) async fn noticed(&self) {
        while self.notices().is_empty() {
            self.news.notified().await;
        }
    }
}

/// A minimal manifest.
pub(crate) fn manifest() -> Payload {
    let bytes = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#;
    Payload::new(MediaType::OciManifest, Bytes::from_static(bytes))
}

/// The descriptor of a blob with these bytes.
pub(crate) fn blob(bytes: &[u8]) -> Descriptor {
    let media_type = MediaType::Other("application/octet-stream".into());
    Descriptor { media_type, digest: Digest::of(bytes), size: bytes.len() as u64 }
}

/// The locator of a manifest by its digest.
pub(crate) fn by_digest(payload: &Payload) -> Locator {
    Locator::Digest(payload.digest().clone())
}

/// The number of requests in flight at once.
pub(crate) const fn jobs(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("at least one")
}
