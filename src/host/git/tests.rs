//! Tests of git's answers with real repositories.

use std::path::PathBuf;

use super::*;

mod runs_nothing;

pub(super) struct Repository {
    _dir: tempfile::TempDir,
    pub(super) path: PathBuf,
}

impl Repository {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repository = Self { path: dir.path().to_owned(), _dir: dir };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    fn with_commit() -> Self {
        let repository = Self::new();
        std::fs::write(repository.path.join("f"), "1").unwrap();
        repository.git(&["add", "f"]);
        repository.git(&["commit", "--quiet", "--message=one"]);
        repository
    }

    pub(super) fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.path).args(arguments).stdin(Stdio::null());
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_NAME"), "n").env(format!("GIT_{role}_EMAIL"), "n@example.org");
        }
        let output = git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn says(&self, asked: GitFact) -> Option<String> {
        fact(&self.path, asked).unwrap()
    }
}

#[test]
fn a_program_that_takes_too_long_is_ended() {
    let mut sleep = Command::new("sleep");
    sleep.arg("30");
    let start = Instant::now();
    assert_eq!(run(sleep, Duration::from_millis(50)).err().unwrap(), "git did not answer within 0s");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_it_started_does_not_hold_us() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "sleep 3 & echo out"]);
    let start = Instant::now();
    assert!(run(shell, Duration::from_millis(200)).is_err());
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_lot_of_output_is_cut_and_stops_nobody() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "head -c 3000000 /dev/zero; head -c 200000 /dev/zero >&2"]);
    let output = run(shell, TIME_LIMIT).unwrap();
    assert_eq!((output.stdout.len() as u64, output.stderr.len()), (OUTPUT_LIMIT, 200_000));
}

#[test]
fn a_program_that_is_not_there_is_said() {
    assert_eq!(run(Command::new("no-such-git"), TIME_LIMIT).err().unwrap(), "git is not installed");
}

#[test]
fn a_fault_is_told_in_gits_words_on_one_line() {
    let repository = Repository::with_commit();
    std::fs::write(repository.path.join(".git/config"), "[core\n").unwrap();
    let said = fact(&repository.path, GitFact::Describe).unwrap_err();
    assert!(said.starts_with("git says: bad config line 1"), "{said}");
    assert!(!said.contains('\n'));
    for (stderr, line) in [
        ("", "nothing"),
        ("warning: w\nfatal: f\n\nhint", "f"),
        ("what\nelse", "what"),
        ("error: \u{1b}[31me", "[31me"),
    ] {
        assert_eq!(complaint(stderr), line, "{stderr}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let repository = Repository::new();
    assert!(
        fact(&repository.path.join("none"), GitFact::Commit).unwrap_err().starts_with("git says: cannot change to")
    );
}

#[test]
fn outside_of_a_repository_and_before_the_first_commit_there_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let empty = Repository::new();
    for asked in [GitFact::Describe, GitFact::Tags, GitFact::Commit, GitFact::Branch] {
        assert_eq!(fact(dir.path(), asked), Ok(None), "{asked:?}");
        let unborn = (asked == GitFact::Branch).then(|| "main".to_owned());
        assert_eq!(empty.says(asked), unborn, "{asked:?}");
    }
}

#[test]
fn a_commit_has_its_id_its_branch_and_a_description() {
    let repository = Repository::with_commit();
    let commit = repository.says(GitFact::Commit).unwrap();
    assert_eq!(commit.len(), 40);
    assert!(commit.starts_with(&repository.says(GitFact::Describe).unwrap()));
    assert_eq!(repository.says(GitFact::Branch).as_deref(), Some("main"));
    assert_eq!(repository.says(GitFact::Tags), None);
}

#[test]
fn a_detached_head_has_no_branch() {
    let repository = Repository::with_commit();
    repository.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(repository.says(GitFact::Branch), None);
}

#[test]
fn tags_on_head_stand_one_a_line_and_a_change_is_dirty() {
    let repository = Repository::with_commit();
    repository.git(&["tag", "v1.0.0"]);
    repository.git(&["tag", "latest"]);
    assert_eq!(repository.says(GitFact::Tags).as_deref(), Some("latest\nv1.0.0"));
    repository.git(&["tag", "--delete", "latest"]);
    assert_eq!(repository.says(GitFact::Describe).as_deref(), Some("v1.0.0"));
    std::fs::write(repository.path.join("f"), "2").unwrap();
    assert_eq!(repository.says(GitFact::Describe).as_deref(), Some("v1.0.0-dirty"));
}

#[test]
fn a_monitor_that_the_repository_brings_along_is_not_run() {
    let repository = Repository::with_commit();
    let proof = repository.path.join("ran");
    let monitor = repository.path.join("monitor");
    std::fs::write(&monitor, format!("#!/bin/sh\ntouch '{}'\n", proof.display())).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&monitor, executable).unwrap();
    repository.git(&["config", "core.fsmonitor", &monitor.display().to_string()]);
    repository.says(GitFact::Describe).unwrap();
    assert!(!proof.exists());
}

#[test]
fn a_branch_keeps_its_name_beside_a_tag_of_that_name() {
    let repository = Repository::with_commit();
    repository.git(&["checkout", "--quiet", "-b", "release/v1"]);
    repository.git(&["tag", "release/v1"]);
    repository.git(&["tag", "HEAD"]);
    assert_eq!(repository.says(GitFact::Branch).as_deref(), Some("release/v1"));
}

#[test]
fn tags_stand_one_a_line_whatever_the_repository_wants() {
    let repository = Repository::with_commit();
    repository.git(&["config", "column.ui", "always"]);
    repository.git(&["config", "column.tag", "always"]);
    repository.git(&["tag", "v1"]);
    repository.git(&["tag", "v2"]);
    assert_eq!(repository.says(GitFact::Tags).as_deref(), Some("v1\nv2"));
}
