//! [`HostNames`]: finds the addresses of hosts with the system's resolver, and distinguishes a name that does not exist
//! from a lookup that failed. The standard library and reqwest's own resolver give this difference only as text.

use std::net::SocketAddr;

use dns_lookup::{LookupError, LookupErrorKind, lookup_host};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::task::spawn_blocking;

/// The resolver of all HTTP clients.
pub(crate) struct HostNames;

/// Why a host has no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostNameError {
    /// No host has this name.
    #[error("host name not found (DNS): {0}")]
    NotFound(String),
    /// The name may exist, but its address could not be looked up. The second text is the system's reason.
    #[error("cannot look up host name {0} (DNS): {1}")]
    Failed(String, String),
}

impl HostNameError {
    fn new(name: String, error: LookupError) -> Self {
        match error.kind() {
            LookupErrorKind::NoName | LookupErrorKind::NoData => Self::NotFound(name),
            _ => {
                let why = std::io::Error::from(error).to_string();
                let why = why.strip_prefix("failed to lookup address information: ").unwrap_or(&why);
                Self::Failed(name, why.to_owned())
            }
        }
    }
}

impl Resolve for HostNames {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found = spawn_blocking(move || {
                let found: Result<Vec<_>, _> = lookup_host(&name).map(Iterator::collect);
                found.map_err(|error| HostNameError::new(name, error))
            });
            let addresses: Addrs = Box::new(found.await??.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_not_a_failed_lookup() {
        let error = |number| HostNameError::new("a.example".into(), LookupError::new(number));
        let unknown = HostNameError::NotFound("a.example".into());
        assert_eq!((error(libc::EAI_NONAME), error(libc::EAI_NODATA)), (unknown.clone(), unknown));
        for number in [libc::EAI_AGAIN, libc::EAI_FAIL, libc::EAI_MEMORY] {
            let HostNameError::Failed(name, why) = error(number) else { panic!("{number}") };
            assert!(name == "a.example" && !why.is_empty() && !why.contains("lookup"), "{why}");
        }
    }

    #[tokio::test]
    async fn this_machine_has_an_address() {
        let found = HostNames.resolve("localhost".parse().unwrap()).await.map(Iterator::count);
        assert!(found.is_ok_and(|count| count > 0));
    }
}
