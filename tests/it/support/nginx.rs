//! [`Nginx`]: nginx in front of a registry, with TLS, HTTP/2 and client certificates.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

use super::certificates::{Authority, Pair, Valid};
use super::context::PATIENCE;
use super::end_server;
use super::registry::{Exchange, Log};
use super::server_process::{free_port, parse};

/// The configuration.
pub(crate) struct Front<'a> {
    /// The address that requests are forwarded to: `127.0.0.1:PORT`.
    pub(crate) upstream: String,
    /// The server certificate. `None` for plain HTTP.
    pub(crate) shows: Option<Pair>,
    /// Whether HTTP/2 is offered.
    pub(crate) http2: bool,
    /// The authority of accepted client certificates. `None` if no client certificate is required.
    pub(crate) lets_in: Option<&'a Authority>,
    /// More directives for the `server` block.
    pub(crate) more: &'a str,
}

/// A running nginx. It is stopped when dropped.
pub(crate) struct Nginx {
    folder: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
    /// Reserves the port while nginx is stopped.
    closed: Option<TcpSocket>,
    marks: AtomicUsize,
}

/// A request as nginx logged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The protocol, such as `HTTP/2.0`.
    pub(crate) protocol: String,
    pub(crate) status: u16,
    /// The number of its connection.
    pub(crate) connection: String,
    /// The subject of the client certificate. `-` if there is none.
    pub(crate) client: String,
}

/// The `certs.d` folders of all running [`Nginx::trusted`].
static TRUSTED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Returns the certificate folders that are needed to trust every [`Nginx::trusted`].
pub(crate) fn certs_d() -> Vec<PathBuf> {
    TRUSTED.lock().expect("no panic while it is held").clone()
}

impl Front<'_> {
    /// Returns a configuration with TLS and HTTP/2 in front of `upstream`, and a certificate of `authority` for this
    /// machine.
    pub(crate) fn of(upstream: &str, authority: &Authority) -> Front<'static> {
        Front {
            upstream: upstream.to_owned(),
            shows: Some(authority.server(&["127.0.0.1", "localhost", "0.0.0.0", "registry.test"], Valid::Now)),
            http2: true,
            lets_in: None,
            more: "",
        }
    }
}

impl Nginx {
    /// Starts nginx. `None` if it is not installed.
    pub(crate) fn start(front: &Front<'_>) -> Option<Self> {
        super::installed("nginx").then_some(())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut nginx = Self { folder, port: 0, child: None, closed: None, marks: AtomicUsize::new(0) };
        if let Some(pair) = &front.shows {
            nginx.write("server.pem", &pair.certificate);
            nginx.write("server.key", &pair.key);
        }
        if let Some(authority) = front.lets_in {
            nginx.write("clients.pem", &authority.pem());
        }
        // Another test may take a free port before nginx does.
        let started = (0..10).any(|_| {
            nginx.port = free_port();
            nginx.write("nginx.conf", &nginx.config(front));
            nginx.try_run()
        });
        assert!(started, "nginx does not start:\n{}", nginx.read("error.log"));
        Some(nginx)
    }

    /// Starts nginx in front of `upstream`. By [`certs_d`], every test of this process trusts it and has a client
    /// certificate for it.
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

    /// The address of nginx: `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Writes a file to the folder of this host in [`Nginx::own_certs_d`].
    pub(crate) fn trust(&self, name: &str, content: &str) {
        let folder = self.own_certs_d().join(self.host());
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(name), content).expect("a file");
    }

    /// A `certs.d` that has only a folder for this host.
    pub(crate) fn own_certs_d(&self) -> PathBuf {
        self.path("certs.d")
    }

    /// Returns all requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.settle();
        let is_mark = |line: &str| line.rsplit('|').next().is_some_and(|uri| uri.starts_with("/mark-"));
        let seen = |line: &str| {
            let mut fields = line.split('|');
            let mut next = || fields.next().expect("five fields").to_owned();
            let (protocol, status, connection, client) = (next(), next(), next(), next());
            Seen { protocol, status: status.parse().expect("a status"), connection, client }
        };
        self.read("access.log").lines().filter(|line| !is_mark(line)).map(seen).collect()
    }

    /// Returns all requests so far, in the order in which they were answered.
    pub(crate) fn log(&self) -> Log {
        self.settle();
        let is_mark = |exchange: &Exchange| exchange.path.starts_with("/mark-");
        Log(self.read("requests.log").lines().filter_map(parse).filter(|exchange| !is_mark(exchange)).collect())
    }

    /// Waits until all requests that were answered are in the logs.
    fn settle(&self) {
        // nginx logs a request after it sent the response, which may be after the client read it. nginx uses one
        // process without threads: when a request of our own is in the log, all requests answered before it are in the
        // log as well.
        let mark = format!("/mark-{}", self.marks.fetch_add(1, Ordering::Relaxed));
        let mut stream = TcpStream::connect(self.host()).expect("nginx listens");
        write!(stream, "GET {mark} HTTP/1.0\r\n\r\n").expect("nginx reads");
        let begin = Instant::now();
        while !self.read("access.log").lines().any(|line| line.ends_with(&format!("|{mark}"))) {
            assert!(begin.elapsed() < PATIENCE, "nginx logs nothing");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Stops nginx and closes its port.
    pub(crate) fn stop(&mut self) {
        if let Some(child) = self.child.take() {
            self.closed = end_server(child, self.port);
        }
    }

    /// Starts nginx again after [`Nginx::stop`], on the same port.
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
        let mut server = match &front.shows {
            Some(_) => {
                format!("listen {host} ssl{http2};\nssl_certificate server.pem;\nssl_certificate_key server.key;\n")
            }
            None => format!("listen {host};\n"),
        };
        server += front.more;
        server += "\n";
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
             access_log {folder}/access.log seen;\naccess_log {folder}/requests.log combined;\n\
             server {{\n{server}}}\n}}\n"
        )
    }

    /// Starts the process and waits until it accepts connections. Returns false if it exits before that.
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
            // Check that our process listens: it writes its pid file when it does.
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
