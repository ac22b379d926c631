//! Terminal, file and JSON output. This is the only layer that writes to stdout or stderr.
//!
//! | file | holds |
//! |---|---|
//! | [`document`] | the result of a command, before it is rendered |
//! | [`render`] | the output formats, one file for each |
//! | [`show`] | routes each format to stdout, stderr or a file |
//! | [`files`] | the files of `--format FORMAT=FILE` |
//! | [`printer`] | stdout and stderr |
//! | [`style`] | color, character set and width, decided once per stream |
//! | [`codes`] | the codes of all problems that are not about manifests.toml |
//! | [`progress`] | the output during a run |
//! | [`text`] | counts, durations, sizes, digests, lists of names |
//!
//! stdout has results: the lines of lists and the verdict. stderr has progress, warnings and problems. If a format
//! without a file takes stdout, results are written to stderr. At the end of a command the order is: the lines of lists,
//! the problems in full, the verdict. The first word of the verdict corresponds to the exit status.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::exec::Listener;
use crate::exec::report::ExitStatus;

pub mod codes;
mod document;
mod files;
mod printer;
mod progress;
mod render;
mod show;
pub mod style;
mod text;

pub use document::{Context, Document, VerifiedLists};
pub(crate) use printer::report_panics;
pub use style::{Color, ColorChoice, Hints, Size, Style};

use files::OutputFile;
use printer::{Fate, Printer};
use progress::Live;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Nothing, unless the exit status is not 0 (`-q`).
    Quiet,
    /// Only changes.
    Normal,
    /// Also members, unchanged lists and requests by host (`-v`).
    Verbose,
    /// Also each request (`-vv`).
    Requests,
}

/// How progress is shown during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressMode {
    /// Progress bars, on a terminal of this size.
    Bars(Size),
    /// Plain lines.
    Lines,
}

/// How digests are shortened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestLength {
    /// Shortened, but long enough that no two digests of an output look alike.
    Short,
    /// In full (`--no-trunc`).
    Full,
}

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// Text for people.
    Human,
    /// JSON for scripts.
    Json,
    /// A page for a website.
    Html,
}

/// The value of `--format FORMAT[=FILE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The format.
    pub format: OutputFormat,
    /// The file to write to. `None` for the stream of the format.
    pub file: Option<PathBuf>,
}

/// The stream of results for people: the lines of lists and the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResultStream {
    Stdout,
    /// Another format uses stdout.
    Stderr,
}

/// The settings for all output.
#[derive(Debug, Clone)]
pub struct UiOptions {
    /// The style of stdout.
    pub out: Style,
    /// The style of stderr.
    pub err: Style,
    /// How much is shown.
    pub verbosity: Verbosity,
    /// How progress is shown.
    pub progress: ProgressMode,
    /// How digests are shortened.
    pub digests: DigestLength,
    /// The formats that were requested with `--format`. At most one of them takes stdout.
    pub outputs: Vec<Output>,
}

impl OutputFormat {
    /// All formats, in the order in which messages name them.
    pub const ALL: [Self; 3] = [Self::Human, Self::Json, Self::Html];

    /// The value of `--format`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Html => "html",
        }
    }
}

impl Output {
    /// Whether the format is written to stdout, so that results for people are written to stderr.
    #[must_use]
    pub fn takes_stdout(&self) -> bool {
        self.file.is_none() && self.format != OutputFormat::Human
    }
}

impl UiOptions {
    fn results(&self) -> ResultStream {
        if self.outputs.iter().any(Output::takes_stdout) { ResultStream::Stderr } else { ResultStream::Stdout }
    }

    /// The style of the stream of results.
    fn result_style(&self) -> Style {
        match self.results() {
            ResultStream::Stdout => self.out,
            ResultStream::Stderr => self.err,
        }
    }
}

/// Writes all output of a command.
pub struct Ui {
    options: UiOptions,
    printer: Arc<Printer>,
    live: Live,
    /// Every FORMAT=FILE, from before the run until its document is complete.
    files: Mutex<Vec<(Output, OutputFile)>>,
}

impl Ui {
    /// Creates a `Ui` that writes to stdout and stderr of the process.
    #[must_use]
    pub fn new(options: UiOptions) -> Self {
        let printer = Printer::new(options.out, options.err);
        Self::with(options, printer)
    }

    fn with(options: UiOptions, printer: Printer) -> Self {
        let printer = Arc::new(printer);
        let live = Live::new(options.clone(), Arc::clone(&printer));
        Self { options, printer, live, files: Mutex::default() }
    }

    /// Returns a listener that shows events as they arrive.
    #[must_use]
    pub fn listener(&self) -> Listener {
        self.live.listener()
    }

    /// Prints a line to stderr that is neither a result nor a problem.
    pub fn talk(&self, line: &str) {
        if self.options.verbosity > Verbosity::Quiet {
            self.live.say(&format!("{}\n", text::line(line)));
        }
    }

    /// Prints a text to stdout unchanged: a schema, a help page.
    pub fn answer(&self, answer: &str) {
        self.printer.out_exact(answer);
    }

    /// Prints why the arguments are invalid. `text` consists of whole lines, with or without color.
    pub fn refuse(&self, text: &str) {
        self.printer.err(text);
    }

    /// Prints which tags are in an unknown state when a second signal ends a run at once.
    pub fn cut_off(&self) {
        let writing = self.live.writing();
        self.live.finish();
        self.live.show_waiting();
        let what = if writing.is_empty() {
            "Interrupted: no tag was being moved. Run mlist sync to continue.\n".to_owned()
        } else {
            let names = writing.iter().map(String::as_str);
            let first = "Interrupted: these tags may have been moved: ";
            let width = self.options.result_style().width;
            text::fill(first, &text::named(names, true), 2, width) + "\nRun mlist sync to continue.\n"
        };
        self.printer.result(self.options.results(), &what);
        // The process ends without another chance to remove the temporary files.
        self.files.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Returns the exit status of the process. If the reader of stdout closed the pipe early, that alone is no failure.
    #[must_use]
    pub fn end(&self, status: ExitStatus) -> u8 {
        match self.printer.answered() {
            Fate::Failed(why) => {
                self.printer.err(&format!("failed to write to stdout: {}\n", text::foreign(&why)));
                if status == ExitStatus::Done { ExitStatus::Failed.code() } else { status.code() }
            }
            Fate::Open | Fate::Closed => status.code(),
        }
    }
}

#[cfg(test)]
mod tests;
