//! The plan, from all that is known.

use crate::config::problem::Problem;
use crate::oci::{Digest, Entry, Index};
use crate::plan::diff::{self, Declared};
use crate::plan::equality::{Wanted, same_content};
use crate::plan::{Action, Answer, Child, ListPlan, MemberChange, MemberFate, Reason, TagChange, TagFate};

use super::heads::{Heads, list_of};
use super::members::{Members, Settled};
use super::published::{List, Published};
use super::round::Round;
use super::{Case, Step, presence};

/// Steps 7 and 9: the list, its tags and what must be copied first.
pub(super) fn conclude(
    case: Case<'_>,
    heads: &Heads<'_>,
    published: &Published,
    Members { settled, warnings }: Members<'_>,
) -> Step<ListPlan> {
    refuse_twins(case, &settled, published)?;
    let wanted: Vec<Wanted<'_>> = settled
        .iter()
        .map(|settled| Wanted { declared: &settled.member.platform, descriptor: &settled.descriptor })
        .collect();
    let equal: Vec<&List> = published.lists().iter().filter(|list| same_content(&wanted, &list.index)).collect();
    // The first list of equal content stays as it is: its digest is known to clients, and may be signed.
    let payload = equal.first().map_or_else(
        || {
            let entry = |settled: &Settled<'_>| Entry::new(settled.descriptor.clone(), settled.platform.clone());
            list_of(settled.iter().map(entry).collect(), &case.publication.target).encode()
        },
        |list| list.payload.clone(),
    );
    let is_ours =
        |digest: &Digest| digest == payload.digest() || equal.iter().any(|list| list.payload.digest() == digest);
    let tags: Vec<TagChange> = heads
        .tags
        .iter()
        .map(|(tag, head)| {
            let from = head.map(|head| head.digest.clone());
            let (fate, to) = match &from {
                None => (TagFate::Created, payload.digest().clone()),
                Some(from) if is_ours(from) => (TagFate::Same, from.clone()),
                Some(_) => (TagFate::Moved, payload.digest().clone()),
            };
            TagChange { tag: tag.tag.clone(), from, to: Some(to), fate }
        })
        .collect();
    let all = |fate: TagFate| tags.iter().all(|tag| tag.fate == fate);
    let action = match (all(TagFate::Same), all(TagFate::Created)) {
        (true, _) => Action::Unchanged,
        (_, true) => Action::Create,
        _ => Action::Update,
    };
    let base = equal.first().copied().or(published.lists().first());
    let members = changes(&settled, base.map(|list| &list.index));
    let reason = action.writes().then(|| match action {
        Action::Create => Reason::New,
        _ if !equal.is_empty() => Reason::Tags,
        _ if members.iter().all(|member| member.fate == MemberFate::Same) => Reason::Content,
        _ => Reason::Members,
    });
    let children = if action.writes() { children(case, heads, published, &settled)? } else { Vec::new() };
    Ok(ListPlan {
        publication: case.publication.clone(),
        action,
        reason,
        index: Some(payload.descriptor().clone()),
        payload: action.writes().then_some(payload),
        tags,
        members,
        children,
        problems: warnings,
    })
}

/// The plan of a list of which nothing is written: `action` is [`Action::Failed`] or [`Action::Blocked`].
pub(super) fn stopped(
    case: Case<'_>,
    published: Option<&Published>,
    action: Action,
    problems: Vec<Problem>,
) -> ListPlan {
    let publication = case.publication;
    let fate = if action == Action::Blocked { TagFate::Blocked } else { TagFate::Unknown };
    let tags = publication
        .tags
        .iter()
        .map(|tag| {
            let from = match case.snapshot.head(&publication.target.tagged(&tag.tag)) {
                Some(Answer::Found(head)) => Some(head.digest.clone()),
                _ => None,
            };
            TagChange { tag: tag.tag.clone(), from, to: None, fate }
        })
        .collect();
    let heads = publication.members.iter().map(|member| (member, case.snapshot.head(&member.source)));
    let members = match published {
        Some(published) => {
            let declared: Vec<Declared<'_>> = heads
                .filter_map(|(member, head)| match head {
                    Some(Answer::Found(descriptor)) => {
                        Some(Declared { member, platform: &member.platform, descriptor })
                    }
                    _ => None,
                })
                .collect();
            diff::members(&declared, published.lists().first().map(|list| &list.index))
        }
        None => heads
            .map(|(member, head)| MemberChange {
                platform: member.platform.clone(),
                source: Some(member.source.clone()),
                descriptor: match head {
                    Some(Answer::Found(descriptor)) => Some(descriptor.clone()),
                    _ => None,
                },
                from: None,
                fate: match head {
                    Some(Answer::Absent) => MemberFate::Absent,
                    _ => MemberFate::Unknown,
                },
            })
            .collect(),
    };
    ListPlan {
        publication: publication.clone(),
        action,
        reason: None,
        index: None,
        payload: None,
        tags,
        members,
        children: Vec::new(),
        problems,
    }
}

fn changes(settled: &[Settled<'_>], base: Option<&Index>) -> Vec<MemberChange> {
    let declared: Vec<Declared<'_>> = settled
        .iter()
        .map(|settled| Declared {
            member: settled.member,
            platform: &settled.platform,
            descriptor: &settled.descriptor,
        })
        .collect();
    diff::members(&declared, base)
}

/// Two members for one machine: only the first would ever be used. Seen here only where a part was open in the file.
fn refuse_twins(case: Case<'_>, settled: &[Settled<'_>], published: &Published) -> Step<()> {
    let mut round = Round::new(case);
    for (at, second) in settled.iter().enumerate() {
        let platform = second.platform.normalized();
        let Some(first) = settled[..at].iter().find(|first| first.platform.normalized() == platform) else { continue };
        let problem = Problem::error(
            "mlist::plan::platform_twice",
            format!("{} has two images for {}", case.publication.id, second.platform),
        )
        .at(&second.member.platform_span, format!("{} is for it", second.member.source))
        .at(&first.member.platform_span, format!("{} too", first.member.source))
        .help("what is not declared of a platform comes from the image: push another there, or remove one of the two")
        .about(&second.member.source);
        round.block(problem);
    }
    round.end(Some(published))
}

/// What must be copied before the list is written.
fn children(case: Case<'_>, heads: &Heads<'_>, published: &Published, settled: &[Settled<'_>]) -> Step<Vec<Child>> {
    let mut round = Round::new(case);
    let lacking = presence::lacking(&mut round, case, heads, published);
    round.end(Some(published))?;
    let child = |settled: &Settled<'_>| Child {
        descriptor: settled.descriptor.clone(),
        platform: settled.platform.clone(),
        from: settled.member.source.place.clone(),
        payload: settled.payload.clone(),
    };
    Ok(lacking.into_iter().filter_map(|number| settled.get(number)).map(child).collect())
}
