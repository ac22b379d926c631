//! No two lists may have one id, and no two may claim one tag of one repository.

use std::collections::HashMap;

use super::expand::Names;
use super::model::Publication;
use super::problem::{Problem, Span};
use super::raw::Key;
use super::report::Problems;
use super::value::Value;
use crate::oci::{Place, Tag};

/// How many more lists are named.
const NAMED: usize = 3;

/// `mlist::config::id_twice` for ids that come out of the file twice; `ids` in the order of the file.
pub(super) fn ids<'a>(ids: impl Iterator<Item = (&'a Value, &'a Key)>, problems: &mut Problems) {
    let mut seen: HashMap<&str, &Key> = HashMap::new();
    for (id, entry) in ids {
        let Some(first) = seen.get(id.text()) else {
            seen.insert(id.text(), entry);
            continue;
        };
        let problem = Problem::error("mlist::config::id_twice", format!("two lists are called `{}`", id.shown()));
        let problem = if first.span == entry.span {
            problem.at(&entry.span, "its axes give it twice")
        } else {
            problem.at(&entry.span, "here again").at(&first.span, "here first")
        };
        problems.add(problem.help("an id is the list's key and a value of each axis, with `/` between them"));
    }
}

/// A publication, and how problems speak of it.
pub(super) struct Claimant<'a> {
    pub(super) publication: &'a Publication,
    pub(super) names: &'a Names,
    pub(super) id: &'a Value,
    /// The key of its list.
    pub(super) entry: &'a Key,
}

/// `mlist::config::tag_twice`; the publications in the order of the file.
pub(super) fn tags<'a>(claimants: impl Iterator<Item = Claimant<'a>>, problems: &mut Problems) {
    let mut order: Vec<(&Place, &Tag)> = Vec::new();
    let mut claims: HashMap<(&Place, &Tag), Vec<Claim<'_>>> = HashMap::new();
    for Claimant { publication, names, id, entry } in claimants {
        for (at, tag) in publication.tags.iter().enumerate() {
            let name = (&publication.target, &tag.tag);
            let target = &publication.target_span;
            let claim = Claim { id: id.shown(), names, at, tag: &tag.span, target, entry };
            let claimed = claims.entry(name).or_default();
            if claimed.len() == 1 {
                order.push(name);
            }
            claimed.push(claim);
        }
    }
    for name in order {
        let [first, second, more @ ..] = claims[&name].as_slice() else { continue };
        let tagged = first.names.shown(first.at);
        let problem = Problem::error(
            "mlist::config::tag_twice",
            format!("`{}` and `{}` both claim {tagged}", first.id, second.id),
        );
        // The places that tell the two apart: what both have from one default tells nothing.
        let (one, other) = first.apart(second);
        let problem = if one == other { problem.at(other, "") } else { problem.at(other, second.id).at(one, first.id) };
        let also: Vec<&str> = more.iter().take(NAMED).map(|claim| claim.id).collect();
        let problem = match (also.is_empty(), more.len().saturating_sub(NAMED)) {
            (true, _) => problem,
            (false, 0) => problem.because(format!("so do {}", also.join(", "))),
            (false, rest) => problem.because(format!("so do {} and {rest} more", also.join(", "))),
        };
        problems.add(problem.about(&tagged).help("a tag names one list: tell them apart in `target` or in `tags`"));
    }
}

struct Claim<'a> {
    /// As it may be shown.
    id: &'a str,
    names: &'a Names,
    /// Which of its tags.
    at: usize,
    tag: &'a Span,
    target: &'a Span,
    entry: &'a Key,
}

impl<'a> Claim<'a> {
    fn apart(&self, other: &Claim<'a>) -> (&'a Span, &'a Span) {
        let pairs = [(self.tag, other.tag), (self.target, other.target), (&self.entry.span, &other.entry.span)];
        pairs.into_iter().find(|(one, other)| one != other).unwrap_or((self.tag, other.tag))
    }
}
