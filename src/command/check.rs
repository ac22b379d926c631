//! `mlist check`: parses and expands manifests.toml, without any request to a registry.

use crate::exec::ExitStatus;
use crate::ui::{Document, Ui};

use super::{InputOptions, load};

/// The options of the command.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// What to check.
    pub input: InputOptions,
}

/// Runs the command.
#[must_use]
pub fn run(options: &CheckOptions, ui: &Ui) -> ExitStatus {
    match load::without_registries(&options.input, ui) {
        Ok(project) => ui.show(Document::check(&project.loaded)),
        Err(status) => status,
    }
}
