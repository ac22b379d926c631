//! [`Snapshot`]: the known state of the registries, the [`Query`]s that add to it, and the [`Decision`]s made from it.
//!
//! There are two kinds of facts, and they are stored separately. What a *place* reports (a tag names a digest, a digest
//! exists) is keyed by the reference. *Bytes* are keyed by digest alone: they were verified against it, so they are
//! valid for every place. That a place itself has returned them is a fact of its own ([`Query::Stored`]). Facts are
//! added, never changed. Of a config only the parsed part is kept: a config may have 8 MiB, of which only the platform is
//! needed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::config::problem::Problem;
use crate::oci::{
    Descriptor, Digest, Entry, ImageConfig, LayoutContents, MalformedJson, Payload, Place, Reference, ReferrerFilter,
    Tag,
};

/// Why there is no usable answer: the problem reported by the layer below, without a position in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(pub Arc<Problem>);

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// It exists, with this value.
    Found(T),
    /// It does not exist. This means a 404, and nothing else.
    Absent,
    /// Not known, because of this failure.
    Unknown(Cause),
}

impl<T> Answer<T> {
    /// Borrows the answer. `borrow` borrows its value.
    pub(super) fn borrow_with<'a, U>(&'a self, borrow: impl FnOnce(&'a T) -> U) -> Answer<U> {
        match self {
            Self::Found(value) => Answer::Found(borrow(value)),
            Self::Absent => Answer::Absent,
            Self::Unknown(cause) => Answer::Unknown(cause.clone()),
        }
    }
}

/// A question that only a registry or a layout can answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Query {
    /// The media type, digest and size of what a reference names, or that it does not exist.
    Head(Reference),
    /// The bytes of the manifest with this digest, from this place.
    Manifest(Digest, Place),
    /// The bytes of the manifest with this digest, from this place, whatever other places have returned: whether it can
    /// be read there.
    Stored(Digest, Place),
    /// The image config with this digest, from this place.
    Config(Digest, Place),
    /// Whether this blob exists in this place.
    Blob(Descriptor, Place),
    /// All tags of a place.
    Tags(Place),
    /// The manifests of a place whose `subject` is this digest, as far as they are wanted.
    Referrers(Digest, Place, ReferrerFilter),
    /// What the directory of a layout holds, to explain why something is not found there.
    Layout(Place),
}

impl Query {
    /// The place that is queried.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::Head(reference) => &reference.place,
            Self::Manifest(_, place)
            | Self::Stored(_, place)
            | Self::Config(_, place)
            | Self::Blob(_, place)
            | Self::Tags(place)
            | Self::Referrers(_, place, _)
            | Self::Layout(place) => place,
        }
    }
}

/// What a pure function of the snapshot returns: its result, or the queries it needs first.
#[derive(Debug, Clone)]
pub enum Decision<T> {
    /// These queries must be answered first. Never empty, and never contains one that the snapshot answers.
    Needs(BTreeSet<Query>),
    /// The answers to these queries contradict each other, so they must be made again. If the answers stay
    /// contradictory, this is the result.
    Doubts(BTreeSet<Query>, T),
    /// The result.
    Done(T),
}

/// The digest that referrers name, their place, and which of them are wanted.
type ReferrersKey = (Digest, Place, ReferrerFilter);

/// All answers so far.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    heads: HashMap<Reference, Answer<Descriptor>>,
    bytes: HashMap<Digest, Payload>,
    configs: HashMap<Digest, Result<ImageConfig, MalformedJson>>,
    /// Why the bytes are not available from one place. Another place may have them.
    unread: HashMap<(Digest, Place), Answer<()>>,
    /// Whether one place returned the bytes.
    stored: HashMap<(Digest, Place), Answer<()>>,
    blobs: HashMap<(Descriptor, Place), Answer<()>>,
    tags: HashMap<Place, Answer<Arc<BTreeSet<Tag>>>>,
    referrers: HashMap<ReferrersKey, Answer<Arc<[Entry]>>>,
    layouts: HashMap<Place, Answer<LayoutContents>>,
}

impl Snapshot {
    /// Returns what `reference` names. `None` if it was not queried.
    #[must_use]
    pub fn head(&self, reference: &Reference) -> Option<&Answer<Descriptor>> {
        self.heads.get(reference)
    }

    /// Returns the bytes of `digest`, or why `place` did not return them. `None` if they were not queried.
    #[must_use]
    pub fn bytes(&self, digest: &Digest, place: &Place) -> Option<Answer<&Payload>> {
        if let Some(payload) = self.bytes.get(digest) {
            return Some(Answer::Found(payload));
        }
        self.unread(digest, place)
    }

    /// Returns the config of `digest`, or that it is malformed, or why `place` did not return it. `None` if it was not
    /// queried.
    #[must_use]
    pub fn config(&self, digest: &Digest, place: &Place) -> Option<Answer<&Result<ImageConfig, MalformedJson>>> {
        if let Some(config) = self.configs.get(digest) {
            return Some(Answer::Found(config));
        }
        self.unread(digest, place)
    }

    fn unread<T>(&self, digest: &Digest, place: &Place) -> Option<Answer<T>> {
        match self.unread.get(&(digest.clone(), place.clone()))? {
            Answer::Unknown(cause) => Some(Answer::Unknown(cause.clone())),
            Answer::Absent | Answer::Found(()) => Some(Answer::Absent),
        }
    }

