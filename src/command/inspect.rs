//! `mlist inspect`: shows the manifests that a reference leads to. It writes nothing and requests no write permission.

use std::sync::Arc;

use crate::exec::{self, ExitStatus};
use crate::oci::Reference;
use crate::ui::{Document, Ui};

use super::session::{Clock, Session, SessionScope};
use super::{InputOptions, RegistryOptions, load};

/// The options of the command.
#[derive(Debug, Clone)]
pub struct InspectOptions {
    /// What to inspect.
    pub reference: Reference,
    /// The file whose registry settings are used, if there is one.
    pub input: InputOptions,
    /// How to access registries.
    pub registries: RegistryOptions,
}

/// Runs the command.
pub async fn run(options: &InspectOptions, ui: &Arc<Ui>) -> ExitStatus {
    match inspected(options, ui).await {
        Ok(status) | Err(status) => status,
    }
}

async fn inspected(options: &InspectOptions, ui: &Arc<Ui>) -> Result<ExitStatus, ExitStatus> {
    let InspectOptions { reference, input, registries } = options;
    let clock = Clock::start();
    let settings = load::optional_settings(input, ui)?;
    let (scope, context) = (SessionScope::read([&reference.place].into_iter()), || settings.context.clone());
    let session = Session::open(scope, &settings.registries, registries, ui)
        .map_err(|problems| ui.show(Document::problems(context(), problems, ExitStatus::Failed)))?;
    let inspection = session.unless_stopped(exec::inspect(reference, &*session.registries)).await;
    let inspection =
        inspection.map_err(|signal| ui.show(Document::interrupted(context(), signal, clock.began.elapsed())))?;
    let status = ExitStatus::of_inspection(inspection.ending);
    Ok(ui.show(Document::tree(context(), inspection, session.registries.stats(), status)))
}
