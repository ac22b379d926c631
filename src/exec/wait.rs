//! [`Waits`]: repeats queries for members that do not exist yet (`wait`).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::model::Publication;
use crate::oci::Reference;

use super::Event;

/// Pauses double up to this limit.
const LONGEST_QUERY_PAUSE: Duration = Duration::from_secs(10);

/// Which members to wait for, and how long.
///
/// There is one clock for the whole run, which starts when the first member is not found. So a run waits no longer than
/// its longest `wait`, however many members are late.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// The maximum wait per member. A member of several lists gets the longest of their `wait` values, because a run
    /// has only one answer per query.
    patience: HashMap<Reference, Duration>,
    began: Option<Instant>,
    /// The next pause of each member that has not been found so far.
    absent: BTreeMap<Reference, Duration>,
}

impl Waits {
    /// Collects the `wait` values of `publications`. A reference that is itself the target of a list is excluded: it
    /// does not exist only because it is not published yet.
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

    /// Returns how long to wait before `reference`, which was not found, is queried again. `None` if the result is
    /// final.
    pub(super) fn pause(&mut self, reference: &Reference) -> Option<Duration> {
        let patience = *self.patience.get(reference)?;
        let waited = self.began.get_or_insert_with(Instant::now).elapsed();
        // The last query is made when the maximum wait has passed.
        let left = patience.checked_sub(waited).filter(|left| !left.is_zero())?;
        let pause = self.absent.entry(reference.clone()).or_insert(Duration::from_secs(1));
        let next = (*pause).min(left);
        *pause = (*pause * 2).min(LONGEST_QUERY_PAUSE);
        Some(next)
    }

    /// Ends the wait for `reference`, which has its final answer. Returns whether it was waited for.
    pub(super) fn is_over(&mut self, reference: &Reference) -> bool {
        self.absent.remove(reference).is_some()
    }

    /// Returns the event for the members that are waited for now.
    pub(super) fn event(&self) -> Event {
        let waited = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let longest = self.absent.keys().filter_map(|reference| self.patience.get(reference)).max();
        let left = longest.map_or(Duration::ZERO, |longest| longest.saturating_sub(waited));
        Event::Waiting { members: self.absent.len(), left }
    }
}

#[cfg(test)]
mod tests;
