//! `mlist sync`: plans, then publishes the lists that differ.

use std::sync::Arc;

use crate::exec::{self, AfterFailure, Event, ExitStatus, Report, execute};
use crate::plan::CheckDepth;
use crate::registry::Rights;
use crate::ui::{Document, Ui};

use super::host_labels::HostLabels;
use super::{InputOptions, RegistryOptions, load};

/// The options of the command.
#[derive(Debug, Clone)]
pub struct SyncOptions {
    /// What to publish.
    pub input: InputOptions,
    /// How to access registries.
    pub registries: RegistryOptions,
    /// How much of what is published is checked, and published again if it is missing.
    pub depth: CheckDepth,
    /// What to do after a list has failed.
    pub after_failure: AfterFailure,
}

/// Runs the command.
pub async fn run(options: &SyncOptions, ui: &Arc<Ui>) -> ExitStatus {
    match synced(options, ui).await {
        Ok(status) | Err(status) => status,
    }
}

async fn synced(options: &SyncOptions, ui: &Arc<Ui>) -> Result<ExitStatus, ExitStatus> {
    let SyncOptions { input, registries, depth, after_failure } = options;
    let project = load::with_registries(input, registries, ui).await?;
    let session = project.open(Rights::Write, registries, ui)?;
    let plan = Arc::new(project.plan(*depth, &session, ui).await?);
    (session.relay.listener())(Event::Planned(Arc::clone(&plan)));
    let how = exec::ExecutorOptions { jobs: registries.jobs, after_failure: *after_failure };
    let mut lists = execute(plan, &*session.registries, how, &session.stop, &session.relay).await;
    let problems = lists.iter().map(|list| (list.plan.publication.id.as_str(), list.problems.as_slice()));
    let labels = HostLabels::new(problems, &project.loaded);
    if !labels.is_empty() {
        for list in &mut lists {
            labels.add_to(&mut Arc::make_mut(list).problems);
        }
    }
    let report = Report {
        lists,
        started_at: project.clock.started_at,
        duration: project.clock.began.elapsed(),
        requests: project.requests(&session),
        stopped_by: session.stop.signal(),
    };
    Ok(ui.show(Document::report(project.context(), report)))
}
