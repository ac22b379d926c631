//! [`Settings`]: arguments, environment and terminals, combined into the options of the other layers.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, ValueEnum as _};
use secrecy::SecretString;

use crate::command::ls::{LsOptions, LsSubject};
use crate::command::plan::Pending;
use crate::command::{InputOptions, RegistryOptions, check, inspect, plan, sync, verify};
use crate::config::Author;
use crate::exec::AfterFailure;
use crate::host;
use crate::oci::{Reference, ReferenceErrorKind};
use crate::plan::{CheckDepth, TagKinds, TagLimit};
use crate::registry::CredentialSources;
use crate::ui::{self, ColorChoice, DigestLength, Hints, Output, OutputFormat, ProgressMode, Size, Style, Verbosity};

use super::args::{self, Args, Command, Common, When};

/// The directory of Docker's config file, instead of `~/.docker`.
pub const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
/// The content of Docker's config file.
pub const DOCKER_AUTH_CONFIG: &str = "DOCKER_AUTH_CONFIG";
/// Podman's credentials file, instead of the files that Podman searches by default.
pub const REGISTRY_AUTH_FILE: &str = "REGISTRY_AUTH_FILE";
/// The user's runtime directory, which exists until the machine stops. Podman stores credentials there.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// The directory of the user's settings, instead of `~/.config`.
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// Disables color if it is not empty.
pub const NO_COLOR: &str = "NO_COLOR";
/// Enables color, even without a terminal, if it is neither empty nor `0`.
pub const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";
/// `dumb` disables color and progress bars.
pub const TERM: &str = "TERM";
/// The first of these variables that is set determines whether the terminal supports UTF-8.
pub const LOCALES: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// The environment of the process, queried once.
pub(super) struct Environment {
    /// Returns the value of a variable. `None` if it is unset or empty.
    pub(super) variable: fn(&str) -> Option<String>,
    /// The user's home directory.
    pub(super) home: Option<PathBuf>,
    /// The size of the terminal that stdout is connected to. `None` if there is no terminal.
    pub(super) out: Option<Size>,
    /// The size of the terminal that stderr is connected to. `None` if there is no terminal.
    pub(super) err: Option<Size>,
}

/// The command to run, and the options for its output.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) task: Task,
    pub(super) ui: ui::UiOptions,
}

/// A command with its options.
#[derive(Debug)]
pub(super) enum Task {
    Check(check::CheckOptions),
    Plan(plan::PlanOptions),
    Sync(sync::SyncOptions),
    Verify(verify::VerifyOptions),
    Inspect(inspect::InspectOptions),
    Ls(LsOptions),
    Schema,
}

impl Environment {
    /// Returns the environment of this process.
    pub(super) fn of_process() -> Self {
        let size = |is_terminal: bool, size: Option<(terminal_size::Width, terminal_size::Height)>| {
            let (columns, rows) = size.map_or((80, 24), |(width, height)| (width.0.into(), height.0.into()));
            is_terminal.then_some(Size { columns, rows })
        };
        Self {
            variable: |name| std::env::var(name).ok().filter(|value| !value.is_empty()),
            home: std::env::home_dir(),
            out: size(std::io::stdout().is_terminal(), terminal_size::terminal_size_of(std::io::stdout())),
            err: size(std::io::stderr().is_terminal(), terminal_size::terminal_size_of(std::io::stderr())),
        }
    }

    fn hints(&self) -> Hints {
        let variable = self.variable;
        Hints {
            no_color: variable(NO_COLOR).is_some(),
            force_color: variable(CLICOLOR_FORCE).is_some_and(|value| value != "0"),
            term: variable(TERM),
            locale: LOCALES.into_iter().find_map(variable),
        }
    }

    /// Returns where to look for credentials on this machine.
    fn credentials(&self) -> CredentialSources {
        let named = |variable| (self.variable)(variable).map(PathBuf::from);
        let at_home = |path| self.home.as_ref().map(|home| home.join(path));
        let docker = named(DOCKER_CONFIG).or_else(|| at_home(".docker"));
        let settings = named(XDG_CONFIG_HOME).or_else(|| at_home(".config"));
        let podman = [podman_session(named(XDG_RUNTIME_DIR)), settings.map(|folder| folder.join("containers"))];
        CredentialSources {
            inline: (self.variable)(DOCKER_AUTH_CONFIG).map(SecretString::from),
            auth_file: named(REGISTRY_AUTH_FILE),
            docker: docker.map(|folder| folder.join("config.json")),
            podman: podman.into_iter().flatten().map(|folder| folder.join("auth.json")).collect(),
            old: at_home(".dockercfg"),
            search: std::env::var_os("PATH").unwrap_or_default(),
            home: self.home.clone(),
        }
    }

