//! [`GrowingTree`]: the tree while it grows, level by level, from what the snapshot knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::config::problem::Problem;
use crate::oci::{
    ATTESTATION_TYPE, Descriptor, Digest, Entry, Index, MalformedJson, ManifestContent, Payload, Place, Reference,
    ReferrerFilter,
};
use crate::plan::{Answer, Cause, Decision, Query, Snapshot, damaged};

use super::{Inspection, InspectionEnding, LEVELS, LISTED, NodeKind, NodeRole, NodeState, READ, TreeNode};

/// The manifests of a tree in one list, each after the one that leads to it.
pub(super) struct GrowingTree<'a> {
    snapshot: &'a Snapshot,
    place: &'a Place,
    nodes: Vec<PlantedNode>,
    /// How many more manifests may be read.
    unread: usize,
    needs: BTreeSet<Query>,
    causes: Vec<Cause>,
    problems: Vec<Problem>,
    ending: InspectionEnding,
}

/// A node, and where it is in the tree.
struct PlantedNode {
    node: TreeNode,
    /// The index of the node that leads to it, and the list of that node which it belongs to.
    parent: Option<(usize, Branch)>,
    /// The number of indexes that lead to it.
    level: usize,
    /// Whether its attestations must be queried, because its index names none.
    attestations: bool,
}

/// A list of nodes below a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Branch {
    Children,
    Referrers,
}

