//! The house: which layer may use which, what the pure ones may not touch, how long a file may be, and who prints.
//!
//! The table of the crate's docs, enforced by reading the source. `architecture/paths.rs` finds the paths that a file
//! names, `architecture/cycles.rs` the files that import each other; the rules are here, and so are the texts that each
//! of them must refuse.

mod cycles;
pub(crate) mod paths;

use std::fs;
use std::path::{Path, PathBuf};

use cycles::cycles;
use paths::{Named, named_paths, without_tests};

/// A layer and those it may use besides itself.
const LAYERS: [(&str, &[&str]); 10] = [
    ("oci", &[]),
    ("naming", &["oci"]),
    ("config", &["oci", "naming"]),
    ("plan", &["oci", "naming", "config"]),
    ("host", &["config"]),
    ("registry", &["oci"]),
    ("exec", &["oci", "naming", "config", "plan", "registry"]),
    ("ui", &["oci", "naming", "config", "plan", "exec"]),
    ("command", &["oci", "naming", "config", "plan", "host", "registry", "exec", "ui"]),
    ("cli", &["oci", "naming", "config", "plan", "host", "registry", "exec", "ui", "command"]),
];

/// Layers without I/O.
const PURE: [&str; 4] = ["oci", "naming", "config", "plan"];

/// What a pure layer does not touch, tests aside.
const WORLDLY: [&str; 9] =
    ["tokio", "tokio_util", "reqwest", "tempfile", "std::time", "std::env", "std::fs", "std::net", "std::process"];

/// Names, not connections.
const NAMES_OF_NET: [&str; 4] =
    ["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr", "std::net::AddrParseError"];

/// A length of time, not a clock.
const LENGTHS_OF_TIME: [&str; 1] = ["std::time::Duration"];

/// What of `exec` drives the world: not for `ui`, which shows events and reports.
const DRIVERS: [&str; 6] = [
    "crate::exec::executor",
    "crate::exec::execute",
    "crate::exec::survey",
    "crate::exec::plan_lists",
    "crate::exec::Surveyor",
    "crate::exec::*",
];

/// What shows something.
const STREAMS: [&str; 4] = ["io::stdout", "io::stderr", "anstream", "indicatif"];
const PRINTING_MACROS: [&str; 4] = ["print", "println", "eprint", "eprintln"];

/// The one file besides that may name the streams, to ask what stands behind them. It can't write: that takes a trait.
const ASKS_OF_STREAMS: &str = "cli/settings.rs";
const WRITING: [&str; 3] = ["io::Write", "io::prelude", "io::*"];

const LONGEST: usize = 500;

/// The rules that a file of `src` breaks, one a line; `path` is relative to `src`.
fn broken_rules(path: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST {
        broken.push(format!("src/{path}: {lines} lines, and past {LONGEST} a file is two things"));
    }
    if matches!(path, "lib.rs" | "main.rs" | "fuzz.rs") {
        return broken;
    }
    let layer = path.split('/').next().unwrap_or_default();
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        broken.push(format!("src/{path}: `{layer}` is no layer"));
        return broken;
    };
    let mut refuse = |found: &Named, why: &str| {
        broken.push(format!("src/{path}:{}: `{}`: {why}", found.line, found.text()));
    };
    for found in named_paths(path, text) {
        if found.segments[0] == "crate" {
            let used = found.segments.get(1).map_or("", String::as_str);
            if used != layer && !allowed.contains(&used) {
                refuse(&found, &format!("{layer} does not use it"));
            }
            if layer == "ui" && DRIVERS.iter().any(|driver| found.is_within(driver)) {
                refuse(&found, "ui uses exec's events and report only");
            }
        }
        let shows = if path == ASKS_OF_STREAMS { &WRITING[..] } else { &STREAMS[..] };
        let prints = shows.iter().any(|path| found.mentions(path))
            || found.is_macro && PRINTING_MACROS.contains(&found.segments[0].as_str());
        if prints && layer != "ui" {
            refuse(&found, "only ui prints");
        }
    }
    if PURE.contains(&layer) {
        for found in named_paths(path, without_tests(path, text)) {
            let is_harmless = NAMES_OF_NET.iter().chain(&LENGTHS_OF_TIME).any(|name| found.is_within(name));
            if !is_harmless && WORLDLY.iter().any(|worldly| found.is_within(worldly)) {
                refuse(&found, &format!("{layer} is pure"));
            }
        }
    }
    broken
}

