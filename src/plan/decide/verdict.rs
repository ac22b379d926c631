//! Builds the plan from all that is known.

use crate::config::model::TargetTag;
use crate::oci::{Descriptor, Digest, Payload, Place};
use crate::plan::{
    Action, Answer, CheckDepth, Child, ChildFault, ListPlan, MemberFate, MemberTagChange, Reason, TagChange, TagFate,
    equality,
};

use super::batch::{Presence, QueryBatch, QueryOrigin};
use super::current_state::CurrentState;
use super::entries::{self, EntrySource, PlannedEntry};
use super::guard::{self, Guard};
use super::input::{Flow, Input, Purpose};
use super::members::{Members, ResolvedMember};
use super::problems::{damaged, lacking};
use super::published::{List, Published};
use super::{changes, list, member_tags, missing_children, proof, refusals, retained_children};

/// Determines the list, its tags and what must be copied first.
pub(super) fn conclude(
    input: Input<'_>,
    state: &CurrentState<'_>,
    published: &Published,
    Members { resolved, warnings }: Members<'_>,
) -> Flow<ListPlan> {
    let mut lines = entries::compose(input, state, &resolved, published)?;
    refusals::refuse(input, &resolved, &lines)?;
    let mut equal = list::equal(input, &lines, published);
    if equal.is_empty() {
        proof::correct(input, published, &mut lines)?;
        equal = list::equal(input, &lines, published);
    }
    // The first list with equal content is kept as it is: clients know its digest, and it may be signed.
    let payload = equal.first().map_or_else(|| list::of(input, &lines).encode(), |list| list.payload.clone());
    let tags = tags(input, state, &payload, &equal)?;
    // If the list is new, any published list belongs to another version, so there is no list to compare with.
    let base = if is_new(state) { None } else { equal.first().copied().or(published.lists().first()) };
    let mut plan = ListPlan {
        publication: input.publication.clone(),
        action: Action::Unchanged,
        reason: None,
        content: Vec::new(),
        index: Some(payload.descriptor().clone()),
        payload: None,
        tags,
        members: changes::changes(input, state, &lines, base.map(|list| &list.index)),
        member_tags: member_tags::changes(state, &resolved),
        children: Vec::new(),
        present: Vec::new(),
        problems: warnings,
    };
    if refuse_immutable(input, &mut plan) {
        return Ok(plan);
    }
    plan.action = action(&plan, is_new(state));
    let is_checked = input.purpose == Purpose::Publish
        && plan.action == Action::Unchanged
        && !equal.is_empty()
        && checks_children(input);
    if is_checked || (plan.action.writes() && input.purpose == Purpose::Publish) {
        plan.children = children(input, published, &resolved, &lines, &plan)?;
    }
    if is_checked && !plan.children.is_empty() {
        plan.action = Action::Update;
        plan.reason = Some(Reason::Damaged);
    } else if plan.action.writes() {
        plan.reason = Some(reason(&plan, &equal));
    }
    if plan.reason == Some(Reason::Content) {
        let new = list::of(input, &lines);
        plan.content = base.map(|list| equality::differences(&new, &list.index)).unwrap_or_default();
    }
    if plan.action.writes() {
        plan.present = present(input, &lines, &plan);
        plan.problems.extend(published.unreadable.iter().cloned());
        plan.payload = Some(payload);
    }
    Ok(plan)
}

/// Whether the images of a list that is unchanged are checked: if that is wanted, and in layouts, because nothing
/// protects the files of a directory, and a check costs no requests.
fn checks_children(input: Input<'_>) -> bool {
    input.depth > CheckDepth::List || matches!(input.publication.target, Place::Layout(_))
}

