//! [`translate`]: `help` and `version` written as commands. [`answer`]: what to use instead of the commands and options
//! of other tools.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, CommandFactory as _};

use super::args::Args;

const DECLARE: &str = "declare the list in manifests.toml and run `mlist sync`";
const PLATFORMS: &str = "change `platforms` of the list in manifests.toml and run `mlist sync`";
const TAGS: &str = "add the tag to `tags` of the list in manifests.toml and run `mlist sync`";
const LOGIN: &str = "use `docker login` or `podman login`: mlist reads their credentials";
const LOGOUT: &str = "use `docker logout` or `podman logout`: mlist stores no credentials";

/// Commands of other tools, and what to use instead.
const COMMANDS: [(&[&str], &str); 16] = [
    (&["apply", "push", "publish", "update"], "use `mlist sync`"),
    (&["diff", "status", "preview"], "use `mlist plan`"),
    (&["validate", "lint"], "use `mlist check`"),
    (&["login"], LOGIN),
    (&["logout"], LOGOUT),
    (&["create", "manifest", "imagetools", "index"], DECLARE),
    (&["append", "add", "remove"], PLATFORMS),
    (&["annotate"], "set `platforms` and `annotations` of the list in manifests.toml and run `mlist sync`"),
    (&["tag"], TAGS),
    (&["rm", "delete", "untag", "prune"], "mlist does not delete tags: use your registry's tool, or `skopeo delete`"),
    (&["show"], "use `mlist inspect`"),
    (&["undo", "rollback", "revert"], "publish the previous version again, such as `mlist sync --set version=VERSION`"),
    (
        &["import", "init", "new", "edit"],
        "write manifests.toml yourself (`mlist schema` prints a schema for your editor)",
    ),
    (&["pull"], "use `docker pull` or `podman pull`"),
    (&["copy", "cp", "mirror"], "declare `source` and `target` in manifests.toml and run `mlist sync`"),
    (&["build", "bake"], "build and push images with your build tool, then run `mlist sync`"),
];

/// Options of other tools, and what to use instead.
const OPTIONS: [(&[&str], &str); 20] = [
    (&["--json"], "use `--format json`"),
    (&["--out", "--output", "-o"], "use `--format json`, or `--format json=FILE`"),
    (
        &["--force", "--overwrite"],
        "`mlist sync` moves every tag that differs, except tags that match `immutable` in manifests.toml",
    ),
    (
        &["--yes", "-y", "--assume-yes", "--auto-approve"],
        "mlist never prompts for confirmation (`mlist plan` shows what `mlist sync` would write)",
    ),
    (&["--tag", "-t"], TAGS),
    (&["--platform", "--platforms", "--arch", "--os", "--variant", "--os-version"], PLATFORMS),
    (&["--annotation"], "set `annotations` of the list in manifests.toml"),
    (&["--amend", "-a", "--append"], "`mlist sync` updates lists that exist"),
    (&["--purge", "-p", "--rm"], "mlist stores nothing on this machine"),
    (&["--all"], "without arguments, all lists are used"),
    (
        &["--insecure", "--tls-verify", "--skip-tls-verify", "--insecure-registry", "-k"],
        "in manifests.toml, below `[registry.\"HOST\"]`, set `http = true` to use plain HTTP, or `insecure = true` to use \
         HTTPS and accept any certificate",
    ),
    (&["--plain-http"], "in manifests.toml, below `[registry.\"HOST\"]`, set `http = true`"),
    (
        &["--creds", "--username", "--password", "--password-stdin"],
        "use `docker login`, or set `username-env` and `password-env` below `[registry.\"HOST\"]` in manifests.toml",
    ),
    (&["--authfile"], "set the environment variable REGISTRY_AUTH_FILE"),
    (
        &["--cert-dir", "--cacert"],
        "use a directory such as /etc/containers/certs.d/HOST, or set `ca` below `[registry.\"HOST\"]` in manifests.toml",
    ),
    (&["--config", "--filename", "--manifest"], "use `--file FILE`"),
    (&["--concurrency", "--parallel", "--parallelism"], "use `--jobs N`"),
    (&["--var", "--env", "-e"], "use `--set NAME=VALUE`"),
    (&["--no-color"], "use `--color never`"),
    (&["--debug"], "use `-vv`"),
];

