//! The planner in whole worlds.
//!
//! | file | holds |
//! |---|---|
//! | [`world`] | registries in memory |
//! | [`costs`] | what lists cost, in requests and round trips |
//! | [`cases`] | what becomes of a list, case by case |
//! | [`refusals`] | what blocks or fails a list, and what is said of it |
//! | [`random`] | worlds of all kinds |
//! | [`properties`] | what holds in every one of them |

mod cases;
mod costs;
mod properties;
mod random;
mod refusals;
mod world;
