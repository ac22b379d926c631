//! The memory that mlist needs for large files and for large answers of registries, accepted or refused.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::any_registry::AnyRegistry;
use crate::support::context::{Context, Output};
use crate::support::images::{Artifact, Dialect, Image, OCI_INDEX, index};
use crate::support::registry::{Knobs, Registry};
use crate::support::sample;

/// The limit for a file with few lists, in MiB. Each list may need 12 KiB more.
const LIMIT: u64 = 256;
/// A list, except for its header.
const LIST: &str = "platforms = ['linux/amd64']\nsource = 'r.example/x:1'\ntarget = 'r.example/a'\n";

/// Returns a text that repeats `line`, with `#` replaced by a number, and ends with a list.
fn repeated(start: &str, line: &str, count: usize, end: &str) -> String {
    let lines: String = (0..count).map(|at| line.replace('#', &at.to_string())).collect();
    format!("{start}{lines}{end}\n[list.a]\n{LIST}tags = ['t']\n")
}

/// Runs `mlist check` in `context`. Returns its output and the most memory that it used, in MiB.
fn check(context: &Context) -> (String, u64) {
    let (output, most) = measured(context, "check --format json");
    (output.stdout, most)
}

/// Runs `mlist ARGUMENTS` in `context`. Returns its output and the most memory that it used, in MiB.
fn measured(context: &Context, arguments: &str) -> (Output, u64) {
    let mut running = context.start(arguments);
    let mut most = 0;
    while running.is_running() {
        most = running.peak_memory().unwrap_or_default().max(most);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    (running.wait(), most >> 20)
}

#[test]
fn a_large_file_is_refused_before_it_needs_much_memory() {
    let tags = format!("[list.b]\n{LIST}tags = [");
    // The last four are larger than all that is accepted, but small enough for a quick test.
    for (start, line, count, end) in sample(
        2,
        [
            ("[vars]\n", "k# = 'v'\n", 1_000_000, ""),
            ("[vars]\n", "k# = 'v'\n", 300_000, ""),
            (&*tags, "'t#',", 1_500_000, "]"),
            ("", "a# = 1\n", 1_400_000, ""),
            (&*tags, "'t#',", 400_000, "]"),
            ("[vars]\nx = [", "{},", 5_000_000, "]"),
            ("", "a# = 1\n", 300_000, ""),
            ("", "a\n", 8_000_000, ""),
            ("", "a\n", 300_000, ""),
        ],
    ) {
        let (said, most) = check(&Context::with(&repeated(start, line, count, end)));
        assert!(said.contains("\"mlist::config::too_large\""), "{start}{line}: {said}");
        assert!(most < LIMIT / 2, "{start}{line}: {most} MiB");
    }
}

#[test]
fn many_problems_need_little_memory() {
    let list = "[list.b]\nsource = 'r.example/x:1'\ntarget = 'r.example/b'\n";
    let (platforms, tags) = (format!("{list}tags = ['t']\nplatforms = ["), format!("[list.b]\n{LIST}tags = ["));
    for (start, line, count, end) in [
        (&*platforms, "'l#',", 240_000, "]"),
        (&*platforms, "'linux/a#',", 240_000, "]"),
        (&*tags, "'+#',", 240_000, "]"),
        ("", "k# = 1\n", 190_000, ""),
    ] {
        let (said, most) = check(&Context::with(&repeated(start, line, count, end)));
        assert!(said.contains("\"exit_status\": 2"), "{start}{line}: {said}");
        assert!(most < LIMIT, "{start}{line}: {most} MiB");
    }
}

#[test]
fn a_list_with_many_targets_or_axes_takes_linear_time() {
    let list = "[list.b]\nplatforms = ['linux/amd64']\nsource = 'r.example/x:1'\ntags = ['t']\n";
    let (targets, axes) = (format!("{list}target = ["), format!("{list}target = 'r.example/b'\n[list.b.matrix]\n"));
    for (start, line, count, end) in [(&*targets, "'r.example/t#',", 60_000, "]"), (&*axes, "x# = ['v']\n", 60_000, "")]
    {
        let started = std::time::Instant::now();
        let (said, most) = check(&Context::with(&repeated(start, line, count, end)));
        let lists = if end.is_empty() { 2 } else { count as u64 };
        assert!(said.contains("\"exit_status\": 0"), "{line}: {said}");
        assert!(most < LIMIT + lists * 12 / 1024, "{line}: {most} MiB");
        // It took more than 30 s in a release build.
        assert!(started.elapsed().as_secs() < 20, "{line}: {:?}", started.elapsed());
    }
}

#[test]
fn included_files_are_counted_together() {
    let context = Context::with("include = ['*.part']\n");
    for part in 0..8 {
        let text = repeated("[vars]\n", "k# = 'v'\n", 150_000, "").replace("list.a", &format!("list.a{part}"));
        std::fs::write(context.path(&format!("{part}.part")), text).expect("a file");
    }
    let (said, most) = check(&context);
    assert!(said.contains("\"mlist::config::too_large\""), "{said}");
    assert!(most < LIMIT, "{most} MiB");
}

#[test]
fn a_file_that_is_just_accepted_stays_below_the_limit() {
    let list = |key: &str| format!("[list.b]\n{LIST}tags = ['t']\n{key}");
    let (tags, annotations) = (format!("[list.b]\n{LIST}tags = ["), list("[list.b.annotations]\n"));
    for (start, line, count, end) in sample(
        3,
        [
            (&*tags, "'t#',", 180_000, "]"),
            ("[vars]\n", "k# = 'v'\n", 180_000, ""),
            (&*annotations, "k# = 'v'\n", 180_000, ""),
            ("", "a# = 1\n", 120_000, ""),
            ("", "[convention.c#]\nsource = 'r.example/x:1'\n", 40_000, ""),
        ],
    ) {
        let text = repeated(start, line, count, end).replacen("r.example/a'", "r.example/b'", 1);
        let (said, most) = check(&Context::with(&text));
        assert!(!said.contains("too_large"), "{start}{line}: {said}");
        assert!(most < LIMIT, "{start}{line}: {most} MiB");
    }
}

#[test]
fn of_many_problems_the_first_are_shown_and_the_others_counted() {
    let context = Context::with(&repeated("", "a# = 1\n", 1000, ""));
    let document = context.mlist("check --format json").exits(2).json();
    assert_eq!(document["problems"].as_array().expect("problems").len(), 100);
    assert_eq!(document["problems_omitted"], 900);
    let output = context.mlist("check").exits(2);
    assert!(output.stderr.ends_with("\nand 900 other problems\n\n"), "{output}");
    assert_eq!(output.stdout, "manifests.toml: 1,000 problems\n");
    assert_eq!(output.lines("mlist::config::unknown_key"), 100, "{output}");
}

#[test]
fn ten_thousand_lists_written_out_in_full_are_accepted() {
    let list = |at: usize| {
        format!(
            "[list.\"library/app-{at}\"]\narch-style = 'go-variant'\nsource = 'r.example/library/app-{at}-{{arch}}:1.2.3'\n\
             platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7', 'linux/386']\n\
             target = ['r.example/app-{at}', 'mirror.example/app-{at}']\ntags = ['1.2.3', '1.2', '1', 'latest']\n"
        )
    };
    let lists: String = (0..10_000).map(list).collect();
    let (said, most) = check(&Context::with(&lists));
    assert!(said.contains("\"exit_status\": 0"), "{said}");
    assert!(most < LIMIT + 20_000 * 12 / 1024, "{most} MiB");
}

/// The number of lists below, each with an image of its own.
const IMAGES: usize = 30;

/// Pushes an image for each list, whose manifest and config have these sizes in bytes. Returns a project with the
/// lists.
fn large_images(registry: &AnyRegistry, manifest: usize, config: usize) -> Context {
    let mut lists = String::new();
    for number in 0..IMAGES {
        let image = Image::new(Dialect::Oci, "linux/amd64", &number.to_string());
        registry.push("a", &number.to_string(), &image.padded(manifest, config));
        let host = registry.host();
        write!(
            lists,
            "[list.l{number}]\nplatforms = ['linux/amd64']\nsource = '{host}/a:{number}'\ntarget = '{host}/b'\n\
             tags = ['{number}']\n"
        )
        .expect("a String takes all");
    }
    Context::with(&lists)
}

#[test]
fn configs_are_not_kept() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let (output, most) = measured(&large_images(&registry, 4 << 10, 8 << 20), "sync --format json");
    assert_eq!(output.exits(0).lines("created"), IMAGES);
    assert!(most < LIMIT / 2, "{most} MiB");
}

