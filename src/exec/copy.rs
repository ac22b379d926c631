//! [`Copier`]: puts the members of lists into their targets, blobs first, each thing once in a run.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc::Sender;

use crate::oci::{Descriptor, Digest, ImageManifest, Locator, Payload, Place};
use crate::plan::Child;
use crate::registry::{Copied, ErrorKind, Registry};

use super::failure::Failure;
use super::flight::Flights;
use super::wire::{Progress, Wire};

/// Held while blobs are on their way: when the last is dropped, all of them are there or have failed.
pub(super) type BlobsOpen = Sender<Infallible>;

/// What came of putting something into a target, and where from.
type Put<T> = (Place, Result<T, Failure>);

/// Copies children. What one list has copied, or failed to copy, the others don't try again.
pub(super) struct Copier<'a, R> {
    registry: &'a R,
    wire: &'a Wire,
    children: Flights<(Place, Digest), Put<()>>,
    blobs: Flights<(Place, Digest), Put<Copied>>,
}

/// One child on its way.
#[derive(Clone, Copy)]
pub(super) struct Errand<'a> {
    /// The place of its list in the plan.
    pub(super) list: usize,
    /// Which child.
    pub(super) child: &'a Child,
    /// Where it has to stand.
    pub(super) target: &'a Place,
}

impl<'a, R: Registry> Copier<'a, R> {
    /// Nothing copied yet.
    pub(super) fn new(registry: &'a R, wire: &'a Wire) -> Self {
        Self { registry, wire, children: Flights::default(), blobs: Flights::default() }
    }

    /// Makes the child stand in its target: its blobs, then its manifest by digest.
    pub(super) async fn child(&self, errand: Errand<'_>, open: BlobsOpen) -> Result<(), Failure> {
        let Errand { child, target, .. } = errand;
        let key = (target.clone(), child.descriptor.digest.clone());
        let (from, result) =
            self.children.once(key, async { (child.from.clone(), self.stand(errand, Some(open)).await) }).await;
        match result {
            // Another list took it from elsewhere: what was wrong there need not be wrong here.
            Err(_) if from != child.from => self.stand(errand, None).await,
            result => result,
        }
    }

    async fn stand(&self, errand: Errand<'_>, open: Option<BlobsOpen>) -> Result<(), Failure> {
        let Errand { list, child, .. } = errand;
        let digest = &child.descriptor.digest;
        let reference = child.from.with_digest(digest);
        let payload = match &child.payload {
            Some(payload) => payload.clone(),
            None => self.registry.manifest(&child.from, digest).await?.ok_or_else(|| Failure::gone(&reference))?,
        };
        let manifest = ImageManifest::parse(&payload).map_err(|why| Failure::malformed(&reference, &why))?;
        let blobs: BTreeMap<&Digest, &Descriptor> = manifest.blobs().map(|blob| (&blob.digest, blob)).collect();
        // Sizes are what the manifest says, and it may say anything.
        let size = blobs.values().fold(0_u64, |size, blob| size.saturating_add(blob.size));
        let progress = Progress::new(list, child.platform.clone(), size);
        let copies = join_all(blobs.values().map(|blob| self.blob(blob, errand, &progress))).await;
        copies.into_iter().collect::<Result<(), Failure>>()?;
        drop(open);
        self.put(errand, &payload, &blobs).await
    }

    async fn blob(&self, blob: &Descriptor, errand: Errand<'_>, progress: &Arc<Progress>) -> Result<(), Failure> {
        let from = &errand.child.from;
        let _watch = self.wire.watch(&blob.digest, progress);
        let key = (errand.target.clone(), blob.digest.clone());
        let (source, result) = self.blobs.once(key, async { (from.clone(), self.send(blob, errand).await) }).await;
        let copied = match result {
            Err(_) if source != *from => self.send(blob, errand).await?,
            result => result?,
        };
        if copied == Copied::Mounted {
            progress.spare(blob.size);
        }
        Ok(())
    }

    async fn send(&self, blob: &Descriptor, errand: Errand<'_>) -> Result<Copied, Failure> {
        Ok(self.registry.copy_blob(blob, &errand.child.from, errand.target).await?)
    }

    /// Writes the manifest. A registry that does not see a blob is first given it again, whatever was done before,
    /// then the time to see it.
    async fn put(
        &self,
        errand: Errand<'_>,
        payload: &Payload,
        blobs: &BTreeMap<&Digest, &Descriptor>,
    ) -> Result<(), Failure> {
        let locator = Locator::Digest(payload.digest().clone());
        let (mut pauses, mut given_again) = (lag(), false);
        loop {
            let Err(error) = self.registry.put_manifest(errand.target, &locator, payload).await else { return Ok(()) };
            let ErrorKind::ContentUnknown(named) = &error.kind else { return Err(error.into()) };
            let unseen = blobs.values().filter(|blob| named.is_empty() || named.contains(&blob.digest));
            if !given_again {
                given_again = true;
                let copies = join_all(unseen.map(|blob| self.send(blob, errand))).await;
                copies.into_iter().collect::<Result<Vec<_>, Failure>>()?;
            } else if let Some(pause) = pauses.next() {
                tokio::time::sleep(pause).await;
            } else {
                return Err(error.into());
            }
        }
    }
}

/// How long a registry is given to see what was just pushed: 300 ms, then doubling, 4.5 s in all.
pub(super) fn lag() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(Duration::from_millis(300)), |pause| Some(*pause * 2)).take(4)
}

#[cfg(test)]
mod tests;
