//! README.md is correct: its consoles show the real output, its commands and options exist, its files exist.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::any_registry::{AnyRegistry, Kind, on_each_registry};
use crate::support::context::{Context, program};
use crate::support::docker_registry::skipped;
use crate::support::installed;

on_each_registry!(its_consoles_show_what_is_printed);

/// The registry of the quickstart in the README.
const HOST: &str = "localhost:5000";
/// The registry of the reader's own images in the README.
const OWN_HOST: &str = "ghcr.io";
/// How the README runs mlist before it is installed.
const FROM_SOURCE: &str = "cargo run --release -- ";

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(project().join("README.md")).unwrap()
}

/// Returns the code blocks in a language, or all of them if no language is given.
fn blocks(language: Option<&str>) -> Vec<String> {
    let readme = readme();
    let fences = readme.split("\n```").skip(1).step_by(2);
    let blocks = fences.map(|fence| fence.split_once('\n').expect("a block has lines"));
    blocks.filter(|(word, _)| language.is_none_or(|language| language == *word)).map(|(_, text)| text.into()).collect()
}

/// Returns the commands of a console, each with its output.
fn transcript(console: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in console.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
            (None, Some((_, output))) => output.push(line.to_owned()),
            (None, None) => panic!("a console begins with a command: {line}"),
        }
    }
    commands
}

/// Returns the arguments of a command that runs mlist.
fn arguments(command: &str) -> Option<&str> {
    command.strip_prefix(FROM_SOURCE).or_else(|| command.strip_prefix("mlist "))
}

/// Returns the output without what differs between runs: the order of lists and their durations.
fn lasting<'a>(output: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<String> = output.map(without_durations).collect();
    for run in lines.chunk_by_mut(|one, next| [one, next].iter().all(|line| line.starts_with("created "))) {
        run.sort();
    }
    lines
}

/// Replaces the duration in a verdict, such as `0.3s`, by a fixed word.
fn without_durations(line: &str) -> String {
    let is_duration = |word: &str| {
        let seconds = word.trim_matches(['(', ')', ':']).strip_suffix('s');
        seconds.is_some_and(|seconds| seconds.contains('.') && seconds.parse::<f64>().is_ok())
    };
    let begins = ["Done ", "Nothing ", "Incomplete "].iter().any(|word| line.starts_with(word));
    line.split(' ').map(|word| if begins && is_duration(word) { "TIME" } else { word }).collect::<Vec<_>>().join(" ")
}

/// Copies a folder with its content.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

fn quickstart() -> PathBuf {
    project().join("examples/quickstart")
}

/// Pushes an image of the quickstart, such as `hello-arm64`.
fn push(registry: &AnyRegistry, image: &str, repository: &str) {
    let layout = quickstart().join("images").join(image);
    let index = serde_json::from_slice::<serde_json::Value>(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let entry = &index["manifests"][0];
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let manifest = text(&entry["digest"]);
    for blob in fs::read_dir(layout.join("blobs/sha256")).unwrap() {
        let path = blob.unwrap().path();
        let digest = format!("sha256:{}", path.file_name().unwrap().to_str().unwrap());
        if digest != manifest {
            registry.wire().put_blob(repository, &digest, &fs::read(path).unwrap());
        }
    }
    let bytes = fs::read(layout.join("blobs").join(manifest.replace(':', "/"))).unwrap();
    let answer = registry.wire().put_manifest(repository, "v1.0.0", &text(&entry["mediaType"]), &bytes);
    assert_eq!(answer.status, 201, "{repository} does not take {image}");
}

/// Runs the commands of a console in `context` and compares their output, in the order in which a terminal shows it.
/// `registry` takes the place of `host`.
fn replay(console: &str, context: &Context, (host, registry): (&str, &AnyRegistry)) {
    for (command, shown) in transcript(console) {
        let here = command.replace(host, &registry.host());
        let here = match arguments(&here) {
            Some(arguments) => format!("{} {arguments}", program().display()),
            None if ["skopeo", "jq"].into_iter().all(installed) => here,
            None => {
                skipped("skopeo or jq is not installed");
                continue;
            }
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("({here}) 2>&1")]).current_dir(context.path(""));
        let output = shell.env_clear().envs(context.environment()).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap().replace(&registry.host(), host);
        assert!(output.status.success(), "$ {command}\n{printed}");
        assert_eq!(lasting(printed.lines()), lasting(shown.iter().map(String::as_str)), "$ {command}\n{printed}");
    }
}

fn its_consoles_show_what_is_printed(kind: Kind) {
    let registry = kind.start().expect("it was installed a moment ago");
    let context = registry.project(&blocks(Some("toml"))[0].replace(OWN_HOST, &registry.host()));
    copy(&quickstart().join("images"), &context.path("examples/quickstart/images"));
    fs::copy(quickstart().join("manifests.toml"), context.path("examples/quickstart/manifests.toml")).unwrap();
    let consoles: [String; 4] = blocks(Some("console")).try_into().expect("layouts, registry, first list, one change");
    let [layouts, own_registry, first_list, one_change] = consoles;

    replay(&layouts, &context, (HOST, &registry));
    replay(&own_registry, &context, (HOST, &registry));
    for arch in ["amd64", "arm", "arm64"] {
        push(&registry, &format!("hello-{arch}"), &format!("acme/api-{arch}"));
        push(&registry, &format!("clock-{arch}"), &format!("acme/worker-{arch}"));
    }
    replay(&first_list, &context, (OWN_HOST, &registry));
    push(&registry, "clock-arm64", "acme/api-arm64");
    replay(&one_change, &context, (OWN_HOST, &registry));
}

