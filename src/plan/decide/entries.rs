//! The entries of the list as it is to stand, in their order.

use crate::config::model::{Attestations, Member};
use crate::config::problem::Problem;
use crate::oci::{Entry, Index, Platform};
use crate::plan::equality::{Wanted, fits};

use super::heads::{Heads, absent};
use super::members::Settled;
use super::published::Published;
use super::round::{Origin, Round};
use super::stays::{self, Stays};
use super::{Case, Step, os_version};

/// An entry of the list as it is to stand.
pub(super) struct Line<'a, 's> {
    /// What is written.
    pub(super) entry: Entry,
    /// Why it is there.
    pub(super) part: Part<'a, 's>,
}

/// Why an entry is in a list.
#[derive(Clone, Copy)]
pub(super) enum Part<'a, 's> {
    /// A source names it.
    Member(&'s Settled<'a>),
    /// It is published for a declared member that is absent.
    Kept(&'a Member),
    /// It is published, and nobody here declares it.
    Undeclared,
    /// It is published, and an attestation of one that stays.
    Attestation,
    /// It is an attestation that comes with a member.
    Brought(&'s Settled<'a>),
}

impl Line<'_, '_> {
    /// As an equal list must have it: parts of the platform that are not declared are free.
    pub(super) fn wanted(&self) -> Wanted<'_> {
        let (declared, versions) = match self.part {
            Part::Member(settled) => (Some(&settled.declared), os_version::pattern(settled.member)),
            Part::Kept(_) | Part::Undeclared | Part::Attestation | Part::Brought(_) => {
                (self.entry.platform.as_ref(), None)
            }
        };
        Wanted { entry: &self.entry, declared, versions }
    }

    /// Whether it is for the machine that another entry is for.
    fn is_for(&self, platform: &Platform) -> bool {
        self.entry.platform.as_ref().is_some_and(|own| own.normalized() == platform.normalized())
    }

    /// Whether the target alone has what it names.
    pub(super) fn stays(&self) -> bool {
        !matches!(self.part, Part::Member(_) | Part::Brought(_))
    }
}

/// Step 7: declared members in the order of the file, those that stay among them; then what is not declared; then
/// attestations.
pub(super) fn compose<'a, 's>(
    case: Case<'a>,
    heads: &Heads<'a>,
    settled: &'s [Settled<'a>],
    published: &Published,
) -> Step<Vec<Line<'a, 's>>> {
    let own = published.own(case).map(|list| &list.index);
    let stays = stays::choose(case, heads, settled, own);
    refuse_absent(case, &stays, published)?;
    let (declared, others): (Vec<&Settled<'_>>, Vec<&Settled<'_>>) =
        settled.iter().partition(|settled| case.declares(settled.member));
    let lines = case.publication.members.iter().filter_map(|member| {
        let settled = declared.iter().find(|settled| std::ptr::eq(settled.member, member));
        let kept = || stays.kept.iter().find(|(kept, _)| std::ptr::eq(*kept, member));
        settled
            .map(|settled| line(settled))
            .or_else(|| kept().map(|(_, entry)| Line { entry: (*entry).clone(), part: Part::Kept(member) }))
    });
    let mut lines: Vec<Line<'_, '_>> = lines.collect();
    let others = undeclared(&lines, &others, &stays, own);
    place(case, &mut lines, others, own);
    attest(case, &mut lines, own);
    Ok(lines)
}

fn line<'a, 's>(settled: &'s Settled<'a>) -> Line<'a, 's> {
    let mut entry = Entry::new(settled.descriptor.clone(), settled.platform.clone());
    entry.annotations.clone_from(&settled.member.annotations);
    Line { entry, part: Part::Member(settled) }
}

/// What nobody here declares, in the order in which it is published, and then what is not yet. What another writer has
/// placed for a machine stands for what is published for it; where the two are one image it stays as it is published.
fn undeclared<'a, 's>(
    declared: &[Line<'a, 's>],
    placed: &[&'s Settled<'a>],
    stays: &Stays<'_, '_>,
    own: Option<&Index>,
) -> Vec<Line<'a, 's>> {
    let mut lines: Vec<Line<'_, '_>> = Vec::new();
    for settled in placed {
        let is_taken = |line: &Line<'_, '_>| line.is_for(&settled.platform);
        if declared.iter().chain(&lines).any(is_taken) {
            continue;
        }
        let mut line = line(settled);
        let is_it = |entry: &&Entry| {
            entry.descriptor == settled.descriptor
                && entry.platform.as_ref().is_some_and(|platform| fits(&settled.declared, platform))
        };
        if let Some(entry) = own.and_then(|own| own.entries.iter().find(is_it)) {
            line.entry = entry.clone();
        }
        lines.push(line);
    }
    let is_placed =
        |entry: &Entry| entry.platform.as_ref().is_some_and(|platform| lines.iter().any(|line| line.is_for(platform)));
    let free: Vec<&Entry> = stays.undeclared.iter().copied().filter(|entry| !is_placed(entry)).collect();
    lines.extend(free.into_iter().map(|entry| Line { entry: entry.clone(), part: Part::Undeclared }));
    let at = |line: &Line<'_, '_>| own.and_then(|own| published_at(line, own)).unwrap_or(usize::MAX);
    lines.sort_by_key(at);
    lines
}

