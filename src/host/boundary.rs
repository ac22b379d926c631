//! [`Boundary`]: the directory that all paths in manifests.toml must stay within.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use crate::config::facts::Fact;

/// The maximum number of symbolic links that one path can go through: the same as in Linux (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// The directory that all paths must stay within.
#[derive(Debug, Clone)]
pub struct Boundary {
    /// The path of the directory as it was given.
    named: PathBuf,
    /// The directory that relative paths are relative to.
    here: PathBuf,
    /// The directory itself: an absolute path without symbolic links.
    real: PathBuf,
}

/// The location that a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PathLocation {
    /// A location within the directory. It need not exist.
    Inside(PathBuf),
    /// A location outside the directory, or one that cannot be accessed.
    Outside,
    /// No location: the symbolic links of the path form a loop.
    Circle,
}

impl Boundary {
    /// Creates a boundary for the directory `named`, which is relative to `here`.
    ///
    /// # Errors
    /// Returns an error if the directory does not exist, is not a directory or cannot be accessed.
    pub(super) fn new(here: &Path, named: &Path) -> io::Result<Self> {
        let real = fs::canonicalize(here.join(named))?;
        if !real.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        Ok(Self { named: named.to_owned(), here: here.to_owned(), real })
    }

    /// The path of the directory as it was given, relative to the current directory.
    #[must_use]
    pub fn named(&self) -> &Path {
        &self.named
    }

    /// Resolves `path`. Every symbolic link in it is followed; components that do not exist are kept as they are
    /// written. Callers must open the returned path, never `path` again: a symbolic link can change in the meantime.
    pub(super) fn locate(&self, path: &Path) -> PathLocation {
        match real(&self.here.join(path)) {
            Ok(Some(real)) if self.holds(&real) => PathLocation::Inside(real),
            Ok(None) => PathLocation::Circle,
            // The author of the file must not learn why a location outside cannot be accessed.
            Ok(Some(_)) | Err(_) => PathLocation::Outside,
        }
    }

    /// Whether a location is within the directory. The `.git` directory is excluded, because the tool that checks out a
    /// project may leave the credentials that it used there.
    fn holds(&self, real: &Path) -> bool {
        let is_gits = |part: Component<'_>| part.as_os_str().eq_ignore_ascii_case(".git");
        real.strip_prefix(&self.real).is_ok_and(|below| !below.components().any(is_gits))
    }

    /// Returns the answer to [`Question::Inside`](crate::config::facts::Question::Inside).
    pub(super) fn fact(&self, path: &Path) -> Fact {
        match self.locate(path) {
            PathLocation::Inside(real) => Ok(Some(real.display().to_string())),
            PathLocation::Outside => Ok(None),
            PathLocation::Circle => Err("its symbolic links form a loop".to_owned()),
        }
    }
}

