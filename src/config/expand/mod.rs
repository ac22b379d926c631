//! A [`ParsedFile`](super::read::declared::ParsedFile) and [`Facts`](super::facts::Facts) → publications.
//!
//! ```text
//! ParsedFile ──scope──> ListScope ──matrix──> Instance ──target──> TargetInstance ──> Publication
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `load` | [`Loader`]: the whole way, or the [`Question`](super::facts::Question)s that must be answered first |
//! | `include` | the files that a file includes |
//! | `publications` | all lists → the publications that are selected |
//! | `scope` | a list and the levels its keys and names come from |
//! | `required_keys` | the keys that a list cannot be without |
//! | `matrix` | axes → combinations and ids |
//! | `instance` | a combination and a target → a publication |
//! | `evaluate` | what templates and variables come to |
//! | `value` | what something comes to, and how it may be shown |
//! | `resolution_stack` | the variables that are being worked out, so that none refers to itself |
//! | `when` | whether conditions hold |
//! | `conflicts` | no id and no tag twice |
//! | `select`, `overrides` | selectors and `--set` |
//! | `registries` | what a file may say of registries |
//! | `unused_templates` | misspelt names in templates that no list uses |
//! | `report` | one cause is told once, in the order of the file |

mod conflicts;
mod evaluate;
mod include;
mod instance;
mod load;
mod matrix;
mod overrides;
mod publications;
mod registries;
mod report;
mod required_keys;
mod resolution_stack;
mod scope;
mod select;
mod unused_templates;
mod value;
mod when;

pub use load::Loader;
