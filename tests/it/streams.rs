//! Which stream and which file gets what, with real processes: results on stdout, everything else on stderr.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::any_registry::AnyRegistry;
use crate::support::context::{Context, PATIENCE, program};
use crate::support::registry::{Fault, Knobs, Registry, Then};
use crate::support::release::{BINARIES, Release};

/// Starts the registry of this process with all thirty images, and creates a project that publishes there.
fn release() -> (Registry, Context) {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    Release::push(&registry);
    let context = Context::with(&Release::manifest(&registry.host()));
    let AnyRegistry::InProcess(registry) = registry else { unreachable!("it was made above") };
    (registry, context)
}

/// A project whose only list is published from one layout to another.
fn project() -> Context {
    let images = "examples/quickstart/images";
    let context = Context::with(&format!(
        "list.a = {{ source = \"oci:{}/{images}/hello-{{arch}}:v1.0.0\", target = \"oci:out\", tags = [\"v1\"], \
         platforms = [\"linux/amd64\"] }}\n",
        env!("CARGO_MANIFEST_DIR")
    ));
    context.mlist("check").exits(0);
    context
}

/// Runs a script in which `mlist` is the program under test.
fn bash(context: &Context, script: &str) -> std::process::Output {
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("mlist() {{ \"$MLIST\" \"$@\"; }}; {script}")]).current_dir(context.path(""));
    bash.env_clear().envs(context.environment()).env("MLIST", program()).stdin(Stdio::null());
    bash.output().expect("bash")
}

#[test]
fn each_command_writes_results_to_stdout_and_messages_to_stderr() {
    let context = project();
    for (command, stdout) in [
        ("check", "manifests.toml: 1 list, 1 member, 1 tag, no problems\n"),
        ("plan", "create     oci:out\n  + tag v1           "),
        ("sync", "created    oci:out:v1  "),
        ("sync", "Nothing to publish: 1 list unchanged"),
    ] {
        let output = context.mlist(command).exits(0);
        assert!(output.stdout.starts_with(stdout), "{output}");
        let is_first = output.stdout.starts_with("created");
        assert_eq!(output.stderr, if is_first { "Plan: 1 to create\n" } else { "" }, "{output}");
    }
    context.manifest("list.a.tags = 1\n");
    for command in ["check", "plan", "sync"] {
        let output = context.mlist(command).exits(2);
        assert!(output.stdout.starts_with("manifests.toml: ") && output.stdout.ends_with(" problems\n"), "{output}");
        assert!(output.stderr.starts_with("mlist::config::"), "{output}");
    }
    let schema = context.mlist("schema").exits(0);
    assert!(serde_json::from_str::<Value>(&schema.stdout).is_ok() && schema.stderr.is_empty(), "{schema}");
}

#[test]
fn if_json_takes_stdout_everything_else_is_on_stderr() {
    let (_registry, context) = release();
    let output = context.mlist("sync --format json").exits(0);
    assert_eq!(output.json()["summary"]["published"], 6);
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert_eq!((lines[0], lines.len()), ("Plan: 6 to create", 8), "{output}");
    assert!(lines[1..7].iter().all(|line| line.starts_with("created ")), "{output}");
    assert!(lines[7].starts_with("Done in "), "{output}");
}

#[test]
fn in_a_pipe_lists_are_in_the_order_of_the_file_whichever_ends_first() {
    let (registry, context) = release();
    // The first list takes longest, another fails, a third is blocked.
    let fault = |method, path, times, then| Fault { method, path, times, then };
    registry.knobs().fault(fault("PUT", "/k8s/hyperkube/manifests/v1", 2, Then::RetryAfter(1)));
    registry.knobs().fault(fault("PUT", "/k8s/kube-proxy/manifests/v1", usize::MAX, Then::Status(403)));
    let missing = "/k8s/kubectl-arm64/manifests/";
    registry.knobs().fault(fault("HEAD", missing, usize::MAX, Then::Status(404)));
    let output = context.mlist("sync").exits(1);
    let line = |line: &str| {
        let (word, rest) = line.split_once(' ')?;
        let name = rest.trim_start().strip_prefix(&format!("{}/k8s/", registry.host()))?.split(':').next()?;
        Some((word.to_owned(), name.to_owned()))
    };
    let lines: Vec<_> = output.stdout.lines().filter_map(line).collect();
    let outcome = |name: &str| match name {
        "kube-proxy" => "failed",
        "kubectl" => "blocked",
        _ => "created",
    };
    let expected = BINARIES.map(|name| (outcome(name).to_owned(), name.to_owned()));
    assert_eq!(lines, expected, "{output}");
    assert!(output.stderr.contains("rate limited by ") && output.stderr.contains("mlist::plan::"), "{output}");
}

