//! [`TlsServer`]: a TLS server for error cases that nginx cannot produce. [`Proxy`]: an HTTP proxy.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::certificates::{Authority, Pair};

/// Calls `serve` with each connection to a port of loopback, on a thread that ends with the test process.
fn listen<F: Future<Output = ()> + Send + 'static>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            listener.set_nonblocking(true).expect("a socket can be non-blocking");
            let listener = TcpListener::from_std(listener).expect("a listening socket");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
    });
    address
}

/// A TLS server in front of a registry.
pub(crate) struct TlsServer {
    address: SocketAddr,
}

impl TlsServer {
    /// Starts a server that forwards to `upstream` and offers these protocols. If a client has no certificate of
    /// `lets_in`, it ends the connection with an alert, like servers written in Go.
    pub(crate) fn start(upstream: &str, shows: &Pair, protocols: &[&str], lets_in: Option<&Authority>) -> Self {
        let (acceptor, upstream) = (acceptor(shows, protocols, lets_in), upstream.to_owned());
        let address = listen(move |stream| {
            let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
            async move {
                // A refused client gets the reason from the handshake itself.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let Ok(mut onward) = TcpStream::connect(upstream).await else { return };
                let _ = copy_bidirectional(&mut stream, &mut onward).await;
            }
        });
        Self { address }
    }

    /// Starts a server that uses HTTP/2, resets the first `refused` requests with `REFUSED_STREAM` and responds with
    /// 404 to all others.
    pub(crate) fn refusing(refused: usize, shows: &Pair) -> Self {
        let (acceptor, left) = (acceptor(shows, &["h2"], None), Arc::new(AtomicUsize::new(refused)));
        let address = listen(move |stream| {
            let (acceptor, left) = (acceptor.clone(), Arc::clone(&left));
            async move {
                let stream = acceptor.accept(stream).await.expect("a client that trusts it");
                let mut connection = h2::server::handshake(stream).await.expect("a client that speaks HTTP/2");
                while let Some(Ok((_, mut answer))) = connection.accept().await {
                    let take = |left: usize| left.checked_sub(1);
                    if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                        answer.send_reset(h2::Reason::REFUSED_STREAM);
                    } else {
                        let absent = hyper::Response::builder().status(404).body(()).expect("a good answer");
                        answer.send_response(absent, true).expect("a client that listens");
                    }
                }
            }
        });
        Self { address }
    }

    /// The address of the server: `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }
}

fn acceptor(shows: &Pair, protocols: &[&str], lets_in: Option<&Authority>) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().expect("versions that ring knows");
    let builder = match lets_in {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let root = CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("a certificate");
            roots.add(root).expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(shows.certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(shows.key.as_bytes()).expect("a key");
    let mut config = builder.with_single_cert(chain, key).expect("a pair");
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// A proxy that supports tunnels and plain requests, and resolves names that exist only here.
pub(crate) struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts a proxy that forwards to `names`: pairs of `HOST:PORT` and the address to connect to. If `authorization`
    /// is given, the proxy requires it.
    pub(crate) fn start(names: &[(&str, String)], authorization: Option<&str>) -> Self {
        let names: HashMap<String, String> = names.iter().map(|(name, to)| ((*name).to_owned(), to.clone())).collect();
        let wanted = authorization.map(|value| format!("proxy-authorization: {value}").to_lowercase());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let address = listen(move |mut stream| {
            let (names, wanted, log) = (names.clone(), wanted.clone(), Arc::clone(&log));
            async move {
                let Some(head) = head(&mut stream).await else { return };
                let line = head.lines().next().unwrap_or_default().to_owned();
                let target = line.split(' ').nth(1).unwrap_or_default();
                let plain = target.strip_prefix("http://").and_then(|url| url.split('/').next());
                let target = plain.map_or_else(|| target.to_owned(), |host| format!("{host}:80"));
                let is_tunnel = plain.is_none();
                log.lock().expect("no panic while it is held").push(line.clone());
                let is_let_in = wanted.is_none_or(|wanted| head.to_lowercase().lines().any(|line| line == wanted));
                let answer = match names.get(&target) {
                    _ if !is_let_in => Some("407 Proxy Authentication Required"),
                    None => Some("502 Bad Gateway"),
                    Some(_) => is_tunnel.then_some("200 Connection established"),
                };
                if let Some(answer) = answer {
                    let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
                    // The client may have disconnected already.
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                let Some(to) = names.get(&target).filter(|_| is_let_in) else { return };
                let Ok(mut onward) = TcpStream::connect(to).await else { return };
                if is_tunnel || onward.write_all(head.as_bytes()).await.is_ok() {
                    let _ = copy_bidirectional(&mut stream, &mut onward).await;
                }
            }
        });
        Self { address, asked }
    }

    /// The address of the proxy: `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The request lines so far, such as `CONNECT registry.test:443 HTTP/1.1`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic while it is held").clone()
    }
}

/// Reads the head of a request. `None` if the client disconnects before its end.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
