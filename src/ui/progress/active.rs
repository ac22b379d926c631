//! [`ActiveLists`]: the lists that are being published, as rows of the progress output, and the bytes that were sent.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::{Duration, Instant};

use crate::exec::event::ListStep;
use crate::oci::{Host, Platform};
use crate::plan::Plan;
use crate::ui::render::human;
use crate::ui::style::Style;
use crate::ui::text;

/// The rate is that of this last period.
const RATE_PERIOD: Duration = Duration::from_secs(5);

/// The names of lists are shortened to this width before anything is left out of what is being done.
const SHORT_NAME: usize = 10;

/// The columns before a row and between its name and its step.
const INDENT: usize = 2;

/// The lists that are being published.
#[derive(Debug, Default)]
pub(super) struct ActiveLists {
    /// In the order in which they began.
    lists: Vec<ActiveList>,
    /// The bytes that were sent for lists that have ended.
    ended: u64,
    /// The bytes that were sent at some moments of the last [`RATE_PERIOD`].
    samples: VecDeque<(Instant, u64)>,
}

#[derive(Debug)]
struct ActiveList {
    /// The position of the list in the plan.
    list: usize,
    /// The members that are or were copied, in the order in which they began.
    members: Vec<ActiveMember>,
    /// The number of members that are in the target, and of all members to copy. `None` until the first one is there.
    done: Option<(usize, usize)>,
    is_writing: bool,
}

#[derive(Debug)]
struct ActiveMember {
    platform: Platform,
    way: CopyWay,
    is_done: bool,
}

#[derive(Debug)]
enum CopyWay {
    Mount,
    Bytes { from: Option<Host>, sent: u64, of: u64 },
}

/// The registries of a plan.
#[derive(Debug, Default)]
pub(super) struct PlanHosts {
    targets: BTreeSet<Host>,
    all: BTreeSet<Host>,
}

/// How much a row says. The first that fits the terminal is used for all rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowDetail {
    /// The platform, and both registries if there are several.
    Full,
    /// The platform and the registry that distinguishes this copy from others.
    OneHost,
    NoPlatform,
    NoVerb,
    NoHost,
}

const DETAILS: [RowDetail; 5] =
    [RowDetail::Full, RowDetail::OneHost, RowDetail::NoPlatform, RowDetail::NoVerb, RowDetail::NoHost];

impl ActiveLists {
    pub(super) fn begin(&mut self, list: usize) {
        self.lists.push(ActiveList { list, members: Vec::new(), done: None, is_writing: false });
    }

    pub(super) fn step(&mut self, list: usize, step: ListStep) {
        if let Some(active) = self.lists.iter_mut().find(|active| active.list == list) {
            active.step(step);
        }
    }

    pub(super) fn end(&mut self, list: usize) {
        let ended = self.lists.iter().filter(|active| active.list == list);
        self.ended = ended.fold(self.ended, |sum, active| sum.saturating_add(active.bytes().0));
        self.lists.retain(|active| active.list != list);
    }

    /// The lists whose tags are being written.
    pub(super) fn writing(&self) -> impl Iterator<Item = usize> {
        self.lists.iter().filter(|active| active.is_writing).map(|active| active.list)
    }

