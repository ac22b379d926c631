//! The files of a layout: only regular files, read up to a limit, written completely or not at all.
//!
//! A file is synced to disk before it is renamed. The folder that has its new name must be synced before something else
//! names the file. So a power failure leaves no name without its bytes.
//!
//! A layout may come from an untrusted author (a checkout of a pull request). So no symbolic link below its folder is
//! followed, and pipes and devices are never waited for. Nothing here knows what the files mean.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tempfile::{NamedTempFile, PersistError};

use crate::oci::Digest;

use super::contents::{EMPTY_INDEX, INDEX, MARKER, MARKER_TEXT};
use super::{Disk, ErrorKind, LayoutFault, fault, temporary};

/// The folder of the blobs of a layout.
const BLOBS: &str = "blobs";

/// Returns the path of a blob: `blobs/sha256/…`
pub(super) fn blob_path(root: &Path, digest: &Digest) -> PathBuf {
    root.join(BLOBS).join(digest.algorithm()).join(digest.hex())
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
    for folder in [root.join(BLOBS), root.join(BLOBS).join(digest.algorithm())] {
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(fault(&folder, "is not a directory: symbolic links are not followed")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(unreadable(&folder, &error)),
        }
    }
    Ok(true)
}

/// Returns the folder `blobs` and the folders in it: one for each algorithm. Symbolic links are left out.
pub(super) fn blob_folders(root: &Path) -> io::Result<Vec<PathBuf>> {
    let blobs = root.join(BLOBS);
    if !fs::symlink_metadata(&blobs)?.is_dir() {
        return Ok(Vec::new());
    }
    let mut folders = Vec::new();
    for entry in fs::read_dir(&blobs)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.push(blobs);
    Ok(folders)
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
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > limit { Err(ErrorKind::TooLarge { limit }) } else { Ok(bytes.into()) }
}

/// Opens a regular file to read it, and returns its size in bytes too.
fn open(path: &Path) -> Disk<Option<(File, u64)>> {
    let mut options = OpenOptions::new();
    options.read(true);
    guarded(&mut options);
    let not_regular = || fault(path, "is not a regular file: links, pipes and devices are not read");
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(not_a_directory(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if path.is_symlink() => return Err(not_regular()),
        Err(error) => return Err(unreadable(path, &error)),
    };
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if metadata.is_file() { Ok(Some((file, metadata.len()))) } else { Err(not_regular()) }
}

/// Returns the error for a path of which a parent is not a directory. If that is an archive, the error says so.
fn not_a_directory(path: &Path) -> ErrorKind {
    let file = path.ancestors().skip(1).find(|parent| !parent.as_os_str().is_empty() && !parent.is_dir());
    let file = file.unwrap_or(path);
    let archive = open(file).ok().flatten().and_then(|(file, _)| archive_kind(file));
    match archive {
        Some(kind) => ErrorKind::Layout(LayoutFault::Archive { path: file.to_owned(), kind }),
        None => fault(file, "is a file, not a directory"),
    }
}

/// Returns the kind of an archive, by its first bytes. `None` if it is not an archive.
fn archive_kind(file: File) -> Option<&'static str> {
    let mut first = Vec::new();
    file.take(262).read_to_end(&mut first).ok()?;
    match first.as_slice() {
        [0x1f, 0x8b, ..] => Some("gzip archive"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd archive"),
        bytes if bytes.get(257..262) == Some(b"ustar") => Some("tar archive"),
        _ => None,
    }
}

/// Returns the names in a directory. `None` if the directory does not exist.
pub(super) fn names(folder: &Path) -> Disk<Option<Vec<OsString>>> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotADirectory => not_a_directory(&folder.join(MARKER)),
        _ => unreadable(folder, &error),
    };
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        entries => {
            let names = entries.and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
            names.map(Some).map_err(failed)
        }
    }
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
pub(super) fn open_to_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    guarded(&mut options);
    options.open(path)
}

/// Makes `root` a layout unless it is one. `oci-layout` is written last: if an earlier step fails, the folder is still
/// not a layout.
pub(super) fn create_layout(root: &Path) -> Disk<()> {
    if root.join(MARKER).exists() && root.join(INDEX).exists() && root.join(BLOBS).exists() {
        return Ok(());
    }
    create_folder(&root.join(BLOBS))?;
    create(&root.join(INDEX), EMPTY_INDEX.as_bytes())?;
    create(&root.join(MARKER), MARKER_TEXT.as_bytes())?;
    sync_folder(root)
}

/// Creates a folder and its parents, unless they exist. The name of each new folder is synced.
fn create_folder(path: &Path) -> Disk<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(path).map_err(|error| unwritable(path, &error))?;
    missing.into_iter().rev().filter_map(parent).try_for_each(sync_folder)
}

/// Writes a file unless it exists.
fn create(path: &Path, bytes: &[u8]) -> Disk<()> {
    if path.exists() {
        return Ok(());
    }
    let file = written(path, bytes)?;
    sync(file.as_file(), path).map_err(|error| unwritable(path, &error))?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(PersistError { error, .. }) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(PersistError { error, .. }) => Err(unwritable(path, &error)),
    }
}

/// Writes a file in one step: readers see either the old bytes or the new ones.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Disk<()> {
    persist(written(path, bytes)?, path).map(drop)
}