/// Returns what happens to each tag if nothing blocks it.
fn tags(input: Input<'_>, state: &CurrentState<'_>, payload: &Payload, equal: &[&List]) -> Flow<Vec<TagChange>> {
    let is_ours =
        |digest: &Digest| digest == payload.digest() || equal.iter().any(|list| list.payload.digest() == digest);
    let mut batch = QueryBatch::new(input);
    let change = |(tag, head): &(&TargetTag, Option<&Descriptor>)| {
        let from = head.map(|head| head.digest.clone());
        let written = |fate| (fate, Some(payload.digest().clone()), None);
        let (fate, to, stays) = match &from {
            Some(from) if is_ours(from) => (TagFate::Same, Some(from.clone()), None),
            _ => match guard::judge(&mut batch, input, tag) {
                Some(Guard::Stays(why)) => (TagFate::Stays, from.clone(), Some(why)),
                Some(Guard::Free) | None if from.is_none() => written(TagFate::Created),
                Some(Guard::Free) | None => written(TagFate::Moved),
            },
        };
        TagChange { tag: tag.tag.clone(), from, to, fate, stays }
    };
    let mut tags: Vec<TagChange> = state.tags.iter().map(change).collect();
    batch.end()?;
    tags.extend(state.held_back.iter().map(|(held_back, head)| TagChange {
        tag: held_back.tag.clone(),
        from: Some(head.digest.clone()),
        to: Some(head.digest.clone()),
        fate: TagFate::Stays,
        stays: Some(held_back.why.clone()),
    }));
    Ok(tags)
}

/// Blocks the list if an immutable tag would move, and returns whether one would. `to` is kept for such tags, to report
/// what they would name. It is cleared for the others, which are not written only because of it.
fn refuse_immutable(input: Input<'_>, plan: &mut ListPlan) -> bool {
    let Some(globs) = &input.publication.rules.immutable else { return false };
    let of_members = plan.member_tags.iter_mut().map(|change| &mut change.tag);
    let mut tags: Vec<&mut TagChange> = plan.tags.iter_mut().chain(of_members).collect();
    let is_refused = |tag: &TagChange| tag.fate == TagFate::Moved && globs.value.matches(tag.tag.as_str());
    let refused: Vec<_> =
        tags.iter().filter(|tag| is_refused(tag)).map(|tag| refusals::immutable(input, tag)).collect();
    if refused.is_empty() {
        return false;
    }
    for tag in tags.iter_mut().filter(|tag| tag.fate.is_written()) {
        if !is_refused(tag) {
            tag.to = None;
        }
        tag.fate = TagFate::Blocked;
    }
    plan.action = Action::Blocked;
    plan.index = None;
    plan.problems.extend(refused);
    true
}

fn action(plan: &ListPlan, is_new: bool) -> Action {
    let mut fates = plan.tags.iter().chain(plan.member_tags.iter().map(|change| &change.tag)).map(|tag| tag.fate);
    match fates.any(TagFate::is_written) {
        false => Action::Unchanged,
        true if is_new => Action::Create,
        true => Action::Update,
    }
}

/// Whether the list is not published yet. Floating tags do not count: they name the list of another version before they
/// name this one.
fn is_new(state: &CurrentState<'_>) -> bool {
    let own = || state.tags.iter().filter(|(tag, _)| tag.newest.is_none());
    if own().next().is_some() {
        own().all(|(_, head)| head.is_none())
    } else {
        state.tags.iter().all(|(_, head)| head.is_none())
    }
}

fn reason(plan: &ListPlan, equal: &[&List]) -> Reason {
    let is_unchanged = |fate: MemberFate| matches!(fate, MemberFate::Same | MemberFate::Kept);
    let is_left_out = |fate: MemberFate, from: Option<&Digest>| fate == MemberFate::Absent && from.is_none();
    let is_as_before =
        plan.members.iter().all(|change| is_unchanged(change.fate) || is_left_out(change.fate, change.from.as_ref()));
    match plan.action {
        Action::Create => Reason::New,
        _ if !equal.is_empty() => Reason::Tags,
        _ if is_as_before => Reason::Content,
        _ => Reason::Members,
    }
}

