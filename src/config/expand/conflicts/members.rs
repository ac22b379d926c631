//! Conflicts between the tags of members and other tags: in one repository, a tag names one image.

use std::collections::HashMap;

use super::Claimant;
use crate::config::expand::instance::MemberClaim;
use crate::config::expand::report::Problems;
use crate::config::model::Member;
use crate::config::problem::Problem;
use crate::oci::{Place, Tag};

const HELP: &str =
    "a tag can name only one image: use {tag} with {platform}, or with {os} and {arch}, in `member-tags`";
/// For members with equal platforms: `{platform}` is the same for them, and other jobs could not tell their tags apart.
const SAME_PLATFORM_KEPT: &str = "with `undeclared = \"keep\"`, tags cannot distinguish members with the same platform: \
                                  set member-tags = [], and let only one job at a time publish the list";
const SAME_PLATFORM: &str =
    "give each of the two rows its own `arch`, and use {arch} instead of {platform} in `member-tags`";

/// A member that claims a tag.
struct Own<'a> {
    member: &'a Member,
    claim: &'a MemberClaim,
    list: &'a str,
    /// Whether the list keeps members of other jobs, which find members by their tags.
    keeps_others: bool,
}

/// `mlist::config::tag_twice` for tags of members that a list or another member has too. The publications are in the
/// order of the file.
pub(in crate::config::expand) fn member_tags<'a>(claimants: &[Claimant<'a>], problems: &mut Problems) {
    let mut lists: HashMap<(&Place, &Tag), &Claimant<'a>> = HashMap::new();
    for claimant in claimants {
        for tag in &claimant.publication.tags {
            lists.entry((&claimant.publication.target, &tag.tag)).or_insert(claimant);
        }
    }
    let mut members: HashMap<(&Place, &Tag), (Own<'a>, bool)> = HashMap::new();
    for claimant in claimants {
        for claim in claimant.member_claims {
            let Some(member) = claimant.publication.members.get(claim.member) else { continue };
            let keeps_others = !claimant.publication.member_tags.is_empty();
            let own = Own { member, claim, list: claimant.id.shown(), keeps_others };
            let name = (&claimant.publication.target, &claim.tag);
            if let Some(list) = lists.get(&name) {
                problems.add_for(own.list, list_has_it(&own, list));
                continue;
            }
            match members.get_mut(&name) {
                None => {
                    members.insert(name, (own, false));
                }
                Some((first, told)) if !first.is_same_image(&own) && !*told => {
                    *told = true;
                    problems.add_for(own.list, another_has_it(first, &own));
                }
                Some(_) => {}
            }
        }
    }
}

impl Own<'_> {
    /// Whether both are the same image. Then it does not matter which of them writes the tag.
    fn is_same_image(&self, other: &Self) -> bool {
        let (one, other) = (self.member, other.member);
        one.source == other.source && one.platform.normalized() == other.platform.normalized()
    }

    fn shown(&self) -> String {
        format!("member {} of list `{}`", self.member.platform, self.list)
    }
}

fn list_has_it(own: &Own<'_>, list: &Claimant<'_>) -> Problem {
    let Claimant { publication, id, .. } = list;
    let message = format!("{} and list `{}` both have the tag {}", own.shown(), id.shown(), own.claim.shown);
    let problem = Problem::error("mlist::config::tag_twice", message).at(&own.claim.span, own.shown());
    let tag = publication.tags.iter().find(|tag| tag.tag == own.claim.tag);
    let problem = tag.iter().fold(problem, |problem, tag| problem.at(&tag.span, format!("list `{}`", id.shown())));
    problem.about(&own.claim.shown).help(HELP)
}

fn another_has_it(first: &Own<'_>, second: &Own<'_>) -> Problem {
    let (one, other) = (&first.member.platform, &second.member.platform);
    let is_same = first.list == second.list && one.normalized() == other.normalized();
    let tag = &second.claim.shown;
    let message = if is_same {
        format!("two {other} members of list `{}` have the same tag: {tag}", second.list)
    } else if first.list == second.list {
        format!("members {one} and {other} of list `{}` have the same tag: {tag}", second.list)
    } else {
        format!("{} and {} have the same tag: {tag}", first.shown(), second.shown())
    };
    let label = if second.claim.is_implied { "`keep` gives each member the tag {tag}-{platform}" } else { "" };
    let problem = Problem::error("mlist::config::tag_twice", message).at(&second.claim.span, label);
    let problem = if first.claim.span == second.claim.span {
        problem.at(&second.member.platform_span, "this member").at(&first.member.platform_span, "and this member")
    } else {
        problem.at(&first.claim.span, "also defined here")
    };
    problem.about(tag).help(match (is_same, second.keeps_others) {
        (true, true) => SAME_PLATFORM_KEPT,
        (true, false) => SAME_PLATFORM,
        (false, _) => HELP,
    })
}
