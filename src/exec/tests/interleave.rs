//! [`every_order`]: several runs at once, in every order in which their requests can reach a registry.
//!
//! Each run is real, from its survey to its report. Only the registry delays its requests until it is their turn. The
//! orders are explored depth first: each is run again from the start up to the point where it differs. If all runs have
//! received the same answers and the registry has the same content as in an earlier state, everything that follows is
//! equal too, so it is explored only once.

use crate::plan::CheckDepth;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::oneshot;

use crate::config::model::Publication;
use crate::oci::{Descriptor, Digest, Entry, LayoutContents, Locator, Payload, Place, Reference, Tag};
use crate::registry::{Copied, ExpectedTag, Registry, Result, TagWrite, Way};

use super::fake::Fake;
use super::world::{OPTIONS, World};
use crate::exec::{ListReport, execute, plan_lists};

/// What a run sees of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The real state.
    Clear,
    /// After its first PUT of this tag, the run sees only its own writes, and everything else as it last read it. So
    /// the final read, which should find the changes of others, finds none, as if the code did not make it.
    BlindAfter(&'static str),
}

/// Which requests wait for their turn, in addition to those that write or list tags. The others are answered at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turns {
    /// HEAD requests for this tag. Those for other tags are answered at once, so each other tag must be one that only
    /// one run changes.
    AlsoHeadsOf(&'static str),
    /// No others. Until a run is planned, none of its requests wait, so all runs are planned before any of them writes.
    OncePlanned,
}

/// Several runs in one world.
pub(crate) struct Scene {
    /// The world before the runs.
    pub(crate) world: World,
    /// There is one run per publication, which publishes it.
    pub(crate) runs: Vec<Arc<Publication>>,
    pub(crate) sight: Sight,
    pub(crate) turns: Turns,
    /// After its PUT of this tag, a run reads everything again, so that earlier answers no longer matter.
    pub(crate) fresh_after: Option<&'static str>,
    /// The maximum number of times that a run which could continue is interrupted. `None` means no limit.
    pub(crate) interruptions: Option<usize>,
}

/// Explores every order. `judge` is called with the result of each.
pub(crate) fn every_order(scene: impl Fn() -> Scene, mut judge: impl FnMut(&Fake, &[Arc<ListReport>])) {
    let mut seen = HashSet::new();
    let mut open: Vec<Vec<usize>> = vec![Vec::new()];
    while let Some(turns) = open.pop() {
        let scene = scene();
        let gates: Vec<Gate<'_>> = scene.runs.iter().map(|_| Gate::new(&scene)).collect();
        let mut walk = Walk::new(&scene, &gates);
        for turn in turns {
            walk.step(turn);
        }
        // Continue from here until a known state, and later return to each point at which another run could have been
        // next.
        while seen.insert(walk.state()) {
            let mut next = walk.may_be_next().into_iter();
            let Some(first) = next.next() else {
                judge(&scene.world.fake, &walk.reports());
                break;
            };
            open.extend(next.map(|run| walk.turns.iter().copied().chain([run]).collect()));
            walk.step(first);
        }
    }
}

/// One order, as far as it has been run.
struct Walk<'a> {
    scene: &'a Scene,
    gates: &'a [Gate<'a>],
    runs: Vec<Run<'a>>,
    turns: Vec<usize>,
    interruptions: usize,
}

