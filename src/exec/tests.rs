//! What the tests of this layer stand on.
//!
//! | file | holds |
//! |---|---|
//! | [`fake`] | a registry in memory, with a log and faults to order |
//! | [`world`] | lists, that registry and a listener, to run the real planner and executor over |
//! | [`interleave`] | several runs at once, in every order of their requests |

pub(crate) mod fake;
pub(crate) mod interleave;
pub(crate) mod world;
