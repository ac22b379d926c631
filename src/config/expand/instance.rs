//! [`Instance`] and [`TargetInstance`]: one list, one combination of its axes and one of its targets → what is
//! published, where, and by which tags.
//!
//! | file | holds |
//! |---|---|
//! | `names` | the repository, and the names of a list in it |
//! | `tags` | the tags that apply |
//! | `members` | the members |
//! | `member_tags` | the tags of each member |
//! | `annotations` | the annotations of the list, from all levels, and those of a row |
//! | `policies` | the policies of the whole list, and settings that cannot be combined |
//! | `refused` | problems of expanded texts that are not valid |

mod annotations;
mod member_tags;
mod members;
mod names;
mod policies;
mod refused;
mod tags;

use super::evaluate::{Evaluator, Need, NoValue, Scope};
use super::matrix::Combination;
use super::scope::ListScope;
use super::value::Value;
use crate::config::model::{LeftOut, Member, Publication};
use crate::config::read::declared::{Level, Parsed, Target};
use crate::naming::Template;

pub(super) use member_tags::MemberClaim;
pub(super) use names::PublicationNames;

/// A list with a value for each of its axes.
pub(super) struct Instance<'a> {
    pub(super) list: &'a ListScope<'a>,
    pub(super) id: Value,
    pub(super) axes: Combination<'a>,
    /// Some axis has no values yet, so this stands for lists that are not known yet.
    pub(super) open: bool,
}

/// An [`Instance`] for one of its targets. It becomes one publication.
pub(super) struct TargetInstance<'a> {
    pub(super) instance: &'a Instance<'a>,
    /// `None` if the target is missing or faulty, which is already reported. Everything else is still checked.
    target: Option<&'a Target>,
}

/// A list in one repository, with the details that only problems and selectors need.
pub(super) struct ExpandedInstance {
    pub(super) result: InstanceResult,
    pub(super) names: PublicationNames,
    /// The tags of its members, in the order of the members.
    pub(super) member_claims: Vec<MemberClaim>,
    /// The value of `{name}`.
    pub(super) name: Value,
}

/// The result for a list in one repository.
pub(super) enum InstanceResult {
    Publication(Box<Publication>),
    LeftOut(LeftOut),
}

impl InstanceResult {
    pub(super) fn publication(&self) -> Option<&Publication> {
        match self {
            Self::Publication(publication) => Some(publication),
            Self::LeftOut(_) => None,
        }
    }

    pub(super) fn publication_mut(&mut self) -> Option<&mut Publication> {
        match self {
            Self::Publication(publication) => Some(publication),
            Self::LeftOut(_) => None,
        }
    }
}

impl<'a> Instance<'a> {
    fn scope(&self, need: Need) -> Scope<'_> {
        Scope {
            names: &self.list.names,
            entry: &self.list.entry.name,
            list: self.id.shown(),
            axes: Some(&self.axes),
            member: None,
            tag: None,
            need,
        }
    }

    /// The value of `{name}`.
    pub(super) fn name(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<Value, NoValue> {
        evaluator.name(self.scope(need))
    }

    /// One for each of its targets, in the order of the file. There is always at least one.
    pub(super) fn target_instances(&'a self) -> Vec<TargetInstance<'a>> {
        let targets = self.list.pick(|level| &level.target).and_then(Parsed::good);
        let instances: Vec<TargetInstance<'_>> = targets
            .into_iter()
            .flatten()
            .map(|target| TargetInstance { instance: self, target: target.good() })
            .collect();
        if instances.is_empty() { vec![TargetInstance { instance: self, target: None }] } else { instances }
    }
}

impl<'a> TargetInstance<'a> {
    /// The value of a key, from the target itself or from the nearest level that has the key.
    fn pick<T>(&self, key: impl Fn(&'a Level) -> &'a Option<Parsed<T>>) -> Option<&'a Parsed<T>> {
        let own = self.target.and_then(|target| key(&target.level).as_ref());
        own.or_else(|| self.instance.list.pick(key))
    }

    /// Its levels, nearest first.
    fn levels(&self) -> impl Iterator<Item = &'a Level> {
        self.target.map(|target| &target.level).into_iter().chain(self.instance.list.levels())
    }

    /// The template of the repository.
    pub(super) fn target_template(&self) -> Option<&Template> {
        self.target.map(|target| &target.repository.template)
    }

    /// Expands all parts. Problems of each part are reported, even if other parts fail.
    pub(super) fn publication(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<ExpandedInstance, NoValue> {
        let name = self.instance.name(need, evaluator);
        let names = self.names(need, evaluator);
        let id = self.instance.id.text().to_owned();
        // The sources of a list that is left out can be invalid, because the values that they use can be empty then.
        if let Some(left_out) = names.as_ref().ok().and_then(|names| names.left_out(&id)) {
            let result = InstanceResult::LeftOut(left_out);
            return Ok(ExpandedInstance { result, names: names?, member_claims: Vec::new(), name: name? });
        }
        let rules = self.policies();
        let annotations = self.annotations(need, evaluator);
        let artifact_type = self.artifact_type();
        let rows = self.declared_rows(need, evaluator);
        let members = rows.as_ref().map_err(|_| NoValue).and_then(|rows| self.members(rows, need, evaluator));
        self.needs_oci(names.as_ref().ok(), rows.as_ref().map_or(&[], |declared| &declared.rows), evaluator);
        let (names, mut members, name) = (names?, members?, name?);
        let member_claims = self.tag_members(&names, &mut members, need, evaluator)?;
        let member_tags = self.findable_member_tags(&names, &members, need, evaluator)?;
        let publication = Publication {
            id,
            entry: self.instance.list.entry.name.clone(),
            name: name.text().to_owned(),
            target: names.target.place.clone(),
            target_span: names.target.span.clone(),
            tags: names.tags().cloned().collect(),
            held_back: names.held_back(),
            unmet: names.unmet(),
            members: members.into_iter().map(|found| found.member).collect::<Vec<Member>>(),
            rules: rules?,
            annotations: annotations?,
            artifact_type: artifact_type?,
            member_tags,
        };
        Ok(ExpandedInstance { result: InstanceResult::Publication(Box::new(publication)), names, member_claims, name })
    }
}
