//! The second phase of publishing a list: writes its tags. Member tags come first, then the first tag of the list, then
//! its other tags, and last the floating tags, which only the newest version has.

use std::sync::Arc;

use crate::plan::TagChange;
use crate::registry::Registry;

use super::copy::Pushed;
use super::ending::{Ending, untouched};
use super::failure::StepFailure;
use super::floating::Floating;
use super::look::TagState;
use super::member_tags;
use super::plan_tags::fixed;
use super::prepare::Prepared;
use super::publish::Publisher;
use super::report::TagDone;
use super::tags::{TagWriter, Together, Unwritten, WriteCondition};
use super::{Event, ListStep};

impl<R: Registry> Publisher<'_, R> {
    /// Writes the tags of a prepared list.
    pub(super) async fn commit(&self, prepared: Prepared) -> Ending {
        let Prepared { list, plan, payload, tags, floating, member_tags } = prepared;
        let target = &plan.publication.target;
        let pushed = Pushed { copier: &self.copier, list, children: &plan.children, target };
        let writer = TagWriter {
            registry: self.registry,
            stop: self.stop,
            target,
            payload: &payload,
            pushed: if plan.children.is_empty() { None } else { Some(&pushed) },
            condition: WriteCondition::AsExpected,
        };
        let mut done = untouched(&plan);
        self.relay.say(Event::Step { list, step: ListStep::Writing });
        let mut failures = member_tags::write(member_tags, &plan, &writer, &mut done.member_tags).await;
        let mut to_write = Vec::new();
        for ((at, tag), found) in fixed(&plan).zip(tags) {
            match found {
                TagState::Ours => done.tags[at] = TagDone::Yes,
                TagState::AsPlanned => to_write.push((at, tag)),
            }
        }
        if failures.is_empty() {
            failures = self.write(&writer, &to_write, &mut done.tags).await;
        }
        let mut carried_out = Arc::clone(&plan);
        if failures.is_empty() {
            let writer = TagWriter { condition: WriteCondition::Always, ..writer };
            let (tags, failed) = Floating::new(&writer, &plan, floating).write().await;
            failures = failed;
            for tag in tags {
                done.tags[tag.at] = tag.done;
                if tag.change != plan.tags[tag.at] {
                    Arc::make_mut(&mut carried_out).tags[tag.at] = tag.change;
                }
            }
        }
        Ending::of(&carried_out, done, failures)
    }

    /// Writes the first tag, then the others at once: if the first tag is rejected, no tag of the list is moved.
    async fn write(
        &self,
        writer: &TagWriter<'_, R>,
        to_write: &[(usize, &TagChange)],
        tags: &mut [TagDone],
    ) -> Vec<StepFailure> {
        let mut failures = Vec::new();
        let (first, others) = to_write.split_at(to_write.len().min(1));
        for step in [first, others] {
            if step.is_empty() {
                continue;
            }
            if self.stop.signal().is_some() {
                failures.push(StepFailure::Stopped);
            }
            if !failures.is_empty() {
                break;
            }
            let changes: Vec<&TagChange> = step.iter().map(|(_, tag)| *tag).collect();
            // A registry that does not support this costs a useless request, which is not worth it for fewer than three
            // tags.
            let together = if step.len() > 1 { Together::Try } else { Together::No };
            let written = writer.write_all(&changes, together).await;
            for ((at, _), result) in step.iter().zip(written) {
                match result {
                    Ok(()) => tags[*at] = TagDone::Yes,
                    Err(Unwritten { done, why }) => {
                        tags[*at] = done;
                        failures.push(why);
                    }
                }
            }
        }
        failures
    }
}
