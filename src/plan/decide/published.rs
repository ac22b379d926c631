//! The lists that the tags name now.

use crate::config::model::Member;
use crate::oci::{Descriptor, Digest, Entry, Index, Payload, Platform};
use crate::plan::equality::fits;

use super::heads::{Heads, is_complete};
use super::round::{Known, Origin, Round};
use super::{Case, Step};

/// A published list.
pub(super) struct List {
    /// Its bytes.
    pub(super) payload: Payload,
    /// What they say.
    pub(super) index: Index,
}

/// Each list that some tag names, once, in the order of the tags. A tag that names something else (an image, bytes
/// that no one can read) has none here: it is moved as an absent one is created.
pub(super) struct Published(Vec<List>);

/// Step 5: reads the lists that the tags name. `predicted` need not be read: its bytes are known.
pub(super) fn read(case: Case<'_>, heads: &Heads<'_>, predicted: Option<&Payload>) -> Step<Published> {
    let mut round = Round::new(case);
    let mut payloads: Vec<Payload> = Vec::new();
    for (tag, head) in &heads.tags {
        let Some(head) = head.filter(|head| head.media_type.is_index()) else { continue };
        if payloads.iter().any(|payload| *payload.digest() == head.digest) {
            continue;
        }
        match predicted.filter(|predicted| *predicted.digest() == head.digest) {
            Some(predicted) => payloads.push(predicted.clone()),
            None => match round.manifest(&head.digest, &case.publication.target, &Origin::tag(case, tag)) {
                Some(Known::Found(payload)) => payloads.push(payload.clone()),
                Some(Known::Absent) | None => {}
            },
        }
    }
    round.end(None)?;
    let list = |payload: Payload| Index::parse(&payload).ok().map(|index| List { payload, index });
    Ok(Published(payloads.into_iter().filter_map(list).collect()))
}

impl Published {
    /// All lists, in the order of the tags.
    pub(super) fn lists(&self) -> &[List] {
        &self.0
    }

    /// Whether some list has an entry of `digest`.
    pub(super) fn holds(&self, digest: &Digest) -> bool {
        self.0.iter().flat_map(|list| &list.index.entries).any(|entry| entry.descriptor.digest == *digest)
    }

    /// For each member the entry that publishes it: of the first list that has one of its digest whose platform fits
    /// what is declared. No entry is two members' in one list.
    pub(super) fn entries_of(&self, members: &[(&Member, &Descriptor)]) -> Vec<Option<&Entry>> {
        let mut found = vec![None; members.len()];
        for list in &self.0 {
            for (found, entry) in found.iter_mut().zip(assign(&list.index, members)) {
                *found = found.or(entry);
            }
        }
        found
    }
}

/// Which entry of `index` is which member's. Those that are declared in full choose first. One with open parts takes
/// them from no entry that stands there twice or for a platform that another member is declared for: its own config
/// knows better.
fn assign<'i>(index: &'i Index, members: &[(&Member, &Descriptor)]) -> Vec<Option<&'i Entry>> {
    let mut free: Vec<(&Entry, &Platform, Platform)> = index
        .entries
        .iter()
        .filter_map(|entry| entry.platform.as_ref().map(|platform| (entry, platform, platform.normalized())))
        .collect();
    let platforms: Vec<Platform> = free.iter().map(|(.., normalized)| normalized.clone()).collect();
    let claimed: Vec<Platform> = members
        .iter()
        .filter(|(member, _)| is_complete(&member.platform))
        .map(|(member, _)| member.platform.normalized())
        .collect();
    let is_own = |normalized: &Platform| {
        platforms.iter().filter(|platform| *platform == normalized).count() == 1 && !claimed.contains(normalized)
    };
    let mut found: Vec<Option<&Entry>> = vec![None; members.len()];
    let mut pass = |may: &dyn Fn(&Platform, &Platform, &Platform) -> bool| {
        for ((member, head), found) in members.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            let at = free.iter().position(|(entry, platform, normalized)| {
                entry.descriptor.digest == head.digest && may(&member.platform, platform, normalized)
            });
            *found = at.map(|at| free.remove(at).0);
        }
    };
    pass(&|declared, _, normalized| is_complete(declared) && declared.normalized() == *normalized);
    pass(&|declared, published, _| is_complete(declared) && fits(declared, published));
    pass(&|declared, published, normalized| fits(declared, published) && is_own(normalized));
    found
}
