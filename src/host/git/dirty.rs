//! [`is_dirty`]: whether files of a checkout differ from HEAD, found without running a filter.
//!
//! A filter (`filter.NAME.clean`, `filter.NAME.process`) converts the text of a file before git compares it. It is a
//! program that the configuration of the checkout names, so every filter is turned off. Then a file with a filter, such
//! as one that Git LFS manages, does not compare equal by its content, only by its size and times:
//!
//! - If they are as git has recorded them, the file is unchanged.
//!   git records whole seconds, so a file that was overwritten within the same second with a text of the same length
//!   counts as unchanged too.
//! - If they are not, the file counts as changed. That is wrong only for a file that was written again with the same
//!   content, and then a version that is called dirty is the safe mistake.
//!
//! The recorded times are not enough for git itself if a file is as new as the index, which all files of a small fresh
//! checkout are: git then compares the content. So files that only differ by a filter that is turned off are compared
//! again with a copy of the index that is newer than every file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use crate::config::facts::GitFault;

use super::{GitOutput, OUTPUT_LIMIT, TIME_LIMIT, answer, command, complaint, run};

/// Lists changed files. Of a submodule, only its commit is compared, because to look for changed files in it, git would
/// run with the configuration of the submodule.
const STATUS: [&str; 6] =
    ["status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=dirty", "--no-renames"];

/// The date of the copy of the index, in seconds: in the year 2096. git has 32 bits for it.
const NEWER_THAN_EVERY_FILE: Duration = Duration::from_secs(4_000_000_000);

/// Whether tracked files differ from HEAD.
pub(super) fn is_dirty(folder: &Path) -> Result<bool, GitFault> {
    let filters = Filters::configured(folder)?;
    let changed = changed_files(filters.turned_off(folder, &STATUS))?;
    if changed.is_empty() {
        return Ok(false);
    }
    let Some(paths) = changed.iter().map(Changed::content_alone).collect::<Option<Vec<_>>>() else { return Ok(true) };
    if filters.0.is_empty() {
        return Ok(true);
    }
    // `git status` prints paths from the top directory, and `git check-attr` reads them from the current one.
    let Some(top) = answer(folder, &["rev-parse", "--show-toplevel"])? else { return Ok(true) };
    let top = Path::new(&top);
    if !filters.apply_to_all(&paths, top)? {
        return Ok(true);
    }
    let Some(index) = answer(top, &["rev-parse", "--git-path", "index"])? else { return Ok(true) };
    let copy = tempfile::NamedTempFile::new().map_err(|error| no_copy(&error))?;
    std::fs::copy(top.join(index), copy.path()).map_err(|error| no_copy(&error))?;
    copy.as_file().set_modified(UNIX_EPOCH + NEWER_THAN_EVERY_FILE).map_err(|error| no_copy(&error))?;
    let mut git = filters.turned_off(folder, &STATUS);
    git.env("GIT_INDEX_FILE", copy.path());
    Ok(!changed_files(git)?.is_empty())
}

fn no_copy(error: &io::Error) -> GitFault {
    failed(format!("the index of the repository cannot be copied: {error}"))
}

/// A changed file as `git status --porcelain -z` prints it: two letters, a space and the path.
struct Changed(Vec<u8>);

impl Changed {
    /// The path, if only the content of the file in the work tree differs.
    fn content_alone(&self) -> Option<&[u8]> {
        self.0.strip_prefix(b" M ")
    }
}

fn changed_files(git: Command) -> Result<Vec<Changed>, GitFault> {
    let bytes = bytes(git)?;
    Ok(bytes
        .split(|byte| *byte == 0)
        .filter(|entry| !entry.is_empty())
        .map(|entry| Changed(entry.to_owned()))
        .collect())
}

/// Returns what git printed if it succeeded.
fn bytes(git: Command) -> Result<Vec<u8>, GitFault> {
    let output = run(git, TIME_LIMIT)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(complained(&output))
}

fn complained(output: &GitOutput) -> GitFault {
    failed(format!("git failed: {}", complaint(&String::from_utf8_lossy(&output.stderr))))
}

fn failed(why: impl Into<String>) -> GitFault {
    GitFault::Failed(why.into())
}

/// The names of all configured filters.
struct Filters(BTreeSet<String>);

