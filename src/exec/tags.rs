//! [`TagWriter`]: moves tags. Each tag is read before it is written, and again after a write that failed.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};

use crate::oci::{Digest, Locator, Payload, Place, Tag};
use crate::plan::TagChange;
use crate::registry::{self, ErrorKind, ExpectedTag, Registry, RegistryError, TagWrite};

use super::failure::StepFailure;
use super::lag::lag;
use super::look::look;
use super::report::TagDone;
use super::stop::Stop;

/// How long to wait for the response to the PUT of a tag once the run is being stopped.
const GRACE: Duration = Duration::from_secs(4);
/// How long to wait before a write that may have failed because of a race is repeated.
const RACE: Duration = Duration::from_millis(300);

/// Writes one list under its tags.
pub(super) struct TagWriter<'a, R> {
    /// The registry to write to.
    pub(super) registry: &'a R,
    /// Checked while waiting for a response.
    pub(super) stop: &'a Stop,
    /// The target of the list.
    pub(super) target: &'a Place,
    /// The list.
    pub(super) payload: &'a Payload,
    /// The children that were pushed for it in this run, if any.
    pub(super) pushed: Option<&'a dyn PushAgain>,
    /// When a tag may be written.
    pub(super) condition: WriteCondition,
}

/// When a tag may be written, where that can be checked in the same step: in layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteCondition {
    /// If it names what it named when it was last read.
    AsExpected,
    /// Whatever it names. Several releases write a floating tag, and each corrects it afterwards (see `floating`).
    Always,
}

/// The children that were pushed for a list in this run. The registry may not see them yet.
pub(super) trait PushAgain: Sync {
    /// Pushes the children in `named` again, or all of them if it is empty.
    fn push_again<'s>(&'s self, named: &'s [Digest]) -> BoxFuture<'s, Result<(), StepFailure>>;
}

/// Whether several tags may be written with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Together {
    /// Yes, although the request may turn out to write none of them.
    Try,
    /// No.
    No,
}

/// A tag that does not, or may not, name the list.
pub(super) struct Unwritten {
    /// [`TagDone::No`] or [`TagDone::Unknown`].
    pub(super) done: TagDone,
    /// Why.
    pub(super) why: StepFailure,
}

/// What to do after a PUT that failed.
enum PutVerdict {
    /// The tag names the list.
    Written,
    /// The tag names the same as before. The failure is final unless there is a reason to repeat the PUT.
    Untouched,
    /// Another writer wrote the tag, or its state is not known.
    Final(Unwritten),
}

