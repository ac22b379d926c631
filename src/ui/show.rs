//! [`Ui::show`]: renders a [`Document`] in each requested format and routes it to stdout, stderr and files.

use std::io;
use std::path::Path;
use std::sync::PoisonError;

use crate::config::problem::Problem;
use crate::exec::report::ExitStatus;

use super::files::OutputFile;
use super::render::human::{self, ShownLists, Styles};
use super::render::{Channel, OutputPart, html, json};
use super::{Context, Document, OutputFormat, Style, Ui, Verbosity, text};

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

    /// Opens every FORMAT=FILE, so that nothing is published without its report. No existing file is changed.
    ///
    /// # Errors
    /// Returns the exit status after the problems were shown.
    pub fn open_files(&self) -> Result<(), ExitStatus> {
        let (mut files, mut problems) = (Vec::new(), Vec::new());
        for output in &self.options.outputs {
            let Some(path) = &output.file else { continue };
            match OutputFile::open(path) {
                Ok(file) => files.push((output.clone(), file)),
                Err(error) => problems.push(unwritable(path, output.format, &error)),
            }
        }
        if problems.is_empty() {
            *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
            return Ok(());
        }
        let document = Document::problems(Context::default(), problems, ExitStatus::Usage);
        self.show_on_streams(&document);
        Err(document.status)
    }

    fn show_on_streams(&self, document: &Document) {
        for output in self.options.outputs.iter().filter(|output| output.takes_stdout()) {
            self.printer.out_exact(&self.rendered(document, output.format));
        }
        if self.options.verbosity > Verbosity::Quiet || document.status != ExitStatus::Done {
            let styles = Styles { results: self.options.result_style(), messages: self.options.err };
            for OutputPart { channel, text } in human::render(document, &self.options, styles, self.live.shown()) {
                match channel {
                    Channel::Result => self.printer.result(self.options.results(), &text),
                    Channel::Message => self.printer.err(&text),
                }
            }
        }
    }

    /// Writes every FORMAT=FILE. If a file cannot be written, the problem is shown before the verdict and the status is
    /// a failure.
    fn write_files(&self, document: &Document) -> ExitStatus {
        let mut status = document.status;
        let files = std::mem::take(&mut *self.files.lock().unwrap_or_else(PoisonError::into_inner));
        for (output, file) in files {
            let text = self.rendered(document, output.format);
            if let (Err(error), Some(path)) = (file.write(&text), &output.file) {
                let problem = unwritable(path, output.format, &error);
                self.printer.err(&human::problem(&problem, &self.options, self.options.err));
                if status == ExitStatus::Done {
                    status = ExitStatus::Failed;
                }
            }
        }
        status
    }

    /// Renders the document for a file, or for a stdout that has nothing else.
    fn rendered(&self, document: &Document, format: OutputFormat) -> String {
        match format {
            OutputFormat::Human => {
                let styles = Styles { results: Style::PLAIN, messages: Style::PLAIN };
                let parts = human::render(document, &self.options, styles, ShownLists::First(0));
                parts.into_iter().map(|part| text::harmless(&part.text).into_owned()).collect()
            }
            OutputFormat::Json => json::render(document),
            OutputFormat::Html => html::render(document),
        }
    }
}

fn unwritable(file: &Path, format: OutputFormat, error: &io::Error) -> Problem {
    let other = format!("choose another file: --format {}=FILE", format.word());
    let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let help = match error.kind() {
        io::ErrorKind::NotFound => format!("create the directory {}, or {other}", directory.display()),
        io::ErrorKind::PermissionDenied => format!("check the permissions of {}, or {other}", directory.display()),
        _ => other,
    };
    Problem::error("mlist::ui::unwritable", format!("cannot write to {}", file.display()))
        .because(text::system(error))
        .help(help)
}