    /// Records how many bytes were sent until now, for the rate.
    pub(super) fn sample(&mut self, now: Instant) {
        let sent = self.bytes().0;
        if sent == 0 {
            return;
        }
        self.samples.push_back((now, sent));
        // The oldest sample is the last one from before the period.
        while self.samples.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= RATE_PERIOD) {
            self.samples.pop_front();
        }
    }

    /// Returns `48.2 of 112 MB`. `None` if no bytes have to be sent.
    pub(super) fn size(&self) -> Option<String> {
        let (sent, of) = self.bytes();
        (of > 0).then(|| text::size_of(sent, of))
    }

    /// Returns `11 MB/s`. `None` if it is not known yet, or if nothing is being sent.
    pub(super) fn rate(&self) -> Option<String> {
        let ((first, before), (last, sent)) = (self.samples.front()?, self.samples.back()?);
        let millis = last.duration_since(*first).as_millis();
        let bytes = u128::from(sent.saturating_sub(*before));
        let is_copying = self.lists.iter().any(|active| active.current().is_some_and(ActiveMember::is_sent));
        let rate = u64::try_from((bytes * 1000).checked_div(millis)?).unwrap_or(u64::MAX);
        (is_copying && millis >= 1000).then(|| text::rate(rate))
    }

    /// The bytes of all lists that were sent, and that are to be sent as far as this is known.
    fn bytes(&self) -> (u64, u64) {
        self.lists.iter().fold((self.ended, self.ended), |(sent, of), active| {
            let (more, of_more) = active.bytes();
            (sent.saturating_add(more), of.saturating_add(of_more))
        })
    }

    /// Returns a line for each of the first `rows` lists whose step is known, and one for the number of the others.
    pub(super) fn rows(&self, plan: &Plan, hosts: &PlanHosts, rows: usize, style: Style) -> String {
        let width = style.width.unwrap_or(80);
        let known = self.lists.iter().filter(|active| active.is_known());
        let shown: Vec<_> =
            known.clone().filter_map(|active| Some((active, plan.lists.get(active.list)?))).take(rows).collect();
        let targets: Vec<_> = shown.iter().map(|(_, list)| human::called(list)).collect();
        let names = row_names(&targets);
        let longest = |names: &[String]| names.iter().map(|name| text::width(name)).max().unwrap_or(0);
        let least = longest(&names).min(SHORT_NAME);
        let most = (width - 1).saturating_sub(2 * INDENT + least);
        let steps = |detail| -> Vec<String> {
            shown.iter().map(|(active, list)| active.text(list.publication.target.host(), hosts, detail)).collect()
        };
        let fitting = DETAILS.into_iter().map(steps).find(|steps| longest(steps) <= most);
        let steps = fitting.unwrap_or_else(|| steps(RowDetail::NoHost));
        let most = (width - 1).saturating_sub(2 * INDENT + longest(&steps)).max(least);
        let names: Vec<String> = names.iter().map(|name| style.shortened(name, most)).collect();
        let (column, blanks) = (longest(&names), " ".repeat(INDENT));
        let row = |(name, step): (&String, &String)| {
            let line = format!("{blanks}{}{blanks}{step}", text::pad(name, column));
            // A line that wraps could not be cleared again.
            line.trim_end().chars().take(width - 1).chain(['\n']).collect::<String>()
        };
        let mut lines: String = names.iter().zip(&steps).map(row).collect();
        match known.count() - shown.len() {
            others @ 1.. if rows > 0 => lines.extend([&blanks, "and ", &text::count(others), " more\n"]),
            _ => {}
        }
        lines
    }
}

impl ActiveList {
    fn step(&mut self, step: ListStep) {
        match step {
            ListStep::Mounting { platform } => self.member(platform).way = CopyWay::Mount,
            ListStep::Copying { platform, from, sent, of } => {
                self.member(platform).way = CopyWay::Bytes { from, sent, of };
            }
            ListStep::Copied { platform, done, of } => {
                self.done = Some((done, of));
                let member = self.member(platform);
                member.is_done = true;
                // Blobs that another list had sent are not sent again.
                if let CopyWay::Bytes { sent, of, .. } = &mut member.way {
                    *of = *sent;
                }
            }
            ListStep::Writing => self.is_writing = true,
        }
    }

    /// Returns the member for a platform that is not done. If there is none, it is added.
    fn member(&mut self, platform: Platform) -> &mut ActiveMember {
        let known = self.members.iter().position(|member| !member.is_done && member.platform == platform);
        let at = known.unwrap_or_else(|| {
            self.members.push(ActiveMember { platform, way: CopyWay::Mount, is_done: false });
            self.members.len() - 1
        });
        &mut self.members[at]
    }

