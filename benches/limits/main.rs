//! The speed of mlist with a registry that accepts 50 requests per second, and with one that fails a fifth of all
//! responses.
//!
//! `cargo bench --bench limits` starts the registry of the tests in this process and runs the release build of mlist
//! against it. For a rate limit it measures two figures: how much of the limit was used, and how many of the responses
//! after the first three seconds were refusals.

#![expect(clippy::disallowed_macros, reason = "a bench shows its figures")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

#[allow(dead_code, unused_imports, reason = "the tests use the rest of it")]
#[path = "../../tests/it/support/registry/mod.rs"]
mod registry;
#[allow(dead_code, reason = "the other bench uses the rest of it")]
#[path = "../publish/world.rs"]
mod world;

use registry::storm::{Limit, Says, Storm};
use registry::{Knobs, Log, Registry};
use world::World;

const LISTS: usize = 200;
/// The accepted requests per second.
const LIMIT: u32 = 50;
/// The accepted requests at the same time.
const BURST: u32 = 10;
/// The delay of each response. The shorter it is, the harder it is to keep to a limit.
const QUICK: Duration = Duration::from_millis(2);
const SLOW: Duration = Duration::from_millis(50);
/// Refusals before this time are not counted: mlist needs some of them to find the limit.
const SETTLED: Duration = Duration::from_secs(3);

fn main() {
    let (lists, arches) = (LISTS, world::PLATFORMS.len());
    println!("{lists} lists x {arches} arches, 64 at once\n");
    println!("{:<46} {:>8} {:>8} {:>8} {:>8}", "", "requests", "time", "goodput", "refused");
    for (what, says) in [("429", Says::Nothing), ("429, Retry-After: 1", Says::InASecond)] {
        let limit = Some(Limit::new(LIMIT, BURST, says));
        let (log, took) = publish(World::TargetRepository, Knobs { delay: QUICK, limit, ..Knobs::default() });
        let row = format!("{LIMIT} a second, else {what}");
        let (goodput, refused) = (goodput(&log, took), refused(&log));
        println!("{row:<46} {:>8} {:>7.1}s {goodput:>7.0}% {refused:>7.1}%", log.len(), took.as_secs_f64());
    }
    for seed in 1..=3 {
        let storm = Some(Storm::new(seed, 0.2, 0.0));
        let (log, took) = publish(World::OwnRepositories, Knobs { delay: SLOW, storm, ..Knobs::default() });
        let row = format!("20 % of all answers go wrong, {seed}");
        println!("{row:<46} {:>8} {:>7.1}s", log.len(), took.as_secs_f64());
    }
}

/// Publishes all lists. Returns the requests and the duration.
fn publish(world: World, knobs: Knobs) -> (Log, Duration) {
    let registry = Registry::start(Knobs::default());
    world.seed(LISTS, &mut registry.store());
    *registry.knobs() = knobs;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let took = sync(&registry, world, folder.path());
    (registry.log(), took)
}

fn sync(registry: &Registry, world: World, folder: &Path) -> Duration {
    let file = folder.join("manifests.toml");
    std::fs::write(&file, world.manifests_toml(LISTS, &registry.host())).expect("a file in a temporary folder");
    let began = Instant::now();
    let done = Command::new(env!("CARGO_BIN_EXE_mlist"))
        .args(["sync", "--jobs", "64", "-f"])
        .arg(&file)
        .env("DOCKER_CONFIG", folder)
        .env("HOME", folder)
        .output()
        .expect("mlist starts");
    assert!(done.status.success(), "mlist sync: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr));
    began.elapsed()
}

/// How much of the limit was used, in percent.
fn goodput(log: &Log, took: Duration) -> f64 {
    let served = log.iter().filter(|exchange| exchange.status != 429).count();
    percent(served, f64::from(LIMIT) * took.as_secs_f64())
}

/// How many of the responses were refusals after the limit was found, in percent.
fn refused(log: &Log) -> f64 {
    let first = log.iter().map(|exchange| exchange.began).min().unwrap_or_default();
    let late: Vec<u16> =
        log.iter().filter(|exchange| exchange.began >= first + SETTLED).map(|exchange| exchange.status).collect();
    percent(late.iter().filter(|status| **status == 429).count(), count(late.len().max(1)))
}

fn percent(part: usize, whole: f64) -> f64 {
    100.0 * count(part) / whole
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("no run has so many requests"))
}
