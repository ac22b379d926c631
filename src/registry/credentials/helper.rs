//! Credential helpers: programs named `docker-credential-NAME` (docker-credential-helpers, "Development").

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use crate::oci::Host;
use crate::registry::sanitize::one_line;

use super::Login;

/// The maximum time that a helper may take. Some helpers query a cloud, some ask the user.
const WITHIN: Duration = Duration::from_secs(30);
/// The maximum size of a helper's output on stdout, in bytes.
const LIMIT: u64 = 64 << 10;
/// How many bytes of a helper's stderr are kept: the last ones.
const TALK: usize = 4 << 10;

/// A helper that a config file names.
pub(super) struct Helper {
    /// The name without its prefix: `gcr` for `docker-credential-gcr`.
    pub(super) name: String,
    /// The key that names it: `credHelpers` or `credsStore`.
    pub(super) key: &'static str,
}

/// Why a helper failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unhelpful {
    /// The program was not found.
    Absent,
    /// The reason, written to follow the name of the helper.
    Because(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperCredentials {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: SecretString,
}

/// Returns the name that helpers use for a host.
fn server(host: &Host) -> &str {
    if host.is_hub() { "https://index.docker.io/v1/" } else { host.as_str() }
}

/// Returns the program of a helper: `docker-credential-gcr`.
pub(super) fn program(name: &str) -> String {
    format!("docker-credential-{}", one_line(name))
}

/// Runs a helper and returns its credentials for `host`. `None` if it has none.
///
/// # Errors
/// Returns why the helper failed.
pub(super) async fn get(name: &str, host: &Host, search: &OsStr) -> Result<Option<Login>, Unhelpful> {
    if !name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_')) {
        return Err(Unhelpful::Because("is not a valid helper name: only letters, digits, - and _ are allowed".into()));
    }
    let program = find(&program(name), search).ok_or(Unhelpful::Absent)?;
    match timeout(WITHIN, run(program, server(host), search.to_owned())).await {
        Ok(output) => output.and_then(|output| read(&output)).map_err(Unhelpful::Because),
        Err(_) => Err(Unhelpful::Because(format!("timed out after {}s", WITHIN.as_secs()))),
    }
}

#[derive(Default)]
struct HelperOutput {
    ok: bool,
    stdout: Vec<u8>,
    /// The last `TALK` bytes of stderr.
    stderr: Vec<u8>,
}

/// Runs a helper to its end. If this future is dropped before that, the helper and all processes that it started are
/// killed.
async fn run(program: PathBuf, server: &str, search: OsString) -> Result<HelperOutput, String> {
    let cannot = |error: std::io::Error| format!("failed to start: {error}");
    let mut command = Command::new(program);
    command.arg("get").env("PATH", search).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(cannot)?;
    let mut group = ProcessGroup(child.id());
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input closes the pipe early. Only its output matters.
        let _ = stdin.write_all(format!("{server}\n").as_bytes()).await;
    }
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = tokio::try_join!(whole(out), async { Ok(end_of(err).await) })?;
    let status = child.wait().await.map_err(cannot)?;
    // A process that the helper leaves running on purpose, such as an agent that keeps a key, is not killed.
    group.0 = None;
    Ok(HelperOutput { ok: status.success(), stdout, stderr })
}

/// Reads everything from `pipe`, up to `LIMIT` bytes.
async fn whole(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let read = pipe.take(LIMIT + 1).read_to_end(&mut bytes).await;
        read.map_err(|error| format!("failed: cannot read its output: {error}"))?;
    }
    if bytes.len() as u64 > LIMIT { Err(format!("printed more than {} KiB", LIMIT >> 10)) } else { Ok(bytes) }
}

/// Reads everything from `pipe` and returns the last `TALK` bytes. All is read because a helper whose pipe is full
/// would wait forever.
async fn end_of(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        while pipe.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
            bytes.drain(..bytes.len().saturating_sub(TALK));
        }
    }
    bytes
}

