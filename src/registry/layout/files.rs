//! The files of a layout: only regular files, read up to a limit, written completely or not at all.
//!
//! A layout may come from an untrusted author (a checkout of a pull request). So no symbolic link below its folder is
//! followed, and pipes and devices are never waited for. Nothing here knows what the files mean.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tempfile::{NamedTempFile, PersistError};

use crate::oci::Digest;

use super::contents::{EMPTY_INDEX, INDEX, MARKER, MARKER_TEXT};
use super::{Disk, ErrorKind, fault};

/// Returns the path of a blob: `blobs/sha256/…`
pub(super) fn blob_path(root: &Path, digest: &Digest) -> PathBuf {
    root.join("blobs").join(digest.algorithm()).join(digest.hex())
}

/// Returns the path for a new blob. Creates its folders.
pub(super) fn make_blob_path(root: &Path, digest: &Digest) -> Disk<PathBuf> {
    let path = blob_path(root, digest);
    if !has_blob_folders(root, digest)? {
        create_folder(path.parent().unwrap_or(root))?;
    }
    Ok(path)
}

/// Opens a blob, and returns its size in bytes too.
pub(super) fn open_blob(root: &Path, digest: &Digest) -> Disk<Option<(File, u64)>> {
    if has_blob_folders(root, digest)? { open(&blob_path(root, digest)) } else { Ok(None) }
}

fn has_blob_folders(root: &Path, digest: &Digest) -> Disk<bool> {
    for folder in [root.join("blobs"), root.join("blobs").join(digest.algorithm())] {
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(fault(&folder, "is no folder: links are not followed")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(fault(&folder, format_args!("cannot be read: {error}"))),
        }
    }
    Ok(true)
}

/// Returns the size of a blob in bytes.
pub(super) fn blob_size(root: &Path, digest: &Digest) -> Disk<Option<u64>> {
    Ok(open_blob(root, digest)?.map(|(_, size)| size))
}

/// Reads a blob of at most `limit` bytes.
pub(super) fn read_blob(root: &Path, digest: &Digest, limit: u64) -> Disk<Option<Bytes>> {
    let Some(opened) = open_blob(root, digest)? else { return Ok(None) };
    read(&blob_path(root, digest), opened, limit).map(Some)
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read_file(path: &Path, limit: u64) -> Disk<Option<Bytes>> {
    open(path)?.map(|opened| read(path, opened, limit)).transpose()
}

fn read(path: &Path, (file, size): (File, u64), limit: u64) -> Disk<Bytes> {
    if size > limit {
        return Err(ErrorKind::TooLarge { limit });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // The file may have grown since its size was read.
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| fault(path, format_args!("cannot be read: {error}")))?;
    if bytes.len() as u64 > limit { Err(ErrorKind::TooLarge { limit }) } else { Ok(bytes.into()) }
}

/// Opens a regular file to read it, and returns its size in bytes too.
fn open(path: &Path) -> Disk<Option<(File, u64)>> {
    let mut options = OpenOptions::new();
    options.read(true);
    guarded(&mut options);
    let not_regular = || fault(path, "is no regular file: links, pipes and devices are not read");
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if path.is_symlink() => return Err(not_regular()),
        Err(error) => return Err(fault(path, format_args!("cannot be opened: {error}"))),
    };
    let metadata = file.metadata().map_err(|error| fault(path, format_args!("cannot be read: {error}")))?;
    if metadata.is_file() { Ok(Some((file, metadata.len()))) } else { Err(not_regular()) }
}

/// Opens files without following a symbolic link, and without waiting for the other end of a pipe.
fn guarded(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// Opens a file so that it can be locked. Some file systems require write permission for that.
pub(super) fn open_for_lock(path: &Path) -> Disk<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    guarded(&mut options);
    options.open(path).map_err(|error| unwritable(path, &error))
}

/// Makes `root` a layout unless it is one. `oci-layout` is written last: if an earlier step fails, the folder is still
/// not a layout.
pub(super) fn create_layout(root: &Path) -> Disk<()> {
    create_folder(&root.join("blobs"))?;
    create(&root.join(INDEX), EMPTY_INDEX.as_bytes())?;
    create(&root.join(MARKER), MARKER_TEXT.as_bytes())
}

fn create_folder(path: &Path) -> Disk<()> {
    fs::create_dir_all(path).map_err(|error| unwritable(path, &error))
}

/// Writes a file unless it exists.
fn create(path: &Path, bytes: &[u8]) -> Disk<()> {
    if path.exists() {
        return Ok(());
    }
    match written(path, bytes)?.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(PersistError { error, .. }) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(PersistError { error, .. }) => Err(unwritable(path, &error)),
    }
}

/// Writes a file in one step: readers see either the old bytes or the new ones.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Disk<()> {
    persist(written(path, bytes)?, path)
}

fn written(path: &Path, bytes: &[u8]) -> Disk<NamedTempFile> {
    let mut file = temporary(path)?;
    // The bytes are synced to disk before the rename, so that a crash of the machine cannot leave an empty index.json.
    let result = file.write_all(bytes).and_then(|()| file.as_file().sync_all());
    result.map_err(|error| unwritable(path, &error))?;
    Ok(file)
}

/// Renames a finished temporary file to `path`.
pub(super) fn persist(file: NamedTempFile, path: &Path) -> Disk<()> {
    match file.persist(path) {
        Ok(_) => Ok(()),
        Err(PersistError { error, .. }) => Err(unwritable(path, &error)),
    }
}

/// Creates an empty file beside `path`. It is deleted on drop.
pub(super) fn temporary(path: &Path) -> Disk<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".mlist-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The usual permissions (the umask still applies), because other programs must be able to read a layout.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder).map_err(|error| unwritable(folder, &error))
}

/// Returns the error for a file that cannot be written. An error that affects the whole folder does not name the file,
/// so it is the same for all files that were to be written there.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::StorageFull => ErrorKind::Layout("the disk is full".to_owned()),
        io::ErrorKind::QuotaExceeded => ErrorKind::Layout("the quota of the disk is used up".to_owned()),
        io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Layout("it can only be read, not written".to_owned()),
        io::ErrorKind::PermissionDenied => ErrorKind::Layout("no permission to write there".to_owned()),
        _ => fault(path, format_args!("cannot be written: {error}")),
    }
}
