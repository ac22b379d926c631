//! [`CredentialPlace`]: a file or environment variable that may contain credentials. It is read once, on first use.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use secrecy::{ExposeSecret as _, SecretString};

use crate::oci::Host;
use crate::registry::CredentialSources;

use super::fault::CredentialFault;
use super::file::ConfigFile;
use super::helper;
use super::source::CredentialOrigin;

/// The maximum size of a file, in bytes.
const LIMIT: u64 = 1 << 20;

/// A place that may contain credentials.
pub(super) struct CredentialPlace {
    /// The name in messages: `~/.docker/config.json`, `DOCKER_AUTH_CONFIG`.
    pub(super) name: String,
    pub(super) origin: CredentialOrigin,
    content: PlaceContent,
    mention: Mention,
    read: OnceLock<Result<Option<ConfigFile>, CredentialFault>>,
}

/// What a place contains.
enum PlaceContent {
    Text(SecretString),
    File(PathBuf),
    /// `~/.dockercfg`, which has a format of its own.
    OldFile(PathBuf),
}

/// Whether a message lists the place if no credentials were found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mention {
    /// Always. The user named it, or it is the first place that users look in.
    Always,
    /// Only if it exists.
    IfThere,
}

impl CredentialPlace {
    /// Returns all places, in the order in which they are searched.
    pub(super) fn all(sources: &CredentialSources) -> Vec<Self> {
        let CredentialSources { inline, auth_file, docker, podman, old, search: _, home } = sources;
        let place = |origin, content, mention| {
            let name = match &content {
                PlaceContent::Text(_) => "DOCKER_AUTH_CONFIG".to_owned(),
                PlaceContent::File(path) | PlaceContent::OldFile(path) => shown(path, home.as_deref()),
            };
            Self { name, origin, content, mention, read: OnceLock::new() }
        };
        let file = |path: &PathBuf| PlaceContent::File(path.clone());
        let mut all = Vec::new();
        all.extend(
            inline
                .iter()
                .map(|text| place(CredentialOrigin::Inline, PlaceContent::Text(text.clone()), Mention::Always)),
        );
        all.extend(auth_file.iter().map(|path| place(CredentialOrigin::Podman, file(path), Mention::Always)));
        all.extend(docker.iter().map(|path| place(CredentialOrigin::Docker, file(path), Mention::Always)));
        // If the user names a file, Podman's default files are not used.
        let podman = if auth_file.is_none() { podman.as_slice() } else { &[] };
        all.extend(podman.iter().map(|path| place(CredentialOrigin::Podman, file(path), Mention::IfThere)));
        all.extend(
            old.iter()
                .map(|path| place(CredentialOrigin::Docker, PlaceContent::OldFile(path.clone()), Mention::IfThere)),
        );
        all
    }

    /// Returns the content of the place. `None` if the file does not exist.
    ///
    /// # Errors
    /// Returns why the place cannot be used.
    pub(super) fn read(&self) -> Result<Option<&ConfigFile>, &CredentialFault> {
        let parsed = |text: &[u8], parse: fn(&[u8]) -> Result<ConfigFile, String>| {
            parse(text).map_err(|why| format!("is not valid: {why}"))
        };
        let read = || match &self.content {
            PlaceContent::Text(text) => parsed(text.expose_secret().as_bytes(), ConfigFile::parse).map(Some),
            PlaceContent::File(path) => read_file(path)?.map(|text| parsed(&text, ConfigFile::parse)).transpose(),
            PlaceContent::OldFile(path) => {
                read_file(path)?.map(|text| parsed(&text, ConfigFile::parse_old)).transpose()
            }
        };
        self.read.get_or_init(|| read().map_err(|why| self.fault(why))).as_ref().map(Option::as_ref)
    }

    /// Describes the place in a message that no credentials for `host` were found: its name, and the helper that it
    /// selects. `None` if the place is not listed.
    pub(super) fn looked_in(&self, host: &Host) -> Option<String> {
        let file = self.read().ok()?;
        match file.and_then(|file| file.helper(host, "")) {
            Some(helper) => Some(format!("{} ({})", self.name, helper::program(&helper.name))),
            None => (file.is_some() || self.mention == Mention::Always).then(|| self.name.clone()),
        }
    }

    pub(super) fn fault(&self, why: impl Into<String>) -> CredentialFault {
        CredentialFault::Place { origin: self.origin, place: self.name.clone(), why: why.into() }
    }
}

/// Reads a regular file. Other files are rejected, because reading a pipe could wait forever.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {}", error.kind());
    let file = match open(path) {
        Ok(file) => file,
        // `NotADirectory`: a parent folder is a file, so this file does not exist either.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err("is a directory".to_owned());
    }
    if !metadata.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LIMIT { Err(format!("is larger than {} MiB", LIMIT >> 20)) } else { Ok(Some(bytes)) }
}

/// Opens a file to read it. Symbolic links are followed, because such files are often mounted or stored elsewhere.
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
    }
    options.open(path)
}

/// Formats a path as users write it, with `~` for the home folder.
fn shown(path: &Path, home: Option<&Path>) -> String {
    let below_home = home.and_then(|home| path.strip_prefix(home).ok());
    below_home.map_or_else(|| path.display().to_string(), |below| format!("~/{}", below.display()))
}
