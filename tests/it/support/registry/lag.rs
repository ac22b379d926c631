//! [`Arrivals`]: recently pushed tags and manifests that are not visible yet.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::knobs::Lag;

/// The tags and manifests that were pushed while the registry lagged, by repository and reference.
#[derive(Debug, Default)]
pub(super) struct Arrivals(BTreeMap<(String, String), Arrival>);

#[derive(Debug)]
struct Arrival {
    at: Instant,
    /// The digest that the tag referred to before.
    before: Option<String>,
}

/// The visible state of a reference.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// The current state.
    AsItIs,
    /// The previous state: it referred to this digest, or did not exist.
    AsItWas(Option<String>),
}

impl Arrivals {
    /// Records a push of a reference that did not exist or referred to another digest.
    pub(super) fn note(&mut self, repository: &str, reference: &str, before: Option<String>) {
        let arrival = Arrival { at: Instant::now(), before };
        self.0.insert((repository.to_owned(), reference.to_owned()), arrival);
    }

    /// Returns the visible state of a reference.
    pub(super) fn seen(&self, lag: Lag, repository: &str, reference: &str) -> Seen {
        match self.0.get(&(repository.to_owned(), reference.to_owned())) {
            Some(arrival) if arrival.at.elapsed() < lag.of(reference) => Seen::AsItWas(arrival.before.clone()),
            _ => Seen::AsItIs,
        }
    }

    /// Returns the digests in `text` that are not visible yet in a repository.
    pub(super) fn unseen(&self, lag: Lag, repository: &str, text: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(text);
        let here = self.0.keys().filter(|(place, reference)| place == repository && reference.contains(':'));
        let named = here.map(|(_, digest)| digest).filter(|digest| text.contains(digest.as_str()));
        named.filter(|digest| self.seen(lag, repository, digest) != Seen::AsItIs).cloned().collect()
    }
}

impl Lag {
    /// Whether there is no lag.
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }

    fn of(self, reference: &str) -> Duration {
        if reference.contains(':') { self.children } else { self.tags }
    }
}
