//! The policies of a list, and settings that cannot be combined.

use super::{PublicationNames, TargetInstance};
use crate::config::expand::evaluate::{Evaluator, NoValue};
use crate::config::model::{Placed, Rules};
use crate::config::policy::{Format, Undeclared};
use crate::config::problem::{Problem, Span};
use crate::config::read::declared::{Level, Parsed, Row};
use crate::config::read::raw::Key;
use crate::naming::Globs;
use crate::oci::Place;

/// A feature that OCI lists have and Docker lists do not have.
struct OciFeature<'a> {
    what: &'static str,
    span: &'a Span,
}

impl<'a> TargetInstance<'a> {
    /// The policies of the whole list.
    pub(super) fn policies(&self) -> Result<Rules, NoValue> {
        let immutable = good(self.pick(|level| &level.immutable))?;
        Ok(Rules {
            wait: self.policy(|level| &level.wait)?,
            undeclared: self.undeclared()?.map_or_else(Undeclared::default, |placed| placed.value),
            mismatch: self.policy(|level| &level.mismatch)?,
            format: self.format()?.map_or_else(Format::default, |placed| placed.value),
            attestations: self.policy(|level| &level.attestations)?,
            // For globs in general, an empty set matches everything. For this key, it matches nothing.
            immutable: immutable.filter(|Placed { value, .. }: &&Placed<Globs>| !value.patterns().is_empty()).cloned(),
        })
    }

    /// The value of a key, or the built-in default if no level has the key.
    pub(super) fn policy<T: Copy + Default + 'a>(
        &self,
        key: impl Fn(&'a Level) -> &'a Option<Parsed<T>>,
    ) -> Result<T, NoValue> {
        Ok(good(self.pick(key))?.copied().unwrap_or_default())
    }

    pub(super) fn undeclared(&self) -> Result<Option<&'a Placed<Undeclared>>, NoValue> {
        good(self.pick(|level| &level.undeclared))
    }

    fn format(&self) -> Result<Option<&'a Placed<Format>>, NoValue> {
        good(self.pick(|level| &level.format))
    }

    pub(super) fn artifact_type(&self) -> Result<Option<String>, NoValue> {
        Ok(good(self.pick(|level| &level.artifact_type))?.map(|placed| placed.value.clone()))
    }

    /// `mlist::config::needs_oci`, once for everything that conflicts with `format = "docker"`. `names` and the
    /// declared `rows` are given as far as they are known.
    pub(super) fn needs_oci(&self, names: Option<&PublicationNames>, rows: &[&'a Row], evaluator: &mut Evaluator<'_>) {
        let Ok(Some(Placed { value: Format::Docker, span: format })) = self.format() else { return };
        let annotations = self.levels().flat_map(|level| &level.annotations);
        let of_rows = rows.iter().flat_map(|row| &row.annotations);
        let artifact_type = self.pick(|level| &level.artifact_type).and_then(Parsed::good);
        let layout = names.map(|names| &names.target).filter(|target| matches!(target.place, Place::Layout(_)));
        let first = |(key, _): &'a (Key, _)| OciFeature { what: "annotations", span: &key.span };
        let needs: Vec<OciFeature<'_>> = (annotations.map(first).take(1))
            .chain(of_rows.map(first).take(1))
            .chain(artifact_type.map(|placed| OciFeature { what: "artifact-type", span: &placed.span }))
            .chain(layout.map(|target| OciFeature { what: "a layout", span: &target.span }))
            .collect();
        let mut names: Vec<&str> = needs.iter().map(|need| need.what).collect();
        names.dedup();
        let verb = if matches!(names.as_slice(), ["artifact-type" | "a layout"]) { "requires" } else { "require" };
        let list = self.instance.id.shown();
        let message = format!("list `{list}` cannot have format = \"docker\": {} {verb} OCI", names.join(" and "));
        let problem = Problem::error("mlist::config::needs_oci", message);
        let problem = needs.iter().fold(problem, |problem, need| problem.at(need.span, "requires OCI"));
        if !needs.is_empty() {
            let help = "remove `format = \"docker\"`, or remove everything that requires OCI";
            evaluator.problems.add_for(list, problem.at(format, "Docker format is set here").help(help));
        }
    }
}

/// The value of a key, if the key is set. [`NoValue`] if the value is faulty.
pub(super) fn good<T>(parsed: Option<&Parsed<T>>) -> Result<Option<&T>, NoValue> {
    parsed.map(|parsed| parsed.good().ok_or(NoValue)).transpose()
}
