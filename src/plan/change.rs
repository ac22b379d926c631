//! What must change: the planner's answer for one publication, as data.

use std::sync::Arc;

use crate::config::model::Publication;
use crate::config::problem::Problem;
use crate::oci::{Descriptor, Digest, Payload, Place, Platform, Reference, Tag};

/// What is to be done with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// No tag of it exists, apart from those that only the newest version has.
    Create,
    /// Some tag exists and names something else, or one of several is absent.
    Update,
    /// Every tag names a list of equal content, apart from those that stay with a newer version.
    Unchanged,
    /// The registry answered, and the answer forbids it.
    Blocked,
    /// There was no usable answer.
    Failed,
}

/// Why a list is created or updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It is not published.
    New,
    /// Its members differ.
    Members,
    /// Its members are published as declared; some tag is absent or elsewhere.
    Tags,
    /// The same members, but type, annotations or order differ.
    Content,
}

/// What becomes of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagFate {
    /// It is absent and will be there.
    Created,
    /// It names something else and will be moved.
    Moved,
    /// It names the list, or one equal to it.
    Same,
    /// It is left as it is, for only the newest version has it: see [`TagChange::stays`].
    Stays,
    /// It would be created or moved, and the list is blocked. Where that is for this very tag, which is immutable,
    /// [`TagChange::to`] is what it would name.
    Blocked,
    /// Nobody knows.
    Unknown,
}

/// What becomes of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberFate {
    /// Not in the published list.
    Added,
    /// In the published list by another digest.
    Changed,
    /// In the published list and not declared.
    Removed,
    /// In the published list as it is.
    Same,
    /// In the published list, and kept there though it is absent at its source or not declared.
    Kept,
    /// Declared, and 404 at its source. Where [`MemberChange::from`] is given it leaves the list.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// A tag, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagChange {
    /// The tag.
    pub tag: Tag,
    /// What it names now.
    pub from: Option<Digest>,
    /// What it is to name.
    pub to: Option<Digest>,
    /// What becomes of it.
    pub fate: TagFate,
    /// Why it stays, where it does: `3.10 is newer than 3.9.1`.
    pub stays: Option<String>,
}

/// A tag of one member, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberTagChange {
    /// The tag; it is never one that stays.
    pub tag: TagChange,
    /// The manifest it is to name.
    pub descriptor: Descriptor,
    /// For which platform.
    pub platform: Platform,
}

/// A member, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberChange {
    /// As it is, or is to be, in the list.
    pub platform: Platform,
    /// Where it comes from; none for one that is removed, or kept though not declared.
    pub source: Option<Reference>,
    /// What the source names now, or what is kept; none where that is not known.
    pub descriptor: Option<Descriptor>,
    /// Its digest in the published list.
    pub from: Option<Digest>,
    /// What becomes of it.
    pub fate: MemberFate,
}

/// A manifest that must stand in the target before the list is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The manifest.
    pub descriptor: Descriptor,
    /// For which platform, to say which one is on its way.
    pub platform: Platform,
    /// Where it is copied from: never the target itself.
    pub from: Place,
    /// Its bytes, where deciding took them: they need not be read again.
    pub payload: Option<Payload>,
}

/// What is to be done for one publication, why, and with what bytes.
#[derive(Debug, Clone)]
pub struct ListPlan {
    /// The list.
    pub publication: Arc<Publication>,
    /// What is to be done.
    pub action: Action,
    /// Why, where something is.
    pub reason: Option<Reason>,
    /// The list as it is to stand, or stands: none where that can't be known.
    pub index: Option<Descriptor>,
    /// Its bytes, where they are to be written.
    pub payload: Option<Payload>,
    /// One for each declared tag, in the order of the file.
    pub tags: Vec<TagChange>,
    /// Declared members in the order of the file, then what else is in the list, then removed ones.
    pub members: Vec<MemberChange>,
    /// Tags of members by themselves, in the order of the file.
    pub member_tags: Vec<MemberTagChange>,
    /// What must be copied first, each once.
    pub children: Vec<Child>,
    /// Why it is blocked or failed, and warnings.
    pub problems: Vec<Problem>,
}

/// What is to be done for each selected publication, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// One for each publication.
    pub lists: Vec<Arc<ListPlan>>,
}

/// How many lists have each action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// [`Action::Create`]
    pub create: usize,
    /// [`Action::Update`]
    pub update: usize,
    /// [`Action::Unchanged`]
    pub unchanged: usize,
    /// [`Action::Blocked`]
    pub blocked: usize,
    /// [`Action::Failed`]
    pub failed: usize,
}

impl TagFate {
    /// Whether the tag is to be written.
    #[must_use]
    pub fn is_written(self) -> bool {
        matches!(self, Self::Created | Self::Moved)
    }
}

impl Action {
    /// Whether something is to be written.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }

    /// The word of the plan: `create`, `update`, `unchanged`, `blocked`, `failed`.
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
    /// Counts the lists by their action.
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
