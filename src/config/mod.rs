//! manifests.toml → publications.
//!
//! ```text
//! text ──raw──> tree ──read──> ParsedFile ──scope──> ListScope ──matrix──> Instance ──expand──> Publication
//! ```
//!
//! | file | holds |
//! |---|---|
//! | [`load`] | [`Loader`]: the whole way, or the [`Question`](facts::Question)s that must be answered first |
//! | [`facts`] | what is asked of the machine, and the answers |
//! | `raw` | TOML → a tree in which every key and value knows its place |
//! | `keys` | the one table of keys: where each stands and what it holds |
//! | `types` | types and names are strict |
//! | `read`, `vars`, `axes`, `members`, `tags`, `registry` | the tree → `declared`, every value right by itself |
//! | `declared` | what the file says, nothing worked out |
//! | `parsed` | a file, parsed once |
//! | `include`, [`path_glob`] | the files that a file includes |
//! | `lacking` | the keys that a list can't be without |
//! | `scope` | a list and the levels its keys and names come from |
//! | `evaluate` | what templates and variables come to |
//! | `value` | what something comes to, and how it may be shown |
//! | [`trust`] | what a file may reach that somebody else wrote |
//! | `way` | whether a variable that stands on others has an end |
//! | `matrix` | axes → combinations and ids |
//! | `when` | conditions, read and worked out |
//! | `expand` | a combination → a [`Publication`] |
//! | [`model`] | the result: publications, members and tags, each with its place in the file |
//! | [`policy`] | the words of a list's policies |
//! | `claims` | no id and no tag twice |
//! | `select`, `overrides` | selectors and `--set` |
//! | `sweep` | misspelt names where nothing uses them |
//! | `report` | one cause is told once, in the order of the file |
//! | [`codes`] | every code of this layer, and what it means |
//! | [`schema`](mod@schema) | the JSON Schema |
//! | [`problem`] | [`Problem`]: the shape in which any layer's problem reaches the user |
//!
//! Nothing here reads anything: what is lacking is asked for. No place that reaches a [`Problem`] lies at or behind the
//! end of its file.

mod axes;
mod claims;
pub mod codes;
mod declared;
mod evaluate;
mod expand;
pub mod facts;
mod include;
mod keys;
mod lacking;
pub mod load;
mod matrix;
mod members;
pub mod model;
mod overrides;
mod parsed;
pub mod path_glob;
pub mod policy;
pub mod problem;
mod raw;
mod read;
mod registry;
mod report;
pub mod schema;
mod scope;
mod select;
mod sweep;
mod tags;
pub mod trust;
mod types;
mod value;
mod vars;
mod way;
mod when;

pub use load::{Loaded, Loader, Outcome, Override, Request};
pub use model::{Member, Publication, RegistrySettings, TargetTag};
pub use path_glob::PathGlob;
pub use problem::{HttpFacts, Label, Position, Problem, Severity, SourceFile, Sources, Span};
pub use schema::schema;
pub use trust::{Author, Trust};
