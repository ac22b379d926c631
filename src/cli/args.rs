//! The command line as clap parses it: names, values and texts, without logic.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::config::Override;
use crate::ui::{Output, OutputFormat};

use super::words;

/// `mlist COMMAND [OPTIONS]`
#[derive(Debug, Parser)]
#[command(
    name = "mlist",
    version,
    about = "Publish multi-arch manifest lists from manifests.toml, writing only changes",
    propagate_version = true,
    override_usage = "mlist COMMAND [OPTIONS]",
    help_template = words::front_page(),
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 80
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
    #[arg(short, long, action = ArgAction::HelpShort)]
    help: Option<bool>,
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// The command to run.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(
        about = "Check manifests.toml without using the network",
        display_name = "mlist",
        override_usage = "mlist check [SELECTOR]... [OPTIONS]",
        after_help = words::CHECK
    )]
    Check(CheckArgs),
    #[command(
        about = "Show what sync would publish, and why",
        display_name = "mlist",
        override_usage = "mlist plan [SELECTOR]... [OPTIONS]",
        after_help = words::PLAN
    )]
    Plan(PlanArgs),
    #[command(
        about = "Publish the lists that differ from the registry: members, then list, then tags",
        display_name = "mlist",
        override_usage = "mlist sync [SELECTOR]... [OPTIONS]",
        after_help = words::SYNC
    )]
    Sync(SyncArgs),
    #[command(
        about = "Check that the published lists are as declared and can be pulled",
        display_name = "mlist",
        override_usage = "mlist verify [SELECTOR]... [OPTIONS]",
        after_help = words::VERIFY
    )]
    Verify(VerifyArgs),
    #[command(
        about = "Show what a reference leads to: platforms, attestations, signatures",
        display_name = "mlist",
        override_usage = "mlist inspect REF [OPTIONS]",
        after_help = words::INSPECT
    )]
    Inspect(InspectArgs),
    #[command(
        visible_alias = "list",
        about = "Show the lists and their members, or the tags of their repositories",
        display_name = "mlist",
        override_usage = "mlist ls [SELECTOR]... [OPTIONS]",
        mut_arg("format", |format| words::with_formats(format, &OutputFormat::ALL)),
        after_help = words::LS
    )]
    Ls(LsArgs),
    #[command(
        about = "Print the JSON Schema of manifests.toml, for editors",
        display_name = "mlist",
        override_usage = "mlist schema [OPTIONS]",
        after_help = words::SCHEMA
    )]
    Schema(SchemaArgs),
}

impl Command {
    /// The options that every command has.
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Check(check) => &check.common,
            Self::Plan(plan) => &plan.common,
            Self::Sync(sync) => &sync.common,
            Self::Verify(verify) => &verify.common,
            Self::Inspect(inspect) => &inspect.common,
            Self::Ls(ls) => &ls.common,
            Self::Schema(schema) => &schema.common,
        }
    }
}

/// `mlist check`
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) which: Which,
    #[command(flatten)]
    pub(super) author: AuthorArgs,
    #[command(flatten)]
    pub(super) common: Common,
}

/// `mlist plan`
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) which: Which,
    /// Exit with status 3 if there are changes to publish
    #[arg(long)]
    pub(super) exit_code: bool,
    #[command(flatten)]
    pub(super) repair: RepairArgs,
    #[command(flatten)]
    pub(super) author: AuthorArgs,
    #[command(flatten)]
    pub(super) common: Common,
}

/// `mlist sync`
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct SyncArgs {
    #[command(flatten)]
    pub(super) which: Which,
    /// Show the plan and write nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// Do not start more lists after the first failure
    #[arg(long)]
    pub(super) fail_fast: bool,
    #[command(flatten)]
    pub(super) repair: RepairArgs,
    #[command(flatten)]
    pub(super) common: Common,
}

/// `mlist verify`
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    pub(super) which: Which,
    /// Also check each config and layer
    #[arg(long)]
    pub(super) blobs: bool,
    #[command(flatten)]
    pub(super) author: AuthorArgs,
    #[command(flatten)]
    pub(super) common: Common,
}

/// `mlist inspect`
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct InspectArgs {
    /// HOST/REPOSITORY:TAG, HOST/REPOSITORY@DIGEST or oci:DIR:TAG
    #[arg(value_name = "REF")]
    pub(super) reference: String,
    #[command(flatten)]
    pub(super) common: Common,
}

/// `mlist ls`
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct LsArgs {
    #[command(flatten)]
    pub(super) which: Which,
    /// Show what the file declares, without using the network
    #[arg(long, conflicts_with = "tags")]
    pub(super) offline: bool,
    /// Show the tags that the target repositories have
    #[arg(long)]
    pub(super) tags: bool,
    /// Maximum number of tags per repository [default: 20]
    #[arg(long, value_name = "N", requires = "tags", value_parser = words::parse_count)]
    pub(super) limit: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(super) author: AuthorArgs,
    #[command(flatten)]
    pub(super) common: Common,
}

/// `mlist schema`
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct SchemaArgs {
    #[command(flatten)]
    pub(super) common: Common,
}

/// Which lists.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Ids or targets of lists, or globs [default: all]
    #[arg(value_name = "SELECTOR")]
    pub(super) selectors: Vec<String>,
}

/// What is checked besides the tags.
#[derive(Debug, clap::Args)]
pub(super) struct RepairArgs {
    /// Also repair published lists whose images are missing
    #[arg(long)]
    pub(super) repair: bool,
    /// With --repair, also check each config and layer
    #[arg(long)]
    pub(super) blobs: bool,
}

/// The author of the file.
#[derive(Debug, clap::Args)]
pub(super) struct AuthorArgs {
    /// For files from untrusted authors: use no credentials, no git and no
    /// environment variables
    #[arg(long)]
    pub(super) untrusted: bool,
    /// Allow the file to read this environment variable
    #[arg(long, value_name = "NAME", requires = "untrusted", value_parser = words::parse_variable)]
    pub(super) allow_env: Vec<String>,
}

/// Options for every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options for every command")]
pub(super) struct Common {
    /// File to read [default: manifests.toml in this directory or the closest
    /// parent that has one]
    #[arg(short, long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    // Not a doc comment, because rustdoc would treat `[vars]` as a link.
    #[arg(
        long,
        value_name = "NAME=VALUE",
        value_parser = words::parse_override,
        help = "Set a variable; LIST:NAME=VALUE for one list"
    )]
    pub(super) set: Vec<Override>,
    /// Allow only paths inside DIR
    #[arg(long, value_name = "DIR")]
    pub(super) root: Option<PathBuf>,
    /// Maximum number of parallel requests
    #[arg(short, long, value_name = "N", default_value = "64", value_parser = words::parse_count)]
    pub(super) jobs: NonZeroUsize,
    /// human or json; FORMAT=FILE writes to a file
    #[arg(long, value_name = "FORMAT", value_parser = words::parse_output)]
    pub(super) format: Vec<Output>,
    /// Print nothing on success
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Show details; -vv also shows each request
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// When to use color: auto, always or never
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(super) color: When,
    /// Hide progress bars
    #[arg(long)]
    pub(super) no_progress: bool,
    /// Show full digests
    #[arg(long)]
    pub(super) no_trunc: bool,
    /// Print help
    #[arg(short, long, action = ArgAction::HelpShort)]
    help: Option<bool>,
    /// Print version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// `--color`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    Auto,
    Always,
    Never,
}
