//! Which published entries stay although no source names them: those of declared members that do not exist, and
//! undeclared ones.
//!
//! Only the list of the own tag is considered. The other tags are aliases: the entries that `latest` had for v1.1 are
//! not part of v1.2.

use std::collections::HashSet;

use crate::config::model::{Member, Missing, Undeclared};
use crate::oci::{Digest, Entry, Index, Platform};
use crate::plan::equality::fits;

use super::current_state::CurrentState;
use super::input::Input;
use super::members::ResolvedMember;
use super::os_version;
use super::platforms::is_complete;

/// The entries of the own tag's list that stay.
pub(super) struct Retained<'a, 'p> {
    /// Declared members that do not exist, each with the published entry it keeps.
    pub(super) kept: Vec<(&'a Member, &'p Entry)>,
    /// Members that should keep their published entry, but no entry can be attributed to them alone.
    pub(super) nothing_to_keep: Vec<&'a Member>,
    /// Entries that this file does not declare, in the order of the list.
    pub(super) undeclared: Vec<&'p Entry>,
}

/// Chooses among the entries of `own`, the list of the own tag.
pub(super) fn choose<'a, 'p>(
    input: Input<'a>,
    state: &CurrentState<'a>,
    resolved: &[ResolvedMember<'a>],
    own: Option<&'p Index>,
) -> Retained<'a, 'p> {
    let entries = own.map(images).unwrap_or_default();
    let absent = state.absent().filter(|member| input.declares(member));
    // The platform is looked up once for each member, not once for each entry: that may parse an index.
    let absent = absent.map(|member| (member, os_version::known(input, member)));
    let claims = Claims { input, resolved, absent: absent.collect() };
    let keeps_undeclared = input.publication.rules.undeclared == Undeclared::Keep;
    let mut retained = Retained { kept: Vec::new(), nothing_to_keep: Vec::new(), undeclared: Vec::new() };
    for (member, platform) in claims.absent.iter().filter(|(member, _)| input.keeps(member)) {
        match claims.published_for(member, platform, &entries) {
            // To compare: it stays where it is in the list, as an entry that is not declared.
            Some(entry) if member.missing == Missing::Skip && keeps_undeclared && !claims.any(entry) => {}
            Some(entry) => retained.kept.push((member, entry)),
            None if member.missing == Missing::Skip => {}
            None => retained.nothing_to_keep.push(member),
        }
    }
    if keeps_undeclared {
        let kept: HashSet<&Digest> = retained.kept.iter().map(|(_, entry)| &entry.descriptor.digest).collect();
        let is_free = |entry: &&Entry| !kept.contains(&entry.descriptor.digest) && !claims.any(entry);
        retained.undeclared = entries.into_iter().filter(is_free).collect();
    }
    retained
}

/// The entries of `own` except attestations. Of two entries for one platform only the first is returned, because
/// clients never use the second.
fn images(own: &Index) -> Vec<&Entry> {
    let mut machines: HashSet<Platform> = HashSet::new();
    let mut is_first = |entry: &Entry| {
        let machine = entry.platform.as_ref().filter(|platform| !platform.is_unknown()).map(Platform::normalized);
        machine.is_none_or(|machine| machines.insert(machine))
    };
    own.entries.iter().filter(|entry| entry.attested().is_none() && is_first(entry)).collect()
}

/// Which member declares which entry.
struct Claims<'a, 's> {
    input: Input<'a>,
    resolved: &'s [ResolvedMember<'a>],
    /// Declared members that do not exist, each with its platform including the version.
    absent: Vec<(&'a Member, Platform)>,
}

impl<'a> Claims<'a, '_> {
    /// Returns the one entry that was published for an absent member. No other member declares its image or its
    /// platform, no other writer has placed a member for it, and no other entry fits equally well.
    fn published_for<'p>(&self, member: &'a Member, platform: &Platform, entries: &[&'p Entry]) -> Option<&'p Entry> {
        let absent_but = |entry: &Entry| self.absent_but(member, platform, entry);
        let is_others = |entry: &Entry| self.present(entry) || self.placed(entry) || absent_but(entry);
        let free = || entries.iter().copied().filter(|entry| !is_others(entry));
        let mut exact = free().filter(|entry| is_for(platform, entry)).peekable();
        if exact.peek().is_some() {
            return only(exact);
        }
        let may_be = |published: &Platform| fits(platform, published) && os_version::fits(member, published);
        only(free().filter(|entry| entry.platform.as_ref().is_some_and(may_be)))
    }

    /// Whether some member declares the image or the platform of `entry`. A member that does not exist declares only
    /// the platform that is written in the file: an entry published for a bare `arm` cannot be distinguished from one
    /// that another writer published for v7.
    fn any(&self, entry: &Entry) -> bool {
        self.present(entry) || self.absent.iter().any(|(_, platform)| is_for(platform, entry))
    }

    /// Whether a member that exists declares the image or the platform of `entry`.
    fn present(&self, entry: &Entry) -> bool {
        self.resolved.iter().filter(|resolved| self.input.declares(resolved.member)).any(|resolved| {
            resolved.descriptor.digest == entry.descriptor.digest
                || is_for(&resolved.platform, entry)
                || is_older_windows(resolved, entry)
        })
    }

    /// Whether another writer has placed a member for the platform of `entry`.
    fn placed(&self, entry: &Entry) -> bool {
        let others = self.resolved.iter().filter(|resolved| !self.input.declares(resolved.member));
        others.into_iter().any(|resolved| is_for(&resolved.platform, entry))
    }

    /// Whether an absent member other than `member` fits the platform of `entry` at least as exactly as `member` does.
    fn absent_but(&self, member: &'a Member, platform: &Platform, entry: &Entry) -> bool {
        let is_exact = is_for(platform, entry);
        self.absent.iter().filter(|(other, _)| !std::ptr::eq(*other, member)).any(|(other, declared)| {
            let open = |published: &Platform| {
                !is_complete(declared) && fits(declared, published) && os_version::fits(other, published)
            };
            is_for(declared, entry) || (!is_exact && entry.platform.as_ref().is_some_and(open))
        })
    }
}

fn is_for(platform: &Platform, entry: &Entry) -> bool {
    entry.platform.as_ref().is_some_and(|published| published.normalized() == platform.normalized())
}

/// Whether `entry` is an earlier publication of `resolved`, before this month's update: a Windows of the same build.
fn is_older_windows(resolved: &ResolvedMember<'_>, entry: &Entry) -> bool {
    let published = entry.platform.as_ref().filter(|published| fits(&resolved.member.platform, published));
    resolved.declared.is_windows() && published.is_some_and(|published| resolved.platform.is_same_build(published))
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    found.next().filter(|_| found.next().is_none())
}
