//! [`tree`]: what a reference leads to: an index with its images, attestations, and what refers to the manifest.
//!
//! | file | holds |
//! |---|---|
//! | `node` | [`TreeNode`]: one manifest of the tree |
//! | `absent` | why the reference itself is not found |
//! | `growing` | the tree while it grows from the snapshot |
//!
//! The manifests are read level by level. A hostile index can name any number of manifests, so only the first
//! [`READ`] of a tree are read, and at most [`LISTED`] are in it at all.

use std::collections::BTreeSet;

use crate::config::problem::Problem;
use crate::oci::{Descriptor, Digest, Locator, Reference, Tag};

use super::{Answer, Decision, Query, Snapshot};

use growing::GrowingTree;

mod absent;
mod growing;
mod node;

pub use node::{NodeKind, NodeRole, NodeState, TreeNode};

/// The maximum number of manifests below the inspected one that are read.
pub const READ: usize = 500;
/// The maximum number of manifests in a tree.
const LISTED: usize = 50_000;
/// The number of levels of indexes that are read, with that of the inspected manifest.
pub const LEVELS: usize = 3;

/// The tags by which cosign finds what belongs to a manifest: the end of the tag, and what it names.
const COSIGN: [(&str, NodeRole); 3] =
    [("sig", NodeRole::Signature), ("att", NodeRole::Attestation), ("sbom", NodeRole::Sbom)];

/// The result of [`tree`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The manifest that the reference names. `None` if it is not found, or not known.
    pub root: Option<TreeNode>,
    /// Why the tree is not complete, without duplicates.
    pub problems: Vec<Problem>,
    /// How the inspection ended.
    pub ending: InspectionEnding,
}

/// How an inspection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InspectionEnding {
    /// All that was needed is known.
    Complete,
    /// The reference is not found, or a file of a layout is corrupt: the same command finds the same again.
    Blocked,
    /// There was no usable answer.
    Failed,
}

/// Returns the tree of the manifests that `reference` leads to.
#[must_use]
pub fn tree(reference: &Reference, snapshot: &Snapshot) -> Decision<Inspection> {
    match snapshot.head(reference) {
        None => Decision::Needs(BTreeSet::from([Query::Head(reference.clone())])),
        Some(Answer::Absent) => absent::inspection(reference, snapshot),
        Some(Answer::Unknown(cause)) => {
            let mut tree = GrowingTree::new(snapshot, &reference.place);
            tree.fail(cause);
            tree.done()
        }
        Some(Answer::Found(head)) => grown(reference, head, snapshot),
    }
}

fn grown(reference: &Reference, head: &Descriptor, snapshot: &Snapshot) -> Decision<Inspection> {
    let place = &reference.place;
    let mut tree = GrowingTree::new(snapshot, place);
    tree.plant(TreeNode::new(NodeRole::Root, reference.clone(), head.clone()));
    for (end, role) in COSIGN {
        let Some(tagged) = cosign_tag(&head.digest, end).map(|tag| place.tagged(&tag)) else { continue };
        if let Some(found) = tree.head(&tagged) {
            tree.add_referrer(TreeNode::new(role, tagged, found.clone()));
        }
    }
    tree.grow();
    if tree.is_root_lost() {
        let why = format!("the reference names {}, but that manifest was not found", head.digest);
        let problem = super::contradictory(reference, why);
        let queries = [Query::Head(reference.clone()), Query::Manifest(head.digest.clone(), place.clone())];
        let inspection = Inspection { root: None, problems: vec![problem], ending: InspectionEnding::Failed };
        return Decision::Doubts(queries.into(), inspection);
    }
    tree.done()
}

/// Returns the tag by which cosign finds what belongs to the manifest with `digest`.
fn cosign_tag(digest: &Digest, end: &str) -> Option<Tag> {
    Tag::parse(&format!("{}-{}.{end}", digest.algorithm(), digest.hex())).ok()
}

/// Returns what a reference names in its place: `tag v1` or a digest.
fn locator(reference: &Reference) -> String {
    match &reference.locator {
        Locator::Tag(tag) => format!("tag {tag}"),
        Locator::Digest(digest) => digest.to_string(),
    }
}

#[cfg(test)]
mod tests;
