//! [`Verification`]: how a published list compares with the declared one.

use std::sync::Arc;

use crate::oci::{Descriptor, Digest, MediaType, Platform};

use super::{ListPlan, MemberChange, MemberFate};

/// How much of a published list is checked. Each step includes those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckDepth {
    /// What its tags name and the bytes of the list. Its children are checked only in layouts.
    #[default]
    List,
    /// Also whether its children exist, with the size and the type that the list says (`--repair`, `verify`).
    Children,
    /// Also whether the config and the layers of each child exist (`--blobs`).
    Blobs,
}

/// The state of a published list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListState {
    /// Every tag names a list as declared, apart from tags that stay with a newer version, and nothing is damaged.
    AsDeclared,
    /// Some tag does not exist or names something else.
    Differs,
    /// A child of the list is missing, or is not as the list says.
    Damaged,
    /// The list is not published.
    Absent,
    /// A sync would be blocked.
    Blocked,
    /// There was no usable answer.
    Failed,
}

/// What is published of a list, whatever a sync would make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublishedState {
    /// The list as declared.
    AsDeclared,
    /// Another list, or one that is damaged or has not all tags.
    Differs,
    /// Nothing: the list's own tag was not found.
    Absent,
    /// There was no usable answer.
    Unknown,
}

/// The state of a member of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberState {
    /// It is published as declared.
    AsDeclared,
    /// It is published, but its source names another image now.
    Differs,
    /// Its source exists, but it is not in the published list.
    New,
    /// Its source was not found (404).
    Absent,
    /// It is in the published list, but not declared.
    Undeclared,
    /// Not known.
    Unknown,
}

/// A child of a published list that clients cannot use as the list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedChild {
    /// What the child is.
    pub part: ChildPart,
    /// The digest of the image: of the child itself, or of the image that it attests.
    pub image: String,
    /// The child as the list describes it.
    pub descriptor: Descriptor,
    /// What is wrong with it.
    pub fault: ChildFault,
}

/// What a child of a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChildPart {
    /// The image for this platform. `None` if the list does not say which.
    Image(Option<Platform>),
    /// An attestation of the image for this platform. `None` if the image is not in the list.
    Attestation(Option<Platform>),
}

/// What is wrong with a child of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ChildFault {
    /// Its manifest was not found.
    Missing,
    /// Its manifest has this size, but the list says another.
    Size(u64),
    /// Its manifest has this type, but the list says another.
    Type(MediaType),
    /// Its config was not found.
    ConfigMissing(Digest),
    /// A layer was not found.
    LayerMissing(Digest),
    /// Its manifest cannot be parsed, for this reason.
    Unreadable(String),
}

/// A published list compared with the declared one.
#[derive(Debug, Clone)]
pub struct Verification {
    /// What a sync would change, if sources that do not exist any more counted as unchanged. It is never written.
    pub plan: Arc<ListPlan>,
    /// The result.
    pub state: ListState,
    /// The damaged children, in the order of the list. A child with several faults occurs several times.
    pub damage: Vec<DamagedChild>,
    /// What repairs the damage. `None` if nothing is damaged, or if more must be done first.
    pub repair: Option<Repair>,
}

/// What repairs a damaged list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// The list must be written again (`sync`).
    Rewrite,
    /// Children must be published again from their sources (`sync --repair`).
    Children,
    /// Configs and layers too (`sync --repair --blobs`).
    Blobs,
}

impl ChildPart {
    /// The platform of the image. `None` if it is not known.
    #[must_use]
    pub fn platform(&self) -> Option<&Platform> {
        let (Self::Image(platform) | Self::Attestation(platform)) = self;
        platform.as_ref()
    }
}

impl ChildFault {
    /// Whether the child must be published again from its source. Otherwise the list itself is wrong.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing | Self::ConfigMissing(_) | Self::LayerMissing(_))
    }
}

impl Verification {
    /// Returns what is published.
    #[must_use]
    pub fn published(&self) -> PublishedState {
        match self.state {
            ListState::AsDeclared => PublishedState::AsDeclared,
            ListState::Absent => PublishedState::Absent,
            ListState::Failed => PublishedState::Unknown,
            ListState::Blocked if self.plan.own_digest().is_none() => PublishedState::Absent,
            ListState::Differs | ListState::Damaged | ListState::Blocked => PublishedState::Differs,
        }
    }
}

impl ListPlan {
    /// Returns the digest that the list's own tag names now, if it is known.
    #[must_use]
    pub fn own_digest(&self) -> Option<&Digest> {
        let own = &self.publication.own_tag().tag;
        self.tags.iter().find(|tag| tag.tag == *own)?.from.as_ref()
    }

    /// Returns the state of `member`, one of [`ListPlan::members`].
    #[must_use]
    pub fn state_of(&self, member: &MemberChange) -> MemberState {
        let is_declared = || self.publication.members.iter().any(|own| member.source.as_ref() == Some(&own.source));
        match member.fate {
            MemberFate::Added => MemberState::New,
            MemberFate::Changed => MemberState::Differs,
            MemberFate::Same => MemberState::AsDeclared,
            // A declared member is kept only if its source was not found.
            MemberFate::Kept if is_declared() => MemberState::Absent,
            MemberFate::Kept | MemberFate::Removed => MemberState::Undeclared,
            MemberFate::Absent => MemberState::Absent,
            MemberFate::Unknown => MemberState::Unknown,
        }
    }
}
