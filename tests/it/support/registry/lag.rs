//! [`Arrivals`]: what was pushed so lately that the registry does not see it yet.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::knobs::Lag;

/// What was pushed while the registry lagged, by repository and reference.
#[derive(Debug, Default)]
pub(super) struct Arrivals(BTreeMap<(String, String), Arrival>);

#[derive(Debug)]
struct Arrival {
    at: Instant,
    /// The digest that a tag named before.
    before: Option<String>,
}

/// How a reference is seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// As it is.
    AsItIs,
    /// As it was: it named this digest, or nothing.
    AsItWas(Option<String>),
}

impl Arrivals {
    /// A reference was pushed that was absent or named another digest.
    pub(super) fn note(&mut self, repository: &str, reference: &str, before: Option<String>) {
        let arrival = Arrival { at: Instant::now(), before };
        self.0.insert((repository.to_owned(), reference.to_owned()), arrival);
    }

    /// How a reference is seen now.
    pub(super) fn seen(&self, lag: Lag, repository: &str, reference: &str) -> Seen {
        match self.0.get(&(repository.to_owned(), reference.to_owned())) {
            Some(arrival) if arrival.at.elapsed() < lag.of(reference) => Seen::AsItWas(arrival.before.clone()),
            _ => Seen::AsItIs,
        }
    }

    /// The digests in `text` that are not seen in a repository yet.
    pub(super) fn unseen(&self, lag: Lag, repository: &str, text: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(text);
        let here = self.0.keys().filter(|(place, reference)| place == repository && reference.contains(':'));
        let named = here.map(|(_, digest)| digest).filter(|digest| text.contains(digest.as_str()));
        named.filter(|digest| self.seen(lag, repository, digest) != Seen::AsItIs).cloned().collect()
    }
}

impl Lag {
    /// Whether there is any.
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }

    fn of(self, reference: &str) -> Duration {
        if reference.contains(':') { self.children } else { self.tags }
    }
}
