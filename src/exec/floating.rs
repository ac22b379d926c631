//! [`Floating`]: moves floating tags (`when = "newest"`), which only the newest version has, and corrects them if
//! another release was published meanwhile.
//!
//! Registries have no conditional write: a tag cannot be moved on the condition that no newer version has been
//! published since the last read. So each release does the following, in this order:
//!
//! 1. It is published under its own tag.
//! 2. It lists the tags. If a greater version is published, it leaves the floating tags to that version.
//! 3. Otherwise it moves them.
//! 4. It lists the tags again. If a greater version is published by now, it points the floating tags to the digest of
//!    *that* version and repeats step 4.
//!
//! Of any two releases, one is published under its own tag before the other lists the tags (step 1 before step 2 or
//! before step 4). So the release that moves a floating tag last has already seen the greatest version, or sees it
//! afterwards and corrects the tag.
//!
//! A floating tag may change between plan and move. For other tags this is an error ("moved meanwhile"), but several
//! releases write a floating tag by design: the tags of the repository decide which version it belongs to, not the
//! order of the writes.
//!
//! Two cases are not covered:
//!
//! - A run that is killed, or whose requests fail, between step 3 and the end of step 4 may leave a floating tag at the
//!   lower version, until the greater version is synced again.
//! - A registry whose tag list is out of date hides a version that is already published.

use std::collections::BTreeSet;

use crate::config::model::Newest;
use crate::oci::{Digest, Payload, Tag};
use crate::plan::newest::{self, Rival};
use crate::plan::{ListPlan, TagChange, TagFate};
use crate::registry::Registry;

use super::failure::StepFailure;
use super::lag::{lag, sleep};
use super::look::look;
use super::plan_tags::{floating, own};
use super::report::TagDone;
use super::tags::{TagWriter, Unwritten};

/// How often changes by other releases are corrected before the run gives up.
const ROUNDS: usize = 10;

/// The floating tags of one list that must be moved.
pub(super) struct Floating<'a, R> {
    writer: &'a TagWriter<'a, R>,
    tags: Vec<FloatingTag<'a>>,
    /// Tags that exist: those that name the list, and the floating tags that were found.
    existing: Vec<&'a Tag>,
}

/// One floating tag.
pub(super) struct FloatingTag<'a> {
    /// Its position among the tags of the list.
    pub(super) at: usize,
    /// The change as planned, or as it turned out: a tag that is left to a greater version stays.
    pub(super) change: TagChange,
    /// Whether the tag names what it should.
    pub(super) done: TagDone,
    newest: &'a Newest,
    /// The digest it was pointed to because a greater version was published meanwhile.
    pointed_to: Option<Digest>,
}

impl<'a, R: Registry> Floating<'a, R> {
    /// Creates this for the floating tags of `plan`. `found` is what each of them named just now, in the same order.
    pub(super) fn new(writer: &'a TagWriter<'a, R>, plan: &'a ListPlan, found: Vec<Option<Digest>>) -> Self {
        let tags = floating(plan).zip(found).map(|((at, change, newest), found)| {
            let fate = if found.is_some() { TagFate::Moved } else { TagFate::Created };
            FloatingTag {
                at,
                change: TagChange { from: found, fate, ..change.clone() },
                done: TagDone::No,
                newest,
                pointed_to: None,
            }
        });
        let tags: Vec<FloatingTag<'a>> = tags.collect();
        let found = |tag: &&FloatingTag<'_>| tag.change.from.is_some();
        let floats = tags.iter().filter(found).map(|tag| &plan.tags[tag.at].tag);
        let existing = own(plan).chain(floats).collect();
        Self { writer, tags, existing }
    }

    /// Moves the tags one after the other. Called after the list is published under its own tag. Returns the tags with
    /// their results, and the failures.
    pub(super) async fn write(mut self) -> (Vec<FloatingTag<'a>>, Vec<StepFailure>) {
        let mut failures = Vec::new();
        if !self.tags.is_empty()
            && let Err(failure) = self.move_and_repair(&mut failures).await
        {
            failures.push(failure);
        }
        (self.tags, failures)
    }

