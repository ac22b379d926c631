//! [`DockerRegistry`]: Debian's `docker-registry`, started for one test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

use super::context::PATIENCE;
use super::end_server;
use super::registry::{Account, Authorization, Exchange, Log};
use super::token_server::{ISSUER, SERVICE, TokenServer};
use super::wire::Wire;

/// A running `docker-registry`. It is stopped when dropped.
pub(crate) struct DockerRegistry {
    folder: tempfile::TempDir,
    port: u16,
    guard: Guard,
    child: Option<Child>,
    /// Reserves the port while the registry is stopped.
    closed: Option<TcpSocket>,
    lines: Arc<Mutex<Vec<String>>>,
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
        // `htpasswd`, which writes the accounts, is in another package.
        ["docker-registry", "htpasswd"].into_iter().all(super::installed).then_some(())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut registry = Self { folder, port: 0, guard, child: None, closed: None, lines: Arc::default() };
        registry.write_keys();
        // Another test may take a free port before the registry does.
        let started = (0..10).any(|_| {
            registry.port = free_port();
            registry.try_run()
        });
        assert!(started, "docker-registry does not start");
        Some(registry)
    }

    /// Whether it requires login.
    pub(crate) fn asks(&self) -> bool {
        !matches!(self.guard, Guard::Nobody)
    }

    /// The address of the registry: `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
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
        // The log is read from a pipe. When a request of our own has arrived in it, all earlier ones have as well.
        let mark = format!("mark={}", self.lines().len());
        let begin = Instant::now();
        self.wire().send("GET", &format!("/v2/?{mark}"), &[], b"");
        while !self.lines().iter().any(|line| line.contains(&mark)) {
            assert!(begin.elapsed() < PATIENCE, "docker-registry logs nothing");
            std::thread::sleep(Duration::from_millis(2));
        }
        let own = |exchange: &Exchange| exchange.query.starts_with("mark=");
        Log(self.lines().iter().filter_map(|line| parse(line)).filter(|exchange| !own(exchange)).collect())
    }

    /// The number of lines in the access log now.
    pub(crate) fn lines_so_far(&self) -> usize {
        self.lines().len()
    }

    /// Counts the requests after the first `lines` lines of the access log that may change something. It does not wait,
    /// so the newest requests may be missing. Earlier lines are skipped: parsing them again takes longer as the log
    /// grows, and a test that waits for a write would be too late.
    pub(crate) fn writes_behind(&self, lines: usize) -> usize {
        self.lines().iter().skip(lines).filter_map(|line| parse(line)).filter(Exchange::is_write).count()
    }

    /// Stops the registry and closes its port. Its content is kept.
    pub(crate) fn stop(&mut self) {
        if let Some(child) = self.child.take() {
            self.closed = end_server(child, self.port);
        }
    }

    /// Starts the registry again after [`DockerRegistry::stop`], on the same port.
    pub(crate) fn restart(&mut self) {
        self.closed = None;
        assert!(self.try_run(), "docker-registry does not come back");
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.lines.lock().expect("the reader does not panic")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_keys(&self) {
        match &self.guard {
            Guard::Nobody => {}
            Guard::Password(account) => {
                let made = Command::new("htpasswd").args(["-Bbn", &account.user, &account.password]).output();
                let made = made.expect("htpasswd (apache2-utils) is installed");
                assert!(made.status.success(), "htpasswd: {}", String::from_utf8_lossy(&made.stderr));
                std::fs::write(self.path("htpasswd"), made.stdout).expect("a file of accounts");
            }
            Guard::Tokens(server) => {
                std::fs::write(self.path("tokens.pem"), server.certificate()).expect("a file with a certificate");
            }
        }
    }

    fn config(&self) -> String {
        let auth = match &self.guard {
            Guard::Nobody => String::new(),
            Guard::Password(_) => {
                format!("auth: {{htpasswd: {{realm: rig, path: {}}}}}\n", self.path("htpasswd").display())
            }
            Guard::Tokens(server) => format!(
                "auth: {{token: {{realm: \"{}\", service: {SERVICE}, issuer: {ISSUER}, rootcertbundle: {}}}}}\n",
                server.realm(),
                self.path("tokens.pem").display()
            ),
        };
        let (data, host) = (self.path("data").display().to_string(), self.host());
        format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {data}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: \"{host}\"}}\nvalidation: {{manifests: {{urls: {{allow: [\"^http://\"]}}}}}}\n{auth}"
        )
    }

    /// Starts the process and waits for its first response. Returns false if it exits before that.
    fn try_run(&mut self) -> bool {
        let config = self.path("config.yml");
        std::fs::write(&config, self.config()).expect("a config file");
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("docker-registry is installed");
        let pipe = BufReader::new(child.stdout.take().expect("a piped stdout"));
        let lines = Arc::clone(&self.lines);
        std::thread::spawn(move || {
            for line in pipe.lines().map_while(Result::ok) {
                lines.lock().expect("no reader panics").push(line);
            }
        });
        self.child = Some(child);
        let (begin, mark) = (Instant::now(), format!("mark=start-{}", self.lines().len()));
        while begin.elapsed() < PATIENCE {
            if self.child.as_mut().expect("started above").try_wait().expect("a child that was started").is_some() {
                return false;
            }
            // Check that our process responded and not that of another test: ours logs the request.
            let answer = self.wire().try_send("GET", &format!("/v2/?{mark}"), &[], b"");
            if answer.is_some() && self.lines().iter().any(|line| line.contains(&mark)) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("docker-registry runs and does not answer");
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// Parses a line of the access log (Apache's combined format).
fn parse(line: &str) -> Option<Exchange> {
    let mut quoted = line.split('"');
    let request = quoted.nth(1)?;
    let status = quoted.next()?.split_whitespace().next()?.parse().ok()?;
    let mut words = request.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (super::registry::decode(path), super::registry::decode(query));
    let (began, ended) = (Duration::ZERO, Duration::ZERO);
    let (authorization, said) = (Authorization::Unknown, Arc::default());
    Some(Exchange { method, path, query, status, began, ended, sent: 0, authorization, said })
}

/// Reports that a test was skipped. Writes to the real stderr, because the test harness captures the usual output.
pub(crate) fn skipped(what: &str) {
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{what}, and CI has to have it");
    let thread = std::thread::current();
    // If stderr is closed, there is no other place to report it.
    let _ = writeln!(std::io::stderr(), "SKIPPED {}: {what}", thread.name().unwrap_or("a test"));
}
