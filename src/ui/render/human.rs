//! The human-readable format. This file combines the parts of a [`Document`].
//!
//! | file | holds |
//! |---|---|
//! | [`details`] | the lines below a list: its tags and members, before and after |
//! | [`left_out`] | the lists to which no tag applies |
//! | [`plan`] | the output of `mlist plan` |
//! | [`staying`] | unchanged lists with a tag that is not as declared, because a newer version has it |
//! | [`lists`], [`tags`] | the output of `mlist ls`, and of `mlist ls --tags` |
//! | [`table`] | tables |
//! | [`report`] | the output of `mlist sync`, during the run and at its end |
//! | [`verification`] | the output of `mlist verify` |
//! | [`problems`] | problems in full |
//! | [`excerpt`] | the part of a file that a problem shows |
//! | [`tree`] | the output of `mlist inspect` |
//! | [`expanded`] | the lists that a file expands to |

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::problem::{Problem, Severity, Sources};
use crate::exec::report::{ExitStatus, Outcome, Report, Stats};
use crate::oci::{Digest, Place};
use crate::plan::{Inspection, ListPlan, Plan, TagListing};

use crate::ui::document::{self, Checked, Content, Context, Document, VerifiedLists};
use crate::ui::style::{Role, Style};
use crate::ui::text::{self, Digests};
use crate::ui::{DigestLength, UiOptions, Verbosity};

use super::OutputPart;
use super::fold::{self, ProblemGroup};

mod details;
mod excerpt;
mod expanded;
mod left_out;
pub(super) mod lists;
pub(in crate::ui) mod plan;
mod problems;
pub(in crate::ui) mod report;
mod staying;
mod table;
mod tags;
mod tree;
mod verification;

/// The column of most outputs where the text of a list's line begins.
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
    /// The column where the text of a list's line begins, after its first word.
    pub(in crate::ui) indent: usize,
}

/// The styles of the parts of an output.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) struct Styles {
    /// The lines of lists and the verdict.
    pub(in crate::ui) results: Style,
    /// Problems and notes.
    pub(in crate::ui) messages: Style,
}

/// The lists of a run whose lines were shown before its end. They are omitted at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ui) enum ShownLists {
    /// Those that were published, each when it was done.
    Published,
    /// The first ones of the file.
    First(usize),
}

