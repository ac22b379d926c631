//! [`ChildCopier`]: copies the members of lists into their targets, blobs first, each thing once per run.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::mpsc::Sender;

use crate::oci::{Descriptor, Digest, ImageManifest, Locator, Payload, Place};
use crate::plan::{CheckDepth, Child};
use crate::registry::{Copied, ErrorKind, Registry, Way};

use super::event_relay::{CopyProgress, EventRelay};
use super::failure::StepFailure;
use super::lag::{lag, sleep};
use super::single_flight::SingleFlight;
use super::tags::PushAgain;

/// Held while blobs are being copied. Once the last one is dropped, all blobs are in the target or have failed.
pub(super) type BlobsOpen = Sender<Infallible>;

/// The result of copying something into a target, and the place it was copied from.
type CopyResult<T> = (Place, Result<T, StepFailure>);

/// Copies children. What one list has copied, or failed to copy, is not tried again for another list.
pub(super) struct ChildCopier<'a, R> {
    registry: &'a R,
    relay: &'a EventRelay,
    children: SingleFlight<(Place, Digest), CopyResult<()>>,
    blobs: SingleFlight<(Place, Digest), CopyResult<Copied>>,
    /// Foreign layers, kept apart from `blobs`: a foreign layer of an old image may be a normal layer of a new one, and
    /// then it must be in the target.
    foreign: SingleFlight<(Place, Digest), CopyResult<Copied>>,
    /// Blobs that were sent because the registry did not see them.
    sent: SingleFlight<(Place, Digest), CopyResult<Copied>>,
}

/// The copy of one child.
#[derive(Clone, Copy)]
pub(super) struct CopyTask<'a> {
    /// The position of its list in the plan.
    pub(super) list: usize,
    /// The child.
    pub(super) child: &'a Child,
    /// The place it is copied to.
    pub(super) target: &'a Place,
}

impl<'a, R: Registry> ChildCopier<'a, R> {
    /// Creates a copier for a run in which nothing is copied yet.
    pub(super) fn new(registry: &'a R, relay: &'a EventRelay) -> Self {
        let (children, blobs) = Default::default();
        let (foreign, sent) = Default::default();
        Self { registry, relay, children, blobs, foreign, sent }
    }

    /// Copies the child into its target: first its blobs, then its manifest by digest.
    pub(super) async fn child(&self, task: CopyTask<'_>, open: BlobsOpen) -> Result<(), StepFailure> {
        let CopyTask { child, target, .. } = task;
        let key = (target.clone(), child.descriptor.digest.clone());
        let (from, result) =
            self.children.once(key, async { (child.from.clone(), self.copy_child(task, Some(open)).await) }).await;
        match result {
            // Another list copied it from another place, and a problem there does not have to exist here.
            Err(_) if from != child.from => self.copy_child(task, None).await,
            result => result,
        }
    }

    async fn copy_child(&self, task: CopyTask<'_>, open: Option<BlobsOpen>) -> Result<(), StepFailure> {
        let CopyTask { list, child, target } = task;
        let (payload, manifest) = self.read(task).await?;
        let parts = ImageBlobs::of(&manifest);
        // The sizes come from the manifest and can be any number, so the sum must not overflow.
        let size = parts.blobs.values().fold(0_u64, |size, blob| size.saturating_add(blob.size));
        let progress = self.relay.copying(list, child, target, size);
        let blobs = join_all(parts.blobs.values().map(|blob| self.blob(blob, task, &progress)));
        let foreign = join_all(parts.foreign.values().map(|layer| self.foreign(layer, task)));
        let (blobs, foreign) = tokio::join!(blobs, foreign);
        blobs.into_iter().chain(foreign).collect::<Result<(), StepFailure>>()?;
        drop(open);
        self.put(task, &payload, &parts).await?;
        if child.confirm > CheckDepth::List { self.confirm(task, &payload, &parts).await } else { Ok(()) }
    }

