//! [`LayoutFolder`]: one layout. Its methods wait for the disk, so they run on threads where they do not block other
//! tasks.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;

use bytes::Bytes;
use tempfile::NamedTempFile;
use tokio::time::Instant;

use crate::oci::{
    Descriptor, Digest, Entry, ImageManifest, Index, LayoutContents, LayoutDir, Locator, MalformedJson, MediaType,
    Payload, Tag,
};
use crate::registry::{ExpectedTag, TagWrite, referrers};

use super::contents::{self, IndexJson};
use super::proofs::Proofs;
use super::{CONFIG_LIMIT, Disk, ErrorKind, LayoutFault, MANIFEST_LIMIT, fault, files};

/// The file that the unpacked archive of `docker save` has.
const DOCKER_MANIFEST: &str = "manifest.json";

/// The folder of one layout, and what a run knows about it.
#[derive(Debug)]
pub(super) struct LayoutFolder {
    root: PathBuf,
    /// Whether lists are published here. Then content that is damaged is written again.
    is_target: bool,
    proofs: Proofs,
    /// Done once the temporary files of killed runs are removed.
    is_clean: Once,
    /// The lock for tasks that change `index.json`. It contains since when they wait for another process, if they do.
    pub(super) writer: tokio::sync::Mutex<Option<Instant>>,
}

/// When a tag may be written. It is checked under the lock.
#[derive(Debug, Clone)]
pub(super) enum TagCondition {
    /// Whatever it names.
    Always,
    /// If it names this digest (`None`: if it does not exist), or the new manifest already.
    Names(Option<Digest>),
}

impl LayoutFolder {
    pub(super) fn new(dir: &LayoutDir, is_target: bool) -> Self {
        let (root, proofs) = (dir.path().to_owned(), Proofs::default());
        Self { root, is_target, proofs, is_clean: Once::new(), writer: tokio::sync::Mutex::default() }
    }

    pub(super) fn head(&self, locator: &Locator) -> Disk<Option<Descriptor>> {
        let Some(index) = IndexJson::read(&self.root)? else { return Ok(None) };
        let manifest = match locator {
            Locator::Tag(tag) => match index.tagged(tag)? {
                Some(digest) => self.tagged_manifest(&index, &digest)?,
                None => None,
            },
            Locator::Digest(digest) if self.is_target => match self.read_manifest(&index, digest) {
                Ok(Some(manifest)) if !self.is_whole(&manifest)? => None,
                Err(ErrorKind::Layout(LayoutFault::Corrupt(_)) | ErrorKind::TooLarge { .. }) => None,
                manifest => manifest?,
            },
            Locator::Digest(digest) => self.read_manifest(&index, digest)?,
        };
        Ok(manifest.map(|manifest| manifest.descriptor().clone()))
    }

    pub(super) fn manifest(&self, digest: &Digest) -> Disk<Option<Payload>> {
        let Some(index) = IndexJson::read(&self.root)? else { return Ok(None) };
        let manifest = self.read_manifest(&index, digest)?;
        if let Some(manifest) = manifest.as_ref().filter(|_| !self.is_target) {
            self.require_layers(manifest)?;
        }
        Ok(manifest)
    }

    /// Returns what the directory holds, to explain why something is not found.
    pub(super) fn contents(&self) -> Disk<LayoutContents> {
        if let Some(index) = IndexJson::read(&self.root)? {
            return Ok(LayoutContents::Names(index.names()));
        }
        Ok(match files::names(&self.root)? {
            None => LayoutContents::NoFolder,
            Some(names) if names.is_empty() => LayoutContents::Empty,
            Some(names) if names.iter().any(|name| name == DOCKER_MANIFEST) => LayoutContents::DockerArchive,
            Some(_) => LayoutContents::Other,
        })
    }

    pub(super) fn tags(&self) -> Disk<Option<BTreeSet<Tag>>> {
        Ok(IndexJson::read(&self.root)?.map(|index| index.tags()))
    }