impl<'a> Walk<'a> {
    fn new(scene: &'a Scene, gates: &'a [Gate<'a>]) -> Self {
        let mut runs: Vec<Run<'a>> =
            scene.runs.iter().zip(gates).map(|(list, gate)| Run::of(scene, list, gate)).collect();
        runs.iter_mut().for_each(Run::go_on);
        Self { scene, gates, runs, turns: Vec::new(), interruptions: 0 }
    }

    fn step(&mut self, turn: usize) {
        self.interruptions += usize::from(self.could_go_on().is_some_and(|last| last != turn));
        self.turns.push(turn);
        self.gates[turn].open();
        self.runs[turn].go_on();
    }

    /// Returns the run that had the last turn, if it has not ended.
    fn could_go_on(&self) -> Option<usize> {
        self.turns.last().copied().filter(|&last| self.gates[last].is_waited_at())
    }

    fn may_be_next(&self) -> Vec<usize> {
        match (self.scene.interruptions, self.could_go_on()) {
            (Some(most), Some(last)) if self.interruptions >= most => vec![last],
            _ => (0..self.gates.len()).filter(|&run| self.gates[run].is_waited_at()).collect(),
        }
    }

    /// Returns everything on which the further course can depend.
    fn state(&self) -> impl Eq + Hash + use<> {
        let told: Vec<Vec<String>> = self.gates.iter().map(Gate::told).collect();
        let left = self.scene.interruptions.map(|most| (most.saturating_sub(self.interruptions), self.could_go_on()));
        (told, self.scene.world.fake.all_named(), left)
    }

    fn reports(self) -> Vec<Arc<ListReport>> {
        self.runs.into_iter().map(|run| run.report.expect("it has come to an end")).collect()
    }
}

/// A run in progress.
struct Run<'a> {
    future: Pin<Box<dyn Future<Output = Arc<ListReport>> + 'a>>,
    woken: Arc<Woken>,
    report: Option<Arc<ListReport>>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'a> Run<'a> {
    fn of(scene: &'a Scene, list: &'a Arc<Publication>, gate: &'a Gate<'a>) -> Self {
        let World { stop, relay, .. } = &scene.world;
        let future = Box::pin(async move {
            let plan = plan_lists(std::slice::from_ref(list), CheckDepth::List, gate, relay.listener()).await;
            gate.is_planned.store(true, Ordering::Relaxed);
            execute(Arc::new(plan), gate, OPTIONS, stop, relay).await.remove(0)
        });
        Self { future, woken: Arc::new(Woken(AtomicBool::new(true))), report: None }
    }

    /// Continues the run until it only waits for its turn.
    fn go_on(&mut self) {
        let waker = Waker::from(Arc::clone(&self.woken));
        while self.report.is_none() && self.woken.0.swap(false, Ordering::Relaxed) {
            if let Poll::Ready(report) = self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
                self.report = Some(report);
            }
        }
    }
}

/// The registry as one run uses it. Each request that concerns tags waits for its turn.
struct Gate<'a> {
    fake: &'a Fake,
    sight: Sight,
    turns: Turns,
    fresh_after: Option<&'static str>,
    is_planned: AtomicBool,
    state: Mutex<GateState>,
}

#[derive(Default)]
struct GateState {
    waiting: VecDeque<oneshot::Sender<()>>,
    told: Vec<String>,
    is_blind: bool,
    heads: HashMap<Reference, Option<Descriptor>>,
    tags: BTreeMap<Place, BTreeSet<Tag>>,
}

impl<'a> Gate<'a> {
    fn new(scene: &'a Scene) -> Self {
        let (is_planned, state) = Default::default();
        Self {
            fake: &scene.world.fake,
            sight: scene.sight,
            turns: scene.turns,
            fresh_after: scene.fresh_after,
            is_planned,
            state,
        }
    }

    /// Lets the first waiting request continue.
    fn open(&self) {
        let next = self.state.lock().unwrap().waiting.pop_front();
        next.expect("it is the turn of who waits").send(()).unwrap();
    }

    fn is_waited_at(&self) -> bool {
        !self.state.lock().unwrap().waiting.is_empty()
    }

    fn told(&self) -> Vec<String> {
        self.state.lock().unwrap().told.clone()
    }

    async fn turn(&self) {
        if self.turns == Turns::OncePlanned && !self.is_planned.load(Ordering::Relaxed) {
            return;
        }
        let (sender, turn) = oneshot::channel();
        self.state.lock().unwrap().waiting.push_back(sender);
        turn.await.unwrap();
    }

    fn tell(&self, what: String) {
        self.state.lock().unwrap().told.push(what);
    }

