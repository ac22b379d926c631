//! Text files: read whole, with a bound, and every way to fail told apart.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use crate::config::facts::Fact;

const MIB: u64 = 1024 * 1024;
const BYTE_ORDER_MARK: char = '\u{feff}';

/// How long a file may be whose text is a value.
const VALUE_LIMIT: u64 = MIB;

/// Why a file gave no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileError {
    Absent,
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
            Self::Directory => format!("`{name}` is a directory"),
            Self::Special => format!("`{name}` is no regular file"),
            Self::TooLong(limit) => format!("`{name}` has more than {} MiB", limit / MIB),
            Self::NotUtf8 { byte, line } => format!("`{name}` is not UTF-8: byte {byte}, on line {line}"),
            Self::System(said) => format!("`{name}` can't be read: {said}"),
        }
    }
}

/// The text of the file, without a byte order mark; none where there is no such file.
pub(super) fn fact(path: &Path) -> Fact {
    match text(path, VALUE_LIMIT) {
        Ok(text) => Ok(Some(text.strip_prefix(BYTE_ORDER_MARK).map_or(text.clone(), str::to_owned))),
        Err(FileError::Absent) => Ok(None),
        Err(error) => Err(error.message(&path.display().to_string())),
    }
}

/// The whole text of a file of at most `limit` bytes, byte for byte.
pub(super) fn text(path: &Path, limit: u64) -> Result<String, FileError> {
    // Asked before it is opened: opening a pipe waits for its other end.
    let metadata = std::fs::metadata(path).map_err(|error| failure(&error))?;
    if metadata.is_dir() {
        return Err(FileError::Directory);
    }
    if !metadata.is_file() {
        return Err(FileError::Special);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| failure(&error))?;
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
        text(&path, limit)
    }

    #[test]
    fn an_absent_file_is_none_and_a_directory_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let (absent, file) = (dir.path().join("absent"), dir.path().join("file"));
        std::fs::write(&file, "x").unwrap();
        assert_eq!(fact(&absent), Ok(None));
        assert_eq!(fact(&file.join("below")), Ok(None));
        assert_eq!(text(&absent, 1), Err(FileError::Absent));
        assert_eq!(fact(dir.path()), Err(format!("`{}` is a directory", dir.path().display())));
    }

    #[test]
    fn a_device_is_not_read() {
        assert_eq!(text(Path::new("/dev/zero"), 10), Err(FileError::Special));
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
        assert_eq!(fact(&path), Ok(Some(" v1\r\n".to_owned())));
        assert_eq!(text(&path, 99), Ok("\u{feff} v1\r\n".to_owned()));
    }
}