    /// Checks that the target has what was copied: no list may be written after it, so the registry may check nothing. The
    /// manifest is read, because some registries answer HEAD for one whose bytes are lost. A blob that the registry only
    /// reported to have is sent, and the manifest is written again.
    async fn confirm(&self, task: CopyTask<'_>, payload: &Payload, parts: &ImageBlobs<'_>) -> Result<(), StepFailure> {
        let digest = payload.digest();
        let mut pauses = lag();
        while self.registry.manifest(task.target, digest).await?.is_none() {
            // A new push may not be visible at once.
            let Some(pause) = pauses.next() else {
                return Err(StepFailure::not_stored(&task.target.with_digest(digest), "manifest"));
            };
            sleep(pause).await;
        }
        if task.child.confirm < CheckDepth::Blobs {
            return Ok(());
        }
        let unseen = self.unseen(task, parts).await?;
        if unseen.is_empty() {
            return Ok(());
        }
        self.send(task, parts, &unseen).await?;
        self.put(task, payload, parts).await?;
        match self.unseen(task, parts).await?.first() {
            Some(blob) => Err(StepFailure::not_stored(&task.target.with_digest(blob), "blob")),
            None => Ok(()),
        }
    }

    /// Returns the blobs that the target does not have.
    async fn unseen(&self, task: CopyTask<'_>, parts: &ImageBlobs<'_>) -> Result<Vec<Digest>, StepFailure> {
        let exists =
            parts.blobs.values().map(async |blob| Ok((blob, self.registry.has_blob(task.target, blob).await?)));
        let exists: Vec<_> = join_all(exists).await.into_iter().collect::<Result<_, StepFailure>>()?;
        Ok(exists.into_iter().filter(|(_, exists)| !exists).map(|(blob, _)| blob.digest.clone()).collect())
    }

    /// Writes the manifest of the child again, because the registry accepted it but does not see it.
    pub(super) async fn again(&self, task: CopyTask<'_>) -> Result<(), StepFailure> {
        let (payload, manifest) = self.read(task).await?;
        self.put(task, &payload, &ImageBlobs::of(&manifest)).await
    }

    async fn read(&self, task: CopyTask<'_>) -> Result<(Payload, ImageManifest), StepFailure> {
        let child = task.child;
        let digest = &child.descriptor.digest;
        let reference = child.from.with_digest(digest);
        let payload = match &child.payload {
            Some(payload) => payload.clone(),
            None => self.registry.manifest(&child.from, digest).await?.ok_or_else(|| StepFailure::gone(&reference))?,
        };
        let manifest = ImageManifest::parse(&payload).map_err(|why| StepFailure::malformed(&reference, &why))?;
        Ok((payload, manifest))
    }

    async fn blob(
        &self,
        blob: &Descriptor,
        task: CopyTask<'_>,
        progress: &Arc<CopyProgress>,
    ) -> Result<(), StepFailure> {
        let _watch = self.relay.watch(&blob.digest, progress);
        let copied = self.once(&self.blobs, blob, task, Way::MountOrSend).await?;
        if copied == Copied::Mounted {
            progress.spare(blob.size);
        }
        Ok(())
    }

    /// Copies a foreign layer if that costs no bytes. If it is not copied, the registry does not require it: clients
    /// download it from the URLs in the manifest.
    async fn foreign(&self, layer: &Descriptor, task: CopyTask<'_>) -> Result<(), StepFailure> {
        self.once(&self.foreign, layer, task, Way::Mount).await.map(drop)
    }

    /// Copies a blob, unless `flights` already has a result from the same place.
    async fn once(
        &self,
        flights: &SingleFlight<(Place, Digest), CopyResult<Copied>>,
        blob: &Descriptor,
        task: CopyTask<'_>,
        way: Way,
    ) -> Result<Copied, StepFailure> {
        let from = &task.child.from;
        let copy = async || Ok(self.registry.copy_blob(blob, from, task.target, way).await?);
        let key = (task.target.clone(), blob.digest.clone());
        let (source, result) = flights.once(key, async { (from.clone(), copy().await) }).await;
        match result {
            Err(_) if source != *from => copy().await,
            result => result,
        }
    }

