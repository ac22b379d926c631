//! The entries of the new list, in their order.

use std::collections::{HashMap, HashSet};

use crate::config::model::{Attestations, Member, Missing};
use crate::oci::{Digest, Entry, Index, Platform};
use crate::plan::equality::{Wanted, fits};

use super::absences;
use super::batch::{QueryBatch, QueryOrigin};
use super::current_state::CurrentState;
use super::input::{Flow, Input};
use super::members::ResolvedMember;
use super::os_version;
use super::published::Published;
use super::retained::{self, Retained};

/// An entry of the new list.
pub(super) struct PlannedEntry<'a, 's> {
    /// The entry that is written.
    pub(super) entry: Entry,
    /// Why the entry is in the list.
    pub(super) part: EntrySource<'a, 's>,
}

/// Why an entry is in a list.
#[derive(Clone, Copy)]
pub(super) enum EntrySource<'a, 's> {
    /// The source of a member names it.
    Member(&'s ResolvedMember<'a>),
    /// It is published for a declared member that does not exist.
    Kept(&'a Member),
    /// It is published, and this file does not declare it.
    Undeclared,
    /// It is published, and is an attestation of an entry that stays.
    Attestation,
    /// It is an attestation that is copied together with a member.
    Brought(&'s ResolvedMember<'a>),
}

impl<'a> PlannedEntry<'a, '_> {
    /// Returns the entry as an equal list must have it: parts of the platform that are not declared match any value.
    pub(super) fn wanted(&self) -> Wanted<'_> {
        let (declared, versions) = match self.part {
            EntrySource::Member(resolved) => (Some(&resolved.declared), os_version::pattern(resolved.member)),
            EntrySource::Kept(_) | EntrySource::Undeclared | EntrySource::Attestation | EntrySource::Brought(_) => {
                (self.entry.platform.as_ref(), None)
            }
        };
        Wanted { entry: &self.entry, declared, versions }
    }

    /// The part of manifests.toml that the entry comes from.
    pub(super) fn origin<'i>(&self, input: Input<'i>) -> QueryOrigin<'i>
    where
        'a: 'i,
    {
        match self.part {
            EntrySource::Member(resolved) | EntrySource::Brought(resolved) => {
                QueryOrigin::member(input, resolved.member)
            }
            EntrySource::Kept(member) => QueryOrigin::member(input, member),
            EntrySource::Undeclared | EntrySource::Attestation => QueryOrigin::target(input),
        }
    }

    /// Whether the entry is for `platform`.
    fn is_for(&self, platform: &Platform) -> bool {
        self.entry.platform.as_ref().is_some_and(|own| own.normalized() == platform.normalized())
    }

    /// Whether only the target has the manifest that the entry names.
    pub(super) fn is_retained(&self) -> bool {
        !matches!(self.part, EntrySource::Member(_) | EntrySource::Brought(_))
    }
}

/// Composes the list: declared members in the order of the file, including those that keep their published entry; then
/// members that are not declared; then attestations.
pub(super) fn compose<'a, 's>(
    input: Input<'a>,
    state: &CurrentState<'a>,
    resolved: &'s [ResolvedMember<'a>],
    published: &Published,
) -> Flow<Vec<PlannedEntry<'a, 's>>> {
    let own = published.own(input).map(|list| &list.index);
    let retained = retained::choose(input, state, resolved, own);
    refuse_absent(input, &retained)?;
    let (declared, others): (Vec<&ResolvedMember<'_>>, Vec<&ResolvedMember<'_>>) =
        resolved.iter().partition(|resolved| input.declares(resolved.member));
    let lines = input.publication.members.iter().filter_map(|member| {
        let resolved = declared.iter().find(|resolved| std::ptr::eq(resolved.member, member));
        let kept = || retained.kept.iter().find(|(kept, _)| std::ptr::eq(*kept, member));
        resolved.map(|resolved| line(resolved)).or_else(|| {
            kept().map(|(_, entry)| PlannedEntry { entry: (*entry).clone(), part: EntrySource::Kept(member) })
        })
    });
    let mut lines: Vec<PlannedEntry<'_, '_>> = lines.collect();
    let others = undeclared(&lines, &others, &retained, own);
    place(input, &mut lines, others, own);
    attest(input, &mut lines, own);
    Ok(lines)
}

