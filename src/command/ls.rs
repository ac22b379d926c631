//! `mlist ls`: shows the lists and their members, or the tags of their repositories. It writes nothing and requests no
//! write permission.

use std::sync::Arc;

use crate::exec::{ExitStatus, list_repositories};
use crate::plan::{self, CheckDepth, TagLimit};
use crate::ui::{Document, Ui};

use super::host_labels::HostLabels;
use super::{InputOptions, RegistryOptions, load, verify};

/// The options of the command.
#[derive(Debug, Clone)]
pub struct LsOptions {
    /// Which lists to show.
    pub input: InputOptions,
    /// What to show of them.
    pub subject: LsSubject,
}

/// What to show of the lists.
#[derive(Debug, Clone)]
pub enum LsSubject {
    /// What is published of them.
    Published(RegistryOptions),
    /// What the file expands to (`--offline`).
    Declared,
    /// The tags of their repositories (`--tags`).
    Tags(RegistryOptions, TagLimit),
}

/// Runs the command.
pub async fn run(options: &LsOptions, ui: &Arc<Ui>) -> ExitStatus {
    let LsOptions { input, subject } = options;
    let shown = match subject {
        LsSubject::Published(registries) => published(input, registries, ui).await,
        LsSubject::Declared => declared(input, ui),
        LsSubject::Tags(registries, limit) => tags(input, registries, *limit, ui).await,
    };
    match shown {
        Ok(status) | Err(status) => status,
    }
}

async fn published(input: &InputOptions, registries: &RegistryOptions, ui: &Arc<Ui>) -> Result<ExitStatus, ExitStatus> {
    let (context, lists) = verify::compared(input, registries, CheckDepth::List, ui).await?;
    Ok(ui.show(Document::lists(context, lists)))
}

fn declared(input: &InputOptions, ui: &Ui) -> Result<ExitStatus, ExitStatus> {
    let project = load::without_registries(input, ui)?;
    Ok(ui.show(Document::declared(&project.loaded, project.clock.began.elapsed())))
}

async fn tags(
    input: &InputOptions,
    registries: &RegistryOptions,
    limit: TagLimit,
    ui: &Arc<Ui>,
) -> Result<ExitStatus, ExitStatus> {
    let project = load::with_registries(input, registries, ui).await?;
    let requests = plan::tag_requests(&project.loaded.publications, limit);
    let session = project.open_targets(registries, ui)?;
    let listed = list_repositories(&requests, &*session.registries, session.relay.listener());
    let mut listings = project.unless_stopped(&session, listed, ui).await?;
    let ids = requests.iter().map(|request| request.lists[0].id.as_str());
    let labels = HostLabels::new(ids.zip(listings.iter().map(|listing| &listing.problems[..])), &project.loaded);
    for listing in &mut listings {
        labels.add_to(&mut listing.problems);
    }
    let took = project.clock.began.elapsed();
    Ok(ui.show(Document::tags(project.context(), listings, project.requests(&session), took)))
}
