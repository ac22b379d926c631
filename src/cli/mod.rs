//! The command line: arguments are parsed into settings, and settings run a command.
//!
//! | file | holds |
//! |---|---|
//! | [`args`] | the arguments that clap parses |
//! | [`words`] | help texts, and parsers of values |
//! | [`other_tools`] | answers to the commands and options of other tools |
//! | [`limits`] | whether the limits of the process are high enough |
//! | [`settings`] | the combination of arguments, environment and terminals |

use std::ffi::OsString;
use std::sync::Arc;

use clap::Parser as _;

use crate::command::{check, inspect, ls, plan, schema, sync, verify};
use crate::exec::ExitStatus;
use crate::ui::{self, Color, Context, Document, Ui};

mod args;
mod limits;
mod other_tools;
pub mod settings;
mod words;

use args::Args;
use limits::Demand;
use settings::{Environment, Settings, Task};

/// Implements [`crate::run`].
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args = other_tools::translate(args.into_iter().collect());
    let usual = Environment::of_process().usual(&args);
    limits::on_own_stack(move || run_here(&args)).unwrap_or_else(|problem| {
        let ui = Ui::new(usual);
        let status = ui.show(Document::problems(Context::default(), vec![*problem], ExitStatus::Failed));
        ui.end(status)
    })
}

fn run_here(args: &[OsString]) -> u8 {
    let environment = Environment::of_process();
    let parsed = Args::try_parse_from(args).map_err(|error| other_tools::answer(error, args));
    match parsed.and_then(|args| Settings::resolve(args, &environment)) {
        Ok(settings) => carry_out(&settings),
        Err(error) => explain(&error, environment.usual(args)),
    }
}

fn carry_out(settings: &Settings) -> u8 {
    let ui = Arc::new(Ui::new(settings.ui.clone()));
    let status = match &settings.task {
        Task::Check(options) => after_checks(&ui, Demand::Files, || check::run(options, &ui)),
        Task::Plan(options) => after_checks(&ui, Demand::Runtime, || on_runtime(&ui, plan::run(options, &ui))),
        Task::Sync(options) => after_checks(&ui, Demand::Runtime, || on_runtime(&ui, sync::run(options, &ui))),
        Task::Verify(options) => after_checks(&ui, Demand::Runtime, || on_runtime(&ui, verify::run(options, &ui))),
        Task::Inspect(options) => after_checks(&ui, Demand::Runtime, || on_runtime(&ui, inspect::run(options, &ui))),
        Task::Ls(options) => after_checks(&ui, Demand::Runtime, || on_runtime(&ui, ls::run(options, &ui))),
        Task::Schema => schema::run(&ui),
    };
    ui.end(status)
}

/// Runs `command`, unless this machine would make it fail halfway.
fn after_checks(ui: &Ui, demand: Demand, command: impl FnOnce() -> ExitStatus) -> ExitStatus {
    if let Err(problem) = limits::check(demand) {
        return ui.show(Document::problems(Context::default(), vec![*problem], ExitStatus::Failed));
    }
    ui.open_files().map_or_else(|status| status, |()| command())
}

fn on_runtime(ui: &Ui, command: impl Future<Output = ExitStatus>) -> ExitStatus {
    match limits::runtime() {
        Ok(runtime) => {
            let status = runtime.block_on(command);
            // A credential helper that hangs must not delay the exit.
            runtime.shutdown_background();
            status
        }
        Err(error) => {
            let problem = limits::no_threads(&error);
            ui.show(Document::problems(Context::default(), vec![*problem], ExitStatus::Failed))
        }
    }
}

/// Shows a help page, or why the arguments are not valid.
fn explain(error: &clap::Error, options: ui::UiOptions) -> u8 {
    let style = if error.use_stderr() { options.err } else { options.out };
    let page = match style.color {
        Color::On => error.render().ansi().to_string(),
        Color::Off => error.render().to_string(),
    };
    let ui = Ui::new(options);
    if error.use_stderr() {
        ui.refuse(&page);
        return ui.end(ExitStatus::Usage);
    }
    ui.answer(&page);
    ui.end(ExitStatus::Done)
}
