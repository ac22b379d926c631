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
    Publish multi-arch manifest lists from manifests.toml, writing only changes

    Usage: mlist COMMAND [OPTIONS]

      check     Check manifests.toml without using the network
      plan      Show what sync would publish, and why
      sync      Publish the lists that differ from the registry
      verify    Check that the published lists are as declared and can be pulled

      ls        Show the lists and their members, or the tags of their repositories
      inspect   Show what a reference leads to: platforms, attestations, signatures

      schema    Print the JSON Schema of manifests.toml, for editors

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml in this
                              directory or the closest parent that has one]
          --set <NAME=VALUE>  Set a variable; LIST:NAME=VALUE for one list
          --root <DIR>        Allow only paths inside DIR
      -j, --jobs <N>          Maximum number of parallel requests [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE writes to a file
      -q, --quiet             Print nothing on success
      -v, --verbose...        Show details; -vv also shows each request
          --color <WHEN>      When to use color: auto, always or never
          --no-progress       Hide progress bars
          --no-trunc          Show full digests
      -h, --help              Print help
      -V, --version           Print version

    Exit status: 0 done, or nothing to do    1 failed: registry error
                 2 invalid usage or file     3 differences (verify, --exit-code)
                 4 blocked: action needed    130 interrupted, 143 terminated
    ");
    assert_eq!(page(&["-h"]), page(&["--help"]));
}

