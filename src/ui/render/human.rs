//! The human-readable format. This file combines the parts of a [`Document`].
//!
//! | file | holds |
//! |---|---|
//! | [`details`] | the lines below a list: its tags and members, before and after |
//! | [`left_out`] | the lists to which no tag applies |
//! | [`plan`] | the output of `mlist plan` |
//! | [`staying`] | unchanged lists with a tag that is not as declared, because a newer version has it |
//! | [`report`] | the output of `mlist sync`, during the run and at its end |
//! | [`problems`] | problems in full |
//! | [`excerpt`] | the part of a file that a problem shows |

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::problem::{Problem, Severity, Sources};
use crate::exec::report::{ExitStatus, Outcome, Report, Stats};
use crate::oci::{Digest, Place};
use crate::plan::{ListPlan, Plan};

use crate::ui::document::{self, Checked, Content, Context, Document};
use crate::ui::style::{Role, Style};
use crate::ui::text::{self, Digests};
use crate::ui::{DigestLength, UiOptions, Verbosity};

use super::fold::{self, ProblemGroup};
use super::{Channel, OutputPart};

mod details;
mod excerpt;
mod left_out;
pub(in crate::ui) mod plan;
mod problems;
pub(in crate::ui) mod report;
mod staying;

/// The column where the text of a list's line begins, after its first word.
const INDENT: usize = 11;

/// The settings for rendering one output.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) struct View {
    /// The style of the stream.
    pub(in crate::ui) style: Style,
    /// How digests are shortened. Each digest has one spelling.
    pub(in crate::ui) digests: Digests,
    /// Whether to show what is folded by default (`-v`).
    pub(in crate::ui) all: bool,
}

/// The styles of stdout and stderr.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) struct Styles {
    pub(in crate::ui) out: Style,
    pub(in crate::ui) err: Style,
}

/// Whether the text includes the lists that a run published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ui) enum PublishedLists {
    /// They are included.
    Included,
    /// They are omitted, because each was shown when it was published.
    AlreadyShown,
}

/// Renders `document` for people. The parts are in reading order.
pub(in crate::ui) fn render(
    document: &Document,
    options: &UiOptions,
    styles: Styles,
    published: PublishedLists,
) -> Vec<OutputPart> {
    let Document { context, content, status } = document;
    let parts = DocumentParts { context, options };
    match content {
        Content::Check(checked) => {
            vec![parts.of_the_file(&context.warnings, &parts.checked(checked), styles.err)]
        }
        Content::Problems(problems) => {
            vec![parts.of_the_file(problems, &text::plural(problems.len(), "problem"), styles.err)]
        }
        Content::Plan { plan, requests } => parts.plan(plan, requests, styles),
        Content::Report(report) => vec![parts.report(report, *status, styles.err, published)],
        Content::Interrupted { after } => {
            vec![OutputPart::message(report::interrupted(*after, "nothing was published", styles.err))]
        }
    }
}

/// Builds the parts of one document.
struct DocumentParts<'a> {
    context: &'a Context,
    options: &'a UiOptions,
}

