//! `mlist sync`: plans, then publishes what differs.

use std::sync::Arc;

use crate::exec::{self, AfterFailure, Event, ExitStatus, Report, execute};
use crate::registry::Rights;
use crate::ui::{Document, Ui};

use super::{Input, RegistryOptions, load};

/// What the command is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is published.
    pub input: Input,
    /// How registries are asked.
    pub registries: RegistryOptions,
    /// What follows a list that failed.
    pub after_failure: AfterFailure,
}

/// Runs the command.
pub async fn run(options: &Options, ui: &Arc<Ui>) -> ExitStatus {
    match synced(options, ui).await {
        Ok(status) | Err(status) => status,
    }
}

async fn synced(options: &Options, ui: &Arc<Ui>) -> Result<ExitStatus, ExitStatus> {
    let Options { input, registries, after_failure } = options;
    let project = load::with_registries(input, registries, ui).await?;
    let session = project.open(Rights::Write, registries, ui)?;
    let plan = Arc::new(project.plan(&session, ui).await?);
    (session.relay.listener())(Event::Planned(Arc::clone(&plan)));
    let how = exec::Options { jobs: registries.jobs, after_failure: *after_failure };
    let lists = execute(plan, &*session.registries, how, &session.stop, &session.relay).await;
    let report = Report {
        lists,
        started_at: project.clock.started_at,
        duration: project.clock.began.elapsed(),
        requests: project.requests(&session),
        stopped_by: session.stop.signal(),
    };
    Ok(ui.show(Document::report(project.context(), report)))
}