impl<'a> GrowingTree<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, place: &'a Place) -> Self {
        let (nodes, needs, causes, problems) = Default::default();
        // The inspected manifest is always read.
        let unread = READ + 1;
        Self { snapshot, place, nodes, unread, needs, causes, problems, ending: InspectionEnding::Complete }
    }

    /// Adds the node of the inspected manifest.
    pub(super) fn plant(&mut self, root: TreeNode) {
        self.nodes.push(PlantedNode { node: root, parent: None, level: 0, attestations: false });
    }

    /// Adds a node that belongs to the inspected manifest by its tag.
    pub(super) fn add_referrer(&mut self, node: TreeNode) {
        self.add(0, Branch::Referrers, node);
    }

    /// Returns what a tag names that need not exist.
    pub(super) fn head(&mut self, reference: &Reference) -> Option<&'a Descriptor> {
        match self.snapshot.head(reference) {
            None => {
                self.needs.insert(Query::Head(reference.clone()));
                None
            }
            Some(Answer::Found(head)) => Some(head),
            Some(Answer::Absent) => None,
            Some(Answer::Unknown(cause)) => {
                self.fail(cause);
                None
            }
        }
    }

    /// Adds the reason why something is not known.
    pub(super) fn fail(&mut self, cause: &Cause) {
        // What the files of a layout contain is an answer: the same command finds the same again.
        let is_fault = matches!(self.place, Place::Layout(_)) && !cause.0.retry;
        let ending = if is_fault { InspectionEnding::Blocked } else { InspectionEnding::Failed };
        if !self.causes.contains(cause) {
            self.causes.push(cause.clone());
            self.report(Problem::clone(&cause.0), ending);
        }
    }

    fn report(&mut self, problem: Problem, ending: InspectionEnding) {
        self.problems.push(problem);
        self.ending = self.ending.max(ending);
    }

    /// Reads all manifests that are known, and those that they lead to.
    pub(super) fn grow(&mut self) {
        let mut at = 0;
        while at < self.nodes.len() {
            self.visit(at);
            at += 1;
        }
    }

    /// Whether the inspected manifest was not found by its digest.
    pub(super) fn is_root_lost(&self) -> bool {
        self.nodes.first().is_some_and(|root| root.node.state == NodeState::NotFound)
    }

    /// Returns the tree, or the queries that must be answered first.
    pub(super) fn done(self) -> Decision<Inspection> {
        let Self { nodes, needs, problems, ending, .. } = self;
        if !needs.is_empty() {
            return Decision::Needs(needs);
        }
        Decision::Done(Inspection { root: assemble(nodes), problems, ending })
    }

    fn visit(&mut self, at: usize) {
        let PlantedNode { node, parent, level, attestations } = &self.nodes[at];
        let (role, digest) = (node.role, node.descriptor.digest.clone());
        let is_cosign = node.reference.tag().is_some() && parent.is_some();
        if is_cosign || (node.kind == NodeKind::Index && *level >= LEVELS) {
            return;
        }
        if !node.is_readable() {
            let media_type = &node.descriptor.media_type;
            let why = if media_type.is_schema1() { "Docker manifest schema 1" } else { "unknown media type" };
            self.nodes[at].node.state = NodeState::Unreadable(why.to_owned());
            // Whatever it is, other manifests may refer to it.
            if role == NodeRole::Root {
                self.referrers(at, &digest, ReferrerFilter::All);
            }
            return;
        }
        if self.unread == 0 {
            return;
        }
        self.unread -= 1;
        let of_referrer = parent.is_some_and(|(above, _)| self.nodes[above].node.role == NodeRole::Root);
        let wanted = match role {
            NodeRole::Root => Some(ReferrerFilter::All),
            NodeRole::Referrer if of_referrer => Some(ReferrerFilter::All),
            NodeRole::Entry if *attestations => Some(ReferrerFilter::Attestations),
            _ => None,
        };
        match self.snapshot.bytes(&digest, self.place) {
            None => {
                self.needs.insert(Query::Manifest(digest.clone(), self.place.clone()));
            }
            Some(Answer::Found(payload)) => self.read(at, payload),
            Some(Answer::Absent) => self.nodes[at].node.state = NodeState::NotFound,
            Some(Answer::Unknown(cause)) => {
                self.nodes[at].node.state = NodeState::Failed;
                self.fail(&cause);
            }
        }
        if let Some(wanted) = wanted {
            self.referrers(at, &digest, wanted);
        }
    }

    /// Adds what the bytes of a manifest say.
    fn read(&mut self, at: usize, payload: &Payload) {
        self.nodes[at].node.state = NodeState::Read;
        self.nodes[at].node.descriptor.media_type = payload.media_type().clone();
        let read = if payload.media_type().is_index() {
            Index::parse(payload).map(|index| self.read_index(at, index))
        } else if payload.media_type().is_image() {
            ManifestContent::parse(payload).map(|content| self.read_content(at, content))
        } else {
            Err(MalformedJson { what: "manifest", why: format!("its media type is {}", payload.media_type()) })
        };
        if let Err(error) = read {
            self.nodes[at].node.classify();
            self.nodes[at].node.state = NodeState::Unreadable(error.to_string());
        }
    }

    fn read_index(&mut self, at: usize, index: Index) {
        let Index { artifact_type, entries, subject, annotations, .. } = index;
        let node = &mut self.nodes[at].node;
        node.artifact_type = artifact_type.filter(|own| !own.is_empty());
        node.annotations = annotations;
        node.classify();
        self.check_subject(at, subject.as_ref());
        let (level, first) = (self.nodes[at].level + 1, self.nodes.len());
        let (mut others, mut images) = (Vec::new(), HashMap::new());
        for entry in entries {
            if entry.attested().is_some() {
                others.push(entry);
            } else if let Some(added) = self.add_entry(at, Branch::Children, NodeRole::Entry, entry) {
                let added = &mut self.nodes[added];
                (added.level, added.attestations) = (level, added.node.kind == NodeKind::Image);
            }
        }
        for (added, image) in self.nodes.iter().enumerate().skip(first) {
            images.entry(image.node.descriptor.digest.to_string()).or_insert(added);
        }
        for entry in others {
            match entry.attested().and_then(|image| images.get(image)) {
                Some(image) => {
                    self.nodes[*image].attestations = false;
                    self.add_entry(*image, Branch::Referrers, NodeRole::Attestation, entry);
                }
                None => {
                    self.add_entry(at, Branch::Children, NodeRole::Attestation, entry);
                }
            }
        }
    }

    fn read_content(&mut self, at: usize, content: ManifestContent) {
        let ManifestContent { config, artifact_type, size, subject, annotations, predicate_types } = content;
        let node = &mut self.nodes[at].node;
        (node.artifact_type, node.content_size) = (artifact_type, Some(size));
        (node.annotations, node.predicate_types) = (annotations, predicate_types);
        node.classify();
        self.check_subject(at, subject.as_ref());
        let node = &self.nodes[at].node;
        let is_image = node.kind == NodeKind::Image && matches!(node.role, NodeRole::Root | NodeRole::Entry);
        if is_image && node.platform.is_none() {
            self.read_platform(at, &config.digest);
        }
    }

    /// Sets the platform of an image to that of its config.
    fn read_platform(&mut self, at: usize, config: &Digest) {
        match self.snapshot.config(config, self.place) {
            None => {
                self.needs.insert(Query::Config(config.clone(), self.place.clone()));
            }
            Some(Answer::Found(Ok(found))) => self.nodes[at].node.platform = Some(found.platform.clone()),
            Some(Answer::Found(Err(error))) => {
                self.nodes[at].node.state = NodeState::Unreadable(error.to_string());
            }
            Some(Answer::Absent) => {
                let problem = damaged(&self.nodes[at].node.reference, "its config", config);
                self.report(problem, InspectionEnding::Blocked);
            }
            Some(Answer::Unknown(cause)) => self.fail(&cause),
        }
    }

    /// A registry may list a manifest as a referrer that is none.
    fn check_subject(&mut self, at: usize, subject: Option<&Digest>) {
        let PlantedNode { node, parent: Some((above, Branch::Referrers)), .. } = &self.nodes[at] else { return };
        let is_listed = node.role == NodeRole::Referrer || node.artifact_type.as_deref() == Some(ATTESTATION_TYPE);
        let above = &self.nodes[*above].node.descriptor.digest;
        if is_listed && node.entry_annotations.is_empty() && subject != Some(above) {
            let why = "listed as a referrer, but its subject is another manifest".to_owned();
            self.nodes[at].node.state = NodeState::Unreadable(why);
        }
    }

    /// Adds the manifests that refer to a node, as the registry lists them.
    fn referrers(&mut self, at: usize, digest: &Digest, wanted: ReferrerFilter) {
        match self.snapshot.referrers(digest, self.place, wanted) {
            None => {
                self.needs.insert(Query::Referrers(digest.clone(), self.place.clone(), wanted));
            }
            Some(Answer::Found(entries)) => {
                for entry in entries.iter() {
                    let is_attestation = entry.artifact_type.as_deref() == Some(ATTESTATION_TYPE);
                    let role = if is_attestation { NodeRole::Attestation } else { NodeRole::Referrer };
                    let (annotations, entry) = (BTreeMap::new(), entry.clone());
                    self.add_entry(at, Branch::Referrers, role, Entry { annotations, ..entry });
                }
            }
            Some(Answer::Absent) => {}
            Some(Answer::Unknown(cause)) => self.fail(cause),
        }
    }

    fn add_entry(&mut self, above: usize, branch: Branch, role: NodeRole, entry: Entry) -> Option<usize> {
        let Entry { descriptor, platform, annotations, artifact_type, .. } = entry;
        let mut node = TreeNode::new(role, self.place.with_digest(&descriptor.digest), descriptor);
        node.platform = platform.filter(|platform| !platform.is_unknown());
        node.artifact_type = artifact_type.filter(|own| !own.is_empty());
        node.entry_annotations = annotations;
        node.classify();
        self.add(above, branch, node)
    }

    /// Adds a node below another one. Returns its index, or `None` if the tree is too large.
    fn add(&mut self, above: usize, branch: Branch, node: TreeNode) -> Option<usize> {
        if self.nodes.len() >= LISTED {
            self.nodes[above].node.omitted += 1;
            return None;
        }
        let level = self.nodes[above].level;
        self.nodes.push(PlantedNode { node, parent: Some((above, branch)), level, attestations: false });
        Some(self.nodes.len() - 1)
    }
}

/// Returns the nested tree. `None` if there are no nodes.
fn assemble(mut nodes: Vec<PlantedNode>) -> Option<TreeNode> {
    // Each node comes after the one that leads to it, so the last one is complete.
    while let Some(PlantedNode { mut node, parent, .. }) = nodes.pop() {
        node.children.reverse();
        node.referrers.reverse();
        let Some((above, branch)) = parent else { return Some(node) };
        let above = &mut nodes[above].node;
        match branch {
            Branch::Children => above.children.push(node),
            Branch::Referrers => above.referrers.push(node),
        }
    }
    None
}
