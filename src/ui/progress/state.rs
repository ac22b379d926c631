//! [`LiveState`]: what is known of a run, and the text for each event.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::exec::event::{Event, Notice};
use crate::exec::report::{ListReport, Outcome};
use crate::plan::{Action, Plan};
use crate::ui::render::human::{self, ShownLists, report::ListLines};
use crate::ui::style::Style;
use crate::ui::{ProgressMode, UiOptions, Verbosity, text};

use super::active::{ActiveLists, PlanHosts};

pub(super) struct LiveState {
    pub(super) began: Instant,
    /// When something was last printed.
    pub(super) spoke: Instant,
    pub(super) bar: Option<ProgressBar>,
    pub(super) over: bool,
    pub(super) active: ActiveLists,
    phase: Phase,
    paused: BTreeMap<String, HostPause>,
    missing: Option<MissingMembers>,
    plan: Option<ShownPlan>,
}

/// A text to print during a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LiveText {
    /// A line of a list: part of the result.
    Result(String),
    /// A message, for stderr.
    Message(String),
}

#[derive(Clone, Copy)]
enum Phase {
    /// Before the first event with a count.
    Starting,
    Reading {
        done: usize,
        total: usize,
    },
    ListingTags {
        done: usize,
        total: usize,
    },
    Publishing {
        done: usize,
        total: usize,
    },
}

impl Phase {
    /// Formats a number of what is counted: lists, or repositories.
    fn items(self, number: usize) -> String {
        match self {
            Self::ListingTags { .. } => text::repositories(number),
            Self::Starting | Self::Reading { .. } | Self::Publishing { .. } => text::plural(number, "list"),
        }
    }
}

/// The drawn state: lines, then a last line with a bar and the text next to it.
pub(super) struct Frame {
    pub(super) above: String,
    /// The width of the bar in columns. 0 if there is no bar.
    pub(super) bar: usize,
    pub(super) beside: String,
    done: usize,
    total: usize,
}

struct HostPause {
    status: u16,
    since: Instant,
    wait: Duration,
}

/// Members that were not found and are waited for.
struct MissingMembers {
    members: usize,
    until: Instant,
}

/// The plan that is being executed, and the layout of its lines.
struct ShownPlan {
    plan: Arc<Plan>,
    hosts: PlanHosts,
    lines: ListLines,
    order: LineOrder,
}

/// When the line of a list is printed.
enum LineOrder {
    /// When it is published. The lines of other lists follow at the end.
    AsEnded,
    /// When those before it in the file were printed.
    OfFile {
        /// The first list whose line was not printed yet.
        next: usize,
        /// The lists after it that have ended.
        waiting: BTreeMap<usize, Arc<ListReport>>,
    },
}

