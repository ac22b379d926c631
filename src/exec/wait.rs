//! [`Waits`]: absent members that are asked for again (`wait`).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::model::Publication;
use crate::oci::Reference;

use super::Event;

/// Pauses double up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Which members are waited for, and how long.
///
/// One clock for the whole run, from the first absent member on: a run takes no longer than its longest `wait`, however
/// many members are late.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// By member. One of several lists is waited for as long as the most patient of them says: a run has one answer to
    /// each question.
    patience: HashMap<Reference, Duration>,
    began: Option<Instant>,
    /// The next pause of each that was absent so far.
    absent: BTreeMap<Reference, Duration>,
}

impl Waits {
    /// What `publications` say. What is the target of a list itself is not waited for: it is absent because it is yet
    /// to be published.
    pub(super) fn of(publications: &[Arc<Publication>]) -> Self {
        let mut patience = HashMap::new();
        let patient = publications.iter().filter(|publication| !publication.rules.wait.is_zero());
        for publication in patient {
            for member in &publication.members {
                let longest: &mut Duration = patience.entry(member.source.clone()).or_default();
                *longest = publication.rules.wait.max(*longest);
            }
        }
        if !patience.is_empty() {
            for publication in publications {
                for tag in &publication.tags {
                    patience.remove(&publication.target.tagged(&tag.tag));
                }
            }
        }
        Self { patience, ..Self::default() }
    }

    /// `reference` was found absent: how long to wait before it is asked for again; none where it is to be believed.
    pub(super) fn pause(&mut self, reference: &Reference) -> Option<Duration> {
        let patience = *self.patience.get(reference)?;
        let waited = self.began.get_or_insert_with(Instant::now).elapsed();
        // The last time it is asked for is when its time is over.
        let left = patience.checked_sub(waited).filter(|left| !left.is_zero())?;
        let pause = self.absent.entry(reference.clone()).or_insert(Duration::from_secs(1));
        let next = (*pause).min(left);
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        Some(next)
    }

    /// `reference` has its answer; whether it was waited for.
    pub(super) fn is_over(&mut self, reference: &Reference) -> bool {
        self.absent.remove(reference).is_some()
    }

    /// Who is waited for now.
    pub(super) fn event(&self) -> Event {
        let waited = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let longest = self.absent.keys().filter_map(|reference| self.patience.get(reference)).max();
        let left = longest.map_or(Duration::ZERO, |longest| longest.saturating_sub(waited));
        Event::Waiting { members: self.absent.len(), left }
    }
}

#[cfg(test)]
mod tests;
