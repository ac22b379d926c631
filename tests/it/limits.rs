//! Low limits of the process, and reports that cannot be written, are found before anything is published.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::context::{Context, program};

/// A project that publishes one list into the layout `out`.
fn project() -> Context {
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/images");
    Context::with(&format!(
        "[list.hello]\nsource = \"oci:{}/hello-{{arch}}:v1.0.0\"\ntarget = \"oci:out/hello\"\ntags = [\"1\"]\n\
         platforms = [\"linux/amd64\", \"linux/arm64\"]\n",
        images.display()
    ))
}

/// Runs `mlist sync` below `prefix` and `ulimit LIMIT`. Returns its exit status, or 128 and the number of the signal
/// that ended it, and what it wrote.
fn limited(context: &Context, prefix: &[&str], limit: &str, program: &Path) -> (i32, String) {
    let script = format!("ulimit {limit}; \"$0\" sync; exit $?");
    let mut words = prefix.iter().copied().chain(["bash", "-c", &script]);
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).arg(program).current_dir(context.path(""));
    let output = command.env_clear().envs(context.environment()).output().expect("bash");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code().unwrap_or(255), text)
}

#[test]
fn a_low_limit_is_reported_before_anything_is_published() {
    let context = project();
    // The program itself, with its debug information, does not fit into less memory.
    for (flag, limits, said) in [
        ("n", &[4, 5, 6, 7, 8, 9, 10, 11, 12][..], "the open file limit is too low"),
        ("v", &[60_000, 100_000, 300_000, 500_000], "the memory limit is too low"),
    ] {
        for limit in limits {
            let (status, text) = limited(&context, &[], &format!("-{flag} {limit}"), program());
            assert_eq!(status, 1, "{flag} {limit}: {text}");
            assert!(text.contains("mlist::cli::low_limit") && text.contains(said), "{flag} {limit}: {text}");
            assert!(text.contains(&format!("help: raise it with `ulimit -{flag} ")), "{text}");
            assert!(!context.path("out").exists(), "{text}");
        }
    }
}

#[test]
fn a_small_stack_and_little_memory_are_enough() {
    for limit in ["-s 64", "-v 540000", "-n 64"] {
        let context = project();
        let (status, text) = limited(&context, &[], limit, program());
        assert_eq!((status, context.path("out").exists()), (0, true), "{limit}: {text}");
    }
}

#[test]
fn too_few_threads_are_reported() {
    // Only root can become another user, and for root there is no such limit.
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) != 0) {
        return;
    }
    let context = project();
    let copy = context.path("program");
    fs::copy(program(), &copy).unwrap();
    for path in [context.path(".."), context.path(""), context.home(), context.docker_config(), copy.clone()] {
        fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    }
    let user = std::process::id() + 1_000_000;
    let prefix = ["setpriv", &format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"];
    for limit in 2..=4 {
        let (status, text) = limited(&context, &prefix, &format!("-u {limit}"), &copy);
        assert_eq!(status, 1, "{limit}: {text}");
        assert!(text.contains("cannot start enough threads") && !context.path("out").exists(), "{limit}: {text}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_reported_before_anything_is_published() {
    let context = project();
    fs::write(context.path("old.json"), "old").unwrap();
    for file in ["none/r.json", "out-is-a-folder", "manifests.toml/r.json"] {
        fs::create_dir_all(context.path("out-is-a-folder")).unwrap();
        for command in ["sync", "plan", "check"] {
            let formats = format!("{command} --format human --format json=old.json --format json={file}");
            let output = context.mlist(&formats).exits(2);
            assert!(output.stderr.contains("mlist::ui::unwritable"), "{output}");
            assert!(output.stderr.contains(&format!("cannot write to {file}\n")), "{output}");
            assert!(!context.path("out").exists(), "{output}");
        }
    }
    assert_eq!(fs::read_to_string(context.path("old.json")).unwrap(), "old");
    let output = context.mlist("sync --format json --format json=none/r.json").exits(2);
    assert_eq!(output.json()["problems"][0]["code"], "mlist::ui::unwritable");
}

#[test]
fn a_file_that_can_be_written_is_not_touched_before_the_end() {
    let context = project();
    fs::write(context.path("old.json"), "old").unwrap();
    context.manifest("nonsense");
    // The report of a failure replaces it, too, and a new one appears.
    context.mlist("check --format json=old.json --format json=new.json --format json=/dev/null").exits(2);
    for name in ["old.json", "new.json"] {
        assert!(fs::read_to_string(context.path(name)).unwrap().contains("problems"), "{name}");
    }
    let names = fs::read_dir(context.path("")).unwrap().count();
    assert_eq!(names, 3, "manifests.toml and two reports");
}

#[test]
fn check_needs_less_memory_and_no_threads() {
    let context = project();
    let command = |limit: &str| {
        let script = format!("ulimit {limit}; exec \"$0\" check");
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).arg(program()).current_dir(context.path(""));
        bash.env_clear().envs(context.environment()).output().expect("bash")
    };
    let output = command("-v 100000");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = command("-v 60000");
    assert!(String::from_utf8_lossy(&output.stderr).contains("at least 64 MiB are needed"));
}
