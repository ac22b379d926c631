//! All that is seen: the only layer that writes to a stream.
//!
//! | file | holds |
//! |---|---|
//! | [`printer`] | stdout and stderr |
//! | [`style`] | colour, characters and width, decided once |
//! | [`human`] | plans and reports as people read them |
//! | [`problems`], [`fold`] | problems in full, those of one cause as one |
//! | [`excerpt`] | what a problem shows of its file |
//! | [`codes`] | every code of a problem that is not of the file |
//! | [`progress`] | what is seen while a run goes on |
//! | [`json`] | the documents for scripts |
//! | [`text`] | counts, durations, sizes, digests, lists of names |
//!
//! stdout is the answer, stderr is talk. Of a command's end this is the order: the lines of lists, the problems in
//! full, the verdict, whose first word is the exit status.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Loaded;
use crate::config::model::{LeftOut, Publication};
use crate::config::problem::{Problem, Sources};
use crate::exec::Listener;
use crate::exec::report::{ExitStatus, Outcome, Report, Signal, Stats};
use crate::plan::Plan;

pub mod codes;
mod excerpt;
mod fold;
mod human;
mod json;
mod printer;
mod problems;
mod progress;
#[cfg(test)]
mod samples;
pub mod style;
mod text;

pub(crate) use printer::report_panics;
pub use style::{Color, ColorChoice, Hints, Size, Style};

use fold::Group;
use printer::{Fate, Printer};
use progress::Live;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Nothing, unless the exit status is not 0 (`-q`).
    Quiet,
    /// What changes.
    Normal,
    /// Members, unchanged names, requests by host (`-v`).
    Verbose,
    /// Each request (`-vv`).
    Requests,
}

/// What is seen of a run while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Bars, on a terminal of this size.
    Bars(Size),
    /// Lines.
    Lines,
}

/// How long digests are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestLength {
    /// As long as it takes to tell them apart.
    Short,
    /// Whole (`--no-trunc`).
    Full,
}

/// A form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// For scripts.
    Json,
}

/// `--format FORMAT[=FILE]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// In which form.
    pub format: Format,
    /// Where to; none for its stream.
    pub file: Option<PathBuf>,
}

/// How everything is shown.
#[derive(Debug, Clone)]
pub struct Options {
    /// How stdout may be written to.
    pub out: Style,
    /// How stderr may be written to.
    pub err: Style,
    /// How much is said.
    pub verbosity: Verbosity,
    /// What is seen meanwhile.
    pub progress: Progress,
    /// How long digests are.
    pub digests: DigestLength,
    /// What was asked for beside the usual; at most one JSON without a file.
    pub outputs: Vec<Output>,
}

/// What a run was about, whatever came of it.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What spans point into; the first is manifests.toml, where it was found.
    pub sources: &'a Sources,
    /// What the file says that is not right and keeps nothing from being done.
    pub warnings: &'a [Problem],
    /// Selected lists to which no tag applies.
    pub left_out: &'a [LeftOut],
}

/// Shows everything.
pub struct Ui {
    options: Options,
    printer: Arc<Printer>,
    live: Live,
}

/// Whose stdout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stdout {
    /// The human answer's.
    Human,
    /// JSON's; the human answer goes to stderr.
    JsonAndHuman,
    /// JSON's; there is no human answer.
    Json,
}

impl<'a> Context<'a> {
    /// Of what was loaded and is good.
    #[must_use]
    pub fn of_loaded(loaded: &'a Loaded) -> Self {
        Self { sources: &loaded.sources, warnings: &loaded.problems, left_out: &loaded.left_out }
    }

    /// Of `sources`, and nothing is known of what they say.
    #[must_use]
    pub fn of(sources: &'a Sources) -> Self {
        Self { sources, warnings: &[], left_out: &[] }
    }

    fn file(&self) -> Option<&'a str> {
        self.sources.get(0).map(|file| file.name.as_str())
    }
}

