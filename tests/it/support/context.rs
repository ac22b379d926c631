//! [`Context`]: runs mlist in its own folder and environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::registry::Account;

/// How long anything may take before a test gives up. This is much longer than needed, also on a busy machine, and is
/// not a measure of speed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(10);

/// A project folder with manifests.toml, a home folder and an environment.
pub(crate) struct Context {
    folder: tempfile::TempDir,
    environment: BTreeMap<String, OsString>,
}

impl Context {
    /// Creates an empty project. Only PATH is taken from the caller's environment.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["project", "home", "docker", "bin", "session"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        trust_in(&folder.path().join("home/.config"));
        let mut path = OsString::from(folder.path().join("bin"));
        path.push(":");
        path.push(std::env::var_os("PATH").expect("a PATH"));
        let environment = BTreeMap::from([
            ("HOME".to_owned(), folder.path().join("home").into()),
            ("DOCKER_CONFIG".to_owned(), folder.path().join("docker").into()),
            ("XDG_RUNTIME_DIR".to_owned(), folder.path().join("session").into()),
            ("PATH".to_owned(), path),
            ("LC_ALL".to_owned(), "C.UTF-8".into()),
        ]);
        Self { folder, environment }
    }

    /// Creates a project with this manifests.toml.
    pub(crate) fn with(manifest: &str) -> Self {
        let context = Self::new();
        context.manifest(manifest);
        context
    }

    /// Writes manifests.toml.
    pub(crate) fn manifest(&self, text: &str) {
        std::fs::write(self.path("manifests.toml"), text).expect("manifests.toml");
    }

    /// Returns a path in the project folder. mlist runs in that folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("project").join(name)
    }

    /// The home folder of the user.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The runtime folder of the user (`XDG_RUNTIME_DIR`), which is deleted when the machine stops.
    pub(crate) fn session(&self) -> PathBuf {
        self.folder.path().join("session")
    }

    /// Sets an environment variable for mlist.
    pub(crate) fn set(&mut self, variable: &str, value: impl Into<OsString>) {
        self.environment.insert(variable.to_owned(), value.into());
    }

    /// Makes another folder of the project the settings folder of the user (`XDG_CONFIG_HOME`).
    pub(crate) fn set_settings(&mut self, name: &str) {
        let settings = self.path(name);
        trust_in(&settings);
        self.set("XDG_CONFIG_HOME", settings);
    }

    /// Removes an environment variable from the environment of mlist.
    pub(crate) fn unset(&mut self, variable: &str) {
        self.environment.remove(variable);
    }

    /// Docker's config folder.
    pub(crate) fn docker_config(&self) -> PathBuf {
        self.folder.path().join("docker")
    }

    /// Logs in as `docker login` does without a credential helper: with an entry in Docker's config file.
    pub(crate) fn log_in(&self, host: &str, account: &Account) {
        let path = self.docker_config().join("config.json");
        let config = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut config: Value = config.unwrap_or_else(|| serde_json::json!({}));
        config["auths"][host] = serde_json::json!({ "auth": account.encoded() });
        std::fs::write(path, config.to_string()).expect("config.json");
    }

    /// Logs in by a credential helper named `rig`, which records the requests that it gets.
    pub(crate) fn log_in_by_helper(&self, host: &str, account: &Account) {
        let config = serde_json::json!({ "credHelpers": { host: "rig" } });
        std::fs::write(self.docker_config().join("config.json"), config.to_string()).expect("config.json");
        let (user, password, asked) = (&account.user, &account.password, self.path("helper-asked"));
        let script = format!(
            "#!/bin/sh\nread server\necho \"$1 $server\" >> '{}'\n\
             printf '{{\"ServerURL\":\"%s\",\"Username\":\"{user}\",\"Secret\":\"{password}\"}}' \"$server\"\n",
            asked.display()
        );
        self.helper("rig", &script);
    }

    /// Installs a script as a credential helper.
    pub(crate) fn helper(&self, name: &str, script: &str) {
        let helper = self.folder.path().join(format!("bin/docker-credential-{name}"));
        std::fs::write(&helper, script).expect("a helper");
        std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).expect("an executable helper");
    }

    /// The environment variables of mlist.
    pub(crate) fn environment(&self) -> &BTreeMap<String, OsString> {
        &self.environment
    }

    /// Runs `mlist ARGUMENTS` (words without spaces) and waits until it exits.
    pub(crate) fn mlist(&self, arguments: &str) -> Output {
        self.start(arguments).wait()
    }

    /// Like [`Self::mlist`], but with both streams in one pipe, in the order in which they are written. All of the
    /// output is in [`Output::stdout`].
    pub(crate) fn mlist_in_one_pipe(&self, arguments: &str) -> Output {
        let mut command = self.command(Command::new(program()), arguments);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        command.stdout(writer.try_clone().expect("a pipe")).stderr(writer);
        let child = command.spawn().expect("mlist is built");
        drop(command); // It has the other end of the pipe.
        let (stdout, stderr) = (read(reader), read(std::io::empty()));
        Running { arguments: arguments.to_owned(), child, stdout, stderr }.wait()
    }

    /// Runs `mlist ARGUMENTS` with a limit of open files (`ulimit -n`), and waits until it exits.
    pub(crate) fn mlist_with_open_files(&self, limit: usize, arguments: &str) -> Output {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")]).arg(program());
        self.start_as(command, arguments).wait()
    }

    /// Starts `mlist ARGUMENTS`.
    pub(crate) fn start(&self, arguments: &str) -> Running {
        self.start_as(Command::new(program()), arguments)
    }

    fn command(&self, mut command: Command, arguments: &str) -> Command {
        command.args(arguments.split_whitespace()).current_dir(self.path(""));
        command.env_clear().envs(&self.environment).stdin(Stdio::null());
        command
    }

    fn start_as(&self, command: Command, arguments: &str) -> Running {
        let mut command = self.command(command, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("mlist is built");
        let stdout = read(child.stdout.take().expect("a piped stdout"));
        let stderr = read(child.stderr.take().expect("a piped stderr"));
        Running { arguments: arguments.to_owned(), child, stdout, stderr }
    }
}

