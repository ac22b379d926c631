//! What git says of a folder.
//!
//! git runs without hooks and monitors, which a checkout could bring along, takes no locks, and has a time limit.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::facts::{Fact, GitFact};

const TIME_LIMIT: Duration = Duration::from_secs(20);
const OUTPUT_LIMIT: u64 = 1024 * 1024;

/// The variables by which a git hook tells its children which repository it is in: here the folder says that.
const REPOSITORY_VARIABLES: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// What git says of `folder`; none where it is in no repository, or in one without a commit.
pub(super) fn fact(folder: &Path, fact: GitFact) -> Fact {
    let ask = |arguments: &[&str]| answer(command(folder, arguments));
    match fact {
        // Not `--short`: beside a tag of the same name a branch would be called heads/NAME.
        GitFact::Branch => {
            let head = ask(&["symbolic-ref", "--quiet", "HEAD"])?;
            Ok(head.map(|head| head.strip_prefix("refs/heads/").unwrap_or(&head).to_owned()))
        }
        GitFact::Commit => ask(&HEAD),
        // Without a commit git calls these two errors, in words that change.
        GitFact::Describe if ask(&HEAD)?.is_some() => ask(&["describe", "--tags", "--always", "--dirty"]),
        GitFact::Tags if ask(&HEAD)?.is_some() => ask(&["tag", "--no-column", "--points-at", "HEAD"]),
        GitFact::Describe | GitFact::Tags => Ok(None),
    }
}

const HEAD: [&str; 4] = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.args(["-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "-C"]).arg(folder).args(arguments);
    // Its words are read, so they are to be English.
    git.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    for variable in REPOSITORY_VARIABLES {
        git.env_remove(variable);
    }
    git
}

/// What git printed, or what it says is wrong.
fn answer(git: Command) -> Fact {
    let output = run(git, TIME_LIMIT)?;
    let text = String::from_utf8(output.stdout).map_err(|_| "git's answer is not UTF-8".to_owned())?;
    match output.status.code() {
        Some(0) => Ok(Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())),
        // By `--quiet`: there is none, and nothing is wrong.
        Some(1) if output.stderr.is_empty() => Ok(None),
        _ => {
            let said = complaint(&String::from_utf8_lossy(&output.stderr));
            if said.starts_with("not a git repository") { Ok(None) } else { Err(format!("git says: {said}")) }
        }
    }
}

/// The line of git's complaint that says what is wrong.
fn complaint(stderr: &str) -> String {
    let mut lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().next();
    let fatal = lines.find(|line| line.starts_with("fatal:") || line.starts_with("error:")).or(first);
    let line = fatal.unwrap_or("nothing");
    let line = line.strip_prefix("fatal:").or_else(|| line.strip_prefix("error:")).unwrap_or(line).trim();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

struct Output {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Runs the program to its end, or ends it when `limit` is over.
fn run(mut command: Command, limit: Duration) -> Result<Output, String> {
    let end = Instant::now() + limit;
    let too_late = || format!("git did not answer within {}s", limit.as_secs());
    let failed = |error: io::Error| format!("git can't be run: {error}");
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "git is not installed".to_owned(),
        _ => failed(error),
    })?;
    // Read while it runs: a full pipe would stop it.
    let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(2)),
            Ok(None) => return Err(stopped(child, too_late())),
            Err(error) => return Err(stopped(child, failed(error))),
        }
    };
    // What it started may hold the pipes open after its own end.
    let rest = |pipe: Receiver<Vec<u8>>| {
        pipe.recv_timeout(end.saturating_duration_since(Instant::now())).map_err(|_| too_late())
    };
    Ok(Output { status, stdout: rest(stdout)?, stderr: rest(stderr)? })
}

/// Ends the program, and hands back why.
fn stopped(mut child: Child, reason: String) -> String {
    // It may have ended by itself meanwhile, which is as good.
    let _ = child.kill();
    let _ = child.wait();
    reason
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before a fault is what there is to say; the rest is read so that nobody waits.
            let _ = pipe.by_ref().take(OUTPUT_LIMIT).read_to_end(&mut bytes);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        let _ = sender.send(bytes);
    });
    receiver
}

#[cfg(test)]
mod tests;
