//! [`TagWriter`]: moves tags. Each is looked at before it is written, and judged by what it names afterwards.

use std::time::Duration;

use crate::oci::{Locator, Payload, Place};
use crate::plan::TagChange;
use crate::registry::{ErrorKind, Registry, RegistryError};

use super::copy::lag;
use super::failure::Failure;
use super::report::TagDone;
use super::stop::Stop;

/// How long the answer to the PUT of a tag is waited for once the run is being stopped.
const GRACE: Duration = Duration::from_secs(4);

/// Writes one list by its tags.
pub(super) struct TagWriter<'a, R> {
    /// Where to.
    pub(super) registry: &'a R,
    /// Heeded while an answer is waited for.
    pub(super) stop: &'a Stop,
    /// The target of the list.
    pub(super) target: &'a Place,
    /// The list.
    pub(super) payload: &'a Payload,
    /// Whether children were pushed for it in this run, and the registry may not see them yet.
    pub(super) fresh: bool,
}

/// What a tag was found to name before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// What it named when the list was planned.
    AsPlanned,
    /// The list: an earlier attempt got further than it knew.
    Ours,
}

/// A tag that does not, or may not, name the list.
pub(super) struct Unwritten {
    /// [`TagDone::No`] or [`TagDone::Unknown`].
    pub(super) done: TagDone,
    /// Why.
    pub(super) why: Failure,
}

/// What to do after a PUT that failed.
enum Verdict {
    /// The tag names the list.
    Written,
    /// It names what it did: the failure stands, unless there is reason to repeat.
    Untouched,
    /// Someone else wrote it, or nobody knows.
    Final(Unwritten),
}

impl<R: Registry> TagWriter<'_, R> {
    /// Looks whether the tag is still as it was when the list was planned.
    pub(super) async fn recheck(&self, tag: &TagChange) -> Result<Found, Failure> {
        let reference = self.target.tagged(&tag.tag);
        let found = self.registry.head(&reference).await?.map(|descriptor| descriptor.digest);
        if found.as_ref() == Some(self.payload.digest()) {
            Ok(Found::Ours)
        } else if found == tag.from {
            Ok(Found::AsPlanned)
        } else {
            Err(Failure::moved(&reference, tag.from.as_ref(), found.as_ref()))
        }
    }

    /// Makes the tag name the list. Once the run is being stopped, the answer is waited for a little and no more.
    pub(super) async fn write(&self, tag: &TagChange) -> Result<(), Unwritten> {
        let too_long = async {
            self.stop.requested().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            result = self.put(tag) => result,
            () = too_long => Err(Unwritten { done: TagDone::Unknown, why: Failure::Stopped }),
        }
    }

    async fn put(&self, tag: &TagChange) -> Result<(), Unwritten> {
        let locator = Locator::Tag(tag.tag.clone());
        let (mut pauses, mut repeated) = (lag(), false);
        loop {
            let Err(error) = self.registry.put_manifest(self.target, &locator, self.payload).await else {
                return Ok(());
            };
            match self.judge(tag, &error).await {
                Verdict::Written => return Ok(()),
                Verdict::Final(unwritten) => return Err(unwritten),
                Verdict::Untouched => {}
            }
            let stands = Unwritten { done: TagDone::No, why: Failure::from(error.clone()) };
            if self.stop.signal().is_some() {
                return Err(stands);
            }
            if self.fresh && matches!(error.kind, ErrorKind::ContentUnknown(_)) {
                let Some(pause) = pauses.next() else { return Err(stands) };
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.stop.requested() => return Err(stands),
                }
            } else if is_transient(&error.kind) && !repeated {
                repeated = true;
            } else {
                return Err(stands);
            }
        }
    }

    /// Looks what the tag names after a PUT that failed: registries that refuse a repeat have often taken the first.
    async fn judge(&self, tag: &TagChange, error: &RegistryError) -> Verdict {
        if error.kind == ErrorKind::Stopped && error.attempts == 0 {
            return Verdict::Final(Unwritten { done: TagDone::No, why: Failure::Stopped });
        }
        let reference = self.target.tagged(&tag.tag);
        let Ok(found) = self.registry.head(&reference).await else {
            let done = if is_transient(&error.kind) { TagDone::Unknown } else { TagDone::No };
            return Verdict::Final(Unwritten { done, why: Failure::from(Box::new(error.clone())) });
        };
        let found = found.map(|descriptor| descriptor.digest);
        if found.as_ref() == Some(self.payload.digest()) {
            Verdict::Written
        } else if found == tag.from || found.is_none() {
            // Absent is untouched too: zot drops a tag whose PUT fails with 500, and nobody's work is lost by a repeat.
            Verdict::Untouched
        } else {
            let why = Failure::moved(&reference, tag.from.as_ref(), found.as_ref());
            Verdict::Final(Unwritten { done: TagDone::No, why })
        }
    }
}

/// Whether the request may have been carried out though it failed, and may succeed at once when it is repeated.
fn is_transient(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unreachable(_) | ErrorKind::Server | ErrorKind::RateLimited { .. } | ErrorKind::Stopped)
}

#[cfg(test)]
mod tests;
