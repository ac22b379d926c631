//! All that is seen: the only layer that writes to a stream.
//!
//! | file | holds |
//! |---|---|
//! | [`document`] | the result of a command, before it is rendered |
//! | [`render`] | its forms, a file each |
//! | [`show`] | routes each form to stdout, stderr or a file |
//! | [`printer`] | stdout and stderr |
//! | [`style`] | colour, characters and width, decided once |
//! | [`codes`] | every code of a problem that is not of the file |
//! | [`progress`] | what is seen while a run goes on |
//! | [`text`] | counts, durations, sizes, digests, lists of names |
//!
//! stdout is the answer, stderr is talk. Of a command's end this is the order: the lines of lists, the problems in
//! full, the verdict, whose first word is the exit status.

use std::path::PathBuf;
use std::sync::Arc;

use crate::exec::Listener;
use crate::exec::report::ExitStatus;

pub mod codes;
mod document;
mod printer;
mod progress;
mod render;
mod show;
pub mod style;
mod text;

pub use document::{Context, Document};
pub(crate) use printer::report_panics;
pub use style::{Color, ColorChoice, Hints, Size, Style};

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
pub enum ProgressMode {
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
pub enum OutputFormat {
    /// For people.
    Human,
    /// For scripts.
    Json,
}

/// `--format FORMAT[=FILE]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// In which form.
    pub format: OutputFormat,
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
    pub progress: ProgressMode,
    /// How long digests are.
    pub digests: DigestLength,
    /// What was asked for beside the usual; at most one JSON without a file.
    pub outputs: Vec<Output>,
}

/// Shows everything.
pub struct Ui {
    options: Options,
    printer: Arc<Printer>,
    live: Live,
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
}

#[cfg(test)]
mod tests;
