//! Registries in memory, as strict as the strictest real one. They answer the planner's queries, count them, and apply
//! plans.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use crate::config::model::Publication;
use crate::config::problem::{HttpFacts, Problem};
use crate::oci::{
    Descriptor, Digest, Entry, ImageConfig, ImageManifest, Index, LayoutContents, Locator, MediaType, Payload, Place,
    Platform, Reference, ReferrerFilter, Tag,
};
use crate::plan::{Answer, Cause, CheckDepth, Decision, ListPlan, MemberTagChange, Query, Snapshot, TagFate, decide};

pub(super) use super::declared::{
    foreign_list, member_tag, member_tags, platform, publication, reference, shared, with,
};

/// An image to create. Equal fields give equal images.
#[derive(Debug, Clone)]
pub(super) struct Image {
    /// The platform in its config: `linux/arm/v7`, or empty.
    pub(super) platform: Platform,
    /// The media type: Docker or OCI.
    pub(super) media_type: MediaType,
    /// Distinguishes it from other images for the same platform.
    pub(super) build: u32,
}

/// Registries and layouts.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    /// The digest that each tag names.
    tags: BTreeMap<Reference, Digest>,
    /// The places in which manifests and blobs exist.
    content: BTreeSet<(Place, Digest)>,
    bytes: HashMap<Digest, Payload>,
    /// The descriptors that HEAD reports, correct or not.
    claims: HashMap<Digest, Descriptor>,
    /// What HEAD answers for these references, correct or not.
    heads: BTreeMap<Reference, Option<Descriptor>>,
    /// The manifests of a place whose `subject` is the digest.
    referrers: BTreeMap<(Place, Digest), Vec<Entry>>,
    /// Queries that get no usable answer, with the HTTP status if the registry responds.
    mute: BTreeMap<Query, Option<u16>>,
    /// What the directories of layouts hold. Others do not exist.
    pub(super) layouts: BTreeMap<Place, LayoutContents>,
}

/// The number of queries of each kind, and of round trips.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) heads: usize,
    pub(super) manifests: usize,
    pub(super) configs: usize,
    pub(super) blobs: usize,
    pub(super) tags: usize,
    pub(super) referrers: usize,
    pub(super) layouts: usize,
    pub(super) rounds: usize,
}

/// What it costs to apply a plan: a re-check and a PUT for each tag that is written, and for each child a PUT and the
/// mounts of its blobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) rechecks: usize,
    pub(super) reads: usize,
    pub(super) mounts: usize,
    pub(super) puts: usize,
}

impl Image {
    pub(super) fn of(platform: &str, build: u32) -> Self {
        Self { platform: self::platform(platform), media_type: MediaType::DockerManifest, build }
    }

    pub(super) fn oci(self) -> Self {
        Self { media_type: MediaType::OciManifest, ..self }
    }
}

