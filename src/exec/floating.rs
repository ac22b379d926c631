//! [`Floating`]: moves the tags that only the newest version has, and puts right what others did meanwhile.
//!
//! There is no way to move a tag only if nothing newer came out since one looked. So each release, in this order:
//!
//! 1. is published by its own tag;
//! 2. lists the tags: if a greater version is out, the floating tags are left to that one;
//! 3. else moves them;
//! 4. lists the tags again: if a greater version is out by now, points the floating tags to *its* digest and does 4 again.
//!
//! Of two releases one is published by its own tag before the other lists (1 before 2 or before 4), so whoever moves
//! a floating tag last has seen the greatest, or sees it afterwards and repairs. That what a floating tag names changes
//! between plan and move is no obstacle as it is for other tags ("moved meanwhile"): several releases write it by
//! design, and the tags of the repository say whose it is, not who came first.
//!
//! Two cases are left: a run that is killed, or whose answers fail, between 3 and the end of 4 may leave a floating tag
//! with the lower version until the greater is synced again; and a registry whose list of tags lags behind hides what
//! is out.

use std::collections::BTreeSet;

use crate::config::model::Newest;
use crate::oci::{Digest, Payload, Tag};
use crate::plan::newest::{self, Rival};
use crate::plan::{ListPlan, TagChange, TagFate};
use crate::registry::Registry;

use super::failure::StepFailure;
use super::look::look;
use super::plan_tags::floating;
use super::report::TagDone;
use super::tags::{TagWriter, Unwritten};

/// How often what others move is put right before it is left to them.
const ROUNDS: usize = 10;

/// The floating tags of one list that are to be moved.
pub(super) struct Floating<'a, R> {
    writer: &'a TagWriter<'a, R>,
    tags: Vec<FloatingTag<'a>>,
}

/// One of them.
pub(super) struct FloatingTag<'a> {
    /// Its place among the tags of the list.
    pub(super) at: usize,
    /// As planned, or as it turned out: a tag that was left to a greater version stays.
    pub(super) change: TagChange,
    /// Whether it names what it is to.
    pub(super) done: TagDone,
    newest: &'a Newest,
    /// What it was pointed to when a greater version came out meanwhile.
    pointed_to: Option<Digest>,
}

impl<'a, R: Registry> Floating<'a, R> {
    /// Those of `plan`; `found` is what each was seen to name just now, in their order.
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
        Self { writer, tags: tags.collect() }
    }

    /// Moves them, one after the other, once the list stands by its own tag. What came of each, and what went wrong.
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
            if self.stands().await? {
                return Ok(());
            }
        }
        let tag = self.tags.iter().find(|tag| tag.names(self.writer.payload).is_some());
        tag.map_or(Ok(()), |tag| Err(StepFailure::contended(&self.writer.target.tagged(&tag.change.tag))))
    }

    /// Step 4, for the tags that were moved here: whether none had to be pointed to a greater version.
    async fn stands(&mut self) -> Result<bool, StepFailure> {
        let mine = self.writer.payload;
        if self.tags.iter().all(|tag| tag.names(mine).is_none()) {
            return Ok(true);
        }
        let (published, mut stands) = (self.published().await?, true);
        for tag in &mut self.tags {
            let (Some(names), Some(rival)) = (tag.names(mine).cloned(), tag.rival(&published)) else { continue };
            // What is listed and gone again has no digest to point to.
            let Some(digest) = look(self.writer.registry, self.writer.target, &rival.tag).await? else { continue };
            if digest == names {
                continue;
            }
            stands = false;
            let Some(list) = self.writer.registry.manifest(self.writer.target, &digest).await? else { continue };
            let change = TagChange { from: Some(names), to: Some(digest.clone()), ..tag.change.clone() };
            if let Err(Unwritten { done, why }) = self.writer.of(&list).write_one(&change).await {
                tag.done = if done == TagDone::Unknown { done } else { tag.done };
                return Err(why);
            }
            tag.stay(&rival, Some(digest.clone()));
            tag.pointed_to = Some(digest);
        }
        Ok(stands)
    }

    async fn published(&self) -> Result<BTreeSet<Tag>, StepFailure> {
        if self.writer.stop.signal().is_some() {
            return Err(StepFailure::Stopped);
        }
        Ok(self.writer.registry.tags(self.writer.target).await?.unwrap_or_default())
    }
}

impl FloatingTag<'_> {
    /// The greatest version to which it belongs instead.
    fn rival(&self, published: &BTreeSet<Tag>) -> Option<Rival> {
        newest::published(self.newest, &self.change.tag, published)
    }

    /// Leaves it to `rival`; it names `digest`.
    fn stay(&mut self, rival: &Rival, digest: Option<Digest>) {
        self.change.stays = Some(newest::why_it_stays(self.newest, &rival.version));
        self.change.fate = TagFate::Stays;
        self.change.from.clone_from(&digest);
        self.change.to = digest;
        self.done = TagDone::Yes;
    }

    /// What it names by the hand of this run, which is to make the list `mine` of it; none where that wrote nothing.
    fn names<'b>(&'b self, mine: &'b Payload) -> Option<&'b Digest> {
        let as_planned = (self.done == TagDone::Yes && self.change.fate != TagFate::Stays).then(|| mine.digest());
        self.pointed_to.as_ref().or(as_planned)
    }
}

#[cfg(test)]
mod tests;
