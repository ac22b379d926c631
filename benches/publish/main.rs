//! The time in which mlist publishes 200 lists of 5 members, and in which it finds that nothing changed, compared with
//! the shortest time in which the same requests can be sent.
//!
//! `cargo bench --bench publish` starts the registry of the tests in this process with a response delay of 50 ms, and
//! runs the release build of mlist with `--jobs 64`. Then a minimal client ([`replay`]) sends the requests in the log
//! of that run again, to a registry in the state in which the run began. The result is the ratio of the two times. It
//! is comparable between machines, because both times are measured on one machine within a minute.

#![expect(clippy::disallowed_macros, reason = "a bench shows its figures")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

#[allow(dead_code, unused_imports, reason = "the tests use the rest of it")]
#[path = "../../tests/it/support/registry/mod.rs"]
mod registry;
mod replay;
mod world;

use registry::{Knobs, Log, Registry};
use world::World;

const DELAY: Duration = Duration::from_millis(50);
const JOBS: usize = 64;
const LISTS: usize = 200;
/// Each figure is the median of this many runs.
const ROUNDS: usize = 3;

fn main() {
    let (lists, arches) = (LISTS, world::PLATFORMS.len());
    println!("{lists} lists x {arches} arches, each answer after {} ms, {JOBS} at once", DELAY.as_millis());
    println!("median of {ROUNDS}\n");
    println!("{:<46} {:>8} {:>8} {:>8} {:>6}", "", "requests", "mlist", "floor", "ratio");
    for world in [World::OwnRepositories, World::TargetRepository] {
        let rounds: Vec<Round> = (0..ROUNDS).map(|_| round(world)).collect();
        row("publish", world, rounds.iter().map(|round| &round.publish));
        row("nothing changed", world, rounds.iter().map(|round| &round.again));
    }
}

/// A run of mlist, and the same requests sent by the client.
struct Pair {
    requests: usize,
    mlist: Duration,
    floor: Duration,
}

struct Round {
    publish: Pair,
    again: Pair,
}

fn round(world: World) -> Round {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let registry = started(world);
    let (publish, mlist_publish) = mlist(&registry, world, folder.path());
    let (again, mlist_again) = mlist(&registry, world, folder.path());
    assert_eq!(again.writes().len(), 0, "the second run found something to write");

    let other = started(world);
    let floor_publish = replay::replay(&publish, &registry, &other, JOBS);
    assert!(other.store().refusals().is_empty(), "the client sent something before what it needs");
    let floor_again = replay::replay(&again, &registry, &other, JOBS);
    assert_eq!(other.log().len(), publish.len() + again.len());
    Round {
        publish: Pair { requests: publish.len(), mlist: mlist_publish, floor: floor_publish },
        again: Pair { requests: again.len(), mlist: mlist_again, floor: floor_again },
    }
}

/// Starts a registry that has the members but no list.
fn started(world: World) -> Registry {
    let registry = Registry::start(Knobs { delay: DELAY, ..Knobs::default() });
    world.seed(LISTS, &mut registry.store());
    registry
}

/// Runs `mlist sync`. Returns its requests and the duration.
fn mlist(registry: &Registry, world: World, folder: &Path) -> (Log, Duration) {
    let file = folder.join("manifests.toml");
    std::fs::write(&file, world.manifests_toml(LISTS, &registry.host())).expect("a file in a temporary folder");
    let asked = registry.log().len();
    let began = Instant::now();
    let done = Command::new(env!("CARGO_BIN_EXE_mlist"))
        .args(["sync", "--jobs", &JOBS.to_string(), "-f"])
        .arg(&file)
        .env("DOCKER_CONFIG", folder)
        .env("HOME", folder)
        .output()
        .expect("mlist starts");
    let took = began.elapsed();
    assert!(done.status.success(), "mlist sync: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr));
    (registry.log().since(asked), took)
}

fn row<'a>(what: &str, world: World, pairs: impl Iterator<Item = &'a Pair>) {
    let pairs: Vec<&Pair> = pairs.collect();
    let requests = median(pairs.iter().map(|pair| pair.requests));
    let (mlist, floor) = (median(pairs.iter().map(|pair| pair.mlist)), median(pairs.iter().map(|pair| pair.floor)));
    let ratio = mlist.as_secs_f64() / floor.as_secs_f64();
    let what = format!("{what}, members in {world}");
    println!("{what:<46} {requests:>8} {:>7.2}s {:>7.2}s {ratio:>6.2}", mlist.as_secs_f64(), floor.as_secs_f64());
}

fn median<T: Ord>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort();
    let middle = values.len() / 2;
    values.swap_remove(middle)
}