    /// Returns the bytes of `digest` if `place` itself returned them, or why it did not. `None` if it was not queried.
    #[must_use]
    pub fn stored(&self, digest: &Digest, place: &Place) -> Option<Answer<&Payload>> {
        match self.stored.get(&(digest.clone(), place.clone()))? {
            Answer::Found(()) => self.bytes.get(digest).map(Answer::Found),
            Answer::Absent => Some(Answer::Absent),
            Answer::Unknown(cause) => Some(Answer::Unknown(cause.clone())),
        }
    }

    /// Returns whether `place` has `blob`. `None` if it was not queried.
    #[must_use]
    pub fn blob(&self, blob: &Descriptor, place: &Place) -> Option<Answer<()>> {
        self.blobs.get(&(blob.clone(), place.clone())).cloned()
    }

    /// Returns the tags of `place`. `None` if they were not queried.
    #[must_use]
    pub fn tags(&self, place: &Place) -> Option<&Answer<Arc<BTreeSet<Tag>>>> {
        self.tags.get(place)
    }

    /// Returns the descriptors of the manifests in `place` whose subject is `digest`, as far as they are wanted, without
    /// platforms. `None` if they were not queried. Absent if there are none or the registry does not
    /// support referrers.
    #[must_use]
    pub fn referrers(&self, digest: &Digest, place: &Place, wanted: ReferrerFilter) -> Option<&Answer<Arc<[Entry]>>> {
        self.referrers.get(&(digest.clone(), place.clone(), wanted))
    }

    /// Returns what the directory of a layout holds. `None` if it was not queried.
    #[must_use]
    pub fn layout(&self, place: &Place) -> Option<&Answer<LayoutContents>> {
        self.layouts.get(place)
    }

    /// Whether `query` has an answer.
    #[must_use]
    pub fn answers(&self, query: &Query) -> bool {
        match query {
            Query::Head(reference) => self.head(reference).is_some(),
            Query::Manifest(digest, place) => self.bytes(digest, place).is_some(),
            Query::Stored(digest, place) => self.stored(digest, place).is_some(),
            Query::Config(digest, place) => self.config(digest, place).is_some(),
            Query::Blob(blob, place) => self.blob(blob, place).is_some(),
            Query::Tags(place) => self.tags(place).is_some(),
            Query::Referrers(digest, place, wanted) => self.referrers(digest, place, *wanted).is_some(),
            Query::Layout(place) => self.layout(place).is_some(),
        }
    }

    /// Removes the answer to `query`, which contradicts others, so that the query can be made again. Verified bytes
    /// stay.
    pub fn forget(&mut self, query: &Query) {
        match query {
            Query::Head(reference) => drop(self.heads.remove(reference)),
            Query::Manifest(digest, place) | Query::Config(digest, place) => {
                self.unread.remove(&(digest.clone(), place.clone()));
            }
            Query::Stored(digest, place) => drop(self.stored.remove(&(digest.clone(), place.clone()))),
            Query::Blob(blob, place) => drop(self.blobs.remove(&(blob.clone(), place.clone()))),
            Query::Tags(place) => drop(self.tags.remove(place)),
            Query::Referrers(digest, place, wanted) => {
                self.referrers.remove(&(digest.clone(), place.clone(), *wanted));
            }
            Query::Layout(place) => drop(self.layouts.remove(place)),
        }
    }

    /// Adds what a reference names. An earlier answer is kept.
    pub fn add_head(&mut self, reference: Reference, answer: Answer<Descriptor>) {
        self.heads.entry(reference).or_insert(answer);
    }

    /// Adds whether a place has a blob. An earlier answer is kept.
    pub fn add_blob(&mut self, blob: Descriptor, place: Place, answer: Answer<()>) {
        self.blobs.entry((blob, place)).or_insert(answer);
    }

    /// Adds the tags of a place. An earlier answer is kept.
    pub fn add_tags(&mut self, place: Place, answer: Answer<Arc<BTreeSet<Tag>>>) {
        self.tags.entry(place).or_insert(answer);
    }

    /// Adds the referrers of `digest`. An earlier answer is kept.
    pub fn add_referrers(
        &mut self,
        digest: Digest,
        place: Place,
        wanted: ReferrerFilter,
        answer: Answer<Arc<[Entry]>>,
    ) {
        self.referrers.entry((digest, place, wanted)).or_insert(answer);
    }

    /// Adds what the directory of a layout holds. An earlier answer is kept.
    pub fn add_layout(&mut self, place: Place, answer: Answer<LayoutContents>) {
        self.layouts.entry(place).or_insert(answer);
    }

    /// Adds bytes that were verified against their digest.
    pub fn add_bytes(&mut self, payload: Payload) {
        self.bytes.entry(payload.digest().clone()).or_insert(payload);
    }

    /// Adds whether a place returned the bytes of `digest`, which were verified. An earlier answer is kept.
    pub fn add_stored(&mut self, digest: Digest, place: Place, answer: Answer<Payload>) {
        let answer = match answer {
            Answer::Found(payload) => {
                self.add_bytes(payload);
                Answer::Found(())
            }
            Answer::Absent => Answer::Absent,
            Answer::Unknown(cause) => Answer::Unknown(cause),
        };
        self.stored.entry((digest, place)).or_insert(answer);
    }

    /// Adds what the config of `digest` contains. Its bytes were verified against the digest.
    pub fn add_config(&mut self, digest: Digest, config: Result<ImageConfig, MalformedJson>) {
        self.configs.entry(digest).or_insert(config);
    }

    /// Adds why `place` did not return the bytes of `digest`: because of `cause`, or, without a cause, because they do
    /// not exist there.
    pub fn add_unread(&mut self, digest: Digest, place: Place, cause: Option<Cause>) {
        let answer = cause.map_or(Answer::Absent, Answer::Unknown);
        self.unread.entry((digest, place)).or_insert(answer);
    }
}