/// Where in the own tag's list the entry stands that a line goes on from.
fn published_at(line: &Line<'_, '_>, own: &Index) -> Option<usize> {
    let same = |entry: &Entry| *entry == line.entry;
    let for_it = |entry: &Entry| entry.platform.as_ref().is_some_and(|platform| line.is_for(platform));
    own.entries.iter().position(same).or_else(|| own.entries.iter().position(for_it))
}

/// Puts what is not declared among what is. Inside one os and architecture the order is content, and whose members come
/// first is not for one of several writers to say, or each would undo the other's order: what is published before the
/// second declared one of its machine stays before the second.
fn place<'a, 's>(case: Case<'_>, lines: &mut Vec<Line<'a, 's>>, others: Vec<Line<'a, 's>>, own: Option<&Index>) {
    let entries: &[Entry] = own.map(|own| own.entries.as_slice()).unwrap_or_default();
    let places: Vec<Option<usize>> = others.iter().map(|line| own.and_then(|own| published_at(line, own))).collect();
    for (line, at) in others.into_iter().zip(&places) {
        let machine = machine(&line.entry);
        let declared: Vec<usize> = (0..entries.len())
            .filter(|at| !places.contains(&Some(*at)) && self::machine(&entries[*at]) == machine)
            .collect();
        let before = at.map_or(declared.len(), |at| declared.iter().filter(|declared| **declared < at).count());
        let is_declared = |line: &Line<'_, '_>| match line.part {
            Part::Member(settled) => case.declares(settled.member),
            Part::Kept(_) => true,
            Part::Undeclared | Part::Attestation | Part::Brought(_) => false,
        };
        let of_machine = |line: &Line<'_, '_>| self::machine(&line.entry) == machine;
        let mut next =
            lines.iter().enumerate().filter(|(_, line)| is_declared(line) && of_machine(line)).map(|(at, _)| at);
        let next = if before < declared.len() { next.nth(before) } else { None };
        lines.insert(next.unwrap_or(lines.len()), line);
    }
}

/// What clients look for first: os and architecture, in one spelling.
fn machine(entry: &Entry) -> Option<(String, String)> {
    let platform = entry.platform.as_ref()?.normalized();
    Some((platform.os, platform.architecture))
}

/// Adds the attestations in the order of the images: those that come with a member, and of what stays or another
/// writer has placed those that are published.
fn attest<'a, 's>(case: Case<'_>, lines: &mut Vec<Line<'a, 's>>, own: Option<&Index>) {
    let keeps = case.publication.rules.attestations == Attestations::Keep;
    let mut found: Vec<Line<'a, 's>> = Vec::new();
    for line in lines.iter() {
        let (brought, stays) = match line.part {
            Part::Member(settled) => (Some(settled), !case.declares(settled.member)),
            Part::Kept(_) => (None, keeps),
            Part::Undeclared => (None, true),
            Part::Attestation | Part::Brought(_) => (None, false),
        };
        let digest = line.entry.descriptor.digest.as_str();
        let brought = brought.into_iter().flat_map(|settled| {
            settled.attestations.iter().map(move |entry| Line { entry: entry.clone(), part: Part::Brought(settled) })
        });
        let published = own.into_iter().flat_map(|own| &own.entries).filter(|_| stays);
        let published = published.filter(|entry| entry.attested() == Some(digest));
        let published = published.map(|entry| Line { entry: entry.clone(), part: Part::Attestation });
        for line in brought.chain(published) {
            if found.iter().all(|other| other.entry.descriptor.digest != line.entry.descriptor.digest) {
                found.push(line);
            }
        }
    }
    lines.extend(found);
}

/// A member that is absent and keeps what is published, where nothing is that can only be its own.
fn refuse_absent(case: Case<'_>, stays: &Stays<'_, '_>, published: &Published) -> Step<()> {
    let mut round = Round::new(case);
    for member in &stays.nothing_to_keep {
        let own = case.publication.reference();
        let why = format!("{own} has no image that can only be the one for {}, to be kept", member.platform);
        let problem: Problem = absent(&member.source).because(why);
        round.block(Origin::member(case, member).label(problem));
    }
    round.end(Some(published))
}
