//! [`Printer`]: the only place that writes to stdout and stderr.
//!
//! stdout is the answer, stderr is talk. A reader that went away is no failure: what it did not want is dropped.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::{AutoStream, ColorChoice};

use super::style::{Color, Style};
use super::text;

/// The two streams.
pub(super) struct Printer {
    out: Mutex<Stream>,
    err: Mutex<Stream>,
}

/// How a stream fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// All was written so far.
    Open,
    /// The reader went away.
    Closed,
    /// It can't be written to: a full disk.
    Failed(String),
}

struct Stream {
    sink: Box<dyn Write + Send>,
    fate: Fate,
}

impl Printer {
    /// Those of the process. Where a style has no colour, escape sequences are taken out once more on the way.
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

    /// Any others.
    pub(super) fn to(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        let stream = |sink| Mutex::new(Stream { sink, fate: Fate::Open });
        Self { out: stream(out), err: stream(err) }
    }

    /// Writes to stdout.
    pub(super) fn out(&self, text: &str) {
        lock(&self.out).write(text);
    }

    /// Writes to stderr.
    pub(super) fn err(&self, text: &str) {
        lock(&self.err).write(text);
    }

    /// How stdout fared.
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

/// Makes a panic say that it is a bug and where to report it, and end the process with 101.
pub(crate) fn report_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        let place = match env!("CARGO_PKG_REPOSITORY") {
            "" => "where you have mlist from".to_owned(),
            repository => format!("{repository}/issues"),
        };
        let version = env!("CARGO_PKG_VERSION");
        let text = format!("This is a bug in mlist {version}. Report it with the lines above: {place}\n");
        // Nothing is left to do about a stderr that can't be written to.
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
            printer.out("answer");
            printer.out("more");
            printer.answered()
        };
        assert_eq!(fate(io::ErrorKind::BrokenPipe), Fate::Closed);
        assert!(matches!(fate(io::ErrorKind::StorageFull), Fate::Failed(_)));
    }

    #[test]
    fn nothing_written_is_nothing_lost() {
        let printer = Printer::to(Box::new(Broken(io::ErrorKind::BrokenPipe)), Box::new(io::sink()));
        printer.out("");
        assert_eq!(printer.answered(), Fate::Open);
    }
}
