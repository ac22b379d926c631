//! `mlist check`: parses and expands manifests.toml, without any request to a registry.

use crate::exec::ExitStatus;
use crate::ui::{Document, Ui};

use super::{Input, load};

/// The options of the command.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to check.
    pub input: Input,
}

/// Runs the command.
#[must_use]
pub fn run(options: &Options, ui: &Ui) -> ExitStatus {
    match load::without_registries(&options.input, ui) {
        Ok(project) => ui.show(Document::check(&project.loaded)),
        Err(status) => status,
    }
}
