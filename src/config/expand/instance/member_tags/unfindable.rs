//! Problems of lists that several writers share: member tags by which other writers cannot find a member, and lists
//! without member tags.

use super::NamedMember;
use crate::config::problem::{Problem, Span};
use crate::config::read::declared::SpannedTemplate;
use crate::naming::{MemberName, MemberTemplate};
use crate::oci::Platform;

const HELP: &str = "use the platform in the tag: \"{tag}-{platform|replace:/:-}\"; or, if only one job publishes the list, \
                    remove `undeclared = \"keep\"` (members that are not declared are then removed)";
const ALONE: &str = "if jobs never publish the list at the same time, ignore this warning; otherwise remove \
                     `member-tags = []`, so that each member gets a tag such as v1-linux-amd64";
const UNKNOWN: &str = "if only one job publishes the list, remove `undeclared = \"keep\"` (members that are not declared are \
                       then removed); otherwise set member-tags = [] and never run two of these jobs at the same time";

/// `mlist::config::unfindable_member_tag` for a template that takes a value from a file of each member.
pub(super) fn from_a_file(template: &SpannedTemplate, keep: &Span, list: &str) -> Problem {
    let message = format!("other jobs cannot find the members of list `{list}` by these tags");
    unfindable(message, template, keep).because(
        "the tag uses a variable whose file or default depends on the member: other jobs do not know its value",
    )
}

/// The problem with a template of `member-tags`, and the place of the reason for it: `undeclared = "keep"`.
fn unfindable(message: String, template: &SpannedTemplate, keep: &Span) -> Problem {
    let problem = Problem::error(CODE, message);
    let why = "with `keep`, other jobs find the members by their tags";
    let problem = if template.text.span == *keep {
        problem.at(keep, why)
    } else {
        problem.at(&template.text.span, "").at(keep, why)
    };
    problem.help(HELP)
}

/// `mlist::config::unfindable_member_tag` for a tag that does not mean the platform of its member. `open` is the
/// template with the names of a member left open, and `keep` is where `undeclared = "keep"` is written.
pub(super) fn member(
    template: &SpannedTemplate,
    open: &MemberTemplate,
    member: &NamedMember,
    (keep, list): (&Span, &str),
) -> Problem {
    let (names, platform) = (&member.names, &member.member.platform);
    let has = |name: MemberName| open.has(name);
    let arch = names.arch.as_deref().unwrap_or_default();
    let meaning = || MemberTemplate::meaning(&names.os, arch);
    let message = format!("the tag of member {} of list `{list}` does not identify its platform", names.platform);
    let problem = unfindable(message, template, keep);
    if !has(MemberName::Arch) && !has(MemberName::Platform) {
        return problem.because("the tag contains neither `{platform}` nor `{arch}`");
    }
    let problem = problem.at(&names.span, "this member");
    if !has(MemberName::Os) && !has(MemberName::Platform) && platform.os != "linux" {
        return problem.because("other jobs read a tag without `{platform}` and `{os}` as the tag of a linux image");
    }
    if !Platform::known().any(|known| known.is_same_machine(platform)) {
        return problem.because(format!("{} is not a known platform", names.platform)).help(UNKNOWN);
    }
    match meaning() {
        None if has(MemberName::Arch) => {
            problem.because(format!("`{arch}` is not an architecture name of any arch-style"))
        }
        Some(other) if has(MemberName::Arch) && !other.is_same_machine(platform) => {
            problem.because(format!("other jobs read `{arch}` in a tag as {other}"))
        }
        _ => problem.because("a member for another platform would have the same tag"),
    }
}

/// `mlist::config::single_writer` for a list that keeps members of other writers, but has no member tags. `spans` are
/// those of `member-tags` and `undeclared`.
pub(super) fn single_writer(list: &str, spans: (&Span, &Span)) -> Problem {
    let (member_tags, undeclared) = spans;
    Problem::warning("mlist::config::single_writer", format!("only one job at a time can safely publish list `{list}`"))
        .because("parallel jobs can remove each other's members, because the members have no tags")
        .at(member_tags, "members get no tags")
        .at(undeclared, "members that other jobs published are kept")
        .help(ALONE)
}

const CODE: &str = "mlist::config::unfindable_member_tag";
