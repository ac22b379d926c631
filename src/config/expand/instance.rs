//! [`Instance`] and [`TargetInstance`]: one list of the file, one combination of its axes, one of its targets → what is
//! published where, by which names.
//!
//! | file | holds |
//! |---|---|
//! | `names` | the repository, and what a list is called in it |
//! | `tags` | the tags that apply |
//! | `members` | the members |
//! | `member_tags` | the tags that each member has by itself |
//! | `annotations` | those of the list, of all levels, and those of a row |
//! | `policies` | what holds for all of it, and what can't hold together |
//! | `refused` | what is said of a text that does not come to what it should |

mod annotations;
mod member_tags;
mod members;
mod names;
mod policies;
mod refused;
mod tags;

use super::evaluate::{Evaluator, Need, Scope, Stop};
use super::matrix::Combination;
use super::scope::ListScope;
use super::value::Value;
use crate::config::model::{LeftOut, Member, Publication};
use crate::config::read::declared::{Level, Parsed, Target};
use crate::naming::Template;

pub(super) use member_tags::MemberClaim;
pub(super) use names::Names;

/// A list with a value for each of its axes.
pub(super) struct Instance<'a> {
    pub(super) list: &'a ListScope<'a>,
    pub(super) id: Value,
    pub(super) axes: Combination<'a>,
    /// An axis has no value yet: it stands for lists that are not known.
    pub(super) open: bool,
}

/// An [`Instance`] for one of its targets: one publication.
pub(super) struct TargetInstance<'a> {
    pub(super) instance: &'a Instance<'a>,
    /// None where it is lacking or faulty, which was told: all else is looked at still.
    target: Option<&'a Target>,
}

/// A list in one repository, and what only problems and selectors need to know of it.
pub(super) struct Made {
    pub(super) product: Product,
    pub(super) names: Names,
    /// What its members are called by themselves, in the order of the members.
    pub(super) member_claims: Vec<MemberClaim>,
    /// What `{name}` stands for.
    pub(super) name: Value,
}

/// What a list in one repository comes to.
pub(super) enum Product {
    Publication(Box<Publication>),
    LeftOut(LeftOut),
}

impl Product {
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

    /// What `{name}` stands for.
    pub(super) fn name(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<Value, Stop> {
        evaluator.name(self.scope(need))
    }

    /// One for each of its targets, in the order of the file; at least one.
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
    /// The value of a key: the target's own, else that of the nearest level that has it.
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

    /// All of it. What can be told is told of every part, whatever became of the others.
    pub(super) fn publication(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<Made, Stop> {
        let name = self.instance.name(need, evaluator);
        let names = self.names(need, evaluator);
        let id = self.instance.id.text().to_owned();
        let left_out = names.as_ref().ok().and_then(|names| names.left_out(&id));
        // It needs nothing, but what is wrong with it is wrong on the day of its release too.
        let need = if left_out.is_some() { Need::Never } else { need };
        let rules = self.policies();
        let annotations = self.annotations(need, evaluator);
        let artifact_type = self.artifact_type();
        let rows = self.declared_rows(need, evaluator);
        let members = rows.as_ref().map_err(|_| Stop).and_then(|rows| self.members(rows, need, evaluator));
        self.needs_oci(names.as_ref().ok(), rows.as_ref().map_or(&[], |declared| &declared.rows), evaluator);
        if let Some(left_out) = left_out {
            let product = Product::LeftOut(left_out);
            return Ok(Made { product, names: names?, member_claims: Vec::new(), name: name? });
        }
        let (names, mut members, name) = (names?, members?, name?);
        let member_claims = self.tag_members(&names, &mut members, need, evaluator)?;
        let publication = Publication {
            id,
            entry: self.instance.list.entry.name.clone(),
            name: name.text().to_owned(),
            target: names.target.place.clone(),
            target_span: names.target.span.clone(),
            tags: names.tags().cloned().collect(),
            members: members.into_iter().map(|found| found.member).collect::<Vec<Member>>(),
            rules: rules?,
            annotations: annotations?,
            artifact_type: artifact_type?,
            member_tags: self.by_platform_alone(&names, need, evaluator)?,
        };
        Ok(Made { product: Product::Publication(Box::new(publication)), names, member_claims, name })
    }
}
