//! Several processes that write one list at the same time, each with its own member (`undeclared = "keep"`). No member
//! is lost, whatever template the member tags have, in registries and in layouts.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::any_registry::{AnyRegistry, Kind};
use crate::support::context::Context;
use crate::support::images::{Dialect, Image, write_layout};
use crate::support::sample;

/// The platform of each writer, with an arch style that has a word for it.
const WRITERS: [(&str, &str); 8] = [
    ("linux/amd64", "uname"),
    ("linux/arm64", "docker-library"),
    ("linux/arm/v7", "debian"),
    ("linux/s390x", "go"),
    ("linux/ppc64le", "debian"),
    ("linux/arm/v6", "rpm"),
    ("linux/386", "uname"),
    ("linux/riscv64", "go-variant"),
];
/// The template that is used if the file has none, and other templates.
const TEMPLATES: [&str; 4] =
    ["", r#"["{tag}-{arch}"]"#, r#"["{tag}-{os}-{arch|replace:_:-}"]"#, r#"["{arch}.{platform|tag}-{tag}"]"#];
/// How often the same writers start in a long run.
const ROUNDS: usize = 20;

/// One project folder per writer, each with an image.
struct Writers {
    contexts: Vec<Context>,
}

/// One round: writers that start at the same time, in a fresh target.
struct WriterRound<'a> {
    template: &'a str,
    writers: usize,
    target: &'a str,
}

impl Writers {
    fn new() -> Self {
        let context = |(platform, _): &(&str, &str)| {
            let context = Context::new();
            write_layout(&context.path("built"), &[("it", &Image::new(Dialect::Oci, platform, platform))]);
            context
        };
        Self { contexts: WRITERS.iter().map(context).collect() }
    }

    /// Runs `mlist sync` in the folders of the first writers at the same time.
    fn sync(&self, case: &WriterRound<'_>) {
        let writers = || self.contexts.iter().zip(WRITERS).take(case.writers);
        for (context, (platform, style)) in writers() {
            let template = if case.template.is_empty() { "" } else { &format!("member-tags = {}", case.template) };
            context.manifest(&format!(
                "[list.k]\nplatforms = [\"{platform}\"]\nsource = \"oci:built:it\"\ntarget = \"{}\"\ntags = [\"1\"]\n\
                 undeclared = \"keep\"\narch-style = \"{style}\"\n{template}\n",
                case.target
            ));
        }
        let running: Vec<_> = writers().map(|(context, _)| context.start("sync")).collect();
        for run in running {
            run.wait().exits(0);
        }
    }
}

/// Each combination of a template and a number of writers, in each of the rounds.
fn cases<'a>(templates: &'a [&'a str]) -> impl Iterator<Item = (&'a str, usize, usize)> {
    let rounds = (0..ROUNDS).flat_map(|round| [8, 2, 4, 3].map(|writers| (round, writers)));
    rounds.flat_map(move |(round, writers)| templates.iter().map(move |template| (*template, writers, round)))
}

fn declared(writers: usize) -> BTreeSet<String> {
    WRITERS.iter().take(writers).map(|(platform, _)| (*platform).to_owned()).collect()
}

fn nothing_is_lost(kind: Kind, one_in: usize) {
    let Some(registry) = kind.start() else { return };
    let writers = Writers::new();
    for (number, (template, count, round)) in sample(one_in, cases(&TEMPLATES)).into_iter().enumerate() {
        let repository = format!("keep/k{number}");
        let target = format!("{}/{repository}", registry.host());
        writers.sync(&WriterRound { template, writers: count, target: &target });
        let list = registry.list(&repository, "1").unwrap_or_default();
        let platforms: BTreeSet<String> = list.into_iter().map(|(platform, _)| platform).collect();
        assert_eq!(platforms, declared(count), "{template} with {count} writers, round {round}");
    }
}

#[test]
fn in_a_registry_nothing_is_lost() {
    nothing_is_lost(Kind::InProcess, 37);
}

#[test]
fn in_debians_registry_nothing_is_lost() {
    nothing_is_lost(Kind::Debian, 61);
}

/// The platforms of the list `1` in a layout.
fn platforms_in_layout(folder: &Path) -> BTreeSet<String> {
    let json = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let index = json(&folder.join("index.json"));
    let is_it = |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"] == "1";
    let entry = index["manifests"].as_array().unwrap().iter().find(is_it).unwrap();
    let digest = entry["digest"].as_str().unwrap().replace(':', "/");
    let list = json(&folder.join("blobs").join(digest));
    let platform = |entry: &Value| {
        let part = |key: &str| entry["platform"][key].as_str().map(str::to_owned);
        let parts = [part("os"), part("architecture"), part("variant")];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    };
    list["manifests"].as_array().unwrap().iter().map(platform).collect()
}

#[test]
fn in_a_layout_nothing_is_lost_also_without_member_tags() {
    let (writers, shared) = (Writers::new(), tempfile::tempdir().unwrap());
    let templates: Vec<&str> = ["[]"].into_iter().chain(TEMPLATES).collect();
    for (number, (template, count, round)) in sample(23, cases(&templates)).into_iter().enumerate() {
        let folder = shared.path().join(format!("k{number}"));
        writers.sync(&WriterRound { template, writers: count, target: &format!("oci:{}", folder.display()) });
        let platforms = platforms_in_layout(&folder);
        assert_eq!(platforms, declared(count), "{template} with {count} writers, round {round}");
    }
}

#[test]
fn one_writer_without_member_tags_is_warned() {
    let registry: AnyRegistry = Kind::InProcess.start().expect("it needs no program");
    let writers = Writers::new();
    let target = format!("{}/keep/k", registry.host());
    writers.sync(&WriterRound { template: "[]", writers: 1, target: &target });
    let output = writers.contexts[0].mlist("check").exits(0);
    assert!(output.stderr.contains("mlist::config::single_writer"), "{output}");
    writers.sync(&WriterRound { template: "[]", writers: 1, target: "oci:out" });
    let output = writers.contexts[0].mlist("check").exits(0);
    assert!(!output.stderr.contains("single_writer"), "{output}");
}
