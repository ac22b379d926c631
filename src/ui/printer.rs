//! [`Printer`]: the only place that writes to stdout and stderr.
//!
//! stdout has results, stderr has messages. A closed pipe is not an error: the rest of the output is dropped.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::{AutoStream, ColorChoice};

use super::style::{Color, Style};
use super::{ResultStream, text};

/// stdout and stderr.
pub(super) struct Printer {
    out: Mutex<Stream>,
    err: Mutex<Stream>,
}

/// The state of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// All writes succeeded so far.
    Open,
    /// The reader closed the pipe.
    Closed,
    /// A write failed, for example because the disk is full.
    Failed(String),
}

struct Stream {
    sink: Box<dyn Write + Send>,
    fate: Fate,
}

impl Printer {
    /// Creates a printer for the streams of the process. If a style has no color, escape sequences are also stripped
    /// here.
    pub(super) fn new(out: Style, err: Style) -> Self {
        let choice = |style: Style| match style.color {
            Color::On => ColorChoice::Always,
            Color::Off => ColorChoice::Never,
        };
        Self::to(
            Box::new(AutoStream::new(io::stdout(), choice(out))),
            Box::new(AutoStream::new(io::stderr(), choice(err))),
        )
    }

    /// Creates a printer for any two streams.
    pub(super) fn to(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        let stream = |sink| Mutex::new(Stream { sink, fate: Fate::Open });
        Self { out: stream(out), err: stream(err) }
    }

    /// Writes a result for people to its stream.
    pub(super) fn result(&self, stream: ResultStream, text: &str) {
        let stream = match stream {
            ResultStream::Stdout => &self.out,
            ResultStream::Stderr => &self.err,
        };
        lock(stream).write(&text::harmless(text));
    }

    /// Writes text for programs to stdout, unchanged.
    pub(super) fn out_exact(&self, text: &str) {
        lock(&self.out).write(text);
    }

    /// Writes text for people to stderr.
    pub(super) fn err(&self, text: &str) {
        lock(&self.err).write(&text::harmless(text));
    }

    /// Moves the cursor to the start of its line on stderr.
    pub(super) fn return_carriage(&self) {
        lock(&self.err).write("\r");
    }

    /// The state of stdout.
    pub(super) fn answered(&self) -> Fate {
        lock(&self.out).fate.clone()
    }
}

impl Stream {
    fn write(&mut self, text: &str) {
        if text.is_empty() || self.fate != Fate::Open {
            return;
        }
        if let Err(error) = self.sink.write_all(text.as_bytes()).and_then(|()| self.sink.flush()) {
            self.fate = match error.kind() {
                io::ErrorKind::BrokenPipe => Fate::Closed,
                _ => Fate::Failed(text::system(&error)),
            };
        }
    }
}

fn lock(stream: &Mutex<Stream>) -> MutexGuard<'_, Stream> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a panic print that it is a bug and where to report it, and end the process with exit status 101.
pub(crate) fn report_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        let place = match env!("CARGO_PKG_REPOSITORY") {
            "" => "the place where you got mlist".to_owned(),
            repository => format!("{repository}/issues"),
        };
        let version = env!("CARGO_PKG_VERSION");
        let text = format!("This is a bug in mlist {version}. Report it with the lines above to {place}\n");
        // If stderr cannot be written to, there is no other place to report it.
        let _ = io::stderr().write_all(text.as_bytes());
        std::process::exit(101);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_not_a_full_disk() {
        let fate = |kind| {
            let printer = Printer::to(Box::new(Broken(kind)), Box::new(io::sink()));
            printer.result(ResultStream::Stdout, "answer");
            printer.result(ResultStream::Stdout, "more");
            printer.answered()
        };
        assert_eq!(fate(io::ErrorKind::BrokenPipe), Fate::Closed);
        assert!(matches!(fate(io::ErrorKind::StorageFull), Fate::Failed(_)));
    }

    #[test]
    fn nothing_written_is_nothing_lost() {
        let printer = Printer::to(Box::new(Broken(io::ErrorKind::BrokenPipe)), Box::new(io::sink()));
        printer.result(ResultStream::Stdout, "");
        assert_eq!(printer.answered(), Fate::Open);
    }
}
