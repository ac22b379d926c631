//! [`Clients`]: HTTP clients and their roots of trust.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Url, redirect, retry};

use crate::oci::Host;

use super::error::{ErrorKind, Failure};

/// How long a connection may take to stand.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);

/// Servers and balancers drop idle connections after 60 s, some after 5: one that is reused late is answered by a
/// reset.
const IDLE: Duration = Duration::from_secs(15);

/// One client for this machine, which no proxy may come between, and one for the rest of the world.
pub(crate) struct Clients {
    loopback: Client,
    /// Made when the first host outside is asked: to read the system's roots takes longer than a whole run on loopback.
    world: OnceLock<Result<Client, Failure>>,
}

impl Clients {
    pub(crate) fn new() -> Result<Self, Failure> {
        // An error says that a provider is installed already, which is all that is needed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let loopback = builder().no_proxy().tls_certs_only([]).build().map_err(|error| unmade(&error))?;
        Ok(Self { loopback, world: OnceLock::new() })
    }

    /// The client that may ask `url`.
    pub(crate) fn for_url(&self, url: &Url) -> Result<&Client, Failure> {
        if is_loopback(url) {
            return Ok(&self.loopback);
        }
        let world =
            self.world.get_or_init(|| builder().tls_certs_only(roots()).build().map_err(|error| unmade(&error)));
        world.as_ref().map_err(Clone::clone)
    }
}

/// Whether `url` stays on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| Host::parse(host).is_ok_and(|host| host.is_loopback()))
}

/// Redirects and repeats are decided by `transport`, which also counts them. There is no time limit on a whole
/// request: it would end large blobs.
fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("mlist/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
}

/// The system's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded); where it has none, as in an empty container,
/// those of Mozilla.
fn roots() -> Vec<Certificate> {
    let read = |ders: &mut dyn Iterator<Item = &[u8]>| ders.filter_map(|der| Certificate::from_der(der).ok()).collect();
    let native = rustls_native_certs::load_native_certs().certs;
    let system: Vec<_> = read(&mut native.iter().map(AsRef::as_ref));
    if system.is_empty() {
        return read(&mut webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref));
    }
    system
}

fn unmade(error: &reqwest::Error) -> Failure {
    Failure::of(ErrorKind::Tls(format!("no TLS client can be made: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_roots_on_every_machine() {
        assert!(!roots().is_empty());
        assert!(Clients::new().unwrap().for_url(&Url::parse("https://registry.example/").unwrap()).is_ok());
    }

    #[test]
    fn only_this_machine_is_asked_without_a_proxy() {
        for (url, is) in [
            ("http://127.0.0.1:5000/v2/", true),
            ("http://[::1]:5000/v2/", true),
            ("http://localhost/", true),
            ("http://localhost.evil.example/", false),
            ("https://10.0.0.1/", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), is, "{url}");
        }
    }
}
