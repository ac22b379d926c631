//! All integration tests: one binary.

mod architecture;
mod auth;
mod cli_help;
mod codes;
mod crash;
mod credentials;
mod faults;
mod fixtures;
mod map;
mod members;
mod outcomes;
mod publish;
mod readme;
mod registries;
mod registry_settings;
mod rig;
mod schema;
mod schema_fresh;
mod secrets;
mod storm;
mod support;
mod terminal;
mod tls;
mod tokens;
mod untrusted;
