//! Asks git about a directory.
//!
//! git runs without hooks and file system monitors, because a checkout could contain them. It takes no locks and has a
//! time limit.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::facts::{Fact, GitFact};

const TIME_LIMIT: Duration = Duration::from_secs(20);
const OUTPUT_LIMIT: u64 = 1024 * 1024;

/// The variables in which a git hook tells its child processes which repository they are in. They are removed, because
/// here the directory determines the repository.
const REPOSITORY_VARIABLES: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// Asks git about `folder`. `None` if the directory is not in a repository, or if the repository has no commit. The
/// branch is known even without a commit, but not if HEAD is detached.
pub(super) fn fact(folder: &Path, fact: GitFact) -> Fact {
    let ask = |arguments: &[&str]| answer(command(folder, arguments));
    match fact {
        // `--short` is not used: it prints `heads/NAME` for a branch if there is a tag with the same name.
        GitFact::Branch => {
            let head = ask(&["symbolic-ref", "--quiet", "HEAD"])?;
            Ok(head.map(|head| head.strip_prefix("refs/heads/").unwrap_or(&head).to_owned()))
        }
        GitFact::Commit => ask(&HEAD),
        // Without a commit, these two commands fail, and the error message differs between versions of git.
        GitFact::Describe if ask(&HEAD)?.is_some() => ask(&["describe", "--tags", "--always", "--dirty"]),
        GitFact::Tags if ask(&HEAD)?.is_some() => ask(&["tag", "--no-column", "--points-at", "HEAD"]),
        GitFact::Describe | GitFact::Tags => Ok(None),
    }
}

const HEAD: [&str; 4] = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.args(["-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "-C"]).arg(folder).args(arguments);
    // The output is parsed, so it must be in English.
    git.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    for variable in REPOSITORY_VARIABLES {
        git.env_remove(variable);
    }
    git
}

/// Returns what git printed, or its error message.
fn answer(git: Command) -> Fact {
    let output = run(git, TIME_LIMIT)?;
    let text = String::from_utf8(output.stdout).map_err(|_| "git's answer is not UTF-8".to_owned())?;
    match output.status.code() {
        Some(0) => Ok(Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())),
        // With `--quiet`, exit status 1 without a message means that there is no result. It is not an error.
        Some(1) if output.stderr.is_empty() => Ok(None),
        _ => {
            let said = complaint(&String::from_utf8_lossy(&output.stderr));
            if said.starts_with("not a git repository") { Ok(None) } else { Err(format!("git says: {said}")) }
        }
    }
}

/// Returns the line of git's error output that states the problem.
fn complaint(stderr: &str) -> String {
    let mut lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().next();
    let fatal = lines.find(|line| line.starts_with("fatal:") || line.starts_with("error:")).or(first);
    let line = fatal.unwrap_or("nothing");
    let line = line.strip_prefix("fatal:").or_else(|| line.strip_prefix("error:")).unwrap_or(line).trim();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

struct GitOutput {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Runs the program until it exits, or kills it when `limit` has passed.
fn run(mut command: Command, limit: Duration) -> Result<GitOutput, String> {
    let end = Instant::now() + limit;
    let too_late = || format!("git did not answer within {}s", limit.as_secs());
    let failed = |error: io::Error| format!("git can't be run: {error}");
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "git is not installed".to_owned(),
        _ => failed(error),
    })?;
    // Read the pipes while the program runs, because a full pipe would block it.
    let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(2)),
            Ok(None) => return Err(stopped(child, too_late())),
            Err(error) => return Err(stopped(child, failed(error))),
        }
    };
    // Processes that git started may keep the pipes open after git has exited.
    let rest = |pipe: Receiver<Vec<u8>>| {
        pipe.recv_timeout(end.saturating_duration_since(Instant::now())).map_err(|_| too_late())
    };
    Ok(GitOutput { status, stdout: rest(stdout)?, stderr: rest(stderr)? })
}

/// Kills the program and returns `reason`.
fn stopped(mut child: Child, reason: String) -> String {
    // These calls fail if the program has already exited, so errors are ignored.
    let _ = child.kill();
    let _ = child.wait();
    reason
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // If reading fails, the bytes read so far are used. Bytes beyond the limit are read and discarded, so that
            // git does not block.
            let _ = pipe.by_ref().take(OUTPUT_LIMIT).read_to_end(&mut bytes);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        let _ = sender.send(bytes);
    });
    receiver
}

#[cfg(test)]
mod tests;