    /// Writes the manifest. If the registry does not see a blob, it first gets time, because a new push may need it.
    /// Then the blobs are sent, whatever the registry reported about them before. Then it gets time again.
    async fn put(&self, task: CopyTask<'_>, payload: &Payload, parts: &ImageBlobs<'_>) -> Result<(), StepFailure> {
        let locator = Locator::Digest(payload.digest().clone());
        // After two pauses, the blobs are sent once (`None`), then the other pauses follow.
        let mut cures = lag().map(Some).collect::<Vec<_>>();
        cures.insert(2, None);
        let mut cures = cures.into_iter();
        loop {
            let Err(error) = self.registry.put_manifest(task.target, &locator, payload).await else { return Ok(()) };
            match (&error.kind, cures.len()) {
                // Some registries reject the write of a manifest that already exists unchanged.
                (ErrorKind::Immutable | ErrorKind::Refused, _) if self.exists(task).await => return Ok(()),
                // Artifactory requires the right to delete for it. To repair an image, its blobs are enough.
                (ErrorKind::Denied, _) if task.child.fault.is_some() && self.exists(task).await => return Ok(()),
                (ErrorKind::ContentUnknown(named), 1..) => match cures.next().flatten() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => self.send(task, parts, named).await?,
                },
                _ => return Err(error.into()),
            }
        }
    }

    /// Whether the child exists in its target, according to the registry.
    async fn exists(&self, task: CopyTask<'_>) -> bool {
        let digest = &task.child.descriptor.digest;
        let head = self.registry.head(&task.target.with_digest(digest)).await;
        head.is_ok_and(|head| head.is_some_and(|head| head.digest == *digest))
    }

    /// Sends the blobs in `named`, or all of them if it is empty.
    async fn send(&self, task: CopyTask<'_>, parts: &ImageBlobs<'_>, named: &[Digest]) -> Result<(), StepFailure> {
        let unseen = |digest: &Digest| named.is_empty() || named.contains(digest);
        let blobs = parts.blobs.values().filter(|blob| unseen(&blob.digest));
        let blobs = join_all(blobs.map(|blob| self.once(&self.sent, blob, task, Way::Send)));
        // Foreign layers are sent only if the registry names them. A failure is ignored: the source may not have them,
        // and then the registry's rejection is reported.
        let foreign = parts.foreign.values().filter(|layer| named.contains(&layer.digest));
        let foreign = join_all(foreign.map(|layer| self.once(&self.sent, layer, task, Way::Send)));
        let (blobs, _) = tokio::join!(blobs, foreign);
        blobs.into_iter().try_for_each(|copied| copied.map(drop))
    }
}

/// The children of one list that were pushed for it.
pub(super) struct Pushed<'a, R> {
    pub(super) copier: &'a ChildCopier<'a, R>,
    /// The position of the list in the plan.
    pub(super) list: usize,
    pub(super) children: &'a [Child],
    pub(super) target: &'a Place,
}

impl<R: Registry> PushAgain for Pushed<'_, R> {
    fn push_again<'s>(&'s self, named: &'s [Digest]) -> BoxFuture<'s, Result<(), StepFailure>> {
        let Self { copier, list, children, target } = *self;
        let unseen = |child: &&Child| named.is_empty() || named.contains(&child.descriptor.digest);
        let children = children.iter().filter(unseen);
        let written = join_all(children.map(move |child| copier.again(CopyTask { list, child, target })));
        Box::pin(async { written.await.into_iter().collect() })
    }
}

/// The blobs of a child, without duplicates.
struct ImageBlobs<'a> {
    blobs: BTreeMap<&'a Digest, &'a Descriptor>,
    foreign: BTreeMap<&'a Digest, &'a Descriptor>,
}

impl<'a> ImageBlobs<'a> {
    fn of(manifest: &'a ImageManifest) -> Self {
        let foreign = manifest.layers.iter().filter(|layer| layer.is_foreign).map(|layer| &layer.descriptor);
        let by_digest = |blob: &'a Descriptor| (&blob.digest, blob);
        Self { blobs: manifest.blobs().map(by_digest).collect(), foreign: foreign.map(by_digest).collect() }
    }
}

#[cfg(test)]
mod tests;
