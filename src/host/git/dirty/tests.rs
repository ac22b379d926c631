//! Tests of changed files with a filter that is turned off.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::SystemTime;

use super::*;
use crate::host::git::tests::Repository;

/// A repository in which all files have a filter, like one that uses Git LFS.
fn with_filter() -> (Repository, PathBuf) {
    let repository = Repository::new();
    let path = repository.path.clone();
    fs::write(path.join(".gitattributes"), "*.bin filter=lfs\n").unwrap();
    repository.git(&["config", "filter.lfs.clean", "tr a-z A-Z"]);
    repository.git(&["config", "filter.lfs.smudge", "tr A-Z a-z"]);
    repository.git(&["config", "filter.lfs.required", "true"]);
    for name in ["a.bin", "dir/b.bin", "plain"] {
        fs::create_dir_all(path.join("dir")).unwrap();
        fs::write(path.join(name), "content").unwrap();
    }
    repository.git(&["add", "."]);
    repository.git(&["commit", "--quiet", "--message=one"]);
    (repository, path)
}

/// Gives all files a date, as if they were as new as the index, or newer.
fn age(path: &Path, seconds: u64) {
    let time = SystemTime::now() - Duration::from_secs(seconds);
    File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn an_unchanged_checkout_is_clean() {
    let (repository, path) = with_filter();
    assert_eq!(is_dirty(&path), Ok(false));
    // The index is as old as the files, so that their dates prove nothing.
    age(&path.join(".git/index"), 3600);
    assert_eq!(is_dirty(&path), Ok(false));
    assert_eq!(is_dirty(&path.join("dir")), Ok(false));
    // Also after a clone, which writes the files and the index in the same second.
    let clone = tempfile::tempdir().unwrap();
    let (from, to) = (path.to_str().unwrap(), clone.path().join("c"));
    repository.git(&[
        "-c",
        "protocol.file.allow=always",
        "-c",
        "filter.lfs.smudge=tr A-Z a-z",
        "-c",
        "filter.lfs.clean=tr a-z A-Z",
        "clone",
        "--quiet",
        from,
        to.to_str().unwrap(),
    ]);
    assert_eq!(fs::read_to_string(to.join("a.bin")).unwrap(), "content");
    let config = "[filter \"lfs\"]\nclean = tr a-z A-Z\nrequired = true\n";
    fs::write(to.join(".git/config"), fs::read_to_string(to.join(".git/config")).unwrap() + config).unwrap();
    assert_eq!(is_dirty(&to), Ok(false));
}

#[test]
fn a_change_is_dirty_with_and_without_a_filter() {
    for name in ["a.bin", "dir/b.bin", "plain"] {
        let (_repository, path) = with_filter();
        fs::write(path.join(name), "changed content").unwrap();
        assert_eq!(is_dirty(&path), Ok(true), "{name}");
        assert_eq!(is_dirty(&path.join("dir")), Ok(true), "{name}");
    }
}

#[test]
fn a_change_that_only_the_content_shows_is_dirty_beside_a_filter() {
    let (repository, path) = with_filter();
    let plain = path.join("plain");
    let date = fs::metadata(&plain).unwrap().modified().unwrap();
    repository.git(&["config", "core.trustctime", "false"]);
    fs::write(&plain, "CONTENT").unwrap();
    File::options().append(true).open(&plain).unwrap().set_modified(date).unwrap();
    age(&path.join(".git/index"), 3600);
    assert_eq!(is_dirty(&path), Ok(true));
}

#[test]
fn a_file_written_again_is_compared_by_its_content_only_without_a_filter() {
    for (name, is_changed) in [("plain", false), ("a.bin", true)] {
        let (_repository, path) = with_filter();
        age(&path.join(name), 60);
        assert_eq!(is_dirty(&path), Ok(is_changed), "{name}");
    }
}

#[test]
fn a_deleted_and_a_staged_file_are_dirty_and_a_new_one_is_not() {
    let (repository, path) = with_filter();
    fs::write(path.join("new.bin"), "x").unwrap();
    assert_eq!(is_dirty(&path), Ok(false));
    repository.git(&["add", "new.bin"]);
    assert_eq!(is_dirty(&path), Ok(true));
    let (_repository, path) = with_filter();
    fs::remove_file(path.join("a.bin")).unwrap();
    assert_eq!(is_dirty(&path), Ok(true));
}

#[test]
fn the_index_is_not_written() {
    let (_repository, path) = with_filter();
    let index = path.join(".git/index");
    let before = fs::read(&index).unwrap();
    age(&path.join("plain"), 60);
    assert_eq!(is_dirty(&path), Ok(false));
    assert!(fs::read(&index).unwrap() == before);
}

#[test]
fn more_settings_than_can_be_read_are_an_error() {
    let (_repository, path) = with_filter();
    let config = path.join(".git/config");
    let long = "x".repeat(2 << 20);
    let text = fs::read_to_string(&config).unwrap() + &format!("[filter \"aa\"]\nclean = {long}\n");
    fs::write(&config, text).unwrap();
    assert_eq!(is_dirty(&path), Err(failed("git's configuration is too long")));
}
