//! [`Clients`]: HTTP clients, one for each way to be trusted and to trust.
//!
//! | file | holds |
//! |---|---|
//! | [`files`] | certificates and keys on disk, folders of them by host |
//! | [`verify`] | whether a server's certificate is believed |
//! | [`names`] | what a certificate is called |
//! | [`proxy`] | what stands between |
//!
//! What is said of a host holds for that host and port alone: its authorities are trusted nowhere else, and its client
//! certificate is shown to nobody else, a token server or storage that it names included.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url, redirect, retry};
use rustls::client::VerifierBuilderError;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};

use crate::oci::Host;

use super::error::{ErrorKind, Failure, TlsFault};
use super::lock::lock;
use super::options::{HostOptions, Security};

use files::{Authorities, Files};
use verify::{ClientKeys, Verifier};

pub(crate) use verify::Untrusted;

mod files;
mod names;
pub(crate) mod proxy;
mod verify;

/// How long a connection may take to stand.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);

/// Servers and balancers drop idle connections after 60 s, some after 5: one that is reused late is answered by a
/// reset.
const IDLE: Duration = Duration::from_secs(15);

/// The clients of a run.
pub(crate) struct Clients {
    /// What was said of hosts, by origin.
    named: HashMap<String, HostOptions>,
    /// Folders that hold a folder of certificates for each host.
    folders: Vec<PathBuf>,
    /// Plain HTTP, on this machine and elsewhere. It needs no roots, and to read the system's takes longer than a whole
    /// run on this machine.
    plain: [Client; 2],
    /// The system's, read when the first host is spoken to over TLS.
    roots: OnceLock<RootCertStore>,
    /// That of hosts that only the system vouches for. They share it: who leads us to a new name with every answer
    /// would else fill the memory with roots.
    usual: OnceLock<Arc<Verifier>>,
    /// By origin, of https alone: made when the first request goes there.
    known: Mutex<HashMap<String, Result<Secured, Failure>>>,
}

/// A client for one origin, over TLS.
#[derive(Clone)]
struct Secured {
    client: Client,
    keys: Arc<ClientKeys>,
}

/// Where a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// On this machine: no proxy may come between.
    Here,
    /// Elsewhere.
    Outside,
}

impl Clients {
    pub(crate) fn new(hosts: &BTreeMap<Host, HostOptions>, folders: Vec<PathBuf>) -> Result<Self, Failure> {
        // An error says that a provider is installed already, which is all that is needed.
        let _ = ring::default_provider().install_default();
        let plain = |reach| builder(reach).tls_certs_only([]).build().map_err(|error| unmade(&error));
        let plain = [plain(Reach::Here)?, plain(Reach::Outside)?];
        let named = hosts.iter().filter_map(|(host, options)| {
            let url = Url::parse(&format!("https://{}/", address(host))).ok()?;
            Some((origin(&url), options.clone()))
        });
        let (roots, usual, known) = Default::default();
        Ok(Self { named: named.collect(), folders, plain, roots, usual, known })
    }

    /// Whether `host` is spoken to over TLS. On this machine that has to be said, be it by naming certificates.
    pub(crate) fn speaks_tls(&self, host: &Host, options: &HostOptions) -> bool {
        match options.security {
            Security::Plain => false,
            Security::Tls | Security::Unverified => true,
            Security::Usual => {
                !host.is_loopback()
                    || options.ca.is_some()
                    || options.client.is_some()
                    || files::folder(&self.folders, &[host.as_str()]).is_some()
            }
        }
    }

    /// The client that may ask `url`.
    ///
    /// # Errors
    /// A file of certificates or keys that can't be used: the same for all who ask.
    pub(crate) fn for_url(&self, url: &Url) -> Result<Client, Failure> {
        if url.scheme() == "https" {
            return self.secured(url).map(|secured| secured.client);
        }
        Ok(self.plain[Reach::to(url) as usize].clone())
    }

    /// What keeps `url` from answering, as far as the handshakes showed: some servers ask who we are, go on with it as if
    /// all were well, and then close the connection on whom they don't know.
    pub(crate) fn suspicion(&self, url: &Url) -> Option<TlsFault> {
        if url.scheme() != "https" {
            return None;
        }
        self.secured(url).ok()?.keys.suspicion()
    }

    fn secured(&self, url: &Url) -> Result<Secured, Failure> {
        lock(&self.known).entry(origin(url)).or_insert_with(|| self.make(url)).clone()
    }

    fn make(&self, url: &Url) -> Result<Secured, Failure> {
        let usual = HostOptions::default();
        let options = self.named.get(&origin(url)).unwrap_or(&usual);
        let Files { authorities, keys } =
            Files::read(options, files::folder(&self.folders, &names_of(url)).as_deref())?;
        let (provider, keys) = (Arc::new(ring::default_provider()), Arc::new(ClientKeys::new(keys)));
        let verifier = match options.security {
            Security::Unverified => Ok(Arc::new(Verifier::credulous(&provider))),
            _ => self.trusting(authorities, &provider),
        };
        let verifier = verifier.map_err(|error| unmade(&error))?;
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| unmade(&error))?.dangerous();
        let config = config.with_custom_certificate_verifier(verifier);
        let mut config = config.with_client_cert_resolver(Arc::clone(&keys) as Arc<_>);
        config.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
        let client =
            builder(Reach::to(url)).tls_backend_preconfigured(config).build().map_err(|error| unmade(&error))?;
        Ok(Secured { client, keys })
    }

    /// One that believes the system, and `authorities`.
    fn trusting(
        &self,
        authorities: Authorities,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<Verifier>, VerifierBuilderError> {
        let is_usual = authorities.certificates.is_empty() && authorities.places.is_empty();
        if let Some(usual) = self.usual.get().filter(|_| is_usual) {
            return Ok(Arc::clone(usual));
        }
        let made = Arc::new(Verifier::trusting(self.roots.get_or_init(roots).clone(), authorities, provider)?);
        Ok(if is_usual { Arc::clone(self.usual.get_or_init(|| made)) } else { made })
    }
}

impl Reach {
    fn to(url: &Url) -> Self {
        if is_loopback(url) { Self::Here } else { Self::Outside }
    }
}

/// What a host is asked by: Docker Hub is served at a name of its own.
pub(crate) fn address(host: &Host) -> &str {
    if host.is_hub() { "registry-1.docker.io" } else { host.as_str() }
}

/// Whether `url` stays on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| Host::parse(host).is_ok_and(|host| host.is_loopback()))
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// What a folder of certificates for `url` may be called.
fn names_of(url: &Url) -> Vec<String> {
    let host = url.host_str().unwrap_or_default();
    let names = match url.port() {
        Some(port) => vec![format!("{host}:{port}")],
        None => vec![host.to_owned(), format!("{host}:443")],
    };
    let hub = (host == "registry-1.docker.io").then(|| "docker.io".to_owned());
    names.into_iter().chain(hub).collect()
}

/// Redirects and repeats are decided by `transport`, which also counts them. There is no time limit on a whole
/// request: it would end large blobs.
fn builder(reach: Reach) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("mlist/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never());
    if reach == Reach::Here { builder.no_proxy() } else { builder }
}

/// The system's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded); where it has none, as in an empty container,
/// those of Mozilla.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    }
    roots
}

fn unmade(error: &impl std::fmt::Display) -> Failure {
    Failure::of(ErrorKind::tls(TlsFault::Other(format!("no TLS client can be made: {error}"))))
}

#[cfg(test)]
mod tests;