    pub(super) fn referrers(&self, subject: &Digest, artifact_type: Option<&str>) -> Disk<Option<Vec<Entry>>> {
        let Some(index) = IndexJson::read(&self.root)? else { return Ok(None) };
        let read = |named: &Digest| self.read_manifest(&index, named).ok().flatten();
        let referrers = index.digests();
        let referrers = referrers.iter().filter_map(read).filter_map(|it| Entry::referrer(&it, subject));
        let is_wanted =
            |entry: &Entry| artifact_type.is_none_or(|wanted| entry.artifact_type.as_deref() == Some(wanted));
        let mut found: Vec<Entry> = referrers.filter(is_wanted).collect();
        let tagged = referrers::tag(subject).and_then(|tag| index.tagged(&tag).ok().flatten());
        let tagged = tagged.as_ref().and_then(read);
        for entry in tagged.and_then(|it| referrers::named(&it, artifact_type).ok()).unwrap_or_default() {
            if found.iter().all(|other| other.descriptor.digest != entry.descriptor.digest) {
                found.push(entry);
            }
        }
        Ok(referrers::some(found))
    }

    pub(super) fn config(&self, digest: &Digest) -> Disk<Option<Payload>> {
        let bytes = files::read_blob(&self.root, digest, CONFIG_LIMIT)?;
        bytes.map(|bytes| verified(MediaType::OciConfig, bytes, digest)).transpose()
    }

    pub(super) fn open(&self, blob: &Descriptor) -> Disk<Option<File>> {
        let Some((file, size)) = files::open_blob(&self.root, &blob.digest)? else { return Ok(None) };
        if size != blob.size {
            let path = files::blob_path(&self.root, &blob.digest);
            return Err(fault(&path, format_args!("has {size} bytes, but its descriptor has size {}", blob.size)));
        }
        Ok(Some(file))
    }

    /// Whether a blob is there with the right bytes. It may then be named: it is synced to disk.
    pub(super) fn has_blob(&self, blob: &Descriptor) -> Disk<bool> {
        self.proofs.has_synced(&self.root, blob)
    }

    /// Creates the temporary file for a blob. Also returns the path that the blob gets.
    pub(super) fn begin_blob(&self, digest: &Digest) -> Disk<(PathBuf, NamedTempFile)> {
        self.clean();
        let path = files::make_blob_path(&self.root, digest)?;
        let file = files::create_temporary(&path)?;
        Ok((path, file))
    }

    /// Gives a temporary file, whose bytes were verified, its name.
    pub(super) fn finish_blob(&self, digest: &Digest, file: NamedTempFile, path: &Path) -> Disk<()> {
        let file = files::persist(file, path)?;
        self.proofs.add(digest, &file);
        Ok(())
    }

    /// Writes a manifest under its digest. Everything that it names must be there. Afterwards it may be named: all
    /// blobs of the layout are synced to disk.
    pub(super) fn put(&self, manifest: &Payload) -> Disk<()> {
        self.clean();
        files::create_layout(&self.root)?;
        let missing = self.missing(manifest)?;
        if !missing.is_empty() {
            return Err(ErrorKind::ContentUnknown(missing));
        }
        files::replace(&files::make_blob_path(&self.root, manifest.digest())?, manifest.bytes())?;
        files::sync_blobs(&self.root)
    }

    /// Sets a tag if the condition holds. `None` if another process has locked the layout.
    pub(super) fn try_set_tag(
        &self,
        tag: &Tag,
        condition: &TagCondition,
        descriptor: &Descriptor,
    ) -> Disk<Option<TagWrite>> {
        let Some(_lock) = self.try_lock()? else { return Ok(None) };
        let Some(mut index) = IndexJson::read(&self.root)? else {
            return Err(fault(&self.root, "is not a layout any more"));
        };
        if let TagCondition::Names(names) = condition {
            let found = index.tagged(tag)?;
            if !(ExpectedTag { tag, names: names.as_ref() }).allows(found.as_ref(), &descriptor.digest) {
                return Ok(Some(TagWrite::Moved { found }));
            }
        }
        index.set(tag, descriptor);
        files::replace(&self.root.join(contents::INDEX), &index.encode())?;
        files::sync_folder(&self.root)?;
        Ok(Some(TagWrite::Written))
    }