/// Returns the manifests of a list to write that only the target has.
fn present(input: Input<'_>, lines: &[PlannedEntry<'_, '_>], plan: &ListPlan) -> Vec<Descriptor> {
    if !plan.tags.iter().any(|tag| tag.fate.is_written()) {
        return Vec::new();
    }
    let is_of_target = |line: &&PlannedEntry<'_, '_>| match line.part {
        EntrySource::Member(resolved) | EntrySource::Brought(resolved) => {
            resolved.member.source.place == input.publication.target
        }
        EntrySource::Kept(_) | EntrySource::Undeclared | EntrySource::Attestation => true,
    };
    lines.iter().filter(is_of_target).map(|line| line.entry.descriptor.clone()).collect()
}

/// Returns what must be copied before anything is written. If only member tags are written, these are their images. If
/// no tag is written or the images of a published list are checked, these are the images that the target does not have
/// any more.
fn children(
    input: Input<'_>,
    published: &Published,
    resolved: &[ResolvedMember<'_>],
    lines: &[PlannedEntry<'_, '_>],
    plan: &ListPlan,
) -> Flow<Vec<Child>> {
    let writes_list = plan.tags.iter().any(|tag| tag.fate.is_written());
    let is_published = |list: &List| plan.index.as_ref().is_some_and(|index| index.digest == *list.payload.digest());
    let is_new = !published.lists().iter().any(is_published);
    let needs_list = plan.action == Action::Unchanged || writes_list || (!is_new && checks_children(input));
    let is_tagged = |resolved: &ResolvedMember<'_>| {
        let is_it = |change: &MemberTagChange| change.descriptor.digest == resolved.descriptor.digest;
        plan.member_tags.iter().any(|change| change.tag.fate.is_written() && is_it(change))
    };
    let (mut children, mut parts) = (Vec::new(), Vec::new());
    for resolved in resolved {
        if !needs_list && !is_tagged(resolved) {
            continue;
        }
        // Only the list names attestations, so member tags do not need them.
        let attestations = if needs_list { resolved.attestations.as_slice() } else { &[] };
        children.extend(missing_children::children(input, resolved.member, &resolved.descriptor, attestations));
        parts.push((resolved, &resolved.descriptor, resolved.payload.clone()));
        parts.extend(attestations.iter().map(|entry| (resolved, &entry.descriptor, None)));
    }
    let mut batch = QueryBatch::new(input);
    let missing = missing_children::missing(&mut batch, input, published, &children);
    for (number, fault) in &missing.gone {
        let (resolved, descriptor, _) = &parts[*number];
        let (what, digest) = lacking(fault, &descriptor.digest);
        let problem = damaged(&resolved.member.source, what, digest);
        batch.block(QueryOrigin::member(input, resolved.member).label(problem));
    }
    if needs_list {
        retained_children::require(&mut batch, input, lines);
    }
    // Nothing has shown yet that the source has these: an index names them, or the published list does.
    let lost = missing.elsewhere.iter().filter_map(|(number, fault)| Some((*number, fault.as_ref()?)));
    for (number, fault) in lost.filter(|(number, _)| !children[*number].is_seen) {
        let (resolved, descriptor, _) = &parts[number];
        let (member, digest) = (resolved.member, &descriptor.digest);
        let origin = QueryOrigin::member(input, member);
        if let Some(Presence::Absent) = batch.stored(digest, &member.source.place, &origin) {
            batch.block(origin.label(if *descriptor == &resolved.descriptor {
                damaged(&member.source, "its manifest", digest)
            } else {
                retained_children::lost_attestation(input, member, digest, fault)
            }));
        }
    }
    batch.end()?;
    // The manifests that a new list names were read, see `proof`. Others may be known by chance, which must not matter.
    let child = |(number, fault): (usize, Option<ChildFault>)| {
        let (resolved, descriptor, payload) = &parts[number];
        let read = || match input.snapshot.bytes(&descriptor.digest, &resolved.member.source.place) {
            Some(Answer::Found(payload)) if is_new => Some(payload.clone()),
            _ => None,
        };
        Child {
            descriptor: (*descriptor).clone(),
            platform: resolved.platform.clone(),
            from: resolved.member.source.place.clone(),
            payload: payload.clone().or_else(read),
            fault,
            confirm: input.depth,
        }
    };
    Ok(missing.elsewhere.into_iter().map(child).collect())
}
