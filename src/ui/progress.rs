//! [`Live`]: the output during a run, made from its events.
//!
//! | file | holds |
//! |---|---|
//! | [`state`] | what is known of a run, and the text for each event |
//! | [`active`] | the lists that are being published, and the bytes that were sent |
//!
//! On a terminal, progress bars are shown after a short delay. Elsewhere, plain lines are printed, and a status line if
//! nothing else was printed for a while. The line of a list is printed to stdout: on a terminal when the list is done,
//! elsewhere in the order of the file.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::exec::event::Event;

use super::printer::Printer;
use super::render::human::ShownLists;
use super::{ProgressMode, UiOptions, Verbosity};

use state::{LiveState, LiveText};

mod active;
mod state;

/// Runs shorter than this show no progress bars.
const BEFORE_BARS: Duration = Duration::from_millis(300);

/// How often the bars are redrawn.
const TICK: Duration = Duration::from_millis(100);

/// How long nothing is printed before a status line follows. CI systems stop jobs that print nothing for too long.
const SILENCE: Duration = Duration::from_secs(10);

/// How many lists in progress are shown at most.
const LISTS: usize = 4;

/// The output during a run.
pub(super) struct Live {
    shared: Arc<LiveShared>,
    ticker: Mutex<Option<JoinHandle<()>>>,
}

struct LiveShared {
    options: UiOptions,
    printer: Arc<Printer>,
    state: Mutex<LiveState>,
    over: Condvar,
}

impl Live {
    pub(super) fn new(options: UiOptions, printer: Arc<Printer>) -> Self {
        let shared = LiveShared { options, printer, state: Mutex::new(LiveState::new()), over: Condvar::new() };
        Self { shared: Arc::new(shared), ticker: Mutex::new(None) }
    }

    /// Returns a listener for events, and starts the thread that draws bars or prints status lines.
    pub(super) fn listener(&self) -> crate::exec::Listener {
        let mut ticker = self.ticker.lock().unwrap_or_else(PoisonError::into_inner);
        if ticker.is_none() && self.shared.options.verbosity > Verbosity::Quiet {
            let shared = Arc::clone(&self.shared);
            // Without the thread, the output is only less lively.
            *ticker = std::thread::Builder::new().spawn(move || shared.keep_time()).ok();
        }
        let shared = Arc::clone(&self.shared);
        Arc::new(move |event| shared.hear(event))
    }

    /// Removes the bars. Nothing is drawn after this.
    pub(super) fn finish(&self) {
        let bar = {
            let mut state = self.shared.state();
            state.over = true;
            state.bar.take()
        };
        self.shared.over.notify_all();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        let ticker = self.ticker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ticker) = ticker {
            // The thread only draws. If it panicked, there is nothing left to draw.
            let _ = ticker.join();
        }
    }

    /// Prints a message, above the bars if there are any.
    pub(super) fn say(&self, text: &str) {
        let mut state = self.shared.state();
        self.shared.say(&mut state, &LiveText::Message(text.to_owned()));
    }

    /// Prints the lines of lists that have ended and wait for others, because the run ends now.
    pub(super) fn show_waiting(&self) {
        if self.shared.options.verbosity > Verbosity::Quiet {
            let lines = self.shared.state().release();
            self.shared.printer.result(self.shared.options.results(), &lines);
        }
    }

    /// The lists whose lines were printed during the run.
    pub(super) fn shown(&self) -> ShownLists {
        match self.shared.options.verbosity {
            // Nothing was printed, and what was published is not of interest.
            Verbosity::Quiet => ShownLists::Published,
            _ => self.shared.state().shown(),
        }
    }

    /// The lists whose tags are being written now. It is not known whether those writes take effect.
    pub(super) fn writing(&self) -> Vec<String> {
        self.shared.state().writing()
    }
}

impl LiveShared {
    fn state(&self) -> MutexGuard<'_, LiveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, state: &mut LiveState, text: &LiveText) {
        let print = || match text {
            LiveText::Result(text) => self.printer.result(self.options.results(), text),
            LiveText::Message(text) => self.printer.err(text),
        };
        if let LiveText::Result(text) | LiveText::Message(text) = text
            && text.is_empty()
        {
            return;
        }
        state.spoke = Instant::now();
        match &state.bar {
            Some(bar) => {
                bar.suspend(print);
                self.step_back();
            }
            None => print(),
        }
    }

    /// Moves the cursor to the start of the last line of the bars. If it stayed at the end of the line, the `^C` that
    /// the terminal echoes would start a new line, and the bars would be cleared one line too low.
    fn step_back(&self) {
        self.printer.return_carriage();
    }

    fn hear(&self, event: Event) {
        let mut state = self.state();
        if let Some(text) = state.note(event, &self.options)
            && self.options.verbosity > Verbosity::Quiet
            && !state.over
        {
            self.say(&mut state, &text);
        }
    }

    /// Draws the bars or prints status lines until the run is over.
    fn keep_time(&self) {
        let mut state = self.state();
        while !state.over {
            let now = Instant::now();
            state.active.sample(now);
            if let ProgressMode::Bars(size) = self.options.progress
                && state.began.elapsed() >= BEFORE_BARS
            {
                state.draw(LISTS.min(size.rows / 3), self.options.err);
            }
            if state.bar.is_some() {
                self.step_back();
            } else if state.spoke.elapsed() >= SILENCE {
                let line = state.sign_of_life(self.options.err);
                self.say(&mut state, &LiveText::Message(line));
            }
            state = self.over.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests;
