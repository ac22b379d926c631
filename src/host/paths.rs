//! The files that match a glob. Directories are read in any order; the result is sorted by path.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::config::facts::Fact;
use crate::config::path_glob::{GlobSegment, PathGlob, is_hidden};

use super::boundary::{Boundary, PathLocation};

/// The maximum number of files that a glob can match.
const MOST_FILES: usize = 10_000;

/// The maximum number of names that are examined for one glob. It prevents walking a whole disk by mistake.
const MOST_NAMES: usize = 1_000_000;

/// Returns the files below `folder` that match `glob`, one per line. `None` if no file matches.
///
/// `**` does not enter a directory that is a symbolic link, so the walk always ends and finds each file once. A
/// symbolic link is followed if the glob names it or if a name with wildcards matches it, but only within `boundary`. A
/// file that is a symbolic link to a location outside is part of the result, and the caller reports it.
pub(super) fn fact(folder: &Path, glob: &str, boundary: Option<&Boundary>) -> Fact {
    let glob = PathGlob::parse(glob).map_err(|error| error.message)?;
    let mut walk = FolderWalk { boundary, found: BTreeSet::new(), looked_at: 0 };
    walk.visit(&folder.join(glob.start()), glob.segments())?;
    let lines: Vec<&str> = walk.found.iter().filter_map(|path| path.to_str()).collect();
    Ok((!lines.is_empty()).then(|| lines.join("\n")))
}

struct FolderWalk<'a> {
    boundary: Option<&'a Boundary>,
    found: BTreeSet<PathBuf>,
    looked_at: usize,
}

/// An entry of a directory.
struct FolderEntry {
    name: String,
    path: PathBuf,
    is_link: bool,
}