    /// Returns the directories that contain a directory of certificates for each host. The user's directories come
    /// before the machine's, and Podman's before Docker's (containers-certs.d(5), moby's `registry.CertsDir`, and the
    /// directory of Docker Desktop).
    fn certificates(&self) -> Vec<PathBuf> {
        let home = self.home.as_deref();
        let config = (self.variable)(XDG_CONFIG_HOME).map(PathBuf::from);
        let config = config.or_else(|| home.map(|home| home.join(".config")));
        let of_config = config.into_iter().flat_map(|config| [config.join("containers"), config.join("docker")]);
        let of_home = home.map(|home| home.join(".docker"));
        let of_machine = ["/etc/containers", "/etc/docker"].map(PathBuf::from);
        of_config.chain(of_home).chain(of_machine).map(|folder| folder.join("certs.d")).collect()
    }

    /// Returns the output options that are used if the arguments are unknown or not valid.
    pub(super) fn usual(&self, args: &[OsString]) -> ui::UiOptions {
        let style = |terminal| Style::decide(color(args), &self.hints(), terminal);
        ui::UiOptions {
            out: style(self.out),
            err: style(self.err),
            verbosity: Verbosity::Normal,
            progress: ProgressMode::Lines,
            digests: DigestLength::Short,
            outputs: Vec::new(),
        }
    }
}

impl Settings {
    /// Resolves the arguments in this environment.
    ///
    /// # Errors
    /// Returns an error if arguments that are valid by themselves cannot be combined.
    pub(super) fn resolve(args: Args, environment: &Environment) -> Result<Self, clap::Error> {
        let common = args.command.common();
        let is_page = |output: &Output| output.format == OutputFormat::Html;
        if matches!(&args.command, Command::Ls(ls) if ls.tags) && common.format.iter().any(is_page) {
            let message = "`--format html` cannot be used with `--tags`; use human or json";
            return Err(Args::command().error(ErrorKind::ArgumentConflict, message));
        }
        if common.format.iter().filter(|output| output.takes_stdout()).count() > 1 {
            let message =
                "only one format can be written to stdout; write the other to a file, such as `--format json=FILE`";
            return Err(Args::command().error(ErrorKind::ArgumentConflict, message));
        }
        let ui = shown(common, environment);
        let task = match args.command {
            Command::Check(check) => {
                let input = input(check.common, check.which.selectors, author(check.author));
                Task::Check(check::CheckOptions { input })
            }
            Command::Plan(plan) => {
                let author = author(plan.author);
                let registries = registries(&plan.common, &author, environment);
                let pending = if plan.exit_code { Pending::Differs } else { Pending::Done };
                Task::Plan(plan::PlanOptions {
                    input: input(plan.common, plan.which.selectors, author),
                    registries,
                    depth: depth(&plan.repair)?,
                    pending,
                })
            }
            Command::Sync(sync) => {
                let registries = registries(&sync.common, &Author::Trusted, environment);
                let input = input(sync.common, sync.which.selectors, Author::Trusted);
                let depth = depth(&sync.repair)?;
                let after_failure = if sync.fail_fast { AfterFailure::BeginNothing } else { AfterFailure::GoOn };
                if sync.dry_run {
                    Task::Plan(plan::PlanOptions { input, registries, depth, pending: Pending::Done })
                } else {
                    Task::Sync(sync::SyncOptions { input, registries, depth, after_failure })
                }
            }
            Command::Verify(verify) => {
                let author = author(verify.author);
                let registries = registries(&verify.common, &author, environment);
                let input = input(verify.common, verify.which.selectors, author);
                let depth = if verify.blobs { CheckDepth::Blobs } else { CheckDepth::Children };
                Task::Verify(verify::VerifyOptions { input, registries, depth })
            }
            Command::Inspect(args::InspectArgs { reference, common }) => {
                let registries = registries(&common, &Author::Trusted, environment);
                let input = input(common, Vec::new(), Author::Trusted);
                Task::Inspect(inspect::InspectOptions { reference: inspected(&reference)?, input, registries })
            }
            Command::Ls(ls) => Task::Ls(listing(ls, environment)),
            Command::Schema(_) => Task::Schema,
        };
        Ok(Self { task, ui })
    }
}

/// The default of `--limit`.
const TAGS_SHOWN: NonZeroUsize = NonZeroUsize::new(20).unwrap();

