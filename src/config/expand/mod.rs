//! Expands a [`ParsedFile`](super::read::declared::ParsedFile) with [`Facts`](super::facts::Facts) to publications.
//!
//! ```text
//! ParsedFile ──scope──> ListScope ──matrix──> Instance ──target──> TargetInstance ──> Publication
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `load` | [`Loader`]: all steps; returns the result, or each [`Question`](super::facts::Question) to answer first |
//! | `include` | the files that a file includes |
//! | `publications` | all lists → the selected publications |
//! | `scope` | a list, and the levels that its keys and names come from |
//! | `required_keys` | the keys that every list must have |
//! | `matrix` | axes → combinations and ids |
//! | `instance` | a combination and a target → a publication |
//! | `evaluate` | the values of templates and variables |
//! | `value` | an expanded text, and how problems may show it |
//! | `resolution_stack` | the variables that are being expanded, to find one that refers to itself |
//! | `when` | whether conditions hold |
//! | `conflicts` | ids and tags that are used twice |
//! | `select`, `overrides` | selectors and `--set` |
//! | `registries` | the registry settings that a file may make |
//! | `unused` | warnings about variables, conventions and registries that no list uses |
//! | `unused_templates` | misspelled names in templates that no list uses |
//! | `report` | reports each cause once, in the order of the file |

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
mod unused;
mod unused_templates;
mod value;
mod when;

pub use load::Loader;