fn line<'a, 's>(resolved: &'s ResolvedMember<'a>) -> PlannedEntry<'a, 's> {
    let mut entry = Entry::new(resolved.descriptor.clone(), resolved.platform.clone());
    entry.annotations.clone_from(&resolved.member.annotations);
    PlannedEntry { entry, part: EntrySource::Member(resolved) }
}

/// Returns the members that this file does not declare: published ones in their published order, then new ones. A
/// member that another writer has placed replaces the published entry for the same platform. If both are the same
/// image, the entry stays as published.
fn undeclared<'a, 's>(
    declared: &[PlannedEntry<'a, 's>],
    placed: &[&'s ResolvedMember<'a>],
    retained: &Retained<'_, '_>,
    own: Option<&Index>,
) -> Vec<PlannedEntry<'a, 's>> {
    let mut lines: Vec<PlannedEntry<'_, '_>> = Vec::new();
    for resolved in placed {
        let is_taken = |line: &PlannedEntry<'_, '_>| line.is_for(&resolved.platform);
        if declared.iter().chain(&lines).any(is_taken) {
            continue;
        }
        let mut line = line(resolved);
        let is_it = |entry: &&Entry| {
            entry.descriptor == resolved.descriptor
                && entry.platform.as_ref().is_some_and(|platform| fits(&resolved.declared, platform))
        };
        if let Some(entry) = own.and_then(|own| own.entries.iter().find(is_it)) {
            line.entry = entry.clone();
        }
        lines.push(line);
    }
    let placed: HashSet<Platform> =
        lines.iter().filter_map(|line| line.entry.platform.as_ref()).map(Platform::normalized).collect();
    let is_placed =
        |entry: &Entry| entry.platform.as_ref().is_some_and(|platform| placed.contains(&platform.normalized()));
    let free: Vec<&Entry> = retained.undeclared.iter().copied().filter(|entry| !is_placed(entry)).collect();
    lines.extend(free.into_iter().map(|entry| PlannedEntry { entry: entry.clone(), part: EntrySource::Undeclared }));
    let positions = Positions::new(own);
    lines.sort_by_cached_key(|line| positions.of(line).unwrap_or(usize::MAX));
    lines
}

/// The positions of the entries in the list of the own tag. A list can have tens of thousands of entries.
struct Positions<'o> {
    entries: &'o [Entry],
    /// The positions of each digest, in order.
    by_digest: HashMap<&'o Digest, Vec<usize>>,
    /// The first position of each platform.
    by_platform: HashMap<Platform, usize>,
}

impl<'o> Positions<'o> {
    fn new(own: Option<&'o Index>) -> Self {
        let entries = own.map(|own| own.entries.as_slice()).unwrap_or_default();
        let (mut by_digest, mut by_platform) = (HashMap::<_, Vec<usize>>::new(), HashMap::new());
        for (at, entry) in entries.iter().enumerate() {
            by_digest.entry(&entry.descriptor.digest).or_default().push(at);
            if let Some(platform) = &entry.platform {
                by_platform.entry(platform.normalized()).or_insert(at);
            }
        }
        Self { entries, by_digest, by_platform }
    }

    /// Returns the position of the entry that `line` keeps or replaces.
    fn of(&self, line: &PlannedEntry<'_, '_>) -> Option<usize> {
        let same = self.by_digest.get(&line.entry.descriptor.digest).into_iter().flatten();
        let same = same.copied().find(|at| self.entries.get(*at) == Some(&line.entry));
        same.or_else(|| self.by_platform.get(&line.entry.platform.as_ref()?.normalized()).copied())
    }
}

