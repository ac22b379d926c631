//! manifests.toml → publications.
//!
//! ```text
//! text ──read──> ParsedFile ──expand──> Publications
//!                              ▲
//!                            Facts
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `read` | the text of one file → what it declares |
//! | `expand` | [`Loader`]: what is declared and the facts → publications, or what must be asked first |
//! | [`request`] | what is to be loaded, and what comes of it |
//! | [`facts`] | what is asked of the machine, and the answers |
//! | [`model`] | the result: publications, members and tags, each with its place in the file |
//! | [`policy`] | the words of a list's policies |
//! | [`path_glob`] | which files `include` means |
//! | [`trust`] | what a file may reach that somebody else wrote |
//! | `keys` | the one table of keys: where each stands and what it holds |
//! | [`schema`](mod@schema) | the JSON Schema |
//! | [`codes`] | every code of this layer, and what it means |
//! | [`problem`] | [`Problem`]: the shape in which any layer's problem reaches the user |
//!
//! `expand` uses `read`, never the other way round. Nothing here reads anything: what is lacking is asked for. No place
//! that reaches a [`Problem`] lies at or behind the end of its file.

pub mod codes;
mod expand;
pub mod facts;
mod keys;
pub mod model;
pub mod path_glob;
pub mod policy;
pub mod problem;
mod read;
pub mod request;
pub mod schema;
pub mod trust;

pub use expand::Loader;
pub use model::{Member, Publication, RegistrySettings, TargetTag};
pub use path_glob::PathGlob;
pub use problem::{HttpFacts, Label, Position, Problem, Severity, SourceFile, Sources, Span};
pub use request::{Loaded, Outcome, Override, Request};
pub use schema::schema;
pub use trust::{Author, Trust};
