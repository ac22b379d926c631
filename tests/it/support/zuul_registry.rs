//! [`ZuulRegistry`]: zuul-registry from PyPI, started for one test.
//!
//! It differs from the distribution-spec in many ways, and is in real use:
//!
//! - It requires a token for reads too. Its token server is its own, and its tokens do not expire.
//! - It answers 404 with an HTML page to what it does not know: queries (`?n=`, `?tag=`, `?mount=`), referrers, DELETE.
//! - It answers 201 with `Content-Type: text/html` and no body.
//! - Its repositories share all blobs, and all manifests by digest.
//! - It accepts a list without its children, and an OCI manifest without its blobs.
//! - A tag names one manifest of each media type, and a client that accepts several gets a Docker list first. A list that
//!   was published with Docker's type cannot be replaced by one with the type of the OCI.
//! - It answers 500 to a manifest by digest that has no `mediaType`.

use std::process::Command;

use super::registry::{Account, Log};
use super::server_process::{ServerProcess, Sign, own_program};
use super::wire::Wire;

/// The paths below `target`.
const PROGRAM: &str = "venv/bin/zuul-registry";
const PYTHON: &str = "venv/bin/python";

/// What the program does. It is not called itself, because it contains the absolute path of its folder, which may have
/// been copied. Two drivers for storage are left out: their imports take most of the time to start.
const MAIN: &str = "
import sys, types
for driver in ('swift', 's3'):
    sys.modules['zuul_registry.' + driver] = types.SimpleNamespace(Driver=None)
from zuul_registry.main import main
main()
";

/// A running `zuul-registry`. It is stopped when dropped.
pub(crate) struct ZuulRegistry {
    process: ServerProcess,
    wire: Wire,
    /// Its config and content.
    _folder: tempfile::TempDir,
}

/// Who may read without login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Everyone, with a token that the token server gives to everyone.
    Everyone,
    /// Only the account.
    Account,
}

impl ZuulRegistry {
    /// Whether it is installed.
    pub(crate) fn is_installed() -> bool {
        own_program(PROGRAM).is_some()
    }

    /// Starts a registry to which only `account` may write. `None` if it is not installed.
    pub(crate) fn start(account: &Account, readers: Readers) -> Option<Self> {
        own_program(PROGRAM)?;
        let python = own_program(PYTHON)?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, own) = (folder.path().to_owned(), account.clone());
        let process = ServerProcess::start(Sign::AccessLog, move |port| {
            let file = path.join("registry.json");
            let user = |access: &str, name: &str, password: &str| serde_json::json!({ "name": name, "pass": password, "access": access });
            let mut users = vec![user("write", &own.user, &own.password)];
            if readers == Readers::Account {
                // With such a user, no token is given to everyone.
                users.push(user("read", "reader", "of-the-reader"));
            }
            let config = serde_json::json!({ "registry": {
                "address": "127.0.0.1",
                "port": port,
                "public-url": format!("http://127.0.0.1:{port}"),
                "secret": "unused",
                "users": users,
                "storage": { "driver": "filesystem", "root": path.join("data") },
            }});
            // It reads YAML, and JSON is YAML.
            std::fs::write(&file, config.to_string()).expect("a config file");
            let mut command = Command::new(&python);
            command.args(["-W", "ignore", "-c", MAIN]);
            // Only with `-d` it logs requests.
            command.arg("-c").arg(file).args(["-d", "serve"]);
            command
        });
        let login = Wire::new(process.host(), Some(account.basic()));
        let answer = login.send("GET", "/auth/token?scope=repository:any:pull,push", &[], b"").json();
        let token = answer["token"].as_str().expect("a token");
        let wire = Wire::new(process.host(), Some(format!("Bearer {token}")));
        Some(Self { process, wire, _folder: folder })
    }

    /// The address of the registry: `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.process.host()
    }

    /// Returns a client that sends requests with all rights, without using mlist.
    pub(crate) fn wire(&self) -> Wire {
        self.wire.clone()
    }

    /// Returns all requests so far, in the order in which they were answered. Those of [`ZuulRegistry::start`] are left
    /// out.
    pub(crate) fn log(&self) -> Log {
        let log = self.process.log(&self.wire);
        let first = log.iter().position(super::registry::Exchange::is_token).expect("the first token is in the log");
        log.since(first + 1)
    }

    /// Stops the registry and closes its port. Its content is kept.
    pub(crate) fn stop(&mut self) {
        self.process.stop();
    }

    /// Starts the registry again after [`ZuulRegistry::stop`], on the same port.
    pub(crate) fn restart(&mut self) {
        self.process.restart();
    }
}
