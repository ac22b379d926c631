//! Finds manifests.toml: the file that was named, otherwise the nearest one in this directory or above.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::config::trust::outside_root;
use crate::config::{Problem, SourceFile};

use super::boundary::Boundary;
use super::files::{self, FileError, MANIFEST_LIMIT};

const NAME: &str = "manifests.toml";
const UNREADABLE: &str = "mlist::config::unreadable";

/// Where manifests.toml and the files that it names may be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedPaths {
    /// Anywhere.
    #[default]
    Anywhere,
    /// In the directory of manifests.toml.
    OwnFolder,
    /// In this directory (`--root`).
    Folder(PathBuf),
}

/// manifests.toml, and the directory that all its paths must stay within.
#[derive(Debug)]
pub struct ManifestFile {
    /// The file.
    pub file: SourceFile,
    /// The directory that all paths must stay within. `None` if paths may lead anywhere.
    pub boundary: Option<Boundary>,
}

/// Reads `explicit`, otherwise the nearest `manifests.toml` in the current directory or above. The name of the file in
/// the result is relative to the current directory. The text is byte for byte that of the file, including a byte order
/// mark and CRLF, so that spans match it.
///
/// # Errors
/// Returns `mlist::config::unreadable` if there is no such file or it cannot be read, and `mlist::config::outside_root`
/// if it is outside the directory in `paths`.
pub fn manifest_file(explicit: Option<&Path>, paths: &AllowedPaths) -> Result<ManifestFile, Box<Problem>> {
    let here = match (explicit, std::env::current_dir()) {
        (_, Ok(here)) => here,
        // An absolute path does not depend on the current directory.
        (Some(_), Err(_)) => PathBuf::new(),
        (None, Err(error)) => {
            return Err(unreadable(format!("cannot determine the current directory: {error}"), NAMED));
        }
    };
    file_from(&here, explicit, paths)
}

/// The help for a user who has a manifests.toml.
const NAMED: &str = "use -f FILE to read another file";

/// The help for a user who has none.
const NONE: &str =
    "use -f FILE to read another file; to write one, see manifests.toml.example in the repository of mlist";

/// The help for a user whose file has another encoding.
const UTF_8: &str = "save the file as UTF-8; `>` in Windows PowerShell writes UTF-16, use Set-Content -Encoding utf8";

/// Like [`manifest_file`], but paths are relative to `here`.
fn file_from(here: &Path, explicit: Option<&Path>, paths: &AllowedPaths) -> Result<ManifestFile, Box<Problem>> {
    let path = match explicit {
        Some(path) => path.to_owned(),
        None => nearest(here)
            .ok_or_else(|| unreadable(format!("{NAME} not found in this directory or any parent directory"), NONE))?,
    };
    let name = path.display().to_string();
    let boundary = boundary(here, &path, paths)?;
    match files::text(&here.join(&path), boundary.as_ref(), MANIFEST_LIMIT) {
        Ok(text) => Ok(ManifestFile { file: SourceFile { name, text: text.into() }, boundary }),
        Err(FileError::OutOfBounds) => {
            let root = boundary.as_ref().map_or(Path::new(""), Boundary::named);
            Err(Box::new(outside_root(&name, root)))
        }
        Err(error @ FileError::Absent) => Err(unreadable(error.message(&name), NONE)),
        Err(FileError::Directory) => {
            let inside = path.join(NAME);
            let help =
                if here.join(&inside).is_file() { format!("use -f {}", inside.display()) } else { NAMED.to_owned() };
            Err(unreadable(FileError::Directory.message(&name), help))
        }
        Err(error @ (FileError::Utf16 | FileError::NotUtf8 { .. })) => Err(unreadable(error.message(&name), UTF_8)),
        Err(error) => Err(unreadable(error.message(&name), NAMED)),
    }
}

/// Returns the directory that all paths must stay within. `None` if paths may lead anywhere.
fn boundary(here: &Path, file: &Path, paths: &AllowedPaths) -> Result<Option<Boundary>, Box<Problem>> {
    let folder = match paths {
        AllowedPaths::Anywhere => return Ok(None),
        AllowedPaths::OwnFolder => file.parent().unwrap_or(Path::new("")),
        AllowedPaths::Folder(folder) => folder,
    };
    Boundary::new(here, folder).map(Some).map_err(|error| {
        let message = match error.kind() {
            ErrorKind::NotFound => format!("directory `{}` not found", folder.display()),
            ErrorKind::NotADirectory => format!("`{}` is not a directory", folder.display()),
            kind => format!("cannot read directory `{}`: {kind}", folder.display()),
        };
        unreadable(message, "use --root DIR to name the directory that all paths must stay in")
    })
}

/// Returns the path of the nearest `manifests.toml` in the current directory or above, relative to that directory. `None`
/// if there is none.
#[must_use]
pub fn nearest_manifest_file() -> Option<PathBuf> {
    nearest(&std::env::current_dir().ok()?)
}

/// Returns the first of `manifests.toml`, `../manifests.toml`, … that exists, even if it is not a regular file.
fn nearest(here: &Path) -> Option<PathBuf> {
    let found = here.ancestors().position(|folder| folder.join(NAME).symlink_metadata().is_ok())?;
    Some(std::iter::repeat_n("..", found).chain([NAME]).collect())
}

