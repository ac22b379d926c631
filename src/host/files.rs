//! Text files: read whole, with a bound, and every way to fail told apart.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use crate::config::facts::Fact;

use super::boundary::{Boundary, Lead};

const MIB: u64 = 1024 * 1024;
const BYTE_ORDER_MARK: char = '\u{feff}';

/// How long a file may be whose text is a value.
const VALUE_LIMIT: u64 = MIB;

/// How long a manifests.toml, or a file that it includes, may be: room for ten thousand lists, each written out.
pub(super) const MANIFEST_LIMIT: u64 = 16 * MIB;

/// Why a file gave no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileError {
    Absent,
    /// It is outside of the folder that nothing may lead out of, or nowhere.
    OutOfBounds,
    Directory,
    /// A pipe, a device: reading it may take for ever.
    Special,
    /// More than this many bytes.
    TooLong(u64),
    /// The first byte, counted from 1, and its line.
    NotUtf8 {
        byte: usize,
        line: usize,
    },
    /// What the system said.
    System(String),
}

impl FileError {
    /// What is wrong with the file that is shown as `name`.
    pub(super) fn message(&self, name: &str) -> String {
        match self {
            Self::Absent => format!("there is no `{name}`"),
            _ => format!("`{name}` {}", self.why()),
        }
    }

    /// What is wrong with it.
    fn why(&self) -> String {
        match self {
            Self::Absent => "is not there".to_owned(),
            Self::OutOfBounds => "is outside of the folder that nothing may lead out of".to_owned(),
            Self::Directory => "is a directory".to_owned(),
            Self::Special => "is no regular file".to_owned(),
            Self::TooLong(limit) => format!("has more than {} MiB", limit / MIB),
            Self::NotUtf8 { byte, line } => format!("is not UTF-8: byte {byte}, on line {line}"),
            Self::System(said) => format!("can't be read: {said}"),
        }
    }
}

/// The text of the file, without a byte order mark; none where there is no such file. Why there is none is said without
/// the path: a part of it may come from where nobody should look.
pub(super) fn fact(path: &Path, boundary: Option<&Boundary>) -> Fact {
    let text = told(text(path, boundary, VALUE_LIMIT))?;
    Ok(text.map(|text| text.strip_prefix(BYTE_ORDER_MARK).map_or(text.clone(), str::to_owned)))
}

/// The text of the file byte for byte, so that spans fit it; none where there is no such file.
pub(super) fn whole(path: &Path, boundary: Option<&Boundary>) -> Fact {
    told(text(path, boundary, MANIFEST_LIMIT))
}

fn told(text: Result<String, FileError>) -> Fact {
    match text {
        Ok(text) => Ok(Some(text)),
        Err(FileError::Absent) => Ok(None),
        Err(FileError::System(said)) => Err(said),
        Err(error) => Err(format!("it {}", error.why())),
    }
}

/// The whole text of a file of at most `limit` bytes, byte for byte. Where there is a boundary nothing outside of it is
/// opened.
pub(super) fn text(path: &Path, boundary: Option<&Boundary>, limit: u64) -> Result<String, FileError> {
    let (path, links) = match boundary.map(|boundary| boundary.lead(path)) {
        None => (path.to_owned(), Links::Followed),
        Some(Lead::Inside(real)) => (real, Links::Refused),
        Some(Lead::Outside | Lead::Circle) => return Err(FileError::OutOfBounds),
    };
    // Asked before it is opened: opening a device may do something.
    regular(&std::fs::metadata(&path).map_err(|error| failure(&error))?)?;
    let mut bytes = Vec::new();
    let file = open(&path, links).map_err(|error| failure(&error))?;
    // Asked again of what was opened: something else may stand there by now.
    regular(&file.metadata().map_err(|error| failure(&error))?)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| failure(&error))?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLong(limit));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count();
        FileError::NotUtf8 { byte: valid.len() + 1, line }
    })
}

/// What becomes of a link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Links {
    Followed,
    /// The path was without links a moment ago.
    Refused,
}

