//! [`TreeNode`]: one manifest of a tree.

use std::collections::BTreeMap;

use crate::oci::{Descriptor, MediaType, Platform, Reference};

/// A manifest, the manifests that it names, and those that refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeNode {
    /// Why it is in the tree.
    pub role: NodeRole,
    /// The tag or digest by which it was found.
    pub reference: Reference,
    /// What the registry or its index says about it.
    pub descriptor: Descriptor,
    /// What it is, as far as that is known.
    pub kind: NodeKind,
    /// Whether it was read.
    pub state: NodeState,
    /// The artifact type, if it is not an image or a plain index.
    pub artifact_type: Option<String>,
    /// The platform that its index or its config names.
    pub platform: Option<Platform>,
    /// The number of bytes of its config and layers.
    pub content_size: Option<u64>,
    /// The predicate types of the statements that it contains.
    pub predicate_types: Vec<String>,
    /// The annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// The annotations of the entry in its index.
    pub entry_annotations: BTreeMap<String, String>,
    /// The manifests that it names, in their order.
    pub children: Vec<TreeNode>,
    /// The manifests that refer to it.
    pub referrers: Vec<TreeNode>,
    /// How many more manifests it names or is referred to by, which are not in the tree.
    pub omitted: usize,
}

/// Why a manifest is in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeRole {
    /// It is the inspected one.
    Root,
    /// An index names it.
    Entry,
    /// It states how an image was built or what it contains.
    Attestation,
    /// It refers to another manifest by its `subject`.
    Referrer,
    /// The tag that cosign gives to signatures names it.
    Signature,
    /// The tag that cosign gives to a list of components names it.
    Sbom,
}

/// What a manifest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A manifest list or image index.
    Index,
    /// The manifest of an image.
    Image,
    /// The manifest of something else than an image.
    Artifact,
    /// Its media type is unknown.
    Other,
}

/// Whether a manifest was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeState {
    /// It was read.
    Read,
    /// It is only known from its descriptor.
    Listed,
    /// It does not exist, although it is listed.
    NotFound,
    /// It exists, but cannot be read, for this reason.
    Unreadable(String),
    /// It is not known: one of the problems says why.
    Failed,
}

impl TreeNode {
    /// Creates the node of a manifest that was not read yet.
    #[must_use]
    pub fn new(role: NodeRole, reference: Reference, descriptor: Descriptor) -> Self {
        let (artifact_type, platform, content_size, predicate_types) = Default::default();
        let (annotations, entry_annotations, children, referrers) = Default::default();
        let mut node = Self {
            role,
            reference,
            descriptor,
            kind: NodeKind::Other,
            state: NodeState::Listed,
            artifact_type,
            platform,
            content_size,
            predicate_types,
            annotations,
            entry_annotations,
            children,
            referrers,
            omitted: 0,
        };
        node.classify();
        node
    }

    /// Sets what it is from its media type and artifact type.
    pub(super) fn classify(&mut self) {
        self.kind = match &self.descriptor.media_type {
            media_type if media_type.is_index() => NodeKind::Index,
            media_type if media_type.is_image() && self.artifact_type.is_none() => NodeKind::Image,
            media_type if media_type.is_image() => NodeKind::Artifact,
            _ => NodeKind::Other,
        };
    }

    /// Whether mlist can read manifests of its media type. A descriptor without a media type may name any.
    pub(super) fn is_readable(&self) -> bool {
        match &self.descriptor.media_type {
            MediaType::Other(name) => name.is_empty(),
            known => known.is_manifest(),
        }
    }

    /// The number of manifests below it that were not read, or are not in the tree.
    #[must_use]
    pub fn unread(&self) -> usize {
        let below = self.children.iter().chain(&self.referrers);
        let unread = |node: &Self| usize::from(node.state == NodeState::Listed && node.is_worth_reading());
        self.omitted + below.map(|node| unread(node) + node.unread()).sum::<usize>()
    }

    /// Whether reading it would add to the tree. Only the tag of cosign's manifests is shown.
    fn is_worth_reading(&self) -> bool {
        matches!(self.role, NodeRole::Entry | NodeRole::Referrer)
            || self.role == NodeRole::Attestation && self.reference.tag().is_none()
    }
}