/// Returns the options of `mlist ls`.
fn listing(ls: args::LsArgs, environment: &Environment) -> LsOptions {
    let author = author(ls.author);
    let registries = registries(&ls.common, &author, environment);
    let kinds = if ls.common.verbose > 0 { TagKinds::All } else { TagKinds::ForUsers };
    let subject = match (ls.offline, ls.tags) {
        (true, _) => LsSubject::Declared,
        (false, true) => LsSubject::Tags(registries, TagLimit { most: ls.limit.unwrap_or(TAGS_SHOWN), kinds }),
        (false, false) => LsSubject::Published(registries),
    };
    LsOptions { input: input(ls.common, ls.which.selectors, author), subject }
}

/// Returns what to read, and the author of the file.
fn input(common: Common, selectors: Vec<String>, author: Author) -> InputOptions {
    let paths = match common.root {
        Some(folder) => host::AllowedPaths::Folder(folder),
        None if author.is_stranger() => host::AllowedPaths::OwnFolder,
        None => host::AllowedPaths::Anywhere,
    };
    InputOptions { file: common.file, overrides: common.set, selectors, paths, author }
}

/// Parses the reference to inspect. clap would show the whole text in its error, with a password that it may contain.
fn inspected(text: &str) -> Result<Reference, clap::Error> {
    Reference::parse(text).map_err(|error| {
        let help = match error.kind {
            ReferenceErrorKind::NoLocator => "; add :TAG or @DIGEST (latest is never assumed)",
            ReferenceErrorKind::Scheme => "; remove the scheme",
            _ => "",
        };
        Args::command().error(ErrorKind::ValueValidation, format!("{error}{help}"))
    })
}

/// Returns the registry options for a file that `author` wrote.
fn registries(common: &Common, author: &Author, environment: &Environment) -> RegistryOptions {
    let (credentials, certificates) = match author {
        Author::Trusted => (environment.credentials(), environment.certificates()),
        // The file can name any host. Requests to these hosts must not reveal who sends them.
        Author::Stranger { .. } => (CredentialSources::default(), Vec::new()),
    };
    RegistryOptions { jobs: common.jobs, credentials, certificates }
}

/// Returns how much of what is published is checked.
fn depth(repair: &args::RepairArgs) -> Result<CheckDepth, clap::Error> {
    match (repair.repair, repair.blobs) {
        (true, true) => Ok(CheckDepth::Blobs),
        (true, false) => Ok(CheckDepth::Children),
        (false, false) => Ok(CheckDepth::List),
        (false, true) => {
            let message = "`--blobs` requires `--repair`: write `--repair --blobs`, or use `mlist verify --blobs` to \
                           check without publishing";
            Err(Args::command().error(ErrorKind::MissingRequiredArgument, message))
        }
    }
}

fn author(said: args::AuthorArgs) -> Author {
    if said.untrusted {
        Author::Stranger { environment: said.allow_env.into_iter().collect() }
    } else {
        Author::Trusted
    }
}

/// Returns the directory in which Podman stores credentials until the session ends. It is in `user`, the user's runtime
/// directory, if there is one, otherwise below `/run/containers`.
#[cfg(target_os = "linux")]
fn podman_session(user: Option<PathBuf>) -> Option<PathBuf> {
    let own = || Some(format!("/run/containers/{}", rustix::process::getuid().as_raw()).into());
    user.map(|folder| folder.join("containers")).or_else(own)
}

/// Podman has such a directory only on Linux.
#[cfg(not(target_os = "linux"))]
fn podman_session(_: Option<PathBuf>) -> Option<PathBuf> {
    None
}

/// Returns the value of `--color`, if any, from arguments that could not be parsed.
fn color(args: &[OsString]) -> ColorChoice {
    let mut words = args.iter().skip(1).map_while(|arg| arg.to_str().filter(|word| *word != "--"));
    let named = words.by_ref().find_map(|word| match word {
        "--color" => Some(None),
        word => word.strip_prefix("--color=").map(Some),
    });
    let when = named.and_then(|value| value.or_else(|| words.next()));
    when.and_then(|when| When::from_str(when, false).ok()).map_or(ColorChoice::Auto, choice)
}

fn choice(when: When) -> ColorChoice {
    match when {
        When::Auto => ColorChoice::Auto,
        When::Always => ColorChoice::Always,
        When::Never => ColorChoice::Never,
    }
}