impl Ui {
    /// Writes to the streams of the process.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let printer = Printer::new(options.out, options.err);
        Self::with(options, printer)
    }

    fn with(options: Options, printer: Printer) -> Self {
        let printer = Arc::new(printer);
        let live = Live::new(options.clone(), Arc::clone(&printer));
        Self { options, printer, live }
    }

    /// Shows events as they come.
    #[must_use]
    pub fn listener(&self) -> Listener {
        self.live.listener()
    }

    /// Says a line of talk: no answer, no problem.
    pub fn talk(&self, line: &str) {
        if self.options.verbosity > Verbosity::Quiet {
            self.live.say(&format!("{}\n", text::line(line)));
        }
    }

    /// Answers with a text as it is: a schema, a page of help.
    pub fn answer(&self, answer: &str) {
        self.printer.out(answer);
    }

    /// Says why the arguments can't be used; `text` is whole lines, in colour or not.
    pub fn refuse(&self, text: &str) {
        self.printer.err(text);
    }

    /// Shows that manifests.toml is good: what `check` says. `unexpanded` are entries that stand for lists which only
    /// tags tell.
    #[must_use]
    pub fn checked(
        &self,
        context: Context<'_>,
        publications: &[Arc<Publication>],
        unexpanded: &[String],
    ) -> ExitStatus {
        let members: usize = publications.iter().map(|list| list.members.len()).sum();
        let tags: usize = publications.iter().map(|list| list.tags.len()).sum();
        let warnings = match context.warnings.len() {
            0 => "no problems".to_owned(),
            warnings => text::plural(warnings, "warning"),
        };
        let counts =
            [text::plural(publications.len(), "list"), text::plural(members, "member"), text::plural(tags, "tag")];
        let verdict = format!("{}, {warnings}", counts.join(", "));
        let verdict = match unexpanded {
            [] => verdict,
            entries => {
                let names =
                    text::named(entries.iter().map(String::as_str), self.options.verbosity >= Verbosity::Verbose);
                format!("{verdict}; not expanded, as their lists stand in tags: {}", names.join(", "))
            }
        };
        self.file_verdict(context, context.warnings, &verdict, ExitStatus::Done)
    }

    /// Shows what is wrong before anything could be done: manifests.toml, a selector, this machine.
    #[must_use]
    pub fn problems(&self, context: Context<'_>, problems: &[Problem], status: ExitStatus) -> ExitStatus {
        let verdict = text::plural(problems.len(), "problem");
        self.file_verdict(context, problems, &verdict, status)
    }

    fn file_verdict(
        &self,
        context: Context<'_>,
        problems: &[Problem],
        verdict: &str,
        status: ExitStatus,
    ) -> ExitStatus {
        self.live.finish();
        let verdict = format!("{}: {verdict}", text::line(context.file().unwrap_or("manifests.toml")));
        let groups = fold::fold(problems.iter().map(|problem| (None, problem)));
        let human = |style: Style| {
            let lines = self.left_out(context, style);
            let problems = self.in_full(&groups, context.sources, style, &lines);
            lines + &problems + &text::wrap(&verdict, style.width) + "\n"
        };
        let status =
            self.write_files(status, &|| human(Style::PLAIN), &|status| json::problems(&context, problems, status));
        if self.stdout() != Stdout::Human {
            self.printer.out(&json::problems(&context, problems, status.code()));
        }
        if self.speaks(status) {
            self.printer.err(&human(self.options.err));
        }
        status
    }

    /// Shows a plan: the answer of `plan`.
    #[must_use]
    pub fn plan(&self, context: Context<'_>, plan: &Plan, requests: &Stats, status: ExitStatus) -> ExitStatus {
        self.live.finish();
        let lists = plan.lists.iter().enumerate();
        let of_lists = lists.flat_map(|(at, list)| list.problems.iter().map(move |problem| (Some(at), problem)));
        let groups = fold::fold(context.warnings.iter().map(|problem| (None, problem)).chain(of_lists));
        let lines = |style| human::plan::lines(plan, &self.options.view(style, plan)) + &self.left_out(context, style);
        let verdict = |style| human::plan::summary(&plan.summary(), style);
        let talk = |style| self.in_full(&groups, context.sources, style, &lines(style)) + &self.asked(requests, style);
        let whole = || lines(Style::PLAIN) + &talk(Style::PLAIN) + &verdict(Style::PLAIN);
        let status = self.write_files(status, &whole, &|status| json::plan(&context, plan, requests, status));
        if self.stdout() != Stdout::Human {
            self.printer.out(&json::plan(&context, plan, requests, status.code()));
        }
        if self.speaks(status) {
            match self.stdout() {
                Stdout::Human => {
                    self.printer.out(&lines(self.options.out));
                    self.printer.err(&talk(self.options.err));
                    self.printer.out(&verdict(self.options.out));
                }
                Stdout::JsonAndHuman => {
                    let style = self.options.err;
                    self.printer.err(&(lines(style) + &talk(style) + &verdict(style)));
                }
                Stdout::Json => self.printer.err(&(talk(self.options.err) + &verdict(self.options.err))),
            }
        }
        status
    }

    /// Shows the end of a run: what `sync` says behind the lines of the lists that it published.
    #[must_use]
    pub fn report(&self, context: Context<'_>, report: &Report) -> ExitStatus {
        self.live.finish();
        let plan = Plan { lists: report.lists.iter().map(|list| Arc::clone(&list.plan)).collect() };
        let lists = report.lists.iter().enumerate();
        // What is cancelled says so itself: "stopped" is no problem.
        let told = lists.filter(|(_, list)| !matches!(list.outcome, Outcome::Cancelled { .. }));
        let of_lists = told.flat_map(|(at, list)| list.problems.iter().map(move |problem| (Some(at), problem)));
        let groups = fold::fold(context.warnings.iter().map(|problem| (None, problem)).chain(of_lists));
        let rest = |style| {
            let view = self.options.view(style, &plan);
            let columns = human::report::Columns::of(&plan, &view);
            human::report::unpublished(report, &columns, &view) + &self.left_out(context, style)
        };
        let end = |style, status, before: &str| {
            self.in_full(&groups, context.sources, style, before)
                + &self.asked(&report.requests, style)
                + &human::report::summary(report, status, style)
        };
        let whole = || {
            let view = self.options.view(Style::PLAIN, &plan);
            let columns = human::report::Columns::of(&plan, &view);
            let published = report.lists.iter().filter(|list| list.outcome == Outcome::Published);
            let lines: String = published.map(|list| human::report::published(list, &columns, &view)).collect();
            let lines = lines + &rest(Style::PLAIN);
            lines.clone() + &end(Style::PLAIN, report.exit_status(), &lines)
        };
        let status = self.write_files(report.exit_status(), &whole, &|status| json::report(&context, report, status));
        if self.stdout() != Stdout::Human {
            self.printer.out(&json::report(&context, report, status.code()));
        }
        if self.speaks(status) {
            let rest = rest(self.options.err);
            self.printer.err(&rest);
            // "Plan: …" stands before the problems even where no list has a line.
            self.printer.err(&end(self.options.err, status, "lines"));
        }
        status
    }

    /// Shows that a run was stopped before anything was decided.
    #[must_use]
    pub fn interrupted(&self, context: Context<'_>, signal: Signal, after: Duration) -> ExitStatus {
        self.live.finish();
        let verdict = |style| human::report::interrupted(after, "nothing was published", style);
        let status = match signal {
            Signal::Interrupt => ExitStatus::Interrupted,
            Signal::Terminate => ExitStatus::Terminated,
        };
        let status =
            self.write_files(status, &|| verdict(Style::PLAIN), &|status| json::problems(&context, &[], status));
        if self.stdout() != Stdout::Human {
            self.printer.out(&json::problems(&context, &[], status.code()));
        }
        self.printer.err(&verdict(self.options.err));
        status
    }

    /// Says what is not known when a run is ended at once, by a second signal.
    pub fn cut_off(&self) {
        let writing = self.live.writing();
        self.live.finish();
        let what = if writing.is_empty() {
            "Interrupted at once: no tag was being moved\n".to_owned()
        } else {
            let names = writing.iter().map(String::as_str);
            text::fill(
                "Interrupted at once: not known whether moved: ",
                &text::named(names, true),
                2,
                self.options.err.width,
            ) + "\n"
        };
        self.printer.err(&what);
    }

    /// The exit status of the process; an answer that nobody wanted to read to its end is no failure.
    #[must_use]
    pub fn end(&self, status: ExitStatus) -> u8 {
        match self.printer.answered() {
            Fate::Open => status.code(),
            Fate::Closed => 0,
            Fate::Failed(why) => {
                self.printer.err(&format!("stdout cannot be written to: {}\n", text::foreign(&why)));
                if status == ExitStatus::Done { ExitStatus::Failed.code() } else { status.code() }
            }
        }
    }

    fn speaks(&self, status: ExitStatus) -> bool {
        self.options.verbosity > Verbosity::Quiet || status != ExitStatus::Done
    }

    fn stdout(&self) -> Stdout {
        let streams = |format| self.options.outputs.iter().any(|it| it.file.is_none() && it.format == format);
        match (streams(Format::Json), streams(Format::Human)) {
            (false, _) => Stdout::Human,
            (true, true) => Stdout::JsonAndHuman,
            (true, false) => Stdout::Json,
        }
    }

    /// Problems in full with a blank line before them, if anything stands there, and one behind them.
    fn in_full(&self, groups: &[Group<'_>], sources: &Sources, style: Style, before: &str) -> String {
        if groups.is_empty() {
            return String::new();
        }
        let text = problems::render(groups, sources, style, self.options.verbosity >= Verbosity::Verbose);
        let blank = if before.is_empty() { "" } else { "\n" };
        format!("{blank}{text}\n")
    }

    /// The lists to which no tag applies.
    fn left_out(&self, context: Context<'_>, style: Style) -> String {
        human::left_out::lines(context.left_out, &self.options.view(style, &Plan::default()))
    }

    fn asked(&self, requests: &Stats, style: Style) -> String {
        let asked_for = self.options.verbosity >= Verbosity::Verbose;
        if asked_for { human::report::requests(requests, style) } else { String::new() }
    }

    /// Writes every FORMAT=FILE. One that can't be written is a failure, said before the verdict.
    fn write_files(&self, status: ExitStatus, human: &dyn Fn() -> String, json: &dyn Fn(u8) -> String) -> ExitStatus {
        let mut result = status;
        for Output { format, file } in &self.options.outputs {
            let Some(file) = file else { continue };
            let text = match format {
                Format::Human => human(),
                Format::Json => json(status.code()),
            };
            if let Err(error) = std::fs::write(file, text) {
                let problem = Problem::error("mlist::ui::unwritable", format!("{} cannot be written", file.display()))
                    .because(text::system(&error));
                let groups = fold::fold([(None, &problem)]);
                self.printer.err(&self.in_full(&groups, &Sources::default(), self.options.err, ""));
                if result == ExitStatus::Done {
                    result = ExitStatus::Failed;
                }
            }
        }
        result
    }
}

#[cfg(test)]
mod tests;
