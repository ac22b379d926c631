//! [`OutputFile`]: the file of a `FORMAT=FILE`, opened before a run and complete only when its document is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The maximum number of symlinks that are followed, as on Linux.
const LINKS: usize = 40;

/// A file that is ready to be written.
pub(super) enum OutputFile {
    /// A pipe, a device, or a file that is already open under another name, such as `/dev/stdout`.
    Direct(File),
    /// A regular file. Its content is replaced at once, so that no reader finds a part of a document.
    Replaced { temporary: NamedTempFile, target: PathBuf },
}

impl OutputFile {
    /// Opens `path`. A regular file is not changed yet, and a new one is not created yet.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let found = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let target = match target(path)? {
            PathTarget::Descriptor(number) => return descriptor(path, &number).map(Self::Direct),
            PathTarget::File(_) if found.as_ref().is_some_and(|found| !found.is_file()) => {
                return Ok(Self::Direct(OpenOptions::new().append(true).open(path)?));
            }
            PathTarget::File(target) => target,
        };
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".mlist-").suffix(".tmp");
        let temporary = match found {
            Some(found) => {
                // A file that is read-only was made so on purpose.
                drop(OpenOptions::new().append(true).open(path)?);
                let temporary = builder.tempfile_in(folder)?;
                temporary.as_file().set_permissions(found.permissions())?;
                temporary
            }
            None => new_file(&mut builder, folder)?,
        };
        Ok(Self::Replaced { temporary, target })
    }

    /// Writes the whole content.
    pub(super) fn write(self, text: &str) -> io::Result<()> {
        match self {
            Self::Direct(mut file) => file.write_all(text.as_bytes()),
            Self::Replaced { mut temporary, target } => {
                temporary.write_all(text.as_bytes())?;
                temporary.as_file().sync_all()?;
                temporary.persist(target)?;
                Ok(())
            }
        }
    }
}

/// Creates a temporary file that gets the usual mode of a new file, not one that only its owner can read.
fn new_file(builder: &mut tempfile::Builder<'_, '_>, folder: &Path) -> io::Result<NamedTempFile> {
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// What a path names after all symlinks.
enum PathTarget {
    /// A file, whether it exists or not.
    File(PathBuf),
    /// An open file of a process, by its number: `/dev/stdout`. What it refers to cannot be replaced.
    Descriptor(String),
}

fn target(path: &Path) -> io::Result<PathTarget> {
    let mut target = path.to_owned();
    for _ in 0..LINKS {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if ["/proc", "/dev/fd"].iter().any(|open| folder.canonicalize().is_ok_and(|folder| folder.starts_with(open))) {
            let number = target.file_name().unwrap_or_default();
            return Ok(PathTarget::Descriptor(number.to_string_lossy().into_owned()));
        }
        let Ok(link) = fs::read_link(&target) else { return Ok(PathTarget::File(target)) };
        target = folder.join(link);
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Opens an open file again. stdout and stderr are shared instead: if they are a file, this process also writes there,
/// and neither must overwrite what the other has written.
#[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix has numbers for them"))]
fn descriptor(path: &Path, number: &str) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        let shared = match number {
            "1" => Some(io::stdout().as_fd().try_clone_to_owned()?),
            "2" => Some(io::stderr().as_fd().try_clone_to_owned()?),
            _ => None,
        };
        if let Some(shared) = shared {
            return Ok(File::from(shared));
        }
    }
    OpenOptions::new().append(true).open(path)
}