/// Opens a file to read it, and waits for nobody: opening a pipe would wait for its other end.
fn open(path: &Path, links: Links) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let links = if links == Links::Refused { libc::O_NOFOLLOW } else { 0 };
        options.custom_flags(links | libc::O_NONBLOCK | libc::O_CLOEXEC);
    }
    #[cfg(not(unix))]
    if links == Links::Refused && path.is_symlink() {
        return Err(ErrorKind::Other.into());
    }
    options.open(path)
}

fn regular(metadata: &Metadata) -> Result<(), FileError> {
    match metadata {
        metadata if metadata.is_dir() => Err(FileError::Directory),
        metadata if metadata.is_file() => Ok(()),
        _ => Err(FileError::Special),
    }
}

fn failure(error: &io::Error) -> FileError {
    match error.kind() {
        // `VERSION/x` where VERSION is a file: there is no such file either.
        ErrorKind::NotFound | ErrorKind::NotADirectory => FileError::Absent,
        ErrorKind::IsADirectory => FileError::Directory,
        ErrorKind::PermissionDenied => FileError::System("permission denied".to_owned()),
        _ => FileError::System(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8], limit: u64) -> Result<String, FileError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, content).unwrap();
        text(&path, None, limit)
    }

    #[test]
    fn an_absent_file_is_none_and_a_directory_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let (absent, file) = (dir.path().join("absent"), dir.path().join("file"));
        std::fs::write(&file, "x").unwrap();
        assert_eq!(fact(&absent, None), Ok(None));
        assert_eq!(fact(&file.join("below"), None), Ok(None));
        assert_eq!(text(&absent, None, 1), Err(FileError::Absent));
        assert_eq!(fact(dir.path(), None), Err("it is a directory".to_owned()));
    }

    #[test]
    fn a_device_is_not_read() {
        assert_eq!(text(Path::new("/dev/zero"), None, 10), Err(FileError::Special));
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert_eq!(read(b"12345", 4), Err(FileError::TooLong(4)));
        assert_eq!(read(b"1234", 4), Ok("1234".into()));
        assert_eq!(FileError::TooLong(VALUE_LIMIT).message("f"), "`f` has more than 1 MiB");
    }

    #[test]
    fn what_is_not_utf8_says_at_which_byte() {
        assert_eq!(read(b"\xff", 9), Err(FileError::NotUtf8 { byte: 1, line: 1 }));
        let error = read("ä\n\nb".bytes().chain([0xc3, 0x28]).collect::<Vec<_>>().as_slice(), 99).unwrap_err();
        assert_eq!(error.message("f"), "`f` is not UTF-8: byte 6, on line 3");
    }

    #[test]
    fn a_value_has_no_byte_order_mark_and_keeps_all_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "\u{feff} v1\r\n").unwrap();
        assert_eq!(fact(&path, None), Ok(Some(" v1\r\n".to_owned())));
        assert_eq!(text(&path, None, 99), Ok("\u{feff} v1\r\n".to_owned()));
    }

    #[cfg(unix)]
    #[test]
    fn within_a_boundary_only_what_leads_inside_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        std::fs::create_dir(&root).unwrap();
        for path in ["secret", "project/VERSION"] {
            std::fs::write(dir.path().join(path), "v1").unwrap();
        }
        std::os::unix::fs::symlink("VERSION", root.join("inner")).unwrap();
        std::os::unix::fs::symlink("../secret", root.join("outer")).unwrap();
        let boundary = Boundary::new(&root, Path::new(".")).unwrap();
        let read = |path: &str| text(Path::new(path), Some(&boundary), 99);
        for path in ["VERSION", "inner", "../project/VERSION"] {
            assert_eq!(read(path), Ok("v1".to_owned()), "{path}");
        }
        for path in ["outer", "../secret", "/etc/passwd", "../nothing"] {
            assert_eq!(read(path), Err(FileError::OutOfBounds), "{path}");
        }
    }
}