impl World {
    /// Pushes an image with its blobs by a tag or by its digest.
    pub(super) fn push(&mut self, reference: &Reference, image: &Image) -> Descriptor {
        let mut config = serde_json::to_value(&image.platform).unwrap();
        config["build"] = image.build.into();
        let (config_type, layer_type) = match image.media_type {
            MediaType::DockerManifest => (MediaType::DockerConfig, "application/vnd.docker.image.rootfs.diff.tar.gzip"),
            _ => (MediaType::OciConfig, "application/vnd.oci.image.layer.v1.tar+gzip"),
        };
        let config = self.put(&reference.place, config_type, config.to_string().into());
        let layer = self.put(
            &reference.place,
            MediaType::parse(layer_type),
            format!("layer {} {}", image.platform, image.build).into(),
        );
        let descriptor = |descriptor: &Descriptor| serde_json::json!({"mediaType": descriptor.media_type.as_str(), "digest": descriptor.digest.as_str(), "size": descriptor.size});
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": image.media_type.as_str(),
            "config": descriptor(&config), "layers": [descriptor(&layer)],
        });
        self.push_bytes(reference, image.media_type.clone(), manifest.to_string().into())
    }

    /// Pushes an index.
    pub(super) fn push_index(&mut self, reference: &Reference, entries: Vec<Entry>) -> Descriptor {
        let list = Index::new(MediaType::OciIndex, entries).encode();
        self.push_bytes(reference, list.media_type().clone(), list.bytes().clone())
    }

    /// Pushes an image as `docker buildx` does: the image and an attestation by digest, and an index of both by
    /// `reference`. Returns the image's descriptor and the attestation's entry.
    pub(super) fn push_built(
        &mut self,
        reference: &Reference,
        platform: &Platform,
        image: &Image,
    ) -> (Descriptor, Entry) {
        let built = self.push_by_digest(&reference.place, image);
        let attestation = self.attest(&reference.place, &built.digest);
        self.push_index(reference, vec![Entry::new(built.clone(), platform.clone()), attestation.clone()]);
        (built, attestation)
    }

    /// Pushes an image without a tag.
    pub(super) fn push_by_digest(&mut self, place: &Place, image: &Image) -> Descriptor {
        let tag = place.tagged(&Tag::parse("by-digest").unwrap());
        let descriptor = self.push(&tag, image);
        self.untag(&tag);
        descriptor
    }

    /// Pushes an attestation of an image, and returns the entry for it in an index.
    pub(super) fn attest(&mut self, place: &Place, image: &Digest) -> Entry {
        self.attest_with(place, image, &serde_json::json!({}))
    }

    /// Pushes an attestation whose manifest also has these fields.
    fn attest_with(&mut self, place: &Place, image: &Digest, fields: &serde_json::Value) -> Entry {
        let kinds = [MediaType::OciConfig, MediaType::Other("application/vnd.in-toto+json".into())];
        let [config, layer] = kinds.map(|kind| {
            let blob = self.put(place, kind.clone(), format!("{kind} of {image}, from {place}").into());
            serde_json::json!({"mediaType": blob.media_type.as_str(), "digest": blob.digest.as_str(), "size": blob.size})
        });
        let mut manifest = serde_json::json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
        manifest.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Entry::attestation(self.put(place, MediaType::OciManifest, manifest.to_string().into()), image)
    }

    /// Pushes an attestation that no index names and that refers to the image by its `subject`.
    pub(super) fn refer(&mut self, place: &Place, image: &Digest, artifact_type: &str) -> Entry {
        let subject = serde_json::json!({ "digest": image.as_str() });
        let fields = serde_json::json!({ "subject": subject, "artifactType": artifact_type });
        let attestation = self.attest_with(place, image, &fields);
        let referrer = Entry { artifact_type: Some(artifact_type.into()), ..attestation.clone() };
        let referrer = Entry { platform: None, annotations: BTreeMap::new(), ..referrer };
        self.referrers.entry((place.clone(), image.clone())).or_default().push(referrer);
        attestation
    }

    /// Pushes any bytes as a manifest.
    pub(super) fn push_bytes(&mut self, reference: &Reference, media_type: MediaType, bytes: Bytes) -> Descriptor {
        let descriptor = self.put(&reference.place, media_type, bytes);
        if let Locator::Tag(_) = reference.locator {
            self.tags.insert(reference.clone(), descriptor.digest.clone());
        }
        descriptor
    }

    /// Publishes a list as another tool would, in a registry that has all children of the list.
    pub(super) fn publish(&mut self, reference: &Reference, list: &Index) -> Digest {
        for entry in &list.entries {
            let payload = self.bytes[&entry.descriptor.digest].clone();
            let at = reference.place.with_digest(payload.digest());
            self.push_bytes(&at, payload.media_type().clone(), payload.bytes().clone());
        }
        self.push_bytes(reference, list.media_type.clone(), list.encode().bytes().clone()).digest
    }

    /// Makes HEAD report a descriptor that differs from the bytes of the manifest.
    pub(super) fn claim(&mut self, claim: Descriptor) {
        self.claims.insert(claim.digest.clone(), claim);
    }

    /// Makes HEAD answer this for a reference, whatever it names. `None` is 404.
    pub(super) fn answer_head(&mut self, reference: Reference, answer: Option<Descriptor>) {
        self.heads.insert(reference, answer);
    }

    /// Deletes a tag.
    pub(super) fn untag(&mut self, reference: &Reference) {
        self.tags.remove(reference);
    }

    /// Deletes a manifest or blob, as garbage collection of a registry does.
    pub(super) fn remove(&mut self, place: &Place, digest: &Digest) {
        self.content.remove(&(place.clone(), digest.clone()));
    }

    /// Deletes an image if no tag names it.
    pub(super) fn clean_up(&mut self, place: &Place, digest: &Digest) {
        if !self.tags.iter().any(|(reference, named)| reference.place == *place && named == digest) {
            self.remove(place, digest);
        }
    }

    /// Returns every query that could be made about the content of this world.
    pub(super) fn questions(&self) -> Vec<Query> {
        let heads = self.tags.keys().cloned().map(Query::Head);
        let places: BTreeSet<&Place> = self.content.iter().map(|(place, _)| place).collect();
        let by_digest = self.bytes.keys().collect::<BTreeSet<_>>().into_iter();
        let presence = by_digest
            .flat_map(|digest| places.iter().map(|place| Query::Head(place.with_digest(digest))).collect::<Vec<_>>());
        let bytes = self.content.iter().map(|(place, digest)| Query::Manifest(digest.clone(), place.clone()));
        let referrers = self
            .referrers
            .keys()
            .map(|(place, digest)| Query::Referrers(digest.clone(), place.clone(), ReferrerFilter::Attestations));
        let tags = places.iter().map(|place| Query::Tags((*place).clone()));
        heads.chain(presence.collect::<Vec<_>>()).chain(tags).chain(bytes).chain(referrers).collect()
    }

    /// Makes `query` fail without a response.
    pub(super) fn mute(&mut self, query: Query) {
        self.mute.insert(query, None);
    }

    /// Makes the registry respond to `query` with an error status.
    pub(super) fn refuse(&mut self, query: Query, status: u16) {
        self.mute.insert(query, Some(status));
    }

    /// Whether a manifest or blob exists in a place.
    pub(super) fn has(&self, place: &Place, digest: &Digest) -> bool {
        self.content.contains(&(place.clone(), digest.clone()))
    }

    /// Returns what a tag names.
    pub(super) fn named(&self, reference: &Reference) -> Option<&Payload> {
        self.bytes.get(self.tags.get(reference)?)
    }

    /// Returns the bytes of a digest, from any place.
    pub(super) fn payload(&self, digest: &Digest) -> &Payload {
        &self.bytes[digest]
    }

    /// Adds the answer to `query` to the snapshot.
    pub(super) fn answer(&self, query: &Query, snapshot: &mut Snapshot) {
        let status = self.mute.get(query).copied().flatten();
        let mute = self.mute.contains_key(query);
        let cause = |of: &str| cause(of, status);
        match query {
            Query::Head(reference) if mute => {
                snapshot.add_head(reference.clone(), Answer::Unknown(cause(&reference.to_string())));
            }
            Query::Head(reference) => {
                let answer = self.head(reference).map_or(Answer::Absent, Answer::Found);
                snapshot.add_head(reference.clone(), answer);
            }
            Query::Manifest(digest, place) | Query::Config(digest, place) => {
                if mute {
                    let cause = cause(&place.with_digest(digest).to_string());
                    snapshot.add_unread(digest.clone(), place.clone(), Some(cause));
                } else if self.has(place, digest) {
                    let payload = &self.bytes[digest];
                    match query {
                        Query::Config(..) => {
                            snapshot.add_config(digest.clone(), ImageConfig::parse(payload.bytes()));
                        }
                        _ => snapshot.add_bytes(payload.clone()),
                    }
                } else {
                    snapshot.add_unread(digest.clone(), place.clone(), None);
                }
            }
            Query::Stored(digest, place) => {
                let answer = match self.has(place, digest) {
                    _ if mute => Answer::Unknown(cause(&place.with_digest(digest).to_string())),
                    true => Answer::Found(self.bytes[digest].clone()),
                    false => Answer::Absent,
                };
                snapshot.add_stored(digest.clone(), place.clone(), answer);
            }
            Query::Blob(blob, place) => {
                let found = if self.has(place, &blob.digest) { Answer::Found(()) } else { Answer::Absent };
                let answer = if mute { Answer::Unknown(cause(&place.to_string())) } else { found };
                snapshot.add_blob(blob.clone(), place.clone(), answer);
            }
            Query::Tags(place) => {
                let here = self.tags.keys().filter(|reference| reference.place == *place);
                let tags: BTreeSet<Tag> = here.filter_map(Reference::tag).cloned().collect();
                let found = if tags.is_empty() { Answer::Absent } else { Answer::Found(Arc::new(tags)) };
                let answer = if mute { Answer::Unknown(cause(&place.to_string())) } else { found };
                snapshot.add_tags(place.clone(), answer);
            }
            Query::Referrers(digest, place, wanted) => {
                let unknown = || Answer::Unknown(cause(&place.with_digest(digest).to_string()));
                let found = self.referrers.get(&(place.clone(), digest.clone()));
                let found = found.map_or(Answer::Absent, |entries| Answer::Found(entries.clone().into()));
                let answer = if mute { unknown() } else { found };
                snapshot.add_referrers(digest.clone(), place.clone(), *wanted, answer);
            }
            Query::Layout(place) => {
                let contents = self.layouts.get(place).cloned().unwrap_or(LayoutContents::NoFolder);
                snapshot.add_layout(place.clone(), Answer::Found(contents));
            }
        }
    }

    fn head(&self, reference: &Reference) -> Option<Descriptor> {
        if let Some(answer) = self.heads.get(reference) {
            return answer.clone();
        }
        let read = self.read(reference)?;
        Some(self.claims.get(&read.digest).cloned().unwrap_or(read))
    }

    /// Returns the descriptor of what a reference names, from its bytes.
    fn read(&self, reference: &Reference) -> Option<Descriptor> {
        let digest = match &reference.locator {
            Locator::Tag(_) => self.tags.get(reference)?,
            Locator::Digest(digest) => digest,
        };
        self.has(&reference.place, digest).then(|| self.bytes[digest].descriptor().clone())
    }

    /// Answers queries until the list is decided as deep as `depth` says. Checks that no query is repeated and that it
    /// ends.
    pub(super) fn plan_by(&self, list: &Arc<Publication>, depth: CheckDepth, mut known: Snapshot) -> (ListPlan, Asked) {
        let mut asked = Asked::default();
        loop {
            let needs = match decide(list, depth, &known) {
                Decision::Done(plan) | Decision::Doubts(_, plan) => return (Arc::unwrap_or_clone(plan), asked),
                Decision::Needs(needs) => needs,
            };
            self.answer_all(&needs, &mut known, &mut asked);
        }
    }

    /// Answers the queries of one round trip, and counts them.
    pub(super) fn answer_all(&self, needs: &BTreeSet<Query>, snapshot: &mut Snapshot, asked: &mut Asked) {
        assert!(!needs.is_empty(), "needs nothing and does not decide");
        assert!(needs.iter().all(|query| !snapshot.answers(query)), "needs what is answered");
        asked.rounds += 1;
        assert!(asked.rounds <= 12, "goes on asking");
        for query in needs {
            match query {
                Query::Head(_) => asked.heads += 1,
                Query::Manifest(..) | Query::Stored(..) => asked.manifests += 1,
                Query::Config(..) => asked.configs += 1,
                Query::Blob(..) => asked.blobs += 1,
                Query::Tags(_) => asked.tags += 1,
                Query::Referrers(..) => asked.referrers += 1,
                Query::Layout(_) => asked.layouts += 1,
            }
            self.answer(query, snapshot);
        }
    }

    /// Does the same without a check of published images, with an empty snapshot.
    pub(super) fn plan(&self, publication: &Arc<Publication>) -> (ListPlan, Asked) {
        self.plan_by(publication, CheckDepth::List, Snapshot::default())
    }

    /// Applies a plan: children first, then the list by each tag that must be written. Panics where a strict registry
    /// would reject the request: for a list with a missing child, or an image with a missing blob.
    pub(super) fn apply(&mut self, plan: &ListPlan) -> Written {
        let target = &plan.publication.target;
        let mut written = Written::default();
        for child in &plan.children {
            let payload = self.bytes[&child.descriptor.digest].clone();
            assert!(self.has(&child.from, payload.digest()), "{} is not where it is copied from", payload.digest());
            assert_ne!(child.from, *target, "copied to where it is");
            assert!(child.payload.as_ref().is_none_or(|read| *read == payload));
            written.reads += usize::from(child.payload.is_none());
            for blob in ImageManifest::parse(&payload).unwrap().blobs() {
                assert!(self.has(&child.from, &blob.digest));
                self.content.insert((target.clone(), blob.digest.clone()));
                written.mounts += 1;
            }
            self.content.insert((target.clone(), payload.digest().clone()));
            written.puts += 1;
        }
        for MemberTagChange { tag, descriptor, .. } in &plan.member_tags {
            if matches!(tag.fate, TagFate::Created | TagFate::Moved) {
                let payload = self.bytes[&descriptor.digest].clone();
                assert!(self.has(target, payload.digest()), "a tag of a member whose image is not there");
                assert_eq!(tag.to.as_ref(), Some(payload.digest()));
                self.push_bytes(&target.tagged(&tag.tag), payload.media_type().clone(), payload.bytes().clone());
                written.rechecks += 1;
                written.puts += 1;
            }
        }
        for tag in plan.tags.iter().filter(|tag| matches!(tag.fate, TagFate::Created | TagFate::Moved)) {
            let list = plan.payload.as_ref().expect("a list that is written has bytes");
            assert_eq!(tag.to.as_ref(), Some(list.digest()));
            for entry in Index::parse(list).unwrap().entries {
                assert!(self.has(target, &entry.descriptor.digest), "the list names an absent child");
                // A list of equal content is left as it is, whoever wrote it, and if every HEAD agrees with a published
                // list, nothing shows that the size is wrong.
                let size = self.bytes[&entry.descriptor.digest].bytes().len() as u64;
                let is_told = self.claims.contains_key(&entry.descriptor.digest);
                let is_known = self.bytes.contains_key(list.digest());
                assert!(entry.descriptor.size == size || is_told || is_known, "a wrong size");
            }
            self.push_bytes(&target.tagged(&tag.tag), list.media_type().clone(), list.bytes().clone());
            written.rechecks += 1;
            written.puts += 1;
        }
        written
    }

    fn put(&mut self, place: &Place, media_type: MediaType, bytes: Bytes) -> Descriptor {
        let payload = Payload::new(media_type, bytes);
        let descriptor = payload.descriptor().clone();
        self.content.insert((place.clone(), descriptor.digest.clone()));
        self.bytes.entry(descriptor.digest.clone()).or_insert(payload);
        descriptor
    }
}

fn cause(of: &str, status: Option<u16>) -> Cause {
    let mut problem = Problem::error("mlist::registry::unreachable", format!("cannot read {of}")).about(&of);
    problem.http = status.map(|status| HttpFacts { status: Some(status), ..HttpFacts::default() });
    Cause(Arc::new(problem))
}
