//! Help texts that clap does not generate, parsers of values, and hints for the names that other tools use.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args as _, CommandFactory as _};
use std::num::NonZeroUsize;

use crate::config::Override;
use crate::ui::{Output, OutputFormat};

use super::args::{Args, Common};

const COMMANDS: &str = "  check     Check manifests.toml, without the network
  plan      Show what sync would publish, and why
  sync      Publish the lists that differ

  schema    Print the JSON Schema of manifests.toml, for editors
";

const STATUSES: &str = "\
Exit status: 0 done, or nothing to do    1 no usable answer: try again
             2 usage or manifests.toml   3 changes pending (plan --exit-code)
             4 blocked: someone must act 130 interrupted, 143 terminated";

pub(super) const CHECK: &str = "\
Exit status: 0 good                      2 usage or manifests.toml";

pub(super) const PLAN: &str = "\
Examples:
  mlist plan                       all of manifests.toml
  mlist plan 'kube-*' --set version=v1.31.0
  mlist plan --format human --format json=plan.json --exit-code

Exit status: 0 nothing is in the way     1 no usable answer: try again
             2 usage or manifests.toml   3 changes pending (--exit-code)
             4 blocked: someone must act 130 interrupted, 143 terminated";

pub(super) const SYNC: &str = "\
Examples:
  mlist sync                       all of manifests.toml; run again, it goes on
  mlist sync 'kube-*' --set version=v1.31.0
  mlist sync --format json=report.json

Exit status: 0 all stands as declared    1 no usable answer: try again
             2 usage or manifests.toml   4 blocked: someone must act
             130 interrupted, 143 terminated";

pub(super) const SCHEMA: &str = "\
Examples:
  mlist schema > manifests.schema.json
  #:schema ./manifests.schema.json      the first line of manifests.toml";

/// Commands of other tools, and what to use instead.
const COMMANDS_ELSEWHERE: [(&str, &str); 10] = [
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
];

/// Options of other tools, and what to use instead.
const OPTIONS_ELSEWHERE: [(&[&str], &str); 6] = [
    (&["--out", "--output", "-o"], "`--format json` or `--format json=FILE`"),
    (&["--insecure", "--tls-verify", "--skip-tls-verify"], "in manifests.toml `[registry.\"HOST\"] insecure = true`"),
    (&["--plain-http"], "in manifests.toml `[registry.\"HOST\"] http = true`"),
    (
        &["--creds", "--username", "--password", "--password-stdin"],
        "`docker login`, or in manifests.toml `[registry.\"HOST\"] username-env, password-env`",
    ),
    (&["--authfile"], "the environment variable REGISTRY_AUTH_FILE"),
    (&["--cert-dir"], "a folder `certs.d/HOST`, or in manifests.toml `[registry.\"HOST\"] ca`"),
];

/// Returns `mlist --help` as a template for clap: the commands in groups, then the options that follow each command.
pub(super) fn front_page() -> String {
    let common = Common::augment_args(clap::Command::new("mlist"))
        .arg(clap::arg!(-V --version "Print version").help_heading("Options for every command"))
        .disable_help_flag(true)
        .max_term_width(80)
        .help_template("{all-args}")
        .render_help();
    let common = common.to_string();
    format!("{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{COMMANDS}\n{}\n\n{STATUSES}", common.trim_end())
}

/// Parses `[ENTRY:]NAME=VALUE`.
pub(super) fn parse_override(text: &str) -> Result<Override, String> {
    let (left, value) = text.split_once('=').ok_or("write NAME=VALUE, or ENTRY:NAME=VALUE for one list")?;
    let (entry, name) = left.split_once(':').map_or((None, left), |(entry, name)| (Some(entry), name));
    if name.is_empty() || entry == Some("") {
        return Err("a name is missing: NAME=VALUE, or ENTRY:NAME=VALUE for one list".to_owned());
    }
    Ok(Override { entry: entry.map(str::to_owned), name: name.to_owned(), value: value.to_owned() })
}

/// Parses the name of an environment variable.
pub(super) fn parse_variable(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['=', '\0']) {
        return Err("write the name of a variable, without its value".to_owned());
    }
    Ok(text.to_owned())
}

/// Parses a number of requests.
pub(super) fn parse_jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "write a number from 1".to_owned())
}

/// Parses `FORMAT[=FILE]`.
pub(super) fn parse_output(text: &str) -> Result<Output, String> {
    let (format, file) = text.split_once('=').map_or((text, None), |(format, file)| (format, Some(file)));
    let format = match format {
        "human" => OutputFormat::Human,
        "json" => OutputFormat::Json,
        _ => return Err("write human or json, with =FILE for a file".to_owned()),
    };
    if file == Some("") {
        return Err(format!("a file is missing behind `{text}`"));
    }
    Ok(Output { format, file: file.map(Into::into) })
}

/// Returns a clearer error if the argument is another tool's name for something that mlist can do, or an option of mlist
/// in the wrong place. Otherwise returns `error` without clap's suggestion.
pub(super) fn answer(mut error: clap::Error, args: &[std::ffi::OsString]) -> clap::Error {
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
    let (_, ours) = COMMANDS_ELSEWHERE.iter().find(|(theirs, _)| *theirs == word)?;
    Some(format!("there is no `{word}`; `{ours}` does that"))
}

fn option(option: &str, args: &[std::ffi::OsString]) -> Option<String> {
    let name = option.split('=').next().unwrap_or(option);
    if let Some((_, ours)) = OPTIONS_ELSEWHERE.iter().find(|(theirs, _)| theirs.contains(&name)) {
        return Some(format!("there is no `{name}`; {ours} does that"));
    }
    if matches!(name, "--untrusted" | "--allow-env") {
        return Some(format!("`{name}` is for `check` and `plan`: what a stranger's file says is not published"));
    }
    // clap stops at the first unknown argument. An option that is written in place of the command is that argument.
    let first = args.get(1)?.to_str()?;
    let known = Common::augment_args(clap::Command::new("mlist"));
    let is_ours = known.get_arguments().any(|arg| {
        arg.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long))
            || arg.get_short().is_some_and(|short| name.strip_prefix('-') == Some(&short.to_string()))
    });
    (first.starts_with(name) && is_ours).then(|| format!("`{name}` stands behind the command: mlist COMMAND {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_is_split_at_its_first_equals_sign() {
        let parsed = |entry: Option<&str>, name: &str, value: &str| {
            Ok(Override { entry: entry.map(str::to_owned), name: name.to_owned(), value: value.to_owned() })
        };
        assert_eq!(parse_override("version=v1=2:3"), parsed(None, "version", "v1=2:3"));
        assert_eq!(parse_override("kube/a.b:version="), parsed(Some("kube/a.b"), "version", ""));
        for text in ["version", "=v1", ":v=1", "pause:=1", ""] {
            assert!(parse_override(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_variable_is_named_and_not_given() {
        assert_eq!(parse_variable("CI_COMMIT_TAG"), Ok("CI_COMMIT_TAG".to_owned()));
        for text in ["", "A=b", "="] {
            assert!(parse_variable(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_format_may_have_a_file() {
        assert_eq!(parse_output("json"), Ok(Output { format: OutputFormat::Json, file: None }));
        assert_eq!(parse_output("json=a=b"), Ok(Output { format: OutputFormat::Json, file: Some("a=b".into()) }));
        for text in ["", "yaml", "json=", "=x", "markdown"] {
            assert!(parse_output(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
