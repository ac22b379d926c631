//! The commands, a file each: glue between the layers, and nothing else.
//!
//! | file | holds |
//! |---|---|
//! | [`check`] | the file alone |
//! | [`plan`](mod@plan) | what sync would do |
//! | [`sync`](mod@sync) | a whole run on one screen |
//! | [`schema`] | the JSON Schema |
//! | `reading` | manifests.toml is read, and what it includes; tags are listed that stand for lists |
//! | `world` | the registries are opened, signals are heeded |
//! | `reach` | what the file says of registries, as they are opened with it |
//!
//! What all of them are told is here.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::config::{Author, Override};
use crate::host;
use crate::registry::CredentialSources;

pub mod check;
pub mod plan;
mod reach;
mod reading;
pub mod schema;
pub mod sync;
mod world;

use reading::{expanded, read};

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

/// How the world is reached.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Requests in flight at once.
    pub jobs: NonZeroUsize,
    /// Where credentials are looked for.
    pub credentials: CredentialSources,
    /// Folders of certificates, by host.
    pub certificates: Vec<PathBuf>,
}