fn unreadable(message: String, help: impl Into<String>) -> Box<Problem> {
    Box::new(Problem::error(UNREADABLE, message).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the file without a restriction on its location.
    fn read(here: &Path, explicit: Option<&Path>) -> Result<SourceFile, Box<Problem>> {
        file_from(here, explicit, &AllowedPaths::Anywhere).map(|found| found.file)
    }

    /// Creates a directory that contains `a/b`.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        (dir, below)
    }

    #[test]
    fn a_missing_file_says_how_to_name_another() {
        let (_dir, below) = folder();
        let problem = read(&below, Some(Path::new("x.toml"))).unwrap_err();
        assert_eq!((problem.slug(), problem.message.as_str()), ("unreadable", "file `x.toml` not found"));
        assert!(problem.help.unwrap().contains("-f FILE"));
    }

    #[test]
    fn none_here_or_above_is_none() {
        // The root of the file system may contain one; the directories in between do not.
        let (dir, below) = folder();
        match nearest(&below) {
            None => assert!(
                read(&below, None).unwrap_err().message.starts_with("manifests.toml not found in this directory")
            ),
            Some(found) => assert!(!below.join(found).canonicalize().unwrap().starts_with(dir.path())),
        }
    }

    #[test]
    fn a_directory_names_the_file_in_it() {
        let (dir, _) = folder();
        let problem = read(dir.path(), Some(Path::new("a"))).unwrap_err();
        assert_eq!(problem.message, "`a` is a directory");
        assert_eq!(problem.help.as_deref(), Some(NAMED));
        std::fs::write(dir.path().join("a/manifests.toml"), "").unwrap();
        let problem = read(dir.path(), Some(Path::new("a"))).unwrap_err();
        assert_eq!(problem.help.as_deref(), Some("use -f a/manifests.toml"));
    }

    #[test]
    fn what_is_not_utf8_says_at_which_byte() {
        let (_dir, below) = folder();
        std::fs::write(below.join("manifests.toml"), b"a = \"\xe4\"").unwrap();
        let problem = read(&below, None).unwrap_err();
        assert_eq!(problem.message, "`manifests.toml` is not valid UTF-8 at byte 6, line 1");
    }

    #[test]
    fn the_nearest_file_is_read_and_named_as_seen_from_here() {
        let (dir, below) = folder();
        std::fs::write(dir.path().join("manifests.toml"), "far").unwrap();
        let file = read(&below, None).unwrap();
        assert_eq!((file.name.as_str(), &*file.text), ("../../manifests.toml", "far"));
        std::fs::write(below.join("manifests.toml"), "near").unwrap();
        let file = read(&below, None).unwrap();
        assert_eq!((file.name.as_str(), &*file.text), ("manifests.toml", "near"));
    }

    #[test]
    fn a_named_file_is_shown_as_it_was_named() {
        let (dir, below) = folder();
        std::fs::write(dir.path().join("a/m.toml"), "x").unwrap();
        assert_eq!(read(&below, Some(Path::new("../m.toml"))).unwrap().name, "../m.toml");
        let absolute = dir.path().join("a/m.toml");
        assert_eq!(read(&below, Some(&absolute)).unwrap().name, absolute.display().to_string());
    }

    #[test]
    fn the_text_is_byte_for_byte_the_files() {
        let (_dir, below) = folder();
        let text = "\u{feff}# ä\r\n[list.a]\r\n";
        std::fs::write(below.join("manifests.toml"), text).unwrap();
        assert_eq!(&*read(&below, None).unwrap().text, text);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_outside_of_its_root_is_not_read() {
        let (dir, below) = folder();
        std::fs::write(dir.path().join("manifests.toml"), "outside").unwrap();
        std::fs::write(below.join("m.toml"), "inside").unwrap();
        std::os::unix::fs::symlink("../../manifests.toml", below.join("link.toml")).unwrap();
        let read = |file: Option<&str>, paths: AllowedPaths| {
            file_from(&below, file.map(Path::new), &paths)
                .map(|found| found.file.text.to_string())
                .map_err(|problem| (problem.slug(), problem.message))
        };
        let root = || AllowedPaths::Folder(".".into());
        assert_eq!(read(Some("m.toml"), root()), Ok("inside".to_owned()));
        assert_eq!(read(Some("m.toml"), AllowedPaths::OwnFolder), Ok("inside".to_owned()));
        let refused = |name: &str| Err(("outside_root", format!("`{name}` is outside of the root directory `.`")));
        assert_eq!(read(None, root()), refused("../../manifests.toml"));
        assert_eq!(read(Some("link.toml"), root()), refused("link.toml"));
        assert_eq!(read(Some("link.toml"), AllowedPaths::OwnFolder), refused("link.toml"));
        assert_eq!(read(None, AllowedPaths::OwnFolder), Ok("outside".to_owned()));
        assert_eq!(read(Some("link.toml"), AllowedPaths::Folder("../..".into())), Ok("outside".to_owned()));
        let nowhere = Err(("unreadable", "directory `nowhere` not found".to_owned()));
        assert_eq!(read(Some("m.toml"), AllowedPaths::Folder("nowhere".into())), nowhere);
        let file = Err(("unreadable", "`m.toml` is not a directory".to_owned()));
        assert_eq!(read(Some("m.toml"), AllowedPaths::Folder("m.toml".into())), file);
    }
}
