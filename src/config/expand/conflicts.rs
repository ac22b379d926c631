//! Conflicts: two lists with one id, a list with two targets in one repository, and lists that claim one tag of one
//! repository. Lists may share a tag if all of them claim it with `newest`: then the newest version has it. `members`
//! checks the tags of members.

mod members;

use std::cmp::Ordering;
use std::collections::HashMap;

use super::instance::{MemberClaim, PublicationNames};
use super::report::Problems;
use super::value::Value;
use crate::config::model::{Newest, Publication};
use crate::config::problem::{Problem, Span};
use crate::config::read::raw::Key;
use crate::naming::Version;
use crate::oci::{Place, Tag};

pub(super) use members::member_tags;

/// The maximum number of further lists that a problem names.
const NAMED: usize = 3;

/// `mlist::config::id_twice` for ids that occur twice. `ids` are in the order of the file.
pub(super) fn ids<'a>(ids: impl Iterator<Item = (&'a Value, &'a Key)>, problems: &mut Problems) {
    let mut seen: HashMap<&str, &Key> = HashMap::new();
    for (id, entry) in ids {
        let Some(first) = seen.get(id.text()) else {
            seen.insert(id.text(), entry);
            continue;
        };
        let problem = Problem::error("mlist::config::id_twice", format!("duplicate list id `{}`", id.shown()));
        let problem = if first.span == entry.span {
            problem.at(&entry.span, "two combinations of axis values have this id")
        } else {
            problem.at(&entry.span, "has this id").at(&first.span, "also has this id")
        };
        problems.add(problem.help(
            "an id is the key of the list and its axis values, separated by `/`: rename a list or an axis value",
        ));
    }
}

/// The versions that claim one tag with `newest`, in groups of versions with the same form. [`Race::settle`] sorts each
/// group, the greatest version first.
#[derive(Default)]
struct Newcomers(Vec<Vec<Version>>);

/// The versions of the file that claim tags with `newest`.
#[derive(Default)]
pub(super) struct Race(HashMap<(Place, Tag), Newcomers>);

impl Race {
    /// Adds the claims of a list, whether it is selected or not.
    pub(super) fn enter(&mut self, names: &PublicationNames) {
        for tag in names.tags() {
            let Some(newest) = &tag.newest else { continue };
            let Newcomers(groups) = self.0.entry((names.place().clone(), tag.tag.clone())).or_default();
            match groups.iter_mut().find(|group| group[0].is_alike(&newest.version)) {
                Some(group) => group.push(newest.version.clone()),
                None => groups.push(vec![newest.version.clone()]),
            }
        }
    }

    /// Adds the rivals of the file to each floating tag of `publications`. The greatest rival is enough.
    pub(super) fn settle<'a>(mut self, publications: impl Iterator<Item = &'a mut Publication>) {
        for group in self.0.values_mut().flat_map(|Newcomers(groups)| groups) {
            group.sort_by(|one, other| other.compare(one));
        }
        for publication in publications {
            for tag in &mut publication.tags {
                let Some(newest) = &mut tag.newest else { continue };
                // The key copies two short texts, once for each claim.
                let claimed = self.0.get(&(publication.target.clone(), tag.tag.clone()));
                newest.rivals = claimed.and_then(|newcomers| newcomers.rival(newest, &tag.tag)).into_iter().collect();
            }
        }
    }
}

impl Newcomers {
    /// The greatest version that gets the same tag from `claim`, if it is greater than the version that claims the tag.
    fn rival(&self, Newest { version, claim, .. }: &Newest, tag: &Tag) -> Option<Version> {
        let group = self.0.iter().find(|group| group[0].is_alike(version))?;
        let greater = group.iter().take_while(|other| other.compare(version).is_gt());
        let mut rivals = greater.filter(|other| claim.with(other.as_str()).as_deref() == Some(tag.as_str()));
        rivals.next().cloned()
    }
}

/// A publication, with its names for problems.
pub(super) struct Claimant<'a> {
    pub(super) publication: &'a Publication,
    pub(super) names: &'a PublicationNames,
    pub(super) id: &'a Value,
    /// The tags of its members.
    pub(super) member_claims: &'a [MemberClaim],
    /// The key of its list.
    pub(super) entry: &'a Key,
}

/// `mlist::config::id_twice` for lists with two targets in one repository. They would be one publication, split into
/// two with some of the tags each. The second target is left out of the result. `claimants` are in the order of the
/// file.
pub(super) fn repositories<'a>(
    claimants: impl Iterator<Item = Claimant<'a>>,
    problems: &mut Problems,
) -> Vec<Claimant<'a>> {
    let mut kept: Vec<Claimant<'a>> = Vec::new();
    // The targets of the last list. Those of a list are adjacent.
    let mut targets: HashMap<&Place, &Publication> = HashMap::new();
    for claimant in claimants {
        if kept.last().is_some_and(|last| !std::ptr::eq(last.id, claimant.id)) {
            targets.clear();
        }
        let Some(first) = targets.get(&claimant.publication.target) else {
            targets.insert(&claimant.publication.target, claimant.publication);
            kept.push(claimant);
            continue;
        };
        let message = format!("list `{}` has the target {} twice", claimant.id.shown(), claimant.names.repository());
        let problem = Problem::error("mlist::config::id_twice", message)
            .at(&claimant.publication.target_span, "defined again here")
            .at(&first.target_span, "first defined here")
            .help("keep one of the two targets, with the tags of both");
        problems.add_for(claimant.id.shown(), problem);
    }
    kept
}

