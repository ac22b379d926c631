//! [`Fake`]: a strict registry in memory, with configurable faults and a log of its requests.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::oci::{
    Descriptor, Digest, Entry, ImageManifest, Index, LayoutContents, Locator, Payload, Place, Reference, Tag,
};
use crate::registry::{
    Copied, ErrorKind, ErrorTarget, ExpectedTag, Operation, Registry, RegistryError, Result, TagWrite, Way,
};

pub(crate) use images::Base;

mod images;

/// All hosts in one registry. It rejects a list unless its children exist in the repository, and an image unless its
/// blobs do.
#[derive(Default)]
pub(crate) struct Fake {
    state: Mutex<State>,
    dead: Notify,
}

#[derive(Default)]
struct State {
    manifests: HashMap<(Place, Digest), Payload>,
    blobs: HashSet<(Place, Digest)>,
    tags: HashMap<Reference, Digest>,
    referrers: HashMap<(Place, Digest), Vec<Entry>>,
    configs: HashMap<Digest, Payload>,
    log: Vec<String>,
    faults: Vec<(String, usize, Fault)>,
    refusals: usize,
    calls_left: Option<usize>,
    is_dead: bool,
    takes_tags: TakesTags,
    in_vain: HashSet<Digest>,
    hooks: Vec<(String, Arc<dyn Fn() + Send + Sync>)>,
    puts: Gauge,
}

/// The current number and the maximum number of simultaneous requests.
#[derive(Default)]
struct Gauge {
    now: usize,
    most: usize,
}

impl Gauge {
    fn begin(&mut self, counts: bool) {
        self.now += usize::from(counts);
        self.most = self.most.max(self.now);
    }

    fn end(&mut self, counts: bool) {
        self.now -= usize::from(counts);
    }
}

/// How a PUT with several tags is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum TakesTags {
    /// The registry is known not to support it.
    #[default]
    No,
    /// All tags are written.
    All,
    /// Only the first tag is written.
    First,
}

/// What happens to a call instead of the normal result.
#[derive(Clone)]
pub(crate) enum Fault {
    /// The call does nothing and fails.
    Fail(ErrorKind),
    /// The call is carried out, but this error is returned.
    DoneAndFail(ErrorKind),
    /// The call does nothing and fails as Quay fails one of two simultaneous writes of the same manifest.
    Race,
    /// The call is carried out, but never answered.
    Hang,
    /// Another writer writes the tag just before the call.
    MovedBefore(Reference, Digest),
    /// The registry loses a blob just before the call.
    ForgotBefore(Place, Digest),
    /// The run was stopped before the call was sent.
    NotSent,
    /// The call is carried out, and this function is called first.
    Also(Arc<dyn Fn() + Send + Sync>),
}

impl Fake {
    /// Points a tag at any digest.
    pub(crate) fn tag(&self, reference: &Reference, digest: &Digest) {
        self.state().tags.insert(reference.clone(), digest.clone());
    }

    /// Adds `entry` as a referrer of a manifest.
    pub(crate) fn refer(&self, place: &Place, digest: &Digest, entry: Entry) {
        self.state().referrers.entry((place.clone(), digest.clone())).or_default().push(entry);
    }

    /// Returns what a tag names.
    pub(crate) fn named(&self, reference: &Reference) -> Option<Digest> {
        self.state().tags.get(reference).cloned()
    }

    /// Returns the bytes of a manifest.
    pub(crate) fn payload(&self, reference: &Reference) -> Option<Payload> {
        self.state().resolve(reference).cloned()
    }

    /// Returns what each tag names.
    pub(crate) fn all_named(&self) -> BTreeMap<Reference, Digest> {
        self.state().tags.iter().map(|(reference, digest)| (reference.clone(), digest.clone())).collect()
    }

    /// Sets how a PUT with several tags is answered from now on.
    pub(crate) fn takes_tags(&self, how: TakesTags) {
        self.state().takes_tags = how;
    }