/// Makes this settings folder trust each nginx of this process, as a user would.
fn trust_in(settings: &Path) {
    let certs_d = settings.join("containers/certs.d");
    std::fs::create_dir_all(&certs_d).expect("a folder");
    for trusted in super::nginx::certs_d() {
        for host in std::fs::read_dir(trusted).into_iter().flatten().map(|host| host.expect("a folder")) {
            std::os::unix::fs::symlink(host.path(), certs_d.join(host.file_name())).expect("a link");
        }
    }
}

/// The program under test.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_mlist"))
}

fn read(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8(bytes).expect("mlist writes UTF-8")
    })
}

/// A running mlist.
pub(crate) struct Running {
    arguments: String,
    child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    /// Kills it at once, as a power failure would.
    pub(crate) fn kill(mut self) -> Output {
        // The process may have exited already.
        let _ = self.child.kill();
        self.wait()
    }

    /// Sends a signal by its name, as in kill(1).
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is installed").success(), "no process to send {name} to");
    }

    /// Whether it is still running.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child that was started").is_none()
    }

    /// The most memory that it has used so far, in bytes. `None` if it has exited, or if this system does not tell.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(peak.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
    }

    /// Waits until it exits.
    pub(crate) fn wait(mut self) -> Output {
        let status = self.end();
        let text = |thread: JoinHandle<String>| thread.join().expect("a reader that does not panic");
        let (stdout, stderr) = (text(self.stdout), text(self.stderr));
        let status = status.unwrap_or_else(|| panic!("mlist {} does not end:\n{stdout}{stderr}", self.arguments));
        // If a signal ended it, use the exit status that a shell would show.
        let status = status.code().unwrap_or_else(|| 128 + status.signal().expect("it ended somehow"));
        Output { arguments: self.arguments, status, stdout, stderr }
    }

    fn end(&mut self) -> Option<ExitStatus> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("a child that was started") {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.child.kill().expect("a child that still runs");
        self.child.wait().expect("a killed child");
        None
    }
}

/// The output and exit status of mlist.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    arguments: String,
    /// The exit status. 128 plus the signal number if a signal ended it.
    pub(crate) status: i32,
    /// The text on stdout: results, or a document.
    pub(crate) stdout: String,
    /// The text on stderr, which is messages.
    pub(crate) stderr: String,
}

impl Output {
    /// Checks the exit status. Panics with the transcript if it differs.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Parses stdout as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// The last line of the results: of stdout or, if JSON takes stdout, of stderr.
    pub(crate) fn verdict(&self) -> &str {
        let results = if self.stdout.starts_with('{') { &self.stderr } else { &self.stdout };
        results.lines().last().unwrap_or_default()
    }

    /// Counts the lines of both streams that begin with `word`.
    pub(crate) fn lines(&self, word: &str) -> usize {
        let lines = self.stdout.lines().chain(self.stderr.lines());
        lines.filter(|line| line.split(' ').next() == Some(word)).count()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$ mlist {}; echo $?\n{}{}{}", self.arguments, self.stdout, self.stderr, self.status)
    }
}