impl FolderWalk<'_> {
    /// Finds the files that match `segments`, starting at `path`.
    fn visit(&mut self, path: &Path, segments: &[GlobSegment]) -> Result<(), String> {
        let (segment, rest) = match segments {
            [] => return self.take(path),
            [GlobSegment::Is(name), rest @ ..] => return self.visit(&path.join(name), rest),
            [segment, rest @ ..] => (segment, rest),
        };
        if *segment == GlobSegment::Folders && !rest.is_empty() {
            self.visit(path, rest)?;
        }
        for FolderEntry { name, path, is_link } in self.entries(path)? {
            match segment {
                GlobSegment::Fits(glob) if glob.matches(&name) && (rest.is_empty() || self.is_inside(&path)) => {
                    self.visit(&path, rest)?;
                }
                GlobSegment::Folders if !is_hidden(&name) => {
                    if !is_link && path.is_dir() {
                        self.visit(&path, segments)?;
                    } else if rest.is_empty() {
                        self.take(&path)?;
                    }
                }
                GlobSegment::Fits(_) | GlobSegment::Folders | GlobSegment::Is(_) => {}
            }
        }
        Ok(())
    }

    fn is_inside(&self, path: &Path) -> bool {
        self.boundary.is_none_or(|boundary| matches!(boundary.locate(path), PathLocation::Inside(_)))
    }

    /// Adds a file to the result. Directories are ignored.
    fn take(&mut self, path: &Path) -> Result<(), String> {
        // Locations outside the boundary are not accessed, not even to check whether they exist.
        let is_file = match self.boundary.map(|boundary| boundary.locate(path)) {
            None => path.is_file(),
            Some(PathLocation::Inside(real)) => real.is_file(),
            Some(PathLocation::Outside | PathLocation::Circle) => true,
        };
        if !is_file {
            return Ok(());
        }
        if path.to_str().is_none_or(|path| path.contains(['\n', '\r'])) {
            let name = path.display().to_string().escape_debug().to_string();
            return Err(format!("file name {name} is not UTF-8 or has a line break"));
        }
        self.found.insert(path.to_owned());
        if self.found.len() > MOST_FILES {
            return Err(format!("it matches more than {MOST_FILES} files"));
        }
        Ok(())
    }

    /// Returns the entries of a directory. Empty if the directory does not exist, is not a directory or is outside the
    /// boundary.
    fn entries(&mut self, folder: &Path) -> Result<Vec<FolderEntry>, String> {
        let real = match self.boundary.map(|boundary| boundary.locate(folder)) {
            None if folder.as_os_str().is_empty() => PathBuf::from("."),
            None => folder.to_owned(),
            Some(PathLocation::Inside(real)) => real,
            Some(PathLocation::Outside | PathLocation::Circle) => return Ok(Vec::new()),
        };
        let refused = |error: std::io::Error| format!("cannot read directory {}: {error}", folder.display());
        let found = match fs::read_dir(real) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(refused(error)),
        };
        let mut entries = Vec::new();
        for entry in found {
            let entry = entry.map_err(refused)?;
            self.looked_at += 1;
            if self.looked_at > MOST_NAMES {
                return Err(format!(
                    "more than {MOST_NAMES} names were examined; use a glob with more specific directories"
                ));
            }
            let name = entry.file_name();
            entries.push(FolderEntry {
                path: folder.join(&name),
                name: name.to_string_lossy().into_owned(),
                is_link: entry.file_type().is_ok_and(|kind| kind.is_symlink()),
            });
        }
        Ok(entries)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Creates a project with files at three depths, hidden files, and symbolic links that form a loop or lead outside.
    fn project() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "p/a.toml",
            "p/a-b.toml",
            "p/a/x.toml",
            "p/b/deep/x.toml",
            "p/b/x.txt",
            "p/.git/x.toml",
            "p/b/.x.toml",
            "out/x.toml",
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        symlink("..", dir.path().join("p/b/circle")).unwrap();
        symlink("../out", dir.path().join("p/outside")).unwrap();
        symlink("../out/x.toml", dir.path().join("p/link.toml")).unwrap();
        dir
    }

    fn found(glob: &str, boundary: Option<&str>) -> Vec<String> {
        let dir = project();
        let folder = dir.path().join("p");
        let boundary = boundary.map(|named| Boundary::new(&folder, Path::new(named)).unwrap());
        let fact = fact(&folder, glob, boundary.as_ref()).unwrap();
        let prefix = format!("{}/", folder.display());
        fact.iter().flat_map(|text| text.lines()).map(|path| path.strip_prefix(&prefix).unwrap().to_owned()).collect()
    }

    #[test]
    fn a_star_stays_within_a_name_and_two_go_into_folders() {
        for (glob, expected) in [
            ("a.toml", &["a.toml"][..]),
            ("a", &[]),
            ("nothing.toml", &[]),
            ("*.toml", &["a-b.toml", "a.toml", "link.toml"]),
            ("*/x.toml", &["a/x.toml", "outside/x.toml"]),
            ("**/x.toml", &["a/x.toml", "b/deep/x.toml"]),
            ("**/deep/**/*", &["b/deep/x.toml"]),
            ("b/**", &["b/deep/x.toml", "b/x.txt"]),
            ("**/**/**/x.*", &["a/x.toml", "b/deep/x.toml", "b/x.txt"]),
            (".git/*.toml", &[".git/x.toml"]),
            ("b/circle/a.toml", &["b/circle/a.toml"]),
            ("b/*/*.txt", &[]),
            ("b/*/b/x.txt", &["b/circle/b/x.txt"]),
            ("a/../a/x.toml", &["a/../a/x.toml"]),
            ("a.toml/x", &[]),
        ] {
            assert_eq!(found(glob, None), expected, "{glob}");
        }
    }

    #[test]
    fn folders_stand_behind_files_that_begin_alike() {
        // Paths are compared by name, not by character: `-` is less than `/`.
        assert_eq!(found("**/*.toml", None), ["a/x.toml", "a-b.toml", "a.toml", "b/deep/x.toml", "link.toml"]);
    }

    #[test]
    fn nothing_outside_is_looked_into() {
        assert_eq!(found("*/x.toml", Some(".")), ["a/x.toml"]);
        assert_eq!(found("outside/*.toml", Some(".")), [] as [&str; 0]);
        assert_eq!(found("../out/*.toml", Some(".")), [] as [&str; 0]);
        // The file is part of the result so that it can be reported. Whether it exists is not checked.
        assert_eq!(found("link.toml", Some(".")), ["link.toml"]);
        assert_eq!(found("outside/y.toml", Some(".")), ["outside/y.toml"]);
    }

    #[test]
    fn a_name_that_can_not_be_written_down_is_told_of() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a\nb.toml"), "").unwrap();
        assert!(fact(dir.path(), "*.toml", None).unwrap_err().contains(r"a\nb.toml"));
        assert_eq!(fact(dir.path(), "*.txt", None), Ok(None));
    }
}
