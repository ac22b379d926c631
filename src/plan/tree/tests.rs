//! Which queries a tree needs, and its limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::config::problem::Problem;
use crate::oci::{Entry, ImageConfig, Index, MediaType, Payload, Place, Platform, ReferrerFilter};
use crate::plan::Cause;

/// What a place has.
struct Shelf {
    place: Place,
    tags: BTreeMap<Tag, Payload>,
    manifests: BTreeMap<Digest, Payload>,
    referrers: BTreeMap<Digest, Vec<Entry>>,
    /// Queries without a usable answer.
    mute: Vec<Query>,
}

/// The queries that were made, in rounds.
type Rounds = Vec<BTreeSet<Query>>;

impl Shelf {
    fn new(place: &str) -> Self {
        let (tags, manifests, referrers, mute) = Default::default();
        Self { place: Place::parse(place).unwrap(), tags, manifests, referrers, mute }
    }

    fn put(&mut self, media_type: MediaType, json: &serde_json::Value) -> Payload {
        let payload = Payload::new(media_type, json.to_string().into());
        self.manifests.insert(payload.digest().clone(), payload.clone());
        payload
    }

    fn image(&mut self, content: &str) -> Payload {
        let blob = |media_type: MediaType, size: u64| {
            let digest = Digest::of(content.as_bytes());
            serde_json::json!({ "mediaType": media_type.as_str(), "digest": digest.as_str(), "size": size })
        };
        let layer = MediaType::Other("application/vnd.oci.image.layer.v1.tar".to_owned());
        let manifest = serde_json::json!({ "config": blob(MediaType::OciConfig, 10), "layers": [blob(layer, 90)] });
        self.put(MediaType::OciManifest, &manifest)
    }

    fn index(&mut self, children: &[Payload]) -> Payload {
        let platform = || Platform::parse("linux/amd64").unwrap();
        let entries = children.iter().map(|child| Entry::new(child.descriptor().clone(), platform())).collect();
        let payload = Index::new(MediaType::OciIndex, entries).encode();
        self.manifests.insert(payload.digest().clone(), payload.clone());
        payload
    }

    fn tag(&mut self, tag: &str, payload: &Payload) -> Reference {
        self.tags.insert(Tag::parse(tag).unwrap(), payload.clone());
        self.place.tagged(&Tag::parse(tag).unwrap())
    }

    fn answer(&self, query: &Query, snapshot: &mut Snapshot) {
        let cause = || Cause(Arc::new(Problem::error("mlist::registry::server", format!("{query:?} fails"))));
        let is_mute = self.mute.contains(query);
        match query.clone() {
            Query::Head(reference) => {
                let payload = match &reference.locator {
                    Locator::Tag(tag) => self.tags.get(tag),
                    Locator::Digest(digest) => self.manifests.get(digest),
                };
                let answer = known(payload.map(|payload| payload.descriptor().clone()));
                snapshot.add_head(reference, if is_mute { Answer::Unknown(cause()) } else { answer });
            }
            Query::Manifest(digest, place) => match self.manifests.get(&digest) {
                Some(payload) if !is_mute => snapshot.add_bytes(payload.clone()),
                _ => snapshot.add_unread(digest, place, is_mute.then(cause)),
            },
            Query::Config(digest, _) => {
                let platform = Platform::parse("linux/arm64").unwrap();
                snapshot.add_config(digest, Ok(ImageConfig { platform }));
            }
            Query::Tags(place) => {
                let answer = known(Some(Arc::new(self.tags.keys().cloned().collect())));
                snapshot.add_tags(place, if is_mute { Answer::Unknown(cause()) } else { answer });
            }
            Query::Referrers(digest, place, wanted) => {
                let found = self.referrers.get(&digest).map(|entries| entries.clone().into());
                let answer = if is_mute { Answer::Unknown(cause()) } else { known(found) };
                snapshot.add_referrers(digest, place, wanted, answer);
            }
            Query::Stored(..) | Query::Blob(..) | Query::Layout(_) => unreachable!("inspect does not use it"),
        }
    }