/// Returns the arguments with `help` and `version`, if one of them is written as the command, replaced by the option.
pub(super) fn translate(mut args: Vec<OsString>) -> Vec<OsString> {
    match args.get(1).and_then(|word| word.to_str()) {
        Some("help") => {
            args.remove(1);
            args.push("--help".into());
            return translate(args);
        }
        Some("version") => args[1] = "--version".into(),
        _ => {}
    }
    args
}

/// Returns a clearer error if the argument is another tool's name for something that mlist can do, or an option of mlist
/// in the wrong place. Otherwise returns `error` without clap's suggestion.
pub(super) fn answer(mut error: clap::Error, args: &[OsString]) -> clap::Error {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let message = match error.kind() {
        ErrorKind::InvalidSubcommand => context(ContextKind::InvalidSubcommand).and_then(|word| command(&word)),
        ErrorKind::UnknownArgument => context(ContextKind::InvalidArg).and_then(|option| self::option(&option, args)),
        _ => None,
    };
    // clap suggests that `--no-cache` might be a selector. This does not help, because no list has such a name.
    error.remove(ContextKind::Suggested);
    message.map_or(error, |message| Args::command().error(ErrorKind::InvalidValue, message))
}

fn command(word: &str) -> Option<String> {
    let (_, instead) = COMMANDS.iter().find(|(words, _)| words.contains(&word))?;
    Some(format!("there is no `{word}`; {instead}"))
}

fn option(option: &str, args: &[OsString]) -> Option<String> {
    let name = option.split('=').next().unwrap_or(option);
    let first = args.get(1)?.to_str()?;
    match name {
        "--untrusted" if first == "sync" => {
            let instead = "use `mlist plan --untrusted` (files from untrusted authors are never published)";
            return Some(format!("there is no `{name}` for `mlist sync`; {instead}"));
        }
        "--allow-env" if first == "sync" => {
            let instead = "remove it (`mlist sync` reads environment variables without it)";
            return Some(format!("there is no `{name}` for `mlist sync`; {instead}"));
        }
        "--tags" if !first.starts_with('-') => {
            return Some(format!("there is no `{name}` for `mlist {first}`; {TAGS}"));
        }
        "--dry-run" | "-n" if matches!(first, "plan" | "check" | "ls") => {
            return Some(format!(
                "there is no `{name}` for `mlist {first}`; remove it (`mlist {first}` writes nothing)"
            ));
        }
        _ => {}
    }
    if let Some((_, instead)) = OPTIONS.iter().find(|(names, _)| names.contains(&name)) {
        return Some(format!("there is no `{name}`; {instead}"));
    }
    // clap stops at the first unknown argument. An option that is written before the command is that argument.
    let is_named = |arg: &Arg| {
        arg.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long))
            || arg.get_short().is_some_and(|short| name.strip_prefix('-') == Some(&short.to_string()))
    };
    let is_ours = Args::command().get_subcommands().any(|command| command.get_arguments().any(is_named));
    (first.starts_with(name) && is_ours).then(|| format!("`{name}` must come after the command: mlist COMMAND {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_and_version_are_commands_only_in_the_first_place() {
        let translated = |line: &str| {
            let args = translate(line.split(' ').map(OsString::from).collect());
            args.iter().map(|arg| arg.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(translated("mlist help"), "mlist --help");
        assert_eq!(translated("mlist help sync"), "mlist sync --help");
        assert_eq!(translated("mlist help help sync"), "mlist sync --help --help");
        assert_eq!(translated("mlist version"), "mlist --version");
        for line in ["mlist", "mlist sync help", "mlist plan version"] {
            assert_eq!(translated(line), line);
        }
    }

    #[test]
    fn no_word_of_another_tool_is_one_of_ours() {
        let ours = Args::command();
        for word in COMMANDS.iter().flat_map(|(words, _)| *words) {
            assert!(ours.find_subcommand(word).is_none(), "{word}");
        }
        let args = || ours.get_subcommands().flat_map(clap::Command::get_arguments);
        for name in OPTIONS.iter().flat_map(|(names, _)| *names) {
            let (long, short) = (name.strip_prefix("--"), name.strip_prefix('-').and_then(|name| name.parse().ok()));
            assert!(!args().any(|arg| arg.get_long().is_some_and(|own| long == Some(own))), "{name}");
            assert!(!args().any(|arg| arg.get_short().is_some_and(|own| short == Some(own))), "{name}");
        }
    }
}
