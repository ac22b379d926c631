//! [`EventRelay`]: converts notices of the registry layer to events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::oci::{Digest, Host, Place, Platform};
use crate::plan::Child;
use crate::registry::{Notice, Observer};

use super::{Event, ListStep, Listener};

/// Passes events to the listener of a run, including those of the registry layer.
///
/// It is created before the registries, because they use its [`observer`](Self::observer). During the execution it is
/// told which list the bytes of a blob belong to.
#[derive(Clone)]
pub struct EventRelay(Arc<Shared>);

/// A blob that is sent to a target.
type BlobStream = (Place, Digest);

struct Shared {
    listener: Listener,
    /// The members that each stream belongs to.
    streams: Mutex<HashMap<BlobStream, Vec<Arc<CopyProgress>>>>,
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

    /// Says that work on a member begins.
    pub(super) fn starting(&self, list: usize, child: &Child, target: &Place) {
        let step = if may_mount(child, target) {
            ListStep::Mounting { platform: child.platform.clone() }
        } else {
            CopyProgress::new(list, child, target, 0).step()
        };
        self.say(Event::Step { list, step });
    }

    /// Returns the counter of a member with `of` bytes. They are sent unless the registry of `target` can mount them.
    pub(super) fn copying(&self, list: usize, child: &Child, target: &Place, of: u64) -> Arc<CopyProgress> {
        let progress = CopyProgress::new(list, child, target, of);
        if !may_mount(child, target) {
            self.say(Event::Step { list, step: progress.step() });
        }
        Arc::new(progress)
    }

    /// Adds the bytes of `blob` that are sent to the target of `progress`, until the returned guard is dropped.
    pub(super) fn watch(&self, blob: &Digest, progress: &Arc<CopyProgress>) -> ProgressGuard {
        let stream = (progress.target.clone(), blob.clone());
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.entry(stream.clone()).or_default().push(Arc::clone(progress));
        ProgressGuard { relay: self.clone(), stream, progress: Arc::clone(progress) }
    }

    fn hear(&self, notice: Notice) {
        match notice {
            Notice::Streaming { digest, target, bytes } => {
                // The lock is released before the listener is called, because the listener may do anything.
                let heard = {
                    let streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
                    streams.get(&(target, digest)).cloned().unwrap_or_default()
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

/// Whether the blobs of `child` may be mounted: the registry of `target` has them in another repository.
fn may_mount(child: &Child, target: &Place) -> bool {
    child.from.host().is_some() && child.from.host() == target.host()
}

/// How much of a member has been sent.
pub(super) struct CopyProgress {
    list: usize,
    platform: Platform,
    /// See [`ListStep::Copying`].
    from: Option<Host>,
    target: Place,
    sent: AtomicU64,
    of: AtomicU64,
}

impl CopyProgress {
    fn new(list: usize, child: &Child, target: &Place, of: u64) -> Self {
        let from = child.from.host().filter(|host| Some(*host) != target.host()).cloned();
        let (platform, target) = (child.platform.clone(), target.clone());
        Self { list, platform, from, target, sent: AtomicU64::new(0), of: AtomicU64::new(of) }
    }

    /// Subtracts bytes that did not have to be sent.
    pub(super) fn spare(&self, bytes: u64) {
        self.of.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn add(&self, bytes: u64) -> ListStep {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        self.step()
    }

    fn step(&self) -> ListStep {
        let of = self.of.load(Ordering::Relaxed);
        // A stream that is restarted counts its bytes again, so the sum is limited to the total.
        let sent = self.sent.load(Ordering::Relaxed).min(of);
        ListStep::Copying { platform: self.platform.clone(), from: self.from.clone(), sent, of }
    }
}

/// While it exists, the bytes of a blob are added to the progress of a member.
pub(super) struct ProgressGuard {
    relay: EventRelay,
    stream: BlobStream,
    progress: Arc<CopyProgress>,
}

impl Drop for ProgressGuard {
    fn drop(&mut self) {
        let mut streams = self.relay.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watching) = streams.get_mut(&self.stream) {
            watching.retain(|progress| !Arc::ptr_eq(progress, &self.progress));
            if watching.is_empty() {
                streams.remove(&self.stream);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Descriptor, MediaType};

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

    fn place(repository: &str) -> Place {
        Place::parse(repository).unwrap()
    }

    /// A child that is copied from `from`.
    fn child(from: &str) -> Child {
        let (media_type, digest) = (MediaType::OciManifest, Digest::of(b"image"));
        let platform = Platform::parse("linux/amd64").unwrap();
        Child {
            descriptor: Descriptor { media_type, digest, size: 5 },
            platform,
            from: place(from),
            payload: None,
            fault: None,
            confirm: crate::plan::CheckDepth::List,
        }
    }

    fn streaming(target: &str, bytes: u64) -> Notice {
        Notice::Streaming { digest: Digest::of(b"layer"), target: place(target), bytes }
    }

    #[test]
    fn bytes_of_an_unwatched_blob_are_not_reported() {
        let (relay, heard) = wire();
        let progress = relay.copying(0, &child("r.example/src"), &place("r.example/app"), 10);
        drop(relay.watch(&Digest::of(b"layer"), &progress));
        (relay.observer())(streaming("r.example/app", 4));
        assert!(heard.lock().unwrap().is_empty());
        assert!(relay.0.streams.lock().unwrap().is_empty());
    }

    #[test]
    fn bytes_are_counted_for_the_lists_that_they_are_sent_for_and_never_exceed_the_total() {
        let (relay, heard) = wire();
        let (child, target) = (child("r.example/src"), place("r.example/app"));
        let one = relay.copying(1, &child, &target, 10);
        let two = relay.copying(2, &child, &target, 100);
        let elsewhere = relay.copying(3, &child, &place("r.example/other"), 10);
        let _guards = [&one, &two, &elsewhere].map(|progress| relay.watch(&Digest::of(b"layer"), progress));
        two.spare(50);
        let observer = relay.observer();
        observer(streaming("r.example/app", 8));
        observer(streaming("r.example/app", 8));
        assert_eq!(copying(&heard), [(1, 8, 10), (2, 8, 50), (1, 10, 10), (2, 16, 50)]);
    }

    #[test]
    fn a_copy_between_registries_is_reported_with_its_source_before_any_byte_is_sent() {
        let (relay, heard) = wire();
        relay.copying(0, &child("q.example/src"), &place("r.example/app"), 10);
        let events = heard.lock().unwrap();
        let [Event::Step { step: ListStep::Copying { from, sent: 0, of: 10, .. }, .. }] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!(from.as_ref().map(Host::as_str), Some("q.example"));
    }
}