impl DocumentParts<'_> {
    fn checked(&self, checked: &Checked) -> String {
        let Checked { publications: lists, unexpanded } = checked;
        let members = lists.iter().map(|list| list.members.len()).sum();
        let tags = lists.iter().map(|list| list.tags.len()).sum();
        let warnings = match self.context.warnings.len() {
            0 => "no problems".to_owned(),
            warnings => text::plural(warnings, "warning"),
        };
        let counts = [text::plural(lists.len(), "list"), text::plural(members, "member"), text::plural(tags, "tag")];
        let verdict = format!("{}, {warnings}", counts.join(", "));
        if unexpanded.is_empty() {
            return verdict;
        }
        let names = text::named(unexpanded.iter().map(String::as_str), self.options.verbosity >= Verbosity::Verbose);
        format!("{verdict}; not expanded, as their lists stand in tags: {}", names.join(", "))
    }

    /// Renders a result about manifests.toml alone: the first problems, then the file name and `verdict`.
    fn of_the_file(&self, problems: &[Problem], verdict: &str, style: Style) -> OutputPart {
        let verdict = format!("{}: {verdict}", text::line(self.context.file().unwrap_or("manifests.toml")));
        let (shown, omitted) = document::shown(problems);
        let groups = fold::fold(shown.iter().map(|problem| (None, problem)));
        let lines = self.left_out(style);
        let problems = self.in_full(&groups, style, &lines);
        let others = match omitted {
            0 => String::new(),
            omitted => format!("and {}\n\n", text::plural(omitted, "other problem")),
        };
        OutputPart::message(lines + &problems + &others + &text::wrap(&verdict, style.width) + "\n")
    }

    fn plan(&self, plan: &Plan, requests: &Stats, Styles { out, err }: Styles) -> Vec<OutputPart> {
        let lists = plan.lists.iter().enumerate();
        let of_lists = lists.flat_map(|(at, list)| list.problems.iter().map(move |problem| (Some(at), problem)));
        let groups = self.with_warnings(of_lists);
        let lines = plan::lines(plan, &self.options.view(out, plan)) + &self.left_out(out);
        let talk = self.in_full(&groups, err, &lines) + &self.asked(requests, err);
        let verdict = plan::summary(&plan.summary(), out);
        vec![
            OutputPart { channel: Channel::Lines, text: lines },
            OutputPart::message(talk),
            OutputPart { channel: Channel::Verdict, text: verdict },
        ]
    }

    fn report(&self, report: &Report, status: ExitStatus, style: Style, published: PublishedLists) -> OutputPart {
        let plan = Plan { lists: report.lists.iter().map(|list| Arc::clone(&list.plan)).collect() };
        let view = self.options.view(style, &plan);
        let columns = report::ListColumns::of(&plan, &view);
        let lists = report.lists.iter().enumerate();
        // A cancelled list has its own line. Being stopped is not shown as a problem.
        let told = lists.filter(|(_, list)| !matches!(list.outcome, Outcome::Cancelled { .. }));
        let of_lists = told.flat_map(|(at, list)| list.problems.iter().map(move |problem| (Some(at), problem)));
        let groups = self.with_warnings(of_lists);
        let mut lines = String::new();
        if published == PublishedLists::Included {
            let lists = report.lists.iter().filter(|list| list.outcome == Outcome::Published);
            lists.for_each(|list| lines.push_str(&report::published(list, &columns, &view)));
        }
        lines += &report::unpublished(report, &columns, &view);
        lines += &self.left_out(style);
        // `Plan: …` was already printed before the problems, even if no list has a line.
        let before = if published == PublishedLists::AlreadyShown { "lines" } else { &lines };
        let problems = self.in_full(&groups, style, before);
        let asked = self.asked(&report.requests, style);
        OutputPart::message(lines + &problems + &asked + &report::summary(report, status, style))
    }

    /// Returns the warnings of the file, then the problems of lists, grouped by cause.
    fn with_warnings<'p>(
        &'p self,
        of_lists: impl Iterator<Item = (Option<usize>, &'p Problem)>,
    ) -> Vec<ProblemGroup<'p>> {
        fold::fold(self.context.warnings.iter().map(|problem| (None, problem)).chain(of_lists))
    }

    /// Renders problems in full, with a blank line after them, and one before them unless `before` is empty.
    fn in_full(&self, groups: &[ProblemGroup<'_>], style: Style, before: &str) -> String {
        let text = in_full(groups, &self.context.sources, self.options, style);
        if before.is_empty() || text.is_empty() { text } else { format!("\n{text}") }
    }

    /// Renders the lists to which no tag applies.
    fn left_out(&self, style: Style) -> String {
        left_out::lines(&self.context.left_out, &self.options.view(style, &Plan::default()))
    }

    fn asked(&self, requests: &Stats, style: Style) -> String {
        let asked_for = self.options.verbosity >= Verbosity::Verbose;
        if asked_for { report::requests(requests, style) } else { String::new() }
    }
}

/// Renders a problem that has no place in a file, in full, followed by a blank line.
pub(in crate::ui) fn problem(problem: &Problem, options: &UiOptions, style: Style) -> String {
    in_full(&fold::fold([(None, problem)]), &Sources::default(), options, style)
}