fn shown(common: &Common, environment: &Environment) -> ui::UiOptions {
    let hints = environment.hints();
    let choice = choice(common.color);
    let verbosity = match common.verbose {
        _ if common.quiet => Verbosity::Quiet,
        0 => Verbosity::Normal,
        1 => Verbosity::Verbose,
        _ => Verbosity::Requests,
    };
    let bars = !common.no_progress && !common.quiet && !hints.is_dumb();
    ui::UiOptions {
        out: Style::decide(choice, &hints, environment.out),
        err: Style::decide(choice, &hints, environment.err),
        verbosity,
        progress: environment.err.filter(|_| bars).map_or(ProgressMode::Lines, ProgressMode::Bars),
        digests: if common.no_trunc { DigestLength::Full } else { DigestLength::Short },
        outputs: common.format.clone(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    const TERMINAL: Option<Size> = Some(Size { columns: 80, rows: 24 });

    fn nowhere() -> Environment {
        Environment { variable: |_| None, home: Some("/home/ci".into()), out: None, err: TERMINAL }
    }

    impl Settings {
        /// The input of the command.
        fn input(&self) -> &InputOptions {
            match &self.task {
                Task::Check(check) => &check.input,
                Task::Plan(plan) => &plan.input,
                Task::Sync(sync) => &sync.input,
                Task::Verify(verify) => &verify.input,
                Task::Inspect(inspect) => &inspect.input,
                Task::Ls(ls) => &ls.input,
                Task::Schema => panic!("nothing is read"),
            }
        }
    }

    /// Returns the registry options of the command `line`.
    fn registries(line: &str) -> RegistryOptions {
        match resolve(line, &nowhere()).unwrap().task {
            Task::Plan(plan) => plan.registries,
            Task::Sync(sync) => sync.registries,
            Task::Verify(verify) => verify.registries,
            task => panic!("{task:?} sends no requests"),
        }
    }

    fn resolve(line: &str, environment: &Environment) -> Result<Settings, clap::Error> {
        Settings::resolve(Args::try_parse_from(line.split(' '))?, environment)
    }

    #[test]
    fn two_formats_that_take_stdout_are_refused_and_one_with_files_is_not() {
        let error = resolve("mlist plan --format json --format json", &nowhere()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(resolve("mlist plan --format human --format json --format json=a", &nowhere()).is_ok());
    }

    #[test]
    fn help_and_errors_respect_color_too() {
        let color = |line: &str| super::color(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(color("mlist frob --color never"), ColorChoice::Never);
        assert_eq!(color("mlist sync -h --color=always"), ColorChoice::Always);
        for line in ["mlist", "mlist sync --color", "mlist sync --color pink", "mlist sync -- --color never"] {
            assert_eq!(color(line), ColorChoice::Auto, "{line}");
        }
    }

    #[test]
    fn quiet_and_verbose_exclude_each_other() {
        assert!(resolve("mlist sync -q -v", &nowhere()).is_err());
        assert_eq!(resolve("mlist sync -vvv", &nowhere()).unwrap().ui.verbosity, Verbosity::Requests);
    }

    #[test]
    fn a_dry_run_is_a_plan() {
        let settings = resolve("mlist sync -n kube-* -f x.toml --set v=1", &nowhere()).unwrap();
        assert!(matches!(&settings.task, Task::Plan(plan) if plan.pending == Pending::Done), "{:?}", settings.task);
        assert_eq!(settings.input().selectors, ["kube-*"]);
        assert_eq!(settings.input().file, Some("x.toml".into()));
        assert_eq!(settings.input().overrides.len(), 1);
    }

    #[test]
    fn an_untrusted_author_gets_no_credentials_and_no_path_outside_the_folder() {
        let settings = resolve("mlist plan --untrusted --allow-env A --allow-env B", &nowhere()).unwrap();
        let environment = ["A", "B"].map(str::to_owned).into();
        assert_eq!(settings.input().author, Author::Stranger { environment });
        assert_eq!(settings.input().paths, host::AllowedPaths::OwnFolder);
        let registries = registries("mlist plan --untrusted");
        let CredentialSources { inline, auth_file, docker, podman, old, search, home: _ } = registries.credentials;
        assert!(inline.is_none() && auth_file.is_none() && docker.is_none() && old.is_none());
        assert!(podman.is_empty() && search.is_empty());
        assert_eq!(registries.certificates, [] as [PathBuf; 0]);
        let settings = resolve("mlist check --untrusted --root ..", &nowhere()).unwrap();
        assert_eq!(settings.input().paths, host::AllowedPaths::Folder("..".into()));
    }

    #[test]
    fn a_trusted_author_may_use_everything_and_can_be_limited_to_a_folder() {
        for line in ["mlist sync --root x", "mlist plan --root x", "mlist check --root x", "mlist sync -n --root x"] {
            let settings = resolve(line, &nowhere()).unwrap();
            assert_eq!(settings.input().author, Author::Trusted, "{line}");
            assert_eq!(settings.input().paths, host::AllowedPaths::Folder("x".into()), "{line}");
            if !line.contains("check") {
                assert!(registries(line).credentials.docker.is_some(), "{line}");
            }
        }
        assert_eq!(resolve("mlist sync", &nowhere()).unwrap().input().paths, host::AllowedPaths::Anywhere);
        for line in ["mlist sync --untrusted", "mlist sync -n --untrusted", "mlist plan --allow-env A"] {
            assert!(resolve(line, &nowhere()).is_err(), "{line}");
        }
    }

    #[test]
    fn credentials_are_at_home_unless_the_environment_says_otherwise() {
        let sources = nowhere().credentials();
        assert!(sources.inline.is_none() && sources.auth_file.is_none());
        assert_eq!(sources.docker, Some("/home/ci/.docker/config.json".into()));
        assert_eq!(sources.podman.last(), Some(&"/home/ci/.config/containers/auth.json".into()));
        assert_eq!(sources.old, Some("/home/ci/.dockercfg".into()));
        let homeless = Environment { home: None, ..nowhere() }.credentials();
        assert_eq!((homeless.docker, homeless.old), (None, None));

        let set = Environment { variable: |name| Some(format!("/set/{name}")), ..nowhere() }.credentials();
        assert_eq!(set.auth_file, Some("/set/REGISTRY_AUTH_FILE".into()));
        assert_eq!(set.docker, Some("/set/DOCKER_CONFIG/config.json".into()));
        assert_eq!(set.podman.last(), Some(&"/set/XDG_CONFIG_HOME/containers/auth.json".into()));
        assert!(set.inline.is_some() && !format!("{set:?}").contains("/set/DOCKER_AUTH_CONFIG"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn podmans_first_file_ends_with_the_session() {
        let first = |environment: Environment| environment.credentials().podman.into_iter().next();
        let set = |name: &str| (name == XDG_RUNTIME_DIR).then(|| "/run/user/7".to_owned());
        let set = Environment { variable: set, ..nowhere() };
        assert_eq!(first(set), Some("/run/user/7/containers/auth.json".into()));
        let unset = first(nowhere()).unwrap();
        assert_eq!(unset, PathBuf::from(format!("/run/containers/{}/auth.json", rustix::process::getuid().as_raw())));
    }

    #[test]
    fn certificates_of_the_user_go_before_those_of_the_machine() {
        let folders = |environment: &Environment| {
            let folders = environment.certificates();
            folders.iter().map(|folder| folder.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let machine = ["/etc/containers/certs.d", "/etc/docker/certs.d"];
        let user =
            ["/home/ci/.config/containers/certs.d", "/home/ci/.config/docker/certs.d", "/home/ci/.docker/certs.d"];
        assert_eq!(folders(&nowhere()), [&user[..], &machine].concat());
        assert_eq!(folders(&Environment { home: None, ..nowhere() }), machine);
        let set = Environment { variable: |name| (name == XDG_CONFIG_HOME).then(|| "/xdg".into()), ..nowhere() };
        assert_eq!(folders(&set)[..2], ["/xdg/containers/certs.d", "/xdg/docker/certs.d"]);
    }

    #[test]
    fn bars_are_shown_only_on_a_terminal_that_supports_them() {
        let progress = |line: &str, environment: &Environment| resolve(line, environment).unwrap().ui.progress;
        let dumb = Environment { variable: |name| (name == TERM).then(|| "dumb".into()), ..nowhere() };
        assert!(matches!(progress("mlist sync", &nowhere()), ProgressMode::Bars(_)));
        assert_eq!(progress("mlist sync", &dumb), ProgressMode::Lines);
        assert_eq!(progress("mlist sync --no-progress", &nowhere()), ProgressMode::Lines);
        assert_eq!(progress("mlist sync -q", &nowhere()), ProgressMode::Lines);
        assert_eq!(progress("mlist sync", &Environment { err: None, ..nowhere() }), ProgressMode::Lines);
    }

    #[test]
    fn no_job_is_no_job() {
        assert!(resolve("mlist sync -j 0", &nowhere()).is_err());
        assert_eq!(registries("mlist sync").jobs.get(), 64);
    }
}