    /// Makes mounts of the blob report success without doing anything.
    pub(crate) fn mounts_in_vain(&self, blob: &Digest) {
        self.state().in_vain.insert(blob.clone());
    }

    /// Whether a manifest exists in a place.
    pub(crate) fn has(&self, place: &Place, digest: &Digest) -> bool {
        self.state().manifests.contains_key(&(place.clone(), digest.clone()))
    }

    /// Applies `fault` to the next `times` calls whose log line contains `call`.
    pub(crate) fn fault(&self, call: &str, times: usize, fault: Fault) {
        self.state().faults.push((call.to_owned(), times, fault));
    }

    /// Calls `what` before every call whose log line contains `call`, whatever fault applies to it.
    pub(crate) fn before(&self, call: &str, what: impl Fn() + Send + Sync + 'static) {
        self.state().hooks.push((call.to_owned(), Arc::new(what)));
    }

    /// Returns the maximum number of PUTs in flight at once.
    pub(crate) fn most_puts_at_once(&self) -> usize {
        self.state().puts.most
    }

    /// Calls `what` during the next call whose log line contains `call`, in addition to its normal work.
    pub(crate) fn on_call(&self, call: &str, what: impl Fn() + Send + Sync + 'static) {
        self.fault(call, 1, Fault::Also(Arc::new(what)));
    }

    /// Answers `calls` calls. Carries out the next one without an answer, and ignores all others.
    pub(crate) fn die_after(&self, calls: usize) {
        self.state().calls_left = Some(calls);
    }

    /// Answers calls again.
    pub(crate) fn revive(&self) {
        let mut state = self.state();
        (state.calls_left, state.is_dead) = (None, false);
    }

    /// Resolves when a call was made that is never answered.
    pub(crate) async fn died(&self) {
        self.dead.notified().await;
    }

    /// Returns the requests since the last call, in order: `HEAD r/app:1`, `BLOB sha256:… r/src -> r/app`, and so on.
    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.state().log)
    }

    /// Returns how often a manifest was rejected because something it names was missing.
    pub(crate) fn refusals(&self) -> usize {
        self.state().refusals
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Handles one call, with the fault configured for it. Yields before and after, so that other calls can come in
    /// between.
    async fn call<T>(
        &self,
        target: impl Into<ErrorTarget>,
        line: String,
        act: impl FnOnce(&mut State) -> Result<T>,
    ) -> Result<T> {
        let is_put = line.starts_with("PUT");
        self.state().puts.begin(is_put);
        tokio::task::yield_now().await;
        let hook =
            self.state().hooks.iter().find(|(call, _)| line.contains(call.as_str())).map(|(_, hook)| hook.clone());
        if let Some(hook) = hook {
            hook();
        }
        let answer = self.state().answer(target.into(), line, act);
        let Some(answer) = answer else {
            self.dead.notify_one();
            return std::future::pending().await;
        };
        tokio::task::yield_now().await;
        self.state().puts.end(is_put);
        answer
    }
}