    fn inspect(&self, reference: &Reference) -> (Inspection, Rounds) {
        let (mut snapshot, mut rounds) = (Snapshot::default(), Rounds::new());
        loop {
            match tree(reference, &snapshot) {
                Decision::Done(inspection) | Decision::Doubts(_, inspection) => return (inspection, rounds),
                Decision::Needs(needs) => {
                    assert!(!needs.is_empty() && needs.iter().all(|query| !snapshot.answers(query)), "{needs:?}");
                    for query in &needs {
                        self.answer(query, &mut snapshot);
                    }
                    rounds.push(needs);
                }
            }
        }
    }
}

fn known<T>(found: Option<T>) -> Answer<T> {
    found.map_or(Answer::Absent, Answer::Found)
}

fn count(rounds: &Rounds, is: fn(&Query) -> bool) -> usize {
    rounds.iter().flatten().filter(|query| is(query)).count()
}

#[test]
fn a_tree_is_read_in_few_rounds_of_queries() {
    let mut shelf = Shelf::new("reg.corp/app");
    let images = ["a", "b"].map(|content| shelf.image(content));
    let list = shelf.index(&images);
    let reference = shelf.tag("v1", &list);
    let (inspection, rounds) = shelf.inspect(&reference);
    // The tag; the index, its referrers and three tags of cosign; two images and their attestations.
    assert_eq!(rounds.iter().map(BTreeSet::len).collect::<Vec<_>>(), [1, 5, 4]);
    let root = inspection.root.unwrap();
    assert_eq!((root.kind, root.children.len(), root.unread()), (NodeKind::Index, 2, 0));
    assert_eq!(root.children[0].content_size, Some(100));
    assert_eq!(inspection.ending, InspectionEnding::Complete);
}

#[test]
fn an_image_by_itself_has_the_platform_of_its_config() {
    let mut shelf = Shelf::new("reg.corp/app");
    let image = shelf.image("a");
    let reference = shelf.tag("v1", &image);
    let (inspection, rounds) = shelf.inspect(&reference);
    assert_eq!(rounds.iter().map(BTreeSet::len).collect::<Vec<_>>(), [1, 5, 1]);
    assert_eq!(inspection.root.unwrap().platform.unwrap().to_string(), "linux/arm64");
}

#[test]
fn only_three_levels_of_indexes_are_read() {
    let mut shelf = Shelf::new("reg.corp/app");
    let image = shelf.image("a");
    let mut list = shelf.index(&[image]);
    for _ in 0..5 {
        list = shelf.index(&[list]);
    }
    let reference = shelf.tag("v1", &list);
    let (inspection, rounds) = shelf.inspect(&reference);
    assert_eq!(count(&rounds, |query| matches!(query, Query::Manifest(..))), LEVELS);
    let mut node = &inspection.root.unwrap();
    for _ in 0..LEVELS {
        assert_eq!(node.state, NodeState::Read);
        node = &node.children[0];
    }
    assert_eq!((&node.state, node.kind, node.children.len()), (&NodeState::Listed, NodeKind::Index, 0));
}

#[test]
fn a_hostile_index_costs_a_limited_number_of_queries_and_nodes() {
    let mut shelf = Shelf::new("reg.corp/app");
    let missing = |number: usize| Payload::new(MediaType::OciManifest, number.to_string().into());
    // An index of indexes. All their entries together are more than a tree may have.
    let lists: Vec<Payload> = (0..30)
        .map(|list| shelf.index(&(0..2000).map(|number| missing(list * 2000 + number)).collect::<Vec<_>>()))
        .collect();
    let list = shelf.index(&lists);
    let reference = shelf.tag("v1", &list);
    let (inspection, rounds) = shelf.inspect(&reference);
    assert_eq!(count(&rounds, |query| matches!(query, Query::Manifest(..))), READ + 1);
    assert!(rounds.iter().map(BTreeSet::len).sum::<usize>() < 3 * READ);
    assert_eq!(inspection.ending, InspectionEnding::Complete, "what is not found is no failure");
    let root = inspection.root.unwrap();
    let nodes: usize = root.children.iter().map(|list| list.children.len()).sum();
    let omitted: usize = root.children.iter().map(|list| list.omitted).sum();
    assert_eq!((nodes + 31, nodes + omitted), (LISTED, 60_000));
    assert_eq!(root.unread(), 60_000 - (READ - 30));
}

