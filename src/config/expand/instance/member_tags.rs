//! The tags of each member, in the repository of its list. `unfindable` reports those by which other writers cannot
//! find the member.

mod unfindable;

use super::members::NamedMember;
use super::refused::bad_tag;
use super::tags::NamedTag;
use super::{PublicationNames, TargetInstance};
use crate::config::expand::evaluate::{Evaluator, Need, NoValue, Scope, reads_for_each_member};
use crate::config::expand::value::Value;
use crate::config::memory::MemoryUse;
use crate::config::model::{MemberTag, Placed};
use crate::config::policy::Undeclared;
use crate::config::problem::Span;
use crate::config::read::declared::{Parsed, SpannedTemplate};
use crate::config::read::raw::Text;
use crate::naming::{MemberTemplate, Template};
use crate::oci::{Place, Tag};

/// The implied value of `member-tags` if `undeclared` keeps members. Several jobs can then write one list, each with
/// its own members. Each job finds the members of the others by these tags (semantics of several writers: one register
/// for each).
const BY_PLATFORM: &str = "{tag}-{platform|replace:/:-}";

/// The bytes that a tag of a member needs, without its text.
const TAG: usize = 300;

/// A tag of a member.
struct NamedMemberTag {
    tag: MemberTag,
    /// What problems show instead of the tag.
    instead: Option<String>,
}

/// A tag of a member, which others may claim too.
pub(in crate::config::expand) struct MemberClaim {
    pub(in crate::config::expand) tag: Tag,
    /// Where its template is written.
    pub(in crate::config::expand) span: Span,
    /// Whether the template is the default that `undeclared = "keep"` implies. `span` is then the place of that key.
    pub(in crate::config::expand) is_implied: bool,
    /// The index of the member.
    pub(in crate::config::expand) member: usize,
    /// The repository with the tag, as problems show it.
    pub(in crate::config::expand) shown: String,
}

impl NamedMemberTag {
    fn claim(self, member: usize, is_implied: bool, names: &PublicationNames) -> MemberClaim {
        let MemberTag { tag, span } = self.tag;
        let shown = format!("{}:{}", names.target.shown(), self.instead.as_deref().unwrap_or(tag.as_str()));
        MemberClaim { tag, span, is_implied, member, shown }
    }
}

impl TargetInstance<'_> {
    /// Gives each member one tag for each template and each tag that always belongs to the list. Equal tags of a member
    /// become one.
    pub(super) fn tag_members(
        &self,
        names: &PublicationNames,
        members: &mut [NamedMember],
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<Vec<MemberClaim>, NoValue> {
        let templates = self.member_tag_templates()?;
        let is_implied = self.pick(|level| &level.member_tags).is_none();
        let list_tags: Vec<Value> = names.own_tags().map(NamedTag::value).collect();
        let mut claims = Vec::new();
        let mut failed = false;
        for (at, found) in members.iter_mut().enumerate() {
            let pairs = list_tags.iter().flat_map(|tag| templates.iter().map(move |template| (tag, template)));
            for (tag, template) in pairs {
                let scope = Scope { member: Some(&found.names), tag: Some(tag), ..self.instance.scope(need) };
                let Ok(named_tag) = member_tag(template, scope, evaluator) else {
                    failed = true;
                    continue;
                };
                if found.member.tags.iter().all(|other| other.tag != named_tag.tag.tag) {
                    found.member.tags.push(named_tag.tag.clone());
                    claims.push(named_tag.claim(at, is_implied, names));
                }
            }
        }
        if failed { Err(NoValue) } else { Ok(claims) }
    }

    /// The templates with the first tag that always belongs to the list, and with the names of a member left open.
    /// Other writers use the same template to find the members of this list. So each tag must mean the platform of its
    /// member and no other. Empty if the list does not keep members of other writers.
    pub(super) fn findable_member_tags(
        &self,
        names: &PublicationNames,
        members: &[NamedMember],
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<Vec<MemberTemplate>, NoValue> {
        let Some(Placed { value: Undeclared::Keep, span }) = self.undeclared()? else { return Ok(Vec::new()) };
        let Some(tag) = names.own_tags().next().map(NamedTag::value) else { return Ok(Vec::new()) };
        let scope = Scope { tag: Some(&tag), ..self.instance.scope(need) };
        let templates = self.member_tag_templates()?;
        if templates.is_empty()
            && let Place::Repository(_) = names.place()
        {
            let empty = self.pick(|level| &level.member_tags).and_then(Parsed::good).map_or(span, |tags| &tags.span);
            evaluator.problems.add_for(scope.list, unfindable::single_writer(scope.list, (empty, span)));
        }
        let mut findable = Vec::new();
        for template in &templates {
            findable.push(findable_member_tag(template, members, span, scope, evaluator));
        }
        findable.into_iter().collect()
    }

    /// The templates of `member-tags`, or the implied one.
    fn member_tag_templates(&self) -> Result<Vec<SpannedTemplate>, NoValue> {
        match self.pick(|level| &level.member_tags) {
            Some(Parsed::Good(templates)) => Ok(templates.value.clone()),
            Some(Parsed::Faulty) => Err(NoValue),
            None => Ok(match self.undeclared()? {
                Some(Placed { value: Undeclared::Keep, span }) => by_platform(span).into_iter().collect(),
                _ => Vec::new(),
            }),
        }
    }
}

/// Leaves the names of a member open in `template`, and checks that the tag of each member means its platform. `keep` is
/// where `undeclared = "keep"` is written.
fn findable_member_tag(
    template: &SpannedTemplate,
    members: &[NamedMember],
    keep: &Span,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<MemberTemplate, NoValue> {
    if reads_for_each_member(template, scope.names) {
        evaluator.problems.add_for(scope.list, unfindable::from_a_file(template, keep, scope.list));
        return Err(NoValue);
    }
    let open = evaluator.member_template(template, scope)?;
    let tags: Vec<Option<String>> = members.iter().map(|member| open.with(member.names.words())).collect();
    let platforms = open.platforms(tags.iter().flatten().map(String::as_str));
    for (member, tag) in members.iter().zip(&tags) {
        let found = tag.as_ref().and_then(|tag| platforms.get(tag.as_str()));
        if !found.is_some_and(|found| found.is_same_machine(&member.member.platform)) {
            let problem = unfindable::member(template, &open, member, (keep, scope.list));
            evaluator.problems.add_for(scope.list, problem);
        }
    }
    Ok(open)
}

/// [`BY_PLATFORM`], as if it were written at `span`.
fn by_platform(span: &Span) -> Option<SpannedTemplate> {
    let template = Template::parse(BY_PLATFORM).ok()?;
    Some(SpannedTemplate { text: Text::implied(BY_PLATFORM, span), template })
}

fn member_tag(
    template: &SpannedTemplate,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<NamedMemberTag, NoValue> {
    evaluator.charge(MemoryUse::Tags, 1, TAG)?;
    let expanded = evaluator.expand(template, scope)?;
    match Tag::parse(expanded.text()) {
        Ok(tag) => {
            let tag = MemberTag { tag, span: template.text.span.clone() };
            Ok(NamedMemberTag { tag, instead: expanded.into_value().instead().map(str::to_owned) })
        }
        Err(error) => {
            let platform = scope.member.map_or("", |member| member.platform.as_str());
            let label = format!("{platform} of list `{}`", scope.list);
            evaluator.problems.add_for(scope.list, bad_tag(template, &expanded, &error, &label));
            Err(NoValue)
        }
    }
}