/// Renders `document` for people. The parts are in reading order.
pub(in crate::ui) fn render(
    document: &Document,
    options: &UiOptions,
    styles: Styles,
    shown: ShownLists,
) -> Vec<OutputPart> {
    let Document { context, content, status } = document;
    let parts = DocumentParts { context, options };
    match content {
        Content::Check(checked) => {
            let verdict = parts.of_file(&parts.checked(checked));
            let mut rendered = parts.before_plan(&context.warnings, &verdict, styles);
            if options.verbosity >= Verbosity::Verbose {
                let view = options.view(styles.results, &Plan::default());
                rendered.insert(0, OutputPart::result(expanded::lines(&checked.publications, &view)));
            }
            rendered
        }
        Content::Declared { checked, took } => parts.declared(checked, *took, styles),
        Content::Lists(verified) => parts.lists(verified, *status, styles),
        Content::Tags { listings, requests, took } => parts.tags(listings, requests, *took, styles),
        Content::Problems(problems) => {
            let count = text::plural(problems.len(), "problem");
            // A problem of the command line or of this machine must not send its reader to the file. The problem of a
            // file that could not be read has no label.
            let is_unread = context.sources.get(0).is_some_and(|file| file.text.is_empty());
            let is_in_file = is_unread || problems.iter().any(|problem| !problem.labels.is_empty());
            let verdict = if is_in_file { parts.of_file(&count) } else { count };
            parts.before_plan(problems, &verdict, styles)
        }
        Content::Plan { plan, requests } => parts.plan(plan, requests, styles),
        Content::Verification(verified) => parts.verification(verified, *status, styles),
        Content::Report(report) => parts.report(report, *status, styles, shown),
        Content::Tree { inspection, requests } => parts.tree(inspection, requests, styles),
        Content::Interrupted { after } => {
            vec![OutputPart::result(report::interrupted(*after, "nothing was published", styles.results))]
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
        let warnings = match self.context.warnings.len() {
            0 => "no problems".to_owned(),
            warnings => text::plural(warnings, "warning"),
        };
        format!("{}, {warnings}{}", counts(checked), self.unexpanded(checked))
    }

    /// Returns which entries of the file are not expanded, to end a verdict. Empty if all are.
    fn unexpanded(&self, Checked { unexpanded, .. }: &Checked) -> String {
        if unexpanded.is_empty() {
            return String::new();
        }
        let names = text::named(unexpanded.iter().map(String::as_str), self.options.verbosity >= Verbosity::Verbose);
        format!("; not expanded, because their lists depend on the tags of a registry: {}", names.join(", "))
    }

    fn declared(&self, checked: &Checked, took: Duration, Styles { results, messages }: Styles) -> Vec<OutputPart> {
        let view = self.options.view(results, &Plan::default());
        let lines = lists::declared(&checked.publications, &view) + &self.left_out(results);
        let warnings = self.in_full(&self.with_warnings(std::iter::empty()), messages, &lines);
        let counts = if checked.publications.is_empty() { "no lists".to_owned() } else { counts(checked) };
        let counts = format!("{counts}{}", self.unexpanded(checked));
        let verdict = verdict(results, "Done", &format!(" in {}: {counts}", text::duration(took)));
        vec![OutputPart::result(lines), OutputPart::message(warnings), OutputPart::result(verdict)]
    }

    fn lists(&self, verified: &VerifiedLists, status: ExitStatus, styles: Styles) -> Vec<OutputPart> {
        let Styles { results, messages } = styles;
        let digests = verified.lists.iter().flat_map(|list| list_digests(&list.plan));
        let lines = lists::published(verified, &self.options.view_of(results, digests)) + &self.left_out(results);
        let groups = self.with_warnings(lists::problems(verified));
        let notes = self.in_full(&groups, messages, &lines) + &self.requests(&verified.requests, messages);
        let verdict = lists::summary(verified, status, results);
        vec![OutputPart::result(lines), OutputPart::message(notes), OutputPart::result(verdict)]
    }

    fn tags(
        &self,
        listings: &[TagListing],
        requests: &Stats,
        took: Duration,
        Styles { results, messages }: Styles,
    ) -> Vec<OutputPart> {
        let digests = listings.iter().flat_map(|listing| &listing.tags).filter_map(|tag| tag.descriptor.as_ref());
        let view = self.options.view_of(results, digests.map(|descriptor| &descriptor.digest));
        let lines = tags::lines(listings, &view) + &self.left_out(results);
        let problems = listings.iter().flat_map(|listing| &listing.problems);
        let groups = self.with_warnings(problems.map(|problem| (None, problem)));
        let notes = self.in_full(&groups, messages, &lines) + &self.requests(requests, messages);
        let verdict = tags::summary(listings, took, results);
        vec![OutputPart::result(lines), OutputPart::message(notes), OutputPart::result(verdict)]
    }

    /// Returns the verdict about manifests.toml.
    fn of_file(&self, verdict: &str) -> String {
        format!("{}: {verdict}", text::line(self.context.file().unwrap_or("manifests.toml")))
    }

    /// Renders a result without a plan: the first problems, then `verdict`.
    fn before_plan(&self, problems: &[Problem], verdict: &str, styles: Styles) -> Vec<OutputPart> {
        let (shown, omitted) = document::shown(problems);
        let groups = fold::fold(shown.iter().map(|problem| (None, problem)));
        let lines = self.left_out(styles.results);
        let problems = self.in_full(&groups, styles.messages, &lines);
        let others = match omitted {
            0 => String::new(),
            omitted => format!("and {}\n\n", text::plural(omitted, "other problem")),
        };
        vec![
            OutputPart::result(lines),
            OutputPart::message(problems + &others),
            OutputPart::result(text::wrap(verdict, styles.results.width) + "\n"),
        ]
    }

    fn plan(&self, plan: &Plan, requests: &Stats, Styles { results, messages }: Styles) -> Vec<OutputPart> {
        let lists = plan.lists.iter().enumerate();
        let of_lists = lists.flat_map(|(at, list)| list.problems.iter().map(move |problem| (Some(at), problem)));
        let groups = self.with_warnings(of_lists);
        let lines = plan::lines(plan, &self.options.view(results, plan)) + &self.left_out(results);
        let notes = self.in_full(&groups, messages, &lines) + &self.requests(requests, messages);
        let verdict = plan::summary(&plan.summary(), results);
        vec![OutputPart::result(lines), OutputPart::message(notes), OutputPart::result(verdict)]
    }

    fn verification(
        &self,
        verified: &VerifiedLists,
        status: ExitStatus,
        Styles { results, messages }: Styles,
    ) -> Vec<OutputPart> {
        let plan = Plan { lists: verified.lists.iter().map(|list| Arc::clone(&list.plan)).collect() };
        let lists = plan.lists.iter().enumerate();
        let of_lists = lists.flat_map(|(at, list)| list.problems.iter().map(move |problem| (Some(at), problem)));
        let groups = self.with_warnings(of_lists);
        let view = self.options.view_of(results, digests(&plan).chain(verification::digests(verified)));
        let lines = verification::lines(verified, &view) + &self.left_out(results);
        let notes = self.in_full(&groups, messages, &lines) + &self.requests(&verified.requests, messages);
        let verdict = verification::summary(verified, status, results);
        vec![OutputPart::result(lines), OutputPart::message(notes), OutputPart::result(verdict)]
    }

    fn report(
        &self,
        report: &Report,
        status: ExitStatus,
        Styles { results, messages }: Styles,
        shown: ShownLists,
    ) -> Vec<OutputPart> {
        let plan = Plan { lists: report.lists.iter().map(|list| Arc::clone(&list.plan)).collect() };
        let rendered = report::ListLines::of(&plan, self.options.view(results, &plan));
        let lists = report.lists.iter().enumerate();
        // A cancelled list has its own line. Being stopped is not shown as a problem.
        let ended = lists.filter(|(_, list)| !matches!(list.outcome, Outcome::Cancelled { .. }));
        let of_lists = ended.flat_map(|(at, list)| list.problems.iter().map(move |problem| (Some(at), problem)));
        let groups = self.with_warnings(of_lists);
        let lines = rendered.rest(report, shown) + &self.left_out(results);
        // Something was already printed: on a terminal at least `Plan: …`.
        let before = if shown == ShownLists::First(0) { &lines } else { "lines" };
        let problems = self.in_full(&groups, messages, before);
        let requests = self.requests(&report.requests, messages);
        vec![
            OutputPart::result(lines),
            OutputPart::message(problems + &requests),
            OutputPart::result(report::summary(report, status, results)),
        ]
    }

    fn tree(&self, inspection: &Inspection, requests: &Stats, Styles { results, messages }: Styles) -> Vec<OutputPart> {
        let Inspection { root, problems, .. } = inspection;
        let view = |root| self.options.view_of(results, tree::digests(root));
        let lines = root.as_ref().map(|root| tree::lines(root, &view(root))).unwrap_or_default();
        let groups = fold::fold(problems.iter().map(|problem| (None, problem)));
        let unread = root.as_ref().map_or_else(String::new, |root| tree::unread(root, messages));
        let notes = unread + &self.in_full(&groups, messages, &lines) + &self.requests(requests, messages);
        let verdict = match problems.len() {
            0 => String::new(),
            count => text::plural(count, "problem") + "\n",
        };
        vec![OutputPart::result(lines), OutputPart::message(notes), OutputPart::result(verdict)]
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

    /// Renders the number of requests by host with `-v`.
    fn requests(&self, requests: &Stats, style: Style) -> String {
        let is_verbose = self.options.verbosity >= Verbosity::Verbose;
        if is_verbose { report::requests(requests, style) } else { String::new() }
    }
}

/// Renders `6 lists, 30 members, 7 tags`.
fn counts(Checked { publications: lists, .. }: &Checked) -> String {
    let members = lists.iter().map(|list| list.members.len()).sum();
    let tags = lists.iter().map(|list| list.tags.len()).sum();
    [text::plural(lists.len(), "list"), text::plural(members, "member"), text::plural(tags, "tag")].join(", ")
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
        self.view_of(style, digests(plan))
    }

    /// Returns the settings for showing `digests` on a stream.
    fn view_of<'d>(&self, style: Style, digests: impl IntoIterator<Item = &'d Digest>) -> View {
        let digests = match self.digests {
            DigestLength::Full => Digests::Full,
            DigestLength::Short => Digests::telling_apart(digests),
        };
        View { style, digests, all: self.verbosity >= Verbosity::Verbose, indent: INDENT }
    }
}

