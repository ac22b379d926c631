//! [`FerroRegistry`]: ferro-oci-server, a crate, started for one test behind nginx.
//!
//! It logs no requests and knows no accounts, so nginx does both. It follows the distribution-spec, and differs from
//! Debian's registry in what the spec leaves open:
//!
//! - It mounts nothing: a mount opens an upload.
//! - Its repositories share all blobs, but not manifests.
//! - It refuses a list without its children with 404 instead of 400.
//! - It has referrers. It lists the tags of a repository that does not exist as none.
//! - `Location` has no host.

use std::process::Command;

use super::docker_registry::htpasswd;
use super::nginx::{Front, Nginx};
use super::registry::{Account, Log};
use super::server_process::{ServerProcess, Sign, own_program};
use super::wire::Wire;

/// The path below `target`.
const PROGRAM: &str = "tools/bin/ferro-oci-server";

/// A running `ferro-oci-server`. It is stopped when dropped.
pub(crate) struct FerroRegistry {
    nginx: Nginx,
    process: ServerProcess,
    account: Option<Account>,
    /// Its content, and the accounts.
    _folder: tempfile::TempDir,
}

impl FerroRegistry {
    /// Whether it is installed.
    pub(crate) fn is_installed() -> bool {
        own_program(PROGRAM).is_some()
    }

    /// Starts a registry without authentication, or with one account. `None` if it is not installed.
    pub(crate) fn start(account: Option<Account>) -> Option<Self> {
        let program = own_program(PROGRAM)?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let process = ServerProcess::start(Sign::Prints("listening"), move |port| {
            let mut command = Command::new(&program);
            command.env("FERRO_OCI_LISTEN", format!("127.0.0.1:{port}")).env("FERRO_OCI_STORAGE_DIR", &data);
            command.env("RUST_LOG", "info").env("NO_COLOR", "1");
            command
        });
        let mut more = String::new();
        if let Some(account) = &account {
            let accounts = folder.path().join("htpasswd");
            std::fs::write(&accounts, htpasswd(account)).expect("a file of accounts");
            more = format!("auth_basic rig;\nauth_basic_user_file {};\n", accounts.display());
        }
        let front = Front { upstream: process.host(), shows: None, http2: false, lets_in: None, more: &more };
        let nginx = Nginx::start(&front)?;
        Some(Self { nginx, process, account, _folder: folder })
    }

    /// The address of the registry: `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.nginx.host()
    }

    /// Returns a client that sends requests with the rights of the account, without using mlist.
    pub(crate) fn wire(&self) -> Wire {
        Wire::new(self.host(), self.account.as_ref().map(Account::basic))
    }

    /// Returns all requests so far, in the order in which they were answered.
    pub(crate) fn log(&self) -> Log {
        self.nginx.log()
    }

    /// Stops the registry and closes its port. Its content is kept.
    pub(crate) fn stop(&mut self) {
        self.nginx.stop();
        self.process.stop();
    }

    /// Starts the registry again after [`FerroRegistry::stop`], on the same port.
    pub(crate) fn restart(&mut self) {
        self.process.restart();
        self.nginx.restart();
    }
}