/// The process group of a helper. It is killed on drop.
struct ProcessGroup(Option<u32>);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.0.and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)) {
            // The group may have ended already.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

fn read(output: &HelperOutput) -> Result<Option<Login>, String> {
    if !output.ok {
        let said = one_line(&String::from_utf8_lossy(&output.stdout));
        // In this protocol, helpers print errors on stdout. This message means that there are no credentials. That
        // is not an error.
        if said.to_ascii_lowercase().contains("credentials not found") {
            return Ok(None);
        }
        let talk = String::from_utf8_lossy(&output.stderr);
        let last = talk.lines().map(one_line).rfind(|line| !line.is_empty()).unwrap_or_default();
        return Err(match if said.is_empty() { last } else { said } {
            said if said.is_empty() => "failed without a message".into(),
            said if may_hold_a_secret(&said) => {
                "failed; its message is not shown because it may contain a secret".into()
            }
            said => format!("failed: {said}"),
        });
    }
    let given: HelperCredentials =
        serde_json::from_slice(&output.stdout).map_err(|_| "printed no valid credentials".to_owned())?;
    if given.secret.expose_secret().is_empty() {
        return Ok(None);
    }
    Ok(match given.username.as_str() {
        "" => None,
        "<token>" => Some(Login::Identity(given.secret)),
        _ => Some(Login::Basic { user: given.username, password: given.secret }),
    })
}

/// Whether a line may contain credentials: it mentions a secret or password, or it contains a long word with letters
/// and digits, such as a token.
fn may_hold_a_secret(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-');
    let is_of_programs = |word: &str| {
        let has = |is: fn(&u8) -> bool| word.bytes().any(|c| is(&c));
        word.len() >= 20 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    };
    ["secret", "password", "passwd"].iter().any(|word| lower.contains(word))
        || line.split(|c| !is_of_word(c)).any(is_of_programs)
}

/// Returns the path of the program in a folder of the search path. Relative folders in it are ignored, because they
/// depend on the current folder.
fn find(program: &str, search: &OsStr) -> Option<PathBuf> {
    let folders = std::env::split_paths(search).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::credentials::tests::helper_in;

    fn failed(stdout: &str, stderr: &str) -> String {
        let (stdout, stderr) = (stdout.as_bytes().to_vec(), stderr.as_bytes().to_vec());
        read(&HelperOutput { ok: false, stdout, stderr }).map(|login| login.is_some()).unwrap_err()
    }

    #[test]
    fn what_a_failed_helper_says_is_told_unless_it_may_hold_a_secret() {
        let hidden = "failed; its message is not shown because it may contain a secret";
        for (stdout, stderr, told) in [
            ("no keychain\n", "usage", "failed: no keychain"),
            ("", "trace\n\x1b[31mno network\x1b[0m\n\n", "failed: [31mno network[0m"),
            ("", "no role for 0123.dkr.ecr.eu-west-1.amazonaws.com", ""),
            ("", "open /home/ci/.aws/credentials: permission denied", ""),
            (" ", "\n \n", "failed without a message"),
            (r#"{"Username":"ci","Secret":"geheim"}"#, "", hidden),
            ("", "tried Password geheim", hidden),
            ("", "sent eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.e30.x", hidden),
            ("", "sent ghp_0123456789abcdefABCDEF0123456789abcd", hidden),
            ("refused AKIAIOSFODNN7EXAMPLE", "", hidden),
        ] {
            let told = if told.is_empty() { format!("failed: {stderr}") } else { told.to_owned() };
            assert_eq!(failed(stdout, stderr), told);
        }
    }

    /// Whether a process of this group runs. Zombie processes do not count.
    #[cfg(target_os = "linux")]
    fn alive(group: &str) -> bool {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
        // The fields after the name are: state, parent, group.
        stats.any(|stat| {
            let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace().collect::<Vec<_>>());
            fields.is_some_and(|fields| fields[0] != "Z" && fields[2] == group)
        })
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_helper_that_is_given_up_ends_with_all_that_it_started() {
        let folder = tempfile::TempDir::new().unwrap();
        let mark = folder.path().join("group");
        let script = format!("sleep 1000 & echo $$ > {0}.new; mv {0}.new {0}; sleep 1000", mark.display());
        let program = helper_in(folder.path(), "x", &script);
        let path = std::env::var_os("PATH").unwrap();
        let group = tokio::select! {
            _ = run(program, "a.io", path) => panic!("it waits for ever"),
            group = async {
                while !mark.exists() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                std::fs::read_to_string(&mark).unwrap().trim().to_owned()
            } => group,
        };
        let begin = std::time::Instant::now();
        while alive(&group) {
            assert!(begin.elapsed() < Duration::from_secs(20), "something of it still runs");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_helper_that_hangs_is_given_up() {
        let folder = tempfile::TempDir::new().unwrap();
        helper_in(folder.path(), "x", "while :; do :; done");
        let host = Host::parse("a.io").unwrap();
        let why = get("x", &host, folder.path().as_os_str()).await.map(|login| login.is_some()).unwrap_err();
        assert_eq!(why, Unhelpful::Because("timed out after 30s".into()));
    }

    #[tokio::test]
    async fn of_much_talk_the_end_is_kept() {
        let talk = [vec![b'x'; 300_000], b"\nthe end".to_vec()].concat();
        let end = end_of(Some(talk.as_slice())).await;
        assert!(end.len() <= TALK && end.ends_with(b"x\nthe end"), "{}", end.len());
    }
}