    async fn move_and_repair(&mut self, failures: &mut Vec<StepFailure>) -> Result<(), StepFailure> {
        let published = self.published().await?;
        for tag in &mut self.tags {
            if tag.change.from.as_ref() == Some(self.writer.payload.digest()) {
                tag.done = TagDone::Yes;
            } else if let Some(rival) = tag.rival(&published) {
                let from = tag.change.from.clone();
                tag.stay(&rival, from);
            } else {
                match self.writer.write_one(&tag.change).await {
                    Ok(()) => tag.done = TagDone::Yes,
                    Err(Unwritten { done, why }) => {
                        tag.done = done;
                        failures.push(why);
                    }
                }
            }
        }
        for _ in 0..ROUNDS {
            if self.recheck().await? {
                return Ok(());
            }
        }
        let tag = self.tags.iter().find(|tag| tag.names(self.writer.payload).is_some());
        tag.map_or(Ok(()), |tag| Err(StepFailure::contended(&self.writer.target.tagged(&tag.change.tag))))
    }

    /// Step 4, for the tags that this run moved. Returns whether none had to be pointed to a greater version.
    async fn recheck(&mut self) -> Result<bool, StepFailure> {
        let mine = self.writer.payload;
        if self.tags.iter().all(|tag| tag.names(mine).is_none()) {
            return Ok(true);
        }
        let (published, mut is_current) = (self.published().await?, true);
        for tag in &mut self.tags {
            let (Some(names), Some(rival)) = (tag.names(mine).cloned(), tag.rival(&published)) else { continue };
            // A tag that was listed but deleted since has no digest to point to.
            let Some(digest) = look(self.writer.registry, self.writer.target, &rival.tag).await? else { continue };
            if digest == names {
                continue;
            }
            is_current = false;
            let Some(list) = self.writer.registry.manifest(self.writer.target, &digest).await? else { continue };
            let change = TagChange { from: Some(names), to: Some(digest.clone()), ..tag.change.clone() };
            if let Err(Unwritten { done, why }) = self.writer.of(&list).write_one(&change).await {
                tag.done = if done == TagDone::Unknown { done } else { tag.done };
                return Err(why);
            }
            tag.stay(&rival, Some(digest.clone()));
            tag.pointed_to = Some(digest);
        }
        Ok(is_current)
    }

    /// Returns all tags of the target. A list without a tag that exists has a hole, and a greater version may be in it.
    /// So the tags are requested again until the list is complete.
    async fn published(&self) -> Result<BTreeSet<Tag>, StepFailure> {
        let mut pauses = lag();
        loop {
            if self.writer.stop.signal().is_some() {
                return Err(StepFailure::Stopped);
            }
            let tags = self.writer.registry.tags(self.writer.target).await?.unwrap_or_default();
            let Some(lost) = self.existing.iter().find(|tag| !tags.contains(*tag)) else { return Ok(tags) };
            let Some(pause) = pauses.next() else {
                let why = "the tag exists, but the tag listing does not contain it";
                return Err(StepFailure::contradictory(&self.writer.target.tagged(lost), why));
            };
            sleep(pause).await;
        }
    }
}

impl FloatingTag<'_> {
    /// Returns the greatest version that the tag belongs to instead.
    fn rival(&self, published: &BTreeSet<Tag>) -> Option<Rival> {
        newest::published(self.newest, &self.change.tag, published)
    }

    /// Leaves the tag to `rival`. `digest` is what it names.
    fn stay(&mut self, rival: &Rival, digest: Option<Digest>) {
        self.change.stays = Some(newest::why_it_stays(self.newest, &rival.version));
        self.change.fate = TagFate::Stays;
        self.change.from.clone_from(&digest);
        self.change.to = digest;
        self.done = TagDone::Yes;
    }

    /// Returns the digest that this run wrote to the tag. `None` if it wrote nothing. `mine` is the list of this run.
    fn names<'b>(&'b self, mine: &'b Payload) -> Option<&'b Digest> {
        let as_planned = (self.done == TagDone::Yes && self.change.fate != TagFate::Stays).then(|| mine.digest());
        self.pointed_to.as_ref().or(as_planned)
    }
}

#[cfg(test)]
mod tests;
