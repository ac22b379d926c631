//! The planner's result for one publication, as data.

use std::sync::Arc;

use crate::config::model::Publication;
use crate::config::problem::Problem;
use crate::oci::{Descriptor, Digest, MediaType, Payload, Place, Platform, Reference, Tag};

use super::{CheckDepth, ChildFault};

/// What to do with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// None of its tags exists, apart from floating tags, which only the newest version has.
    Create,
    /// Some tag exists but names something else, one of several tags does not exist, or an image of the list is
    /// damaged.
    Update,
    /// Every tag names a list with equal content, apart from tags that stay with a newer version.
    Unchanged,
    /// The registry answered, and the answer does not allow the list to be written.
    Blocked,
    /// There was no usable answer.
    Failed,
}

/// Why a list is created or updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The list is not published yet.
    New,
    /// The members differ.
    Members,
    /// The members are published as declared, but some tag does not exist or names something else.
    Tags,
    /// The members are the same, but something else differs: see [`ListPlan::content`].
    Content,
    /// The list is published as declared, but some of its images are missing in the target or damaged there. Only these
    /// are written.
    Damaged,
}

/// What differs between the new and the published list, if not the members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentChange {
    /// The media type of the list.
    MediaType {
        /// The type of the published list.
        from: MediaType,
        /// The type of the new list.
        to: MediaType,
    },
    /// The artifact type of the list.
    ArtifactType,
    /// The subject of the list. A new list has none.
    Subject,
    /// Annotations of the list, or of the member with this platform.
    Annotations(Option<Platform>, AnnotationChanges),
    /// Other fields of the member with this platform, such as `size`.
    Fields(Platform, Vec<&'static str>),
    /// The attestations of the images.
    Attestations,
    /// The order of members with the same os and architecture.
    Order,
}

/// The names of annotations that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnnotationChanges {
    /// Only in the new list.
    pub added: Vec<String>,
    /// In both lists, with another value.
    pub changed: Vec<String>,
    /// Only in the published list.
    pub removed: Vec<String>,
}

/// What happens to a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagFate {
    /// The tag does not exist and will be created.
    Created,
    /// The tag names something else and will be moved.
    Moved,
    /// The tag names this list, or one equal to it.
    Same,
    /// The tag is left unchanged because it belongs to a newer version, or because this version is a pre-release: see
    /// [`TagChange::stays`].
    Stays,
    /// The tag would be created or moved, but the list is blocked. If this tag is the cause (it is immutable),
    /// [`TagChange::to`] is the digest that it would name.
    Blocked,
    /// Not known.
    Unknown,
}

/// What happens to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberFate {
    /// The member is not in the published list.
    Added,
    /// The member is in the published list with another digest.
    Changed,
    /// The member is in the published list but not declared.
    Removed,
    /// The member is in the published list and does not change.
    Same,
    /// The member stays in the published list although its source does not exist or it is not declared.
    Kept,
    /// The member is declared, but its source responded 404. If [`MemberChange::from`] is set, it leaves the list.
    Absent,
    /// Not known.
    Unknown,
}

/// A tag before and after the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagChange {
    /// The tag.
    pub tag: Tag,
    /// The digest that it names now.
    pub from: Option<Digest>,
    /// The digest that it will name.
    pub to: Option<Digest>,
    /// What happens to it.
    pub fate: TagFate,
    /// Why it stays, if it does: `3.10 is newer than 3.9.1`.
    pub stays: Option<String>,
}

/// A tag of a single member before and after the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberTagChange {
    /// The tag. Its fate is never [`TagFate::Stays`].
    pub tag: TagChange,
    /// The manifest that it will name.
    pub descriptor: Descriptor,
    /// The platform of the member.
    pub platform: Platform,
}

/// A member before and after the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberChange {
    /// The platform in the list, as it is or as it will be.
    pub platform: Platform,
    /// The source of the member. `None` if the member is removed, or kept without being declared.
    pub source: Option<Reference>,
    /// What the source names now, or the entry that is kept. `None` if it is not known.
    pub descriptor: Option<Descriptor>,
    /// Its digest in the published list.
    pub from: Option<Digest>,
    /// What happens to it.
    pub fate: MemberFate,
    /// Where the OS version of the platform comes from. `None` if the platform has none, or if it is not known.
    pub os_version_from: Option<OsVersionOrigin>,
}

/// Where the OS version of a member comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OsVersionOrigin {
    /// The file has it.
    Declared,
    /// The image that `from` names in the file.
    Image(Reference),
    /// The index that the source names.
    SourceIndex,
    /// The config of the member's image.
    Config,
    /// The list that is published. The image is the same, so its config is not read again.
    PublishedList,
}

/// A manifest that must exist in the target before the list is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The manifest.
    pub descriptor: Descriptor,
    /// The platform of its image, for progress output.
    pub platform: Platform,
    /// The place it is copied from, never the target itself.
    pub from: Place,
    /// Its bytes, if the decision needed them, so that they are not fetched again.
    pub payload: Option<Payload>,
    /// What the target has lost of it, if a published list names it.
    pub fault: Option<ChildFault>,
    /// How completely the target must be found to have it after it was copied.
    pub confirm: CheckDepth,
}

/// What to do for one publication, why, and with which bytes.
#[derive(Debug, Clone)]
pub struct ListPlan {
    /// The declared list.
    pub publication: Arc<Publication>,
    /// What to do.
    pub action: Action,
    /// Why, if the list is created or updated.
    pub reason: Option<Reason>,
    /// What differs, if the reason is [`Reason::Content`].
    pub content: Vec<ContentChange>,
    /// The list as it will be, or as it is if nothing changes. `None` if it cannot be known.
    pub index: Option<Descriptor>,
    /// The bytes of the list, if it must be written.
    pub payload: Option<Payload>,
    /// The change of each declared tag, in the order of the file, and then the tags that a pre-release does not get.
    pub tags: Vec<TagChange>,
    /// Declared members in the order of the file, then other members of the list, then removed ones.
    pub members: Vec<MemberChange>,
    /// The tags of single members, in the order of the file.
    pub member_tags: Vec<MemberTagChange>,
    /// The manifests to copy first, without duplicates.
    pub children: Vec<Child>,
    /// The manifests that nothing copies, because only the target has them. They must still be there when the list is
    /// written.
    pub present: Vec<Descriptor>,
    /// Why the list is blocked or failed, and warnings.
    pub problems: Vec<Problem>,
}

/// What to do for each selected publication, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// One plan per publication.
    pub lists: Vec<Arc<ListPlan>>,
}

/// The number of lists per action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lists with [`Action::Create`].
    pub create: usize,
    /// Lists with [`Action::Update`].
    pub update: usize,
    /// Lists with [`Action::Unchanged`].
    pub unchanged: usize,
    /// Lists with [`Action::Blocked`].
    pub blocked: usize,
    /// Lists with [`Action::Failed`].
    pub failed: usize,
}

impl TagFate {
    /// Whether the tag must be written.
    #[must_use]
    pub fn is_written(self) -> bool {
        matches!(self, Self::Created | Self::Moved)
    }
}

impl Action {
    /// Whether something must be written.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }

    /// Returns the word used in output: `create`, `update`, `unchanged`, `blocked`, `failed`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Unchanged => "unchanged",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
        }
    }
}

impl Plan {
    /// Counts the lists by action.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let count = |action: Action| self.lists.iter().filter(|list| list.action == action).count();
        Summary {
            create: count(Action::Create),
            update: count(Action::Update),
            unchanged: count(Action::Unchanged),
            blocked: count(Action::Blocked),
            failed: count(Action::Failed),
        }
    }
}