#[test]
fn what_the_index_says_of_attestations_is_not_queried() {
    let mut shelf = Shelf::new("reg.corp/app");
    let (image, attestation) = (shelf.image("a"), shelf.image("attestation"));
    let entry = Entry::attestation(attestation.descriptor().clone(), image.digest());
    let platform = Platform::parse("linux/amd64").unwrap();
    let entries = vec![Entry::new(image.descriptor().clone(), platform), entry];
    let list = Index::new(MediaType::OciIndex, entries).encode();
    shelf.manifests.insert(list.digest().clone(), list.clone());
    let reference = shelf.tag("v1", &list);
    let (inspection, rounds) = shelf.inspect(&reference);
    let attestations = |query: &Query| matches!(query, Query::Referrers(_, _, ReferrerFilter::Attestations));
    assert_eq!(count(&rounds, attestations), 0);
    let root = inspection.root.unwrap();
    assert_eq!((root.children.len(), root.children[0].referrers.len()), (1, 1));
    assert_eq!(root.children[0].referrers[0].role, NodeRole::Attestation);
}

#[test]
fn a_manifest_that_is_wrongly_listed_as_a_referrer_is_marked() {
    let mut shelf = Shelf::new("reg.corp/app");
    let (image, other) = (shelf.image("a"), shelf.image("other"));
    let listed = Entry { platform: None, ..Entry::new(other.descriptor().clone(), Platform::unknown()) };
    shelf.referrers.insert(image.digest().clone(), vec![listed]);
    let reference = shelf.tag("v1", &image);
    let root = shelf.inspect(&reference).0.root.unwrap();
    let why = "listed as a referrer, but its subject is another manifest".to_owned();
    assert_eq!(root.referrers[0].state, NodeState::Unreadable(why));
}

#[test]
fn a_failure_below_the_root_leaves_the_rest_of_the_tree() {
    let mut shelf = Shelf::new("reg.corp/app");
    let images = ["a", "b"].map(|content| shelf.image(content));
    let list = shelf.index(&images);
    let reference = shelf.tag("v1", &list);
    shelf.mute.push(Query::Manifest(images[0].digest().clone(), shelf.place.clone()));
    let (inspection, _) = shelf.inspect(&reference);
    assert_eq!((inspection.ending, inspection.problems.len()), (InspectionEnding::Failed, 1));
    let root = inspection.root.unwrap();
    assert_eq!([&root.children[0].state, &root.children[1].state], [&NodeState::Failed, &NodeState::Read]);
}

#[test]
fn contradictory_answers_about_the_root_are_doubted() {
    let mut shelf = Shelf::new("reg.corp/app");
    let image = shelf.image("a");
    let reference = shelf.tag("v1", &image);
    shelf.manifests.clear();
    let (inspection, _) = shelf.inspect(&reference);
    assert_eq!((inspection.ending, inspection.problems[0].slug()), (InspectionEnding::Failed, "contradictory_answers"));
    // The tag is listed and not found.
    let listed = shelf.place.tagged(&Tag::parse("v1").unwrap());
    let mut snapshot = Snapshot::default();
    snapshot.add_head(listed.clone(), Answer::Absent);
    shelf.answer(&Query::Tags(shelf.place.clone()), &mut snapshot);
    assert!(matches!(tree(&listed, &snapshot), Decision::Doubts(..)));
}

#[test]
fn a_misspelled_tag_is_corrected() {
    let mut shelf = Shelf::new("reg.corp/app");
    let image = shelf.image("a");
    shelf.tag("v1.10", &image);
    let absent = |tag: &str| shelf.place.tagged(&Tag::parse(tag).unwrap());
    let (inspection, rounds) = shelf.inspect(&absent("v1.01"));
    assert_eq!((inspection.ending, rounds.len()), (InspectionEnding::Blocked, 2));
    let problem = &inspection.problems[0];
    assert_eq!(problem.message, "tag v1.01 not found in reg.corp/app");
    assert_eq!(problem.help.as_deref(), Some("did you mean reg.corp/app:v1.10?"));
    let (inspection, _) = shelf.inspect(&absent("main"));
    assert_eq!(inspection.problems[0].help.as_deref(), Some("check the tag"));
}