/// `mlist::config::tag_twice`. The publications are in the order of the file, and their rivals are known.
pub(super) fn tags(claimants: &[Claimant<'_>], problems: &mut Problems) {
    let mut order: Vec<(&Place, &Tag)> = Vec::new();
    let mut claims: HashMap<(&Place, &Tag), Vec<TagClaim<'_>>> = HashMap::new();
    for Claimant { publication, names, id, entry, .. } in claimants {
        for (at, tag) in publication.tags.iter().enumerate() {
            let name = (&publication.target, &tag.tag);
            let target = &publication.target_span;
            let newest = tag.newest.as_ref();
            let claim = TagClaim { id: id.shown(), names, at, newest, tag: &tag.span, target, entry };
            let claimed = claims.entry(name).or_default();
            if claimed.len() == 1 {
                order.push(name);
            }
            claimed.push(claim);
        }
    }
    for name in order {
        let Some(claims) = claims.remove(&name) else { continue };
        problems.extend(if claims.iter().all(|claim| claim.newest.is_some()) {
            // A list with a rival gives way to it and does not conflict.
            let left: Vec<_> = claims.into_iter().filter(TagClaim::has_no_rival).collect();
            twice(&left)
        } else {
            let newest_too = claims.iter().any(|claim| claim.newest.is_some());
            twice(&claims).map(|problem| if newest_too { problem.help(NEWEST_TOO) } else { problem })
        });
    }
}

const APART: &str = "a tag can name only one list: change `target` or `tags` of one of them";
const NEWEST_TOO: &str =
    "change `target` or `tags` of one of them, or add when = \"newest\" to the tag in each of them";

/// The problem if several lists claim one tag. `None` if only one does.
fn twice(claims: &[TagClaim<'_>]) -> Option<Problem> {
    let [first, second, more @ ..] = claims else { return None };
    let tagged = first.names.shown(first.at);
    let message = format!("lists `{}` and `{}` both publish {tagged}", first.id, second.id);
    let problem = match first.why_neither(second) {
        Some(why) => {
            Problem::error("mlist::config::tag_twice", message + ", and neither version is newer").because(why)
        }
        None => Problem::error("mlist::config::tag_twice", message),
    };
    // Point to the places where the two differ. A tag that both have from `[defaults]` explains nothing.
    let (one, other) = first.apart(second);
    let problem = if one == other {
        problem.at(other, "")
    } else {
        problem.at(other, format!("list `{}`", second.id)).at(one, format!("list `{}`", first.id))
    };
    let also: Vec<String> = more.iter().take(NAMED).map(|claim| format!("`{}`", claim.id)).collect();
    let problem = match (also.as_slice(), more.len().saturating_sub(NAMED)) {
        ([], _) => problem,
        ([one], 0) => problem.because(format!("list {one} publishes it too")),
        ([also @ .., last], 0) => problem.because(format!("lists {} and {last} publish it too", also.join(", "))),
        (_, rest) => problem.because(format!("lists {} and {rest} more publish it too", also.join(", "))),
    };
    Some(problem.about(&tagged).help(APART))
}

/// A tag that a list claims.
struct TagClaim<'a> {
    /// As problems may show it.
    id: &'a str,
    names: &'a PublicationNames,
    /// The index of the tag.
    at: usize,
    newest: Option<&'a Newest>,
    tag: &'a Span,
    target: &'a Span,
    entry: &'a Key,
}

impl<'a> TagClaim<'a> {
    fn apart(&self, other: &TagClaim<'a>) -> (&'a Span, &'a Span) {
        let pairs = [(self.tag, other.tag), (self.target, other.target), (&self.entry.span, &other.entry.span)];
        pairs.into_iter().find(|(one, other)| one != other).unwrap_or((self.tag, other.tag))
    }

    fn has_no_rival(&self) -> bool {
        self.newest.is_some_and(|newest| newest.rivals.is_empty())
    }

    /// Why neither version gives way to the other. `None` unless both claim the tag with `newest`.
    fn why_neither(&self, other: &TagClaim<'_>) -> Option<String> {
        let (mine, others) = (&self.newest?.version, &other.newest?.version);
        let (one, two) = (self.names.version(self.at), other.names.version(other.at));
        Some(match mine.compare(others) {
            _ if !mine.is_alike(others) => {
                format!("versions {one} and {two} are not compared: their suffixes or numbers of parts differ")
            }
            _ if one == two => format!("both have version {one}"),
            Ordering::Equal => format!("versions {one} and {two} are equal"),
            Ordering::Less => format!("with the tag template of `{}`, version {two} has a different tag", self.id),
            Ordering::Greater => format!("with the tag template of `{}`, version {one} has a different tag", other.id),
        })
    }
}
