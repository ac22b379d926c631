//! [`Layouts`]: OCI image layouts on disk (image-spec image-layout.md), read and written like a repository.
//!
//! | file | holds |
//! |---|---|
//! | `folder` | what is done to one layout, on threads that may wait for the disk |
//! | `files` | file access: regular files only, read up to a limit, written completely or not at all |
//! | `temporary` | temporary files, and those that killed runs left |
//! | `contents` | the content of `oci-layout` and `index.json`, and the type of a manifest |
//! | `blob` | blobs as streams, which are verified while they are written |
//! | `proofs` | which blobs are known to have the right bytes |
//! | `open_files` | how many files are open at once |
//!
//! A layout itself rejects nothing, so this code rejects what a strict registry would reject: a manifest is written
//! only if everything it names exists in the layout. That a file exists proves nothing about its bytes, so they are
//! hashed, once per run. A tag is changed last, in one step (temporary file and rename), after everything it names is
//! synced to disk. Two writers wait for each other: tasks by a lock in memory, processes by a lock on `oci-layout`.
//!
//! "Not found" means that the folder does not exist, is not a layout (it has neither `oci-layout` nor an `index.json`
//! with manifests), or has no such tag or blob. In a layout that is a target, what a tag or list names is not found
//! either if it is damaged, so that it is written again. In a source, it is an error.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::oci::{Descriptor, Digest, Entry, LayoutContents, LayoutDir, Locator, Payload, Place, Reference, Tag};

use super::error::Failure;
use super::lock::lock;
use super::{ErrorKind, ErrorTarget, ExpectedTag, LayoutFault, Operation, RegistryError, Result, TagWrite};

mod blob;
mod contents;
mod files;
mod folder;
mod open_files;
mod proofs;
mod temporary;

pub use blob::BlobReader;
use folder::{LayoutFolder, TagCondition};
pub(crate) use open_files::CopyPermit;
use open_files::OpenFiles;

/// The maximum size of a manifest or `index.json`, in bytes.
const MANIFEST_LIMIT: u64 = 4 << 20;
/// The maximum size of an image config, in bytes.
const CONFIG_LIMIT: u64 = 8 << 20;
/// How long to wait for another process that has locked the layout.
const LOCK_LIMIT: Duration = Duration::from_secs(30);
/// The interval between two attempts to lock the layout.
const LOCK_STEP: Duration = Duration::from_millis(20);

/// The result of a disk operation. The caller adds the reference to the error, where it is known.
type Disk<T> = std::result::Result<T, ErrorKind>;

/// OCI image layouts. Clones are cheap and share their locks.
#[derive(Debug, Clone)]
pub struct Layouts(Arc<LayoutsState>);

#[derive(Debug)]
struct LayoutsState {
    folders: Mutex<HashMap<LayoutDir, Arc<LayoutFolder>>>,
    /// The layouts where lists are published.
    targets: HashSet<LayoutDir>,
    open_files: OpenFiles,
}

impl Default for Layouts {
    fn default() -> Self {
        Self::new(HashSet::new(), CancellationToken::new())
    }
}

impl Layouts {
    /// Creates the layouts of a run. Lists are published in `targets`. Waiting ends when `stop` is cancelled.
    pub(super) fn new(targets: HashSet<LayoutDir>, stop: CancellationToken) -> Self {
        Self(Arc::new(LayoutsState { folders: Mutex::default(), targets, open_files: OpenFiles::new(stop) }))
    }

    /// Returns the type, digest and size of what `locator` names in `dir`.
    ///
    /// The manifest is read and verified for this: on disk this costs almost nothing, and a tag in `index.json` may
    /// name a blob that does not exist. By digest, any blob is found whose JSON is a manifest. In a target, a manifest
    /// is found by digest only if everything that it names is there too.
    ///
    /// # Errors
    /// Fails if the layout is malformed, if the tag names several manifests, or if the manifest is corrupt. In a source,
    /// fails also if the manifest that a tag names is missing.
    pub async fn head(&self, dir: &LayoutDir, locator: &Locator) -> Result<Option<Descriptor>> {
        let (folder, wanted) = (self.folder(dir), locator.clone());
        self.run(Operation::Read, named(dir, locator), move || folder.head(&wanted)).await
    }

    /// Returns the manifest of `digest`, verified. Its maximum size is 4 MiB.
    ///
    /// # Errors
    /// Fails if the layout is malformed, the manifest is too large, or its bytes do not match the digest. In a source,
    /// fails also if a layer that the manifest names is missing or has another size.
    pub async fn manifest(&self, dir: &LayoutDir, digest: &Digest) -> Result<Option<Payload>> {
        let (folder, wanted) = (self.folder(dir), digest.clone());
        self.run(Operation::Read, named_digest(dir, digest), move || folder.manifest(&wanted)).await
    }