#[test]
fn a_closed_pipe_stops_no_run_and_hides_no_failure() {
    let (registry, context) = release();
    let path = "/k8s/kube-proxy/manifests/v1";
    registry.knobs().fault(Fault { method: "PUT", path, times: usize::MAX, then: Then::Status(403) });
    let output = bash(&context, "mlist sync | true; exit ${PIPESTATUS[0]}");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    context.mlist("sync kubectl hyperkube --format json").exits(0);
    let output = bash(&context, "mlist plan kubectl | true; exit ${PIPESTATUS[0]}");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_silent_run_gives_a_sign_of_life_every_ten_seconds() {
    let (registry, context) = release();
    registry.freeze_after(16 + 5);
    let running = context.start("sync -j 1");
    assert!(registry.wait_frozen(PATIENCE));
    std::thread::sleep(Duration::from_secs(21));
    registry.thaw();
    let output = running.wait().exits(0);
    let signs = output.stderr.lines().filter(|line| line.starts_with("Publishing: 1 of 6 lists")).count();
    assert!((1..=3).contains(&signs), "{output}");
    assert!(!output.stdout.contains("Publishing"), "{output}");
}

#[test]
fn pipes_and_devices_are_written_to_directly() {
    let context = project();
    for (script, file) in [
        ("mlist check --format human --format json=>(cat > got.json); sleep 0.5", "got.json"),
        ("mkfifo pipe; cat pipe > got.json & mlist check --format json=pipe --format human; wait", "got.json"),
        ("mlist check -q --format human --format json=/dev/stdout | cat > got.json", "got.json"),
        ("mlist check -q --format human --format json=/dev/stdout > got.json", "got.json"),
        ("mlist check -q --format human --format json=/dev/fd/7 7> got.json", "got.json"),
        ("mlist check -q --format human --format json=/dev/null; echo '{\"kind\": \"check\"}' > got.json", "got.json"),
    ] {
        let output = bash(&context, script);
        assert!(output.status.success(), "{script}: {output:?}");
        let text = fs::read_to_string(context.path(file)).expect("the document");
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{script}: {text}");
        let _ = fs::remove_file(context.path(file));
        let names: Vec<_> =
            fs::read_dir(context.path("")).expect("a folder").map(|it| it.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| name == "manifests.toml" || name == "pipe"), "{script}: {names:?}");
    }
    // What the run itself has written to the same file is kept.
    let output = bash(&context, "mlist sync --format human --format json=/dev/stdout > got.txt");
    assert!(output.status.success(), "{output:?}");
    let text = fs::read_to_string(context.path("got.txt")).expect("the file");
    assert!(
        text.starts_with("created    oci:out:v1") && text.contains("\n{\n") && text.contains("\nDone in "),
        "{text}"
    );
    let output = bash(&context, "mlist check --format human --format json=/dev/fd/9");
    assert_eq!(output.status.code(), Some(2), "nothing is open there: {output:?}");
}

#[test]
fn a_file_is_replaced_at_once_and_keeps_its_mode_and_its_links() {
    let context = project();
    let mode = |name: &str| fs::metadata(context.path(name)).expect("a file").permissions().mode() & 0o777;
    fs::create_dir(context.path("elsewhere")).expect("a folder");
    fs::write(context.path("elsewhere/old.json"), "old").expect("a file");
    fs::set_permissions(context.path("elsewhere/old.json"), fs::Permissions::from_mode(0o640)).expect("a mode");
    let before = fs::metadata(context.path("elsewhere/old.json")).expect("a file").ino();
    symlink("elsewhere/old.json", context.path("link.json")).expect("a link");
    symlink("elsewhere/later.json", context.path("dangling.json")).expect("a link");
    let formats = "--format json=link.json --format json=dangling.json --format json=new.json --format human";
    let output = bash(&context, &format!("umask 027; mlist check {formats}"));
    assert!(output.status.success(), "{output:?}");
    for name in ["link.json", "dangling.json"] {
        assert!(fs::symlink_metadata(context.path(name)).expect("a link").is_symlink(), "{name}");
    }
    for name in ["elsewhere/old.json", "elsewhere/later.json", "new.json"] {
        let text = fs::read_to_string(context.path(name)).expect("a document");
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{name}: {text}");
    }
    assert_ne!(fs::metadata(context.path("elsewhere/old.json")).expect("a file").ino(), before, "it is another file");
    assert_eq!([mode("elsewhere/old.json"), mode("new.json")], [0o640, 0o640], "the old mode, and by the umask");
}

#[test]
fn a_reader_finds_the_old_document_until_the_new_one_is_complete() {
    let (registry, context) = release();
    fs::write(context.path("report.json"), "old").expect("a file");
    registry.freeze_after(16 + 5);
    let running = context.start("sync -j 1 --format human --format json=report.json");
    assert!(registry.wait_frozen(PATIENCE));
    assert_eq!(fs::read_to_string(context.path("report.json")).expect("a file"), "old");
    running.signal("INT");
    let output = running.wait().exits(130);
    registry.thaw_and_forget();
    assert!(output.verdict().starts_with("Interrupted after "), "{output}");
    let report = fs::read_to_string(context.path("report.json")).expect("a file");
    assert_eq!(serde_json::from_str::<Value>(&report).expect("JSON")["exit_status"], 130);
    let names = fs::read_dir(context.path("")).expect("a folder").count();
    assert_eq!(names, 2, "no temporary file is left beside manifests.toml and the report");
}