    /// Locks the layout against writes by other processes, until the file is dropped or the process ends. `None` if
    /// another process has locked it.
    fn try_lock(&self) -> Disk<Option<File>> {
        // `oci-layout` is never replaced once it exists. `index.json` is replaced, and its lock would be lost.
        let path = self.root.join(contents::MARKER);
        let file = files::open_to_lock(&path).map_err(|error| files::unwritable(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            // Some network file systems do not support locks. A single writer must still be able to write there.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(Some(file)),
            Err(TryLockError::Error(error)) => Err(fault(&path, format_args!("cannot be locked: {error}"))),
        }
    }

    /// Removes the temporary files of killed runs, once per run.
    fn clean(&self) {
        self.is_clean.call_once(|| files::remove_abandoned(&self.root));
    }

    fn read_manifest(&self, index: &IndexJson, digest: &Digest) -> Disk<Option<Payload>> {
        let Some(bytes) = files::read_blob(&self.root, digest, MANIFEST_LIMIT)? else { return Ok(None) };
        if !digest.matches(&bytes) {
            return Err(ErrorKind::Layout(LayoutFault::Corrupt(digest.clone())));
        }
        // A blob that is not a manifest is not found as a manifest, as in a registry.
        let Some(media_type) = contents::manifest_type(&bytes, index.type_of(digest)) else { return Ok(None) };
        verified(media_type, bytes, digest).map(Some)
    }

    /// Reads the manifest that a tag names. In a target, a missing one is written again. In a source, it is an error:
    /// the image is not absent, but damaged.
    fn tagged_manifest(&self, index: &IndexJson, digest: &Digest) -> Disk<Option<Payload>> {
        let manifest = self.read_manifest(index, digest)?;
        if manifest.is_some() || self.is_target {
            return Ok(manifest);
        }
        Err(match files::open_blob(&self.root, digest)? {
            None => ErrorKind::Layout(LayoutFault::NoManifest(digest.clone())),
            Some(_) => fault(&files::blob_path(&self.root, digest), "is not a manifest"),
        })
    }

    /// Checks that the layers of an image exist with the right size. Their bytes are verified when they are copied.
    fn require_layers(&self, manifest: &Payload) -> Disk<()> {
        let Some((layer, size)) = self.damaged_layer(manifest)? else { return Ok(()) };
        let Descriptor { digest, size: expected, .. } = layer;
        Err(ErrorKind::Layout(match size {
            None => LayoutFault::NoLayer(digest),
            Some(actual) => LayoutFault::WrongSize { digest, expected, actual },
        }))
    }

    /// Returns the first layer of an image that is missing or has another size, and that size.
    fn damaged_layer(&self, manifest: &Payload) -> Disk<Option<(Descriptor, Option<u64>)>> {
        let image = Some(manifest).filter(|manifest| manifest.media_type().is_image()).map(ImageManifest::parse);
        let Some(Ok(image)) = image else { return Ok(None) };
        for layer in image.layers.into_iter().filter(|layer| !layer.is_foreign).map(|layer| layer.descriptor) {
            let size = files::open_blob(&self.root, &layer.digest)?.map(|(_, size)| size);
            if size != Some(layer.size) {
                return Ok(Some((layer, size)));
            }
        }
        Ok(None)
    }

    /// Whether everything that `manifest` names is there. Manifests and configs are hashed. Layers may be very large,
    /// so only their sizes are compared.
    fn is_whole(&self, manifest: &Payload) -> Disk<bool> {
        if manifest.media_type().is_image() {
            let Ok(image) = ImageManifest::parse(manifest) else { return Ok(true) };
            if self.damaged_layer(manifest)?.is_some() {
                return Ok(false);
            }
            return self.proofs.has(&self.root, &image.config);
        }
        let Ok(named) = named_by(manifest) else { return Ok(true) };
        named.iter().try_fold(true, |is_whole, named| Ok(is_whole && self.proofs.has(&self.root, named)?))
    }

    /// Returns the digests that `manifest` names and the layout does not have.
    fn missing(&self, manifest: &Payload) -> Disk<Vec<Digest>> {
        let named = named_by(manifest).map_err(|why| ErrorKind::Layout(why.to_string().into()))?;
        let mut missing = Vec::new();
        for descriptor in named {
            if !self.has_blob(&descriptor)? && !missing.contains(&descriptor.digest) {
                missing.push(descriptor.digest);
            }
        }
        Ok(missing)
    }
}

/// Returns the children or blobs that a manifest names. Foreign layers are excluded.
fn named_by(manifest: &Payload) -> Result<Vec<Descriptor>, MalformedJson> {
    if manifest.media_type().is_index() {
        Ok(Index::parse(manifest)?.entries.into_iter().map(|entry| entry.descriptor).collect())
    } else if manifest.media_type().is_image() {
        Ok(ImageManifest::parse(manifest)?.blobs().cloned().collect())
    } else {
        Ok(Vec::new())
    }
}

fn verified(media_type: MediaType, bytes: Bytes, digest: &Digest) -> Disk<Payload> {
    Payload::verified(media_type, bytes, digest).map_err(|_| ErrorKind::Layout(LayoutFault::Corrupt(digest.clone())))
}
