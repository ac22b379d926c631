//! Asks git about a directory, so that git reads and runs nothing.
//!
//! | file | holds |
//! |---|---|
//! | `dirty` | whether files differ from HEAD, without filters |
//!
//! The configuration of a checkout may come from someone else, and many of its settings name a program. git runs
//! without hooks, file system monitors, filters, credential helpers and transports, and does not look into submodules,
//! which have a configuration of their own. It takes no locks and has a time limit.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::facts::{GitFact, GitFault};

mod dirty;

const TIME_LIMIT: Duration = Duration::from_secs(20);
const OUTPUT_LIMIT: u64 = 1024 * 1024;

/// The variables that name a repository or a part of it: `git rev-parse --local-env-vars`, without the variables that
/// pass configuration, because CI systems set `safe.directory` with them. A git hook sets them for its child processes.
/// They are removed, because here the directory determines the repository.
const REPOSITORY_VARIABLES: [&str; 14] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Settings that would run a program. They are given on the command line, which has precedence over every file.
const RUN_NOTHING: [&str; 8] = [
    // Empty and not `false`: git before 2.36 would run a program of that name.
    "core.fsmonitor=",
    "core.hooksPath=/dev/null",
    // The settings below matter only if git 2.30 to 2.44 starts `git fetch` for a missing object. No transport is
    // allowed, but a bundle is downloaded before that is checked, and the download could run a credential helper.
    "fetch.bundleURI=",
    "credential.helper=",
    "core.askPass=",
    "core.sshCommand=false",
    "core.gitProxy=",
    "core.alternateRefsCommand=",
];

/// Variables that git gets.
const ENVIRONMENT: [(&str, &str); 6] = [
    // The output is parsed, so it must be in English.
    ("LC_ALL", "C"),
    // Without it, a refresh of the index is written, which runs a hook.
    ("GIT_OPTIONAL_LOCKS", "0"),
    // A partial clone fetches missing objects when they are needed. Older versions of git do not know this variable
    // and start `git fetch`, which then ends because no transport is allowed.
    ("GIT_NO_LAZY_FETCH", "1"),
    // The list of allowed transports is empty. It has precedence over `protocol.*.allow` in a file.
    ("GIT_ALLOW_PROTOCOL", ""),
    ("GIT_SSH_COMMAND", "false"),
    ("GIT_TERMINAL_PROMPT", "0"),
];

/// Asks git about `folder`. The branch is known even without a commit, but not if HEAD is detached.
///
/// # Errors
/// Returns why there is no value.
pub(super) fn fact(folder: &Path, fact: GitFact) -> Result<String, GitFault> {
    let ask = |arguments: &[&str]| answer(folder, arguments);
    // Without a commit, `describe` and `for-each-ref` fail, and the error message differs between versions of git.
    let commit = || ask(&HEAD)?.ok_or(GitFault::NoCommit);
    match fact {
        // `--short` is not used: it prints `heads/NAME` for a branch if there is a tag with the same name.
        GitFact::Branch => {
            let head = ask(&["symbolic-ref", "--quiet", "HEAD"])?.ok_or(GitFault::Detached)?;
            Ok(head.strip_prefix("refs/heads/").unwrap_or(&head).to_owned())
        }
        GitFact::Commit => commit(),
        GitFact::Describe => {
            commit()?;
            let mark = if dirty::is_dirty(folder)? { "-dirty" } else { "" };
            Ok(ask(&DESCRIBE)?.ok_or(GitFault::NoCommit)? + mark)
        }
        GitFact::Tags => {
            commit()?;
            if let Some(tags) = ask(&TAGS)? {
                return Ok(tags);
            }
            let others = ask(&OTHER_TAGS)?.map(|tags| tags.lines().map(str::to_owned).collect()).unwrap_or_default();
            let is_shallow = ask(&["rev-parse", "--is-shallow-repository"])?.as_deref() == Some("true");
            Err(GitFault::NoTag { is_shallow, others })
        }
    }
}

const HEAD: [&str; 4] = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];

/// `--dirty` is not used: it runs filters, runs `git status` in submodules, and writes the index.
const DESCRIBE: [&str; 3] = ["describe", "--tags", "--always"];

