//! The tags of a list that apply, and what guards floating tags, which only the newest version has.

use std::collections::{HashMap, HashSet};

use super::TargetInstance;
use super::refused::bad_tag;
use crate::config::expand::evaluate::{Evaluator, Need, NoValue, Scope, holds_whole};
use crate::config::expand::scope::VERSION;
use crate::config::expand::value::Value;
use crate::config::expand::when::{self, ConditionResult};
use crate::config::memory::MemoryUse;
use crate::config::model::{HeldBackTag, Newest, TargetTag, UnmetTag};
use crate::config::problem::{Problem, Span};
use crate::config::read::declared::{Condition, Parsed, SpannedTemplate, TagRule};
use crate::naming::{Kind, Placeholder, Version};
use crate::oci::Tag;

/// The bytes that a tag of a list needs, without its text.
const TAG: usize = 650;

/// The tags of a list.
pub(super) struct Tags {
    /// The tags that apply, in the order of the file, without duplicates.
    pub(super) applying: Vec<NamedTag>,
    /// Floating tags that do not apply because the version is a pre-release, without duplicates.
    pub(super) held_back: Vec<HeldBackTag>,
    /// The others, without those that another rule gives to the list.
    pub(super) unmet: Vec<UnmetTag>,
    /// Why the others do not apply, each reason once.
    pub(super) why: Vec<String>,
    /// Where the first tag is written.
    pub(super) span: Span,
}

pub(super) struct NamedTag {
    pub(super) tag: TargetTag,
    /// What problems show instead of the tag.
    pub(super) instead: Option<String>,
    /// The version that claims the tag with `newest`, as problems show it.
    pub(super) version: Option<String>,
}

impl TagRule {
    /// Where `newest` is written, if it is one of the conditions.
    pub(super) fn newest(&self) -> Option<&Span> {
        self.when.iter().find_map(|condition| match condition {
            Condition::Newest(span) => Some(span),
            Condition::Stable(_) | Condition::Fits { .. } => None,
        })
    }
}

