//! The document of `mlist inspect`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::exec::report::Stats;
use crate::plan::{Inspection, NodeKind, NodeRole, NodeState, TreeNode};
use crate::ui::document::Context;

use super::{Head, ProblemRecord, RequestCounts, head, problem_record, total};

/// The manifests that a reference leads to: the output of `mlist inspect --format json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TreeDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    /// The manifest that the reference names. Null if it is not found or cannot be read.
    tree: Option<NodeRecord<'a>>,
    /// Why the tree is not complete.
    problems: Vec<ProblemRecord<'a>>,
    /// Always 0.
    problems_omitted: usize,
    /// The number of requests that were sent.
    requests: RequestCounts,
}

/// A manifest, the manifests that it names, and those that refer to it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct NodeRecord<'a> {
    /// The reference by which the manifest was found: with a tag, or with its digest.
    reference: String,
    /// The digest of the manifest.
    digest: &'a str,
    /// The media type of the manifest, as it was written.
    media_type: &'a str,
    /// The artifact type. Null for an image or a plain index, or if it is not known.
    artifact_type: Option<&'a str>,
    /// The number of bytes of the manifest.
    size: u64,
    /// The number of bytes of its config and layers. Null for an index, or if it is not known.
    content_size: Option<u64>,
    /// Why the manifest is in the tree.
    role: RoleRecord,
    /// What the manifest is.
    kind: KindRecord,
    /// Whether the manifest was read.
    state: StateRecord,
    /// Why the manifest cannot be read. Null in every other state than `unreadable`.
    reason: Option<&'a str>,
    /// The platform, such as `linux/arm/v7`, from the entry of an index or from the config. Null if there is none.
    platform: Option<String>,
    /// The version of Windows. Null if there is none.
    os_version: Option<&'a str>,
    /// The predicate types of the in-toto statements in its layers.
    predicate_types: &'a [String],
    /// The annotations of the manifest.
    annotations: &'a BTreeMap<String, String>,
    /// The annotations of its entry in the index.
    entry_annotations: &'a BTreeMap<String, String>,
    /// The manifests that this index names, except the attestations of one of them.
    children: Vec<NodeRecord<'a>>,
    /// The manifests that refer to this one: attestations, signatures and other artifacts.
    referrers: Vec<NodeRecord<'a>>,
    /// The number of further children and referrers, which are left out because the tree is too large.
    omitted: usize,
}

/// Why a manifest is in the tree.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum RoleRecord {
    /// It is the inspected manifest.
    Root,
    /// An index names it.
    Entry,
    /// It states how an image was built or what it contains.
    Attestation,
    /// It refers to another manifest by its `subject`.
    Referrer,
    /// The tag that cosign gives to signatures names it.
    Signature,
    /// The tag that cosign gives to a bill of materials names it.
    Sbom,
}

/// What a manifest is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum KindRecord {
    /// A manifest list or image index.
    Index,
    /// The manifest of an image.
    Image,
    /// The manifest of an artifact that is not an image.
    Artifact,
    /// Its media type is unknown.
    Other,
}

/// Whether a manifest was read.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum StateRecord {
    /// It was read.
    Read,
    /// It was not read; only its descriptor is known.
    Listed,
    /// It is listed, but the registry responded with 404.
    NotFound,
    /// It exists, but mlist cannot parse it.
    Unreadable,
    /// It could not be read; one of the problems says why.
    Failed,
}

/// Renders a document with `"kind": "tree"`.
pub(super) fn tree(context: &Context, inspection: &Inspection, requests: &Stats, exit_status: u8) -> String {
    let problems = inspection.problems.iter();
    super::document(&TreeDocument {
        head: head("tree", context, exit_status),
        tree: inspection.root.as_ref().map(node),
        problems: problems.map(|problem| problem_record(problem, &context.sources, Vec::new())).collect(),
        problems_omitted: 0,
        requests: total(requests),
    })
}

fn node(node: &TreeNode) -> NodeRecord<'_> {
    let platform = node.platform.clone().map(|mut platform| {
        platform.os_version = None;
        platform.to_string()
    });
    NodeRecord {
        reference: node.reference.to_string(),
        digest: node.descriptor.digest.as_str(),
        media_type: node.descriptor.media_type.as_str(),
        artifact_type: node.artifact_type.as_deref(),
        size: node.descriptor.size,
        content_size: node.content_size,
        role: match node.role {
            NodeRole::Root => RoleRecord::Root,
            NodeRole::Entry => RoleRecord::Entry,
            NodeRole::Attestation => RoleRecord::Attestation,
            NodeRole::Referrer => RoleRecord::Referrer,
            NodeRole::Signature => RoleRecord::Signature,
            NodeRole::Sbom => RoleRecord::Sbom,
        },
        kind: match node.kind {
            NodeKind::Index => KindRecord::Index,
            NodeKind::Image => KindRecord::Image,
            NodeKind::Artifact => KindRecord::Artifact,
            NodeKind::Other => KindRecord::Other,
        },
        state: match node.state {
            NodeState::Read => StateRecord::Read,
            NodeState::Listed => StateRecord::Listed,
            NodeState::NotFound => StateRecord::NotFound,
            NodeState::Unreadable(_) => StateRecord::Unreadable,
            NodeState::Failed => StateRecord::Failed,
        },
        reason: match &node.state {
            NodeState::Unreadable(why) => Some(why),
            _ => None,
        },
        platform,
        os_version: node.platform.as_ref().and_then(|platform| platform.os_version.as_deref()),
        predicate_types: &node.predicate_types,
        annotations: &node.annotations,
        entry_annotations: &node.entry_annotations,
        children: node.children.iter().map(self::node).collect(),
        referrers: node.referrers.iter().map(self::node).collect(),
        omitted: node.omitted,
    }
}
