//! [`Ui::show`]: renders a [`Document`] in each requested format and routes it to stdout, stderr and files.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use crate::config::problem::Problem;
use crate::exec::report::ExitStatus;

use super::render::human::{self, PublishedLists, Styles};
use super::render::{Channel, OutputPart, json};
use super::{Context, Document, Output, OutputFormat, Style, Ui, Verbosity, text};

/// The format that is written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StdoutUse {
    /// The human-readable format.
    Human,
    /// JSON. The human-readable format is written to stderr.
    JsonAndHuman,
    /// JSON. Of the human-readable format, only messages and the verdict are written to stderr.
    Json,
}

impl Ui {
    /// Shows the result of a command, first in files, then on the streams. Returns the exit status: that of the
    /// document, or a failure if a file could not be written.
    #[must_use]
    pub fn show(&self, mut document: Document) -> ExitStatus {
        self.live.finish();
        document.status = self.write_files(&document);
        self.show_on_streams(&document);
        document.status
    }

    /// Checks that every FORMAT=FILE can be written, so that nothing is published without its report. No file is
    /// changed.
    ///
    /// # Errors
    /// Returns the exit status after the problems were shown.
    pub fn check_files(&self) -> Result<(), ExitStatus> {
        let files = self.options.outputs.iter().filter_map(|output| output.file.as_deref());
        let unwritable = files.filter_map(|file| Some(unwritable(file, &check_writable(file).err()?)));
        let problems: Vec<Problem> = unwritable.collect();
        if problems.is_empty() {
            return Ok(());
        }
        let document = Document::problems(Context::default(), problems, ExitStatus::Usage);
        self.show_on_streams(&document);
        Err(document.status)
    }

    fn show_on_streams(&self, document: &Document) {
        let stdout = self.stdout();
        if stdout != StdoutUse::Human {
            self.printer.out_exact(&json::render(document));
        }
        if self.options.verbosity > Verbosity::Quiet || document.status != ExitStatus::Done {
            let err = self.options.err;
            let out = if stdout == StdoutUse::Human { self.options.out } else { err };
            for OutputPart { channel, text } in
                human::render(document, &self.options, Styles { out, err }, PublishedLists::AlreadyShown)
            {
                match (channel, stdout) {
                    (Channel::Lines | Channel::Verdict, StdoutUse::Human) => self.printer.out(&text),
                    (Channel::Lines, StdoutUse::Json) => {}
                    _ => self.printer.err(&text),
                }
            }
        }
    }

    /// Decides which format gets stdout.
    fn stdout(&self) -> StdoutUse {
        let streams = |format| self.options.outputs.iter().any(|it| it.file.is_none() && it.format == format);
        match (streams(OutputFormat::Json), streams(OutputFormat::Human)) {
            (false, _) => StdoutUse::Human,
            (true, true) => StdoutUse::JsonAndHuman,
            (true, false) => StdoutUse::Json,
        }
    }

    /// Writes every FORMAT=FILE. If a file cannot be written, the problem is shown before the verdict and the status is
    /// a failure.
    fn write_files(&self, document: &Document) -> ExitStatus {
        let mut status = document.status;
        for Output { format, file } in &self.options.outputs {
            let Some(file) = file else { continue };
            let text = match format {
                OutputFormat::Human => {
                    let styles = Styles { out: Style::PLAIN, err: Style::PLAIN };
                    let parts = human::render(document, &self.options, styles, PublishedLists::Included);
                    parts.into_iter().map(|part| text::harmless(&part.text).into_owned()).collect()
                }
                OutputFormat::Json => json::render(document),
            };
            if let Err(error) = std::fs::write(file, text) {
                let problem = unwritable(file, &error);
                self.printer.err(&human::problem(&problem, &self.options, self.options.err));
                if status == ExitStatus::Done {
                    status = ExitStatus::Failed;
                }
            }
        }
        status
    }
}

fn unwritable(file: &Path, error: &io::Error) -> Problem {
    Problem::error("mlist::ui::unwritable", format!("{} cannot be written", file.display()))
        .because(text::system(error))
}

/// Checks that a file can be written, without changing it or creating it.
fn check_writable(file: &Path) -> io::Result<()> {
    match fs::metadata(file) {
        Ok(found) if found.is_file() => OpenOptions::new().append(true).open(file).map(drop),
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        // A pipe or device: opening it would have an effect.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            tempfile::tempfile_in(folder).map(drop)
        }
        Err(error) => Err(error),
    }
}
