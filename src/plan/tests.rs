//! The planner in whole worlds.
//!
//! | file | holds |
//! |---|---|
//! | [`world`] | registries in memory |
//! | [`costs`] | what lists cost, in requests and round trips |
//! | [`floating`] | tags that only the newest version has |
//! | [`cases`] | what becomes of a list, case by case |
//! | [`indexes`] | members that are indexes, and attestations |
//! | [`os_versions`] | versions of Windows that the file does not write out |
//! | [`refusals`] | what blocks or fails a list, and what is said of it |
//! | [`policies`] | what each policy does, one test per rule |
//! | [`writers`] | tags of members, and lists of several writers that meet by them |
//! | [`product`] | every policy with every other |
//! | [`random`] | worlds of all kinds |
//! | [`properties`] | what holds in every one of them |

mod cases;
mod costs;
mod floating;
mod indexes;
mod os_versions;
mod policies;
mod product;
mod properties;
mod random;
mod refusals;
mod world;
mod writers;
