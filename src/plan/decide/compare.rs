//! Compares a published list with the declared one: what a sync would change, and which children are damaged.

use std::collections::{BTreeSet, HashMap};

use crate::config::problem::Problem;
use crate::oci::{Digest, Entry, Index, Platform};
use crate::plan::{Action, Answer, ChildPart, DamagedChild, ListPlan, ListState};

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::child;
use super::input::{Flow, Input};
use super::published::Published;

/// How many lists in lists are read.
pub(super) const NESTING: usize = 3;
/// The maximum number of damaged children that a problem lists.
const LISTED: usize = 3;

/// Returns the damaged children of the lists that the tags name.
pub(super) fn damage(input: Input<'_>, published: &Published) -> Flow<Vec<DamagedChild>> {
    let mut batch = QueryBatch::new(input);
    let origin = QueryOrigin::target(input);
    let mut children = Children { done: BTreeSet::new(), damaged: Vec::new() };
    for list in published.lists() {
        children.check(&mut batch, input, &list.index, &origin, NESTING);
    }
    batch.end()?;
    Ok(children.damaged)
}

/// The children that were checked.
struct Children {
    done: BTreeSet<Digest>,
    damaged: Vec<DamagedChild>,
}

impl Children {
    fn check(
        &mut self,
        batch: &mut QueryBatch<'_>,
        input: Input<'_>,
        index: &Index,
        origin: &QueryOrigin<'_>,
        nesting: usize,
    ) {
        let platforms: HashMap<&str, &Platform> = index
            .entries
            .iter()
            .filter_map(|entry| Some((entry.descriptor.digest.as_str(), entry.platform.as_ref()?)))
            .collect();
        for entry in &index.entries {
            let descriptor = &entry.descriptor;
            if !self.done.insert(descriptor.digest.clone()) {
                continue;
            }
            let faults = child::faults(batch, input, descriptor, origin);
            let is_sound = faults.as_ref().is_some_and(Vec::is_empty);
            for fault in faults.into_iter().flatten() {
                let part = part(entry, &platforms);
                self.damaged.push(DamagedChild { part, descriptor: descriptor.clone(), fault });
            }
            if is_sound && descriptor.media_type.is_index() && nesting > 0 {
                let nested = batch.manifest(&descriptor.digest, &input.publication.target, origin);
                if let Some(Presence::Found(payload)) = nested
                    && let Ok(nested) = Index::parse(payload)
                {
                    self.check(batch, input, &nested, origin, nesting - 1);
                }
            }
        }
    }
}

fn part(entry: &Entry, platforms: &HashMap<&str, &Platform>) -> ChildPart {
    match entry.attested() {
        Some(image) => ChildPart::Attestation(platforms.get(image).map(|platform| (*platform).clone())),
        None => ChildPart::Image(entry.platform.clone().filter(|platform| !platform.is_unknown())),
    }
}

/// Returns the state of the list. `plan` is what a sync would do.
pub(super) fn state(input: Input<'_>, plan: &ListPlan, damage: &[DamagedChild]) -> ListState {
    let own = input.snapshot.head(&input.publication.reference());
    match plan.action {
        Action::Failed => ListState::Failed,
        Action::Blocked => ListState::Blocked,
        _ if !damage.is_empty() => ListState::Damaged,
        Action::Unchanged => ListState::AsDeclared,
        Action::Create => ListState::Absent,
        Action::Update if matches!(own, Some(Answer::Absent)) => ListState::Absent,
        Action::Update => ListState::Differs,
    }
}

/// Returns the problem that children of the list are damaged, with the way to repair it.
pub(super) fn problem(input: Input<'_>, damage: &[DamagedChild]) -> Option<Problem> {
    let first = damage.first()?;
    let publication = input.publication;
    let list = publication.reference();
    let missing = damage.iter().filter(|child| child.fault.is_missing()).count();
    let digests: Vec<&str> = damage.iter().take(LISTED).map(|child| child.descriptor.digest.as_str()).collect();
    let more = match damage.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let problem = Problem::error("mlist::plan::list_damaged", format!("{list} cannot be pulled completely"));
    let problem = if missing == 0 {
        problem
            .because(format!("{} is not as the list describes it", first.descriptor.digest))
            .help(format!("write the list again: mlist sync {}", publication.id))
    } else {
        let manifests = damage.iter().any(|child| child.fault == crate::plan::ChildFault::Missing);
        let (what, options) = if manifests { ("manifests", "--repair") } else { ("blobs", "--repair --blobs") };
        problem
            .because(format!("not found in {}: {}{more}", publication.target, digests.join(", ")))
            .because(format!(
                "a retention or cleanup job may have deleted {what} that have no tag of their own, or the registry lost them"
            ))
            .help(format!(
                "publish the missing content again: mlist sync {options} {}; to prevent this, exclude {} from the cleanup",
                publication.id, publication.target
            ))
    };
    Some(QueryOrigin::target(input).label(problem.about(&list)))
}
