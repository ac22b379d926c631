//! [`ServerProcess`]: a program that serves on a port of loopback, and what it prints.

use std::io::{BufRead as _, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

use super::context::PATIENCE;
use super::end_server;
use super::registry::{self, Exchange, Log};
use super::wire::Wire;

/// A running program. It is stopped when dropped.
pub(crate) struct ServerProcess {
    /// Creates the command for a port.
    command: Box<dyn Fn(u16) -> Command + Send + Sync>,
    sign: Sign,
    port: u16,
    child: Option<Child>,
    /// Reserves the port while the program is stopped.
    closed: Option<TcpSocket>,
    lines: Arc<Mutex<Vec<String>>>,
}

/// How a program shows that it serves. A port that answers is not enough: it may be that of another test.
#[derive(Clone, Copy)]
pub(crate) enum Sign {
    /// It prints the requests that it gets.
    AccessLog,
    /// It prints this text.
    Prints(&'static str),
}

impl ServerProcess {
    /// Starts the program on a free port, and waits until it serves.
    pub(crate) fn start(sign: Sign, command: impl Fn(u16) -> Command + Send + Sync + 'static) -> Self {
        let (command, lines) = (Box::new(command), Arc::default());
        let mut server = Self { command, sign, port: 0, child: None, closed: None, lines };
        // Another test may take a free port before the program does.
        let is_started = (0..10).any(|_| {
            server.port = free_port();
            server.try_run()
        });
        assert!(is_started, "it does not start:\n{}", server.lines().join("\n"));
        server
    }

    /// The address: `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The lines that it printed so far.
    pub(crate) fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().expect("the reader does not panic")
    }

    /// Returns all requests so far from the access log that it prints, in the order in which they were answered.
    pub(crate) fn log(&self, wire: &Wire) -> Log {
        // The log is read from a pipe. When a request of our own has arrived in it, all earlier ones have as well.
        let mark = format!("mark={}", self.lines().len());
        let begin = Instant::now();
        wire.send("GET", &format!("/v2/?{mark}"), &[], b"");
        while !self.lines().iter().any(|line| line.contains(&mark)) {
            assert!(begin.elapsed() < PATIENCE, "it logs nothing");
            std::thread::sleep(Duration::from_millis(2));
        }
        Log(self.lines().iter().filter_map(|line| parse(line)).filter(|exchange| !is_mark(exchange)).collect())
    }

    /// Stops the program and closes its port.
    pub(crate) fn stop(&mut self) {
        if let Some(child) = self.child.take() {
            self.closed = end_server(child, self.port);
        }
    }

    /// Starts the program again after [`ServerProcess::stop`], on the same port.
    pub(crate) fn restart(&mut self) {
        self.closed = None;
        assert!(self.try_run(), "it does not come back:\n{}", self.lines().join("\n"));
    }

    /// Starts the process and waits until it serves. Returns false if it exits before that.
    fn try_run(&mut self) -> bool {
        let mut command = (self.command)(self.port);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program is installed");
        let pipes: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("it is piped")), Box::new(child.stderr.take().expect("it is piped"))];
        let before = self.lines().len();
        for pipe in pipes {
            let lines = Arc::clone(&self.lines);
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    lines.lock().expect("no reader panics").push(line);
                }
            });
        }
        self.child = Some(child);
        let (begin, mark) = (Instant::now(), format!("mark=start-{before}"));
        let (wire, sign) = (Wire::new(self.host(), None), self.sign);
        while begin.elapsed() < PATIENCE {
            if self.child.as_mut().expect("started above").try_wait().expect("a child that was started").is_some() {
                return false;
            }
            let text = match sign {
                Sign::Prints(text) => text,
                Sign::AccessLog => {
                    wire.try_send("GET", &format!("/v2/?{mark}"), &[], b"");
                    &mark
                }
            };
            if self.lines()[before..].iter().any(|line| line.contains(text)) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it runs and does not answer:\n{}", self.lines().join("\n"));
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns the path of a program that `tests/run` installs below `target`. `None` if it is not installed.
pub(crate) fn own_program(path: &str) -> Option<PathBuf> {
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(path)).filter(|path| path.exists())
}

/// Returns a port of loopback that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// Whether a request was sent by the test only to be found in the log.
pub(crate) fn is_mark(exchange: &Exchange) -> bool {
    exchange.query.starts_with("mark=")
}

/// Parses a line of an access log (Apache's combined format). There may be other text before the request.
pub(crate) fn parse(line: &str) -> Option<Exchange> {
    let mut quoted = line.split('"');
    let request = quoted.nth(1)?;
    let status = quoted.next()?.split_whitespace().next()?.parse().ok()?;
    let mut words = request.split(' ');
    // nginx also logs what is no request.
    let (method, target) = (words.next()?.to_owned(), words.next().filter(|target| target.starts_with('/'))?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (registry::decode(path), registry::decode(query));
    let (began, ended) = (Duration::ZERO, Duration::ZERO);
    let (authorization, said) = (registry::Authorization::Unknown, Arc::default());
    Some(Exchange { method, path, query, status, began, ended, sent: 0, authorization, said })
}
