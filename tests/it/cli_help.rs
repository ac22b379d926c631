//! The help pages, and rejected command lines.

use std::process::{Command, Output};

fn mlist(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mlist"));
    command.args(args).env_clear().current_dir(env!("CARGO_TARGET_TMPDIR")).output().unwrap()
}

fn page(args: &[&str]) -> String {
    let output = mlist(args);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), [].as_slice()), "{args:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "wider than 80: {wide:#?}");
    text
}

/// Returns the message for a command line that is rejected.
fn refused(args: &[&str]) -> String {
    let output = mlist(args);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), [].as_slice()), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_front_page() {
    insta::assert_snapshot!(page(&["--help"]), @r"
    Publish multi-arch manifest lists from manifests.toml, writing only what differs

    Usage: mlist COMMAND [OPTIONS]

      check     Check manifests.toml, without the network
      plan      Show what sync would publish, and why
      sync      Publish the lists that differ

      schema    Print the JSON Schema of manifests.toml, for editors

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml, here or above]
          --set <NAME=VALUE>  Set a variable of [vars]; ENTRY:NAME=V a list's own
          --root <DIR>        Refuse paths outside DIR
      -j, --jobs <N>          Requests in flight at once [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE
      -q, --quiet             Nothing on success
      -v, --verbose...        Show members and requests; -vv each request
          --color <WHEN>      auto, always, never
          --no-progress       Draw no progress
          --no-trunc          Show digests in full
      -h, --help              Print help
      -V, --version           Print version

    Exit status: 0 done, or nothing to do    1 no usable answer: try again
                 2 usage or manifests.toml   3 changes pending (plan --exit-code)
                 4 blocked: someone must act 130 interrupted, 143 terminated
    ");
    assert_eq!(page(&["-h"]), page(&["--help"]));
}

#[test]
fn check_has_a_page() {
    insta::assert_snapshot!(page(&["check", "--help"]), @r"
    Check manifests.toml, without the network

    Usage: mlist check [SELECTOR]... [OPTIONS]

    Arguments:
      [SELECTOR]...  Globs over list ids or targets [default: all]

    Options:
          --untrusted         A stranger's file: no environment, credentials, git
          --allow-env <NAME>  Let it read this environment variable all the same

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml, here or above]
          --set <NAME=VALUE>  Set a variable of [vars]; ENTRY:NAME=V a list's own
          --root <DIR>        Refuse paths outside DIR
      -j, --jobs <N>          Requests in flight at once [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE
      -q, --quiet             Nothing on success
      -v, --verbose...        Show members and requests; -vv each request
          --color <WHEN>      auto, always, never
          --no-progress       Draw no progress
          --no-trunc          Show digests in full
      -h, --help              Print help

    Exit status: 0 good                      2 usage or manifests.toml
    ");
}

#[test]
fn plan_has_a_page() {
    insta::assert_snapshot!(page(&["plan", "--help"]), @r"
    Show what sync would publish, and why

    Usage: mlist plan [SELECTOR]... [OPTIONS]

    Arguments:
      [SELECTOR]...  Globs over list ids or targets [default: all]

    Options:
          --exit-code         Exit with 3 where something would be published
          --untrusted         A stranger's file: no environment, credentials, git
          --allow-env <NAME>  Let it read this environment variable all the same

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml, here or above]
          --set <NAME=VALUE>  Set a variable of [vars]; ENTRY:NAME=V a list's own
          --root <DIR>        Refuse paths outside DIR
      -j, --jobs <N>          Requests in flight at once [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE
      -q, --quiet             Nothing on success
      -v, --verbose...        Show members and requests; -vv each request
          --color <WHEN>      auto, always, never
          --no-progress       Draw no progress
          --no-trunc          Show digests in full
      -h, --help              Print help

    Examples:
      mlist plan                       all of manifests.toml
      mlist plan 'kube-*' --set version=v1.31.0
      mlist plan --format human --format json=plan.json --exit-code

    Exit status: 0 nothing is in the way     1 no usable answer: try again
                 2 usage or manifests.toml   3 changes pending (--exit-code)
                 4 blocked: someone must act 130 interrupted, 143 terminated
    ");
}

#[test]
fn sync_has_a_page() {
    insta::assert_snapshot!(page(&["sync", "--help"]), @r"
    Publish the lists that differ: members, then the list, then its tags

    Usage: mlist sync [SELECTOR]... [OPTIONS]

    Arguments:
      [SELECTOR]...  Globs over list ids or targets [default: all]

    Options:
      -n, --dry-run    Show the plan, write nothing
          --fail-fast  Start nothing new after the first failure

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml, here or above]
          --set <NAME=VALUE>  Set a variable of [vars]; ENTRY:NAME=V a list's own
          --root <DIR>        Refuse paths outside DIR
      -j, --jobs <N>          Requests in flight at once [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE
      -q, --quiet             Nothing on success
      -v, --verbose...        Show members and requests; -vv each request
          --color <WHEN>      auto, always, never
          --no-progress       Draw no progress
          --no-trunc          Show digests in full
      -h, --help              Print help

    Examples:
      mlist sync                       all of manifests.toml; run again, it goes on
      mlist sync 'kube-*' --set version=v1.31.0
      mlist sync --format json=report.json

    Exit status: 0 all stands as declared    1 no usable answer: try again
                 2 usage or manifests.toml   4 blocked: someone must act
                 130 interrupted, 143 terminated
    ");
    assert_eq!(page(&["sync", "-h"]), page(&["sync", "--help"]));
}

#[test]
fn schema_has_a_page() {
    insta::assert_snapshot!(page(&["schema", "--help"]), @r"
    Print the JSON Schema of manifests.toml, for editors

    Usage: mlist schema [OPTIONS]

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml, here or above]
          --set <NAME=VALUE>  Set a variable of [vars]; ENTRY:NAME=V a list's own
          --root <DIR>        Refuse paths outside DIR
      -j, --jobs <N>          Requests in flight at once [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE
      -q, --quiet             Nothing on success
      -v, --verbose...        Show members and requests; -vv each request
          --color <WHEN>      auto, always, never
          --no-progress       Draw no progress
          --no-trunc          Show digests in full
      -h, --help              Print help

    Examples:
      mlist schema > manifests.schema.json
      #:schema ./manifests.schema.json      the first line of manifests.toml
    ");
}

#[test]
fn the_options_of_every_command_are_the_same_lines_everywhere() {
    let block = |page: String| {
        let lines = page.lines().skip_while(|line| *line != "Options for every command:");
        lines.take_while(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let front: Vec<String> = block(page(&["--help"])).into_iter().filter(|line| !line.contains("--version")).collect();
    for command in ["check", "plan", "sync", "schema"] {
        assert_eq!(block(page(&[command, "--help"])), front, "{command}");
    }
}

#[test]
fn the_version_is_one_line() {
    assert_eq!(page(&["--version"]), format!("mlist {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn other_tools_words_are_answered_with_ours() {
    for (theirs, ours) in [
        ("apply", "sync"),
        ("push", "sync"),
        ("publish", "sync"),
        ("diff", "plan"),
        ("status", "plan"),
        ("validate", "check"),
        ("lint", "check"),
        ("help", "--help"),
        ("login", "docker login"),
        ("logout", "docker logout"),
    ] {
        let text = refused(&[theirs]);
        assert!(text.contains(&format!("there is no `{theirs}`; `{ours}` does that")), "{text}");
    }
}

#[test]
fn out_and_output_point_to_format() {
    for args in [["plan", "--out", "json"], ["plan", "--output", "json"], ["sync", "-o", "json"]] {
        let text = refused(&args);
        assert!(text.contains("`--format json`"), "{args:?}: {text}");
    }
    assert!(refused(&["plan", "--output=json"]).contains("`--format json`"));
}

#[test]
fn options_of_other_tools_are_answered_with_what_does_that_here() {
    for (args, ours) in [
        (["sync", "--insecure"], r#"[registry."HOST"] insecure = true"#),
        (["plan", "--tls-verify=false"], r#"[registry."HOST"] insecure = true"#),
        (["sync", "--plain-http"], r#"[registry."HOST"] http = true"#),
        (["sync", "--creds=ci-bot:s3cret"], "docker login"),
        (["sync", "--password=s3cret"], "password-env"),
        (["plan", "--authfile=auth.json"], "REGISTRY_AUTH_FILE"),
        (["plan", "--cert-dir=certs"], "certs.d/HOST"),
    ] {
        let text = refused(&args);
        let option = args[1].split('=').next().unwrap();
        assert!(text.contains(&format!("there is no `{option}`; ")) && text.contains(ours), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn a_strangers_file_is_not_published() {
    for args in [&["sync", "--untrusted"][..], &["sync", "--allow-env", "REGISTRY"]] {
        let text = refused(args);
        assert!(text.contains(&format!("`{}` is for `check` and `plan`", args[1])), "{text}");
    }
}

#[test]
fn an_option_before_the_command_is_sent_behind_it() {
    insta::assert_snapshot!(refused(&["-f", "manifests.toml", "sync"]), @r"
    error: `-f` stands behind the command: mlist COMMAND -f

    Usage: mlist COMMAND [OPTIONS]

    For more information, try '--help'.
    ");
}

#[test]
fn what_is_no_value_is_refused_with_the_right_spelling() {
    insta::assert_snapshot!(refused(&["plan", "--format", "yaml"]), @r"
    error: invalid value 'yaml' for '--format <FORMAT>': write human or json, with =FILE for a file

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["plan", "--set", "version"]), @r"
    error: invalid value 'version' for '--set <NAME=VALUE>': write NAME=VALUE, or ENTRY:NAME=VALUE for one list

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["plan", "-j", "0"]), @r"
    error: invalid value '0' for '--jobs <N>': write a number from 1

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["plan", "--no-cache"]), @r"
    error: unexpected argument '--no-cache' found

    Usage: mlist plan [SELECTOR]... [OPTIONS]

    For more information, try '--help'.
    ");
}

#[test]
fn what_excludes_each_other_or_does_not_exist_is_refused() {
    for args in [
        &["sync", "-q", "-v"][..],
        &["sync", "-j", "0"],
        &["plan", "--format", "json", "--format", "json"],
        &["sync", "--color", "sometimes"],
        &["sync", "--plan", "plan.json"],
        &["schema", "kube"],
        &["verify"],
        &["-x"],
    ] {
        let text = refused(args);
        assert!(text.starts_with("error: "), "{args:?}: {text}");
    }
}

#[test]
fn no_command_shows_the_front_page_and_is_no_success() {
    assert_eq!(refused(&[]), page(&["--help"]));
}
