//! [`Snapshot`]: what is known of the registries, the [`Query`]s that add to it, and the [`Decision`]s made from it.
//!
//! Two kinds of facts, never mixed: what a *place* says (a tag names a digest, a digest is present) is keyed by the
//! reference; *bytes* are keyed by digest alone and were verified by it, so they hold everywhere. Facts are added,
//! never changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::config::problem::Problem;
use crate::oci::{Descriptor, Digest, Entry, Payload, Place, Reference, Tag};

/// Why there is no usable answer: the problem that the layer below had, without a place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(pub Arc<Problem>);

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// It is there.
    Found(T),
    /// It is not: 404 and nothing else.
    Absent,
    /// Nobody knows.
    Unknown(Cause),
}

/// Something that only a registry or a layout can say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Query {
    /// Type, digest and size of what a reference names, or that it is absent.
    Head(Reference),
    /// The bytes of a manifest of this digest, from this place.
    Manifest(Digest, Place),
    /// The bytes of an image config of this digest, from this place.
    Config(Digest, Place),
    /// All tags of a place.
    Tags(Place),
    /// The manifests of a place that speak of this one (`subject`).
    Referrers(Digest, Place),
}

/// What a pure function of the snapshot says: its result, or what it has to know first.
#[derive(Debug, Clone)]
pub enum Decision<T> {
    /// These must be answered first; never empty, none that the snapshot answers.
    Needs(BTreeSet<Query>),
    /// The result.
    Done(T),
}

/// All answers so far.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    heads: HashMap<Reference, Answer<Descriptor>>,
    bytes: HashMap<Digest, Payload>,
    /// Why bytes could not be had from one place; another may have them.
    unread: HashMap<(Digest, Place), Answer<()>>,
    tags: HashMap<Place, Answer<Arc<BTreeSet<Tag>>>>,
    referrers: HashMap<(Digest, Place), Answer<Arc<[Entry]>>>,
}

impl Snapshot {
    /// What is known of `reference`; none where it was not asked.
    #[must_use]
    pub fn head(&self, reference: &Reference) -> Option<&Answer<Descriptor>> {
        self.heads.get(reference)
    }

    /// The bytes of `digest`, or why `place` did not give them; none where it was not asked.
    #[must_use]
    pub fn bytes(&self, digest: &Digest, place: &Place) -> Option<Answer<&Payload>> {
        if let Some(payload) = self.bytes.get(digest) {
            return Some(Answer::Found(payload));
        }
        match self.unread.get(&(digest.clone(), place.clone()))? {
            Answer::Unknown(cause) => Some(Answer::Unknown(cause.clone())),
            Answer::Absent | Answer::Found(()) => Some(Answer::Absent),
        }
    }

    /// The tags of `place`; none where it was not asked.
    #[must_use]
    pub fn tags(&self, place: &Place) -> Option<&Answer<Arc<BTreeSet<Tag>>>> {
        self.tags.get(place)
    }

    /// The descriptors of the manifests in `place` whose subject is `digest`, without platforms; none where it was not
    /// asked. A registry that knows nothing of the kind has none.
    #[must_use]
    pub fn referrers(&self, digest: &Digest, place: &Place) -> Option<&Answer<Arc<[Entry]>>> {
        self.referrers.get(&(digest.clone(), place.clone()))
    }

    /// Whether `query` has an answer.
    #[must_use]
    pub fn answers(&self, query: &Query) -> bool {
        match query {
            Query::Head(reference) => self.head(reference).is_some(),
            Query::Manifest(digest, place) | Query::Config(digest, place) => self.bytes(digest, place).is_some(),
            Query::Tags(place) => self.tags(place).is_some(),
            Query::Referrers(digest, place) => self.referrers(digest, place).is_some(),
        }
    }

    /// Adds what a reference names. The first answer stays.
    pub fn add_head(&mut self, reference: Reference, answer: Answer<Descriptor>) {
        self.heads.entry(reference).or_insert(answer);
    }

    /// Adds the tags of a place. The first answer stays.
    pub fn add_tags(&mut self, place: Place, answer: Answer<Arc<BTreeSet<Tag>>>) {
        self.tags.entry(place).or_insert(answer);
    }

    /// Adds what speaks of `digest`. The first answer stays.
    pub fn add_referrers(&mut self, digest: Digest, place: Place, answer: Answer<Arc<[Entry]>>) {
        self.referrers.entry((digest, place)).or_insert(answer);
    }

    /// Adds bytes that were verified by their digest.
    pub fn add_bytes(&mut self, payload: Payload) {
        self.bytes.entry(payload.digest().clone()).or_insert(payload);
    }

    /// Adds why `place` did not give the bytes of `digest`: they are absent there (no cause), or nobody knows.
    pub fn add_unread(&mut self, digest: Digest, place: Place, cause: Option<Cause>) {
        let answer = cause.map_or(Answer::Absent, Answer::Unknown);
        self.unread.entry((digest, place)).or_insert(answer);
    }
}
