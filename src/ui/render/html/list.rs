//! The lists of the page, with or without states.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::config::Publication;
use crate::config::problem::Problem;
use crate::oci::{Descriptor, Digest, Place, Platform, Reference};
use crate::plan::{ChildPart, MemberChange, MemberState, PublishedState, Verification};
use crate::ui::document::Checked;
use crate::ui::render::human::lists::declared_platform;

use super::shown;

/// What the page is made from.
#[derive(Debug, Clone, Copy)]
pub(super) enum PageLists<'a> {
    /// Lists, compared with what is published.
    Compared(&'a [Arc<Verification>]),
    /// What the file declares (`--offline`).
    Declared(&'a Checked),
    /// Nothing, because of these problems.
    Unknown(&'a [Problem]),
}

/// A list of the page.
pub(super) struct PageList<'a> {
    pub(super) publication: &'a Publication,
    /// How it compares with what is published. `None` with `--offline`.
    pub(super) compared: Option<&'a Verification>,
    /// `None` with `--offline`.
    pub(super) state: Option<ShownState>,
    pub(super) members: Vec<PageMember<'a>>,
}

/// A member of a list, or an image that is published but not declared.
pub(super) struct PageMember<'a> {
    pub(super) platform: Cow<'a, Platform>,
    pub(super) source: Option<&'a Reference>,
    /// `None` with `--offline`.
    pub(super) state: Option<ShownState>,
    /// Its digest in the published list.
    pub(super) published: Option<&'a Digest>,
    /// What its source names now, or what is published if the source does not name anything.
    pub(super) found: Option<&'a Descriptor>,
}

/// The lists in one registry.
pub(super) struct RegistryGroup<'a> {
    /// The host, or what the lists without a host have in common.
    pub(super) title: String,
    /// The lists, with their numbers in the file.
    pub(super) lists: Vec<(usize, &'a PageList<'a>)>,
}

/// The state of a list or of an image, as the page shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum ShownState {
    AsDeclared,
    New,
    Differs,
    Undeclared,
    Damaged,
    NotFound,
    Unknown,
}

impl ShownState {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::AsDeclared => "as declared",
            Self::New => "new",
            Self::Differs => "differs",
            Self::Undeclared => "undeclared",
            Self::Damaged => "damaged",
            Self::NotFound => "not found",
            Self::Unknown => "unknown",
        }
    }

    /// The word after a number of lists: `1 differs`, `2 differ`.
    pub(super) fn verb(self, number: usize) -> &'static str {
        if self == Self::Differs && number != 1 { "differ" } else { self.word() }
    }

    /// The name of its class in `page.css`, which gives it a sign and a color.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::AsDeclared => "ok",
            Self::NotFound => "absent",
            other => other.word(),
        }
    }

    /// What it means, for the legend.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::AsDeclared => "published as declared in the file",
            Self::New => "the image exists, but it is not in the published list yet",
            Self::Differs => "published, but not as declared now",
            Self::Undeclared => "published, but not declared in the file",
            Self::Damaged => "published, but the image is missing or corrupt",
            Self::NotFound => "a list that is not published, or an image whose source was not found",
            Self::Unknown => "not known, because a registry gave no usable response: see the problems below",
        }
    }
}

impl From<PublishedState> for ShownState {
    fn from(state: PublishedState) -> Self {
        match state {
            PublishedState::AsDeclared => Self::AsDeclared,
            PublishedState::Differs => Self::Differs,
            PublishedState::Absent => Self::NotFound,
            PublishedState::Unknown => Self::Unknown,
        }
    }
}

impl From<MemberState> for ShownState {
    fn from(state: MemberState) -> Self {
        match state {
            MemberState::AsDeclared => Self::AsDeclared,
            MemberState::Differs => Self::Differs,
            MemberState::New => Self::New,
            MemberState::Absent => Self::NotFound,
            MemberState::Undeclared => Self::Undeclared,
            MemberState::Unknown => Self::Unknown,
        }
    }
}

impl PageList<'_> {
    /// The name of the list below its registry: `acme/app:1.2`.
    pub(super) fn name(&self) -> String {
        let tag = self.publication.own_tag().tag.as_str();
        match &self.publication.target {
            Place::Repository(repository) => shown(&format!("{}:{tag}", repository.path())),
            place @ Place::Layout(_) => shown(&format!("{place}:{tag}")),
        }
    }
}

/// Returns the lists of the page, in the order of the file.
pub(super) fn page_lists(lists: PageLists<'_>) -> Vec<PageList<'_>> {
    match lists {
        PageLists::Compared(lists) => lists.iter().map(|list| compared(list)).collect(),
        PageLists::Declared(checked) => checked.publications.iter().map(|list| declared(list)).collect(),
        PageLists::Unknown(_) => Vec::new(),
    }
}

fn compared(list: &Verification) -> PageList<'_> {
    let is_damaged = |digest: &Digest| {
        list.damage.iter().any(|child| child.descriptor.digest == *digest && matches!(child.part, ChildPart::Image(_)))
    };
    let member = |member: &'_ MemberChange| match &member.from {
        Some(digest) if is_damaged(digest) => ShownState::Damaged,
        _ => list.plan.state_of(member).into(),
    };
    PageList {
        publication: &list.plan.publication,
        compared: Some(list),
        state: Some(list.published().into()),
        members: list
            .plan
            .members
            .iter()
            .map(|change| PageMember {
                platform: Cow::Borrowed(&change.platform),
                source: change.source.as_ref(),
                state: Some(member(change)),
                published: change.from.as_ref(),
                found: change.descriptor.as_ref(),
            })
            .collect(),
    }
}

fn declared(publication: &Publication) -> PageList<'_> {
    let members = publication.members.iter().map(|member| PageMember {
        platform: Cow::Owned(declared_platform(member)),
        source: Some(&member.source),
        state: None,
        published: None,
        found: None,
    });
    PageList { publication, compared: None, state: None, members: members.collect() }
}

/// Groups lists by registry, in the order of the first list of each.
pub(super) fn by_registry<'a>(lists: &'a [PageList<'a>]) -> Vec<RegistryGroup<'a>> {
    let mut groups: Vec<RegistryGroup<'a>> = Vec::new();
    let mut known = HashMap::new();
    for (number, list) in lists.iter().enumerate() {
        let host = list.publication.target.host();
        let at = *known.entry(host).or_insert_with(|| {
            let title = host.map_or_else(|| "OCI layouts".to_owned(), |host| shown(host.as_str()));
            groups.push(RegistryGroup { title, lists: Vec::new() });
            groups.len() - 1
        });
        groups[at].lists.push((number, list));
    }
    groups
}

/// Counts states, in their order.
pub(super) fn counts(states: impl IntoIterator<Item = ShownState>) -> Vec<(ShownState, usize)> {
    let mut counts = BTreeMap::new();
    for state in states {
        *counts.entry(state).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}
