//! [`Nginx`]: TLS, HTTP/2 and client certificates before a registry, as people put them there.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

use super::certificates::{Authority, Pair, Valid};
use super::context::PATIENCE;
use super::registry::keep_closed;

/// How it behaves.
pub(crate) struct Front<'a> {
    /// Where requests go on to: `127.0.0.1:PORT`.
    pub(crate) upstream: String,
    /// What it shows.
    pub(crate) shows: Pair,
    /// Who speaks HTTP/2.
    pub(crate) http2: bool,
    /// Whose clients it lets in; it lets in all where there is none.
    pub(crate) lets_in: Option<&'a Authority>,
    /// More for its `server`: directives.
    pub(crate) more: &'a str,
}

/// A running nginx. Dropping it ends it.
pub(crate) struct Nginx {
    folder: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
    /// Its port, while it is down.
    closed: Option<TcpSocket>,
    marks: AtomicUsize,
}

/// A request as nginx saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `HTTP/2.0`
    pub(crate) protocol: String,
    pub(crate) status: u16,
    /// The number of its connection.
    pub(crate) connection: String,
    /// The subject of the client's certificate; `-` without one.
    pub(crate) client: String,
}

/// The `certs.d` of each nginx that runs, for those who are to trust them all.
static TRUSTED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Folders of certificates by which every [`Nginx::trusted`] is trusted.
pub(crate) fn certs_d() -> Vec<PathBuf> {
    TRUSTED.lock().expect("no panic while it is held").clone()
}

impl Front<'_> {
    /// TLS and HTTP/2 before `upstream`, with a certificate of `authority` for this machine.
    pub(crate) fn of(upstream: &str, authority: &Authority) -> Front<'static> {
        Front {
            upstream: upstream.to_owned(),
            shows: authority.server(&["127.0.0.1", "localhost", "0.0.0.0", "registry.test"], Valid::Now),
            http2: true,
            lets_in: None,
            more: "",
        }
    }
}

impl Nginx {
    /// Starts one; none where it is not installed.
    pub(crate) fn start(front: &Front<'_>) -> Option<Self> {
        super::installed("nginx").then_some(())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut nginx = Self { folder, port: 0, child: None, closed: None, marks: AtomicUsize::new(0) };
        nginx.write("server.pem", &front.shows.certificate);
        nginx.write("server.key", &front.shows.key);
        if let Some(authority) = front.lets_in {
            nginx.write("clients.pem", &authority.pem());
        }
        // A free port may be taken by another test before nginx has it.
        let started = (0..10).any(|_| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
            nginx.port = listener.local_addr().expect("a bound socket has an address").port();
            drop(listener);
            nginx.write("nginx.conf", &nginx.config(front));
            nginx.try_run()
        });
        assert!(started, "nginx does not start:\n{}", nginx.read("error.log"));
        Some(nginx)
    }

    /// Starts one before `upstream` that every test of this process trusts, and shows its certificate, by [`certs_d`].
    pub(crate) fn trusted(upstream: &str) -> Option<Self> {
        let (authority, clients) = (Authority::new("Test Root CA"), Authority::new("Test Client CA"));
        let nginx = Self::start(&Front { lets_in: Some(&clients), ..Front::of(upstream, &authority) })?;
        let client = clients.client("ci-bot");
        nginx.trust("ca.crt", &authority.pem());
        nginx.trust("client.cert", &client.certificate);
        nginx.trust("client.key", &client.key);
        TRUSTED.lock().expect("no panic while it is held").push(nginx.own_certs_d());
        Some(nginx)
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Puts a file into the folder of its host in [`Nginx::own_certs_d`].
    pub(crate) fn trust(&self, name: &str, content: &str) {
        let folder = self.own_certs_d().join(self.host());
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(name), content).expect("a file");
    }

    /// A `certs.d` with a folder for this host alone.
    pub(crate) fn own_certs_d(&self) -> PathBuf {
        self.path("certs.d")
    }

    /// What it was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        // A request is logged when its answer has been sent, which may be after it was read. nginx does one thing at a
        // time: once a request of our own is in the log, all that were answered before it are.
        let mark = format!("/mark-{}", self.marks.fetch_add(1, Ordering::Relaxed));
        let mut stream = TcpStream::connect(self.host()).expect("nginx listens");
        write!(stream, "GET {mark} HTTP/1.0\r\n\r\n").expect("nginx reads");
        let is_mark = |line: &str| line.rsplit('|').next().is_some_and(|uri| uri.starts_with("/mark-"));
        let begin = Instant::now();
        while !self.read("access.log").lines().any(|line| line.ends_with(&format!("|{mark}"))) {
            assert!(begin.elapsed() < PATIENCE, "nginx logs nothing");
            std::thread::sleep(Duration::from_millis(2));
        }
        let seen = |line: &str| {
            let mut fields = line.split('|');
            let mut next = || fields.next().expect("five fields").to_owned();
            let (protocol, status, connection, client) = (next(), next(), next(), next());
            Seen { protocol, status: status.parse().expect("a status"), connection, client }
        };
        self.read("access.log").lines().filter(|line| !is_mark(line)).map(seen).collect()
    }

    /// Goes down: the port answers no more.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            child.wait().expect("a child that was started");
            self.closed = keep_closed(([127, 0, 0, 1], self.port).into());
        }
    }

    /// Comes back after [`Nginx::stop`], on the same port.
    pub(crate) fn restart(&mut self) {
        self.closed = None;
        assert!(self.try_run(), "nginx does not come back");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn config(&self, front: &Front<'_>) -> String {
        let (host, folder) = (self.host(), self.folder.path().display());
        let http2 = if front.http2 { " http2" } else { "" };
        let mut server = format!(
            "listen {host} ssl{http2};\nssl_certificate server.pem;\nssl_certificate_key server.key;\n{}\n",
            front.more
        );
        if front.lets_in.is_some() && !front.more.contains("ssl_verify_client") {
            server += "ssl_verify_client on;\n";
        }
        if front.lets_in.is_some() {
            server += "ssl_client_certificate clients.pem;\n";
        }
        write!(
            server,
            "location / {{\nproxy_pass http://{};\nproxy_http_version 1.1;\nproxy_set_header Host $http_host;\n\
             proxy_set_header X-Forwarded-Proto https;\nproxy_request_buffering off;\n}}\n",
            front.upstream
        )
        .expect("a string takes all");
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let paths = paths.map(|name| format!("{name}_temp_path {folder}/{name};\n")).concat();
        format!(
            "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n\
             events {{ worker_connections 4096; }}\nhttp {{\n{paths}client_max_body_size 0;\n\
             log_format seen '$server_protocol|$status|$connection|$ssl_client_s_dn|$request_uri';\n\
             access_log {folder}/access.log seen;\nserver {{\n{server}}}\n}}\n"
        )
    }

    /// Starts it and waits until it takes connections; false where it ends before that.
    fn try_run(&mut self) -> bool {
        let folder: &Path = self.folder.path();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(self.path("nginx.conf")).arg("-e").arg(self.path("error.log"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("nginx is installed"));
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if self.child.as_mut().expect("started above").try_wait().expect("a child that was started").is_some() {
                return false;
            }
            // It is ours that listens: it writes its number once it does.
            let is_ours = self.read("pid").trim() == self.child.as_ref().expect("started above").id().to_string();
            if is_ours && TcpStream::connect(self.host()).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("nginx runs and does not listen:\n{}", self.read("error.log"));
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let own = self.own_certs_d();
        TRUSTED.lock().expect("no panic while it is held").retain(|folder| *folder != own);
        self.stop();
    }
}