#[test]
fn its_manifests_toml_has_no_problem() {
    for block in blocks(Some("toml")) {
        let output = Context::with(&block).mlist("check").exits(0);
        assert!(output.verdict().ends_with("no problems"), "{output}");
    }
}

/// Returns the command lines of mlist in a shell script, makefile or YAML text, each up to where the shell starts
/// another command.
fn command_lines(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("$ ").trim_start_matches("run: ");
        let behind_variables = line.trim_start_matches(|c: char| c.is_ascii_uppercase() || c == '_');
        let command =
            behind_variables.strip_prefix('=').and_then(|rest| rest.split_once(' ')).map_or(line, |(_, it)| it);
        arguments(command)
    });
    lines.map(|line| line.split([';', '|', '>', '#', '&']).next().unwrap_or_default().trim().to_owned()).collect()
}

/// Returns the texts between backticks in the prose of the README.
fn code_in_prose() -> Vec<String> {
    let readme = readme();
    let prose = readme.split("\n```").step_by(2).collect::<String>().replace('\n', " ");
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn its_commands_and_options_exist() {
    let help = |command: &str| Context::new().mlist(&format!("{command} --help")).exits(0).stdout;
    let code = code_in_prose();
    let mut lines: Vec<String> = blocks(None).iter().flat_map(|block| command_lines(block)).collect();
    lines.extend(code.iter().flat_map(|code| command_lines(code)));
    assert!(lines.len() > 12, "{lines:#?}");
    for line in &lines {
        let mut words = line.split_whitespace();
        let page = help(words.next().unwrap_or_default());
        let known: Vec<&str> = page.split([' ', ',', '\n']).collect();
        for option in words.filter(|word| word.starts_with('-')) {
            let name = option.split('=').next().unwrap_or_default();
            assert!(known.contains(&name), "mlist {line}: there is no {name}");
        }
    }
    let every: String = ["check", "plan", "sync", "ls", "schema"].map(help).concat();
    for option in code.iter().filter(|code| code.starts_with("--")) {
        let name = option.split([' ', '=']).next().unwrap_or_default();
        let of_docker = name == "--amend";
        assert!(of_docker || every.contains(&format!("{name} ")), "there is no {option}");
    }
}

#[test]
fn its_first_command_is_the_one_that_ci_runs() {
    let consoles = blocks(Some("console"));
    let (first, _) = transcript(&consoles[0]).swap_remove(0);
    assert_eq!(first, format!("{FROM_SOURCE}sync -f examples/quickstart/manifests.toml"));
    let ci = fs::read_to_string(project().join(".ci/run")).unwrap();
    assert!(ci.contains(&format!("first=$(grep -m1 -o '{FROM_SOURCE}sync .*' README.md)")), ".ci/run looks elsewhere");
    let readme = readme();
    let found = readme.lines().find_map(|line| line.find(&format!("{FROM_SOURCE}sync ")).map(|at| &line[at..]));
    assert_eq!(found, Some(first.as_str()), "what .ci/run finds");
}

/// Returns the headings as links name them.
fn headings(readme: &str) -> impl Iterator<Item = String> {
    readme.lines().filter_map(|line| Some(line.strip_prefix("## ")?.to_ascii_lowercase().replace(' ', "-")))
}

#[test]
fn what_it_names_is_there() {
    let readme = readme();
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let is_there = match link.strip_prefix('#') {
            Some(anchor) => headings(&readme).any(|heading| heading == anchor),
            None => link.starts_with("https://") || project().join(link).exists(),
        };
        assert!(is_there, "{link} is not there");
    }
    let shell = blocks(Some("sh")).concat();
    assert!(shell.lines().any(|line| line.starts_with("tests/run ")), "the test command is not there");
    assert!(project().join("tests/run").is_file() && project().join("benches/publish").is_dir());
    assert!(readme.contains("`cargo bench --bench publish`"));
    let rust = format!("Rust {} or later", env!("CARGO_PKG_RUST_VERSION"));
    assert!(readme.contains(&rust), "not `{rust}`");
}

#[test]
fn it_tells_every_exit_status() {
    let page = Context::new().mlist("--help").exits(0).stdout;
    let (_, told) = page.split_once("Exit status: ").unwrap();
    let readme = readme();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |")).map(|(status, _)| status);
    let listed: Vec<u8> = rows.flat_map(|row| row.split(", ")).filter_map(|status| status.parse().ok()).collect();
    assert_eq!(listed, [0, 1, 2, 3, 4, 130, 143]);
    let words: Vec<u8> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(listed.iter().all(|status| words.contains(status)), "{words:?}");
}
