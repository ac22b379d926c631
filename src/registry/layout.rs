//! [`Layouts`]: OCI image layouts on disk (image-spec image-layout.md), read and written like a repository.
//!
//! | file | holds |
//! |---|---|
//! | `files` | file access: regular files only, read up to a limit, written completely or not at all |
//! | `contents` | the content of `oci-layout` and `index.json`, and the type of a manifest |
//! | `blob` | blobs as streams that are verified while they are read or written |
//!
//! A layout itself rejects nothing, so this code rejects what a strict registry would reject: a manifest is written
//! only if everything it names exists in the layout. A tag is changed last, in one step (temporary file and rename).
//! Two writers wait for each other: tasks by a lock in memory, processes by a lock on the file `oci-layout`.
//!
//! "Not found" means that the folder does not exist, has no `oci-layout`, or has no such tag or blob.

use std::collections::{BTreeSet, HashMap};
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::Stream;

use crate::oci::{
    Descriptor, Digest, Entry, ImageManifest, Index, LayoutDir, Locator, MediaType, Payload, Place, Reference, Tag,
};

use super::error::Failure;
use super::{ErrorKind, ErrorTarget, Operation, RegistryError, Result, referrers};

mod blob;
mod contents;
mod files;

pub use blob::BlobReader;
use contents::IndexJson;

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
#[derive(Debug, Default, Clone)]
pub struct Layouts {
    /// One lock per layout, for tasks that change its `index.json`.
    writers: Arc<Mutex<HashMap<LayoutDir, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Layouts {
    /// Returns the type, digest and size of what `locator` names in `dir`.
    ///
    /// The manifest is read and verified for this: on disk this costs almost nothing, and a tag in `index.json` may
    /// name a blob that does not exist. By digest, any blob is found whose JSON is a manifest.
    ///
    /// # Errors
    /// Fails if the layout is malformed, or if the tag names several manifests.
    pub async fn head(&self, dir: &LayoutDir, locator: &Locator) -> Result<Option<Descriptor>> {
        let (root, locator) = (dir.path().to_owned(), locator.clone());
        blocking(Operation::Read, named(dir, &locator), move || {
            let Some(index) = IndexJson::read(&root)? else { return Ok(None) };
            let digest = match &locator {
                Locator::Tag(tag) => match index.tagged(tag)? {
                    Some(digest) => digest,
                    None => return Ok(None),
                },
                Locator::Digest(digest) => digest.clone(),
            };
            Ok(read_manifest(&root, &index, &digest)?.map(|payload| payload.descriptor().clone()))
        })
        .await
    }

    /// Returns the manifest of `digest`, verified. Its maximum size is 4 MiB.
    ///
    /// # Errors
    /// Fails if the layout is malformed, the manifest is too large, or its bytes do not match the digest.
    pub async fn manifest(&self, dir: &LayoutDir, digest: &Digest) -> Result<Option<Payload>> {
        let (root, digest) = (dir.path().to_owned(), digest.clone());
        blocking(Operation::Read, named_digest(dir, &digest), move || {
            IndexJson::read(&root)?.map_or(Ok(None), |index| read_manifest(&root, &index, &digest))
        })
        .await
    }

    /// Returns all tags of `dir`. Names in `index.json` that are not valid tags are ignored.
    ///
    /// # Errors
    /// Fails if the layout is malformed.
    pub async fn tags(&self, dir: &LayoutDir) -> Result<Option<BTreeSet<Tag>>> {
        let root = dir.path().to_owned();
        let tags = move || Ok(IndexJson::read(&root)?.map(|index| index.tags()));
        blocking(Operation::ReadTags, ErrorTarget::Place(Place::Layout(dir.clone())), tags).await
    }

    /// Returns the manifests whose subject is `digest`. They are found among the manifests that `index.json` names, and
    /// in the index that has the referrers tag of the distribution-spec. Manifests that cannot be read are ignored.
    ///
    /// # Errors
    /// Fails if the layout is malformed.
    pub async fn referrers(&self, dir: &LayoutDir, digest: &Digest) -> Result<Option<Vec<Entry>>> {
        let (root, digest) = (dir.path().to_owned(), digest.clone());
        blocking(Operation::ReadReferrers, named_digest(dir, &digest), move || {
            let Some(index) = IndexJson::read(&root)? else { return Ok(None) };
            let read = |named: &Digest| read_manifest(&root, &index, named).ok().flatten();
            let mut found: Vec<Entry> =
                index.digests().iter().filter_map(read).filter_map(|it| Entry::referrer(&it, &digest)).collect();
            let tagged = referrers::tag(&digest).and_then(|tag| index.tagged(&tag).ok().flatten());
            for entry in tagged.as_ref().and_then(read).and_then(|it| referrers::named(&it).ok()).unwrap_or_default() {
                if found.iter().all(|other| other.descriptor.digest != entry.descriptor.digest) {
                    found.push(entry);
                }
            }
            Ok(referrers::some(found))
        })
        .await
    }

    /// Returns the config blob of `digest`, verified. Its maximum size is 8 MiB. Its type is always the OCI one,
    /// because a layout does not contain the type.
    ///
    /// # Errors
    /// Fails if the blob is too large, its bytes do not match the digest, or it is not a regular file.
    pub async fn config(&self, dir: &LayoutDir, digest: &Digest) -> Result<Option<Payload>> {
        let (root, digest) = (dir.path().to_owned(), digest.clone());
        blocking(Operation::Read, named_digest(dir, &digest), move || {
            let bytes = files::read_blob(&root, &digest, CONFIG_LIMIT)?;
            bytes.map(|bytes| verified(MediaType::OciConfig, bytes, &digest)).transpose()
        })
        .await
    }

    /// Opens `blob` to send its bytes elsewhere.
    ///
    /// # Errors
    /// Fails if the blob is not a regular file or has another size.
    pub async fn open_blob(&self, dir: &LayoutDir, blob: &Descriptor) -> Result<Option<BlobReader>> {
        let (root, blob) = (dir.path().to_owned(), blob.clone());
        blocking(Operation::Read, named_digest(dir, &blob.digest), move || {
            let path = files::blob_path(&root, &blob.digest);
            let Some((file, size)) = files::open_blob(&root, &blob.digest)? else { return Ok(None) };
            if size != blob.size {
                return Err(fault(&path, format_args!("has {size} bytes, its descriptor says {}", blob.size)));
            }
            Ok(Some(BlobReader::new(file, &blob)))
        })
        .await
    }

    /// Whether `dir` has `blob` with the expected size. A blob of another size counts as missing, so it is written
    /// again.
    ///
    /// # Errors
    /// Fails if the blob is not a regular file.
    pub async fn has_blob(&self, dir: &LayoutDir, blob: &Descriptor) -> Result<bool> {
        let (root, blob) = (dir.path().to_owned(), blob.clone());
        blocking(Operation::Read, named_digest(dir, &blob.digest), move || has_blob(&root, &blob)).await
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
        blob::write(dir, blob, stream).await
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
        let (root, manifest) = (dir.path().to_owned(), payload.clone());
        blocking(Operation::Write, target.clone(), move || {
            files::create_layout(&root)?;
            let missing = missing_content(&root, &manifest)?;
            if !missing.is_empty() {
                return Err(ErrorKind::ContentUnknown(missing));
            }
            files::replace(&files::make_blob_path(&root, manifest.digest())?, manifest.bytes())
        })
        .await?;
        let Locator::Tag(tag) = locator else { return Ok(()) };

        let writers = self.writers_of(dir);
        let _in_memory = writers.lock().await;
        let _on_disk = lock(dir.path()).await.map_err(|kind| error(Operation::Write, target.clone(), kind))?;
        let (root, tag, descriptor) = (dir.path().to_owned(), tag.clone(), payload.descriptor().clone());
        blocking(Operation::Write, target, move || {
            let Some(mut index) = IndexJson::read(&root)? else {
                return Err(fault(&root, "is no layout any more"));
            };
            index.set(&tag, &descriptor);
            files::replace(&root.join(contents::INDEX), &index.encode())
        })
        .await
    }

    fn writers_of(&self, dir: &LayoutDir) -> Arc<tokio::sync::Mutex<()>> {
        // Every change under this lock is complete, so a poisoned lock can still be used.
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        writers.entry(dir.clone()).or_default().clone()
    }
}

fn read_manifest(root: &Path, index: &IndexJson, digest: &Digest) -> Disk<Option<Payload>> {
    let Some(bytes) = files::read_blob(root, digest, MANIFEST_LIMIT)? else { return Ok(None) };
    // A blob that is not a manifest is not found as a manifest, as in a registry.
    let Some(media_type) = contents::manifest_type(&bytes, index.type_of(digest)) else { return Ok(None) };
    verified(media_type, bytes, digest).map(Some)
}

fn verified(media_type: MediaType, bytes: Bytes, digest: &Digest) -> Disk<Payload> {
    Payload::verified(media_type, bytes, digest)
        .map_err(|actual| ErrorKind::WrongDigest { expected: digest.clone(), actual })
}

fn has_blob(root: &Path, blob: &Descriptor) -> Disk<bool> {
    Ok(files::blob_size(root, &blob.digest)? == Some(blob.size))
}

/// Returns the digests that `payload` names and the layout does not have.
fn missing_content(root: &Path, payload: &Payload) -> Disk<Vec<Digest>> {
    let malformed = |why: crate::oci::MalformedJson| ErrorKind::Layout(why.to_string());
    let named: Vec<Descriptor> = if payload.media_type().is_index() {
        Index::parse(payload).map_err(malformed)?.entries.into_iter().map(|entry| entry.descriptor).collect()
    } else if payload.media_type().is_image() {
        ImageManifest::parse(payload).map_err(malformed)?.blobs().cloned().collect()
    } else {
        Vec::new()
    };
    let mut missing = Vec::new();
    for descriptor in named {
        if !has_blob(root, &descriptor)? && !missing.contains(&descriptor.digest) {
            missing.push(descriptor.digest);
        }
    }
    Ok(missing)
}

/// Locks the layout against writes by other processes. The lock ends when the file is dropped or the process ends.
async fn lock(root: &Path) -> Disk<File> {
    // `oci-layout` is never replaced once it exists. `index.json` is replaced, and its lock would be lost.
    let path = root.join(contents::MARKER);
    let file = files::open_for_lock(&path)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_LIMIT => tokio::time::sleep(LOCK_STEP).await,
            Err(TryLockError::WouldBlock) => {
                return Err(fault(&path, format_args!("is locked by another process for {}s", LOCK_LIMIT.as_secs())));
            }
            // Some network file systems do not support locks. A single writer must still be able to write there.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(fault(&path, format_args!("cannot be locked: {error}"))),
        }
    }
}

/// Runs `work`, which waits for the disk, on a thread where it does not block other tasks.
async fn blocking<T: Send + 'static>(
    operation: Operation,
    target: ErrorTarget,
    work: impl FnOnce() -> Disk<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|kind| error(operation, target, kind)),
        Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
        // The runtime is shutting down.
        Err(_) => Err(error(operation, target, ErrorKind::Stopped)),
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
fn fault(path: &Path, why: impl std::fmt::Display) -> ErrorKind {
    ErrorKind::Layout(format!("{} {why}", path.display()))
}

#[cfg(test)]
mod tests;
