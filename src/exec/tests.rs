//! Fakes and helpers for the tests of this layer.
//!
//! | file | holds |
//! |---|---|
//! | [`fake`] | a registry in memory, with a request log and configurable faults |
//! | [`world`] | lists, that registry and a listener, for tests with the real planner and executor |
//! | [`interleave`] | several runs at once, in every order of their requests |

pub(crate) mod fake;
pub(crate) mod interleave;
pub(crate) mod world;
