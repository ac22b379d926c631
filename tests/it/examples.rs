//! The examples, from the first build to lists in a registry that other programs read. Everything in
//! `tests/it/examples/NAME.txt` must happen exactly as written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::any_registry::Kind;
use crate::support::docker_registry::skipped;
use crate::support::installed;

use stage::{folder, folders, play};
use transcript::Transcript;

mod stage;
mod transcript;

/// Generates a test for each transcript and registry.
macro_rules! transcripts {
    ($($module:ident $kind:ident { $($case:ident: $transcript:literal,)+ })+) => {
        $(mod $module {
            $(#[test]
            fn $case() {
                super::play_on(super::Kind::$kind, include_str!(concat!("examples/", $transcript, ".txt")));
            })+
        })+
        /// The transcripts that are played.
        const PLAYED: &[&str] = &[$($(include_str!(concat!("examples/", $transcript, ".txt")),)+)+];
    };
}

transcripts! {
    in_process InProcess {
        cluster_api: "cluster-api",
        coredns: "coredns",
        cue: "cue",
        gitea: "gitea",
        golang: "golang",
        hello_world: "hello-world",
        kube_cross: "kube-cross",
        kubernetes: "kubernetes",
        manifest_tool: "manifest-tool",
        monorepo: "monorepo",
        pause: "pause",
        three_registries: "three-registries",
    }
    // All but golang: it has the same naming convention as hello-world, and its size makes it slow on disk.
    debian Debian {
        cluster_api: "cluster-api",
        coredns: "coredns",
        cue: "cue",
        gitea: "gitea",
        hello_world: "hello-world",
        kube_cross: "kube-cross",
        kubernetes: "kubernetes",
        manifest_tool: "manifest-tool",
        monorepo: "monorepo",
        pause: "pause",
        three_registries: "three-registries",
    }
}

/// Plays a transcript if a registry of this kind is installed.
fn play_on(kind: Kind, transcript: &str) {
    if kind == Kind::InProcess || installed("docker-registry") {
        play(kind, transcript);
    } else {
        skipped("docker-registry is not installed");
    }
}

/// Returns the examples of real projects. The quick start is not one of them: it is tested with the README.
fn projects() -> BTreeSet<String> {
    folders().into_iter().filter(|name| name != "quickstart").collect()
}

fn manifest(example: &str) -> String {
    fs::read_to_string(folder(example).join("manifests.toml")).expect("each example has a manifests.toml")
}

/// Counts the lines that are neither blank nor comments.
fn lines(text: &str) -> usize {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).count()
}

/// Returns the text of each file of an example whose name ends with `end`, in all its folders.
fn texts(folder: &Path, end: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            texts.extend(self::texts(&path, end));
        } else if path.to_str().is_some_and(|name| name.ends_with(end)) {
            texts.push(fs::read_to_string(path).expect("text"));
        }
    }
    texts
}

#[test]
fn every_example_is_played() {
    let played: BTreeSet<String> = PLAYED.iter().map(|text| Transcript::parse(text).example).collect();
    assert_eq!(played, projects());
}

#[test]
fn every_example_says_first_what_it_replaces_and_is_shorter() {
    for example in projects() {
        let text = manifest(&example);
        let behind_the_schema = text.strip_prefix("#:schema ../../schema/manifests.schema.json\n\n# ");
        let comment: Vec<&str> = behind_the_schema
            .unwrap_or_else(|| panic!("{example}: the schema, then what it is"))
            .lines()
            .take_while(|line| !line.is_empty())
            .collect();
        let claim = comment.iter().find_map(|line| line.strip_prefix("# Replaces "));
        let claim = claim.unwrap_or_else(|| panic!("{example} replaces something: {comment:?}"));
        let (count, rest) = claim.strip_prefix("more than ").unwrap_or(claim).split_once(' ').expect("words");
        assert!(rest.starts_with("lines "), "{example}: {claim}");
        let theirs: usize = count.parse().unwrap_or_else(|error| panic!("{example}: {claim}: {error}"));
        let ours: usize = texts(&folder(&example), "").iter().map(|text| lines(text)).sum();
        assert!(ours < theirs, "{example} has {ours} lines where there were {theirs}");
    }
}

/// Every registry must be a variable, so that `--set` is enough to use a mirror or a test registry.
#[test]
fn every_registry_is_a_variable() {
    const DOMAINS: [&str; 4] = [".io", ".com", ".aws", ".org"];
    for example in projects() {
        for text in texts(&folder(&example), ".toml") {
            let variables = text.split("\n[vars]\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or("");
            for line in text.replace(variables, "").lines().filter(|line| !line.starts_with('#')) {
                let host = line.split(['"', '/']).find(|word| DOMAINS.iter().any(|domain| word.ends_with(domain)));
                assert_eq!(host, None, "{example}: {line}");
            }
        }
    }
}
