//! Parses the text of one file to a [`ParsedFile`](declared::ParsedFile), in which each value by itself is valid.
//!
//! ```text
//! text ──syntax──> tree ──document──> ParsedFile
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `parse_result` | a file, parsed once |
//! | `read_problems` | the problems that are found while a file is read |
//! | `foreign` | reports placeholders in the syntax of other tools |
//! | `size` | the memory that a file will need, estimated before it is parsed |
//! | `syntax` | parses TOML, and reports its errors; other formats and lookalike characters are recognised |
//! | `raw` | the tree of the TOML, in which each key and value has its span |
//! | `declared` | what the file declares, not expanded |
//! | `document` | converts the tree to what the file declares |
//! | `level` | the keys of `[defaults]`, a convention, a list or a target |
//! | `vars`, `axes`, `members`, `tags`, `when`, `annotations`, `include`, `registry` | the values of the keys of that name |
//! | `login_names` | prevents variables from using the credentials of registries |
//! | `known_keys` | the keys that a table can have, and errors for other keys |
//! | `names` | which names are valid |
//! | `types` | values of the expected type; no conversion from other types |
//! | `template` | values that are templates |
//! | `words` | values from closed sets of words |
//! | `duration` | `30s`, `5m`, `1h30m` |
//! | `strings` | globs, media types and plain strings |
//!
//! Nothing here depends on facts, so a file is parsed only once, even if it is loaded several times.

mod annotations;
mod axes;
pub(super) mod declared;
mod document;
pub(super) mod duration;
mod foreign;
mod include;
pub(super) mod known_keys;
mod level;
mod login_names;
mod members;
pub(super) mod names;
pub(super) mod parse_result;
pub(super) mod raw;
mod read_problems;
pub(super) mod registry;
pub(super) mod size;
pub(super) mod strings;
mod syntax;
mod tags;
mod template;
mod types;
mod vars;
mod when;
mod words;