impl State {
    /// Returns the answer of a call. `None` if it is never answered.
    fn answer<T>(
        &mut self,
        target: ErrorTarget,
        line: String,
        act: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Option<Result<T>> {
        if self.is_dead {
            return None;
        }
        match &mut self.calls_left {
            Some(0) => {
                self.is_dead = true;
                let _ = act(self);
                return None;
            }
            Some(left) => *left -= 1,
            None => {}
        }
        let ordered = self.faults.iter_mut().find(|(call, times, _)| *times > 0 && line.contains(call.as_str()));
        let fault = ordered.map(|(_, times, fault)| {
            *times -= 1;
            fault.clone()
        });
        let failed = |kind| Some(Err(error(target.clone(), kind)));
        let answer = match fault {
            None => Some(act(self)),
            Some(Fault::Fail(kind)) => failed(kind),
            Some(Fault::Race) => {
                let code = Some("MANIFEST_INVALID".to_owned());
                Some(Err(Box::new(RegistryError { code, ..*error(target.clone(), ErrorKind::Refused) })))
            }
            Some(Fault::DoneAndFail(kind)) => {
                let _ = act(self);
                failed(kind)
            }
            Some(Fault::Hang) => {
                let _ = act(self);
                None
            }
            Some(Fault::NotSent) => {
                Some(Err(Box::new(RegistryError { attempts: 0, ..*error(target, ErrorKind::Stopped) })))
            }
            Some(Fault::Also(what)) => {
                what();
                Some(act(self))
            }
            Some(Fault::MovedBefore(reference, digest)) => {
                self.tags.insert(reference, digest);
                Some(act(self))
            }
            Some(Fault::ForgotBefore(place, digest)) => {
                self.blobs.remove(&(place, digest));
                Some(act(self))
            }
        };
        self.log.push(line);
        answer
    }

    fn resolve(&self, reference: &Reference) -> Option<&Payload> {
        let digest = match &reference.locator {
            Locator::Tag(_) => self.tags.get(reference)?,
            Locator::Digest(digest) => digest,
        };
        self.manifests.get(&(reference.place.clone(), digest.clone()))
    }

    /// Writes a manifest, unless something that it names is missing.
    fn put(&mut self, reference: &Reference, payload: &Payload) -> Result<()> {
        let lacks = self.lacks(&reference.place, payload);
        if !lacks.is_empty() {
            self.refusals += 1;
            return Err(error(reference.clone(), ErrorKind::ContentUnknown(lacks)));
        }
        self.manifests.insert((reference.place.clone(), payload.digest().clone()), payload.clone());
        if reference.tag().is_some() {
            self.tags.insert(reference.clone(), payload.digest().clone());
        }
        Ok(())
    }

    /// Returns the children or blobs of a manifest that are missing in its place.
    fn lacks(&self, place: &Place, payload: &Payload) -> Vec<Digest> {
        let here = |digest: &Digest| (place.clone(), digest.clone());
        if payload.media_type().is_index() {
            let index = Index::parse(payload).unwrap();
            let children = index.entries.into_iter().map(|entry| entry.descriptor.digest);
            return children.filter(|digest| !self.manifests.contains_key(&here(digest))).collect();
        }
        let manifest = ImageManifest::parse(payload).unwrap();
        let blobs = manifest.blobs().map(|blob| blob.digest.clone());
        blobs.filter(|digest| !self.blobs.contains(&here(digest))).collect()
    }
}

impl Registry for Fake {
    async fn head(&self, reference: &Reference) -> Result<Option<Descriptor>> {
        let act = |state: &mut State| Ok(state.resolve(reference).map(|payload| payload.descriptor().clone()));
        self.call(reference.clone(), format!("HEAD {reference}"), act).await
    }

    async fn manifest(&self, place: &Place, digest: &Digest) -> Result<Option<Payload>> {
        let reference = place.with_digest(digest);
        self.call(reference.clone(), format!("GET {reference}"), |state| Ok(state.resolve(&reference).cloned())).await
    }

    async fn config(&self, place: &Place, digest: &Digest) -> Result<Option<Payload>> {
        let act = |state: &mut State| Ok(state.configs.get(digest).cloned());
        self.call(place.with_digest(digest), format!("CONFIG {}", place.with_digest(digest)), act).await
    }

    async fn has_blob(&self, place: &Place, blob: &Descriptor) -> Result<bool> {
        let act = |state: &mut State| Ok(state.blobs.contains(&(place.clone(), blob.digest.clone())));
        self.call(place.with_digest(&blob.digest), format!("STAT {}", place.with_digest(&blob.digest)), act).await
    }

    async fn tags(&self, place: &Place) -> Result<Option<BTreeSet<Tag>>> {
        let act = |state: &mut State| {
            let here = state.tags.keys().filter(|reference| reference.place == *place);
            let tags: BTreeSet<Tag> = here.filter_map(Reference::tag).cloned().collect();
            Ok(Some(tags).filter(|tags| !tags.is_empty()))
        };
        self.call(ErrorTarget::Place(place.clone()), format!("TAGS {place}"), act).await
    }

