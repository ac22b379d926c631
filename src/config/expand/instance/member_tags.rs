//! The tags of each member, in the repository of its list.

use super::members::NamedMember;
use super::refused::bad_tag;
use super::tags::NamedTag;
use super::{PublicationNames, TargetInstance};
use crate::config::expand::evaluate::{Evaluator, Need, NoValue, Scope, holds_whole, needs_platform_alone};
use crate::config::expand::value::Value;
use crate::config::memory::Part;
use crate::config::model::{MemberTag, Placed};
use crate::config::policy::Undeclared;
use crate::config::problem::Span;
use crate::config::read::declared::{Parsed, SpannedTemplate};
use crate::config::read::raw::Text;
use crate::naming::{Partial, Template};
use crate::oci::Tag;

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
    /// The index of the member.
    pub(in crate::config::expand) member: usize,
    /// The repository with the tag, as problems show it.
    pub(in crate::config::expand) shown: String,
}

impl NamedMemberTag {
    fn claim(self, member: usize, names: &PublicationNames) -> MemberClaim {
        let MemberTag { tag, span } = self.tag;
        let shown = format!("{}:{}", names.target.shown(), self.instead.as_deref().unwrap_or(tag.as_str()));
        MemberClaim { tag, span, member, shown }
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
                    claims.push(named_tag.claim(at, names));
                }
            }
        }
        if failed { Err(NoValue) } else { Ok(claims) }
    }

    /// The templates with the first tag that always belongs to the list, and with the platform left open. Only
    /// templates that contain `{platform}` as a whole and need no other value of a member.
    pub(super) fn by_platform_alone(
        &self,
        names: &PublicationNames,
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<Vec<Partial>, NoValue> {
        let Some(tag) = names.own_tags().next().map(NamedTag::value) else { return Ok(Vec::new()) };
        let scope = Scope { tag: Some(&tag), ..self.instance.scope(need) };
        let is_open = |template: &&SpannedTemplate| {
            holds_whole(template, "platform", scope.names) && needs_platform_alone(template, scope.names)
        };
        let templates = self.member_tag_templates()?;
        templates.iter().filter(is_open).map(|template| evaluator.partial(template, "platform", scope)).collect()
    }

    /// The templates of `member-tags`, or the implied one.
    fn member_tag_templates(&self) -> Result<Vec<SpannedTemplate>, NoValue> {
        match self.pick(|level| &level.member_tags) {
            Some(Parsed::Good(templates)) => Ok(templates.clone()),
            Some(Parsed::Faulty) => Err(NoValue),
            None => Ok(match self.undeclared()? {
                Some(Placed { value: Undeclared::Keep, span }) => by_platform(span).into_iter().collect(),
                _ => Vec::new(),
            }),
        }
    }
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
    evaluator.charge(Part::Tags, 1, TAG)?;
    let expanded = evaluator.expand(template, scope)?;
    match Tag::parse(expanded.text()) {
        Ok(tag) => {
            let tag = MemberTag { tag, span: template.text.span.clone() };
            Ok(NamedMemberTag { tag, instead: expanded.into_value().instead().map(str::to_owned) })
        }
        Err(error) => {
            let platform = scope.member.map_or("", |member| member.platform.as_str());
            let label = format!("{platform} of {}", scope.list);
            evaluator.problems.add_for(scope.list, bad_tag(template, &expanded, &error, &label));
            Err(NoValue)
        }
    }
}