/// Inserts members that are not declared among those that are. Within one os and architecture the order is content. One
/// of several writers must not decide whose members come first, or each would undo the other's order. So if such a
/// member is published before the second declared member of its os and architecture, it stays there.
fn place<'a, 's>(
    input: Input<'_>,
    lines: &mut Vec<PlannedEntry<'a, 's>>,
    others: Vec<PlannedEntry<'a, 's>>,
    own: Option<&Index>,
) {
    let positions = Positions::new(own);
    let places: Vec<Option<usize>> = others.iter().map(|line| positions.of(line)).collect();
    let taken: HashSet<usize> = places.iter().flatten().copied().collect();
    // The positions of declared members, for each os and architecture.
    let mut published: HashMap<Option<(String, String)>, Vec<usize>> = HashMap::new();
    for (at, entry) in positions.entries.iter().enumerate().filter(|(at, _)| !taken.contains(at)) {
        published.entry(machine(entry)).or_default().push(at);
    }
    let mut declared: HashMap<Option<(String, String)>, Vec<usize>> = HashMap::new();
    for (number, line) in lines.iter().enumerate() {
        let is_declared = match line.part {
            EntrySource::Member(resolved) => input.declares(resolved.member),
            EntrySource::Kept(_) => true,
            EntrySource::Undeclared | EntrySource::Attestation | EntrySource::Brought(_) => false,
        };
        if is_declared {
            declared.entry(machine(&line.entry)).or_default().push(number);
        }
    }
    let mut before: Vec<Vec<PlannedEntry<'a, 's>>> = lines.iter().map(|_| Vec::new()).collect();
    let mut behind = Vec::new();
    for (line, at) in others.into_iter().zip(places) {
        let machine = machine(&line.entry);
        let published = published.get(&machine).map(Vec::as_slice).unwrap_or_default();
        // How many declared members of its os and architecture are published before it, if others are after it.
        let number = at.map(|at| published.partition_point(|declared| *declared < at));
        let number = number.filter(|number| *number < published.len());
        let next = number.and_then(|number| declared.get(&machine)?.get(number));
        match next.and_then(|next| before.get_mut(*next)) {
            Some(before) => before.push(line),
            None => behind.push(line),
        }
    }
    let declared = std::mem::take(lines).into_iter().zip(before);
    lines.extend(declared.flat_map(|(line, before)| before.into_iter().chain([line])));
    lines.extend(behind);
}

/// Returns what clients compare first: os and architecture, normalized.
fn machine(entry: &Entry) -> Option<(String, String)> {
    let platform = entry.platform.as_ref()?.normalized();
    Some((platform.os, platform.architecture))
}

/// Adds the attestations in the order of the images: those copied together with a member, and the published ones of
/// entries that stay or that another writer has placed.
fn attest<'a, 's>(input: Input<'_>, lines: &mut Vec<PlannedEntry<'a, 's>>, own: Option<&Index>) {
    let keeps = input.publication.rules.attestations == Attestations::Keep;
    let mut found: Vec<PlannedEntry<'a, 's>> = Vec::new();
    let mut seen: HashSet<Digest> = HashSet::new();
    let mut attested: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for entry in own.into_iter().flat_map(|own| &own.entries) {
        entry.attested().into_iter().for_each(|image| attested.entry(image).or_default().push(entry));
    }
    for line in lines.iter() {
        let (brought, stays) = match line.part {
            EntrySource::Member(resolved) => (Some(resolved), !input.declares(resolved.member)),
            EntrySource::Kept(_) => (None, keeps),
            EntrySource::Undeclared => (None, true),
            EntrySource::Attestation | EntrySource::Brought(_) => (None, false),
        };
        let digest = line.entry.descriptor.digest.as_str();
        let brought = brought.into_iter().flat_map(|resolved| {
            resolved
                .attestations
                .iter()
                .map(move |entry| PlannedEntry { entry: entry.clone(), part: EntrySource::Brought(resolved) })
        });
        let published = attested.get(digest).into_iter().flatten().filter(|_| stays);
        let published = published.map(|entry| PlannedEntry { entry: (*entry).clone(), part: EntrySource::Attestation });
        for line in brought.chain(published) {
            if seen.insert(line.entry.descriptor.digest.clone()) {
                found.push(line);
            }
        }
    }
    lines.extend(found);
}

/// Blocks the list if a member does not exist and should keep its published entry, but no entry can be attributed to it
/// alone.
fn refuse_absent(input: Input<'_>, retained: &Retained<'_, '_>) -> Flow<()> {
    let mut batch = QueryBatch::new(input);
    if let Some(problem) = absences::of_all(&mut batch, input, &retained.nothing_to_keep) {
        batch.block(problem);
        return batch.end();
    }
    for member in &retained.nothing_to_keep {
        let own = input.publication.reference();
        let why = format!(
            "missing = \"keep\" found nothing to keep: {own} does not have exactly one image for {}",
            member.platform
        );
        if let Some(problem) = absences::absent(&mut batch, &member.source, &QueryOrigin::member(input, member)) {
            batch.block(if member.missing == Missing::Keep { problem.because(why) } else { problem });
        }
    }
    batch.end()
}