impl LiveState {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            spoke: now,
            bar: None,
            over: false,
            active: ActiveLists::default(),
            phase: Phase::Starting,
            paused: BTreeMap::new(),
            missing: None,
            plan: None,
        }
    }

    /// Records an event. Returns the text to print, if any.
    pub(super) fn note(&mut self, event: Event, options: &UiOptions) -> Option<LiveText> {
        match event {
            Event::Reading { done, total } => {
                self.phase = Phase::Reading { done, total };
                None
            }
            Event::ListingTags { done, total } => {
                self.phase = Phase::ListingTags { done, total };
                None
            }
            Event::Waiting { members, left } => {
                let began = self.missing.is_none();
                let missing = MissingMembers { members, until: Instant::now() + left };
                let line = text::wrap(&missing.sentence(), options.err.width) + "\n";
                self.missing = (members > 0).then_some(missing);
                let is_shown = began && members > 0 && options.progress == ProgressMode::Lines;
                is_shown.then_some(LiveText::Message(line))
            }
            Event::Planned(plan) => Some(LiveText::Message(self.planned(plan, options))),
            Event::Began { list } => {
                self.active.begin(list);
                None
            }
            Event::Step { list, step } => {
                self.active.step(list, step);
                None
            }
            Event::Ended { list, report } => {
                self.active.end(list);
                if let Phase::Publishing { done, .. } = &mut self.phase
                    && report.plan.action.writes()
                {
                    *done += 1;
                }
                Some(LiveText::Result(self.plan.as_mut()?.ended(list, report)))
            }
            Event::Notice(notice) => self.notice(notice, options).map(LiveText::Message),
            Event::Stopping { lists } => {
                let what = match lists {
                    0 => String::new(),
                    1 => " 1 list finishes the step it is in.".to_owned(),
                    lists => format!(" {} finish the step they are in.", text::plural(lists, "list")),
                };
                let line = format!("Stopping:{what} Ctrl-C again stops at once.");
                Some(LiveText::Message(text::wrap(&line, options.err.width) + "\n"))
            }
        }
    }

    /// Records a notice about a registry. Returns the text to print, if any.
    fn notice(&mut self, notice: Notice, options: &UiOptions) -> Option<String> {
        let lines = |line: &str| {
            let line = text::wrap(line, options.err.width) + "\n";
            (options.progress == ProgressMode::Lines).then_some(line)
        };
        match notice {
            Notice::Paused { host, status, wait, as_asked } => {
                let name = text::foreign(&host);
                let what = match status {
                    429 => format!("rate limited by {name}"),
                    status => format!("{name} responded {status}"),
                };
                let why = if as_asked { " as requested by the registry" } else { "" };
                let line = format!("{what}: retrying in {}{why}{}", text::wait(wait), self.remaining());
                self.paused.insert(host, HostPause { status, since: Instant::now(), wait });
                lines(&line)
            }
            Notice::Resumed { host, after } => {
                self.paused.remove(&host);
                lines(&format!("sending requests to {} again after {}", text::foreign(&host), text::waited(after)))
            }
            Notice::Request { method, url, status, took } => {
                let status = status.map_or_else(|| "no response".to_owned(), |status| status.to_string());
                let line = format!("{method} {} {status} {}ms\n", text::line(&url), took.as_millis());
                (options.verbosity == Verbosity::Requests).then_some(line)
            }
            Notice::Streaming { .. } => None,
        }
    }

    fn planned(&mut self, plan: Arc<Plan>, options: &UiOptions) -> String {
        let style = options.result_style();
        let lines = ListLines::of(&plan, options.view(style, &plan));
        let summary = plan.summary();
        self.phase = Phase::Publishing { done: 0, total: summary.create + summary.update };
        let changes = plan.lists.iter().any(|list| list.action != Action::Unchanged);
        let order = match style.width {
            Some(_) => LineOrder::AsEnded,
            // A pipe or file: the same run always gives the same text.
            None => LineOrder::OfFile { next: 0, waiting: BTreeMap::new() },
        };
        self.plan = Some(ShownPlan { hosts: PlanHosts::of(&plan), lines, order, plan });
        if changes { human::plan::summary(&summary, options.err) } else { String::new() }
    }

    /// Returns the lines of lists that have ended and wait for lists before them. No list is waited for after this.
    pub(super) fn release(&mut self) -> String {
        let Some(ShownPlan { lines, order: LineOrder::OfFile { waiting, .. }, .. }) = &mut self.plan else {
            return String::new();
        };
        std::mem::take(waiting).iter().map(|(at, list)| lines.in_order(*at, list)).collect()
    }

    /// The lists whose lines were printed.
    pub(super) fn shown(&self) -> ShownLists {
        match &self.plan {
            Some(ShownPlan { order: LineOrder::OfFile { next, .. }, .. }) => ShownLists::First(*next),
            Some(ShownPlan { order: LineOrder::AsEnded, .. }) | None => ShownLists::Published,
        }
    }

    /// The lists whose tags are being written now.
    pub(super) fn writing(&self) -> Vec<String> {
        let Some(shown) = &self.plan else { return Vec::new() };
        let lists = self.active.writing().filter_map(|list| shown.plan.lists.get(list));
        lists.map(|list| human::report::name(list)).collect()
    }

    fn remaining(&self) -> String {
        match self.phase {
            Phase::Reading { done, total } | Phase::ListingTags { done, total } | Phase::Publishing { done, total }
                if total > done =>
            {
                format!(", {} remaining", self.phase.items(total - done))
            }
            _ => String::new(),
        }
    }

    /// Returns a line that says how far the run is.
    pub(super) fn sign_of_life(&self, style: Style) -> String {
        let of = |what: &str, done: usize, total: usize| {
            format!("{what}: {} of {}", text::count(done), self.phase.items(total))
        };
        let line = match (self.phase, &self.missing) {
            (Phase::Starting, _) => "Waiting for the response of a registry".to_owned(),
            (Phase::Reading { .. }, Some(missing)) => missing.sentence(),
            (Phase::Reading { done, total }, None) => of("Reading", done, total),
            (Phase::ListingTags { done, total }, _) => of("Listing tags", done, total),
            (Phase::Publishing { done, total }, _) => {
                let bytes = [self.active.size(), self.active.rate()];
                bytes.into_iter().flatten().fold(of("Publishing", done, total), |line, part| line + ", " + &part)
            }
        };
        text::wrap(&line, style.width) + "\n"
    }

    pub(super) fn draw(&mut self, rows: usize, style: Style) {
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
    pub(super) fn frame(&self, rows: usize, style: Style) -> Option<Frame> {
        let (word, done, total) = match self.phase {
            Phase::Starting | Phase::Publishing { total: 0, .. } => return None,
            Phase::Reading { done, total } => ("Reading", done, total),
            Phase::ListingTags { done, total } => ("Listing tags", done, total),
            Phase::Publishing { done, total } => ("Publishing", done, total),
        };
        let width = style.width.unwrap_or(80);
        let mut above = self.rows(rows, style);
        let counts = format!("{}/{}", text::count(done), self.phase.items(total));
        let columns = |beside: &str| word.len() + 1 + text::width(beside);
        let mut pauses = self.pauses().fold(String::new(), |told, (host, wait)| told + "  " + &host + &wait);
        if columns(&counts) + text::width(&pauses) >= width {
            // If the pauses do not fit on the last line, each one gets its own line.
            above.extend(self.pauses().take(rows).map(|(host, wait)| {
                let most = width.saturating_sub(3 + text::width(&wait));
                format!("  {}{wait}\n", style.shortened(&host, most))
            }));
            pauses.clear();
        }
        let size = self.active.size();
        let with_rate = size.as_ref().zip(self.active.rate()).map(|(size, rate)| format!("  {size}, {rate}"));
        let mut bytes = [with_rate, size.map(|size| format!("  {size}"))].into_iter().flatten();
        let beside = |bytes: &str| format!("{counts}{bytes}{pauses}");
        let bytes = bytes.find(|bytes| columns(&beside(bytes)) < width).unwrap_or_default();
        let beside = beside(&bytes);
        above.push_str(word);
        // The bar takes the columns that the text leaves free. If fewer than 4 are free, no bar is drawn.
        let bar = match width.saturating_sub(columns(&beside) + 4).min(28) {
            0..4 => 0,
            bar => bar,
        };
        Some(Frame { above, bar, beside, done, total })
    }

    pub(super) fn rows(&self, rows: usize, style: Style) -> String {
        self.plan.as_ref().map(|shown| self.active.rows(&shown.plan, &shown.hosts, rows, style)).unwrap_or_default()
    }

    /// The hosts and members that are waited for, each with the reason and time.
    pub(super) fn pauses(&self) -> impl Iterator<Item = (String, String)> {
        let hosts = self.paused.iter().map(|(host, pause)| {
            let why = match pause.status {
                429 => ": rate limited".to_owned(),
                status => format!(" responded {status}"),
            };
            let left = pause.wait.saturating_sub(pause.since.elapsed());
            (text::foreign(host), format!("{why}, retrying in {}", text::wait(left)))
        });
        let missing = |missing: &MissingMembers| (missing.noun(), format!(": {} left", missing.left()));
        hosts.chain(self.missing.as_ref().map(missing))
    }
}

impl ShownPlan {
    /// Records that a list ended. Returns the lines that can be printed now.
    fn ended(&mut self, list: usize, report: Arc<ListReport>) -> String {
        let Self { lines, order, .. } = self;
        match order {
            LineOrder::AsEnded if report.outcome == Outcome::Published => lines.published(&report),
            LineOrder::AsEnded => String::new(),
            LineOrder::OfFile { next, waiting } => {
                waiting.insert(list, report);
                let mut text = String::new();
                while let Some(report) = waiting.remove(next) {
                    text += &lines.in_order(*next, &report);
                    *next += 1;
                }
                text
            }
        }
    }
}

impl MissingMembers {
    /// Returns `Waiting for 1 member not found yet, 42s left`.
    fn sentence(&self) -> String {
        format!("Waiting for {}, {} left", self.noun(), self.left())
    }

    fn noun(&self) -> String {
        format!("{} not found yet", text::plural(self.members, "member"))
    }

    fn left(&self) -> String {
        text::wait(self.until.saturating_duration_since(Instant::now()))
    }
}
