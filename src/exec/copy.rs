//! [`ChildCopier`]: puts the members of lists into their targets, blobs first, each thing once in a run.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::mpsc::Sender;

use crate::oci::{Descriptor, Digest, ImageManifest, Locator, Payload, Place};
use crate::plan::Child;
use crate::registry::{Copied, ErrorKind, Registry, Way};

use super::event_relay::{CopyProgress, EventRelay};
use super::failure::StepFailure;
use super::lag::lag;
use super::single_flight::SingleFlight;
use super::tags::PushAgain;

/// Held while blobs are on their way: when the last is dropped, all of them are there or have failed.
pub(super) type BlobsOpen = Sender<Infallible>;

/// What came of putting something into a target, and where from.
type Put<T> = (Place, Result<T, StepFailure>);

/// Copies children. What one list has copied, or failed to copy, the others don't try again.
pub(super) struct ChildCopier<'a, R> {
    registry: &'a R,
    relay: &'a EventRelay,
    children: SingleFlight<(Place, Digest), Put<()>>,
    blobs: SingleFlight<(Place, Digest), Put<Copied>>,
    /// Foreign layers. What is one to an old image may be a layer like any other to a new one, and then has to stand.
    foreign: SingleFlight<(Place, Digest), Put<Copied>>,
    /// Those that were sent because the registry did not see them.
    sent: SingleFlight<(Place, Digest), Put<Copied>>,
}

/// One child on its way.
#[derive(Clone, Copy)]
pub(super) struct CopyTask<'a> {
    /// The place of its list in the plan.
    pub(super) list: usize,
    /// Which child.
    pub(super) child: &'a Child,
    /// Where it has to stand.
    pub(super) target: &'a Place,
}

impl<'a, R: Registry> ChildCopier<'a, R> {
    /// Nothing copied yet.
    pub(super) fn new(registry: &'a R, relay: &'a EventRelay) -> Self {
        let (children, blobs) = Default::default();
        let (foreign, sent) = Default::default();
        Self { registry, relay, children, blobs, foreign, sent }
    }

    /// Makes the child stand in its target: its blobs, then its manifest by digest.
    pub(super) async fn child(&self, task: CopyTask<'_>, open: BlobsOpen) -> Result<(), StepFailure> {
        let CopyTask { child, target, .. } = task;
        let key = (target.clone(), child.descriptor.digest.clone());
        let (from, result) =
            self.children.once(key, async { (child.from.clone(), self.stand(task, Some(open)).await) }).await;
        match result {
            // Another list took it from elsewhere: what was wrong there need not be wrong here.
            Err(_) if from != child.from => self.stand(task, None).await,
            result => result,
        }
    }

    async fn stand(&self, task: CopyTask<'_>, open: Option<BlobsOpen>) -> Result<(), StepFailure> {
        let CopyTask { list, child, .. } = task;
        let (payload, manifest) = self.read(task).await?;
        let parts = ImageBlobs::of(&manifest);
        // Sizes are what the manifest says, and it may say anything.
        let size = parts.blobs.values().fold(0_u64, |size, blob| size.saturating_add(blob.size));
        let progress = CopyProgress::new(list, child.platform.clone(), size);
        let blobs = join_all(parts.blobs.values().map(|blob| self.blob(blob, task, &progress)));
        let foreign = join_all(parts.foreign.values().map(|layer| self.foreign(layer, task)));
        let (blobs, foreign) = tokio::join!(blobs, foreign);
        blobs.into_iter().chain(foreign).collect::<Result<(), StepFailure>>()?;
        drop(open);
        self.put(task, &payload, &parts).await
    }

    /// Writes the child's manifest once more: the registry took it, and does not see it.
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

    /// A foreign layer is taken along where that costs no bytes. Where it is not, the registry does not ask for it: it
    /// is fetched from the places that the manifest names, by those who run the image.
    async fn foreign(&self, layer: &Descriptor, task: CopyTask<'_>) -> Result<(), StepFailure> {
        self.once(&self.foreign, layer, task, Way::Mount).await.map(drop)
    }

    /// Copies a blob, unless it was tried before in `flights`, from there.
    async fn once(
        &self,
        flights: &SingleFlight<(Place, Digest), Put<Copied>>,
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

    /// Writes the manifest. A registry that does not see a blob is first given time, as what was just pushed may need
    /// it, then the bytes, whatever it said of them before, then time again.
    async fn put(&self, task: CopyTask<'_>, payload: &Payload, parts: &ImageBlobs<'_>) -> Result<(), StepFailure> {
        let locator = Locator::Digest(payload.digest().clone());
        let mut cures = lag().map(Some).collect::<Vec<_>>();
        cures.insert(2, None);
        let mut cures = cures.into_iter();
        loop {
            let Err(error) = self.registry.put_manifest(task.target, &locator, payload).await else { return Ok(()) };
            match (&error.kind, cures.len()) {
                // Some refuse to write again what stands there as it is.
                (ErrorKind::Immutable | ErrorKind::Refused, _) if self.stands(task).await => return Ok(()),
                (ErrorKind::ContentUnknown(named), 1..) => match cures.next().flatten() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => self.send(task, parts, named).await?,
                },
                _ => return Err(error.into()),
            }
        }
    }

    /// Whether the child stands in its target, by the registry's own word.
    async fn stands(&self, task: CopyTask<'_>) -> bool {
        let digest = &task.child.descriptor.digest;
        let head = self.registry.head(&task.target.with_digest(digest)).await;
        head.is_ok_and(|head| head.is_some_and(|head| head.digest == *digest))
    }

    /// Sends the blobs that are `named`, or all where none is.
    async fn send(&self, task: CopyTask<'_>, parts: &ImageBlobs<'_>, named: &[Digest]) -> Result<(), StepFailure> {
        let unseen = |digest: &Digest| named.is_empty() || named.contains(digest);
        let blobs = parts.blobs.values().filter(|blob| unseen(&blob.digest));
        let blobs = join_all(blobs.map(|blob| self.once(&self.sent, blob, task, Way::Send)));
        // Only what a registry asks for by name: the source need not have it, and then the refusal says enough.
        let foreign = parts.foreign.values().filter(|layer| named.contains(&layer.digest));
        let foreign = join_all(foreign.map(|layer| self.once(&self.sent, layer, task, Way::Send)));
        let (blobs, _) = tokio::join!(blobs, foreign);
        blobs.into_iter().try_for_each(|copied| copied.map(drop))
    }
}

/// The children of one list that were pushed for it.
pub(super) struct Pushed<'a, R> {
    pub(super) copier: &'a ChildCopier<'a, R>,
    /// The place of the list in the plan.
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

/// What a child is made of, each part once.
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
