//! [`EventRelay`]: what the registry layer says while it works, as events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::oci::{Digest, Platform};
use crate::registry::{Notice, Observer};

use super::{Event, ListStep, Listener};

/// Carries events to the listener of a run, those of the registry layer included.
///
/// It is made before the registries are (they take its [`observer`](Self::observer)) and learns during the execution
/// which list the bytes of a blob belong to.
#[derive(Clone)]
pub struct EventRelay(Arc<Shared>);

struct Shared {
    listener: Listener,
    /// By blob, and by nothing else: the same bytes that go to two targets at once are counted to both.
    streams: Mutex<HashMap<Digest, Vec<Arc<CopyProgress>>>>,
}

impl EventRelay {
    /// Carries to `listener`.
    #[must_use]
    pub fn new(listener: Listener) -> Self {
        Self(Arc::new(Shared { listener, streams: Mutex::default() }))
    }

    /// What the registries are given to speak to.
    #[must_use]
    pub fn observer(&self) -> Observer {
        let relay = self.clone();
        Arc::new(move |notice| relay.hear(notice))
    }

    /// Who listens.
    #[must_use]
    pub fn listener(&self) -> &Listener {
        &self.0.listener
    }

    /// Says that `event` happened.
    pub(super) fn say(&self, event: Event) {
        (self.0.listener)(event);
    }

    /// Counts the bytes of `blob` to `progress` until what is returned is dropped.
    pub(super) fn watch(&self, blob: &Digest, progress: &Arc<CopyProgress>) -> ProgressGuard {
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.entry(blob.clone()).or_default().push(Arc::clone(progress));
        ProgressGuard { relay: self.clone(), blob: blob.clone(), progress: Arc::clone(progress) }
    }

    fn hear(&self, notice: Notice) {
        match notice {
            Notice::Streaming { digest, bytes } => {
                // The listener is called without the lock: what it does is its own affair.
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

/// How much of a member is sent.
pub(super) struct CopyProgress {
    list: usize,
    platform: Platform,
    sent: AtomicU64,
    of: AtomicU64,
}

impl CopyProgress {
    /// Nothing yet of `of` bytes for a member of that list (its place in the plan).
    pub(super) fn new(list: usize, platform: Platform, of: u64) -> Arc<Self> {
        Arc::new(Self { list, platform, sent: AtomicU64::new(0), of: AtomicU64::new(of) })
    }

    /// So many bytes turned out not to have to be sent.
    pub(super) fn spare(&self, bytes: u64) {
        self.of.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn add(&self, bytes: u64) -> ListStep {
        let of = self.of.load(Ordering::Relaxed);
        // A stream that was begun again counts twice; more than all is never sent.
        let sent = (self.sent.fetch_add(bytes, Ordering::Relaxed) + bytes).min(of);
        ListStep::Copying { platform: self.platform.clone(), sent, of }
    }
}

/// While it lives, the bytes of a blob are counted to a member.
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
