//! The text of one file → [`ParsedFile`](declared::ParsedFile), every value right by itself.
//!
//! ```text
//! text ──raw──> tree ──document──> ParsedFile
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `parse_result` | a file, parsed once |
//! | `raw` | TOML → a tree in which every key and value knows its place |
//! | `declared` | what the file says, nothing worked out |
//! | `document` | the tree → the file |
//! | `level` | the keys of `[defaults]`, a convention, a list or a target |
//! | `vars`, `axes`, `members`, `tags`, `when`, `annotations`, `include`, `registry` | the values of the keys of that name |
//! | `login_names` | what registries are logged in to with is not the value of a variable |
//! | `known_keys` | the keys of a table, and what is wrong with others |
//! | `names` | what may be a name |
//! | `types` | types are strict |
//! | `template` | templates |
//! | `words` | closed sets of words |
//! | `duration` | `30s`, `5m`, `1h30m` |
//! | `strings` | globs, media types and strings that have no grammar |
//!
//! No facts are needed here: a file is read once, however often the project is loaded.

mod annotations;
mod axes;
pub(super) mod declared;
mod document;
pub(super) mod duration;
mod include;
pub(super) mod known_keys;
mod level;
mod login_names;
mod members;
pub(super) mod names;
pub(super) mod parse_result;
pub(super) mod raw;
pub(super) mod registry;
pub(super) mod strings;
mod tags;
mod template;
mod types;
mod vars;
mod when;
mod words;
