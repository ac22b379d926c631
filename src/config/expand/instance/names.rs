//! [`PublicationNames`]: where a list is published, and its names there.

use super::TargetInstance;
use super::refused::{bad_reference, transport};
use super::tags::{NamedTag, Tags};
use crate::config::expand::evaluate::{Evaluator, Need, NoValue, Scope};
use crate::config::expand::value::{Expanded, Value};
use crate::config::model::{HeldBackTag, LeftOut, TargetTag, UnmetTag};
use crate::config::problem::{Problem, Span};
use crate::config::read::declared::SpannedTemplate;
use crate::oci::Place;

/// Where a list is published, and by which tags.
pub(in crate::config::expand) struct PublicationNames {
    pub(super) target: ExpandedTarget,
    pub(super) tags: Tags,
}

/// The repository or layout where a list is published.
pub(super) struct ExpandedTarget {
    /// The expanded template.
    written: Value,
    pub(super) place: Place,
    pub(super) span: Span,
}

impl TargetInstance<'_> {
    /// The repository and the tags.
    pub(in crate::config::expand) fn names(
        &self,
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<PublicationNames, NoValue> {
        let scope = self.instance.scope(need);
        let repository = self.target.map_or(Err(NoValue), |target| repository(&target.repository, scope, evaluator));
        let tags = self.tags(scope, evaluator);
        Ok(PublicationNames { target: repository?, tags: tags? })
    }

    /// The repository as written and in canonical form. Selectors are matched against these.
    pub(in crate::config::expand) fn repository(
        &self,
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<[String; 2], NoValue> {
        let target = self.target.ok_or(NoValue)?;
        Ok(repository(&target.repository, self.instance.scope(need), evaluator)?.spellings())
    }

    /// Only the repository.
    pub(in crate::config::expand) fn place(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<Place, NoValue> {
        let target = self.target.ok_or(NoValue)?;
        Ok(repository(&target.repository, self.instance.scope(need), evaluator)?.place)
    }
}

impl PublicationNames {
    pub(in crate::config::expand) fn place(&self) -> &Place {
        &self.target.place
    }

    /// The [`LeftOut`] of the list `id`, if none of its tags applies.
    pub(super) fn left_out(&self, id: &str) -> Option<LeftOut> {
        let Tags { applying, why, span, .. } = &self.tags;
        applying.is_empty().then(|| LeftOut {
            id: id.to_owned(),
            target: self.target.place.clone(),
            why: why.join("; "),
            span: span.clone(),
        })
    }

    /// The tags, in the order of the file.
    pub(in crate::config::expand) fn tags(&self) -> impl Iterator<Item = &TargetTag> {
        self.tags.applying.iter().map(|named| &named.tag)
    }

    /// The floating tags that a pre-release does not get, except those that the list has by another rule.
    pub(super) fn held_back(&self) -> Vec<HeldBackTag> {
        let is_own = |held_back: &HeldBackTag| self.tags().any(|own| own.tag == held_back.tag);
        self.tags.held_back.iter().filter(|held_back| !is_own(held_back)).cloned().collect()
    }

    /// The tags whose conditions are not met.
    pub(super) fn unmet(&self) -> Vec<UnmetTag> {
        self.tags.unmet.clone()
    }

    /// The tags that always belong to the list, whatever else is published.
    pub(super) fn own_tags(&self) -> impl Iterator<Item = &NamedTag> {
        self.tags.applying.iter().filter(|named| named.tag.newest.is_none())
    }

    /// The version that claims the tag at index `at` with `newest`, as problems show it.
    pub(in crate::config::expand) fn version(&self, at: usize) -> &str {
        self.tags.applying.get(at).and_then(|named| named.version.as_deref()).unwrap_or_default()
    }

    /// The repository, and the repository with each tag, both as written and in canonical form. Selectors are matched
    /// against these.
    pub(in crate::config::expand) fn all(&self) -> Vec<String> {
        let tags = || self.tags.applying.iter().map(|named| &named.tag.tag);
        let with_tags = |place: String| {
            let tagged: Vec<String> = tags().map(|tag| format!("{place}:{tag}")).collect();
            [place].into_iter().chain(tagged)
        };
        self.target.spellings().into_iter().flat_map(with_tags).collect()
    }

    /// The number of tags.
    pub(in crate::config::expand) fn count(&self) -> usize {
        self.tags.applying.len()
    }

    /// The repository, as problems show it.
    pub(in crate::config::expand) fn repository(&self) -> String {
        self.target.shown()
    }

    /// The repository with its tag at index `at`, as problems show it.
    pub(in crate::config::expand) fn shown(&self, at: usize) -> String {
        let place = self.target.shown();
        let tag = self.tags.applying.get(at).map(|named| named.instead.as_deref().unwrap_or(named.tag.tag.as_str()));
        format!("{place}:{}", tag.unwrap_or_default())
    }
}

impl ExpandedTarget {
    /// As written and in canonical form.
    fn spellings(&self) -> [String; 2] {
        [self.written.text().to_owned(), self.place.to_string()]
    }

    /// The repository, as problems show it.
    pub(super) fn shown(&self) -> String {
        self.written.instead().map_or_else(|| self.place.to_string(), str::to_owned)
    }
}

fn repository(
    template: &SpannedTemplate,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<ExpandedTarget, NoValue> {
    let expanded = evaluator.expand(template, scope)?;
    if let Some(transport) = transport(&expanded) {
        let problem = Problem::error("mlist::config::bad_reference", format!("`{transport}` cannot be a target"))
            .at(&template.text.span, format!("used by list `{}`", scope.list))
            .help("to publish to a directory, write oci:DIR");
        evaluator.problems.add_for(scope.list, problem);
        return Err(NoValue);
    }
    let place = Place::parse(expanded.text()).map_err(|error| {
        evaluator
            .problems
            .add_for(scope.list, bad_reference(template, &expanded, &error, &format!("list `{}`", scope.list)));
        NoValue
    })?;
    let place = place.under(evaluator.base_of(&template.text.span));
    follow(&place, &expanded, template, scope, evaluator)?;
    evaluator.note_host(&place, &expanded, template, scope);
    Ok(ExpandedTarget { written: expanded.into_value(), place, span: template.text.span.clone() })
}

pub(super) fn follow(
    place: &Place,
    expanded: &Expanded,
    template: &SpannedTemplate,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<(), NoValue> {
    match place {
        Place::Layout(dir) if scope.need == Need::Must => {
            let shown = if expanded.is_hidden() { expanded.shown().to_owned() } else { place.to_string() };
            evaluator.follow(dir.path(), &shown, &template.text.span, scope)
        }
        _ => Ok(()),
    }
}
