//! Tests of the planner with registries in memory.
//!
//! | file | holds |
//! |---|---|
//! | [`world`] | registries in memory |
//! | [`declared`] | lists as a file declares them |
//! | [`costs`] | what lists cost, in requests and round trips |
//! | [`floating`] | floating tags, which only the newest version has |
//! | [`cases`] | what happens to a list, case by case |
//! | [`indexes`] | members that are indexes, and attestations |
//! | [`os_versions`] | Windows versions that the file does not state exactly |
//! | [`absences`] | what is said of sources that are not found |
//! | [`refusals`] | what blocks or fails a list, and the problem that is reported |
//! | [`policies`] | what each policy does, one test per rule |
//! | [`tag_listing`] | which tags of a repository are shown, in which order, and what is read for them |
//! | [`verification`] | how published lists compare with declared ones |
//! | [`repairs`] | lists that have lost images or blobs, planned with `--repair` |
//! | [`writers`] | tags of single members, and lists that several writers share through them |
//! | [`product`] | every combination of policies |
//! | [`random`] | random worlds |
//! | [`properties`] | properties that hold in every random world |

use std::sync::Arc;

use self::world::World;
use super::Action;
use crate::config::model::Publication;
use crate::config::problem::Problem;

mod absences;
mod cases;
mod costs;
mod declared;
mod floating;
mod indexes;
mod os_versions;
mod policies;
mod product;
mod properties;
mod random;
mod refusals;
mod repairs;
mod tag_listing;
mod verification;
mod world;
mod writers;

/// Returns the one problem that blocks a list.
fn blocked(world: &World, list: &Arc<Publication>) -> Problem {
    let (plan, _) = world.plan(list);
    assert_eq!((plan.action, plan.problems.len()), (Action::Blocked, 1), "{:?}", plan.problems);
    plan.problems.into_iter().next().unwrap()
}

/// Returns what a problem says, in the order in which it is shown.
fn shown(problem: &Problem) -> String {
    let causes = problem.causes.iter().map(|cause| format!("because {cause}"));
    let labels = problem.labels.iter().map(|label| format!("at {:?}: {}", label.span.range, label.text));
    let help = problem.help.iter().map(|help| format!("help: {help}"));
    let first = format!("{}: {}", problem.slug(), problem.message);
    std::iter::once(first).chain(causes).chain(labels).chain(help).collect::<Vec<_>>().join("\n  ")
}