/// Resolves symbolic links, `.` and `..` in `path`. `None` if there are more than [`MOST_LINKS`] symbolic links. For a
/// path that exists, `canonicalize` does the same.
fn real(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut left: VecDeque<OsString> = parts(path).collect();
    let mut real = PathBuf::new();
    let mut links = 0;
    while let Some(part) = left.pop_front() {
        match Path::new(&part).components().next() {
            None | Some(Component::CurDir) => {}
            Some(Component::ParentDir) => {
                real.pop();
            }
            Some(Component::RootDir | Component::Prefix(_)) => real.push(&part),
            Some(Component::Normal(_)) => {
                real.push(&part);
                match fs::symlink_metadata(&real) {
                    Ok(metadata) if metadata.is_symlink() => {
                        links += 1;
                        if links > MOST_LINKS {
                            return Ok(None);
                        }
                        let target = fs::read_link(&real)?;
                        real.pop();
                        for part in parts(&target).rev() {
                            left.push_front(part);
                        }
                    }
                    Ok(_) => {}
                    Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(Some(real))
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> + '_ {
    path.components().map(|part| part.as_os_str().to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Creates `project/a/b` and `outside/secret`. The boundary is `project`, given relative to `project/a`.
    fn folders() -> (tempfile::TempDir, Boundary) {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().join("project/a");
        fs::create_dir_all(here.join("b")).unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::write(dir.path().join("outside/secret"), "s3cret").unwrap();
        let boundary = Boundary::new(&here, Path::new("..")).unwrap();
        (dir, boundary)
    }

    fn inside(boundary: &Boundary, path: &str, real: &str) {
        assert_eq!(boundary.locate(Path::new(path)), PathLocation::Inside(boundary.real.join(real)), "{path}");
    }

    #[test]
    fn paths_that_stay_within_are_followed_wherever_they_go_about() {
        let (dir, boundary) = folders();
        let absolute = dir.path().join("project/a/b").display().to_string();
        for (path, real) in [
            ("b", "a/b"),
            ("..", ""),
            ("../x/y/z", "x/y/z"),
            ("./b/../nothing/../b", "a/b"),
            ("../../project/a", "a"),
            ("../../outside/../project/x", "x"),
            (&absolute, "a/b"),
        ] {
            inside(&boundary, path, real);
        }
    }

    #[test]
    fn what_leads_out_is_outside_whether_it_is_there_or_not() {
        let (dir, boundary) = folders();
        let secret = dir.path().join("outside/secret").display().to_string();
        let next_door = format!("{}x", dir.path().join("project").display());
        for path in ["/etc/passwd", "/", "../..", "../../outside/secret", "../../nothing/at/all", &secret, &next_door] {
            assert_eq!(boundary.locate(Path::new(path)), PathLocation::Outside, "{path}");
        }
    }

    #[test]
    fn what_git_keeps_for_itself_is_outside() {
        let (_dir, boundary) = folders();
        for path in ["../.git/config", ".git", "../module/.GIT/config", "b/../../.git/x"] {
            assert_eq!(boundary.locate(Path::new(path)), PathLocation::Outside, "{path}");
        }
        inside(&boundary, "../.github/x", ".github/x");
        inside(&boundary, "../x.git/x", "x.git/x");
    }

    #[test]
    fn links_are_followed_first() {
        let (dir, boundary) = folders();
        let link = |target: &str, name: &str| symlink(target, dir.path().join("project/a").join(name)).unwrap();
        link("../../outside", "folder");
        link("../../outside/secret", "file");
        link("/", "slash");
        link("folder/../../outside", "by-way-of-another");
        link("../../outside/not-there-yet", "dangling");
        for path in
            ["folder", "folder/secret", "folder/new", "file", "slash/etc/passwd", "by-way-of-another", "dangling"]
        {
            assert_eq!(boundary.locate(Path::new(path)), PathLocation::Outside, "{path}");
        }
        // `..` after a symbolic link means the parent of its target, not the parent of the link.
        assert_eq!(boundary.locate(Path::new("folder/../secret")), PathLocation::Outside);
        link("b", "within");
        link("../../project/a/b/new", "dangling-within");
        inside(&boundary, "within/../x", "a/x");
        inside(&boundary, "folder/../project/a", "a");
        inside(&boundary, "dangling-within/y", "a/b/new/y");
    }

    #[test]
    fn links_in_a_circle_lead_nowhere() {
        let (dir, boundary) = folders();
        for (target, name) in [("two", "one"), ("one", "two"), ("self/x", "self")] {
            symlink(target, dir.path().join("project/a").join(name)).unwrap();
        }
        for path in ["one", "two/x", "self"] {
            assert_eq!(boundary.locate(Path::new(path)), PathLocation::Circle, "{path}");
        }
        assert_eq!(boundary.fact(Path::new("one")), Err("its symbolic links form a loop".to_owned()));
    }

    #[test]
    fn the_folder_may_itself_be_a_link_and_must_be_one_folder() {
        let (dir, _) = folders();
        symlink("project", dir.path().join("link")).unwrap();
        let boundary = Boundary::new(dir.path(), Path::new("link")).unwrap();
        inside(&boundary, "project/x", "x");
        inside(&boundary, "link/x", "x");
        assert_eq!(boundary.locate(Path::new("outside")), PathLocation::Outside);
        for path in ["nothing", "outside/secret"] {
            assert!(Boundary::new(dir.path(), Path::new(path)).is_err(), "{path}");
        }
    }
}
