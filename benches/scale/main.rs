//! The number of instructions that mlist executes per list, with few lists and with many.
//!
//! `cargo bench --bench scale` starts the registry of the tests in this process. With callgrind (`valgrind` must be
//! installed) it counts the instructions that the release build executes for `check`, for a first `sync` and for one
//! that finds nothing changed. The number of instructions is the same on every machine, busy or not. The result is how
//! it grows from the first row of lists to the last. `MLIST=PROGRAM` measures another build, `LISTS=1000,8000` other
//! sizes.

#![expect(clippy::disallowed_macros, reason = "a bench shows its figures")]

use std::path::Path;
use std::process::Command;

#[allow(dead_code, unused_imports, reason = "the tests use the rest of it")]
#[path = "../../tests/it/support/registry/mod.rs"]
mod registry;
#[allow(dead_code, reason = "another bench uses the rest of it")]
#[path = "../publish/world.rs"]
mod world;

use registry::{Knobs, Registry};
use world::World;

/// The measured commands in order. Each starts with the registry as the previous one left it.
const COMMANDS: [(&str, &str); 3] = [("check", "check"), ("first sync", "sync"), ("unchanged sync", "sync")];

fn main() {
    let program = std::env::var("MLIST").unwrap_or_else(|_| env!("CARGO_BIN_EXE_mlist").to_owned());
    let lists = std::env::var("LISTS").unwrap_or_else(|_| "1000,8000".to_owned());
    let lists: Vec<usize> = lists.split(',').map(|lists| lists.parse().expect("LISTS=1000,8000")).collect();
    println!("thousands of instructions a list, {} members each\n", world::PLATFORMS.len());
    println!("{:>8} {}", "lists", COMMANDS.map(|(what, _)| format!("{what:>15}")).concat());
    let rows: Vec<_> = lists.iter().map(|&lists| row(&program, lists)).collect();
    let (first, last) = (rows.first().expect("a size"), rows.last().expect("a size"));
    let growth = [0, 1, 2].map(|command| format!("{:>15.2}", last[command] / first[command]));
    println!("{:>8} {}", "growth", growth.concat());
}

fn row(program: &str, lists: usize) -> [f64; 3] {
    let registry = Registry::start(Knobs::default());
    World::OwnRepositories.seed(lists, &mut registry.store());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("manifests.toml");
    let manifest = World::OwnRepositories.manifests_toml(lists, &registry.host());
    std::fs::write(&file, manifest).expect("a file in a temporary folder");
    let number = f64::from(u32::try_from(lists).expect("no file has so many lists"));
    let row = COMMANDS.map(|(_, command)| instructions(program, command, folder.path()) / 1e3 / number);
    println!("{lists:>8} {}", row.map(|figure| format!("{figure:>15.0}")).concat());
    row
}

/// Returns the number of instructions of one run of the program in `folder`.
fn instructions(program: &str, command: &str, folder: &Path) -> f64 {
    let log = folder.join("callgrind.log");
    let done = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--log-file={}", log.display()))
        .args([program, command, "-q"])
        .current_dir(folder)
        .env("DOCKER_CONFIG", folder)
        .env("HOME", folder)
        .output()
        .expect("valgrind starts");
    assert!(done.status.success(), "{command}: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr));
    let log = std::fs::read_to_string(log).expect("callgrind writes its log");
    let counted = log.lines().find_map(|line| line.split_once("Collected : ")).expect("callgrind says what it counted");
    counted.1.trim().parse().expect("a number of instructions")
}
