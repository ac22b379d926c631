//! The members of a list: the platform, source and other values of each row. `twice` reports members that cannot be
//! distinguished.

mod twice;

use super::policies::good;
use super::refused::{bad_reference, transport, unsupported_source};
use super::{TargetInstance, annotations, names};
use crate::config::expand::evaluate::{Evaluator, MemberNames, Need, NoValue, Scope};
use crate::config::expand::value::Value;
use crate::config::expand::when::{self, ConditionResult};
use crate::config::memory::MemoryUse;
use crate::config::model::{Member, Missing, OsVersion, OsVersionOf};
use crate::config::read::declared::{DeclaredOsVersion, Parsed, Row, SpannedTemplate};
use crate::naming::ArchStyle;
use crate::oci::{Platform, Reference};

/// The bytes that a member needs, without its texts.
const MEMBER: usize = 550;

/// The values for rows that do not set them.
struct MemberRules<'a> {
    style: ArchStyle,
    source: Option<&'a Parsed<SpannedTemplate>>,
    missing: Result<Missing, NoValue>,
}

/// A member, with its names for templates and problems.
pub(super) struct NamedMember {
    pub(super) member: Member,
    pub(super) names: MemberNames,
    /// The expanded template of its source.
    written: Value,
}

/// The rows whose conditions hold.
pub(super) struct DeclaredRows<'a> {
    pub(super) rows: Vec<&'a Row>,
    /// It is not known whether the conditions of some row hold.
    unknown: bool,
}

impl MemberRules<'_> {
    fn style_word(&self) -> &'static str {
        ArchStyle::names().iter().find(|word| ArchStyle::parse(word) == Some(self.style)).copied().unwrap_or_default()
    }
}

impl<'a> TargetInstance<'a> {
    /// The declared rows. The other rows cause no questions, and no problems are reported for them.
    pub(super) fn declared_rows(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<DeclaredRows<'a>, NoValue> {
        let rows = self.pick(|level| &level.platforms).and_then(Parsed::good).ok_or(NoValue)?;
        let scope = self.instance.scope(need);
        let mut declared = DeclaredRows { rows: Vec::new(), unknown: false };
        for row in rows {
            match when::holds(&row.when, scope, evaluator) {
                Ok(ConditionResult::Holds) => declared.rows.push(row),
                Ok(ConditionResult::Fails(_)) => {}
                Err(NoValue) => declared.unknown = true,
            }
        }
        Ok(declared)
    }

    /// One member for each declared row.
    pub(super) fn members(
        &self,
        DeclaredRows { rows: declared, unknown }: &DeclaredRows<'a>,
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<Vec<NamedMember>, NoValue> {
        evaluator.charge(MemoryUse::Members, declared.len(), declared.len() * MEMBER)?;
        let style = match self.pick(|level| &level.arch_style) {
            Some(style) => *style.good().ok_or(NoValue)?,
            None => ArchStyle::default(),
        };
        let source = self.pick(|level| &level.source);
        let rules = MemberRules { style, source, missing: self.policy(|level| &level.missing) };
        let found: Vec<_> = declared.iter().map(|row| self.member(row, &rules, need, evaluator)).collect();
        self.platforms_twice(declared, evaluator);
        let by_convention = declared.iter().zip(&found).filter(|(row, _)| row.source.is_none());
        let by_convention: Vec<&NamedMember> = by_convention.filter_map(|(_, found)| found.as_ref().ok()).collect();
        self.sources_twice(&by_convention, evaluator);
        let found = found.into_iter().collect::<Result<Vec<_>, NoValue>>()?;
        if *unknown { Err(NoValue) } else { Ok(found) }
    }

    fn member(
        &self,
        row: &Row,
        rules: &MemberRules<'_>,
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<NamedMember, NoValue> {
        let span = row.platform_text.span.clone();
        let names = MemberNames {
            os: row.platform.os.clone(),
            style: rules.style_word(),
            arch: row.arch.clone().or_else(|| rules.style.spell(&row.platform)),
            platform: row.platform_text.value.clone(),
            span: span.clone(),
        };
        let scope = Scope { member: Some(&names), ..self.instance.scope(need) };
        let annotations = annotations::joined([&row.annotations], scope, evaluator);
        let os_version = os_version(row, scope, evaluator);
        let template = row.source.as_ref().or(rules.source).and_then(Parsed::good).ok_or(NoValue)?;
        let (source, written) = reference(template, scope, evaluator)?;
        let missing = match good(row.missing.as_ref())? {
            Some(missing) => *missing,
            None => rules.missing?,
        };
        let member = Member {
            platform: platform(row)?,
            platform_span: span,
            arch: names.arch.clone(),
            source,
            source_span: template.text.span.clone(),
            missing,
            os_version: os_version?,
            annotations: annotations?,
            tags: Vec::new(),
        };
        Ok(NamedMember { member, names, written })
    }
}

/// The platform, with the OS version and OS features that the row sets for Windows.
fn platform(row: &Row) -> Result<Platform, NoValue> {
    let os_version = match good(row.os_version.as_ref())? {
        Some(DeclaredOsVersion::Literal(version)) => Some(version.clone()),
        Some(DeclaredOsVersion::Fits(_) | DeclaredOsVersion::Of { .. }) | None => None,
    };
    let os_features = good(row.os_features.as_ref())?.cloned().unwrap_or_default();
    Ok(Platform { os_version, os_features, ..row.platform.clone() })
}

fn os_version(row: &Row, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<OsVersion, NoValue> {
    Ok(match good(row.os_version.as_ref())? {
        None | Some(DeclaredOsVersion::Literal(_)) => OsVersion::AsDeclared,
        Some(DeclaredOsVersion::Fits(pattern)) => OsVersion::Fits(pattern.clone()),
        Some(DeclaredOsVersion::Of { from, build }) => {
            let (reference, _) = reference(from, scope, evaluator)?;
            OsVersion::Of(OsVersionOf { from: reference, span: from.text.span.clone(), build: build.clone() })
        }
    })
}

/// Expands a template to an image reference. Also returns the expanded template.
fn reference(
    template: &SpannedTemplate,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<(Reference, Value), NoValue> {
    let expanded = evaluator.expand(template, scope)?;
    if let Some(transport) = transport(&expanded) {
        evaluator.problems.add_for(scope.list, unsupported_source(template, transport));
        return Err(NoValue);
    }
    let found = Reference::parse(expanded.text()).map_err(|error| {
        let platform = scope.member.map_or("", |member| member.platform.as_str());
        let label = format!("{platform} of list `{}`", scope.list);
        evaluator.problems.add_for(scope.list, bad_reference(template, &expanded, &error, &label));
        NoValue
    })?;
    let found = found.under(evaluator.base_of(&template.text.span));
    names::follow(&found.place, &expanded, template, scope, evaluator)?;
    evaluator.note_host(&found.place, &expanded, template, scope);
    Ok((found, expanded.into_value()))
}
