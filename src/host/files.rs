//! Text files: read completely, with a size limit. Each kind of failure has its own error.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use crate::config::facts::Fact;

use super::boundary::{Boundary, PathLocation};

const MIB: u64 = 1024 * 1024;
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The maximum size of a file whose text is used as a value, in bytes.
const VALUE_LIMIT: u64 = MIB;

/// The maximum size of manifests.toml and of a file that it includes, in bytes. This is enough for ten thousand lists
/// that are written out in full.
pub(super) const MANIFEST_LIMIT: u64 = 16 * MIB;

/// The reason why the text of a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileError {
    Absent,
    /// The file is outside the boundary, or its symbolic links form a loop.
    OutOfBounds,
    Directory,
    /// The file is a pipe or a device. Reading it could block forever.
    Special,
    /// The file is larger than this number of bytes.
    TooLong(u64),
    /// The text is not UTF-8: the position of the first invalid byte, counted from 1, and its line number.
    NotUtf8 {
        byte: usize,
        line: usize,
    },
    /// The text is UTF-16, as PowerShell writes it.
    Utf16,
    /// The error message of the operating system.
    System(String),
}

impl FileError {
    /// Returns the message for this error. `name` is the name of the file in the message.
    pub(super) fn message(&self, name: &str) -> String {
        match self {
            Self::Absent => format!("file `{name}` not found"),
            _ => format!("`{name}` {}", self.why()),
        }
    }

    /// Returns the message without the name of the file.
    fn why(&self) -> String {
        match self {
            Self::Absent => "does not exist".to_owned(),
            Self::OutOfBounds => "is outside of the root directory".to_owned(),
            Self::Directory => "is a directory".to_owned(),
            Self::Special => "is not a regular file".to_owned(),
            Self::TooLong(limit) => format!("is larger than {} MiB", limit / MIB),
            Self::NotUtf8 { byte, line } => format!("is not valid UTF-8 at byte {byte}, line {line}"),
            Self::Utf16 => "is encoded as UTF-16, not UTF-8".to_owned(),
            Self::System(said) => format!("cannot be read: {said}"),
        }
    }
}

/// Returns the text of the file without a byte order mark. `None` if there is no such file. Errors do not contain the
/// path, because a part of it may be secret.
pub(super) fn fact(path: &Path, boundary: Option<&Boundary>) -> Fact {
    let text = told(text(path, boundary, VALUE_LIMIT))?;
    Ok(text.map(|text| text.strip_prefix(BYTE_ORDER_MARK).map_or(text.clone(), str::to_owned)))
}

/// Returns the text of the file byte for byte, so that spans match it. `None` if there is no such file.
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

/// Reads a file of at most `limit` bytes and returns its text byte for byte. If there is a boundary, no file outside it
/// is opened.
pub(super) fn text(path: &Path, boundary: Option<&Boundary>, limit: u64) -> Result<String, FileError> {
    let (path, links) = match boundary.map(|boundary| boundary.locate(path)) {
        None => (path.to_owned(), Links::Followed),
        Some(PathLocation::Inside(real)) => (real, Links::Refused),
        Some(PathLocation::Outside | PathLocation::Circle) => return Err(FileError::OutOfBounds),
    };
    // Check the type before opening the file: opening a device can have side effects.
    regular(&std::fs::metadata(&path).map_err(|error| failure(&error))?)?;
    let mut bytes = Vec::new();
    let file = open(&path, links).map_err(|error| failure(&error))?;
    // Check again after opening: the path may now name a different file.
    regular(&file.metadata().map_err(|error| failure(&error))?)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| failure(&error))?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLong(limit));
    }
    if is_utf16(&bytes) {
        return Err(FileError::Utf16);
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count();
        FileError::NotUtf8 { byte: valid.len() + 1, line }
    })
}

/// Whether a text is UTF-16: it has a byte order mark, or every other byte at its start is 0. As UTF-8, the second form
/// would be valid, but full of NUL characters.
fn is_utf16(bytes: &[u8]) -> bool {
    let zeros = |bytes: &[u8], first: usize| bytes.iter().skip(first).step_by(2).all(|byte| *byte == 0);
    let start = &bytes[..bytes.len().min(8)];
    let without_mark = start.len() > 1 && start.len().is_multiple_of(2) && (zeros(start, 0) != zeros(start, 1));
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || without_mark
}

/// What to do with a symbolic link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Links {
    Followed,
    /// For a path that contained no symbolic links when it was resolved.
    Refused,
}

/// Opens a file for reading without blocking. Otherwise, opening a pipe would wait for its other end.
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
        // If `VERSION` is a file, `VERSION/x` does not exist.
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
        assert_eq!(FileError::TooLong(VALUE_LIMIT).message("f"), "`f` is larger than 1 MiB");
    }

    #[test]
    fn what_is_not_utf8_says_at_which_byte() {
        assert_eq!(read(b"\xff", 9), Err(FileError::NotUtf8 { byte: 1, line: 1 }));
        let error = read("ä\n\nb".bytes().chain([0xc3, 0x28]).collect::<Vec<_>>().as_slice(), 99).unwrap_err();
        assert_eq!(error.message("f"), "`f` is not valid UTF-8 at byte 6, line 3");
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        for bytes in [utf16("\u{feff}a"), big("\u{feff}a"), utf16("v1"), big("[vars]"), utf16("a\n")] {
            assert_eq!(read(&bytes, 100), Err(FileError::Utf16), "{bytes:?}");
        }
        for text in ["", "a", "ab", "\0", "\0\0", "a\0bc"] {
            assert_eq!(read(text.as_bytes(), 100).as_deref(), Ok(text));
        }
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
