//! [`Fake`]: a strict registry in memory, with faults to order and a log of what it was asked.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::oci::{Descriptor, Digest, ImageManifest, Index, Locator, MediaType, Payload, Place, Platform, Reference};
use crate::registry::{Copied, ErrorKind, Registry, RegistryError, Result};

/// All hosts there are. A list is refused unless its children stand in the repository, an image unless its blobs do.
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
    configs: HashMap<Digest, Payload>,
    log: Vec<String>,
    faults: Vec<(String, usize, Fault)>,
    refusals: usize,
    calls_left: Option<usize>,
    is_dead: bool,
}

/// What happens to a call instead of what should.
#[derive(Clone)]
pub(crate) enum Fault {
    /// It fails and does nothing.
    Fail(ErrorKind),
    /// It is done, and answered so all the same.
    DoneAndFail(ErrorKind),
    /// It is done and never answered.
    Hang,
    /// Someone else writes that tag right before.
    MovedBefore(Reference, Digest),
    /// The registry forgot a blob right before.
    ForgotBefore(Place, Digest),
    /// It waited to be sent, and the run was stopped.
    NotSent,
    /// It is done, and this happens.
    Also(Arc<dyn Fn() + Send + Sync>),
}

impl Fake {
    /// Puts an image for `platform` at `reference`: a config, two layers (one the same in all images), a manifest, and
    /// the tag. `seed` makes it another image.
    pub(crate) fn image(&self, reference: &str, platform: &str, seed: &str) -> Descriptor {
        let (reference, platform) = (Reference::parse(reference).unwrap(), Platform::parse(platform).unwrap());
        let config = Payload::new(MediaType::OciConfig, serde_json::to_vec(&platform).unwrap().into());
        let layer = |text: &str| {
            let layer_type = MediaType::Other("application/vnd.oci.image.layer.v1.tar".into());
            Payload::new(layer_type, text.to_owned().into())
        };
        let blobs = [config.clone(), layer("base"), layer(&format!("{reference} {seed}"))];
        let [config_json, base, own] = blobs.each_ref().map(|blob| {
            let Descriptor { media_type, digest, size } = blob.descriptor();
            format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#)
        });
        let manifest = Payload::new(
            MediaType::OciManifest,
            format!(r#"{{"schemaVersion":2,"config":{config_json},"layers":[{base},{own}]}}"#).into(),
        );
        let mut state = self.state();
        for blob in &blobs {
            state.blobs.insert((reference.place.clone(), blob.digest().clone()));
        }
        state.configs.insert(config.digest().clone(), config);
        state.manifests.insert((reference.place.clone(), manifest.digest().clone()), manifest.clone());
        state.tags.insert(reference, manifest.digest().clone());
        manifest.descriptor().clone()
    }

    /// Points a tag at something, whatever it is.
    pub(crate) fn tag(&self, reference: &Reference, digest: &Digest) {
        self.state().tags.insert(reference.clone(), digest.clone());
    }

    /// What a tag names.
    pub(crate) fn named(&self, reference: &Reference) -> Option<Digest> {
        self.state().tags.get(reference).cloned()
    }

    /// Whether a manifest stands in a place.
    pub(crate) fn stands(&self, place: &Place, digest: &Digest) -> bool {
        self.state().manifests.contains_key(&(place.clone(), digest.clone()))
    }

    /// The next `times` calls whose line in the log holds `call` meet `fault`.
    pub(crate) fn fault(&self, call: &str, times: usize, fault: Fault) {
        self.state().faults.push((call.to_owned(), times, fault));
    }

    /// The next call whose line in the log holds `call` does `what` beside its work.
    pub(crate) fn on_call(&self, call: &str, what: impl Fn() + Send + Sync + 'static) {
        self.fault(call, 1, Fault::Also(Arc::new(what)));
    }

    /// Answers so many calls; carries out the one after them without an answer, and no other.
    pub(crate) fn die_after(&self, calls: usize) {
        self.state().calls_left = Some(calls);
    }

    /// Answers again.
    pub(crate) fn revive(&self) {
        let mut state = self.state();
        (state.calls_left, state.is_dead) = (None, false);
    }

    /// Resolves when a call was made that is never answered.
    pub(crate) async fn died(&self) {
        self.dead.notified().await;
    }

    /// What it was asked since the log was last taken, in order: `HEAD r/app:1`, `BLOB sha256:… r/src -> r/app`, …
    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.state().log)
    }

    /// How often something was refused because not all of it stood.
    pub(crate) fn refusals(&self) -> usize {
        self.state().refusals
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// One call: as others would have it in between, with whatever fault was ordered for it.
    async fn call<T>(&self, line: String, act: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        tokio::task::yield_now().await;
        let answer = self.state().answer(line, act);
        let Some(answer) = answer else {
            self.dead.notify_one();
            return std::future::pending().await;
        };
        tokio::task::yield_now().await;
        answer
    }
}

