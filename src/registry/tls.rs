//! [`Clients`]: HTTP clients, one for each origin that is used over TLS.
//!
//! | file | holds |
//! |---|---|
//! | [`files`] | certificates and keys on disk, in folders by host |
//! | [`verify`] | whether a server's certificate is trusted |
//! | [`names`] | the names in a certificate |
//! | [`proxy`] | the proxy between mlist and a host |
//!
//! The options of a host apply only to that host and port. Its authorities are trusted for no other host, and its
//! client certificate is sent to no other host, not even to a token server or storage that it names.

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
use super::name_lookup::HostNames;
use super::options::{ConnectionSecurity, HostOptions};

use files::{Authorities, HostCertificates};
use verify::{CertificateVerifier, ClientKeys};

pub(crate) use verify::Untrusted;

mod files;
mod names;
pub(crate) mod proxy;
mod verify;

/// The maximum time to establish a connection.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);

/// How long an idle connection is kept. Servers and load balancers close idle connections after 60 s, some after 5 s. A
/// connection that is reused after that is reset. hyper opens a connection while it waits for one that is in use, and
/// keeps it unused if the other is free first. A server with few threads (CherryPy has ten) waits ten seconds for a
/// request on each unused connection, and does nothing else.
const IDLE: Duration = Duration::from_secs(2);

/// The clients of a run.
pub(crate) struct Clients {
    /// The options of hosts, by origin.
    named: HashMap<String, HostOptions>,
    /// Folders that contain a folder of certificates for each host.
    folders: Vec<PathBuf>,
    /// Clients for plain HTTP: for this machine, and for other hosts. They need no root certificates. Reading those of
    /// the system takes longer than a whole run that uses only this machine.
    plain: [Client; 2],
    /// The system's root certificates, read when TLS is first used.
    roots: OnceLock<RootCertStore>,
    /// The verifier for hosts without authorities of their own. It is shared, because a registry that names a new host
    /// in every answer would otherwise fill the memory with copies of the roots.
    usual: OnceLock<Arc<CertificateVerifier>>,
    /// The clients for https, by origin. Each is created for the first request to its origin.
    known: Mutex<HashMap<String, Result<Secured, Failure>>>,
}

/// A client for one origin, over TLS.
#[derive(Clone)]
struct Secured {
    client: Client,
    keys: Arc<ClientKeys>,
}

/// Whether a host is this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// This machine. Requests to it never use a proxy.
    Here,
    /// Another machine.
    Outside,
}

impl Clients {
    pub(crate) fn new(hosts: &BTreeMap<Host, HostOptions>, folders: Vec<PathBuf>) -> Result<Self, Failure> {
        // An error means that a provider is already installed. That is sufficient.
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

    /// Whether `host` is used over TLS. On this machine, TLS is used only if the options require it or certificates are
    /// specified for the host.
    pub(crate) fn speaks_tls(&self, host: &Host, options: &HostOptions) -> bool {
        match options.security {
            ConnectionSecurity::Plain => false,
            ConnectionSecurity::Tls | ConnectionSecurity::Unverified => true,
            ConnectionSecurity::Usual => {
                !host.is_loopback()
                    || options.ca.is_some()
                    || options.client.is_some()
                    || files::folder(&self.folders, &[host.as_str()]).is_some()
            }
        }
    }

    /// Returns the client for requests to `url`.
    ///
    /// # Errors
    /// Fails if a file of certificates or keys cannot be used. The error is the same for every request to this origin.
    pub(crate) fn for_url(&self, url: &Url) -> Result<Client, Failure> {
        if url.scheme() == "https" {
            return self.secured(url).map(|secured| secured.client);
        }
        Ok(self.plain[Reach::to(url) as usize].clone())
    }

    /// Returns the likely reason why `url` does not respond, judging by the TLS handshakes. Some servers request a
    /// client certificate, complete the handshake without an error, and then close the connection if they do not accept
    /// the client.
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
        let HostCertificates { authorities, keys } =
            HostCertificates::read(options, files::folder(&self.folders, &names_of(url)).as_deref())?;
        let (provider, keys) = (Arc::new(ring::default_provider()), Arc::new(ClientKeys::new(keys)));
        let verifier = match options.security {
            ConnectionSecurity::Unverified => Ok(Arc::new(CertificateVerifier::credulous(&provider))),
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

    /// Returns a verifier that trusts the system's roots and `authorities`.
    fn trusting(
        &self,
        authorities: Authorities,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<CertificateVerifier>, VerifierBuilderError> {
        let is_usual = authorities.certificates.is_empty() && authorities.places.is_empty();
        if let Some(usual) = self.usual.get().filter(|_| is_usual) {
            return Ok(Arc::clone(usual));
        }
        let made =
            Arc::new(CertificateVerifier::trusting(self.roots.get_or_init(roots).clone(), authorities, provider)?);
        Ok(if is_usual { Arc::clone(self.usual.get_or_init(|| made)) } else { made })
    }
}

impl Reach {
    fn to(url: &Url) -> Self {
        if is_loopback(url) { Self::Here } else { Self::Outside }
    }
}

/// Returns the address for requests to `host`. Docker Hub's registry has a host name of its own.
pub(crate) fn address(host: &Host) -> &str {
    if host.is_hub() { "registry-1.docker.io" } else { host.as_str() }
}

/// Whether `url` is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| Host::parse(host).is_ok_and(|host| host.is_loopback()))
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Returns the possible names of a folder of certificates for `url`.
fn names_of(url: &Url) -> Vec<String> {
    let host = url.host_str().unwrap_or_default();
    let names = match url.port() {
        Some(port) => vec![format!("{host}:{port}")],
        None => vec![host.to_owned(), format!("{host}:443")],
    };
    let hub = (host == "registry-1.docker.io").then(|| "docker.io".to_owned());
    names.into_iter().chain(hub).collect()
}

/// Creates the base of a client. `transport` decides on redirects and retries, and counts them. There is no time limit
/// for a whole request, because it would abort large blobs.
fn builder(reach: Reach) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("mlist/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .dns_resolver(Arc::new(HostNames))
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never());
    if reach == Reach::Here { builder.no_proxy() } else { builder }
}

/// Returns the system's root certificates. `SSL_CERT_FILE` and `SSL_CERT_DIR` are respected. If the system has none, as
/// in an empty container, Mozilla's roots are used.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    }
    roots
}

fn unmade(error: &impl std::fmt::Display) -> Failure {
    Failure::of(ErrorKind::tls(TlsFault::Other(format!("cannot create a TLS client: {error}"))))
}

#[cfg(test)]
mod tests;
