//! Loads manifests.toml: from the text of the file to publications.
//!
//! ```text
//! text ──read──> ParsedFile ──expand──> Publications
//!                              ▲
//!                            Facts
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `read` | parses the text of one file to what it declares |
//! | `expand` | [`Loader`]: from declarations and facts to publications, or to the questions to answer first |
//! | [`request`] | the input and the result of loading |
//! | [`facts`] | questions to this machine, and their answers |
//! | [`model`] | the result: publications, members and tags, each with its span in the file |
//! | [`policy`] | the values of the policy keys of a list |
//! | [`path_glob`] | the globs of `include`, which select files |
//! | [`trust`] | what a file by an untrusted author may access |
//! | `memory` | how much memory the files may need, and how much they need |
//! | `keys` | the table of all keys: where each is allowed, and what its value is |
//! | [`schema`](mod@schema) | the JSON Schema |
//! | [`codes`] | all problem codes of this layer, with their meaning |
//! | [`problem`] | [`Problem`]: the form in which all layers report problems to the user |
//!
//! `expand` uses `read`, never the reverse. This layer has no access to files or the environment: it returns questions
//! for the facts that it needs. Each span in a [`Problem`] starts before the end of its file and does not reach past
//! it.

pub mod codes;
mod expand;
pub mod facts;
mod keys;
mod memory;
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
pub use request::{LoadOutcome, LoadPurpose, LoadRequest, Loaded, Override};
pub use schema::schema;
pub use trust::{Author, Trust};