#[test]
fn manifests_beyond_the_limit_fail_their_lists() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let context = large_images(&registry, 4 << 20, 4 << 10);
    let (output, most) = measured(&context, "sync --format json");
    assert!(output.stdout.contains("\"mlist::registry::too_large\""), "{output}");
    assert!(most < LIMIT, "{most} MiB");
    assert_eq!(output.exits(1).lines("created"), 24, "96 MiB");
    // The lists of the first run are unchanged, so that their manifests are not read again.
    context.mlist("sync").exits(0);
}

#[test]
fn an_inspected_index_with_large_annotations_stays_below_the_limit() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let mut entries = Vec::new();
    for number in 0..50 {
        let image = Image::new(Dialect::Oci, "linux/amd64", &number.to_string());
        let mut manifest: Value = serde_json::from_slice(image.manifest()).expect("JSON");
        manifest["annotations"] = json!({ "key": "x".repeat(1 << 20) });
        let manifest = manifest.to_string().into_bytes();
        let mut entry = Artifact::subject(image.media_type(), &manifest);
        entry["platform"] = json!({ "os": "linux", "architecture": "amd64" });
        registry.push("a", &image.digest(), &image);
        registry.push_list("a", entry["digest"].as_str().expect("a digest"), image.media_type(), &manifest);
        entries.push(entry);
    }
    registry.push_list("a", "v1", OCI_INDEX, &index(&entries));
    let arguments = format!("inspect {}/a:v1 -v --format human --format json=tree.json", registry.host());
    let (output, most) = measured(&Context::new(), &arguments);
    assert!(output.stderr.contains("all responses together exceed 32 MiB"), "{}", output.stderr);
    assert!(most < LIMIT, "{most} MiB");
    assert_eq!(output.exits(1).stdout.matches("failed to read").count(), 19, "31 of 50 were kept");
}

#[test]
fn a_long_glob_and_too_many_globs_are_refused() {
    let glob = "[a-z]?*".repeat(100_000);
    let many = "'v*', ".repeat(1_001);
    for (text, why) in [
        (format!("[list.a]\n{LIST}tags = ['t']\nimmutable = ['{glob}']\n"), "bytes long; the maximum is 1000"),
        (format!("include = ['a/{glob}']\n[list.a]\n{LIST}tags = ['t']\n"), "bytes long; the maximum is 1000"),
        (
            format!("[list.a]\n{LIST}tags = ['t']\nimmutable = [{many}]\n"),
            "has too many globs: 1001; the maximum is 1000",
        ),
    ] {
        let output = Context::with(&text).mlist("check --format json").exits(2);
        assert!(output.stdout.contains(why), "{output}");
        assert!(output.stdout.contains("\"mlist::config::type\""), "{output}");
    }
    let context = Context::with(&format!("[list.a]\n{LIST}tags = ['t']\n"));
    let output = context.mlist(&format!("plan {}", &glob[..70_000])).exits(2);
    assert_eq!((output.lines("mlist::config::unknown_selector"), output.status), (1, 2));
}