/// Renders problems in full, followed by a blank line. Empty if there are none.
fn in_full(groups: &[ProblemGroup<'_>], sources: &Sources, options: &UiOptions, style: Style) -> String {
    if groups.is_empty() {
        return String::new();
    }
    problems::render(groups, sources, style, options.verbosity >= Verbosity::Verbose) + "\n"
}

impl UiOptions {
    /// Returns the settings for showing `plan` on a stream.
    pub(in crate::ui) fn view(&self, style: Style, plan: &Plan) -> View {
        let digests = match self.digests {
            DigestLength::Full => Digests::Full,
            DigestLength::Short => Digests::telling_apart(digests(plan)),
        };
        View { style, digests, all: self.verbosity >= Verbosity::Verbose }
    }
}

impl View {
    /// Returns the first word of a list's line, in its color, padded to the column of the text.
    fn word(&self, word: &str) -> String {
        let role = match word {
            "create" | "created" => Role::Created,
            "update" | "updated" => Role::Updated,
            "failed" => Role::Failed,
            "blocked" => Role::Blocked,
            _ => Role::Dim,
        };
        format!("{}{}", self.style.paint(role, word), " ".repeat(INDENT.saturating_sub(word.len())))
    }

    /// Renders `failed     6 lists on quay.io: hyperkube, kubectl`.
    fn folded(&self, word: &str, group: &ProblemGroup<'_>, plans: &[&ListPlan]) -> String {
        let lists: Vec<&ListPlan> = group.lists.iter().filter_map(|at| plans.get(*at).copied()).collect();
        let place = group.host.map(|host| format!(" on {}", text::foreign(host))).unwrap_or_default();
        self.named(word, &lists, &place)
    }

    /// Renders `unchanged  6 lists: hyperkube, kubectl`.
    fn named(&self, word: &str, lists: &[&ListPlan], place: &str) -> String {
        let first = format!("{word:<INDENT$}{}{place}: ", text::plural(lists.len(), "list"));
        let names = names(&lists.iter().map(|list| called(list)).collect::<Vec<_>>());
        let words = text::named(names.iter().map(String::as_str), self.all);
        let filled = text::fill(&first, &words, INDENT, self.style.width);
        format!("{}{}\n", self.word(word), &filled[INDENT..])
    }
}

/// The digests of a plan, for [`Digests::telling_apart`].
pub(in crate::ui) fn digests(plan: &Plan) -> impl Iterator<Item = &Digest> {
    plan.lists.iter().flat_map(|list| list_digests(list))
}

fn list_digests(list: &ListPlan) -> impl Iterator<Item = &Digest> {
    let tags = list.tags.iter().flat_map(|tag| tag.from.iter().chain(&tag.to));
    let tags = tags.chain(list.member_tags.iter().flat_map(|change| change.tag.from.iter().chain(&change.tag.to)));
    let members = list.members.iter();
    let members = members.flat_map(|member| member.from.iter().chain(member.descriptor.iter().map(|it| &it.digest)));
    list.index.iter().map(|index| &index.digest).chain(tags).chain(members)
}

/// Returns the id of a list and its repository.
pub(in crate::ui) fn called(list: &ListPlan) -> (&str, &Place) {
    (&list.publication.id, &list.publication.target)
}

/// Returns the display names of lists that are shown together: the id, or the repository if several of the lists have
/// the same id because an entry has several targets.
pub(in crate::ui) fn names(lists: &[(&str, &Place)]) -> Vec<String> {
    let mut seen = HashMap::<&str, usize>::new();
    for (id, _) in lists {
        *seen.entry(id).or_default() += 1;
    }
    lists
        .iter()
        .map(|(id, target)| text::line(&if seen[id] == 1 { (*id).to_owned() } else { target.to_string() }))
        .collect()
}

/// The problem that is shown if there is one line for a list: its first error.
fn main_problem(problems: &[Problem]) -> Option<&Problem> {
    problems.iter().find(|problem| problem.severity == Severity::Error)
}

/// Groups lists by their main problem. Lists without an error are omitted.
fn by_cause<'a>(lists: impl Iterator<Item = (usize, &'a [Problem])>) -> Vec<ProblemGroup<'a>> {
    fold::fold(lists.filter_map(|(at, problems)| Some((Some(at), main_problem(problems)?))))
}

/// Renders the verdict with its first word in bold.
fn verdict(style: Style, first: &str, rest: &str) -> String {
    let text = text::wrap(&format!("{first}{rest}"), style.width);
    format!("{}{}\n", style.paint(Role::Verdict, first), &text[first.len()..])
}