    /// Forgets what the run was told before its PUT of this tag, if it reads everything again after it.
    fn forget_after(&self, tag: Option<&Tag>) {
        if self.fresh_after.is_some() && self.fresh_after == tag.map(Tag::as_str) {
            self.state.lock().unwrap().told.clear();
        }
    }

    fn wrote(&self, reference: &Reference, payload: &Payload) {
        let mut state = self.state.lock().unwrap();
        state.heads.insert(reference.clone(), Some(payload.descriptor().clone()));
        if let Some(tag) = reference.tag() {
            state.tags.entry(reference.place.clone()).or_default().insert(tag.clone());
            state.is_blind |= matches!(self.sight, Sight::BlindAfter(blinding) if tag.as_str() == blinding);
        }
    }
}

impl Registry for Gate<'_> {
    async fn head(&self, reference: &Reference) -> Result<Option<Descriptor>> {
        if let (Turns::AlsoHeadsOf(shared), Some(tag)) = (self.turns, reference.tag())
            && tag.as_str() == shared
        {
            self.turn().await;
        }
        let known = {
            let state = self.state.lock().unwrap();
            state.heads.get(reference).cloned().filter(|_| state.is_blind)
        };
        let head = match known {
            Some(head) => head,
            None => self.fake.head(reference).await?,
        };
        self.tell(format!("{reference} {:?}", head.as_ref().map(|head| &head.digest)));
        self.state.lock().unwrap().heads.insert(reference.clone(), head.clone());
        Ok(head)
    }

    async fn tags(&self, place: &Place) -> Result<Option<BTreeSet<Tag>>> {
        self.turn().await;
        let known = {
            let state = self.state.lock().unwrap();
            state.tags.get(place).cloned().filter(|_| state.is_blind)
        };
        let tags = match known {
            Some(tags) => Some(tags),
            None => self.fake.tags(place).await?,
        };
        self.tell(format!("{tags:?}"));
        self.state.lock().unwrap().tags.insert(place.clone(), tags.clone().unwrap_or_default());
        Ok(tags)
    }

    async fn put_manifest(&self, place: &Place, locator: &Locator, payload: &Payload) -> Result<()> {
        let reference = Reference { place: place.clone(), locator: locator.clone() };
        if reference.tag().is_some() {
            self.turn().await;
        }
        self.fake.put_manifest(place, locator, payload).await?;
        self.wrote(&reference, payload);
        self.forget_after(reference.tag());
        self.tell(format!("PUT {reference}"));
        Ok(())
    }

    async fn put_tag(&self, place: &Place, tag: ExpectedTag<'_>, payload: &Payload) -> Result<TagWrite> {
        self.turn().await;
        let write = self.fake.put_tag(place, tag, payload).await?;
        let reference = place.tagged(tag.tag);
        if write == TagWrite::Written {
            self.wrote(&reference, payload);
        }
        self.forget_after(Some(tag.tag));
        self.tell(format!("PUT {reference} {write:?}"));
        Ok(write)
    }

    async fn manifest(&self, place: &Place, digest: &Digest) -> Result<Option<Payload>> {
        self.fake.manifest(place, digest).await
    }

    async fn config(&self, place: &Place, digest: &Digest) -> Result<Option<Payload>> {
        self.fake.config(place, digest).await
    }

    async fn has_blob(&self, place: &Place, blob: &Descriptor) -> Result<bool> {
        self.fake.has_blob(place, blob).await
    }

    async fn referrers(
        &self,
        place: &Place,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Option<Vec<Entry>>> {
        self.fake.referrers(place, digest, artifact_type).await
    }

    async fn layout(&self, place: &Place) -> Result<Option<LayoutContents>> {
        self.fake.layout(place).await
    }

    async fn copy_blob(&self, blob: &Descriptor, from: &Place, to: &Place, way: Way) -> Result<Copied> {
        self.fake.copy_blob(blob, from, to, way).await
    }

    async fn put_tags(&self, place: &Place, payload: &Payload, tags: &[Tag]) -> Result<Vec<Tag>> {
        self.fake.put_tags(place, payload, tags).await
    }
}