impl State {
    /// None where there is none, for ever.
    fn answer<T>(&mut self, line: String, act: impl FnOnce(&mut Self) -> Result<T>) -> Option<Result<T>> {
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
        let failed = |kind| Some(Err(error(&line, kind)));
        let answer = match fault {
            None => Some(act(self)),
            Some(Fault::Fail(kind)) => failed(kind),
            Some(Fault::DoneAndFail(kind)) => {
                let _ = act(self);
                failed(kind)
            }
            Some(Fault::Hang) => {
                let _ = act(self);
                None
            }
            Some(Fault::NotSent) => {
                Some(Err(Box::new(RegistryError { attempts: 0, ..*error(&line, ErrorKind::Stopped) })))
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

    /// What a manifest needs and its place does not have.
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
        self.call(format!("HEAD {reference}"), act).await
    }

    async fn manifest(&self, place: &Place, digest: &Digest) -> Result<Option<Payload>> {
        let reference = place.with_digest(digest);
        self.call(format!("GET {reference}"), |state| Ok(state.resolve(&reference).cloned())).await
    }

    async fn config(&self, place: &Place, digest: &Digest) -> Result<Option<Payload>> {
        let act = |state: &mut State| Ok(state.configs.get(digest).cloned());
        self.call(format!("CONFIG {}", place.with_digest(digest)), act).await
    }

    async fn copy_blob(&self, blob: &Descriptor, from: &Place, to: &Place) -> Result<Copied> {
        let line = format!("BLOB {} {from} -> {to}", blob.digest);
        let act = |state: &mut State| {
            let stood = !state.blobs.insert((to.clone(), blob.digest.clone()));
            if !stood && !state.blobs.contains(&(from.clone(), blob.digest.clone())) {
                state.blobs.remove(&(to.clone(), blob.digest.clone()));
                return Err(error("BLOB", ErrorKind::NotFound));
            }
            let mounted = stood || from.host() == to.host();
            Ok(if mounted { Copied::Mounted } else { Copied::Streamed { bytes: blob.size } })
        };
        self.call(line, act).await
    }

    async fn put_manifest(&self, place: &Place, locator: &Locator, payload: &Payload) -> Result<()> {
        let reference = Reference { place: place.clone(), locator: locator.clone() };
        let act = |state: &mut State| {
            let lacks = state.lacks(place, payload);
            if !lacks.is_empty() {
                state.refusals += 1;
                return Err(error("PUT", ErrorKind::ContentUnknown(lacks)));
            }
            state.manifests.insert((place.clone(), payload.digest().clone()), payload.clone());
            if reference.tag().is_some() {
                state.tags.insert(reference.clone(), payload.digest().clone());
            }
            Ok(())
        };
        self.call(format!("PUT {reference}"), act).await
    }
}

/// An error of that kind, on the second try.
pub(crate) fn error(target: &str, kind: ErrorKind) -> Box<RegistryError> {
    let (status, code, message, credentials) = Default::default();
    let host = Some("r.example".to_owned());
    Box::new(RegistryError {
        doing: "push",
        target: target.to_owned(),
        host,
        kind,
        status,
        code,
        message,
        attempts: 2,
        credentials,
    })
}