impl TargetInstance<'_> {
    /// Whether the list has a floating tag, even if the tag does not apply.
    pub(in crate::config::expand) fn has_newest(&self) -> bool {
        self.rules().iter().filter_map(Parsed::good).any(|rule| rule.newest().is_some())
    }

    fn rules(&self) -> &[Parsed<TagRule>] {
        self.pick(|level| &level.tags).and_then(Parsed::good).map_or(&[], Vec::as_slice)
    }

    pub(super) fn tags(&self, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<Tags, NoValue> {
        let rules = self.rules();
        let published_as = self.published_as(scope, evaluator);
        let found: Vec<_> =
            rules.iter().map(|rule| named(rule.good().ok_or(NoValue)?, published_as, scope, evaluator)).collect();
        let span = rules.iter().find_map(Parsed::good).ok_or(NoValue)?.template.text.span.clone();
        let mut tags = Gathered::default();
        let (mut unmet, mut applied) = (Vec::new(), HashSet::new());
        for (rule, found) in rules.iter().filter_map(Parsed::good).zip(found) {
            let template = rule.template.text.value.as_str();
            match found? {
                Ok(tag) => {
                    applied.insert(template);
                    tags.add(tag);
                }
                Err(why) => {
                    evaluator.charge(MemoryUse::Tags, 1, TAG)?;
                    unmet.push(UnmetTag { template: template.to_owned(), why: why.clone() });
                    tags.leave_out(why);
                }
            }
        }
        unmet.retain(|tag| !applied.contains(tag.template.as_str()));
        let mut held_back: Vec<HeldBackTag> = Vec::new();
        for tag in rules.iter().filter_map(Parsed::good).filter_map(|rule| self::held_back(rule, scope, evaluator)) {
            if !held_back.contains(&tag) {
                held_back.push(tag);
            }
        }
        Ok(Tags { applying: tags.applying, held_back, unmet, why: tags.why, span })
    }

    /// The template of the tag that every version has. A problem is reported if a floating tag needs it and there is
    /// none.
    fn published_as(&self, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Option<&SpannedTemplate> {
        let rules: Option<Vec<&TagRule>> = self.rules().iter().map(Parsed::good).collect();
        let rules = rules?;
        let newest = rules.iter().find_map(|rule| rule.newest())?;
        let names_version = |rule: &&&TagRule| holds_whole(&rule.template, VERSION, scope.names);
        let found = rules.iter().filter(|rule| rule.when.is_empty()).find(names_version);
        // If there is no version at all, that is reported elsewhere.
        if found.is_none() && scope.names.get(VERSION).is_some() {
            let message = "`when = \"newest\"` requires another tag with `{version}` that has no `when`";
            let problem =
                Problem::error("mlist::config::newest_without_version_tag", message).at(newest, "required here");
            let problem = problem.because("mlist finds the published versions by that tag");
            let conditional = rules.iter().find(names_version).map(|rule| &rule.template.text.span);
            let problem = match conditional {
                Some(span) => problem.at(span, "this tag has a condition, so not every version has it"),
                None => problem,
            };
            let help = match conditional {
                Some(_) => "remove `when` from that tag".to_owned(),
                None => format!("add the tag: tags = [\"{{{VERSION}}}\", …]"),
            };
            evaluator.problems.add_for(scope.list, problem.help(help));
        }
        found.map(|rule| &rule.template)
    }
}

impl NamedTag {
    /// The value of `{tag}`.
    pub(super) fn value(&self) -> Value {
        Value::new(self.tag.tag.as_str().to_owned(), self.instead.clone())
    }
}

/// Collects tags. A map finds each tag by its text, because a list can have as many tags as fit in a file.
#[derive(Default)]
struct Gathered {
    applying: Vec<NamedTag>,
    /// The index of each tag in `applying`.
    places: HashMap<Tag, usize>,
    why: Vec<String>,
    told: HashSet<String>,
}

impl Gathered {
    /// Adds a tag. Of equal tags, the position of the first counts. The tag always belongs to the list if one of them
    /// does. A second rule that gives the list the same tag only if it is the newest does not limit this.
    fn add(&mut self, new: NamedTag) {
        let Some(known) = self.places.get(&new.tag.tag).and_then(|&at| self.applying.get_mut(at)) else {
            self.places.insert(new.tag.tag.clone(), self.applying.len());
            self.applying.push(new);
            return;
        };
        if known.tag.newest.is_some() && new.tag.newest.is_none() {
            *known = new;
        }
    }

    fn leave_out(&mut self, why: String) {
        if self.told.insert(why.clone()) {
            self.why.push(why);
        }
    }
}

/// The tag, if the rule does not apply only because the version is a pre-release. A template that could report a problem
/// is not expanded, because a tag that does not apply has none.
fn held_back(rule: &TagRule, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Option<HeldBackTag> {
    let spans = rule.when.iter().map(|condition| match condition {
        Condition::Stable(span) | Condition::Newest(span) => Some(span),
        Condition::Fits { .. } => None,
    });
    let spans: Vec<&Span> = spans.collect::<Option<_>>()?;
    let is_safe = |placeholder: &Placeholder| {
        let is_axis = scope.axes.is_some_and(|axes| axes.iter().any(|(axis, _)| *axis == placeholder.name));
        placeholder.name == VERSION || is_axis && placeholder.part.is_none() && placeholder.filters.is_empty()
    };
    if !rule.template.template.placeholders().all(is_safe) {
        return None;
    }
    let scope = Scope { need: Need::Never, ..scope };
    let version = evaluator.named(VERSION, spans.first()?, scope).ok()?;
    if Version::parse(version.text())?.kind() != Kind::PreRelease {
        return None;
    }
    evaluator.charge(MemoryUse::Tags, 1, TAG).ok()?;
    let text = evaluator.partial(&rule.template, VERSION, scope).ok()?.with(version.text())?;
    Some(HeldBackTag { tag: Tag::parse(&text).ok()?, why: format!("{} is a pre-release", version.shown()) })
}

/// The tag, or why it does not apply.
fn named(
    rule: &TagRule,
    published_as: Option<&SpannedTemplate>,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<Result<NamedTag, String>, NoValue> {
    let template = &rule.template;
    if let ConditionResult::Fails(why) = when::holds(&rule.when, scope, evaluator)? {
        return Ok(Err(why));
    }
    evaluator.charge(MemoryUse::Tags, 1, TAG)?;
    let expanded = evaluator.warning_of_default(scope, |evaluator| evaluator.expand(template, scope))?;
    let tag = Tag::parse(expanded.text()).map_err(|error| {
        evaluator.problems.add_for(scope.list, bad_tag(template, &expanded, &error, scope.list));
        NoValue
    })?;
    let mut tag = TargetTag::always(tag, template.text.span.clone());
    let mut version = None;
    if let Some(span) = rule.newest() {
        let value = evaluator.warning_of_default(scope, |evaluator| evaluator.named(VERSION, span, scope))?;
        tag.newest = Some(Newest {
            version: Version::parse(value.text()).ok_or(NoValue)?,
            claim: evaluator.partial(template, VERSION, scope)?,
            published_as: evaluator.partial(published_as.ok_or(NoValue)?, VERSION, scope)?,
            rivals: Vec::new(),
        });
        version = Some(value.shown().to_owned());
    }
    Ok(Ok(NamedTag { tag, instead: expanded.into_value().instead().map(str::to_owned), version }))
}
