//! [`Live`]: the output during a run, made from its events.
//!
//! On a terminal, progress bars are shown after a short delay. Elsewhere, plain lines are printed, and a status line if
//! nothing else was printed for a while. The lines of published lists are the same in both modes.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::exec::event::{Event, ListStep, Notice};
use crate::exec::report::Outcome;
use crate::plan::{Action, Plan};

use super::printer::Printer;
use super::render::human::{self, View, report::ListColumns};
use super::style::Style;
use super::text;
use super::{ProgressMode, UiOptions, Verbosity};

/// Runs shorter than this show no progress bars.
const BEFORE_BARS: Duration = Duration::from_millis(300);

/// How often the bars are redrawn.
const TICK: Duration = Duration::from_millis(100);

/// How long nothing is printed before a status line follows. CI systems stop jobs that print nothing for too long.
const SILENCE: Duration = Duration::from_secs(30);

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

struct LiveState {
    began: Instant,
    /// When something was last printed.
    spoke: Instant,
    phase: Phase,
    /// The lists in progress with their current step, in the order in which they began.
    at_work: Vec<(usize, Option<ListStep>)>,
    paused: BTreeMap<String, HostPause>,
    absent: Option<Absent>,
    plan: Option<ShownPlan>,
    bar: Option<ProgressBar>,
    over: bool,
}

#[derive(Clone, Copy)]
enum Phase {
    /// Before the first event with a count.
    Starting,
    Reading {
        done: usize,
        total: usize,
    },
    Publishing {
        done: usize,
        total: usize,
    },
}

/// The drawn state: lines, then a last line with a bar and the text next to it.
struct Frame {
    above: String,
    /// The width of the bar in columns. 0 if there is no bar.
    bar: usize,
    beside: String,
    done: usize,
    total: usize,
}

struct HostPause {
    status: u16,
    since: Instant,
    wait: Duration,
}

/// Members that were not found and are waited for.
struct Absent {
    members: usize,
    until: Instant,
}

/// The plan that is being executed, and the layout of its lines.
struct ShownPlan {
    plan: Arc<Plan>,
    view: View,
    columns: ListColumns,
}

impl Live {
    pub(super) fn new(options: UiOptions, printer: Arc<Printer>) -> Self {
        let now = Instant::now();
        let state = LiveState {
            began: now,
            spoke: now,
            phase: Phase::Starting,
            at_work: Vec::new(),
            paused: BTreeMap::new(),
            absent: None,
            plan: None,
            bar: None,
            over: false,
        };
        let shared = LiveShared { options, printer, state: Mutex::new(state), over: Condvar::new() };
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

    /// Prints a line, above the bars if there are any.
    pub(super) fn say(&self, text: &str) {
        let mut state = self.shared.state();
        self.shared.say(&mut state, text);
    }

    /// The lists whose tags are being written now. It is not known whether those writes take effect.
    pub(super) fn writing(&self) -> Vec<String> {
        let state = self.shared.state();
        let Some(shown) = &state.plan else { return Vec::new() };
        let writing = state.at_work.iter().filter(|(_, step)| *step == Some(ListStep::Writing));
        writing.filter_map(|(list, _)| shown.plan.lists.get(*list)).map(|list| human::report::name(list)).collect()
    }
}

impl LiveShared {
    fn state(&self) -> MutexGuard<'_, LiveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, state: &mut LiveState, text: &str) {
        if text.is_empty() {
            return;
        }
        state.spoke = Instant::now();
        match &state.bar {
            Some(bar) => {
                bar.suspend(|| self.printer.err(text));
                self.step_back();
            }
            None => self.printer.err(text),
        }
    }

    /// Moves the cursor to the start of the last line of the bars. If it stayed at the end of the line, the `^C` that
    /// the terminal echoes would start a new line, and the bars would be cleared one line too low.
    fn step_back(&self) {
        self.printer.return_carriage();
    }

    fn hear(&self, event: Event) {
        let mut state = self.state();
        if let Some(line) = state.note(event, &self.options)
            && self.options.verbosity > Verbosity::Quiet
            && !state.over
        {
            self.say(&mut state, &line);
        }
    }