fn written(path: &Path, bytes: &[u8]) -> Disk<NamedTempFile> {
    let mut file = create_temporary(path)?;
    file.write_all(bytes).map_err(|error| unwritable(path, &error))?;
    Ok(file)
}

/// Creates an empty temporary file beside `path`.
pub(super) fn create_temporary(path: &Path) -> Disk<NamedTempFile> {
    let folder = parent(path).unwrap_or(path);
    temporary::create(folder).map_err(|error| unwritable(folder, &error))
}

/// Deletes the temporary files of a layout that no process uses. One that cannot be deleted is left: it does no harm.
pub(super) fn remove_abandoned(root: &Path) {
    let folders = blob_folders(root).unwrap_or_default();
    for folder in std::iter::once(root).chain(folders.iter().map(PathBuf::as_path)) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if temporary::is_temporary(&entry.file_name()) {
                let path = entry.path();
                let _ = open_to_lock(&path).and_then(|file| temporary::remove_if_abandoned(&path, &file));
            }
        }
    }
}

/// Syncs a finished temporary file to disk and renames it to `path`. Returns the open file.
pub(super) fn persist(file: NamedTempFile, path: &Path) -> Disk<File> {
    sync(file.as_file(), path).map_err(|error| unwritable(path, &error))?;
    #[cfg(test)]
    journal::add(journal::Step::Rename, path);
    file.persist(path).map_err(|PersistError { error, .. }| unwritable(path, &error))
}

/// Syncs the bytes of a file to disk. `path` is its name, or the one that it gets next.
pub(super) fn sync(file: &File, path: &Path) -> io::Result<()> {
    #[cfg(test)]
    journal::add(journal::Step::Sync, path);
    let _ = path;
    file.sync_all()
}

/// Syncs a file that was opened for reading, unless that is not possible.
pub(super) fn sync_existing(file: &File, path: &Path) -> Disk<()> {
    // Other systems require write permission for this.
    #[cfg(unix)]
    match sync(file, path) {
        Err(error) if !cannot_sync(&error) => return Err(unwritable(path, &error)),
        _ => {}
    }
    #[cfg(not(unix))]
    let _ = (file, path);
    Ok(())
}

/// Syncs the names in the folders of blobs to disk.
pub(super) fn sync_blobs(root: &Path) -> Disk<()> {
    let blobs = root.join(BLOBS);
    let folders = blob_folders(root).map_err(|error| unreadable(&blobs, &error))?;
    folders.iter().try_for_each(|folder| sync_folder(folder))
}

/// Syncs the names in a folder to disk.
pub(super) fn sync_folder(path: &Path) -> Disk<()> {
    #[cfg(test)]
    journal::add(journal::Step::SyncFolder, path);
    // Only Unix opens a folder as a file.
    #[cfg(unix)]
    match File::open(path).and_then(|folder| folder.sync_all()) {
        Err(error) if !cannot_sync(&error) => return Err(unwritable(path, &error)),
        _ => {}
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Whether the file system does not support syncing. Some network file systems write everything at once.
#[cfg(unix)]
fn cannot_sync(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, ReadOnlyFilesystem, Unsupported};
    matches!(error.kind(), InvalidInput | ReadOnlyFilesystem | Unsupported)
}

/// Returns the folder that has the name of `path`.
fn parent(path: &Path) -> Option<&Path> {
    path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

/// Returns the error for a file that cannot be read.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> ErrorKind {
    if is_too_many_open(error) {
        return ErrorKind::Layout(LayoutFault::TooManyOpenFiles);
    }
    fault(path, format_args!("cannot be read: {error}"))
}

/// Returns the error for a file that cannot be written. An error that affects the whole folder does not name the file,
/// so it is the same for all files that were to be written there.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> ErrorKind {
    ErrorKind::Layout(match error.kind() {
        io::ErrorKind::StorageFull => LayoutFault::NoSpace,
        io::ErrorKind::QuotaExceeded => LayoutFault::QuotaExceeded,
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ if is_too_many_open(error) => LayoutFault::TooManyOpenFiles,
        _ => return fault(path, format_args!("cannot be written: {error}")),
    })
}

/// Whether this process, or the whole machine, cannot open another file.
fn is_too_many_open(error: &io::Error) -> bool {
    #[cfg(unix)]
    return matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE));
    // ERROR_TOO_MANY_OPEN_FILES
    #[cfg(not(unix))]
    return error.raw_os_error() == Some(4);
}

/// The steps that decide what a power failure leaves, and what is hashed, for tests.
#[cfg(test)]
pub(super) mod journal {
    use std::path::{Path, PathBuf};
    use std::sync::Mutex;

    use crate::registry::lock::lock;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(in crate::registry::layout) enum Step {
        Hash,
        Sync,
        Rename,
        SyncFolder,
    }

    static STEPS: Mutex<Vec<(Step, PathBuf)>> = Mutex::new(Vec::new());

    pub(in crate::registry::layout) fn add(step: Step, path: &Path) {
        lock(&STEPS).push((step, path.to_owned()));
    }

    /// Returns the steps below `root`, with paths relative to it.
    pub(in crate::registry::layout) fn below(root: &Path) -> Vec<(Step, PathBuf)> {
        let steps = lock(&STEPS);
        steps.iter().filter_map(|(step, path)| Some((*step, path.strip_prefix(root).ok()?.to_owned()))).collect()
    }
}
