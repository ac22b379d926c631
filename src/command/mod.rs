//! The commands, a file each: glue between the layers, and nothing else.
//!
//! | file | holds |
//! |---|---|
//! | [`check`] | the file alone |
//! | [`plan`](mod@plan) | what sync would do |
//! | [`sync`](mod@sync) | a whole run on one screen |
//! | [`schema`] | the JSON Schema |
//! | `load` | reads manifests.toml and what it includes; lists the tags that an axis needs |
//! | `session` | opens registries, with or without a file, and handles signals |
//! | `registry_options` | `[registry]` of the file as options of the registry layer |
//!
//! Each command has one struct of options. What several of them are told is here.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::config::{Author, Override};
use crate::host;
use crate::registry::CredentialSources;

pub mod check;
mod load;
pub mod plan;
mod registry_options;
pub mod schema;
mod session;
pub mod sync;

/// What every command that reads manifests.toml is told.
#[derive(Debug, Clone)]
pub struct Input {
    /// Which file; none for the nearest manifests.toml, here or above.
    pub file: Option<PathBuf>,
    /// Values from the command line.
    pub overrides: Vec<Override>,
    /// Which lists; empty: all.
    pub selectors: Vec<String>,
    /// Where the file, and what it names, may be.
    pub paths: host::Paths,
    /// Who may have written it.
    pub author: Author,
}

/// What every command that asks registries is told.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// Requests in flight at once.
    pub jobs: NonZeroUsize,
    /// Where credentials are looked for.
    pub credentials: CredentialSources,
    /// Folders of certificates, by host.
    pub certificates: Vec<PathBuf>,
}
