//! Plans and reports as people read them.
//!
//! | file | holds |
//! |---|---|
//! | [`details`] | the lines below a list: its tags and members, before and after |
//! | [`left_out`] | the lists to which no tag applies |
//! | [`plan`] | what `mlist plan` answers |
//! | [`staying`] | lists of which only a tag is not as declared, as a newer version has it |
//! | [`report`] | what `mlist sync` says while it runs and at its end |

use std::collections::HashMap;

use crate::config::problem::{Problem, Severity};
use crate::oci::{Digest, Place};
use crate::plan::{ListPlan, Plan};

use super::fold::{self, Group};
use super::style::{Role, Style};
use super::text::{self, Digests};

pub(super) mod details;
pub(super) mod left_out;
pub(super) mod plan;
pub(super) mod report;
mod staying;

/// Where the text of a line of a list begins: behind its word.
const INDENT: usize = 11;

/// How one output is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// The stream it goes to.
    pub(super) style: Style,
    /// One spelling for each digest.
    pub(super) digests: Digests,
    /// Whether what is folded by default is named (`-v`).
    pub(super) all: bool,
}

impl View {
    /// The word that begins the line of a list, in its colour, and the blanks behind it.
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

    /// `failed     6 lists on quay.io: hyperkube, kubectl`
    fn folded(&self, word: &str, group: &Group<'_>, plans: &[&ListPlan]) -> String {
        let lists: Vec<&ListPlan> = group.lists.iter().filter_map(|at| plans.get(*at).copied()).collect();
        let place = group.host.map(|host| format!(" on {}", text::foreign(host))).unwrap_or_default();
        self.named(word, &lists, &place)
    }

    /// `unchanged  6 lists: hyperkube, kubectl`
    fn named(&self, word: &str, lists: &[&ListPlan], place: &str) -> String {
        let first = format!("{word:<INDENT$}{}{place}: ", text::plural(lists.len(), "list"));
        let names = names(&lists.iter().map(|list| called(list)).collect::<Vec<_>>());
        let words = text::named(names.iter().map(String::as_str), self.all);
        let filled = text::fill(&first, &words, INDENT, self.style.width);
        format!("{}{}\n", self.word(word), &filled[INDENT..])
    }
}

/// Which digests a plan holds, for [`Digests::telling_apart`].
pub(super) fn digests(plan: &Plan) -> impl Iterator<Item = &Digest> {
    plan.lists.iter().flat_map(|list| list_digests(list))
}

fn list_digests(list: &ListPlan) -> impl Iterator<Item = &Digest> {
    let tags = list.tags.iter().flat_map(|tag| tag.from.iter().chain(&tag.to));
    let tags = tags.chain(list.member_tags.iter().flat_map(|change| change.tag.from.iter().chain(&change.tag.to)));
    let members = list.members.iter();
    let members = members.flat_map(|member| member.from.iter().chain(member.descriptor.iter().map(|it| &it.digest)));
    list.index.iter().map(|index| &index.digest).chain(tags).chain(members)
}

/// The id of a list and its repository.
pub(super) fn called(list: &ListPlan) -> (&str, &Place) {
    (&list.publication.id, &list.publication.target)
}

/// What lists that are shown together are called: by their ids, and where those repeat, as one has several targets, by
/// their repositories.
pub(super) fn names(lists: &[(&str, &Place)]) -> Vec<String> {
    let mut seen = HashMap::<&str, usize>::new();
    for (id, _) in lists {
        *seen.entry(id).or_default() += 1;
    }
    lists.iter().map(|(id, target)| if seen[id] == 1 { (*id).to_owned() } else { target.to_string() }).collect()
}

/// The problem that stands for a list in one line: its first error.
fn main_problem(problems: &[Problem]) -> Option<&Problem> {
    problems.iter().find(|problem| problem.severity == Severity::Error)
}

/// Folds lists by their main problem; those that have none are left out.
fn by_cause<'a>(lists: impl Iterator<Item = (usize, &'a [Problem])>) -> Vec<Group<'a>> {
    fold::fold(lists.filter_map(|(at, problems)| Some((Some(at), main_problem(problems)?))))
}

/// The verdict: its first word in bold.
fn verdict(style: Style, first: &str, rest: &str) -> String {
    let text = text::wrap(&format!("{first}{rest}"), style.width);
    format!("{}{}\n", style.paint(Role::Verdict, first), &text[first.len()..])
}
