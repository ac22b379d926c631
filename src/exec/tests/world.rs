//! [`World`]: lists, a fake registry and a listener, for tests with the real planner and executor.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::config::model::{Member, Missing, OsVersion, Publication, Rules, TargetTag};
use crate::config::problem::Span;
use crate::oci::{Digest, Place, Platform, Reference, Tag};
use crate::plan::{CheckDepth, Plan};
use crate::registry::jobs;

use super::fake::Fake;
use crate::exec::{AfterFailure, Event, EventRelay, ExecutorOptions, ListReport, Stop, execute, plan_lists};

/// Everything a run needs.
pub(crate) struct World {
    pub(crate) fake: Fake,
    pub(crate) publications: Vec<Arc<Publication>>,
    pub(crate) stop: Stop,
    pub(crate) relay: EventRelay,
    heard: Arc<Mutex<Vec<Event>>>,
}

/// Eight jobs, and a failed list does not stop the others.
pub(crate) const OPTIONS: ExecutorOptions = ExecutorOptions { jobs: jobs(8), after_failure: AfterFailure::GoOn };

impl World {
    /// Creates an empty world.
    pub(crate) fn new() -> Self {
        let heard: Arc<Mutex<Vec<Event>>> = Arc::default();
        let events = Arc::clone(&heard);
        let relay = EventRelay::new(Arc::new(move |event| events.lock().unwrap().push(event)));
        Self { fake: Fake::default(), publications: Vec::new(), stop: Stop::default(), relay, heard }
    }

    /// Creates a world with one list per name on a host. Each list has two members in repositories of their own.
    pub(crate) fn with_lists(names: &[&str]) -> Self {
        let mut world = Self::new();
        for name in names {
            let members = ["amd64", "s390x"].map(|arch| (format!("linux/{arch}"), format!("{name}-{arch}:1")));
            for (platform, source) in &members {
                world.fake.image(source, platform, "");
            }
            let members: Vec<(&str, &str)> = members.iter().map(|(p, s)| (p.as_str(), s.as_str())).collect();
            world.declare(name, &["1"], &members);
        }
        world
    }

    /// Declares a list.
    pub(crate) fn declare(&mut self, target: &str, tags: &[&str], members: &[(&str, &str)]) {
        let span = Span { file: 0, range: 0..1 };
        let tag = |tag: &&str| TargetTag::always(Tag::parse(tag).unwrap(), span.clone());
        let member = |(platform, source): &(&str, &str)| Member {
            platform: Platform::parse(platform).unwrap(),
            platform_span: span.clone(),
            arch: None,
            source: Reference::parse(source).unwrap(),
            source_span: span.clone(),
            missing: Missing::Error,
            os_version: OsVersion::AsDeclared,
            annotations: BTreeMap::new(),
            tags: Vec::new(),
        };
        self.publications.push(Arc::new(Publication {
            id: target.to_owned(),
            entry: target.to_owned(),
            name: target.to_owned(),
            target: Place::parse(target).unwrap(),
            target_span: span.clone(),
            tags: tags.iter().map(tag).collect(),
            held_back: Vec::new(),
            unmet: Vec::new(),
            members: members.iter().map(member).collect(),
            rules: Rules::default(),
            annotations: BTreeMap::new(),
            artifact_type: None,
            member_tags: Vec::new(),
        }));
    }

    /// Plans all lists.
    pub(crate) async fn plan(&self) -> Plan {
        plan_lists(&self.publications, CheckDepth::List, &self.fake, self.relay.listener()).await
    }

    /// Carries out a plan. The log then contains only the requests of the execution, not those of planning.
    pub(crate) async fn execute(&self, plan: Plan, options: ExecutorOptions) -> Vec<Arc<ListReport>> {
        self.fake.take_log();
        execute(Arc::new(plan), &self.fake, options, &self.stop, &self.relay).await
    }

    /// Plans and publishes.
    pub(crate) async fn sync(&self) -> Vec<Arc<ListReport>> {
        self.execute(self.plan().await, OPTIONS).await
    }

    /// Returns the events since the last call.
    pub(crate) fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }

    /// Returns what a tag names.
    pub(crate) fn named(&self, reference: &str) -> Option<Digest> {
        self.fake.named(&Reference::parse(reference).unwrap())
    }
}

/// Returns the word of each report: `created`, `failed`, and so on.
pub(crate) fn words(reports: &[Arc<ListReport>]) -> Vec<&'static str> {
    reports.iter().map(|report| report.word()).collect()
}

/// Returns the codes of a list's problems.
pub(crate) fn codes(report: &ListReport) -> Vec<&'static str> {
    report.problems.iter().map(|problem| problem.code).collect()
}