    async fn referrers(&self, place: &Place, digest: &Digest, kind: Option<&str>) -> Result<Option<Vec<Entry>>> {
        let is_wanted = |entry: &&Entry| kind.is_none() || entry.artifact_type.as_deref() == kind;
        let act = |state: &mut State| {
            let found = state.referrers.get(&(place.clone(), digest.clone()));
            Ok(found.map(|found| found.iter().filter(is_wanted).cloned().collect()))
        };
        self.call(place.with_digest(digest), format!("REFERRERS {}", place.with_digest(digest)), act).await
    }

    async fn layout(&self, _: &Place) -> Result<Option<LayoutContents>> {
        Ok(Some(LayoutContents::NoFolder))
    }

    async fn copy_blob(&self, blob: &Descriptor, from: &Place, to: &Place, way: Way) -> Result<Copied> {
        let how = match way {
            Way::MountOrSend => "",
            Way::Send => " sent",
            Way::Mount => " mounted",
        };
        let line = format!("BLOB {} {from} -> {to}{how}", blob.digest);
        let act = |state: &mut State| {
            let has_blob = state.blobs.contains(&(from.clone(), blob.digest.clone()));
            if way == Way::Mount && (from.host() != to.host() || !has_blob) {
                return Ok(Copied::Skipped);
            }
            if way != Way::Send && state.in_vain.contains(&blob.digest) {
                return Ok(Copied::Mounted);
            }
            let stood = !state.blobs.insert((to.clone(), blob.digest.clone()));
            if !stood && !state.blobs.contains(&(from.clone(), blob.digest.clone())) {
                state.blobs.remove(&(to.clone(), blob.digest.clone()));
                return Err(error(to.with_digest(&blob.digest), ErrorKind::NotFound));
            }
            let mounted = way != Way::Send && (stood || from.host() == to.host());
            Ok(if mounted { Copied::Mounted } else { Copied::Streamed { bytes: blob.size } })
        };
        self.call(to.with_digest(&blob.digest), line, act).await
    }

    async fn put_manifest(&self, place: &Place, locator: &Locator, payload: &Payload) -> Result<()> {
        let reference = Reference { place: place.clone(), locator: locator.clone() };
        let act = |state: &mut State| state.put(&reference, payload);
        self.call(reference.clone(), format!("PUT {reference}"), act).await
    }

    async fn put_tag(&self, place: &Place, tag: ExpectedTag<'_>, payload: &Payload) -> Result<TagWrite> {
        let reference = place.tagged(tag.tag);
        let act = |state: &mut State| {
            let found = state.tags.get(&reference).cloned();
            if matches!(place, Place::Layout(_)) && !tag.allows(found.as_ref(), payload.digest()) {
                return Ok(TagWrite::Moved { found });
            }
            state.put(&reference, payload).map(|()| TagWrite::Written)
        };
        self.call(reference.clone(), format!("PUT {reference}"), act).await
    }

    async fn put_tags(&self, place: &Place, payload: &Payload, tags: &[Tag]) -> Result<Vec<Tag>> {
        let takes = match self.state().takes_tags {
            TakesTags::No => return Ok(Vec::new()),
            TakesTags::All => tags,
            TakesTags::First => &tags[..1],
        };
        let act = |state: &mut State| {
            for tag in takes {
                state.tags.insert(place.tagged(tag), payload.digest().clone());
            }
            Ok(takes.to_vec())
        };
        let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
        self.call(ErrorTarget::Place(place.clone()), format!("PUT {place}@ tags {}", names.join(",")), act).await
    }
}

/// Returns an error of this kind, after two attempts.
pub(crate) fn error(target: impl Into<ErrorTarget>, kind: ErrorKind) -> Box<RegistryError> {
    let (status, code, message, credentials, access) = Default::default();
    let (proxy, history) = Default::default();
    let host = Some("r.example".to_owned());
    Box::new(RegistryError {
        operation: Operation::PushManifest,
        target: target.into(),
        host,
        kind,
        status,
        code,
        message,
        attempts: 2,
        credentials,
        access,
        proxy,
        history,
    })
}
