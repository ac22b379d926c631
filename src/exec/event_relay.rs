//! [`EventRelay`]: converts notices of the registry layer to events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::oci::{Digest, Platform};
use crate::registry::{Notice, Observer};

use super::{Event, ListStep, Listener};

/// Passes events to the listener of a run, including those of the registry layer.
///
/// It is created before the registries, because they use its [`observer`](Self::observer). During the execution it is
/// told which list the bytes of a blob belong to.
#[derive(Clone)]
pub struct EventRelay(Arc<Shared>);

struct Shared {
    listener: Listener,
    /// Progress counters by blob. The key is the blob alone: bytes that are sent to two targets at once count for both.
    streams: Mutex<HashMap<Digest, Vec<Arc<CopyProgress>>>>,
}

impl EventRelay {
    /// Creates a relay that passes events to `listener`.
    #[must_use]
    pub fn new(listener: Listener) -> Self {
        Self(Arc::new(Shared { listener, streams: Mutex::default() }))
    }

    /// Returns the observer for the registries.
    #[must_use]
    pub fn observer(&self) -> Observer {
        let relay = self.clone();
        Arc::new(move |notice| relay.hear(notice))
    }

    /// The listener of the run.
    #[must_use]
    pub fn listener(&self) -> &Listener {
        &self.0.listener
    }

    /// Passes `event` to the listener.
    pub(super) fn say(&self, event: Event) {
        (self.0.listener)(event);
    }

    /// Adds the bytes of `blob` to `progress` until the returned guard is dropped.
    pub(super) fn watch(&self, blob: &Digest, progress: &Arc<CopyProgress>) -> ProgressGuard {
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.entry(blob.clone()).or_default().push(Arc::clone(progress));
        ProgressGuard { relay: self.clone(), blob: blob.clone(), progress: Arc::clone(progress) }
    }

    fn hear(&self, notice: Notice) {
        match notice {
            Notice::Streaming { digest, bytes } => {
                // The lock is released before the listener is called, because the listener may do anything.
                let heard = {
                    let streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
                    streams.get(&digest).cloned().unwrap_or_default()
                };
                for progress in heard {
                    let step = progress.add(bytes);
                    self.say(Event::Step { list: progress.list, step });
                }
            }
            notice => self.say(Event::Notice(notice)),
        }
    }
}

/// How much of a member has been sent.
pub(super) struct CopyProgress {
    list: usize,
    platform: Platform,
    sent: AtomicU64,
    of: AtomicU64,
}

impl CopyProgress {
    /// Creates a counter for a member with `of` bytes. `list` is the position of its list in the plan.
    pub(super) fn new(list: usize, platform: Platform, of: u64) -> Arc<Self> {
        Arc::new(Self { list, platform, sent: AtomicU64::new(0), of: AtomicU64::new(of) })
    }

    /// Subtracts bytes that did not have to be sent.
    pub(super) fn spare(&self, bytes: u64) {
        self.of.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn add(&self, bytes: u64) -> ListStep {
        let of = self.of.load(Ordering::Relaxed);
        // A stream that is restarted counts its bytes again, so the sum is limited to the total.
        let sent = (self.sent.fetch_add(bytes, Ordering::Relaxed) + bytes).min(of);
        ListStep::Copying { platform: self.platform.clone(), sent, of }
    }
}

/// While it exists, the bytes of a blob are added to the progress of a member.
pub(super) struct ProgressGuard {
    relay: EventRelay,
    blob: Digest,
    progress: Arc<CopyProgress>,
}

impl Drop for ProgressGuard {
    fn drop(&mut self) {
        let mut streams = self.relay.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watching) = streams.get_mut(&self.blob) {
            watching.retain(|progress| !Arc::ptr_eq(progress, &self.progress));
            if watching.is_empty() {
                streams.remove(&self.blob);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> (EventRelay, Arc<Mutex<Vec<Event>>>) {
        let heard: Arc<Mutex<Vec<Event>>> = Arc::default();
        let events = Arc::clone(&heard);
        (EventRelay::new(Arc::new(move |event| events.lock().unwrap().push(event))), heard)
    }

    fn copying(heard: &Mutex<Vec<Event>>) -> Vec<(usize, u64, u64)> {
        let step = |event: &Event| match event {
            Event::Step { list, step: ListStep::Copying { sent, of, .. } } => (*list, *sent, *of),
            other => panic!("{other:?}"),
        };
        heard.lock().unwrap().iter().map(step).collect()
    }

    #[test]
    fn bytes_that_nobody_watches_are_not_told() {
        let (relay, heard) = wire();
        let progress = CopyProgress::new(0, Platform::parse("linux/amd64").unwrap(), 10);
        drop(relay.watch(&Digest::of(b"layer"), &progress));
        (relay.observer())(Notice::Streaming { digest: Digest::of(b"layer"), bytes: 4 });
        assert!(heard.lock().unwrap().is_empty());
        assert!(relay.0.streams.lock().unwrap().is_empty());
    }

    #[test]
    fn bytes_are_counted_to_the_lists_that_watch_and_never_pass_the_whole() {
        let (relay, heard) = wire();
        let platform = Platform::parse("linux/amd64").unwrap();
        let (one, two) = (CopyProgress::new(1, platform.clone(), 10), CopyProgress::new(2, platform, 100));
        let _watches = [relay.watch(&Digest::of(b"a"), &one), relay.watch(&Digest::of(b"a"), &two)];
        two.spare(50);
        let observer = relay.observer();
        observer(Notice::Streaming { digest: Digest::of(b"a"), bytes: 8 });
        observer(Notice::Streaming { digest: Digest::of(b"a"), bytes: 8 });
        assert_eq!(copying(&heard), [(1, 8, 10), (2, 8, 50), (1, 10, 10), (2, 16, 50)]);
    }
}
