//! [`Budget`]: limits the memory for the answers of registries.
//!
//! A manifest may have 4 MiB and a repository 100,000 tags, so a few dozen members of a hostile registry could need any
//! amount of memory. An answer beyond the limit is not kept: it counts as unknown, and its lists fail.

use std::sync::Arc;

use crate::config::problem::Problem;
use crate::oci::{Descriptor, Entry, LayoutContents, MediaType, Platform};
use crate::plan::{Answer, Cause, Query};

use super::Response;

/// How much each item raises the limit, in bytes.
const PER_ITEM: usize = 12 << 10;
/// The memory of a tag besides its text: its place in the set, and the counters of its text.
const PER_TAG: usize = 48;

/// An index of more than this many bytes is counted [`PARSED`] times, because several can be parsed at the same time.
/// An index with a thousand entries is smaller.
const LARGE: usize = 256 << 10;
/// How often a large index is counted.
const PARSED: usize = 6;

/// The bytes of all answers that were kept, and their limit.
pub(super) struct Budget {
    limit: usize,
    /// By [`KeptKind`].
    kept: [usize; KeptKind::ALL.len()],
    /// The reason for all answers that are not kept, so that it is reported once.
    cause: Option<Cause>,
}

/// What answers consist of.
#[derive(Clone, Copy)]
enum KeptKind {
    Manifests,
    Configs,
    Tags,
    Referrers,
    Types,
}

impl KeptKind {
    const ALL: [Self; 5] = [Self::Manifests, Self::Configs, Self::Tags, Self::Referrers, Self::Types];

    /// The plural in messages.
    fn name(self) -> &'static str {
        match self {
            Self::Manifests => "manifests",
            Self::Configs => "platforms of image configs",
            Self::Tags => "tags",
            Self::Referrers => "referrers",
            Self::Types => "media types",
        }
    }
}

impl Budget {
    /// Creates a budget of `base` bytes and what `items` items add to it.
    pub(super) fn new(base: usize, items: usize) -> Self {
        let limit = base.saturating_add(items.saturating_mul(PER_ITEM));
        Self { limit, kept: [0; KeptKind::ALL.len()], cause: None }
    }

    /// Counts `response`, the answer to `query`, and returns it. If there is no memory left for it, returns that the
    /// answer is unknown.
    pub(super) fn limited(&mut self, query: &Query, response: Response) -> Response {
        let Some((kind, bytes)) = kept(&response) else { return response };
        let sum = self.kept.iter().sum::<usize>().saturating_add(bytes);
        self.kept[kind as usize] += bytes;
        if sum <= self.limit {
            return response;
        }
        let cause = self.cause.get_or_insert_with(|| too_large(self.limit, &self.kept)).clone();
        self.kept[kind as usize] -= bytes;
        match query {
            Query::Head(_) => Response::Head(Answer::Unknown(cause)),
            Query::Manifest(..) | Query::Config(..) => Response::Unread(Some(cause)),
            Query::Stored(..) => Response::Stored(Answer::Unknown(cause)),
            Query::Blob(..) => Response::Blob(Answer::Unknown(cause)),
            Query::Tags(_) => Response::Tags(Answer::Unknown(cause)),
            Query::Referrers(..) => Response::Referrers(Answer::Unknown(cause)),
            Query::Layout(_) => Response::Layout(Answer::Unknown(cause)),
        }
    }
}

fn too_large(limit: usize, kept: &[usize]) -> Cause {
    let most = KeptKind::ALL.into_iter().max_by_key(|kind| kept[*kind as usize]);
    let what = most.map_or("responses", KeptKind::name);
    let message = format!("the {what} for this run are too large: all responses together exceed {} MiB", limit >> 20);
    let problem = Problem::error("mlist::registry::too_large", message);
    Cause(Arc::new(problem.help("select fewer lists at once")))
}

/// Returns the number of bytes that are kept of `response`. `None` if it has no part of variable size.
fn kept(response: &Response) -> Option<(KeptKind, usize)> {
    match response {
        Response::Manifest(payload) | Response::Stored(Answer::Found(payload)) => {
            let bytes = payload.bytes().len();
            let is_large = payload.media_type().is_index() && bytes > LARGE;
            Some((KeptKind::Manifests, if is_large { bytes * PARSED } else { bytes }))
        }
        Response::Config(Ok(config)) => Some((KeptKind::Configs, platform(&config.platform))),
        Response::Tags(Answer::Found(tags)) => {
            Some((KeptKind::Tags, tags.iter().map(|tag| tag.as_str().len() + PER_TAG).sum()))
        }
        Response::Referrers(Answer::Found(entries)) => Some((KeptKind::Referrers, entries.iter().map(entry).sum())),
        Response::Head(Answer::Found(head)) => Some((KeptKind::Types, media_type(head))),
        Response::Layout(Answer::Found(LayoutContents::Names(names))) => {
            Some((KeptKind::Tags, names.iter().map(|name| name.len() + PER_TAG).sum()))
        }
        Response::Config(Err(_))
        | Response::Unread(_)
        | Response::Stored(Answer::Absent | Answer::Unknown(_))
        | Response::Head(Answer::Absent | Answer::Unknown(_))
        | Response::Tags(Answer::Absent | Answer::Unknown(_))
        | Response::Referrers(Answer::Absent | Answer::Unknown(_))
        | Response::Layout(_)
        | Response::Blob(_) => None,
    }
}

fn platform(platform: &Platform) -> usize {
    let Platform { architecture, os, os_version, os_features, variant } = platform;
    let parts = [os_version, variant].into_iter().flatten().chain([architecture, os]).map(String::len);
    parts.chain(os_features.iter().map(|feature| feature.len() + size_of::<String>())).sum()
}

fn entry(entry: &Entry) -> usize {
    let texts = entry.annotations.iter().flat_map(|(key, value)| [key, value]).chain(&entry.urls);
    let texts: usize = texts.chain(&entry.artifact_type).map(|text| text.len() + size_of::<String>()).sum();
    size_of::<Entry>() + texts + media_type(&entry.descriptor) + entry.platform.as_ref().map_or(0, platform)
}

fn media_type(descriptor: &Descriptor) -> usize {
    match &descriptor.media_type {
        MediaType::Other(name) => name.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Payload, Place, Reference};

    #[test]
    fn an_answer_beyond_the_limit_is_unknown_and_smaller_ones_are_still_kept() {
        let mut budget = Budget::new(10 << 10, 1);
        let place: Place = Reference::parse("r.example/a:1").unwrap().place;
        let mut is_kept = |size: usize| {
            let payload = Payload::new(MediaType::OciManifest, vec![b' '; size].into());
            let query = Query::Manifest(payload.digest().clone(), place.clone());
            match budget.limited(&query, Response::Manifest(payload)) {
                Response::Manifest(_) => true,
                Response::Unread(Some(cause)) => {
                    let message = "the manifests for this run are too large: all responses together exceed 0 MiB";
                    assert_eq!((cause.0.slug(), cause.0.message.as_str()), ("too_large", message));
                    false
                }
                _ => unreachable!("it was a manifest"),
            }
        };
        assert_eq!([20, 3, 2, 1].map(|kibibytes| is_kept(kibibytes << 10)), [true, false, true, false]);
    }
}
