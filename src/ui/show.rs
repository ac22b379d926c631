//! [`Ui::show`]: a [`Document`] goes where it was asked for, in each of its forms. The one place that decides it.

use crate::config::problem::Problem;
use crate::exec::report::ExitStatus;

use super::render::human::{self, Published, Styles};
use super::render::{Channel, Part, json};
use super::{Document, Format, Output, Style, Ui, Verbosity, text};

/// Whose stdout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stdout {
    /// The human form's.
    Human,
    /// JSON's; the human form goes to stderr.
    JsonAndHuman,
    /// JSON's; of the human form only what JSON leaves to say goes to stderr.
    Json,
}

impl Ui {
    /// Shows a document, the last word of a command: first in files, then on the streams. The exit status is the
    /// document's, unless a file could not be written.
    #[must_use]
    pub fn show(&self, mut document: Document) -> ExitStatus {
        self.live.finish();
        document.status = self.write_files(&document);
        let stdout = self.stdout();
        if stdout != Stdout::Human {
            self.printer.out(&json::render(&document));
        }
        if self.options.verbosity > Verbosity::Quiet || document.status != ExitStatus::Done {
            let err = self.options.err;
            let out = if stdout == Stdout::Human { self.options.out } else { err };
            for Part { channel, text } in
                human::render(&document, &self.options, Styles { out, err }, Published::ToldBefore)
            {
                match (channel, stdout) {
                    (Channel::Answer | Channel::Verdict, Stdout::Human) => self.printer.out(&text),
                    (Channel::Answer, Stdout::Json) => {}
                    _ => self.printer.err(&text),
                }
            }
        }
        document.status
    }

    fn stdout(&self) -> Stdout {
        let streams = |format| self.options.outputs.iter().any(|it| it.file.is_none() && it.format == format);
        match (streams(Format::Json), streams(Format::Human)) {
            (false, _) => Stdout::Human,
            (true, true) => Stdout::JsonAndHuman,
            (true, false) => Stdout::Json,
        }
    }

    /// Writes every FORMAT=FILE. One that can't be written is a failure, said before the verdict.
    fn write_files(&self, document: &Document) -> ExitStatus {
        let mut status = document.status;
        for Output { format, file } in &self.options.outputs {
            let Some(file) = file else { continue };
            let text = match format {
                Format::Human => {
                    let styles = Styles { out: Style::PLAIN, err: Style::PLAIN };
                    let parts = human::render(document, &self.options, styles, Published::Told);
                    parts.into_iter().map(|part| part.text).collect()
                }
                Format::Json => json::render(document),
            };
            if let Err(error) = std::fs::write(file, text) {
                let problem = Problem::error("mlist::ui::unwritable", format!("{} cannot be written", file.display()))
                    .because(text::system(&error));
                self.printer.err(&human::problem(&problem, &self.options, self.options.err));
                if status == ExitStatus::Done {
                    status = ExitStatus::Failed;
                }
            }
        }
        status
    }
}