    /// Draws the bars or prints status lines until the run is over.
    fn keep_time(&self) {
        let mut state = self.state();
        while !state.over {
            match self.options.progress {
                ProgressMode::Bars(size) if state.began.elapsed() >= BEFORE_BARS => {
                    let rows = LISTS.min(size.rows / 3);
                    state.draw(rows, self.options.err);
                    if state.bar.is_some() {
                        self.step_back();
                    }
                }
                ProgressMode::Lines if state.spoke.elapsed() >= SILENCE => {
                    let line = state.sign_of_life();
                    self.say(&mut state, &line);
                }
                ProgressMode::Bars(_) | ProgressMode::Lines => {}
            }
            state = self.over.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl LiveState {
    /// Records an event. Returns the text to print, if any.
    fn note(&mut self, event: Event, options: &UiOptions) -> Option<String> {
        match event {
            Event::Reading { done, total } => {
                self.phase = Phase::Reading { done, total };
                None
            }
            Event::Waiting { members, left } => {
                let began = self.absent.is_none();
                let absent = Absent { members, until: Instant::now() + left };
                let line = absent.told();
                self.absent = (members > 0).then_some(absent);
                (began && members > 0 && options.progress == ProgressMode::Lines).then_some(line)
            }
            Event::Planned(plan) => Some(self.planned(plan, options)),
            Event::Began { list } => {
                self.at_work.push((list, None));
                None
            }
            Event::Step { list, step } => {
                if let Some(entry) = self.at_work.iter_mut().find(|(at, _)| *at == list) {
                    entry.1 = Some(step);
                }
                None
            }
            Event::Ended { list, report } => {
                self.at_work.retain(|(at, _)| *at != list);
                if let Phase::Publishing { done, .. } = &mut self.phase
                    && report.plan.action.writes()
                {
                    *done += 1;
                }
                let shown = self.plan.as_ref().filter(|_| report.outcome == Outcome::Published)?;
                Some(human::report::published(&report, &shown.columns, &shown.view))
            }
            Event::Notice(notice) => self.notice(notice, options),
            Event::Stopping { lists } => {
                let what = match lists {
                    0 => String::new(),
                    1 => " 1 list finishes the step it is in.".to_owned(),
                    lists => format!(" {} finish the step they are in.", text::plural(lists, "list")),
                };
                let line = format!("Stopping:{what} Ctrl-C again stops at once.");
                Some(text::wrap(&line, options.err.width) + "\n")
            }
        }
    }

    /// Records a notice about a registry. Returns the text to print, if any.
    fn notice(&mut self, notice: Notice, options: &UiOptions) -> Option<String> {
        match notice {
            Notice::Paused { host, status, wait, as_asked } => {
                let line = format!(
                    "{} answers {status}: waiting {}{}{}",
                    text::foreign(&host),
                    text::wait(wait),
                    if as_asked { " as it asks" } else { "" },
                    self.to_go()
                );
                let line = text::wrap(&line, options.err.width) + "\n";
                self.paused.insert(host, HostPause { status, since: Instant::now(), wait });
                (options.progress == ProgressMode::Lines).then_some(line)
            }
            Notice::Resumed { host, after } => {
                self.paused.remove(&host);
                let line = format!("{} answers again after {}\n", text::foreign(&host), text::waited(after));
                (options.progress == ProgressMode::Lines).then_some(line)
            }
            Notice::Request { method, url, status, took } => {
                let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
                let line = format!("{method} {} {status} {}ms\n", text::line(&url), took.as_millis());
                (options.verbosity == Verbosity::Requests).then_some(line)
            }
            Notice::Streaming { .. } => None,
        }
    }

    fn planned(&mut self, plan: Arc<Plan>, options: &UiOptions) -> String {
        let view = options.view(options.err, &plan);
        let columns = ListColumns::of(&plan, &view);
        let summary = plan.summary();
        self.phase = Phase::Publishing { done: 0, total: summary.create + summary.update };
        let changes = plan.lists.iter().any(|list| list.action != Action::Unchanged);
        self.plan = Some(ShownPlan { plan, view, columns });
        if changes { human::plan::summary(&summary, options.err) } else { String::new() }
    }

    fn to_go(&self) -> String {
        match self.phase {
            Phase::Reading { done, total } | Phase::Publishing { done, total } if total > done => {
                format!(", {} to go", text::plural(total - done, "list"))
            }
            _ => String::new(),
        }
    }

    fn sign_of_life(&self) -> String {
        let of = |what: &str, done: usize, total: usize| {
            format!("{what}: {} of {}\n", text::count(done), text::plural(total, "list"))
        };
        match (self.phase, &self.absent) {
            (Phase::Starting, _) => "Starting\n".to_owned(),
            (Phase::Reading { .. }, Some(absent)) => absent.told(),
            (Phase::Reading { done, total }, None) => of("Reading", done, total),
            (Phase::Publishing { done, total }, _) => of("Publishing", done, total),
        }
    }

    fn draw(&mut self, rows: usize, style: Style) {
        let Some(Frame { above, bar, beside, done, total }) = self.frame(rows, style) else { return };
        let template = match bar {
            0 => "{prefix} {msg}".to_owned(),
            _ => format!("{{prefix}} [{{bar:{bar}}}] {{msg}}"),
        };
        let Ok(template) = ProgressStyle::with_template(&template) else { return };
        let drawn = self.bar.get_or_insert_with(|| {
            let drawn = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            drawn.set_length(total as u64);
            drawn
        });
        drawn.set_style(template.progress_chars("=> "));
        drawn.set_length(total as u64);
        drawn.set_position(done as u64);
        drawn.set_prefix(above);
        drawn.set_message(beside);
        drawn.tick();
    }

    /// Returns what to draw. `None` if there is no progress to show yet.
    fn frame(&self, rows: usize, style: Style) -> Option<Frame> {
        let (word, done, total) = match self.phase {
            Phase::Starting | Phase::Publishing { total: 0, .. } => return None,
            Phase::Reading { done, total } => ("Reading", done, total),
            Phase::Publishing { done, total } => ("Publishing", done, total),
        };
        let width = style.width.unwrap_or(80);
        let mut above = self.rows(rows, width, style);
        let counts = format!("{}/{}", text::count(done), text::plural(total, "list"));
        let mut pauses = self.pauses().fold(String::new(), |told, (host, wait)| told + "  " + &host + &wait);
        if word.len() + 1 + text::width(&counts) + text::width(&pauses) >= width {
            // If the pauses do not fit on the last line, each one gets its own line.
            above.extend(self.pauses().take(rows).map(|(host, wait)| {
                let most = width.saturating_sub(3 + text::width(&wait));
                format!("  {}{wait}\n", ending(&host, most, style))
            }));
            pauses.clear();
        }
        above.push_str(word);
        // The bar takes the columns that the text leaves free. If fewer than 4 are free, no bar is drawn.
        let words = word.len() + 4 + text::width(&counts) + text::width(&pauses);
        let bar = match width.saturating_sub(words + 1).min(28) {
            0..4 => 0,
            bar => bar,
        };
        Some(Frame { above, bar, beside: counts + &pauses, done, total })
    }

    /// Returns a line for each of the first `rows` lists in progress whose step is known.
    fn rows(&self, rows: usize, width: usize, style: Style) -> String {
        let Some(shown) = &self.plan else { return String::new() };
        let at_work =
            self.at_work.iter().filter_map(|(list, step)| Some((shown.plan.lists.get(*list)?, step.as_ref()?)));
        // On a narrow terminal the step is more important than the start of the list's name.
        let (indent, most) = if width < 80 { (2, width / 2 - 4) } else { (11, width / 2) };
        let (lists, steps): (Vec<_>, Vec<&ListStep>) =
            at_work.take(rows).map(|(list, step)| (human::called(list), step)).unzip();
        let names = human::names(&lists).into_iter().map(|name| ending(&name, most, style));
        let at_work: Vec<(String, &ListStep)> = names.zip(steps).collect();
        let name = at_work.iter().map(|(id, _)| text::width(id)).max().unwrap_or(0);
        let row = |(id, step): (String, &ListStep)| {
            let line = format!("{}{}  {}", " ".repeat(indent), text::pad(&id, name), doing(step));
            // A line that wraps could not be cleared again.
            line.chars().take(width.saturating_sub(1)).chain(['\n']).collect::<String>()
        };
        at_work.into_iter().map(row).collect()
    }

    /// The hosts and members that are waited for, each with the status and time.
    fn pauses(&self) -> impl Iterator<Item = (String, String)> {
        let hosts = self.paused.iter().map(|(host, pause)| {
            let waited = pause.since.elapsed().min(pause.wait).as_secs();
            (text::foreign(host), format!(": {}, {waited}s of {}", pause.status, text::wait(pause.wait)))
        });
        let absent = |absent: &Absent| (absent.who(), format!(": {} left", absent.left()));
        hosts.chain(self.absent.as_ref().map(absent))
    }
}

impl Absent {
    /// Returns `Waiting for 1 absent member, 42s left`.
    fn told(&self) -> String {
        format!("Waiting for {}, {} left\n", self.who(), self.left())
    }

    fn who(&self) -> String {
        text::plural(self.members, "absent member")
    }

    fn left(&self) -> String {
        text::wait(self.until.saturating_duration_since(Instant::now()))
    }
}

/// Shortens `name` to at most `most` columns. Keeps the end, because the end distinguishes lists.
fn ending(name: &str, most: usize, style: Style) -> String {
    let length = name.chars().count();
    if length <= most {
        return name.to_owned();
    }
    let left = most.saturating_sub(text::width(style.ellipsis()));
    style.ellipsis().chars().chain(name.chars().skip(length - left)).collect()
}

/// Describes a step: `mounting linux/arm64, 3 of 5 members`.
fn doing(step: &ListStep) -> String {
    match step {
        ListStep::Mounting { platform, done, of } => {
            format!("mounting {}, {done} of {}", text::line(&platform.to_string()), text::plural(*of, "member"))
        }
        ListStep::Copying { platform, sent, of } => {
            format!("copying {}, {}", text::line(&platform.to_string()), text::size_of(*sent, *of))
        }
        ListStep::Writing => "writing the list".to_owned(),
    }
}

#[cfg(test)]
mod tests;
