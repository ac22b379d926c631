//! [`list_tags`]: which tags a repository has, and what they name.
//!
//! | file | holds |
//! |---|---|
//! | `member_forms` | which tags are those of single members |
//! | `tagged` | what a tag names |

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::config::model::Publication;
use crate::config::problem::Problem;
use crate::naming::Version;
use crate::oci::{Place, Tag};

use super::{Answer, Cause, Decision, Query, Snapshot};

use member_forms::MemberForms;
pub use tagged::{ContentKind, ListedTag};

mod member_forms;
mod tagged;

/// The tags of one repository that are to be shown.
#[derive(Debug, Clone)]
pub struct TagRequest {
    /// The lists that are published to the repository. Never empty.
    pub lists: Vec<Arc<Publication>>,
    /// Which of its tags are shown.
    pub limit: TagLimit,
}

/// Which tags of a repository are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagLimit {
    /// The maximum number of tags.
    pub most: NonZeroUsize,
    /// Their kinds.
    pub kinds: TagKinds,
}

/// The kinds of tags that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagKinds {
    /// No tags of single members, and no tags that tools derive from a digest (`sha256-…`). They are counted.
    ForUsers,
    /// All (`-v`).
    All,
}

/// The tags of a repository.
#[derive(Debug, Clone)]
pub struct TagListing {
    /// The repository or layout.
    pub target: Place,
    /// Whether it exists.
    pub state: RepositoryState,
    /// The tags that are shown: versions first, the greatest first, then the others by name.
    pub tags: Vec<ListedTag>,
    /// The number of further tags, because of [`TagLimit::most`].
    pub omitted: usize,
    /// The number of tags of single members that are not shown because of [`TagKinds::ForUsers`].
    pub member_tags: usize,
    /// The number of `sha256-…` tags that are not shown because of [`TagKinds::ForUsers`].
    pub sha256_tags: usize,
    /// Why something is not known.
    pub problems: Vec<Problem>,
}

/// Whether a repository exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepositoryState {
    /// It does.
    Found,
    /// It does not.
    Absent,
    /// There is no usable answer.
    Unknown,
}

/// Returns one request for each repository that lists are published to, in the order of the lists.
#[must_use]
pub fn tag_requests(lists: &[Arc<Publication>], limit: TagLimit) -> Vec<TagRequest> {
    let mut places = HashMap::new();
    let mut requests: Vec<TagRequest> = Vec::new();
    for list in lists {
        let at = *places.entry(&list.target).or_insert_with(|| {
            requests.push(TagRequest { lists: Vec::new(), limit });
            requests.len() - 1
        });
        requests[at].lists.push(Arc::clone(list));
    }
    requests
}

/// Decides which tags of the repository are shown and what they name. Only the manifests and configs that name the
/// platforms of shown tags are read.
#[must_use]
pub fn list_tags(request: &TagRequest, snapshot: &Snapshot) -> Decision<TagListing> {
    let target = &request.lists[0].target;
    let listing = |state, chosen: ChosenTags<'_>, tags| {
        let ChosenTags { omitted, member_tags, sha256_tags, .. } = chosen;
        TagListing { target: target.clone(), state, tags, omitted, member_tags, sha256_tags, problems: Vec::new() }
    };
    let mut facts = TagFacts { snapshot, needs: BTreeSet::new(), causes: Vec::new() };
    let listing = match snapshot.tags(target) {
        None => return Decision::Needs(BTreeSet::from([Query::Tags(target.clone())])),
        Some(Answer::Absent) => listing(RepositoryState::Absent, ChosenTags::default(), Vec::new()),
        Some(Answer::Unknown(cause)) => {
            facts.note(cause);
            listing(RepositoryState::Unknown, ChosenTags::default(), Vec::new())
        }
        Some(Answer::Found(tags)) => {
            let chosen = ChosenTags::of(request, tags);
            let tags = chosen.shown.iter().map(|tag| tagged::read(target, tag, &mut facts)).collect();
            listing(RepositoryState::Found, chosen, tags)
        }
    };
    if !facts.needs.is_empty() {
        return Decision::Needs(facts.needs);
    }
    let problems = facts.causes.iter().map(|cause| problem(cause, &request.lists[0])).collect();
    Decision::Done(TagListing { problems, ..listing })
}

/// The known answers, and what else must be queried.
struct TagFacts<'a> {
    snapshot: &'a Snapshot,
    needs: BTreeSet<Query>,
    /// Why answers are unknown, each reason once.
    causes: Vec<Cause>,
}

impl TagFacts<'_> {
    fn note(&mut self, cause: &Cause) {
        if !self.causes.contains(cause) {
            self.causes.push(cause.clone());
        }
    }

    /// Returns `answer`. If there is none, notes that `query` must be made, and the reason if the answer is unknown.
    fn take<T>(&mut self, answer: Option<Answer<T>>, query: impl FnOnce() -> Query) -> Option<Answer<T>> {
        match &answer {
            Some(Answer::Unknown(cause)) => self.note(cause),
            Some(Answer::Found(_) | Answer::Absent) => {}
            None => _ = self.needs.insert(query()),
        }
        answer
    }
}

/// Which tags of a repository are shown, and how many are not.
#[derive(Default)]
struct ChosenTags<'a> {
    shown: Vec<&'a Tag>,
    omitted: usize,
    member_tags: usize,
    sha256_tags: usize,
}

impl<'a> ChosenTags<'a> {
    fn of(request: &TagRequest, tags: &'a BTreeSet<Tag>) -> Self {
        let forms = MemberForms::of(&request.lists, tags);
        let (mut shown, mut members, mut digests) = (Vec::new(), Vec::new(), Vec::new());
        for tag in tags {
            if tag.as_str().starts_with("sha256-") {
                digests.push(tag);
            } else if forms.fit(tag) {
                members.push(tag);
            } else {
                shown.push(tag);
            }
        }
        let (member_tags, sha256_tags) = match request.limit.kinds {
            TagKinds::ForUsers => (members.len(), digests.len()),
            TagKinds::All => (0, 0),
        };
        let mut shown = in_order(shown);
        if request.limit.kinds == TagKinds::All {
            shown.extend(in_order(members));
            shown.extend(digests);
        }
        let omitted = shown.len().saturating_sub(request.limit.most.get());
        shown.truncate(request.limit.most.get());
        Self { shown, omitted, member_tags, sha256_tags }
    }
}

/// Sorts tags: versions first, the greatest first, then the others by name.
fn in_order(tags: Vec<&Tag>) -> Vec<&Tag> {
    let mut parsed: Vec<(Option<Version>, &Tag)> =
        tags.into_iter().map(|tag| (Version::parse(tag.as_str()), tag)).collect();
    parsed.sort_by(|(one, one_tag), (other, other_tag)| {
        let order = match (one, other) {
            (Some(one), Some(other)) => other.compare(one),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        order.then_with(|| one_tag.cmp(other_tag))
    });
    parsed.into_iter().map(|(_, tag)| tag).collect()
}

/// Returns the problem for an unknown answer. It points at the target, unless the registry as a whole is the cause.
fn problem(cause: &Cause, list: &Publication) -> Problem {
    let problem = Problem::clone(&cause.0);
    let of_a_host = problem.http.is_some() && problem.reference.is_none();
    if of_a_host { problem } else { problem.at(&list.target_span, format!("target of list `{}`", list.id)) }
}
