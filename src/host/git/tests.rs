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

    fn says(&self, asked: GitFact) -> Result<String, GitFault> {
        fact(&self.path, asked)
    }

    fn has(&self, asked: GitFact) -> String {
        self.says(asked).unwrap()
    }
}

#[test]
fn a_program_that_takes_too_long_is_ended() {
    let mut sleep = Command::new("sleep");
    sleep.arg("30");
    let start = Instant::now();
    assert_eq!(
        run(sleep, Duration::from_millis(50)).err(),
        Some(GitFault::Failed("git timed out after 0s".to_owned()))
    );
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
    assert_eq!(run(Command::new("no-such-git"), TIME_LIMIT).err(), Some(GitFault::NotInstalled));
}

#[test]
fn a_fault_is_told_in_gits_words_on_one_line() {
    let repository = Repository::with_commit();
    std::fs::write(repository.path.join(".git/config"), "[core\n").unwrap();
    let Err(GitFault::Failed(why)) = repository.says(GitFact::Describe) else { panic!("no reason") };
    assert!(why.starts_with("git failed: bad config line 1") && !why.contains('\n'), "{why}");
    for (stderr, line) in [
        ("", "no error message"),
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
    let Err(GitFault::Failed(why)) = fact(&repository.path.join("none"), GitFact::Commit) else { panic!("no reason") };
    assert!(why.starts_with("git failed: cannot change to"), "{why}");
}

#[test]
fn outside_of_a_repository_and_before_the_first_commit_there_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let empty = Repository::new();
    for asked in [GitFact::Describe, GitFact::Tags, GitFact::Commit, GitFact::Branch] {
        assert_eq!(fact(dir.path(), asked), Err(GitFault::NotARepository), "{asked:?}");
        let unborn = if asked == GitFact::Branch { Ok("main".to_owned()) } else { Err(GitFault::NoCommit) };
        assert_eq!(empty.says(asked), unborn, "{asked:?}");
    }
}

#[test]
fn why_no_tag_is_on_head() {
    let no_tag = |is_shallow: bool, others: &[&str]| {
        Err(GitFault::NoTag { is_shallow, others: others.iter().map(|&tag| tag.to_owned()).collect() })
    };
    let repository = Repository::with_commit();
    assert_eq!(repository.says(GitFact::Tags), no_tag(false, &[]));
    for tag in ["v1.9.0", "v1.10.0", "nightly"] {
        repository.git(&["tag", tag]);
    }
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=two"]);
    assert_eq!(repository.says(GitFact::Tags), no_tag(false, &["v1.10.0", "v1.9.0", "nightly"]));
    let shallow = Repository::new();
    let from = format!("file://{}", repository.path.display());
    shallow.git(&["fetch", "--quiet", "--depth=1", "--no-tags", &from, "main"]);
    shallow.git(&["checkout", "--quiet", "FETCH_HEAD"]);
    assert_eq!(shallow.says(GitFact::Tags), no_tag(true, &[]));
}

#[test]
fn a_repository_of_another_user_is_named() {
    let repository = Repository::with_commit();
    let path = repository.path.canonicalize().unwrap();
    // Only root can give a file to another user.
    if std::os::unix::fs::chown(&path, Some(4242), None).is_err() {
        return;
    }
    let below = path.join("below");
    std::fs::create_dir(&below).unwrap();
    for folder in [&path, &below] {
        assert_eq!(fact(folder, GitFact::Commit), Err(GitFault::OtherOwner(path.clone())));
    }
}

#[test]
fn a_commit_has_its_id_its_branch_and_a_description() {
    let repository = Repository::with_commit();
    let commit = repository.has(GitFact::Commit);
    assert_eq!(commit.len(), 40);
    assert!(commit.starts_with(&repository.has(GitFact::Describe)));
    assert_eq!(repository.has(GitFact::Branch), "main");
    assert!(matches!(repository.says(GitFact::Tags), Err(GitFault::NoTag { .. })));
}

#[test]
fn a_detached_head_has_no_branch() {
    let repository = Repository::with_commit();
    repository.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(repository.says(GitFact::Branch), Err(GitFault::Detached));
}

#[test]
fn tags_on_head_stand_one_a_line_and_a_change_is_dirty() {
    let repository = Repository::with_commit();
    repository.git(&["tag", "v1.0.0"]);
    repository.git(&["tag", "latest"]);
    assert_eq!(repository.has(GitFact::Tags), "latest\nv1.0.0");
    repository.git(&["tag", "--delete", "latest"]);
    assert_eq!(repository.has(GitFact::Describe), "v1.0.0");
    std::fs::write(repository.path.join("f"), "2").unwrap();
    assert_eq!(repository.has(GitFact::Describe), "v1.0.0-dirty");
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
    repository.has(GitFact::Describe);
    assert!(!proof.exists());
}

#[test]
fn a_branch_keeps_its_name_beside_a_tag_of_that_name() {
    let repository = Repository::with_commit();
    repository.git(&["checkout", "--quiet", "-b", "release/v1"]);
    repository.git(&["tag", "release/v1"]);
    repository.git(&["tag", "HEAD"]);
    assert_eq!(repository.has(GitFact::Branch), "release/v1");
}

#[test]
fn tags_stand_one_a_line_whatever_the_repository_wants() {
    let repository = Repository::with_commit();
    repository.git(&["config", "column.ui", "always"]);
    repository.git(&["config", "column.tag", "always"]);
    repository.git(&["tag", "v1"]);
    repository.git(&["tag", "v2"]);
    assert_eq!(repository.has(GitFact::Tags), "v1\nv2");
}