    /// Returns what the directory of the layout holds, to explain why something is not found.
    ///
    /// # Errors
    /// Fails if the layout is malformed or the directory cannot be read.
    pub async fn contents(&self, dir: &LayoutDir) -> Result<LayoutContents> {
        let folder = self.folder(dir);
        self.run(Operation::Read, ErrorTarget::Place(Place::Layout(dir.clone())), move || folder.contents()).await
    }

    /// Returns all tags of `dir`. Names in `index.json` that are not valid tags are ignored.
    ///
    /// # Errors
    /// Fails if the layout is malformed.
    pub async fn tags(&self, dir: &LayoutDir) -> Result<Option<BTreeSet<Tag>>> {
        let folder = self.folder(dir);
        self.run(Operation::ReadTags, ErrorTarget::Place(Place::Layout(dir.clone())), move || folder.tags()).await
    }

    /// Returns the manifests whose subject is `digest` and that have this artifact type, or all without one. They are found among the manifests that `index.json` names, and
    /// in the index that has the referrers tag of the distribution-spec. Manifests that cannot be read are ignored.
    ///
    /// # Errors
    /// Fails if the layout is malformed.
    pub async fn referrers(
        &self,
        dir: &LayoutDir,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Option<Vec<Entry>>> {
        let (folder, subject, artifact_type) = (self.folder(dir), digest.clone(), artifact_type.map(str::to_owned));
        let read = move || folder.referrers(&subject, artifact_type.as_deref());
        self.run(Operation::ReadReferrers, named_digest(dir, digest), read).await
    }

    /// Returns the config blob of `digest`, verified. Its maximum size is 8 MiB. Its type is always the OCI one,
    /// because a layout does not contain the type.
    ///
    /// # Errors
    /// Fails if the blob is too large, its bytes do not match the digest, or it is not a regular file.
    pub async fn config(&self, dir: &LayoutDir, digest: &Digest) -> Result<Option<Payload>> {
        let (folder, wanted) = (self.folder(dir), digest.clone());
        self.run(Operation::Read, named_digest(dir, digest), move || folder.config(&wanted)).await
    }

    /// Waits until another blob may be copied from or to a layout. The permit is held while the files of the copy are
    /// open.
    pub(super) async fn begin_copy(&self) -> CopyPermit {
        self.0.open_files.begin_copy().await
    }

    /// Opens `blob` to send its bytes elsewhere.
    ///
    /// # Errors
    /// Fails if the blob is not a regular file or has another size.
    pub async fn open_blob(&self, dir: &LayoutDir, blob: &Descriptor) -> Result<Option<BlobReader>> {
        let (folder, wanted) = (self.folder(dir), blob.clone());
        let opened = self.run(Operation::Read, named_digest(dir, &blob.digest), move || folder.open(&wanted)).await?;
        Ok(opened.map(|file| BlobReader::new(file, blob)))
    }

    /// Whether `dir` has `blob` with the expected size and the right bytes. Otherwise it counts as missing, so it is
    /// written again.
    ///
    /// # Errors
    /// Fails if the blob is not a regular file.
    pub async fn has_blob(&self, dir: &LayoutDir, blob: &Descriptor) -> Result<bool> {
        let (folder, wanted) = (self.folder(dir), blob.clone());
        self.run(Operation::Read, named_digest(dir, &blob.digest), move || folder.has_blob(&wanted)).await
    }

    /// Writes `stream` as `blob`. The bytes are verified before the file gets its name, so no file with wrong bytes
    /// ever has it. If the stream fails, no file is left.
    ///
    /// # Errors
    /// Returns errors of the stream unchanged. Fails if the bytes do not match `blob`, or if they cannot be written to
    /// disk.
    pub async fn write_blob<S, E>(&self, dir: &LayoutDir, blob: &Descriptor, stream: S) -> Result<()>
    where
        S: Stream<Item = std::result::Result<Bytes, E>>,
        E: Into<Box<RegistryError>>,
    {
        blob::write(&self.folder(dir), &self.0.open_files, blob, stream).await.map_err(|failure| match failure {
            blob::BlobWriteError::Source(error) => error,
            blob::BlobWriteError::Target(kind) => error(Operation::Write, named_digest(dir, &blob.digest), kind),
        })
    }

    /// Writes a manifest under its digest and, if `locator` is a tag, also under the tag. The bytes are written
    /// unchanged. If the folder is not a layout yet, it becomes one.
    ///
    /// # Errors
    /// Returns [`ErrorKind::ContentUnknown`] if the layout does not have the children or blobs that the manifest names.
    /// Fails if the layout is malformed, the disk cannot be written, or another process locks the layout for 30 s.
    pub async fn put_manifest(&self, dir: &LayoutDir, locator: &Locator, payload: &Payload) -> Result<()> {
        let target = named(dir, locator);
        if let Locator::Digest(digest) = locator
            && digest != payload.digest()
        {
            let (expected, actual) = (digest.clone(), payload.digest().clone());
            return Err(error(Operation::Write, target, ErrorKind::WrongDigest { expected, actual }));
        }
        self.write_manifest(dir, target.clone(), payload).await?;
        let Locator::Tag(tag) = locator else { return Ok(()) };
        let tagged = self.set_tag(&self.folder(dir), (tag, TagCondition::Always), payload.descriptor()).await;
        tagged.map(drop).map_err(|kind| error(Operation::Write, target, kind))
    }

    /// Writes a manifest under its digest, and under a tag if the tag still names what the caller expects. Other
    /// writers cannot change the tag in between: it is read and written under the lock of the layout.
    ///
    /// # Errors
    /// Returns the same errors as [`Layouts::put_manifest`]. Fails also if the tag names several manifests.
    pub async fn put_tag(&self, dir: &LayoutDir, tag: ExpectedTag<'_>, payload: &Payload) -> Result<TagWrite> {
        let target = named(dir, &Locator::Tag(tag.tag.clone()));
        self.write_manifest(dir, target.clone(), payload).await?;
        let condition = TagCondition::Names(tag.names.cloned());
        let written = self.set_tag(&self.folder(dir), (tag.tag, condition), payload.descriptor()).await;
        written.map_err(|kind| error(Operation::Write, target, kind))
    }

    async fn write_manifest(&self, dir: &LayoutDir, target: ErrorTarget, payload: &Payload) -> Result<()> {
        let (folder, manifest) = (self.folder(dir), payload.clone());
        self.run(Operation::Write, target, move || folder.put(&manifest)).await
    }

    /// Waits until no other process has locked the layout, and changes its `index.json` if the condition holds.
    async fn set_tag(
        &self,
        folder: &Arc<LayoutFolder>,
        (tag, condition): (&Tag, TagCondition),
        descriptor: &Descriptor,
    ) -> Disk<TagWrite> {
        let open_files = &self.0.open_files;
        let mut waits_since = folder.writer.lock().await;
        loop {
            let (folder, tag, descriptor) = (Arc::clone(folder), tag.clone(), descriptor.clone());
            let condition = condition.clone();
            if let Some(write) = open_files.run(move || folder.try_set_tag(&tag, &condition, &descriptor)).await? {
                *waits_since = None;
                return Ok(write);
            }
            // The next writers have waited as long as this one, so they try only once more.
            if waits_since.get_or_insert_with(Instant::now).elapsed() >= LOCK_LIMIT {
                return Err(ErrorKind::Layout(LayoutFault::Locked(LOCK_LIMIT)));
            }
            open_files.pause(LOCK_STEP).await?;
        }
    }

    fn folder(&self, dir: &LayoutDir) -> Arc<LayoutFolder> {
        let mut folders = lock(&self.0.folders);
        let new = || Arc::new(LayoutFolder::new(dir, self.0.targets.contains(dir)));
        Arc::clone(folders.entry(dir.clone()).or_insert_with(new))
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: Operation,
        target: ErrorTarget,
        work: impl Fn() -> Disk<T> + Send + Sync + 'static,
    ) -> Result<T> {
        self.0.open_files.run(work).await.map_err(|kind| error(operation, target, kind))
    }
}

fn named(dir: &LayoutDir, locator: &Locator) -> ErrorTarget {
    Reference { place: Place::Layout(dir.clone()), locator: locator.clone() }.into()
}

fn named_digest(dir: &LayoutDir, digest: &Digest) -> ErrorTarget {
    named(dir, &Locator::Digest(digest.clone()))
}

fn error(operation: Operation, target: ErrorTarget, kind: ErrorKind) -> Box<RegistryError> {
    Failure::of(kind).at(operation, target)
}

/// Returns the error for a file of a layout.
fn fault(path: &std::path::Path, why: impl std::fmt::Display) -> ErrorKind {
    ErrorKind::Layout(format!("{} {why}", path.display()).into())
}

#[cfg(test)]
mod tests;