impl<'a, R: Registry> TagWriter<'a, R> {
    /// Returns a writer for another manifest in the same target. Its children already exist there, so none are pushed.
    pub(super) fn of<'b>(&self, payload: &'b Payload) -> TagWriter<'b, R>
    where
        'a: 'b,
    {
        let (registry, stop, target, condition) = (self.registry, self.stop, self.target, self.condition);
        TagWriter { registry, stop, target, payload, pushed: None, condition }
    }

    /// Makes one tag name the list.
    pub(super) async fn write_one(&self, tag: &TagChange) -> Result<(), Unwritten> {
        self.write_all(&[tag], Together::No).await.into_iter().collect()
    }

    /// Makes all these tags name the list, in as few requests as the registry supports. Returns the result of each.
    ///
    /// `together` says whether one request for several tags may be tried.
    pub(super) async fn write_all(&self, tags: &[&TagChange], together: Together) -> Vec<Result<(), Unwritten>> {
        let confirmed = match together {
            Together::Try => match self.write_together(tags).await {
                Ok(confirmed) => confirmed,
                Err(results) => return results,
            },
            Together::No => Vec::new(),
        };
        let is_left = |tag: &&&TagChange| !confirmed.contains(&tag.tag);
        let mut results: HashMap<&Tag, Result<(), Unwritten>> = HashMap::new();
        if in_sequence(self.target) {
            for tag in tags.iter().filter(is_left) {
                results.insert(&tag.tag, self.write(tag).await);
            }
        } else {
            let left = tags.iter().filter(is_left).map(async |tag| (&tag.tag, self.write(tag).await));
            results.extend(join_all(left).await);
        }
        for tag in tags {
            if results.get(&tag.tag).is_some_and(|result| self.is_race(result, tags)) {
                tokio::time::sleep(RACE).await;
                results.insert(&tag.tag, self.write(tag).await);
            }
        }
        tags.iter().map(|tag| results.remove(&tag.tag).unwrap_or(Ok(()))).collect()
    }

    /// Tries to write all `tags` with one request. Returns the tags that the registry confirms, or, if the run is being
    /// stopped, the result of each tag as the error.
    async fn write_together(&self, tags: &[&TagChange]) -> Result<Vec<Tag>, Vec<Result<(), Unwritten>>> {
        let names: Vec<Tag> = tags.iter().map(|tag| tag.tag.clone()).collect();
        let put = tokio::select! {
            biased;
            put = self.registry.put_tags(self.target, self.payload, &names) => Some(put),
            () = self.too_long() => None,
        };
        let (confirmed, done) = match put {
            Some(Ok(confirmed)) => (confirmed, TagDone::No),
            // The cause is reported when the tags are written one by one.
            Some(Err(error)) if !is_transient(&error.kind) || error.attempts == 0 => (Vec::new(), TagDone::No),
            Some(Err(_)) | None => (Vec::new(), TagDone::Unknown),
        };
        if self.stop.signal().is_none() {
            return Ok(confirmed);
        }
        let stopped = || Err(Unwritten { done, why: StepFailure::Stopped });
        Err(names.iter().map(|tag| if confirmed.contains(tag) { Ok(()) } else { stopped() }).collect())
    }

    /// Whether the tag may have been rejected only because another tag of the list or a child was being written at the
    /// same time: Quay then reports the list as invalid.
    fn is_race(&self, result: &Result<(), Unwritten>, tags: &[&TagChange]) -> bool {
        let is_invalid = matches!(result, Err(Unwritten { why: StepFailure::InvalidManifest(_), .. }));
        let has_company = tags.len() > 1 || self.pushed.is_some();
        is_invalid && has_company && self.stop.signal().is_none()
    }

    /// Makes the tag name the list. Once the run is being stopped, waits for the response only a short time.
    async fn write(&self, tag: &TagChange) -> Result<(), Unwritten> {
        if self.stop.signal().is_some() {
            return Err(Unwritten { done: TagDone::No, why: StepFailure::Stopped });
        }
        tokio::select! {
            biased;
            result = self.put(tag) => result,
            () = self.too_long() => Err(Unwritten { done: TagDone::Unknown, why: StepFailure::Stopped }),
        }
    }

    async fn too_long(&self) {
        self.stop.requested().await;
        tokio::time::sleep(GRACE).await;
    }

    async fn put(&self, tag: &TagChange) -> Result<(), Unwritten> {
        let expected = ExpectedTag { tag: &tag.tag, names: tag.from.as_ref() };
        let (mut pauses, mut repeated, mut pushed_again) = (lag(), false, false);
        loop {
            let error = match self.send(expected).await {
                Ok(TagWrite::Written) => return Ok(()),
                Ok(TagWrite::Moved { found }) => return Err(self.moved(tag, found.as_ref())),
                Err(error) => error,
            };
            match self.judge(tag, &error).await {
                PutVerdict::Written => return Ok(()),
                PutVerdict::Final(unwritten) => return Err(unwritten),
                PutVerdict::Untouched => {}
            }
            let unwritten = Unwritten { done: TagDone::No, why: StepFailure::from(error.clone()) };
            if self.stop.signal().is_some() {
                return Err(unwritten);
            }
            match &error.kind {
                ErrorKind::ContentUnknown(named) if let Some(pushed) = self.pushed => {
                    let cure = async {
                        if let Some(pause) = pauses.next() {
                            tokio::time::sleep(pause).await;
                            return Ok(());
                        }
                        let was_pushed_again = std::mem::replace(&mut pushed_again, true);
                        if was_pushed_again {
                            Err(StepFailure::from(error.clone()))
                        } else {
                            pushed.push_again(named).await
                        }
                    };
                    let cured = tokio::select! {
                        cured = cure => cured,
                        () = self.stop.requested() => return Err(unwritten),
                    };
                    cured.map_err(|why| Unwritten { done: TagDone::No, why })?;
                }
                kind if is_transient(kind) && !repeated => repeated = true,
                _ => return Err(unwritten),
            }
        }
    }

    async fn send(&self, tag: ExpectedTag<'_>) -> registry::Result<TagWrite> {
        match self.condition {
            WriteCondition::AsExpected => self.registry.put_tag(self.target, tag, self.payload).await,
            WriteCondition::Always => {
                let locator = Locator::Tag(tag.tag.clone());
                self.registry.put_manifest(self.target, &locator, self.payload).await.map(|()| TagWrite::Written)
            }
        }
    }

    /// Reads what the tag names after a PUT that failed: a registry that rejects a repeated PUT has often accepted the
    /// first.
    async fn judge(&self, tag: &TagChange, error: &RegistryError) -> PutVerdict {
        if error.kind == ErrorKind::Stopped && error.attempts == 0 {
            return PutVerdict::Final(Unwritten { done: TagDone::No, why: StepFailure::Stopped });
        }
        let Ok(found) = look(self.registry, self.target, &tag.tag).await else {
            let done = if is_transient(&error.kind) { TagDone::Unknown } else { TagDone::No };
            return PutVerdict::Final(Unwritten { done, why: StepFailure::from(Box::new(error.clone())) });
        };
        if found.as_ref() == Some(self.payload.digest()) {
            PutVerdict::Written
        } else if found == tag.from || found.is_none() {
            // A missing tag counts as unchanged too: zot deletes a tag whose PUT fails with 500, and a repeated PUT
            // overwrites nothing of another writer.
            PutVerdict::Untouched
        } else {
            PutVerdict::Final(self.moved(tag, found.as_ref()))
        }
    }

    /// The result for a tag that another writer has changed.
    fn moved(&self, tag: &TagChange, found: Option<&Digest>) -> Unwritten {
        let why = StepFailure::moved(&self.target.tagged(&tag.tag), tag.from.as_ref(), found);
        Unwritten { done: TagDone::No, why }
    }
}

/// Whether the tags of one list must be written one after the other: of two simultaneous writes Quay rejects one.
pub(super) fn in_sequence(target: &Place) -> bool {
    target.host().is_some_and(|host| host.as_str() == "quay.io")
}

/// Whether the request may have been carried out although it failed, and may succeed if it is repeated at once.
fn is_transient(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unreachable(_) | ErrorKind::Server | ErrorKind::RateLimited { .. } | ErrorKind::Stopped)
}

#[cfg(test)]
mod tests;