/// The files of `src`, each by its path relative to it.
fn sources() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![src.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let relative = |path: &Path| path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
    files.iter().map(|path| (relative(path), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn the_source_keeps_the_rules_of_the_house() {
    let broken: Vec<String> = sources().iter().flat_map(|(path, text)| broken_rules(path, text)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let cycles = cycles(&sources());
    assert!(cycles.is_empty(), "{cycles:#?}");
}

#[test]
fn the_source_is_really_read() {
    let sources = sources();
    for (layer, _) in LAYERS {
        assert!(sources.iter().any(|(path, _)| path.starts_with(&format!("{layer}/"))), "no file of {layer}");
    }
    for (path, uses) in
        [("host/mod.rs", "crate::config"), ("plan/change.rs", "crate::oci"), ("exec/event.rs", "crate::plan")]
    {
        let (_, text) = sources.iter().find(|(name, _)| name == path).unwrap();
        assert!(named_paths(path, text).iter().any(|found| found.is_within(uses)), "{path} is said not to use {uses}");
    }
}

#[test]
fn each_layer_uses_only_those_before_it() {
    for (at, (layer, allowed)) in LAYERS.iter().enumerate() {
        let before: Vec<&str> = LAYERS[..at].iter().map(|(name, _)| *name).collect();
        assert!(allowed.iter().all(|used| before.contains(used)), "{layer}");
    }
}

#[test]
fn a_layer_that_uses_one_above_it_is_refused() {
    for (path, text) in [
        ("oci/tag.rs", "use crate::naming::Template;"),
        ("naming/x.rs", "use crate::{oci::Tag, config::Problem};"),
        ("config/x.rs", "fn f() -> crate::plan::Plan { todo() }"),
        ("config/x/y.rs", "use super::super::super::host;"),
        ("plan/mod.rs", "use super::registry::Registry;"),
        ("plan/x.rs", "mod tests { use super::super::super::exec::Report; }"),
        ("registry/x.rs", "use crate::config::Problem;"),
        ("host/x.rs", "use crate::plan::Plan;"),
        ("exec/x.rs", "use crate::ui::Printer;"),
        ("ui/x.rs", "use crate::registry;"),
        ("ui/x.rs", "use crate::exec::execute;"),
        ("ui/x.rs", "use crate::exec::{Event, survey::survey};"),
        ("command/x.rs", "use crate::cli::Args;"),
        ("command/x.rs", "fn f() { crate::run([]); }"),
        ("oci/x.rs", "use crate::*;"),
        ("oci/x.rs", "macro_rules! m { () => { $crate::plan::Plan } }"),
    ] {
        assert_eq!(broken_rules(path, text).len(), 1, "{path}: {text}");
    }
}

#[test]
fn what_a_layer_may_use_is_not_refused() {
    for (path, text) in [
        ("naming/x.rs", "use crate::oci::{Tag, platform::{self, Platform}};\nuse super::Version;"),
        ("config/x/y.rs", "use super::super::problem::Problem;\nuse super::z::*;"),
        ("plan/x.rs", "pub(in crate::plan) fn f() {}"),
        ("ui/x.rs", "use crate::exec::{Event, Listener, Report, report::ListReport};"),
        ("registry/x.rs", "use super::Result; use std::fs; use tokio::time;"),
        ("oci/x.rs", "// use crate::plan::Plan;\n/* crate::exec */ const A: &str = \"crate::ui::x\";"),
        (
            "oci/x.rs",
            "//! See [`crate::plan`].\nconst A: &str = r#\"\"crate::ui\"\"#; const C: char = '\"'; type T<'a> = &'a u8;",
        ),
        ("config/x.rs", "use std::path::PathBuf; use std::net::{IpAddr, Ipv6Addr};"),
        ("config/x.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"),
        ("config/x/tests.rs", "use std::fs;"),
        ("ui/x.rs", r#"fn f() { println!(""); std::io::stderr(); }"#),
        ("cli/x.rs", "use crate::command::sync; use crate::oci::Tag;"),
        ("cli/settings.rs", "fn f() -> bool { std::io::stdout().is_terminal() }"),
    ] {
        assert_eq!(broken_rules(path, text), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn a_pure_layer_that_touches_the_world_is_refused() {
    for (path, text) in [
        ("oci/x.rs", "use std::fs::File;"),
        ("oci/x.rs", "use std::{fmt, time::Instant};"),
        ("naming/x.rs", r#"fn f() { std::env::var("A"); }"#),
        ("config/x.rs", "use std::process;"),
        ("config/x.rs", "use std::net::TcpStream;"),
        ("plan/x.rs", "use tokio::sync::Mutex;"),
        ("plan/x.rs", "fn f() -> reqwest::Client { c() }"),
        ("plan/x.rs", "#[cfg(test)]\nuse std::fmt;\nuse std::fs;"),
    ] {
        assert_eq!(broken_rules(path, text).len(), 1, "{path}: {text}");
    }
}

#[test]
fn printing_outside_of_ui_is_refused() {
    for (path, text) in [
        ("command/x.rs", r#"fn f() { println!("done"); }"#),
        ("exec/x.rs", r#"fn f() { std::eprintln!("x"); }"#),
        ("cli/x.rs", "fn f() { std::io::stdout(); }"),
        ("cli/x.rs", "use std::io::{self, stderr};"),
        ("host/x.rs", "use std::io; fn f() { io::stderr(); }"),
        ("exec/x.rs", "use indicatif::ProgressBar;"),
        ("cli/settings.rs", "use std::io::{self, Write as _};"),
        ("cli/settings.rs", "fn f() { eprintln!(); }"),
        ("command/x.rs", r#"fn f() { anstream::print!("x"); }"#),
    ] {
        assert_eq!(broken_rules(path, text).len(), 1, "{path}: {text}");
    }
}

#[test]
fn a_file_that_is_two_things_is_refused() {
    let lines = |count: usize| "//\n".repeat(count);
    assert_eq!(broken_rules("oci/x.rs", &lines(LONGEST)), Vec::<String>::new());
    assert_eq!(broken_rules("oci/x.rs", &lines(LONGEST + 1)).len(), 1);
    assert_eq!(broken_rules("lib.rs", &lines(LONGEST + 1)).len(), 1);
}

#[test]
fn a_file_outside_of_the_layers_is_refused() {
    assert_eq!(broken_rules("util.rs", "").len(), 1);
    assert_eq!(broken_rules("helpers/x.rs", "").len(), 1);
}
