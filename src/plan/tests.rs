//! Tests of the planner with registries in memory.
//!
//! | file | holds |
//! |---|---|
//! | [`world`] | registries in memory |
//! | [`costs`] | what lists cost, in requests and round trips |
//! | [`floating`] | floating tags, which only the newest version has |
//! | [`cases`] | what happens to a list, case by case |
//! | [`indexes`] | members that are indexes, and attestations |
//! | [`os_versions`] | Windows versions that the file does not state exactly |
//! | [`refusals`] | what blocks or fails a list, and the problem that is reported |
//! | [`policies`] | what each policy does, one test per rule |
//! | [`writers`] | tags of single members, and lists that several writers share through them |
//! | [`product`] | every combination of policies |
//! | [`random`] | random worlds |
//! | [`properties`] | properties that hold in every random world |

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
