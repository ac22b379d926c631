//! Problems of lists that several writers share: member tags by which other writers cannot find a member, and lists
//! without member tags.

use super::NamedMember;
use crate::config::problem::{Problem, Span};
use crate::config::read::declared::SpannedTemplate;
use crate::naming::{MemberName, MemberTemplate};
use crate::oci::Platform;

const HELP: &str =
    "use {platform|replace:/:-} in the tag; or set member-tags = [] if only one job at a time publishes the list";

/// `mlist::config::unfindable_member_tag` for a template that takes a value from a file of each member.
pub(super) fn from_a_file(template: &SpannedTemplate, list: &str) -> Problem {
    Problem::error(CODE, format!("other jobs cannot find the members of list {list} by these tags"))
        .because("the tag uses a file or a default for each member, and other jobs do not have these values")
        .at(&template.text.span, "")
        .help(HELP)
}

/// `mlist::config::unfindable_member_tag` for a tag that does not mean the platform of its member. `open` is the
/// template with the names of a member left open.
pub(super) fn member(template: &SpannedTemplate, open: &MemberTemplate, member: &NamedMember, list: &str) -> Problem {
    let (names, platform) = (&member.names, &member.member.platform);
    let has = |name: MemberName| open.has(name);
    let arch = names.arch.as_deref().unwrap_or_default();
    let meaning = || MemberTemplate::meaning(&names.os, arch);
    let problem =
        Problem::error(CODE, format!("other jobs cannot find member {} of list {list} by its tag", names.platform))
            .at(&template.text.span, "")
            .help(HELP);
    if !has(MemberName::Arch) && !has(MemberName::Platform) {
        return problem.because("the tag contains neither `{platform}` nor `{arch}`");
    }
    let problem = problem.at(&names.span, "this member");
    if !has(MemberName::Os) && !has(MemberName::Platform) && platform.os != "linux" {
        return problem.because("a tag without `{platform}` or `{os}` means a linux image");
    }
    if !Platform::known().any(|known| known.is_same_machine(platform)) {
        let problem = problem.because(format!("{} is not a known platform", names.platform));
        return problem.help("set member-tags = [], and let only one job at a time publish the list");
    }
    match meaning() {
        None if has(MemberName::Arch) => {
            problem.because(format!("`{arch}` is not an architecture name of any arch-style"))
        }
        Some(other) if has(MemberName::Arch) && !other.is_same_machine(platform) => {
            problem.because(format!("`{arch}` means {other}"))
        }
        _ => problem.because("other platforms have the same tag"),
    }
}

/// `mlist::config::single_writer` for a list that keeps members of other writers, but has no member tags. `spans` are
/// those of `member-tags` and `undeclared`.
pub(super) fn single_writer(list: &str, spans: (&Span, &Span)) -> Problem {
    let (member_tags, undeclared) = spans;
    Problem::warning("mlist::config::single_writer", format!("only one job at a time can safely publish list {list}"))
        .because("jobs that publish it at the same time can remove each other's members, because these have no tags of their own")
        .at(member_tags, "members get no tags of their own")
        .at(undeclared, "members that other jobs published are kept")
        .help("delete `member-tags = []`; then each member gets a tag, such as 1.0-linux-amd64, and several jobs can publish the list at the same time")
}

const CODE: &str = "mlist::config::unfindable_member_tag";