    fn is_known(&self) -> bool {
        self.is_writing || !self.members.is_empty()
    }

    /// The member that is shown: the first one that is not done, so that the row does not change with each event.
    fn current(&self) -> Option<&ActiveMember> {
        self.members.iter().find(|member| !member.is_done).or(self.members.last())
    }

    fn bytes(&self) -> (u64, u64) {
        self.members.iter().fold((0, 0), |(sum, sum_of), member| match member.way {
            CopyWay::Bytes { sent, of, .. } => (sum.saturating_add(sent), sum_of.saturating_add(of)),
            CopyWay::Mount => (sum, sum_of),
        })
    }

    /// Returns what is being done: `copying linux/arm64 from gcr.io to quay.io, 48.2 of 112 MB`.
    fn text(&self, target: Option<&Host>, hosts: &PlanHosts, detail: RowDetail) -> String {
        let name = |host: &Host| text::foreign(host.as_str());
        let several = hosts.all.len() > 1 && detail != RowDetail::NoHost;
        let to = target.filter(|_| several).map(name);
        let Some(member) = self.current().filter(|_| !self.is_writing) else {
            let what = if to.is_some() && detail == RowDetail::NoVerb { "writing" } else { "writing the list" };
            return format!("{what}{}", to.map(|to| format!(" to {to}")).unwrap_or_default());
        };
        let platform = match detail {
            RowDetail::Full | RowDetail::OneHost => format!(" {}", text::foreign(&member.platform.to_string())),
            _ => String::new(),
        };
        match &member.way {
            CopyWay::Mount => {
                let to = to.map(|to| format!(" on {to}")).unwrap_or_default();
                let done = match (self.done, detail) {
                    (None, _) => String::new(),
                    (Some((done, of)), RowDetail::NoVerb | RowDetail::NoHost) => format!(", {done} of {of}"),
                    (Some((done, of)), _) => format!(", {done} of {}", text::plural(of, "member")),
                };
                format!("mounting{platform}{to}{done}")
            }
            CopyWay::Bytes { from, sent, of } => {
                let from = from.as_ref().filter(|_| several).map(name);
                let (from, to) = match (from, to) {
                    (from, to) if detail == RowDetail::Full => (from, to),
                    // With one registry for all lists, only the sources differ.
                    (Some(from), _) if hosts.targets.len() < 2 => (Some(from), None),
                    (_, to) => (None, to),
                };
                let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
                let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
                let size = if *of > 0 { format!(", {}", text::size_of(*sent, *of)) } else { String::new() };
                let verb = if matches!(detail, RowDetail::NoVerb | RowDetail::NoHost) { "" } else { "copying" };
                let text = format!("{verb}{platform}{from}{to}{size}");
                text.trim_start_matches([',', ' ']).to_owned()
            }
        }
    }
}

impl ActiveMember {
    fn is_sent(&self) -> bool {
        !self.is_done && matches!(self.way, CopyWay::Bytes { .. })
    }
}

impl PlanHosts {
    /// The registries that the lists of `plan` are copied from and to.
    pub(super) fn of(plan: &Plan) -> Self {
        let lists = || plan.lists.iter().filter(|list| list.action.writes());
        let targets: BTreeSet<Host> = lists().filter_map(|list| list.publication.target.host()).cloned().collect();
        let sources = lists().flat_map(|list| list.children.iter().filter_map(|child| child.from.host()));
        Self { all: sources.chain(&targets).cloned().collect(), targets }
    }
}

/// Returns the name of each list in a row. The id is enough if no other row of the same registry has it.
fn row_names(lists: &[(&str, &crate::oci::Place)]) -> Vec<String> {
    let mut seen = HashSet::new();
    if lists.iter().all(|(id, target)| seen.insert((id, target.host()))) {
        lists.iter().map(|(id, _)| text::line(id)).collect()
    } else {
        human::names(lists)
    }
}