impl View {
    /// Returns the first word of a list's line, in its color, padded to the column of the text.
    fn word(&self, word: &str) -> String {
        let role = match word {
            "create" | "created" => Role::Created,
            "update" | "updated" | "differs" => Role::Updated,
            "failed" | "not found" => Role::Failed,
            "blocked" | "damaged" => Role::Blocked,
            _ => Role::Dim,
        };
        format!("{}{}", self.style.paint(role, word), " ".repeat(self.indent.saturating_sub(word.len())))
    }

    /// Renders the first line of a list: its first word and its name. A name that does not fit beside the word is below
    /// it, so that the terminal does not break it.
    fn head(&self, word: &str, name: &str) -> String {
        let word = self.word(word);
        match self.style.width {
            Some(width) if self.indent + text::width(name) > width => {
                format!("{}\n  {}\n", word.trim_end(), text::set_in(name, 2, Some(width)))
            }
            _ => format!("{word}{name}\n"),
        }
    }

    /// Renders `failed     6 lists: cannot connect to quay.io`, and the names of the lists below it.
    fn folded(&self, word: &str, group: &ProblemGroup<'_>, plans: &[&ListPlan]) -> String {
        let lists: Vec<&ListPlan> = group.lists.iter().filter_map(|at| plans.get(*at).copied()).collect();
        match group.host {
            _ if group.is_one_message => {
                let names = if group.host.is_some() { ids(&lists) } else { names_of(&lists) };
                let first = format!("{}: {}", text::plural(lists.len(), "list"), text::line(&group.problem.message));
                let names = text::named(names.iter().map(String::as_str), self.all);
                let blanks = " ".repeat(self.indent);
                let names = text::fill(&blanks, &names, self.indent, self.style.width);
                format!("{}{}\n{names}\n", self.word(word), text::set_in(&first, self.indent, self.style.width))
            }
            // The targets may be in other registries than this one, so they do not say what failed.
            Some(host) => {
                let place = format!(" that use {}", text::foreign(host));
                self.line(word, lists.len(), &place, &ids(&lists))
            }
            None => self.named(word, &lists),
        }
    }

