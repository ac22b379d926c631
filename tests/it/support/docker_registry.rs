//! [`DockerRegistry`]: Debian's `docker-registry`, started for one test.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::registry::{Account, Exchange, Log};
use super::server_process::{ServerProcess, Sign, parse};
use super::token_server::{ISSUER, SERVICE, TokenServer};
use super::wire::Wire;

/// A running `docker-registry`. It is stopped when dropped.
pub(crate) struct DockerRegistry {
    process: ServerProcess,
    guard: Guard,
    /// Its config and content.
    folder: tempfile::TempDir,
}

/// How clients authenticate.
#[derive(Clone)]
pub(crate) enum Guard {
    /// No authentication.
    Nobody,
    /// With the password of this account (`htpasswd`).
    Password(Account),
    /// With a token of this server.
    Tokens(Arc<TokenServer>),
}

impl DockerRegistry {
    /// Starts a registry without authentication, or with one account. `None` if it is not installed.
    pub(crate) fn start(account: Option<Account>) -> Option<Self> {
        Self::guarded(account.map_or(Guard::Nobody, Guard::Password))
    }

    /// Starts a registry with this authentication. `None` if it is not installed.
    pub(crate) fn guarded(guard: Guard) -> Option<Self> {
        Self::configured(guard, None)
    }

    /// Starts a pull-through cache of the registry `upstream`. `None` if it is not installed.
    pub(crate) fn mirror(upstream: &str) -> Option<Self> {
        Self::configured(Guard::Nobody, Some(upstream.to_owned()))
    }

    fn configured(guard: Guard, upstream: Option<String>) -> Option<Self> {
        // `htpasswd`, which writes the accounts, is in another package.
        ["docker-registry", "htpasswd"].into_iter().all(super::installed).then_some(())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_keys(folder.path(), &guard);
        let (path, own) = (folder.path().to_owned(), guard.clone());
        let process = ServerProcess::start(Sign::AccessLog, move |port| {
            let file = path.join("config.yml");
            std::fs::write(&file, config(&path, &own, upstream.as_deref(), port)).expect("a config file");
            let mut command = Command::new("docker-registry");
            command.arg("serve").arg(file);
            command
        });
        Some(Self { process, guard, folder })
    }

    /// Whether it requires login.
    pub(crate) fn asks(&self) -> bool {
        !matches!(self.guard, Guard::Nobody)
    }

    /// The address of the registry: `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.process.host()
    }

    /// Returns a client that sends requests with the rights of the account, without using mlist.
    pub(crate) fn wire(&self) -> Wire {
        match &self.guard {
            Guard::Nobody => Wire::new(self.host(), None),
            Guard::Password(account) => Wire::new(self.host(), Some(account.basic())),
            Guard::Tokens(server) => Wire::with_tokens(self.host(), server),
        }
    }

    /// Returns all requests so far from the access log, in the order in which they were answered.
    pub(crate) fn log(&self) -> Log {
        self.process.log(&self.wire())
    }

    /// The number of lines in the access log now.
    pub(crate) fn lines_so_far(&self) -> usize {
        self.process.lines().len()
    }

    /// Counts the requests after the first `lines` lines of the access log that may change something. It does not wait,
    /// so the newest requests may be missing. Earlier lines are skipped: parsing them again takes longer as the log
    /// grows, and a test that waits for a write would be too late.
    pub(crate) fn writes_behind(&self, lines: usize) -> usize {
        self.process.lines().iter().skip(lines).filter_map(|line| parse(line)).filter(Exchange::is_write).count()
    }

    /// Deletes the bytes of a blob or manifest on its disk, for all repositories, as a faulty disk does.
    pub(crate) fn lose(&self, digest: &str) {
        let hex = digest.trim_start_matches("sha256:");
        let blobs = self.folder.path().join("data/docker/registry/v2/blobs/sha256");
        std::fs::remove_file(blobs.join(&hex[..2]).join(hex).join("data")).expect("the bytes of a blob");
    }

    /// Stops the registry and closes its port. Its content is kept.
    pub(crate) fn stop(&mut self) {
        self.process.stop();
    }

    /// Starts the registry again after [`DockerRegistry::stop`], on the same port.
    pub(crate) fn restart(&mut self) {
        self.process.restart();
    }
}

/// Writes what is needed to check who a client is.
fn write_keys(folder: &Path, guard: &Guard) {
    match guard {
        Guard::Nobody => {}
        Guard::Password(account) => {
            std::fs::write(folder.join("htpasswd"), htpasswd(account)).expect("a file of accounts");
        }
        Guard::Tokens(server) => {
            std::fs::write(folder.join("tokens.pem"), server.certificate()).expect("a file with a certificate");
        }
    }
}

/// Returns a file with an account, as Apache, nginx and Debian's registry read it.
pub(crate) fn htpasswd(account: &Account) -> Vec<u8> {
    let made = Command::new("htpasswd").args(["-Bbn", &account.user, &account.password]).output();
    let made = made.expect("htpasswd (apache2-utils) is installed");
    assert!(made.status.success(), "htpasswd: {}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}

fn config(folder: &Path, guard: &Guard, upstream: Option<&str>, port: u16) -> String {
    let path = |name: &str| folder.join(name).display().to_string();
    let auth = match guard {
        Guard::Nobody => String::new(),
        Guard::Password(_) => format!("auth: {{htpasswd: {{realm: rig, path: {}}}}}\n", path("htpasswd")),
        Guard::Tokens(server) => format!(
            "auth: {{token: {{realm: \"{}\", service: {SERVICE}, issuer: {ISSUER}, rootcertbundle: {}}}}}\n",
            server.realm(),
            path("tokens.pem")
        ),
    };
    let data = path("data");
    let proxy = upstream.map(|upstream| format!("proxy: {{remoteurl: \"http://{upstream}\"}}\n")).unwrap_or_default();
    format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {data}}}, delete: {{enabled: true}}}}\n\
         http: {{addr: \"127.0.0.1:{port}\"}}\nvalidation: {{manifests: {{urls: {{allow: [\"^http://\"]}}}}}}\n{auth}{proxy}"
    )
}

/// Reports that a test was skipped. Writes to the real stderr, because the test harness captures the usual output.
pub(crate) fn skipped(what: &str) {
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{what}, and CI has to have it");
    let thread = std::thread::current();
    // If stderr is closed, there is no other place to report it.
    let _ = writeln!(std::io::stderr(), "SKIPPED {}: {what}", thread.name().unwrap_or("a test"));
}
