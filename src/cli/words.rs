//! Help texts that clap does not generate, and parsers of values.

use clap::{Arg, Args as _};
use std::num::NonZeroUsize;

use crate::config::Override;
use crate::ui::{Output, OutputFormat};

use super::args::Common;

const COMMANDS: &str = "  check     Check manifests.toml without using the network
  plan      Show what sync would publish, and why
  sync      Publish the lists that differ from the registry
  verify    Check that the published lists are as declared and can be pulled

  ls        Show the lists and their members, or the tags of their repositories
  inspect   Show what a reference leads to: platforms, attestations, signatures

  schema    Print the JSON Schema of manifests.toml, for editors
";

const STATUSES: &str = "\
Exit status: 0 done, or nothing to do    1 failed: registry error
             2 invalid usage or file     3 differences (verify, --exit-code)
             4 blocked: action needed    130 interrupted, 143 terminated";

pub(super) const CHECK: &str = "\
Exit status: 0 no errors                 2 invalid usage or file";

pub(super) const PLAN: &str = "\
Examples:
  mlist plan                       all lists in manifests.toml
  mlist plan 'kube-*' --set version=v1.31.0
  mlist plan --format human --format json=plan.json --exit-code

Exit status: 0 no errors                 1 failed: registry error
             2 invalid usage or file     3 changes to publish (--exit-code)
             4 blocked: action needed    130 interrupted, 143 terminated";

pub(super) const SYNC: &str = "\
Examples:
  mlist sync                       all lists; if interrupted, run it again
  mlist sync 'kube-*' --set version=v1.31.0
  mlist sync --repair              also publish images again that were deleted
  mlist sync --format json=report.json

Exit status: 0 everything is up to date  1 failed: registry error
             2 invalid usage or file     4 blocked: action needed
             130 interrupted, 143 terminated";

pub(super) const VERIFY: &str = "\
Examples:
  mlist verify                     each list, its tags and its images
  mlist verify 'kube-*' --blobs    also the config and layers of each image
  mlist verify --format json=verification.json

If a source was deleted after its image was published, verify reports no
difference.

Exit status: 0 as declared               1 failed: registry error
             2 invalid usage or file     3 different, damaged or not found
             4 blocked: action needed    130 interrupted, 143 terminated";

pub(super) const INSPECT: &str = "\
Settings in [registry.\"HOST\"] of a manifests.toml are used if one is found.

Examples:
  mlist inspect quay.io/acme/app:v1.2
  mlist inspect oci:build/images:v1.2 -v
  mlist inspect quay.io/acme/app:v1.2 --format json

Exit status: 0 no errors                 1 failed: registry error
             2 invalid usage or file     4 not found, or a corrupt layout
             130 interrupted, 143 terminated";

pub(super) const LS: &str = "\
Examples:
  mlist ls                         all lists: what is published, what differs
  mlist ls 'kube-*' --offline      what the file declares
  mlist ls --tags --limit 100
  mlist ls --format html=public/index.html      a page for a website

Exit status: 0 no errors                 1 failed: registry error
             2 invalid usage or file     130 interrupted, 143 terminated";

pub(super) const SCHEMA: &str = "\
Examples:
  mlist schema > manifests.schema.json
  #:schema ./manifests.schema.json      first line of manifests.toml";

/// Returns `mlist --help` as a template for clap: the commands in groups, then the options that follow each command.
pub(super) fn front_page() -> String {
    let common = Common::augment_args(clap::Command::new("mlist"))
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .disable_help_flag(true)
        .max_term_width(80)
        .help_template("{all-args}")
        .render_help();
    let common = common.to_string();
    format!("{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{COMMANDS}\n{}\n\n{STATUSES}", common.trim_end())
}

/// Parses `[LIST:]NAME=VALUE`.
pub(super) fn parse_override(text: &str) -> Result<Override, String> {
    let (left, value) = text.split_once('=').ok_or("expected NAME=VALUE, or LIST:NAME=VALUE for one list")?;
    let (entry, name) = left.split_once(':').map_or((None, left), |(entry, name)| (Some(entry), name));
    if name.is_empty() || entry == Some("") {
        return Err("a name is missing: expected NAME=VALUE, or LIST:NAME=VALUE for one list".to_owned());
    }
    Ok(Override { entry: entry.map(str::to_owned), name: name.to_owned(), value: value.to_owned() })
}

/// Parses the name of an environment variable.
pub(super) fn parse_variable(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['=', '\0']) {
        return Err("expected the name of an environment variable, without a value".to_owned());
    }
    Ok(text.to_owned())
}

/// Parses a number of requests or tags.
pub(super) fn parse_count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "expected a whole number, 1 or greater".to_owned())
}

/// The formats of most commands.
const USUAL: &[OutputFormat] = &[OutputFormat::Human, OutputFormat::Json];

/// Parses `FORMAT[=FILE]`.
pub(super) fn parse_output(text: &str) -> Result<Output, String> {
    parse_output_in(USUAL, text)
}

/// Declares the formats of a command that has others than most.
pub(super) fn with_formats(format: Arg, formats: &'static [OutputFormat]) -> Arg {
    let words: Vec<&str> = formats.iter().map(|format| format.word()).collect();
    format
        .help(format!("{}; FORMAT=FILE writes to a file", either(&words)))
        .value_parser(move |text: &str| parse_output_in(formats, text))
}

fn parse_output_in(formats: &[OutputFormat], text: &str) -> Result<Output, String> {
    let (word, file) = text.split_once('=').map_or((text, None), |(format, file)| (format, Some(file)));
    let Some(format) = formats.iter().copied().find(|format| format.word() == word) else {
        let words = formats.iter().map(|format| format.word().to_owned());
        let with_file = formats.iter().map(|format| format!("{}=FILE", format.word()));
        return Err(format!("unknown format: expected {}", either(&words.chain(with_file).collect::<Vec<_>>())));
    };
    if file == Some("") {
        return Err(format!("a file name is missing after `{text}`"));
    }
    Ok(Output { format, file: file.map(Into::into) })
}

/// Joins words: `human, json or html`.
fn either<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::args::Args;

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
    fn a_command_can_have_a_format_that_others_do_not_have() {
        assert!(Args::try_parse_from(["mlist", "ls", "--format", "html=page.html"]).is_ok());
        for command in ["check", "plan", "sync", "verify", "schema"] {
            let error = Args::try_parse_from(["mlist", command, "--format", "html"]).unwrap_err();
            assert!(error.to_string().contains("expected human, json, human=FILE or json=FILE"), "{error}");
        }
        let error = Args::try_parse_from(["mlist", "ls", "--format", "yaml"]).unwrap_err();
        assert!(
            error.to_string().contains("expected human, json, html, human=FILE, json=FILE or html=FILE"),
            "{error}"
        );
    }

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
