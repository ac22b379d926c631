//! Temporary files: [`create`] makes one, [`remove_if_abandoned`] deletes one that a killed run left.
//!
//! A temporary file is locked until it is closed, and the system releases the locks of a process that ends. So a file
//! that can be locked is not in use.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// How the names of temporary files begin.
const PREFIX: &str = ".mlist-";
/// How often a file is created again because another run has deleted it before it was locked.
const ATTEMPTS: usize = 16;

/// Creates an empty file in `folder`. It is deleted on drop. It has the usual permissions, because other programs must
/// be able to read a layout.
pub(super) fn create(folder: &Path) -> io::Result<NamedTempFile> {
    let open = |path: &Path| OpenOptions::new().read(true).write(true).create_new(true).open(path);
    for _ in 0..ATTEMPTS {
        let file = tempfile::Builder::new().prefix(PREFIX).make_in(folder, open)?;
        let is_taken = matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock));
        // Some network file systems do not support locks. No other run can lock the file there either, so none deletes
        // it.
        if !is_taken && fs::symlink_metadata(file.path()).is_ok() {
            return Ok(file);
        }
    }
    Err(io::Error::other("another process deletes the temporary files"))
}

/// Whether a file with this name is a temporary file.
pub(super) fn is_temporary(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

/// Deletes the temporary file at `path`, which is open as `file`, if no process uses it.
pub(super) fn remove_if_abandoned(path: &Path, file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() && file.try_lock().is_ok() {
        fs::remove_file(path)?;
    }
    Ok(())
}
