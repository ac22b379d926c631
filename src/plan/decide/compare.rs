//! Compares a published list with the declared one: which of its children are damaged, and its state.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::oci::{Descriptor, Digest, Entry, Index, Platform};
use crate::plan::{Action, ChildFault, ChildPart, DamagedChild, ListPlan, ListState};

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::child;
use super::contradiction;
use super::input::{Early, Input};
use super::published::Published;

/// How many levels of lists in lists are read.
pub(super) const NESTING: usize = 3;

/// The damage of a list, as far as it is known, and what is not known yet.
pub(super) struct Checked {
    pub(super) damage: Vec<DamagedChild>,
    pub(super) open: Option<Early>,
}

/// Checks the children of the lists that the tags name.
pub(super) fn check(input: Input<'_>, published: &Published) -> Checked {
    let mut children = Children {
        input,
        batch: QueryBatch::new(input),
        checked: BTreeSet::new(),
        damaged: Vec::new(),
        known: HashSet::new(),
    };
    for list in published.lists() {
        children.check(&list.index, NESTING);
    }
    Checked { damage: children.damaged, open: children.batch.end().err() }
}

/// The children of lists that were checked.
struct Children<'a> {
    input: Input<'a>,
    batch: QueryBatch<'a>,
    /// Two lists may describe the same manifest, one of them wrongly.
    checked: BTreeSet<Descriptor>,
    damaged: Vec<DamagedChild>,
    /// What is wrong with which child.
    known: HashSet<(Digest, ChildFault)>,
}

impl Children<'_> {
    fn check(&mut self, index: &Index, nesting: usize) {
        let platforms: HashMap<&str, &Platform> = index
            .entries
            .iter()
            .filter_map(|entry| Some((entry.descriptor.digest.as_str(), entry.platform.as_ref()?)))
            .collect();
        for entry in &index.entries {
            if self.checked.insert(entry.descriptor.clone()) {
                for fault in self.faults(&entry.descriptor, nesting) {
                    if self.known.insert((entry.descriptor.digest.clone(), fault.clone())) {
                        self.damaged.push(damaged(entry, &platforms, fault));
                    }
                }
            }
        }
    }

    /// Returns what is wrong with a child. The children of a list in the list are checked as well.
    fn faults(&mut self, child: &Descriptor, nesting: usize) -> Vec<ChildFault> {
        let Self { input, batch, .. } = self;
        let origin = QueryOrigin::target(*input);
        let Some(mut faults) = child::faults(batch, *input, child, &origin) else { return Vec::new() };
        if !faults.is_empty() || !child.media_type.is_index() || nesting == 0 {
            return faults;
        }
        match batch.stored(&child.digest, &input.publication.target, &origin) {
            Some(Presence::Found(payload)) => match Index::parse(payload) {
                Ok(nested) => self.check(&nested, nesting - 1),
                Err(error) => faults.push(ChildFault::Unreadable(error.to_string())),
            },
            Some(Presence::Absent) => {
                let (target, digest) = (&input.publication.target, &child.digest);
                contradiction::add_lost_child(batch, &target.with_digest(digest), digest, &origin);
                faults.push(ChildFault::Missing);
            }
            None => {}
        }
        faults
    }
}

fn damaged(entry: &Entry, platforms: &HashMap<&str, &Platform>, fault: ChildFault) -> DamagedChild {
    let part = match entry.attested() {
        Some(image) => ChildPart::Attestation(platforms.get(image).map(|platform| (*platform).clone())),
        None => ChildPart::Image(entry.platform.clone().filter(|platform| !platform.is_unknown())),
    };
    let image = entry.attested().unwrap_or(entry.descriptor.digest.as_str()).to_owned();
    DamagedChild { part, image, descriptor: entry.descriptor.clone(), fault }
}

/// Returns the state of the list. `plan` is what a sync would do.
pub(super) fn state(plan: &ListPlan, damage: &[DamagedChild]) -> ListState {
    match plan.action {
        Action::Failed => ListState::Failed,
        Action::Blocked => ListState::Blocked,
        _ if !damage.is_empty() => ListState::Damaged,
        Action::Unchanged => ListState::AsDeclared,
        Action::Create => ListState::Absent,
        Action::Update => ListState::Differs,
    }
}