impl Filters {
    /// Reads the names from the configuration, which runs nothing.
    ///
    /// # Errors
    /// Returns the reason if this version of git cannot turn off one of them.
    fn configured(folder: &Path) -> Result<Self, GitFault> {
        let names = settings(command(folder, &LIST))?.into_keys();
        let filters = Self(names.filter_map(|key| key.rsplit_once('.').map(|(name, _)| name.to_owned())).collect());
        if filters.0.is_empty() {
            return Ok(filters);
        }
        // git before 2.31 has no `--config-env`, which is needed for a name with `=`, and then it fails.
        let effective = settings(filters.turned_off(folder, &LIST)).unwrap_or_default();
        let is_off = |name: &&String| {
            OFF.iter().all(|(key, off, _)| effective.get(&format!("{name}.{key}")).is_some_and(|value| value == off))
        };
        let not_off = filters.0.iter().filter(|name| !is_off(name));
        match not_off.max_by_key(|name| name.contains('=')) {
            Some(name) => Err(failed(format!("git cannot turn off the filter `{name}`; use git 2.31 or newer"))),
            None => Ok(filters),
        }
    }

    /// A command of git that runs no filter.
    fn turned_off(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut all = Vec::new();
        for name in &self.0 {
            for (key, off, variable) in OFF {
                if name.contains('=') {
                    all.push(format!("--config-env=filter.{name}.{key}={variable}"));
                } else {
                    all.extend(["-c".to_owned(), format!("filter.{name}.{key}={off}")]);
                }
            }
        }
        all.extend(arguments.iter().map(|&argument| argument.to_owned()));
        let mut git = command(folder, &all);
        git.envs(OFF.map(|(_, off, variable)| (variable, off)));
        git
    }

    /// Whether each of `paths`, which are relative to `top`, has one of these filters.
    fn apply_to_all(&self, paths: &[&[u8]], top: &Path) -> Result<bool, GitFault> {
        let mut git = command(top, &["check-attr", "-z", "--stdin", "filter"]);
        git.stdin(list_of(paths).map_err(|error| failed(format!("a temporary file cannot be written: {error}")))?);
        let printed = bytes(git)?;
        // The path, the attribute and its value for each path.
        let values: Vec<&[u8]> = printed.split(|byte| *byte == 0).skip(2).step_by(3).collect();
        Ok(values.len() == paths.len() && values.iter().all(|value| self.contains(value)))
    }

    fn contains(&self, name: &[u8]) -> bool {
        std::str::from_utf8(name).is_ok_and(|name| self.0.contains(name))
    }
}

/// Lists the settings of all filters.
const LIST: [&str; 5] = ["config", "--includes", "-z", "--get-regexp", r"^filter\..*\."];

/// The settings that turn off a filter, and a variable for each, because `-c` cannot set a key with `=` in it. If
/// `process` is set, even to nothing, `clean` is not used.
const OFF: [(&str, &str, &str); 3] =
    [("clean", "", "MLIST_CLEAN"), ("process", "", "MLIST_PROCESS"), ("required", "false", "MLIST_REQUIRED")];

/// Returns the settings that [`LIST`] prints, without `filter.`. The last value of a key is the effective one.
fn settings(git: Command) -> Result<BTreeMap<String, String>, GitFault> {
    let output = run(git, TIME_LIMIT)?;
    let printed = match output.status.code() {
        // The rest is missing, and it could name a filter.
        _ if output.stdout.len() as u64 >= OUTPUT_LIMIT => return Err(failed("git's configuration is too long")),
        Some(0) => String::from_utf8(output.stdout).map_err(|_| failed("git's configuration is not UTF-8"))?,
        // There are none.
        Some(1) if output.stderr.is_empty() => String::new(),
        _ => return Err(complained(&output)),
    };
    let entries = printed.split('\0').filter_map(|entry| entry.strip_prefix("filter."));
    // A key without a value has no line for the value.
    let pairs = entries.map(|entry| entry.split_once('\n').unwrap_or((entry, "")));
    Ok(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

/// A file with `paths`, each ended by NUL.
fn list_of(paths: &[&[u8]]) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    for path in paths {
        file.write_all(path)?;
        file.write_all(b"\0")?;
    }
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
mod tests;