    /// Renders `unchanged  6 lists: hyperkube, kubectl`.
    fn named(&self, word: &str, lists: &[&ListPlan]) -> String {
        self.line(word, lists.len(), "", &names_of(lists))
    }

    fn line(&self, word: &str, count: usize, place: &str, names: &[String]) -> String {
        let indent = self.indent;
        let first = format!("{word:<indent$}{}{place}: ", text::plural(count, "list"));
        let words = text::named(names.iter().map(String::as_str), self.all);
        let filled = text::fill(&first, &words, indent, self.style.width);
        format!("{}{}\n", self.word(word), &filled[indent..])
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

fn names_of(lists: &[&ListPlan]) -> Vec<String> {
    names(&lists.iter().map(|list| called(list)).collect::<Vec<_>>())
}

/// Returns the ids of lists without duplicates: `api (2 targets)` for an entry with several of the lists.
fn ids(lists: &[&ListPlan]) -> Vec<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    let mut known = HashMap::new();
    for list in lists {
        let id = list.publication.id.as_str();
        let at = *known.entry(id).or_insert_with(|| {
            counts.push((id, 0));
            counts.len() - 1
        });
        counts[at].1 += 1;
    }
    let named = |(id, count): (&str, usize)| if count == 1 { id.to_owned() } else { format!("{id} ({count} targets)") };
    counts.into_iter().map(|count| text::line(&named(count))).collect()
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
