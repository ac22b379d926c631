//! Helpers for the tests of this layer.
//!
//! | file | holds |
//! |---|---|
//! | [`server`] | a server whose answers are scripted by a test, and a client for it |

pub(crate) mod server;