/// `git tag` is not used: it also sorts by `tag.sort`, and to sort by signature it runs `gpg.program`.
const TAGS: [&str; 4] = ["for-each-ref", "--points-at=HEAD", "--format=%(refname:lstrip=2)", "refs/tags"];

/// The greatest tags of the repository, which a message names if none is on HEAD.
const OTHER_TAGS: [&str; 5] =
    ["for-each-ref", "--sort=-version:refname", "--count=4", "--format=%(refname:lstrip=2)", "refs/tags"];

fn command(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut git = Command::new("git");
    git.arg("--no-pager");
    for setting in RUN_NOTHING {
        git.args(["-c", setting]);
    }
    for variable in REPOSITORY_VARIABLES {
        git.env_remove(variable);
    }
    git.envs(ENVIRONMENT).env_remove("GIT_EXTERNAL_DIFF").stdin(Stdio::null());
    git.arg("-C").arg(folder).args(arguments);
    git
}

/// Returns what git printed. `None` if it has no result.
fn answer(folder: &Path, arguments: &[&str]) -> Result<Option<String>, GitFault> {
    let output = run(command(folder, arguments), TIME_LIMIT)?;
    let text = String::from_utf8(output.stdout);
    let text = text.map_err(|_| GitFault::Failed("the output of git is not UTF-8".to_owned()))?;
    match output.status.code() {
        Some(0) => Ok(Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())),
        // With `--quiet`, exit status 1 without a message means that there is no result. It is not an error.
        Some(1) if output.stderr.is_empty() => Ok(None),
        _ => Err(fault(folder, &complaint(&String::from_utf8_lossy(&output.stderr)))),
    }
}

/// Returns why git failed in `folder`. `said` is its message, which is in English.
fn fault(folder: &Path, said: &str) -> GitFault {
    if said.starts_with("not a git repository") {
        return GitFault::NotARepository;
    }
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let top = folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&folder);
    // git checks the owner of both, and its message differs between versions.
    if said.contains("own") && [top, &top.join(".git")].into_iter().any(is_of_another_user) {
        return GitFault::OtherOwner(top.to_owned());
    }
    GitFault::Failed(format!("git failed: {said}"))
}

/// Whether a file belongs to another user than the one who runs this process.
fn is_of_another_user(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        path.metadata().is_ok_and(|metadata| metadata.uid() != rustix::process::geteuid().as_raw())
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Returns the line of git's error output that states the problem.
fn complaint(stderr: &str) -> String {
    let mut lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().next();
    let fatal = lines.find(|line| line.starts_with("fatal:") || line.starts_with("error:")).or(first);
    let line = fatal.unwrap_or("no error message");
    let line = line.strip_prefix("fatal:").or_else(|| line.strip_prefix("error:")).unwrap_or(line).trim();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

struct GitOutput {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Runs the program until it exits, or kills it when `limit` has passed.
fn run(mut command: Command, limit: Duration) -> Result<GitOutput, GitFault> {
    let end = Instant::now() + limit;
    let too_late = || GitFault::Failed(format!("git timed out after {}s", limit.as_secs()));
    let failed = |error: io::Error| GitFault::Failed(format!("failed to run git: {error}"));
    let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GitFault::NotInstalled,
        _ => failed(error),
    })?;
    // Read the pipes while the program runs, because a full pipe would block it.
    let (stdout, stderr) = match (drain(child.stdout.take()), drain(child.stderr.take())) {
        (Ok(stdout), Ok(stderr)) => (stdout, stderr),
        (Err(error), _) | (_, Err(error)) => return Err(stopped(child, failed(error))),
    };
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
fn stopped(mut child: Child, reason: GitFault) -> GitFault {
    // These calls fail if the program has already exited, so errors are ignored.
    let _ = child.kill();
    let _ = child.wait();
    reason
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> io::Result<Receiver<Vec<u8>>> {
    let (sender, receiver) = channel();
    thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // If reading fails, the bytes read so far are used. Bytes beyond the limit are read and discarded, so that
            // git does not block.
            let _ = pipe.by_ref().take(OUTPUT_LIMIT).read_to_end(&mut bytes);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        let _ = sender.send(bytes);
    })?;
    Ok(receiver)
}

#[cfg(test)]
mod tests;
