//! The tags that each member has by itself, in the repository of its list.

use super::members::Found;
use super::refused::bad_tag;
use super::tags::NamedTag;
use super::{Names, TargetInstance};
use crate::config::expand::evaluate::{Evaluator, Need, Scope, Stop, holds_whole, needs_platform_alone};
use crate::config::expand::value::Value;
use crate::config::model::{MemberTag, Placed};
use crate::config::policy::Undeclared;
use crate::config::problem::Span;
use crate::config::read::declared::{Parsed, SpannedTemplate};
use crate::config::read::raw::Text;
use crate::naming::{Partial, Template};
use crate::oci::Tag;

/// What stands for `member-tags` where `undeclared` keeps members: by these the others are found that several jobs
/// write, each its own (semantics of several writers: one register each).
const BY_PLATFORM: &str = "{tag}-{platform|replace:/:-}";

/// A tag of a member.
struct NamedMemberTag {
    tag: MemberTag,
    /// What a problem says instead of the tag.
    instead: Option<String>,
}

/// A tag of a member, as one that others may claim too.
pub(in crate::config::expand) struct MemberClaim {
    pub(in crate::config::expand) tag: Tag,
    /// Where its template is written.
    pub(in crate::config::expand) span: Span,
    /// Which of the members.
    pub(in crate::config::expand) member: usize,
    /// The repository by the tag, as a problem says it.
    pub(in crate::config::expand) shown: String,
}

impl NamedMemberTag {
    fn claim(self, member: usize, names: &Names) -> MemberClaim {
        let MemberTag { tag, span } = self.tag;
        let shown = format!("{}:{}", names.target.shown(), self.instead.as_deref().unwrap_or(tag.as_str()));
        MemberClaim { tag, span, member, shown }
    }
}

impl TargetInstance<'_> {
    /// Gives each member its tags, by each tag that stays with the list; equal ones of a member become one.
    pub(super) fn tag_members(
        &self,
        names: &Names,
        members: &mut [Found],
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<Vec<MemberClaim>, Stop> {
        let templates = self.member_tag_templates()?;
        let list_tags: Vec<Value> = names.own_tags().map(NamedTag::value).collect();
        let mut claims = Vec::new();
        let mut failed = false;
        for (at, found) in members.iter_mut().enumerate() {
            let pairs = list_tags.iter().flat_map(|tag| templates.iter().map(move |template| (tag, template)));
            for (tag, template) in pairs {
                let scope = Scope { member: Some(&found.names), tag: Some(tag), ..self.instance.scope(need) };
                let Ok(made) = member_tag(template, scope, evaluator) else {
                    failed = true;
                    continue;
                };
                if found.member.tags.iter().all(|other| other.tag != made.tag.tag) {
                    found.member.tags.push(made.tag.clone());
                    claims.push(made.claim(at, names));
                }
            }
        }
        if failed { Err(Stop) } else { Ok(claims) }
    }

    /// The templates of the list's own tag with the platform left open, where nothing else of a member stands in them.
    pub(super) fn by_platform_alone(
        &self,
        names: &Names,
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<Vec<Partial>, Stop> {
        let Some(tag) = names.own_tags().next().map(NamedTag::value) else { return Ok(Vec::new()) };
        let scope = Scope { tag: Some(&tag), ..self.instance.scope(need) };
        let is_open = |template: &&SpannedTemplate| {
            holds_whole(template, "platform", scope.names) && needs_platform_alone(template, scope.names)
        };
        let templates = self.member_tag_templates()?;
        templates.iter().filter(is_open).map(|template| evaluator.partial(template, "platform", scope)).collect()
    }

    /// The templates, of which some may hold without being written.
    fn member_tag_templates(&self) -> Result<Vec<SpannedTemplate>, Stop> {
        match self.pick(|level| &level.member_tags) {
            Some(Parsed::Good(templates)) => Ok(templates.clone()),
            Some(Parsed::Faulty) => Err(Stop),
            None => Ok(match self.undeclared()? {
                Some(Placed { value: Undeclared::Keep, span }) => by_platform(span).into_iter().collect(),
                _ => Vec::new(),
            }),
        }
    }
}

/// [`BY_PLATFORM`], as if it stood at `span`.
fn by_platform(span: &Span) -> Option<SpannedTemplate> {
    let template = Template::parse(BY_PLATFORM).ok()?;
    Some(SpannedTemplate { text: Text::implied(BY_PLATFORM, span), template })
}

fn member_tag(
    template: &SpannedTemplate,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<NamedMemberTag, Stop> {
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
            Err(Stop)
        }
    }
}