#[test]
fn check_has_a_page() {
    insta::assert_snapshot!(page(&["check", "--help"]), @r"
    Check manifests.toml without using the network

    Usage: mlist check [SELECTOR]... [OPTIONS]

    Arguments:
      [SELECTOR]...  Ids or targets of lists, or globs [default: all]

    Options:
          --untrusted         For files from untrusted authors: use no credentials,
                              no git and no environment variables
          --allow-env <NAME>  Allow the file to read this environment variable

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml in this
                              directory or the closest parent that has one]
          --set <NAME=VALUE>  Set a variable; LIST:NAME=VALUE for one list
          --root <DIR>        Allow only paths inside DIR
      -j, --jobs <N>          Maximum number of parallel requests [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE writes to a file
      -q, --quiet             Print nothing on success
      -v, --verbose...        Show details; -vv also shows each request
          --color <WHEN>      When to use color: auto, always or never
          --no-progress       Hide progress bars
          --no-trunc          Show full digests
      -h, --help              Print help
      -V, --version           Print version

    Exit status: 0 no errors                 2 invalid usage or file
    ");
}

#[test]
fn plan_has_a_page() {
    insta::assert_snapshot!(page(&["plan", "--help"]), @r"
    Show what sync would publish, and why

    Usage: mlist plan [SELECTOR]... [OPTIONS]

    Arguments:
      [SELECTOR]...  Ids or targets of lists, or globs [default: all]

    Options:
          --exit-code         Exit with status 3 if there are changes to publish
          --repair            Also repair published lists whose images are missing
          --blobs             With --repair, also check each config and layer
          --untrusted         For files from untrusted authors: use no credentials,
                              no git and no environment variables
          --allow-env <NAME>  Allow the file to read this environment variable

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml in this
                              directory or the closest parent that has one]
          --set <NAME=VALUE>  Set a variable; LIST:NAME=VALUE for one list
          --root <DIR>        Allow only paths inside DIR
      -j, --jobs <N>          Maximum number of parallel requests [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE writes to a file
      -q, --quiet             Print nothing on success
      -v, --verbose...        Show details; -vv also shows each request
          --color <WHEN>      When to use color: auto, always or never
          --no-progress       Hide progress bars
          --no-trunc          Show full digests
      -h, --help              Print help
      -V, --version           Print version

    Examples:
      mlist plan                       all lists in manifests.toml
      mlist plan 'kube-*' --set version=v1.31.0
      mlist plan --format human --format json=plan.json --exit-code

    Exit status: 0 no errors                 1 failed: registry error
                 2 invalid usage or file     3 changes to publish (--exit-code)
                 4 blocked: action needed    130 interrupted, 143 terminated
    ");
}

#[test]
fn sync_has_a_page() {
    insta::assert_snapshot!(page(&["sync", "--help"]), @r"
    Publish the lists that differ from the registry: members, then list, then tags

    Usage: mlist sync [SELECTOR]... [OPTIONS]

    Arguments:
      [SELECTOR]...  Ids or targets of lists, or globs [default: all]

    Options:
      -n, --dry-run    Show the plan and write nothing
          --fail-fast  Do not start more lists after the first failure
          --repair     Also repair published lists whose images are missing
          --blobs      With --repair, also check each config and layer

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml in this
                              directory or the closest parent that has one]
          --set <NAME=VALUE>  Set a variable; LIST:NAME=VALUE for one list
          --root <DIR>        Allow only paths inside DIR
      -j, --jobs <N>          Maximum number of parallel requests [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE writes to a file
      -q, --quiet             Print nothing on success
      -v, --verbose...        Show details; -vv also shows each request
          --color <WHEN>      When to use color: auto, always or never
          --no-progress       Hide progress bars
          --no-trunc          Show full digests
      -h, --help              Print help
      -V, --version           Print version

    Examples:
      mlist sync                       all lists; if interrupted, run it again
      mlist sync 'kube-*' --set version=v1.31.0
      mlist sync --repair              also publish images again that were deleted
      mlist sync --format json=report.json

    Exit status: 0 everything is up to date  1 failed: registry error
                 2 invalid usage or file     4 blocked: action needed
                 130 interrupted, 143 terminated
    ");
    assert_eq!(page(&["sync", "-h"]), page(&["sync", "--help"]));
}

#[test]
fn verify_has_a_page() {
    insta::assert_snapshot!(page(&["verify", "--help"]), @r"
    Check that the published lists are as declared and can be pulled

    Usage: mlist verify [SELECTOR]... [OPTIONS]

    Arguments:
      [SELECTOR]...  Ids or targets of lists, or globs [default: all]

    Options:
          --blobs             Also check each config and layer
          --untrusted         For files from untrusted authors: use no credentials,
                              no git and no environment variables
          --allow-env <NAME>  Allow the file to read this environment variable

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml in this
                              directory or the closest parent that has one]
          --set <NAME=VALUE>  Set a variable; LIST:NAME=VALUE for one list
          --root <DIR>        Allow only paths inside DIR
      -j, --jobs <N>          Maximum number of parallel requests [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE writes to a file
      -q, --quiet             Print nothing on success
      -v, --verbose...        Show details; -vv also shows each request
          --color <WHEN>      When to use color: auto, always or never
          --no-progress       Hide progress bars
          --no-trunc          Show full digests
      -h, --help              Print help
      -V, --version           Print version

    Examples:
      mlist verify                     each list, its tags and its images
      mlist verify 'kube-*' --blobs    also the config and layers of each image
      mlist verify --format json=verification.json

    If a source was deleted after its image was published, verify reports no
    difference.

    Exit status: 0 as declared               1 failed: registry error
                 2 invalid usage or file     3 different, damaged or not found
                 4 blocked: action needed    130 interrupted, 143 terminated
    ");
}

#[test]
fn ls_has_a_page() {
    insta::assert_snapshot!(page(&["ls", "--help"]), @r"
    Show the lists and their members, or the tags of their repositories

    Usage: mlist ls [SELECTOR]... [OPTIONS]

    Arguments:
      [SELECTOR]...  Ids or targets of lists, or globs [default: all]

    Options:
          --offline           Show what the file declares, without using the network
          --tags              Show the tags that the target repositories have
          --limit <N>         Maximum number of tags per repository [default: 20]
          --untrusted         For files from untrusted authors: use no credentials,
                              no git and no environment variables
          --allow-env <NAME>  Allow the file to read this environment variable

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml in this
                              directory or the closest parent that has one]
          --set <NAME=VALUE>  Set a variable; LIST:NAME=VALUE for one list
          --root <DIR>        Allow only paths inside DIR
      -j, --jobs <N>          Maximum number of parallel requests [default: 64]
          --format <FORMAT>   human, json or html; FORMAT=FILE writes to a file
      -q, --quiet             Print nothing on success
      -v, --verbose...        Show details; -vv also shows each request
          --color <WHEN>      When to use color: auto, always or never
          --no-progress       Hide progress bars
          --no-trunc          Show full digests
      -h, --help              Print help
      -V, --version           Print version

    Examples:
      mlist ls                         all lists: what is published, what differs
      mlist ls 'kube-*' --offline      what the file declares
      mlist ls --tags --limit 100
      mlist ls --format html=public/index.html      a page for a website

    Exit status: 0 no errors                 1 failed: registry error
                 2 invalid usage or file     130 interrupted, 143 terminated
    ");
    assert_eq!(page(&["list", "--help"]), page(&["ls", "--help"]));
}

#[test]
fn inspect_has_a_page() {
    insta::assert_snapshot!(page(&["inspect", "--help"]), @r#"
    Show what a reference leads to: platforms, attestations, signatures

    Usage: mlist inspect REF [OPTIONS]

    Arguments:
      <REF>  HOST/REPOSITORY:TAG, HOST/REPOSITORY@DIGEST or oci:DIR:TAG

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml in this
                              directory or the closest parent that has one]
          --set <NAME=VALUE>  Set a variable; LIST:NAME=VALUE for one list
          --root <DIR>        Allow only paths inside DIR
      -j, --jobs <N>          Maximum number of parallel requests [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE writes to a file
      -q, --quiet             Print nothing on success
      -v, --verbose...        Show details; -vv also shows each request
          --color <WHEN>      When to use color: auto, always or never
          --no-progress       Hide progress bars
          --no-trunc          Show full digests
      -h, --help              Print help
      -V, --version           Print version

    Settings in [registry."HOST"] of a manifests.toml are used if one is found.

    Examples:
      mlist inspect quay.io/acme/app:v1.2
      mlist inspect oci:build/images:v1.2 -v
      mlist inspect quay.io/acme/app:v1.2 --format json

    Exit status: 0 no errors                 1 failed: registry error
                 2 invalid usage or file     4 not found, or a corrupt layout
                 130 interrupted, 143 terminated
    "#);
    assert_eq!(page(&["inspect", "-h"]), page(&["inspect", "--help"]));
}

#[test]
fn a_reference_that_is_not_valid_is_refused_without_its_password() {
    let reasons = ["ubuntu", "https://quay.io/acme/app:v1", "bot:s3cret@quay.io/acme/app:v1", "quay.io/acme/app:a+b"];
    let reasons: Vec<String> = reasons.iter().map(|reference| reason(&["inspect", reference])).collect();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    `ubuntu` on Docker Hub has no tag or digest; add :TAG or @DIGEST (latest is never assumed)
    `https://quay.io/acme/app:v1` starts with a URL scheme, which references do not have; remove the scheme
    `…@quay.io/acme/app:v1` contains a user name, which references do not have
    invalid character `+` in tag `a+b`: tags allow letters, digits, `_`, `.` and `-`
    ");
}

#[test]
fn schema_has_a_page() {
    insta::assert_snapshot!(page(&["schema", "--help"]), @r"
    Print the JSON Schema of manifests.toml, for editors

    Usage: mlist schema [OPTIONS]

    Options for every command:
      -f, --file <FILE>       File to read [default: manifests.toml in this
                              directory or the closest parent that has one]
          --set <NAME=VALUE>  Set a variable; LIST:NAME=VALUE for one list
          --root <DIR>        Allow only paths inside DIR
      -j, --jobs <N>          Maximum number of parallel requests [default: 64]
          --format <FORMAT>   human or json; FORMAT=FILE writes to a file
      -q, --quiet             Print nothing on success
      -v, --verbose...        Show details; -vv also shows each request
          --color <WHEN>      When to use color: auto, always or never
          --no-progress       Hide progress bars
          --no-trunc          Show full digests
      -h, --help              Print help
      -V, --version           Print version

    Examples:
      mlist schema > manifests.schema.json
      #:schema ./manifests.schema.json      first line of manifests.toml
    ");
}

#[test]
fn the_options_of_every_command_are_the_same_lines_everywhere() {
    let block = |page: String| {
        let lines = page.lines().skip_while(|line| *line != "Options for every command:");
        lines.take_while(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let front = block(page(&["--help"]));
    for command in ["check", "plan", "sync", "verify", "inspect", "schema"] {
        assert_eq!(block(page(&[command, "--help"])), front, "{command}");
    }
}

#[test]
fn the_version_is_one_line() {
    let version = format!("mlist {}\n", env!("CARGO_PKG_VERSION"));
    for args in
        [&["--version"][..], &["-V"], &["plan", "--version"], &["check", "-V"], &["sync", "-V"], &["schema", "-V"]]
    {
        assert_eq!(page(args), version, "{args:?}");
    }
}

#[test]
fn help_and_version_work_as_commands() {
    assert_eq!(page(&["help"]), page(&["--help"]));
    for command in ["check", "plan", "sync", "verify", "inspect", "schema"] {
        assert_eq!(page(&["help", command]), page(&[command, "--help"]));
    }
    assert_eq!(page(&["version"]), page(&["--version"]));
    assert!(refused(&["help", "create"]).contains("there is no `create`; "));
    assert!(refused(&["help", "frob"]).contains("unrecognized subcommand 'frob'"));
}

/// Returns the message without clap's usage and hint, which are the same for all.
fn reason(args: &[&str]) -> String {
    let text = refused(args);
    let message = text.strip_prefix("error: ").and_then(|text| text.strip_suffix(USAGE));
    message.unwrap_or_else(|| panic!("{text}")).to_owned()
}

const USAGE: &str = "\n\nUsage: mlist COMMAND [OPTIONS]\n\nFor more information, try '--help'.\n";

#[test]
fn commands_of_other_tools_are_answered_with_what_to_do_now() {
    let commands = [
        "apply", "push", "publish", "diff", "status", "validate", "lint", "login", "logout", "create", "manifest",
        "append", "remove", "annotate", "tag", "rm", "show", "undo", "import", "init", "pull", "copy", "build",
    ];
    let reasons: Vec<String> = commands.iter().map(|command| reason(&[command])).collect();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    there is no `apply`; use `mlist sync`
    there is no `push`; use `mlist sync`
    there is no `publish`; use `mlist sync`
    there is no `diff`; use `mlist plan`
    there is no `status`; use `mlist plan`
    there is no `validate`; use `mlist check`
    there is no `lint`; use `mlist check`
    there is no `login`; use `docker login` or `podman login`: mlist reads their credentials
    there is no `logout`; use `docker logout` or `podman logout`: mlist stores no credentials
    there is no `create`; declare the list in manifests.toml and run `mlist sync`
    there is no `manifest`; declare the list in manifests.toml and run `mlist sync`
    there is no `append`; change `platforms` of the list in manifests.toml and run `mlist sync`
    there is no `remove`; change `platforms` of the list in manifests.toml and run `mlist sync`
    there is no `annotate`; set `platforms` and `annotations` of the list in manifests.toml and run `mlist sync`
    there is no `tag`; add the tag to `tags` of the list in manifests.toml and run `mlist sync`
    there is no `rm`; mlist does not delete tags: use your registry's tool, or `skopeo delete`
    there is no `show`; use `mlist inspect`
    there is no `undo`; publish the previous version again, such as `mlist sync --set version=VERSION`
    there is no `import`; write manifests.toml yourself (`mlist schema` prints a schema for your editor)
    there is no `init`; write manifests.toml yourself (`mlist schema` prints a schema for your editor)
    there is no `pull`; use `docker pull` or `podman pull`
    there is no `copy`; declare `source` and `target` in manifests.toml and run `mlist sync`
    there is no `build`; build and push images with your build tool, then run `mlist sync`
    ");
    assert_eq!(reason(&["create", "--tag", "v1", "a", "b"]), reason(&["create"]));
}

#[test]
fn options_of_other_tools_are_answered_with_what_to_do_now() {
    let lines = [
        "plan --json",
        "plan --output json",
        "sync -o json",
        "sync --force",
        "sync --yes",
        "sync -y",
        "sync --tag v1",
        "sync -t v1",
        "sync --platform linux/arm64",
        "sync --annotation a=b",
        "sync --amend",
        "sync --purge",
        "sync --all",
        "sync --insecure",
        "plan --tls-verify=false",
        "sync --plain-http",
        "sync --creds=ci-bot:s3cret",
        "sync --password=s3cret",
        "plan --authfile=auth.json",
        "plan --cert-dir=certs",
        "plan --config x.toml",
        "sync --parallel 4",
        "plan --var version=v1",
        "plan --no-color",
        "plan --debug",
        "plan --dry-run",
        "plan -n",
        "check --dry-run",
        "sync --untrusted",
        "sync --allow-env REGISTRY",
    ];
    let reasons: Vec<String> =
        lines.iter().map(|line| format!("{line}\n  {}", reason(&line.split(' ').collect::<Vec<_>>()))).collect();
    let reasons = reasons.join("\n");
    insta::assert_snapshot!(reasons, @r#"
    plan --json
      there is no `--json`; use `--format json`
    plan --output json
      there is no `--output`; use `--format json`, or `--format json=FILE`
    sync -o json
      there is no `-o`; use `--format json`, or `--format json=FILE`
    sync --force
      there is no `--force`; `mlist sync` moves every tag that differs, except tags that match `immutable` in manifests.toml
    sync --yes
      there is no `--yes`; mlist never prompts for confirmation (`mlist plan` shows what `mlist sync` would write)
    sync -y
      there is no `-y`; mlist never prompts for confirmation (`mlist plan` shows what `mlist sync` would write)
    sync --tag v1
      there is no `--tag`; add the tag to `tags` of the list in manifests.toml and run `mlist sync`
    sync -t v1
      there is no `-t`; add the tag to `tags` of the list in manifests.toml and run `mlist sync`
    sync --platform linux/arm64
      there is no `--platform`; change `platforms` of the list in manifests.toml and run `mlist sync`
    sync --annotation a=b
      there is no `--annotation`; set `annotations` of the list in manifests.toml
    sync --amend
      there is no `--amend`; `mlist sync` updates lists that exist
    sync --purge
      there is no `--purge`; mlist stores nothing on this machine
    sync --all
      there is no `--all`; without arguments, all lists are used
    sync --insecure
      there is no `--insecure`; in manifests.toml, below `[registry."HOST"]`, set `http = true` to use plain HTTP, or `insecure = true` to use HTTPS and accept any certificate
    plan --tls-verify=false
      there is no `--tls-verify`; in manifests.toml, below `[registry."HOST"]`, set `http = true` to use plain HTTP, or `insecure = true` to use HTTPS and accept any certificate
    sync --plain-http
      there is no `--plain-http`; in manifests.toml, below `[registry."HOST"]`, set `http = true`
    sync --creds=ci-bot:s3cret
      there is no `--creds`; use `docker login`, or set `username-env` and `password-env` below `[registry."HOST"]` in manifests.toml
    sync --password=s3cret
      there is no `--password`; use `docker login`, or set `username-env` and `password-env` below `[registry."HOST"]` in manifests.toml
    plan --authfile=auth.json
      there is no `--authfile`; set the environment variable REGISTRY_AUTH_FILE
    plan --cert-dir=certs
      there is no `--cert-dir`; use a directory such as /etc/containers/certs.d/HOST, or set `ca` below `[registry."HOST"]` in manifests.toml
    plan --config x.toml
      there is no `--config`; use `--file FILE`
    sync --parallel 4
      there is no `--parallel`; use `--jobs N`
    plan --var version=v1
      there is no `--var`; use `--set NAME=VALUE`
    plan --no-color
      there is no `--no-color`; use `--color never`
    plan --debug
      there is no `--debug`; use `-vv`
    plan --dry-run
      there is no `--dry-run` for `mlist plan`; remove it (`mlist plan` writes nothing)
    plan -n
      there is no `-n` for `mlist plan`; remove it (`mlist plan` writes nothing)
    check --dry-run
      there is no `--dry-run` for `mlist check`; remove it (`mlist check` writes nothing)
    sync --untrusted
      there is no `--untrusted` for `mlist sync`; use `mlist plan --untrusted` (files from untrusted authors are never published)
    sync --allow-env REGISTRY
      there is no `--allow-env` for `mlist sync`; remove it (`mlist sync` reads environment variables without it)
    "#);
    assert!(!reasons.lines().any(|line| line.starts_with(' ') && line.contains("s3cret")));
}

#[test]
fn an_option_before_the_command_is_an_error_that_names_the_right_order() {
    insta::assert_snapshot!(refused(&["-f", "manifests.toml", "sync"]), @r"
    error: `-f` must come after the command: mlist COMMAND -f

    Usage: mlist COMMAND [OPTIONS]

    For more information, try '--help'.
    ");
    assert!(refused(&["--dry-run", "sync"]).contains("`--dry-run` must come after the command"));
    assert!(refused(&["--frob", "sync"]).contains("unexpected argument '--frob'"));
}

#[test]
fn a_value_that_is_not_valid_is_refused_with_what_is_expected() {
    insta::assert_snapshot!(refused(&["plan", "--format", "yaml"]), @r"
    error: invalid value 'yaml' for '--format <FORMAT>': unknown format: expected human, json, human=FILE or json=FILE

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["plan", "--set", "version"]), @r"
    error: invalid value 'version' for '--set <NAME=VALUE>': expected NAME=VALUE, or LIST:NAME=VALUE for one list

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["plan", "--set", "=v1"]), @r"
    error: invalid value '=v1' for '--set <NAME=VALUE>': a name is missing: expected NAME=VALUE, or LIST:NAME=VALUE for one list

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["plan", "--format", "json="]), @r"
    error: invalid value 'json=' for '--format <FORMAT>': a file name is missing after `json=`

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["plan", "--untrusted", "--allow-env", "A=b"]), @r"
    error: invalid value 'A=b' for '--allow-env <NAME>': expected the name of an environment variable, without a value

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(reason(&["plan", "--format", "json", "--format", "json"]), @r"
    only one format can be written to stdout; write the other to a file, such as `--format json=FILE`
    ");
    for command in ["plan", "sync"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(reason(&[command, "--blobs"]), @"`--blobs` requires `--repair`: write `--repair --blobs`, or use `mlist verify --blobs` to check without publishing");
        }
    }
    insta::assert_snapshot!(refused(&["plan", "-j", "0"]), @r"
    error: invalid value '0' for '--jobs <N>': expected a whole number, 1 or greater

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
        &["-x"],
    ] {
        let text = refused(args);
        assert!(text.starts_with("error: "), "{args:?}: {text}");
    }
}

#[test]
fn without_a_command_the_front_page_is_shown_as_an_error() {
    assert_eq!(refused(&[]), page(&["--help"]));
}
